"""Activations with thresholds: hard bounds, and gaps in which small numbers vanish.

Derivatives at the kinks are PyTorch's, and NaN stays NaN; see `dataflow.ops.nn.rectifiers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.comparison import less, less_equal
from dataflow.ops.masking import zero_where
from dataflow.ops.nn.arguments import activation_input, check_number
from dataflow.ops.nn.bounds import HARDTANH
from dataflow.ops.selection import where
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "relu6", "softshrink", "threshold",
]  # fmt: skip


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
    return _bounded(activation_input(x), min_val, max_val)


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
    return _bounded(activation_input(x), 0.0, 6.0)


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
    return _bounded(activation_input(x) + 3.0, 0.0, 6.0) / 6.0


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
    x = activation_input(x)
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
    x = activation_input(x)
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
    x = activation_input(x)
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
    x = activation_input(x)
    moved = where(less(x, 0), x + lambd, x - lambd)
    return zero_where(less_equal(abs(x), lambd), moved)
