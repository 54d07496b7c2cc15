"""Riccati's equations, of linear-quadratic control in continuous and in discrete time, by SciPy.

    continuous    A^H X + X A - K^H R K + Q = 0                   R K = B^H X
    discrete      A^H X A - X - K^H (R + B^H X B) K + Q = 0       (R + B^H X B) K = B^H X A

X is the cost of the best control, -K the control. The ops take the Hermitian parts of Q and R, so
that they have exact derivatives in every direction. With C = A - B K, the closed loop, a change of
the four gives one of X by Lyapunov's equation, and so does the adjoint, Y from the Hermitian part S
of the cotangent:

    continuous    C^H dX + dX C = -W     W = X dA + dA^H X + dQ - X dB K - K^H dB^H X + K^H dR K
                  C Y + Y C^H = -S       cotangents: 2 X Y, -2 X Y K^H, Y, K Y K^H
    discrete      C^H dX C - dX = -W     W as above, X dA and X dB multiplied by C^H from the left
                  C Y C^H - Y = -S       cotangents: 2 X C Y, -2 X C Y K^H, Y, K Y K^H
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.operation import Op, Sample
from dataflow.ops.linalg.equations import check_operands, equation, of_one_stack
from dataflow.ops.linalg.lyapunov import solve_discrete_lyapunov
from dataflow.ops.linalg.pieces import adjoint, hermitian_part
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import REAL_OF, around, with_matrix
from dataflow.ops.linalg.sylvester import OBJECTS, sylvester
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["solve_continuous_are", "solve_discrete_are"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_operands(specs, 4)
    a, b, q, r = specs
    fits = a == q == with_matrix(b, b.shape[-2], b.shape[-2])
    if not fits or r != with_matrix(b, b.shape[-1], b.shape[-1]):
        msg = (f"takes (..., n, n), (..., n, k), (..., n, n) and (..., k, k), not "
               f"{', '.join(shape_text(spec.shape) for spec in specs)}")  # fmt: skip
        raise ShapeError(msg)
    return (a,)


def _routine(name: str, a: Array, b: Array, q: Array, r: Array, attrs: Attrs) -> Array:
    """Solve one equation in double precision."""
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    cost, effort = (_hermitian(x.astype(wide)) for x in (q, r))
    solver = getattr(importlib.import_module("scipy.linalg"), name)
    return np.asarray(solver(a.astype(wide), b.astype(wide), cost, effort))


def _hermitian(x: Array) -> Array:
    return np.asarray((x + x.conj().T) / 2)


def _internal(specs: Specs) -> int:
    # Pencils of twice n and k rows, their Schur forms and vectors, and pieces of them.
    n, k = specs[1].static_shape[-2:]
    item = 16 if specs[0].dtype.kind == "c" else 8
    return OBJECTS + item * (16 * (2 * n + k) ** 2 + 64 * (2 * n + k))


def _flops(specs: Specs) -> int:
    n, k = specs[1].static_shape[-2:]
    return 70 * (2 * n + k) ** 3


# Derivatives


def _control(application: Application, *, discrete: bool) -> tuple[Tensor, Tensor]:
    """Return K, and C = A - B K."""
    (a, b, _, r), (x,) = application.inputs, application.outputs
    effort, gain = hermitian_part(r), adjoint(b) @ x
    k = solve(effort + gain @ b, gain @ a) if discrete else solve(effort, gain)
    return k, a - b @ k


def _vjp(
    discrete: bool, application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (x,), (cotangent,) = application.outputs, cotangents
    if cotangent is None:
        return [None] * 4
    k, closed = _control(application, discrete=discrete)
    y = _lyapunov(closed, hermitian_part(cotangent), discrete=discrete)
    of_a = (x @ closed @ y if discrete else x @ y) * 2.0
    found = (of_a, -(of_a @ adjoint(k)), y, k @ y @ adjoint(k))
    return [part if needed else None
            for part, needed in zip(found, application.needs, strict=True)]  # fmt: skip


def _lyapunov(a: Tensor, s: Tensor, *, discrete: bool) -> Tensor:
    """Return the Y for which ``a Y + Y a^H = -s``, or ``a Y a^H - Y = -s``."""
    return solve_discrete_lyapunov(a, s) if discrete else sylvester(a, adjoint(a), -s)


def _jvp(
    discrete: bool, application: Application, tangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (x,), (da, db, dq, dr) = application.outputs, tangents
    if da is None and db is None and dq is None and dr is None:
        return [None]
    k, closed = _control(application, discrete=discrete)
    left = adjoint(closed) @ x if discrete else x
    half = [] if da is None else [left @ da]
    half += [] if db is None else [-(left @ db @ k)]
    parts = [part + adjoint(part) for part in half]
    parts += [] if dq is None else [hermitian_part(dq)]
    parts += [] if dr is None else [adjoint(k) @ hermitian_part(dr) @ k]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return [_lyapunov(adjoint(closed), total, discrete=discrete)]


_stable, _steered, _costly = (around(middle, 0.3) for middle in (0, 0.5, 1))


def _samples(rng: np.random.Generator) -> list[Sample]:
    # The stack is of large matrices, so that tests that repeat it repeat few.
    rows = [((), 1, 1), ((), 0, 1), ((0,), 2, 1), ((2,), 8, 8), ((), 3, 2)]
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample((_stable(rng, (*stack, n, n), dtype), _steered(rng, (*stack, n, k), dtype),
                _costly(rng, (*stack, n, n), dtype), _costly(rng, (*stack, k, k), dtype)))
        for (stack, n, k), dtype in cases
    ]  # fmt: skip


def _riccati(name: str, label: str, *, discrete: bool) -> Op:
    return equation(
        name, label, partial(_routine, name), infer=_infer, vjp=partial(_vjp, discrete),
        jvp=partial(_jvp, discrete), samples=_samples, flops=_flops, internal=_internal,
        extra="scipy",
    )  # fmt: skip


CONTINUOUS = _riccati("solve_continuous_are", "SolveContinuousAre", discrete=False)
DISCRETE = _riccati("solve_discrete_are", "SolveDiscreteAre", discrete=True)


@public(family="linalg")
def solve_continuous_are(a: TensorLike, b: TensorLike, q: TensorLike, r: TensorLike) -> Tensor:
    """Return the X for which ``a^H X + X a - X b r⁻¹ b^H X + q == 0``. Needs SciPy.

    Of all solutions it is the one that makes the system stable: with K = r⁻¹ b^H X, all eigenvalues
    of ``a - b K`` have negative real parts.

    Parameters
    ----------
    a, b, q, r : tensor or array_like
        ``(..., n, n)``, ``(..., n, k)``, ``(..., n, n)`` and ``(..., k, k)``. Of `q` and `r` the
        Hermitian parts count. The axes before broadcast, dtypes are promoted as NumPy 2 does;
        integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., n, n)``, Hermitian.

    Raises
    ------
    ShapeError
        The shapes don't fit.
    KernelError
        While running: `r` is singular, or there is no such solution.

    Examples
    --------
    >>> import dataflow as df
    >>> one = df.GraphBuilder().ones((1, 1))
    >>> df.evaluate(df.linalg.solve_continuous_are(one * 0, one, one, one)).round(4)
    array([[1.]], dtype=float32)
    """
    return apply(CONTINUOUS, of_one_stack("solve_continuous_are", CONTINUOUS, a, b, q, r))


@public(family="linalg")
def solve_discrete_are(a: TensorLike, b: TensorLike, q: TensorLike, r: TensorLike) -> Tensor:
    """Return the X for which ``a^H X a - X - K^H (r + b^H X b) K + q == 0``. Needs SciPy.

    There ``K = (r + b^H X b)⁻¹ b^H X a``, and all eigenvalues of ``a - b K`` are within the unit
    circle. See `solve_continuous_are` for the parameters and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> one = df.GraphBuilder().ones((1, 1))
    >>> df.evaluate(df.linalg.solve_discrete_are(one, one, one, one)).round(4)
    array([[1.618]], dtype=float32)
    """
    return apply(DISCRETE, of_one_stack("solve_discrete_are", DISCRETE, a, b, q, r))
