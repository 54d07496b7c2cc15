"""The Moore-Penrose inverse, and the rank.

The inverse P of A has an op of its own: through singular vectors, equal singular values would
spoil its gradient. Where the rank doesn't change,

    dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P

(G. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor
from dataflow.dims import dim_max
from dataflow.dispatch import public
from dataflow.errors import DTypeError
from dataflow.ops import reductions
from dataflow.ops.linalg.pieces import adjoint, mirrored
from dataflow.ops.linalg.stacks import (
    around,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.linalg.svd import svdvals
from dataflow.ops.shaping import expand_dims
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import is_bfloat16

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["matrix_rank", "pinv", "pinvh"]

OF_DTYPE = -1.0
"""The attribute `rtol` where it is the larger side times the dtype's epsilon."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs)
    attrs.number("rtol")
    return (with_matrix(spec, spec.shape[-1], spec.shape[-2]),)


def _routine(x: Array, attrs: Attrs) -> Array:
    rtol = attrs.number("rtol")
    if rtol == OF_DTYPE:
        rtol = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    return np.linalg.pinv(x, rtol=rtol)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a,), (p,), (cotangent,) = application.inputs, application.outputs, cotangents
    if cotangent is None:
        return [None]
    ph, gh = adjoint(p), adjoint(cotangent)
    left, right = (gh @ p) @ ph, ph @ (p @ gh)
    return [left - a @ (p @ left) + right - (right @ p) @ a - ph @ cotangent @ ph]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a,), (p,), (change,) = application.inputs, application.outputs, tangents
    if change is None:
        return [None]
    ph, dh = adjoint(p), adjoint(change)
    left, right = p @ (ph @ dh), (dh @ ph) @ p
    return [left - (left @ a) @ p + right - p @ (a @ right) - p @ change @ p]


_draw = around(1.5, 0.3)  # matrices of full rank


PINV = factorisation(
    "pinv", "Pinv", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=24,
    samples=stacked([(1, 1), (0, 0), (0, 3), (2, 3, 0), (0, 2, 3), (2, 1, 4, 2), (2, 2, 3)],
                    Attrs(rtol=OF_DTYPE), draw=_draw),
)  # fmt: skip


@public(np.linalg.pinv, family="linalg")
def pinv(
    a: Tensor, rcond: float | None = None, hermitian: bool = False, *, rtol: float | None = None
) -> Tensor:
    """Return the Moore-Penrose inverse of matrices.

    Parameters
    ----------
    a : Tensor
        ``(..., m, n)``. Integers count as float64, float16 as float32.
    rcond, rtol : float, optional
        Singular values up to `rtol` times the largest count as zero. By default it is
        ``max(m, n)`` times the dtype's epsilon, as in the Array API standard; NumPy's is 1e-15.
        `rcond` is its older name.
    hermitian : bool
        Whether `a` is Hermitian, of which then only the lower triangle is read.

    Returns
    -------
    Tensor
        ``(..., n, m)``.

    Raises
    ------
    ShapeError
        There are fewer than two axes.
    DTypeError
        `rcond` and `rtol` are both given, or not a number of 0 or more.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The gradient is that at a fixed rank. Where `a` has not its full rank, the inverse jumps when
    a singular value leaves zero, and has no derivative in that direction.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.pinv(a))
    array([[0.5 , 0.  , 0.  ],
           [0.  , 0.25, 0.  ]], dtype=float32)
    """
    x = as_inexact(a)
    x = mirrored(x, lower=True) if hermitian else x
    return apply(PINV, (x,), Attrs(rtol=tolerance_of(rcond, rtol)))


@public(family="linalg")
def pinvh(
    a: Tensor, *, rtol: float | None = None, lower: bool = True, return_rank: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the Moore-Penrose inverse of Hermitian matrices, as SciPy has it; see `pinv`.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``.
    rtol : float, optional
        See `pinv`; SciPy's `atol` isn't offered.
    lower : bool
        Which triangle is read; the other must be finite.
    return_rank : bool
        Whether the ranks are returned too.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 4.0]])
    >>> df.evaluate(df.linalg.pinvh(a))
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    x = mirrored(as_inexact(a), lower=lower)
    made = pinv(x, rtol=rtol)
    return (made, matrix_rank(x, rtol=rtol)) if return_rank else made


def tolerance_of(rcond: float | None, rtol: float | None) -> float:
    """Return the one tolerance of two that is given, or what stands for the default."""
    given = [value for value in (rcond, rtol) if value is not None]
    if len(given) > 1 or not all(isinstance(v, (int, float, np.number)) and v >= 0 for v in given):
        msg = (f"rtol ({user_line()}), or rcond, one of them, is a number of 0 or more, not "
               f"{rcond!r} and {rtol!r}")  # fmt: skip
        raise DTypeError(msg)
    return float(given[0]) if given else OF_DTYPE


# What follows from singular values


@public(np.linalg.matrix_rank, family="linalg")
def matrix_rank(
    A: Tensor, tol: TensorLike | None = None, hermitian: bool = False, *,
    rtol: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the number of singular values that are above a tolerance.

    Parameters
    ----------
    A : Tensor
        ``(..., m, n)``; the rank of a vector or a number is 1 unless all of it is zero.
    tol : tensor or array_like, optional
        The tolerance, one for each matrix.
    hermitian : bool
        Whether `A` is Hermitian, of which then only the lower triangle is read.
    rtol : tensor or array_like, optional
        The tolerance in units of the largest singular value; by default ``max(m, n)`` times the
        dtype's epsilon.

    Returns
    -------
    Tensor
        int64, of shape ``(...)``.

    Raises
    ------
    DTypeError
        `tol` and `rtol` are both given.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0], [2.0, 4.0]])
    >>> df.evaluate(df.linalg.matrix_rank(a))
    array(1)
    """
    if tol is not None and rtol is not None:
        msg = f"matrix_rank ({user_line()}) takes tol or rtol, not both"
        raise DTypeError(msg)
    if A.ndim < 2:
        return reductions.max((A != 0).reshape(-1), 0).astype(np.int64)
    x = A.astype(np.float32) if is_bfloat16(A.dtype) else as_inexact(A)
    s = svdvals(mirrored(x, lower=True) if hermitian else x)
    return reductions.sum(s > (_cutoff(x, s, rtol) if tol is None else _each(tol, s)), -1)


def _each(tolerance: TensorLike, s: Tensor) -> Tensor:
    """Give tolerances, one for each matrix, an axis for its singular values."""
    return expand_dims(as_tensor(tolerance, s), -1)


def _cutoff(x: Tensor, s: Tensor, rtol: TensorLike | None) -> Tensor:
    k = s.shape[-1]
    largest = s if k == 0 else slice_axis(s, s.ndim - 1, 0, 1)
    if rtol is not None:
        return largest * _each(rtol, s)
    size = x.builder.size_of((dim_max(*x.shape[-2:]),), s.dtype)
    return largest * (size * float(np.finfo(s.dtype).eps))
