"""Shapes: reshape and broadcast_to, views wherever the strides allow one.

Where they don't, the kernel copies. Expanding and squeezing are reshapes, so that there is one op
to slice, batch and differentiate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import Dim, DimLike, exact_quotient, product
from dataflow.dispatch import also_named, public
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import GraphError, ShapeError
from dataflow.operation import (
    WHOLE,
    Alias,
    Along,
    Application,
    Arrays,
    AxisUse,
    Call,
    Interleaved,
    Op,
    Proportional,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.axes import transpose
from dataflow.ops.structure import check_inputs, copy_cost, copy_kernel, samples_of, slice_shape
from dataflow.shapes import normal_axes, reduced_axes
from dataflow.source import user_line
from dataflow.spec import Spec, as_shape, broadcast_shapes, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = ["broadcast_to", "expand_dims", "reshape", "squeeze", "unsqueeze"]


# reshape


def _reshape_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = check_inputs(specs), as_shape(attrs.dims("shape"))
    if spec.size != product(shape):
        msg = (f"can't reshape {shape_text(spec.shape)} to {shape_text(shape)}: it has {spec.size} "
               f"elements, not {product(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _reshape_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array.reshape(spec.static_shape, copy=False)


def _reshape_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    # Where the input has no view in the output's shape, the output has one in the input's.
    (out,), (x,) = outs, ins
    try:
        return [(np.copyto, (out.reshape(x.shape, copy=False), x))]
    except ValueError:
        return [(np.copyto, (out, x.reshape(out.shape, copy=False)))]


def _reshape_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.reshape(attrs.integers("shape"))


def _back(application: Application, change: Tensor) -> Tensor:
    return reshape(change, application.inputs[0].shape)


def _forth(application: Application, change: Tensor) -> Tensor:
    return reshape(change, application.outputs[0].shape)


def _reshape_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [reshape(inputs[0], (size, *application.outputs[0].shape))]


def _divides(one: int, other: int) -> bool:
    """Say whether the longer of two lengths is some times the shorter; an axis of 1 is no part."""
    short, long = sorted((one, other))
    return short > 1 and long % short == 0


def _reshape_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Map each axis to one as long, with as many elements before it; else to one it is part of.

    The first of axes that are merged, and an axis of which the first part is split off, are sliced
    in proportion.
    """
    shape, target = specs[0].static_shape, attrs.integers("shape")
    uses: list[AxisUse] = []
    free = 0  # the first output axis that no input axis maps to yet
    for i, length in enumerate(shape):
        beside = [j for j in range(free, len(target)) if product(target[:j]) == product(shape[:i])]
        same = next((j for j in beside if target[j] == length), None)
        part = next((j for j in beside if _divides(target[j], length)), None)
        axis = part if same is None else same
        uses.append(WHOLE if axis is None else Proportional(axis) if same is None else Along(axis))
        free = free if axis is None else axis + 1
    merged = [Interleaved(i, j, 1, times) for i, j, times in _within(shape, target)]
    parted = [Interleaved(i, j, times, 1) for j, i, times in _within(target, shape)]
    return Tiling((tuple(uses),), slice_attrs=slice_shape, interleaved=(*merged, *parted))


def _within(parts: tuple[int, ...], wholes: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Yield which axes lie in another one several times over: part, whole, and how many times.

    Of ``[2, 3, 4]`` merged into ``[6, 4]`` the axis of 3 lies twice in that of 6.
    """
    if 0 in parts:
        return
    for j, whole in enumerate(wholes):
        first = math.prod(wholes[:j])
        for i, part in enumerate(parts):
            times, rest = divmod(math.prod(parts[:i]), first)
            if times > 1 and not rest and part > 1 and whole % (times * part) == 0:
                yield i, j, times


RESHAPE = register(Op(
    name="reshape", label="Reshape", infer=_reshape_infer, kernel=_reshape_kernel,
    reference=_reshape_reference, vjp=maps_vjp((_back,)), jvp=maps_jvp((_forth,)),
    batch=_reshape_batch, tiling=_reshape_tiling, cost=copy_cost,
    alias=Alias(0, _reshape_view, undo=_reshape_view), samples=samples_of([
        ([()], Attrs(shape=(1, 1))), ([(0, 3)], Attrs(shape=(0,))),
        ([(3, 4)], Attrs(shape=(3, 2, 2))), ([(2, 3, 4)], Attrs(shape=(6, 4))),
    ]),
    moves=True,
))  # fmt: skip


@public(np.reshape)
def reshape(
    x: Tensor, shape: DimLike | Sequence[DimLike], order: str = "C", *, copy: bool | None = None
) -> Tensor:
    """Return the same elements, in row-major order, in another shape.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    shape : int, str, Dim, or sequence of them
        One may be -1: what is left over, an expression where the dimensions are named.
    order : {"C", "F"}
        Whether elements are read and placed with the last axis running first, or the first one.
    copy : bool, optional
        Of no effect: nobody writes to a tensor, so that a copy is never told from the original.

    Returns
    -------
    Tensor
        A view where the strides allow one.

    Raises
    ------
    ShapeError
        The numbers of elements differ, or what is left over is no whole number.
    GraphError
        There is no such order; ``"A"`` depends on memory, which isn't decided yet.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 8, 8))
    >>> df.reshape(x, (-1, 64)).shape
    (Dim('batch'), 64)
    """
    target = _without_unknown(x, shape)
    if runs_first_axis_first(order, "reshape") and max(x.ndim, len(target)) > 1:
        return transpose(reshape(transpose(x), target[::-1]))
    return x if target == x.shape else apply(RESHAPE, (x,), Attrs(shape=target))


def runs_first_axis_first(order: str, name: str) -> bool:
    """Say whether an order is Fortran's and not C's; `GraphError` if it is neither."""
    if order not in ("C", "F"):
        msg = f"{name} ({user_line()}): the order is 'C' or 'F', not {order!r}"
        raise GraphError(msg)
    return order == "F"


def _without_unknown(x: Tensor, shape: Any) -> Shape:  # noqa: ANN401 - checked by as_shape
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    items = list(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else [shape]
    unknown = [i for i, dim in enumerate(items) if isinstance(dim, int) and dim == -1]
    if len(unknown) > 1:
        msg = f"reshape to {tuple(items)} ({user_line()}): only one dimension can be -1"
        raise ShapeError(msg)
    for i in unknown:
        rest = product(as_shape([*items[:i], *items[i + 1 :]]))
        left = exact_quotient(x.spec.size, rest)
        if left is None:
            msg = (f"reshape of {shape_text(x.shape)} to {tuple(items)} ({user_line()}): "
                   f"{x.spec.size} elements aren't divisible by {rest}")  # fmt: skip
            raise ShapeError(msg)
        items[i] = left
    return as_shape(items)


@public(np.expand_dims)
def expand_dims(x: Tensor, axis: int | Sequence[int] = 0) -> Tensor:
    """Return a tensor with new axes of length 1 at these places of the result.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 3))
    >>> df.expand_dims(x, (0, -1)).shape
    (1, 2, 3, 1)
    """
    count = len(axis) if isinstance(axis, Sequence) else 1
    new = normal_axes(axis, x.ndim + count)
    left = iter(x.shape)
    return reshape(x, [1 if i in new else next(left) for i in range(x.ndim + count)])


unsqueeze = also_named(expand_dims, "unsqueeze")


@public(np.squeeze)
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """Return a tensor without axes of length 1: these, or all.

    Raises
    ------
    ShapeError
        An axis isn't of length 1; one with a name never counts as such.

    Examples
    --------
    >>> import dataflow as df
    >>> df.squeeze(df.GraphBuilder().zeros((1, 3, 1))).shape
    (3,)
    """
    ones = tuple(i for i, dim in enumerate(x.shape) if dim == 1)
    axes = ones if axis is None else reduced_axes(axis, x.ndim)
    for i in axes:
        if i not in ones:
            msg = (f"squeeze of {shape_text(x.shape)} ({user_line()}): axis {i} has length "
                   f"{x.shape[i]}, not 1")  # fmt: skip
            raise ShapeError(msg)
    return reshape(x, [dim for i, dim in enumerate(x.shape) if i not in axes])


# broadcast_to


def _broadcast_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = check_inputs(specs), as_shape(attrs.dims("shape"))
    if spec.ndim > len(shape) or broadcast_shapes([spec.shape, shape]) != shape:
        msg = f"{shape_text(spec.shape)} doesn't broadcast to {shape_text(shape)}"
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _broadcast_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return np.broadcast_to(array, spec.static_shape)


def _broadcast_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.broadcast_to(x, attrs.integers("shape"))


def _same(application: Application, change: Tensor) -> Tensor:
    return change  # maps_vjp adds it up and maps_jvp broadcasts it


def _broadcast_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    (x,), shape = inputs, application.outputs[0].shape
    new = [1] * (len(shape) + 1 - x.ndim)
    return [broadcast_to(reshape(x, (size, *new, *x.shape[1:])), (size, *shape))]


def _broadcast_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    shape, target = specs[0].shape, attrs.integers("shape")
    first = len(target) - len(shape)
    stretched = {first + i for i, dim in enumerate(shape) if dim != target[first + i]}
    uses = [WHOLE if first + i in stretched else Along(first + i) for i in range(len(shape))]
    return Tiling((tuple(uses),), (*range(first), *sorted(stretched)), slice_shape)


BROADCAST_TO = register(Op(
    name="broadcast_to", label="BroadcastTo", infer=_broadcast_infer, kernel=copy_kernel,
    reference=_broadcast_reference, vjp=maps_vjp((_same,)), jvp=maps_jvp((_same,)),
    batch=_broadcast_batch, tiling=_broadcast_tiling, cost=copy_cost,
    alias=Alias(0, _broadcast_view), samples=samples_of([
        ([()], Attrs(shape=())), ([()], Attrs(shape=(2, 3))), ([(0, 3)], Attrs(shape=(2, 0, 3))),
        ([(3, 1)], Attrs(shape=(2, 3, 4))),
    ]),
    moves=True,
))  # fmt: skip


@public(np.broadcast_to)
def broadcast_to(x: Tensor, shape: DimLike | Sequence[DimLike]) -> Tensor:
    """Return a tensor repeated along new leading axes and along its axes of length 1.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    shape : int, str, Dim, or sequence of them
        The result's shape; an axis with a name never counts as one of length 1.

    Raises
    ------
    ShapeError
        NumPy's broadcasting rules don't lead from the tensor's shape to this one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1], [2]])
    >>> df.evaluate(df.broadcast_to(x, (2, 3)))
    array([[1, 1, 1],
           [2, 2, 2]])
    """
    target = as_shape(shape)
    return x if target == x.shape else apply(BROADCAST_TO, (x,), Attrs(shape=target))
