"""Distributions that are a function of an exponential or a normal draw and of their parameters.

All is computed in 64 bits and cast at the end, and can be differentiated by every parameter.

    lognormal   exp(σ x), x normal              pareto   exp(e / b), e exponential
    rayleigh    σ √(2 e)                        weibull  σ e^(1/c)
    triangular  the quantile of a uniform draw  geometric  1 + ⌊-e / log(1 - p)⌋
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.casting import astype
from dataflow.ops.comparison import less
from dataflow.ops.draws import RAND, RANDN
from dataflow.ops.elementary import exp, log, log1p
from dataflow.ops.powers import sqrt
from dataflow.ops.random.domains import (
    check_between,
    check_not_negative,
    check_order,
    check_positive,
)
from dataflow.ops.random.keys import draw
from dataflow.ops.random.parameters import (
    float_dtype,
    integer_dtype,
    open_units,
    parameter,
    shape_of,
)
from dataflow.ops.rounding import floor
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["geometric", "lognormal", "pareto", "rayleigh", "triangular", "weibull_min"]

_WIDE = np.dtype(np.float64)


def _exponential(key: Tensor, name: str, shape: ShapeLike, *parameters: TensorLike) -> Tensor:
    """Return exponential draws in float64, above 0."""
    return -log1p(-open_units(key, shape_of(name, key, shape, *parameters)))


@public(family="random")
def lognormal(
    key: Tensor, sigma: TensorLike = 1.0, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return draws whose logarithm is normal with mean 0.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    sigma : number or tensor
        The standard deviation of the logarithm, which broadcasts to the result; it can be
        differentiated by.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of the parameters.
    dtype : dtype
        float16, float32 or float64.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, the parameters don't broadcast to it, or numbers, arrays
        or constants among them are out of their range.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.lognormal(key, 0.5, (1001,)))
    >>> round(float(np.median(drawn)), 1)
    1.0
    """
    check_not_negative("lognormal", sigma=sigma)
    kind, lengths = float_dtype("lognormal", dtype), shape_of("lognormal", key, shape, sigma)
    drawn = draw(RANDN, key, lengths, "float64")
    return astype(exp(drawn * parameter(sigma, key, _WIDE)), kind)


@public(family="random")
def pareto(
    key: Tensor, b: TensorLike, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return Pareto draws, 1 or more, whose tail falls as ``x ** -b``; see `lognormal`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> bool(df.evaluate(df.random.pareto(key, 3.0, (1000,))).min() >= 1)
    True
    """
    check_positive("pareto", b=b)
    drawn = _exponential(key, "pareto", shape, b)
    return astype(exp(drawn / parameter(b, key, _WIDE)), float_dtype("pareto", dtype))


@public(family="random")
def rayleigh(
    key: Tensor, scale: TensorLike = 1.0, shape: ShapeLike = None, dtype: object = "float32"
) -> Tensor:
    """Return Rayleigh draws, the lengths of pairs of normal numbers; see `lognormal`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float((df.evaluate(df.random.rayleigh(key, 1.0, (10000,))) ** 2).mean()))
    2
    """
    check_not_negative("rayleigh", scale=scale)
    drawn = sqrt(_exponential(key, "rayleigh", shape, scale) * 2.0)
    return astype(drawn * parameter(scale, key, _WIDE), float_dtype("rayleigh", dtype))


@public(family="random")
def weibull_min(
    key: Tensor, scale: TensorLike, concentration: TensorLike, shape: ShapeLike = None,
    dtype: object = "float32",
) -> Tensor:  # fmt: skip
    """Return Weibull draws, ``scale`` times a power of an exponential one; see `lognormal`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.weibull_min(key, 3.0, 1.0, (10000,))).mean()))
    3
    """
    check_positive("weibull_min", concentration=concentration)
    check_not_negative("weibull_min", scale=scale)
    drawn = log(_exponential(key, "weibull_min", shape, scale, concentration))
    power = exp(drawn / parameter(concentration, key, _WIDE))
    return astype(power * parameter(scale, key, _WIDE), float_dtype("weibull_min", dtype))


@public(family="random")
def triangular(
    key: Tensor, left: TensorLike, mode: TensorLike, right: TensorLike, shape: ShapeLike = None,
    dtype: object = "float32",
) -> Tensor:  # fmt: skip
    """Return draws whose density rises from `left` to `mode`, and falls to `right`.

    See `lognormal`; it is needed that ``left <= mode <= right``.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.triangular(key, 0.0, 1.0, 5.0, (10000,))).mean()))
    2
    """
    kind = float_dtype("triangular", dtype)
    for below, above in ((left, mode), (mode, right)):
        check_order("triangular", below, above, "left, mode and right must be in this order, not")
    u = open_units(key, shape_of("triangular", key, shape, left, mode, right))
    low, top, high = (parameter(value, key, _WIDE) for value in (left, mode, right))
    rising, falling, width = top - low, high - top, high - low
    is_rising = less(u * width, rising)
    up = low + sqrt(where(is_rising, u * width * rising, 0.0))
    down = high - sqrt(where(is_rising, 0.0, (1.0 - u) * width * falling))
    return astype(where(is_rising, up, down), kind)


@public(family="random")
def geometric(
    key: Tensor, p: TensorLike, shape: ShapeLike = None, dtype: object = "int64"
) -> Tensor:
    """Return after how many trials, each with probability `p`, the first succeeds: 1 or more.

    Parameters
    ----------
    key, shape
        As `lognormal` has them.
    p : number or tensor
        The probability, above 0. There is no derivative by it: a draw jumps.
    dtype : dtype
        An integer's.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.geometric(key, 0.25, (10000,))).mean()))
    4
    """
    check_positive("geometric", p=p)
    check_between("geometric", 0, 1, p=p)
    kind, lengths = integer_dtype("geometric", dtype), shape_of("geometric", key, shape, p)
    drawn = log1p(-draw(RAND, key, lengths, "float64"))
    return astype(floor(drawn / log1p(-parameter(p, key, _WIDE))) + 1.0, kind)
