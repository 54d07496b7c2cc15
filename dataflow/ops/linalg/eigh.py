"""Eigenvalues and eigenvectors of Hermitian matrices.

The ops take the Hermitian part of what they get, ``A = (X + X^H) / 2``: so they have exact
derivatives in every direction, and Hermitian gradients. The public functions mirror a triangle
before, as NumPy reads only one; which one it was decides, as in NumPy, the vectors' signs.

With A V = V diag(w) and P = V^H dA V:

    dw = Re diag(P)        dV = V (P / E)        E_ij = w_j - w_i, the diagonal left out

(M. Giles, "An extended collection of matrix derivative results", 2008.) The values alone have an
op of their own, several times as fast, whose derivative declares the vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.linalg.pieces import (
    adjoint,
    columns,
    diagonal,
    gaps,
    hermitian_part,
    mirrored,
    off_diagonal,
    on_diagonal,
    real_of,
)
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    around,
    as_inexact,
    check_matrices,
    factorisation,
    in_parts,
    stacked,
    with_matrix,
)
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["EighResult", "eigh", "eigvalsh"]


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs, square=True)
    attrs.flag("lower")
    return (with_matrix(spec, spec.shape[-1], dtype=REAL_OF[spec.dtype.name]), spec)


def _values_infer(specs: Specs, attrs: Attrs) -> Specs:
    return _infer(specs, attrs)[:1]


# Kernels


def _hermitian(x: Array, out: Array) -> list[Call]:
    """Return the calls that write a stack's Hermitian part."""
    half = np.asarray(0.5, REAL_OF[x.dtype.name])
    transposed = np.swapaxes(x, -1, -2)
    return [
        (np.conjugate, (transposed, out))
        if x.dtype.kind == "c"
        else (np.copyto, (out, transposed)),
        (np.add, (x, out, out)),
        (np.multiply, (out, half, out)),
    ]


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [*_hermitian(ins[0], outs[1]), in_parts(_of_hermitian, attrs, outs[1:], outs)]


def _values_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [*_hermitian(ins[0], scratch[0]), in_parts(_values_of, attrs, scratch, outs)]


def _side(attrs: Attrs) -> Literal["L", "U"]:
    return "L" if attrs.flag("lower") else "U"


def _of_hermitian(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return tuple(np.linalg.eigh(x, _side(attrs)))


def _values_of(x: Array, attrs: Attrs) -> Array:
    return np.linalg.eigvalsh(x, _side(attrs))


def _part(x: Array) -> Array:
    return np.asarray((x + np.conj(np.swapaxes(x, -1, -2))) * np.asarray(0.5, x.dtype))


def _routine(x: Array, attrs: Attrs) -> tuple[Array, ...]:
    return _of_hermitian(_part(x), attrs)


def _values_routine(x: Array, attrs: Attrs) -> Array:
    return _values_of(_part(x), attrs)


# Derivatives


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (w, v), (of_values, of_vectors) = application.outputs, cotangents
    if of_vectors is None:
        return [None if of_values is None else _pulled_values(v, of_values)]
    inner = off_diagonal(adjoint(v) @ of_vectors, gaps(w))
    if of_values is not None:
        inner = inner + diagonal(of_values, inner.dtype)
    return [hermitian_part(v @ inner @ adjoint(v))]


def _pulled_values(v: Tensor, cotangent: Tensor) -> Tensor:
    return (v * columns(cotangent)) @ adjoint(v)


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (w, v), (change,) = application.outputs, tangents
    if change is None:
        return [None, None]
    turned = adjoint(v) @ hermitian_part(change) @ v
    return [real_of(on_diagonal(turned)), v @ off_diagonal(turned, gaps(w))]


def _values_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (cotangent,) = cotangents
    return [None if cotangent is None else _pulled_values(_vectors(application), cotangent)]


def _values_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,) = tangents
    if change is None:
        return [None]
    v = _vectors(application)
    return [real_of(on_diagonal(adjoint(v) @ hermitian_part(change) @ v))]


def _vectors(application: Application) -> Tensor:
    (x,) = application.inputs
    return x.builder.apply(EIGH, (x,), application.attrs)[1]


_draw = around(lambda n: np.arange(n) - 0.7, 0.3)
"""Draw Hermitian matrices with eigenvalues well apart, and a little that isn't so."""


_SHAPES = [(1, 1), (0, 0), (2, 0, 0), (0, 2, 2), (2, 1, 3, 3), (2, 3, 3)]

EIGH = factorisation(
    "eigh", "Eigh", _routine, infer=_infer, kernel=_kernel, vjp=_vjp, jvp=_jvp, flops=9,
    samples=stacked(_SHAPES, Attrs(lower=True), draw=_draw, smooth=("float32", "float64")),
)  # fmt: skip

EIGVALSH = factorisation(
    "eigvalsh", "Eigvalsh", _values_routine, infer=_values_infer, kernel=_values_kernel,
    scratch=lambda specs: specs, vjp=_values_vjp, jvp=_values_jvp, flops=2,
    samples=stacked(_SHAPES, Attrs(lower=False), draw=_draw),
)  # fmt: skip


# The public functions


def _matrices(a: Tensor, uplo: str) -> tuple[Tensor, Attrs]:
    """Return the Hermitian matrices that a triangle stands for, and which one that is."""
    sides = {"L": True, "U": False}
    side = uplo.upper() if isinstance(uplo, str) else uplo
    if side not in sides:
        msg = f"UPLO ({user_line()}) is 'L' or 'U', not {uplo!r}"
        raise ArgumentError(msg)
    lower = sides[side]
    return mirrored(as_inexact(a), lower=lower), Attrs(lower=lower)


@public(np.linalg.eigh, family="linalg")
def eigh(a: Tensor, UPLO: str = "L") -> EighResult:
    """Return the eigenvalues and eigenvectors of Hermitian or real symmetric matrices.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.
    UPLO : str
        Which triangle is read: ``L``, the lower, or ``U``, the upper. The other must be finite.

    Returns
    -------
    eigenvalues : Tensor
        ``(..., n)``, real, in ascending order.
    eigenvectors : Tensor
        ``(..., n, n)``: the column ``[..., :, i]`` belongs to eigenvalue i and has length 1.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices, or `UPLO` is another.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    Eigenvectors are unique only up to a sign, or a phase where they are complex. The gradient is
    that of a function that doesn't depend on it, as PyTorch's; of any other it is undefined.
    Where eigenvalues are equal, eigenvectors have no derivative: it comes out as NaN, or infinite.
    Those of the eigenvalues alone, see `eigvalsh`, are finite everywhere.

    The gradient is Hermitian, as PyTorch's and JAX's, whichever triangle is read.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 1.0], [1.0, 2.0]])
    >>> df.evaluate(df.linalg.eigh(a).eigenvalues)
    array([1., 3.], dtype=float32)
    """
    x, attrs = _matrices(a, UPLO)
    return EighResult(*x.builder.apply(EIGH, (x,), attrs))


@public(np.linalg.eigvalsh, family="linalg")
def eigvalsh(a: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of Hermitian or real symmetric matrices, ascending; see `eigh`.

    Their gradient is finite where eigenvalues are equal too.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 1.0], [1.0, 2.0]])
    >>> df.evaluate(df.linalg.eigvalsh(a))
    array([1., 3.], dtype=float32)
    """
    x, attrs = _matrices(a, UPLO)
    return apply(EIGVALSH, (x,), attrs)
