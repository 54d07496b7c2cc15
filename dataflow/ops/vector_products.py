"""Products of stacks of vectors, with each other and with matrices: vecdot, matvec and vecmat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.complex_numbers import conj
from dataflow.ops.contractions import both, check_paired
from dataflow.ops.matmul import matmul
from dataflow.ops.shaping import reshape
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["matvec", "vdot", "vecdot", "vecmat"]


@public(np.vdot)
def vdot(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the sum of the products of all elements, those of `a` conjugated.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor; of as many elements, in any shapes.

    Raises
    ------
    ShapeError
        The numbers of elements differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2j])
    >>> complex(df.evaluate(df.vdot(x, x)))
    (5+0j)
    """
    first, second = (reshape(x, -1) for x in both(a, b))
    check_paired("vdot", first, second, [0], [0])
    return matmul(conj(first), second)


@public(np.vecdot)
def vecdot(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """Return the inner products of vectors along an axis, those of `x1` conjugated.

    Parameters
    ----------
    x1, x2 : tensor or array_like
        At least one is a tensor. The other axes broadcast.
    axis : int
        The axis in both operands, before they are broadcast.

    Raises
    ------
    ShapeError
        The axis is out of range, its lengths differ, or the other axes don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.vecdot(x, [1, 1]))
    array([3, 7])
    """
    first, second = (_axis_last(x, axis) for x in both(x1, x2))
    check_paired("vecdot", first, second, [first.ndim - 1], [second.ndim - 1])
    row = reshape(conj(first), (*first.shape[:-1], 1, first.shape[-1]))
    made = matmul(row, reshape(second, (*second.shape, 1)))
    return reshape(made, made.shape[:-2])


def _axis_last(x: Tensor, axis: int) -> Tensor:
    return move_axis(x, normal_axis(axis, x.ndim), x.ndim - 1)


@public(np.matvec)
def matvec(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of matrices by vectors, stack by stack.

    Parameters
    ----------
    x1 : tensor or array_like
        Matrices in the last two axes.
    x2 : tensor or array_like
        Vectors along the last axis; the axes before it broadcast with those before the matrices.

    Raises
    ------
    ShapeError
        An operand has too few axes, the contracted lengths differ, or the rest doesn't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.matvec(x, [[1, 0], [0, 1]]))
    array([[1, 3],
           [2, 4]])
    """
    matrix, vector = both(x1, x2)
    _check_ndims("matvec", matrix, vector)
    made = matmul(matrix, reshape(vector, (*vector.shape, 1)))
    return reshape(made, made.shape[:-1])


@public(np.vecmat)
def vecmat(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the products of vectors, conjugated, by matrices, stack by stack; see `matvec`.

    Parameters
    ----------
    x1 : tensor or array_like
        Vectors along the last axis.
    x2 : tensor or array_like
        Matrices in the last two axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.vecmat([1, 1], x))
    array([4, 6])
    """
    vector, matrix = both(x1, x2)
    _check_ndims("vecmat", matrix, vector)
    made = matmul(reshape(conj(vector), (*vector.shape[:-1], 1, vector.shape[-1])), matrix)
    return reshape(made, (*made.shape[:-2], made.shape[-1]))


def _check_ndims(name: str, matrix: Tensor, vector: Tensor) -> None:
    if matrix.ndim < 2 or vector.ndim < 1:
        msg = (f"{name} ({user_line()}) takes matrices and vectors, not {shape_text(matrix.shape)} "
               f"and {shape_text(vector.shape)}")  # fmt: skip
        raise ShapeError(msg)
