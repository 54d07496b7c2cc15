"""Connectionist temporal classification: the loss of label sequences that aren't aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.finiteness import isinf
from dataflow.ops.gathering import take
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import as_floats, check_reduction, reduced
from dataflow.ops.nn.ctc_ops import CTC
from dataflow.ops.positions import check_known, check_range
from dataflow.ops.selection import maximum
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import TensorLike

__all__ = ["ctc_loss"]


@public(family="nn")
def ctc_loss(
    log_probs: Tensor, targets: TensorLike, input_lengths: TensorLike | None = None,
    target_lengths: TensorLike | None = None, blank: int = 0, reduction: str = "mean",
    *, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Return minus the log-probability of label sequences, added up over all their alignments.

    Parameters
    ----------
    log_probs : Tensor
        Logarithms of probabilities, of shape (times, examples, classes) or (times, classes).
    targets : tensor or array_like
        Labels, of shape (examples, labels) or (labels,); what is past an example's length may be
        anything. Of several examples, an array of one axis has their labels one behind the other;
        their `target_lengths` must be known then.
    input_lengths, target_lengths : tensor or array_like, optional
        How many times and labels each example has; by default all.
    blank : int
        The class that stands for no label.
    reduction : {"mean", "sum", "none"}
        ``"mean"`` divides each loss by its number of labels (at least 1) first, as in PyTorch.
    zero_infinity : bool
        Whether a loss that is inf, since no alignment exists, counts as 0.

    Returns
    -------
    Tensor
        A scalar, or with ``"none"`` one loss for each example.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The shapes don't fit, an argument isn't of its kind, or the blank is no class;
        or a label or length that is known already is out of range.
    KernelError
        While running: a label is no class, or a length is larger than there are times or labels.

    Notes
    -----
    The gradient is that by the log-probabilities as they are. PyTorch's supposes that they come
    from `log_softmax`, behind which both are the same. An example without any alignment has the
    gradient 0. The second derivative unrolls the times, of which there should be few.

    References
    ----------
    Graves, Fernández, Gomez and Schmidhuber, "Connectionist Temporal Classification", ICML 2006.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> log_probs = df.log_softmax(b.zeros((2, 1, 3)))  # times, examples, classes
    >>> df.evaluate(df.exp(-df.nn.ctc_loss(log_probs, [[1]]))).round(4)  # of 9 paths, 3 fit
    np.float32(0.3333)
    """
    check_reduction("ctc_loss", reduction)
    (x,) = as_floats("ctc_loss", log_probs)
    labels = _whole("ctc_loss", "targets", targets, x)
    if x.ndim == 3 and labels.ndim == 1:
        labels = _apart(labels, target_lengths, x.shape[1])
    _check_targets(labels, target_lengths, x.shape[-1])
    is_single = x.ndim == 2 and labels.ndim == 1
    if is_single:
        x, labels = expand_dims(x, 1), expand_dims(labels, 0)
    if x.ndim != 3 or labels.ndim != 2:
        msg = (f"ctc_loss ({user_line()}): log_probs {x.spec} must be (times, examples, classes) "
               f"and targets {labels.spec} (examples, labels)")  # fmt: skip
        raise ShapeError(msg)
    if isinstance(blank, bool) or not isinstance(blank, int):
        msg = f"ctc_loss ({user_line()}): blank is a class, an int, not {blank!r}"
        raise GraphError(msg)
    times = _lengths("input_lengths", input_lengths, x, x.shape[0])
    counts = _lengths("target_lengths", target_lengths, x, labels.shape[1])
    losses = apply(CTC, (x, labels, times, counts), Attrs(blank=blank))
    losses = zero_where(isinf(losses), losses) if zero_infinity else losses
    if reduction == "mean":
        losses = losses / astype(maximum(counts, 1), losses.dtype)
    losses = reshape(losses, ()) if is_single else losses
    return reduced("ctc_loss", losses, reduction)


def _whole(name: str, what: str, value: TensorLike, like: Tensor) -> Tensor:
    made = value if isinstance(value, Tensor) else like.builder.constant(value)
    if made.dtype.kind not in "iu":
        msg = f"{name} ({user_line()}): {what} are integers, not {made.dtype}"
        raise DTypeError(msg)
    return astype(made, np.int64)


def _apart(labels: Tensor, lengths: TensorLike | None, examples: int | Dim) -> Tensor:
    """Return labels that lie one behind the other, with a row for each example."""
    found = labels.builder.known(lengths) if isinstance(lengths, Tensor) else lengths
    counts = None if found is None else np.asarray(found)
    total = labels.shape[0]
    if counts is None or counts.shape != (examples,) or not isinstance(total, int):
        msg = (f"ctc_loss ({user_line()}): targets {shape_text(labels.shape)} of {examples} "
               "examples need target_lengths that are known, one for each")  # fmt: skip
        raise ShapeError(msg)
    if counts.dtype.kind not in "iu" or (counts < 0).any() or counts.sum() != total:
        msg = (f"ctc_loss ({user_line()}): target_lengths {counts.tolist()} must add up to "
               f"{total}, the number of targets")  # fmt: skip
        raise ShapeError(msg)
    if not total:
        return reshape(labels, (examples, 0))
    rows = (np.cumsum(counts) - counts)[:, None] + np.arange(counts.max())
    return take(labels, np.minimum(rows, total - 1), 0)


def _check_targets(labels: Tensor, lengths: TensorLike | None, classes: int | Dim) -> None:
    """Refuse a label known already that is no class; past its example's length all may be."""
    known = labels.builder.known
    counts = known(lengths) if isinstance(lengths, Tensor) else lengths
    values = known(labels)
    if values is None or not values.ndim or (counts is None and lengths is not None):
        return
    if counts is not None:
        counted = np.arange(values.shape[-1]) < np.asarray(counts)[..., None]
        values = values[np.broadcast_to(counted, values.shape)]
    check_range(values, classes, "targets:", negative=False)


def _lengths(what: str, value: TensorLike | None, x: Tensor, whole: int | Dim) -> Tensor:
    """Return one length for every example."""
    if value is None:
        return broadcast_to(x.builder.size_of((whole,), np.int64), x.shape[1:2])
    made = _whole("ctc_loss", what, value, x)
    check_known(made, whole + 1, f"{what}:")
    if made.ndim > 1 or (made.ndim == 1 and made.shape != x.shape[1:2]):
        msg = (f"ctc_loss ({user_line()}): {what} {shape_text(made.shape)} must be one for each of "
               f"{x.shape[1]} examples")  # fmt: skip
        raise ShapeError(msg)
    return broadcast_to(made, x.shape[1:2])
