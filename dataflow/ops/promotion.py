"""Questions about dtypes, of tensors and by themselves: the standard's functions on data types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.bfloat16 import promotable
from dataflow.dispatch import public
from dataflow.errors import DTypeError
from dataflow.source import user_line
from dataflow.spec import as_dtype, is_bfloat16
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_KINDS = {
    "bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu",
    "real floating": "fV", "complex floating": "c", "numeric": "iufVc",
}  # fmt: skip


def _dtype_of(value: Any) -> np.dtype:  # noqa: ANN401 - checked here
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return as_dtype(value.dtype)
    return as_dtype(value)


@public(np.result_type)
def result_type(*arrays_and_dtypes: TensorLike | object) -> np.dtype:
    """Return the dtype that NumPy 2's promotion gives tensors, arrays, dtypes and numbers.

    Parameters
    ----------
    *arrays_and_dtypes : tensor, array, dtype or Python scalar
        At least one; Python scalars don't raise a dtype.

    Raises
    ------
    DTypeError
        There is nothing to promote, or one is no dtype of tensors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", (2,), "float32")
    >>> df.result_type(x, 1.0), df.result_type(x, "float64")
    (dtype('float32'), dtype('float64'))
    """
    if not arrays_and_dtypes:
        msg = f"result_type ({user_line()}): there is nothing to promote"
        raise DTypeError(msg)
    weak = (int, float, complex)
    kinds = tuple(type(v) if type(v) in weak else _dtype_of(v) for v in arrays_and_dtypes)
    plain, bfloat16 = promotable(kinds)
    common = np.result_type(*(kind(0) if isinstance(kind, type) else kind for kind in plain))
    return bfloat16 if bfloat16 is not None and common == np.float32 else common


@public(np.can_cast)
def can_cast(from_: TensorLike | object, to: object, casting: str = "safe") -> bool:
    """Say whether a tensor or dtype can be cast to another dtype, by NumPy's rule of that name.

    Parameters
    ----------
    from_ : tensor, array or dtype
        What would be cast.
    to : dtype
        The dtype that it would have.
    casting : {"no", "equiv", "safe", "same_kind", "unsafe"}
        NumPy's rules; "safe" ones lose nothing.

    Examples
    --------
    >>> import dataflow as df
    >>> df.can_cast("int32", "float64"), df.can_cast("float64", "float32")
    (True, False)
    """
    return bool(np.can_cast(_dtype_of(from_), as_dtype(to), casting))  # type: ignore[arg-type]


@public()
def isdtype(dtype: object, kind: object) -> bool:
    """Say whether a dtype is of a kind.

    Parameters
    ----------
    dtype : dtype
        The dtype.
    kind : str, dtype, or tuple of them
        "bool", "signed integer", "unsigned integer", "integral", "real floating",
        "complex floating" or "numeric"; a dtype is of its own kind.

    Examples
    --------
    >>> import dataflow as df
    >>> df.isdtype(df.float32, "real floating"), df.isdtype(df.int8, ("bool", df.int16))
    (True, False)
    """
    target = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(target, one) for one in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return target.kind in _KINDS[kind]
    return target == as_dtype(kind)


@public()
def finfo(type: TensorLike | object, /) -> Any:  # noqa: ANN401 - NumPy's or ml_dtypes' record
    """Return the limits of a floating-point dtype, as `numpy.finfo` does.

    Raises
    ------
    DTypeError
        It is another kind of dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> df.finfo(df.float32).bits, float(df.finfo("float64").eps)
    (32, 2.220446049250313e-16)
    """
    dtype = _dtype_of(type)
    if is_bfloat16(dtype):
        import ml_dtypes

        return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    if dtype.kind not in "fc":
        msg = f"finfo ({user_line()}): {dtype} is no floating-point dtype: use iinfo"
        raise DTypeError(msg)
    return np.finfo(dtype)


@public()
def iinfo(type: TensorLike | object, /) -> Any:  # noqa: ANN401 - NumPy's record
    """Return the limits of an integer dtype, as `numpy.iinfo` does.

    Raises
    ------
    DTypeError
        It is another kind of dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> df.iinfo(df.int8).max
    127
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "iu":
        msg = f"iinfo ({user_line()}): {dtype} is no integer dtype: use finfo"
        raise DTypeError(msg)
    return np.iinfo(dtype)
