"""Losses of classes: cross-entropy of logits, of log-probabilities, and margins between scores.

PyTorch has the classes along axis 1, behind the examples: so it is here, unless `axis` says
otherwise. Labels are looked up by a mask, not by multiplication, so that a class given up with a
logit of -inf costs nothing where it is no label. An ignored example has loss 0 and gradient 0;
where its own logits are NaN, `cross_entropy` passes NaN to them, as PyTorch does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal
from dataflow.ops.crossentropy import softmax_cross_entropy
from dataflow.ops.gathering import take
from dataflow.ops.masking import zero_where
from dataflow.ops.neural import log_softmax
from dataflow.ops.nn.arguments import (
    as_float_like,
    as_floats,
    at_least_zero,
    check_number,
    check_reduction,
    finite_times,
    in_float32,
    reduced,
)
from dataflow.ops.onehot import one_hot
from dataflow.ops.positions import check_known
from dataflow.ops.powers import power
from dataflow.ops.reductions import mean, sum
from dataflow.ops.shaping import expand_dims
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cross_entropy", "multi_margin_loss", "nll_loss"]


@public(family="nn")
def cross_entropy(
    logits: Tensor, target: TensorLike, weight: TensorLike | None = None,
    ignore_index: int | None = -100, reduction: str = "mean", label_smoothing: float = 0.0,
    axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return the cross-entropy of targets under ``softmax(logits)``.

    Parameters
    ----------
    logits : Tensor
        Real floats, with classes along `axis`.
    target : tensor or array_like
        Labels: integers from 0 to below the number of classes, of the shape of `logits` without
        that axis. Or probabilities: floats of the whole shape.
    weight : tensor or array_like, optional
        A weight for every class.
    ignore_index : int, optional
        The label of examples that don't count, in losses, gradients and means.
    reduction : {"mean", "sum", "none"}
        The mean is over the examples that count; weighted, it is divided by the weights of their
        labels. Of probabilities it is over all examples, whatever they weigh. As in PyTorch, it is
        NaN where no example counts.
    label_smoothing : float
        The part of each target that is spread evenly over all classes, from 0 to 1.
    axis : int
        The axis of classes; of logits with one axis, that.

    Returns
    -------
    Tensor
        A scalar, or with ``"none"`` the shape of `logits` without the axis.

    Raises
    ------
    ShapeError
        The shapes don't fit, the axis is out of range, there is no class, or a label that is known
        already is none.
    DTypeError
        The logits aren't real floats, or the target is neither integers nor floats.
    GraphError
        A parameter is out of range.
    KernelError
        While running: a label is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> logits, labels = b.zeros((3, 4)), b.constant([0, -100, 1])
    >>> df.evaluate(df.nn.cross_entropy(logits, labels, reduction="none")).round(4)
    array([1.3863, 0.    , 1.3863], dtype=float32)
    """
    name = "cross_entropy"
    check_reduction(name, reduction)
    check_number(name, "label_smoothing", label_smoothing, 0, 1)
    rows, place = _rows(name, logits, axis)
    wanted = as_tensor(target, logits)
    if wanted.spec.is_float and wanted.shape == logits.shape:
        p = move_axis(as_float_like(name, wanted, rows), place, rows.ndim - 1)
        return reduced(name, _of_probabilities(rows, p, weight, label_smoothing), reduction)
    labels = _labels(name, rows, wanted, weight, ignore_index)
    losses = labels.weighted(softmax_cross_entropy(rows, labels.indices))
    if label_smoothing:
        smooth = mean(_class_products(name, log_softmax(rows), weight), -1)
        losses = losses * (1 - label_smoothing) - smooth * label_smoothing
    return labels.reduced(losses, reduction)


def _of_probabilities(
    rows: Tensor, p: Tensor, weight: TensorLike | None, smoothing: float
) -> Tensor:
    if smoothing:
        classes = rows.builder.size_of(rows.shape[-1:], np.float64)
        p = p * (1 - smoothing) + astype(smoothing / classes, p.dtype)
    products = finite_times(p, log_softmax(rows))
    return -sum(_class_products("cross_entropy", products, weight), -1)


def _class_products(name: str, x: Tensor, weight: TensorLike | None) -> Tensor:
    return x if weight is None else x * _class_weights(name, x, weight)


@public(family="nn")
def nll_loss(
    log_probs: Tensor, target: TensorLike, weight: TensorLike | None = None,
    ignore_index: int | None = -100, reduction: str = "mean", axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return minus the logarithm of each label's probability.

    Parameters
    ----------
    log_probs : Tensor
        Logarithms of probabilities, with classes along `axis`.
    target : tensor or array_like
        Labels.
    weight, ignore_index, reduction, axis
        See `cross_entropy`.

    Raises
    ------
    ShapeError, DTypeError, GraphError, KernelError
        See `cross_entropy`.

    Examples
    --------
    >>> import dataflow as df
    >>> log_probs = df.log(df.GraphBuilder().constant([[0.5, 0.5], [0.0, 1.0]]))
    >>> df.evaluate(df.nn.nll_loss(log_probs, [1, 1])).round(4)
    np.float32(0.3466)
    """
    check_reduction("nll_loss", reduction)
    rows, _ = _rows("nll_loss", log_probs, axis)
    wanted = as_tensor(target, rows)
    labels = _labels("nll_loss", rows, wanted, weight, ignore_index)
    is_label = one_hot(labels.indices, rows.shape[-1], np.bool_)
    return labels.reduced(labels.weighted(-_chosen(rows, is_label)), reduction)


def _chosen(rows: Tensor, is_label: Tensor) -> Tensor:
    return sum(zero_where(logical_not(is_label), rows), -1)


@public(family="nn")
def multi_margin_loss(
    x: Tensor, target: TensorLike, p: int = 1, margin: float = 1.0,
    weight: TensorLike | None = None, reduction: str = "mean", axis: int = 1,
) -> Tensor:  # fmt: skip
    """Return the mean over classes of ``max(0, margin - x[label] + x[class]) ** p``.

    The label's own class counts as 0.

    Parameters
    ----------
    x : Tensor
        Scores, with classes along `axis`.
    target : tensor or array_like
        Labels.
    p : int
        1 or 2.
    margin : float
        By how much the label's score should be the largest.
    weight : tensor or array_like, optional
        A weight for every label; the mean isn't divided by them.
    reduction : {"mean", "sum", "none"}
        The mean is over all examples.
    axis : int
        See `cross_entropy`.

    Raises
    ------
    ShapeError, DTypeError, GraphError, KernelError
        See `cross_entropy`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.25, 1.0, 0.0]])
    >>> df.evaluate(df.nn.multi_margin_loss(x, [1]))
    array(0.0833..., dtype=float32)
    """
    name = "multi_margin_loss"
    check_number(name, "margin", margin)
    if p not in (1, 2):
        msg = f"{name} ({user_line()}): p is 1 or 2, not {p!r}"
        raise GraphError(msg)
    rows, _ = _rows(name, x, axis)
    labels = _labels(name, rows, as_tensor(target, rows), weight, None)
    is_label = one_hot(labels.indices, rows.shape[-1], np.bool_)
    short = at_least_zero(rows - expand_dims(_chosen(rows, is_label), -1) + margin)
    losses = mean(zero_where(is_label, power(short, p)), -1)
    return reduced(name, labels.weighted(losses), reduction)


# Classes and labels


class _Labels(NamedTuple):
    """The label of every example, those ignored as 0, and what an example weighs."""

    indices: Tensor
    ignored: Tensor | None
    weights: Tensor | None

    def weighted(self, losses: Tensor) -> Tensor:
        return losses if self.weights is None else losses * self.weights

    def reduced(self, losses: Tensor, reduction: str) -> Tensor:
        kept = self._kept(losses)
        if reduction == "none":
            return kept
        if reduction == "sum":
            return sum(kept)
        if self.weights is not None:
            return sum(kept) / sum(self._kept(self.weights))
        if self.ignored is None:
            return mean(kept)
        return in_float32(_mean_of, kept, logical_not(self.ignored))

    def _kept(self, x: Tensor) -> Tensor:
        return x if self.ignored is None else zero_where(self.ignored, x)


def _mean_of(losses: Tensor, counted: Tensor) -> Tensor:
    return sum(losses) / sum(counted).astype(losses.dtype)


def _rows(name: str, x: Tensor, axis: int) -> tuple[Tensor, int]:
    """Return the scores with classes along the last axis, and which axis that was."""
    if x.dtype.kind == "c":
        msg = f"{name} ({user_line()}) takes real numbers, not {x.dtype}"
        raise DTypeError(msg)
    (floats,) = as_floats(name, x)
    place = normal_axis(0 if floats.ndim == 1 and axis == 1 else axis, floats.ndim)
    return move_axis(floats, place, floats.ndim - 1), place


def _labels(
    name: str, rows: Tensor, target: Tensor, weight: TensorLike | None, ignore_index: int | None
) -> _Labels:
    if target.dtype.kind not in "iu":
        msg = (f"{name} ({user_line()}): the target {target.spec} must be integer labels "
               f"{shape_text(rows.shape[:-1])}")  # fmt: skip
        raise DTypeError(msg)
    if target.shape != rows.shape[:-1]:
        msg = (f"{name} ({user_line()}): labels {shape_text(target.shape)} must be "
               f"{shape_text(rows.shape[:-1])} here")  # fmt: skip
        raise ShapeError(msg)
    check_known(target, rows.shape[-1], "label", but=ignore_index)
    indices, ignored = astype(target, np.int64), None
    if ignore_index is not None:
        ignored = equal(indices, ignore_index)
        indices = zero_where(ignored, indices)
    if weight is None:
        return _Labels(indices, ignored, None)
    return _Labels(indices, ignored, take(_class_weights(name, rows, weight), indices, 0))


def _class_weights(name: str, rows: Tensor, weight: TensorLike) -> Tensor:
    weights = as_float_like(name, weight, rows)
    if weights.shape != rows.shape[-1:]:
        msg = (f"{name} ({user_line()}): weight {shape_text(weights.shape)} must have one element "
               f"for each of {rows.shape[-1]} classes")  # fmt: skip
        raise ShapeError(msg)
    return weights
