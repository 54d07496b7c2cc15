"""Functions that PyTorch has a name for, each made of a few of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops.comparison import less
from dataflow.ops.matmul import matmul
from dataflow.ops.powers import reciprocal, sqrt
from dataflow.ops.ranks import tensors_of
from dataflow.ops.selection import clip, where
from dataflow.ops.shaping import expand_dims
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["addmm", "baddbmm", "cdist", "clamp", "lerp", "rsqrt"]

clamp = also_named(clip, "clamp")


@public()
def rsqrt(x: TensorLike) -> Tensor:
    """Return ``1 / sqrt(x)``, element by element: inf at 0, NaN below.

    Parameters
    ----------
    x : tensor or array_like
        Numbers of any shape; integers become floats.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4.0, 0.25])
    >>> df.evaluate(df.rsqrt(x))
    array([0.5, 2. ], dtype=float32)
    """
    return reciprocal(sqrt(x))


@public()
def lerp(start: TensorLike, end: TensorLike, weight: TensorLike) -> Tensor:
    """Return ``start + weight * (end - start)``, what lies between two tensors.

    Parameters
    ----------
    start, end : tensor or array_like
        What weights of 0 and 1 give exactly.
    weight : number, tensor or array_like
        How far to go; below 0 and above 1 it goes beyond.

    Returns
    -------
    Tensor
        The shape that all three broadcast to.

    Notes
    -----
    From a weight of 1/2 on it is ``end - (1 - weight) * (end - start)``, as PyTorch has it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 10.0])
    >>> df.evaluate(df.lerp(x, x + 4, 0.25))
    array([ 1., 11.], dtype=float32)
    """
    if isinstance(weight, (int, float)):
        first, last = tensors_of([start, end])
        difference = last - first
        is_near = abs(weight) < 0.5
        return first + difference * weight if is_near else last - difference * (1 - weight)
    first, last, share = tensors_of([start, end, weight])
    difference = last - first
    near, far = first + difference * share, last - difference * (1 - share)
    return where(less(abs(share), 0.5), near, far)


@public()
def addmm(
    input: TensorLike, mat1: TensorLike, mat2: TensorLike, *,
    beta: complex = 1, alpha: complex = 1,
) -> Tensor:  # fmt: skip
    """Return ``beta * input + alpha * (mat1 @ mat2)`` for two matrices.

    Parameters
    ----------
    input : tensor or array_like
        Of a shape that broadcasts to the product's. Where `beta` is 0 it isn't read.
    mat1, mat2 : tensor or array_like
        ``(n, m)`` and ``(m, p)``.
    beta, alpha : number
        What the two are multiplied by.

    Raises
    ------
    ShapeError
        An operand has another number of axes, or the shapes don't agree.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0]])
    >>> df.evaluate(df.addmm(x[:, :1], x, x.T, alpha=2))
    array([[11.]], dtype=float32)
    """
    return _added("addmm", 2, (input, mat1, mat2), beta, alpha)


@public()
def baddbmm(
    input: TensorLike, batch1: TensorLike, batch2: TensorLike, *,
    beta: complex = 1, alpha: complex = 1,
) -> Tensor:  # fmt: skip
    """Return ``beta * input + alpha * (batch1 @ batch2)`` for two batches of matrices.

    See `addmm` for the parameters; all products have three axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2, 1, 3))
    >>> df.evaluate(df.baddbmm(x[:, :, :1], x, x.mT)).ravel()
    array([4., 4.], dtype=float32)
    """
    return _added("baddbmm", 3, (input, batch1, batch2), beta, alpha)


def _added(
    name: str, ndim: int, operands: tuple[TensorLike, ...], beta: complex, alpha: complex
) -> Tensor:
    added, left, right = tensors_of(operands)
    if (left.ndim, right.ndim) != (ndim, ndim):
        shapes = f"{shape_text(left.shape)} and {shape_text(right.shape)}"
        msg = f"{name} ({user_line()}) takes products of {ndim} axes, not {shapes}"
        raise ShapeError(msg)
    product = matmul(left, right)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    total = product + (added if beta == 1 else added * beta)
    if total.shape != product.shape:
        msg = (f"{name} ({user_line()}): {shape_text(added.shape)} doesn't broadcast to "
               f"{shape_text(product.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return total


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
