"""Medians and quantiles: what stands at a place in the order of values along axes.

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
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops import reductions
from dataflow.ops.along import take_along_axis
from dataflow.ops.axes import transpose
from dataflow.ops.finiteness import isfinite, isnan
from dataflow.ops.gathering import take
from dataflow.ops.rounding import ceil, floor, rint
from dataflow.ops.selection import clip, maximum, minimum, where
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.sorting import sort
from dataflow.shapes import move_axis, normal_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile",
]  # fmt: skip

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


# Values at places


def _lines(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return floats with the axes as one, the last."""
    floats = x.astype(np.float64) if x.dtype.kind in "biu" else x
    kept = [i for i in range(x.ndim) if i not in axes]
    return reshape(
        transpose(floats, (*kept, *axes)),
        (*(x.shape[i] for i in kept), product(x.shape[i] for i in axes)),
    )


def _at(ordered: Tensor, places: Tensor, count: Tensor) -> Tensor:
    """Return the values at places between 0 and `count` - 1, interpolated between two.

    `places` and `count` are float64 and have the ordered values' axes, the last of its own length.
    """
    top = maximum(count - 1, 0.0)
    inside = clip(places, 0.0, top)
    below = floor(inside)
    a, b = (_exactly_at(ordered, i) for i in (below, minimum(below + 1, top)))
    return _between(a, b, (inside - below).astype(ordered.dtype))


def _exactly_at(ordered: Tensor, places: Tensor) -> Tensor:
    """Return the values at whole places, which are the same for all lines or each line's own."""
    last, indices = ordered.ndim - 1, places.astype(np.int64)
    if all(dim == 1 for dim in indices.shape[:-1]):
        return take(ordered, reshape(indices, indices.shape[-1:]), last)
    return take_along_axis(ordered, indices, last)


def _between(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return ``a + (b - a) t``, rounded as NumPy rounds it; of infinities too."""
    step = b - a
    usual = where(t < 0.5, a + step * t, b - step * (1 - t))
    return where(isfinite(step), usual, where(t == 0, a, a * (1 - t) + b * t))


def _quantiles(
    x: Tensor, q: Tensor, axis: Axes, method: str, *, keepdims: bool, skips_nan: bool
) -> Tensor:
    _check(x, method)
    axes = normal_axes(axis, x.ndim)
    lines = _lines(x, axes)
    if lines.shape[-1] == 0:
        if skips_nan:
            empty = broadcast_to(_nan(lines), (product(q.shape), *lines.shape[:-1]))
            return _shaped(empty, q.shape, x, axes, keepdims=keepdims)
        msg = f"a quantile of no values ({user_line()}) doesn't exist"
        raise ShapeError(msg)
    ordered, count = _ordered(lines, skips_nan=skips_nan)
    row = reshape(q.astype(np.float64), (*[1] * (lines.ndim - 1), product(q.shape)))
    found = _at(ordered, METHODS[method](count, row), count)
    found = where(_is_unknown(ordered, count, skips_nan=skips_nan), _nan(found), found)
    return _shaped(move_axis(found, found.ndim - 1, 0), q.shape, x, axes, keepdims=keepdims)


def _ordered(lines: Tensor, *, skips_nan: bool) -> tuple[Tensor, Tensor]:
    """Return the values in order, and how many of them count."""
    ordered = sort(lines)
    if not skips_nan:
        size = lines.builder.size_of(lines.shape[-1:], np.float64)
        return ordered, reshape(size, (1,) * lines.ndim)
    return ordered, reductions.sum(~isnan(lines), -1, keepdims=True).astype(np.float64)


def _is_unknown(ordered: Tensor, count: Tensor, *, skips_nan: bool) -> Tensor:
    """Say of each line whether its quantiles are NaN: it has one, or nothing else."""
    if skips_nan:
        return count == 0
    length = ordered.shape[-1]
    return isnan(slice_axis(ordered, ordered.ndim - 1, length - 1, length))


def _nan(like: Tensor) -> Tensor:
    return like.builder.constant(np.nan, dtype=like.dtype)


def _shaped(
    found: Tensor, first: Shape, x: Tensor, axes: tuple[int, ...], *, keepdims: bool
) -> Tensor:
    """Give quantiles the shape of q, and then that of `x` without the axes or with 1 for them."""
    rest = [1 if i in axes else dim for i, dim in enumerate(x.shape) if keepdims or i not in axes]
    return reshape(found, (*first, *rest))


def _check(x: Tensor, method: str) -> None:
    if x.dtype.kind == "c":
        msg = f"complex numbers ({user_line()}) have no quantiles: take df.real or df.abs"
        raise DTypeError(msg)
    if method not in METHODS:
        msg = f"method ({user_line()}) is one of {', '.join(METHODS)}, not {method!r}"
        raise ShapeError(msg)


def _fractions(q: TensorLike, x: Tensor, most: float) -> Tensor:
    """Return quantiles as a tensor of fractions, checked where they are known."""
    if not hasattr(q, "builder"):
        known = _known(q)
        if not ((known >= 0) & (known <= most)).all():
            msg = f"q ({user_line()}) is between 0 and {most:g}, not {q!r}"
            raise ShapeError(msg)
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


def _median(x: Tensor, axis: Axes, *, keepdims: bool, skips_nan: bool) -> Tensor:
    _check(x, "linear")
    axes = normal_axes(axis, x.ndim)
    lines = _lines(x, axes)
    if lines.shape[-1] == 0:
        empty = broadcast_to(_nan(lines), (*lines.shape[:-1], 1))
        return _shaped(empty, (), x, axes, keepdims=keepdims)
    ordered, count = _ordered(lines, skips_nan=skips_nan)
    middle = maximum(count - 1, 0.0) * 0.5
    a, b = (_exactly_at(ordered, round_to(middle)) for round_to in (floor, ceil))
    found = (a + b) * 0.5
    found = where(_is_unknown(ordered, count, skips_nan=skips_nan), _nan(found), found)
    return _shaped(found, (), x, axes, keepdims=keepdims)


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


@public(np.quantile)
def quantile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False
) -> Tensor:
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

    Returns
    -------
    Tensor
        The shape of `q`, then that of `x` without the axes. Of booleans and integers in float64.
        NaN where one is among the values.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, there are no values, a known `q` is out of range,
        or there is no such method.
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
    (array([1. , 2.5]), array(2.))
    """
    fractions = _fractions(q, x, 1)
    return _quantiles(x, fractions, axis, method, keepdims=keepdims, skips_nan=False)


@public(np.nanquantile)
def nanquantile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return quantiles of what isn't NaN, and NaN where nothing else is there; see `quantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 4.0])
    >>> df.evaluate(df.nanquantile(x, 0.5))
    array(2.5, dtype=float32)
    """
    fractions = _fractions(q, x, 1)
    return _quantiles(x, fractions, axis, method, keepdims=keepdims, skips_nan=True)


@public(np.percentile)
def percentile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return quantiles of `q` percent; see `quantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4, 1, 3, 2])
    >>> df.evaluate(df.percentile(x, 50))
    array(2.5)
    """
    fractions = _fractions(q, x, 100)
    return _quantiles(x, fractions, axis, method, keepdims=keepdims, skips_nan=False)


@public(np.nanpercentile)
def nanpercentile(
    x: Tensor, q: TensorLike, axis: Axes = None, *, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return percentiles of what isn't NaN; see `quantile` and `nanquantile`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("nan"), 4.0])
    >>> df.evaluate(df.nanpercentile(x, 100))
    array(4., dtype=float32)
    """
    fractions = _fractions(q, x, 100)
    return _quantiles(x, fractions, axis, method, keepdims=keepdims, skips_nan=True)
