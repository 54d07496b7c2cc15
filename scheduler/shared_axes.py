"""Which axes of which values are one axis: what can be sliced together, through both sweeps.

Every op says where a slice of an input's axis goes: to an axis of its outputs, or into a sum. So
the axes of a program fall into classes. The axis that examples lie on is one of them, wherever it
stands in each value, and nothing has to say which:

    x[n, 4] @ w[4, 8] -> h[n, 8]          n of x, h, g, dh and dx is one class;
    dw[4, 8] = x.T[4, n] @ dh[n, 8]       in dw it is contracted: slices of it are added up

A reshape may make an axis longer or shorter by a whole factor (``[n, 5, 8]`` to ``[5n, 8]``); the
class then has axes of n and 5n elements, which are sliced in proportion.

Where one class would have two axes of one value (a product of all pairs of examples), the op that
asks for it joins nothing, and a group of slices ends there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from dataflow.operation import Absent, Along, Contracted, Halo, Proportional, Tiling
from dataflow.registry import get_op

if TYPE_CHECKING:
    from scheduler.program import Item, Program

__all__ = ["Role", "Use", "shared_axes", "tiling_of", "use_of"]


class Role(Enum):
    """What becomes of an item when a class of axes is sliced."""

    OUTSIDE = "it reads or makes whole values"
    ALONG = "a slice of it gives the same slice of its outputs"
    CONTRACTED = "a slice of it gives a part of the result"


class Use(NamedTuple):
    """An item's role, and the op that joins its parts if it is contracted."""

    role: Role
    combine: str = ""


_OUTSIDE = Use(Role.OUTSIDE)


def shared_axes(program: Program) -> list[dict[int, int]]:
    """Return the classes: for each the axis of every value that has one in it.

    Parameters
    ----------
    program : Program
        With its updates placed.

    Returns
    -------
    list of dict of int to int
        In the order of the first value of each.
    """
    classes = _Classes()
    for item in program.items:
        tiling = tiling_of(program, item)
        if tiling is not None:
            for axes in _joined(program, item, tiling):
                classes.join(axes)
    return classes.all()


def tiling_of(program: Program, item: Item) -> Tiling | None:
    """Return how an item can be sliced; None if it can't, or writes a variable."""
    if isinstance(item.op.tiling, Absent) or not program.commits.keys().isdisjoint(item.outputs):
        return None
    return item.op.tiling(tuple(program.specs[value] for value in item.inputs), item.attrs)


def _joined(program: Program, item: Item, tiling: Tiling) -> Iterator[list[tuple[int, int]]]:
    """Yield the axes, as (value, axis), that an item slices together."""
    along: dict[int, list[tuple[int, int]]] = {axis: [] for axis in tiling.free}
    for value, uses in zip(item.inputs, tiling.inputs, strict=True):
        for axis, use in enumerate(uses):
            if isinstance(use, (Along, Proportional)):
                along.setdefault(use.axis, []).append((value, axis))
    for axis, members in along.items():
        joined = members + [(value, axis) for value in item.outputs]
        if _in_proportion([program.specs[value].static_shape[at] for value, at in joined]):
            yield joined
    columns = [_contracted(uses) for uses in tiling.inputs]
    for index in range(max(map(len, columns), default=0)):
        yield [(value, column[index][0])
               for value, column in zip(item.inputs, columns, strict=True)
               if len(column) > index]  # fmt: skip


def _in_proportion(lengths: list[int]) -> bool:
    """Say whether all are whole multiples of the shortest."""
    return min(lengths) > 0 and all(length % min(lengths) == 0 for length in lengths)


def _contracted(uses: Iterable[object]) -> list[tuple[int, str]]:
    return [(axis, use.combine) for axis, use in enumerate(uses) if isinstance(use, Contracted)]


class _Classes:
    """Disjoint sets of (value, axis), in which each value occurs once at most."""

    def __init__(self) -> None:
        self._class: dict[tuple[int, int], int] = {}
        self._axes: list[dict[int, int]] = []

    def join(self, axes: list[tuple[int, int]]) -> None:
        """Let axes be one, unless a value would have two axes in one class."""
        found = [self._find(pair) for pair in axes]
        merged: dict[int, int] = {}
        for index in dict.fromkeys(found):
            for value, axis in self._axes[index].items():
                if merged.setdefault(value, axis) != axis:
                    return
        largest = max(found, key=lambda index: len(self._axes[index]))
        for index in set(found) - {largest}:
            for pair in self._axes[index].items():
                self._class[pair] = largest
            self._axes[largest].update(self._axes[index])
            self._axes[index] = {}

    def _find(self, pair: tuple[int, int]) -> int:
        if pair not in self._class:
            self._class[pair] = len(self._axes)
            self._axes.append(dict((pair,)))
        return self._class[pair]

    def all(self) -> list[dict[int, int]]:
        """Return the classes."""
        return [axes for axes in self._axes if axes]


def use_of(program: Program, item: Item, axes: Mapping[int, int]) -> Use:
    """Say what becomes of an item when a class of axes is sliced."""
    if axes.keys().isdisjoint((*item.inputs, *item.outputs)):
        return _OUTSIDE
    tiling = tiling_of(program, item)
    if tiling is None:
        return _OUTSIDE
    made = {axes.get(value, -1) for value in item.outputs}
    if made == {-1}:
        return _contraction(item, tiling, axes)
    is_along = len(made) == 1 and _is_along(item, tiling, axes, made.pop())
    return Use(Role.ALONG) if is_along else _OUTSIDE


def _is_along(item: Item, tiling: Tiling, axes: Mapping[int, int], out: int) -> bool:
    """Say whether slices of all that is in the class give slices of the outputs' axis."""
    found = out in tiling.free
    for value, uses in zip(item.inputs, tiling.inputs, strict=True):
        for axis, use in enumerate(uses):
            is_mapped = isinstance(use, (Along, Proportional)) and use.axis == out
            if is_mapped != (axes.get(value) == axis) or (
                isinstance(use, Halo) and use.axis == out
            ):
                return False
            found = found or is_mapped
    return found


def _contraction(item: Item, tiling: Tiling, axes: Mapping[int, int]) -> Use:
    """Return the use of an item whose inputs in the class are one contracted axis of all."""
    columns = [_contracted(uses) for uses in tiling.inputs]
    for index in range(max(map(len, columns), default=0)):
        sliced = {(value, column[index][0])
                  for value, column in zip(item.inputs, columns, strict=True)
                  if len(column) > index}  # fmt: skip
        in_class = {(value, axes[value]) for value in item.inputs if value in axes}
        if sliced == in_class:
            combine = next(column[index][1] for column in columns if len(column) > index)
            return Use(Role.CONTRACTED, combine) if 0 in get_op(combine).inplace else _OUTSIDE
    return _OUTSIDE
