"""Layout: the order, the tile groups, the lifetimes and the offsets of a program, chosen together.

The whole is laid out first. Where it takes more than a slice should, the ways to slice it are laid
out too, and the one with the lowest peak is kept if it lowers the peak enough to be worth its
calls: slices keep every gradient that they add up alive, so where there is more of these than of
activations, the whole stays.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from scheduler.arena import assign_offsets
from scheduler.costs import DEFAULT_TARGET
from scheduler.joins import joins_of
from scheduler.memory import assign_memory
from scheduler.order import candidate_orders
from scheduler.plan import ALIGNMENT, Buffer, padded
from scheduler.tile_groups import tile_candidates
from scheduler.tile_times import SliceTimes, calls_outweigh
from scheduler.tiled_order import order_tiled

if TYPE_CHECKING:
    from scheduler.live_memory import Memory
    from scheduler.program import Program
    from scheduler.tile_groups import Tiles

__all__ = ["Layout", "lay_out", "placed"]

_WORTH_SLICING = 2**22
"""A plan with a smaller arena isn't sliced to make it smaller yet: the caches hold it, and calls
would cost more.

It is, though, where more slices than usual are asked for, to keep a budget.
"""

_LEAST = 2**17
"""A plan with a smaller arena isn't sliced at all."""

_SLICE_BYTES, _USUAL = 2**15, 16
"""In up to as many slices, one has so many bytes of a value at least, or calls outweigh work."""

_SHORTEST_RUN = 256
"""Bytes. Slices of a last axis that are shorter would be read a few numbers from each line."""

_MOST_RUNS = 2**16
"""In memory, that slices write of what lies whole: `verify` keeps a list of them."""

_MOST_TRAFFIC = 1.5
"""Times the whole's. Slices of channels, say, would read all images again and again."""

_OVERHEAD = 0.1
"""Of the time that the groups take: what the calls of up to so many slices may add to it."""

_WORTH_IT, _WORTH_MORE = 0.6, 0.9
"""Of the whole's peak: what lowers it by less isn't worth its calls, nor more slices theirs."""


_SEARCHED = 200
"""Items of a program of which all plans are searched: a better order may be harder to place."""

_SEARCH = 40_000
"""Nodes of the exact search for offsets where no simple way reaches the bound: about a second."""


_COMPARED = 5000
"""Items; of larger programs the order is chosen by its own count of bytes, without plans."""


class Layout(NamedTuple):
    """Steps on buffers, and where these lie in the arena."""

    memory: Memory
    buffers: tuple[Buffer, ...]
    peak: int
    lower_bound: int


def lay_out(program: Program, *, slices: int) -> Layout:
    """Lay a program out whose updates are placed; in so many slices, if that is worth it."""
    best = _in_order(program)
    if slices <= 1 or best.peak < _LEAST:
        return best
    most = (_WORTH_IT if slices <= _USUAL else _WORTH_MORE) * best.peak
    aim = slices if best.peak >= _WORTH_SLICING or slices > _USUAL else 1
    if _stays_whole(program, aim):
        return best
    for whole in tile_candidates(program):
        sliced = whole.with_rows(_rows(whole, aim))
        if sliced.rows == sliced.length:
            continue
        if sliced.is_even and sliced.last_rows < sliced.rows:
            continue
        if sliced.written_runs() > _MOST_RUNS:
            continue
        if sliced.shortest_run() < _SHORTEST_RUN or sliced.traffic() > _MOST_TRAFFIC:
            continue
        layout = placed(assign_memory(sliced.program, order_tiled(sliced), sliced))
        if layout.peak < min(best.peak, most):
            best = layout
    return best


def _in_order(program: Program) -> Layout:
    """Lay a program out whole, in the best of the orders that are worth a look.

    Plans are compared by what lives at once, which no placement is below; where that leaves a
    choice, as they are placed: of a small program each by search, of another one the best, and that
    in the order of declaration, so that none is worse.
    """
    most = 1 if len(program.items) > _COMPARED else None
    memories: list[Memory] = []
    declared: list[Memory] = []
    for joins in (True, False) if joins_of(program) else (False,):
        orders = candidate_orders(program, joins=joins)[:most]
        memories += [assign_memory(program, order, joins=joins) for order in orders]
        declared.append(memories[-1])
    memories.sort(key=_live_bytes)  # of equals, the first stays first
    best = placed(memories[0], max_work=0)
    for memory in memories[1:]:
        if best.peak > _live_bytes(memory):
            best = min(best, placed(memory, max_work=0), key=_peak)
    others = memories if len(program.items) <= _SEARCHED else declared
    for memory in (best.memory, *(one for one in others if one is not best.memory)):
        if best.peak > _live_bytes(memory):
            best = min(best, placed(memory), key=_peak)
    return best


def _peak(layout: Layout) -> int:
    return layout.peak


def _live_bytes(memory: Memory) -> int:
    """Return the most bytes of temporaries that live at once."""
    change = [0] * (len(memory.steps) + 2)
    for buffer in memory.buffers:
        if buffer.kind == "temporary":
            change[buffer.first] += padded(buffer.nbytes)
            change[buffer.end] -= padded(buffer.nbytes)
    return max(accumulate(change))


def _stays_whole(program: Program, aim: int) -> bool:
    """Say whether `_rows` would take all rows of any tiles, without looking for them."""
    if aim > _USUAL or not calls_outweigh(program, DEFAULT_TARGET):
        return False
    return aim == 1 or all(spec.nbytes <= _SLICE_BYTES for spec in set(program.specs))


def _rows(tiles: Tiles, aim: int) -> int:
    """Return how many rows a slice has: a divisor of all, if there is one near what is aimed at."""
    times = SliceTimes(tiles, DEFAULT_TARGET)
    least = _SLICE_BYTES * min(1.0, _USUAL / aim)  # who asks for more slices takes smaller ones
    most = times.affordable(_OVERHEAD) if aim <= _USUAL else tiles.length  # a budget may take time
    wanted = max(1.0, min(aim, tiles.mean_bytes / least, tiles.length, most))
    if aim <= _USUAL:
        wanted = max(wanted, min(times.best(_USUAL), tiles.length))
    slices = int(wanted)
    if tiles.is_even:  # then it must be a divisor: the nearest
        near = [n for n in range(-(-slices // 2), 4 * slices) if tiles.length % n == 0]
        near.sort(key=lambda n: max(n / wanted, wanted / n))
    else:
        near = [n for n in range(slices, 2 * slices) if tiles.length % n == 0]
    return tiles.length // near[0] if near else -(-tiles.length // slices)


def placed(memory: Memory, *, max_work: int = _SEARCH) -> Layout:
    """Give every temporary its arena offset."""
    temporary = [b for b in memory.buffers if b.kind == "temporary"]
    found = assign_offsets(
        [b.first for b in temporary], [b.end for b in temporary], [b.nbytes for b in temporary],
        alignment=ALIGNMENT, max_work=max_work,
    )  # fmt: skip
    offsets = iter(found.offsets.tolist())
    buffers = tuple(
        Buffer(b.kind, b.name, b.nbytes, next(offsets) if b.kind == "temporary" else -1,
               b.first, b.end)
        for b in memory.buffers
    )  # fmt: skip
    return Layout(memory, buffers, found.peak, found.lower_bound)
