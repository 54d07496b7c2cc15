"""Joining tensors along an axis: concat, and stack by it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, promoted
from dataflow.dispatch import also_named, public
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Arrays,
    Call,
    Op,
    Sample,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import copy_cost, with_batch_axis
from dataflow.shapes import move_axis, normal_axis
from dataflow.spec import DTYPES, Spec, as_dtype, shape_text
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import TensorLike

__all__ = ["cat", "concat", "concatenate", "stack"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    axis = attrs.integer("axis")
    if not specs or not 0 <= axis < specs[0].ndim:
        msg = f"takes at least 1 input, with an axis {axis}"
        raise ShapeError(msg)
    first = specs[0]
    for slot, spec in enumerate(specs):
        if spec.dtype != first.dtype:
            msg = f"slot {slot} is {spec.dtype}, slot 0 {first.dtype}: cast with astype"
            raise DTypeError(msg)
        if spec.ndim != first.ndim or _without(spec, axis) != _without(first, axis):
            msg = (f"slot {slot} is {shape_text(spec.shape)}, slot 0 {shape_text(first.shape)}: "
                   f"they may differ on axis {axis} only")  # fmt: skip
            raise ShapeError(msg)
    total = reduce(lambda a, b: a + b, (spec.shape[axis] for spec in specs))
    return (first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :])),)


def _without(spec: Spec, axis: int) -> tuple[int | Dim, ...]:
    return (*spec.shape[:axis], *spec.shape[axis + 1 :])


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axis, start = attrs.integer("axis"), 0
    calls: list[Call] = []
    for array in ins:
        stop = start + array.shape[axis]
        calls.append((np.copyto, (outs[0][(slice(None),) * axis + (slice(start, stop),)], array)))
        start = stop
    return calls


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.concatenate(arrays, attrs.integer("axis"))


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (cotangent,), axis = cotangents, application.attrs.integer("axis")
    if cotangent is None:
        return [None] * len(application.inputs)
    parts: list[Tensor | None] = []
    start: int | Dim = 0
    for tensor, needed in zip(application.inputs, application.needs, strict=True):
        stop = start + tensor.shape[axis]
        parts.append(slice_axis(cotangent, axis, start, stop) if needed else None)
        start = stop
    return parts


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if not any(tangent is not None for tangent in tangents):
        return [None]
    whole = [
        _zeros_like(x) if tangent is None else tangent
        for x, tangent in zip(application.inputs, tangents, strict=True)
    ]
    return [apply(application.op, whole, application.attrs)]


def _zeros_like(x: Tensor) -> Tensor:
    return broadcast_to(x.builder.constant(0, dtype=x.dtype), x.shape)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    axis = application.attrs.integer("axis") + 1
    whole = with_batch_axis(inputs, batched, size)
    return [apply(application.op, whole, Attrs(axis=axis))]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    axis = attrs.integer("axis")
    uses = tuple(WHOLE if i == axis else Along(i) for i in range(specs[0].ndim))
    return Tiling((uses,) * len(specs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows: list[tuple[list[tuple[int, ...]], int]] = [
        ([(3,)], 0), ([(0, 2), (0, 3)], 1), ([(2, 3), (0, 3), (1, 3)], 0),
        ([(2, 2, 2), (2, 1, 2)], 1), ([(2, 3), (2, 4)], 1),
    ]  # fmt: skip
    return [
        Sample(tuple(rng.uniform(-3, 3, shape).astype(dtype) for shape in shapes),
               Attrs(axis=axis), dtype.startswith("f"))
        for shapes, axis in rows for dtype in DTYPES
    ]  # fmt: skip


CONCAT = register(Op(
    name="concat", label="Cat", infer=_infer, kernel=_kernel, reference=_reference, vjp=_vjp,
    jvp=_jvp, batch=_batch, tiling=_tiling, cost=copy_cost, samples=_samples,
    moves=True,
))  # fmt: skip


@public(np.concatenate)
def concat(tensors: Sequence[TensorLike], axis: int | None = 0, *, dtype: object = None) -> Tensor:
    """Return tensors one after the other along an axis.

    Parameters
    ----------
    tensors : sequence of tensor or array_like
        Shapes that differ on this axis only; dtypes are promoted to a common one.
    axis : int, optional
        The axis; with None, all are flattened.
    dtype : dtype, optional
        What to cast each of them to, in the place of promotion.

    Raises
    ------
    ShapeError
        There are none, the axis is out of range, or the shapes differ elsewhere.
    DTypeError
        The dtypes have no common one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2]])
    >>> df.evaluate(df.concat([x, [[3, 4]]]))
    array([[1, 2],
           [3, 4]])
    """
    parts = parts_of(tensors, dtype)
    if axis is None:
        return apply(CONCAT, [reshape(part, -1) for part in parts], Attrs(axis=0))
    return apply(CONCAT, parts, Attrs(axis=normal_axis(axis, parts[0].ndim)))


cat = also_named(concat, "cat")
concatenate = also_named(concat, "concatenate")


@public(np.stack)
def stack(tensors: Sequence[TensorLike], axis: int = 0, *, dtype: object = None) -> Tensor:
    """Return tensors of one shape side by side along a new axis; see `concat`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.stack([x, x], axis=1))
    array([[1, 1],
           [2, 2]])
    """
    parts = parts_of(tensors, dtype)
    place = normal_axis(axis, parts[0].ndim + 1)
    return concat([move_axis(expand_dims(part, 0), 0, place) for part in parts], place)


def parts_of(tensors: Any, dtype: object = None) -> tuple[Tensor, ...]:  # noqa: ANN401 - checked here
    """Return what is to be joined as tensors of one dtype; `ShapeError` where there are none."""
    if not isinstance(tensors, Sequence) or not tensors:
        msg = "give a list or tuple of at least one tensor"
        raise ShapeError(msg)
    if dtype is not None:
        asked = as_dtype(dtype)
        tensors = [t.astype(asked) if isinstance(t, Tensor) else np.asarray(t, asked)
                   for t in tensors]  # fmt: skip
    return promoted(CONCAT, None, *tensors)
