"""Distributions whose quantiles are a few elementary functions: one uniform draw each.

u is uniform in (0, 1), a multiple of 2⁻⁵³ (or 2⁻⁵⁴ in the place of 0), in 64 bits whatever dtype
is asked for, so that the tails reach as far as they do in float64.

    exponential   -log(1 - u)
    gumbel        -log(-log(1 - u))
    laplace       -sign(u - ½) log(1 - 2 |u - ½|)
    logistic      log(u) - log(1 - u)
    cauchy        tan(π (u - ½))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.arithmetic import absolute, sign
from dataflow.ops.casting import astype
from dataflow.ops.draws import RAND
from dataflow.ops.elementary import log, log1p
from dataflow.ops.random.domains import check_not_negative
from dataflow.ops.random.keys import draw
from dataflow.ops.random.parameters import float_dtype, open_units, shape_of, shifted
from dataflow.ops.trigonometry import tan

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cauchy", "exponential", "gumbel", "laplace", "logistic"]


def _moved(
    name: str, standard: Callable[[Tensor], Tensor], key: Tensor, shape: ShapeLike, dtype: object,
    loc: TensorLike, scale: TensorLike,
) -> Tensor:  # fmt: skip
    """Return ``loc + scale * standard(u)`` for uniform draws u in (0, 1)."""
    kind = float_dtype(name, dtype)
    check_not_negative(name, scale=scale)
    drawn = standard(open_units(key, shape_of(name, key, shape, loc, scale)))
    return shifted(astype(drawn, kind), key, loc, scale)


@public(family="random")
def exponential(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32", scale: TensorLike = 1.0
) -> Tensor:
    """Return exponential draws.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of `scale`.
    dtype : dtype
        float16, float32 or float64.
    scale : number or tensor
        The mean, one over the rate, which broadcasts to the result; it can be differentiated by.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`: 0 or more.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, the scale doesn't broadcast to it, or a number, an array
        or a constant of scales has one below 0. A tensor's turns the draw's sign around.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.exponential(key, (10000,), scale=2.0)).mean()), 1)
    2.0
    """
    kind = float_dtype("exponential", dtype)
    check_not_negative("exponential", scale=scale)
    units = draw(RAND, key, shape_of("exponential", key, shape, scale), "float64")
    return shifted(astype(-log1p(-units), kind), key, 0.0, scale)


@public(family="random")
def gumbel(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return Gumbel draws, as the largest of many independent numbers has them.

    Parameters
    ----------
    key, shape, dtype
        As `exponential` has them.
    loc, scale : number or tensor
        The mode and the scale, which broadcast to the result; it can be differentiated by them.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> round(float(df.evaluate(df.random.gumbel(key, (10000,))).mean()), 1)  # Euler's constant
    0.6
    """
    return _moved("gumbel", _gumbel, key, shape, dtype, loc, scale)


def _gumbel(units: Tensor) -> Tensor:
    return -log(-log1p(-units))


@public(family="random")
def laplace(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return Laplace draws, exponential on both sides of `loc`; see `gumbel`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> bool(abs(df.evaluate(df.random.laplace(key, (10000,), loc=1.0)).mean() - 1) < 0.05)
    True
    """
    return _moved("laplace", _laplace, key, shape, dtype, loc, scale)


def _laplace(units: Tensor) -> Tensor:
    side = units - 0.5
    return -sign(side) * log1p(-2 * absolute(side))


@public(family="random")
def logistic(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return logistic draws, whose distribution function is a sigmoid; see `gumbel`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> bool(abs(df.evaluate(df.random.logistic(key, (10000,), loc=1.0)).mean() - 1) < 0.05)
    True
    """
    return _moved("logistic", _logistic, key, shape, dtype, loc, scale)


def _logistic(units: Tensor) -> Tensor:
    return log(units) - log1p(-units)


@public(family="random")
def cauchy(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return Cauchy draws, which have no mean; see `gumbel`.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.cauchy(key, (10000,), loc=1.0))
    >>> round(float((drawn < 1).mean()), 1)
    0.5
    """
    return _moved("cauchy", _cauchy, key, shape, dtype, loc, scale)


def _cauchy(units: Tensor) -> Tensor:
    return tan((units - 0.5) * math.pi)
