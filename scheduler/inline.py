"""Inline: a node that is only there for its derivative gives way to the nodes of its body.

So a function with a gradient of its own costs a plan nothing: what it computes is simplified,
ordered and placed among all the rest, and what only a derivative would read is dead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scheduler.program import Item, Program, lower, reading, renamed

if TYPE_CHECKING:
    import numpy as np

    from dataflow.spec import Spec

__all__ = ["inline"]


def inline(program: Program) -> Program:
    """Put the items of bodies in the place of those that say so, however deep."""
    if not any(item.op.inlines for item in program.items):
        return program
    items: list[Item] = []
    specs, constants = list(program.specs), dict(program.constants)
    same: dict[int, int] = {}
    for item in program.items:
        read = reading(item, same)
        if not item.op.inlines:
            items.append(read)
            continue
        made = _placed(read, items, specs, constants)
        same.update(zip(item.outputs, made, strict=True))
    whole = replace(program, specs=tuple(specs), constants=constants)
    return renamed(whole, items, same)


def _placed(
    item: Item, items: list[Item], specs: list[Spec], constants: dict[int, np.ndarray]
) -> list[int]:
    """Add the items of a body, and return the values that stand for the item's results."""
    graph: Any = item.attrs.bodies()[0]
    body = inline(lower(graph, {}, graph.outputs, {}, keeps_inputs=True))
    known = dict(zip(body.inputs.values(), item.inputs, strict=True))
    for value, spec in enumerate(body.specs):
        if value not in known:
            known[value] = len(specs)
            specs.append(spec)
    constants.update({known[value]: array for value, array in body.constants.items()})
    items += [
        inner._replace(
            inputs=tuple(known[value] for value in inner.inputs),
            outputs=tuple(known[value] for value in inner.outputs),
            node=f"{item.node}.{inner.node}", sweep=item.sweep, forward=item.forward,
        )
        for inner in body.items
    ]  # fmt: skip
    return [known[value] for value in body.outputs.values()]
