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
    from dataflow.operation import Array, Call
    from dataflow.spec import Spec
    from dataflow.tensor import TensorLike

__all__ = [
    "as_indices",
    "check_int64",
    "check_known",
    "check_range",
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
        The length of the axis that they are along: indices known now, in an array or a constant,
        are checked against it.
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
        check_known(indices, length, negative=negative)
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
    check_range(array, length, negative=negative)
    return array.astype(np.int64)


def check_known(
    indices: Tensor, length: int | Dim | None, what: str = "index", *, negative: bool = False,
    but: int | None = None,
) -> None:  # fmt: skip
    """Refuse a constant with an index out of range; any other tensor is checked while running.

    Parameters
    ----------
    indices : Tensor
        Integers of any shape.
    length, negative
        See `as_indices`.
    what : str
        What the message calls an index.
    but : int, optional
        The index that isn't one: it is in range.
    """
    array = indices.builder.known(indices)
    if array is not None:
        found = array if but is None else array[array != but]
        check_range(found, length, what, negative=negative)


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


def check_range(
    array: Array, length: int | Dim | None, what: str = "index", *, negative: bool
) -> None:
    """Refuse an array with an index out of range; see `check_known`."""
    size = length if isinstance(length, int) else None
    if length is None or not array.size or (negative and size is None):
        return
    start = -size if negative and size is not None else 0
    least, largest = int(array.min()), int(array.max())
    if least < start or (size is not None and largest >= size):
        worst = least if least < start else largest
        msg = (f"{what} {worst} is out of range ({user_line()}): it must be at least {start} and "
               f"below {length}")  # fmt: skip
        raise ShapeError(msg)


def check_int64(spec: Spec, slot: int) -> None:
    """Refuse indices that aren't int64, the one dtype that NumPy takes without a cast."""
    if spec.dtype != np.int64:
        msg = f"slot {slot} holds indices: int64, not {spec.dtype}; use .astype('int64')"
        raise DTypeError(msg)


def checking(
    indices: Array, bound: int, what: str = "index", *, counted: bool = False
) -> list[Call]:
    """Return the call that raises `KernelError` unless every index is at least 0 and below `bound`.

    `counted` says that `bound` has been added to the negative ones before, `what` what the message
    calls an index.
    """
    if not indices.size:
        return []
    dense = indices.flags.carray  # of what can't be written to, argmax makes a copy
    largest = _largest_dense if dense else _largest
    return [(_check, (largest, indices.view(np.uint64), bound, -bound if counted else 0, what))]


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


def _check(
    largest: Callable[[Array], int], indices: Array, bound: int, least: int, what: str
) -> None:
    worst = largest(indices)
    if worst >= bound:
        given = worst - (1 << 64) + least if worst >> 63 else worst
        msg = f"{what} {given} is out of range: it must be at least {least} and below {bound}"
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
