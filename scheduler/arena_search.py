"""Exact search for offsets below a capacity: the arena is filled from the bottom up.

Time is cut into sections between births and deaths. The *floor* of a section is how high it is
filled, by blocks and by what was given up below them. The search takes the first place where the
floor is lowest and decides what lies there:

    bytes |         +----+        between two walls: what lies on the floor at its left end must
          |   +-----+    |        be born there, since what was born before lies higher; or
          |   |     | ?  +---     nothing does, and the floor rises to where the next block can lie
          +---------------------> time

So every placement in which each block lies on another one or at the bottom is met, from the lowest
block up [1]_. What is given up is counted: where a section's floor and the blocks still to come
exceed the capacity, the branch ends. If the capacity is the largest live set, nothing may be given
up in the fullest section, and branches end soon. A state that was seen before, the same blocks with
the same bytes given up, isn't searched again.

Which block is tried first decides how soon one is found: so the search begins anew with other
preferences, forward and backward in time, with more nodes each time. Nodes are counted, and no
clock is read unless a deadline is given.

.. [1] The canonical order of MiniMalloc: M. D. Moffitt, "MiniMalloc: a lightweight memory
   allocator for hardware-accelerated machine learning", ASPLOS 2023.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from scheduler.arena_fits import Blocks

__all__ = ["Found", "search"]

Array: TypeAlias = "np.ndarray[Any, Any]"

_FULL = 2**62  # the floor of a section in which all is placed
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
    for attempt, preference in enumerate(_preferences(blocks)):
        if work >= max_work:
            break
        nodes = min(_FIRST_NODES * 2 ** (attempt // 10) + len(blocks.size), max_work - work)
        way = backward if attempt % 2 else blocks
        found = _Search(way, capacity, preference).run(nodes, deadline)
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

    def __init__(self, blocks: Blocks, capacity: int, preference: Array) -> None:
        times = np.unique(np.concatenate([blocks.lower, blocks.upper]))
        first, end = np.searchsorted(times, blocks.lower), np.searchsorted(times, blocks.upper)
        self.first, self.end, self.size = first.tolist(), end.tolist(), blocks.size.tolist()
        self.count = len(times) - 1
        self.spare = capacity - self._summed(first, end, blocks.size)  # may still be given up
        self.left = self._summed(first, end, np.ones_like(blocks.size))  # blocks still to come
        self.floor = np.where(self.left == 0, _FULL, 0)
        self.born: list[list[int]] = [[] for _ in range(self.count)]
        for index in np.argsort(preference, kind="stable").tolist():
            self.born[self.first[index]].append(index)
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
        """Yield what may become of the first lowest floor."""
        first = int(self.floor.argmin())
        low = int(self.floor[first])
        higher = self.floor[first:] != low
        wall = first + int(higher.argmax()) if higher.any() else self.count
        alike = set()
        for block in self.born[first]:
            shape = (self.end[block], self.size[block])
            if self.offsets[block] < 0 and self.end[block] <= wall and shape not in alike:
                alike.add(shape)
                yield _Choice(block, first, self.end[block], low)
        raised = self._raised(first, wall, low)
        if raised is not None:
            yield raised

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
