"""Products of several matrices: powers, and chains in the order that costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.einsum import guessed
from dataflow.ops.linalg.pieces import identity
from dataflow.ops.linalg.solving import inv
from dataflow.ops.matmul import MATMUL, matmul
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["matrix_power", "multi_dot"]


@public(np.linalg.matrix_power, family="linalg")
def matrix_power(a: Tensor, n: int) -> Tensor:
    """Return square matrices, multiplied by themselves: as few products as squaring needs.

    Parameters
    ----------
    a : Tensor
        ``(..., m, m)``.
    n : int
        0 gives identity matrices, a negative one powers of the inverse.

    Returns
    -------
    Tensor
        Of the dtype of `a`, in which integers may overflow; floating-point for a negative `n`.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    GraphError
        `n` is no int.
    KernelError
        While running: `n` is negative and a matrix singular.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 1], [1, 0]])
    >>> df.evaluate(df.linalg.matrix_power(x, 10))
    array([[89, 55],
           [55, 34]])
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        msg = f"matrix_power ({user_line()}): n is an int, not {n!r}"
        raise GraphError(msg)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        msg = f"matrix_power ({user_line()}) takes square matrices, not {shape_text(a.shape)}"
        raise ShapeError(msg)
    exponent = n.__index__()
    if exponent == 0:
        return broadcast_to(identity(a), a.shape)
    return _power(inv(a) if exponent < 0 else a, abs(exponent))


def _power(square: Tensor, exponent: int) -> Tensor:
    """Multiply the squares that the bits of an exponent of 1 or more name."""
    made = None
    while exponent:
        if exponent & 1:
            made = square if made is None else matmul(made, square)
        exponent >>= 1
        square = matmul(square, square) if exponent else square
    assert made is not None  # noqa: S101 - the exponent has a bit
    return made


@public(np.linalg.multi_dot, family="linalg")
def multi_dot(arrays: Sequence[TensorLike]) -> Tensor:
    """Return the product of a chain of matrices, in the order that takes the fewest operations.

    Parameters
    ----------
    arrays : sequence of tensor or array_like
        Two or more, at least one a tensor; matrices, but the first may be a row and the last a
        column with one axis. dtypes are promoted as NumPy 2 does.

    Raises
    ------
    ShapeError
        There are fewer than two, one isn't a matrix, or neighbours don't agree.

    Notes
    -----
    The order is found by dynamic programming (T. H. Cormen et al., "Introduction to Algorithms",
    chapter 15.2), a named dimension counted as a hundred elements.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(np.ones((10, 2)))
    >>> df.evaluate(df.linalg.multi_dot([np.ones(10), x, np.ones((2, 3))]))
    array([20., 20., 20.])
    """
    tensors = list(promoted(MATMUL, None, *arrays)) if len(arrays) > 1 else []
    row, column = _vectors(tensors)
    if row:
        tensors[0] = reshape(tensors[0], (1, tensors[0].shape[0]))
    if column:
        tensors[-1] = reshape(tensors[-1], (tensors[-1].shape[0], 1))
    made = _chain(tensors, _splits(_sizes(tensors)), 0, len(tensors) - 1)
    return reshape(made, made.shape[int(row) : 2 - int(column)])


def _vectors(tensors: Sequence[Tensor]) -> tuple[bool, bool]:
    """Say whether the first and the last factor are vectors, after checks."""
    ndims = [x.ndim for x in tensors]
    inner_fit = all(ndim == 2 for ndim in ndims[1:-1])
    if len(ndims) < 2 or not inner_fit or not {ndims[0], ndims[-1]} <= {1, 2}:
        msg = (f"multi_dot ({user_line()}) takes two matrices or more, of which the first and the "
               f"last may be vectors, not {[shape_text(x.shape) for x in tensors]}")  # fmt: skip
        raise ShapeError(msg)
    return ndims[0] == 1, ndims[-1] == 1


def _sizes(tensors: Sequence[Tensor]) -> list[int]:
    """Return the rows of each matrix, and the columns of the last."""
    return [guessed(n) for n in (*(x.shape[0] for x in tensors), tensors[-1].shape[1])]


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return, for every run of matrices, after which of them its last product splits it."""
    count = len(sizes) - 1
    costs: dict[tuple[int, int], int] = {(i, i): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = [
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            ]
            costs[i, j], splits[i, j] = min(options)
    return splits


def _chain(tensors: Sequence[Tensor], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:  # noqa: ANN401 - a tensor
    if i == j:
        return tensors[i]
    k = splits[i, j]
    return matmul(_chain(tensors, splits, i, k), _chain(tensors, splits, k + 1, j))
