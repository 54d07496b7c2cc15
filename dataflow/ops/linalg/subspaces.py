"""The spaces that matrices' columns span: angles between them, and bases, which depend on data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.arranging import flip
from dataflow.ops.linalg.pieces import adjoint
from dataflow.ops.linalg.qr import QR, qr
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.linalg.svd import svdvals
from dataflow.ops.selection import where
from dataflow.ops.trigonometry import arccos, arcsin
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["null_space", "orth", "subspace_angles"]


@public(family="linalg")
def subspace_angles(A: TensorLike, B: TensorLike) -> Tensor:
    """Return the angles between the spaces that the columns of two matrices span.

    Parameters
    ----------
    A, B : tensor or array_like
        ``(..., m, n)`` and ``(..., m, k)``, of independent columns. dtypes are promoted as NumPy 2
        does; integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., min(n, k))``, in descending order.

    Raises
    ------
    ShapeError
        These aren't matrices of as many rows, with no more columns than rows.

    Notes
    -----
    Angles above 45° come from their cosines, others from their sines, so that none loses digits (A.
    Knyazev and M. Argentati, "Principal angles between subspaces in an A-based scalar product",
    2002). An angle of 0 has no derivative.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0], [0.0]])
    >>> df.evaluate(df.linalg.subspace_angles(x, [[1.0], [1.0]])).round(4)
    array([0.7854])
    """
    x, y = (as_inexact(t) for t in promoted(QR, None, A, B))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-2] != y.shape[-2] or _is_wide(x) or _is_wide(y):
        msg = (f"subspace_angles ({user_line()}) takes matrices of as many rows, and no more "
               f"columns, not {shape_text(x.shape)} and {shape_text(y.shape)}")  # fmt: skip
        raise ShapeError(msg)
    first, second = qr(x).Q, qr(y).Q
    shared = adjoint(first) @ second
    cosines = _at_most_1(svdvals(shared))
    if first.shape[-1] == second.shape[-1] or not _is_wide_of(first, second):
        left = second - first @ shared
    else:
        left = first - second @ adjoint(shared)
    sines = flip(_at_most_1(svdvals(left)), -1)
    is_large = cosines * cosines < 0.5
    large = arccos(where(is_large, cosines, 0))
    small = arcsin(where(is_large, 0, sines))
    return flip(where(is_large, large, small), -1)


def _at_most_1(x: Tensor) -> Tensor:
    return where(x > 1, 1, x)


def _is_wide(x: Tensor) -> bool:
    rows, columns = x.shape[-2:]
    return isinstance(rows, int) and isinstance(columns, int) and columns > rows


def _is_wide_of(x: Tensor, y: Tensor) -> bool:
    """Say whether the second has more columns; lengths that aren't known count as equal."""
    first, second = x.shape[-1], y.shape[-1]
    return isinstance(first, int) and isinstance(second, int) and second > first


_BASIS = "df.linalg.svd gives orthonormal vectors of known number, in the order of their values"


@public(family="linalg")
def orth(A: Tensor, rcond: float | None = None) -> NoReturn:
    """Refuse to return a basis of the columns' space: how many vectors it has depends on data.

    Raises
    ------
    DataDependentShapeError
        Always. In its place: `svd` gives orthonormal vectors of known number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.linalg.orth(df.GraphBuilder().ones((2, 2)))
    Traceback (most recent call last):
    ...
    dataflow.errors.DataDependentShapeError: orth (...
    """
    depends_on_data("orth", _BASIS)


@public(family="linalg")
def null_space(A: Tensor, rcond: float | None = None) -> NoReturn:
    """Refuse to return a basis of what matrices turn to zero; see `orth`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.linalg.null_space(df.GraphBuilder().ones((2, 2)))
    Traceback (most recent call last):
    ...
    dataflow.errors.DataDependentShapeError: null_space (...
    """
    depends_on_data("null_space", _BASIS)
