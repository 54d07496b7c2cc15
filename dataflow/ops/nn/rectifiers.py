"""Activations made of pieces: leaky and exponential rectifiers, hard bounds, shrinkage.

Derivatives at the kinks are PyTorch's. Two pieces are added up, each with 0 in the place of what
belongs to the other: masking takes half the time of a choice by branches, and a piece that isn't
taken has an argument at which nothing overflows, so that no gradient is 0 times inf. NaN stays NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.activations import RELU
from dataflow.ops.bitwise import logical_not
from dataflow.ops.comparison import greater, less, less_equal
from dataflow.ops.elementary import expm1
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import as_float_like, check_number
from dataflow.ops.nn.bounds import HARDTANH
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "celu", "elu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "prelu",
    "relu6", "selu", "softshrink", "threshold",
]  # fmt: skip

_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def _floats(x: TensorLike) -> Tensor:
    return promoted(RELU, np.tanh, x)[0]


@public(family="nn")
def leaky_relu(x: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """Return `x` above 0 and ``negative_slope * x`` elsewhere, element by element.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    negative_slope : float
        The derivative up to 0, 0 among it.

    Raises
    ------
    GraphError
        The slope is no number.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, -2.0])
    >>> df.evaluate(df.nn.leaky_relu(x, 0.25))
    array([ 2. , -0.5], dtype=float32)
    """
    check_number("leaky_relu", "negative_slope", negative_slope)
    high, low = _halves(_floats(x))
    return high + low * negative_slope


@public(family="nn")
def prelu(x: TensorLike, weight: TensorLike, axis: int = 1) -> Tensor:
    """Return `leaky_relu` with slopes that are learnt.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    weight : tensor or array_like
        One slope for all, or one for each channel.
    axis : int
        The axis of channels.

    Raises
    ------
    ShapeError
        There is neither one slope nor one for each channel.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[2.0, -2.0, -4.0]])
    >>> df.evaluate(df.nn.prelu(x, [1.0, 0.5, 0.25]))
    array([[ 2., -1., -1.]], dtype=float32)
    """
    x = _floats(x)
    slopes = as_float_like("prelu", weight, x)
    if slopes.shape not in ((), (1,)):
        place = normal_axis(axis, x.ndim)
        if slopes.shape != x.shape[place : place + 1]:
            msg = (f"prelu ({user_line()}): weight {shape_text(slopes.shape)} must be one slope, "
                   f"or one for each of {x.shape[place]} channels")  # fmt: skip
            raise ShapeError(msg)
        slopes = reshape(slopes, (x.shape[place], *[1] * (x.ndim - 1 - place)))
    elif not x.ndim:
        slopes = reshape(slopes, ())
    high, low = _halves(x)
    return high + low * slopes


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return `x` where it is above 0 and 0 elsewhere, and the rest, 0 and NaN among it."""
    above = greater(x, 0)
    return zero_where(logical_not(above), x), zero_where(above, x)


# Exponential below 0


@public(family="nn")
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Return `x` above 0 and ``alpha * (exp(x) - 1)`` elsewhere; the derivative at 0 is `alpha`.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
    Linear Units (ELUs)", ICLR 2016.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, -2.0])
    >>> df.evaluate(df.nn.elu(x)).round(4)
    array([ 2.    , -0.8647], dtype=float32)
    """
    check_number("elu", "alpha", alpha)
    high, low = _halves(_floats(x))
    return high + expm1(low) * alpha


@public(family="nn")
def selu(x: TensorLike) -> Tensor:
    """Return `elu` with a scale and an alpha that keep mean 0 and variance 1 through layers.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", NeurIPS 2017.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, -2.0])
    >>> df.evaluate(df.nn.selu(x)).round(4)
    array([ 2.1014, -1.5202], dtype=float32)
    """
    high, low = _halves(_floats(x))
    return high * _SCALE + expm1(low) * (_SCALE * _ALPHA)


@public(family="nn")
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Return `x` above 0 and ``alpha * (exp(x / alpha) - 1)`` elsewhere; smooth at 0.

    References
    ----------
    Barron, "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483 (2017).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, -2.0])
    >>> df.evaluate(df.nn.celu(x, 2.0)).round(4)
    array([ 2.    , -1.2642], dtype=float32)
    """
    check_number("celu", "alpha", alpha)
    if alpha == 0:
        msg = f"celu ({user_line()}): alpha must not be 0"
        raise GraphError(msg)
    high, low = _halves(_floats(x))
    return high + expm1(low / alpha) * alpha


# Bounds


@public(family="nn")
def hardtanh(x: TensorLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Return `x` kept between two bounds; the derivative at a bound is 0.

    Raises
    ------
    GraphError
        The bounds are no numbers, or the lower is not below the upper.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, -2.0])
    >>> df.evaluate(df.nn.hardtanh(x))
    array([ 0.5, -1. ], dtype=float32)
    """
    check_number("hardtanh", "min_val", min_val)
    check_number("hardtanh", "max_val", max_val)
    if not min_val < max_val:
        msg = f"hardtanh ({user_line()}): min_val {min_val} must be below max_val {max_val}"
        raise GraphError(msg)
    return _bounded(_floats(x), min_val, max_val)


def _bounded(x: Tensor, low: float, high: float) -> Tensor:
    return apply(HARDTANH, (x,), Attrs(low=float(low), high=float(high)))


@public(family="nn")
def relu6(x: TensorLike) -> Tensor:
    """Return `x` kept between 0 and 6; the derivative at a bound is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-1.0, 3.0, 9.0])
    >>> df.evaluate(df.nn.relu6(x))
    array([0., 3., 6.], dtype=float32)
    """
    return _bounded(_floats(x), 0.0, 6.0)


@public(family="nn")
def hardsigmoid(x: TensorLike) -> Tensor:
    """Return ``relu6(x + 3) / 6``, a sigmoid of three pieces.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-4.0, 0.0, 4.0])
    >>> df.evaluate(df.nn.hardsigmoid(x))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return _bounded(_floats(x) + 3.0, 0.0, 6.0) / 6.0


@public(family="nn")
def hardswish(x: TensorLike) -> Tensor:
    """Return ``x * relu6(x + 3) / 6``; 0 up to -3, and `x` from 3 on.

    References
    ----------
    Howard and others, "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-4.0, 1.0, 4.0])
    >>> df.evaluate(df.nn.hardswish(x)).round(4)
    array([0.    , 0.6667, 4.    ], dtype=float32)
    """
    x = _floats(x)
    return zero_where(less_equal(x, -3), x) * _bounded(x + 3.0, 0.0, 6.0) / 6.0


# Gaps


@public(family="nn")
def threshold(x: TensorLike, threshold: float, value: float) -> Tensor:
    """Return `x` above a threshold, and `value` elsewhere.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 3.0])
    >>> df.evaluate(df.nn.threshold(x, 2.0, -5.0))
    array([-5.,  3.], dtype=float32)
    """
    check_number("threshold", "threshold", threshold)
    check_number("threshold", "value", value)
    x = _floats(x)
    return where(less_equal(x, threshold), value, x)


@public(family="nn")
def hardshrink(x: TensorLike, lambd: float = 0.5) -> Tensor:
    """Return 0 from ``-lambd`` to `lambd`, and `x` elsewhere.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-2.0, 0.25, 2.0])
    >>> df.evaluate(df.nn.hardshrink(x))
    array([-2.,  0.,  2.], dtype=float32)
    """
    check_number("hardshrink", "lambd", lambd, 0)
    x = _floats(x)
    return zero_where(less_equal(abs(x), lambd), x)


@public(family="nn")
def softshrink(x: TensorLike, lambd: float = 0.5) -> Tensor:
    """Return 0 from ``-lambd`` to `lambd`, and elsewhere `x`, closer to 0 by `lambd`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-2.0, 0.25, 2.0])
    >>> df.evaluate(df.nn.softshrink(x))
    array([-1.5,  0. ,  1.5], dtype=float32)
    """
    check_number("softshrink", "lambd", lambd, 0)
    x = _floats(x)
    moved = where(less(x, 0), x + lambd, x - lambd)
    return zero_where(less_equal(abs(x), lambd), moved)
