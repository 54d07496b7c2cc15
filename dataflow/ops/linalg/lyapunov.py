"""Lyapunov's equations, which are Sylvester's, and the rotation that brings matrices together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dataflow.dispatch import also_named, public
from dataflow.errors import ShapeError
from dataflow.ops import reductions
from dataflow.ops.linalg.equations import of_one_dtype
from dataflow.ops.linalg.pieces import adjoint, identity, on_diagonal, real_of
from dataflow.ops.linalg.polar import POLAR, polar
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.sylvester import SYLVESTER, solve_sylvester
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "ProcrustesResult", "orthogonal_procrustes", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_lyapunov",
]  # fmt: skip


def _sides(name: str, a: TensorLike, q: TensorLike) -> list[Tensor]:
    """Return both matrices of an equation, the first of them square."""
    sides = of_one_dtype(name, SYLVESTER, a, q)
    shape = sides[0].shape
    if shape[-1] != shape[-2]:
        msg = f"{name} ({user_line()}) takes square matrices, not {shape_text(shape)}"
        raise ShapeError(msg)
    return sides


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
    x, right = _sides("solve_continuous_lyapunov", a, q)
    return solve_sylvester(x, adjoint(x), right)


solve_lyapunov = also_named(solve_continuous_lyapunov, "linalg.solve_lyapunov")


@public(family="linalg")
def solve_discrete_lyapunov(a: TensorLike, q: TensorLike) -> Tensor:
    """Return the X for which ``a @ X @ a^H - X + q == 0``; see `solve_continuous_lyapunov`.

    Notes
    -----
    With B = (A + 1)⁻¹ (A - 1) and C = (A + 1)⁻¹ it is the continuous equation
    ``B X + X B^H = -2 C q C^H``. The solution is unique unless one eigenvalue of `a` is another's
    inverse, conjugated, as every one on the unit circle is its own; at -1, where there is no C,
    that is a `KernelError` while running, elsewhere the values mean nothing.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> a, q = b.constant([[0.5, 0.0], [0.0, 0.0]]), b.constant([[3.0, 1.0], [1.0, 2.0]])
    >>> df.evaluate(df.linalg.solve_discrete_lyapunov(a, q)).round(4)
    array([[4., 1.],
           [1., 2.]], dtype=float32)
    """
    x, right = _sides("solve_discrete_lyapunov", a, q)
    one = identity(x)
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
    x, y = of_one_dtype("orthogonal_procrustes", POLAR, A, B)
    if x.shape != y.shape:
        msg = (f"orthogonal_procrustes ({user_line()}): {shape_text(x.shape)} and "
               f"{shape_text(y.shape)} must be the same")  # fmt: skip
        raise ShapeError(msg)
    u, p = polar(adjoint(x) @ y)
    return ProcrustesResult(u, reductions.sum(real_of(on_diagonal(p)), -1))
