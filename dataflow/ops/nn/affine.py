"""Affine maps, with weights laid out as PyTorch has them: outputs first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import matrix_transpose
from dataflow.ops.einsum import einsum
from dataflow.ops.matmul import matmul
from dataflow.ops.ranks import tensors_of
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["bilinear", "linear"]


@public(family="nn")
def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """Return ``x @ weight.T + bias``.

    Parameters
    ----------
    x : tensor or array_like
        ``(..., inputs)``.
    weight : tensor or array_like
        ``(outputs, inputs)``, or ``(inputs,)`` for one output that has no axis.
    bias : tensor or array_like, optional
        ``(outputs,)``.

    Returns
    -------
    Tensor
        ``(..., outputs)``.

    Raises
    ------
    ShapeError
        The weight has another number of axes, or the shapes don't agree.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.nn.linear(x, [[3.0, 4.0]], [0.5]))
    array([11.5])
    """
    given, matrix = tensors_of([x, weight])
    if matrix.ndim not in (1, 2):
        msg = (f"linear ({user_line()}): the weight is (outputs, inputs), not "
               f"{shape_text(matrix.shape)}")  # fmt: skip
        raise ShapeError(msg)
    result = matmul(given, matrix_transpose(matrix) if matrix.ndim == 2 else matrix)
    return result if bias is None else result + bias


@public(family="nn")
def bilinear(
    x1: TensorLike, x2: TensorLike, weight: TensorLike, bias: TensorLike | None = None
) -> Tensor:
    """Return ``x1 @ weight[k] @ x2 + bias[k]`` for every output k.

    Parameters
    ----------
    x1, x2 : tensor or array_like
        ``(..., n)`` and ``(..., m)``, the leading axes being the same.
    weight : tensor or array_like
        ``(outputs, n, m)``.
    bias : tensor or array_like, optional
        ``(outputs,)``.

    Returns
    -------
    Tensor
        ``(..., outputs)``.

    Raises
    ------
    ShapeError
        The weight has another number of axes, or the shapes don't agree.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, weight = b.ones((1, 2)), b.ones((1, 2, 3))
    >>> df.evaluate(df.nn.bilinear(x, b.ones((1, 3)), weight))
    array([[6.]], dtype=float32)
    """
    left, right, weights = tensors_of([x1, x2, weight])
    if weights.ndim != 3:
        msg = (f"bilinear ({user_line()}): the weight is (outputs, n, m), not "
               f"{shape_text(weights.shape)}")  # fmt: skip
        raise ShapeError(msg)
    result = einsum("...n,knm,...m->...k", left, weights, right)
    return result if bias is None else result + bias
