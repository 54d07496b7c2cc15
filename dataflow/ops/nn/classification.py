"""Losses of classes: cross-entropy of logits and of log-probabilities.

PyTorch has the classes along axis 1, behind the examples: so it is here, unless `axis` says
otherwise. Labels are looked up by a mask, not by multiplication, so that a class given up with a
logit of -inf costs nothing where it is no label. An ignored example has loss 0 and gradient 0;
where its own logits are NaN, `cross_entropy` passes NaN to them, as PyTorch does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.ops.casting import astype
from dataflow.ops.crossentropy import softmax_cross_entropy
from dataflow.ops.neural import log_softmax
from dataflow.ops.nn.arguments import (
    check_number,
    check_reduction,
    finite_times,
    reduced,
)
from dataflow.ops.nn.labels import chosen, class_weights, labels_of, rows_of
from dataflow.ops.onehot import one_hot
from dataflow.ops.parameters import as_float_like
from dataflow.ops.reductions import mean, sum
from dataflow.shapes import move_axis

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cross_entropy", "nll_loss"]


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
    rows, place = rows_of(name, logits, axis)
    wanted = as_tensor(target, logits)
    if wanted.spec.is_float and wanted.shape == logits.shape:
        p = move_axis(as_float_like(name, wanted, rows), place, rows.ndim - 1)
        return reduced(name, _of_probabilities(rows, p, weight, label_smoothing), reduction)
    labels = labels_of(name, rows, wanted, weight, ignore_index)
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
    return x if weight is None else x * class_weights(name, x, weight)


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
    rows, _ = rows_of("nll_loss", log_probs, axis)
    wanted = as_tensor(target, rows)
    labels = labels_of("nll_loss", rows, wanted, weight, ignore_index)
    is_label = one_hot(labels.indices, rows.shape[-1], np.bool_)
    return labels.reduced(labels.weighted(-chosen(rows, is_label)), reduction)
