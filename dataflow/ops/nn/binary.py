"""Losses of yes-or-no targets: cross-entropies of probabilities and of logits, margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.activations import sigmoid
from dataflow.ops.comparison import less
from dataflow.ops.elementary import log, log1p
from dataflow.ops.nn.arguments import (
    as_floats,
    at_least_zero,
    check_number,
    finite_times,
    reduced,
)
from dataflow.ops.nn.softplus import softplus
from dataflow.ops.parameters import as_float_like
from dataflow.ops.powers import power
from dataflow.ops.reductions import mean
from dataflow.ops.selection import maximum, where
from dataflow.ops.stopping import stop_gradient
from dataflow.shapes import normal_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge_embedding_loss",
    "hinge_loss", "multilabel_soft_margin_loss", "sigmoid_focal_loss", "soft_margin_loss",
]  # fmt: skip


@public(family="nn")
def binary_cross_entropy(
    x: TensorLike, target: TensorLike, weight: TensorLike | None = None, reduction: str = "mean"
) -> Tensor:
    """Return ``-target log(x) - (1 - target) log(1 - x)`` of probabilities `x`.

    From logits, `binary_cross_entropy_with_logits` keeps more digits.

    Parameters
    ----------
    x, target : tensor or array_like
        Probabilities, of shapes that broadcast; the loss of an `x` outside [0, 1] is NaN.
    weight : tensor or array_like, optional
        What to multiply the losses with, of a shape that broadcasts.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses; the mean is over all elements, whatever they weigh.

    Raises
    ------
    DTypeError, ShapeError
        An operand is complex, or the shapes don't broadcast.
    GraphError
        The reduction is none of the three.

    Notes
    -----
    As in PyTorch, a logarithm counts as at least -100, and the divisor in its derivative as at
    least 1e-12 (in float16 1e-4): so a certain wrong answer has a finite loss and gradient.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 0.0])
    >>> df.evaluate(df.nn.binary_cross_entropy(x, [1, 1], reduction="none")).round(4)
    array([  0.6931, 100.    ], dtype=float32)
    """
    x, target = as_floats("binary_cross_entropy", x, target)
    yes, no = _floored(log, x, x), _floored(_log_of_rest, x, 1 - x)
    losses = -(target * yes + (1 - target) * no)
    return reduced("binary_cross_entropy", _weighted(losses, weight), reduction)


def _floored(logarithm: Callable[[Tensor], Tensor], x: Tensor, p: Tensor) -> Tensor:
    """Return log(p) and at least -100, whose derivative is 1 / p and at most 1 / floor."""
    floor = 1e-4 if p.dtype == np.float16 else 1e-12
    is_tiny = less(p, floor)
    value = logarithm(where(is_tiny, stop_gradient(x), x))
    line = stop_gradient(maximum(value, -100)) + (p - stop_gradient(p)) * (1 / floor)
    return where(is_tiny, line, value)


def _log_of_rest(x: Tensor) -> Tensor:
    return log1p(-x)


def _weighted(losses: Tensor, weight: TensorLike | None) -> Tensor:
    return losses if weight is None else losses * as_float_like("weight", weight, losses)


@public(family="nn")
def binary_cross_entropy_with_logits(
    x: TensorLike, target: TensorLike, weight: TensorLike | None = None,
    pos_weight: TensorLike | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return the binary cross-entropy of the probabilities ``sigmoid(x)``, with all its digits.

    Parameters
    ----------
    x : tensor or array_like
        Logits. An infinite one has loss 0 where the target is certain and agrees, else inf.
    target : tensor or array_like
        Probabilities, of a shape that broadcasts.
    weight : tensor or array_like, optional
        What to multiply the losses with.
    pos_weight : tensor or array_like, optional
        What to multiply the part of positive targets with: ``-target log(sigmoid(x))``.
    reduction : {"mean", "sum", "none"}
        See `binary_cross_entropy`.

    Raises
    ------
    DTypeError, ShapeError, GraphError
        See `binary_cross_entropy`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -200.0])
    >>> df.evaluate(df.nn.binary_cross_entropy_with_logits(x, [1, 1], reduction="none")).round(4)
    array([  0.6931, 200.    ], dtype=float32)
    """
    name = "binary_cross_entropy_with_logits"
    x, target = as_floats(name, x, target)
    losses = _with_logits(x, target, pos_weight)
    return reduced(name, _weighted(losses, weight), reduction)


def _with_logits(x: Tensor, target: Tensor, pos_weight: TensorLike | None = None) -> Tensor:
    yes = finite_times(target, softplus(-x))
    yes = yes if pos_weight is None else yes * as_float_like("pos_weight", pos_weight, x)
    return yes + finite_times(1 - target, softplus(x))


@public(family="nn")
def sigmoid_focal_loss(
    x: TensorLike, target: TensorLike, alpha: float = 0.25, gamma: float = 2.0,
    reduction: str = "none",
) -> Tensor:  # fmt: skip
    """Return the binary cross-entropy of logits with less weight on what is predicted well.

    Each loss is multiplied by ``(1 - p) ** gamma``, p being the probability given to the target,
    and by `alpha` for positive targets, ``1 - alpha`` for negative ones.

    Parameters
    ----------
    x : tensor or array_like
        Logits.
    target : tensor or array_like
        0 or 1, of a shape that broadcasts.
    alpha : float
        From 0 to 1; a negative one stands for no such weight.
    gamma : float
        How strongly good predictions are left out.
    reduction : {"none", "mean", "sum"}
        See `binary_cross_entropy`.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollár, "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 4.0])
    >>> df.evaluate(df.nn.sigmoid_focal_loss(x, [1, 0])).round(4)
    array([0.0433, 2.9062], dtype=float32)
    """
    name = "sigmoid_focal_loss"
    check_number(name, "alpha", alpha)
    check_number(name, "gamma", gamma, 0)
    x, target = as_floats(name, x, target)
    missed = target * sigmoid(-x) + (1 - target) * sigmoid(x)
    losses = _with_logits(x, target) * power(missed, gamma)
    if alpha >= 0:
        losses = losses * (target * alpha + (1 - target) * (1 - alpha))
    return reduced(name, losses, reduction)


@public(family="nn")
def multilabel_soft_margin_loss(
    x: TensorLike, target: TensorLike, weight: TensorLike | None = None, reduction: str = "mean",
    axis: int = -1,
) -> Tensor:  # fmt: skip
    """Return for every example the mean over classes of the binary cross-entropy of logits.

    Parameters
    ----------
    x : tensor or array_like
        Logits.
    target : tensor or array_like
        0 or 1 for every class, of the same shape.
    weight : tensor or array_like, optional
        A weight for every class.
    reduction : {"mean", "sum", "none"}
        See `binary_cross_entropy`.
    axis : int
        The axis of classes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.0]])
    >>> df.evaluate(df.nn.multilabel_soft_margin_loss(x, [[0, 1]])).round(4)
    np.float32(0.6931)
    """
    name = "multilabel_soft_margin_loss"
    x, target = as_floats(name, x, target)
    losses = _weighted(_with_logits(x, target), weight)
    return reduced(name, mean(losses, normal_axis(axis, losses.ndim)), reduction)


# Targets of -1 and 1


@public(family="nn")
def soft_margin_loss(x: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """Return ``log(1 + exp(-target x))`` of targets -1 and 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -200.0])
    >>> df.evaluate(df.nn.soft_margin_loss(x, [1, 1], "none")).round(4)
    array([  0.6931, 200.    ], dtype=float32)
    """
    x, target = as_floats("soft_margin_loss", x, target)
    return reduced("soft_margin_loss", softplus(-target * x), reduction)


@public(family="nn")
def hinge_loss(
    x: TensorLike, target: TensorLike, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """Return ``max(0, margin - target x)`` of scores `x` and targets -1 and 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 3.0])
    >>> df.evaluate(df.nn.hinge_loss(x, [1, -1], reduction="none"))
    array([0.5, 4. ], dtype=float32)
    """
    check_number("hinge_loss", "margin", margin)
    x, target = as_floats("hinge_loss", x, target)
    return reduced("hinge_loss", at_least_zero(margin - target * x), reduction)


@public(family="nn")
def hinge_embedding_loss(
    x: TensorLike, target: TensorLike, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """Return distances `x` where the target is 1, and ``max(0, margin - x)`` where it is -1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.25, 0.25])
    >>> df.evaluate(df.nn.hinge_embedding_loss(x, [1, -1], reduction="none"))
    array([0.25, 0.75], dtype=float32)
    """
    name = "hinge_embedding_loss"
    check_number(name, "margin", margin)
    x, target = as_floats(name, x, target)
    losses = where(less(target, 0), at_least_zero(margin - x), x)
    return reduced(name, losses, reduction)
