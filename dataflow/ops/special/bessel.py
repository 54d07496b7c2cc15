"""Bessel functions of the first kind, and modified ones, of orders 0 and 1. They need SciPy.

Derivatives: J0' = -J1, J1' = J0 - J1 / x, I0' = I1, I1' = I0 - I1 / x; ``i0e`` and ``i1e`` are I0
and I1 times exp(-|x|). At 0 the quotients by x are 1/2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.arithmetic import sign
from dataflow.ops.comparison import equal
from dataflow.ops.selection import where
from dataflow.ops.special.ufuncs import SCIPY_FLOATS, call_scipy, scipy_op
from dataflow.sampling import joined, values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["i0", "i0e", "i1", "i1e", "j0", "j1"]


def _over(y: Tensor, x: Tensor) -> Tensor:
    """Return y / x, and its limit 1/2 at 0."""
    at_zero = equal(x, 0)
    return where(at_zero, 0.5, y / where(at_zero, 1, x))


def _minus_j1(application: Application, change: Tensor) -> Tensor:
    return change * -j1(application.inputs[0])


def _j1_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (j0(x) - _over(y, x))


def _times_i1(application: Application, change: Tensor) -> Tensor:
    return change * i1(application.inputs[0])


def _i1_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (i0(x) - _over(y, x))


def _i0e_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (i1e(x) - sign(x) * y)


def _i1e_slope(application: Application, change: Tensor) -> Tensor:
    (x,), (y,) = application.inputs, application.outputs
    return change * (i0e(x) - _over(y, x) - sign(x) * y)


_SIDES = joined(values(0.5, 6, dtypes=SCIPY_FLOATS), values(-6, -0.5, dtypes=SCIPY_FLOATS))

J0 = scipy_op("j0", "J0", (_minus_j1,), samples=_SIDES)
J1 = scipy_op("j1", "J1", (_j1_slope,), samples=_SIDES)
I0 = scipy_op("i0", "I0", (_times_i1,), samples=_SIDES)
I1 = scipy_op("i1", "I1", (_i1_slope,), samples=_SIDES)
I0E = scipy_op("i0e", "I0e", (_i0e_slope,), samples=_SIDES)
I1E = scipy_op("i1e", "I1e", (_i1e_slope,), samples=_SIDES)


@public(family="special")
def j0(x: TensorLike) -> Tensor:
    """Return the Bessel function of the first kind of order 0, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.j0(x)).round(4)
    array([1.    , 0.7652], dtype=float32)
    """
    return call_scipy(J0, x)


@public(family="special")
def j1(x: TensorLike) -> Tensor:
    """Return the Bessel function of the first kind of order 1, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.j1(x)).round(4)
    array([0.    , 0.4401], dtype=float32)
    """
    return call_scipy(J1, x)


@public(np.i0, family="special")
def i0(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of order 0, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.i0(x)).round(4)
    array([1.    , 1.2661], dtype=float32)
    """
    return call_scipy(I0, x)


@public(family="special")
def i1(x: TensorLike) -> Tensor:
    """Return the modified Bessel function of order 1, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.i1(x)).round(4)
    array([0.    , 0.5652], dtype=float32)
    """
    return call_scipy(I1, x)


@public(family="special")
def i0e(x: TensorLike) -> Tensor:
    """Return ``exp(-abs(x)) * i0(x)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.i0e(x)).round(4)
    array([1.    , 0.4658], dtype=float32)
    """
    return call_scipy(I0E, x)


@public(family="special")
def i1e(x: TensorLike) -> Tensor:
    """Return ``exp(-abs(x)) * i1(x)``, element by element; see `gamma`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.special.i1e(x)).round(4)
    array([0.    , 0.2079], dtype=float32)
    """
    return call_scipy(I1E, x)
