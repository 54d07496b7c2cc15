"""`Program`: a graph with its dimensions bound, in integers, as the passes work on it.

networkx is the user's view of a graph; `lower` converts it once. A *value* is one output of one
node, numbered from 0; an *item* is a node that is still to be computed. Items stand in topological
order. Inputs, variables and constants are values that no item makes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.errors import CompileError, GraphError
from dataflow.registry import get_op
from dataflow.source import node_text

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.graph import Graph, Node, Ref
    from dataflow.operation import Op
    from dataflow.spec import Spec
    from scheduler.inner import Inner

__all__ = ["Item", "Program", "alias_roots", "dimension_names", "lower", "reading",
           "renamed"]  # fmt: skip


MOST_AXES = 64
"""NumPy's limit."""

_MOST_ELEMENTS = 2**58  # of 16 bytes at most: strides and sizes stay below 2**62


class Item(NamedTuple):
    """A node to be computed: its op and attributes, the values it reads and makes."""

    op: Op
    attrs: Attrs
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    node: str
    sweep: str
    forward: str
    source: str

    def where(self) -> str:
        """Return the node, its op and the user's line, as error messages name them."""
        return node_text(self.node, self.op.name, self.source)


@dataclass(frozen=True)
class Program:
    """What is to be computed, with all sizes known.

    Parameters
    ----------
    items : tuple of Item
        In topological order.
    specs : tuple of Spec
        For every value.
    inputs, variables : mapping of str to int
        The values that are fed and kept, by name.
    constants : mapping of int to numpy.ndarray
        The values that are known.
    outputs, updates : mapping of str to int
        The results, and the variables' values after the run.
    commits : mapping of int to str
        Which item's output lies in which variable's memory; filled by `commits.place_updates`.
    bodies : mapping of object to Inner
        What is known of the bodies of loops, by `inner_key`.
    is_body : bool
        Whether it is a body of control flow, which takes its inputs by place, and so keeps those
        that nothing reads.
    after : tuple of (int, int)
        Pairs of items (earlier, later) to keep in this order beyond what values ask for.
    """

    items: tuple[Item, ...]
    specs: tuple[Spec, ...]
    inputs: Mapping[str, int]
    variables: Mapping[str, int]
    constants: Mapping[int, np.ndarray]
    outputs: Mapping[str, int]
    updates: Mapping[str, int]
    commits: Mapping[int, str] = field(default_factory=dict)
    after: tuple[tuple[int, int], ...] = ()
    is_body: bool = False
    bodies: Mapping[object, Inner] = field(default_factory=dict)

    @property
    def kept(self) -> frozenset[int]:
        """The values that stay though nothing reads them."""
        return frozenset(self.inputs.values()) if self.is_body else frozenset()

    def inner(self, item: Item) -> Inner | None:
        """Return what is known of the body of an item of control flow, if there is one body."""
        return self.bodies.get(inner_key(item)) if len(item.attrs.bodies()) == 1 else None

    def makers(self) -> dict[int, int]:
        """Return for every value that an item makes that item's index."""
        return {value: index for index, item in enumerate(self.items) for value in item.outputs}


def inner_key(item: Item) -> object:
    """Return what items of control flow share if what is known of their one body is the same.

    Two of them may hold the same body, and be of another form: one with its history, say.
    """
    plans: Any = item.attrs.bodies()
    return item.op.name, plans[0].graph_digest, item.attrs.replace(bodies=()).key()


def lower(
    graph: Graph, sizes: Mapping[str, int], outputs: Mapping[str, Ref],
    updates: Mapping[str, Ref], *, keeps_inputs: bool = False,
) -> Program:  # fmt: skip
    """Bind a graph's dimensions and number its values, keeping what the ends depend on.

    Parameters
    ----------
    graph : Graph
        Verified.
    sizes : mapping of str to int
        For every name that occurs in the kept part.
    outputs, updates : mapping of str to Ref
        The ends.
    keeps_inputs : bool
        Whether inputs stay on which no end depends.

    Raises
    ------
    CompileError
        A name has no size, or a shape doesn't work out with these sizes; the message names the
        node and the user's line.
    """
    needed = _needed(graph, [*outputs.values(), *updates.values()])
    needed |= set(graph.inputs) if keeps_inputs else set()
    items: list[Item] = []
    specs: list[Spec] = []
    values: dict[str, int] = {}  # a node's first value
    leaves: dict[str, dict[str, int]] = {
        "input": {}, "variable": {}, "constant": {}, "training": {},
    }  # fmt: skip
    named: set[str] = set()  # nodes whose specs have names
    for node in graph.nodes():
        name = node.name
        if name not in needed:
            continue
        first = values[name] = len(specs)
        inputs = tuple(values[ref.node] + ref.output for ref in node.inputs)
        attrs = node.attrs.bind(sizes)
        if not _are_static(node.specs):
            named.add(name)
        if attrs is node.attrs and named.isdisjoint((name, *(ref.node for ref in node.inputs))):
            bound = node.specs
        else:
            bound = _bound_specs(node, attrs, [specs[value] for value in inputs], sizes)
        if not _are_possible(bound):
            _refuse_impossible(node, bound)
        specs += bound
        if node.op in leaves:
            leaves[node.op][name] = first
            continue
        op = get_op(node.op, node.op_version)
        _refuse_missing_extra(node, op)
        items.append(Item(
            op, attrs, inputs, tuple(range(first, len(specs))),
            name, node.sweep, node.forward, node.source,
        ))  # fmt: skip
    for name in updates:  # a variable may be written that nothing reads
        if name not in leaves["variable"]:
            leaves["variable"][name] = len(specs)
            specs.append(graph.dag.nodes[name]["specs"][0].bind(sizes))
    return Program(
        items=tuple(items), specs=tuple(specs), inputs=leaves["input"],
        variables=leaves["variable"],
        constants={
            **{value: graph.constants[name] for name, value in leaves["constant"].items()},
            **dict.fromkeys(leaves["training"].values(), np.asarray(bool(updates))),
        },
        outputs={name: values[ref.node] + ref.output for name, ref in outputs.items()},
        updates={name: values[ref.node] + ref.output for name, ref in updates.items()},
        is_body=keeps_inputs,
    )  # fmt: skip


def _needed(graph: Graph, ends: Iterable[Ref]) -> set[str]:
    predecessors = graph.dag.pred
    needed: set[str] = set()
    stack = [ref.node for ref in ends]
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack += predecessors[name]
    return needed


def _bound_specs(
    node: Node, attrs: Attrs, inputs: list[Spec], sizes: Mapping[str, int]
) -> tuple[Spec, ...]:
    """Infer a node's specs again, since binding changed what it is made of."""
    try:
        specs = get_op(node.op, node.op_version).infer(tuple(inputs), attrs)
    except GraphError as error:
        msg = f"{node.where()}, with sizes {dict(sizes)}: {error}"
        raise CompileError(msg) from None
    unbound = dimension_names(attrs, specs)
    if unbound:
        msg = (f"{node.where()} is {specs[0]}: no size is given for {', '.join(unbound)}; "
               f"pass dims={{{unbound[0]!r}: …}} (--dim {unbound[0]}=…)")  # fmt: skip
        raise CompileError(msg)
    if any(dim < 0 for spec in specs for dim in spec.static_shape):
        msg = f"{node.where()}, with sizes {dict(sizes)}: a shape of {specs} is negative"
        raise CompileError(msg)
    return specs


def _refuse_missing_extra(node: Node, op: Op) -> None:
    if op.extra and find_spec(op.extra) is None:
        msg = (f"{node.where()} needs {op.extra}, which is not installed: "
               f"pip install 'dataflow-runtime[{op.extra}]'")  # fmt: skip
        raise CompileError(msg)


# A graph of many nodes has few specs, so what is asked of one is kept.


@lru_cache(maxsize=4096)
def _are_static(specs: tuple[Spec, ...]) -> bool:
    return all(spec.is_static for spec in specs)


@lru_cache(maxsize=4096)
def _are_possible(specs: tuple[Spec, ...]) -> bool:
    return all(map(_is_possible, specs))


def _is_possible(spec: Spec) -> bool:
    """Say whether NumPy can address an array, dimensions of 0 aside."""
    shape = spec.static_shape
    elements = math.prod([dim or 1 for dim in shape])
    return len(shape) <= MOST_AXES and elements <= _MOST_ELEMENTS


def _refuse_impossible(node: Node, specs: tuple[Spec, ...]) -> None:
    """Refuse what NumPy can't address: it would fail in words of its own."""
    for spec in specs:
        if not _is_possible(spec):
            msg = (f"{node.where()} is {spec}: no array has more than {MOST_AXES} axes, or as many "
                   "elements; compile with smaller dims")  # fmt: skip
            raise CompileError(msg)


def dimension_names(attrs: Attrs, specs: Iterable[Spec]) -> list[str]:
    """Return the names of dimensions that occur in a node's attributes and specs, sorted."""
    return sorted(attrs.names().union(*(spec.names() for spec in specs)))


def alias_roots(program: Program) -> list[int]:
    """Return for every value the one whose memory it may be a view of; itself if of none."""
    roots = list(range(len(program.specs)))
    for item in program.items:
        if item.op.alias is not None:
            for value in item.outputs:
                roots[value] = roots[item.inputs[item.op.alias.slot]]
    return roots


def reading(item: Item, same: Mapping[int, int]) -> Item:
    """Return an item that reads the values that stand for its inputs."""
    if same.keys().isdisjoint(item.inputs):
        return item
    return item._replace(inputs=tuple(same.get(value, value) for value in item.inputs))


def renamed(program: Program, items: list[Item], same: dict[int, int]) -> Program:
    """Return a program of other items, its ends led to the values that stand for theirs."""
    return replace(
        program, items=tuple(items),
        outputs={name: same.get(value, value) for name, value in program.outputs.items()},
        updates={name: same.get(value, value) for name, value in program.updates.items()},
    )  # fmt: skip
