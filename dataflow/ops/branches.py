"""Choices by a value that is known at run time: `cond` and `switch`, and their op.

A node holds one body for each branch; all read the same operands and give results of the same
specs. The plan runs the one that the index names. They share one arena, so that it has the size of
the largest, not of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.bodies import beside, cost_of, evaluated, inlined, inlined_batch, spread, traced
from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.operation import Absent, Arrays, Bind, Call, Cost, Op, Sample, Specs, register
from dataflow.ops.bodied import no_kernel
from dataflow.ops.body_rules import batch_bodies, jvp_bodies, vjp_bodies
from dataflow.ops.functions import drafted_functions
from dataflow.source import user_line
from dataflow.tensor import Tensor
from dataflow.trees import leaves_of, rebuilt

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application, Array

__all__ = ["cond", "switch"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    bodies = attrs.bodies()
    if not specs or not bodies or specs[0].shape or specs[0].dtype != np.int64:
        msg = f"takes an int64 scalar, operands and at least one body, not {specs[:1]}, {bodies}"
        raise DTypeError(msg)
    for index, body in enumerate(bodies):
        if body.input_specs != specs[1:]:
            msg = f"branch {index} takes {_texts(body.input_specs)}, not {_texts(specs[1:])}"
            raise ShapeError(msg)
        if body.output_specs != bodies[0].output_specs:
            msg = (f"branch {index} gives {_texts(body.output_specs)}, branch 0 "
                   f"{_texts(bodies[0].output_specs)}")  # fmt: skip
            raise ShapeError(msg)
    return bodies[0].output_specs


def _texts(specs: Specs) -> str:
    return f"({', '.join(map(str, specs))})"


def _control(
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, binds: Sequence[Bind]
) -> list[Call]:
    index, *operands = ins
    return [(_run, (index, [bind(operands, outs)[0] for bind in binds]))]


def _run(index: Array, programs: Sequence[Sequence[Call]]) -> None:
    for kernel, args in programs[_chosen(index, len(programs))]:
        kernel(*args)


def _chosen(index: Array, count: int) -> int:
    """Return the branch that an index names; one out of range names the first or the last."""
    return min(max(int(index), 0), count - 1)


def _reference(index: Array, *operands: Array, attrs: Attrs) -> tuple[Array, ...]:
    bodies: Any = attrs.bodies()
    return tuple(evaluated(bodies[_chosen(index, len(bodies))], operands))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Batch each branch; where examples choose for themselves, compute all and select."""
    if not batched[0]:
        return batch_bodies(application, inputs, batched, size)
    index, *operands = inputs
    bodies: Any = application.attrs.bodies()
    every = [_all_examples(body, operands, batched[1:], size) for body in bodies]
    made = every[-1]
    for place in reversed(range(len(bodies) - 1)):
        made = [
            call_function("where", beside(index <= place, tensor), other, tensor)
            for other, tensor in zip(every[place], made, strict=True)
        ]
    return made


def _all_examples(
    body: Any, operands: Sequence[Tensor], flags: Sequence[bool], size: int | Dim  # noqa: ANN401
) -> list[Tensor]:  # fmt: skip
    if any(flags):
        return inlined_batch(body, operands, flags, size)
    return [spread(tensor, size) for tensor in inlined(body, operands)]


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return the cost of the dearest branch."""
    bodies: Any = attrs.bodies()
    costs = [cost_of(body) for body in bodies]
    most = max(cost.bytes for cost in costs)
    return Cost(max(cost.flops for cost in costs), most + traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Two and three branches, each of them chosen, and indices out of range."""
    from dataflow.builder import GraphBuilder
    from dataflow.spec import Spec

    def of(index: int, *operands: Array) -> Sample:
        specs = [Spec.like(array) for array in operands]
        steps = (
            lambda x, y: [x * y, y],
            lambda x, y: [call_function("sin", x) + y, x * 2],
            lambda x, y: [x, y * y],
        )
        bodies = tuple(
            traced(GraphBuilder(), specs, lambda tensors, step=step: step(*tensors))  # type: ignore[misc]
            for step in steps
        )
        return Sample((np.asarray(index), *operands), Attrs(bodies=bodies))

    x, y = rng.normal(size=(2, 3))
    single = x.astype(np.float32), y.astype(np.float32)
    return [
        *(of(index, x, y) for index in (-1, 0, 1, 2, 7)),
        of(1, x[0, None][0], y[0, None][0]),
        of(1, x[:0], y[:0]),
        of(2, *single),
    ]


SWITCH = register(Op(
    name="switch", label="Switch", infer=_infer, kernel=no_kernel, control=_control,
    reference=_reference, vjp=vjp_bodies, jvp=jvp_bodies, batch=_batch,
    tiling=Absent("a branch may mix what its operands hold"), cost=_cost, samples=_samples,
    fallible=True, ulps=Absent("as many roundings as a branch has"),
))  # fmt: skip


@public()
def cond(
    pred: Tensor, true_function: Callable[..., Any], false_function: Callable[..., Any],
    *operands: Any,  # noqa: ANN401 - trees
) -> Any:  # fmt: skip  # noqa: ANN401 - in the form of what the functions return
    """Compute one of two branches, by a truth value that is known when the plan runs.

    Parameters
    ----------
    pred : Tensor
        A bool scalar.
    true_function, false_function : callable
        Of `operands`; each is called once, with tensors, and may use other tensors of the builder.
        What they declare is computed only where the branch is taken.
    *operands : tensor, or a tuple, list or dictionary of tensors
        What the functions are called with.

    Returns
    -------
    tensor, or a tuple, list or dictionary of tensors
        In the form of what the functions return. Both must return the same form, shapes and dtypes.

    Raises
    ------
    ShapeError, DTypeError
        `pred` is no bool scalar, or the branches' results differ in shape or dtype.
    GraphError
        They differ in form, or a variable's update stands in a branch.

    Notes
    -----
    Under `vmap`, where each example chooses for itself, both branches are computed for all.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(-2.0)
    >>> df.evaluate(df.cond(x > 0, lambda: x, lambda: -x))
    array(2., dtype=float32)
    """
    if not isinstance(pred, Tensor) or pred.shape or pred.dtype != np.bool_:
        msg = f"df.cond ({user_line()}): the condition is a bool scalar, not {pred!r}"
        raise DTypeError(msg)
    index = call_function("astype", pred, "int64")
    return _chosen_results("df.cond", index, (false_function, true_function), operands)


@public()
def switch(index: Tensor, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:  # noqa: ANN401
    """Compute one of several branches, by an index that is known when the plan runs.

    Parameters
    ----------
    index : Tensor
        An integer scalar; below 0 it names the first branch, beyond the end the last.
    branches : sequence of callable
        As `cond` has them.
    *operands : tensor, or a tuple, list or dictionary of tensors
        What the functions are called with.

    Returns
    -------
    tensor, or a tuple, list or dictionary of tensors
        In the form of what the functions return.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        As `cond`; or there is no branch.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(3.0)
    >>> df.evaluate(df.switch(x.astype("int64") - 2, [df.negative, df.square, df.sqrt], x))
    array(9., dtype=float32)
    """
    if not isinstance(index, Tensor) or index.shape or index.dtype.kind not in "iu":
        msg = f"df.switch ({user_line()}): the index is an integer scalar, not {index!r}"
        raise DTypeError(msg)
    if not branches:
        msg = f"df.switch ({user_line()}): there is no branch to choose"
        raise GraphError(msg)
    wide = call_function("astype", index, "int64")
    return _chosen_results("df.switch", wide, branches, operands)


def _chosen_results(
    what: str, index: Tensor, branches: Sequence[Callable[..., Any]], operands: tuple[Any, ...]
) -> Any:  # noqa: ANN401 - in the form of what the functions return
    builder: Any = builder_for(what, None, index, *leaves_of(operands))
    drafted = drafted_functions(what, builder, branches, operands)
    outputs = builder.apply(SWITCH, [index, *drafted.operands], Attrs(bodies=drafted.bodies))
    return rebuilt(drafted.form, list(outputs))
