"""Placing buffers one by one: in what order, and into which gap.

A sweep in time places each buffer when it is born, among those that live then; it costs
microseconds a buffer. The other orders, by size, area, duration or birth, place each buffer among
all that were placed before and overlap it in time:

    bytes |  +-----+  +----+
          |  |  b  |  | d  |      first fit, largest first: a, b, d, c
          |  +-----+--+--+-+
          |  |   a    | c|
          +--------------------> time

Each into the lowest gap that is large enough (first fit), or into the smallest such (best fit).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = ["Blocks", "at_both_ends", "fitted", "height", "orders", "swept", "swept_by_death"]

Array: TypeAlias = "np.ndarray[Any, Any]"

_MOST, _EXACT = 2**62, 2.0**62


class Blocks(NamedTuple):
    """Lifetimes, half-open, and sizes above 0: int64 arrays of one length."""

    lower: Array
    upper: Array
    size: Array

    def chosen(self, index: Array) -> Blocks:
        """Return some of them."""
        return Blocks(self.lower[index], self.upper[index], self.size[index])


def height(blocks: Blocks, offsets: Array) -> int:
    """Return where the highest block ends."""
    return int((offsets + blocks.size).max(initial=0))


def orders(blocks: Blocks) -> Iterator[Array]:
    """Yield the orders to place blocks in: by size, area, duration and birth, and by death.

    Of equals the earlier, then the larger one comes first; then the same with equals as they come.
    """
    lower, upper, size = blocks
    duration = upper - lower
    area = size * duration
    if float(size.max(initial=0)) * float(duration.max(initial=0)) > _EXACT:
        products = size.astype(object) * duration  # of Python's numbers, which have no end
        area = np.unique(products, return_inverse=True)[1].reshape(-1)
    for keys in ((size,), (area,), (duration, size)):
        yield np.lexsort((lower, *(-key for key in reversed(keys))))
    yield np.lexsort((-size, lower))
    yield np.lexsort((-size, -upper))
    for key in (-size, -area, -duration, lower):
        yield np.argsort(key, kind="stable")


def swept(blocks: Blocks, *, best_fit: bool) -> Array:
    """Place blocks in order of birth, the largest of equals first, freeing those that have ended.

    Returns
    -------
    numpy.ndarray
        The offsets.
    """
    lower, upper, size = (part.tolist() for part in blocks)
    offsets = [0] * len(size)
    gaps: list[tuple[int, int]] = []  # (low, high) of free ranges below `top`, by low
    live: list[tuple[int, int]] = []  # (end, block), a heap
    top = 0
    for index in sorted(range(len(size)), key=lambda i: (lower[i], -size[i], i)):
        while live and live[0][0] <= lower[index]:
            _, ended = heappop(live)
            _free(gaps, offsets[ended], offsets[ended] + size[ended])
        fitting = [gap for gap in gaps if gap[1] - gap[0] >= size[index]]
        if fitting:
            gap = min(fitting, key=lambda g: g[1] - g[0]) if best_fit else fitting[0]
            gaps.remove(gap)
        else:
            gap = gaps.pop() if gaps and gaps[-1][1] == top else (top, top)
        offsets[index] = gap[0]
        top = max(top, gap[0] + size[index])
        if gap[0] + size[index] < gap[1]:
            insort(gaps, (gap[0] + size[index], gap[1]))
        heappush(live, (upper[index], index))
    return np.array(offsets, np.int64)


def _free(gaps: list[tuple[int, int]], low: int, high: int) -> None:
    """Give a range back, joined with the free ranges that it touches."""
    place = bisect_left(gaps, (low, high))
    if place < len(gaps) and gaps[place][0] == high:
        high = gaps.pop(place)[1]
    if place and gaps[place - 1][1] == low:
        low = gaps.pop(place - 1)[0]
    insort(gaps, (low, high))


def at_both_ends(blocks: Blocks, bound: int) -> Array | None:
    """Place each block at the bottom, or below the bound where another lies at the bottom.

    The least possible where never more than two live at once, as in a chain; None elsewhere.
    """
    lower, upper, size = (part.tolist() for part in blocks)
    offsets, bottom, top = [0] * len(size), 0, 0  # until when the bottom and the top are taken
    for index in sorted(range(len(size)), key=lambda i: lower[i]):
        if bottom <= lower[index]:
            bottom = upper[index]
        elif top <= lower[index]:
            offsets[index], top = bound - size[index], upper[index]
        else:
            return None
    return np.array(offsets, np.int64)


def fitted(blocks: Blocks, order: Array, below: int, *, best_fit: bool) -> Array | None:
    """Place blocks in an order, each into a gap between the placed ones that overlap it in time.

    Returns
    -------
    numpy.ndarray or None
        The offsets; None as soon as a block ends at `below` or higher.
    """
    placed, offsets = _Placed(len(order)), np.zeros(len(order), np.int64)
    lower, upper, size = (part.tolist() for part in blocks)
    for index in order.tolist():
        offset = placed.place(lower[index], upper[index], size[index], best_fit=best_fit)
        if offset + size[index] >= below:
            return None
        offsets[index] = offset
    return offsets


class _Placed:
    """The blocks placed so far, sorted by offset."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self.rows = np.empty((4, most), np.int64)  # offset, top, lower, upper

    def place(self, lower: int, upper: int, size: int, *, best_fit: bool) -> int:
        """Place one more block and return its offset."""
        offsets, tops, lowers, uppers = self.rows[:, : self.count]
        meets = np.flatnonzero((lowers < upper) & (uppers > lower))
        offset = _gap(offsets[meets], tops[meets], size, best_fit=best_fit)
        place = int(offsets.searchsorted(offset))
        self.rows[:, place + 1 : self.count + 1] = self.rows[:, place : self.count]
        self.rows[:, place] = offset, offset + size, lower, upper
        self.count += 1
        return offset


def _gap(offsets: Array, tops: Array, size: int, *, best_fit: bool) -> int:
    """Return the offset of a gap between blocks that are sorted by offset."""
    if not len(offsets):
        return 0
    ends = np.empty(len(tops) + 1, np.int64)  # how far the blocks before each one reach
    ends[0] = 0
    np.maximum.accumulate(tops, out=ends[1:])
    room = offsets - ends[:-1]
    if best_fit:
        place = int(np.where(room >= size, room, _MOST).argmin())
    else:
        place = int((room >= size).argmax())
    return int(ends[place]) if room[place] >= size else int(ends[-1])


def swept_by_death(blocks: Blocks, below: int, ceiling: int, weight: float) -> Array | None:
    """Place blocks in order of birth, each beside one that dies at about the same time.

    So what becomes free lies together. A gap's cost is the share of it that stays free, plus
    `weight` times how far apart the neighbours die, in mean lifetimes.

    Returns
    -------
    numpy.ndarray or None
        The offsets; None as soon as a block ends at `below` or higher.
    """
    lower, upper, size = (part.tolist() for part in blocks)
    live, offsets = _Live(len(size), ceiling), np.zeros(len(size), np.int64)
    scale = weight / float((blocks.upper - blocks.lower).mean())
    for index in np.lexsort((-blocks.size, blocks.lower)).tolist():
        live.bury(lower[index])
        offset = live.place(upper[index], size[index], scale, 2 * weight)
        if offset + size[index] >= below:
            return None
        offsets[index] = offset
    return offsets


class _Live:
    """The blocks that live, sorted by offset."""

    def __init__(self, most: int, ceiling: int) -> None:
        self.count = 0
        self.rows = np.empty((3, most), np.int64)  # offset, top, death
        self.ceiling = ceiling
        self.next_death = _MOST

    def bury(self, now: int) -> None:
        """Take out the blocks that have died."""
        if now < self.next_death:
            return
        rows = self.rows[:, : self.count]
        left = rows[:, rows[2] > now]
        self.count = left.shape[1]
        self.rows[:, : self.count] = left
        self.next_death = int(left[2].min(initial=_MOST))

    def place(self, death: int, size: int, scale: float, most: float) -> int:
        """Place one more block and return its offset."""
        place, offset = self._best(death, size, scale, most)
        self.rows[:, place + 1 : self.count + 1] = self.rows[:, place : self.count]
        self.rows[:, place] = offset, offset + size, death
        self.count += 1
        self.next_death = min(self.next_death, death)
        return offset

    def _best(self, death: int, size: int, scale: float, most: float) -> tuple[int, int]:
        """Return the place of the cheapest gap, and the offset at its lower or its upper end."""
        offsets, tops, deaths = self.rows[:, : self.count]
        low, high = np.zeros(self.count + 1, np.int64), np.empty(self.count + 1, np.int64)
        low[1:], high[:-1] = tops, offsets
        high[-1] = max(self.ceiling, int(low[-1]))
        fitting = np.flatnonzero(high - low >= size)
        if not len(fitting):
            return self.count, int(low[-1])
        apart = np.zeros(self.count + 2)
        apart[1:-1] = np.minimum(np.abs(deaths - death) * scale, most)
        waste = (high[fitting] - low[fitting] - size) / size
        below, above = waste + apart[fitting], waste + apart[fitting + 1]
        lowest, highest = int(below.argmin()), int(above.argmin())
        if below[lowest] <= above[highest] or fitting[highest] == self.count:
            return int(fitting[lowest]), int(low[fitting[lowest]])
        return int(fitting[highest]), int(high[fitting[highest]]) - size
