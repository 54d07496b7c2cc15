"""Arithmetic, element by element: + - * / and their like, as NumPy 2 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, binary, promoted, unary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.ops.complex_numbers import conj, real
from dataflow.ops.directions import SGN
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, few, joined, values

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "abs",
    "absolute",
    "add",
    "divide",
    "fabs",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "sgn",
    "sign",
    "sub",
    "subtract",
    "true_divide",
]

_NUMBERS = (*FLOATS, *INTEGERS, *COMPLEX)
_REALS = (*FLOATS, *INTEGERS)


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
    """Flip the sign bits of floats, NaN's too, and multiply integers by -1.

    NumPy 2.4's np.negative gives wrong values of real numbers where both strides are long.
    """
    (out,), (x,) = outs, ins
    if out.dtype.kind == "c":
        return [(np.negative, (x, out))]
    if out.dtype.kind == "f":
        bits = np.dtype(f"u{out.itemsize}")
        sign = np.asarray(1 << (8 * out.itemsize - 1), bits)
        return [(np.bitwise_xor, (x.view(bits), sign, out.view(bits)))]
    return [(np.multiply, (x, np.asarray(-1).astype(out.dtype), out))]


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


@public(np.positive)
def positive(x: TensorLike, /) -> Tensor:
    """Return `x` itself, if it is of numbers.

    Raises
    ------
    DTypeError
        The tensor is of bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2])
    >>> df.evaluate(df.positive(x))
    array([ 1, -2])
    """
    return promoted(NEGATIVE, np.positive, x)[0]


def _along_sign(application: Application, change: Tensor) -> Tensor:
    """Turn a cotangent into the direction of x, and take the part of a tangent in it."""
    direction = sign(application.inputs[0])
    is_tangent = change.dtype.kind == "c"
    return real(conj(direction) * change) if is_tangent else change * direction


ABS = elementwise(
    "abs", np.absolute, "Abs", (_along_sign,),
    samples=joined(values(-3, -0.5), few((-3, 3), dtypes=COMPLEX),
                   values(-3, 3, dtypes=("bool", *_REALS), smooth=False)),
)  # fmt: skip


@public(np.absolute)
def abs(x: TensorLike, /) -> Tensor:
    """Return the absolute value, of complex numbers as floats. The derivative at 0 is 0.

    The gradient by a complex number x is that by its two parts, ``x / abs(x)``, as in PyTorch.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2])
    >>> df.evaluate(df.abs(x))
    array([1, 2])
    """
    return unary(ABS, np.absolute, x)


@public(np.fabs)
def fabs(x: TensorLike, /) -> Tensor:
    """Return the absolute value of real numbers as floats; see `abs`.

    Raises
    ------
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2])
    >>> df.evaluate(df.fabs(x))
    array([1., 2.])
    """
    return apply(ABS, promoted(ABS, np.fabs, x))


SIGN = elementwise(
    "sign", np.sign, "Sign", (None,), kinds="iuf",
    samples=joined(values(-3, -0.5), values(-3, 3, dtypes=_REALS, smooth=False)),
)  # fmt: skip


@public(np.sign)
def sign(x: TensorLike, /) -> Tensor:
    """Return -1, 0 or 1 by the sign of real numbers, and ``x / abs(x)`` of complex ones.

    The derivative of the sign of real numbers is 0; that of complex ones is 0 at 0.

    Raises
    ------
    DTypeError
        The tensor is of bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3, 0, -2])
    >>> df.evaluate(df.sign(x))
    array([ 1,  0, -1])
    """
    operands = promoted(SIGN, np.sign, x)
    return apply(SGN if operands[0].dtype.kind == "c" else SIGN, operands)


absolute = also_named(abs, "absolute")
sgn = also_named(sign, "sgn")
true_divide = also_named(divide, "true_divide")
mul = also_named(multiply, "mul")
neg = also_named(negative, "neg")
sub = also_named(subtract, "sub")
