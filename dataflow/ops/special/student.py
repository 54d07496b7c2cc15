"""Student's distribution function. It needs SciPy.

F(t; ν) = ½ + sgn(t)/2 (1 - I_w(ν/2, ½)), w = ν / (ν + t²), and I the incomplete beta function. Its
derivative by t is the density, and the one by ν follows from those of I, see `beta_moments`. The
moment M₁₀ of I_w is -M₀₁ of the mirrored I_(1-w)(½, ν/2), which has its digits for w close to 1.

For many degrees of freedom the two terms of that derivative cancel. With f the density, e = 1/ν and
u = e t², it is f G, and G' - (1 + e) t / (1 + u) G = ∂ log f / ∂ν is solved by t times a power
series in e and u, whose coefficients follow from each other:

    G = t e (u A(u) + e (½ - A(u)) + e² (-u/24 + u²/120 - u⁴/420 + ...) + ...)
    A(u) = 1/4 - u/12 + u²/24 - ... = Σ (-u)ʲ / (2 (j + 1) (j + 2))

From ν = 1000 on, and for u < ⅛, what is left out is below 10⁻¹⁴ of it. Γ(h + ½) / (√h Γ(h)) is
exp(-1/(8h) + 1/(192h³) - 1/(640h⁵) + ...), by DLMF 5.11.8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.arithmetic import sign
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater, less
from dataflow.ops.elementary import exp, log, log1p
from dataflow.ops.powers import square
from dataflow.ops.selection import where
from dataflow.ops.special.beta_moments import beta_moment
from dataflow.ops.special.betas import betaln
from dataflow.ops.special.power_transforms import power_series
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import joined, ranges

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["stdtr"]

_MANY = 1000.0
"""From so many degrees of freedom on, the derivative's series has all digits."""

_SOME = 32.0
"""From so many on, that of the density has."""

_MAIN = [(-1) ** k / (2 * (k + 1) * (k + 2)) for k in range(16)]
_THIRD = (-1 / 24, 1 / 120, 0, -1 / 420, 1 / 336)
_FOURTH = (-1 / 8, -1 / 24, 1 / 30, -3 / 140, 23 / 1680)
_ROOT_GAP = (0, -1 / 8, 0, 1 / 192, 0, -1 / 640, 0, 17 / 14336, 0, -31 / 18432, 0, 691 / 180224)
_LOG_PEAK = -math.log(2 * math.pi) / 2


def _density(df: Tensor, t: Tensor) -> Tensor:
    half = df * 0.5
    log_bell = (half + 0.5) * log1p(square(t) / df)
    is_many = greater(df, _SOME)
    few = where(is_many, 1, half)
    inverse = 2 / where(is_many, df, _SOME)
    gap = where(is_many, power_series(inverse, _ROOT_GAP), 0)
    scale = where(is_many, _LOG_PEAK, -betaln(few, few * 0 + 0.5) - 0.5 * log(few * 2))
    return exp(gap - log_bell + scale)


def _by_argument(application: Application, change: Tensor) -> Tensor:
    df, t = application.inputs
    return change * _density(df, t)


def _by_freedom(application: Application, change: Tensor) -> Tensor:
    df, t = (astype(x, np.float64) for x in application.inputs)
    is_normal = greater(df, _MANY) & less(square(t), df * 0.125)
    by_series = _by_many(where(is_normal, df, 2 * _MANY), where(is_normal, t, 0))
    by_moment = _by_few(where(is_normal, 1, df), where(is_normal, 1, t))
    return change * astype(where(is_normal, by_series, by_moment), change.dtype)


def _by_many(df: Tensor, t: Tensor) -> Tensor:
    """Return the derivative by its series in 1 / df, each of whose terms is a series in t² / df."""
    e, u = 1 / df, square(t) / df
    main = power_series(u, _MAIN)
    others = power_series(u, _THIRD) * u, power_series(u, _FOURTH), u * (1 / 12), 0.25
    rest = power_series(e, (0.5 - main, *others))
    return t * _density(df, t) * e * (main * u + e * rest)


def _by_few(df: Tensor, t: Tensor) -> Tensor:
    """Return the derivative by a moment of the incomplete beta function."""
    squared = square(t)
    is_far = greater(squared, df)
    w, rest = df / (df + squared), squared / (df + squared)
    half = df * 0.5
    root = half * 0 + 0.5
    far = beta_moment(half, root, where(is_far, w, 0.5), (1, 0))
    near = beta_moment(root, half, where(is_far, 0.5, rest), (0, 1))
    moment = where(is_far, far, -near) * 0.25
    return -(sign(t) * moment + t / df * _density(df, t) * 0.5)


_SIDES = joined(
    *(ranges(((1.5, 6), bounds), dtypes=SCIPY_FLOATS) for bounds in ((-4, -0.3), (0.3, 4)))
)

STDTR = scipy_op("stdtr", "Stdtr", (_by_freedom, _by_argument), samples=_SIDES, ulps=64)


@public(family="special")
def stdtr(df: TensorLike, t: TensorLike) -> Tensor:
    """Return the probability that a draw of Student's distribution is below `t`; see `gamma`.

    Parameters
    ----------
    df : tensor or array_like
        The degrees of freedom, above 0; not whole, if one likes.
    t : tensor or array_like
        Real numbers of a shape that broadcasts with it.

    Examples
    --------
    >>> import dataflow as df
    >>> t = df.GraphBuilder().constant([0.0, 1.0, -2.0])
    >>> df.evaluate(df.special.stdtr(3.0, t)).round(4)
    array([0.5   , 0.8045, 0.0697], dtype=float32)
    """
    return call_scipy(STDTR, df, t)
