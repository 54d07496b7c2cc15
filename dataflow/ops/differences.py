"""Differences of neighbours along an axis: slices and subtractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.comparison import not_equal
from dataflow.ops.joining import concat
from dataflow.ops.ranks import ravel
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integer
from dataflow.ops.updates import as_updates
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["diff", "ediff1d"]


# Differences

_MOST_TIMES = 10_000  # each is a node of its own


@public(np.diff)
def diff(
    x: Tensor, /, n: int = 1, axis: int = -1,
    prepend: TensorLike | None = None, append: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the differences of neighbours along an axis, again and again.

    Parameters
    ----------
    x : Tensor
        At least one axis. Of bools, the difference is whether they differ.
    n : int
        How many times.
    axis : int
        The axis.
    prepend, append : tensor or array_like, optional
        What to put before and after `x` first: scalars, or tensors of its shape but for the axis.

    Returns
    -------
    Tensor
        Shorter by `n` along the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, `n` is negative or in the ten thousands, or shapes don't fit.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 4, 7])
    >>> df.evaluate(df.diff(x)), df.evaluate(df.diff(x, 2)), df.evaluate(df.diff(x, prepend=0))
    (array([1, 2, 3]), array([1, 1]), array([1, 1, 2, 3]))
    """
    place, times = normal_axis(axis, x.ndim), as_integer(n, "n of diff")
    if not 0 <= times <= _MOST_TIMES:
        msg = f"diff ({user_line()}): n is 0 or more, not {times}; the most is {_MOST_TIMES}"
        raise ArgumentError(msg)
    before, after = ([] if end is None else [end_of(end, x, place)] for end in (prepend, append))
    whole = concat([*before, x, *after], place) if times and (before or after) else x
    for _ in range(times):
        later, earlier = neighbours(whole, place)
        whole = not_equal(later, earlier) if whole.dtype == np.bool_ else later - earlier
    return whole


def end_of(value: TensorLike, x: Tensor, axis: int) -> Tensor:
    """Return what is put before or after `x`; a scalar spread to one slice of it."""
    end = as_tensor(value, x)
    return end if end.ndim else broadcast_to(end, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))


def neighbours(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return all slices but the first, and all but the last."""
    length = x.shape[axis]
    if length == 0:
        return x, x
    return slice_axis(x, axis, 1, length), slice_axis(x, axis, 0, length - 1)


def lying_along(x: Tensor, like: Tensor, axis: int) -> Tensor:
    """Give a tensor of one axis others of length 1, so that it lies along an axis of another."""
    return reshape(x, [x.shape[0] if i == axis else 1 for i in range(like.ndim)])


@public(np.ediff1d)
def ediff1d(
    x: Tensor, /, to_end: TensorLike | None = None, to_begin: TensorLike | None = None
) -> Tensor:
    """Return the differences of neighbours of the flattened tensor, with values around them.

    Parameters
    ----------
    x : Tensor
        Numbers of any shape.
    to_end, to_begin : tensor or array_like, optional
        What to put after the differences and before, flattened and cast to their dtype.

    Raises
    ------
    DTypeError
        The tensor holds bools, or a value that is put around is of a higher kind.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 4])
    >>> df.evaluate(df.ediff1d(x, to_end=[9, 9]))
    array([1, 2, 9, 9])
    """
    later, earlier = neighbours(ravel(x), 0)
    parts = [later - earlier]
    if to_begin is not None:
        parts.insert(0, ravel(as_updates(to_begin, x)))
    if to_end is not None:
        parts.append(ravel(as_updates(to_end, x)))
    return concat(parts) if len(parts) > 1 else parts[0]
