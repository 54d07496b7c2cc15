"""Arithmetic, element by element: + - * / // % ** and their like, as NumPy 2 has them."""

from __future__ import annotations

import numpy as np

from dataflow.derive import FLOATS, INTEGERS, binary, call_function, elementwise, unary, values
from dataflow.dispatch import public
from dataflow.op import Application, Sample
from dataflow.tensor import Tensor, TensorLike

__all__ = ["add", "divide", "multiply", "negative", "subtract"]

_COMPLEX = ("complex64", "complex128")
_NUMBERS = (*FLOATS, *INTEGERS, *_COMPLEX)
_REALS = (*FLOATS, *INTEGERS)


def _keep(application: Application, change: Tensor) -> Tensor:  # noqa: ARG001
    return change


def _negated(application: Application, change: Tensor) -> Tensor:  # noqa: ARG001
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
    samples=values(1, 3, 2, dtypes=(*FLOATS, *_COMPLEX)),
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


NEGATIVE = elementwise(
    "negative", np.negative, "Neg", (_negated,), samples=values(-3, 3, dtypes=_NUMBERS)
)


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
