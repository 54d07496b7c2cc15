"""Promotion of the arguments of special functions, whose loops are of floats only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import promoted
from dataflow.ops.casting import astype

if TYPE_CHECKING:
    from dataflow.operation import Op
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["as_floats", "as_scipy_floats"]


def as_floats(op: Op, *operands: TensorLike) -> list[Tensor]:
    """Return operands cast to NumPy's common dtype, integers to floats; `op` is for messages."""
    tensors = promoted(op, None, *operands)
    if tensors[0].spec.is_float:
        return list(tensors)
    return [astype(tensor, np.result_type(tensor.dtype, np.float32)) for tensor in tensors]


def as_scipy_floats(op: Op, *operands: TensorLike) -> list[Tensor]:
    """Do the same, with at least 32 bits: SciPy has no loops of 16."""
    return [astype(tensor, np.result_type(tensor.dtype, np.float32))
            for tensor in as_floats(op, *operands)]  # fmt: skip
