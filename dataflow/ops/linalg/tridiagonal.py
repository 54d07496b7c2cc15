"""Eigenvalues of symmetric matrices that are zero but for three diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.linalg.eigh import EIGH, EighResult, eigh, eigvalsh
from dataflow.ops.linalg.pieces import adjoint, diagonal
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.padding import pad
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["eigh_tridiagonal", "eigvalsh_tridiagonal"]


@public(family="linalg")
def eigh_tridiagonal(
    d: TensorLike, e: TensorLike, eigvals_only: bool = False
) -> EighResult | Tensor:
    """Return the eigenvalues and vectors of symmetric matrices of three diagonals; see `eigh`.

    Parameters
    ----------
    d, e : tensor or array_like
        ``(..., n)`` and ``(..., n - 1)``: the main diagonal, and the one beside it on either side.
    eigvals_only : bool
        Whether only the eigenvalues are returned.

    Raises
    ------
    ShapeError
        The lengths don't agree.

    Notes
    -----
    The matrices are made in full, so that it takes as long as `eigh` does.

    Examples
    --------
    >>> import dataflow as df
    >>> d = df.GraphBuilder().constant([2.0, 2.0])
    >>> df.evaluate(df.linalg.eigh_tridiagonal(d, [1.0], eigvals_only=True))
    array([1., 3.])
    """
    matrix = _tridiagonal(d, e)
    return eigvalsh(matrix) if eigvals_only else eigh(matrix)


@public(family="linalg")
def eigvalsh_tridiagonal(d: TensorLike, e: TensorLike) -> Tensor:
    """Return the eigenvalues of symmetric matrices of three diagonals; see `eigh_tridiagonal`.

    Examples
    --------
    >>> import dataflow as df
    >>> d = df.GraphBuilder().constant([2.0, 2.0])
    >>> df.evaluate(df.linalg.eigvalsh_tridiagonal(d, [1.0]))
    array([1., 3.])
    """
    return eigvalsh(_tridiagonal(d, e))


def _tridiagonal(d: TensorLike, e: TensorLike) -> Tensor:
    """Return the matrices in full: a gradient of `eigh` is shared by both triangles."""
    main, beside = (as_inexact(x) for x in promoted(EIGH, None, d, e))
    if not main.ndim or not beside.ndim or main.shape[-1] != beside.shape[-1] + 1:
        msg = (f"eigh_tridiagonal ({user_line()}) takes diagonals (..., n) and (..., n - 1), not "
               f"{shape_text(main.shape)} and {shape_text(beside.shape)}")  # fmt: skip
        raise ShapeError(msg)
    square = diagonal(beside, beside.dtype)
    below = pad(square, [(0, 0)] * (square.ndim - 2) + [(1, 0), (0, 1)])
    return diagonal(main, main.dtype) + below + adjoint(below)
