"""Medians: what stands in the middle of the order of values along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.lines_in_order import (
    check_order,
    counted,
    exactly_at,
    known_of,
    lines_of,
    nan_like,
    without_axes,
)
from dataflow.ops.reducing import accumulator
from dataflow.ops.rounding import ceil, floor
from dataflow.ops.selection import maximum
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.sorting import sort
from dataflow.shapes import normal_axes

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["median", "nanmedian"]

Axes: TypeAlias = "int | Sequence[int] | None"


def _median(x: Tensor, axis: Axes, *, keepdims: bool, skips_nan: bool) -> Tensor:
    check_order(x)
    axes = normal_axes(axis, x.ndim)
    lines = lines_of(x.astype(np.float64) if x.dtype.kind in "biu" else x, axes)
    if lines.shape[-1] == 0:
        found = broadcast_to(nan_like(lines), (*lines.shape[:-1], 1))
        return without_axes(found, (), x, axes, keepdims=keepdims)
    ordered, count = sort(lines), counted(lines, skips_nan=skips_nan)
    middle = maximum(count - 1, 0.0) * 0.5
    wide = accumulator(lines.dtype)
    a, b = (exactly_at(ordered, to(middle)).astype(wide) for to in (floor, ceil))
    found = ((a + b) * 0.5).astype(lines.dtype)
    found = known_of(found, ordered, count, skips_nan=skips_nan)
    return without_axes(found, (), x, axes, keepdims=keepdims)


@public(np.median)
def median(x: Tensor, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the median over axes: of an even number of values, the mean of the two in the middle.

    Parameters
    ----------
    x : Tensor
        Booleans, integers or real floats.
    axis : int or sequence of int, optional
        The axes; by default all.
    keepdims : bool
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        Of booleans and integers in float64. NaN where one is among the values, or there are none.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.
    DTypeError
        The tensor is complex.

    Notes
    -----
    The gradient goes to the values in the middle; see `sort` for ties. PyTorch's median is the
    lower of the two: ``quantile(x, 0.5, method="lower")``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 5, 2], [4, 3, 0]])
    >>> df.evaluate(df.median(x), df.median(x, axis=1))
    (array(2.5), array([2., 3.]))
    """
    return _median(x, axis, keepdims=keepdims, skips_nan=False)


@public(np.nanmedian)
def nanmedian(x: Tensor, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the median of what isn't NaN, and NaN where nothing else is there; see `median`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 4.0])
    >>> df.evaluate(df.nanmedian(x))
    array(2.5, dtype=float32)
    """
    return _median(x, axis, keepdims=keepdims, skips_nan=True)
