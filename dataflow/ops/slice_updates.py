"""`set_slice`: a tensor with a slice of it replaced; see `slicing` for how slices are described.

The kernel takes over the memory of the tensor where it may, and then writes the slice alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import WHOLE, Along, Op, Sample, Tiling, register
from dataflow.ops.slicing import (
    PAD_SLICE,
    SLICE,
    Range,
    narrowed_attrs,
    range_attrs,
    ranges_of,
    slice_index,
    sliced_shape,
)
from dataflow.ops.structure import check_inputs, copy_cost, is_same_memory, with_batch_axis
from dataflow.spec import DTYPES, shape_text

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.operation import Application, Arrays, AxisUse, Call, Specs
    from dataflow.tensor import Tensor

__all__: list[str] = []


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    x, updates = check_inputs(specs, 2), specs[1]
    if updates.shape != sliced_shape(x.shape, attrs):
        msg = (f"{shape_text(updates.shape)} isn't the slice "
               f"{shape_text(sliced_shape(x.shape, attrs))} of {shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)
    if updates.dtype != x.dtype:
        msg = f"slot 1 is {updates.dtype}, slot 0 {x.dtype}: cast with astype"
        raise DTypeError(msg)
    return (x,)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, updates) = outs, ins
    copying: list[Call] = [] if is_same_memory(out, x) else [(np.copyto, (out, x))]
    return [*copying, (np.copyto, (out[slice_index(attrs)], updates))]


def _reference(x: np.ndarray, updates: np.ndarray, attrs: Attrs) -> np.ndarray:
    out = np.array(x)
    out[slice_index(attrs)] = updates
    return out


def _unset(application: Application, change: Tensor) -> Tensor:
    updates = application.inputs[1]
    zeros = change.builder.full(updates.shape, 0, change.dtype)
    return apply(SET_SLICE, (change, zeros), application.attrs)


def _cut(application: Application, change: Tensor) -> Tensor:
    return apply(SLICE, (change,), application.attrs)


def _pad(application: Application, change: Tensor) -> Tensor:
    attrs = application.attrs.replace(shape=application.inputs[0].shape)
    return apply(PAD_SLICE, (change,), attrs)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    whole = with_batch_axis(inputs, batched, size)
    attrs = range_attrs([Range(0, size, 1), *ranges_of(application.attrs)])
    return [apply(SET_SLICE, whole, attrs)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    pairs = zip(ranges_of(attrs), specs[0].static_shape, strict=True)
    uses: tuple[AxisUse, ...] = tuple(
        Along(i) if taken == (0, dim, 1) else WHOLE for i, (taken, dim) in enumerate(pairs)
    )
    return Tiling((uses, uses), slice_attrs=narrowed_attrs)


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases: list[tuple[tuple[int, ...], list[Range]]] = [
        ((), []), ((0, 3), [Range(0, 0, 1), Range(0, 2, 1)]), ((5,), [Range(4, -1, -2)]),
        ((3,), [Range(0, 3, 1)]), ((5, 3, 4), [Range(1, 5, 3), Range(0, 3, 1), Range(1, 3, 1)]),
    ]  # fmt: skip
    rows = [(*case, "float64") for case in cases] + [(*cases[-1], dtype) for dtype in DTYPES]
    made = []
    for shape, ranges, dtype in rows:
        attrs = range_attrs(ranges)
        arrays = (rng.uniform(-3, 3, s) for s in (shape, np.empty(shape)[slice_index(attrs)].shape))
        made.append(Sample(tuple(np.asarray(a).astype(dtype) for a in arrays), attrs,
                           dtype[0] in "fc"))  # fmt: skip
    return made


SET_SLICE = register(Op(
    name="set_slice", label="SetSlice", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=maps_vjp((_unset, _cut)), jvp=maps_jvp((_unset, _pad)), batch=_batch, tiling=_tiling,
    cost=copy_cost, samples=_samples, inplace=(0,), moves=True,
))  # fmt: skip


def set_ranges(x: Tensor, ranges: Sequence[Range], updates: Tensor) -> Tensor:
    """Return `x` with a slice replaced, given one range for every axis; see `take_ranges`."""
    whole = [Range(0, dim, 1) for dim in x.shape]
    return updates if list(ranges) == whole else apply(SET_SLICE, (x, updates), range_attrs(ranges))
