"""Rectifiers that let something through below 0: leaky and exponential ones.

Derivatives at the kinks are PyTorch's. Two pieces are added up, each with 0 in the place of what
belongs to the other: masking takes half the time of a choice by branches, and a piece that isn't
taken has an argument at which nothing overflows, so that no gradient is 0 times inf. NaN stays NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.bitwise import logical_not
from dataflow.ops.comparison import greater
from dataflow.ops.elementary import expm1
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import activation_input, check_number
from dataflow.ops.parameters import as_float_like
from dataflow.ops.shaping import reshape
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["celu", "elu", "leaky_relu", "prelu", "selu"]

_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


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
    high, low = _halves(activation_input(x))
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
    x = activation_input(x)
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
    high, low = _halves(activation_input(x))
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
    high, low = _halves(activation_input(x))
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
    high, low = _halves(activation_input(x))
    return high + expm1(low / alpha) * alpha
