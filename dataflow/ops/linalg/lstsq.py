"""Least squares: the x for which A x is closest to B, of several the shortest, by NumPy.

With P the Moore-Penrose inverse of A, r = B - A x, and H = P^H times the cotangent G of x,

    dx = P (dB - dA x) + P P^H dA^H r + (1 - P A) dA^H P^H x
    cotangents: H of B, and -H x^H + r (P H)^H + (P^H x) (G - P A G)^H of A

where the rank of A doesn't change (G. Golub and V. Pereyra, 1973). The values come from singular
values and a backward stable solution, not from P, which would lose digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.operation import Sample
from dataflow.ops import reductions
from dataflow.ops.complex_numbers import conj
from dataflow.ops.linalg.equations import check_operands, equation
from dataflow.ops.linalg.pieces import adjoint, real_of
from dataflow.ops.linalg.pseudo import OF_DTYPE, PINV, matrix_rank, tolerance_of
from dataflow.ops.linalg.stacks import REAL_OF, around, as_inexact, with_matrix
from dataflow.ops.linalg.svd import svdvals
from dataflow.ops.shaping import broadcast_to, expand_dims, squeeze
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["LstsqResult", "lstsq"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    attrs.number("rtol")
    check_operands(specs, 2)
    a, b = specs
    if a.shape[:-1] != b.shape[:-1]:
        msg = (f"takes (..., m, n) and (..., m, k), not {shape_text(a.shape)} and "
               f"{shape_text(b.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (with_matrix(a, a.shape[-1], b.shape[-1]),)


def _routine(a: Array, b: Array, attrs: Attrs) -> Array:
    rtol = attrs.number("rtol")
    if rtol == OF_DTYPE:
        rtol = max(a.shape) * float(np.finfo(a.dtype).eps)
    return np.linalg.lstsq(a, b, rtol)[0]


def _internal(specs: Specs) -> int:
    # Copies of both in double precision, the solution before and after its cast, LAPACK's work.
    (m, n), k = specs[0].static_shape[-2:], specs[1].static_shape[-1]
    item = 16 if specs[0].dtype.kind == "c" else 8
    return 8192 + item * (3 * m * n + 5 * max(m, n) * (k + 1) + 64 * (m + n))


def _flops(specs: Specs) -> int:
    (m, n), k = specs[0].static_shape[-2:], specs[1].static_shape[-1]
    return 24 * m * n * min(m, n) + 4 * m * n * k


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b), (x,), (g,) = application.inputs, application.outputs, cotangents
    if g is None:
        return [None, None]
    p = apply(PINV, (a,), application.attrs)
    h = adjoint(p) @ g
    if not application.needs[0]:
        return [None, h]
    of_a = (b - a @ x) @ adjoint(p @ h) - h @ adjoint(x)
    of_a = of_a + (adjoint(p) @ x) @ adjoint(g - p @ (a @ g))
    return [of_a, h if application.needs[1] else None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b), (x,), (da, db) = application.inputs, application.outputs, tangents
    p = apply(PINV, (a,), application.attrs)
    if da is None:
        return [None if db is None else p @ db]
    right = -(da @ x) if db is None else db - da @ x
    left = adjoint(da) @ (adjoint(p) @ x)
    moved = p @ (right + adjoint(p) @ (adjoint(da) @ (b - a @ x)))
    return [moved + left - p @ (a @ left)]


_draw = around(1.5, 0.3)  # matrices of full rank


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = [((), 1, 1, 1), ((), 0, 2, 1), ((), 3, 0, 2), ((0,), 2, 2, 1), ((2, 1), 4, 2, 1),
            ((), 2, 4, 3), ((2,), 3, 2, 2)]  # fmt: skip
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample((_draw(rng, (*stack, m, n), dtype), _draw(rng, (*stack, m, k), dtype)),
               Attrs(rtol=OF_DTYPE))
        for (stack, m, n, k), dtype in cases
    ]  # fmt: skip


LSTSQ = equation(
    "lstsq",
    "Lstsq",
    _routine,
    infer=_infer,
    vjp=_vjp,
    jvp=_jvp,
    samples=_samples,
    flops=_flops,
    internal=_internal,
)


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


@public(np.linalg.lstsq, family="linalg")
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> LstsqResult:
    """Return the x for which ``a @ x`` is closest to `b`, of several the shortest.

    Parameters
    ----------
    a : tensor or array_like
        ``(..., m, n)``. dtypes are promoted as NumPy 2 does; integers count as float64, float16 as
        float32.
    b : tensor or array_like
        ``(m,)`` or ``(..., m, k)``.
    rcond : float, optional
        Singular values up to `rcond` times the largest count as zero; by default ``max(m, n)``
        times the dtype's epsilon; -1 stands for the epsilon itself.

    Returns
    -------
    solution : Tensor
        ``(n,)`` or ``(..., n, k)``.
    residuals : Tensor
        The sum of squares of ``b - a @ x`` for each column: ``(1,)`` or ``(..., k)``. Empty, as
        NumPy's, where m isn't above n. NumPy's are empty where the rank is below n too, which
        isn't known before the run.
    rank : Tensor
        int64, of shape ``(...)``.
    singular_values : Tensor
        ``(..., min(m, n))``.

    Raises
    ------
    ShapeError
        The shapes don't fit.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The gradient is that at a fixed rank; see `pinv`.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> solution, residuals, rank, _ = df.linalg.lstsq(a, [1.0, 3.0, 5.0])
    >>> df.evaluate(solution).round(4), df.evaluate(rank)
    (array([1., 2.]), array(2))
    """
    x, right = (as_inexact(t) for t in promoted(LSTSQ, None, a, b))
    vector = right.ndim == 1
    if x.ndim < 2 or not right.ndim or right.shape[-1 if vector else -2] != x.shape[-2]:
        msg = (f"lstsq ({user_line()}): {shape_text(x.shape)} and {shape_text(right.shape)} don't "
               "fit; they must be (..., m, n) and (m,) or (..., m, k)")  # fmt: skip
        raise ShapeError(msg)
    right = expand_dims(right, -1) if vector else right
    stack = broadcast_shapes([x.shape[:-2], right.shape[:-2]])
    x, right = (broadcast_to(t, (*stack, *t.shape[-2:])) for t in (x, right))
    rtol = float(np.finfo(x.dtype).eps) if rcond == -1 else tolerance_of(rcond, None)
    solution = apply(LSTSQ, (x, right), Attrs(rtol=rtol))
    rank = matrix_rank(x, rtol=None if rtol == OF_DTYPE else rtol)
    found = squeeze(solution, -1) if vector else solution
    return LstsqResult(found, _residuals(x, solution, right), rank, svdvals(x))


def _residuals(a: Tensor, solution: Tensor, b: Tensor) -> Tensor:
    left = b - a @ solution
    squares = reductions.sum(real_of(conj(left) * left), -2)
    m, n = a.shape[-2:]
    is_empty = isinstance(m, int) and isinstance(n, int) and m <= n
    return slice_axis(squares, squares.ndim - 1, 0, 0) if is_empty else squares
