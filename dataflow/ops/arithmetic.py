"""Arithmetic, element by element: + - * / // % ** and their like, as NumPy 2 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary, unary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, joined, ranges, values

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.op import Application, Arrays, Call
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "abs", "add", "divide", "floor_divide", "multiply", "negative", "remainder", "sign", "subtract",
]  # fmt: skip

_NUMBERS = (*FLOATS, *INTEGERS, *COMPLEX)
_REALS = (*FLOATS, *INTEGERS)
_SIGNED = tuple(name for name in _REALS if not name.startswith("u"))


def _keep(application: Application, change: Tensor) -> Tensor:
    return change


def _negated(application: Application, change: Tensor) -> Tensor:
    return -change


def _times_second(application: Application, change: Tensor) -> Tensor:
    return change * application.inputs[1]


def _times_first(application: Application, change: Tensor) -> Tensor:
    return change * application.inputs[0]


ADD = elementwise(
    "add", np.add, "Add", (_keep, _keep), samples=values(-3, 3, 2, dtypes=("bool", *_NUMBERS))
)


@public(np.add)
def add(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a + b``, element by element.

    Parameters
    ----------
    a, b : tensor or array_like
        Shapes that broadcast; dtypes are promoted as NumPy 2 does. At least one is a tensor.

    Returns
    -------
    Tensor
        The broadcast shape.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or NumPy can't add these dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.add(x, 1))
    array([2., 3.], dtype=float32)
    """
    return binary(ADD, np.add, a, b)


SUBTRACT = elementwise(
    "subtract", np.subtract, "Sub", (_keep, _negated), samples=values(-3, 3, 2, dtypes=_NUMBERS)
)


@public(np.subtract)
def subtract(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a - b``, element by element; see `add` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.subtract(x, 1))
    array([0., 1.], dtype=float32)
    """
    return binary(SUBTRACT, np.subtract, a, b)


MULTIPLY = elementwise(
    "multiply", np.multiply, "Mul", (_times_second, _times_first),
    samples=values(-3, 3, 2, dtypes=("bool", *_NUMBERS)),
)  # fmt: skip


@public(np.multiply)
def multiply(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a * b``, element by element; see `add` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.multiply(x, 3))
    array([3., 6.], dtype=float32)
    """
    return binary(MULTIPLY, np.multiply, a, b)


def _over_second(application: Application, change: Tensor) -> Tensor:
    return change / application.inputs[1]


def _quotient_second(application: Application, change: Tensor) -> Tensor:
    return -change * application.outputs[0] / application.inputs[1]


DIVIDE = elementwise(
    "divide", np.true_divide, "Div", (_over_second, _quotient_second),
    samples=values(1, 3, 2, dtypes=(*FLOATS, *COMPLEX)),
)  # fmt: skip


@public(np.true_divide)
def divide(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a / b``, element by element: floats, float64 for most integers.

    See `add` for shapes, dtypes and errors. Division by zero gives inf or NaN, as in NumPy.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.divide(x, 2))
    array([0.5, 1. ])
    """
    return binary(DIVIDE, np.true_divide, a, b)


def _negative_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Multiply by -1: NumPy 2.4's np.negative gives wrong values where both strides are long."""
    if outs[0].dtype.kind == "c":
        return [(np.negative, (ins[0], outs[0]))]
    return [(np.multiply, (ins[0], np.asarray(-1).astype(outs[0].dtype), outs[0]))]


NEGATIVE = elementwise(
    "negative", np.negative, "Neg", (_negated,), kinds="iufc", kernel=_negative_kernel,
    samples=values(-3, 3, dtypes=_NUMBERS),
)  # fmt: skip


@public(np.negative)
def negative(x: TensorLike) -> Tensor:
    """Return ``-x``, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2])
    >>> df.evaluate(df.negative(x))
    array([-1,  2])
    """
    return unary(NEGATIVE, np.negative, x)


FLOOR_DIVIDE = elementwise(
    "floor_divide", np.floor_divide, "FloorDivide", (None, None),
    samples=joined(ranges(((5, 5.8), (2, 2.4)), dtypes=_REALS),
                   ranges(((-6, 6), (2, 4)), dtypes=_SIGNED, smooth=False)),
)  # fmt: skip


@public(np.floor_divide)
def floor_divide(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a // b``, element by element: the quotient rounded down. Its derivative is zero.

    See `add` for shapes, dtypes and errors. An integer divided by zero gives 0, as in NumPy.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -7])
    >>> df.evaluate(df.floor_divide(x, 2))
    array([ 3, -4])
    """
    return binary(FLOOR_DIVIDE, np.floor_divide, a, b)


def _minus_quotient(application: Application, change: Tensor) -> Tensor:
    a, b = application.inputs
    return -change * floor_divide(a, b)


REMAINDER = elementwise(
    "remainder", np.remainder, "Remainder", (_keep, _minus_quotient),
    samples=joined(ranges(((5, 5.8), (2, 2.4)), dtypes=_REALS),
                   ranges(((-6, 6), (2, 4)), dtypes=_SIGNED, smooth=False)),
)  # fmt: skip


@public(np.remainder)
def remainder(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a % b``, element by element, with the sign of `b`.

    See `add` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -7])
    >>> df.evaluate(df.remainder(x, 3))
    array([1, 2])
    """
    return binary(REMAINDER, np.remainder, a, b)


def _times_sign(application: Application, change: Tensor) -> Tensor:
    return change * sign(application.inputs[0])


ABS = elementwise(
    "abs", np.absolute, "Abs", (_times_sign,), kinds="biuf",
    samples=joined(values(-3, -0.5), values(-3, 3, dtypes=("bool", *_REALS), smooth=False)),
)  # fmt: skip


@public(np.absolute)
def abs(x: TensorLike) -> Tensor:
    """Return the absolute value of real numbers. The derivative at 0 is 0.

    Raises
    ------
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2])
    >>> df.evaluate(df.abs(x))
    array([1, 2])
    """
    return unary(ABS, np.absolute, x)


SIGN = elementwise(
    "sign", np.sign, "Sign", (None,), kinds="iuf",
    samples=joined(values(-3, -0.5), values(-3, 3, dtypes=_REALS, smooth=False)),
)  # fmt: skip


@public(np.sign)
def sign(x: TensorLike) -> Tensor:
    """Return -1, 0 or 1 by the sign of real numbers. The derivative is 0.

    Raises
    ------
    DTypeError
        The tensor is complex or of bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 0, -2])
    >>> df.evaluate(df.sign(x))
    array([ 1,  0, -1])
    """
    return unary(SIGN, np.sign, x)
