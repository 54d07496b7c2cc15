"""Quotients that are whole, and what is left over, element by element, as NumPy 2 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary, call_function, promoted
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.errors import GraphError
from dataflow.sampling import FLOATS, INTEGERS, few, joined, ranges
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.operation import Application
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["div", "divmod", "floor_divide", "fmod", "mod", "remainder"]

_REALS = (*FLOATS, *INTEGERS)
_SIGNED = tuple(name for name in _REALS if not name.startswith("u"))


def _keep(application: Application, change: Tensor) -> Tensor:
    return change


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


@public(np.divmod)
def divmod(a: TensorLike, b: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Return ``a // b`` and ``a % b``, element by element; see `floor_divide` and `remainder`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -7])
    >>> df.evaluate(*df.divmod(x, 3))
    (array([ 2, -3]), array([1, 2]))
    """
    return floor_divide(a, b), remainder(a, b)


def _minus_truncated_quotient(application: Application, change: Tensor) -> Tensor:
    a, b = application.inputs
    return -change * call_function("trunc", a / b)


FMOD = elementwise(
    "fmod", np.fmod, "Fmod", (_keep, _minus_truncated_quotient),
    samples=joined(few((5, 5.8), (2, 2.4), dtypes=_REALS),
                   few((-6, 6), (2, 4), dtypes=_SIGNED, smooth=False)),
)  # fmt: skip


@public(np.fmod)
def fmod(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the remainder of ``a / b`` rounded towards zero: with the sign of `a`, as in C.

    See `add` for shapes, dtypes and errors, and `remainder` for that with the sign of `b`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -7])
    >>> df.evaluate(df.fmod(x, 3))
    array([ 1, -1])
    """
    return binary(FMOD, np.fmod, a, b)


@public()
def div(input: TensorLike, other: TensorLike, *, rounding_mode: str | None = None) -> Tensor:
    """Return ``input / other``, element by element, whole if asked for, as PyTorch does.

    Parameters
    ----------
    input, other : tensor or array_like
        Numbers whose shapes broadcast.
    rounding_mode : {None, "trunc", "floor"}
        None for the quotient itself; else whether it is rounded towards 0, or down.

    Raises
    ------
    GraphError
        There is no such mode.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, -7])
    >>> df.evaluate(df.div(x, 2), df.div(x, 2, rounding_mode="trunc"))
    (array([ 3.5, -3.5]), array([ 3, -3]))
    """
    if rounding_mode is None:
        return call_function("divide", input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        msg = f"rounding_mode ({user_line()}) is None, 'trunc' or 'floor', not {rounding_mode!r}"
        raise GraphError(msg)
    a, b = promoted(FMOD, np.fmod, input, other)
    if a.dtype.kind in "iu":
        return floor_divide(a - fmod(a, b), b)
    return call_function("trunc", call_function("divide", a, b))


mod = also_named(remainder, "mod")
