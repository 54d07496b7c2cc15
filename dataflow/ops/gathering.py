"""Elements by index: take, and its reverse scatter_add.

Indices are checked before anything is read or written, so these steps can fail, and they come
before the first write to a variable. `numpy.take` would allocate a second result to check them
itself; so it is asked to clip what is in range already.

What is added up is in the dtype of the updates, float16 in float32; or, where the attribute `wide`
asks for it, in twice as many bits, so that a million float32 numbers have a sum as good as one.

Only leading axes are sliced: any other slice has gaps in memory, which NumPy would copy over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    Arrays,
    AxisUse,
    Call,
    Contracted,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.combining import INTERNAL, combining, scratch_of
from dataflow.ops.positions import check_int64, counting, index_within
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.structure import check_inputs, copy_cost, is_row_major, single_dim
from dataflow.shapes import move_axes, move_axis, normal_axis
from dataflow.spec import DTYPES, Spec
from dataflow.tensor import Tensor, TensorLike, builder_of

if TYPE_CHECKING:
    from dataflow.dims import Dim

__all__ = ["take"]


def _axis(attrs: Attrs, ndim: int) -> int:
    axis = attrs.integer("axis")
    if not 0 <= axis < ndim:
        msg = f"axis {axis} must be below {ndim}, the number of axes"
        raise ShapeError(msg)
    return axis


# take


def _take_infer(specs: Specs, attrs: Attrs) -> Specs:
    x, indices = check_inputs(specs, 2), specs[1]
    check_int64(indices, 1)
    axis = _axis(attrs, x.ndim)
    return (x.with_shape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])),)


def _take_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x, indices), (counted,) = outs, ins, scratch
    axis = attrs.integer("axis")
    calls = counting(indices, counted, x.shape[axis])
    if x.flags.c_contiguous and out.flags.c_contiguous:
        return [*calls, (np.ndarray.take, (x, counted, axis, out, "clip"))]
    return [*calls, (_copy_each, (x, counted, axis, out))]


def _copy_each(x: Array, indices: Array, axis: int, out: Array) -> None:
    """Take one index after the other: slow, but nothing with gaps in memory is copied first."""
    before: tuple[Any, ...] = (slice(None),) * axis
    for place in np.ndindex(indices.shape):
        out[(*before, *place)] = x[(*before, indices[place])]


def _take_reference(x: np.ndarray, indices: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.take(x, indices, attrs.integer("axis"))


def _take_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((specs[1],))


def _take_back(application: Application, cotangent: Tensor) -> Tensor:
    axis = application.attrs.integer("axis")
    length = application.inputs[0].shape[axis]
    attrs = Attrs(axis=axis, length=(length,))
    return apply(SCATTER_ADD, (cotangent, application.inputs[1]), attrs)


def _again(application: Application, tangent: Tensor) -> Tensor:
    return apply(application.op, (tangent, application.inputs[1]), application.attrs)


def _take_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    (x, indices), axis = inputs, application.attrs.integer("axis")
    if not batched[1]:
        return [take(x, indices, axis + 1)]
    if not batched[0]:
        return [move_axis(take(x, indices, axis), axis, 0)]
    # Each example has rows of its own: put them one after the other.
    rows = move_axis(x, axis + 1, 1)
    length, shape = rows.shape[1], indices.shape[1:]
    rows = reshape(rows, (size * length, *rows.shape[2:]))
    found = take(rows, in_one(indices, length), 0)
    return [move_axes(found, 1, 1 + len(shape), axis + 1)]


def in_one(indices: Tensor, length: int | Dim) -> Tensor:
    """Let example i's indices lead into the i-th of blocks of `length` rows."""
    size, shape = indices.shape[0], indices.shape[1:]
    count = indices.builder.size_of((length,), np.int64)
    first = indices.builder.arange(size) * count
    return call_function("remainder", indices, count) + reshape(first, (size, *[1] * len(shape)))


def _take_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    x, indices = specs
    axis = attrs.integer("axis")
    return Tiling((_leading(x, axis > 0), _leading(indices, axis == 0)))


def _leading(spec: Spec, sliced: bool) -> tuple[AxisUse, ...]:
    return tuple(Along(0) if sliced and i == 0 else WHOLE for i in range(spec.ndim))


_CASES: list[tuple[tuple[int, ...], tuple[int, ...], int]] = [
    ((3,), (), 0), ((3, 2), (0,), 0), ((0, 3), (2,), 1), ((2, 3, 2), (2, 2), 1), ((4, 2), (3,), 0),
]  # fmt: skip


def _take_samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for shape, places, axis in _CASES:
        indices = rng.integers(-shape[axis], shape[axis], places)
        for dtype in DTYPES:
            x = np.asarray(rng.uniform(-3, 3, shape)).astype(dtype)
            made.append(Sample((x, np.asarray(indices)), Attrs(axis=axis), dtype[0] == "f"))
    return made


TAKE = register(Op(
    name="take", label="Take", infer=_take_infer, kernel=_take_kernel, reference=_take_reference,
    vjp=maps_vjp((_take_back, None)), jvp=maps_jvp((_again, None)), batch=_take_batch,
    tiling=_take_tiling, cost=copy_cost, workspace=_take_workspace, samples=_take_samples,
    fallible=True,
    moves=True,
))  # fmt: skip


@public(np.take)
def take(
    x: TensorLike, indices: TensorLike, axis: int | None = None, *, mode: str = "raise"
) -> Tensor:
    """Return elements, rows or slices by index.

    Parameters
    ----------
    x : tensor or array_like
        At least one axis.
    indices : tensor or array_like
        Integers of any shape; negative ones count from the end.
    axis : int, optional
        The axis that the indices are along; by default the flattened tensor's.
    mode : {"raise", "wrap", "clip"}
        What becomes of an index out of range: an error, the remainder, or the nearest in range;
        "clip" has no negative indices, as in NumPy.

    Returns
    -------
    Tensor
        ``x``'s shape, with the indices' shape in the place of the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, or an index that is known already.
    DTypeError, GraphError
        The indices aren't integers, or the mode is unknown.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.take(x, [1, -1], axis=0))
    array([[3, 4],
           [3, 4]])
    """
    builder = builder_of(x, indices)
    source = x if isinstance(x, Tensor) else builder.constant(x)
    if axis is None:
        source = reshape(source, -1)
    place = normal_axis(0 if axis is None else axis, source.ndim)
    rows = source if is_row_major(source) else call_function("copy", source)
    found = index_within(indices, rows.shape[place], mode, rows)
    return apply(TAKE, (rows, found), Attrs(axis=place))


# scatter_add


def _scatter_infer(specs: Specs, attrs: Attrs) -> Specs:
    updates, indices = check_inputs(specs, 2), specs[1]
    check_int64(indices, 1)
    axis, length = attrs.integer("axis"), single_dim(attrs, "length")
    if "wide" in attrs:
        attrs.flag("wide")
    stop = axis + indices.ndim
    if updates.dtype.kind == "b" or axis < 0 or updates.shape[axis:stop] != indices.shape:
        msg = (f"{updates} can't be added up at indices {indices} along axis {axis}: it must be "
               "numbers, with the indices' shape from that axis on")  # fmt: skip
        raise ShapeError(msg)
    return (updates.with_shape((*updates.shape[:axis], length, *updates.shape[stop:])),)


def _total(specs: Specs, attrs: Attrs) -> Spec:
    """Return what is added up in: more bits than the result's where its dtype or `wide` asks."""
    (out,) = _scatter_infer(specs, attrs)
    wide = {"float16": "float32"}
    if attrs.get("wide", False):
        wide |= {"float32": "float64", "complex64": "complex128"}
    return Spec(out.shape, np.dtype(wide.get(out.dtype.name, out.dtype)))


def _scatter_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (updates, indices), (counted, *block) = outs, ins, scratch
    axis = attrs.integer("axis")
    total, block = (block[0], block[1:]) if len(block) > 2 else (out, block)
    calls = [
        *counting(indices, counted, out.shape[axis]),
        (total.fill, (0,)),
        *combining(np.add, total, counted, updates, axis, block),
    ]
    return calls if total is out else [*calls, (np.copyto, (out, total, "same_kind"))]


def _rows(updates: Array, axis: int, count: int) -> Array:
    """Move the `count` axes of the indices to the front."""
    order = [*range(axis, axis + count), *range(axis)]
    return updates.transpose([*order, *range(len(order), updates.ndim)])


def _scatter_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    updates, indices = specs
    total = _total(specs, attrs)
    wide = () if total.dtype == updates.dtype else (total,)
    return Workspace((indices, *wide, *scratch_of(total.dtype)), INTERNAL)


def _scatter_reference(updates: np.ndarray, indices: np.ndarray, attrs: Attrs) -> np.ndarray:
    axis, (length,) = attrs.integer("axis"), attrs.integers("length")
    shape = (*updates.shape[:axis], length, *updates.shape[axis + indices.ndim :])
    out = np.zeros(shape, _total((Spec.like(updates), Spec.like(indices)), attrs).dtype)
    np.add.at(np.moveaxis(out, axis, 0), indices, _rows(updates, axis, indices.ndim))
    return out.astype(updates.dtype)


def _scatter_back(application: Application, cotangent: Tensor) -> Tensor:
    return take(cotangent, application.inputs[1], application.attrs.integer("axis"))


def _scatter_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    (updates, indices), axis = inputs, application.attrs.integer("axis")
    (length,) = application.attrs.dims("length")
    if not batched[1]:
        return [apply(SCATTER_ADD, inputs, application.attrs.replace(axis=axis + 1))]
    if not batched[0]:
        updates = broadcast_to(updates, (size, *updates.shape))
    rows = move_axes(updates, axis + 1, axis + indices.ndim, 1)
    attrs = application.attrs.replace(axis=0, length=(size * length,))
    (added,) = (apply(SCATTER_ADD, (rows, in_one(indices, length)), attrs),)
    return [move_axis(reshape(added, (size, length, *added.shape[1:])), 1, axis + 1)]


def _scatter_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    (updates, indices), axis = specs, attrs.integer("axis")
    stop = axis + indices.ndim
    add: AxisUse = Contracted("add")
    uses = (add if axis <= i < stop else Along(i if i < axis else i - indices.ndim + 1)
            for i in range(updates.ndim))  # fmt: skip
    return Tiling((tuple(uses), (add,) * indices.ndim))


def _scatter_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(size if isinstance(size, int) else 0, traffic(ins, outs))


def _scatter_samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for shape, places, axis in _CASES:
        length = shape[axis]
        indices = np.asarray(rng.integers(-length, length, places))
        attrs = Attrs(axis=axis, length=(length,))
        for dtype in DTYPES[1:]:
            attrs = attrs.replace(wide=True) if dtype[0] in "fc" and axis else attrs
            updates = rng.uniform(-3, 3, (*shape[:axis], *places, *shape[axis + 1 :]))
            made.append(Sample((np.asarray(updates).astype(dtype), indices), attrs,
                               dtype[0] == "f"))  # fmt: skip
    return made


SCATTER_ADD = register(Op(
    name="scatter_add", label="ScatterAdd", infer=_scatter_infer, kernel=_scatter_kernel,
    reference=_scatter_reference, vjp=maps_vjp((_scatter_back, None)),
    jvp=maps_jvp((_again, None)), batch=_scatter_batch, tiling=_scatter_tiling,
    cost=_scatter_cost, workspace=_scatter_workspace, samples=_scatter_samples, fallible=True,
))  # fmt: skip
