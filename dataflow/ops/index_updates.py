"""PyTorch's updates by a list of indices along an axis, and by a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import also_named, public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.indexing import setitem
from dataflow.ops.positions import as_indices
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.updates import as_updates
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["index_add", "index_copy", "index_fill", "masked_fill", "take_along_dim"]


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
    builder = builder_of(x, mask, value)
    held = mask if isinstance(mask, Tensor) else builder.constant(mask)
    if held.dtype != np.bool_:
        msg = f"masked_fill ({user_line()}): the mask is of booleans, not {held.dtype}"
        raise DTypeError(msg)
    return call_function("where", broadcast_to(held, x.shape), as_updates(value, x), x)


take_along_dim = also_named(take_along_axis, "take_along_dim")
