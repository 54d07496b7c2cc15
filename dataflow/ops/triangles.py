"""Triangles of matrices, and matrices of powers.

A triangle is the matrix with zeros put where a comparison of positions says so. So NaN and
infinities outside of it leave no trace, as they would in a product with a mask, and lengths may
have names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.comparison import equal, greater, less
from dataflow.ops.diagonals import diagonal, put_diagonal
from dataflow.ops.differences import lying_along
from dataflow.ops.joining import stack
from dataflow.ops.masking import zero_where
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.slicing import turned
from dataflow.ops.structure import as_integer
from dataflow.shapes import normal_axes, normal_axis
from dataflow.source import user_line
from dataflow.spec import is_bfloat16, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["diagonal_scatter", "fill_diagonal", "tril", "triu", "vander"]


def _compared(
    compare: Callable[[Tensor, Tensor], Tensor], x: Tensor, rows: int, columns: int, k: int
) -> Tensor:
    """Compare the index along `columns` with that along `rows` plus k."""
    row, column = (x.builder.arange(x.shape[axis]) for axis in (rows, columns))
    return compare(lying_along(column, x, columns), lying_along(row + k if k else row, x, rows))


def _check_matrix(x: Tensor, name: str) -> None:
    if x.ndim < 2:
        msg = f"{name} ({user_line()}) takes matrices, not {shape_text(x.shape)}"
        raise ShapeError(msg)


@public(np.tril)
def tril(x: Tensor, /, k: int = 0) -> Tensor:
    """Return the lower triangle of the last two axes, with zeros above it.

    Parameters
    ----------
    x : Tensor
        At least two axes.
    k : int
        Up to which diagonal: 0 is the main one, -1 the one below.

    Returns
    -------
    Tensor
        The same shape and dtype.

    Raises
    ------
    ShapeError
        There are fewer than two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.tril(x)), df.evaluate(df.tril(x, -1))
    (array([[1, 0],
           [3, 4]]), array([[0, 0],
           [3, 0]]))
    """
    _check_matrix(x, "tril")
    offset = as_integer(k, "k of tril")
    return zero_where(_compared(greater, x, x.ndim - 2, x.ndim - 1, offset), x)


@public(np.triu)
def triu(x: Tensor, /, k: int = 0) -> Tensor:
    """Return the upper triangle of the last two axes, from diagonal `k` on; see `tril`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.triu(df.GraphBuilder().constant([[1, 2], [3, 4]])))
    array([[1, 2],
           [0, 4]])
    """
    _check_matrix(x, "triu")
    offset = as_integer(k, "k of triu")
    return zero_where(_compared(less, x, x.ndim - 2, x.ndim - 1, offset), x)


@public()
def diagonal_scatter(
    x: Tensor, src: TensorLike, /, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Return a tensor with other elements on a diagonal, as PyTorch's function of this name does.

    Parameters
    ----------
    x : Tensor
        At least two axes.
    src : tensor or array_like
        What is put there: broadcast to the shape of `diagonal`, and cast to the dtype of `x`.
    offset, dim1, dim2 : int
        Which diagonal; see `diagonal`.

    Raises
    ------
    ShapeError
        An axis is out of range, both are one, or the shape is another.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.diagonal_scatter(x, [8, 9]))
    array([[8, 2],
           [3, 9]])
    """
    normal_axes((dim1, dim2), x.ndim)
    first, second = normal_axis(dim1, x.ndim), normal_axis(dim2, x.ndim)
    distance = as_integer(offset, "the offset of a diagonal")
    given = as_tensor(src, x).astype(x.dtype)
    values = broadcast_to(given, diagonal(x, distance, first, second).shape)
    lies = _compared(equal, x, first, second, distance)
    return where(lies, put_diagonal(values, x.shape, distance, first, second), x)


@public()
def fill_diagonal(x: Tensor, val: TensorLike, /) -> Tensor:
    """Return a matrix with other elements on its main diagonal.

    NumPy's function of this name writes into its argument, which a tensor can't have.

    Parameters
    ----------
    x : Tensor
        Two axes, or more for a stack of matrices.
    val : tensor or array_like
        One value, or one for each element of the diagonal.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.fill_diagonal(df.GraphBuilder().ones((2, 2)), 5))
    array([[5., 1.],
           [1., 5.]], dtype=float32)
    """
    _check_matrix(x, "fill_diagonal")
    return diagonal_scatter(x, val, 0, x.ndim - 2, x.ndim - 1)


@public(np.vander)
def vander(x: Tensor, /, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of each element, from 0 to ``N - 1``, as rows of a matrix.

    Parameters
    ----------
    x : Tensor
        One axis. Integers of all widths become int64 and float32 becomes float64, as in NumPy.
    N : int, optional
        How many powers; by default as many as elements.
    increasing : bool
        Whether they rise from left to right.

    Returns
    -------
    Tensor
        Shape ``(len(x), N)``.

    Raises
    ------
    ShapeError
        There are more axes than one, or `N` is negative, or isn't given and the length is named.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.vander(df.GraphBuilder().constant([1, 2, 3]), 3))
    array([[1, 1, 1],
           [4, 2, 1],
           [9, 3, 1]])
    """
    if x.ndim != 1:
        msg = f"vander ({user_line()}) takes one axis, not {shape_text(x.shape)}"
        raise ShapeError(msg)
    length = x.shape[0] if N is None else as_integer(N, "N of vander")
    if not isinstance(length, int) or length < 0:
        msg = f"vander ({user_line()}): N is an int of 0 or more, not {length}"
        raise ShapeError(msg)
    wide = x if is_bfloat16(x.dtype) else x.astype(np.promote_types(x.dtype, np.int64))
    ones = wide.builder.constant(1, dtype=wide.dtype)
    if length == 0:
        return broadcast_to(ones, (*x.shape, 0))
    powers = [broadcast_to(ones, x.shape), wide]
    while len(powers) < length:
        powers.append(powers[-1] * wide)
    rows = stack(powers[:length], 1)
    return rows if increasing else turned(rows, (1,))
