"""Linear interpolation between samples, differentiable by the places, the samples and theirs.

The value at x is ``slope * (x - place) + sample``, of the last sample that isn't beyond x, as NumPy
computes it: so samples come out exactly, and the slope at one is that of the segment behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor, call_function
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.comparison import equal, greater, less
from dataflow.ops.complex_numbers import complex as complex_
from dataflow.ops.complex_numbers import imag, real
from dataflow.ops.differences import diff
from dataflow.ops.finiteness import isnan
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.selection import maximum, minimum, where
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["interp"]


@public(np.interp)
def interp(
    x: TensorLike, xp: TensorLike, fp: TensorLike, left: TensorLike | None = None,
    right: TensorLike | None = None, period: float | None = None,
) -> Tensor:  # fmt: skip
    """Return the values at `x` of the lines that join samples.

    Parameters
    ----------
    x : tensor or array_like
        Where: real numbers of any shape.
    xp : tensor or array_like
        The places of the samples: one axis, ascending, unless there is a period.
    fp : tensor or array_like
        The samples, real or complex, as many as places.
    left, right : number or scalar tensor, optional
        The value before the first place and behind the last one; by default the sample there.
    period : float, optional
        The length after which the samples repeat; then they are sorted first, and nothing lies
        before or behind them.

    Returns
    -------
    Tensor
        The shape of `x`, in float64 or complex128 as NumPy has it.

    Raises
    ------
    ShapeError
        The places or the samples have more axes than one, differ in length, or there are none.
    DTypeError
        The places are complex.
    GraphError
        The period is 0.

    Notes
    -----
    At a sample's place, where the lines have a kink, the derivative is that of the next line; at
    the last place, that of the last.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.5, 9.0])
    >>> df.evaluate(df.interp(x, [1, 2, 3], [3, 2, 0]))
    array([3. , 2.5, 0. ])
    """
    builder = builder_of(x, xp, fp, left, right)
    at, places, samples = (
        a if isinstance(a, Tensor) else builder.constant(np.asarray(a)) for a in (x, xp, fp)
    )
    _check(at, places, samples)
    at, places = at.astype(np.float64), places.astype(np.float64)
    samples = samples.astype(np.complex128 if samples.dtype.kind == "c" else np.float64)
    if period is not None:
        length = _checked(period)
        return _between(at % length, *_repeated(places, samples, length), [None] * 2)
    ends = [None if end is None else as_tensor(end, samples).astype(samples.dtype)
            for end in (left, right)]  # fmt: skip
    return _between(at, places, samples, ends)


def _check(at: Tensor, places: Tensor, samples: Tensor) -> None:
    length = places.shape[0] if places.ndim == 1 else 0
    if samples.shape != places.shape or length == 0:
        msg = (f"interp ({user_line()}): xp and fp have one axis of the same length, at least 1, "
               f"not {shape_text(places.shape)} and {shape_text(samples.shape)}")  # fmt: skip
        raise ShapeError(msg)
    if "c" in (at.dtype.kind, places.dtype.kind):
        msg = f"interp ({user_line()}): x and xp are real numbers, only fp can be complex"
        raise DTypeError(msg)


def _checked(period: float) -> float:
    if period == 0:
        msg = f"interp ({user_line()}): the period can't be 0"
        raise GraphError(msg)
    return abs(period)


def _repeated(places: Tensor, samples: Tensor, period: float) -> tuple[Tensor, Tensor]:
    """Sort samples within a period, with the last one before them and the first one behind."""
    wrapped = places % period
    order: Tensor = call_function("argsort", wrapped)
    length = places.shape[0]
    sorted_ = [take(line, order) for line in (wrapped, samples)]
    firsts = [slice_axis(line, 0, 0, 1) for line in sorted_]
    lasts = [slice_axis(line, 0, length - 1, length) for line in sorted_]
    lines = ([lasts[0] - period, sorted_[0], firsts[0] + period], [lasts[1], sorted_[1], firsts[1]])
    return concat(lines[0]), concat(lines[1])


def _between(at: Tensor, places: Tensor, samples: Tensor, ends: list[Tensor | None]) -> Tensor:
    if samples.dtype.kind == "c":
        parts = (
            _between(at, places, part(samples), [None if e is None else part(e) for e in ends])
            for part in (real, imag)
        )
        return complex_(*parts)
    (start, before), (stop, behind) = ((take(places, i), take(samples, i)) for i in (0, -1))
    left, right = (mine if end is None else end
                   for end, mine in zip(ends, (before, behind), strict=True))  # fmt: skip
    inside = before if places.shape[0] == 1 else _on_lines(at, places, samples)
    return where(less(at, start), left, where(greater(at, stop), right, inside))


def _on_lines(at: Tensor, places: Tensor, samples: Tensor) -> Tensor:
    """Return values on the lines, which are continued beyond both ends."""
    count = _last_index(places)
    found: Tensor = call_function("searchsorted", places, at, side="right")
    near = maximum(found - 1, 0)  # the last sample that isn't beyond
    line = minimum(near, count - 1)
    slope = take(diff(samples) / diff(places), line)
    place, sample = take(places, near), take(samples, near)
    value = slope * (at - place) + sample
    rescued = _rescued(at, (slope, line, place, sample), places, samples)
    return where(isnan(value) & ~isnan(at), rescued, value)


def _last_index(places: Tensor) -> Tensor | int:
    length = places.shape[0]
    if isinstance(length, int):
        return length - 1
    return places.builder.size_of((length - 1,), np.int64)


def _rescued(
    at: Tensor, found: tuple[Tensor, Tensor, Tensor, Tensor], places: Tensor, samples: Tensor
) -> Tensor:
    """Return what is known where infinite samples make NaN: the sample itself, or from behind."""
    slope, line, place, sample = found
    start, stop = take(samples, line), take(samples, line + 1)
    value = slope * (at - take(places, line + 1)) + stop
    value = where(isnan(value) & equal(start, stop), start, value)
    return where(equal(at, place), sample, value)
