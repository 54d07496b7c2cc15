"""Angles made continuous: jumps by more than half a period are taken as turns."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.cumulative import cumsum
from dataflow.ops.differences import diff, neighbours
from dataflow.ops.joining import concat
from dataflow.ops.selection import where
from dataflow.ops.slicing import slice_axis
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["unwrap"]


@public(np.unwrap)
def unwrap(
    p: Tensor, discont: float | None = None, axis: int = -1, *, period: float = 2 * pi
) -> Tensor:
    """Return numbers with multiples of a period added, so that neighbours differ by at most half.

    Parameters
    ----------
    p : Tensor
        At least one axis, real numbers.
    discont : float, optional
        Up to which difference of neighbours nothing is added; by default half a period, and never
        less.
    axis : int
        The axis.
    period : float
        The period.

    Returns
    -------
    Tensor
        The same shape; the derivative is 1. Integers with a whole period stay integers: signed ones
        keep their dtype, others become int64.

    Raises
    ------
    ShapeError
        The axis is out of range.
    GraphError
        The period isn't positive.

    Examples
    --------
    >>> import dataflow as df
    >>> p = df.GraphBuilder().constant([0, 1, 2, -1, 0])
    >>> df.evaluate(df.unwrap(p, period=4))
    array([0, 1, 2, 3, 4])
    """
    if not period > 0:
        msg = f"unwrap ({user_line()}): the period is positive, not {period}"
        raise GraphError(msg)
    place = normal_axis(axis, p.ndim)
    is_whole = p.dtype.kind in "biu" and isinstance(period, int)
    asked = p.dtype if p.dtype.kind == "i" else np.dtype(np.int64)
    p = p.astype(np.int64) if is_whole else p  # differences of short integers would wrap around
    steps = diff(p, axis=place)
    high = period // 2 if is_whole else period / 2
    turned = (steps + high) % period - high
    if not is_whole or period % 2 == 0:
        turned = where((turned == -high) & (steps > 0), high, turned)  # as far either way
    added = where(abs(steps) < (period / 2 if discont is None else discont), 0, turned - steps)
    length = p.shape[place]
    later, _ = neighbours(p, place)
    first = p if length == 0 else slice_axis(p, place, 0, 1)
    unwrapped = concat([first, later + cumsum(added, place)], place)
    return unwrapped.astype(asked) if is_whole else unwrapped
