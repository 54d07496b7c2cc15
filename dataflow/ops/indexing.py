"""Square brackets: ``x[1:, ::-1, None, 0]`` as one slice and a reshape, both views.

Bounds are clipped as in Python where the length is known. Where it is named, they must lie within
it once it is bound: ``x[:3]`` of fewer than 3 rows is an error of `compile`. One array of indices
may stand among the slices: then `take` follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dataflow.calling import call_function
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import Range, take_ranges
from dataflow.source import user_line
from dataflow.tensor import Tensor

__all__ = ["getitem"]


@public()
def getitem(x: Tensor, index: object) -> Tensor:
    """Return ``x[index]``: a view, or with an array of indices a copy.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    index : int, slice, Dim, None, Ellipsis, tensor or array of integers, or tuple of these
        At most one tensor or array, and no int beside it; see `take`. Bounds may be dimensions.

    Raises
    ------
    ShapeError
        There are more indices than axes, or one is out of range.
    DTypeError
        An index is of another kind, such as a boolean.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 8, 8))
    >>> x[1:, None, 0, ::2].shape
    (Dim('batch - 1'), 1, 4)
    """
    items = _expanded(index, x.ndim)
    axes = [item for item in items if item is not None]
    ranges = [_range_of(item, dim) for item, dim in zip(axes, x.shape, strict=True)]
    found = take_ranges(x, ranges)
    return _taken(found, items) if any(map(_is_array, axes)) else _arranged(found, items)


def _expanded(index: object, ndim: int) -> list[Any]:
    """Return one item for every axis, and the Nones between; a whole slice where none is given."""
    items = list(index) if isinstance(index, tuple) else [index]
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    given = sum(item is not None and item is not Ellipsis for item in items)
    if len(dots) > 1 or given > ndim:
        msg = f"index {index!r} ({user_line()}): {ndim} axes take as many indices and one ..."
        raise ShapeError(msg)
    place = dots[0] if dots else len(items)
    return [*items[:place], *[slice(None)] * (ndim - given), *items[place + 1 :]]


def _is_array(item: object) -> bool:
    return isinstance(item, (Tensor, np.ndarray, list))


def _range_of(item: Any, dim: int | Dim) -> Range:  # noqa: ANN401 - checked here
    if isinstance(item, slice):
        return _range_of_slice(item, dim)
    if _is_array(item):
        return Range(0, dim, 1)
    position = _bound(item, dim)
    if isinstance(position, int) and isinstance(dim, int) and not 0 <= position < dim:
        msg = f"index {item} is out of range for an axis of length {dim} ({user_line()})"
        raise ShapeError(msg)
    return Range(position, position + 1, 1)


def _range_of_slice(item: slice, dim: int | Dim) -> Range:
    step = 1 if item.step is None else _checked(item.step)
    if not isinstance(step, int) or step == 0:
        msg = f"the step of a slice is an int other than 0, not {item.step!r} ({user_line()})"
        raise ShapeError(msg)
    first, last = (0, dim) if step > 0 else (dim - 1, -1)
    start = first if item.start is None else _bound(item.start, dim)
    stop = last if item.stop is None else _bound(item.stop, dim)
    if isinstance(start, int) and isinstance(stop, int) and isinstance(dim, int):
        return _clipped(item, step, dim)
    return Range(start, stop, step)


def _clipped(item: slice, step: int, dim: int) -> Range:
    start, stop, _ = item.indices(dim)
    return Range(start, stop, step) if range(start, stop, step) else Range(0, 0, 1)


def _bound(value: object, dim: int | Dim) -> int | Dim:
    """Count a position from the front; a dimension is one already."""
    position = _checked(value)
    return position + dim if isinstance(position, int) and position < 0 else position


def _checked(value: Any) -> int | Dim:  # noqa: ANN401 - anything may stand in square brackets
    if isinstance(value, Dim):
        return value
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        msg = (f"{value!r} is no index ({user_line()}): use ints, slices, None, ... or an array "
               "of integers; df.where selects by booleans")  # fmt: skip
        raise DTypeError(msg)
    position: int = value.__index__()
    return position


def _arranged(x: Tensor, items: list[Any]) -> Tensor:
    """Drop the axes of ints and add those of Nones."""
    dims = iter(x.shape)
    pairs = [(item, 1 if item is None else next(dims)) for item in items]
    return reshape(x, [dim for item, dim in pairs if item is None or isinstance(item, slice)])


def _taken(x: Tensor, items: list[Any]) -> Tensor:
    """Take along the axis of the one array among the items."""
    arrays = [i for i, item in enumerate(items) if _is_array(item)]
    if len(arrays) > 1 or not all(item is None or isinstance(item, slice) or _is_array(item)
                                  for item in items):  # fmt: skip
        msg = (f"index ({user_line()}): one array of indices, beside slices only: use df.take "
               "one axis after the other")  # fmt: skip
        raise DTypeError(msg)
    place = arrays[0]
    axis = place - items[:place].count(None)
    found = call_function("take", x, items[place], axis)
    new = found.ndim - x.ndim + 1  # axes of the indices
    return _arranged(found, [*items[:place], *[slice(None)] * new, *items[place + 1 :]])
