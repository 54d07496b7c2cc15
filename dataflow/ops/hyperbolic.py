"""Hyperbolic functions beyond tanh, and their inverses. Their derivatives don't overflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import unary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.ops.powers import hypot, one_beside, sqrt, square
from dataflow.sampling import COMPLEX, FLOATS, few

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "cosh", "sinh",
]  # fmt: skip

_DTYPES = (*COMPLEX, *FLOATS)


def _times_cosh(application: Application, change: Tensor) -> Tensor:
    return change * cosh(application.inputs[0])


SINH = elementwise(
    "sinh", np.sinh, "Sinh", (_times_cosh,), flops=20, samples=few((-2, 2), dtypes=_DTYPES)
)


@public(np.sinh)
def sinh(x: TensorLike, /) -> Tensor:
    """Return the hyperbolic sine, element by element.

    Parameters
    ----------
    x : tensor or array_like
        Floats or complex numbers of any shape; integers become floats.

    Returns
    -------
    Tensor
        The same shape.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.sinh(x)).round(4)
    array([0.    , 1.1752], dtype=float32)
    """
    return unary(SINH, np.sinh, x)


def _times_sinh(application: Application, change: Tensor) -> Tensor:
    return change * sinh(application.inputs[0])


COSH = elementwise(
    "cosh", np.cosh, "Cosh", (_times_sinh,), flops=20, samples=few((-2, 2), dtypes=_DTYPES)
)


@public(np.cosh)
def cosh(x: TensorLike, /) -> Tensor:
    """Return the hyperbolic cosine, element by element; see `sinh` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.cosh(x)).round(4)
    array([1.    , 1.5431], dtype=float32)
    """
    return unary(COSH, np.cosh, x)


def _asinh_slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change / (sqrt(square(x) + one_beside(x)) if x.dtype.kind == "c" else hypot(x, 1))


ASINH = elementwise(
    "asinh", np.arcsinh, "Asinh", (_asinh_slope,), flops=20, samples=few((-3, 3), dtypes=_DTYPES)
)


@public(np.arcsinh)
def asinh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic sine is `x`; see `sinh` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.asinh(x)).round(4)
    array([0.    , 0.8814], dtype=float32)
    """
    return unary(ASINH, np.arcsinh, x)


def _acosh_slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change / (sqrt(x - 1) * sqrt(x + one_beside(x)))


ACOSH = elementwise(
    "acosh", np.arccosh, "Acosh", (_acosh_slope,), flops=20, samples=few((1.3, 3), dtypes=_DTYPES)
)


@public(np.arccosh)
def acosh(x: TensorLike, /) -> Tensor:
    """Return the number from 0 on whose hyperbolic cosine is `x`: NaN below 1.

    The derivative at 1 is inf. See `sinh` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.acosh(x)).round(4)
    array([0.   , 1.317], dtype=float32)
    """
    return unary(ACOSH, np.arccosh, x)


def _atanh_slope(application: Application, change: Tensor) -> Tensor:
    (x,) = application.inputs
    return change / ((1 - x) * (1 + x))


ATANH = elementwise(
    "atanh",
    np.arctanh,
    "Atanh",
    (_atanh_slope,),
    flops=20,
    samples=few((-0.8, 0.8), dtypes=_DTYPES),
)


@public(np.arctanh)
def atanh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic tangent is `x`: ±inf at ±1 and NaN beyond.

    See `sinh` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.atanh(x)).round(4)
    array([0.    , 0.5493], dtype=float32)
    """
    return unary(ATANH, np.arctanh, x)


arcsinh = also_named(asinh, "arcsinh")
arccosh = also_named(acosh, "arccosh")
arctanh = also_named(atanh, "arctanh")
