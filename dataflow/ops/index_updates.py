"""PyTorch's updates by a list of indices along an axis, and by a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.cumulative import cumsum
from dataflow.ops.gathering import take
from dataflow.ops.indexing import setitem
from dataflow.ops.masking import as_mask
from dataflow.ops.positions import as_indices
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.updates import as_updates
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import TensorLike

__all__ = ["index_add", "index_copy", "index_fill", "index_put", "masked_fill", "masked_scatter",
           "select_scatter", "slice_scatter", "take_along_dim"]  # fmt: skip


def _along(what: str, x: Tensor, dim: int, index: TensorLike) -> tuple[Any, ...]:
    """Return the square brackets that choose rows along an axis."""
    axis = normal_axis(dim, x.ndim)
    found = as_indices(index, x, x.shape[axis]) if isinstance(index, Tensor) else np.asarray(index)
    if found.ndim > 1:
        msg = f"{what} ({user_line()}): the index has {found.ndim} axes, not 1"
        raise ShapeError(msg)
    row = found.reshape(-1) if isinstance(found, np.ndarray) else reshape(found, -1)
    return (*[slice(None)] * axis, row)


@public()
def index_add(
    x: Tensor, dim: int, index: TensorLike, source: TensorLike, *, alpha: float = 1
) -> Tensor:
    """Return `x` with rows added along an axis by a list of indices, as PyTorch does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    dim : int
        The axis that the indices are along.
    index : tensor or array_like
        Integers along one axis; a row that is named twice is added to twice.
    source : tensor, array_like or number
        What to add, broadcast to the rows chosen.
    alpha : float
        What to multiply it with.

    Returns
    -------
    Tensor
        The shape and dtype of `x`; see `setitem`.

    Raises
    ------
    ShapeError, DTypeError, KernelError
        The index has more than one axis; or see `setitem`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((3, 2), "int64")
    >>> df.evaluate(df.index_add(x, 0, [0, 2, 0], [[1, 2], [3, 4], [5, 6]]))
    array([[6, 8],
           [0, 0],
           [3, 4]])
    """
    value = as_updates(source, x)
    scaled = value if alpha == 1 else as_updates(value * alpha, x)
    return setitem(x, _along("index_add", x, dim, index), scaled, "add")


@public()
def index_copy(x: Tensor, dim: int, index: TensorLike, source: TensorLike) -> Tensor:
    """Return `x` with rows replaced along an axis by a list of indices; see `index_add`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((3,), "int64")
    >>> df.evaluate(df.index_copy(x, 0, [2, 0], [5, 6]))
    array([6, 0, 5])
    """
    return setitem(x, _along("index_copy", x, dim, index), source)


@public()
def index_fill(x: Tensor, dim: int, index: TensorLike, value: TensorLike) -> Tensor:
    """Return `x` with rows of one value along an axis by a list of indices; see `index_add`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 3), "int64")
    >>> df.evaluate(df.index_fill(x, 1, [0, 2], 7))
    array([[7, 0, 7],
           [7, 0, 7]])
    """
    return setitem(x, _along("index_fill", x, dim, index), value)


@public()
def masked_fill(x: Tensor, mask: TensorLike, value: TensorLike) -> Tensor:
    """Return `x` with a value where a mask holds, as PyTorch does.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    mask : tensor or array_like
        Booleans that broadcast to the shape of `x`.
    value : number, tensor or array_like
        One value.

    Returns
    -------
    Tensor
        The shape and dtype of `x`; no gradient passes where the mask holds.

    Raises
    ------
    ShapeError, DTypeError
        The mask doesn't broadcast or isn't of booleans, or the value can't be cast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2, 3])
    >>> df.evaluate(df.masked_fill(x, x < 0, 0))
    array([1, 0, 3])
    """
    held = as_mask("masked_fill", builder_of(x, mask), mask, "the mask")
    return where(broadcast_to(held, x.shape), as_updates(value, x), x)


@public()
def masked_scatter(x: Tensor, mask: TensorLike, source: TensorLike) -> Tensor:
    """Return `x` with the elements of `source`, in their order, where a mask holds.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    mask : tensor or array_like
        Booleans that broadcast to the shape of `x`.
    source : tensor or array_like
        At least as many elements as there are places where the mask holds.

    Returns
    -------
    Tensor
        The shape and dtype of `x`.

    Raises
    ------
    ShapeError, DTypeError
        The mask doesn't broadcast or isn't of booleans, or the elements can't be cast.
    KernelError
        While running: there are fewer elements than places.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, -2, 3, -4])
    >>> df.evaluate(df.masked_scatter(x, x < 0, [7, 8, 9]))
    array([1, 7, 3, 8])
    """
    held = broadcast_to(as_mask("masked_scatter", builder_of(x, mask), mask, "the mask"), x.shape)
    given = reshape(as_updates(source, x), -1)
    if 0 in x.shape:
        return x
    rank = cumsum(reshape(held, -1).astype(np.int64), 0) - 1
    padded = given if given.shape != (0,) else broadcast_to(as_updates(0, x), (1,))
    lacking = given.shape == (0,)
    places = where(reshape(held, -1), rank + 1 if lacking else rank, 0)
    return where(held, reshape(take(padded, places, 0), x.shape), x)


@public()
def select_scatter(x: Tensor, src: TensorLike, dim: int, index: TensorLike) -> Tensor:
    """Return `x` with one slice along an axis replaced, as PyTorch's function of this name does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    src : tensor or array_like
        What is put there, broadcast to the shape of the slice.
    dim : int
        The axis.
    index : int, or a tensor of one
        Which slice; see `setitem`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 3), "int64")
    >>> df.evaluate(df.select_scatter(x, [5, 6], 1, 2))
    array([[0, 0, 5],
           [0, 0, 6]])
    """
    return setitem(x, (*[slice(None)] * normal_axis(dim, x.ndim), index), src)


@public()
def slice_scatter(
    x: Tensor, src: TensorLike, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Tensor:  # fmt: skip
    """Return `x` with slices along an axis replaced, as PyTorch's function of this name does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    src : tensor or array_like
        What is put there, broadcast to the shape of the slices.
    dim : int
        The axis.
    start, end, step : int, optional
        Which slices, as in square brackets.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((5,), "int64")
    >>> df.evaluate(df.slice_scatter(x, [5, 6], 0, 1, None, 2))
    array([0, 5, 0, 6, 0])
    """
    taken = (*[slice(None)] * normal_axis(dim, x.ndim), slice(start, end, step))
    return setitem(x, taken, src)


@public()
def index_put(
    x: Tensor, indices: Sequence[TensorLike], values: TensorLike, accumulate: bool = False
) -> Tensor:
    """Return `x` with values put, or added, where indices along its first axes lead.

    Parameters
    ----------
    x : Tensor
        At least as many axes as there are indices.
    indices : sequence of tensor or array_like
        Integers whose shapes broadcast; see `setitem`.
    values : tensor or array_like
        Broadcast to the shape of what they lead to.
    accumulate : bool
        Whether they are added; what is named twice is then added to twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 2), "int64")
    >>> df.evaluate(df.index_put(x, ([0, 0, 1], [1, 1, 0]), [1, 2, 3], accumulate=True))
    array([[0, 3],
           [3, 0]])
    """
    return setitem(x, tuple(indices), values, "add" if accumulate else "set")


take_along_dim = also_named(take_along_axis, "take_along_dim")
