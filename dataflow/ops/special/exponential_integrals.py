"""Exponential integrals, and those of sine, cosine and their kin over x. They need SciPy.

Their derivatives are their integrands: E1' = -exp(-x) / x, Ei' = exp(x) / x, Si' = sin(x) / x,
Ci' = cos(x) / x, Shi' = sinh(x) / x, Chi' = cosh(x) / x; and E_n' = -E_(n-1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.comparison import equal
from dataflow.ops.elementary import cos, exp
from dataflow.ops.hyperbolic import cosh, sinh
from dataflow.ops.selection import where
from dataflow.ops.sinc import sinc
from dataflow.ops.special.promotion import as_scipy_floats
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, checked_order, scipy_op
from dataflow.sampling import joined, values

if TYPE_CHECKING:
    import numpy as np

    from dataflow.operation import Application, Sample
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["exp1", "expi", "expn", "shichi", "sici"]


# exp1, expi, expn


def _exp1_slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change * -(exp(-x) / x)


def _expi_slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change * (exp(x) / x)


def _expn_slope(application: Application, change: Tensor) -> Tensor:
    (x,), n = application.inputs, application.attrs.integer("n")
    return change * -(_expn(n - 1, x) if n > 1 else exp(-x) / x)


def _expn(n: int, x: Tensor) -> Tensor:
    return apply(EXPN, (x,), Attrs(n=n))


def _expn_samples(rng: np.random.Generator) -> list[Sample]:
    samples = values(0.5, 4, dtypes=SCIPY_FLOATS)(rng)
    return [s._replace(attrs=Attrs(n=i % 3 + 1)) for i, s in enumerate(samples)]


_POSITIVE = values(0.5, 6, dtypes=SCIPY_FLOATS)
_SIDES = joined(_POSITIVE, values(-6, -0.5, dtypes=SCIPY_FLOATS))

EXP1 = scipy_op("exp1", "Exp1", (_exp1_slope,), samples=_POSITIVE)
EXPI = scipy_op("expi", "Expi", (_expi_slope,), samples=_SIDES)
EXPN = scipy_op("expn", "Expn", (_expn_slope,), samples=_expn_samples, order="n")


@public(family="special")
def exp1(z: TensorLike) -> Tensor:
    """Return the integral of ``exp(-t) / t`` from `z` to infinity, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.exp1(z)).round(4)
    array([0.2194, 0.0489], dtype=float32)
    """
    return call_scipy(EXP1, z)


@public(family="special")
def expi(x: TensorLike) -> Tensor:
    """Return the integral of ``exp(t) / t`` from -infinity to `x`, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -1.0])
    >>> df.evaluate(df.special.expi(x)).round(4)
    array([ 1.8951, -0.2194], dtype=float32)
    """
    return call_scipy(EXPI, x)


@public(family="special")
def expn(n: int, x: TensorLike) -> Tensor:
    """Return the integral of ``exp(-x * t) / t ** n`` from 1 to infinity, element by element.

    Parameters
    ----------
    n : int
        0 or more.
    x : tensor
        0 or more.

    Raises
    ------
    ShapeError
        `n` is no int, or negative.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.expn(2, x)).round(4)
    array([0.1485, 0.0375], dtype=float32)
    """
    (floats,) = as_scipy_floats(EXPN, x)
    return _expn(n, floats) if checked_order("expn", n, 0) else exp(-floats) / floats


# sici, shichi


def _sinc_map(application: Application, change: Tensor) -> Tensor:
    return change * sinc(application.inputs[0] * (1 / math.pi))


def _cos_over_x(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change * (cos(x) / x)


def _sinh_over_x(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    at_zero = equal(x, 0)
    return change * where(at_zero, 1, sinh(x) / where(at_zero, 1, x))


def _cosh_over_x(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change * (cosh(x) / x)


SI = scipy_op("sici", "Si", (_sinc_map,), samples=_SIDES, part=0)
CI = scipy_op("sici", "Ci", (_cos_over_x,), samples=_POSITIVE, part=1)
SHI = scipy_op("shichi", "Shi", (_sinh_over_x,), samples=_SIDES, part=0)
CHI = scipy_op("shichi", "Chi", (_cosh_over_x,), samples=_POSITIVE, part=1)


@public(family="special")
def sici(x: TensorLike) -> tuple[Tensor, Tensor]:
    """Return the integrals of ``sin(t) / t`` from 0, and of ``cos(t) / t`` from infinity, to `x`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> si, ci = df.special.sici(x)
    >>> df.evaluate(si).round(4), df.evaluate(ci).round(4)
    (array([0.9461, 1.6054], dtype=float32), array([0.3374, 0.423 ], dtype=float32))
    """
    return call_scipy(SI, x), call_scipy(CI, x)


@public(family="special")
def shichi(x: TensorLike) -> tuple[Tensor, Tensor]:
    """Return the integrals of ``sinh(t) / t`` and ``(cosh(t) - 1) / t`` from 0 to `x`.

    To the second, ``log(x)`` and Euler's constant are added.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> shi, chi = df.special.shichi(x)
    >>> df.evaluate(shi).round(4), df.evaluate(chi).round(4)
    (array([1.0573, 2.5016], dtype=float32), array([0.8379, 2.4527], dtype=float32))
    """
    return call_scipy(SHI, x), call_scipy(CHI, x)
