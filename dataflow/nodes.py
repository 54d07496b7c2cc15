"""`Nodes`: a graph that grows node by node, with the line and the sweep that each comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx

from dataflow.bfloat16 import through_float32
from dataflow.dispatch import find_function
from dataflow.errors import GraphError, UnknownNameError
from dataflow.naming import Names
from dataflow.operation import Application, Op
from dataflow.source import user_line
from dataflow.spec import is_bfloat16
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from dataflow.attrs import Attrs
    from dataflow.homes import Home

__all__ = ["Declared", "Nodes"]


class _Context(NamedTuple):
    """What nodes declared now belong to."""

    sweep: str = "forward"
    forward: str = ""
    rule: str = ""
    source: str = ""  # empty: the line of the user's code that is running


class Declared(NamedTuple):
    """One node that was declared: what it applies, and what it belongs to.

    Parameters
    ----------
    name : str
        Its name.
    application : Application
        Its op, attributes and tensors.
    sweep, forward, rule, source : str
        As in the graph's node.
    no_grad : bool
        Whether it was declared in ``no_grad()``.
    value : numpy.ndarray, optional
        A constant's values.
    """

    name: str
    application: Application
    sweep: str
    forward: str
    rule: str
    source: str
    no_grad: bool
    value: np.ndarray | None = None


class Nodes:
    """What every node passes through when it is declared, and what is known of it afterwards.

    Parameters
    ----------
    name : str
        The graph's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._dag: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._names = Names(self._dag)
        self._applications: dict[str, Application] = {}
        self._positions: dict[str, int] = {}
        self._next_position = 0
        self._context = _Context()
        self._no_grad = False

    def apply(
        self, op: Op, inputs: Sequence[Tensor], attrs: Attrs, name: str = ""
    ) -> tuple[Tensor, ...]:
        """Declare a node and return its outputs.

        Parameters
        ----------
        op : Op
            The operation.
        inputs : sequence of Tensor
            Its arguments, of this builder.
        attrs : Attrs
            Its static parameters.
        name : str
            The node's name; made up if empty.

        Raises
        ------
        NameTakenError
            The graph has a node of this name.
        GraphError
            An input belongs to another builder.
        ShapeError, DTypeError
            The op can't take these inputs; the message names the node and the user's line.
        """
        if not isinstance(op, Op):
            msg = f"apply ({user_line()}) takes an op, such as get_op('add'), not {op!r}"
            raise GraphError(msg)
        for slot, tensor in enumerate(inputs):
            if not self._owns(tensor):
                where = "belongs to another builder, or to one example of a batch that is done"
                if not isinstance(tensor, Tensor):
                    where = "is no tensor: make one with builder.constant"
                msg = f"op {op.name!r}, slot {slot} ({user_line()}): {tensor!r} {where}"
                raise GraphError(msg)
        if not op.moves and any(is_bfloat16(tensor.spec.dtype) for tensor in inputs):
            cast = find_function("astype")
            return through_float32(lambda wide: self.apply(op, wide, attrs), cast, inputs)
        node = self._names.claim(name, "node") if name else self._names.unique(op.name)
        return self._add(op, tuple(inputs), attrs, node)

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
        owner: Any = self  # a GraphBuilder, whose base this is
        requires = not self._no_grad and any(t.requires_grad for t in inputs)
        outputs = tuple(
            Tensor(owner, name, i, spec, op, is_leaf=not (requires and spec.is_float),
                   requires_grad=requires and spec.is_float)
            for i, spec in enumerate(specs)
        )  # fmt: skip
        self._applications[name] = Application(op, attrs, inputs, outputs)
        self._positions[name] = self._next_position
        self._next_position += 1
        return outputs

    def _owns(self, tensor: object) -> bool:
        """Say whether a value is a tensor of this builder, of a node that wasn't withdrawn."""
        owner: Any = getattr(tensor, "builder", None)
        return isinstance(tensor, Tensor) and owner is self and tensor.node in self._applications

    def _remove(self, first: Iterable[str]) -> tuple[Declared, ...]:
        """Take nodes and all that depends on them out of the graph; return them in order."""
        gone = set(first)
        stack = list(gone)
        while stack:
            new = [name for name in self._dag.successors(stack.pop()) if name not in gone]
            gone.update(new)
            stack += new
        ordered = sorted(gone, key=self.position)
        declared = tuple(self._declared(name) for name in ordered)
        self._dag.remove_nodes_from(ordered)
        for name in ordered:
            del self._applications[name], self._positions[name]
        return declared

    def _declared_since(self, position: int) -> list[str]:
        """Return the nodes declared since, but for those that stay: leaves and initial values."""
        names = list(takewhile(lambda n: self._positions[n] >= position, reversed(self._positions)))
        nodes = self._dag.nodes
        return [name for name in names if nodes[name]["op"] not in ("input", "variable", "training")
                and nodes[name]["sweep"] != "initial"]  # fmt: skip

    def _declared(self, name: str) -> Declared:
        data = self._dag.nodes[name]
        kept = {field: data[field] for field in ("sweep", "forward", "rule", "source", "no_grad")}
        return Declared(name, self._applications[name], **kept)

    # What is known of a node

    def tensor(self, node: str, output: int = 0) -> Tensor:
        """Return an output of a node by name.

        Raises
        ------
        UnknownNameError
            There is no such node, or it has no such output.
        """
        outputs = self._applications[node].outputs if node in self._applications else ()
        if not 0 <= output < len(outputs):
            msg = f"tensor ({user_line()}): graph {self.name!r} has no output {output} of {node!r}"
            raise UnknownNameError(msg)
        return outputs[output]

    def application(self, node: str) -> Application:
        """Return a node as derivative rules see it."""
        self._check_known(node)
        return self._applications[node]

    def source_of(self, node: str) -> str:
        """Return the user's line that declared a node."""
        self._check_known(node)
        return str(self._dag.nodes[node]["source"])

    def blocks_gradient(self, node: str) -> bool:
        """Say whether a node was declared in ``no_grad()``."""
        self._check_known(node)
        return bool(self._dag.nodes[node]["no_grad"])

    def position(self, node: str) -> int:
        """Return a node's place in the order of declaration."""
        self._check_known(node)
        return self._positions[node]

    def _check_known(self, node: str) -> None:
        if not isinstance(node, str) or node not in self._applications:
            msg = f"graph {self.name!r} has no node {node!r} ({user_line()})"
            raise UnknownNameError(msg)

    # What nodes belong to

    @contextmanager
    def no_grad(self) -> Iterator[None]:
        """Make nodes that no gradient passes through, within the ``with`` block."""
        before, self._no_grad = self._no_grad, True
        try:
            yield
        finally:
            self._no_grad = before

    def recording(
        self, sweep: str, forward: str = "", rule: str = "", source: str = ""
    ) -> AbstractContextManager[None]:
        """Mark the nodes made within the ``with`` block with the sweep and rule they come from."""
        return _Recording(self, _Context(sweep, forward, rule, source))

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
        return self._names.scope(name)

    def home(self, layer: object, name: str) -> AbstractContextManager[Home]:
        """Put what a layer declares within the ``with`` block under a scope of its own.

        At later calls with the same object it is the same scope, whatever scope is open then, and
        the same `Home`, which has what was declared before. Without a name it adds no scope.
        """
        return self._names.home(layer, name)


class _Recording:
    """What `Nodes.recording` returns: small, since a sweep enters several for each node."""

    __slots__ = ("before", "context", "nodes")

    def __init__(self, nodes: Nodes, context: _Context) -> None:
        self.nodes, self.context, self.before = nodes, context, context

    def __enter__(self) -> None:
        self.before, self.nodes._context = self.nodes._context, self.context  # noqa: SLF001

    def __exit__(self, *error: object) -> None:
        self.nodes._context = self.before  # noqa: SLF001
