"""A tensor, and a product that is added to it: PyTorch's addmm and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.contractions import outer
from dataflow.ops.matmul import matmul
from dataflow.ops.ranks import tensors_of
from dataflow.ops.reductions import sum as sum_
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "baddbmm"]


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
    return _added("addmm", (2, 2), matmul, (input, mat1, mat2), beta, alpha)


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
    return _added("baddbmm", (3, 3), matmul, (input, batch1, batch2), beta, alpha)


@public()
def addbmm(
    input: TensorLike, batch1: TensorLike, batch2: TensorLike, *,
    beta: complex = 1, alpha: complex = 1,
) -> Tensor:  # fmt: skip
    """Return ``beta * input + alpha * (batch1 @ batch2).sum(0)`` for two batches of matrices.

    See `addmm` for the parameters; the two batches have three axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2, 1, 3))
    >>> df.evaluate(df.addbmm(1, x, x.mT))
    array([[7.]], dtype=float32)
    """
    return _added("addbmm", (3, 3), _summed, (input, batch1, batch2), beta, alpha)


def _summed(batch1: Tensor, batch2: Tensor) -> Tensor:
    return sum_(matmul(batch1, batch2), 0)


@public()
def addmv(
    input: TensorLike, mat: TensorLike, vec: TensorLike, *, beta: complex = 1, alpha: complex = 1
) -> Tensor:
    """Return ``beta * input + alpha * (mat @ vec)`` for a matrix and a vector; see `addmm`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.addmv(x[0], x, x[1], alpha=2))
    array([23., 52.], dtype=float32)
    """
    return _added("addmv", (2, 1), matmul, (input, mat, vec), beta, alpha)


@public()
def addr(
    input: TensorLike, vec1: TensorLike, vec2: TensorLike, *, beta: complex = 1, alpha: complex = 1
) -> Tensor:
    """Return ``beta * input + alpha * outer(vec1, vec2)`` for two vectors; see `addmm`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.addr(x, x, x))
    array([[2., 4.],
           [3., 6.]], dtype=float32)
    """
    return _added("addr", (1, 1), outer, (input, vec1, vec2), beta, alpha)


def _added(
    name: str, ranks: tuple[int, int], product: Callable[[Tensor, Tensor], Tensor],
    operands: tuple[TensorLike, ...], beta: complex, alpha: complex,
) -> Tensor:  # fmt: skip
    added, left, right = tensors_of(operands)
    if (left.ndim, right.ndim) != ranks:
        shapes = f"{shape_text(left.shape)} and {shape_text(right.shape)}"
        msg = f"{name} ({user_line()}) takes {ranks[0]} and {ranks[1]} axes, not {shapes}"
        raise ShapeError(msg)
    made = product(left, right)
    made = made if alpha == 1 else made * alpha
    if beta == 0:
        return made
    total = made + (added if beta == 1 else added * beta)
    if total.shape != made.shape:
        msg = (f"{name} ({user_line()}): {shape_text(added.shape)} doesn't broadcast to "
               f"{shape_text(made.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return total


@public()
def addcmul(
    input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: complex = 1
) -> Tensor:
    """Return ``input + value * tensor1 * tensor2``, element by element.

    Parameters
    ----------
    input, tensor1, tensor2 : tensor or array_like
        Shapes that broadcast.
    value : number
        What the product is multiplied by.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.addcmul(x, x, x, value=10))
    array([11., 42.], dtype=float32)
    """
    added, left, right = tensors_of([input, tensor1, tensor2])
    return added + (left if value == 1 else left * value) * right


@public()
def addcdiv(
    input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: complex = 1
) -> Tensor:
    """Return ``input + value * tensor1 / tensor2``, element by element; see `addcmul`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.addcdiv(x, x, x, value=10))
    array([11., 12.], dtype=float32)
    """
    added, left, right = tensors_of([input, tensor1, tensor2])
    return added + (left if value == 1 else left * value) / right
