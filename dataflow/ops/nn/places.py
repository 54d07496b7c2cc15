"""Elements of the last axis by index, a row of indices for every row, and back.

A pooling that chooses elements is differentiated by gathering the tangents that lie where it
chose, and by scattering cotangents there, which adds up where windows overlap. Each of the two is
the other's reverse.

An index beyond a row's ends stands for its first or last element, so that no call can fail on its
data: it would have to come before the first write to a variable, and hold up a training step. What
looks for maxima, or asks what lies inside, gives no such index anyway.

Rows are told apart by adding each one's start to its indices, in scratch memory, so that a whole
array is one call of NumPy's. Only the first axis is sliced, so that memory has no gaps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.elementwise import call_into, maps_jvp, maps_vjp, scalars, traffic
from dataflow.errors import ShapeError
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
from dataflow.ops.positions import check_int64
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.structure import check_inputs, copy_cost, is_row_major, single_dim
from dataflow.spec import DTYPES, Spec, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["gather_places", "scatter_places"]

_ADD_AT = 8192
"""Bytes that `numpy.add.at` allocates, whatever the sizes."""


def _check_rows(specs: Specs) -> Spec:
    """Return the first spec; refuse indices that have other rows, not 1 for all."""
    first, indices = check_inputs(specs, 2), specs[1]
    check_int64(indices, 1)
    rows = zip(indices.shape[:-1], first.shape[:-1], strict=False)
    if not first.ndim or first.ndim != indices.ndim or any(n not in (1, dim) for n, dim in rows):
        msg = (f"takes an array and indices of as many rows, not {shape_text(first.shape)} and "
               f"{shape_text(indices.shape)}: all axes but the last must be the same, or 1 for "
               "indices that serve several rows")  # fmt: skip
        raise ShapeError(msg)
    return first


def _check_length(length: int | Dim, count: int | Dim) -> None:
    """Refuse rows without elements that indices are to lead to."""
    if length == 0 and isinstance(count, int) and count:
        msg = f"{count} indices lead to rows that have no elements"
        raise ShapeError(msg)


def _starts_of(specs: Specs) -> tuple[Spec, Spec]:
    """Return the scratch that holds every row's start, and the places in the whole array."""
    rows, count = specs[0].static_shape[:-1], specs[1].static_shape[-1]
    int64 = np.dtype(np.int64)
    return Spec((math.prod(rows), 1), int64), Spec((*rows, count), int64)


def _placed(indices: Array, width: int, starts: Array, places: Array) -> list[Call]:
    """Return the calls that find indices' places among rows of `width`, one after the other."""
    if not places.size:
        return []
    by_row = starts.reshape(*places.shape[:-1], 1)
    flat = starts.reshape(-1)
    first, last = scalars(places.dtype, 0, width - 1)
    return [
        call_into(np.maximum, (indices, first), places),
        call_into(np.minimum, (places, last), places),
        (flat.fill, (width,)),
        (flat[:1].fill, (0,)),
        (np.add.accumulate, (flat, 0, None, flat)),
        (np.add, (places, by_row, places)),
    ]


def _again(application: Application, change: Tensor) -> Tensor:
    change = _laid_out(change)
    return apply(application.op, (change, application.inputs[1]), application.attrs)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    (x, indices), (x_batched, indices_batched) = inputs, batched
    x = x if x_batched else broadcast_to(x, (size, *x.shape))
    indices = indices if indices_batched else reshape(indices, (1, *indices.shape))
    return [apply(application.op, (_laid_out(x), _laid_out(indices)), application.attrs)]


def _laid_out(x: Tensor) -> Tensor:
    return x if is_row_major(x) else call_function("copy", x)


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    rows = specs[0].shape[0]
    uses: list[AxisUse] = [
        Along(0) if spec.ndim > 1 and spec.shape[0] == rows else WHOLE for spec in specs
    ]
    pairs = zip(uses, specs, strict=True)
    return Tiling(tuple((use, *[WHOLE] * (spec.ndim - 1)) for use, spec in pairs))


_CASES: list[tuple[tuple[int, ...], tuple[int, ...], int, int]] = [
    ((), (), 4, 3), ((), (), 1, 1), ((0,), (0,), 3, 2), ((2, 3), (2, 3), 0, 0), ((2,), (2,), 5, 3),
    ((2, 3), (2, 1), 4, 2), ((2, 3), (1, 3), 4, 2), ((3, 2), (3, 2), 3, 5),
]  # fmt: skip
"""Rows of the array and of the indices, the elements in each, and the indices in each."""


def _samples(rng: np.random.Generator, *, back: bool) -> list[Sample]:
    made = []
    cases = [(*case, "float64") for case in _CASES]
    cases += [(*_CASES[-1], dtype) for dtype in DTYPES if dtype != "bool" or not back]
    for rows, index_rows, length, count, dtype in cases:
        indices = rng.integers(-1, max(length, 1) + 1, (*index_rows, count))
        x = np.asarray(rng.uniform(-3, 3, (*rows, count if back else length))).astype(dtype)
        attrs = Attrs(length=(length,)) if back else Attrs()
        made.append(Sample((x, indices), attrs, dtype[0] in "fc"))
    return made


# nn.gather_places


def _gather_infer(specs: Specs, attrs: Attrs) -> Specs:
    x = _check_rows(specs)
    _check_length(x.shape[-1], specs[1].shape[-1])
    return (x.with_shape((*x.shape[:-1], specs[1].shape[-1])),)


def _gather_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, indices), (starts, places) = outs, ins, scratch
    if x.flags.c_contiguous and out.flags.c_contiguous:
        calls = _placed(indices, x.shape[-1], starts, places)
        return [*calls, (np.ndarray.take, (x.reshape(-1), places, None, out, "clip"))]
    return [(_gather_each, (x, indices, out))]


def _gather_each(x: Array, indices: Array, out: Array) -> None:
    """Take one element after the other: slow, but nothing with gaps in memory is copied first."""
    each, last = np.broadcast_to(indices, out.shape), x.shape[-1] - 1
    for place in np.ndindex(out.shape):
        out[place] = x[(*place[:-1], min(max(each[place], 0), last))]


def _gather_reference(x: Array, indices: Array, attrs: Attrs) -> Array:
    each = np.broadcast_to(indices, (*x.shape[:-1], indices.shape[-1]))
    return np.take_along_axis(x, np.clip(each, 0, max(x.shape[-1] - 1, 0)), -1)


def _gather_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace(_starts_of(specs))


def _gather_back(application: Application, cotangent: Tensor) -> Tensor:
    x, indices = application.inputs
    return scatter_places(cotangent, indices, x.shape[-1])


GATHER_PLACES = register(Op(
    name="nn.gather_places", label="GatherPlaces", infer=_gather_infer, kernel=_gather_kernel,
    reference=_gather_reference, vjp=maps_vjp((_gather_back, None)),
    jvp=maps_jvp((_again, None)), batch=_batch, tiling=_tiling, cost=copy_cost,
    workspace=_gather_workspace, samples=lambda rng: _samples(rng, back=False), moves=True,
))  # fmt: skip


def gather_places(x: Tensor, indices: Tensor) -> Tensor:
    """Return, for every row of `x`, the elements at its row of indices.

    Axes of length 1 let indices serve several rows.
    """
    return apply(GATHER_PLACES, (_laid_out(x), _laid_out(indices)))


# nn.scatter_places


def _scatter_infer(specs: Specs, attrs: Attrs) -> Specs:
    updates, length = _check_rows(specs), single_dim(attrs, "length")
    if updates.dtype.kind == "b" or updates.shape[-1] != specs[1].shape[-1]:
        msg = f"{updates} can't be added up at indices {specs[1]}: it must be as many numbers"
        raise ShapeError(msg)
    _check_length(length, updates.shape[-1])
    return (updates.with_shape((*updates.shape[:-1], length)),)


def _scatter_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (updates, indices), (starts, places, *wide) = outs, ins, scratch
    total, given = (wide[0], wide[1]) if wide else (out, updates)
    calls: list[Call] = [(np.copyto, (given, updates))] if wide else []
    calls.append((total.fill, (0,)))
    if total.flags.c_contiguous and given.flags.c_contiguous:
        calls += _placed(indices, out.shape[-1], starts, places)
        calls.append((np.add.at, (total.reshape(-1), places.reshape(-1), given.reshape(-1))))
    else:
        calls.append((_scatter_each, (given, indices, total)))
    return [*calls, (np.copyto, (out, total, "same_kind"))] if wide else calls


def _scatter_each(updates: Array, indices: Array, out: Array) -> None:
    """Add one element after the other, where memory has gaps."""
    each, last = np.broadcast_to(indices, updates.shape), out.shape[-1] - 1
    for place in np.ndindex(updates.shape):
        out[(*place[:-1], min(max(each[place], 0), last))] += updates[place]


def _scatter_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    starts, places = _starts_of(specs)
    if specs[0].dtype != np.float16:
        return Workspace((starts, places), _ADD_AT)
    shapes = (_scatter_infer(specs, attrs)[0].shape, specs[0].shape)
    return Workspace((starts, places, *(Spec(s, np.dtype(np.float32)) for s in shapes)), _ADD_AT)


def _scatter_reference(updates: Array, indices: Array, attrs: Attrs) -> Array:
    shape = (*updates.shape[:-1], *attrs.integers("length"))
    out = np.zeros(shape, np.float32 if updates.dtype == np.float16 else updates.dtype)
    rows = np.indices(updates.shape)[:-1]
    each = np.clip(np.broadcast_to(indices, updates.shape), 0, max(out.shape[-1] - 1, 0))
    np.add.at(out, (*rows, each), updates)
    return out.astype(updates.dtype)


def _scatter_back(application: Application, cotangent: Tensor) -> Tensor:
    return gather_places(cotangent, application.inputs[1])


def _scatter_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(size if isinstance(size, int) else 0, traffic(ins, outs))


SCATTER_PLACES = register(Op(
    name="nn.scatter_places", label="ScatterPlaces", infer=_scatter_infer,
    kernel=_scatter_kernel, reference=_scatter_reference, vjp=maps_vjp((_scatter_back, None)),
    jvp=maps_jvp((_again, None)), batch=_batch, tiling=_tiling, cost=_scatter_cost,
    workspace=_scatter_workspace, samples=lambda rng: _samples(rng, back=True),
))  # fmt: skip


def scatter_places(updates: Tensor, indices: Tensor, length: int | Dim) -> Tensor:
    """Return rows of zeros of a length, with updates added where each row's indices say."""
    operands = (_laid_out(updates), _laid_out(indices))
    return apply(SCATTER_PLACES, operands, Attrs(length=(length,)))
