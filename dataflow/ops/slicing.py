"""Slices: some elements of every axis at even distances, a view, and back into zeros.

The op `slice` holds a start, a stop and a step for every axis, all counted from the front, so that
named dimensions are expressions like any other: ``x[:-1]`` stops at ``batch - 1``. With a negative
step the stop may be -1, before the first element. Bounds must lie within the axis, which is
checked again once named dimensions are bound.

The derivative of `slice` is `pad_slice`, which puts a slice back into zeros, and whose derivative
is `slice` again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import ShapeError
from dataflow.operation import (
    WHOLE,
    Alias,
    Along,
    Application,
    Arrays,
    AxisUse,
    Call,
    Halo,
    Op,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.structure import again, check_inputs, copy_cost, samples_of
from dataflow.spec import Spec, as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = ["Range", "slice_axis", "take_ranges", "turned"]


class Range(NamedTuple):
    """The elements of one axis that a slice takes, counted from the front."""

    start: int | Dim
    stop: int | Dim
    step: int


def ranges_of(attrs: Attrs) -> list[Range]:
    columns = (attrs.dims("start"), attrs.dims("stop"), attrs.integers("step"))
    if len({*map(len, columns)}) != 1 or 0 in columns[2]:
        msg = f"start, stop and step must be as long as each other, no step 0: {attrs}"
        raise ShapeError(msg)
    return [Range(*row) for row in zip(*columns, strict=True)]


def range_attrs(ranges: Sequence[Range], **more: Shape) -> Attrs:
    start, stop, step = zip(*ranges, strict=True) if ranges else ((), (), ())
    return Attrs(start=start, stop=stop, step=step, **more)


def sliced_shape(shape: Shape, attrs: Attrs) -> Shape:
    ranges = ranges_of(attrs)
    if len(ranges) != len(shape):
        msg = f"slices {len(ranges)} axes of {shape_text(shape)}"
        raise ShapeError(msg)
    return tuple(map(_length, ranges, shape))


def _length(taken: Range, dim: int | Dim) -> int | Dim:
    start, stop, step = taken
    if isinstance(start, int) and isinstance(stop, int) and isinstance(dim, int):
        within = 0 <= start <= stop <= dim if step > 0 else -1 <= stop <= start < dim
        if not within:
            msg = f"elements {start}:{stop}:{step} don't lie within an axis of length {dim}"
            raise ShapeError(msg)
    return (stop - start + step - 1) // step if step > 0 else (start - stop - step - 1) // -step


def slice_index(attrs: Attrs) -> tuple[Any, ...]:
    # A stop before the first element is None in Python, where -1 counts from the end; a start
    # there is the start of nothing. The dots make a scalar's slice an array.
    rows = zip(*(attrs.integers(name) for name in ("start", "stop", "step")), strict=True)
    return (
        *(slice(a, None if b < 0 else b, c) if a >= 0 else slice(0, 0) for a, b, c in rows),
        ...,
    )


def _samples(*, padded: bool) -> Any:  # noqa: ANN401 - what samples_of returns
    cases: list[tuple[tuple[int, ...], tuple[int, ...], list[Range]]] = [
        ((), (), []), ((0, 3), (0, 2), [Range(0, 0, 1), Range(0, 2, 1)]),
        ((5,), (3,), [Range(4, -1, -2)]), ((3,), (0,), [Range(-1, -1, -2)]),
        ((5, 4), (0, 4), [Range(2, 2, 1), Range(0, 4, 1)]),
        ((3, 2), (3, 2), [Range(2, -1, -1), Range(0, 2, 1)]),
        ((5, 3, 4), (2, 3, 2), [Range(1, 5, 3), Range(0, 3, 1), Range(1, 3, 1)]),
    ]  # fmt: skip
    if padded:
        return samples_of([([cut], range_attrs(r, shape=shape)) for shape, cut, r in cases])
    return samples_of([([shape], range_attrs(r)) for shape, _, r in cases])


# slice


def _slice_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    return (spec.with_shape(sliced_shape(spec.shape, attrs)),)


def _slice_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    view: np.ndarray = array[slice_index(attrs)]
    return view


def _slice_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0][slice_index(attrs)]))]


def _slice_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.asarray(x[slice_index(attrs)])


def _pad(application: Application, change: Tensor) -> Tensor:
    attrs, shape = application.attrs, application.inputs[0].shape
    if all(map(_takes_all, ranges_of(attrs), shape)):
        return again(application, change)  # turned back, still a view
    return apply(PAD_SLICE, (change,), attrs.replace(shape=shape))


def _takes_all(taken: Range, dim: int | Dim) -> bool:
    return taken in ((0, dim, 1), (dim - 1, -1, -1))


def _slice_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = range_attrs([Range(0, size, 1), *ranges_of(application.attrs)])
    return [apply(SLICE, inputs, attrs)]


def _slice_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    shape = specs[0].static_shape
    uses = [_use(i, *row) for i, row in enumerate(zip(ranges_of(attrs), shape, strict=True))]
    return Tiling((tuple(uses),), slice_attrs=narrowed_attrs)


def _use(axis: int, taken: Range, dim: int) -> AxisUse:
    start, stop, step = taken
    if not isinstance(start, int) or not isinstance(stop, int) or step != 1:
        return WHOLE
    return Halo(axis, start, dim - stop) if stop - start != dim else Along(axis)


def narrowed_attrs(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    first, last = attrs.integers("start"), attrs.integers("stop")
    return attrs.replace(stop=(*last[:axis], first[axis] + stop - start, *last[axis + 1 :]))


SLICE = register(Op(
    name="slice", label="Slice", infer=_slice_infer, kernel=_slice_kernel,
    reference=_slice_reference, vjp=maps_vjp((_pad,)), jvp=maps_jvp((again,)),
    batch=_slice_batch, tiling=_slice_tiling, cost=copy_cost, alias=Alias(0, _slice_view),
    samples=_samples(padded=False),
    moves=True,
))  # fmt: skip


# pad_slice


def _pad_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = check_inputs(specs), as_shape(attrs.dims("shape"))
    if spec.shape != sliced_shape(shape, attrs):
        msg = (f"{shape_text(spec.shape)} isn't the slice {shape_text(sliced_shape(shape, attrs))}"
               f" of {shape_text(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _pad_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,) = outs
    return [(out.fill, (0,)), (np.copyto, (out[slice_index(attrs)], ins[0]))]


def _pad_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    out = np.zeros(attrs.integers("shape"), x.dtype)
    out[slice_index(attrs)] = x
    return out


def _cut(application: Application, change: Tensor) -> Tensor:
    return apply(SLICE, (change,), range_attrs(ranges_of(application.attrs)))


def _pad_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    ranges = [Range(0, size, 1), *ranges_of(application.attrs)]
    shape = (size, *application.outputs[0].shape)
    return [apply(PAD_SLICE, inputs, range_attrs(ranges, shape=shape))]


def _pad_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    pairs = zip(ranges_of(attrs), attrs.integers("shape"), strict=True)
    uses = (Along(i) if taken == (0, dim, 1) else WHOLE for i, (taken, dim) in enumerate(pairs))
    return Tiling((tuple(uses),), slice_attrs=_pad_slice_attrs)


def _pad_slice_attrs(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    shape = attrs.dims("shape")
    shape = (*shape[:axis], stop - start, *shape[axis + 1 :])
    return narrowed_attrs(attrs, axis, start, stop).replace(shape=shape)


PAD_SLICE = register(Op(
    name="pad_slice", label="PadSlice", infer=_pad_infer, kernel=_pad_kernel,
    reference=_pad_reference, vjp=maps_vjp((_cut,)), jvp=maps_jvp((again,)), batch=_pad_batch,
    tiling=_pad_tiling, cost=copy_cost, samples=_samples(padded=True),
    moves=True,
))  # fmt: skip


# For other files


def take_ranges(x: Tensor, ranges: Sequence[Range]) -> Tensor:
    """Return a slice, given one range for every axis; the tensor itself if that is all of it."""
    whole = [Range(0, dim, 1) for dim in x.shape]
    return x if list(ranges) == whole else apply(SLICE, (x,), range_attrs(ranges))


def slice_axis(x: Tensor, axis: int, start: int | Dim, stop: int | Dim) -> Tensor:
    """Return elements ``start:stop`` of one axis."""
    ranges = [Range(0, dim, 1) for dim in x.shape]
    ranges[axis] = Range(start, stop, 1)
    return take_ranges(x, ranges)


def turned(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Return a view with the elements of these axes, counted from the front, in reverse order."""
    dims = enumerate(x.shape)
    return take_ranges(
        x, [Range(dim - 1, -1, -1) if i in axes else Range(0, dim, 1) for i, dim in dims]
    )
