"""Trigonometric and hyperbolic functions of matrices, and the exponential's derivative by name.

All are made of exponentials: cos(A) = (exp(iA) + exp(-iA)) / 2, of a real matrix the real part of
exp(iA). Where they subtract such, small matrices lose digits, as in SciPy, whose formulas they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.complex_numbers import imag, real
from dataflow.ops.linalg.expm import EXPM, expm, scaled, twice_as_large
from dataflow.ops.linalg.pieces import shrunk
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import COMPLEX_OF, as_inexact
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["FrechetResult", "coshm", "cosm", "expm_frechet", "sinhm", "sinm", "tanhm", "tanm"]


class FrechetResult(NamedTuple):
    """What `expm_frechet` returns."""

    value: Tensor
    derivative: Tensor


@public(family="linalg")
def expm_frechet(A: TensorLike, E: TensorLike) -> FrechetResult:
    """Return the exponential of matrices, and its derivative in a direction.

    Parameters
    ----------
    A, E : tensor or array_like
        ``(..., n, n)``, the matrices and the directions, of one shape. dtypes are promoted as
        NumPy 2 does; integers count as float64, float16 as float32.

    Returns
    -------
    value, derivative : Tensor
        ``exp(A)``, and the limit of ``(exp(A + t E) - exp(A)) / t`` as t goes to 0.

    Raises
    ------
    ShapeError
        The shapes differ, or the last two axes are no square matrices.

    Examples
    --------
    >>> import dataflow as df
    >>> zeros = df.GraphBuilder().zeros((2, 2))
    >>> df.evaluate(df.linalg.expm_frechet(zeros, zeros + 1).derivative)
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    x, direction = (as_inexact(t) for t in promoted(EXPM, None, A, E))
    if x.ndim < 2 or x.shape != direction.shape or x.shape[-1] != x.shape[-2]:
        msg = (f"expm_frechet ({user_line()}): {shape_text(x.shape)} and "
               f"{shape_text(direction.shape)} must be the same square matrices")  # fmt: skip
        raise ShapeError(msg)
    n, (unit, size) = x.shape[-1], scaled(direction)
    made = shrunk(apply(EXPM, (twice_as_large(x, unit),)), n, 2 * n)
    value, slope = (slice_axis(made, made.ndim - 1, start, start + n) for start in (0, n))
    return FrechetResult(value, slope * size)


def _turned(x: Tensor) -> Tensor:
    """Return the matrices times the imaginary unit."""
    dtype = COMPLEX_OF.get(x.dtype.name, "complex128")
    return x.astype(dtype) * x.builder.constant(1j, dtype=dtype)


@public(family="linalg")
def cosm(A: Tensor) -> Tensor:
    """Return the cosine of square matrices.

    Parameters
    ----------
    A : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        The same shape.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.cosm(a))
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    x = as_inexact(A)
    forth = expm(_turned(x))
    return (forth + expm(-_turned(x))) * 0.5 if x.dtype.kind == "c" else real(forth)


@public(family="linalg")
def sinm(A: Tensor) -> Tensor:
    """Return the sine of square matrices; see `cosm`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.sinm(a))
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    x = as_inexact(A)
    forth = expm(_turned(x))
    if x.dtype.kind != "c":
        return imag(forth)
    return (forth - expm(-_turned(x))) * x.builder.constant(-0.5j, dtype=x.dtype)


@public(family="linalg")
def tanm(A: Tensor) -> Tensor:
    """Return the tangent of square matrices, ``cosm(A)⁻¹ sinm(A)``; see `cosm`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.tanm(a))
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    return solve(cosm(A), sinm(A))


@public(family="linalg")
def coshm(A: Tensor) -> Tensor:
    """Return the hyperbolic cosine of square matrices; see `cosm`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.coshm(a))
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    x = as_inexact(A)
    return (expm(x) + expm(-x)) * 0.5


@public(family="linalg")
def sinhm(A: Tensor) -> Tensor:
    """Return the hyperbolic sine of square matrices; see `cosm`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.sinhm(a))
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    x = as_inexact(A)
    return (expm(x) - expm(-x)) * 0.5


@public(family="linalg")
def tanhm(A: Tensor) -> Tensor:
    """Return the hyperbolic tangent of square matrices, ``coshm(A)⁻¹ sinhm(A)``; see `cosm`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.tanhm(a))
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    return solve(coshm(A), sinhm(A))
