"""Modified Bessel functions of the second kind, of whole orders. They need SciPy.

Derivatives: K0' = -K1, K1' = -K0 - K1 / x; ``k0e`` and ``k1e`` are K0 and K1 times exp(x). Other
orders are `kv`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.special.bessel_orders import kv
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, checked_order, scipy_op
from dataflow.sampling import values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["k0", "k0e", "k1", "k1e", "kn"]


def _minus_k1(application: Application, change: Tensor) -> Tensor:
    return change * -k1(application.inputs[0])


def _k1_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * -(k0(x) + y / x)


def _k0e_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (y - k1e(x))


def _k1e_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (y - k0e(x) - y / x)


_POSITIVE = values(0.5, 6, dtypes=SCIPY_FLOATS)

K0 = scipy_op("k0", "K0", (_minus_k1,), samples=_POSITIVE)
K1 = scipy_op("k1", "K1", (_k1_slope,), samples=_POSITIVE)
K0E = scipy_op("k0e", "K0e", (_k0e_slope,), samples=_POSITIVE)
K1E = scipy_op("k1e", "K1e", (_k1e_slope,), samples=_POSITIVE)


@public(family="special")
def k0(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of the second kind of order 0; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.k0(x)).round(4)
    array([0.421 , 0.1139], dtype=float32)
    """
    return call_scipy(K0, x)


@public(family="special")
def k0e(x: TensorLike) -> Tensor:
    """Return ``exp(x) * k0(x)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.k0e(x)).round(4)
    array([1.1445, 0.8416], dtype=float32)
    """
    return call_scipy(K0E, x)


@public(family="special")
def k1(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of the second kind of order 1; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.k1(x)).round(4)
    array([0.6019, 0.1399], dtype=float32)
    """
    return call_scipy(K1, x)


@public(family="special")
def k1e(x: TensorLike) -> Tensor:
    """Return ``exp(x) * k1(x)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.k1e(x)).round(4)
    array([1.6362, 1.0335], dtype=float32)
    """
    return call_scipy(K1E, x)


@public(family="special")
def kn(n: int, x: TensorLike) -> Tensor:
    """Return the modified Bessel function of the second kind of whole order `n`; see `kv`.

    Parameters
    ----------
    n : int
        The order.
    x : tensor
        Real numbers above 0.

    Raises
    ------
    ShapeError
        `n` is no int.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.special.kn(2, x)).round(4)
    array([1.6248, 0.2538], dtype=float32)
    """
    return kv(float(abs(checked_order("kn", n, None))), x)
