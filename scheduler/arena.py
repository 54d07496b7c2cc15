"""Arena offsets: where each temporary lies so that no two that live at once overlap.

Packing rectangles of fixed width (a lifetime) and height (a size) at free heights is NP-hard, but
plans are easy: placing buffers one by one at the lowest gap that fits reaches the lower bound for
most, given a good order. Several orders are tried and the lowest peak kept; the search ends as
soon as the lower bound (the largest live set) is reached. Work is counted, never timed, so the
result is the same everywhere.

    bytes |  +-----+  +----+
          |  |  b  |  | d  |      first fit, largest first: a, b, d, c
          |  +-----+--+--+-+
          |  |   a    | c|
          +--------------------> steps

A sweep in time with a list of gaps comes first: it costs little. A chain, where no more than two
live at once, is packed exactly: one at the bottom of the arena, the next at its top.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from scheduler.plan import padded

__all__ = ["Block", "Placement", "largest_live_set", "place"]

_MOST_PAIRS = 1_000_000
"""Above this many pairs of blocks that live at once, only the sweep in time is tried."""


class Block(NamedTuple):
    """A size in bytes and a lifetime, half-open in steps."""

    nbytes: int
    first: int
    end: int


class Placement(NamedTuple):
    """The blocks' offsets, the bytes they take in all, and the least that any placement takes."""

    offsets: tuple[int, ...]
    peak: int
    lower_bound: int


def place(blocks: Sequence[Block]) -> Placement:
    """Give every block an offset, a multiple of the alignment.

    Parameters
    ----------
    blocks : sequence of Block
        Sizes of 0 or more; ``first < end``.

    Returns
    -------
    Placement
        With ``peak`` as close to ``lower_bound`` as the orders tried come.

    Examples
    --------
    >>> place([Block(64, 0, 2), Block(64, 1, 3), Block(64, 2, 4)])
    Placement(offsets=(0, 64, 0), peak=128, lower_bound=128)
    """
    sizes = [padded(block.nbytes) for block in blocks]
    bound = largest_live_set(blocks)
    best = _swept(blocks, sizes, best_fit=True)
    for offsets in _tries(blocks, sizes, bound):
        if _height(best, sizes) == bound:
            break
        best = min(best, offsets, key=lambda o: _height(o, sizes))  # the first of equals
    return Placement(tuple(best), _height(best, sizes), bound)


def _tries(blocks: Sequence[Block], sizes: list[int], bound: int) -> Iterator[list[int]]:
    yield from _at_both_ends(blocks, sizes, bound)
    yield _swept(blocks, sizes, best_fit=False)
    if _pairs(blocks) <= _MOST_PAIRS:
        overlaps = _overlaps(blocks)
        for key in _ORDERS:
            order = sorted(range(len(blocks)), key=lambda i: (*key(blocks[i]), i))
            yield _first_fit(sizes, overlaps, order)


def _at_both_ends(blocks: Sequence[Block], sizes: list[int], bound: int) -> Iterator[list[int]]:
    """Place each block at the bottom, or below the bound where another lies at the bottom.

    The least possible where never more than two live at once, as in a chain; nothing elsewhere.
    """
    offsets, bottom, top = [0] * len(blocks), 0, 0  # until when the bottom and the top are taken
    for index in sorted(range(len(blocks)), key=lambda i: blocks[i].first):
        _, first, end = blocks[index]
        if not sizes[index]:
            continue
        if bottom <= first:
            bottom = end
        elif top <= first:
            offsets[index], top = bound - sizes[index], end
        else:
            return
    yield offsets


def _height(offsets: Sequence[int], sizes: list[int]) -> int:
    return max((o + s for o, s in zip(offsets, sizes, strict=True)), default=0)


def largest_live_set(blocks: Sequence[Block]) -> int:
    """Return the most bytes that live at one step, each block padded to the alignment."""
    events: dict[int, int] = {}
    for block in blocks:
        events[block.first] = events.get(block.first, 0) + padded(block.nbytes)
        events[block.end] = events.get(block.end, 0) - padded(block.nbytes)
    live = peak = 0
    for step in sorted(events):
        live += events[step]
        peak = max(peak, live)
    return peak


_ORDERS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda block: (-block.nbytes, block.first),
    lambda block: (-block.nbytes * (block.end - block.first), block.first),
    lambda block: (block.first - block.end, -block.nbytes),
    lambda block: (block.first, -block.nbytes),
    lambda block: (-block.end, -block.nbytes),
)


def _swept(blocks: Sequence[Block], sizes: list[int], *, best_fit: bool) -> list[int]:
    """Place blocks in order of their first step, freeing those that have ended by then.

    Each goes into the lowest gap that is large enough, or into the smallest such.
    """
    offsets = [0] * len(blocks)
    gaps: list[tuple[int, int]] = []  # (low, high) of free ranges below `top`, by low
    live: list[tuple[int, int]] = []  # (end, block), a heap
    top = 0
    for index in sorted(range(len(blocks)), key=lambda i: (blocks[i].first, -sizes[i], i)):
        while live and live[0][0] <= blocks[index].first:
            _, ended = heappop(live)
            _free(gaps, offsets[ended], offsets[ended] + sizes[ended])
        if not sizes[index]:
            continue
        fitting = [gap for gap in gaps if gap[1] - gap[0] >= sizes[index]]
        if fitting:
            gap = min(fitting, key=lambda g: g[1] - g[0]) if best_fit else fitting[0]
            gaps.remove(gap)
        else:
            gap = gaps.pop() if gaps and gaps[-1][1] == top else (top, top)
        offsets[index] = gap[0]
        top = max(top, gap[0] + sizes[index])
        if gap[0] + sizes[index] < gap[1]:
            insort(gaps, (gap[0] + sizes[index], gap[1]))
        heappush(live, (blocks[index].end, index))
    return offsets


def _free(gaps: list[tuple[int, int]], low: int, high: int) -> None:
    """Give a range back, joined with the free ranges that it touches."""
    if low == high:
        return
    place = bisect_left(gaps, (low, high))
    if place < len(gaps) and gaps[place][0] == high:
        high = gaps.pop(place)[1]
    if place and gaps[place - 1][1] == low:
        low = gaps.pop(place - 1)[0]
    insort(gaps, (low, high))


def _pairs(blocks: Sequence[Block]) -> int:
    """Return how many pairs of blocks live at the same time."""
    ends: list[int] = []
    pairs = 0
    for block in sorted(blocks, key=lambda b: b.first):
        while ends and ends[0] <= block.first:
            heappop(ends)
        pairs += len(ends)
        heappush(ends, block.end)
    return pairs


def _overlaps(blocks: Sequence[Block]) -> list[list[int]]:
    """Return for every block those that live at the same time as it."""
    overlaps: list[list[int]] = [[] for _ in blocks]
    live: list[tuple[int, int]] = []  # (end, block), sorted
    for index in sorted(range(len(blocks)), key=lambda i: blocks[i].first):
        block = blocks[index]
        if block.nbytes == 0:
            continue
        while live and live[0][0] <= block.first:
            live.pop(0)
        for _, other in live:
            overlaps[index].append(other)
            overlaps[other].append(index)
        insort(live, (block.end, index))
    return overlaps


def _first_fit(sizes: list[int], overlaps: list[list[int]], order: list[int]) -> list[int]:
    """Place blocks in this order, each in the lowest gap left by those that overlap it."""
    offsets = [-1] * len(sizes)
    for index in order:
        taken = sorted((offsets[o], offsets[o] + sizes[o]) for o in overlaps[index]
                       if offsets[o] >= 0)  # fmt: skip
        offset = 0
        for low, high in taken:
            if low - offset >= sizes[index]:
                break
            offset = max(offset, high)
        offsets[index] = offset
    return offsets
