"""Tensors side by side, as NumPy's older names have it: along axes that 1-D tensors don't have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.joining import concat, parts_of
from dataflow.ops.ranks import atleast_1d, atleast_2d, atleast_3d, ravel
from dataflow.ops.shaping import reshape

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["append", "column_stack", "dstack", "hstack", "vstack"]


@public(np.vstack)
def vstack(tensors: Sequence[TensorLike]) -> Tensor:
    """Return tensors below each other: joined along the first axis, 1-D ones as rows.

    Parameters
    ----------
    tensors : sequence of tensor or array_like
        At least one is a tensor; dtypes are promoted to a common one.

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
    return concat([atleast_2d(part) for part in parts_of(tensors)], 0)


@public(np.hstack)
def hstack(tensors: Sequence[TensorLike]) -> Tensor:
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
    parts = [atleast_1d(part) for part in parts_of(tensors)]
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
