"""Labels: which class each example has, which examples count, and what they weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal
from dataflow.ops.gathering import take
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import as_floats, in_float32
from dataflow.ops.parameters import parameter
from dataflow.ops.positions import check_known
from dataflow.ops.reductions import mean, sum
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Labels", "chosen", "class_weights", "labels_of", "rows_of"]


class Labels(NamedTuple):
    """The label of every example, those ignored as 0, and what an example weighs."""

    indices: Tensor
    ignored: Tensor | None
    weights: Tensor | None

    def weighted(self, losses: Tensor) -> Tensor:
        """Return losses times the weights of their labels."""
        return losses if self.weights is None else losses * self.weights

    def reduced(self, losses: Tensor, reduction: str) -> Tensor:
        """Return losses, their sum, or their mean over the examples that count."""
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


def rows_of(name: str, x: Tensor, axis: int) -> tuple[Tensor, int]:
    """Return the scores with classes along the last axis, and which axis that was."""
    if x.dtype.kind == "c":
        msg = f"{name} ({user_line()}) takes real numbers, not {x.dtype}"
        raise DTypeError(msg)
    (floats,) = as_floats(name, x)
    place = normal_axis(0 if floats.ndim == 1 and axis == 1 else axis, floats.ndim)
    return move_axis(floats, place, floats.ndim - 1), place


def labels_of(
    name: str, rows: Tensor, target: Tensor, weight: TensorLike | None, ignore_index: int | None
) -> Labels:
    """Return the labels of rows of scores, after checking them."""
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
        return Labels(indices, ignored, None)
    return Labels(indices, ignored, take(class_weights(name, rows, weight), indices, 0))


def class_weights(name: str, rows: Tensor, weight: TensorLike) -> Tensor:
    """Return a weight for each class, in the dtype of the scores."""
    wanted = f"one element for each of {rows.shape[-1]} classes"
    return parameter(name, "weight", weight, rows, rows.shape[-1:], wanted)


def chosen(rows: Tensor, is_label: Tensor) -> Tensor:
    """Return each row's score at its label, which may be the only one that is a number."""
    return sum(zero_where(logical_not(is_label), rows), -1)
