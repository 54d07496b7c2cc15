"""Losses of distances and similarities between vectors, and of which score should be larger."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, less, not_equal
from dataflow.ops.nn.arguments import (
    as_floats,
    at_least_zero,
    broadcast,
    check_number,
    in_float32,
    reduced,
)
from dataflow.ops.powers import power, sqrt, square
from dataflow.ops.reductions import max, sum
from dataflow.ops.selection import maximum, minimum, where
from dataflow.shapes import normal_axis

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "margin_ranking_loss", "pairwise_distance",
    "triplet_margin_loss",
]  # fmt: skip


@public(family="nn")
def cosine_similarity(a: TensorLike, b: TensorLike, axis: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between vectors along an axis.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers whose shapes broadcast.
    axis : int
        The axis of the broadcast shape that the vectors lie along; of one axis, that.
    eps : float
        The least length that a vector counts with, so that the zero vector has similarity 0.

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
    return _distance(a, b, p, eps, keepdims=keepdims)


def _distance(a: Tensor, b: Tensor, p: float, eps: float, *, keepdims: bool = False) -> Tensor:
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
def triplet_margin_loss(
    anchor: TensorLike, positive: TensorLike, negative: TensorLike, margin: float = 1.0,
    p: float = 2.0, eps: float = 1e-6, *, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return ``max(0, margin + distance to the positive - distance to the negative)``.

    Parameters
    ----------
    anchor, positive, negative : tensor or array_like
        Vectors along the last axis, of shapes that broadcast.
    margin : float
        By how much the negative should be further away.
    p, eps : float
        See `pairwise_distance`.
    swap : bool
        Whether the distance from the positive to the negative counts where it is smaller.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        See `pairwise_distance`.

    References
    ----------
    Balntas, Riba, Ponsa and Mikolajczyk, "Learning local feature descriptors with triplets and
    shallow convolutional neural networks", BMVC 2016.

    Examples
    --------
    >>> import dataflow as df
    >>> anchor = df.GraphBuilder().constant([[0.0, 0.0]])
    >>> df.evaluate(df.nn.triplet_margin_loss(anchor, [[3.0, 4.0]], [[2.0, 0.0]])).round(4)
    np.float32(4.0)
    """
    name = "triplet_margin_loss"
    check_number(name, "margin", margin)
    check_number(name, "p", p, 0)
    check_number(name, "eps", eps)
    anchor, positive, negative = as_floats(name, anchor, positive, negative)
    far = _distance(anchor, negative, p, eps)
    far = minimum(far, _distance(positive, negative, p, eps)) if swap else far
    losses = at_least_zero(_distance(anchor, positive, p, eps) - far + margin)
    return reduced(name, losses, reduction)


@public(family="nn")
def cosine_embedding_loss(
    a: TensorLike, b: TensorLike, target: TensorLike, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return ``1 - cos(a, b)`` where the target is 1, and ``max(0, cos - margin)`` where it is -1.

    Parameters
    ----------
    a, b : tensor or array_like
        Vectors along the last axis.
    target : tensor or array_like
        -1 or 1 for every pair.
    margin : float
        How similar a pair of target -1 may be.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 4.0], [3.0, 4.0]])
    >>> df.evaluate(df.nn.cosine_embedding_loss(a, a, [1, -1], reduction="none"))
    array([0., 1.], dtype=float32)
    """
    name = "cosine_embedding_loss"
    check_number(name, "margin", margin)
    a, b, target = as_floats(name, a, b, target)
    cosine = cosine_similarity(a, b, -1)
    losses = where(less(target, 0), at_least_zero(cosine - margin), 1 - cosine)
    return reduced(name, losses, reduction)


@public(family="nn")
def margin_ranking_loss(
    a: TensorLike, b: TensorLike, target: TensorLike, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return ``max(0, margin - target (a - b))``: with target 1, `a` should be the larger score.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, 1.0])
    >>> df.evaluate(df.nn.margin_ranking_loss(a, [0.0, 3.0], [1, 1], reduction="none"))
    array([0., 2.], dtype=float32)
    """
    check_number("margin_ranking_loss", "margin", margin)
    a, b, target = as_floats("margin_ranking_loss", a, b, target)
    losses = at_least_zero(margin - target * (a - b))
    return reduced("margin_ranking_loss", losses, reduction)
