"""Losses of margins between the scores of classes: of one label, or of several.

PyTorch has the classes along axis 1, behind the examples: so it is here, unless `axis` says
otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater_equal, less
from dataflow.ops.cumulative import cumulative_sum
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import at_least_zero, check_number, check_reduction, reduced
from dataflow.ops.nn.labels import chosen, labels_of, rows_of
from dataflow.ops.onehot import one_hot
from dataflow.ops.positions import check_known
from dataflow.ops.powers import power
from dataflow.ops.reductions import mean, sum
from dataflow.ops.shaping import expand_dims
from dataflow.ops.truth import any
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["multi_margin_loss", "multilabel_margin_loss"]


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
    rows, _ = rows_of(name, x, axis)
    labels = labels_of(name, rows, as_tensor(target, rows), weight, None)
    is_label = one_hot(labels.indices, rows.shape[-1], np.bool_)
    short = at_least_zero(rows - expand_dims(chosen(rows, is_label), -1) + margin)
    losses = mean(zero_where(is_label, power(short, p)), -1)
    return reduced(name, labels.weighted(losses), reduction)


@public(family="nn")
def multilabel_margin_loss(x: Tensor, target: TensorLike, reduction: str = "mean") -> Tensor:
    """Return how far each label's score is from being 1 above those of all classes but the labels.

    Of an example of C classes it is the sum of ``max(0, 1 - x[label] + x[class])`` over all labels
    and all classes that are none, divided by C.

    Parameters
    ----------
    x : Tensor
        Scores, of shape (examples, classes) or (classes,).
    target : tensor or array_like
        Integers of the same shape: each example's labels, and behind them -1.
    reduction : {"mean", "sum", "none"}
        The mean is over all examples.

    Raises
    ------
    ShapeError, DTypeError
        The shapes aren't the same, of one or two axes; the target isn't of integers, or a label
        that is known already is none.
    KernelError
        While running: a label is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.1, 0.2, 0.4, 0.8]])
    >>> df.evaluate(df.nn.multilabel_margin_loss(x, [[3, 0, -1, 1]])).round(4)
    np.float32(0.85)
    """
    name = "multilabel_margin_loss"
    check_reduction(name, reduction)
    rows, _ = rows_of(name, x, -1)
    labels = _several(name, rows, as_tensor(target, rows))
    ended = greater_equal(cumulative_sum(astype(less(labels, 0), np.int64), axis=-1), 1)
    indices = zero_where(ended, labels)
    classes = rows.shape[-1]
    is_label = any(one_hot(indices, classes, np.bool_) & logical_not(expand_dims(ended, -1)), -2)
    scores = expand_dims(take_along_axis(rows, indices, -1), -1)
    short = at_least_zero(1 - (scores - expand_dims(rows, -2)))
    counted = logical_not(expand_dims(ended, -1)) & logical_not(expand_dims(is_label, -2))
    each = mean(sum(zero_where(logical_not(counted), short), -2), -1)
    return reduced(name, each, reduction)


def _several(name: str, rows: Tensor, target: Tensor) -> Tensor:
    if target.dtype.kind not in "iu":
        msg = f"{name} ({user_line()}): the target {target.spec} must be integer labels"
        raise DTypeError(msg)
    if rows.ndim not in (1, 2) or target.shape != rows.shape:
        msg = (f"{name} ({user_line()}): scores {shape_text(rows.shape)} must have 1 or 2 axes, "
               f"and the target {shape_text(target.shape)} the same")  # fmt: skip
        raise ShapeError(msg)
    check_known(target, rows.shape[-1], "label", but=-1)
    return astype(target, np.int64)
