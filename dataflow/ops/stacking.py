"""Tensors side by side, as NumPy's older names have it: along axes that 1-D tensors don't have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.joining import concat, parts_of
from dataflow.ops.ranks import atleast_1d, atleast_2d, atleast_3d, ravel
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["append", "block", "column_stack", "dstack", "hstack", "row_stack", "vstack"]


@public(np.vstack)
def vstack(tensors: Sequence[TensorLike], *, dtype: object = None) -> Tensor:
    """Return tensors below each other: joined along the first axis, 1-D ones as rows.

    Parameters
    ----------
    tensors : sequence of tensor or array_like
        At least one is a tensor; dtypes are promoted to a common one.
    dtype : dtype, optional
        What to cast each of them to, in the place of promotion.

    Raises
    ------
    ShapeError
        There are none, or the shapes differ on another axis.
    DTypeError
        The dtypes have no common one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.vstack([x, x]))
    array([[1, 2],
           [1, 2]])
    """
    return concat([atleast_2d(part) for part in parts_of(tensors, dtype)], 0)


row_stack = also_named(vstack, "row_stack")


@public(np.hstack)
def hstack(tensors: Sequence[TensorLike], *, dtype: object = None) -> Tensor:
    """Return tensors beside each other: joined along the second axis, 1-D ones along theirs.

    See `vstack` for parameters and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1], [2]])
    >>> df.evaluate(df.hstack([x, x]))
    array([[1, 1],
           [2, 2]])
    """
    parts = [atleast_1d(part) for part in parts_of(tensors, dtype)]
    return concat(parts, 0 if parts[0].ndim == 1 else 1)


@public(np.dstack)
def dstack(tensors: Sequence[TensorLike]) -> Tensor:
    """Return tensors joined along the third axis; see `vstack` and `atleast_3d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.dstack([x, x]))
    array([[[1, 1],
            [2, 2]]])
    """
    return concat([atleast_3d(part) for part in parts_of(tensors)], 2)


@public(np.column_stack)
def column_stack(tensors: Sequence[TensorLike]) -> Tensor:
    """Return tensors joined along the second axis, 1-D ones as columns; see `vstack`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.column_stack([x, x]))
    array([[1, 1],
           [2, 2]])
    """
    parts = [reshape(t, (-1, 1)) if t.ndim < 2 else t for t in parts_of(tensors)]
    return concat(parts, 1)


@public(np.append)
def append(x: TensorLike, values: TensorLike, axis: int | None = None) -> Tensor:
    """Return `values` after `x`: both flattened, or along an axis; see `concat`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.append(x, [[3], [4]]))
    array([1, 2, 3, 4])
    """
    parts = parts_of([x, values])
    return concat([ravel(part) for part in parts], 0) if axis is None else concat(parts, axis)


@public(np.block)
def block(arrays: Any) -> Tensor:  # noqa: ANN401 - lists of lists of tensors
    """Return a tensor put together from blocks: nested lists, as one would write a block matrix.

    Parameters
    ----------
    arrays : nested lists of tensor or array_like
        All lists of one depth. The innermost are joined along the last axis, those around them
        along the one before, and so on.

    Raises
    ------
    ShapeError
        A list is empty, the depths differ, or shapes don't fit.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, y = b.constant([[1, 2], [3, 4]]), b.constant([[5], [6]])
    >>> df.evaluate(df.block([[x, y], [7, 8, 9]]))
    array([[1, 2, 5],
           [3, 4, 6],
           [7, 8, 9]])
    """
    depth = _depth(arrays)
    parts = parts_of(list(_leaves(arrays)))
    ndim = max(depth, *(part.ndim for part in parts))
    return _assembled(arrays, iter(parts), ndim, depth)


def _depth(arrays: Any) -> int:  # noqa: ANN401 - lists of lists of tensors
    """Return how many lists are within each other."""
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        what = "a list is empty" if not depths else f"depths {sorted(depths)} differ"
        msg = f"block ({user_line()}): {what}"
        raise ShapeError(msg)
    return 1 + depths.pop()


def _leaves(arrays: Any) -> Iterator[TensorLike]:  # noqa: ANN401 - lists of lists of tensors
    for part in arrays if isinstance(arrays, list) else ():
        yield from _leaves(part)
    if not isinstance(arrays, list):
        yield arrays


def _assembled(
    arrays: Any, parts: Iterator[Tensor], ndim: int, depth: int,  # noqa: ANN401
) -> Tensor:  # fmt: skip
    """Join lists as they are nested, of parts that are taken one after the other."""
    if depth == 0:
        part = next(parts)
        return expand_dims(part, tuple(range(ndim - part.ndim)))
    rows = [_assembled(inner, parts, ndim, depth - 1) for inner in arrays]
    return concat(rows, ndim - depth)
