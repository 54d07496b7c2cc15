"""Powers, squares, roots, reciprocals: ``**`` with a plain 2, 0.5 or -1 is one of the latter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, binary, call_function, promoted, unary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.errors import DTypeError
from dataflow.ops.bitwise import logical_not
from dataflow.ops.comparison import equal, greater, greater_equal
from dataflow.ops.elementary import log
from dataflow.ops.selection import where
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, few, joined, ranges, values
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import TensorLike

__all__ = ["cbrt", "float_power", "hypot", "pow", "power", "reciprocal", "rsqrt", "sqrt",
           "square"]  # fmt: skip


def _twice_input(application: Application, change: Tensor) -> Tensor:
    return change * (application.inputs[0] * 2)


SQUARE = elementwise(
    "square", np.square, "Pow", (_twice_input,), kinds="iufc",
    samples=values(-3, 3, dtypes=(*FLOATS, *INTEGERS, *COMPLEX)),
)  # fmt: skip


@public(np.square)
def square(x: TensorLike) -> Tensor:
    """Return ``x * x``, element by element, for numbers of any dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.square(x))
    array([1., 4.], dtype=float32)
    """
    return unary(SQUARE, np.square, x)


def _over_twice_output(application: Application, change: Tensor) -> Tensor:
    return change / (application.outputs[0] * 2)


SQRT = elementwise(
    "sqrt", np.sqrt, "Sqrt", (_over_twice_output,), flops=4,
    samples=values(0.5, 3, dtypes=(*FLOATS, *COMPLEX)),
)  # fmt: skip


@public(np.sqrt)
def sqrt(x: TensorLike) -> Tensor:
    """Return the square root, element by element: NaN below 0, and the derivative inf at 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4.0, 9.0])
    >>> df.evaluate(df.sqrt(x))
    array([2., 3.], dtype=float32)
    """
    return unary(SQRT, np.sqrt, x)


def _over_thrice_output_squared(application: Application, change: Tensor) -> Tensor:
    return change / (square(application.outputs[0]) * 3)


CBRT = elementwise(
    "cbrt", np.cbrt, "Cbrt", (_over_thrice_output_squared,), flops=20,
    samples=joined(few((0.5, 3)), few((-3, -0.5))),
)  # fmt: skip


@public(np.cbrt)
def cbrt(x: TensorLike, /) -> Tensor:
    """Return the cube root of real numbers: that of -8 is -2. The derivative at 0 is inf.

    Raises
    ------
    DTypeError
        The tensor is complex: NumPy has no such cube root.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([8.0, -27.0])
    >>> df.evaluate(df.cbrt(x)).round(4)
    array([ 2., -3.], dtype=float32)
    """
    return unary(CBRT, np.cbrt, x)


def _hypot_first(application: Application, change: Tensor) -> Tensor:
    return change * (application.inputs[0] / _unless_zero(application.outputs[0]))


def _hypot_second(application: Application, change: Tensor) -> Tensor:
    return change * (application.inputs[1] / _unless_zero(application.outputs[0]))


def _unless_zero(length: Tensor) -> Tensor:
    return where(equal(length, 0), 1, length)


HYPOT = elementwise(
    "hypot", np.hypot, "Hypot", (_hypot_first, _hypot_second), flops=8,
    samples=few((-3, 3), (0.5, 3)),
)  # fmt: skip


@public(np.hypot)
def hypot(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return ``sqrt(a² + b²)`` without over- or underflow on the way, element by element.

    Parameters
    ----------
    a, b : tensor or array_like
        Real numbers whose shapes broadcast; integers become floats.

    Returns
    -------
    Tensor
        The broadcast shape. The derivatives at (0, 0) are 0, as those of `abs` at 0.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or a tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 5.0])
    >>> df.evaluate(df.hypot(x, 12.0)).round(4)
    array([12.3693, 13.    ], dtype=float32)
    """
    return binary(HYPOT, np.hypot, a, b)


def safe_hypot(a: Tensor, b: Tensor) -> Tensor:
    """Return the length of (a, b) as a divisor: 1 where both are 0."""
    return _unless_zero(hypot(a, b))


def one_beside(x: Tensor) -> complex:
    """Return a 1 that, added to `x` or less `x`, keeps the sign of an imaginary 0.

    That sign is the side of a branch cut, and 0 + -0 is 0, while -0 + -0 is -0.
    """
    return complex(1, -0.0) if x.dtype.kind == "c" else 1


def _minus_output_squared(application: Application, change: Tensor) -> Tensor:
    return -change * square(application.outputs[0])


RECIPROCAL = elementwise(
    "reciprocal", np.reciprocal, "Reciprocal", (_minus_output_squared,), kinds="fc", flops=4,
    samples=values(0.5, 3, dtypes=(*FLOATS, *COMPLEX)),
)  # fmt: skip


@public(np.reciprocal)
def reciprocal(x: TensorLike) -> Tensor:
    """Return ``1 / x``, element by element, for floats and complex numbers.

    Raises
    ------
    DTypeError
        The tensor is of integers, whose reciprocals NumPy rounds to 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([2.0, 4.0])
    >>> df.evaluate(df.reciprocal(x))
    array([0.5 , 0.25], dtype=float32)
    """
    return unary(RECIPROCAL, np.reciprocal, x)


def _power_base(application: Application, change: Tensor) -> Tensor:
    """Return b a^(b-1), and 0 at a = b = 0."""
    a, b = application.inputs
    return change * (b * power(a, _steady_exponent(a, b) - 1))


def _steady_exponent(a: Tensor, b: Tensor) -> Tensor:
    """Return b, and 1 where it is 0 and 1/a is no number: 0 a^-1 is to be 0 there.

    Elsewhere it must stay b, whose derivative of b a^(b-1) is 1/a at b = 0.
    """
    known = a.builder.known(b)
    if known is not None and known.all():
        return b
    smallest = float(np.finfo(a.dtype).tiny)
    return where(equal(b, 0) & logical_not(greater(call_function("abs", a), smallest)), 1, b)


def _power_exponent(application: Application, change: Tensor) -> Tensor:
    """Return a^b log(a), and 0 at a = 0 where b (its real part) is >= 0, as PyTorch does."""
    a, b = application.inputs
    flat = equal(a, 0) & greater_equal(call_function("real", b), 0)
    return change * (application.outputs[0] * log(where(flat, 1, a)))


POWER = elementwise(
    "power", np.power, "Pow", (_power_base, _power_exponent), kinds="fc", flops=20,
    samples=joined(ranges(((0.5, 3), (-2, 3))),
                   few((0.5, 3), (-2, 3), dtypes=COMPLEX), few((0.5, 3), (0, 0))),
)  # fmt: skip

# An op of its own: NumPy refuses a negative exponent when it meets one, so that a step of this
# kind can fail on its data, while no power of floats can.
INTEGER_POWER = elementwise(
    "integer_power", np.power, "Pow", (None, None), kinds="iu", flops=20, fallible=True,
    samples=ranges(((0, 4), (0, 4)), dtypes=INTEGERS),
)  # fmt: skip

_SHORTCUTS = {2: square, 0.5: sqrt, -1: reciprocal}


def _shortcut(a: TensorLike, b: TensorLike) -> Tensor | None:
    """Return the power as another op, where there is one that gives the same dtype."""
    if not isinstance(a, Tensor) or type(b) not in (int, float):
        return None
    if a.spec.is_float and b in _SHORTCUTS:
        return _SHORTCUTS[b](a)  # type: ignore[index]  # a Python scalar, as just checked
    return square(a) if type(b) is int and b == 2 and a.dtype.kind in "iu" else None


@public(np.power)
def power(a: TensorLike, b: TensorLike) -> Tensor:
    """Return ``a ** b``, element by element.

    Parameters
    ----------
    a, b : tensor or array_like
        Shapes that broadcast; dtypes are promoted as NumPy 2 does: ``float32 ** 2`` is float32.

    Returns
    -------
    Tensor
        The broadcast shape. A negative float to a fractional power is NaN.

    Raises
    ------
    DTypeError
        Integers to a negative power; where the exponent is a tensor, `KernelError` at the run.
    ShapeError
        The shapes don't broadcast.

    Notes
    -----
    The plain exponents 2, 0.5 and -1 become `square`, `sqrt` and `reciprocal`, as in NumPy. The
    derivative by the exponent is 0 at ``a == 0`` (where ``b >= 0``), that by the base is 0 where
    ``b == 0``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.power(x, 3))
    array([1., 8.], dtype=float32)
    """
    shorter = _shortcut(a, b)
    if shorter is not None:
        return shorter
    if type(b) is int and b < 0 and not (isinstance(a, Tensor) and a.spec.is_float):
        msg = (f"integers to the power of {b} ({user_line()}): use a float exponent, or cast the "
               "base with astype")  # fmt: skip
        raise DTypeError(msg)
    operands = promoted(POWER, np.power, a, b)
    return apply(INTEGER_POWER if operands[0].dtype.kind in "iu" else POWER, operands)


pow = also_named(power, "pow")


@public(np.float_power)
def float_power(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return ``a ** b`` in float64 or complex128, so that integers have negative powers too.

    See `power` for shapes and derivatives.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 4])
    >>> df.evaluate(df.float_power(x, -2))
    array([1.    , 0.25  , 0.0625])
    """
    return apply(POWER, promoted(POWER, np.float_power, a, b))


@public()
def rsqrt(x: TensorLike) -> Tensor:
    """Return ``1 / sqrt(x)``, element by element: inf at 0, NaN below.

    Parameters
    ----------
    x : tensor or array_like
        Numbers of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4.0, 0.25])
    >>> df.evaluate(df.rsqrt(x))
    array([0.5, 2. ], dtype=float32)
    """
    return reciprocal(sqrt(x))
