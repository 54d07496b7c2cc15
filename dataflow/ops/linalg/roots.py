"""Square roots of matrices, which SciPy finds from the Schur form, and logarithms by such roots.

They are complex, as the eigenvalues of real matrices are. With X² = A, a change of A gives one of
X by a Sylvester equation, X dX + dX X = dA.

    log(A) = 2^s log(1 + X)        1 + X = A^(1/2^s)        log(1 + X) = ∫ X (1 + t X)⁻¹ dt

with roots taken until X is small, and t from 0 to 1 in Gauss's seven points, which are exact to
double precision then (N. Higham, "Functions of Matrices", 2008, chapter 11). SciPy's own logarithm
takes a thousand times as long. The derivative is, as the exponential's, a block of the function at
a matrix twice as large.
"""

from __future__ import annotations

import importlib
import math
import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.linalg.expm import block_of, expm
from dataflow.ops.linalg.pieces import adjoint, real_of
from dataflow.ops.linalg.powers import matrix_power
from dataflow.ops.linalg.stacks import (
    COMPLEX_OF,
    around,
    as_inexact,
    check_matrices,
    factorisation,
    stacked,
    with_matrix,
)
from dataflow.ops.linalg.sylvester import sylvester
from dataflow.ops.structure import each_index
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor

__all__ = ["fractional_matrix_power", "logm", "sqrtm"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_matrices(specs, square=True)
    return (with_matrix(spec, *spec.shape[-2:], dtype=COMPLEX_OF[spec.dtype.name]),)


_SMALL, _MOST_ROOTS = 0.25, 64
_POINTS, _WEIGHTS = (a / 2 for a in np.polynomial.legendre.leggauss(7))


def _routine(function: Callable[[Array], Array], x: Array, attrs: Attrs) -> Array:
    """Compute one matrix after the other, in double precision."""
    made = x.astype(np.complex128)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of singular matrices: the values say it too
        for place in each_index(x.shape[:-2] if x.size else (0,)):
            made[place] = function(made[place])
    return made


def _root(a: Array) -> Array:
    root = importlib.import_module("scipy.linalg").sqrtm(a)
    return np.asarray(root, a.dtype)  # older versions of SciPy widen it


def _logarithm(a: Array) -> Array:
    one = np.eye(len(a))
    for roots in range(_MOST_ROOTS):
        if np.abs(a - one).sum(0).max() <= _SMALL:
            x = a - one
            parts = (w * np.linalg.solve(one + (t + 0.5) * x, x)
                     for t, w in zip(_POINTS, _WEIGHTS, strict=True))  # fmt: skip
            return np.asarray(sum(parts)) * 2.0**roots
        a = _root(a)
    return np.full_like(a, np.nan)  # roots of a singular matrix don't come close to 1


def _pulled(x: Tensor, cotangent: Tensor) -> Tensor:
    return cotangent if x.dtype.kind == "c" else real_of(cotangent)


def _root_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (root,), (cotangent,) = application.inputs, application.outputs, cotangents
    if cotangent is None:
        return [None]
    side = adjoint(root)
    return [_pulled(x, sylvester(side, side, cotangent))]


def _root_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (root,), (change,) = application.outputs, tangents
    return [None if change is None else sylvester(root, root, change.astype(root.dtype))]


def _log_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (cotangent,) = application.inputs, cotangents
    if cotangent is None:
        return [None]
    return [_pulled(x, block_of(LOGM, adjoint(x).astype(cotangent.dtype), cotangent))]


def _log_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (change,) = application.inputs, tangents
    return [None if change is None else block_of(LOGM, x, change)]


_draw = around(lambda n: np.arange(n) + 1.5, 0.3)
"""Draw matrices whose eigenvalues are far from the negative real axis."""


_SAMPLES = stacked([(1, 1), (0, 0), (0, 2, 2), (2, 3, 3), (3, 3)], draw=_draw)

SQRTM = factorisation(
    "sqrtm", "Sqrtm", partial(_routine, _root), infer=_infer, vjp=_root_vjp, jvp=_root_jvp,
    samples=_SAMPLES, flops=30, extra="scipy",
)  # fmt: skip

LOGM = factorisation(
    "logm", "Logm", partial(_routine, _logarithm), infer=_infer, vjp=_log_vjp, jvp=_log_jvp,
    samples=_SAMPLES, flops=60, extra="scipy",
)  # fmt: skip


@public(family="linalg")
def sqrtm(A: Tensor) -> Tensor:
    """Return the principal square root of square matrices. Needs SciPy.

    Parameters
    ----------
    A : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        The same shape, always complex: take `df.real` of it where it is known to be real.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The gradient is infinite or NaN where a matrix is singular, or where one of two eigenvalues'
    roots is the other's negative.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[5.0, 4.0], [4.0, 5.0]])
    >>> df.evaluate(df.real(df.linalg.sqrtm(a))).round(4)
    array([[2., 1.],
           [1., 2.]], dtype=float32)
    """
    return apply(SQRTM, (as_inexact(A),))


@public(family="linalg")
def logm(A: Tensor) -> Tensor:
    """Return the principal logarithm of square matrices, whose `expm` they are; see `sqrtm`.

    It is NaN where a matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 2.0], [0.0, 1.0]])
    >>> df.evaluate(df.real(df.linalg.logm(a))).round(4)
    array([[0., 2.],
           [0., 0.]], dtype=float32)
    """
    return apply(LOGM, (as_inexact(A),))


@public(family="linalg")
def fractional_matrix_power(A: Tensor, t: float) -> Tensor:
    """Return square matrices to the power of a real number. Needs SciPy.

    Parameters
    ----------
    A : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.
    t : float
        A whole number gives what `matrix_power` does, in the dtype of `A`.

    Returns
    -------
    Tensor
        The same shape: the principal power, complex as `sqrtm` is, unless `t` is a whole number.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    GraphError
        `t` is no finite number.
    KernelError
        While running: the algorithm doesn't converge, or `t` is negative and a matrix singular.

    Notes
    -----
    It is a whole power times the root, or times ``expm((t - floor(t)) logm(A))``, so that it is
    NaN, as the logarithm, where a matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[4.0, 0.0], [0.0, 9.0]])
    >>> df.evaluate(df.real(df.linalg.fractional_matrix_power(a, 1.5))).round(4)
    array([[ 8.,  0.],
           [ 0., 27.]], dtype=float32)
    """
    if isinstance(t, bool) or not isinstance(t, (int, float, np.number)) or not math.isfinite(t):
        msg = f"fractional_matrix_power ({user_line()}): t is a finite number, not {t!r}"
        raise GraphError(msg)
    whole = math.floor(t)
    if whole == t:
        return matrix_power(A, whole)
    x, fraction = as_inexact(A), float(t) - whole
    root = sqrtm(x) if fraction == 0.5 else expm(logm(x) * fraction)
    return matrix_power(x, whole) @ root if whole else root
