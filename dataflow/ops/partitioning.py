"""What follows from an order along one axis: partitions, k-th values, orders by several keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.joining import concat
from dataflow.ops.running import cummax
from dataflow.ops.searching import argmax
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to, reshape, squeeze
from dataflow.ops.slicing import slice_axis
from dataflow.ops.sorting import argsort, sort
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["KthValue", "argpartition", "kthvalue", "lexsort", "mode", "msort", "partition"]


def _check_kth(x: Tensor, kth: int | Sequence[int], axis: int | None) -> None:
    dim = product(x.shape) if axis is None else x.shape[normal_axis(axis, x.ndim)]
    for place in kth if isinstance(kth, (tuple, list)) else (kth,):
        if not hasattr(place, "__index__"):
            msg = f"kth ({user_line()}) is an int or several, not {place!r}"
            raise DTypeError(msg)
        if isinstance(dim, int) and not -dim <= place < dim:
            msg = f"kth {place} ({user_line()}) is out of range for {dim} elements"
            raise ShapeError(msg)


@public(np.partition)
def partition(
    x: Tensor, kth: int | Sequence[int], axis: int | None = -1, kind: str = "introselect"
) -> Tensor:
    """Return the values with the k-th in its place, none before it larger, none after it smaller.

    Parameters
    ----------
    x : Tensor
        See `sort`.
    kth : int or sequence of int
        The places, counted from 0; negative ones from the end.
    axis : int, optional
        The axis; None takes all elements as one line.
    kind : str
        ``introselect``.

    Returns
    -------
    Tensor
        What `sort` returns: NumPy leaves open in which order the others are.

    Raises
    ------
    ShapeError
        The axis or a place is out of range, or the kind is another.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 2])
    >>> df.evaluate(df.partition(x, 1))
    array([1, 2, 3])
    """
    _check_select(kind)
    _check_kth(x, kth, axis)
    return sort(x, axis)


@public(np.argpartition)
def argpartition(
    x: Tensor, kth: int | Sequence[int], axis: int | None = -1, kind: str = "introselect"
) -> Tensor:
    """Return the indices of `partition`, which are those of `argsort`; see there.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 2])
    >>> df.evaluate(df.argpartition(x, 1))
    array([1, 2, 0])
    """
    _check_select(kind)
    _check_kth(x, kth, axis)
    return argsort(x, axis)


def _check_select(kind: str) -> None:
    if kind != "introselect":
        msg = f"kind ({user_line()}) is introselect, not {kind!r}"
        raise ArgumentError(msg)


class KthValue(NamedTuple):
    """What `kthvalue` returns."""

    values: Tensor
    indices: Tensor


@public()
def kthvalue(x: Tensor, k: int, axis: int = -1, keepdims: bool = False) -> KthValue:
    """Return the k-th smallest value along an axis, k counted from 1, and where it stands.

    Parameters
    ----------
    x : Tensor
        See `sort`.
    k : int
        From 1 to the length of the axis.
    axis : int
        The axis.
    keepdims : bool
        Whether it stays, with length 1.

    Returns
    -------
    values : Tensor
        `x` without the axis.
    indices : Tensor
        int64; of equal values the first comes first.

    Raises
    ------
    ShapeError
        The axis or `k` is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 4, 1, 5])
    >>> df.evaluate(*df.kthvalue(x, 3))
    (array(3), array(0))
    """
    place = normal_axis(axis, x.ndim)
    length = x.shape[place]
    if isinstance(k, bool) or not hasattr(k, "__index__") or k < 1:
        msg = f"kthvalue ({user_line()}): k is an int of 1 or more, not {k!r}"
        raise ArgumentError(msg)
    if isinstance(length, int) and k > length:
        msg = f"kthvalue ({user_line()}): there are {length} elements along axis {axis}, not {k}"
        raise ShapeError(msg)
    indices = slice_axis(argsort(x, place), place, k - 1, k)
    found = KthValue(take_along_axis(x, indices, place), indices)
    return found if keepdims else KthValue(*(squeeze(part, place) for part in found))


@public(np.lexsort)
def lexsort(keys: Sequence[TensorLike] | Tensor, axis: int = -1) -> Tensor:
    """Return the indices that sort by several keys, the last one first.

    Parameters
    ----------
    keys : sequence of tensors, or Tensor
        Keys of one shape, or a tensor whose first axis holds them.
    axis : int
        The axis to sort along.

    Returns
    -------
    Tensor
        int64, of one key's shape.

    Raises
    ------
    ShapeError
        There is no key, their shapes differ, or the axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> family, name = b.constant([2, 1, 2]), b.constant([1, 2, 0])
    >>> df.evaluate(df.lexsort((name, family)))
    array([1, 2, 0])
    """
    parts = _keys(keys)
    place = normal_axis(axis, parts[0].ndim)
    order = argsort(parts[0], place)
    for key in parts[1:]:
        order = take_along_axis(order, argsort(take_along_axis(key, order, place), place), place)
    return order


def _keys(keys: Any) -> list[Tensor]:  # noqa: ANN401 - checked here
    if hasattr(keys, "builder"):
        if not keys.ndim or not isinstance(keys.shape[0], int):
            msg = f"lexsort ({user_line()}): the number of keys, the first axis, must be known"
            raise ShapeError(msg)
        keys = [
            reshape(slice_axis(keys, 0, i, i + 1), keys.shape[1:]) for i in range(keys.shape[0])
        ]
    like = next((key for key in keys if hasattr(key, "builder")), None)
    if like is None:
        msg = f"lexsort ({user_line()}) takes at least one key, and one of them a tensor"
        raise ShapeError(msg)
    parts = [as_tensor(key, like) for key in keys]
    if len({part.shape for part in parts}) != 1:
        msg = f"lexsort ({user_line()}): the keys have shapes {[part.shape for part in parts]}"
        raise ShapeError(msg)
    return parts


@public()
def msort(x: Tensor) -> Tensor:
    """Return the values in order along the first axis: PyTorch's name for that `sort`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.msort(df.GraphBuilder().constant([[3, 1], [2, 5]])))
    array([[2, 1],
           [3, 5]])
    """
    return sort(x, 0)


@public()
def mode(x: Tensor, dim: int = -1, keepdim: bool = False) -> KthValue:
    """Return the value that is there most often along an axis, and where it stands last.

    Parameters
    ----------
    x : Tensor
        See `sort`; the axis isn't empty.
    dim : int
        The axis.
    keepdim : bool
        Whether it stays, with length 1.

    Returns
    -------
    values : Tensor
        `x` without the axis; of several such values the smallest.
    indices : Tensor
        int64.

    Raises
    ------
    ShapeError
        The axis is out of range, or empty.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 1, 3, 2, 1])
    >>> df.evaluate(*df.mode(x))
    (array(1), array(4))
    """
    axis = normal_axis(dim, x.ndim)
    length = x.shape[axis]
    if length == 0:
        msg = f"mode ({user_line()}): nothing stands along an axis of length 0"
        raise ShapeError(msg)
    order = argsort(x, axis, stable=True)
    ordered = take_along_axis(x, order, axis=axis)
    places = reshape(x.builder.arange(length), [length if i == axis else 1 for i in range(x.ndim)])
    later, earlier = slice_axis(ordered, axis, 1, length), slice_axis(ordered, axis, 0, length - 1)
    starts = where(later != earlier, slice_axis(places, axis, 1, length), 0)
    first = broadcast_to(slice_axis(places, axis, 0, 1), slice_axis(ordered, axis, 0, 1).shape)
    run = places - cummax(concat([first, starts], axis), axis)[0]
    at = argmax(run, axis, keepdims=True)
    found = (take_along_axis(t, at, axis=axis) for t in (ordered, order))
    return KthValue(*(t if keepdim else squeeze(t, axis) for t in found))
