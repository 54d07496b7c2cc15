"""The QR factorisation.

The op gives the reduced factors, or the complete ones, A = Q R. With C = dA R⁻¹ and M = Q^H C,

    dQ = C - Q M + Q W    dR = (M - W) R    W = tril(M, -1) - tril(M, -1)^H + i Im diag(M)

where A has at least as many rows as columns (M. Seeger et al., "Auto-differentiating linear
algebra", arXiv:1710.08717). A wider matrix is [A1, A2] with A1 = Q R1 square and R2 = Q^H A2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, GradientError
from dataflow.ops.complex_numbers import complex
from dataflow.ops.joining import concatenate
from dataflow.ops.linalg.pieces import adjoint, diagonal, on_diagonal, real_of, triangle
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import (
    around,
    as_inexact,
    check_matrices,
    factorisation,
    least,
    stacked,
    with_matrix,
)
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Dim
    from dataflow.operation import Application, Array, Sample, Specs
    from dataflow.tensor import Tensor

__all__ = ["QRResult", "qr"]


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Tensor
    R: Tensor


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    m, n = spec.shape[-2:]
    k = m if attrs.flag("complete") else least(m, n)
    return (with_matrix(spec, m, k), with_matrix(spec, k, n))


def _routine(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(np.linalg.qr(x, "complete" if attrs.flag("complete") else "reduced"))


# Derivatives: of the first k columns, k being Q's, and of those after them


class _Halves(NamedTuple):
    """A matrix's first columns, which are square in R, and the others; None where there is none."""

    first: Tensor
    rest: Tensor | None


def _halves(x: Tensor, k: int | Dim) -> _Halves:
    n = x.shape[-1]
    if n == k:
        return _Halves(x, None)
    return _Halves(slice_axis(x, x.ndim - 1, 0, k), slice_axis(x, x.ndim - 1, k, n))


def _check_unique(application: Application) -> None:
    q, r = application.outputs
    if application.attrs.flag("complete") and q.shape[-1] != least(q.shape[-1], r.shape[-1]):
        msg = (f"node {q.node!r} (op 'linalg.qr', {user_line()}): with mode='complete' and more "
               "rows than columns, Q isn't unique: no derivative; use 'reduced'")  # fmt: skip
        raise GradientError(msg)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    _check_unique(application)
    (a,), (q, r), (of_q, of_r) = application.inputs, application.outputs, cotangents
    if of_q is None and of_r is None:
        return [None]
    k = q.shape[-1]
    of_r1, of_r2 = (None, None) if of_r is None else _halves(of_r, k)
    rest = _halves(a, k).rest
    if of_r2 is not None and rest is not None:  # R2 = Q^H A2
        through = rest @ adjoint(of_r2)
        of_q = through if of_q is None else of_q + through
    first = _of_first(q, _halves(r, k).first, of_q, of_r1)
    if rest is None:
        return [first]
    last = rest * 0 if of_r2 is None else q @ of_r2
    return [concatenate([first, last], -1)]


def _of_first(q: Tensor, r: Tensor, of_q: Tensor | None, of_r: Tensor | None) -> Tensor:
    """Return the cotangent of A1 = Q R1: ``(of_q + Q H) R1⁻ᴴ``, H being Hermitian."""
    parts = [] if of_r is None else [of_r @ adjoint(r)]
    parts += [] if of_q is None else [-(adjoint(q) @ of_q)]
    inner = parts[0] + parts[1] if len(parts) == 2 else parts[0]
    upper = triangle(inner, lower=False, offset=1)
    total = q @ (upper + adjoint(upper) + diagonal(real_of(on_diagonal(inner)), inner.dtype))
    return _by_adjoint(total if of_q is None else total + of_q, r)


def _by_adjoint(x: Tensor, r: Tensor) -> Tensor:
    """Return ``x r⁻ᴴ``; on a triangle, elimination is substitution."""
    return adjoint(solve(r, adjoint(x)))


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    _check_unique(application)
    (a,), (q, r), (change,) = application.inputs, application.outputs, tangents
    if change is None:
        return [None, None]
    k = q.shape[-1]
    r1, (first, last), rest = _halves(r, k).first, _halves(change, k), _halves(a, k).rest
    moved = adjoint(solve(adjoint(r1), adjoint(first)))
    turned = adjoint(q) @ moved
    below = triangle(turned, lower=True, offset=1)
    spin = below - adjoint(below)
    if q.dtype.kind == "c":
        spin = spin + diagonal(_imaginary(turned), q.dtype)
    dq = moved - q @ (turned - spin)
    dr = (turned - spin) @ r1
    if last is None or rest is None:
        return [dq, dr]
    return [dq, concatenate([dr, adjoint(dq) @ rest + adjoint(q) @ last], -1)]


def _imaginary(x: Tensor) -> Tensor:
    """Return the diagonal's imaginary parts, as imaginary numbers."""
    turned = real_of(on_diagonal(x * x.builder.constant(-1j, dtype=x.dtype)))
    return complex(turned * 0, turned)


_draw = around(1.5, 0.5)  # matrices whose columns are far from dependent


_SHAPES = [(1, 1), (0, 0), (0, 3), (2, 3, 0), (0, 2, 3), (2, 1, 4, 2), (2, 2, 4), (2, 3, 3)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    reduced = stacked(_SHAPES, Attrs(complete=False), draw=_draw)
    complete = stacked([(3, 0), (2, 4, 2)], Attrs(complete=True), draw=_draw, smooth=())
    return [*reduced(rng), *complete(rng)]


QR = factorisation(
    "qr", "Qr", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=6, samples=_samples,
    fallible=False,
)  # fmt: skip


@overload
def qr(a: Tensor, mode: Literal["reduced", "complete"] = "reduced") -> QRResult: ...


@overload
def qr(a: Tensor, mode: Literal["r"]) -> Tensor: ...


@public(np.linalg.qr, family="linalg")
def qr(a: Tensor, mode: str = "reduced") -> QRResult | Tensor:
    """Return the factors of ``a = Q @ R``: orthonormal columns, and an upper triangle.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``; k is the smaller of m and n. Integers count as float64, float16 as float32.
    mode : str
        ``reduced`` for Q of k columns, ``complete`` for a square Q, ``r`` for R alone. NumPy's
        ``raw``, LAPACK's own form, isn't offered.

    Returns
    -------
    Q : Tensor
        ``(..., m, k)`` or ``(..., m, m)``.
    R : Tensor
        ``(..., k, n)`` or ``(..., m, n)``; its diagonal is real, and of either sign, as LAPACK
        leaves it.

    Raises
    ------
    ShapeError
        There are fewer than two axes, or there is no such mode.
    GradientError
        A gradient is asked for in the mode ``complete`` where m is above n: Q isn't unique then.
    KernelError
        While running a gradient: the first k columns are dependent, so that it doesn't exist.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 1.0], [4.0, 2.0]])
    >>> q, r = df.linalg.qr(a)
    >>> df.evaluate(q @ r).round(4)
    array([[3., 1.],
           [4., 2.]], dtype=float32)
    """
    if mode not in ("reduced", "complete", "r"):
        msg = f"mode ({user_line()}) is reduced, complete or r, not {mode!r}"
        raise ArgumentError(msg)
    x = as_inexact(a)
    q, r = x.builder.apply(QR, (x,), Attrs(complete=mode == "complete"))
    return r if mode == "r" else QRResult(q, r)
