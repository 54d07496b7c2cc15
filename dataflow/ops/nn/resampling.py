"""One axis of a tensor made longer or shorter, and back: linear ops, each other's reverse.

An element of the result is a weighted sum of a few elements along the axis, its taps. The kernel
goes tap by tap, the first taps of all elements, then the second ones: a few calls whatever the
lengths. Where the axis gets so short that there are more taps than elements, it goes element by
element. What has weight 0 is never read, so that a NaN stays where it is.

A matrix product would do the same with one large, mostly empty matrix, and spread every NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    Arrays,
    AxisUse,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.nn.taps import Taps, check_taps, taps_of, transposed
from dataflow.ops.structure import check_inputs, is_row_major, single_dim
from dataflow.sampling import COMPLEX, FLOATS
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["resampled"]


def _wide(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _resized(specs: Specs, attrs: Attrs, *, back: bool) -> Specs:
    spec, axis = check_inputs(specs), attrs.integer("axis")
    check_taps(attrs)
    size = single_dim(attrs, "size")
    if not 0 <= axis < spec.ndim:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    length = single_dim(attrs, "length") if back else spec.shape[axis]
    if back and spec.shape[axis] != size:
        msg = f"axis {axis} has {spec.shape[axis]} elements, not {size}"
        raise ShapeError(msg)
    if length == 0:
        msg = f"axis {axis} has no elements to make {size} of"
        raise ShapeError(msg)
    if not spec.is_float and (back or not attrs.text("mode").startswith("nearest")):
        msg = f"takes floats or complex numbers, not {spec.dtype}: use .astype('float32') before"
        raise DTypeError(msg)
    return (
        spec.with_shape((*spec.shape[:axis], length if back else size, *spec.shape[axis + 1 :])),
    )


def _taps(shape: Sequence[int], attrs: Attrs, *, back: bool) -> Taps:
    (size,), axis = attrs.integers("size"), attrs.integer("axis")
    if not back:
        return taps_of(shape[axis], size, attrs)
    (length,) = attrs.integers("length")
    return transposed(taps_of(length, size, attrs), length)


def _workspace(specs: Specs, attrs: Attrs, *, back: bool) -> Workspace:
    """Return what one tap gives, and what float16 is computed in; inside, the tables of taps."""
    (spec,), (out,) = specs, _resized(specs, attrs, back=back)
    taps, dtype = _taps(spec.static_shape, attrs, back=back), _wide(spec.dtype)
    part = spec if _goes_by_element(taps) else out
    wide = [Spec(s.shape, dtype) for s in (spec, out)] if dtype != spec.dtype else []
    tables = taps.indices.size * (8 + dtype.itemsize + 1)
    return Workspace((Spec(part.shape, dtype), *wide), tables + 4096)


def _goes_by_element(taps: Taps) -> bool:
    count, size = taps.indices.shape
    return bool(0 < size < count)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, *, back: bool) -> list[Call]:
    (out,), (x,), (part, *wide) = outs, ins, scratch
    taps, axis = _taps(x.shape, attrs, back=back), attrs.integer("axis")
    source, total = wide or (x, out)
    calls: list[Call] = [(np.copyto, (source, x))] if wide else []
    by = _by_element if _goes_by_element(taps) else _by_tap
    calls += by(total, source, part, taps, axis)
    return [*calls, (np.copyto, (out, total, "same_kind"))] if wide else calls


# Tap by tap


def _by_tap(out: Array, x: Array, part: Array, taps: Taps, axis: int) -> list[Call]:
    calls: list[Call] = []
    for i, (indices, weights) in enumerate(zip(*taps, strict=True)):
        into = part if i else out
        seen, found = _seen(x, indices, axis, into)
        calls += found
        if i and (weights == 1).all():
            calls.append((np.add, (out, seen, out)))
            continue
        calls += _weighted(seen, weights, axis, into)
        calls += [(np.add, (out, into, out))] if i else []
    return calls


def _seen(x: Array, indices: Array, axis: int, out: Array) -> tuple[Array, list[Call]]:
    """Return the elements at indices as a view, or the calls that copy them into `out`."""
    before: tuple[Any, ...] = (slice(None),) * axis
    steps = np.diff(indices)
    if len(indices) and (steps > 0).all() and (steps == steps[:1]).all():
        step = int(steps[0]) if len(steps) else 1
        return x[(*before, slice(int(indices[0]), int(indices[-1]) + 1, step))], []
    if x.flags.c_contiguous and out.flags.c_contiguous:
        return out, [(np.ndarray.take, (x, indices, axis, out, "clip"))]
    return out, [(_copy_each, (x, indices.tolist(), before, out))]


def _copy_each(x: Array, indices: Sequence[int], before: tuple[Any, ...], out: Array) -> None:
    """Copy one element of the axis after the other, where memory has gaps."""
    for place, index in enumerate(indices):
        out[(*before, place)] = x[(*before, index)]


def _weighted(seen: Array, weights: Array, axis: int, out: Array) -> Iterator[Call]:
    """Yield the calls that write weighted elements into `out`, and zeros for no element."""
    column = (-1, *[1] * (out.ndim - axis - 1))
    if (weights[weights != 0] != 1).any():
        yield (np.multiply, (seen, weights.astype(out.dtype).reshape(column), out))
    elif seen is not out:
        yield (np.copyto, (out, seen))
    if (weights == 0).any():
        yield (
            np.copyto,
            (out, np.zeros((), out.dtype), "same_kind", (weights == 0).reshape(column)),
        )


# Element by element


def _by_element(out: Array, x: Array, part: Array, taps: Taps, axis: int) -> list[Call]:
    """Multiply what an element is made of, which lies side by side, and add it up."""
    before: tuple[Any, ...] = (slice(None),) * axis
    calls: list[Call] = []
    for place in range(out.shape[axis]):
        used = taps.weights[:, place] != 0
        indices, weights = (table[used, place] for table in taps)
        start, stop = int(indices.min(initial=x.shape[axis])), int(indices.max(initial=-1)) + 1
        factors = np.bincount(indices - start, weights, max(stop - start, 0))
        index, into = (*before, slice(start, stop)), out[(*before, place, ...)]
        if len(factors) and (factors == factors[0]).all():
            one = np.asarray(factors[0], out.dtype)
            calls += [(np.add.reduce, (x[index], axis, None, into)),
                      (np.multiply, (into, one, into))]  # fmt: skip
            continue
        column = factors.astype(out.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
        calls += [
            (np.multiply, (x[index], column, part[index])),
            (np.add.reduce, (part[index], axis, None, into)),
        ]
    return calls


# The records


def _reference(x: Array, attrs: Attrs, *, back: bool) -> Array:
    taps, axis = _taps(x.shape, attrs, back=back), attrs.integer("axis")
    moved = np.moveaxis(x.astype(_wide(x.dtype)), axis, -1)
    if attrs.text("mode").startswith("nearest") and not back:
        return np.moveaxis(moved[..., taps.indices[0]], -1, axis).astype(x.dtype)
    matrix = np.zeros((taps.indices.shape[1], x.shape[axis]))
    for indices, weights in zip(*taps, strict=True):
        np.add.at(matrix, (np.arange(len(matrix)), indices), weights)
    made: Array = np.einsum("...i,pi->...p", moved, matrix)
    return np.moveaxis(made, -1, axis).astype(x.dtype)


def _back(application: Application, cotangent: Tensor) -> Tensor:
    attrs = application.attrs
    length = application.inputs[0].shape[attrs.integer("axis")]
    return apply(RESAMPLE_BACK, (_laid_out(cotangent),), attrs.replace(length=(length,)))


def _forth(application: Application, cotangent: Tensor) -> Tensor:
    attrs = Attrs({k: v for k, v in application.attrs.items() if k != "length"})
    return apply(RESAMPLE, (_laid_out(cotangent),), attrs)


def _again(application: Application, change: Tensor) -> Tensor:
    return apply(application.op, (_laid_out(change),), application.attrs)


def _laid_out(x: Tensor) -> Tensor:
    return x if is_row_major(x) else call_function("copy", x)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = application.attrs.replace(axis=application.attrs.integer("axis") + 1)
    return [apply(application.op, (_laid_out(inputs[0]),), attrs)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    (spec,) = specs
    first: AxisUse = Along(0) if attrs.integer("axis") else WHOLE
    return Tiling(((first, *[WHOLE] * (spec.ndim - 1)),))


def _cost(ins: Specs, outs: Specs, attrs: Attrs, *, back: bool) -> Cost:
    taps = _taps(ins[0].static_shape, attrs, back=back)
    size = outs[0].size
    return Cost(2 * len(taps.indices) * (size if isinstance(size, int) else 0), traffic(ins, outs))


_PLAIN = {"factor": 0.0, "align_corners": False, "antialias": False}
_CASES: list[tuple[tuple[int, ...], int, int, dict[str, Any]]] = [
    ((3,), 0, 5, {"mode": "linear"}), ((0, 3), 1, 2, {"mode": "cubic"}),
    ((2, 3, 2), 1, 7, {"mode": "linear", "align_corners": True}),
    ((2, 4), 1, 9, {"mode": "cubic", "factor": 2.3}),
    ((2, 7), 1, 3, {"mode": "linear", "antialias": True}),
    ((2, 9), 1, 2, {"mode": "cubic", "antialias": True}),
    ((5, 2), 0, 3, {"mode": "area"}), ((2, 6), 1, 1, {"mode": "area"}),
    ((2, 5), 1, 3, {"mode": "nearest-exact"}), ((2, 1), 1, 4, {"mode": "linear"}),
    ((3, 4, 2), 1, 6, {"mode": "nearest"}),
]  # fmt: skip


def _samples(rng: np.random.Generator, *, back: bool) -> list[Sample]:
    made = []
    cases = [(*case, "float64") for case in _CASES]
    cases += [(*_CASES[0], dtype) for dtype in (*FLOATS, *COMPLEX)]
    cases += [(*_CASES[-1], dtype) for dtype in ((*FLOATS, *COMPLEX) if back else DTYPES)]
    for shape, axis, size, options, dtype in cases:
        attrs = Attrs({**_PLAIN, **options}, axis=axis, size=(size,))
        if back:
            attrs = attrs.replace(length=(shape[axis],))
        drawn = (*shape[:axis], size, *shape[axis + 1 :]) if back else shape
        x = rng.uniform(-2, 2, drawn) + (1j * rng.uniform(-2, 2, drawn)) * (dtype in COMPLEX)
        x = (x if dtype in COMPLEX else x.real).astype(dtype)
        made.append(Sample((x,), attrs, dtype[0] in "fc"))
    return made


def _op(name: str, label: str, back_map: Any, *, back: bool) -> Op:  # noqa: ANN401 - a map
    return register(Op(
        name=name, label=label, infer=partial(_resized, back=back),
        kernel=partial(_kernel, back=back), reference=partial(_reference, back=back),
        vjp=maps_vjp((back_map,)), jvp=maps_jvp((_again,)), batch=_batch, tiling=_tiling,
        cost=partial(_cost, back=back), workspace=partial(_workspace, back=back),
        samples=partial(_samples, back=back),
    ))  # fmt: skip


RESAMPLE = _op("nn.resample", "Resample", _back, back=False)
RESAMPLE_BACK = _op("nn.resample_back", "ResampleBack", _forth, back=True)


def resampled(x: Tensor, axis: int, size: int | Dim, mode: str, **options: Any) -> Tensor:  # noqa: ANN401
    """Return a tensor with one axis resized.

    Parameters
    ----------
    x : Tensor
        Any shape; any dtype for the modes of nearest elements.
    axis : int
        Counted from the front.
    size : int or Dim
        How long it becomes.
    mode : str
        One of `MODES`.
    **options
        ``factor`` (0.0 unless the scale is not what the lengths say), ``align_corners`` and
        ``antialias``; see `dataflow.ops.nn.taps`.
    """
    attrs = Attrs({**_PLAIN, **options}, axis=axis, size=(size,), mode=mode)
    return apply(RESAMPLE, (_laid_out(x),), attrs)
