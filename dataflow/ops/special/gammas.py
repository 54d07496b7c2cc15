"""The gamma function and its kin. They need SciPy.

Derivatives: Γ' = Γψ, (log|Γ|)' = ψ, ψ' = ζ(2, ·), ∂ζ(s, q)/∂q = -s ζ(s + 1, q).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, checked_order, refused, scipy_op
from dataflow.sampling import joined, ranges, values
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["digamma", "gamma", "gammaln", "multigammaln", "polygamma", "psi", "zeta"]


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
    if checked_order("polygamma", n, 0) == 0:
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
        raise ArgumentError(msg)
    (floats,) = as_scipy_floats(GAMMALN, a)
    total = gammaln(floats) + d * (d - 1) / 4 * math.log(math.pi)
    for j in range(1, d):
        total = total + gammaln(floats - j / 2)
    return total
