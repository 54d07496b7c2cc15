"""How a loop can be sliced, by what its body does to each class of axes.

    carry [n, 4] ──► body ──► carry [n, 4]        rows of n don't see each other: n is a way
    sum   [4, 8] ──► sum + x.T @ d                and of this sum a slice of n gives a part

Every item of the body that the class goes through must work slice by slice, wherever the slice
lies. What it adds up over the rows must be summed only, to a carry that begins with zeros: then
the parts that the slices give are summed once more when the loop is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scheduler.inner import PART, Way
from scheduler.shared_axes import Role, SharedAxis, ignores_place, shared_axes, use_of
from scheduler.tile_groups import Tiles, mean_of_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Op
    from scheduler.program import Item, Program

__all__ = ["sliced_body", "ways_of"]

_LINEAR = frozenset(("add", "subtract", "negative", "copy", "sum"))
"""Ops that give the part of a result from parts of all of their inputs; views do so too."""


def ways_of(op: Op, attrs: Attrs, body: Program) -> tuple[Way, ...]:
    """Return the ways in which a step of control flow can be sliced.

    Parameters
    ----------
    op, attrs : Op, Attrs
        Of the step.
    body : Program
        Its only body's.
    """
    if op.sliced is None:
        return ()
    found = []
    for shared in shared_axes(body):
        codes = _Codes(body, shared).ends()
        ends = codes and op.sliced(attrs, *codes)
        lengths = [body.specs[value].static_shape[axis] for value, axis in shared.axes.items()]
        if ends and all(length % min(lengths) == 0 for length in lengths if min(lengths) > 1):
            made = {v for item in body.items if item.op.alias is None for v in item.outputs}
            mean = mean_of_large([body.specs[v].nbytes for v in made & shared.axes.keys()])
            found.append(Way(shared.axes, min(lengths), tuple(ends[0]), tuple(ends[1]), mean))
    return tuple(way for way in found if way.length > 1)


class _Codes:
    """What becomes of a body's values where one class of axes is sliced."""

    def __init__(self, body: Program, shared: SharedAxis) -> None:
        self.body, self.shared = body, shared
        self.given = frozenset(body.inputs.values())
        self.sums: set[int] = set()  # inputs that only parts are added to

    def ends(self) -> tuple[list[int], list[int]] | None:
        """Return the axes of the inputs and outputs, -1 or `PART`; None if it can't be sliced."""
        if self.shared.interleaved or not self._constants_are_uniform():
            return None
        parts, known = self._parts(), 0
        while parts is not None and known < len(self.sums):
            known, parts = len(self.sums), self._parts()
        if parts is None:
            return None
        ends = (self.body.inputs.values(), self.body.outputs.values())
        inputs, outputs = ([PART if v in parts else self.shared.axes.get(v, -1) for v in values]
                           for values in ends)  # fmt: skip
        return inputs, outputs

    def _constants_are_uniform(self) -> bool:
        """Say whether all slices of the known values are the same."""
        return all(
            bool(np.all(array == array.take([0], self.shared.axes[value])))
            for value, array in self.body.constants.items() if value in self.shared.axes
        )  # fmt: skip

    def _parts(self) -> set[int] | None:
        """Return the values of which a slice gives a part; None where something needs all."""
        parts = set(self.sums)
        for item in self.body.items:
            use = use_of(self.body, item, self.shared)
            touched = not self.shared.axes.keys().isdisjoint((*item.inputs, *item.outputs))
            if use.role is Role.OUTSIDE and touched:
                return None
            if use.role is Role.ALONG and not ignores_place(self.body, item, self.shared):
                return None
            if not parts.isdisjoint(item.inputs):
                if touched or not self._is_sum(item, parts):
                    return None
                parts.update(item.outputs)
            if use.role is Role.CONTRACTED:
                if use.combine != "add":
                    return None
                parts.update(item.outputs)
            parts.update(item.outputs[place] for place in use.totals)
        return parts

    def _is_sum(self, item: Item, parts: set[int]) -> bool:
        """Say whether parts of a result come of parts; an input that is added to becomes one."""
        others = set(item.inputs) - parts
        if others and item.op.name == "add" and others <= self.given:
            self.sums |= others
            parts |= others
            return True
        return not others and (item.op.alias is not None or item.op.name in _LINEAR)


def sliced_body(body: Program, way: Way, rows: int) -> Program:
    """Return the program of a body for slices of so many rows."""
    tiles = Tiles(body, SharedAxis(way.axes), way.length, rows, {}, ())
    specs = tuple(tiles.spec(value, rows) for value in range(len(body.specs)))
    items = tuple(item._replace(attrs=tiles.attrs(item, rows)) for item in body.items)
    constants = {
        value: _cut(array, specs[value].static_shape) for value, array in body.constants.items()
    }
    return replace(body, items=items, specs=specs, constants=constants)


def _cut(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return array if array.shape == shape else array[tuple(map(slice, shape))].copy()
