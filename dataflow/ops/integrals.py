"""Integrals of sampled values by trapezoids: slices and arithmetic, rounded as NumPy's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import also_named, public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.cumulative import cumsum
from dataflow.ops.differences import diff, end_of, lying_along, neighbours
from dataflow.ops.joining import concat
from dataflow.ops.reductions import sum as sum_
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cumulative_trapezoid", "trapezoid", "trapz"]


@public(np.trapezoid)
def trapezoid(
    y: Tensor, x: TensorLike | None = None, dx: float | Tensor = 1.0, axis: int = -1
) -> Tensor:
    """Return the integral of sampled values along an axis by the trapezoidal rule.

    Parameters
    ----------
    y : Tensor
        At least one axis; integers become float64.
    x : tensor or array_like, optional
        The places of the samples: 1-D, or a shape that broadcasts with that of `y`.
    dx : number or tensor
        Their distance, where `x` isn't given.
    axis : int
        The axis.

    Returns
    -------
    Tensor
        Without the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, or shapes don't fit.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> df.evaluate(df.trapezoid(y)), df.evaluate(df.trapezoid(y, [4, 6, 8]))
    (array(4., dtype=float32), array(8.))
    """
    place = normal_axis(axis, y.ndim)
    return sum_(_areas(y, x, dx, place), place)


def _areas(y: Tensor, x: TensorLike | None, dx: float | Tensor, axis: int) -> Tensor:
    """Return the area between every two samples."""
    later, earlier = neighbours(y, axis)
    if x is None:
        return dx * (later + earlier) / 2.0
    return distances(x, y, axis, "trapezoid") * (later + earlier) / 2.0


def distances(x: TensorLike, y: Tensor, axis: int, name: str) -> Tensor:
    """Return the distances of places along an axis, so that they lie along it beside samples."""
    places = as_tensor(x, y)
    if places.ndim == 0 or (places.ndim == 1 and places.shape[0] != y.shape[axis]):
        msg = (f"{name} ({user_line()}): x has one place for each of {y.shape[axis]} samples, "
               f"not shape {shape_text(places.shape)}; dx is one distance")  # fmt: skip
        raise ShapeError(msg)
    if places.ndim == 1:
        return lying_along(diff(places), y, axis)
    return diff(places, axis=axis - y.ndim)


@public()
def cumulative_trapezoid(
    y: Tensor, x: TensorLike | None = None, dx: float | Tensor = 1.0, axis: int = -1,
    initial: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the integrals from the first sample up to every other one, as SciPy's function does.

    Parameters
    ----------
    y, x, dx, axis
        See `trapezoid`.
    initial : {0, None}
        0 to have the first integral too, which is 0.

    Returns
    -------
    Tensor
        Shorter than `y` by one, or as long with `initial`.

    Raises
    ------
    GraphError
        `initial` is neither None nor 0.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> df.evaluate(df.cumulative_trapezoid(y, initial=0))
    array([0. , 1.5, 4. ], dtype=float32)
    """
    place = normal_axis(axis, y.ndim)
    total = cumsum(_areas(y, x, dx, place), place)
    if initial is None:
        return total
    if initial != 0:
        msg = f"cumulative_trapezoid ({user_line()}): initial is None or 0, not {initial!r}"
        raise GraphError(msg)
    return concat([end_of(0, total, place), total], place)


trapz = also_named(trapezoid, "trapz")
