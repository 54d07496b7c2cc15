"""Windows side by side, as a matrix of columns, and back: unfold and fold, each other's reverse.

This is the one place where all windows are copied: whoever asks for them wants that. Convolution
and pooling go without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    Application,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.nn.pools import (
    CASES,
    Window,
    batch_rows,
    kernel_of,
    row_uses,
    window_of,
    windows_of,
)
from dataflow.ops.nn.windows import Index, steps_of
from dataflow.ops.structure import check_inputs, copy_cost
from dataflow.spec import DTYPES, Spec, as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["FOLD", "UNFOLD"]


def _unfolded(spec: Spec, attrs: Attrs) -> Spec:
    kernel = kernel_of(attrs, spec.ndim)
    first = spec.ndim - len(kernel)
    places = steps_of(attrs, len(kernel)).places(spec.shape[first:], kernel)
    return spec.with_shape((*spec.shape[:first], *kernel, *places))


def _at(position: Sequence[int], where: Index) -> Index:
    """Return the index of a position's elements at places among rows, positions and places."""
    return (..., *position, *where[1:])


def _tiling_of(axes: int, spec: Spec) -> Tiling:
    return Tiling((row_uses(spec, axes),))


# nn.unfold


def _unfold_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (_unfolded(check_inputs(specs), attrs),)


def _unfold_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,) = outs, ins
    kernel, steps, size, places = window_of(x.shape, attrs)
    if not steps.is_padded:
        return [(np.copyto, (out, steps.sliding(x, kernel, places)))]
    pairs = steps.pairs(size, kernel, places)
    copies = [(np.copyto, (out[_at(p, where)], x[elements])) for p, elements, where in pairs]
    return [(out.fill, (0,)), *copies]


def _unfold_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    axes = len(window.kernel)
    seen = windows_of(x, window, 0)  # rows, places, positions
    first = x.ndim - axes
    order = (*range(first), *range(first + axes, first + 2 * axes), *range(first, first + axes))
    return seen.transpose(order)


def _unfold_back(application: Application, cotangent: Tensor) -> Tensor:
    (x,), attrs = application.inputs, application.attrs
    size = x.shape[x.ndim - len(attrs.integers("kernel")) :]
    return apply(FOLD, (cotangent,), attrs.replace(size=size))


def _again(application: Application, change: Tensor) -> Tensor:
    return apply(application.op, (change,), application.attrs)


def _samples(rng: np.random.Generator, *, back: bool) -> list[Sample]:
    made = []
    dtypes = DTYPES[1:] if back else DTYPES
    cases = [(*case, "float64") for case in CASES] + [(*CASES[-1], dtype) for dtype in dtypes]
    for shape, kernel, steps, dtype in cases:
        attrs = Attrs(kernel=kernel, **steps._asdict())
        given = Spec.of(shape, dtype)
        drawn = (_unfolded(given, attrs) if back else given).static_shape
        if back:
            attrs = attrs.replace(size=shape[-len(kernel) :])
        made.append(Sample((rng.uniform(-3, 3, drawn).astype(dtype),), attrs, dtype[0] in "fc"))
    return made


def _unfold_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return _tiling_of(len(attrs.integers("kernel")), specs[0])


UNFOLD = register(Op(
    name="nn.unfold", label="Unfold", infer=_unfold_infer, kernel=_unfold_kernel,
    reference=_unfold_reference, vjp=maps_vjp((_unfold_back,)), jvp=maps_jvp((_again,)),
    batch=batch_rows, tiling=_unfold_tiling, cost=copy_cost,
    samples=lambda rng: _samples(rng, back=False), moves=True,
))  # fmt: skip


# nn.fold


def _fold_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, size = check_inputs(specs), as_shape(attrs.dims("size"))
    axes = len(size)
    if spec.dtype.kind == "b":
        msg = f"takes numbers, which it adds up, not {spec.dtype}"
        raise DTypeError(msg)
    whole = spec.with_shape((*spec.shape[: max(spec.ndim - 2 * axes, 0)], *size))
    if len(attrs.integers("kernel")) != axes or _unfolded(whole, attrs) != spec:
        msg = (f"{shape_text(spec.shape)} isn't rows, then windows of {attrs.integers('kernel')}, "
               f"then their places over {shape_text(size)}")  # fmt: skip
        raise ShapeError(msg)
    return (whole,)


def _fold_window(shape: Sequence[int], attrs: Attrs) -> Window:
    size = attrs.integers("size")
    return window_of((*shape[: len(shape) - 2 * len(size)], *size), attrs)


def _fold_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return what float16 is added up in, and one position's elements."""
    (spec,), (out,) = specs, _fold_infer(specs, attrs)
    if spec.dtype != np.float16:
        return Workspace()
    axes = len(attrs.integers("kernel"))
    part = (*spec.shape[: spec.ndim - 2 * axes], *spec.shape[spec.ndim - axes :])
    return Workspace(tuple(Spec(s, np.dtype(np.float32)) for s in (out.shape, part)))


def _fold_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (y,) = outs, ins
    kernel, steps, size, places = _fold_window(y.shape, attrs)
    total = scratch[0] if scratch else out
    calls: list[Call] = [(total.fill, (0,))]
    for position, elements, where in steps.pairs(size, kernel, places):
        given = y[_at(position, where)]
        if scratch:
            part = scratch[1][where]
            calls.append((np.copyto, (part, given)))
            given = part
        calls.append((np.add, (total[elements], given, total[elements])))
    return [*calls, (np.copyto, (out, total, "same_kind"))] if scratch else calls


def _fold_reference(y: Array, attrs: Attrs) -> Array:
    kernel, steps, size, places = _fold_window(y.shape, attrs)
    wide = y.astype(np.float32) if y.dtype == np.float16 else y
    total = np.zeros((*y.shape[: y.ndim - 2 * len(size)], *steps.padded(size)), wide.dtype)
    for position in np.ndindex(kernel):
        rows = zip(position, places, *steps[:2], strict=True)
        where: Index = (..., *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, n, s, d in rows))
        index: Index = (..., *position, *[slice(None)] * len(size))
        total[where] += wide[index]
    return np.asarray(total[steps.inside(size)]).astype(y.dtype)


def _fold_back(application: Application, cotangent: Tensor) -> Tensor:
    attrs = Attrs({k: v for k, v in application.attrs.items() if k != "size"})
    return apply(UNFOLD, (cotangent,), attrs)


def _fold_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return _tiling_of(2 * len(attrs.integers("kernel")), specs[0])


def _fold_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(math.prod(ins[0].static_shape), traffic(ins, outs))


FOLD = register(Op(
    name="nn.fold", label="Fold", infer=_fold_infer, kernel=_fold_kernel,
    reference=_fold_reference, vjp=maps_vjp((_fold_back,)), jvp=maps_jvp((_again,)),
    batch=batch_rows, tiling=_fold_tiling, cost=_fold_cost, workspace=_fold_workspace,
    samples=lambda rng: _samples(rng, back=True),
))  # fmt: skip
