"""Tile groups: which items run slice by slice, so that what they pass on needs a slice of memory.

One class of axes (see `shared_axes`) is sliced. The items that it goes through form as few groups
as can be, in *stages*: what needs the whole of something that a group makes comes after it.

    stage 0                  between               stage 1
    h = x @ w, sums of h ->  mean and variance ->  (h - mean) / deviation, ... and all the way back

A loss that is a sum over examples stops nothing: its cotangent doesn't depend on it. So both sweeps
of a network that doesn't mix examples are one stage, and a slice goes forward and all the way back
before the next one starts. Which stage an item runs in is told in `scheduler.stages`.

What is passed on within a stage is *local*: memory for one slice, used again by the next. What
leaves it is whole, filled slice by slice; what is contracted is added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scheduler.plan import Slice
from scheduler.program import alias_roots
from scheduler.shared_axes import Role, SharedAxis, Use, shared_axes, tiling_of, use_of
from scheduler.stage_copies import with_copies
from scheduler.stages import Stages

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.spec import Spec
    from scheduler.program import Item, Program

__all__ = ["Group", "Tiles", "mean_of_large", "tile_candidates"]

_MOST_CANDIDATES = 3
"""How many classes of axes are looked at, those with the most bytes first."""


_LONG = 2**62


@dataclass(frozen=True)
class Group:
    """Items that run slice by slice.

    Parameters
    ----------
    items : tuple of int
        In the order of declaration.
    local : frozenset of int
        The values that only this group reads.
    """

    items: tuple[int, ...]
    local: frozenset[int]


@dataclass(frozen=True)
class Tiles:
    """How a program is sliced.

    Parameters
    ----------
    program : Program
        Of which.
    shared : SharedAxis
        The axis that is sliced, of every value that has one.
    length : int
        How long the shortest of these axes is; the others are multiples.
    rows : int
        Of the length, how much a slice has; the last slice may have less.
    uses : mapping of int to Use
        What becomes of each item of a group.
    groups : tuple of Group
        In the order in which they run.
    """

    program: Program
    shared: SharedAxis
    length: int
    rows: int
    uses: Mapping[int, Use]
    groups: tuple[Group, ...]

    @property
    def axes(self) -> Mapping[int, int]:
        """The axis of every value that has one."""
        return self.shared.axes

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """The slices, the last one the shortest."""
        return tuple(Slice(start, min(start + self.rows, self.length))
                     for start in range(0, self.length, self.rows))  # fmt: skip

    @cached_property
    def group_of(self) -> dict[int, int]:
        """The number of each item's group."""
        return {index: n for n, group in enumerate(self.groups) for index in group.items}

    @property
    def last_rows(self) -> int:
        """How much the last slice has."""
        return self.slices[-1].stop - self.slices[-1].start

    @cached_property
    def local_bytes(self) -> int:
        """The bytes of all rows of what stays within the groups, views aside."""
        return sum(self._local_sizes)

    @property
    def mean_bytes(self) -> float:
        """What such a value has on average, the small ones aside; in a loop, at each step."""
        loops = [
            inner.ways[use.way].mean_bytes
            for index, use in self.uses.items()
            if use.way >= 0 and (inner := self.program.inner(self.program.items[index]))
        ]
        return min([mean_of_large(self._local_sizes), *loops])

    @cached_property
    def _local_sizes(self) -> list[int]:
        roots, specs = alias_roots(self.program), self.program.specs
        return [specs[value].nbytes for group in self.groups for value in group.local
                if roots[value] == value]  # fmt: skip

    def traffic(self) -> float:
        """Return the bytes that all slices read and write, by those that the whole does."""
        whole = sliced = 0
        for index in self.group_of:
            item = self.program.items[index]
            if item.op.alias is None:
                whole += self._bytes(item, self.length)
                sliced += len(self.slices) * self._bytes(item, self.rows)
        return sliced / max(whole, 1)

    def _bytes(self, item: Item, rows: int) -> int:
        return sum(self.spec(value, rows).nbytes for value in (*item.inputs, *item.outputs))

    def shortest_run(self) -> int:
        """Return the fewest bytes without a gap in a slice of what lies whole in memory."""
        items = [self.program.items[index] for index in self.group_of]
        runs = [
            _run(self.spec(v, self.rows), self.axes[v])
            for v in self._whole({v for item in items for v in (*item.inputs, *item.outputs)})
        ]
        return min((run for run in runs if run), default=_LONG)

    def written_runs(self) -> int:
        """Return how many ranges of bytes a slice writes of what lies whole in memory."""
        made = {v for index in self.group_of for v in self.program.items[index].outputs}
        return sum(math.prod(self.program.specs[v].static_shape[: self.axes[v]])
                   for v in self._whole(made))  # fmt: skip

    def _whole(self, values: set[int]) -> set[int]:
        """Return those of some values that are sliced, and lie whole in memory."""
        local = {value for group in self.groups for value in group.local}
        return (values & self.axes.keys()) - local

    def spec(self, value: int, rows: int) -> Spec:
        """Return the spec of a slice of a value; of all of it where it isn't sliced."""
        spec = self.program.specs[value]
        if value not in self.axes:
            return spec
        axis, shape = self.axes[value], spec.static_shape
        return spec.with_shape(
            (*shape[:axis], rows * (shape[axis] // self.length), *shape[axis + 1 :])
        )

    def attrs(self, item: Item, rows: int) -> Attrs:
        """Return the attributes of an item's first slice."""
        if item.op.control is not None:
            return self._loop_attrs(item, rows)
        axis = self.axes.get(item.outputs[0])
        tiling = None if axis is None else tiling_of(self.program, item)
        if axis is None or tiling is None:
            return item.attrs
        factor = self.program.specs[item.outputs[0]].static_shape[axis] // self.length
        return tiling.slice_attrs(item.attrs, axis, 0, rows * factor)

    def _loop_attrs(self, item: Item, rows: int) -> Attrs:
        """Return a loop's attributes, with the body that is planned for such slices."""
        use, inner = use_of(self.program, item, self.shared), self.program.inner(item)
        if use.way < 0 or inner is None:
            return item.attrs
        times = inner.ways[use.way].length // self.length
        return item.attrs.replace(bodies=(inner.sliced(use.way, rows * times),))

    @cached_property
    def is_even(self) -> bool:
        """Whether all slices must be of one size.

        A loop's body is planned for one; and of less than the memory for it, an interleaved axis
        would take parts with gaps between.
        """
        return bool(self.shared.times) or any(use.way >= 0 for use in self.uses.values())

    def with_rows(self, rows: int) -> Tiles:
        """Return the same groups in slices of another size."""
        return Tiles(self.program, self.shared, self.length, rows, self.uses, self.groups)


def mean_of_large(sizes: Sequence[int]) -> float:
    """Return the mean of those sizes that are a quarter of the largest or more."""
    most = max(sizes, default=0)
    large = [nbytes for nbytes in sizes if 4 * nbytes >= most]
    return sum(large) / max(len(large), 1)


def _run(spec: Spec, axis: int) -> int:
    """Return the bytes without a gap in a slice of a value; 0 if all of it has none."""
    shape = spec.static_shape
    return math.prod(shape[axis:]) * spec.dtype.itemsize if math.prod(shape[:axis]) > 1 else 0


def tile_candidates(program: Program) -> list[Tiles]:
    """Return ways to slice a program, each by one class of axes, in one slice for now.

    Parameters
    ----------
    program : Program
        With its updates placed.

    Returns
    -------
    list of Tiles
        Those first whose local values have the most bytes; of equals the longest axes.
    """
    made = {value for item in program.items for value in item.outputs if item.op.alias is None}
    weighed = [
        (sum(program.specs[value].nbytes for value in shared.axes.keys() & made), shared)
        for shared in shared_axes(program)
    ]
    weighed.sort(key=lambda pair: -pair[0])  # stable: the first of equals
    found = [_tiles(program, shared) for nbytes, shared in weighed[:_MOST_CANDIDATES] if nbytes]
    return sorted((t for t in found if t is not None), key=lambda t: (-t.local_bytes, -t.length))


def _tiles(program: Program, shared: SharedAxis) -> Tiles | None:
    """Return the groups of a class of axes; None if there is none.

    What is interleaved lies together within a slice only. Where one such value can't be local, it
    is left out of the class, and what reads it out of the groups.
    """
    while True:
        lengths = [program.specs[value].static_shape[axis] for value, axis in shared.axes.items()]
        length = min(lengths, default=0)
        if length < 2 or any(own % length for own in lengths):
            return None
        tiles = _grouped(program, shared, length)
        local = {value for group in tiles.groups for value in group.local}
        stray = tiles.shared.interleaved - local
        if not stray:
            return tiles if tiles.groups else None
        shared = shared.without(stray)


def _grouped(program: Program, shared: SharedAxis, length: int, *, again: bool = True) -> Tiles:
    uses = _without_idle_views(program, {
        index: use for index, item in enumerate(program.items)
        if (use := use_of(program, item, shared)).role is not Role.OUTSIDE
    })  # fmt: skip
    choices = [_staged(program, shared, length, uses, stages)
               for stages in Stages(program, shared.axes, uses).choices()]  # fmt: skip
    tiles, stages = max(reversed(choices), key=lambda choice: choice[0].local_bytes)
    if again and len({stages[index] for index in uses}) > 1:
        whole = _read_whole(program, shared, uses, stages)
        copied, more = with_copies(program, shared, uses, stages, whole)
        if copied is not program:
            return _grouped(copied, more, length, again=False)
    return tiles


def _staged(
    program: Program, shared: SharedAxis, length: int, uses: Mapping[int, Use],
    stages: Sequence[int],
) -> tuple[Tiles, Sequence[int]]:  # fmt: skip
    """Return the groups that stages make, and the stages."""
    members = {number: tuple(i for i in uses if stages[i] == number)
               for number in sorted({stages[index] for index in uses})}  # fmt: skip
    whole = _read_whole(program, shared, uses, stages)
    groups = [
        Group(items, frozenset(value for index in items for value in program.items[index].outputs
                               if value in shared.axes and value not in whole))
        for items in members.values()
    ]  # fmt: skip
    groups = [group for group in groups if group.local]
    kept = {index: uses[index] for group in groups for index in group.items}
    return Tiles(program, shared, length, length, kept, tuple(groups)), stages


def _without_idle_views(program: Program, uses: Mapping[int, Use]) -> dict[int, Use]:
    """Leave out views that no other member reads: they cost nothing outside of groups either."""
    kept: dict[int, Use] = {}
    read: set[int] = set()
    for index in sorted(uses, reverse=True):
        item = program.items[index]
        if item.op.alias is None or not read.isdisjoint(item.outputs):
            kept[index] = uses[index]
            read.update(item.inputs)
    return dict(sorted(kept.items()))


def _read_whole(
    program: Program, shared: SharedAxis, uses: Mapping[int, Use], stages: Sequence[int]
) -> set[int]:
    """Return the sliced values that must lie whole in memory, for somebody outside their group."""
    roots, makers, axes = _roots(program, shared), program.makers(), shared.axes
    whole = {roots[value] for value in (*program.outputs.values(), *program.updates.values())}
    for index, item in enumerate(program.items):
        for value in item.inputs:
            maker = makers.get(roots[value])
            is_within = maker is not None and value in axes and index in uses
            if maker is None or not is_within or stages[index] != stages[maker]:
                whole.add(roots[value])
    return {value for value in axes if roots[value] in whole}


def _roots(program: Program, shared: SharedAxis) -> list[int]:
    """Return for every value the one that it is a view of, whatever the slices.

    To an interleaved axis, and back, there is a view within a slice only.
    """
    roots = list(range(len(program.specs)))
    for item in program.items:
        if item.op.alias is not None:
            source = item.inputs[item.op.alias.slot]
            if (source in shared.interleaved) == (item.outputs[0] in shared.interleaved):
                roots[item.outputs[0]] = roots[source]
    return roots
