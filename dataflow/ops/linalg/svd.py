"""Singular values and vectors.

With A = U diag(S) V^H, P = U^H dA V and E_ij = S_j² - S_i², the diagonals left out of quotients:

    dS = Re diag(P)
    dU = U ((P S + S P^H) / E + i Im diag(P) / S) + (I - U U^H) dA V / S
    dV = V ((S P + P^H S) / E)                    + (I - V V^H) dA^H U / S

(J. Townsend, "Differentiating the singular value decomposition", 2016; for complex matrices Z. Wan
and S. Zhang, arXiv:1909.02659.) Singular values alone have an op of their own, several times as
fast, whose derivative declares the vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import GradientError
from dataflow.ops.complex_numbers import complex
from dataflow.ops.linalg.pieces import (
    adjoint,
    columns,
    diagonal,
    filled,
    gaps,
    mirrored,
    off_diagonal,
    on_diagonal,
    outside,
    real_of,
    shrunk,
)
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    around,
    as_inexact,
    check_matrices,
    factorisation,
    least,
    stacked,
    with_matrix,
)
from dataflow.ops.shaping import expand_dims
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Sample, Specs
    from dataflow.tensor import Tensor

__all__ = ["SVDResult", "svd", "svdvals"]


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    m, n = spec.shape[-2:]
    k = least(m, n)
    (s,) = _values_infer(specs, attrs)
    if attrs.flag("full_matrices"):
        return (with_matrix(spec, m, m), s, with_matrix(spec, n, n))
    return (with_matrix(spec, m, k), s, with_matrix(spec, k, n))


def _values_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    return (with_matrix(spec, least(*spec.shape[-2:]), dtype=REAL_OF[spec.dtype.name]),)


def _routine(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(np.linalg.svd(x, full_matrices=attrs.flag("full_matrices")))


def _values_routine(x: Array, attrs: Attrs) -> Array:
    return np.asarray(np.linalg.svd(x, compute_uv=False))


# Derivatives


class _Factors(NamedTuple):
    """The factors without the vectors that fill up the square matrices: u is m×k, v n×k."""

    u: Tensor
    s: Tensor
    v: Tensor


def _factors(application: Application) -> _Factors:
    u, s, vh = application.outputs
    (m, n), k = application.inputs[0].shape[-2:], s.shape[-1]
    return _Factors(shrunk(u, m, k), s, adjoint(shrunk(vh, k, n)))


def _check_unique(application: Application, *, u: bool = True, vh: bool = True) -> None:
    """Refuse derivatives of, or by, U or Vh with vectors that only fill up a square matrix."""
    (outer_u, s, outer_vh), k = application.outputs, application.outputs[1].shape[-1]
    for name, is_asked, length in (("U", u, outer_u.shape[-1]), ("Vh", vh, outer_vh.shape[-2])):
        if is_asked and length != k:
            msg = (f"node {s.node!r} (op 'linalg.svd', {user_line()}): with full_matrices=True, "
                   f"{name} has {length} vectors for {k} singular values, and those beyond aren't "
                   "unique: no derivative; use full_matrices=False")  # fmt: skip
            raise GradientError(msg)


def _skew(x: Tensor) -> Tensor:
    return x - adjoint(x)


def _square_gaps(s: Tensor) -> Tensor:
    """Return ``s_j² - s_i²``."""
    return gaps(s) * (columns(s) + expand_dims(s, -1))


def _phases(x: Tensor, s: Tensor) -> Tensor:
    """Return ``i Im diag(x) / s`` on the diagonal."""
    turned = real_of(on_diagonal(x * x.builder.constant(-1j, dtype=x.dtype))) / s
    return diagonal(complex(turned * 0, turned), x.dtype)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    of_u, of_s, of_vh = cotangents
    _check_unique(application, u=of_u is not None, vh=of_vh is not None)
    if of_u is None and of_vh is None:
        return _values_vjp(application, [of_s])
    u, s, v = _factors(application)
    m, n = application.inputs[0].shape[-2:]
    k = s.shape[-1]
    parts = [] if of_s is None else [diagonal(of_s, u.dtype)]
    beyond: list[Tensor] = []
    if of_u is not None:
        of_u = shrunk(of_u, m, k)
        turned = adjoint(u) @ of_u
        parts.append(off_diagonal(_skew(turned), _square_gaps(s)) * columns(s))
        parts += [_phases(turned, s)] if u.dtype.kind == "c" else []
        beyond += [outside(u, of_u / columns(s)) @ adjoint(v)] if m != k else []
    if of_vh is not None:
        of_v = adjoint(shrunk(of_vh, k, n))
        parts.append(expand_dims(s, -1) * off_diagonal(_skew(adjoint(v) @ of_v), _square_gaps(s)))
        beyond += [u @ adjoint(outside(v, of_v / columns(s)))] if n != k else []
    inner = _added(parts)
    return [None if inner is None else _added([u @ inner @ adjoint(v), *beyond])]


def _added(parts: Sequence[Tensor]) -> Tensor | None:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,) = tangents
    if change is None:
        return [None, None, None]
    _check_unique(application)
    u, s, v = _factors(application)
    (m, n), k = change.shape[-2:], s.shape[-1]
    turned = adjoint(u) @ change @ v
    right, left = turned * columns(s), expand_dims(s, -1) * turned
    of_u = off_diagonal(right + adjoint(right), _square_gaps(s))
    if u.dtype.kind == "c":
        of_u = of_u + _phases(turned, s)
    du = u @ of_u
    dv = v @ off_diagonal(left + adjoint(left), _square_gaps(s))
    if m != k:
        du = du + outside(u, change @ v / columns(s))
    if n != k:
        dv = dv + outside(v, adjoint(change) @ u / columns(s))
    outer_u, _, outer_vh = application.outputs
    return [filled(du, outer_u), real_of(on_diagonal(turned)), filled(adjoint(dv), outer_vh)]


def _values_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (cotangent,) = cotangents
    if cotangent is None:
        return [None]
    u, _, vh = _vectors(application)
    return [(u * columns(cotangent)) @ vh]


def _values_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,) = tangents
    if change is None:
        return [None]
    u, _, vh = _vectors(application)
    return [real_of(on_diagonal(adjoint(u) @ change @ adjoint(vh)))]


def _vectors(application: Application) -> tuple[Tensor, ...]:
    (x,) = application.inputs
    return x.builder.apply(SVD, (x,), Attrs(full_matrices=False))


_draw = around(lambda n: np.arange(n) + 0.6, 0.3)
"""Draw matrices whose singular values are well apart."""


_SHAPES = [(1, 1), (0, 0), (0, 3), (2, 3, 0), (0, 2, 3), (2, 1, 4, 2), (2, 2, 3), (2, 3, 3)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Draw what `stacked` does; vectors that fill up a square matrix have no derivative."""
    real = ("float32", "float64")
    reduced = stacked(_SHAPES, Attrs(full_matrices=False), draw=_draw, smooth=real)
    full = stacked([(0, 3), (2, 3, 2)], Attrs(full_matrices=True), draw=_draw, smooth=())
    return [*reduced(rng), *full(rng)]


SVD = factorisation(
    "svd", "Svd", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=20, samples=_samples
)

SVDVALS = factorisation(
    "svdvals", "Svdvals", _values_routine, infer=_values_infer, vjp=_values_vjp, jvp=_values_jvp,
    flops=4, samples=stacked(_SHAPES, draw=_draw),
)  # fmt: skip


# The public functions


@overload
def svd(
    a: Tensor, full_matrices: bool = True, compute_uv: Literal[True] = True, hermitian: bool = False
) -> SVDResult: ...


@overload
def svd(
    a: Tensor, full_matrices: bool = True, *, compute_uv: Literal[False], hermitian: bool = False
) -> Tensor: ...


@public(np.linalg.svd, family="linalg")
def svd(
    a: Tensor, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> SVDResult | Tensor:
    """Return the singular value decomposition ``a = U @ diag(S) @ Vh``.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``; k is the smaller of m and n. Integers count as float64, float16 as float32.
    full_matrices : bool
        Whether `U` and `Vh` are square, filled up with any vectors orthogonal to the others, or
        ``(..., m, k)`` and ``(..., k, n)``.
    compute_uv : bool
        Without, only `S` is returned; see `svdvals`.
    hermitian : bool
        Whether `a` is Hermitian, of which then only the lower triangle is read.

    Returns
    -------
    U : Tensor
        ``(..., m, m)`` or ``(..., m, k)``; its columns have length 1.
    S : Tensor
        ``(..., k)``, real, in descending order.
    Vh : Tensor
        ``(..., n, n)`` or ``(..., k, n)``; its rows have length 1.

    Raises
    ------
    ShapeError
        There are fewer than two axes.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    Singular vectors are unique only up to a sign, or a phase where they are complex, that a column
    of U and its row of Vh share. The gradient is that of a function that doesn't depend on it, as
    PyTorch's; of any other it is undefined. Vectors that fill up a square matrix aren't unique at
    all: a gradient by a `U` or `Vh` that has some, or a tangent of the decomposition, is a
    `GradientError` where it is declared, and needs ``full_matrices=False``.

    Where singular values are equal, or zero in a matrix that isn't square, the vectors have no
    derivative: it comes out as NaN, or infinite. Those of the values alone, see `svdvals`, are
    finite.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    >>> u, s, vh = df.linalg.svd(a, full_matrices=False)
    >>> u.shape, vh.shape
    ((3, 2), (2, 2))
    >>> df.evaluate(s)
    array([3., 2.], dtype=float32)
    """
    x = as_inexact(a)
    x = mirrored(x, lower=True) if hermitian else x
    if not compute_uv:
        return apply(SVDVALS, (x,))
    square = x.ndim > 1 and x.shape[-1] == x.shape[-2]
    return SVDResult(*x.builder.apply(SVD, (x,), Attrs(full_matrices=full_matrices and not square)))


@public(np.linalg.svdvals, family="linalg")
def svdvals(x: Tensor, /) -> Tensor:
    """Return the singular values of matrices, in descending order; see `svd`.

    Their gradient is finite where singular values are equal or zero too.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 0.0], [0.0, -2.0]])
    >>> df.evaluate(df.linalg.svdvals(a))
    array([3., 2.], dtype=float32)
    """
    return apply(SVDVALS, (as_inexact(x),))
