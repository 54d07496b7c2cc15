"""Quantiles: what stands at a place in the order of values along axes.

A quantile q of n values in order is at place q (n - 1), or at another after one of the methods of
R. Hyndman and Y. Fan ("Sample Quantiles in Statistical Packages", 1996). Between two places it is
interpolated. Places are nodes like any other: the number of values may be named, it may differ
from line to line (where NaN is left out), and q may be a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.axes import transpose
from dataflow.ops.bins import searchsorted
from dataflow.ops.cumulative import cumsum
from dataflow.ops.finiteness import isfinite, isnan
from dataflow.ops.lines_in_order import (
    check_order,
    counted,
    exactly_at,
    known_of,
    lines_of,
    nan_like,
    without_axes,
)
from dataflow.ops.rounding import ceil, floor, rint
from dataflow.ops.selection import clip, maximum, minimum, where
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.sorting import argsort, sort
from dataflow.shapes import move_axis, normal_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["nanpercentile", "nanquantile", "percentile", "quantile"]

Axes: TypeAlias = "int | Sequence[int] | None"


# Places in the order, after Hyndman and Fan


def _continuous(alpha: float, beta: float) -> Callable[[Tensor, Tensor], Tensor]:
    def place(n: Tensor, q: Tensor) -> Tensor:
        return n * q + (alpha + q * (1 - alpha - beta)) - 1

    return place


def _closest(n: Tensor, q: Tensor) -> Tensor:
    """Return the nearest place, of two the odd one, which is even when counted from 1."""
    at = n * q - 1.5
    below = floor(at)
    is_odd_tie = (at == below) & (below % 2 == 1)
    return where(is_odd_tie, below, below + 1)


def _averaged(n: Tensor, q: Tensor) -> Tensor:
    at = n * q - 1
    return where(at == floor(at), at + 0.5, ceil(at))


def _midpoint(n: Tensor, q: Tensor) -> Tensor:
    at = (n - 1) * q
    return (floor(at) + ceil(at)) * 0.5


METHODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "inverted_cdf": lambda n, q: ceil(n * q - 1),
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _continuous(0, 1),
    "hazen": _continuous(0.5, 0.5),
    "weibull": _continuous(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _continuous(1 / 3, 1 / 3),
    "normal_unbiased": _continuous(3 / 8, 3 / 8),
    "lower": lambda n, q: floor((n - 1) * q),
    "higher": lambda n, q: ceil((n - 1) * q),
    "midpoint": _midpoint,
    "nearest": lambda n, q: rint((n - 1) * q),
}
"""For each method, the place of quantile q among n values, counted from 0."""

WHOLE_PLACES = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")
"""The methods whose quantiles are values themselves, in their dtype."""


# Values at places


def _at(ordered: Tensor, places: Tensor, count: Tensor, method: str) -> Tensor:
    """Return the values at places between 0 and `count` - 1, interpolated between two.

    `places` and `count` are float64 and have the ordered values' axes, the last of its own length.
    """
    top = maximum(count - 1, 0.0)
    inside = clip(places, 0.0, top)
    if method in WHOLE_PLACES:
        return exactly_at(ordered, inside)
    below = floor(inside)
    a, b = (exactly_at(ordered, i) for i in (below, minimum(below + 1, top)))
    return _between(a, b, (inside - below).astype(ordered.dtype))


def _between(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return ``a + (b - a) t``, rounded as NumPy rounds it; of infinities too."""
    step = b - a
    usual = where(t < 0.5, a + step * t, b - step * (1 - t))
    return where(isfinite(step), usual, where(t == 0, a, a * (1 - t) + b * t))


def _quantiles(
    x: Tensor, q: Tensor, axis: Axes, method: str, weights: TensorLike | None,
    *, keepdims: bool, skips_nan: bool,
) -> Tensor:  # fmt: skip
    _check(x, method)
    axes = normal_axes(axis, x.ndim)
    is_cast = x.dtype.kind in "biu" and method not in WHOLE_PLACES
    lines = lines_of(x.astype(np.float64) if is_cast else x, axes)
    if lines.shape[-1] == 0:
        if not skips_nan or lines.dtype.kind in "biu":
            msg = f"a quantile of no values ({user_line()}) doesn't exist"
            raise ShapeError(msg)
        empty = broadcast_to(nan_like(lines), (product(q.shape), *lines.shape[:-1]))
        return without_axes(empty, q.shape, x, axes, keepdims=keepdims)
    count = counted(lines, skips_nan=skips_nan)
    row = reshape(q.astype(np.float64), (*[1] * (lines.ndim - 1), product(q.shape)))
    if weights is None:
        ordered = sort(lines)
        found = _at(ordered, METHODS[method](count, row), count, method)
    else:
        loads = lines_of(_checked_weights(weights, x, axis, method), axes)
        ordered, found = _weighted(lines, loads, row)
    found = known_of(found, ordered, count, skips_nan=skips_nan)
    found = move_axis(found, found.ndim - 1, 0)
    return without_axes(found, q.shape, x, axes, keepdims=keepdims)


def _weighted(lines: Tensor, weights: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values in order, and the first ones up to which there is a share of weight.

    What is NaN weighs nothing. A quantile 0 is the first value that weighs something, as NumPy's.
    """
    weights = weights if lines.dtype.kind in "biu" else where(isnan(lines), 0.0, weights)
    order = argsort(lines, stable=True)
    ordered, last = take_along_axis(lines, order), lines.ndim - 1
    heaped = cumsum(take_along_axis(weights, order), last)
    length = lines.shape[-1]
    shares = heaped / slice_axis(heaped, last, length - 1, length)
    shares = where(shares == 0, -1.0, shares)
    places = searchsorted(shares, broadcast_to(row, (*lines.shape[:-1], row.shape[-1])))
    top = lines.builder.size_of((length,), np.int64) - 1
    return ordered, take_along_axis(ordered, minimum(places, top))


def _checked_weights(weights: TensorLike, x: Tensor, axis: Axes, method: str) -> Tensor:
    """Return weights as float64 of the shape of `x`, checked where they are known."""
    if method != "inverted_cdf":
        msg = f"weights ({user_line()}) go with method='inverted_cdf' only, not {method!r}"
        raise ArgumentError(msg)
    if not hasattr(weights, "builder"):
        known = np.asarray(weights)
        if known.dtype.kind not in "biuf" or not (np.isfinite(known) & (known >= 0)).all():
            msg = f"weights ({user_line()}) are finite numbers from 0 on, not {weights!r}"
            raise ArgumentError(msg)
    loads = as_tensor(weights, x).astype(np.float64)
    if loads.shape == x.shape:
        return loads
    items = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    named = [normal_axes(item, x.ndim)[0] for item in items]
    if axis is None or loads.shape != tuple(x.shape[i] for i in named):
        msg = (f"weights ({user_line()}) have the shape of the values, {x.shape}, or that of the "
               f"axes that are named, not {loads.shape}")  # fmt: skip
        raise ShapeError(msg)
    in_order = transpose(loads, tuple(sorted(range(len(named)), key=named.__getitem__)))
    row = [dim if i in named else 1 for i, dim in enumerate(x.shape)]
    return broadcast_to(reshape(in_order, row), x.shape)


def _check(x: Tensor, method: str) -> None:
    check_order(x)
    if method not in METHODS:
        msg = f"method ({user_line()}) is one of {', '.join(METHODS)}, not {method!r}"
        raise ArgumentError(msg)


def _fractions(q: TensorLike, x: Tensor, most: float) -> Tensor:
    """Return quantiles as a tensor of fractions, checked where they are known."""
    if not hasattr(q, "builder"):
        known = _known(q)
        if not ((known >= 0) & (known <= most)).all():
            msg = f"q ({user_line()}) is between 0 and {most:g}, not {q!r}"
            raise ArgumentError(msg)
        return x.builder.constant(known / most)
    tensor = as_tensor(q, x).astype(np.float64)
    return tensor / most if most != 1 else tensor


def _known(q: TensorLike) -> np.ndarray:
    try:
        return np.asarray(q).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError):
        msg = f"q ({user_line()}) is a real number or several, not {q!r}"
        raise DTypeError(msg) from None


# The public functions


@public(np.quantile)
def quantile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False,
    weights: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the values below which the fractions `q` of the values over axes are.

    Parameters
    ----------
    x : Tensor
        Booleans, integers or real floats.
    q : tensor or array_like
        Fractions from 0 to 1, of any shape. A tensor's are cut to that.
    axis : int or sequence of int, optional
        The axes; by default all.
    method : str
        What lies between two values: ``linear``, ``lower``, ``higher``, ``midpoint``, ``nearest``,
        or one of Hyndman and Fan's as NumPy names them: ``inverted_cdf``,
        ``averaged_inverted_cdf``, ``closest_observation``, ``interpolated_inverted_cdf``,
        ``hazen``, ``weibull``, ``median_unbiased``, ``normal_unbiased``.
    keepdims : bool
        Whether the axes stay, with length 1.
    weights : tensor or array_like, optional
        How much each value counts, for the method ``inverted_cdf``: finite numbers from 0 on, not
        all of them 0. Of the shape of `x`, or of the axes that are named.

    Returns
    -------
    Tensor
        The shape of `q`, then that of `x` without the axes. By the methods ``lower``, ``higher``,
        ``nearest``, ``inverted_cdf`` and ``closest_observation`` it has the dtype of `x`; by the
        others quantiles of booleans and integers are float64. NaN where one is among the values.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, there are no values, a known `q` is out of range,
        there is no such method, or the weights don't fit.
    DTypeError
        The tensor is complex, or a known `q` isn't real.

    Notes
    -----
    The gradient goes to the one or two values that a quantile is made of; see `sort` for ties. If
    `q` is a tensor it has one too, the slope between them.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4, 1, 3, 2])
    >>> df.evaluate(df.quantile(x, [0.0, 0.5]), df.quantile(x, 0.5, method="lower"))
    (array([1. , 2.5]), array(2))
    """
    fractions = _fractions(q, x, 1)
    return _quantiles(x, fractions, axis, method, weights, keepdims=keepdims, skips_nan=False)


@public(np.nanquantile)
def nanquantile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False,
    weights: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return quantiles of what isn't NaN, and NaN where nothing else is there; see `quantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 4.0])
    >>> df.evaluate(df.nanquantile(x, 0.5))
    array(2.5, dtype=float32)
    """
    fractions = _fractions(q, x, 1)
    return _quantiles(x, fractions, axis, method, weights, keepdims=keepdims, skips_nan=True)


@public(np.percentile)
def percentile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False,
    weights: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return quantiles of `q` percent; see `quantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4, 1, 3, 2])
    >>> df.evaluate(df.percentile(x, 50))
    array(2.5)
    """
    fractions = _fractions(q, x, 100)
    return _quantiles(x, fractions, axis, method, weights, keepdims=keepdims, skips_nan=False)


@public(np.nanpercentile)
def nanpercentile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False,
    weights: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return percentiles of what isn't NaN; see `quantile` and `nanquantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 4.0])
    >>> df.evaluate(df.nanpercentile(x, 100))
    array(4., dtype=float32)
    """
    fractions = _fractions(q, x, 100)
    return _quantiles(x, fractions, axis, method, weights, keepdims=keepdims, skips_nan=True)
