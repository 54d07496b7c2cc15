"""Smooth activations, and gates: one half of a tensor lets the other half through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.activations import gelu, sigmoid, silu
from dataflow.ops.comparison import greater
from dataflow.ops.elementary import tanh
from dataflow.ops.nn.arguments import activation_input, axis_of, check_number
from dataflow.ops.parameters import as_float_like
from dataflow.ops.powers import hypot
from dataflow.ops.selection import where
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "geglu", "glu", "quick_gelu", "softsign", "squareplus", "swiglu", "swish", "tanhshrink",
]  # fmt: skip


@public(family="nn")
def swish(x: TensorLike, beta: TensorLike = 1.0) -> Tensor:
    """Return ``x * sigmoid(beta * x)``, element by element: `silu` with a slope that is learnt.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    beta : number, tensor or array_like
        Of a shape that broadcasts.

    References
    ----------
    Ramachandran, Zoph and Le, "Searching for Activation Functions", arXiv:1710.05941 (2017).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.nn.swish(x, 2.0)).round(4)
    array([0.   , 1.964], dtype=float32)
    """
    x = activation_input(x)
    return x * sigmoid(x * as_float_like("swish", beta, x))


@public(family="nn")
def quick_gelu(x: TensorLike) -> Tensor:
    """Return ``x * sigmoid(1.702 * x)``, which is within 0.021 of `gelu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.quick_gelu(x)).round(4)
    array([0.    , 0.8458], dtype=float32)
    """
    x = activation_input(x)
    return x * sigmoid(x * 1.702)


@public(family="nn")
def softsign(x: TensorLike) -> Tensor:
    """Return ``x / (1 + |x|)``, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -3.0])
    >>> df.evaluate(df.nn.softsign(x))
    array([ 0.5 , -0.75], dtype=float32)
    """
    x = activation_input(x)
    return x / (abs(x) + 1.0)


@public(family="nn")
def tanhshrink(x: TensorLike) -> Tensor:
    """Return ``x - tanh(x)``, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.nn.tanhshrink(x)).round(4)
    array([0.   , 1.036], dtype=float32)
    """
    x = activation_input(x)
    return x - tanh(x)


@public(family="nn")
def squareplus(x: TensorLike, b: float = 4.0) -> Tensor:
    """Return ``(x + sqrt(x² + b)) / 2``, a smooth `relu` without exponentials.

    Below 0 it is computed as ``b / 2 / (sqrt(x² + b) - x)``, which keeps the digits of the tail.

    Parameters
    ----------
    x : tensor
        Floats of any shape; integers become floats.
    b : float
        How wide it bends; above 0.

    Raises
    ------
    GraphError
        `b` is no number above 0.

    References
    ----------
    Barron, "Squareplus: A Softplus-Like Algebraic Rectifier", arXiv:2112.11687 (2021).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, -1e6])
    >>> df.evaluate(df.nn.squareplus(x))
    array([1.e+00, 1.e-06], dtype=float32)
    """
    check_number("squareplus", "b", b)
    if not b > 0:
        msg = f"squareplus ({user_line()}): b is a number above 0, not {b!r}"
        raise GraphError(msg)
    x = activation_input(x)
    is_positive = greater(x, 0)
    length = hypot(x, math.sqrt(b)) + where(is_positive, x, -x)
    return where(is_positive, length * 0.5, b / 2 / length)


# Gates


@public(family="nn")
def glu(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return ``a * sigmoid(b)``, a and b being the first and the second half of `x` along an axis.

    Parameters
    ----------
    x : tensor
        Floats; integers become floats.
    axis : int
        An axis of even length.
    dim : int, optional
        PyTorch's name for it.

    Returns
    -------
    Tensor
        Half as long along the axis.

    Raises
    ------
    ShapeError
        The axis is out of range or its length isn't even.

    References
    ----------
    Dauphin, Fan, Auli and Grangier, "Language Modeling with Gated Convolutional Networks",
    ICML 2017; Shazeer, "GLU Variants Improve Transformer", arXiv:2002.05202 (2020).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 5.0, 0.0, 100.0])
    >>> df.evaluate(df.nn.glu(x))
    array([1.5, 5. ], dtype=float32)
    """
    return _gated("glu", sigmoid, x, axis_of("glu", axis, dim))


@public(family="nn")
def geglu(x: TensorLike, axis: int = -1) -> Tensor:
    """Return ``a * gelu(b)``, a and b being the halves of `x`; see `glu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 5.0, 0.0, 100.0])
    >>> df.evaluate(df.nn.geglu(x))
    array([  0., 500.], dtype=float32)
    """
    return _gated("geglu", gelu, x, axis)


@public(family="nn")
def swiglu(x: TensorLike, axis: int = -1) -> Tensor:
    """Return ``a * silu(b)``, a and b being the halves of `x`; see `glu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 5.0, 0.0, 100.0])
    >>> df.evaluate(df.nn.swiglu(x))
    array([  0., 500.], dtype=float32)
    """
    return _gated("swiglu", silu, x, axis)


def _gated(name: str, function: Callable[[Tensor], Tensor], x: TensorLike, axis: int) -> Tensor:
    floats = activation_input(x)
    place = normal_axis(axis, floats.ndim)
    length = floats.shape[place]
    half = length // 2
    if half * 2 != length:
        msg = f"{name} ({user_line()}): axis {axis} of {floats.spec} must have an even length"
        raise ShapeError(msg)
    before = (slice(None),) * place
    return floats[(*before, slice(half))] * function(floats[(*before, slice(half, length))])
