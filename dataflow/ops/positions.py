"""Indices while a plan runs: the check that they are in range, and where they lead in memory.

A negative index, read as unsigned, is a huge one. So the largest is all that a check needs to
find, and NumPy finds the place of a largest element five times as fast as its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import DTypeError, KernelError

if TYPE_CHECKING:
    from dataflow.op import Array, Call
    from dataflow.spec import Spec

__all__ = ["check_int64", "checking", "placing"]

_FEW = 64
"""Up to so many offsets count as a bound call's overhead; more are computed in each run."""


def check_int64(spec: Spec, slot: int) -> None:
    """Refuse indices that aren't int64, the one dtype that NumPy takes without a cast."""
    if spec.dtype != np.int64:
        msg = f"slot {slot} holds indices: int64, not {spec.dtype}; use .astype('int64')"
        raise DTypeError(msg)


def checking(indices: Array, bound: int, shift: int = 0) -> list[Call]:
    """Return the call that raises `KernelError` unless every index is at least 0 and below `bound`.

    `shift` is what has been added to the indices before.
    """
    if not indices.size:
        return []
    dense = indices.flags.c_contiguous
    largest = _largest_dense if dense else _largest
    return [(_check, (largest, indices.view(np.uint64), bound, shift))]


def _largest_dense(indices: Array) -> int:
    return indices.item(indices.argmax())  # type: ignore[no-any-return]  # an unsigned integer


def _largest(indices: Array) -> int:
    return int(np.maximum.reduce(indices, None))  # where argmax would copy


def _check(largest: Callable[[Array], int], indices: Array, bound: int, shift: int) -> None:
    worst = largest(indices)
    if worst >= bound:
        signed = worst - (1 << 64) if worst >> 63 else worst
        msg = (f"index {signed - shift} is out of range: it must be at least {-shift} and below "
               f"{bound - shift}")  # fmt: skip
        raise KernelError(msg)


def placing(indices: Array, width: int, places: Array) -> list[Call]:
    """Return the calls that set ``places[i] = width * i + indices[i]``, i in row-major order.

    These are the places of one element a row, of rows of `width` elements one after the other.

    Parameters
    ----------
    indices : numpy.ndarray
        int64, any shape.
    width : int
        The length of a row.
    places : numpy.ndarray
        int64, the indices' shape, contiguous, other memory.
    """
    count = indices.size
    if count <= _FEW:
        offsets = np.arange(0, count * width, width or 1).reshape(indices.shape)
        return [(np.add, (indices, offsets, places))]
    flat = places.reshape(-1)
    return [
        (flat.fill, (width,)),
        (flat[:1].fill, (0,)),
        (np.add.accumulate, (flat, 0, None, flat)),
        (np.add, (places, indices, places)),
    ]
