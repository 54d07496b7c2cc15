"""Sums, means, products and extremes of segments: elements that belong together by a number.

They are scatters into one row more than there are segments. What has a number that no segment has
goes there, and the row is left out: so nothing can fail while a plan runs, as in JAX. Numbers that
are known already are checked where the function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.gathering import SCATTER_ADD
from dataflow.ops.limits import highest, lowest
from dataflow.ops.positions import check_known
from dataflow.ops.reducing import accumulator
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.updates import update_rows
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["segment_max", "segment_mean", "segment_min", "segment_prod", "segment_sum"]


@public()
def segment_sum(x: Tensor, segment_ids: TensorLike, num_segments: DimLike) -> Tensor:
    """Return the sum of the elements of every segment.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    segment_ids : tensor or array_like
        Integers, in any order, with the shape of the first axes of `x`: which segment an element,
        or a row, belongs to. They are 0 to ``num_segments - 1``: another number in an array or a
        constant is an error, and where only the run tells, its element is left out.
    num_segments : int, str or Dim
        How many segments there are.

    Returns
    -------
    Tensor
        As many rows as there are segments, 0 in those without elements. Integers keep their dtype,
        booleans become int64. float32 and complex64 are added up in twice as many bits, float16 in
        float32: the sum of a million float32 numbers is off by one rounding, not by a million.

    Raises
    ------
    ShapeError
        `segment_ids` doesn't have the shape of the first axes, one of them that is known already is
        out of range, or the number of segments is negative.
    DTypeError
        `segment_ids` aren't integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 4, 8])
    >>> df.evaluate(df.segment_sum(x, [0, 2, 0, 1], 4))
    array([5, 8, 2, 0])
    """
    ids, count = _checked("segment_sum", x, segment_ids, num_segments)
    return _summed(x, ids, count)


@public()
def segment_mean(x: Tensor, segment_ids: TensorLike, num_segments: DimLike) -> Tensor:
    """Return the mean of the elements of every segment, 0 of those without; see `segment_sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 4.0, 8.0])
    >>> df.evaluate(df.segment_mean(x, [0, 2, 0, 1], 4))
    array([2.5, 8. , 2. , 0. ], dtype=float32)
    """
    ids, count = _checked("segment_mean", x, segment_ids, num_segments)
    asked = x.dtype if x.spec.is_float else np.dtype(np.float64)
    wide = accumulator(asked)  # a float16 sum of many is inf where their mean isn't
    ones = call_function("ones_like", ids)
    sizes = call_function("maximum", _summed(ones, ids, count), 1)
    total = _summed(x.astype(wide), ids, count)
    found = total / reshape(sizes.astype(wide), (count, *[1] * (total.ndim - 1)))
    return found.astype(asked)


@public()
def segment_prod(x: Tensor, segment_ids: TensorLike, num_segments: DimLike) -> Tensor:
    """Return the product of the elements of every segment, 1 of those without; see `segment_sum`.

    The gradient is right where elements are 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 4, 8])
    >>> df.evaluate(df.segment_prod(x, [0, 2, 0, 1], 4))
    array([4, 8, 2, 1])
    """
    ids, count = _checked("segment_prod", x, segment_ids, num_segments)
    values = x.astype(np.int64) if x.dtype.kind == "b" else x
    return _updated("multiply", values, ids, count, 1)


@public()
def segment_max(x: Tensor, segment_ids: TensorLike, num_segments: DimLike) -> Tensor:
    """Return the maximum of the elements of every segment; see `segment_sum`.

    Those without elements have -inf, or the smallest integer. Ties share the gradient equally.

    Raises
    ------
    DTypeError
        The tensor is complex; or as `segment_sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 4.0, 8.0])
    >>> df.evaluate(df.segment_max(x, [0, 2, 0, 1], 4))
    array([  4.,   8.,   2., -inf], dtype=float32)
    """
    ids, count = _checked("segment_max", x, segment_ids, num_segments)
    return _updated("max", x, ids, count, lowest(x.dtype))


@public()
def segment_min(x: Tensor, segment_ids: TensorLike, num_segments: DimLike) -> Tensor:
    """Return the minimum of the elements of every segment; see `segment_max`.

    Those without elements have inf, or the largest integer.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 4.0, 8.0])
    >>> df.evaluate(df.segment_min(x, [0, 2, 0, 1], 4))
    array([ 1.,  8.,  2., inf], dtype=float32)
    """
    ids, count = _checked("segment_min", x, segment_ids, num_segments)
    return _updated("min", x, ids, count, highest(x.dtype))


def _checked(
    what: str, x: Tensor, segment_ids: TensorLike, num_segments: DimLike
) -> tuple[Tensor, int | Dim]:
    """Return the ids, of another segment one past the last, and the number of segments."""
    ids, count = as_tensor(segment_ids, x), as_dim(num_segments)
    if ids.dtype.kind not in "iu":
        msg = f"{what} ({user_line()}): segment_ids are integers, not {ids.dtype}"
        raise DTypeError(msg)
    if ids.ndim == 0 or x.shape[: ids.ndim] != ids.shape:
        msg = (f"{what} ({user_line()}): segment_ids must have the shape of the first axes of "
               f"{shape_text(x.shape)}, not {shape_text(ids.shape)}")  # fmt: skip
        raise ShapeError(msg)
    try:
        check_known(ids, count, "segment id")
    except ShapeError as error:
        msg = f"{what}: {error}"
        raise ShapeError(msg) from None
    wide = ids.astype(np.int64)
    last = x.builder.size_of((count,), np.int64)
    return call_function("where", (wide < 0) | (wide > last), last, wide), count


def _summed(x: Tensor, ids: Tensor, count: int | Dim) -> Tensor:
    values = x.astype(np.int64) if x.dtype.kind == "b" else x
    rows = apply(SCATTER_ADD, (values, ids), Attrs(axis=0, length=(count + 1,), wide=True))
    return slice_axis(rows, 0, 0, count)


def _updated(how: str, x: Tensor, ids: Tensor, count: int | Dim, first: float) -> Tensor:
    row = x.shape[ids.ndim :]
    start = call_function("broadcast_to", x.builder.constant(first, dtype=x.dtype),
                          (count + 1, *row))  # fmt: skip
    return slice_axis(update_rows(how, start, ids, x), 0, 0, count)
