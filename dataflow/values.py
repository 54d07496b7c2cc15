"""What a builder takes for a spec or a constant, checked before anything is declared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import DTypeError, GraphError
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike

__all__ = ["check_grad", "declared_spec", "locked_copy"]

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
    """Refuse a gradient of integers, before anything is declared."""
    if requires_grad and not spec.is_float:
        msg = (f"{what} ({user_line()}) is {spec}: only floating-point tensors can require a "
               "gradient")  # fmt: skip
        raise DTypeError(msg)


def locked_copy(value: ArrayLike, dtype: object) -> np.ndarray:
    """Return a copy of a constant's values that can't be written to."""
    try:
        array = np.array(value, dtype=None if dtype is None else as_dtype(dtype), order="C")
        given = as_dtype(array.dtype)
    except (OverflowError, ValueError, TypeError) as error:
        msg = f"a constant ({user_line()}) can't be made of {_shortened(value)}: {error}"
        raise DTypeError(msg) from None
    if dtype is None and not isinstance(value, _NUMPY_VALUES):
        given = _SINGLE.get(given.name, given)
    array = array.astype(given, copy=False)
    array.setflags(write=False)
    return array


def _shortened(value: object) -> str:
    text = "a tensor" if isinstance(value, Tensor) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
