"""Eigenvalues and eigenvectors of any square matrices, which are complex.

With A V = V diag(w), P = V⁻¹ dA V and E_ij = w_j - w_i,

    dw = diag(P)        dV = V X - V Re diag(V^H V X)        X = P / E, the diagonal left out

where the last term keeps the columns' length at 1 (C. Boeddeker et al., "On the computation of
complex-valued gradients with application to statistically optimum beamforming", 2017). The values
alone have an op of their own, whose derivative declares the vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.complex_numbers import conj
from dataflow.ops.linalg.pieces import (
    adjoint,
    columns,
    diagonal,
    gaps,
    off_diagonal,
    on_diagonal,
    real_of,
)
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import (
    COMPLEX_OF,
    around,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["EigResult", "eig", "eigvals"]


class EigResult(NamedTuple):
    """What `eig` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs, square=True)
    n, dtype = spec.shape[-1], COMPLEX_OF[spec.dtype.name]
    return (with_matrix(spec, n, dtype=dtype), with_matrix(spec, n, n, dtype=dtype))


def _values_infer(specs: Specs, attrs: Attrs) -> Specs:
    return _infer(specs, attrs)[:1]


def _routine(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(np.linalg.eig(x))


def _values_routine(x: Array, attrs: Attrs) -> Array:
    return np.asarray(np.linalg.eigvals(x))


# Derivatives


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (w, v), (of_values, of_vectors) = application.inputs, application.outputs, cotangents
    if of_vectors is None:
        return [None if of_values is None else _pulled(x, v, diagonal(of_values, v.dtype))]
    turned = adjoint(v) @ of_vectors
    kept = turned - (adjoint(v) @ v) * columns(real_of(on_diagonal(turned))).astype(v.dtype)
    inner = off_diagonal(kept, conj(gaps(w)))
    if of_values is not None:
        inner = inner + diagonal(of_values, v.dtype)
    return [_pulled(x, v, inner)]


def _pulled(x: Tensor, v: Tensor, inner: Tensor) -> Tensor:
    """Return ``V⁻ᴴ inner V^H``, or its real part where the matrices are real."""
    found = solve(adjoint(v), inner @ adjoint(v))
    return found if x.dtype.kind == "c" else real_of(found)


def _turned(v: Tensor, change: Tensor) -> Tensor:
    """Return ``V⁻¹ change V``."""
    return solve(v, change.astype(v.dtype) @ v)


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (w, v), (change,) = application.outputs, tangents
    if change is None:
        return [None, None]
    turned = _turned(v, change)
    moved = v @ off_diagonal(turned, gaps(w))
    lengths = real_of(on_diagonal(adjoint(v) @ moved)).astype(v.dtype)
    return [on_diagonal(turned), moved - v * columns(lengths)]


def _values_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (x,), (cotangent,) = application.inputs, cotangents
    if cotangent is None:
        return [None]
    v = _vectors(application)
    return [_pulled(x, v, diagonal(cotangent, v.dtype))]


def _values_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,) = tangents
    return [None if change is None else on_diagonal(_turned(_vectors(application), change))]


def _vectors(application: Application) -> Tensor:
    (x,) = application.inputs
    return x.builder.apply(EIG, (x,), application.attrs)[1]


_draw = around(lambda n: np.arange(n) * 1.5 - 0.7, 0.3)
"""Draw matrices whose eigenvalues are well apart, and real where the matrices are."""


_SHAPES = [(1, 1), (0, 0), (2, 0, 0), (0, 2, 2), (2, 1, 3, 3), (2, 3, 3)]

EIG = factorisation(
    "eig", "Eig", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=25,
    samples=stacked(_SHAPES, draw=_draw, smooth=("float64",)),
)  # fmt: skip

EIGVALS = factorisation(
    "eigvals", "Eigvals", _values_routine, infer=_values_infer, vjp=_values_vjp, jvp=_values_jvp,
    flops=10,
    # Not in single precision: the steps of its differences are so large that the order changes.
    samples=stacked(_SHAPES, draw=_draw, smooth=("float64", "complex128")),
)  # fmt: skip


@public(np.linalg.eig, family="linalg")
def eig(a: Tensor) -> EigResult:
    """Return the eigenvalues and right eigenvectors of square matrices.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.

    Returns
    -------
    eigenvalues : Tensor
        ``(..., n)``, always complex, in no order. (NumPy's are real where all of them happen to
        be, which isn't known before the run.)
    eigenvectors : Tensor
        ``(..., n, n)``, complex: the column ``[..., :, i]`` belongs to eigenvalue i and has
        length 1.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    KernelError
        While running: a matrix holds NaN or infinities, or the algorithm doesn't converge; in a
        gradient: the eigenvectors are dependent.

    Notes
    -----
    Eigenvectors are unique only up to a phase. The gradient is that of a function that doesn't
    depend on it, as PyTorch's; of any other it is undefined. Where eigenvalues are equal,
    eigenvectors have no derivative: it comes out as NaN, or infinite.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [-1.0, 0.0]])
    >>> df.evaluate(df.linalg.eig(a).eigenvalues).round(4)
    array([0.+1.j, 0.-1.j], dtype=complex64)
    """
    x = as_inexact(a)
    return EigResult(*x.builder.apply(EIG, (x,), Attrs()))


@public(np.linalg.eigvals, family="linalg")
def eigvals(a: Tensor) -> Tensor:
    """Return the eigenvalues of square matrices, complex and in no order; see `eig`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [-1.0, 0.0]])
    >>> df.evaluate(df.linalg.eigvals(a)).round(4)
    array([0.+1.j, 0.-1.j], dtype=complex64)
    """
    return apply(EIGVALS, (as_inexact(a),))
