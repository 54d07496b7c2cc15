"""Elements put in, left out or kept at constant places, so that the shape is known.

What stays together is sliced and joined; where that would be many pieces, it is taken by index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import Dim, product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import moveaxis
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.ranks import ravel
from dataflow.ops.repeating import tile
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integers
from dataflow.ops.unbounded import depends_on_data
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike
    from dataflow.tensor import TensorLike

__all__ = ["compress", "delete", "extract", "insert", "resize"]

_MOST_PIECES = 8
_CONSTANT = ("give the condition as a constant, use df.where, or take(x, flatnonzero(condition, "
             "size=n)) for n places")  # fmt: skip


def _lines(x: Tensor, axis: int | None) -> tuple[Tensor, int]:
    """Return the tensor and the axis counted from the front; the flattened tensor for None."""
    return (ravel(x), 0) if axis is None else (x, normal_axis(axis, x.ndim))


def _static_length(x: Tensor, axis: int, name: str) -> int:
    length = x.shape[axis]
    if isinstance(length, Dim):
        msg = f"{name} ({user_line()}): the length {length} of axis {axis} isn't known yet"
        raise ShapeError(msg)
    return length


# Places left out or kept


def _kept(x: Tensor, mask: np.ndarray, axis: int) -> Tensor:
    """Return the slices at which a constant mask holds."""
    (places,) = np.nonzero(mask)
    runs = np.split(places, np.nonzero(np.diff(places) > 1)[0] + 1)
    if len(runs) > _MOST_PIECES:
        return take(x, places, axis)
    bounds = [(int(run[0]), int(run[-1]) + 1) for run in runs if run.size] or [(0, 0)]
    parts = [slice_axis(x, axis, *pair) for pair in bounds]
    return concat(parts, axis) if len(parts) > 1 else parts[0]


@public(np.delete)
def delete(x: Tensor, /, obj: slice | ArrayLike, axis: int | None = None) -> Tensor:
    """Return a tensor without the slices at constant places along an axis.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    obj : int, slice, sequence of int, or mask of bools
        Which; a mask holds for what is left out. Along an axis with a name, one int.
    axis : int, optional
        The axis; by default the flattened tensor's.

    Raises
    ------
    ShapeError
        The axis or a place is out of range, or a mask has another length.
    DTypeError
        The places aren't integers.
    DataDependentShapeError
        They are a tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3, 4])
    >>> df.evaluate(df.delete(x, 1)), df.evaluate(df.delete(x, [0, -1]))
    (array([1, 3, 4]), array([2, 3]))
    """
    rows, place = _lines(x, axis)
    length = rows.shape[place]
    if isinstance(length, Dim) and not isinstance(obj, (slice, Tensor)) and np.ndim(obj) == 0:
        at = _counted(as_integers(obj, "the place of delete"), length, "delete")[0]
        parts = (slice_axis(rows, place, 0, at), slice_axis(rows, place, at + 1, length))
        return concat(parts, place)
    mask = np.ones(_static_length(rows, place, "delete"), bool)
    mask[_chosen(obj, mask.size, "delete")] = False
    return _kept(rows, mask, place)


def _chosen(obj: Any, length: int, name: str) -> Any:  # noqa: ANN401 - an index of NumPy's
    """Return constant places as an index that NumPy takes, checked."""
    if isinstance(obj, slice):
        return obj
    if isinstance(obj, Tensor):
        depends_on_data(name, "give the places as constants, or use df.where")
    array = np.asarray(obj)
    if array.dtype == np.bool_ and array.ndim:
        if array.shape != (length,):
            msg = f"{name} ({user_line()}): a mask has {length} elements, not {array.shape}"
            raise ShapeError(msg)
        return array
    return _counted(as_integers(obj, f"the places of {name}"), length, name)


def _counted(places: np.ndarray, length: int | Dim, name: str, *, end: int = 0) -> list[Any]:
    """Return places counted from the front; they must be below ``length + end``."""
    found: list[Any] = []
    for place in places.ravel().tolist():
        if isinstance(length, int) and not -length <= place < length + end:
            msg = f"{name} ({user_line()}): place {place} is out of range for length {length}"
            raise ShapeError(msg)
        found.append(place + length if place < 0 else place)
    return found


@public(np.compress)
def compress(condition: ArrayLike, x: Tensor, axis: int | None = None) -> Tensor:
    """Return the slices along an axis at which a constant condition holds.

    Parameters
    ----------
    condition : array_like
        One axis, as long as the tensor's or shorter.
    x : Tensor
        Any shape and dtype.
    axis : int, optional
        The axis; by default the flattened tensor's.

    Raises
    ------
    ShapeError
        The condition has more axes than one, or holds at a place out of range.
    DataDependentShapeError
        The condition is a tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.compress([True, False, True], df.GraphBuilder().constant([1, 2, 3])))
    array([1, 3])
    """
    if isinstance(condition, Tensor):
        depends_on_data("compress", _CONSTANT)
    rows, place = _lines(x, axis)
    mask = np.asarray(condition).astype(bool)
    length = _static_length(rows, place, "compress")
    if mask.ndim != 1 or mask[length:].any():
        msg = (f"compress ({user_line()}): a condition has one axis and holds below {length}, "
               f"but it has shape {mask.shape}")  # fmt: skip
        raise ShapeError(msg)
    return _kept(rows, mask[:length], place)


@public(np.extract)
def extract(condition: ArrayLike, x: Tensor) -> Tensor:
    """Return the elements of the flattened tensor at which a constant condition holds.

    See `compress`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.extract([[True, False], [True, True]], x))
    array([1, 3, 4])
    """
    if isinstance(condition, Tensor):
        depends_on_data("extract", _CONSTANT)
    return compress(np.ravel(condition), x)


# Places put in


@public(np.insert)
def insert(
    x: Tensor, /, obj: slice | ArrayLike, values: TensorLike, axis: int | None = None
) -> Tensor:
    """Return a tensor with values put before the slices at constant places along an axis.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    obj : int, slice, or sequence of int
        Before which slices; the length stands for the end. One int for several values puts them
        there together. Along an axis with a name, one int.
    values : tensor or array_like
        What is put there: cast to the dtype of `x`, and broadcast to its shape but for the axis.
    axis : int, optional
        The axis; by default the flattened tensor's.

    Raises
    ------
    ShapeError
        The axis or a place is out of range, or the shapes don't fit.
    DTypeError
        The places aren't integers.
    DataDependentShapeError
        They are a tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.insert(x, 1, [8, 9])), df.evaluate(df.insert(x, [0, 3], 7))
    (array([1, 8, 9, 2, 3]), array([7, 1, 2, 3, 7]))
    """
    rows, place = _lines(x, axis)
    given = as_tensor(values, rows).astype(rows.dtype)
    length = rows.shape[place]
    if isinstance(obj, Tensor):
        depends_on_data("insert", "give the places as constants")
    if isinstance(obj, slice):
        obj = np.arange(_static_length(rows, place, "insert"))[obj]
    places = as_integers(obj, "the places of insert")
    at = _counted(places, length, "insert", end=1)
    if len(at) == 1:
        return _joined_at(rows, at, [_together(given, rows, place, is_one=places.ndim == 0)], place)
    _static_length(rows, place, "insert")
    order = np.argsort(at, kind="stable").tolist()
    spread = broadcast_to(given, (*rows.shape[:place], len(at), *rows.shape[place + 1 :]))
    pieces = [slice_axis(spread, place, i, i + 1) for i in order]
    return _joined_at(rows, [at[i] for i in order], pieces, place)


def _together(values: Tensor, x: Tensor, axis: int, *, is_one: bool) -> Tensor:
    """Return all values for one place; NumPy reads the first axis as the one of a lone int."""
    missing = x.ndim - values.ndim
    whole = expand_dims(values, tuple(range(missing))) if missing > 0 else values
    whole = moveaxis(whole, 0, axis) if is_one else whole
    return broadcast_to(whole, (*x.shape[:axis], whole.shape[axis], *x.shape[axis + 1 :]))


def _joined_at(
    x: Tensor, places: Sequence[int | Dim], pieces: Sequence[Tensor], axis: int
) -> Tensor:
    parts: list[Tensor] = []
    start: int | Dim = 0
    for place, piece in zip(places, pieces, strict=True):
        parts += [slice_axis(x, axis, start, place), piece] if place != start else [piece]
        start = place
    return concat([*parts, slice_axis(x, axis, start, x.shape[axis])], axis)


@public(np.resize)
def resize(x: Tensor, new_shape: DimLike | Sequence[DimLike]) -> Tensor:
    """Return the elements in another shape, from the start again where there are too few.

    Parameters
    ----------
    x : Tensor
        A shape without names.
    new_shape : int or sequence of int
        The shape.

    Raises
    ------
    ShapeError
        A dimension is negative or has a name.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.resize(df.GraphBuilder().constant([1, 2, 3]), (2, 2)))
    array([[1, 2],
           [3, 1]])
    """
    try:
        shape = as_shape(new_shape)
    except ShapeError as error:
        msg = f"resize ({user_line()}): {error}"
        raise ShapeError(msg) from None
    flat, size = ravel(x), product(shape)
    length = _static_length(flat, 0, "resize")
    if isinstance(size, Dim):
        msg = f"resize ({user_line()}): the number of elements {size} isn't known yet"
        raise ShapeError(msg)
    if length == 0:
        return broadcast_to(x.builder.constant(0, dtype=x.dtype), shape)
    return reshape(slice_axis(tile(flat, -(-size // length)), 0, 0, size), shape)
