"""Tiled and repeated tensors: a broadcast view along a new axis, and one reshape that copies.

Different numbers of repeats for different elements are a `take`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dim_texts import as_dim
from dataflow.dims import Dim
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.structure import as_integers, as_list
from dataflow.ops.unbounded import depends_on_data
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike

__all__ = ["repeat", "repeat_interleave", "tile"]

_FEW = (2, 3)
"""So many copies of elements that lie side by side are written one copy after the other: four times
as fast as a few elements at a time, and their gradients are added up so too."""


@public(np.tile)
def tile(x: Tensor, /, reps: DimLike | Sequence[DimLike]) -> Tensor:
    """Return the whole tensor several times along each axis.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype; it gets leading axes of length 1 where `reps` has more.
    reps : int, Dim, or sequence of them
        How often, for each of the last axes.

    Returns
    -------
    Tensor
        Each axis as long as it was, times its number of repeats.

    Raises
    ------
    ShapeError
        A number of repeats is negative or no int.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.tile(x, (2, 2)))
    array([[1, 2, 1, 2],
           [1, 2, 1, 2]])
    """
    counts = [_count(item, "tile") for item in as_list(reps)]
    ndim = max(x.ndim, len(counts))
    counts = [*[1] * (ndim - len(counts)), *counts]
    shape = (*[1] * (ndim - x.ndim), *x.shape)
    pairs = list(zip(counts, shape, strict=True))
    spread = broadcast_to(
        reshape(x, [n for c, dim in pairs for n in ((1, dim) if _interleaves(c, dim) else (dim,))]),
        [n for c, dim in pairs for n in ((c, dim) if _interleaves(c, dim) else (c * dim,))],
    )
    return reshape(spread, [c * dim for c, dim in pairs])


def _interleaves(count: int | Dim, dim: int | Dim) -> bool:
    """Say whether repeats need an axis of their own; an axis of length 1 is one."""
    return count != 1 and dim != 1


def _count(value: Any, name: str) -> int | Dim:  # noqa: ANN401 - checked here
    if isinstance(value, Tensor):
        depends_on_data(name, "give the number of repeats as an int or a dimension")
    try:
        return as_dim(value)
    except ShapeError as error:
        msg = f"the repeats of {name} ({user_line()}): {error}"
        raise ShapeError(msg) from None


@public(np.repeat)
def repeat(x: Tensor, /, repeats: DimLike | ArrayLike, axis: int | None = None) -> Tensor:
    """Return each element, row or slice several times.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    repeats : int, Dim or array_like of int
        How often: one number for all, or one for each along the axis.
    axis : int, optional
        The axis; by default the flattened tensor's.

    Returns
    -------
    Tensor
        Longer along the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, a number is negative, or there are more or fewer than elements.
    DataDependentShapeError
        The repeats are a tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.repeat(x, 2)), df.evaluate(df.repeat(x, [1, 3]))
    (array([1, 1, 2, 2]), array([1, 2, 2, 2]))
    """
    rows = reshape(x, -1) if axis is None else x
    place = normal_axis(0 if axis is None else axis, rows.ndim)
    if not isinstance(repeats, (int, str, Dim, Tensor)):
        each = as_integers(repeats, "the repeats of repeat")
        if each.ndim and each.size != 1:
            return _repeated_each(rows, each, place)
        repeats = each.item()
    count = _count(repeats, "repeat")
    if count == 1:
        return rows
    before, (length, *after) = rows.shape[:place], rows.shape[place:]
    once = expand_dims(rows, place + 1)
    if not after and count in _FEW:
        spread = concat([once] * count, place + 1)
    else:
        spread = broadcast_to(once, (*before, length, count, *after))
    return reshape(spread, (*before, length * count, *after))


repeat_interleave = also_named(repeat, "repeat_interleave")


def _repeated_each(x: Tensor, repeats: np.ndarray, axis: int) -> Tensor:
    length = x.shape[axis]
    if repeats.shape != (length,) or (repeats < 0).any():
        msg = (f"repeat ({user_line()}): the repeats are one number of 0 or more, or one for each "
               f"of {length} elements, not {repeats.tolist()}")  # fmt: skip
        raise ShapeError(msg)
    return take(x, np.repeat(np.arange(repeats.size), repeats), axis)
