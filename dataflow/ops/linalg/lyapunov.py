"""Lyapunov's equations, which are Sylvester's, and the rotation that brings matrices together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dataflow.calling import promoted
from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops import reductions
from dataflow.ops.linalg.polar import POLAR, polar
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import adjoint, as_inexact, on_diagonal, real_of, rows_and_columns
from dataflow.ops.linalg.sylvester import SYLVESTER, solve_sylvester
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.op import Op
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "ProcrustesResult", "orthogonal_procrustes", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_lyapunov",
]  # fmt: skip


def _matrices(name: str, op: Op, *operands: TensorLike, square: bool) -> list[Tensor]:
    """Return matrices of one dtype, the first of them square where it must be."""
    parts = [as_inexact(x) for x in promoted(op, None, *operands)]
    first = parts[0].shape
    if any(x.ndim < 2 for x in parts) or (square and first[-1] != first[-2]):
        shapes = " and ".join(shape_text(x.shape) for x in parts)
        msg = f"{name} ({user_line()}) takes {'square ' if square else ''}matrices, not {shapes}"
        raise ShapeError(msg)
    return parts


@public(family="linalg")
def solve_continuous_lyapunov(a: TensorLike, q: TensorLike) -> Tensor:
    """Return the X for which ``a @ X + X @ a^H == q``. Needs SciPy.

    Parameters
    ----------
    a, q : tensor or array_like
        ``(..., n, n)``. The axes before broadcast, dtypes are promoted as NumPy 2 does; integers
        count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., n, n)``.

    Raises
    ------
    ShapeError
        The shapes don't fit.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    See `solve_sylvester`: no eigenvalue of `a` may be another's conjugate with the sign changed.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> a, q = b.constant([[1.0, 0.0], [0.0, 2.0]]), b.constant([[2.0, 3.0], [3.0, 8.0]])
    >>> df.evaluate(df.linalg.solve_continuous_lyapunov(a, q))
    array([[1., 1.],
           [1., 2.]], dtype=float32)
    """
    x, right = _matrices("solve_continuous_lyapunov", SYLVESTER, a, q, square=True)
    return solve_sylvester(x, adjoint(x), right)


solve_lyapunov = also_named(solve_continuous_lyapunov, "linalg.solve_lyapunov")


@public(family="linalg")
def solve_discrete_lyapunov(a: TensorLike, q: TensorLike) -> Tensor:
    """Return the X for which ``a @ X @ a^H - X + q == 0``; see `solve_continuous_lyapunov`.

    Notes
    -----
    With B = (A + 1)⁻¹ (A - 1) and C = (A + 1)⁻¹ it is the continuous equation
    ``B X + X B^H = -2 C q C^H``, so that -1 may be no eigenvalue of `a`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> a, q = b.constant([[0.5, 0.0], [0.0, 0.0]]), b.constant([[3.0, 1.0], [1.0, 2.0]])
    >>> df.evaluate(df.linalg.solve_discrete_lyapunov(a, q)).round(4)
    array([[4., 1.],
           [1., 2.]], dtype=float32)
    """
    x, right = _matrices("solve_discrete_lyapunov", SYLVESTER, a, q, square=True)
    rows, columns = rows_and_columns(x)
    one = (rows == columns).astype(x.dtype)
    b = solve(x + one, x - one)
    turned = solve(x + one, adjoint(solve(x + one, adjoint(right))))
    return solve_sylvester(b, adjoint(b), turned * -2.0)


class ProcrustesResult(NamedTuple):
    """What `orthogonal_procrustes` returns."""

    R: Tensor
    scale: Tensor


@public(family="linalg")
def orthogonal_procrustes(A: TensorLike, B: TensorLike) -> ProcrustesResult:
    """Return the rotation or reflection R that brings ``A @ R`` closest to `B`.

    Parameters
    ----------
    A, B : tensor or array_like
        ``(..., m, n)``, of one shape. dtypes are promoted as NumPy 2 does; integers count as
        float64, float16 as float32.

    Returns
    -------
    R : Tensor
        ``(..., n, n)``, orthogonal (or unitary): the polar factor of ``A^H B``.
    scale : Tensor
        The sum of the singular values of ``A^H B``.

    Raises
    ------
    ShapeError
        The shapes differ, or there are fewer than two axes.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The gradient is that of `polar`: for it SciPy is needed and ``A^H B`` of full rank.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> old, new = b.constant([[1.0, 0.0], [0.0, 2.0]]), b.constant([[0.0, 1.0], [2.0, 0.0]])
    >>> df.evaluate(abs(df.linalg.orthogonal_procrustes(old, new).R)).round(4)
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    x, y = _matrices("orthogonal_procrustes", POLAR, A, B, square=False)
    if x.shape != y.shape:
        msg = (f"orthogonal_procrustes ({user_line()}): {shape_text(x.shape)} and "
               f"{shape_text(y.shape)} must be the same")  # fmt: skip
        raise ShapeError(msg)
    u, p = polar(adjoint(x) @ y)
    return ProcrustesResult(u, reductions.sum(real_of(on_diagonal(p)), -1))
