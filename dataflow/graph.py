"""`Graph`: a finished computation, a frozen networkx DAG with named ends.

A node is an application of an op, an edge carries a tensor. The key of a node is its unique name;
the key of an edge is the consumer's input slot, and its data the producer's output index. Any
networkx algorithm works on ``graph.dag``. Nodes stand in a topological order: the order in which
they were declared.

`Graph.verify` is the checker that is called after every transformation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx
import numpy as np

from dataflow.attrs import Attrs, Body
from dataflow.binding import bound
from dataflow.errors import GraphError, UnknownNameError
from dataflow.provenance import reasons_for
from dataflow.refs import Ref
from dataflow.registry import get_op
from dataflow.source import node_text
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.provenance import Reason

__all__ = ["SWEEPS", "Graph", "Node", "Ref", "Variable"]

SWEEPS = ("forward", "reverse", "tangent", "update", "initial")
"""The sweeps that a node can belong to."""


class Variable(NamedTuple):
    """State that outlives a run.

    Parameters
    ----------
    initial : Ref
        Its first value.
    update : Ref, optional
        Its value after a run; without one it stays.
    requires_grad : bool
        Whether optimisers change it, and ``backward()`` sets its ``grad``, in a graph that is
        opened again.
    """

    initial: Ref
    update: Ref | None
    requires_grad: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A node's data in one record, as ``graph.nodes()`` yields it.

    Parameters
    ----------
    name : str
        Its key in the DAG.
    op, op_version : str, int
        The operation and the version of its meaning.
    attrs : Attrs
        Its static parameters.
    inputs : tuple of Ref
        What it reads, by slot.
    specs : tuple of Spec
        Its outputs.
    sweep : str
        One of `SWEEPS`.
    source : str
        The user's file name and line.
    forward, rule : str
        For a node made by a derivative: the forward node, and the rule that made it; else empty.
    no_grad : bool
        Whether it was declared in ``no_grad()``, so that no gradient passes.
    """

    name: str
    op: str
    op_version: int
    attrs: Attrs
    inputs: tuple[Ref, ...]
    specs: tuple[Spec, ...]
    sweep: str = "forward"
    source: str = ""
    forward: str = ""
    rule: str = ""
    no_grad: bool = False

    def where(self) -> str:
        """Return the node, its op and the user's line, as error messages name them."""
        return node_text(self.name, self.op, self.source)


@dataclass(frozen=True)
class Graph(Body):
    """A computation as a frozen DAG.

    Parameters
    ----------
    name : str
        The graph's name.
    dag : networkx.MultiDiGraph
        Nodes with the data of `Node`, edges keyed by the consumer's slot with data ``output``.
    inputs : tuple of str
        The input nodes, in the order of declaration.
    outputs : mapping of str to Ref
        The named results.
    variables : mapping of str to Variable
        The state; a variable's name is its node's.
    constants : mapping of str to numpy.ndarray
        The values of constant nodes, read-only.
    """

    name: str
    dag: nx.MultiDiGraph[str]
    inputs: tuple[str, ...]
    outputs: Mapping[str, Ref]
    variables: Mapping[str, Variable] = field(default_factory=dict)
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    _has_verified_nodes: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("outputs", "variables", "constants"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __len__(self) -> int:
        return len(self.dag)

    def __repr__(self) -> str:
        return (f"Graph({self.name!r}, {len(self)} nodes, inputs {list(self.inputs)}, "
                f"variables {len(self.variables)}, outputs {list(self.outputs)})")  # fmt: skip

    def node(self, name: str) -> Node:
        """Return one node's data.

        Raises
        ------
        UnknownNameError
            There is no node of this name.
        """
        if name not in self.dag:
            msg = f"there is no node {name!r} in graph {self.name!r}"
            raise UnknownNameError(msg)
        slots: dict[int, Ref] = {}
        # networkx's own adjacency: its views on it cost ten times as much, node by node
        predecessors: dict[str, dict[int, dict[str, int]]] = self.dag._pred[name]  # type: ignore[attr-defined]  # noqa: SLF001
        for producer, keyed in predecessors.items():
            for slot, data in keyed.items():
                slots[slot] = Ref(producer, data["output"])
        try:
            inputs = tuple([slots[slot] for slot in range(len(slots))])
        except KeyError:
            msg = f"node {name!r}: its input slots are {sorted(slots)}, not 0, 1, …"
            raise GraphError(msg) from None
        return Node(name=name, inputs=inputs, **self.dag.nodes[name])

    def nodes(self) -> tuple[Node, ...]:
        """Return every node's data in declaration order, which is topological."""
        return self._nodes

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return tuple([self.node(name) for name in self.dag])

    def spec(self, ref: Ref) -> Spec:
        """Return the spec of one output of one node."""
        specs: tuple[Spec, ...] = self.dag.nodes[ref.node]["specs"]
        return specs[ref.output]

    @property
    def input_specs(self) -> tuple[Spec, ...]:
        """The specs of the inputs, in order."""
        return tuple(self.spec(Ref(name, 0)) for name in self.inputs)

    @property
    def output_specs(self) -> tuple[Spec, ...]:
        """The specs of the outputs, in order."""
        return tuple(map(self.spec, self.outputs.values()))

    def names(self) -> frozenset[str]:
        """Return the names of dimensions that the graph depends on."""
        return self._dim_names

    @cached_property
    def _dim_names(self) -> frozenset[str]:
        parts = [n.attrs.names().union(*(s.names() for s in n.specs)) for n in self.nodes()]
        return frozenset[str]().union(*parts)

    def bind(self, sizes: Mapping[str, int | Dim]) -> Graph:
        """Return the graph with the named dimensions in `sizes` replaced.

        Raises
        ------
        ShapeError
            A shape doesn't work out with these sizes; the message names the node.
        """
        return self if self.names().isdisjoint(sizes) else bound(self, sizes)

    def why(self, name: str) -> tuple[Reason, ...]:
        """Return the rules that made a node of a derivative, from the seed on.

        Parameters
        ----------
        name : str
            A node, such as ``graph.outputs["grad.x"].node``.

        Returns
        -------
        tuple of Reason
            For each rule on the way, the last node that it made, the forward node that it was
            applied to, and the line that declared this; prints as one line. Empty for a node that
            no derivative made.

        Raises
        ------
        UnknownNameError
            There is no node of this name.

        Examples
        --------
        >>> import dataflow as df
        >>> b = df.GraphBuilder()
        >>> x = b.input("x")
        >>> slope = df.grad(df.sin(x) * 2, x)
        >>> [f"{r.rule} of {r.forward}" for r in b.build(outputs=[slope]).why(slope.node)]
        ['seed of multiply_0', 'multiply.vjp of multiply_0', 'sin.vjp of sin_0']
        """
        return reasons_for(self, name)

    def digest(self) -> str:
        """Return the SHA-256 of what the graph computes, in hexadecimal; source lines left out."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for node in self.nodes():
            refs = [tuple(ref) for ref in node.inputs]
            attrs = node.attrs.key()
            specs = [(spec.shape, spec.dtype.str) for spec in node.specs]
            text = (node.name, node.op, node.op_version, attrs, refs, specs, node.sweep,
                    node.forward, node.rule, node.no_grad)  # fmt: skip
            digest.update(repr(text).encode())
        for name, array in self.constants.items():
            digest.update(f"{name} {Spec.like(array)}".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
        ends = (self.name, self.inputs, list(self.outputs.items()), list(self.variables.items()))
        digest.update(repr(ends).encode())
        return digest.hexdigest()

    def verify(self) -> None:
        """Check every rule that a graph keeps.

        Raises
        ------
        GraphError
            The graph is not frozen or not acyclic, a node's op is unknown, its slots have a gap, a
            reference leads nowhere, an op infers other specs than the node says, or a variable's
            initial value depends on an input or a variable. The message names the node.
        """
        if not nx.is_frozen(self.dag):
            msg = f"graph {self.name!r} is not frozen: nx.freeze(graph.dag)"
            raise GraphError(msg)
        if not self._has_verified_nodes:
            self._verify_nodes()
            object.__setattr__(self, "_has_verified_nodes", True)
        self._verify_ends()

    def _verify_nodes(self) -> None:
        seen: dict[str, tuple[Spec, ...]] = {}
        closed: set[str] = set()  # nodes whose values are the same in every plan and run
        for node in self.nodes():
            specs = []
            for slot, ref in enumerate(node.inputs):
                if ref.node not in seen:
                    msg = f"{node.where()}, slot {slot}: {ref.node!r} is no earlier node (a cycle?)"
                    raise GraphError(msg)
                if not 0 <= ref.output < len(seen[ref.node]):
                    msg = f"{node.where()}, slot {slot}: {ref.node!r} has no output {ref.output}"
                    raise GraphError(msg)
                specs.append(seen[ref.node][ref.output])
            self._verify_node(node, tuple(specs))
            seen[node.name] = node.specs
            is_open = node.op in ("input", "variable", "training")
            if not is_open and all(r.node in closed for r in node.inputs):
                closed.add(node.name)
        for name, variable in self.variables.items():
            if variable.initial.node not in closed:
                msg = f"variable {name!r}: its initial value depends on an input or a variable"
                raise GraphError(msg)

    def _verify_node(self, node: Node, specs: tuple[Spec, ...]) -> None:
        if node.sweep not in SWEEPS:
            msg = f"{node.where()}: sweep {node.sweep!r} is none of {SWEEPS}"
            raise GraphError(msg)
        try:
            inferred = get_op(node.op, node.op_version).infer(specs, node.attrs)
        except GraphError as error:
            msg = f"{node.where()}: {error}"
            raise type(error)(msg) from None
        if inferred != node.specs:
            msg = f"{node.where()}: its op infers {inferred}, the node says {node.specs}"
            raise GraphError(msg)
        if (node.op == "constant") != (node.name in self.constants):
            msg = f"{node.where()}: constants and constant nodes differ"
            raise GraphError(msg)
        if node.op == "constant" and Spec.like(self.constants[node.name]) != node.specs[0]:
            msg = f"{node.where()}: its value is {Spec.like(self.constants[node.name])}"
            raise GraphError(msg)

    def _verify_ends(self) -> None:
        unknown = sorted(name for name in self.constants if name not in self.dag)
        if unknown:
            msg = f"constant {unknown[0]!r} has a value, but there is no such node"
            raise GraphError(msg)
        leaves = {"input": tuple(self.inputs), "variable": tuple(self.variables)}
        for op, names in leaves.items():
            declared = tuple(n for n, data in self.dag.nodes(data=True) if data["op"] == op)
            if sorted(declared) != sorted(names):
                msg = f"the {op} nodes are {sorted(declared)}, the graph says {sorted(names)}"
                raise GraphError(msg)
        for name, ref in self.outputs.items():
            self._verify_ref(f"output {name!r}", ref)
        for name, variable in self.variables.items():
            expected = self.spec(Ref(name, 0))
            for role, end in (("initial value", variable.initial), ("update", variable.update)):
                if end is None:
                    continue
                self._verify_ref(f"variable {name!r}, {role}", end)
                if self.spec(end) != expected:
                    msg = f"variable {name!r} is {expected}, its {role} is {self.spec(end)}"
                    raise GraphError(msg)

    def _verify_ref(self, what: str, ref: Ref) -> None:
        if ref.node not in self.dag or not 0 <= ref.output < len(self.dag.nodes[ref.node]["specs"]):
            msg = f"{what}: there is no output {ref.output} of node {ref.node!r}"
            raise GraphError(msg)
