"""The loop of `scheduler.small_steps`, compiled by Numba and cached on disk."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import types as numba_types
from numba.extending import intrinsic

__all__ = ["loop"]


_njit: Any = numba.njit  # types of Numba's own say less than they should


def _address(typing_context: Any, address: Any, like: Any) -> Any:  # noqa: ANN401 - Numba's types
    """Return the pointer to elements like those of an array at an address."""

    def made(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    types: Any = numba_types
    return types.CPointer(like.dtype)(address, like), made


_at: Any = intrinsic(_address)


def _value_of(number: Any, x: Any, y: Any, one: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912
    """Return what the operation of a number gives; see `scheduler.small_steps.OPERATIONS`."""
    zero = one - one
    if number == 0:
        return x + y
    if number == 1:
        return x - y
    if number == 2:
        return x * y
    if number == 3:
        return x / y
    if number == 4:
        return -x
    if number == 5:
        return x * x
    if number == 6:
        return np.sqrt(x)
    if number == 7:
        return one / x
    if number == 8:
        return np.abs(x)
    if number == 9:
        return np.sin(x)
    if number == 10:
        return np.cos(x)
    if number == 11:
        return np.tan(x)
    if number == 12:
        return np.exp(x)
    if number == 13:
        return np.expm1(x)
    if number == 14:
        return np.log(x)
    if number == 15:
        return np.log1p(x)
    if number == 16:
        return np.tanh(x)
    if number == 17:
        return np.sinh(x)
    if number == 18:
        return np.cosh(x)
    if number == 19:
        return np.arctan(x)
    if number == 20:
        return x if x >= y or np.isnan(x) else y
    if number == 21:
        return x if x <= y or np.isnan(x) else y
    if number == 22:
        return x if x > zero or np.isnan(x) else zero
    return x  # copy


_value: Any = _njit(inline="always", error_model="numpy")(_value_of)


def _loop(table: Any, one: Any) -> None:  # noqa: ANN401
    """Compute the rows of a table in turn.

    Parameters
    ----------
    table : numpy.ndarray
        int64 (rows, 7): the operation's number, elements, the addresses of the result and of two
        operands, and by how many elements each operand advances.
    one : numpy.ndarray
        One 1 of the dtype of all elements.
    """
    for row in range(len(table)):
        out, a, b = _at(table[row, 2], one), _at(table[row, 3], one), _at(table[row, 4], one)
        for i in range(table[row, 1]):
            out[i] = _value(table[row, 0], a[i * table[row, 5]], b[i * table[row, 6]], one[0])


loop: Any = _njit(cache=True, nogil=True, error_model="numpy")(_loop)
