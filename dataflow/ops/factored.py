"""PyTorch's names for determinants and Cholesky factors in the main namespace.

Linear algebra is imported when one of them is called.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import find_function, public
from dataflow.ops.elementary import log
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cholesky_inverse", "cholesky_solve", "logdet"]


@public()
def logdet(x: Tensor) -> Tensor:
    """Return the logarithms of the determinants of square matrices.

    Parameters
    ----------
    x : Tensor
        ``(..., n, n)``; see `linalg.slogdet`, which has the sign too.

    Returns
    -------
    Tensor
        ``(...)``: minus infinity where a matrix is singular, NaN where a real determinant is
        negative.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 0.0], [0.0, 1.0]])
    >>> float(df.evaluate(df.logdet(x)))
    0.0
    """
    sign, logarithm = find_function("linalg.slogdet")(x)
    made: Tensor = logarithm
    if sign.dtype.kind != "c":
        return where(sign < 0, math.nan, made)
    return made + log(where(sign == 0, 1, sign))


@public()
def cholesky_solve(B: TensorLike, L: Tensor, upper: bool = False) -> Tensor:
    """Return the solutions of linear systems, given the Cholesky factor of their matrices.

    Parameters
    ----------
    B : tensor or array_like
        ``(..., n, k)``.
    L : Tensor
        ``(..., n, n)``; the other triangle isn't read.
    upper : bool
        Whether it is the upper factor.

    Raises
    ------
    ShapeError
        The factor isn't square, or the shapes don't agree.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 1.0]])
    >>> df.evaluate(df.cholesky_solve([[8.0], [3.0]], x))
    array([[2.],
           [3.]])
    """
    return call_function("linalg.cho_solve", (L, not upper), B)


@public()
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Return the inverses of matrices, given their Cholesky factors; see `cholesky_solve`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 1.0]])
    >>> df.evaluate(df.cholesky_inverse(x))
    array([[0.25, 0.  ],
           [0.  , 1.  ]], dtype=float32)
    """
    return cholesky_solve(call_function("linalg.matrix_power", L, 0), L, upper)
