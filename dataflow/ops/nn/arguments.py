"""What the functions of `df.nn` ask of their arguments: floats of one dtype, numbers, a reduction.

Integers and bools take the dtype of the floats beside them: targets are often such, and labels of 0
and 1 must not lift a float32 loss to float64, as NumPy's promotion would.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.bfloat16 import promotable
from dataflow.calling import promoted
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.activations import RELU
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, less
from dataflow.ops.finiteness import isinf
from dataflow.ops.masking import zero_where
from dataflow.ops.reductions import mean, sum
from dataflow.ops.selection import where
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes, is_bfloat16
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.dims import Dim, Shape
    from dataflow.tensor import TensorLike

__all__ = [
    "activation_input", "as_floats", "at_least_zero", "axis_of", "broadcast", "check_number",
    "check_reduction", "finite_times", "in_float32", "numbered", "reduced",
]  # fmt: skip


def as_floats(name: str, *operands: TensorLike) -> list[Tensor]:
    """Return operands as real floats of one dtype, the largest among them.

    Python's numbers and lists of floats take the dtype of what stands beside them.

    Raises
    ------
    DTypeError
        One is complex.
    """
    builder = builder_of(*operands)
    made = [x if isinstance(x, Tensor) or _is_weak(x) else builder.constant(x) for x in operands]
    dtype = _common(name, [x.dtype for x in made if isinstance(x, Tensor)])
    return [
        astype(x, dtype) if isinstance(x, Tensor) else builder.constant(x, dtype=dtype)
        for x in made
    ]


def activation_input(x: TensorLike) -> Tensor:
    """Return an activation's operand as floats or complex numbers; integers as NumPy's tanh has."""
    return promoted(RELU, np.tanh, x)[0]


def _is_weak(value: TensorLike) -> bool:
    is_list = isinstance(value, (list, tuple)) and np.asarray(value).dtype == np.float64
    return is_list or type(value) in (int, float)


def _common(name: str, dtypes: list[np.dtype]) -> np.dtype:
    if any(dtype.kind == "c" for dtype in dtypes):
        msg = f"{name} ({user_line()}) takes real numbers, not complex ones"
        raise DTypeError(msg)
    floats = tuple(dtype for dtype in dtypes if dtype.kind == "f" or is_bfloat16(dtype))
    if not floats:
        return np.result_type(np.float32, *dtypes)
    kinds, narrow = promotable(floats)
    return narrow or np.result_type(*kinds)


def in_float32(function: Callable[..., Tensor], *operands: Tensor) -> Tensor:
    """Compute a function of 16-bit floats in float32, and round its result to the first's dtype."""
    dtype = operands[0].dtype
    if dtype.itemsize != 2:
        return function(*operands)
    wide = (astype(x, np.float32) if x.spec.is_float else x for x in operands)
    return astype(function(*wide), dtype)


def check_number(
    name: str, argument: str, value: float, least: float = -math.inf, most: float = math.inf
) -> None:
    """Refuse a parameter that is no number from `least` to `most`."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        bounds = "" if (least, most) == (-math.inf, math.inf) else f" from {least} to {most}"
        msg = f"{name} ({user_line()}): {argument} is a number{bounds}, not {value!r}"
        raise GraphError(msg)


def reduced(name: str, losses: Tensor, reduction: str) -> Tensor:
    """Return losses as they are, their mean or their sum.

    Raises
    ------
    GraphError
        The reduction is none of ``"none"``, ``"mean"`` and ``"sum"``.
    """
    check_reduction(name, reduction)
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def axis_of(name: str, axis: int, dim: int | None, default: int = -1) -> int:
    """Return an axis that may be given as PyTorch's `dim`.

    Raises
    ------
    GraphError
        Both are given.
    """
    if dim is None:
        return axis
    if axis != default:
        msg = f"{name} ({user_line()}): axis and dim are the same, so give one of them"
        raise GraphError(msg)
    return dim


def check_reduction(name: str, reduction: str, *more: str) -> None:
    """Refuse what is no reduction."""
    known = ("none", "mean", "sum", *more)
    if reduction not in known:
        msg = f"{name} ({user_line()}): reduction is one of {', '.join(known)}, not {reduction!r}"
        raise GraphError(msg)


def broadcast(name: str, *tensors: Tensor) -> Shape:
    """Return the shape that tensors broadcast to; `ShapeError` where there is none."""
    try:
        return broadcast_shapes([tensor.shape for tensor in tensors])
    except ShapeError as error:
        msg = f"{name} ({user_line()}): {error}"
        raise ShapeError(msg) from None


def numbered(like: Tensor, count: int | Dim, dtype: object) -> Tensor:
    """Return 0, 1 and so on, in the graph that a tensor is in."""
    return like.builder.arange(0, count, 1, dtype)


def at_least_zero(x: Tensor) -> Tensor:
    """Return the larger of `x` and 0, whose derivative at 0 is 1 as that of PyTorch's clamp."""
    return where(less(x, 0), 0, x)


def finite_times(weight: Tensor, x: Tensor) -> Tensor:
    """Return ``weight * x``, and 0 where the weight is 0 and `x` infinite; so are the gradients."""
    return weight * zero_where(equal(weight, 0) & isinf(x), x)
