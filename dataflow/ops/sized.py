"""Places where something holds, as many as the caller says there may be.

How many there are depends on data; with ``size=`` that many are returned, the first ones, and where
there are fewer a fill value follows. The k-th place is where a running count first reaches k, which
a binary search finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.bins import searchsorted
from dataflow.ops.comparison import less, not_equal
from dataflow.ops.cumulative import cumsum
from dataflow.ops.joining import stack
from dataflow.ops.ranks import ravel
from dataflow.ops.selection import maximum, where
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor

__all__ = ["argwhere", "flatnonzero", "nonzero", "nonzero_static"]

_PLACES = "give the most places there may be as size=, or use df.where, which needs none"


def bounded(size: DimLike | None, name: str, remedy: str) -> int | Dim:
    """Return the number of results; without it there is no shape."""
    if size is None:
        depends_on_data(name, remedy)
    try:
        return as_dim(size)
    except ShapeError as error:
        msg = f"the size of {name} ({user_line()}): {error}"
        raise ShapeError(msg) from None


class Reached(NamedTuple):
    """Where a running count reaches 1, 2, 3 and so on, and whether it does."""

    place: Tensor
    is_there: Tensor
    each: Tensor  # how many elements there are up to the next one reached


def reached(running: Tensor, size: int | Dim) -> Reached:
    """Return where a count that runs along one axis reaches 1, 2 and so on, up to `size`."""
    builder = running.builder
    wanted = builder.arange(1, size + 1)
    place = searchsorted(running, wanted)
    length = builder.size_of(running.shape, np.int64)
    return Reached(place, less(place, length), searchsorted(running, wanted, "right") - place)


# Places


def _flat_places(x: Tensor, size: int | Dim) -> Reached:
    holds = ravel(x) if x.dtype == np.bool_ else not_equal(ravel(x), 0)
    return reached(cumsum(holds.astype(np.int64), 0), size)


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
    count = bounded(size, "flatnonzero", _PLACES)
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
    count = bounded(size, "nonzero", _PLACES)
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
    count = bounded(size, "argwhere", _PLACES)
    return stack(nonzero(x, size=count, fill_value=fill_value), 1)


@public()
def nonzero_static(x: Tensor, /, *, size: DimLike | None = None, fill_value: int = -1) -> Tensor:
    """Return the indices of what isn't 0 as rows: `argwhere`, as PyTorch names and fills it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0, 5])
    >>> df.evaluate(df.nonzero_static(x, size=2))
    array([[ 1],
           [-1]])
    """
    count = bounded(size, "nonzero_static", _PLACES)
    return argwhere(x, size=count, fill_value=fill_value)
