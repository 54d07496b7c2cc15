"""Layout: the order, the tile groups, the lifetimes and the offsets of a program, chosen together.

The whole is laid out first. Where it takes more than a slice should, the ways to slice it are laid
out too, and the one with the lowest peak is kept if it lowers the peak enough to be worth its
calls: slices keep every gradient that they add up alive, so where there is more of these than of
activations, the whole stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scheduler.arena import assign_offsets
from scheduler.memory import assign_memory
from scheduler.order import order_items
from scheduler.plan import ALIGNMENT, Buffer
from scheduler.tile_groups import tile_candidates
from scheduler.tiled_order import order_tiled

if TYPE_CHECKING:
    from scheduler.live_memory import Memory
    from scheduler.program import Program
    from scheduler.tile_groups import Tiles

__all__ = ["Layout", "lay_out", "placed"]

_SLICES = 16
"""How many slices are aimed at: activations then take a sixteenth, and matrix products of the rows
that are left run as fast as whole ones."""

_WORTH_SLICING = 2**20
"""A plan with a smaller arena isn't sliced: the caches hold it, and calls would cost more."""

_SLICE_BYTES = 2**16
"""What a group makes in one slice is at least so much, or the calls outweigh the work."""

_SHORTEST_RUN = 256
"""Bytes. Slices of a last axis that are shorter would be read a few numbers from each line."""

_WORTH_IT = 0.9
"""Of the whole's peak; what lowers it by less isn't worth its calls."""


_SEARCH = 20_000
"""Nodes of the exact search for offsets where no simple way reaches the bound: half a second."""


class Layout(NamedTuple):
    """Steps on buffers, and where these lie in the arena."""

    memory: Memory
    buffers: tuple[Buffer, ...]
    peak: int
    lower_bound: int


def lay_out(program: Program, *, tiles: bool) -> Layout:
    """Lay a program out, whose updates are placed; in slices, if allowed and worth it."""
    best = placed(assign_memory(program, order_items(program)))
    if not tiles or best.peak < _WORTH_SLICING:
        return best
    most = _WORTH_IT * best.peak
    for whole in tile_candidates(program):
        sliced = whole.with_rows(_rows(whole))
        if sliced.shortest_run() < _SHORTEST_RUN:
            continue
        layout = placed(assign_memory(program, order_tiled(sliced), sliced))
        if layout.peak < min(best.peak, most):
            best = layout
    return best


def _rows(tiles: Tiles) -> int:
    """Return how many rows a slice has: a divisor of all, if there is one near what is aimed at."""
    most = max(1, tiles.local_bytes // (_SLICE_BYTES * sum(len(g.items) for g in tiles.groups)))
    slices = min(_SLICES, most, tiles.length)
    divisors = [n for n in range(slices, 2 * slices) if tiles.length % n == 0]
    return tiles.length // divisors[0] if divisors else -(-tiles.length // slices)


def placed(memory: Memory) -> Layout:
    """Give every temporary its offset in the arena."""
    temporary = [b for b in memory.buffers if b.kind == "temporary"]
    found = assign_offsets(
        [b.first for b in temporary], [b.end for b in temporary], [b.nbytes for b in temporary],
        alignment=ALIGNMENT, max_work=_SEARCH,
    )  # fmt: skip
    offsets = iter(found.offsets.tolist())
    buffers = tuple(
        Buffer(b.kind, b.name, b.nbytes, next(offsets) if b.kind == "temporary" else -1,
               b.first, b.end)
        for b in memory.buffers
    )  # fmt: skip
    return Layout(memory, buffers, found.peak, found.lower_bound)
