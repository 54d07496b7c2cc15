"""The different elements of a tensor, as many of them as the caller says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.comparison import not_equal
from dataflow.ops.cumulative import cumsum
from dataflow.ops.finiteness import isnan
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.ranks import ravel
from dataflow.ops.selection import minimum, where
from dataflow.ops.shaping import reshape
from dataflow.ops.sized import bounded, reached
from dataflow.ops.slicing import slice_axis
from dataflow.ops.sorting import argsort
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"]

_VALUES = "give the most different elements there may be as size="


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
    found = reached(rank, size)
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
    return _different(x, bounded(size, "unique_all", _VALUES), fill_value, equal_nan=False)


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
    count = bounded(size, "unique_values", _VALUES)
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
    count = bounded(size, "unique_counts", _VALUES)
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
    count = bounded(size, "unique_inverse", _VALUES)
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
    count = bounded(size, "unique", _VALUES)
    values, *more = _different(x, count, fill_value, equal_nan=equal_nan)
    asked = (return_index, return_inverse, return_counts)
    chosen = [tensor for tensor, is_asked in zip(more, asked, strict=True) if is_asked]
    return (values, *chosen) if chosen else values
