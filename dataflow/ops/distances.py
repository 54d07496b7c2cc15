"""Distances of rows and of whole tensors from each other, and norms that are held down."""

from __future__ import annotations

from itertools import combinations as pairs_of
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.gathering import take
from dataflow.ops.ranks import tensors_of
from dataflow.ops.selection import where
from dataflow.ops.shaping import expand_dims
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cdist", "dist", "pdist", "renorm"]

_AS_PYTORCH = 1e-7
"""What PyTorch adds to a norm before it divides by it."""


@public()
def cdist(x1: TensorLike, x2: TensorLike, p: float = 2.0) -> Tensor:
    """Return the distance of every row of one matrix from every row of another.

    Parameters
    ----------
    x1, x2 : tensor or array_like
        ``(..., n, d)`` and ``(..., m, d)``, real.
    p : float
        Which norm of the difference; see `dataflow.linalg.vector_norm`.

    Returns
    -------
    Tensor
        ``(..., n, m)``. The derivative is 0 where two rows are the same.

    Raises
    ------
    ShapeError, GraphError
        There are fewer than two axes, the shapes don't broadcast, or `p` is below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.0], [3.0, 4.0]])
    >>> df.evaluate(df.cdist(x, x))
    array([[0., 5.],
           [5., 0.]], dtype=float32)
    """
    left, right = tensors_of([x1, x2])
    for operand in (left, right):
        if operand.ndim < 2:
            msg = f"cdist ({user_line()}) takes rows of matrices, not {shape_text(operand.shape)}"
            raise ShapeError(msg)
    rows, others = expand_dims(left, -2), expand_dims(right, -3)
    return call_function("nn.pairwise_distance", rows, others, p, eps=0.0)


@public()
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the distance of every row of a matrix from every later one, as `torch.pdist` does.

    Parameters
    ----------
    input : Tensor
        ``(n, d)``, real, n known.
    p : float
        Which norm of the difference; see `cdist`.

    Returns
    -------
    Tensor
        ``(n (n - 1) / 2,)``: of the first row from all others, then of the second from later ones.

    Raises
    ------
    ShapeError, GraphError
        There are more or fewer axes, the number of rows is named, or `p` is below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    >>> df.evaluate(df.pdist(x)).round(4)
    array([5.    , 1.    , 4.2426], dtype=float32)
    """
    if input.ndim != 2 or not isinstance(input.shape[0], int):
        msg = f"pdist ({user_line()}) takes a known number of rows, not {shape_text(input.shape)}"
        raise ShapeError(msg)
    places = np.array(list(pairs_of(range(input.shape[0]), 2)), np.int64).reshape(-1, 2)
    rows, others = (take(input, column, 0) for column in places.T)
    return call_function("nn.pairwise_distance", rows, others, p, eps=0.0)


@public()
def dist(input: TensorLike, other: TensorLike, p: float = 2.0) -> Tensor:
    """Return the norm of the difference of two tensors, all elements as one vector.

    Parameters
    ----------
    input, other : tensor or array_like
        Shapes that broadcast.
    p : float
        Which norm; see `dataflow.linalg.vector_norm`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 0.0])
    >>> df.evaluate(df.dist(x, [0.0, 4.0]))
    array(5.)
    """
    first, second = tensors_of([input, other])
    return call_function("linalg.vector_norm", first - second, ord=p)


@public()
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Return slices along an axis, those of a larger norm scaled down to it, as PyTorch does.

    Parameters
    ----------
    input : Tensor
        At least two axes.
    p : float
        Which norm; see `dataflow.linalg.vector_norm`.
    dim : int
        The axis that the slices lie along.
    maxnorm : float
        The largest norm of a slice, to about 1e-7 of it.

    Raises
    ------
    ShapeError
        The axis is out of range, or there is no other.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3.0, 4.0], [0.3, 0.4]])
    >>> df.evaluate(df.renorm(x, 2, 0, 1.0)).round(4)
    array([[0.6, 0.8],
           [0.3, 0.4]], dtype=float32)
    """
    axis = normal_axis(dim, input.ndim)
    others = tuple(i for i in range(input.ndim) if i != axis)
    if not others:
        msg = f"renorm ({user_line()}) takes two axes or more, not {shape_text(input.shape)}"
        raise ShapeError(msg)
    size = call_function("linalg.vector_norm", input, ord=p, axis=others, keepdims=True)
    return input * where(size > maxnorm, maxnorm / (size + _AS_PYTORCH), 1)
