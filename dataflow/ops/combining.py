"""Rows combined into others at indices: how `scatter_add` and the updates by row go through memory.

NumPy's ``ufunc.at`` is fast where the array, the indices and the values have one axis each and one
dtype, and takes ten times as long where rows are long or the indices are along an inner axis. So
all that is contiguous goes through it flat, block by block: a block's positions are the indices of
its rows, each with the columns of a row. Whatever the blocks, an element is combined in the order
in which the indices name it, as NumPy has it.

    updates (outer, count, row), out (outer, length, row)

Positions are computed once for all of the outer axis: the part of `out` moves on instead. Rows of
more than `_LONG` elements are combined one by one, since a call is then short beside its work.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.operation import Array, Arrays, Call

__all__ = ["INTERNAL", "combining", "scratch_of"]

_BLOCK = 4096
_LONG = 512

INTERNAL = 16384 + 16 * _BLOCK
"""Bytes that a ufunc's `at` allocates, whatever the sizes, and a block's updates if they have gaps
in memory, and a cast."""


class _Places(NamedTuple):
    """Where updates go: three axes of `out`, the indices, and a block's positions and values."""

    out: Array
    indices: Array
    positions: Array
    values: Array


def scratch_of(dtype: np.dtype) -> tuple[Spec, Spec]:
    """Return a block's positions and its values, of the dtype that they are combined in."""
    return Spec((_BLOCK,), np.dtype(np.int64)), Spec((_BLOCK,), dtype)


def combining(
    ufunc: np.ufunc, out: Array, counted: Array, updates: Array, axis: int, block: Arrays
) -> list[Call]:  # fmt: skip
    """Return the call that combines updates into `out` along an axis.

    Parameters
    ----------
    ufunc : numpy.ufunc
        How an element and an update make another element.
    out : numpy.ndarray
        Already filled, of the dtype of ``block[1]``, which may be wider than the updates'.
    counted : numpy.ndarray
        Indices in range, of any shape, which the updates have from the axis on; they are lost.
    updates : numpy.ndarray
        As many as the indices along the axis, and of the shape of `out` otherwise.
    axis : int
        The axis of `out` that the indices are along.
    block : sequence of numpy.ndarray
        What `scratch_of` says.
    """
    if not updates.size:
        return []
    if not out.flags.c_contiguous or not counted.flags.c_contiguous:
        return [(ufunc.at, (np.moveaxis(out, axis, 0), counted, _rows(updates, axis, counted)))]
    shape = (math.prod(out.shape[:axis]), out.shape[axis], math.prod(out.shape[axis + 1 :]))
    places = _Places(out.reshape(shape), counted.reshape(-1), *block)
    source = updates.reshape(-1) if updates.flags.c_contiguous else updates.flat
    if shape[2] > _LONG:
        return [(_combine_rows, (ufunc, places, source))]
    return [(_combine_flat, (ufunc, places, source))]


def _rows(updates: Array, axis: int, indices: Array) -> Array:
    """Move the axes of the indices to the front."""
    moved = range(axis, axis + indices.ndim)
    return np.moveaxis(updates, tuple(moved), tuple(range(indices.ndim)))


def _combine_rows(ufunc: np.ufunc, places: _Places, source: Any) -> None:  # noqa: ANN401
    """Combine rows one after the other, each in parts as long as a block."""
    width, at = places.out.shape[2], 0
    for rows in places.out:
        for index in places.indices:
            for start in range(0, width, _BLOCK):
                part = rows[index, start : start + _BLOCK]
                values = places.values[: len(part)]
                values[...] = source[at : at + len(part)]
                ufunc(part, values, out=part)
                at += len(part)


def _combine_flat(ufunc: np.ufunc, places: _Places, source: Any) -> None:  # noqa: ANN401
    """Combine blocks of rows: some of the outer axis with all indices, or some indices of each."""
    outer, length, width = places.out.shape
    count, flat = len(places.indices), places.out.reshape(-1)
    together = min(max(_BLOCK // (count * width), 1), outer)
    np.multiply(places.indices, width, out=places.indices)
    columns, rows = np.arange(width), np.arange(together) * (length * width)
    for first in range(0, count, _BLOCK // (together * width)):
        starts = places.indices[first : first + _BLOCK // (together * width)]
        positions = starts
        if together * width > 1:
            shape = (together, len(starts), width)
            positions = places.positions[: math.prod(shape)]
            _spread(starts, columns, rows, positions.reshape(shape))
        for row in range(0, outer, together):
            size = min(together, outer - row) * len(starts) * width
            at, values = (row * count + first) * width, places.values[:size]
            values[...] = source[at : at + size]
            part = flat[row * length * width : (row + together) * length * width]
            ufunc.at(part, positions[:size], values)


def _spread(starts: Array, columns: Array, rows: Array, positions: Array) -> None:
    """Write where each element of a block goes, counted from its part of `out`."""
    np.add(starts[:, np.newaxis], columns, out=positions[0])
    np.add(positions[0], rows[1:, np.newaxis, np.newaxis], out=positions[1:])
