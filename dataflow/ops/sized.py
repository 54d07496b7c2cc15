"""Places and different elements, as many as the caller says there may be.

How many there are depends on data; with ``size=`` that many are returned, the first ones, and where
there are fewer a fill value follows. The k-th place is where a running count first reaches k, which
a binary search finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import as_dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.bins import searchsorted
from dataflow.ops.comparison import less, not_equal
from dataflow.ops.cumulative import cumsum
from dataflow.ops.finiteness import isnan
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat, stack
from dataflow.ops.ranks import ravel
from dataflow.ops.selection import maximum, minimum, where
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.sorting import argsort
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["argwhere", "flatnonzero", "nonzero", "unique", "unique_all", "unique_counts",
           "unique_inverse", "unique_values"]  # fmt: skip

_PLACES = "give the most places there may be as size=, or use df.where, which needs none"
_VALUES = "give the most different elements there may be as size="


def _bounded(size: DimLike | None, name: str, remedy: str) -> int | Dim:
    """Return the number of results; without it there is no shape."""
    if size is None:
        depends_on_data(name, remedy)
    try:
        return as_dim(size)
    except ShapeError as error:
        msg = f"the size of {name} ({user_line()}): {error}"
        raise ShapeError(msg) from None


class _Reached(NamedTuple):
    """Where a running count reaches 1, 2, 3 and so on, and whether it does."""

    place: Tensor
    is_there: Tensor
    each: Tensor  # how many elements there are up to the next one reached


def _reached(running: Tensor, size: int | Dim) -> _Reached:
    builder = running.builder
    wanted = builder.arange(1, size + 1)
    place = searchsorted(running, wanted)
    length = builder.size_of(running.shape, np.int64)
    return _Reached(place, less(place, length), searchsorted(running, wanted, "right") - place)


# Places


def _flat_places(x: Tensor, size: int | Dim) -> _Reached:
    holds = ravel(x) if x.dtype == np.bool_ else not_equal(ravel(x), 0)
    return _reached(cumsum(holds.astype(np.int64), 0), size)


@public(np.flatnonzero)
def flatnonzero(x: Tensor, /, *, size: DimLike | None = None, fill_value: int = 0) -> Tensor:
    """Return the places in the flattened tensor of what isn't 0, `size` of them.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    size : int or Dim
        How many places to return: the first ones.
    fill_value : int
        What follows where there are fewer.

    Returns
    -------
    Tensor
        int64, of shape ``(size,)``.

    Raises
    ------
    DataDependentShapeError
        No size is given.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0, 5, 0, 7])
    >>> df.evaluate(df.flatnonzero(x, size=3, fill_value=-1))
    array([ 1,  3, -1])
    """
    count = _bounded(size, "flatnonzero", _PLACES)
    found = _flat_places(x, count)
    return where(found.is_there, found.place, fill_value)


@public(np.nonzero)
def nonzero(
    x: Tensor, /, *, size: DimLike | None = None, fill_value: int = 0
) -> tuple[Tensor, ...]:
    """Return the indices along each axis of what isn't 0, `size` of them; see `flatnonzero`.

    Raises
    ------
    ShapeError
        The tensor has no axis.
    DataDependentShapeError
        No size is given.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0, 5], [7, 0]])
    >>> df.evaluate(*df.nonzero(x, size=2))
    (array([0, 1]), array([1, 0]))
    """
    count = _bounded(size, "nonzero", _PLACES)
    if x.ndim == 0:
        msg = f"nonzero ({user_line()}): a scalar has no axis: use df.atleast_1d"
        raise ShapeError(msg)
    found, indices = _flat_places(x, count), []
    for axis, dim in enumerate(x.shape):
        sizes = [x.builder.size_of(dims, np.int64) for dims in ((dim,), x.shape[axis + 1 :])]
        length, stride = (maximum(number, 1) for number in sizes)  # nothing is divided by 0
        indices.append(where(found.is_there, found.place // stride % length, fill_value))
    return tuple(indices)


@public(np.argwhere)
def argwhere(x: Tensor, /, *, size: DimLike | None = None, fill_value: int = 0) -> Tensor:
    """Return the indices of what isn't 0 as rows, `size` of them; see `nonzero`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0, 5], [7, 0]])
    >>> df.evaluate(df.argwhere(x, size=2))
    array([[0, 1],
           [1, 0]])
    """
    count = _bounded(size, "argwhere", _PLACES)
    return stack(nonzero(x, size=count, fill_value=fill_value), 1)


# Different elements


class UniqueAllResult(NamedTuple):
    """What `unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def _different(
    x: Tensor, size: int | Dim, fill_value: TensorLike | None, *, equal_nan: bool
) -> UniqueAllResult:
    """Sort stably, mark the first element of each kind, and count the marks."""
    flat = ravel(x)
    if flat.shape == (0,):
        msg = f"unique ({user_line()}): no element of {x!r} is there to be returned {size} times"
        raise ShapeError(msg)
    order = argsort(flat, 0, stable=True)
    ordered, length = take(flat, order), flat.shape[0]
    later, earlier = slice_axis(ordered, 0, 1, length), slice_axis(ordered, 0, 0, length - 1)
    is_new = not_equal(later, earlier)
    if equal_nan and x.dtype.kind == "f":
        is_new = is_new & ~(isnan(later) & isnan(earlier))
    rank = cumsum(concat([[True], is_new]).astype(np.int64), 0)
    found = _reached(rank, size)
    place = minimum(found.place, x.builder.size_of((length,), np.int64) - 1)
    fill = take(ordered, 0) if fill_value is None else as_tensor(fill_value, x).astype(x.dtype)
    return UniqueAllResult(
        where(found.is_there, take(ordered, place), fill),
        where(found.is_there, take(order, place), take(order, 0)),
        reshape(take(rank - 1, argsort(order, 0)), x.shape), found.each,
    )  # fmt: skip


@public(np.unique_all)
def unique_all(
    x: Tensor, /, *, size: DimLike | None = None, fill_value: TensorLike | None = None
) -> UniqueAllResult:
    """Return the different elements in ascending order, `size` of them, and all about them.

    Parameters
    ----------
    x : Tensor
        Bools or real numbers, of any shape but empty.
    size : int or Dim
        How many elements to return: the smallest ones.
    fill_value : number, optional
        What follows where there are fewer; by default the smallest one.

    Returns
    -------
    values : Tensor
        Shape ``(size,)``. NaN is different from NaN, as the Array API standard has it.
    indices : Tensor
        The place in the flattened tensor of the first of each.
    inverse_indices : Tensor
        For each element of `x` its place among all different elements: also beyond `size`.
    counts : Tensor
        How many there are of each; 0 for what was filled in.

    Raises
    ------
    ShapeError
        The tensor is empty.
    DataDependentShapeError
        No size is given.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, 5, 7])
    >>> found = df.unique_all(x, size=3)
    >>> df.evaluate(found.values, found.counts, found.inverse_indices)
    (array([5, 7, 5]), array([1, 2, 0]), array([1, 0, 1]))
    """
    return _different(x, _bounded(size, "unique_all", _VALUES), fill_value, equal_nan=False)


@public(np.unique_values)
def unique_values(
    x: Tensor, /, *, size: DimLike | None = None, fill_value: TensorLike | None = None
) -> Tensor:
    """Return the different elements in ascending order, `size` of them; see `unique_all`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.unique_values(df.GraphBuilder().constant([7, 5, 7]), size=2))
    array([5, 7])
    """
    count = _bounded(size, "unique_values", _VALUES)
    return _different(x, count, fill_value, equal_nan=False).values


@public(np.unique_counts)
def unique_counts(
    x: Tensor, /, *, size: DimLike | None = None, fill_value: TensorLike | None = None
) -> UniqueCountsResult:
    """Return the different elements and how many there are of each; see `unique_all`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.unique_counts(df.GraphBuilder().constant([7, 5, 7]), size=2))
    (array([5, 7]), array([1, 2]))
    """
    count = _bounded(size, "unique_counts", _VALUES)
    found = _different(x, count, fill_value, equal_nan=False)
    return UniqueCountsResult(found.values, found.counts)


@public(np.unique_inverse)
def unique_inverse(
    x: Tensor, /, *, size: DimLike | None = None, fill_value: TensorLike | None = None
) -> UniqueInverseResult:
    """Return the different elements, and the place of each element among them; see `unique_all`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.unique_inverse(df.GraphBuilder().constant([7, 5, 7]), size=2))
    (array([5, 7]), array([1, 0, 1]))
    """
    count = _bounded(size, "unique_inverse", _VALUES)
    found = _different(x, count, fill_value, equal_nan=False)
    return UniqueInverseResult(found.values, found.inverse_indices)


@public(np.unique)
def unique(  # noqa: PLR0913 - NumPy's arguments
    x: Tensor, /, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None, *, equal_nan: bool = True,
    sorted: bool = True, size: DimLike | None = None, fill_value: TensorLike | None = None,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor, or several
    """Return the different elements in ascending order, `size` of them, and more if asked for.

    Parameters
    ----------
    x, size, fill_value
        See `unique_all`.
    return_index, return_inverse, return_counts : bool
        Whether to return the indices, inverse indices and counts too.
    axis : None
        All elements are compared: how many different slices there are along an axis depends on
        data.
    equal_nan : bool
        Whether all NaNs count as one.
    sorted : bool
        Of no effect: elements always are in order.

    Returns
    -------
    Tensor or tuple of Tensor
        The elements, or these first.

    Raises
    ------
    ShapeError
        The tensor is empty.
    DataDependentShapeError
        No size is given, or an axis is.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([7, 5, 7])
    >>> df.evaluate(df.unique(x, size=3, fill_value=0))
    array([5, 7, 0])
    """
    if axis is not None:
        depends_on_data("unique along an axis", "df.lexsort puts rows in order, and df.diff says "
                        "which neighbours differ")  # fmt: skip
    count = _bounded(size, "unique", _VALUES)
    values, *more = _different(x, count, fill_value, equal_nan=equal_nan)
    asked = (return_index, return_inverse, return_counts)
    chosen = [tensor for tensor, is_asked in zip(more, asked, strict=True) if is_asked]
    return (values, *chosen) if chosen else values
