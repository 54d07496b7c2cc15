"""The gamma function and its kin. They need SciPy.

Derivatives: Γ' = Γψ, (log|Γ|)' = ψ, ψ' = ζ(2, ·), ∂ζ(s, q)/∂q = -s ζ(s + 1, q); those of the
incomplete functions by their upper limit are their integrands, by their shapes they are refused.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.elementary import exp
from dataflow.ops.special.entropies import xlog1py, xlogy
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, refused, scipy_op
from dataflow.sampling import joined, ranges, values
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.op import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "beta", "betainc", "betaln", "digamma", "gamma", "gammainc", "gammaincc", "gammaln",
    "multigammaln", "polygamma", "psi", "zeta",
]  # fmt: skip


# gamma, gammaln, psi, zeta


def _times_psi(application: Application, change: Tensor) -> Tensor:
    return change * (application.outputs[0] * psi(application.inputs[0]))


def _psi_map(application: Application, change: Tensor) -> Tensor:
    return change * psi(application.inputs[0])


def _trigamma(application: Application, change: Tensor) -> Tensor:
    return change * polygamma(1, application.inputs[0])


def _next_zeta(application: Application, change: Tensor) -> Tensor:
    s, q = application.inputs
    return change * (zeta(s + 1, q) * -s)


_POSITIVE = values(0.5, 6, dtypes=SCIPY_FLOATS)
_REAL = joined(_POSITIVE, values(-2.8, -2.2, dtypes=SCIPY_FLOATS))

GAMMA = scipy_op("gamma", "Gamma", (_times_psi,), samples=_REAL)
GAMMALN = scipy_op("gammaln", "Gammaln", (_psi_map,), samples=_REAL)
PSI = scipy_op("psi", "Psi", (_trigamma,), samples=_REAL)
ZETA = scipy_op(
    "zeta", "Zeta", (refused("zeta has no formula for its derivative by x"), _next_zeta),
    samples=ranges(((1.5, 5), (0.5, 4)), dtypes=SCIPY_FLOATS),
)  # fmt: skip


@public(family="special")
def gamma(z: TensorLike) -> Tensor:
    """Return the gamma function, ``(z - 1)!``, element by element.

    Parameters
    ----------
    z : tensor
        Floats of any shape; integers become floats, and those of 16 bits float32.

    Notes
    -----
    Compiling needs the extra ``scipy``, as for all functions of this module.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([5.0, 0.5])
    >>> df.evaluate(df.special.gamma(z)).round(4)
    array([24.    ,  1.7725], dtype=float32)
    """
    return call_scipy(GAMMA, z)


@public(family="special")
def gammaln(x: TensorLike) -> Tensor:
    """Return the logarithm of the size of the gamma function, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([5.0, 100.0])
    >>> df.evaluate(df.special.gammaln(x)).round(2)
    array([  3.18, 359.13], dtype=float32)
    """
    return call_scipy(GAMMALN, x)


@public(family="special")
def psi(z: TensorLike) -> Tensor:
    """Return the digamma function, the derivative of `gammaln`, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.psi(z)).round(4)
    array([-0.5772,  0.4228], dtype=float32)
    """
    return call_scipy(PSI, z)


@public(family="special")
def digamma(z: TensorLike) -> Tensor:
    """Return `psi`, under its other name in SciPy and its name in PyTorch.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.digamma(z)).round(4)
    array([-0.5772,  0.4228], dtype=float32)
    """
    return psi(z)


@public(family="special")
def zeta(x: TensorLike, q: TensorLike = 1.0) -> Tensor:
    """Return Hurwitz's zeta function, the sum of ``(k + q) ** -x`` for all ``k >= 0``.

    Parameters
    ----------
    x : tensor or array_like
        Above 1. There is no derivative by it: asking raises `GradientError`.
    q : tensor or array_like
        1 for Riemann's zeta function.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, 4.0])
    >>> df.evaluate(df.special.zeta(x)).round(4)
    array([1.6449, 1.0823], dtype=float32)
    """
    return call_scipy(ZETA, x, q)


@public(family="special")
def polygamma(n: int, x: TensorLike) -> Tensor:
    """Return the derivative number `n` of `psi`, element by element: ``(-1)ⁿ⁺¹ n! ζ(n + 1, x)``.

    Parameters
    ----------
    n : int
        0 or more.
    x : tensor
        Above 0.

    Raises
    ------
    ShapeError
        `n` is no int, or negative.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.polygamma(1, x)).round(4)
    array([1.6449, 0.6449], dtype=float32)
    """
    if type(n) is not int or n < 0:
        msg = f"polygamma ({user_line()}) takes an int n of 0 or more, not {n!r}"
        raise ShapeError(msg)
    if n == 0:
        return psi(x)
    return zeta(float(n + 1), x) * math.copysign(math.factorial(n), n % 2 - 0.5)


_MOST_DIMENSIONS = 10_000  # each is a node of its own


@public(family="special")
def multigammaln(a: TensorLike, d: int) -> Tensor:
    """Return the logarithm of the multivariate gamma function of dimension `d`.

    Parameters
    ----------
    a : tensor
        Above ``(d - 1) / 2``.
    d : int
        1 or more.

    Raises
    ------
    ShapeError
        `d` is no int, below 1, or in the ten thousands.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([3.0])
    >>> df.evaluate(df.special.multigammaln(a, 2)).round(4)
    array([1.5502], dtype=float32)
    """
    if type(d) is not int or not 1 <= d <= _MOST_DIMENSIONS:
        msg = f"multigammaln ({user_line()}) takes an int d from 1 to {_MOST_DIMENSIONS}, not {d!r}"
        raise ShapeError(msg)
    (floats,) = as_scipy_floats(GAMMALN, a)
    total = gammaln(floats) + d * (d - 1) / 4 * math.log(math.pi)
    for j in range(1, d):
        total = total + gammaln(floats - j / 2)
    return total


# beta


def _beta_map(application: Application, change: Tensor, slot: int) -> Tensor:
    a, b = application.inputs
    return change * (application.outputs[0] * _betaln_slope(a, b, slot))


def _betaln_map(application: Application, change: Tensor, slot: int) -> Tensor:
    a, b = application.inputs
    return change * _betaln_slope(a, b, slot)


def _betaln_slope(a: Tensor, b: Tensor, slot: int) -> Tensor:
    return psi((a, b)[slot]) - psi(a + b)


_BOTH = ranges(((0.5, 4), (0.5, 4)), dtypes=SCIPY_FLOATS)

BETA = scipy_op(
    "beta", "Beta", (partial(_beta_map, slot=0), partial(_beta_map, slot=1)), samples=_BOTH
)
BETALN = scipy_op(
    "betaln", "Betaln", (partial(_betaln_map, slot=0), partial(_betaln_map, slot=1)), samples=_BOTH
)


@public(family="special")
def beta(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the beta function, ``Γ(a) Γ(b) / Γ(a + b)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.beta(a, 3.0)).round(4)
    array([0.3333, 0.0833], dtype=float32)
    """
    return call_scipy(BETA, a, b)


@public(family="special")
def betaln(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the logarithm of the size of the beta function, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.betaln(a, 3.0)).round(4)
    array([-1.0986, -2.4849], dtype=float32)
    """
    return call_scipy(BETALN, a, b)


# The incomplete functions


def _gamma_density(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs
    return change * exp(xlogy(a - 1, x) - x - gammaln(a))


def _minus_gamma_density(application: Application, change: Tensor) -> Tensor:
    return -_gamma_density(application, change)


def _beta_density(application: Application, change: Tensor) -> Tensor:
    a, b, x = application.inputs
    return change * exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


_BY_SHAPE = refused("there is no formula for the derivative by a shape parameter")
_SHAPE_AND_LIMIT = ranges(((0.5, 4), (0.5, 5)), dtypes=SCIPY_FLOATS)

GAMMAINC = scipy_op("gammainc", "Gammainc", (_BY_SHAPE, _gamma_density), samples=_SHAPE_AND_LIMIT)
GAMMAINCC = scipy_op(
    "gammaincc", "Gammaincc", (_BY_SHAPE, _minus_gamma_density), samples=_SHAPE_AND_LIMIT
)
BETAINC = scipy_op(
    "betainc", "Betainc", (_BY_SHAPE, _BY_SHAPE, _beta_density),
    samples=ranges(((0.5, 4), (0.5, 4), (0.1, 0.9)), dtypes=SCIPY_FLOATS),
    ulps=512,  # SciPy's loop in float32
)  # fmt: skip


@public(family="special")
def gammainc(a: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised lower incomplete gamma function, element by element; see `gamma`.

    Parameters
    ----------
    a : tensor or array_like
        The shape, above 0. There is no derivative by it: asking raises `GradientError`.
    x : tensor or array_like
        The upper limit, 0 or more.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gammainc(2.0, x)).round(4)
    array([0.2642, 0.594 ], dtype=float32)
    """
    return call_scipy(GAMMAINC, a, x)


@public(family="special")
def gammaincc(a: TensorLike, x: TensorLike) -> Tensor:
    """Return ``1 - gammainc(a, x)``, with its digits where it is small; see `gammainc`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.gammaincc(2.0, x)).round(4)
    array([0.7358, 0.406 ], dtype=float32)
    """
    return call_scipy(GAMMAINCC, a, x)


@public(family="special")
def betainc(a: TensorLike, b: TensorLike, x: TensorLike) -> Tensor:
    """Return the regularised incomplete beta function, element by element; see `gamma`.

    Parameters
    ----------
    a, b : tensor or array_like
        The shapes, above 0. There is no derivative by them: asking raises `GradientError`.
    x : tensor or array_like
        The upper limit, between 0 and 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.25, 0.5])
    >>> df.evaluate(df.special.betainc(2.0, 3.0, x)).round(4)
    array([0.2617, 0.6875], dtype=float32)
    """
    return call_scipy(BETAINC, a, b, x)
