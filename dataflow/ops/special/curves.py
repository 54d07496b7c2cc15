"""Integrals that have names: of bells, of waves, and of the logarithm over x. They need SciPy.

Derivatives: Dawson's is 1 - 2x D; Fresnel's are sin and cos of πx²/2; Spence's is log(z) / (1 - z);
Owen's T has -exp(-h²/2) erf(ah/√2) / √(8π) by h, and exp(-h²(1 + a²)/2) / (2π(1 + a²)) by a.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.comparison import less
from dataflow.ops.elementary import cos, exp, log, sin
from dataflow.ops.error_function import erf
from dataflow.ops.powers import square
from dataflow.ops.selection import where
from dataflow.ops.special.power_transforms import log1p_quotient
from dataflow.ops.special.tail_slopes import tail_slope
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import ranges, values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["dawsn", "erfi", "fresnel", "owens_t", "spence"]


def _dawsn_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * tail_slope(x, y, 1, -1)


def _erfi_slope(application: Application, change: Tensor) -> Tensor:
    return change * (exp(square(application.inputs[0])) * (2 / math.sqrt(math.pi)))


def _spence_slope(application: Application, change: Tensor) -> Tensor:
    """Return log(z) / (1 - z); z - 1 is exact from ½ on, and below it nothing cancels."""
    z = application.inputs[0]
    is_low = less(z, 0.5)
    low, high = where(is_low, z, 0.25), where(is_low, 1, z)
    return change * where(is_low, log(low) / (1 - low), -log1p_quotient(high - 1))


def _sine_of_square(application: Application, change: Tensor) -> Tensor:
    return change * sin(square(application.inputs[0]) * (math.pi / 2))


def _cosine_of_square(application: Application, change: Tensor) -> Tensor:
    return change * cos(square(application.inputs[0]) * (math.pi / 2))


def _owens_by_height(application: Application, change: Tensor) -> Tensor:
    h, a = application.inputs
    bell = exp(square(h) * -0.5) * erf(a * h * math.sqrt(0.5))
    return change * (bell * (-1 / math.sqrt(8 * math.pi)))


def _owens_by_slope(application: Application, change: Tensor) -> Tensor:
    h, a = application.inputs
    spread = square(a) + 1
    return change * (exp(square(h) * spread * -0.5) / spread * (0.5 / math.pi))


_AROUND = values(-2, 2, dtypes=SCIPY_FLOATS)

DAWSN = scipy_op("dawsn", "Dawsn", (_dawsn_slope,), samples=_AROUND)
ERFI = scipy_op("erfi", "Erfi", (_erfi_slope,), samples=_AROUND)
SPENCE = scipy_op("spence", "Spence", (_spence_slope,), samples=values(0.2, 4, dtypes=SCIPY_FLOATS))
FRESNEL_S = scipy_op("fresnel", "FresnelS", (_sine_of_square,), samples=_AROUND, part=0)
FRESNEL_C = scipy_op("fresnel", "FresnelC", (_cosine_of_square,), samples=_AROUND, part=1)
OWENS_T = scipy_op(
    "owens_t", "OwensT", (_owens_by_height, _owens_by_slope),
    samples=ranges(((0.3, 2), (-2, 2)), dtypes=SCIPY_FLOATS),
)  # fmt: skip


@public(family="special")
def dawsn(x: TensorLike) -> Tensor:
    """Return Dawson's integral, of ``exp(t ** 2 - x ** 2)`` from 0 to `x`; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.dawsn(x)).round(4)
    array([0.    , 0.5381], dtype=float32)
    """
    return call_scipy(DAWSN, x)


@public(family="special")
def erfi(z: TensorLike) -> Tensor:
    """Return the imaginary error function of real numbers, ``-1j * erf(1j * z)``; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.erfi(z)).round(4)
    array([0.    , 1.6504], dtype=float32)
    """
    return call_scipy(ERFI, z)


@public(family="special")
def spence(z: TensorLike) -> Tensor:
    """Return Spence's function, the integral of ``log(t) / (1 - t)`` from 1 to `z`; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.spence(z)).round(4)
    array([ 0.    , -0.8225], dtype=float32)
    """
    return call_scipy(SPENCE, z)


@public(family="special")
def fresnel(z: TensorLike) -> tuple[Tensor, Tensor]:
    """Return Fresnel's integrals, of the sine and cosine of ``pi / 2 * t ** 2`` from 0 to `z`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([0.0, 1.0])
    >>> s, c = df.special.fresnel(z)
    >>> df.evaluate(s).round(4), df.evaluate(c).round(4)
    (array([0.    , 0.4383], dtype=float32), array([0.    , 0.7799], dtype=float32))
    """
    return call_scipy(FRESNEL_S, z), call_scipy(FRESNEL_C, z)


@public(family="special")
def owens_t(h: TensorLike, a: TensorLike) -> Tensor:
    """Return Owen's T: the probability that X > h and 0 < Y < aX, of two standard normal draws.

    Examples
    --------
    >>> import dataflow as df
    >>> h = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.owens_t(h, 1.0)).round(4)
    array([0.125 , 0.0667], dtype=float32)
    """
    return call_scipy(OWENS_T, h, a)
