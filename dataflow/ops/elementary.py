"""Elementary functions, element by element, by NumPy's own loops. Integers become floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function, unary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.sampling import COMPLEX, FLOATS, values

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cos", "exp", "expm1", "log", "log1p", "sin", "tanh"]

_DTYPES = (*FLOATS, *COMPLEX)


def _times_output(application: Application, change: Tensor) -> Tensor:
    return change * application.outputs[0]


EXP = elementwise(
    "exp", np.exp, "Exp", (_times_output,), flops=20, samples=values(-2, 2, dtypes=_DTYPES),
)  # fmt: skip


@public(np.exp)
def exp(x: TensorLike) -> Tensor:
    """Return the exponential, ``e ** x``, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.exp(x)).round(4)
    array([1.    , 2.7183], dtype=float32)
    """
    return unary(EXP, np.exp, x)


def _times_exponential(application: Application, change: Tensor) -> Tensor:
    return change * exp(application.inputs[0])  # not the output and 1, which cancel far below 0


EXPM1 = elementwise(
    "expm1",
    np.expm1,
    "Expm1",
    (_times_exponential,),
    flops=20,
    samples=values(-1, 1, dtypes=_DTYPES),
)


@public(np.expm1)
def expm1(x: TensorLike) -> Tensor:
    """Return ``exp(x) - 1``, exact near 0, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.expm1(x)).round(4)
    array([0.    , 1.7183], dtype=float32)
    """
    return unary(EXPM1, np.expm1, x)


def _over_input(application: Application, change: Tensor) -> Tensor:
    return change / application.inputs[0]


LOG = elementwise(
    "log", np.log, "Log", (_over_input,), flops=20, samples=values(0.5, 3, dtypes=_DTYPES),
)  # fmt: skip


@public(np.log)
def log(x: TensorLike) -> Tensor:
    """Return the natural logarithm: -inf at 0 and NaN below, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 10.0])
    >>> df.evaluate(df.log(x)).round(4)
    array([0.    , 2.3026], dtype=float32)
    """
    return unary(LOG, np.log, x)


def _over_input_plus_one(application: Application, change: Tensor) -> Tensor:
    return change / (application.inputs[0] + 1)


LOG1P = elementwise(
    "log1p",
    np.log1p,
    "Log1p",
    (_over_input_plus_one,),
    flops=20,
    samples=values(-0.5, 3, dtypes=_DTYPES),
)


@public(np.log1p)
def log1p(x: TensorLike) -> Tensor:
    """Return ``log(1 + x)``, exact near 0, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.log1p(x)).round(4)
    array([0.    , 0.6931], dtype=float32)
    """
    return unary(LOG1P, np.log1p, x)


def _times_cosine(application: Application, change: Tensor) -> Tensor:
    return change * cos(application.inputs[0])


SIN = elementwise(
    "sin", np.sin, "Sin", (_times_cosine,), flops=20, samples=values(-3, 3, dtypes=_DTYPES),
)  # fmt: skip


@public(np.sin)
def sin(x: TensorLike) -> Tensor:
    """Return the sine of angles in radians, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.sin(x)).round(4)
    array([0.    , 0.8415], dtype=float32)
    """
    return unary(SIN, np.sin, x)


def _times_minus_sine(application: Application, change: Tensor) -> Tensor:
    return -change * sin(application.inputs[0])


COS = elementwise(
    "cos", np.cos, "Cos", (_times_minus_sine,), flops=20, samples=values(-3, 3, dtypes=_DTYPES),
)  # fmt: skip


@public(np.cos)
def cos(x: TensorLike) -> Tensor:
    """Return the cosine of angles in radians, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.cos(x)).round(4)
    array([1.    , 0.5403], dtype=float32)
    """
    return unary(COS, np.cos, x)


def _times_one_minus_square(application: Application, change: Tensor) -> Tensor:
    return change * (1 - call_function("square", application.outputs[0]))


TANH = elementwise(
    "tanh",
    np.tanh,
    "Tanh",
    (_times_one_minus_square,),
    flops=20,
    samples=values(-2, 2, dtypes=_DTYPES),
)


@public(np.tanh)
def tanh(x: TensorLike) -> Tensor:
    """Return the hyperbolic tangent, element by element.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.tanh(x)).round(4)
    array([0.    , 0.7616], dtype=float32)
    """
    return unary(TANH, np.tanh, x)
