"""Bessel functions of any real order, and those of the second kind. They need SciPy.

Derivatives by the argument, from DLMF 10.6.1 and 10.29.1 (F is J or Y):

    F_v' = (F_{v-1} - F_{v+1}) / 2
    I_v' = (I_{v-1} + I_{v+1}) / 2
    K_v' = -(K_{v-1} + K_{v+1}) / 2

``ive`` and ``kve`` are I and K times exp(-|x|) and exp(x). Derivatives by the order are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.arithmetic import sign
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, refused, scipy_op
from dataflow.sampling import ranges, values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["iv", "ive", "jv", "kv", "kve", "y0", "y1", "yv"]


def _minus_y1(application: Application, change: Tensor) -> Tensor:
    return change * -y1(application.inputs[0])


def _y1_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (y0(x) - y / x)


def _neighbours(
    function: Callable[[Tensor, Tensor], Tensor], application: Application
) -> tuple[Tensor, Tensor]:
    """Return the functions of the orders below and above."""
    v, x = application.inputs
    return function(v - 1, x), function(v + 1, x)


def _jv_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(jv, application)
    return change * ((below - above) * 0.5)


def _yv_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(yv, application)
    return change * ((below - above) * 0.5)


def _iv_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(iv, application)
    return change * ((below + above) * 0.5)


def _ive_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(ive, application)
    x, y = application.inputs[1], application.outputs[0]
    return change * ((below + above) * 0.5 - sign(x) * y)


def _kv_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(kv, application)
    return change * ((below + above) * -0.5)


def _kve_slope(application: Application, change: Tensor) -> Tensor:
    below, above = _neighbours(kve, application)
    return change * (application.outputs[0] - (below + above) * 0.5)


_BY_ORDER = refused("there is no formula for the derivative by the order")
_POSITIVE = values(0.5, 6, dtypes=SCIPY_FLOATS)
_ORDER_AND_POSITIVE = ranges(((0.5, 4), (0.5, 6)), dtypes=SCIPY_FLOATS)


Y0 = scipy_op("y0", "Y0", (_minus_y1,), samples=_POSITIVE)
Y1 = scipy_op("y1", "Y1", (_y1_slope,), samples=_POSITIVE)
JV = scipy_op("jv", "Jv", (_BY_ORDER, _jv_slope), samples=_ORDER_AND_POSITIVE)
YV = scipy_op("yv", "Yv", (_BY_ORDER, _yv_slope), samples=_ORDER_AND_POSITIVE)
IV = scipy_op("iv", "Iv", (_BY_ORDER, _iv_slope), samples=_ORDER_AND_POSITIVE)
IVE = scipy_op("ive", "Ive", (_BY_ORDER, _ive_slope), samples=_ORDER_AND_POSITIVE)
KV = scipy_op("kv", "Kv", (_BY_ORDER, _kv_slope), samples=_ORDER_AND_POSITIVE)
KVE = scipy_op("kve", "Kve", (_BY_ORDER, _kve_slope), samples=_ORDER_AND_POSITIVE)


@public(family="special")
def y0(x: TensorLike) -> Tensor:
    """Return the Bessel function of the second kind of order 0, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.y0(x)).round(4)
    array([0.0883, 0.5104], dtype=float32)
    """
    return call_scipy(Y0, x)


@public(family="special")
def y1(x: TensorLike) -> Tensor:
    """Return the Bessel function of the second kind of order 1, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.y1(x)).round(4)
    array([-0.7812, -0.107 ], dtype=float32)
    """
    return call_scipy(Y1, x)


@public(family="special")
def jv(v: TensorLike, z: TensorLike) -> Tensor:
    """Return the Bessel function of the first kind of real order `v`, element by element.

    Parameters
    ----------
    v : tensor or array_like
        The order. There is no derivative by it: asking raises `GradientError`.
    z : tensor or array_like
        Real numbers of a shape that broadcasts with the order's; see `gamma` for dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.jv(2.0, z)).round(4)
    array([0.1149, 0.3528], dtype=float32)
    """
    return call_scipy(JV, v, z)


@public(family="special")
def yv(v: TensorLike, z: TensorLike) -> Tensor:
    """Return the Bessel function of the second kind of real order `v`; see `jv`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.yv(2.0, z)).round(4)
    array([-1.6507, -0.6174], dtype=float32)
    """
    return call_scipy(YV, v, z)


@public(family="special")
def iv(v: TensorLike, z: TensorLike) -> Tensor:
    """Return the modified Bessel function of the first kind of real order `v`; see `jv`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.iv(2.0, z)).round(4)
    array([0.1357, 0.6889], dtype=float32)
    """
    return call_scipy(IV, v, z)


@public(family="special")
def ive(v: TensorLike, z: TensorLike) -> Tensor:
    """Return ``exp(-abs(z)) * iv(v, z)``, element by element; see `jv`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.ive(2.0, z)).round(4)
    array([0.0499, 0.0932], dtype=float32)
    """
    return call_scipy(IVE, v, z)


@public(family="special")
def kv(v: TensorLike, z: TensorLike) -> Tensor:
    """Return the modified Bessel function of the second kind of real order `v`; see `jv`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.kv(2.0, z)).round(4)
    array([1.6248, 0.2538], dtype=float32)
    """
    return call_scipy(KV, v, z)


@public(family="special")
def kve(v: TensorLike, z: TensorLike) -> Tensor:
    """Return ``exp(z) * kv(v, z)``, element by element; see `jv`.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.kve(2.0, z)).round(4)
    array([4.4168, 1.875 ], dtype=float32)
    """
    return call_scipy(KVE, v, z)
