"""Square brackets: ``x[1:, ::-1, None, 0]`` as one slice and a reshape, both views.

Bounds are clipped as in Python where the length is known. Where it is named, they must lie within
it once it is bound: ``x[:3]`` of fewer than 3 rows is an error of `compile`. Arrays of indices
become one flat index, of the axes that they are along in one, and then a `take`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.calling import call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.brackets import Brackets, parsed
from dataflow.ops.gathering import take
from dataflow.ops.raveling import flat_positions
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slice_updates import set_ranges
from dataflow.ops.slicing import take_ranges
from dataflow.ops.updates import as_updates, update_rows
from dataflow.shapes import common_shape, move_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["getitem", "setitem"]


class _Chosen(NamedTuple):
    """What arrays of indices choose from: a tensor whose axes they are along are one axis."""

    rows: Tensor
    axis: int
    order: list[int]  # of the axes before they became one
    positions: Tensor
    unique: bool


@public()
def getitem(x: Tensor, index: object) -> Tensor:
    """Return ``x[index]``: a view, or with arrays of indices a copy.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    index : int, slice, Dim, None, Ellipsis, tensor or array of integers, or tuple of these
        As in NumPy: arrays broadcast together, and their axes go where NumPy puts them. Bounds may
        be dimensions. A boolean array counts as the indices of what it selects; a boolean tensor,
        whose values aren't known, can't be an index.

    Raises
    ------
    ShapeError
        There are more indices than axes, or one is out of range.
    DTypeError
        An index is of another kind.
    DataDependentShapeError
        An index is a boolean tensor.
    KernelError
        While running: an index in a tensor is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 8, 8))
    >>> x[1:, None, 0, ::2].shape
    (Dim('batch - 1'), 1, 4)
    >>> x[:, [0, 1, 2], [2, 1, 0]].shape
    (Dim('batch'), 3)
    """
    brackets = parsed(index, x.shape)
    found = take_ranges(x, brackets.ranges)
    if not brackets.arrays:
        return _arranged(found, brackets, ())
    chosen = _chosen(_without_ints(found, brackets), brackets, in_front=False)
    taken = take(chosen.rows, chosen.positions, chosen.axis)
    ndim = chosen.positions.ndim
    target = _slices_before(brackets)
    moved = move_axes(taken, chosen.axis, chosen.axis + ndim, target)
    slices = [*moved.shape[:target], *moved.shape[target + ndim :]]
    return reshape(moved, _result_shape(brackets, slices, chosen.positions.shape))


def _without_ints(x: Tensor, brackets: Brackets) -> Tensor:
    kinds = [item.kind for item in brackets.items if item.kind != "new"]
    return reshape(x, [n for n, kind in zip(x.shape, kinds, strict=True) if kind != "int"])


def _arranged(x: Tensor, brackets: Brackets, positions: Shape) -> Tensor:
    """Drop the axes of ints and add those of Nones."""
    kinds = [item.kind for item in brackets.items if item.kind != "new"]
    slices = [n for n, kind in zip(x.shape, kinds, strict=True) if kind == "slice"]
    return reshape(x, _result_shape(brackets, slices, positions))


def _slices_before(brackets: Brackets) -> int:
    """Return how many axes of slices stand before those of the arrays in the result."""
    return sum(item.kind == "slice" for item in brackets.items[: brackets.place])


def _result_shape(brackets: Brackets, slices: list[int | Dim], positions: Shape) -> Shape:
    left = iter(slices)
    dims: list[int | Dim] = []
    for i, item in enumerate(brackets.items):
        if i == brackets.place:
            dims += positions
        if item.kind in ("slice", "new"):
            dims.append(1 if item.kind == "new" else next(left))
    return tuple(dims) if brackets.items else positions


def _chosen(x: Tensor, brackets: Brackets, *, in_front: bool) -> _Chosen:
    """Make one axis of those that arrays choose from: in front, or where they are if neighbours."""
    axes = brackets.array_axes
    neighbours = axes == list(range(axes[0], axes[0] + len(axes)))
    order = list(range(x.ndim))
    if in_front or not neighbours:
        order = [*axes, *(i for i in order if i not in axes)]
    moved = x if order == list(range(x.ndim)) else call_function("transpose", x, order)
    first, dims = order.index(axes[0]), [x.shape[i] for i in axes]
    rows = reshape(moved, [*moved.shape[:first], product(dims), *moved.shape[first + len(axes) :]])
    unique = _is_unique(brackets.arrays, tuple(dims))
    places = flat_positions(brackets.arrays, tuple(dims), x)
    return _Chosen(rows, first, order, places, unique)


def _is_unique(arrays: Sequence[Tensor | np.ndarray], dims: Shape) -> bool:
    """Say whether it is known that no two indices lead to one place."""
    if product(common_shape("index", [array.shape for array in arrays])) == 1:
        return True
    counted = [array % n for array, n in zip(arrays, dims, strict=True)
               if isinstance(array, np.ndarray) and isinstance(n, int)]  # fmt: skip
    if len(counted) < len(dims):
        return False
    rows = np.stack(np.broadcast_arrays(*counted)).reshape(len(dims), -1)
    return np.unique(rows, axis=1).shape == rows.shape


# Other elements in their place


@public()
def setitem(x: Tensor, index: object, value: TensorLike, how: str = "set") -> Tensor:
    """Return `x` with the elements ``x[index]`` set, or combined with a value.

    ``x.at[index].set(value)`` is another way to write it.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype; it stays as it is.
    index : int, slice, Dim, None, Ellipsis, tensor or array of integers, or tuple of these
        See `getitem`.
    value : tensor, array_like or number
        What to combine with, broadcast to the shape of ``x[index]``.
    how : {"set", "add", "subtract", "multiply", "divide", "power", "max", "min"}
        How to combine. Where arrays name an element several times, all count, one after the other,
        as in NumPy's ``ufunc.at``; so the last one wins that is set, and it has the gradient.

    Returns
    -------
    Tensor
        The shape and dtype of `x`; differentiable in `x` and `value`. Ties of an extreme share the
        gradient equally.

    Raises
    ------
    ShapeError, DTypeError, KernelError
        See `getitem`; or the value doesn't broadcast, or can't be cast to the dtype of `x`.
    GraphError
        There is no such way to combine.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3, 4])
    >>> df.evaluate(df.setitem(x, [0, 0, 2], 10, how="add"))
    array([21,  2, 13,  4])
    """
    if how not in _WAYS:
        msg = f"setitem ({user_line()}): how is one of {[*_WAYS]}, not {how!r}"
        raise GraphError(msg)
    brackets = parsed(index, x.shape)
    updates = as_updates(value, x)
    if how in _BY_ONES:  # one factor, or exponent, for every element
        ones = x.builder.full(x.shape, 1, x.dtype)
        factors = setitem(ones, index, updates, "multiply")
        return as_updates(call_function(how, x, factors), x)
    if how == "subtract":
        how, updates = "add", call_function("negative", updates)
    if not brackets.arrays:
        return _set_slices(x, brackets, updates, how)
    return _set_chosen(x, brackets, updates, how)


_BY_ONES = ("divide", "power")
_WAYS = ("set", "add", "subtract", "multiply", "divide", "power", "max", "min")
_FUNCTIONS = {"add": "add", "multiply": "multiply", "max": "maximum", "min": "minimum"}


def _set_slices(x: Tensor, brackets: Brackets, value: Tensor, how: str) -> Tensor:
    part = take_ranges(x, brackets.ranges)
    new = reshape(_fitted(value, _arranged(part, brackets, ()).shape), part.shape)
    if how != "set":
        new = call_function(_FUNCTIONS[how], part, new)
    return set_ranges(x, brackets.ranges, new)


def _fitted(value: Tensor, shape: Shape) -> Tensor:
    """Broadcast a value to the shape of what it goes to, as an assignment in NumPy does."""
    spare = value.ndim - len(shape)
    if spare > 0 and all(n == 1 for n in value.shape[:spare]):
        value = reshape(value, value.shape[spare:])
    return broadcast_to(value, shape)


def _set_chosen(x: Tensor, brackets: Brackets, value: Tensor, how: str) -> Tensor:
    part = take_ranges(x, brackets.ranges)
    narrow = _without_ints(part, brackets)
    chosen = _chosen(narrow, brackets, in_front=True)
    rows, positions = chosen.rows, chosen.positions
    updates = _in_front(value, brackets, positions.shape, rows.shape[1:])
    new = update_rows(how, rows, positions, updates, unique=chosen.unique)
    back = reshape(new, [narrow.shape[i] for i in chosen.order])
    if chosen.order != sorted(chosen.order):
        back = call_function("transpose", back, [chosen.order.index(i) for i in range(back.ndim)])
    return set_ranges(x, brackets.ranges, reshape(back, part.shape))


def _in_front(value: Tensor, brackets: Brackets, positions: Shape, slices: Shape) -> Tensor:
    """Broadcast a value to the result's shape, and move the axes of the arrays to the front."""
    fitted = _fitted(value, _result_shape(brackets, list(slices), positions))
    target = _slices_before(brackets)
    plain = reshape(fitted, (*slices[:target], *positions, *slices[target:]))
    return move_axes(plain, target, target + len(positions), 0)
