"""The two ops below the norms that `layer_norm`'s doesn't serve: of channels, and without a mean.

`nn.standardize_channels` brings the elements along several axes to mean 0 and variance 1, and also
returns both, which batch norm keeps averages of. With y the result, s = 1 / sqrt(var + eps) and <>
the mean over the axes:

    dy = s (dx - <dx> - y <y dx>)       d mean = <dx>       d var = 2 <y dx> / s

`nn.standardize_rms` divides rows by their root mean square, and also returns s:

    dy = s (dx - y <y dx>)              ds = -s² <y dx>

float16 works in float32 inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dims import product
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Arrays,
    Call,
    Cost,
    Op,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.powers import sqrt, square
from dataflow.ops.reductions import mean
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import check_inputs, samples_of
from dataflow.sampling import FLOATS
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["STANDARDIZE_CHANNELS", "STANDARDIZE_RMS"]


def _check(specs: Specs, attrs: Attrs) -> Spec:
    spec = check_inputs(specs)
    attrs.number("eps")
    if spec.dtype.kind != "f":
        msg = f"takes real floating-point numbers, not {spec.dtype}: use .astype('float32')"
        raise DTypeError(msg)
    return spec


def _wide(spec: Spec) -> Spec:
    return Spec(spec.shape, np.dtype(np.float32)) if spec.dtype == np.float16 else spec


def _finished(calls: list[Call], outs: Arrays, wide: Arrays) -> list[Call]:
    narrow = zip(outs, wide, strict=False)
    return [*calls, *[(np.copyto, (out, array, "same_kind")) for out, array in narrow]]


def _per_element(x: Tensor, count: int | Dim) -> Tensor:
    """Divide by a number of elements, of which float16 can't count 70,000."""
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    return (x.astype(wide) / x.builder.size_of((count,), wide)).astype(x.dtype)


def _added(parts: Sequence[Tensor]) -> Tensor | None:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(8 * size if isinstance(size, int) else 0, traffic(ins, outs))


# Over several axes


def _axes(attrs: Attrs) -> tuple[int, ...]:
    return attrs.integers("axes")


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axes = _check(specs, attrs), _axes(attrs)
    if list(axes) != sorted({*axes}) or not all(0 <= axis < spec.ndim for axis in axes):
        msg = f"axes {axes} must be ascending and below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    if any(spec.shape[axis] == 0 for axis in axes):
        msg = "the mean along an axis of length 0 doesn't exist"
        raise ShapeError(msg)
    kept = spec.with_shape(tuple(1 if i in axes else n for i, n in enumerate(spec.shape)))
    return (spec, kept, kept)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    y, centre, var = map(_wide, _infer(specs, attrs))
    return Workspace((y, var, *([y, centre, var] if specs[0].dtype == np.float16 else [])))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (x,), (squares, scale, *wide) = ins, scratch
    y, centre, var = wide or outs
    axes = _axes(attrs)
    count, eps, one = (
        np.asarray(v, y.dtype)
        for v in (max(x.size, 1) / max(centre.size, 1), attrs.number("eps"), 1)
    )
    calls: list[Call] = []
    if wide:
        calls.append((np.copyto, (y, x)))
        x = y
    calls += [
        (np.add.reduce, (x, axes, None, centre, True)),
        (np.true_divide, (centre, count, centre)),
        (np.subtract, (x, centre, y)),
        (np.multiply, (y, y, squares)),
        (np.add.reduce, (squares, axes, None, var, True)),
        (np.true_divide, (var, count, var)),
        (np.add, (var, eps, scale)),
        (np.sqrt, (scale, scale)),
        (np.true_divide, (one, scale, scale)),
        (np.multiply, (y, scale, y)),
    ]
    return _finished(calls, outs, wide)


def _reference(x: np.ndarray, attrs: Attrs) -> tuple[np.ndarray, ...]:
    wide, axes = x.astype(np.float64), _axes(attrs)
    centre, var = wide.mean(axes, keepdims=True), wide.var(axes, keepdims=True)
    y = (wide - centre) / np.sqrt(var + attrs.number("eps"))
    return y.astype(x.dtype), np.asarray(centre.astype(x.dtype)), np.asarray(var.astype(x.dtype))


def _deviation(application: Application) -> Tensor:
    return sqrt(application.outputs[2] + application.attrs.number("eps"))


def _centred_change(application: Application, change: Tensor) -> Tensor:
    y, axes = application.outputs[0], _axes(application.attrs)
    rest = change - mean(change, axes, keepdims=True)
    return (rest - y * mean(y * change, axes, keepdims=True)) / _deviation(application)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (y, _, _) = application.inputs, application.outputs
    normal, centre, var = cotangents
    count = product(x.shape[axis] for axis in _axes(application.attrs))
    parts = [] if normal is None else [_centred_change(application, normal)]
    if var is not None:
        parts.append(y * (_per_element(var, count) * 2.0 * _deviation(application)))
    if centre is not None:
        parts.append(broadcast_to(_per_element(centre, count), x.shape))
    return [_added(parts)]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,), (y, _, _) = tangents, application.outputs
    if change is None:
        return [None, None, None]
    axes = _axes(application.attrs)
    slope = mean(y * change, axes, keepdims=True) * 2.0 * _deviation(application)
    return [_centred_change(application, change), mean(change, axes, keepdims=True), slope]


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    axes = tuple(axis + 1 for axis in _axes(application.attrs))
    return inputs[0].builder.apply(application.op, inputs, application.attrs.replace(axes=axes))


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    axes = _axes(attrs)
    return Tiling((tuple(WHOLE if i in axes else Along(i) for i in range(specs[0].ndim)),))


STANDARDIZE_CHANNELS = register(Op(
    name="nn.standardize_channels", label="StandardizeChannels", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_vjp, jvp=_jvp, batch=_batch, tiling=_tiling, cost=_cost,
    workspace=_workspace, inplace=(0,),
    samples=samples_of(
        [([shape], Attrs(axes=axes, eps=1e-2))
         for shape, axes in (((), ()), ((3, 0), (0,)), ((5, 2), (0,)), ((2, 3, 2, 2), (0, 2, 3)),
                             ((4, 3), (0,)))],
        dtypes=FLOATS),
))  # fmt: skip


# By the root mean square


def _rms_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = _check(specs, attrs)
    if not spec.ndim or spec.shape[-1] == 0:
        msg = "takes at least one axis, the last one not of length 0"
        raise ShapeError(msg)
    return (spec, spec.with_shape((*spec.shape[:-1], 1)))


def _rms_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    made = _rms_infer(specs, attrs)
    return Workspace(tuple(map(_wide, made)) if specs[0].dtype == np.float16 else ())


def _rms_kernel(outs: Arrays, ins: Arrays, wide: Arrays, attrs: Attrs) -> list[Call]:
    (x,), (y, scale) = ins, wide or outs
    count, eps, one = (np.asarray(v, y.dtype) for v in (x.shape[-1], attrs.number("eps"), 1))
    calls: list[Call] = []
    if wide:
        calls.append((np.copyto, (y, x)))
        x = y
    calls += [
        (np.vecdot, (x, x, scale[..., 0])),
        (np.true_divide, (scale, count, scale)),
        (np.add, (scale, eps, scale)),
        (np.sqrt, (scale, scale)),
        (np.true_divide, (one, scale, scale)),
        (np.multiply, (x, scale, y)),
    ]
    return _finished(calls, outs, wide)


def _rms_reference(x: np.ndarray, attrs: Attrs) -> tuple[np.ndarray, np.ndarray]:
    wide = x.astype(np.float64)
    scale = 1 / np.sqrt((wide * wide).mean(-1, keepdims=True) + attrs.number("eps"))
    return (wide * scale).astype(x.dtype), scale.astype(x.dtype)


def _row_mean(x: Tensor) -> Tensor:
    return mean(x, -1, keepdims=True)


def _rms_change(application: Application, change: Tensor) -> Tensor:
    y, scale = application.outputs
    return scale * (change - y * _row_mean(y * change))


def _rms_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (y, scale), (normal, second) = application.outputs, cotangents
    parts = [] if normal is None else [_rms_change(application, normal)]
    if second is not None:
        parts.append(_per_element(-square(scale) * second, y.shape[-1]) * y)
    return [_added(parts)]


def _rms_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (y, scale), (change,) = application.outputs, tangents
    if change is None:
        return [None, None]
    return [_rms_change(application, change), -square(scale) * _row_mean(y * change)]


def _rms_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    return inputs[0].builder.apply(application.op, inputs, application.attrs)


def _rms_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(((*map(Along, range(specs[0].ndim - 1)), WHOLE),))


STANDARDIZE_RMS = register(Op(
    name="nn.standardize_rms", label="StandardizeRms", infer=_rms_infer, kernel=_rms_kernel,
    reference=_rms_reference, vjp=_rms_vjp, jvp=_rms_jvp, batch=_rms_batch, tiling=_rms_tiling,
    cost=_cost, workspace=_rms_workspace, inplace=(0,),
    samples=samples_of([([shape], Attrs(eps=1e-2)) for shape in ((4,), (0, 3), (2, 2, 5), (3, 4))],
                       dtypes=FLOATS),
))  # fmt: skip
