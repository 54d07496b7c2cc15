"""The polar factorisation A = U P: orthonormal columns, and a positive semidefinite matrix.

Its values come from singular values, its derivatives don't: so equal ones, of which matrices near
an orthogonal one have many, do no harm. With W = U^H dA, the change Q = U^H dU is anti-Hermitian
and solves a Sylvester equation,

    P Q + Q P = W - W^H        dP = W - Q P        dU = U Q + (1 - U U^H) dA P⁻¹
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.linalg.pieces import adjoint, hermitian_part, outside
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import (
    around,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.linalg.sylvester import sylvester
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["PolarResult", "polar"]


class PolarResult(NamedTuple):
    """What `polar` returns."""

    U: Tensor
    P: Tensor


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    return (spec, with_matrix(spec, spec.shape[-1], spec.shape[-1]))


def _routine(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return u @ vh, np.conj(vh.swapaxes(-1, -2)) @ (s[..., None] * vh)


def _divided(x: Tensor, p: Tensor) -> Tensor:
    """Return ``x p⁻¹`` of a Hermitian p."""
    return adjoint(solve(p, adjoint(x)))


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (u, p), (of_u, of_p) = application.outputs, cotangents
    if of_u is None and of_p is None:
        return [None]
    straight = p * 0 if of_p is None else hermitian_part(of_p)
    of_q = -(straight @ p)
    if of_u is not None:
        of_q = of_q + adjoint(u) @ of_u
    found = u @ (straight + sylvester(p, p, of_q - adjoint(of_q)))
    if of_u is None or u.shape[-1] == u.shape[-2]:
        return [found]
    return [found + _divided(outside(u, of_u), p)]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (u, p), (change,) = application.outputs, tangents
    if change is None:
        return [None, None]
    turned = adjoint(u) @ change
    q = sylvester(p, p, turned - adjoint(turned))
    du = u @ q
    if u.shape[-1] != u.shape[-2]:
        du = du + _divided(outside(u, change), p)
    return [du, turned - q @ p]


_draw = around(1.5, 0.4)  # matrices of full rank


POLAR = factorisation(
    "polar", "Polar", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=24,
    samples=stacked([(1, 1), (0, 0), (3, 0), (0, 2, 2), (2, 1, 4, 2), (2, 3, 3)], draw=_draw),
)  # fmt: skip


@public(family="linalg")
def polar(a: Tensor, side: str = "right") -> PolarResult:
    """Return the factors of ``a = U @ P``, or of ``a = P @ U``, as SciPy's `polar`.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``. Integers count as float64, float16 as float32.
    side : str
        On which side P is: ``right``, n by n, or ``left``, m by m.

    Returns
    -------
    U : Tensor
        ``(..., m, n)``, with orthonormal columns, or rows where m is below n: the nearest such
        matrix to `a`.
    P : Tensor
        Hermitian, its eigenvalues the singular values of `a`.

    Raises
    ------
    ShapeError
        There are fewer than two axes, or there is no such side.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The gradient, for which SciPy is needed, exists where P has full rank: m at least n for
    ``right``, at most n for ``left``, and no singular value 0.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, -2.0], [3.0, 0.0]])
    >>> u, p = df.linalg.polar(a)
    >>> df.evaluate(abs(p)).round(4)
    array([[3., 0.],
           [0., 2.]], dtype=float32)
    """
    if side not in ("right", "left"):
        msg = f"side ({user_line()}) is right or left, not {side!r}"
        raise ArgumentError(msg)
    x = as_inexact(a)
    if side == "right":
        return PolarResult(*x.builder.apply(POLAR, (x,), Attrs()))
    u, p = x.builder.apply(POLAR, (adjoint(x),), Attrs())
    return PolarResult(adjoint(u), p)
