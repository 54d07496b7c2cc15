"""Further operands of a function: weights and biases, in the dtype of what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import as_tensor
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.casting import astype
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["as_float_like", "parameter"]


def as_float_like(name: str, value: TensorLike, like: Tensor) -> Tensor:
    """Return a further operand, such as a weight, in the dtype of a tensor of floats."""
    made = as_tensor(value, like)
    if made.dtype.kind == "c":
        msg = f"{name} ({user_line()}) takes real numbers, not {made.dtype}"
        raise DTypeError(msg)
    return astype(made, like.dtype)


def parameter(
    name: str, what: str, value: TensorLike, like: Tensor, shape: Shape, wanted: str
) -> Tensor:
    """Return a weight or a bias of exactly one shape, in the dtype of a tensor of floats.

    Raises
    ------
    ShapeError
        It has another shape than, in words, is `wanted`: it doesn't broadcast.
    DTypeError
        It is complex.
    """
    made = as_float_like(name, value, like)
    if made.shape != shape:
        msg = f"{name} ({user_line()}): the {what} {shape_text(made.shape)} must have {wanted}"
        raise ShapeError(msg)
    return made
