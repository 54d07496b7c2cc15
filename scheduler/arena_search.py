"""Exact search for offsets below a capacity: the arena is filled from the bottom up.

Time is cut into sections between births and deaths. The *floor* of a section is how high it is
filled, by blocks and by what was given up below them. The search decides what lies next between two
walls: the first ones where the floor is lowest, or, every other time, those that leave the least
choice. Where nothing may be given up, these find out soon that a branch is wrong.

    bytes |         +----+        between two walls: what lies on the floor at its left end must
          |   +-----+    |        be born there, since what was born before lies higher; or
          |   |     | ?  +---     nothing does, and the floor rises to where the next block can lie
          +---------------------> time

So every placement in which each block lies on another one or at the bottom is met [1]_. What is
given up is counted: where a section's floor and the blocks still to come exceed the capacity, the
branch ends. If the capacity is the largest live set, nothing may be given up in the fullest
section, and what dies at a right end must lie there as what is born at a left end does. A state
that was seen before, the same blocks with the same bytes given up, isn't searched again.

Which block is tried first decides how soon one is found: so the search begins anew with other
preferences, forward and backward in time, with more nodes each time. Nodes are counted, and no
clock is read unless a deadline is given.

.. [1] The canonical order of MiniMalloc: M. D. Moffitt, "MiniMalloc: a lightweight memory
   allocator for hardware-accelerated machine learning", ASPLOS 2023.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from scheduler.arena_fits import Blocks

__all__ = ["Found", "search"]

Array: TypeAlias = "np.ndarray[Any, Any]"

_FULL = 2**62  # the floor of a section in which all is placed
_WALL = _FULL + 1  # what bounds time
_LOOK = 256  # the clock is read once in so many nodes
_WORD = 2**64 - 1
_MOST_SEEN = 2**20  # states that are remembered
_FIRST_NODES = 2000  # of the first search, for each block once more; the later ones have more


class Found(NamedTuple):
    """What a search came to.

    Parameters
    ----------
    offsets : numpy.ndarray or None
        A placement within the capacity.
    is_exhausted : bool
        Whether there is none: all was tried.
    work : int
        The nodes that were visited.
    timed_out : bool
        Whether the clock ended it.
    """

    offsets: Array | None
    is_exhausted: bool
    work: int
    timed_out: bool = False


def search(blocks: Blocks, capacity: int, max_work: int, deadline: float | None = None) -> Found:
    """Look for offsets with which all blocks end at or below a capacity.

    Parameters
    ----------
    blocks : Blocks
        Sizes above 0.
    capacity : int
        In the unit of the sizes.
    max_work : int
        The most nodes to visit.
    deadline : float, optional
        When to stop, as `time.monotonic` has it.

    Returns
    -------
    Found
        ``is_exhausted`` is proved: no placement has this capacity then.
    """
    work, backward = 0, Blocks(-blocks.upper, -blocks.lower, blocks.size)
    for attempt, (preference, anywhere) in enumerate(
        (preference, anywhere) for preference in _preferences(blocks) for anywhere in (True, False)
    ):
        if work >= max_work:
            break
        nodes = min(_FIRST_NODES * 2 ** (attempt // 20) + len(blocks.size), max_work - work)
        way = backward if attempt // 2 % 2 else blocks
        found = _Search(way, capacity, preference, anywhere=anywhere).run(nodes, deadline)
        work += found.work
        if found.offsets is not None or found.is_exhausted or found.timed_out:
            return found._replace(work=work)
    return Found(None, is_exhausted=False, work=work)


def _preferences(blocks: Blocks) -> Iterator[Array]:
    """Yield for ever what to try first, smallest values first: plain measures, then noisy ones."""
    duration, size = (blocks.upper - blocks.lower).astype(float), blocks.size.astype(float)
    plain = (-duration, duration, -size, size, -size * duration)
    for preference in plain:
        yield preference
        yield preference  # once in each direction
    rng = np.random.default_rng(0)
    while True:
        for preference in plain:
            noise = rng.uniform(0.4, 1.0, (2, len(size)))
            yield preference * noise[0]
            yield preference * noise[1]


class _Choice(NamedTuple):
    """A block that is placed on the floor of sections ``first:end``; -1 to raise them to it."""

    block: int
    first: int
    end: int
    floor: int


class _Search:
    """The state of one search: what is placed, and the floor."""

    def __init__(self, blocks: Blocks, capacity: int, preference: Array, *, anywhere: bool) -> None:
        times = np.unique(np.concatenate([blocks.lower, blocks.upper]))
        first, end = np.searchsorted(times, blocks.lower), np.searchsorted(times, blocks.upper)
        self.first, self.end, self.size = first.tolist(), end.tolist(), blocks.size.tolist()
        self.anywhere = anywhere
        self.count = len(times) - 1
        self.spare = capacity - self._summed(first, end, blocks.size)  # may still be given up
        self.left = self._summed(first, end, np.ones_like(blocks.size))  # blocks still to come
        self.floor = np.where(self.left == 0, _FULL, 0)
        self.born: list[list[int]] = [[] for _ in range(self.count)]
        self.died: list[list[int]] = [[] for _ in range(self.count + 1)]
        for index in np.argsort(preference, kind="stable").tolist():
            self.born[self.first[index]].append(index)
            self.died[self.end[index]].append(index)
        rng = np.random.default_rng(0)
        self.keys = rng.integers(1, 2**62, len(self.size)).tolist()
        self.weights = rng.integers(1, 2**62, self.count)
        self.given_up = 0  # a hash of the bytes given up in each section
        self.offsets = [-1] * len(self.size)

    def _summed(self, first: Array, end: Array, amount: Array) -> Array:
        change = np.zeros(self.count + 1, np.int64)
        np.add.at(change, first, amount)
        np.subtract.at(change, end, amount)
        return np.cumsum(change[:-1])

    def run(self, max_work: int, deadline: float | None) -> Found:
        """Search depth first."""
        if (self.spare < 0).any():
            return Found(None, is_exhausted=True, work=0)
        work, left, state = 0, len(self.size), 0
        seen: set[tuple[int, int]] = set()
        stack: list[tuple[Iterator[_Choice], _Choice, Array, int]] = []
        choices = self._choices()
        while left:
            choice = next(choices, None)
            if choice is None:
                if not stack:
                    return Found(None, is_exhausted=True, work=work)
                choices, taken, before, state = stack.pop()
                left += taken.block >= 0
                self._take_back(taken, before)
                continue
            work += 1
            timed_out = deadline is not None and not work % _LOOK and time.monotonic() > deadline
            if work > max_work or timed_out:
                return Found(None, is_exhausted=False, work=work, timed_out=timed_out)
            before = self._take(choice)
            new = state ^ self.keys[choice.block] if choice.block >= 0 else state
            key = (new, self.given_up)
            if key in seen:
                self._take_back(choice, before)
                continue
            if len(seen) < _MOST_SEEN:
                seen.add(key)
            stack.append((choices, choice, before, state))
            left -= choice.block >= 0
            choices, state = self._choices(), new
        return Found(np.array(self.offsets, np.int64), is_exhausted=False, work=work)

    def _choices(self) -> Iterator[_Choice]:
        """Yield what may become of a floor between two walls."""
        valleys = self._valleys() if self.anywhere else [self._lowest()]
        best: list[_Choice] = []
        least, place = _FULL, (0, 0, False)
        for first, wall in valleys:
            found, may_rise = self._lying_at(first, wall)
            if len(found) + may_rise < least:
                best, least, place = found, len(found) + may_rise, (first, wall, may_rise)
            if not least:
                return
        yield from best
        first, wall, may_rise = place
        raised = self._raised(first, wall, int(self.floor[first])) if may_rise else None
        if raised is not None:
            yield raised

    def _lowest(self) -> tuple[int, int]:
        """Return from where to where the first lowest floor is level."""
        first = int(self.floor.argmin())
        higher = self.floor[first:] != self.floor[first]
        return first, first + int(higher.argmax()) if higher.any() else self.count

    def _valleys(self) -> Iterator[tuple[int, int]]:
        """Yield from where to where the floor is level, with higher ones on both sides."""
        starts = np.concatenate(([0], np.flatnonzero(np.diff(self.floor)) + 1))
        heights = np.concatenate(([_WALL], self.floor[starts], [_WALL]))
        falls = np.diff(heights) < 0
        ends = np.append(starts[1:], self.count)
        yield from zip(starts[falls[:-1] & ~falls[1:]].tolist(),
                       ends[falls[:-1] & ~falls[1:]].tolist(), strict=True)  # fmt: skip

    def _lying_at(self, first: int, wall: int) -> tuple[list[_Choice], bool]:
        """Return what may lie at an end of a floor, and whether nothing may.

        Where nothing may be given up at the right end, something must lie there: what dies there,
        since what lives longer lies higher.
        """
        low = int(self.floor[first])
        found, may_rise = self._lying(self.born[first], first, wall, low), self.spare[first] > 0
        if len(found) + may_rise > 1 and not self.spare[wall - 1]:
            last = self._lying(self.died[wall], first, wall, low)
            if len(last) < len(found) + may_rise:
                return last, False
        return found, bool(may_rise)

    def _lying(self, blocks: Sequence[int], first: int, wall: int, low: int) -> list[_Choice]:
        """Return the choices to let one of these blocks lie on a floor; of equal ones the first."""
        found: dict[tuple[int, int, int], _Choice] = {}
        for block in blocks:
            begin, end = self.first[block], self.end[block]
            if self.offsets[block] < 0 and first <= begin and end <= wall:
                found.setdefault((begin, end, self.size[block]), _Choice(block, begin, end, low))
        return list(found.values())

    def _raised(self, first: int, wall: int, low: int) -> _Choice | None:
        """Return the choice to let nothing lie on a floor; None if that gives up too much.

        No block that is still to come and lives in section `first` can then lie below `height`,
        nor in the sections after it, up to the next birth: what lives there lives in `first` too.
        """
        end = first + 1
        while end < wall and all(self.offsets[block] >= 0 for block in self.born[end]):
            end += 1
        before = int(self.floor[first - 1]) if first else _FULL
        above = [self._least(block, first, low) for block in self.born[first]
                 if self.offsets[block] < 0]  # fmt: skip
        height = min([before, *above])
        if height >= _FULL or (self.spare[first:end] < height - low).any():
            return None
        return _Choice(-1, first, end, height)

    def _least(self, block: int, first: int, low: int) -> int:
        """Return the least height above a floor that a block born there can lie at."""
        top = int(self.floor[first : self.end[block]].max())
        if top > low:
            return top
        under = [self.size[other] for section in range(first + 1, self.end[block])
                 for other in self.born[section] if self.offsets[other] < 0]  # fmt: skip
        return low + min(under) if under else _FULL

    def _take(self, choice: _Choice) -> Array:
        """Carry out a choice, and return the floor before it."""
        block, first, end, floor = choice
        before = self.floor[first:end].copy()
        if block < 0:
            risen = floor - before
            self.spare[first:end] -= risen
            self.given_up = (self.given_up + self._hash(risen, first, end)) & _WORD
            self.floor[first:end] = floor
            return before
        self.offsets[block] = floor
        self.floor[first:end] += self.size[block]
        self.left[first:end] -= 1
        self.floor[first:end][self.left[first:end] == 0] = _FULL
        return before

    def _hash(self, risen: Array, first: int, end: int) -> int:
        return int(
            (risen * self.weights[first:end]).sum()
        )  # modulo 2**64, as NumPy's arrays have it

    def _take_back(self, choice: _Choice, before: Array) -> None:
        block, first, end, floor = choice
        self.floor[first:end] = before
        if block < 0:
            risen = floor - before
            self.spare[first:end] += risen
            self.given_up = (self.given_up - self._hash(risen, first, end)) & _WORD
        else:
            self.offsets[block] = -1
            self.left[first:end] += 1
