"""Matrices made of their diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.diagonals import diagonal, plane_of, put_diagonal
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import as_integer
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["diag", "diag_embed", "diagflat"]


@public(np.diag)
def diag(x: Tensor, /, k: int = 0) -> Tensor:
    """Return a matrix with these elements on a diagonal, or the diagonal of a matrix.

    Parameters
    ----------
    x : Tensor
        One axis, or two.
    k : int
        How far the diagonal lies above the main one; below, if negative.

    Returns
    -------
    Tensor
        Of one axis a square matrix that is zero elsewhere; of two axes a view.

    Raises
    ------
    ShapeError
        There are more or fewer axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.diag(x)), df.evaluate(df.diag(df.diag(x)))
    (array([[1, 0],
           [0, 2]]), array([1, 2]))
    """
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        msg = f"diag ({user_line()}) takes one axis or two, not {shape_text(x.shape)}"
        raise ShapeError(msg)
    offset = as_integer(k, "k of diag")
    side = x.shape[0] + abs(offset)
    return put_diagonal(x, (side, side), offset, 0, 1)


@public()
def diag_embed(x: Tensor, /, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices with the last axis on a diagonal, as PyTorch's ``diag_embed`` does.

    Parameters
    ----------
    x : Tensor
        At least one axis.
    offset : int
        How far the diagonal lies above the main one; below, if negative.
    dim1, dim2 : int
        Which axes of the result are rows and columns.

    Returns
    -------
    Tensor
        One axis more, zero outside of the diagonals.

    Raises
    ------
    ShapeError
        There is no axis, or an axis is out of range, or both are one.

    Examples
    --------
    >>> import dataflow as df
    >>> df.diag_embed(df.GraphBuilder().zeros((5, 3))).shape
    (5, 3, 3)
    """
    normal_axis(-1, x.ndim)  # refuses scalars
    first, second = plane_of(dim1, dim2, x.ndim + 1)
    distance = as_integer(offset, "the offset of diag_embed")
    side, rest = x.shape[-1] + abs(distance), iter(x.shape)
    shape = [side if i in (first, second) else next(rest) for i in range(x.ndim + 1)]
    return put_diagonal(x, tuple(shape), distance, first, second)


@public(np.diagflat)
def diagflat(x: Tensor, /, k: int = 0) -> Tensor:
    """Return a square matrix with all elements, in row-major order, on a diagonal; see `diag`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.diagflat(df.GraphBuilder().constant([[1], [2]])))
    array([[1, 0],
           [0, 2]])
    """
    return diag(reshape(x, -1), k)
