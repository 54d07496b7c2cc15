"""Distances and similarities of vectors."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, not_equal
from dataflow.ops.gathering import take
from dataflow.ops.nn.arguments import as_floats, axis_of, broadcast, check_number, in_float32
from dataflow.ops.powers import power, sqrt, square
from dataflow.ops.reductions import max, sum
from dataflow.ops.selection import maximum, where
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cosine_similarity", "distance", "pairwise_distance", "pdist", "unit"]


@public(family="nn")
def cosine_similarity(
    a: TensorLike, b: TensorLike, axis: int = 1, eps: float = 1e-8, *, dim: int | None = None
) -> Tensor:
    """Return the cosine of the angle between vectors along an axis.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers whose shapes broadcast.
    axis : int
        The axis of the broadcast shape that the vectors lie along; of one axis, that.
    eps : float
        The least length that a vector counts with, so that the zero vector has similarity 0.
    dim : int, optional
        PyTorch's name for the axis.

    Returns
    -------
    Tensor
        The broadcast shape without the axis; 16-bit floats are worked with in float32 inside.

    Raises
    ------
    ShapeError, DTypeError
        The axis is out of range, the shapes don't broadcast, or an operand is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 4.0], [0.0, 0.0]])
    >>> df.evaluate(df.nn.cosine_similarity(a, [1.0, 0.0]))
    array([0.6, 0. ], dtype=float32)
    """
    check_number("cosine_similarity", "eps", eps, 0)
    a, b = as_floats("cosine_similarity", a, b)
    axis = axis_of("cosine_similarity", axis, dim, 1)
    ndim = len(broadcast("cosine_similarity", a, b))
    place = normal_axis(0 if ndim == 1 and axis == 1 else axis, ndim) - ndim
    return in_float32(partial(_cosine, axis=place, eps=eps), a, b)


def _cosine(a: Tensor, b: Tensor, axis: int, eps: float) -> Tensor:
    return sum(unit(a, axis, eps) * unit(b, axis, eps), axis)


def unit(x: Tensor, axis: int, eps: float, p: float = 2.0) -> Tensor:
    """Return vectors along an axis, counted from the end, by their p-norm or `eps`."""
    if x.ndim < -axis:
        return x / maximum(abs(x), eps)
    return x / maximum(_length(x, p, axis, keepdims=True), eps)


@public(family="nn")
def pairwise_distance(
    a: TensorLike, b: TensorLike, p: float = 2.0, eps: float = 1e-6, *, keepdims: bool = False
) -> Tensor:
    """Return the p-norm of ``a - b + eps`` along the last axis.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers of at least one axis whose shapes broadcast.
    p : float
        0 or more; ``math.inf`` gives the largest absolute difference, and 0 how many there are.
    eps : float
        Added to every difference, as in PyTorch; the derivative where all are 0 is 0.
    keepdims : bool
        Whether the axis stays, with length 1.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The shapes don't broadcast, an operand is complex, or a parameter is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 4.0]])
    >>> df.evaluate(df.nn.pairwise_distance(a, [0.0, 0.0])).round(4)
    array([5.], dtype=float32)
    """
    check_number("pairwise_distance", "p", p, 0)
    check_number("pairwise_distance", "eps", eps)
    a, b = as_floats("pairwise_distance", a, b)
    return distance(a, b, p, eps, keepdims=keepdims)


def distance(a: Tensor, b: Tensor, p: float, eps: float, *, keepdims: bool = False) -> Tensor:
    """Return the p-norm of ``a - b + eps`` along the last axis; see `pairwise_distance`."""
    difference = a - b
    axis = normal_axis(-1, difference.ndim)
    return in_float32(partial(_length, p=p, axis=axis, keepdims=keepdims), difference + eps)


def _length(x: Tensor, p: float, axis: int, *, keepdims: bool) -> Tensor:
    """Return the p-norm along an axis, whose derivative at 0 is 0; for p = 0, how many aren't 0."""
    if p == 0:
        return sum(astype(not_equal(x, 0), x.dtype), axis, keepdims=keepdims)
    if p == math.inf:
        return max(abs(x), axis, keepdims=keepdims)
    if p == 1:
        return sum(abs(x), axis, keepdims=keepdims)
    total = sum(square(x) if p == 2 else _powers(x, p), axis, keepdims=keepdims)
    is_zero = equal(total, 0)
    safe = where(is_zero, 1, total)
    return where(is_zero, 0, sqrt(safe) if p == 2 else power(safe, 1 / p))


def _powers(x: Tensor, p: float) -> Tensor:
    if p >= 1:
        return power(abs(x), p)
    is_zero = equal(x, 0)  # where a power below 1 is infinitely steep
    return where(is_zero, 0, power(abs(where(is_zero, 1, x)), p))


@public(family="nn")
def pdist(x: TensorLike, p: float = 2.0) -> Tensor:
    """Return the p-norms of the differences of all pairs of rows.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers, of shape (rows, features), the rows of known number.
    p : float
        See `pairwise_distance`.

    Returns
    -------
    Tensor
        One element for each of n (n - 1) / 2 pairs, in the order (0, 1), (0, 2), ..., (1, 2), ...;
        as `scipy.spatial.distance.pdist` has it.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        `x` hasn't two axes or an unknown number of rows, is complex, or p is below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    >>> df.evaluate(df.nn.pdist(x)).round(4)
    array([5.    , 1.    , 4.2426], dtype=float32)
    """
    check_number("pdist", "p", p, 0)
    (x,) = as_floats("pdist", x)
    count = x.shape[0] if x.ndim == 2 else None
    if not isinstance(count, int):
        msg = (f"pdist ({user_line()}) takes (rows, features), the rows of known number, not "
               f"{shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)
    first, second = (take(x, rows, 0) for rows in np.triu_indices(count, 1))
    return distance(first, second, p, 0.0)
