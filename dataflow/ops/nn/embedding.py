"""Embeddings: rows of a table by index, one by one or in bags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, greater_equal
from dataflow.ops.gathering import take
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import numbered
from dataflow.ops.parameters import as_float_like
from dataflow.ops.positions import as_indices
from dataflow.ops.raveling import flat_positions
from dataflow.ops.reductions import max, sum
from dataflow.ops.selection import maximum, where
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.ops.stopping import stop_gradient
from dataflow.source import user_line
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["embedding", "embedding_bag"]


@public(family="nn")
def embedding(indices: TensorLike, weight: TensorLike, padding_idx: int | None = None) -> Tensor:
    """Return rows of a table by index.

    Parameters
    ----------
    indices : tensor or array_like
        Integers of any shape, from 0 to below the number of rows.
    weight : tensor or array_like
        The table, with a row for each index.
    padding_idx : int, optional
        The index whose row gets no gradient.

    Returns
    -------
    Tensor
        The indices' shape and the length of a row.

    Raises
    ------
    ShapeError, DTypeError
        The table doesn't have two axes, `padding_idx` is out of its range, the indices aren't
        integers, or one that is known already is out of range.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> weight = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.nn.embedding([1, 0, 1], weight))
    array([[3., 4.],
           [1., 2.],
           [3., 4.]], dtype=float32)
    """
    table, places = _table("embedding", indices, weight)
    rows = take(table, places, 0)
    if padding_idx is None:
        return rows
    is_padding = _is_padding("embedding", table, places, padding_idx)
    return where(is_padding, stop_gradient(rows), rows)


def _table(name: str, indices: TensorLike, weight: TensorLike) -> tuple[Tensor, Tensor]:
    builder = builder_of(indices, weight)
    table = weight if isinstance(weight, Tensor) else builder.constant(weight)
    if table.ndim != 2:
        msg = f"{name} ({user_line()}): the weight {table.spec} must have 2 axes, of rows"
        raise ShapeError(msg)
    places = as_indices(indices, table, table.shape[0], negative=False)
    if builder.known(places) is None:
        places = flat_positions([places], table.shape[:1], table, negative=False)
    return table, places


def _is_padding(name: str, table: Tensor, places: Tensor, padding_idx: int) -> Tensor:
    count = table.shape[0]
    is_int = isinstance(padding_idx, int) and not isinstance(padding_idx, bool)
    if not is_int or (isinstance(count, int) and not -count <= padding_idx < count):
        msg = f"{name} ({user_line()}): padding_idx {padding_idx!r} is no row of {count}"
        raise ShapeError(msg)
    wanted = padding_idx if padding_idx >= 0 else table.size(0) + padding_idx
    return expand_dims(equal(astype(places, np.int64), wanted), -1)


@public(family="nn")
def embedding_bag(
    indices: TensorLike, weight: TensorLike, offsets: TensorLike | None = None,
    mode: str = "mean", per_sample_weights: TensorLike | None = None,
    padding_idx: int | None = None, *, include_last_offset: bool = False,
) -> Tensor:  # fmt: skip
    """Return the sum, mean or maximum of a table's rows over bags of indices.

    Parameters
    ----------
    indices : tensor or array_like
        Integers; the last axis is a bag. With `offsets`, one axis of bags of any lengths, one
        behind the other.
    weight : tensor or array_like
        The table, with a row for each index.
    offsets : tensor or array_like, optional
        Where each bag begins, ascending from 0.
    mode : {"mean", "sum", "max"}
        What becomes of a bag's rows. Of a bag without rows, each gives zeros.
    per_sample_weights : tensor or array_like, optional
        What rows are multiplied with before they are added up, of the indices' shape; with
        ``"sum"`` only.
    padding_idx : int, optional
        The index that doesn't count.
    include_last_offset : bool
        Whether the last of the offsets is where the last bag ends, not where one begins.

    Returns
    -------
    Tensor
        The indices' shape without the last axis, or as many rows as bags begin; and the length of
        a row.

    Raises
    ------
    GraphError, ShapeError, DTypeError, KernelError
        The mode isn't known or has no weights; and see `embedding`.

    Examples
    --------
    >>> import dataflow as df
    >>> weight = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.nn.embedding_bag([[0, 1], [1, 1]], weight))
    array([[2., 3.],
           [3., 4.]], dtype=float32)
    >>> df.evaluate(df.nn.embedding_bag([0, 1, 1], weight, offsets=[0, 1], mode="sum"))
    array([[1., 2.],
           [6., 8.]], dtype=float32)
    """
    name = "embedding_bag"
    if mode not in ("mean", "sum", "max") or (mode != "sum" and per_sample_weights is not None):
        msg = (f"{name} ({user_line()}): mode is mean, sum or max, and sum where there are "
               f"per_sample_weights, not {mode!r}")  # fmt: skip
        raise GraphError(msg)
    table, places = _table(name, indices, weight)
    if not places.ndim:
        msg = f"{name} ({user_line()}): the indices need an axis of bags"
        raise ShapeError(msg)
    rows = take(table, places, 0)
    if per_sample_weights is not None:
        rows = rows * expand_dims(as_float_like(name, per_sample_weights, rows), -1)
    hidden = None if padding_idx is None else _is_padding(name, table, places, padding_idx)
    if offsets is None:
        return _bagged(rows, hidden, mode)
    starts = as_tensor(offsets, places)
    if places.ndim != 1 or starts.ndim != 1:
        msg = (f"{name} ({user_line()}): with offsets, they and the indices have one axis, not "
               f"{starts.spec} and {places.spec}")  # fmt: skip
        raise ShapeError(msg)
    return _segmented(rows, hidden, starts[:-1] if include_last_offset else starts, mode)


def _bagged(rows: Tensor, hidden: Tensor | None, mode: str) -> Tensor:
    axis = rows.ndim - 2
    if rows.shape[axis] == 0 or mode == "sum":
        return sum(rows if hidden is None else zero_where(hidden, rows), axis)
    if mode == "max":
        if hidden is None:
            return max(rows, axis)
        is_empty = logical_not(max(logical_not(hidden), axis))
        largest = max(where(hidden, -math.inf, rows), axis)
        return zero_where(is_empty, largest)
    shown = rows if hidden is None else zero_where(hidden, rows)
    count = rows.size(axis) if hidden is None else sum(logical_not(hidden), axis)
    return sum(shown, axis) / astype(maximum(count, 1), rows.dtype)


def _segmented(rows: Tensor, hidden: Tensor | None, starts: Tensor, mode: str) -> Tensor:
    """Reduce runs of rows, each from where it starts to where the next one does."""
    numbers, bags = numbered(rows, rows.shape[0], np.int64), starts.shape[0]
    bag = call_function("searchsorted", starts, numbers, "right") - 1
    if hidden is not None:
        bag = where(reshape(hidden, rows.shape[:1]), -1, bag)  # no bag's
    made = call_function(f"segment_{mode}", rows, bag, bags)
    if mode != "max":
        return made
    counts = call_function("segment_sum", greater_equal(numbers, 0), bag, bags)
    return zero_where(expand_dims(equal(counts, 0), -1), made)
