"""Linear systems whose unknowns and equations have several axes: tensorinv and tensorsolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.axes import transpose
from dataflow.ops.contractions import both
from dataflow.ops.linalg.solving import SOLVE, inv
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.shaping import reshape
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Dim
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["tensorinv", "tensorsolve"]


@public(np.linalg.tensorinv, family="linalg")
def tensorinv(a: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse for `tensordot` over the first `ind` axes: both as matrices.

    Parameters
    ----------
    a : Tensor
        The product of the lengths of the first `ind` axes must be that of the others.
    ind : int
        1 or more.

    Raises
    ------
    ShapeError
        `ind` isn't 1 or more, or the products differ.
    KernelError
        While running: the matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.reshape(df.GraphBuilder().constant(np.eye(6)), (6, 2, 3))
    >>> df.linalg.tensorinv(a, ind=1).shape
    (2, 3, 6)
    """
    if isinstance(ind, bool) or not isinstance(ind, int) or ind < 1:
        msg = f"tensorinv ({user_line()}): ind must be an int of 1 or more, not {ind!r}"
        raise ArgumentError(msg)
    matrix = reshape(a, (product(a.shape[:ind]), product(a.shape[ind:])))
    return reshape(inv(matrix), (*a.shape[ind:], *a.shape[:ind]))


@public(np.linalg.tensorsolve, family="linalg")
def tensorsolve(a: TensorLike, b: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """Return x such that ``tensordot(a, x, x.ndim) == b``.

    Parameters
    ----------
    a : tensor or array_like
        ``b.shape`` and then the shape of the result, both of as many elements.
    b : tensor or array_like
        Any shape.
    axes : sequence of int, optional
        Axes of `a` to move to its end before.

    Raises
    ------
    ShapeError
        The numbers of elements differ.
    KernelError
        While running: the matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.reshape(df.GraphBuilder().constant(np.eye(6)), (2, 3, 6))
    >>> df.evaluate(df.linalg.tensorsolve(a, np.ones((2, 3))))
    array([1., 1., 1., 1., 1., 1.])
    """
    matrix, right = map(as_inexact, both(a, b))
    last = [normal_axis(axis, matrix.ndim) for axis in axes or ()]
    order = [*(i for i in range(matrix.ndim) if i not in last), *last]
    ordered = matrix if order == sorted(order) else transpose(matrix, order)
    shape: tuple[int | Dim, ...] = ordered.shape[right.ndim :]
    size = right.spec.size
    square = reshape(ordered, (size, product(shape)))
    return reshape(apply(SOLVE, (square, reshape(right, (size, 1)))), shape)
