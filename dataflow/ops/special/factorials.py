"""Factorials and binomial coefficients of real numbers, and 1/Γ. They need SciPy.

Derivatives, with y the value: (1/Γ)' = -ψ y; of Pochhammer's symbol Γ(z + m) / Γ(z), by z
(ψ(z + m) - ψ(z)) y, by m ψ(z + m) y; of the binomial coefficient of n and k, which is
Γ(n + 1) / (Γ(k + 1) Γ(n - k + 1)), by n (ψ(n + 1) - ψ(n - k + 1)) y, and by k
(ψ(n - k + 1) - ψ(k + 1)) y.

Where ψ is infinite and y is 0, 1/Γ(x) = Γ(1 - x) sin(πx) / π has a slope. So Pochhammer's symbol
is Γ(z + m) Γ(1 - z) sin(πz) / π there, and the binomial coefficient, where n - k + 1 is a pole, is
B(n + 1, k - n) sin(π(k - n)) / π; where k + 1 is one, it is that of n and n - k. If both Γ(z) and
Γ(z + m) have a pole, m is whole, and ψ(z + m) - ψ(z) = ψ(1 - z - m) - ψ(1 - z).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.comparison import equal, greater, less, less_equal
from dataflow.ops.elementary import cos, sin
from dataflow.ops.rounding import floor, rint
from dataflow.ops.selection import where
from dataflow.ops.special.betas import beta
from dataflow.ops.special.gammas import GAMMALN, gamma, gammaln, psi
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import joined, ranges, values
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["binom", "comb", "factorial", "gammasgn", "loggamma", "perm", "poch", "rgamma"]


# rgamma, gammasgn, loggamma


def _half_turns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return sin(πx) / π and cos(πx), exact at whole numbers."""
    whole = rint(x)
    parity = 1 - 2 * (whole - 2 * floor(whole * 0.5))
    angle = (x - whole) * math.pi
    return parity * sin(angle) * (1 / math.pi), parity * cos(angle)


def _is_pole(x: Tensor) -> Tensor:
    return less_equal(x, 0) & equal(x, rint(x))


def _rgamma_slope(application: Application, change: Tensor) -> Tensor:
    """Return -ψ/Γ; at a pole of Γ the slope of Γ(1 - x) sin(πx) / π, which is the same function."""
    (x,), (y,) = application.inputs, application.outputs
    at_pole = _is_pole(x)
    pole = where(at_pole, x, 0)
    sine, cosine = _half_turns(pole)
    mirrored = gamma(1 - pole) * (cosine - psi(1 - pole) * sine)
    return change * where(at_pole, mirrored, -psi(where(at_pole, 1, x)) * y)


_REAL = joined(
    values(0.5, 6, dtypes=SCIPY_FLOATS), values(-2.8, -2.2, dtypes=SCIPY_FLOATS)
)  # fmt: skip

RGAMMA = scipy_op("rgamma", "Rgamma", (_rgamma_slope,), samples=_REAL)
GAMMASGN = scipy_op("gammasgn", "Gammasgn", (None,), samples=_REAL)


@public(family="special")
def rgamma(z: TensorLike) -> Tensor:
    """Return ``1 / gamma(z)``, element by element: 0 at its poles, with a slope; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([5.0, -1.0])
    >>> df.evaluate(df.special.rgamma(z)).round(4)
    array([0.0417, 0.    ], dtype=float32)
    """
    return call_scipy(RGAMMA, z)


@public(family="special")
def gammasgn(x: TensorLike) -> Tensor:
    """Return the sign of the gamma function, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([5.0, -0.5])
    >>> df.evaluate(df.special.gammasgn(x))
    array([ 1., -1.], dtype=float32)
    """
    return call_scipy(GAMMASGN, x)


@public(family="special")
def loggamma(z: TensorLike) -> Tensor:
    """Return the logarithm of the gamma function of real numbers: NaN below 0; see `gammaln`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([5.0, -0.5])
    >>> df.evaluate(df.special.loggamma(z)).round(4)
    array([3.1781,    nan], dtype=float32)
    """
    (x,) = as_scipy_floats(GAMMALN, z)
    return where(less(x, 0), math.nan, gammaln(x))


# poch, binom


def _poch_by_start(application: Application, change: Tensor) -> Tensor:
    """Return (ψ(z + m) - ψ(z)) y; where Γ(z) or both have a pole, as the module says."""
    (z, m), (y,) = application.inputs, application.outputs
    at_both, at_one = _is_pole(z) & _is_pole(z + m), _is_pole(z) & ~_is_pole(z + m)
    top, bottom = where(at_both, 1 - z - m, z + m), where(at_both, 1 - z, z)
    pole, end = where(at_one, z, 0), where(at_one, z + m, 1)
    sine, cosine = _half_turns(pole)
    beside = cosine + sine * (psi(end) - psi(1 - pole))
    elsewhere = (psi(top) - psi(where(at_one, 1, bottom))) * y
    return change * where(at_one, gamma(end) * gamma(1 - pole) * beside, elsewhere)


def _poch_by_count(application: Application, change: Tensor) -> Tensor:
    z, m = application.inputs
    return change * (psi(z + m) * application.outputs[0])


def _binom_by_whole(application: Application, change: Tensor) -> Tensor:
    (n, k), (y,) = application.inputs, application.outputs
    low, high = _binom_zeros(n, k)
    rest = where(low | high, 1, n - k + 1)
    by_whole, by_part = _slopes_at_zero(n, where(low, n - k, k), low | high)
    slope = (psi(n + 1) - psi(rest)) * y
    return change * where(high, by_whole, where(low, by_whole + by_part, slope))


def _binom_by_part(application: Application, change: Tensor) -> Tensor:
    (n, k), (y,) = application.inputs, application.outputs
    low, high = _binom_zeros(n, k)
    part, rest = where(low | high, 1, k + 1), where(low | high, 1, n - k + 1)
    _, by_part = _slopes_at_zero(n, where(low, n - k, k), low | high)
    return change * where(high, by_part, where(low, -by_part, (psi(rest) - psi(part)) * y))


def _binom_zeros(n: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Return where binomial coefficients are 0, as Γ has a pole: at k + 1, and at n - k + 1."""
    is_whole = _is_pole(n + 1)
    return _is_pole(k + 1) & ~is_whole, _is_pole(n - k + 1) & ~is_whole


def _slopes_at_zero(n: Tensor, k: Tensor, is_zero: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slopes of B(n + 1, k - n) sin(π(k - n)) / π by n and by k."""
    n, k = where(is_zero, n, 0), where(is_zero, k, 1)
    sine, cosine = _half_turns(k - n)
    mean, size = psi(k - n), beta(n + 1, k - n)
    by_whole = size * (sine * (psi(n + 1) - mean) - cosine)
    return by_whole, size * (cosine + sine * (mean - psi(k + 1)))


_BOTH = ranges(((3.1, 6), (0.5, 3)), dtypes=SCIPY_FLOATS)

POCH = scipy_op("poch", "Poch", (_poch_by_start, _poch_by_count), samples=_BOTH, ulps=64)
BINOM = scipy_op("binom", "Binom", (_binom_by_whole, _binom_by_part), samples=_BOTH, ulps=64)


@public(family="special")
def poch(z: TensorLike, m: TensorLike) -> Tensor:
    """Return Pochhammer's symbol, ``gamma(z + m) / gamma(z)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> m = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> df.evaluate(df.special.poch(2.0, m))
    array([ 2.,  6., 24.], dtype=float32)
    """
    return call_scipy(POCH, z, m)


@public(family="special")
def binom(x: TensorLike, y: TensorLike) -> Tensor:
    """Return the binomial coefficient of real numbers, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([1.0, 2.0, 2.5])
    >>> df.evaluate(df.special.binom(5.0, y)).round(4)
    array([ 5.   , 10.   , 10.865], dtype=float32)
    """
    return call_scipy(BINOM, x, y)


# comb, perm, factorial


@public(family="special")
def comb(
    N: TensorLike,
    k: TensorLike, exact: bool = False, repetition: bool = False,
) -> Tensor:  # fmt: skip
    """Return in how many ways `k` things can be chosen out of `N`: 0 for k < 0 and k > N.

    Parameters
    ----------
    N, k : tensor or array_like
        Real numbers whose shapes broadcast; see `binom`, whose derivatives are taken in between.
    exact : bool
        Only False: tensors hold no integers of any length.
    repetition : bool
        Whether a thing may be chosen more than once.

    Raises
    ------
    GraphError
        `exact` is true.

    Examples
    --------
    >>> import dataflow as df
    >>> k = df.GraphBuilder().constant([1.0, 2.0, 6.0])
    >>> df.evaluate(df.special.comb(5.0, k))
    array([ 5., 10.,  0.], dtype=float32)
    """
    _refuse_exact("comb", exact)
    n, k = as_scipy_floats(BINOM, N, k)
    if repetition:
        return comb(n + k - 1, k)
    outside = less(k, 0) | less(n, 0) | greater(k, n)
    return where(outside, 0, binom(where(outside, 1, n), where(outside, 1, k)))


@public(family="special")
def perm(
    N: TensorLike,
    k: TensorLike, exact: bool = False,
) -> Tensor:  # fmt: skip
    """Return in how many orders `k` things out of `N` can be put; see `comb`.

    Examples
    --------
    >>> import dataflow as df
    >>> k = df.GraphBuilder().constant([1.0, 2.0, 6.0])
    >>> df.evaluate(df.special.perm(5.0, k))
    array([ 5., 20.,  0.], dtype=float32)
    """
    _refuse_exact("perm", exact)
    n, k = as_scipy_floats(POCH, N, k)
    outside = less(k, 0) | less(n, 0) | greater(k, n)
    return where(outside, 0, poch(where(outside, 1, n - k + 1), where(outside, 1, k)))


@public(family="special")
def factorial(n: TensorLike, exact: bool = False) -> Tensor:
    """Return ``gamma(n + 1)``, and 0 for negative numbers, element by element; see `comb`.

    Examples
    --------
    >>> import dataflow as df
    >>> n = df.GraphBuilder().constant([0.0, 4.0, -1.0])
    >>> df.evaluate(df.special.factorial(n))
    array([ 1., 24.,  0.], dtype=float32)
    """
    _refuse_exact("factorial", exact)
    (x,) = as_scipy_floats(GAMMALN, n)
    outside = less(x, 0)
    return where(outside, 0, gamma(where(outside, 0, x) + 1))


def _refuse_exact(name: str, exact: object) -> None:
    if exact:
        msg = f"{name} ({user_line()}) takes exact=False only: a tensor's integers have 64 bits"
        raise GraphError(msg)
