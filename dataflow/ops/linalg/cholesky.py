"""The Cholesky factorisation of positive definite matrices, A = L L^H.

The op takes the Hermitian part of what it gets, so it has an exact derivative in every direction,
and a Hermitian gradient; the public function mirrors a triangle before, as NumPy reads only one.

    dL = L Φ(L^-1 dA L^-H)        gradient of A = L^-H Φ(L^H G) L^-1, its Hermitian part

where Φ takes the lower triangle and half of the diagonal (I. Murray, "Differentiation of the
Cholesky decomposition", 2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.linalg.pieces import adjoint, hermitian_part, mirrored, rows_and_columns, triangle
from dataflow.ops.linalg.stacks import as_inexact, check_matrices, factorisation, stacked
from dataflow.ops.linalg.triangular import SOLVE_TRIANGULAR
from dataflow.ops.matmul import matmul
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["cho_factor", "cholesky"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_matrices(specs, square=True),)


def _cholesky(x: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2).conj()) / 2)


def _half(x: Tensor) -> Tensor:
    """Return the lower triangle with half of the diagonal."""
    rows, columns = rows_and_columns(x)
    return triangle(where(rows == columns, x * 0.5, x), lower=True)


def _solved(factor: Tensor, right: Tensor, *, lower: bool) -> Tensor:
    return apply(SOLVE_TRIANGULAR, (factor, right), Attrs(lower=lower, unit=False))


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if cotangents[0] is None:
        return [None]
    factor = application.outputs[0]
    upper = adjoint(factor)
    inner = _half(matmul(upper, cotangents[0]))
    left = _solved(upper, inner, lower=False)
    return [hermitian_part(_solved(upper, adjoint(left), lower=False))]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if tangents[0] is None:
        return [None]
    factor = application.outputs[0]
    left = _solved(factor, hermitian_part(tangents[0]), lower=True)
    return [matmul(factor, _half(_solved(factor, adjoint(left), lower=True)))]


def _definite(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Draw Hermitian matrices far from singular."""
    drawn = rng.uniform(-1, 1, shape)
    drawn = drawn + 1j * rng.uniform(-1, 1, shape) if dtype[0] == "c" else drawn
    made = np.matmul(drawn, np.swapaxes(drawn, -1, -2).conj()) + np.eye(shape[-1])
    return np.asarray(made).astype(dtype)


CHOLESKY = factorisation(
    "cholesky", "Cholesky", _cholesky, infer=_infer, vjp=_vjp, jvp=_jvp, flops=1,
    samples=stacked([(0, 0), (1, 1), (0, 2, 2), (2, 1, 3, 3), (3, 3)], draw=_definite),
)  # fmt: skip


@public(np.linalg.cholesky, family="linalg")
def cholesky(a: Tensor, /, *, upper: bool = False) -> Tensor:
    """Return the Cholesky factors of Hermitian (or symmetric) positive definite matrices.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.
    upper : bool
        Whether to read the upper triangle and return the upper factor U with ``U^H U = a``; else
        the lower triangle, and the lower factor L with ``L L^H = a``. The other must be finite.

    Returns
    -------
    Tensor
        Triangular, with zeros in the other triangle and a positive diagonal.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    KernelError
        While running: a matrix isn't positive definite.

    Notes
    -----
    The gradient is Hermitian, as PyTorch's and JAX's, whichever triangle is read.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[4.0, 2.0], [2.0, 5.0]])
    >>> df.evaluate(df.linalg.cholesky(x))
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    factor = apply(CHOLESKY, (mirrored(as_inexact(a), lower=not upper),))
    return adjoint(factor) if upper else factor


@public(family="linalg")
def cho_factor(a: Tensor, lower: bool = False) -> tuple[Tensor, bool]:
    """Return a Cholesky factor in the form that `cho_solve` takes, as SciPy has it.

    Parameters
    ----------
    a : Tensor
        See `cholesky`.
    lower : bool
        Whether it is the lower factor.

    Returns
    -------
    tuple of tensor and bool
        The factor, whose other triangle is zero here, and `lower`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[4.0, 0.0], [0.0, 1.0]])
    >>> df.evaluate(df.linalg.cho_factor(a)[0])
    array([[2., 0.],
           [0., 1.]], dtype=float32)
    """
    return cholesky(a, upper=not lower), bool(lower)
