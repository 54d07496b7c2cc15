"""Masks, and `zero_where`: zeros in the places of one, the derivative of every choice.

A choice by branches (``np.where``, ``np.putmask``) waits for the processor to guess each element,
and a mask that comes from data can't be guessed: 4,096 elements take 10 µs. So the bits are taken:
``x & (mask - 1)``, all of them where the mask is 0 and none where it is 1, in 3 µs. The difference
takes a byte an element; the loop widens it to all bits of one, as a signed number.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import (
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Op, Sample, Workspace, register
from dataflow.sampling import FLOATS
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, broadcast_shapes
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import TensorLike

__all__ = ["as_mask", "zero_where"]

_SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64, 16: np.int64}


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != 2 or specs[0].dtype != np.bool_:
        msg = f"takes a mask of bools and a tensor, not {[str(spec) for spec in specs]}"
        raise (DTypeError if len(specs) == 2 else ShapeError)(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[1].dtype),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((Spec(specs[0].shape, np.dtype(np.int8)),))


_FEW = 512
"""Elements, one by one, which is faster than two passes then."""


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (mask, x), (bits,) = outs, ins, scratch
    if out.size <= _FEW and mask.shape == x.shape and out.flags.carray and mask.flags.carray:
        copying: list[Call] = [] if out is x else [(out.__setitem__, (..., x))]
        return [*copying, (np.putmask, (out, mask, np.zeros((), out.dtype)))]
    halves = ((x.real, out.real), (x.imag, out.imag)) if x.dtype.itemsize == 16 else ((x, out),)
    signed = _SIGNED[x.dtype.itemsize]
    return [
        (np.subtract, (mask.view(np.int8), np.ones((), np.int8), bits)),
        *((np.bitwise_and, (a.view(signed), bits, b.view(signed))) for a, b in halves),
    ]


def _reference(mask: np.ndarray, x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.where(mask, np.zeros((), x.dtype), x)


def _masked(application: Application, change: Tensor) -> Tensor:
    return zero_where(application.inputs[0], change)


_SHAPES = (((), ()), ((0, 2), (0, 2)), ((3, 4), (3, 4)), ((3, 1), (4,)), ((4,), (3, 1)))


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in DTYPES:
        for mask, shape in _SHAPES:
            x = np.asarray(rng.uniform(-3, 3, shape)).astype(dtype)
            made.append(Sample((np.asarray(rng.random(mask) < 0.5), x), smooth=dtype in FLOATS))
    return made


ZERO_WHERE = register(Op(
    name="zero_where", label="ZeroWhere", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=maps_vjp((None, _masked)), jvp=maps_jvp((None, _masked)), batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 1), samples=_samples, inplace=(1,),
    workspace=_workspace,
    moves=True,
))  # fmt: skip


def zero_where(mask: Tensor, x: Tensor) -> Tensor:
    """Return 0 where the mask holds, and elsewhere the very bits of `x`."""
    return apply(ZERO_WHERE, (mask, x))


def as_mask(
    name: str, builder: Any, given: TensorLike, what: str = "a condition"  # noqa: ANN401 - a GraphBuilder
) -> Tensor:  # fmt: skip
    """Return what a caller of a function gave as a mask, as a tensor; `DTypeError` unless bool."""
    mask: Tensor = given if isinstance(given, Tensor) else builder.constant(given)
    if mask.dtype != np.bool_:
        msg = f"{name} ({user_line()}): {what} is of booleans, not {mask.dtype}"
        raise DTypeError(msg)
    return mask
