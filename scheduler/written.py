"""Which bytes of a buffer have been written, exactly: a column of a matrix isn't the matrix.

An operand's bytes are a few *runs* without a gap: one for nearly all, one a row for a slice of
columns. A buffer's written bytes are the union of what was written, as sorted ranges. Where there
would be too many runs to list, a write counts as none and a read as its whole extent, so that
doubt never passes for proof.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.plan import Operand

__all__ = ["Written", "extent", "runs"]

_MOST_RUNS = 65536


def extent(operand: Operand) -> tuple[int, int]:
    """Return the bytes of its buffer that an operand touches, half-open, from first to last."""
    if 0 in operand.shape:
        return (max(operand.byte_offset, 0), 0)
    low, high = _reach(operand.shape, operand.strides)
    return operand.byte_offset + low, operand.byte_offset + high + operand.dtype.itemsize


@lru_cache(maxsize=4096)
def _reach(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int]:
    """Return how far the elements lie before and after the first; plans have few layouts."""
    steps = [(dim - 1) * stride for dim, stride in zip(shape, strides, strict=True)]
    return sum(min(0, step) for step in steps), sum(max(0, step) for step in steps)


def runs(operand: Operand) -> list[tuple[int, int]] | None:
    """Return an operand's bytes as ranges without gaps; None where there are too many."""
    low, high = extent(operand)
    if low >= high:
        return []
    if len(operand.shape) <= 1 and operand.strides in ((), (operand.dtype.itemsize,)):
        return [(low, high)]
    dense, outer = operand.dtype.itemsize, []
    axes = zip(operand.strides, operand.shape, strict=True)
    for stride, dim in sorted((abs(stride), dim) for stride, dim in axes if dim > 1):
        if stride <= dense:
            dense += stride * (dim - 1)
        else:
            outer.append(range(0, stride * dim, stride))
    count = 1
    for starts in outer:
        count *= len(starts)
    if count > _MOST_RUNS:
        return None
    return [(low + sum(shift), low + sum(shift) + dense) for shift in product(*outer)]


class Written:
    """The written bytes of one buffer, as sorted ranges that don't touch."""

    __slots__ = ("highs", "lows")

    def __init__(self, nbytes: int = 0) -> None:
        self.lows = [0] if nbytes else []
        self.highs = [nbytes] if nbytes else []

    def add(self, operand: Operand) -> None:
        """Note that an operand was written."""
        for low, high in runs(operand) or ():
            first, last = bisect_left(self.highs, low), bisect_right(self.lows, high)
            touching = first < last
            self.lows[first:last] = [min(low, self.lows[first]) if touching else low]
            self.highs[first:last] = [max(high, self.highs[last - 1]) if touching else high]

    def covers(self, operand: Operand) -> bool:
        """Say whether all that an operand reads has been written."""
        whole = extent(operand)
        if whole[0] >= whole[1] or self._holds(*whole):
            return True
        parts = runs(operand)
        return parts is not None and all(self._holds(*part) for part in parts)

    def _holds(self, low: int, high: int) -> bool:
        place = bisect_right(self.lows, low) - 1
        return place >= 0 and high <= self.highs[place]
