"""Systems and products of Toeplitz's and circulant matrices, which are given by their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.structured import circulant, toeplitz
from dataflow.ops.matmul import MATMUL, matmul

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["matmul_toeplitz", "solve_circulant", "solve_toeplitz"]


@public(family="linalg")
def solve_toeplitz(c_or_cr: TensorLike | tuple[TensorLike, TensorLike], b: TensorLike) -> Tensor:
    """Return the solutions of linear systems whose matrices are Toeplitz's.

    Parameters
    ----------
    c_or_cr : tensor, array_like or tuple of two
        The first column, or that and the first row; see `toeplitz`.
    b : tensor or array_like
        ``(n,)`` or ``(..., n, k)``; see `solve`.

    Raises
    ------
    ShapeError
        The matrices aren't square, or the shapes don't agree.
    KernelError
        While running: a matrix is singular.

    Notes
    -----
    The matrix is made in full and solved as any other.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder().constant([3.0, 3.0])
    >>> df.evaluate(df.linalg.solve_toeplitz([2.0, 1.0], b))
    array([1., 1.])
    """
    return solve(*_with_toeplitz(c_or_cr, b))


@public(family="linalg")
def matmul_toeplitz(c_or_cr: TensorLike | tuple[TensorLike, TensorLike], x: TensorLike) -> Tensor:
    """Return the products of Toeplitz's matrices with others; see `solve_toeplitz`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 1])
    >>> df.evaluate(df.linalg.matmul_toeplitz(([2, 1], [2, 0]), x))
    array([2, 3])
    """
    return matmul(*_with_toeplitz(c_or_cr, x))


def _with_toeplitz(
    lines: TensorLike | tuple[TensorLike, TensorLike], x: TensorLike
) -> tuple[Tensor, Tensor]:
    """Return Toeplitz's matrix of a column, or of a column and a row, and `x`."""
    given = lines if isinstance(lines, tuple) else (lines,)
    *parts, other = promoted(MATMUL, None, *given, x)
    return toeplitz(*parts), other


@public(family="linalg")
def solve_circulant(c: TensorLike, b: TensorLike) -> Tensor:
    """Return the solutions of linear systems whose matrices are circulant; see `solve_toeplitz`.

    Parameters
    ----------
    c : tensor or array_like
        The first column; see `circulant`.
    b : tensor or array_like
        ``(n,)`` or ``(..., n, k)``; see `solve`. SciPy's arguments for other axes aren't offered.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder().constant([3.0, 3.0])
    >>> df.evaluate(df.linalg.solve_circulant([2.0, 1.0], b))
    array([1., 1.])
    """
    column, right = promoted(MATMUL, None, c, b)
    return solve(circulant(column), right)
