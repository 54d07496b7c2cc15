"""Flipped, rolled and turned tensors, by slices, joins and transposes: views wherever they can be.

A flip is a slice with negative steps. A roll joins two slices, and its reverse is a roll too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dims import dim_max
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import swapaxes
from dataflow.ops.joining import concat
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis, turned
from dataflow.ops.structure import as_integer, as_list
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90"]


@public(np.flip)
def flip(x: Tensor, /, axis: int | Sequence[int] | None = None) -> Tensor:
    """Return a view with the elements of some axes in reverse order.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int or sequence of int, optional
        Which axes; by default all.

    Returns
    -------
    Tensor
        The same shape and dtype.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.flip(x, axis=0))
    array([[3, 4],
           [1, 2]])
    """
    return turned(x, normal_axes(axis, x.ndim))


@public(np.flipud)
def flipud(x: Tensor, /) -> Tensor:
    """Return a view with the first axis in reverse order; see `flip`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.flipud(df.GraphBuilder().constant([1, 2, 3])))
    array([3, 2, 1])
    """
    return flip(x, 0)


@public(np.fliplr)
def fliplr(x: Tensor, /) -> Tensor:
    """Return a view with the second axis in reverse order; see `flip`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.fliplr(df.GraphBuilder().constant([[1, 2, 3]])))
    array([[3, 2, 1]])
    """
    return flip(x, normal_axis(1, x.ndim))


@public(np.rot90)
def rot90(x: Tensor, /, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Return a view of the plane of two axes turned by 90 degrees, `k` times.

    Parameters
    ----------
    x : Tensor
        At least two axes.
    k : int
        How often; negative numbers turn the other way.
    axes : pair of int
        The plane, turned from the first towards the second.

    Raises
    ------
    ShapeError
        The axes aren't two different ones, or `k` is no int.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.rot90(x))
    array([[2, 4],
           [1, 3]])
    """
    if len(tuple(axes)) != 2:
        msg = f"rot90 ({user_line()}) turns a plane of 2 axes, not {tuple(axes)}"
        raise ShapeError(msg)
    normal_axes(axes, x.ndim)
    first, second = (normal_axis(axis, x.ndim) for axis in axes)
    turns = as_integer(k, "k of rot90") % 4
    if turns == 2:
        return turned(x, (first, second))
    if turns == 1:
        return swapaxes(turned(x, (second,)), first, second)
    return turned(swapaxes(x, first, second), (second,)) if turns else x


@public(np.roll)
def roll(
    x: Tensor, /, shift: int | Sequence[int], axis: int | Sequence[int] | None = None
) -> Tensor:
    """Return the elements moved along axes, those beyond the end to the front.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    shift : int or sequence of int
        How far; negative numbers move to the front. One for each axis, or one for all.
    axis : int or sequence of int, optional
        Which axes, one of them also several times; by default the flattened tensor's.

    Returns
    -------
    Tensor
        The same shape and dtype.

    Raises
    ------
    ShapeError
        An axis is out of range, a shift is no int, or there are as many neither as axes nor one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3, 4])
    >>> df.evaluate(df.roll(x, 1))
    array([4, 1, 2, 3])
    """
    shifts = [as_integer(item, "the shift of roll") for item in as_list(shift)]
    if axis is None:
        return reshape(_rolled(reshape(x, -1), sum(shifts), 0), x.shape)
    axes = [normal_axis(item, x.ndim) for item in as_list(axis)]
    if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
        msg = f"roll ({user_line()}): {len(shifts)} shifts for {len(axes)} axes"
        raise ShapeError(msg)
    total = dict.fromkeys(axes, 0)
    for i in range(max(len(shifts), len(axes)) if axes and shifts else 0):
        total[axes[i % len(axes)]] += shifts[i % len(shifts)]
    for place, distance in total.items():
        x = _rolled(x, distance, place)
    return x


def _rolled(x: Tensor, shift: int, axis: int) -> Tensor:
    length = x.shape[axis]
    distance = _remainder(shift, dim_max(length, 1))
    if distance == 0:
        return x
    parts = ((length - distance, length), (0, length - distance))
    return concat([slice_axis(x, axis, *part) for part in parts], axis)


def _remainder(number: int, dim: int | Dim) -> int | Dim:
    return number - number // dim * dim
