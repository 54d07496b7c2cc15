"""Indices: the check that they are in range, declared or running, and where they lead in memory.

A negative index, read as unsigned, is a huge one. So the largest is all that a check needs to
find, and NumPy finds the place of a largest element five times as fast as its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import Dim
    from dataflow.op import Array, Call
    from dataflow.spec import Spec
    from dataflow.tensor import TensorLike

__all__ = [
    "as_indices",
    "check_int64",
    "checking",
    "counting",
    "index_within",
    "known_indices",
    "placing",
]

_FEW = 64
"""Up to so many offsets count as a bound call's overhead; more are computed in each run."""


def as_indices(
    indices: TensorLike, like: Tensor, length: int | Dim | None = None, *, negative: bool = True
) -> Tensor:
    """Return indices as an int64 tensor of the builder of `like`.

    Parameters
    ----------
    indices : tensor or array_like
        Integers of any shape.
    like : Tensor
        A tensor of the builder.
    length : int or Dim, optional
        The length of the axis that they are along: an array of indices, which is known now, is
        checked against an int.
    negative : bool
        Whether negative ones are in range, counted from the end.

    Raises
    ------
    DTypeError
        They aren't integers.
    ShapeError
        One is out of range.
    """
    if isinstance(indices, Tensor):
        _check_integers(indices.dtype)
        return indices.astype(np.int64)
    array = known_indices(indices, length, negative=negative)
    return like.builder.constant(array)


def known_indices(
    indices: ArrayLike, length: int | Dim | None = None, *, negative: bool = True
) -> Array:
    """Return indices that are known as an int64 array; see `as_indices`."""
    array = np.asarray(indices)
    if not array.size and not isinstance(indices, np.ndarray):
        array = array.astype(np.int64)  # NumPy takes [] for floats
    _check_integers(array.dtype)
    if array.size and isinstance(length, int):
        _check_range(int(array.min()), int(array.max()), -length if negative else 0, length)
    return array.astype(np.int64)


def index_within(
    indices: TensorLike, length: int | Dim, mode: str, like: Tensor, *, negative: bool = True
) -> Tensor:
    """Return indices along an axis, brought into range as NumPy's modes have it.

    Parameters
    ----------
    indices, length, like, negative
        See `as_indices`; in the mode "raise" they stay as they are.
    mode : {"raise", "wrap", "clip"}
        Whether an index out of range is an error, counts round, or becomes the nearest.
    """
    if mode == "raise":
        return as_indices(indices, like, length, negative=negative)
    if mode not in ("wrap", "clip"):
        msg = f"mode ({user_line()}) is 'raise', 'wrap' or 'clip', not {mode!r}"
        raise GraphError(msg)
    found, size = as_indices(indices, like), like.builder.size_of((length,), np.int64)
    if mode == "wrap":
        return call_function("remainder", found, size)
    return call_function("clip", found, 0, size - 1)


def _check_integers(dtype: np.dtype) -> None:
    if dtype.kind not in "iu":
        msg = f"indices ({user_line()}) are integers, not {dtype}: use .astype('int64')"
        raise DTypeError(msg)


def _check_range(least: int, largest: int, start: int, stop: int) -> None:
    if least < start or largest >= stop:
        worst = least if least < start else largest
        msg = (f"index {worst} is out of range ({user_line()}): it must be at least {start} and "
               f"below {stop}")  # fmt: skip
        raise ShapeError(msg)


def check_int64(spec: Spec, slot: int) -> None:
    """Refuse indices that aren't int64, the one dtype that NumPy takes without a cast."""
    if spec.dtype != np.int64:
        msg = f"slot {slot} holds indices: int64, not {spec.dtype}; use .astype('int64')"
        raise DTypeError(msg)


def checking(indices: Array, bound: int, *, counted: bool = False) -> list[Call]:
    """Return the call that raises `KernelError` unless every index is at least 0 and below `bound`.

    `counted` says that `bound` has been added to the negative ones before.
    """
    if not indices.size:
        return []
    dense = indices.flags.c_contiguous
    largest = _largest_dense if dense else _largest
    return [(_check, (largest, indices.view(np.uint64), bound, -bound if counted else 0))]


def counting(indices: Array, counted: Array, length: int, *, negative: bool = True) -> list[Call]:
    """Return the calls that check indices and set `counted` to them, counted from the front."""
    if not negative:
        return [*checking(indices, length), (np.copyto, (counted, indices))]
    # The sign bit spread over a word is -1 or 0: so bits, faster than a remainder by far.
    sign, size = np.asarray(63), np.asarray(length)
    return [
        (np.right_shift, (indices, sign, counted)),
        (np.bitwise_and, (counted, size, counted)),
        (np.add, (counted, indices, counted)),
        *checking(counted, length, counted=True),
    ]


def _largest_dense(indices: Array) -> int:
    return indices.item(indices.argmax())  # type: ignore[no-any-return]  # an unsigned integer


def _largest(indices: Array) -> int:
    return int(np.maximum.reduce(indices, None))  # where argmax would copy


def _check(largest: Callable[[Array], int], indices: Array, bound: int, least: int) -> None:
    worst = largest(indices)
    if worst >= bound:
        given = worst - (1 << 64) + least if worst >> 63 else worst
        msg = f"index {given} is out of range: it must be at least {least} and below {bound}"
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
