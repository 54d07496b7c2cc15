"""The factorisation A = P L U, with rows exchanged so that no element of L is larger than 1.

Which rows are exchanged is fixed around almost every matrix, so the derivatives are those of
``B = P^T A = L U``. With X = L^-1 dB U^-1 of a square matrix,

    dL = L tril(X, -1)        dU = triu(X) U

(F. de Hoog, R. Anderssen, M. Lukas, "Differentiation of matrix functionals using triangular
factorization", 2011). Of a tall matrix, the rows below have L2 = B2 U^-1; of a wide one, the
columns to the right have U2 = L^-1 B2. SciPy computes it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.axes import swapaxes
from dataflow.ops.creation import zeros_like
from dataflow.ops.joining import concat
from dataflow.ops.linalg.pieces import adjoint, rows_and_columns, triangle
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.linalg.triangular import SOLVE_TRIANGULAR
from dataflow.ops.matmul import matmul
from dataflow.ops.shaping import expand_dims
from dataflow.ops.slicing import slice_axis
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["lu"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    rows, columns = spec.shape[-2:]
    if rows == columns:
        least = rows
    elif isinstance(rows, int) and isinstance(columns, int):
        least = min(rows, columns)
    else:
        msg = f"{shape_text(spec.shape)}: it must be known whether there are more rows or columns"
        raise ShapeError(msg)
    places = with_matrix(spec, rows, dtype="int64")
    return (places, with_matrix(spec, rows, least), with_matrix(spec, least, columns))


def _lu(x: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - three arrays
    if not x.size:  # for which SciPy leaves out the places
        *stack, rows, columns = x.shape
        places = np.broadcast_to(np.arange(rows), (*stack, rows))
        least = min(rows, columns)
        return places, np.zeros((*stack, rows, least)), np.zeros((*stack, least, columns))
    return importlib.import_module("scipy.linalg").lu(x, p_indices=True, check_finite=False)


def _solved(matrix: Tensor, right: Tensor, *, lower: bool, unit: bool) -> Tensor:
    return apply(SOLVE_TRIANGULAR, (matrix, right), Attrs(lower=lower, unit=unit))


def _right_solved(left: Tensor, upper: Tensor) -> Tensor:
    """Return ``left @ upper^-1``."""
    return adjoint(_solved(adjoint(upper), adjoint(left), lower=True, unit=False))


def _right_solved_adjoint(left: Tensor, upper: Tensor) -> Tensor:
    """Return ``left @ upper^-H``."""
    return adjoint(_solved(upper, adjoint(left), lower=False, unit=False))


def _split(x: Tensor, axis: int, length: Any) -> tuple[Tensor, Tensor | None]:  # noqa: ANN401
    """Return the first elements along an axis, and the others where there are any."""
    place, whole = x.ndim + axis, x.shape[axis]
    if whole == length:
        return x, None
    return slice_axis(x, place, 0, length), slice_axis(x, place, length, whole)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    places, lower, upper = application.outputs
    if cotangents[1] is None and cotangents[2] is None:
        return [None]
    pulled_lower, pulled_upper = (
        zeros_like(x) if g is None else g
        for x, g in zip((lower, upper), cotangents[1:], strict=True)
    )
    least = lower.shape[-1]
    (l1, l2), (g1, g2) = (_split(x, -2, least) for x in (lower, pulled_lower))
    (u1, u2), (h1, h2) = (_split(x, -1, least) for x in (upper, pulled_upper))
    below, beside = [], []
    if l2 is not None and g2 is not None:
        below = [_right_solved_adjoint(g2, u1)]
        h1 = h1 - matmul(adjoint(l2), below[0])
    if u2 is not None and h2 is not None:
        beside = [_solved(adjoint(l1), h2, lower=False, unit=True)]
        g1 = g1 - matmul(beside[0], adjoint(u2))
    inner = triangle(matmul(adjoint(l1), g1), lower=True, offset=1)
    inner = inner + triangle(matmul(h1, adjoint(u1)), lower=False)
    square = _right_solved_adjoint(_solved(adjoint(l1), inner, lower=False, unit=True), u1)
    return [_rows_of(places, _joined([square, *below], [*beside]))]


def _joined(rows: list[Tensor], columns: list[Tensor]) -> Tensor:
    """Put what is below, or what is to the right, to a square."""
    made = concat(rows, -2) if len(rows) > 1 else rows[0]
    return concat([made, *columns], -1) if columns else made


def _rows_of(places: Tensor, x: Tensor) -> Tensor:
    return take_along_axis(x, expand_dims(places, -1), -2)


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if tangents[0] is None:
        return [None, None, None]
    places, lower, upper = application.outputs
    least = lower.shape[-1]
    change = matmul(swapaxes(_permutation(places, lower), -1, -2), tangents[0])
    (top, below), (l1, l2) = (_split(x, -2, least) for x in (change, lower))
    (first, beside), (u1, u2) = (_split(x, -1, least) for x in (top, upper))
    inner = _right_solved(_solved(l1, first, lower=True, unit=True), u1)
    dl = [matmul(l1, triangle(inner, lower=True, offset=1))]
    du = [matmul(triangle(inner, lower=False), u1)]
    if below is not None and l2 is not None:
        dl.append(_right_solved(below - matmul(l2, du[0]), u1))
    if beside is not None and u2 is not None:
        du.append(_solved(l1, beside - matmul(dl[0], u2), lower=True, unit=True))
    return [None, _joined(dl, []), _joined(du[:1], du[1:])]


def _permutation(places: Tensor, like: Tensor) -> Tensor:
    """Return the matrices P of a dtype, from the row of L that makes each row of A."""
    square = expand_dims(places, -1)
    _, columns = rows_and_columns(swapaxes(square, -1, -2))
    return (square == columns).astype(like.dtype)


LU = factorisation(
    "lu", "Lu", _lu, infer=_infer, vjp=_vjp, jvp=_jvp, flops=1, extra="scipy", fallible=False,
    samples=stacked([(0, 0), (3, 0), (0, 2, 2), (4, 2), (2, 2, 4), (3, 3)]),
)  # fmt: skip


@public(family="linalg")
def lu(
    a: Tensor, permute_l: bool = False, p_indices: bool = False
) -> tuple[Tensor, Tensor, Tensor] | tuple[Tensor, Tensor]:
    """Return factors P, L and U of matrices, ``a = P @ L @ U``, as SciPy has it.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``. Integers count as float64, float16 as float32.
    permute_l : bool
        Whether to return ``P @ L`` and U only.
    p_indices : bool
        Whether P is returned as indices: row i of `a` is ``L[p[i]] @ U``.

    Returns
    -------
    p : Tensor
        ``(..., m, m)``, a permutation in the real dtype, or ``(..., m)``, integers.
    l : Tensor
        ``(..., m, k)`` with k the smaller of m and n: lower, with ones on its diagonal.
    u : Tensor
        ``(..., k, n)``: upper.

    Raises
    ------
    ShapeError
        These aren't matrices, or it isn't known whether there are more rows or columns.

    Notes
    -----
    Compiling needs the extra ``scipy``. Derivatives need the first k columns to be independent:
    while running, `KernelError` where they aren't.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 2.0], [4.0, 6.0]])
    >>> p, l, u = df.linalg.lu(a)
    >>> df.evaluate(u)
    array([[4., 6.],
           [0., 2.]], dtype=float32)
    """
    x = as_inexact(a)
    places, lower, upper = x.builder.apply(LU, (x,), Attrs())
    if permute_l:
        return _rows_of(places, lower), upper
    if p_indices:
        return places, lower, upper
    return _permutation(places, lower).astype(REAL_OF[lower.dtype.name]), lower, upper
