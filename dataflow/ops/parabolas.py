"""Integrals of sampled values by parabolas through three of them: SciPy's ``simpson``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.integrals import distances
from dataflow.ops.reductions import sum as sum_
from dataflow.ops.selection import where
from dataflow.ops.shaping import squeeze
from dataflow.ops.slicing import Range, take_ranges
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["simpson"]


@public()
def simpson(
    y: Tensor, x: TensorLike | None = None, *, dx: float | Tensor = 1.0, axis: int = -1
) -> Tensor:
    """Return the integral of sampled values along an axis by Simpson's rule.

    Parameters
    ----------
    y : Tensor
        At least one sample along the axis, whose length has no name; integers become float64.
    x : tensor or array_like, optional
        The places of the samples: 1-D, or the shape of `y`.
    dx : number or tensor
        Their distance, where `x` isn't given.
    axis : int
        The axis.

    Returns
    -------
    Tensor
        Without the axis. Two samples are joined by a line.

    Raises
    ------
    ShapeError
        The axis is out of range, its length has a name or is 0, or shapes don't fit.

    Notes
    -----
    Of an even number of samples, the last interval is integrated under the parabola through the
    last three, as `scipy.integrate.simpson` does; see K. V. Cartwright, "Simpson's Rule Cumulative
    Integration with MS Excel and Irregularly-spaced Data", Journal of Mathematical Sciences and
    Mathematics Education 12 (2), 2017.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.0, 1.0, 4.0, 9.0, 16.0])
    >>> df.evaluate(df.simpson(y))
    array(21.333334, dtype=float32)
    """
    place = normal_axis(axis, y.ndim)
    length = y.shape[place]
    if isinstance(length, Dim) or length == 0:
        msg = f"simpson ({user_line()}): the number of samples must be known and not 0: {length}"
        raise ShapeError(msg)
    steps = None if x is None else distances(x, y, place, "simpson")
    if length % 2:
        return _parabolas(y, steps, dx, place, length)
    last = _last_interval(y, steps, dx, place, length)
    if length == 2:
        return last
    return _parabolas(_cut(y, place, length - 1), steps, dx, place, length - 1) + last


def _cut(x: Tensor, axis: int, stop: int, start: int = 0, step: int = 1) -> Tensor:
    """Return every so many elements along an axis; none where there are fewer."""
    ranges = [Range(0, dim, 1) for dim in x.shape]
    ranges[axis] = Range(min(start, max(stop, 0)), max(stop, 0), step)
    return take_ranges(x, ranges)


def _divided(a: Tensor, b: Tensor) -> Tensor:
    """Divide, but by 0 give 0: places that coincide have no area between them."""
    return where(b == 0, 0, a / where(b == 0, 1, b))


def _parabolas(
    y: Tensor, steps: Tensor | None, dx: float | Tensor, axis: int, count: int
) -> Tensor:
    """Integrate an odd number of samples, three at a time."""
    first, middle, last = (_cut(y, axis, count - 2 + i, i, 2) for i in range(3))
    if steps is None:
        return sum_(first + 4.0 * middle + last, axis) * (dx / 3.0)
    h, k = (_cut(steps, axis, count - 2 + i, i, 2) for i in range(2))
    whole = h + k
    weighted = (first * (2.0 - _divided(k, h)) + middle * (whole * _divided(whole, h * k))
                + last * (2.0 - _divided(h, k)))  # fmt: skip
    return sum_(whole / 6.0 * weighted, axis)


def _last_interval(
    y: Tensor, steps: Tensor | None, dx: float | Tensor, axis: int, count: int
) -> Tensor:
    """Integrate the last interval, under the parabola through the last three samples."""
    near = [_slice(y, axis, count - i) for i in range(1, min(count, 3) + 1)]
    if steps is None:
        if count == 2:
            return 0.5 * dx * (near[0] + near[1])
        return (near[0] * (5 / 12) + near[1] * (2 / 3) - near[2] * (1 / 12)) * dx
    k = _slice(steps, axis, count - 2)
    if count == 2:
        return 0.5 * k * (near[0] + near[1])
    h = _slice(steps, axis, count - 3)
    return (_divided(k * (2.0 * k + 3.0 * h), 6.0 * (h + k)) * near[0]
            + _divided(k * (k + 3.0 * h), 6.0 * h) * near[1]
            - _divided(k * k * k, 6.0 * h * (h + k)) * near[2])  # fmt: skip


def _slice(x: Tensor, axis: int, place: int) -> Tensor:
    return squeeze(_cut(x, axis, place + 1, place), axis)
