"""The reference executor: every value in a fresh array, in program order. The oracle of the rest.

No arena, no reuse, no in-place, no passes: what it computes depends on the graph and the kernels
alone. Replayed plans are compared with it bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dims import Dim
from dataflow.errors import FeedError, GraphError, KernelError
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.tensor import Tensor, builder_of
from dataflow.values import array_of
from scheduler.environment import kernel_context
from scheduler.program import Item, Program, lower

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.graph import Graph
    from dataflow.operation import Arrays, Call

__all__ = ["compute", "evaluate", "initial_values", "run_reference", "sizes_from"]


def evaluate(
    *tensors: Tensor, feeds: Mapping[str, ArrayLike] | None = None, **named: ArrayLike
) -> Any:  # noqa: ANN401 - an array for one tensor, a tuple for several
    """Compute tensors while the graph is being built, without compiling.

    Parameters
    ----------
    *tensors : Tensor
        Of one builder.
    feeds : mapping of str to array_like
        The inputs that they depend on; named dimensions are read off these.
    **named : array_like
        More feeds, by name.

    Returns
    -------
    numpy.ndarray or tuple of numpy.ndarray
        Fresh arrays. Variables have their initial values.

    Raises
    ------
    FeedError
        A feed is missing, unknown, or of another shape or dtype than the input.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("n",))
    >>> df.evaluate(x * 2, x=[1.0, 2.0])
    array([2., 4.], dtype=float32)
    """
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            msg = f"evaluate ({user_line()}) takes tensors, not {type(tensor).__name__}"
            raise GraphError(msg)
    if feeds is not None and not isinstance(feeds, Mapping):
        msg = (f"evaluate ({user_line()}) takes feeds as arrays by name, not "
                   f"{type(feeds).__name__}")  # fmt: skip
        raise FeedError(msg)
    builder: Any = builder_of(*tensors)
    graph = builder.build({str(i): tensor for i, tensor in enumerate(tensors)})
    given = {**(feeds or {}), **named}
    results, _ = run_reference(graph, given)
    arrays = tuple(results[str(i)] for i in range(len(tensors)))
    return arrays[0] if len(arrays) == 1 else arrays


def run_reference(
    graph: Graph, feeds: Mapping[str, ArrayLike], state: Mapping[str, np.ndarray] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Run a graph once; return its outputs and its variables' values after the run."""
    updates = {name: v.update for name, v in graph.variables.items() if v.update is not None}
    unknown = sorted(set(feeds) - set(graph.inputs))
    if unknown:
        msg = f"graph {graph.name!r} has no input {unknown[0]!r}; its inputs: {list(graph.inputs)}"
        raise FeedError(msg)
    arrays = {name: _as_fed(graph, name, value) for name, value in feeds.items()}
    sizes = sizes_from(graph, arrays)
    program = lower(graph, sizes, graph.outputs, updates)
    before = dict(state) if state is not None else initial_values(graph, sizes)
    known = dict(program.constants)
    for name, value in program.inputs.items():
        if name not in arrays:
            msg = f"input {name!r} ({program.specs[value]}) is not fed"
            raise FeedError(msg)
        if Spec.like(arrays[name]) != program.specs[value]:
            msg = f"input {name!r} is {program.specs[value]}, the feed {Spec.like(arrays[name])}"
            raise FeedError(msg)
        known[value] = arrays[name]
    known.update({value: before[name] for name, value in program.variables.items()})
    compute(program, known)
    outputs = {name: known[value].copy() for name, value in program.outputs.items()}
    after = {name: known[value].copy() for name, value in program.updates.items()}
    return outputs, {**before, **after}


def initial_values(graph: Graph, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Compute the first value of every variable."""
    initials = {name: variable.initial for name, variable in graph.variables.items()}
    program = lower(graph, sizes, initials, {})
    known = dict(program.constants)
    compute(program, known)
    return {name: known[value].copy() for name, value in program.outputs.items()}


def compute(program: Program, known: dict[int, np.ndarray]) -> None:
    """Compute every item into a fresh array, adding to `known`."""
    kernel_context().run(_compute, program, known)


def _compute(program: Program, known: dict[int, np.ndarray]) -> None:
    for item in program.items:
        arrays = [known[value] for value in item.inputs]
        specs = [program.specs[value] for value in item.outputs]
        known.update(zip(item.outputs, run_item(item, arrays, specs), strict=True))


def run_item(item: Item, arrays: Arrays, specs: list[Spec]) -> list[np.ndarray]:
    """Compute one item: a view where its op allows one, else its kernel into fresh arrays."""
    alias = item.op.alias
    if alias is not None:
        try:
            return [alias.view(arrays[alias.slot], specs[0], item.attrs)]
        except ValueError:
            pass  # these strides allow no view: the kernel copies
    outs = [np.empty(spec.static_shape, spec.dtype) for spec in specs]
    workspace = item.op.workspace(tuple(map(Spec.like, arrays)), item.attrs)
    scratch = [np.empty(spec.static_shape, spec.dtype) for spec in workspace.scratch]
    try:
        for function, args in calls_of(item, outs, arrays, scratch):
            function(*args)
    except (ArithmeticError, LookupError, ValueError, KernelError) as error:
        msg = f"{item.where()} failed on its data: {error}"
        raise KernelError(msg) from error
    return outs


def calls_of(item: Item, outs: Arrays, ins: Arrays, scratch: Arrays) -> Sequence[Call]:
    """Return an item's calls; the bodies of control flow are computed like all else here."""
    if item.op.control is None:
        return item.op.kernel(outs, ins, scratch, item.attrs)
    binds = [partial(_bind_body, body) for body in item.attrs.bodies()]
    return item.op.control(outs, ins, scratch, item.attrs, binds)


def _bind_body(
    body: Any, inputs: Arrays, outputs: Sequence[np.ndarray | None]  # noqa: ANN401 - a graph
) -> tuple[list[Call], Arrays]:  # fmt: skip
    """Bind a body to arrays; see `dataflow.operation.Bind`."""
    program = lower(body, {}, body.outputs, {}, keeps_inputs=True)
    made = [np.empty(spec.static_shape, spec.dtype) if array is None else array
            for spec, array in zip(body.output_specs, outputs, strict=True)]  # fmt: skip

    def run() -> None:
        known = dict(program.constants)
        known.update(zip(program.inputs.values(), inputs, strict=True))
        _compute(program, known)
        for array, value in zip(made, program.outputs.values(), strict=True):
            array[...] = known[value]

    return [(run, ())], made


def sizes_from(graph: Graph, feeds: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Read the sizes of named dimensions off the feeds' shapes.

    Raises
    ------
    FeedError
        Two feeds disagree.
    """
    sizes: dict[str, tuple[int, str]] = {}
    for name, array in feeds.items():
        spec: Spec = graph.dag.nodes[name]["specs"][0]
        if len(spec.shape) != array.ndim:
            msg = f"input {name!r} is {spec}, the feed {Spec.like(array)}"
            raise FeedError(msg)
        for dim, size in zip(spec.shape, array.shape, strict=True):
            if isinstance(dim, Dim) and dim.names() == {str(dim)}:
                known, where = sizes.setdefault(str(dim), (size, name))
                if known != size:
                    msg = (f"input {name!r} says that {dim} is {size}, "
                           f"input {where!r} that it is {known}")  # fmt: skip
                    raise FeedError(msg)
    return {name: size for name, (size, _) in sizes.items()}


def _as_fed(graph: Graph, name: str, value: ArrayLike) -> np.ndarray:
    spec: Spec = graph.dag.nodes[name]["specs"][0]
    try:
        array = array_of(value)
        is_array = isinstance(value, (np.ndarray, np.generic))
        return array if is_array else np.asarray(value, spec.dtype)
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"input {name!r} is {spec}, and its feed no such array: {error}"
        raise FeedError(msg) from None
