"""Bodies of control flow: their graphs become plans, and what they read lies row by row.

Each body goes through the same chain of passes as the whole, on its own: its arena is scratch
memory of the step that runs it. A body's inputs are bound to the step's operands as they lie, so an
operand that would be a view with other strides is copied before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.registry import get_op
from scheduler.inner import Inner
from scheduler.loop_axes import sliced_body, ways_of
from scheduler.program import Item, Program, alias_roots, inner_key

if TYPE_CHECKING:
    from dataflow.graph import Graph
    from scheduler.inner import Way
    from scheduler.plan import Plan

__all__ = ["plan_bodies"]


def plan_bodies(
    program: Program, ready: Callable[[Graph], Program], plan: Callable[[Graph, Program], Plan]
) -> Program:  # fmt: skip
    """Let every item of control flow hold plans, of operands that lie row by row.

    Parameters
    ----------
    program : Program
        Whose items hold graphs.
    ready : callable
        Gives the program of a body, which is ready to be planned.
    plan : callable
        Plans such a program; the graph is what it was compiled from.
    """
    if all(item.op.control is None for item in program.items):
        return program
    roots, specs, items = alias_roots(program), list(program.specs), list[Item]()
    bodies: dict[object, Inner] = {}
    for item in program.items:
        if item.op.control is None:
            items.append(item)
            continue
        inputs: list[int] = []
        bound = range(len(item.inputs)) if item.op.bound is None else item.op.bound(item.attrs)[0]
        for slot, value in enumerate(item.inputs):
            if slot in bound and roots[value] != value:
                items.append(_copy(item, value, len(specs)))
                value = len(specs)  # noqa: PLW2901 - the copy stands for it
                specs.append(specs[item.inputs[slot]])
            inputs.append(value)
        graphs: Any = item.attrs.bodies()
        programs = [ready(graph) for graph in graphs]
        plans = tuple(map(plan, graphs, programs))
        items.append(item._replace(inputs=tuple(inputs), attrs=item.attrs.replace(bodies=plans)))
        if len(plans) == 1:
            ways = ways_of(item.op, items[-1].attrs, programs[0])
            slicer = _slicer(graphs[0], programs[0], ways, plan)
            bodies[inner_key(items[-1])] = Inner(ways, slicer)
    return replace(program, items=tuple(items), specs=tuple(specs), bodies=bodies)


def _slicer(
    graph: Graph, body: Program, ways: Sequence[Way], plan: Callable[[Graph, Program], Plan]
) -> Callable[[int, int], Plan]:
    """Return what plans a body for a slice: `Inner.sliced`."""

    @cache
    def sliced(number: int, rows: int) -> Plan:
        return plan(graph, sliced_body(body, ways[number], rows))

    return sliced


def _copy(item: Item, value: int, new: int) -> Item:
    """Return the item that copies an operand of another."""
    return item._replace(
        op=get_op("copy"), attrs=Attrs(), inputs=(value,), outputs=(new,), node=f"{item.node}.copy"
    )
