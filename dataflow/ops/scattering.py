"""Updates along one axis: put_along_axis, and PyTorch's scatter family.

As in `along`, the index of every other axis is a range, and the flat positions go to `updates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.along import check_within, indices_along, positions_along
from dataflow.ops.limits import highest, lowest
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import Range, take_ranges
from dataflow.ops.updates import as_updates, update_rows
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["put_along_axis", "scatter", "scatter_add", "scatter_reduce"]


def _update(how: str, x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Combine values into `x` at flat positions."""
    updates = broadcast_to(values, places.shape)
    return reshape(update_rows(how, reshape(x, -1), places, updates), x.shape)


@public()
def put_along_axis(
    x: Tensor, indices: TensorLike, values: TensorLike, axis: int | None = -1
) -> Tensor:
    """Return `x` with elements along an axis set, each line of them by indices of its own.

    NumPy's function of this name writes into its argument; this one returns another tensor.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    indices : tensor or array_like
        Integers, as many axes as `x`, broadcast against it; negative ones count from the end.
    values : tensor or array_like
        What to set, broadcast to the indices. Of several for one element the last one wins.
    axis : int or None
        The axis that they are along; None for that of the flattened tensor.

    Returns
    -------
    Tensor
        The shape and dtype of `x`; differentiable in `x` and in the values.

    Raises
    ------
    ShapeError, DTypeError, KernelError
        See `take_along_axis`; or the values don't broadcast, or can't be cast to the dtype of `x`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3, 1, 2], [4, 6, 5]])
    >>> df.evaluate(df.put_along_axis(x, [[0], [1]], 9, axis=1))
    array([[9, 1, 2],
           [4, 9, 5]])
    """
    if axis is None:
        return reshape(put_along_axis(reshape(x, -1), indices, values, 0), x.shape)
    place = normal_axis(axis, x.ndim)
    found = indices_along("put_along_axis", x, indices, place)
    return _update("set", x, positions_along(x, found, place), as_updates(values, x))


@public()
def scatter(
    x: Tensor, dim: int, index: TensorLike, src: TensorLike, *, reduce: str | None = None
) -> Tensor:
    """Return `x` with elements along an axis set by index, as PyTorch's ``scatter`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    dim : int
        The axis that the indices are along.
    index : tensor or array_like
        Integers, as many axes as `x`, along the others at most as long: nothing broadcasts.
    src : tensor, array_like or number
        At least as long as the indices along every axis, or one number for all.
    reduce : {None, "add", "multiply"}
        How to combine with what is there; None sets it. Of several for one element the last one
        wins, where PyTorch leaves it open.

    Returns
    -------
    Tensor
        The shape and dtype of `x`: ``result[i, index[i, j]] = src[i, j]`` for ``dim=1``. The
        gradient of `src` is 0 where another element overwrote it.

    Raises
    ------
    ShapeError, DTypeError, GraphError, KernelError
        See `gather`; or `src` is shorter than the indices, or of a dtype that can't be cast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 3), "int64")
    >>> df.evaluate(df.scatter(x, 1, [[0, 2], [1, 0]], [[1, 2], [3, 4]]))
    array([[1, 0, 2],
           [4, 3, 0]])
    """
    ways = {None: "set", "add": "add", "multiply": "multiply"}
    if reduce not in ways:
        msg = f"scatter ({user_line()}): reduce is 'add', 'multiply' or None, not {reduce!r}"
        raise GraphError(msg)
    return _update(ways[reduce], x, *_places_and_source("scatter", x, dim, index, src))


def _places_and_source(
    what: str, x: Tensor, dim: int, index: TensorLike, src: TensorLike
) -> tuple[Tensor, Tensor]:
    axis = normal_axis(dim, x.ndim)
    found = indices_along(what, x, index, axis)
    check_within(what, found.shape, x.shape, but=axis)
    source = as_updates(src, x)
    if source.ndim:
        if source.ndim != found.ndim:
            msg = (f"{what} ({user_line()}): src {source.spec} must have the axes of the indices "
                   f"{shape_text(found.shape)}")  # fmt: skip
            raise ShapeError(msg)
        check_within(what, found.shape, source.shape)
        source = take_ranges(source, [Range(0, n, 1) for n in found.shape])
    return positions_along(x, found, axis, within=True), source


@public()
def scatter_add(x: Tensor, dim: int, index: TensorLike, src: TensorLike) -> Tensor:
    """Return `x` with numbers added along an axis by index; see `scatter` with ``reduce="add"``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((3,), "int64")
    >>> df.evaluate(df.scatter_add(x, 0, [0, 2, 0], [1, 2, 3]))
    array([4, 0, 2])
    """
    return scatter(x, dim, index, src, reduce="add")


_REDUCING = {"sum": "add", "mean": "add", "prod": "multiply", "amax": "max", "amin": "min"}


@public()
def scatter_reduce(
    x: Tensor, dim: int, index: TensorLike, src: TensorLike, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """Return `x` with elements along an axis combined by index, as PyTorch's function does.

    Parameters
    ----------
    x, dim, index, src
        See `scatter`.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
        How to combine what goes to one element; ties of an extreme share the gradient equally.
    include_self : bool
        Whether what is in `x` counts too; elements that no index names stay either way.

    Returns
    -------
    Tensor
        The shape and dtype of `x`.

    Raises
    ------
    ShapeError, DTypeError, GraphError, KernelError
        See `scatter`; or the way to combine is unknown, or a mean is asked of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((3,), "int64")
    >>> df.evaluate(df.scatter_reduce(x, 0, [0, 2, 0], [1, 2, 3], "amax"))
    array([3, 0, 2])
    """
    if reduce not in _REDUCING:
        msg = f"scatter_reduce ({user_line()}): reduce is one of {[*_REDUCING]}, not {reduce!r}"
        raise GraphError(msg)
    if reduce == "mean" and not x.spec.is_float:
        msg = f"scatter_reduce ({user_line()}): a mean needs floats, not {x.dtype}: use astype"
        raise DTypeError(msg)
    places, source = _places_and_source("scatter_reduce", x, dim, index, src)
    start = x
    if not include_self:
        start = _update("set", x, places, x.builder.full((), _neutral(reduce, x.dtype), x.dtype))
    total = _update(_REDUCING[reduce], start, places, source)
    return total / _count(x, places, include_self) if reduce == "mean" else total


def _neutral(reduce: str, dtype: np.dtype) -> float:
    """Return what changes nothing when it is combined."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    return lowest(dtype) if reduce == "amax" else highest(dtype)


def _count(x: Tensor, places: Tensor, include_self: bool) -> Tensor:
    """Return how many numbers each element is the mean of."""
    own = x.builder.full(x.shape, int(include_self), np.int64)
    count = _update("add", own, places, x.builder.full((), 1, np.int64))
    return call_function("maximum", count, 1).astype(x.dtype)
