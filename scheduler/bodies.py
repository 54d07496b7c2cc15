"""Bodies of control flow: their graphs become plans, and what they read lies row by row.

Each body goes through the same chain of passes as the whole, on its own: its arena is scratch
memory of the step that runs it. A body's inputs are bound to the step's operands as they lie, so an
operand that would be a view with other strides is copied before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.registry import get_op
from scheduler.program import Item, Program, alias_roots

if TYPE_CHECKING:
    from dataflow.graph import Graph
    from scheduler.plan import Plan

__all__ = ["plan_bodies"]


def plan_bodies(program: Program, plan_of: Callable[[Graph], Plan]) -> Program:
    """Let every item of control flow hold plans, of operands that lie row by row."""
    if all(item.op.control is None for item in program.items):
        return program
    roots, specs, items = alias_roots(program), list(program.specs), list[Item]()
    for item in program.items:
        if item.op.control is None:
            items.append(item)
            continue
        inputs: list[int] = []
        for value in item.inputs:
            if roots[value] != value:
                items.append(_copy(item, value, len(specs)))
                value = len(specs)  # noqa: PLW2901 - the copy stands for it
                specs.append(specs[item.inputs[len(inputs)]])
            inputs.append(value)
        items.append(item._replace(inputs=tuple(inputs), attrs=_planned(item.attrs, plan_of)))
    return replace(program, items=tuple(items), specs=tuple(specs))


def _planned(attrs: Attrs, plan_of: Callable[[Graph], Plan]) -> Attrs:
    graphs: Any = attrs.bodies()
    return attrs.replace(bodies=tuple(map(plan_of, graphs)))


def _copy(item: Item, value: int, new: int) -> Item:
    """Return the item that copies an operand of another."""
    return item._replace(
        op=get_op("copy"), attrs=Attrs(), inputs=(value,), outputs=(new,), node=f"{item.node}.copy"
    )
