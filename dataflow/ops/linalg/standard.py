"""What the Array API standard has in its linear algebra beside the main namespace's functions.

They differ in which axes are the matrices' and in what they refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops import contractions, crossing, diagonals, vector_products
from dataflow.ops.axes import swapaxes
from dataflow.ops.matmul import matmul as product_of
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_dtype, shape_text

if TYPE_CHECKING:
    from dataflow.ops.contractions import Axes
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot",
]  # fmt: skip


@public(np.linalg.cross, family="linalg")
def cross(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """Return the vectors at right angles to two of 3 elements; see `dataflow.cross`.

    Parameters
    ----------
    x1, x2 : tensor or array_like
        At least one is a tensor. The other axes broadcast.
    axis : int
        The axis of the vectors, in both and in the result.

    Raises
    ------
    ShapeError
        The axis is out of range or not of length 3, or the others don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 0, 0])
    >>> df.evaluate(df.linalg.cross(x, [0, 1, 0]))
    array([0, 0, 1])
    """
    vectors = contractions.both(x1, x2)
    for x in vectors:
        if x.shape[normal_axis(axis, x.ndim)] != 3:
            msg = f"linalg.cross ({user_line()}): axis {axis} of {shape_text(x.shape)} isn't of 3"
            raise ShapeError(msg)
    return crossing.cross(*vectors, axis=axis)


@public(np.linalg.outer, family="linalg")
def outer(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of all elements of two vectors, as a matrix.

    Parameters
    ----------
    x1, x2 : tensor or array_like
        One axis each; at least one is a tensor.

    Raises
    ------
    ShapeError
        One has another number of axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.linalg.outer(x, [1, 10]))
    array([[ 1, 10],
           [ 2, 20]])
    """
    first, second = contractions.both(x1, x2)
    if first.ndim != 1 or second.ndim != 1:
        msg = (f"linalg.outer ({user_line()}) takes vectors, not {shape_text(first.shape)} and "
               f"{shape_text(second.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return contractions.outer(first, second)


@public(np.linalg.matmul, family="linalg")
def matmul(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the matrix product; see `dataflow.matmul`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.linalg.matmul(x, [1, 1]))
    array([3, 7])
    """
    return product_of(x1, x2)


@public(np.linalg.tensordot, family="linalg")
def tensordot(x1: TensorLike, x2: TensorLike, /, *, axes: Axes = 2) -> Tensor:
    """Return the sum of products over several axes; see `dataflow.tensordot`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> int(df.evaluate(df.linalg.tensordot(x, x)))
    30
    """
    return contractions.tensordot(x1, x2, axes)


@public(np.linalg.vecdot, family="linalg")
def vecdot(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """Return the inner products of vectors along an axis; see `dataflow.vecdot`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.linalg.vecdot(x, [1, 1]))
    array([3, 7])
    """
    return vector_products.vecdot(x1, x2, axis=axis)


@public(np.linalg.matrix_transpose, family="linalg")
def matrix_transpose(x: Tensor, /) -> Tensor:
    """Return matrices with rows and columns exchanged: a view, nothing is conjugated.

    Raises
    ------
    ShapeError
        There are fewer than two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> df.linalg.matrix_transpose(df.GraphBuilder().zeros((4, 2, 3))).shape
    (4, 3, 2)
    """
    return swapaxes(_matrices("matrix_transpose", x), -1, -2)


@public(np.linalg.diagonal, family="linalg")
def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """Return the diagonals of the matrices along the last two axes; see `dataflow.diagonal`.

    Parameters
    ----------
    x : Tensor
        Two axes or more.
    offset : int
        So many columns to the right of the main diagonal.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.linalg.diagonal(x))
    array([1, 4])
    """
    return diagonals.diagonal(_matrices("diagonal", x), offset, -2, -1)


@public(np.linalg.trace, family="linalg")
def trace(x: Tensor, /, *, offset: int = 0, dtype: object = None) -> Tensor:
    """Return the sums of the diagonals of the matrices along the last two axes.

    Parameters
    ----------
    x : Tensor
        Two axes or more.
    offset : int
        See `diagonal`.
    dtype : dtype, optional
        The result's, in which it is added up; by default that of `sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> int(df.evaluate(df.linalg.trace(x)))
    5
    """
    cast = x if dtype is None else x.astype(as_dtype(dtype))
    made = diagonals.trace(_matrices("trace", cast), offset, -2, -1)
    return made if dtype is None else made.astype(as_dtype(dtype))


def _matrices(name: str, x: Tensor) -> Tensor:
    if x.ndim < 2:
        msg = f"linalg.{name} ({user_line()}) takes matrices, not {shape_text(x.shape)}"
        raise ShapeError(msg)
    return x
