"""What may stand in square brackets, sorted out: ``x[1:, None, rows, 0]``.

`parsed` turns it into a range of every axis, arrays of indices for some, and the order in which
the axes left make the result. NumPy's rule of where the axes of arrays go: they broadcast together,
and where all arrays and ints are neighbours, their axes stand in the place of the first; where a
slice, None or ... stands between two, they come first. An int is an array beside arrays only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.dims import Dim, Shape
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.slicing import Range
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor

__all__ = ["Brackets", "Item", "parsed"]

Array: TypeAlias = "Tensor | np.ndarray[Any, Any]"


class Item(NamedTuple):
    """One entry of the brackets, and what it takes of its axis (none for None)."""

    kind: str  # "slice", "int", "new" or "array"
    taken: Range
    array: Array | None = None


class Brackets(NamedTuple):
    """What stands in square brackets, one item for every axis and every None."""

    items: tuple[Item, ...]

    @property
    def ranges(self) -> list[Range]:
        """What is taken of every axis; all where an array chooses from it."""
        return [item.taken for item in self.items if item.kind != "new"]

    @property
    def arrays(self) -> list[Array]:
        """The arrays of indices."""
        return [item.array for item in self.items if item.array is not None]

    @property
    def array_axes(self) -> list[int]:
        """The axes that arrays choose from, counted without those of ints."""
        kinds = [item.kind for item in self.items if item.kind in ("slice", "array")]
        return [i for i, kind in enumerate(kinds) if kind == "array"]

    @property
    def place(self) -> int:
        """The item in whose place the axes of the arrays go, 0 for the front."""
        chosen = [i for i, item in enumerate(self.items) if item.kind in ("int", "array")]
        apart = any(b - a > 1 for a, b in pairwise(chosen))
        return 0 if apart or not chosen else chosen[0]


def parsed(index: object, shape: Shape) -> Brackets:
    """Sort out what stands in the square brackets of a tensor.

    Raises
    ------
    ShapeError
        There are more indices than axes, one that is known is out of range, or a mask has another
        shape than the axes that it is along.
    DTypeError
        An index is of another kind.
    DataDependentShapeError
        It is a mask whose values aren't known yet.
    """
    dims = iter(shape)
    items: list[Item] = []
    for entry in _expanded(index, shape):
        if entry is None:
            items.append(Item("new", Range(0, 1, 1)))
        else:
            items.append(_item(entry, next(dims)))
    return Brackets(tuple(items))


def _item(entry: Any, dim: int | Dim) -> Item:  # noqa: ANN401 - checked here
    if isinstance(entry, slice):
        return Item("slice", _range_of_slice(entry, dim))
    if _is_array(entry):
        return Item("array", Range(0, dim, 1), entry)
    position = _bound(entry, dim)
    if isinstance(position, int) and isinstance(dim, int) and not 0 <= position < dim:
        msg = f"index {entry} is out of range for an axis of length {dim} ({user_line()})"
        raise ShapeError(msg)
    return Item("int", Range(position, position + 1, 1))


def _is_array(entry: object) -> bool:
    return isinstance(entry, (Tensor, np.ndarray))


def _expanded(index: object, shape: Shape) -> list[Any]:
    """Return one entry for every axis, and the Nones between; a whole slice where none is given."""
    entries = [_as_entry(e) for e in (index if isinstance(index, tuple) else (index,))]
    dots = [i for i, entry in enumerate(entries) if entry is Ellipsis]
    counts = [_axes_of(entry) for entry in entries]
    given, ndim = sum(counts), len(shape)
    if len(dots) > 1 or given > ndim:
        msg = f"index {index!r} ({user_line()}): {ndim} axes take as many indices and one ..."
        raise ShapeError(msg)
    place = dots[0] if dots else len(entries)
    filled = [*entries[:place], *[slice(None)] * (ndim - given), *entries[place + 1 :]]
    return _without_masks(filled, shape)


def _as_entry(entry: object) -> object:
    if not isinstance(entry, list):
        return entry
    if any(isinstance(item, Tensor) for item in entry):
        msg = f"a list of tensors is no index ({user_line()}): df.stack them, or use a tuple"
        raise DTypeError(msg)
    array = np.asarray(entry)
    return array if array.size else array.astype(np.int64)


def _is_mask(entry: object) -> bool:
    return isinstance(entry, (Tensor, np.ndarray)) and entry.dtype == np.bool_


def _axes_of(entry: Any) -> int:  # noqa: ANN401 - anything may stand in square brackets
    if isinstance(entry, Tensor) and _is_mask(entry):
        depends_on_data(f"a mask, {entry!r}, in square brackets",
                        "df.where(mask, t, 0) keeps the shape, and a mask that is known can be a "
                        "NumPy array")  # fmt: skip
    if _is_mask(entry) and entry.ndim:
        return int(entry.ndim)
    return int(entry is not None and entry is not Ellipsis)


def _without_masks(entries: list[Any], shape: Shape) -> list[Any]:
    """Replace masks that are known by the indices of what they select."""
    found: list[Any] = []
    axis = 0
    for entry in entries:
        if _is_mask(entry) and entry.ndim:
            dims = shape[axis : axis + entry.ndim]
            if dims != entry.shape:
                msg = (f"a mask of shape {shape_text(entry.shape)} can't select from axes "
                       f"{shape_text(dims)} ({user_line()})")  # fmt: skip
                raise ShapeError(msg)
            found += entry.nonzero()
            axis += entry.ndim
        else:
            found.append(entry)
            axis += entry is not None
    return found


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
    ahead = stop - start if step > 0 else start - stop
    is_empty = isinstance(ahead, int) and ahead <= 0  # whatever the length of the axis
    return Range(0, 0, 1) if is_empty else Range(start, stop, step)


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
    is_bool = isinstance(value, (bool, np.bool_)) or _is_mask(value)
    if is_bool or not hasattr(value, "__index__") or _is_array(value):
        msg = (f"{value!r} is no index ({user_line()}): use ints, slices, None, ... or arrays of "
               "integers; df.where selects by booleans")  # fmt: skip
        raise DTypeError(msg)
    position: int = value.__index__()
    return position
