"""Matrices made of vectors and blocks: Toeplitz's, Hankel's, circulant and block diagonal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import as_tensor, call_function, promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.arranging import flip
from dataflow.ops.complex_numbers import conj
from dataflow.ops.creation import zeros_like
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.matmul import MATMUL
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["block_diag", "circulant", "hankel", "toeplitz"]


@public(family="linalg")
def toeplitz(c: Tensor, r: TensorLike | None = None) -> Tensor:
    """Return the matrix whose diagonals are constant: ``[i, j]`` is ``c[i - j]`` or ``r[j - i]``.

    Parameters
    ----------
    c : Tensor
        The first column, along the last axis; axes before it are a stack.
    r : tensor or array_like, optional
        The first row, whose first element isn't read; by default the column, conjugated.

    Raises
    ------
    ShapeError
        An operand is a scalar.

    Examples
    --------
    >>> import dataflow as df
    >>> c = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.linalg.toeplitz(c, [0, 8, 9]))
    array([[1, 8, 9],
           [2, 1, 8],
           [3, 2, 1]])
    """
    column, row = _lines("toeplitz", c, conj(c) if r is None else r)
    if 0 in (column.shape[-1], row.shape[-1]):
        return _empty(column, row)
    values = concat([flip(_after_first(row), -1), column], -1)
    last = values.builder.size_of((row.shape[-1] - 1,), np.int64)
    rows, columns = _places(column, row)
    return take(values, rows - columns + last, axis=-1)


@public(family="linalg")
def circulant(c: Tensor) -> Tensor:
    """Return the square matrix whose columns are `c`, each turned one further than the one before.

    Parameters
    ----------
    c : Tensor
        The first column, along the last axis; axes before it are a stack.

    Raises
    ------
    ShapeError
        `c` is a scalar.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.linalg.circulant(df.GraphBuilder().constant([1, 2, 3])))
    array([[1, 3, 2],
           [2, 1, 3],
           [3, 2, 1]])
    """
    column, _ = _lines("circulant", c, c)
    if column.shape[-1] == 0:
        return _empty(column, column)
    return toeplitz(column, concat([slice_axis(column, column.ndim - 1, 0, 1),
                                    flip(_after_first(column), -1)], -1))  # fmt: skip


@public(family="linalg")
def hankel(c: Tensor, r: TensorLike | None = None) -> Tensor:
    """Return the matrix that is constant along the other diagonals: ``[i, j]`` depends on i + j.

    Parameters
    ----------
    c : Tensor
        The first column, along the last axis; axes before it are a stack.
    r : tensor or array_like, optional
        The last row, whose first element isn't read; by default zeros.

    Raises
    ------
    ShapeError
        An operand is a scalar.

    Examples
    --------
    >>> import dataflow as df
    >>> c = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.linalg.hankel(c, [0, 8, 9]))
    array([[1, 2, 3],
           [2, 3, 8],
           [3, 8, 9]])
    """
    column, row = _lines("hankel", c, zeros_like(c) if r is None else r)
    if 0 in (column.shape[-1], row.shape[-1]):
        return _empty(column, row)
    rows, columns = _places(column, row)
    return take(concat([column, _after_first(row)], -1), rows + columns, axis=-1)


def _lines(name: str, c: Tensor, r: TensorLike) -> tuple[Tensor, Tensor]:
    """Return a column and a row in one dtype, after checks."""
    column, row = promoted(MATMUL, None, c, as_tensor(r, c))
    for x in (column, row):
        if not x.ndim:
            msg = f"{name} ({user_line()}) takes one axis or more, not {shape_text(x.shape)}"
            raise ShapeError(msg)
    return column, row


def _empty(column: Tensor, row: Tensor) -> Tensor:
    """Return matrices of no elements, with as many rows and columns as these lines have."""
    return expand_dims(column, -1) * expand_dims(row, -2)


def _after_first(x: Tensor) -> Tensor:
    return slice_axis(x, x.ndim - 1, 1, x.shape[-1])


def _places(column: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Return the numbers of rows, as a column, and those of columns."""
    rows, columns = (_count(x, x.shape[-1]) for x in (column, row))
    return reshape(rows, (column.shape[-1], 1)), columns


def _count(x: Tensor, length: int | Dim) -> Tensor:
    return x.builder.arange(length)


@public(family="linalg")
def block_diag(*arrs: TensorLike) -> Tensor:
    """Return the matrix that has matrices along its diagonal, and zeros elsewhere.

    Parameters
    ----------
    *arrs : tensor or array_like
        Matrices, at least one of them a tensor; a vector is a row, a scalar one element. dtypes
        are promoted as NumPy 2 does.

    Raises
    ------
    ShapeError
        There is none, or one has more than two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.linalg.block_diag(x, 5))
    array([[1, 2, 0],
           [3, 4, 0],
           [0, 0, 5]])
    """
    if not arrs:
        msg = f"block_diag ({user_line()}) takes one matrix or more"
        raise ShapeError(msg)
    blocks = [_as_block(x) for x in promoted(MATMUL, None, *arrs)]
    widths = [x.shape[1] for x in blocks]
    bands = [_band(x, sum(widths[:i]), sum(widths[i + 1 :])) for i, x in enumerate(blocks)]
    return concat(bands, 0)


def _as_block(x: Tensor) -> Tensor:
    if x.ndim > 2:
        msg = f"block_diag ({user_line()}): {shape_text(x.shape)} has more than two axes"
        raise ShapeError(msg)
    return reshape(x, (*[1] * (2 - x.ndim), *x.shape))


def _band(block: Tensor, before: int | Dim, after: int | Dim) -> Tensor:
    """Return a block with so many columns of zeros before and after it."""
    zeros = [_zeros(block, width) for width in (before, after)]
    return concat([zeros[0], block, zeros[1]], 1)


def _zeros(block: Tensor, width: int | Dim) -> Tensor:
    zero = block.builder.constant(0, dtype=block.dtype)
    return call_function("broadcast_to", zero, (block.shape[0], width))
