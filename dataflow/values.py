"""What a builder takes for a spec or a constant, checked before anything is declared."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import DTypeError, GraphError
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike

__all__ = ["array_of", "check_grad", "declared_spec", "locked_copy", "shortened"]

_NUMPY_VALUES = (np.ndarray, np.generic)
_SINGLE = {"float64": np.dtype(np.float32), "complex128": np.dtype(np.complex64)}
_LONGEST_VALUE = 60  # of a value in a message, in characters


def declared_spec(what: str, shape: DimLike | Iterable[DimLike], dtype: object) -> Spec:
    """Return the spec of what is declared; the errors say at which line of the user's."""
    try:
        return Spec.of(shape, dtype)
    except GraphError as error:
        msg = f"{what} ({user_line()}): {error}"
        raise type(error)(msg) from None


def check_grad(what: str, spec: Spec, *, requires_grad: bool) -> None:
    """Refuse a gradient of integers, and what says neither yes nor no."""
    if not isinstance(requires_grad, bool | np.bool_):
        msg = f"{what} ({user_line()}): requires_grad is True or False, not {requires_grad!r}"
        raise DTypeError(msg)
    if requires_grad and not spec.is_float:
        msg = (f"{what} ({user_line()}) is {spec}: only floating-point tensors can require a "
               "gradient")  # fmt: skip
        raise DTypeError(msg)


def locked_copy(value: ArrayLike, dtype: object) -> np.ndarray:
    """Return a copy of a constant's values that can't be written to."""
    try:
        wanted = None if dtype is None else as_dtype(dtype)
        _check_numbers(value, wanted)
        array = np.array(value, dtype=wanted, order="C")
        given = as_dtype(array.dtype)
    except (OverflowError, ValueError, TypeError) as error:
        msg = f"a constant ({user_line()}) can't be made of {shortened(value)}: {error}"
        raise DTypeError(msg) from None
    if dtype is None and not isinstance(value, _NUMPY_VALUES):
        given = _SINGLE.get(given.name, given)
    array = array.astype(given, copy=False)
    array.setflags(write=False)
    return array


def array_of(value: object) -> np.ndarray:
    """Return NumPy's array of a value; one with a mask is refused, for its mask would be lost."""
    if hasattr(value, "mask") and hasattr(value, "filled"):
        msg = "a masked array has no tensor: use a.filled(value), and its mask as a condition"
        raise DTypeError(msg)
    return np.asarray(value)


def _check_numbers(value: object, wanted: np.dtype | None) -> None:
    """Refuse what NumPy would convert in silence: dates, texts, None, and imaginary parts."""
    array = array_of(value)
    if array.dtype == object and wanted is not None:
        if all(isinstance(number, Number) for number in array.flat):
            return
        msg = "not every element is a number"
        raise DTypeError(msg)
    is_real = wanted is not None and wanted.kind not in "cb"  # as a truth value a number is whole
    if as_dtype(array.dtype).kind == "c" and is_real:
        msg = f"{array.dtype} numbers don't fit in {wanted}: take their real part first"
        raise DTypeError(msg)


def shortened(value: object) -> str:
    """Return a value as messages show it: cut, if it is long."""
    text = "a tensor" if hasattr(value, "builder") else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
