"""`GraphBuilder`: declares a computation node by node in a growing networkx DAG.

The builder is the graph while it can still change, so that sweeps are written once: they add
nodes through `GraphBuilder.apply` like everyone else. `GraphBuilder.build` freezes the DAG.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import networkx as nx
import numpy as np

import dataflow.sweeps  # noqa: F401 - enters `backward` among the functions of tensors
from dataflow.attrs import Attrs
from dataflow.bfloat16 import through_float32
from dataflow.creating import Creation
from dataflow.current import within
from dataflow.dims import Dim, DimLike, as_dim, product
from dataflow.dispatch import FUNCTIONS, load_family
from dataflow.errors import DTypeError, GraphError, NameTakenError, ShapeError
from dataflow.graph import Graph, Ref, Variable
from dataflow.op import Application, Op
from dataflow.registry import get_op
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype, is_bfloat16
from dataflow.tensor import Tensor
from dataflow.values import check_grad, declared_spec, locked_copy

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from numpy.typing import ArrayLike

    TensorOrArray: TypeAlias = Tensor | ArrayLike

__all__ = ["GraphBuilder"]

load_family("*")  # the operators and methods of tensors look their functions up by name


class _Context(NamedTuple):
    """What nodes declared now belong to."""

    sweep: str = "forward"
    forward: str = ""
    rule: str = ""
    source: str = ""  # empty: the line of the user's code that is running


class GraphBuilder(Creation):
    """Declares a graph.

    Parameters
    ----------
    name : str
        The graph's name.
    seed : int
        What every random draw of this graph derives its key from.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("line")
    >>> x = b.input("x", shape=("batch",), dtype="float32")
    >>> y = 2 * x + 1
    >>> b.build(outputs={"y": y}).spec(df.Ref(y.node, 0))
    Spec('float32[batch]')
    """

    def __init__(self, name: str = "graph", *, seed: int = 0) -> None:
        self.name = name
        self.seed = seed
        self._dag: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._applications: dict[str, Application] = {}
        self._positions: dict[str, int] = {}
        self._inputs: list[str] = []
        self._constants: dict[str, np.ndarray] = {}
        self._initials: dict[str, Tensor] = {}
        self._training: Tensor | None = None
        self._updates: dict[str, Tensor] = {}
        self._grads: dict[Tensor, Tensor] = {}
        self._counters: dict[str, int] = {}
        self._scopes: list[str] = []
        self._context = _Context()
        self._no_grad = False
        self._draws = 0
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Self:
        """Let creation functions declare in this graph, within the ``with`` block."""
        self._entered.append(within(self))
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._entered.pop().__exit__(None, None, None)

    # Leaves

    def input(
        self, name: str, shape: int | str | Sequence[DimLike] = (), dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Declare an input, fed at every run.

        Parameters
        ----------
        name : str
            The name under which it is fed.
        shape : sequence of int, str or Dim
            Sizes, and names or expressions of dimensions that `compile` binds.
        dtype : dtype
            Its dtype.
        requires_grad : bool
            Whether ``backward()`` sets its ``grad``.

        Returns
        -------
        Tensor
            A leaf.

        Raises
        ------
        NameTakenError
            The graph has a node of this name.
        ShapeError, DTypeError
            The shape or the dtype is none, or a gradient is asked of an integer.
        """
        node = self._claim(name, "input")
        spec = declared_spec(f"input {name!r}", shape, dtype)
        tensor = self._leaf("input", spec, node, requires_grad=requires_grad)
        self._inputs.append(tensor.node)
        return tensor

    def constant(
        self, value: ArrayLike, *, dtype: object = None, name: str = "",
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Declare a constant; the value is copied and locked.

        Parameters
        ----------
        value : array_like
            Any shape. Arrays keep their dtype; Python's floats become float32, complex numbers
            complex64, ints int64.
        dtype : dtype, optional
            Its dtype, if not the value's own.
        name : str
            The node's name; made up if empty.
        requires_grad : bool
            Whether ``backward()`` sets its ``grad``.

        Returns
        -------
        Tensor
            A leaf.
        """
        array = locked_copy(value, dtype)
        node = self._claim(name, "constant") if name else self._unique("constant")
        tensor = self._leaf("constant", Spec.like(array), node, requires_grad=requires_grad)
        self._constants[node] = array
        return tensor

    def known(self, tensor: Tensor) -> np.ndarray | None:
        """Return the values of a constant, which can't be written to; None of any other tensor."""
        return self._constants.get(tensor.node)

    def variable(
        self, name: str, initial: TensorOrArray, *, requires_grad: bool | None = None
    ) -> Tensor:
        """Declare a variable: state that outlives a run, changed by `update`.

        Parameters
        ----------
        name : str
            The name under which a `State` holds it.
        initial : tensor or array
            The first value: an array, or a tensor that depends on no input and no variable
            (zeros, a keyed draw), so that its values needn't be stored.
        requires_grad : bool, optional
            Whether ``backward()`` sets its ``grad``; by default if its dtype is floating point.

        Returns
        -------
        Tensor
            A leaf: the value before the run, wherever it is read.
        """
        first = initial if isinstance(initial, Tensor) else self.constant(initial)
        if first.builder is not self:
            msg = f"variable {name!r}: its initial value belongs to another builder"
            raise GraphError(msg)
        needs = first.spec.is_float if requires_grad is None else requires_grad
        node = self._claim(name, "variable")
        check_grad(f"variable {node!r}", first.spec, requires_grad=needs)
        self._mark_initial(node, first)
        tensor = self._leaf("variable", first.spec, node, requires_grad=needs)
        self._initials[node] = first
        return tensor

    @property
    def training(self) -> Tensor:
        """Whether variables are updated, as a bool scalar that each plan knows when it is compiled.

        True in a plan with updates, False in one that was compiled with ``updates=False``, or that
        has nothing to update. What a choice by it doesn't take costs the plan nothing.
        """
        if self._training is None:
            node = self._unique("training")
            spec = Spec((), np.dtype(np.bool_))
            self._training = self._leaf("training", spec, node, requires_grad=False)
        return self._training

    @property
    def variables(self) -> tuple[Tensor, ...]:
        """The variables, in the order of their declaration."""
        return tuple(self._applications[name].outputs[0] for name in self._initials)

    def update(self, variable: Tensor, value: TensorOrArray) -> None:
        """Set what a variable becomes when a run is over.

        Raises
        ------
        GraphError
            The tensor is no variable of this builder, or has an update already.
        ShapeError, DTypeError
            The value has another shape or dtype.
        """
        if (not isinstance(variable, Tensor) or variable.builder is not self
                or variable.node not in self._initials):  # fmt: skip
            msg = (f"update ({user_line()}): {variable!r} is no variable of graph {self.name!r}: "
                   "only variables are updated")  # fmt: skip
            raise GraphError(msg)
        name = variable.node
        if name in self._updates:
            msg = f"variable {name!r} has an update already: a graph has one value after the run"
            raise GraphError(msg)
        new = value if isinstance(value, Tensor) else self.constant(value, dtype=variable.dtype)
        if new.builder is not self:
            msg = f"variable {name!r}: its update belongs to another builder"
            raise GraphError(msg)
        if new.shape != variable.shape:
            msg = f"variable {name!r} is {variable.spec}, its update {new.node!r} is {new.spec}"
            raise ShapeError(msg)
        if new.dtype != variable.dtype:
            msg = (f"variable {name!r} is {variable.spec}, its update {new.node!r} is {new.spec}: "
                   f"use .astype({str(variable.dtype)!r})")  # fmt: skip
            raise DTypeError(msg)
        self._updates[name] = new

    def dim(self, text: DimLike) -> int | Dim:
        """Return a dimension by name or expression, to calculate with.

        Examples
        --------
        >>> GraphBuilder().dim("batch") * 2
        Dim('2*batch')
        """
        return as_dim(text)

    def size_of(self, dims: Sequence[int | Dim], dtype: object) -> Tensor:
        """Return the product of dimensions as a scalar tensor, a constant once they are bound."""
        attrs = Attrs(dtype=as_dtype(dtype).name, dims=(product(dims),))
        return self.apply(get_op("size"), (), attrs)[0]

    # Draws

    def rand(
        self, shape: int | str | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return uniform draws from [0, 1): the same numbers at every replay.

        Element i is a function of (key, i), and the key one of the builder's seed and of how many
        draws were declared before.
        """
        return self._draw("rand", shape, dtype, requires_grad=requires_grad)

    def randn(
        self, shape: int | str | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return standard normal draws: the same numbers at every replay; see `rand`."""
        return self._draw("randn", shape, dtype, requires_grad=requires_grad)

    def _draw(
        self, op: str, shape: int | str | Sequence[DimLike], dtype: object, *, requires_grad: bool
    ) -> Tensor:
        spec = declared_spec(op, shape, dtype)
        key = np.random.SeedSequence((self.seed, self._draws)).generate_state(1, np.uint64)[0]
        attrs = Attrs(dtype=spec.dtype.name, shape=spec.shape, first=0)
        tensor = self.apply(get_op(op), (self.constant(key),), attrs)[0]
        tensor.requires_grad = requires_grad
        self._draws += 1
        return tensor

    # Gradients

    @contextmanager
    def no_grad(self) -> Iterator[None]:
        """Make nodes that no gradient passes through, within the ``with`` block."""
        before, self._no_grad = self._no_grad, True
        try:
            yield
        finally:
            self._no_grad = before

    @contextmanager
    def recording(
        self, sweep: str, forward: str = "", rule: str = "", source: str = ""
    ) -> Iterator[None]:
        """Mark the nodes made within the ``with`` block with the sweep and rule they come from."""
        before, self._context = self._context, _Context(sweep, forward, rule, source)
        try:
            yield
        finally:
            self._context = before

    def scope(self, name: str) -> AbstractContextManager[str]:
        """Put the names of variables declared within the ``with`` block under ``name.``.

        A name used before at this level gets a number. Yields the whole name, such as
        ``encoder.3.attention``.

        Raises
        ------
        GraphError
            The name is empty, or no text.
        """
        if not isinstance(name, str) or not name:
            msg = f"scope ({user_line()}): its name is a text that isn't empty, not {name!r}"
            raise GraphError(msg)
        return self._within(name)

    @contextmanager
    def _within(self, name: str) -> Iterator[str]:
        self._scopes.append(self._free_scope(name))
        try:
            yield ".".join(self._scopes)
        finally:
            self._scopes.pop()

    def _free_scope(self, name: str) -> str:
        """Return a name that no scope at this level has had, with a number if need be."""
        level = "scope " + "".join(f"{scope}." for scope in self._scopes)
        free = name
        while level + free in self._counters:
            count = self._counters[level + name]
            self._counters[level + name] = count + 1
            free = f"{name}_{count}"
        self._counters[level + free] = 1
        return free

    def gradient(self, tensor: Tensor) -> Tensor | None:
        """Return what ``backward()`` has added up for a tensor; None before the first."""
        return self._grads.get(tensor)

    def accumulate(self, tensor: Tensor, gradient: Tensor) -> None:
        """Add to a tensor's gradient."""
        before = self._grads.get(tensor)
        self._grads[tensor] = gradient if before is None else before + gradient

    def application(self, node: str) -> Application:
        """Return a node as derivative rules see it."""
        return self._applications[node]

    def source_of(self, node: str) -> str:
        """Return the user's line that declared a node."""
        return str(self._dag.nodes[node]["source"])

    def blocks_gradient(self, node: str) -> bool:
        """Say whether a node was declared in ``no_grad()``."""
        return bool(self._dag.nodes[node]["no_grad"])

    def position(self, node: str) -> int:
        """Return a node's place in the order of declaration."""
        return self._positions[node]

    # Nodes

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        """Declare a node and return its outputs.

        Parameters
        ----------
        op : Op
            The operation.
        inputs : sequence of Tensor
            Its arguments, of this builder.
        attrs : Attrs
            Its static parameters.

        Raises
        ------
        GraphError
            An input belongs to another builder.
        ShapeError, DTypeError
            The op can't take these inputs; the message names the node and the user's line.
        """
        for slot, tensor in enumerate(inputs):
            if tensor.builder is not self:
                msg = f"op {op.name!r}, slot {slot}: {tensor.node!r} belongs to another builder"
                raise GraphError(msg)
        if not op.moves and any(is_bfloat16(tensor.spec.dtype) for tensor in inputs):
            return through_float32(lambda wide: self.apply(op, wide, attrs), FUNCTIONS["astype"],
                                   inputs)  # fmt: skip
        return self._add(op, tuple(inputs), attrs, self._unique(op.name))

    def _add(
        self, op: Op, inputs: tuple[Tensor, ...], attrs: Attrs, name: str
    ) -> tuple[Tensor, ...]:
        context = self._context
        source = context.source or user_line()
        try:
            specs = op.infer(tuple(tensor.spec for tensor in inputs), attrs)
        except GraphError as error:
            given = ", ".join(f"{t.node} {t.spec}" for t in inputs)
            msg = f"node {name!r} (op {op.name!r}, {source}) of ({given}): {error}"
            raise type(error)(msg) from None
        self._dag.add_node(
            name, op=op.name, op_version=op.version, attrs=attrs, specs=specs, source=source,
            sweep=context.sweep, forward=context.forward, rule=context.rule,
            no_grad=self._no_grad,
        )  # fmt: skip
        for slot, tensor in enumerate(inputs):
            self._dag.add_edge(tensor.node, name, key=slot, output=tensor.output)
        requires = not self._no_grad and any(t.requires_grad for t in inputs)
        outputs = tuple(
            Tensor(self, name, i, spec, op, is_leaf=not (requires and spec.is_float),
                   requires_grad=requires and spec.is_float)
            for i, spec in enumerate(specs)
        )  # fmt: skip
        self._applications[name] = Application(op, attrs, inputs, outputs)
        self._positions[name] = len(self._positions)
        return outputs

    def _leaf(self, op: str, spec: Spec, name: str, *, requires_grad: bool) -> Tensor:
        check_grad(f"{op} {name!r}", spec, requires_grad=requires_grad)
        attrs = Attrs(dtype=spec.dtype.name, shape=spec.shape)
        tensor = self._add(get_op(op), (), attrs, name)[0]
        tensor.requires_grad = requires_grad
        return tensor

    def _mark_initial(self, name: str, first: Tensor) -> None:
        """Check that an initial value is closed, and move its nodes to the sweep ``initial``."""
        stack, seen = [first.node], set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            is_training = self._dag.nodes[node]["op"] == "training"
            if node in self._inputs or node in self._initials or is_training:
                msg = (f"variable {name!r}: its initial value depends on {node!r}; it may depend "
                       "on constants and draws only")  # fmt: skip
                raise GraphError(msg)
            self._dag.nodes[node]["sweep"] = "initial"
            stack += self._dag.predecessors(node)

    def _claim(self, name: str, kind: str) -> str:
        if not isinstance(name, str) or not name:
            msg = f"{kind} ({user_line()}): its name is a text that isn't empty, not {name!r}"
            raise GraphError(msg)
        if kind == "variable":
            name = ".".join((*self._scopes, name))
        if name in self._dag:
            taken = self._dag.nodes[name]
            msg = (f"{kind} {name!r} ({user_line()}): the graph has a node of this name, declared "
                   f"at {taken['source']} (op {taken['op']!r}); choose another name")  # fmt: skip
            raise NameTakenError(msg)
        return name

    def _unique(self, base: str) -> str:
        name = base
        while name in self._dag or name == base:
            count = self._counters.get(base, 0)
            self._counters[base] = count + 1
            name = f"{base}_{count}"
        return name

    def build(
        self, outputs: Mapping[str, Tensor] | Sequence[Tensor] | Tensor | None = None
    ) -> Graph:
        """Freeze what was declared into a graph; the builder can go on and build again.

        Parameters
        ----------
        outputs : mapping of str to Tensor, sequence of Tensor, or Tensor
            The results, by name; without names they are called by their nodes.

        Returns
        -------
        Graph
            Verified.

        Raises
        ------
        GraphError
            An output is no tensor of this builder.
        """
        if outputs is None:
            outputs = {}
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        if not isinstance(outputs, Iterable):
            msg = f"build ({user_line()}): outputs are tensors, by name or not, not {outputs!r}"
            raise GraphError(msg)
        if not isinstance(outputs, Mapping):
            outputs = {t.node if isinstance(t, Tensor) else str(t): t for t in outputs}
        for name, tensor in outputs.items():
            if not isinstance(tensor, Tensor) or tensor.builder is not self:
                msg = f"output {name!r} is no tensor of graph {self.name!r}"
                raise GraphError(msg)
        updates = {name: Ref(t.node, t.output) for name, t in self._updates.items()}
        graph = Graph(
            name=self.name,
            dag=nx.freeze(self._dag.copy()),
            inputs=tuple(self._inputs),
            outputs={name: Ref(t.node, t.output) for name, t in outputs.items()},
            variables={name: Variable(Ref(t.node, t.output), updates.get(name))
                       for name, t in self._initials.items()},
            constants=self._constants,
        )  # fmt: skip
        graph.verify()
        return graph


def _tensor(value: object) -> Tensor:
    return value  # type: ignore[return-value]  # what a public function of ours returned
