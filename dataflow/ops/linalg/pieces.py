"""Pieces of matrices, as nodes: transposes, triangles, diagonals, and what they are put to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.errors import ShapeError
from dataflow.ops import reductions
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import conj, real
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to, expand_dims
from dataflow.ops.slicing import PAD_SLICE, slice_axis
from dataflow.ops.stopping import stop_gradient
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    import numpy as np

    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = [
    "adjoint", "columns", "diagonal", "filled", "gaps", "hermitian_part", "identity", "mirrored",
    "off_diagonal", "on_diagonal", "outside", "real_of", "rows_and_columns", "shrunk", "triangle",
]  # fmt: skip


def adjoint(x: Tensor) -> Tensor:
    """Return the conjugate transpose of the last two axes."""
    return swapaxes(conj(x), -1, -2)


def real_of(x: Tensor) -> Tensor:
    """Return the real parts of complex numbers, and real ones as they are."""
    return real(x) if x.dtype.kind == "c" else x


def hermitian_part(x: Tensor) -> Tensor:
    """Return ``(x + x^H) / 2``."""
    return (x + adjoint(x)) * 0.5


def rows_and_columns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the numbers of a matrix's rows, as a column, and of its columns."""
    rows, columns = (x.builder.arange(n) for n in x.shape[-2:])
    return expand_dims(rows, -1), columns


def triangle(x: Tensor, *, lower: bool, offset: int = 0) -> Tensor:
    """Return a matrix with zeros above (or below) its diagonal, or another `offset` below it."""
    rows, columns = rows_and_columns(x)
    kept = rows >= columns + offset if lower else columns >= rows + offset
    return where(kept, x, _zero(x))


def off_diagonal(x: Tensor, divisor: Tensor) -> Tensor:
    """Return ``x / divisor`` with zeros on the diagonal, whatever stands there."""
    rows, columns = rows_and_columns(x)
    is_off = rows != columns
    one = x.builder.constant(1, dtype=divisor.dtype)
    quotient = x / where(is_off, divisor, one)
    return where(is_off, quotient, _zero(x))


def diagonal(values: Tensor, dtype: np.dtype) -> Tensor:
    """Return matrices with these values on their diagonals."""
    row = expand_dims(values, -2).astype(dtype)
    n = values.shape[-1]
    square = broadcast_to(row, (*values.shape[:-1], n, n))
    rows, columns = rows_and_columns(square)
    return where(rows == columns, square, _zero(square))


def on_diagonal(x: Tensor) -> Tensor:
    """Return the diagonals of square matrices."""
    rows, columns = rows_and_columns(x)
    return reductions.sum(where(rows == columns, x, _zero(x)), -1)


def columns(values: Tensor) -> Tensor:
    """Return values with one more axis before the last, so that each scales a column."""
    return expand_dims(values, -2)


def _zero(x: Tensor) -> Tensor:
    return x.builder.constant(0, dtype=x.dtype)


def shrunk(x: Tensor, rows: int | Dim, columns: int | Dim) -> Tensor:
    """Return the first rows and columns of matrices."""
    for axis, length in ((x.ndim - 2, rows), (x.ndim - 1, columns)):
        if x.shape[axis] != length:
            x = slice_axis(x, axis, 0, length)
    return x


def filled(x: Tensor, like: Tensor) -> Tensor:
    """Return matrices with as many rows and columns as `like` has, the new ones zeros."""
    if x.shape == like.shape:
        return x
    attrs = Attrs(start=(0,) * x.ndim, stop=x.shape, step=(1,) * x.ndim, shape=like.shape)
    return apply(PAD_SLICE, (x,), attrs)


def mirrored(x: Tensor, *, lower: bool) -> Tensor:
    """Return the Hermitian matrices that one triangle of `x` and the diagonal stand for.

    The gradient passes as if `x` itself were returned, which it is if it is Hermitian. So the
    gradient of what takes the Hermitian part is Hermitian too, as PyTorch's and JAX's are, and not
    a triangle.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        msg = f"takes square matrices ({user_line()}), not {shape_text(x.shape)}"
        raise ShapeError(msg)
    still = stop_gradient(x)
    rows, columns = rows_and_columns(x)
    kept = rows >= columns if lower else rows <= columns
    return where(kept, x, adjoint(still) + (x - still))


def identity(x: Tensor) -> Tensor:
    """Return the identity matrix as large as those of a stack, in their dtype."""
    rows, columns = rows_and_columns(x)
    return (rows == columns).astype(x.dtype)


def gaps(values: Tensor) -> Tensor:
    """Return all differences of eigenvalues, ``values_j - values_i`` in row i and column j."""
    return columns(values) - expand_dims(values, -1)


def outside(u: Tensor, x: Tensor) -> Tensor:
    """Return ``(1 - u u^H) x``: what of `x` lies outside the span of orthonormal columns."""
    return x - u @ (adjoint(u) @ x)
