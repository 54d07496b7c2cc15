"""Axes in another order: transpose, always a view, and swaps and moves of axes by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import ShapeError
from dataflow.operation import Alias, Along, Application, Arrays, Call, Op, Specs, Tiling, register
from dataflow.ops.structure import check_inputs, copy_cost, samples_of
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["matrix_transpose", "moveaxis", "movedim", "permute", "permute_dims", "rollaxis",
           "swapaxes", "swapdims", "transpose"]  # fmt: skip


def _transpose_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axes = check_inputs(specs), attrs.integers("axes")
    if sorted(axes) != list(range(spec.ndim)):
        msg = f"axes {axes} must name each of the {spec.ndim} axes once"
        raise ShapeError(msg)
    return (spec.with_shape(tuple(spec.shape[axis] for axis in axes)),)


def _transpose_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array.transpose(attrs.integers("axes"))


def _turned_back(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    axes = attrs.integers("axes")
    return array.transpose([axes.index(i) for i in range(len(axes))])


def _transpose_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0].transpose(attrs.integers("axes"))))]


def _transpose_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.transpose(attrs.integers("axes"))


def _back(application: Application, change: Tensor) -> Tensor:
    axes = application.attrs.integers("axes")
    return transpose(change, [axes.index(i) for i in range(len(axes))])


def _forth(application: Application, change: Tensor) -> Tensor:
    return transpose(change, application.attrs.integers("axes"))


def _transpose_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    axes = application.attrs.integers("axes")
    return [transpose(inputs[0], (0, *(axis + 1 for axis in axes)))]


def _transpose_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    axes = attrs.integers("axes")
    return Tiling((tuple(Along(axes.index(i)) for i in range(len(axes))),))


TRANSPOSE = register(Op(
    name="transpose", label="Transpose", infer=_transpose_infer, kernel=_transpose_kernel,
    reference=_transpose_reference, vjp=maps_vjp((_back,)), jvp=maps_jvp((_forth,)),
    batch=_transpose_batch, tiling=_transpose_tiling, cost=copy_cost,
    alias=Alias(0, _transpose_view, undo=_turned_back), samples=samples_of([
        ([()], Attrs(axes=())), ([(0, 3)], Attrs(axes=(1, 0))),
        ([(2, 3, 4)], Attrs(axes=(1, 2, 0))),
    ]),
    moves=True,
))  # fmt: skip


@public(np.transpose, np.permute_dims)
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return a view with the axes in another order.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axes : sequence of int, optional
        For each axis of the result, the one it was; by default in reverse order.

    Raises
    ------
    ShapeError
        An axis is out of range, missing or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> df.transpose(df.GraphBuilder().zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    order = range(x.ndim)[::-1] if axes is None else [normal_axis(a, x.ndim) for a in axes]
    return apply(TRANSPOSE, (x,), Attrs(axes=tuple(order)))


permute_dims = also_named(transpose, "permute_dims")


@public(np.swapaxes)
def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    """Return a view with two axes swapped.

    Raises
    ------
    ShapeError
        An axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> df.swapaxes(df.GraphBuilder().zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    order = list(range(x.ndim))
    first, second = normal_axis(axis1, x.ndim), normal_axis(axis2, x.ndim)
    order[first], order[second] = order[second], order[first]
    return transpose(x, order)


swapdims = also_named(swapaxes, "swapdims")


@public(np.matrix_transpose)
def matrix_transpose(x: Tensor, /) -> Tensor:
    """Return a view with the last two axes swapped: every matrix of a stack transposed.

    Raises
    ------
    ShapeError
        There are fewer than two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.matrix_transpose(df.GraphBuilder().zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    return swapaxes(x, -1, -2)


@public(np.moveaxis)
def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Return a view with one axis or several moved to other places, the others in order.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or there are more axes than places.

    Examples
    --------
    >>> import dataflow as df
    >>> df.moveaxis(df.GraphBuilder().zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    from_, to = _axes_of(source, x.ndim), _axes_of(destination, x.ndim)
    if len(from_) != len(to):
        msg = f"moveaxis ({user_line()}): {len(from_)} axes to {len(to)} places"
        raise ShapeError(msg)
    order = [axis for axis in range(x.ndim) if axis not in from_]
    for place, axis in sorted(zip(to, from_, strict=True)):
        order.insert(place, axis)
    return transpose(x, order)


def _axes_of(axis: int | Sequence[int], ndim: int) -> list[int]:
    """Return axes counted from the front, in the order given."""
    normal_axes(axis, ndim)  # refuses one that is named twice
    items = axis if isinstance(axis, Sequence) else (axis,)
    return [normal_axis(item, ndim) for item in items]


movedim = also_named(moveaxis, "movedim")


@public(np.rollaxis)
def rollaxis(x: Tensor, /, axis: int, start: int = 0) -> Tensor:
    """Return a view with one axis moved to just before another; see `moveaxis`.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    axis : int
        Which axis.
    start : int
        The axis that it is put before; the number of axes for the end.

    Raises
    ------
    ShapeError
        An axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> df.rollaxis(df.GraphBuilder().zeros((2, 3, 4)), 2, 1).shape
    (2, 4, 3)
    """
    place = normal_axis(axis, x.ndim)
    before = x.ndim if start == x.ndim else normal_axis(start, x.ndim)
    return moveaxis(x, place, before - 1 if place < before else before)


permute = also_named(transpose, "permute")
