"""Calling ops from public functions and rules: promotion, and functions found by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.bfloat16 import promotable
from dataflow.dims import Dim
from dataflow.dispatch import find_function
from dataflow.errors import DTypeError
from dataflow.source import user_line
from dataflow.spec import as_dtype
from dataflow.tensor import Builder, Tensor, TensorLike, builder_of
from dataflow.values import array_of

if TYPE_CHECKING:
    from dataflow.operation import (
        Op,
    )


__all__ = ["apply", "as_tensor", "binary", "call_function", "promoted", "unary"]


def apply(op: Op, inputs: Sequence[Tensor], attrs: Attrs | None = None) -> Tensor:
    """Declare a node of an op with one output and at least one input."""
    return builder_of(*inputs).apply(op, inputs, attrs or Attrs())[0]


def as_tensor(value: TensorLike, like: Tensor) -> Tensor:
    """Return a tensor as it is, and anything else as a constant of the builder of `like`.

    A Python scalar takes the dtype that NumPy's promotion gives it beside `like`; a list that of
    NumPy's array.
    """
    if isinstance(value, Tensor):
        return value
    if type(value) in (int, float, complex):
        (kind, weak), bfloat16 = promotable((like.dtype, type(value)))
        dtype = bfloat16 or np.result_type(kind, weak(0))
        return like.builder.constant(value, dtype=dtype)
    # On its own a list of floats would be a float32 constant, and lose digits beside float64.
    return like.builder.constant(array_of(value))


def promoted(op: Op, ufunc: np.ufunc | None, *operands: TensorLike) -> tuple[Tensor, ...]:
    """Return operands cast to the dtypes of the loop that NumPy 2 would choose.

    Parameters
    ----------
    op : Op
        For messages.
    ufunc : numpy.ufunc, optional
        Whose loop decides; without one, all get NumPy's common dtype.
    *operands : tensor, array or scalar
        At least one is a tensor. Python scalars don't raise a dtype, as in NumPy 2.

    Raises
    ------
    DTypeError
        NumPy has no loop for these dtypes.
    """
    builder = builder_of(*operands)
    kinds = tuple(_promotion_kind(op, operand) for operand in operands)
    kinds, bfloat16 = promotable(kinds)
    try:
        dtypes = _common_dtypes(kinds) if ufunc is None else _loop_dtypes(ufunc, kinds)
        dtypes = tuple(as_dtype(dtype) for dtype in dtypes)
        if bfloat16 is not None:
            dtypes = tuple(bfloat16 if dtype == np.float32 else dtype for dtype in dtypes)
    except TypeError as error:
        given = ", ".join(getattr(k, "__name__", str(k)) for k in kinds)
        msg = f"op {op.name!r} ({user_line()}) can't take dtypes ({given}): {error}"
        raise DTypeError(msg) from None
    return tuple(_as_dtype(builder, *pair) for pair in zip(operands, dtypes, strict=False))


def _as_dtype(builder: Builder, operand: TensorLike, dtype: np.dtype) -> Tensor:
    if not isinstance(operand, Tensor):
        return builder.constant(operand, dtype=dtype)
    if operand.dtype == dtype:  # most are
        return operand
    cast: Tensor = find_function("astype")(operand, dtype)
    return cast


def unary(op: Op, ufunc: np.ufunc | None, x: TensorLike) -> Tensor:
    """Declare a node of an element-wise op of one argument, promoted as NumPy does."""
    return apply(op, promoted(op, ufunc, x))


def binary(op: Op, ufunc: np.ufunc | None, a: TensorLike, b: TensorLike) -> Tensor:
    """Declare a node of an element-wise op of two arguments, promoted as NumPy does."""
    return apply(op, promoted(op, ufunc, a, b))


def call_function(name: str, *args: object, **kwargs: object) -> Tensor:
    """Call a public function by name, from a module that must not import the one it is in."""
    return find_function(name)(*args, **kwargs)  # type: ignore[no-any-return]


def _promotion_kind(op: Op, operand: TensorLike) -> object:
    if isinstance(operand, Tensor):
        return operand.dtype
    if type(operand) in (int, float, complex):
        return type(operand)  # weak: takes the dtype of what it meets
    if isinstance(operand, Dim):
        msg = (f"op {op.name!r} ({user_line()}): dimension {operand} is no tensor: use "
               "t.size(axis), or builder.size_of")  # fmt: skip
        raise DTypeError(msg)
    try:
        return as_dtype(array_of(operand).dtype)
    except (ValueError, DTypeError) as error:
        msg = f"op {op.name!r} ({user_line()}): an operand is no array: {error}"
        raise DTypeError(msg) from None


@lru_cache(maxsize=4096)
def _loop_dtypes(ufunc: np.ufunc, kinds: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    return ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[: ufunc.nin]


@lru_cache(maxsize=4096)
def _common_dtypes(kinds: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    common = np.result_type(*(kind(0) if isinstance(kind, type) else kind for kind in kinds))
    return (common,) * len(kinds)
