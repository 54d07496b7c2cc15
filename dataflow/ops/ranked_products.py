"""Matrix products under PyTorch's names, each for one number of axes: mm, bmm and mv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.contractions import both
from dataflow.ops.matmul import matmul
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["bmm", "mm", "mv"]


def _product(name: str, ndims: tuple[int, int], a: TensorLike, b: TensorLike) -> Tensor:
    first, second = both(a, b)
    differs = ndims == (3, 3) and first.shape[:1] != second.shape[:1]
    if (first.ndim, second.ndim) != ndims or differs:
        msg = (f"{name} ({user_line()}) takes operands of {ndims[0]} and {ndims[1]} axes, not "
               f"{shape_text(first.shape)} and {shape_text(second.shape)}; see matmul")  # fmt: skip
        raise ShapeError(msg)
    return matmul(first, second)


@public()
def mm(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the product of two matrices, and of nothing else; see `matmul`.

    Raises
    ------
    ShapeError
        An operand hasn't two axes, or the contracted lengths differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.mm(x, [[1], [1]]))
    array([[3],
           [7]])
    """
    return _product("mm", (2, 2), a, b)


@public()
def bmm(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the products of two stacks of as many matrices, one by one; see `matmul`.

    Raises
    ------
    ShapeError
        An operand hasn't three axes, or the stacks' or the contracted lengths differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((4, 2, 3))
    >>> df.bmm(x, df.swapaxes(x, 1, 2)).shape
    (4, 2, 2)
    """
    return _product("bmm", (3, 3), a, b)


@public()
def mv(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the product of a matrix and a vector, and of nothing else; see `matmul`.

    Raises
    ------
    ShapeError
        An operand hasn't two axes or one, or the contracted lengths differ.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.mv(x, [1, 1]))
    array([3, 7])
    """
    return _product("mv", (2, 1), a, b)
