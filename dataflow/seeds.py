"""Where sweeps start and end: the cotangents and tangents that are given, and zeros for no others.

A *seed* is the cotangent of an output, or the tangent of what is differentiated by; it has that
tensor's spec. A derivative that is None is a zero that was never made a node; zeros are declared
for it only where a user gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import DTypeError, GradientError, ShapeError
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["check_float", "check_scalar", "check_seed", "described", "or_zeros", "seed_of"]

_SWEEPS = {"cotangent": "reverse", "tangent": "tangent"}


def seed_of(tensor: Tensor, kind: str, value: TensorLike) -> Tensor:
    """Return a tensor's cotangent or tangent as a tensor of its builder.

    Parameters
    ----------
    tensor : Tensor
        What it belongs to.
    kind : str
        ``"cotangent"`` or ``"tangent"``.
    value : tensor or array
        Of the tensor's shape; a tensor of its dtype too.

    Raises
    ------
    GradientError
        The value belongs to another builder.
    ShapeError, DTypeError
        It has another shape or dtype.
    """
    check_seed(tensor, kind, value)
    if isinstance(value, Tensor):
        return value
    builder: Any = tensor.builder
    with builder.recording(_SWEEPS[kind], tensor.node, "seed", builder.source_of(tensor.node)):
        seed: Tensor = builder.constant(value, dtype=tensor.dtype)
    return seed


def check_seed(tensor: Tensor, kind: str, value: TensorLike | None) -> None:
    """Refuse a cotangent or tangent of another builder, shape or dtype; None stands for 1."""
    what = f"the gradient ({user_line()}) of {described(tensor)}: the {kind}"
    if isinstance(value, Tensor):
        if value.builder is not tensor.builder:
            msg = f"{what} {described(value)} belongs to another builder"
            raise GradientError(msg)
        if value.spec != tensor.spec:
            msg = f"{what} is {value.spec}, not {tensor.spec}"
            raise (ShapeError if value.shape != tensor.shape else DTypeError)(msg)
    elif value is not None and np.shape(value) != tensor.shape:
        given = tensor.spec.with_shape(np.shape(value))
        msg = f"{what} is {given}, not {tensor.spec}"
        raise ShapeError(msg)


def or_zeros(kind: str, tensors: Sequence[Tensor], found: Sequence[Tensor | None]) -> list[Tensor]:
    """Return derivatives, with zeros declared like the tensors for those that are None."""
    made = []
    for tensor, derivative in zip(tensors, found, strict=True):
        builder: Any = tensor.builder
        with builder.recording(_SWEEPS[kind], tensor.node, "zero", builder.source_of(tensor.node)):
            zeros = builder.zeros(tensor.shape, tensor.dtype) if derivative is None else derivative
        made.append(zeros)
    return made


def check_float(tensor: Tensor) -> None:
    """Refuse to differentiate what isn't of floating point."""
    if not tensor.spec.is_float:
        msg = (f"the gradient ({user_line()}) of {described(tensor)}: only floating-point tensors "
               "have one; use .astype('float32') before")  # fmt: skip
        raise GradientError(msg)


def check_scalar(output: Tensor) -> None:
    """Refuse the gradient of what is no scalar, where no cotangent was given."""
    if output.shape != ():
        msg = (f"the gradient ({user_line()}) of {described(output)}, which is no scalar: give "
               "the cotangent, or take a sum or mean first")  # fmt: skip
        raise GradientError(msg)


def described(tensor: Tensor) -> str:
    """Return a tensor's node, op, line and spec, as error messages name it."""
    builder: Any = tensor.builder
    source = builder.source_of(tensor.node)
    return f"node {tensor.node!r} (op {tensor.op.name!r}, {source}), {tensor.spec}"
