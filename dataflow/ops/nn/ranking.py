"""Losses of distances and similarities between vectors, and of which score should be larger."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.comparison import less
from dataflow.ops.nn.arguments import as_floats, at_least_zero, check_number, reduced
from dataflow.ops.nn.distances import cosine_similarity, distance, pairwise_distance
from dataflow.ops.selection import minimum, where
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "cosine_embedding_loss", "margin_ranking_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


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
    far = distance(anchor, negative, p, eps)
    far = minimum(far, distance(positive, negative, p, eps)) if swap else far
    losses = at_least_zero(distance(anchor, positive, p, eps) - far + margin)
    return reduced(name, losses, reduction)


@public(family="nn")
def triplet_margin_with_distance_loss(
    anchor: TensorLike, positive: TensorLike, negative: TensorLike, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return `triplet_margin_loss` with any function for the distance of two tensors.

    Parameters
    ----------
    anchor, positive, negative : tensor or array_like
        What the distance function takes.
    distance_function : callable, optional
        Of two tensors; by default `pairwise_distance`.
    margin, swap, reduction
        See `triplet_margin_loss`.

    Examples
    --------
    >>> import dataflow as df
    >>> anchor = df.GraphBuilder().constant([0.0, 1.0])
    >>> loss = df.nn.triplet_margin_with_distance_loss(
    ...     anchor, [3.0, 1.0], [2.0, 4.0], distance_function=lambda a, b: abs(a - b)
    ... )
    >>> df.evaluate(loss)
    array(1., dtype=float32)
    """
    name = "triplet_margin_with_distance_loss"
    check_number(name, "margin", margin)
    measure = pairwise_distance if distance_function is None else distance_function
    if not callable(measure):
        msg = f"{name} ({user_line()}): distance_function is one of two tensors, not {measure!r}"
        raise GraphError(msg)
    anchor, positive, negative = as_floats(name, anchor, positive, negative)
    far = measure(anchor, negative)
    far = minimum(far, measure(positive, negative)) if swap else far
    return reduced(name, at_least_zero(measure(anchor, positive) - far + margin), reduction)


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
