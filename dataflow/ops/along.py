"""Elements along one axis, each by an index of its own: take_along_axis and what it is called by.

The index of every other axis is a range, so that together they are flat positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.gathering import take
from dataflow.ops.positions import as_indices
from dataflow.ops.raveling import flat_positions
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.shapes import common_shape, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import TensorLike

__all__ = ["choose", "gather", "index_select", "take_along_axis"]


def positions_along(x: Tensor, indices: Tensor, axis: int, *, within: bool = False) -> Tensor:
    """Return where indices along one axis lead in the flattened `x`.

    Parameters
    ----------
    x, indices : Tensor
        As many axes as each other.
    axis : int
        The axis that the indices are along.
    within : bool
        Whether nothing broadcasts along the other axes, where the indices may be shorter, as
        PyTorch has it; else the two broadcast against each other there, as NumPy has it.
    """
    parts: list[Tensor] = []
    dims = [i for i, n in enumerate(x.shape) if i == axis or n != 1]
    for i in dims:
        length = indices.shape[i] if within else x.shape[i]
        row = [length if j == i else 1 for j in range(x.ndim)]
        parts.append(indices if i == axis else reshape(x.builder.arange(length), row))
    others = [1 if i == axis or within else n for i, n in enumerate(x.shape)]
    shape = common_shape("indices", [indices.shape, tuple(others)])
    return broadcast_to(flat_positions(parts, tuple(x.shape[i] for i in dims), x), shape)


@public(np.take_along_axis)
def take_along_axis(x: Tensor, indices: TensorLike, /, axis: int | None = -1) -> Tensor:
    """Return elements along an axis, each line of them by indices of its own.

    What `argsort` and `argmax` (with `keepdims`) give are such indices.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    indices : tensor or array_like
        Integers, as many axes as `x`; negative ones count from the end.
    axis : int or None
        The axis that they are along; None for that of the flattened tensor.

    Returns
    -------
    Tensor
        The shape to which `x` and the indices broadcast, with the indices' length along the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, or an index known already; or the shapes don't broadcast.
    DTypeError
        The indices aren't integers.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3, 1, 2], [4, 6, 5]])
    >>> df.evaluate(df.take_along_axis(x, [[0], [1]], axis=1))
    array([[3],
           [6]])
    """
    if axis is None:
        x, axis = reshape(x, -1), 0
    place = normal_axis(axis, x.ndim)
    found = indices_along("take_along_axis", x, indices, place)
    return take(reshape(x, -1), positions_along(x, found, place), 0)


def indices_along(what: str, x: Tensor, indices: TensorLike, axis: int) -> Tensor:
    """Return indices along one axis as a tensor, of as many axes as `x`."""
    found = as_indices(indices, x, x.shape[axis])
    if found.ndim != x.ndim:
        msg = (f"{what} ({user_line()}): the indices {shape_text(found.shape)} must have as many "
               f"axes as the tensor {shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return found


def check_within(what: str, shape: Shape, outer: Shape, *, but: int = -1) -> None:
    """Refuse indices that reach beyond a tensor along any axis but one."""
    pairs = [(n, m) for i, (n, m) in enumerate(zip(shape, outer, strict=True)) if i != but]
    if any(isinstance(n, int) and isinstance(m, int) and n > m for n, m in pairs):
        msg = (f"{what} ({user_line()}): indices of shape {shape_text(shape)} reach beyond "
               f"{shape_text(outer)}")  # fmt: skip
        raise ShapeError(msg)


@public()
def gather(x: Tensor, dim: int, index: TensorLike) -> Tensor:
    """Return elements along an axis by index, as PyTorch's ``gather`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    dim : int
        The axis that the indices are along.
    index : tensor or array_like
        Integers, as many axes as `x`, along the others at most as long: nothing broadcasts.

    Returns
    -------
    Tensor
        Of the indices' shape: ``result[i, j] = x[i, index[i, j]]`` for ``dim=1``.

    Raises
    ------
    ShapeError, DTypeError, KernelError
        See `take_along_axis`; or the indices are longer than `x`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.gather(x, 1, [[0, 0], [1, 0]]))
    array([[1, 1],
           [4, 3]])
    """
    axis = normal_axis(dim, x.ndim)
    found = indices_along("gather", x, index, axis)
    check_within("gather", found.shape, x.shape, but=axis)
    return take(reshape(x, -1), positions_along(x, found, axis, within=True), 0)


@public()
def index_select(x: Tensor, dim: int, index: TensorLike) -> Tensor:
    """Return rows along an axis by a list of indices, as PyTorch does; see `take`.

    Raises
    ------
    ShapeError
        The index has more than one axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.index_select(x, 1, [1, 1]))
    array([[2, 2],
           [4, 4]])
    """
    axis = normal_axis(dim, x.ndim)
    found = as_indices(index, x, x.shape[axis])
    if found.ndim > 1:
        msg = f"index_select ({user_line()}): the index has {found.ndim} axes, not 1: use take"
        raise ShapeError(msg)
    return take(x, reshape(found, -1), axis)


@public(np.choose)
def choose(
    a: TensorLike, choices: Tensor | Sequence[TensorLike], out: None = None, mode: str = "raise"
) -> Tensor:
    """Return for every element of `a` that of the choice which it names.

    Parameters
    ----------
    a : tensor or array_like
        Integers, at least 0 and below the number of choices.
    choices : sequence of tensor or array_like, or a tensor of them along axis 0
        Shapes that broadcast with `a`.
    out : None
        Nothing is written to.
    mode : {"raise", "wrap", "clip"}
        What becomes of another index: an error while running, the remainder, the nearest.

    Returns
    -------
    Tensor
        The broadcast shape, the common dtype.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The shapes don't broadcast, `a` isn't of integers, or the mode is unknown.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([0, 1, 0])
    >>> df.evaluate(df.choose(a, ([1, 2, 3], [10, 20, 30])))
    array([ 1, 20,  3])
    """
    if out is not None:
        msg = f"choose ({user_line()}): a tensor can't be written to, so out must be None"
        raise GraphError(msg)
    rows = [choices[i] for i in range(len(choices))]
    like = next((t for t in (a, *rows) if isinstance(t, Tensor)), None)
    builder = builder_of(a, *rows)
    tensors = [t if isinstance(t, Tensor) else builder.constant(np.asarray(t)) for t in rows]
    assert like is not None  # noqa: S101 - or builder_of had raised
    which = as_indices(a, like, len(rows) if mode == "raise" else None, negative=False)
    if mode == "raise":
        checked = flat_positions([which], (len(rows),), which, negative=False)
    else:
        checked = call_function("ravel_multi_index", (which,), (len(rows),), mode)
    shape = common_shape("choose", [which.shape, *(t.shape for t in tensors)])
    stacked = call_function("stack", [broadcast_to(t, shape) for t in tensors])
    found = take_along_axis(stacked, expand_dims(broadcast_to(checked, shape), 0), axis=0)
    return reshape(found, shape)
