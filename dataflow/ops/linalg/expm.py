"""The exponential of matrices, by scaling and squaring a Padé approximant.

    exp(A) = exp(A / 2^s)^(2^s)        exp(B) ≈ (V - U)⁻¹ (V + U),  |B| at most 5.4

U and V are the odd and the even part of a polynomial of degree 13, which is exact to double
precision on that disc (N. Higham, "The scaling and squaring method for the matrix exponential
revisited", 2005). Each matrix has an s of its own. float32 is computed in float64.

The derivative in a direction E is a block of an exponential twice as large (C. Van Loan, 1978),

    exp([[A, E], [0, A]]) = [[exp(A), L], [0, exp(A)]]

and the adjoint of E -> L is the derivative at A^H: so the rules are this op again, of any order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.ops import reductions
from dataflow.ops.finiteness import isfinite
from dataflow.ops.joining import concatenate
from dataflow.ops.linalg.pieces import adjoint
from dataflow.ops.linalg.stacks import as_inexact, check_matrices, factorisation, stacked
from dataflow.ops.selection import where
from dataflow.ops.slicing import slice_axis
from dataflow.ops.stopping import stop_gradient
from dataflow.ops.structure import each_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Op, Specs
    from dataflow.tensor import Tensor

__all__ = ["expm", "matrix_exp"]

_RADIUS = 5.371920351148152
"""The 1-norm up to which the approximant is exact to double precision."""


_COEFFICIENTS = [
    float(math.factorial(26 - k) // (math.factorial(13 - k) * math.factorial(k))) for k in range(14)
]
"""Of the approximant's numerator of degree 13, from the constant on; whole numbers."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_matrices(specs, square=True),)


def _routine(x: Array, attrs: Attrs) -> Array:
    made = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    for place in each_index(x.shape[:-2] if x.size else (0,)):
        made[place] = _exponential(made[place])
    return made.astype(x.dtype)


def _exponential(a: Array) -> Array:
    size = float(np.abs(a).sum(0).max(initial=0))
    if not math.isfinite(size):
        return np.full_like(a, complex(np.nan, np.nan) if a.dtype.kind == "c" else np.nan)
    squarings = max(0, math.ceil(math.log2(size / _RADIUS))) if size else 0
    found = _approximant(a * 2.0**-squarings)
    for _ in range(squarings):
        found = found @ found
    return found


def _approximant(a: Array) -> Array:
    c, one = _COEFFICIENTS, np.eye(len(a))
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a @ (a6 @ (c[13] * a6 + c[11] * a4 + c[9] * a2)
               + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)  # fmt: skip
    even = a6 @ (c[12] * a6 + c[10] * a4 + c[8] * a2)
    even = even + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    return np.linalg.solve(even - odd, even + odd)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (cotangent,) = application.inputs, cotangents
    return [None if cotangent is None else block_of(application.op, adjoint(x), cotangent)]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (x,), (change,) = application.inputs, tangents
    return [None if change is None else block_of(application.op, x, change)]


def block_of(op: Op, a: Tensor, e: Tensor) -> Tensor:
    """Return the derivative at `a` of a function of matrices in the direction `e`.

    It is the upper right block of the function's value at ``[[a, e], [0, a]]``.
    """
    direction, size = scaled(e)
    made = apply(op, (twice_as_large(a, direction),))
    n = a.shape[-1]
    return slice_axis(slice_axis(made, a.ndim - 2, 0, n), a.ndim - 1, n, 2 * n) * size


def scaled(e: Tensor) -> tuple[Tensor, Tensor]:
    """Return directions of size 1 or less, and what they were divided by.

    A derivative is linear in its direction, and a large one would cost digits: squarings that
    the matrix itself doesn't need.
    """
    size = stop_gradient(reductions.sum(abs(e), (-2, -1), keepdims=True))
    is_usable = isfinite(size) & (size > 0)
    divisor = where(is_usable, size, 1).astype(e.dtype)
    return e / divisor, divisor


def twice_as_large(a: Tensor, e: Tensor) -> Tensor:
    """Return ``[[a, e], [0, a]]``."""
    upper, lower = concatenate([a, e], -1), concatenate([a * 0, a], -1)
    return concatenate([upper, lower], -2)


EXPM = factorisation(
    "expm", "Expm", _routine, infer=_infer, vjp=_vjp, jvp=_jvp, flops=30, fallible=False,
    samples=stacked([(1, 1), (0, 0), (2, 0, 0), (0, 2, 2), (2, 1, 3, 3), (2, 3, 3)]),
)  # fmt: skip


@public(family="linalg")
def expm(A: Tensor) -> Tensor:
    """Return the exponential of square matrices, ``1 + A + A @ A / 2 + A @ A @ A / 6 + ...``.

    Parameters
    ----------
    A : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        The same shape; NaN where the matrix isn't finite.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.

    Notes
    -----
    PyTorch's name is ``matrix_exp``. A gradient is an exponential of matrices twice as large.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[0.0, 1.0], [0.0, 0.0]])
    >>> df.evaluate(df.linalg.expm(a))
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    return apply(EXPM, (as_inexact(A),))


matrix_exp = also_named(expm, "linalg.matrix_exp")
