"""Trigonometric functions beyond sin and cos, their inverses, and angles in degrees.

Derivatives keep their digits at the ends of the domain: that of asin is one over √(1-x) √(1+x),
never √(1-x²), which also puts a complex number on the right side of the branch cuts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary, promoted, unary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.ops.casting import astype
from dataflow.ops.powers import one_beside, safe_hypot, sqrt, square
from dataflow.sampling import COMPLEX, FLOATS, few

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2", "deg2rad",
    "degrees", "rad2deg", "radians", "tan",
]  # fmt: skip

_DTYPES = (*COMPLEX, *FLOATS)


def _times_one_plus_square(application: Application, change: Tensor) -> Tensor:
    return change * (square(application.outputs[0]) + 1)


TAN = elementwise(
    "tan", np.tan, "Tan", (_times_one_plus_square,), flops=20,
    samples=few((-1.2, 1.2), dtypes=_DTYPES),
)  # fmt: skip


@public(np.tan)
def tan(x: TensorLike, /) -> Tensor:
    """Return the tangent of angles in radians, element by element.

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
    >>> df.evaluate(df.tan(x)).round(4)
    array([0.    , 1.5574], dtype=float32)
    """
    return unary(TAN, np.tan, x)


def _root(x: Tensor) -> Tensor:
    """Return √(1-x²) with its digits where x is close to 1 or -1."""
    one = one_beside(x)
    return sqrt(one - x) * sqrt(one + x)


def _asin_slope(application: Application, change: Tensor) -> Tensor:
    return change / _root(application.inputs[0])


ASIN = elementwise(
    "asin", np.arcsin, "Asin", (_asin_slope,), flops=20, samples=few((-0.8, 0.8), dtypes=_DTYPES)
)


@public(np.arcsin)
def asin(x: TensorLike, /) -> Tensor:
    """Return the angle between -π/2 and π/2 whose sine is `x`: NaN outside of [-1, 1].

    The derivative at -1 and 1 is inf. See `tan` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.asin(x)).round(4)
    array([0.    , 1.5708], dtype=float32)
    """
    return unary(ASIN, np.arcsin, x)


def _acos_slope(application: Application, change: Tensor) -> Tensor:
    return -change / _root(application.inputs[0])


ACOS = elementwise(
    "acos", np.arccos, "Acos", (_acos_slope,), flops=20, samples=few((-0.8, 0.8), dtypes=_DTYPES)
)


@public(np.arccos)
def acos(x: TensorLike, /) -> Tensor:
    """Return the angle between 0 and π whose cosine is `x`: NaN outside of [-1, 1].

    The derivative at -1 and 1 is -inf. See `tan` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.acos(x)).round(4)
    array([1.5708, 0.    ], dtype=float32)
    """
    return unary(ACOS, np.arccos, x)


def _atan_slope(application: Application, change: Tensor) -> Tensor:
    return change / (square(application.inputs[0]) + 1)


ATAN = elementwise(
    "atan", np.arctan, "Atan", (_atan_slope,), flops=20, samples=few((-3, 3), dtypes=_DTYPES)
)


@public(np.arctan)
def atan(x: TensorLike, /) -> Tensor:
    """Return the angle between -π/2 and π/2 whose tangent is `x`, element by element.

    See `tan` for shapes and dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.atan(x)).round(4)
    array([0.    , 0.7854], dtype=float32)
    """
    return unary(ATAN, np.arctan, x)


def _atan2_first(application: Application, change: Tensor) -> Tensor:
    y, x = application.inputs
    length = safe_hypot(y, x)
    return change * (x / length / length)


def _atan2_second(application: Application, change: Tensor) -> Tensor:
    y, x = application.inputs
    length = safe_hypot(y, x)
    return -change * (y / length / length)


ATAN2 = elementwise(
    "atan2", np.arctan2, "Atan2", (_atan2_first, _atan2_second), flops=30,
    samples=few((-3, 3), (0.5, 3)),
)  # fmt: skip


@public(np.arctan2)
def atan2(y: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the angle from the positive x axis to the point (x, y), between -π and π.

    Parameters
    ----------
    y, x : tensor or array_like
        Real numbers whose shapes broadcast; integers become floats.

    Returns
    -------
    Tensor
        The broadcast shape. The signs of zeros count: they choose the side of the negative x
        axis. The derivatives at (0, 0), where there are none, are 0.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> y = df.GraphBuilder().constant([1.0, 0.0])
    >>> df.evaluate(df.atan2(y, -1.0)).round(4)
    array([2.3562, 3.1416], dtype=float32)
    """
    return binary(ATAN2, np.arctan2, y, x)


def _scaled(x: TensorLike, ufunc: np.ufunc, factor: float) -> Tensor:
    """Multiply by a factor, which float16 would round too much: it is multiplied in float32."""
    (angle,) = promoted(TAN, ufunc, x)
    if angle.dtype == np.float16:
        return astype(astype(angle, np.float32) * factor, np.float16)
    return angle * factor


@public(np.deg2rad, np.radians)
def deg2rad(x: TensorLike, /) -> Tensor:
    """Return angles in degrees as angles in radians, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 180.0])
    >>> df.evaluate(df.deg2rad(x)).round(4)
    array([0.    , 3.1416], dtype=float32)
    """
    return _scaled(x, np.deg2rad, math.pi / 180)


@public(np.rad2deg, np.degrees)
def rad2deg(x: TensorLike, /) -> Tensor:
    """Return angles in radians as angles in degrees, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.5])
    >>> df.evaluate(df.rad2deg(x)).round(3)
    array([ 0.   , 28.648], dtype=float32)
    """
    return _scaled(x, np.rad2deg, 180 / math.pi)


arcsin = also_named(asin, "arcsin")
arccos = also_named(acos, "arccos")
arctan = also_named(atan, "arctan")
arctan2 = also_named(atan2, "arctan2")
radians = also_named(deg2rad, "radians")
degrees = also_named(rad2deg, "degrees")
