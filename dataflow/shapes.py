"""Axes and shapes, as public functions and derivative rules need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.errors import ShapeError
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = [
    "as_line", "common_shape", "move_axes", "move_axis", "normal_axes", "normal_axis",
    "reduced_axes", "sum_to", "through_line",
]  # fmt: skip


def common_shape(what: str, shapes: Sequence[Shape]) -> Shape:
    """Return the shape that shapes broadcast to; `ShapeError` with `what` and the user's line."""
    try:
        return broadcast_shapes(shapes)
    except ShapeError as error:
        msg = f"{what} ({user_line()}): {error}"
        raise ShapeError(msg) from None


def normal_axis(axis: int, ndim: int) -> int:
    """Return an axis counted from the front; `ShapeError` where there is no such axis."""
    try:
        place = None if isinstance(axis, bool) else index(axis)
    except TypeError:
        place = None
    if place is None:
        msg = f"an axis is an int, not {axis!r} ({user_line()})"
        raise ShapeError(msg)
    if not -ndim <= place < ndim:
        msg = f"axis {axis} is out of range for {ndim} axes ({user_line()})"
        raise ShapeError(msg)
    return place % ndim


def normal_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, sorted; all of them for None.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = axis.tolist() if isinstance(axis, np.ndarray) else axis
    items = given if isinstance(given, Sequence) else (given,)
    axes = sorted(normal_axis(item, ndim) for item in items)
    if len(set(axes)) != len(axes):
        msg = f"axes {tuple(items)} name one axis twice ({user_line()})"
        raise ShapeError(msg)
    return tuple(axes)


def reduced_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction: `normal_axes`, but that a scalar has an axis 0, as in NumPy.

    NumPy knows it by 0 and -1 alone, not in a sequence, and it is no axis of the result.
    """
    is_one = isinstance(axis, (int, np.integer)) and not isinstance(axis, bool)
    return () if ndim == 0 and is_one and axis in (0, -1) else normal_axes(axis, ndim)


def as_line(x: Tensor) -> Tensor:
    """Return a scalar as one element along an axis, and other tensors as they are."""
    return x if x.ndim else call_function("reshape", x, 1)


def through_line(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function that keeps the shape and needs an axis; a scalar is given one meanwhile."""
    return function(x) if x.ndim else call_function("reshape", function(as_line(x)), ())


def sum_to(x: Tensor, shape: Shape) -> Tensor:
    """Add up a tensor over the axes along which `shape` was broadcast to it."""
    if x.shape == shape:
        return x
    new = len(x.shape) - len(shape)
    stretched = [i + new for i, dim in enumerate(shape) if dim == 1 and x.shape[i + new] != 1]
    axes = (*range(new), *stretched)
    summed = call_function("sum", x, axis=axes, keepdims=True) if axes else x
    return call_function("reshape", summed, shape) if new else summed


def move_axis(x: Tensor, source: int, target: int) -> Tensor:
    """Move one axis to another place."""
    order = [axis for axis in range(x.ndim) if axis != source]
    order.insert(target, source)
    return x if order == sorted(order) else call_function("transpose", x, tuple(order))


def move_axes(x: Tensor, start: int, stop: int, target: int) -> Tensor:
    """Move a run of axes so that it starts at `target`."""
    rest = [axis for axis in range(x.ndim) if not start <= axis < stop]
    order = [*rest[:target], *range(start, stop), *rest[target:]]
    return x if order == sorted(order) else call_function("transpose", x, order)
