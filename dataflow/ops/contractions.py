"""Products of tensors over axes of each: tensordot, inner, outer, kron and their like.

None is an op: each lays its operands out as matrices, multiplies them with `matmul`, and gives the
axes back. So the product runs in BLAS, and derivatives, slices and named dimensions are those of
reshape, transpose and matmul. Operands are laid out as views wherever their axes allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import promoted
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import swapaxes, transpose
from dataflow.ops.matmul import MATMUL, matmul
from dataflow.ops.shaping import reshape
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["dot", "inner", "kron", "outer", "tensordot"]

Axes: TypeAlias = "int | Sequence[int | Sequence[int]]"


# For other files


def both(a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    """Return two operands, at least one of them a tensor, in NumPy's common dtype."""
    left, right = promoted(MATMUL, np.matmul, a, b)
    return left, right


def as_matrices(
    x: Tensor, stack: Sequence[int], rows: Sequence[int], columns: Sequence[int]
) -> Tensor:
    """Return a stack of matrices, each group of axes made one (and the stack's kept as they are).

    The matrices are views of the tensor's memory wherever rows and columns follow each other.
    """
    shapes = [tuple(x.shape[i] for i in group) for group in (stack, rows, columns)]
    height, width = product(shapes[1]), product(shapes[2])
    if [*stack, *columns, *rows] == list(range(x.ndim)):
        return swapaxes(reshape(x, (*shapes[0], width, height)), -1, -2)
    order = [*stack, *rows, *columns]
    ordered = x if order == sorted(order) else transpose(x, order)
    return reshape(ordered, (*shapes[0], height, width))


def contract(a: Tensor, b: Tensor, left: Sequence[int], right: Sequence[int]) -> Tensor:
    """Return the sum of products over axes of `a` and as many of `b`; see `tensordot`."""
    rows = [i for i in range(a.ndim) if i not in left]
    columns = [i for i in range(b.ndim) if i not in right]
    made = matmul(as_matrices(a, (), rows, left), as_matrices(b, (), right, columns))
    return reshape(made, (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns)))


def check_paired(
    name: str, a: Tensor, b: Tensor, left: Sequence[int], right: Sequence[int]
) -> None:
    """Refuse axes to be summed over that have other lengths in `b`, or are named twice."""
    lengths = [a.shape[i] for i in left], [b.shape[i] for i in right]
    distinct = len(set(left)) == len(left) and len(set(right)) == len(right)
    if lengths[0] != lengths[1] or not distinct:
        msg = (f"{name} ({user_line()}): axes {tuple(left)} of {shape_text(a.shape)} and "
               f"{tuple(right)} of {shape_text(b.shape)} must have the same lengths, each axis "
               "named once")  # fmt: skip
        raise ShapeError(msg)


# Sums of products


@public(np.tensordot)
def tensordot(a: TensorLike, b: TensorLike, axes: Axes = 2) -> Tensor:
    """Return the sum of products over several axes.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor. dtypes are promoted as NumPy 2 does.
    axes : int or pair of ints or of sequences of ints
        A number N: the last N axes of `a` with the first N of `b`. A pair: these axes of `a`, and
        those of `b`, the first with the first and so on.

    Returns
    -------
    Tensor
        The other axes of `a`, then the other axes of `b`.

    Raises
    ------
    ShapeError
        The axes are out of range, named twice, or not as many or as long in both.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 3, 4))
    >>> df.tensordot(x, np.ones((4, 3, 5)), axes=([1, 2], [1, 0])).shape
    (Dim('batch'), 5)
    """
    first, second = both(a, b)
    left, right = _paired_axes(first, second, axes)
    check_paired("tensordot", first, second, left, right)
    return contract(first, second, left, right)


def _paired_axes(a: Tensor, b: Tensor, axes: Axes) -> tuple[list[int], list[int]]:
    if isinstance(axes, Sequence):
        if len(axes) != 2:
            msg = f"tensordot ({user_line()}): axes is an int or a pair, not {axes!r}"
            raise ShapeError(msg)
        left, right = (list(group) if isinstance(group, Sequence) else [group] for group in axes)
        return ([normal_axis(axis, a.ndim) for axis in left],
                [normal_axis(axis, b.ndim) for axis in right])  # fmt: skip
    if not isinstance(axes, int) or not 0 <= axes <= min(a.ndim, b.ndim):
        msg = (f"tensordot ({user_line()}): {axes} axes can't be summed over of "
               f"{shape_text(a.shape)} and {shape_text(b.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return list(range(a.ndim - axes, a.ndim)), list(range(axes))


@public(np.dot)
def dot(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the product over the last axis of `a` and the last but one of `b`.

    Of vectors and matrices that is `matmul`; where an operand is a scalar, `multiply`; of more
    axes, every row of `a` with every column of `b`, which `matmul` doesn't do.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor. dtypes are promoted as NumPy 2 does.

    Raises
    ------
    ShapeError
        The lengths of the two axes differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> float(df.evaluate(df.dot(x, x)))
    14.0
    """
    first, second = both(a, b)
    if not first.ndim or not second.ndim:
        return first * second
    left, right = [first.ndim - 1], [max(second.ndim - 2, 0)]
    check_paired("dot", first, second, left, right)
    return contract(first, second, left, right)


@public(np.inner)
def inner(a: TensorLike, b: TensorLike, /) -> Tensor:
    """Return the sum of products over the last axes of both; of a scalar, the product.

    Complex numbers aren't conjugated, as they are in `vecdot`.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor. dtypes are promoted as NumPy 2 does.

    Returns
    -------
    Tensor
        The other axes of `a`, then the other axes of `b`.

    Raises
    ------
    ShapeError
        The lengths of the last axes differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.inner(x, [10, 1]))
    array([12, 34])
    """
    first, second = both(a, b)
    if not first.ndim or not second.ndim:
        return first * second
    left, right = [first.ndim - 1], [second.ndim - 1]
    check_paired("inner", first, second, left, right)
    return contract(first, second, left, right)


# All products


@public(np.outer)
def outer(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the product of every element of `a` with every element of `b`, as a matrix.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor; more axes than one are flattened.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.outer(x, [1, 10, 100]))
    array([[  1,  10, 100],
           [  2,  20, 200]])
    """
    first, second = both(a, b)
    return reshape(first, (first.spec.size, 1)) * reshape(second, -1)


@public(np.kron)
def kron(a: TensorLike, b: TensorLike) -> Tensor:
    """Return Kronecker's product: blocks that are `b` times each element of `a`.

    Parameters
    ----------
    a, b : tensor or array_like
        At least one is a tensor. The one of fewer axes gets axes of length 1 in front.

    Returns
    -------
    Tensor
        Along each axis, as long as the product of both lengths.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2]])
    >>> df.evaluate(df.kron(x, [[1, 1], [0, 1]]))
    array([[1, 1, 2, 2],
           [0, 1, 0, 2]])
    """
    first, second = both(a, b)
    ndim = max(first.ndim, second.ndim)
    shapes = [(*[1] * (ndim - x.ndim), *x.shape) for x in (first, second)]
    blocks = reshape(first, [dim for n in shapes[0] for dim in (n, 1)])
    inside = reshape(second, [dim for n in shapes[1] for dim in (1, n)])
    return reshape(blocks * inside, [n * m for n, m in zip(*shapes, strict=True)])
