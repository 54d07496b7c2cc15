"""The order of a sliced program: a tile group is one item among the others, and ordered within.

Outside, a group counts as one item that needs its slices' memory as scratch and makes what leaves
it. Inside, its items are ordered by what a slice of each value takes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.operation import Workspace
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.order import live_peak, order_items
from scheduler.program import Item, Program

if TYPE_CHECKING:
    from dataflow.operation import Op
    from scheduler.tile_groups import Group, Tiles

__all__ = ["order_tiled"]


def order_tiled(tiles: Tiles) -> list[int]:
    """Return the items in the order in which they are to run, those of a group together."""
    program = tiles.program
    inner = [_order_within(tiles, group) for group in tiles.groups]
    outer, entries = _outer(tiles, [peak for _, peak in inner])
    order: list[int] = []
    for entry in (entries[index] for index in order_items(outer)):
        order += inner[entry - len(program.items)][0] if entry >= len(program.items) else [entry]
    return order


def _order_within(tiles: Tiles, group: Group) -> tuple[list[int], int]:
    """Return a group's items in order, and the bytes of local values that live at once."""
    program = tiles.program
    specs = tuple(tiles.spec(value, tiles.rows) for value in range(len(program.specs)))
    items = tuple(
        program.items[index]._replace(attrs=tiles.attrs(program.items[index], tiles.rows))
        for index in group.items
    )
    inner = _part(program, specs, items)
    order = order_items(inner)
    return [group.items[index] for index in order], live_peak(inner, order)


def _part(program: Program, specs: tuple[Spec, ...], items: tuple[Item, ...]) -> Program:
    """Return a program of some items, to which all that they don't make is given."""
    made = {value for item in items for value in item.outputs}
    given = dict.fromkeys(v for item in items for v in item.inputs if v not in made)
    return Program(
        items=items, specs=specs, inputs={str(value): value for value in given}, variables={},
        constants={}, outputs={}, updates={},
    )  # fmt: skip


def _outer(tiles: Tiles, peaks: list[int]) -> tuple[Program, list[int]]:
    """Return the program in which groups are items, and which item or group each of these is.

    Group n has number ``len(items) + n``.
    """
    program, count = tiles.program, len(tiles.program.items)
    whole = [_as_item(tiles, group, peak) for group, peak in zip(tiles.groups, peaks, strict=True)]
    entry_of = [count + tiles.group_of[i] if i in tiles.group_of else i for i in range(count)]
    entries = _topological(tiles, entry_of)
    place = {entry: index for index, entry in enumerate(entries)}
    items = tuple(program.items[e] if e < count else whole[e - count] for e in entries)
    after = dict.fromkeys(
        (place[entry_of[earlier]], place[entry_of[later]]) for earlier, later in program.after
    )
    return replace(program, items=items, after=tuple(after)), entries


def _as_item(tiles: Tiles, group: Group, peak: int) -> Item:
    program = tiles.program
    items = [program.items[index] for index in group.items]
    made = {value for item in items for value in item.outputs}
    inputs = dict.fromkeys(v for item in items for v in item.inputs if v not in made)
    outputs = [v for item in items for v in item.outputs if v not in group.local]
    is_fallible = any(item.op.fallible for item in items)
    return items[0]._replace(op=_group_op(peak, is_fallible=is_fallible), attrs=Attrs(),
                             inputs=tuple(inputs), outputs=tuple(outputs))  # fmt: skip


def _group_op(peak: int, *, is_fallible: bool) -> Op:
    """Return what stands for a group in the order: it is in no registry and runs nowhere."""
    scratch = Workspace((Spec((peak,), np.dtype(np.uint8)),))
    return replace(get_op("copy"), name="tile_group", alias=None, inplace=(), inlines=False,
                   fallible=is_fallible, workspace=lambda specs, attrs: scratch)  # fmt: skip


def _topological(tiles: Tiles, entry_of: list[int]) -> list[int]:
    """Return items and groups in an order that values allow, as near to declaration as can be."""
    program, makers = tiles.program, tiles.program.makers()
    needs: dict[int, list[int]] = {entry: [] for entry in dict.fromkeys(entry_of)}
    for index, item in enumerate(program.items):
        sources = (entry_of[makers[v]] for v in item.inputs if v in makers)
        needs[entry_of[index]] += [s for s in sources if s != entry_of[index]]
    order: list[int] = []
    done: set[int] = set()
    for entry in needs:
        stack = [entry]
        while stack:
            missing = [s for s in needs[stack[-1]] if s not in done]
            if missing and stack[-1] not in done:
                stack.append(missing[0])
                continue
            last = stack.pop()
            if last not in done:
                done.add(last)
                order.append(last)
    return order
