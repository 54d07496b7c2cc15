"""Box's and Cox's power transforms, and the quotients of exp and log that they are made of.

    boxcox(x, λ) = (x^λ - 1) / λ = log(x) exprel(λ log(x))          exprel(u) = expm1(u) / u
    inv_boxcox(y, λ) = (λ y + 1)^(1/λ) = exp(y log1prel(λ y))     log1prel(u) = log1p(u) / u

So written they are as smooth at λ = 0 as anywhere, where they are log and exp.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.ops.arithmetic import sign
from dataflow.ops.comparison import equal, less
from dataflow.ops.elementary import exp, expm1, log, log1p
from dataflow.ops.error_function import ERF
from dataflow.ops.finiteness import isinf, isnan
from dataflow.ops.selection import where
from dataflow.ops.special.promotion import as_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["boxcox", "boxcox1p", "exprel", "inv_boxcox", "inv_boxcox1p"]

_NEAR = 0.125
"""Up to here the quotients are power series, whose derivatives don't cancel."""

_EXPREL = [1 / math.factorial(k + 1) for k in range(14)]
_LOG1PREL = [(-1) ** k / (k + 1) for k in range(20)]


def power_series(u: Tensor, coefficients: Sequence[Tensor | float]) -> Tensor:
    """Return the sum of coefficients, the constant one first, times powers, by Horner's scheme."""
    total = u * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = total * u + coefficient
    return total


@public(family="special")
def exprel(x: TensorLike) -> Tensor:
    """Return ``expm1(x) / x``, element by element: 1 at 0.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.exprel(x)).round(4)
    array([1.    , 1.7183], dtype=float32)
    """
    (u,) = as_floats(ERF, x)
    is_near = less(call_function("abs", u), _NEAR)
    is_end = equal(u, math.inf)
    safe = where(is_near | is_end, 1, u)
    small = power_series(where(is_near, u, 0), _EXPREL)
    return where(is_near, small, where(is_end, math.inf, expm1(safe) / safe))


def log1p_quotient(u: Tensor) -> Tensor:
    """Return ``log1p(u) / u``, of floats: 1 at 0."""
    is_near = less(call_function("abs", u), _NEAR)
    is_end = equal(u, math.inf)
    safe = where(is_near | is_end, 1, u)
    small = power_series(where(is_near, u, 0), _LOG1PREL)
    return where(is_near, small, where(is_end, 0, log1p(safe) / safe))


def _transformed(logs: Tensor, power: Tensor) -> Tensor:
    """Return (exp(power * logs) - 1) / power; where the logarithm is infinite, its limit."""
    at_end = isinf(logs)
    inside = where(at_end, 0, logs)
    vanishes = at_end & less(where(at_end, logs * sign(power), 0), 0)
    infinite = where(isnan(power), power, where(less(logs, 0), -math.inf, math.inf))
    limit = where(vanishes, -1 / where(vanishes, power, 1), infinite)
    return where(at_end, limit, inside * exprel(power * inside))


@public(family="special")
def boxcox(x: TensorLike, lmbda: TensorLike) -> Tensor:
    """Return ``(x ** lmbda - 1) / lmbda``, and ``log(x)`` where `lmbda` is 0, element by element.

    Parameters
    ----------
    x : tensor or array_like
        Numbers of 0 and more.
    lmbda : tensor or array_like
        The power, of a shape that broadcasts with it. There are derivatives by it at 0 too.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 4.0])
    >>> df.evaluate(df.special.boxcox(x, 0.5)).round(4)
    array([0.    , 0.8284, 2.    ], dtype=float32)
    """
    x, power = as_floats(ERF, x, lmbda)
    return _transformed(log(x), power)


@public(family="special")
def boxcox1p(x: TensorLike, lmbda: TensorLike) -> Tensor:
    """Return ``boxcox(1 + x, lmbda)``, with its digits where `x` is small; see `boxcox`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0, 3.0])
    >>> df.evaluate(df.special.boxcox1p(x, 0.5)).round(4)
    array([0.    , 0.8284, 2.    ], dtype=float32)
    """
    x, power = as_floats(ERF, x, lmbda)
    return _transformed(log1p(x), power)


@public(family="special")
def inv_boxcox(y: TensorLike, lmbda: TensorLike) -> Tensor:
    """Return the `x` whose `boxcox` is `y`, element by element; see `boxcox`.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.0, 1.0, 2.0])
    >>> df.evaluate(df.special.inv_boxcox(y, 0.5)).round(4)
    array([1.  , 2.25, 4.  ], dtype=float32)
    """
    y, power = as_floats(ERF, y, lmbda)
    return exp(y * log1p_quotient(power * y))


@public(family="special")
def inv_boxcox1p(y: TensorLike, lmbda: TensorLike) -> Tensor:
    """Return the `x` whose `boxcox1p` is `y`, element by element; see `boxcox`.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([0.0, 1.0, 2.0])
    >>> df.evaluate(df.special.inv_boxcox1p(y, 0.5)).round(4)
    array([0.  , 1.25, 3.  ], dtype=float32)
    """
    y, power = as_floats(ERF, y, lmbda)
    return expm1(y * log1p_quotient(power * y))
