"""Lines of values in order, of which medians and quantiles take what stands at a place.

The axes become one, the last, which is sorted. How many values count is a node like any other: it
may be named, and it may differ from line to line, where NaN is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dims import product
from dataflow.errors import DTypeError
from dataflow.ops import reductions
from dataflow.ops.along import take_along_axis
from dataflow.ops.axes import transpose
from dataflow.ops.finiteness import isnan
from dataflow.ops.gathering import take
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__: list[str] = []


def check_order(x: Tensor) -> None:
    """Refuse complex numbers, which have no order."""
    if x.dtype.kind == "c":
        msg = f"complex numbers ({user_line()}) have no quantiles: take df.real or df.abs"
        raise DTypeError(msg)


def lines_of(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the tensor with the axes as one, the last."""
    kept = [i for i in range(x.ndim) if i not in axes]
    merged = product(x.shape[i] for i in axes)
    return reshape(transpose(x, (*kept, *axes)), (*(x.shape[i] for i in kept), merged))


def counted(lines: Tensor, *, skips_nan: bool) -> Tensor:
    """Return how many values of each line count, as float64, with an axis of length 1."""
    if skips_nan and lines.dtype.kind not in "biu":
        return reductions.sum(~isnan(lines), -1, keepdims=True).astype(np.float64)
    size = lines.builder.size_of(lines.shape[-1:], np.float64)
    return reshape(size, (1,) * lines.ndim)


def exactly_at(ordered: Tensor, places: Tensor) -> Tensor:
    """Return the values at whole places, which are the same for all lines or each line's own."""
    last, indices = ordered.ndim - 1, places.astype(np.int64)
    if all(dim == 1 for dim in indices.shape[:-1]):
        return take(ordered, reshape(indices, indices.shape[-1:]), last)
    return take_along_axis(ordered, indices, last)


def known_of(found: Tensor, ordered: Tensor, count: Tensor, *, skips_nan: bool) -> Tensor:
    """Return what was found, or NaN for lines that have one, or nothing else where it is skipped.

    `ordered` are the lines that `found` is of, and `count` is what `counted` gave.
    """
    if ordered.dtype.kind in "biu":
        return found
    length = ordered.shape[-1]
    last = slice_axis(ordered, ordered.ndim - 1, length - 1, length)
    return where(count == 0 if skips_nan else isnan(last), nan_like(found), found)


def nan_like(like: Tensor) -> Tensor:
    """Return NaN in the dtype of a tensor."""
    return like.builder.constant(np.nan, dtype=like.dtype)


def without_axes(
    found: Tensor, first: Shape, x: Tensor, axes: tuple[int, ...], *, keepdims: bool
) -> Tensor:
    """Give what was found a first shape, then that of `x` without the axes or with 1 for them."""
    rest = [1 if i in axes else dim for i, dim in enumerate(x.shape) if keepdims or i not in axes]
    return reshape(found, (*first, *rest))
