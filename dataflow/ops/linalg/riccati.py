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
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import WHOLE, Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.linalg.lyapunov import solve_discrete_lyapunov
from dataflow.ops.linalg.solving import solve
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    adjoint,
    as_inexact,
    hermitian_part,
    with_matrix,
)
from dataflow.ops.linalg.sylvester import sylvester
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import check_inputs, each_index
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.op import Application, Array, Arrays, AxisUse, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["solve_continuous_are", "solve_discrete_are"]

_OBJECTS = 1 << 17
"""Bytes of Python's objects: SciPy leaves some in circles, which are collected after hundreds."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_inputs(specs, 4)
    a, b, q, r = specs
    if len({spec.dtype for spec in specs}) != 1 or a.dtype.name not in REAL_OF:
        msg = f"takes one of {', '.join(REAL_OF)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    fits = b.ndim >= 2 and a == q == with_matrix(b, b.shape[-2], b.shape[-2])
    if not fits or r != with_matrix(b, b.shape[-1], b.shape[-1]):
        msg = (f"takes (..., n, n), (..., n, k), (..., n, n) and (..., k, k), not "
               f"{', '.join(shape_text(spec.shape) for spec in specs)}")  # fmt: skip
        raise ShapeError(msg)
    return (a,)


def _solver(name: str) -> Any:  # noqa: ANN401 - SciPy has no types
    return getattr(importlib.import_module("scipy.linalg"), name)


def _kernel(name: str, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(_solve_each, (_solver(name), *ins, outs[0]))]


def _solve_each(solver: Callable[..., Array], *arrays: Array) -> None:
    """Solve one equation after the other, in double precision; the last array is the result's."""
    a, b, q, r, out = arrays
    wide = np.complex128 if out.dtype.kind == "c" else np.float64
    for place in each_index(out.shape[:-2] if b.size else (0,)):
        cost, effort = (_hermitian(x[place].astype(wide)) for x in (q, r))
        out[place] = solver(a[place].astype(wide), b[place].astype(wide), cost, effort)


def _hermitian(x: Array) -> Array:
    return np.asarray((x + x.conj().T) / 2)


def _reference(name: str, a: Array, b: Array, q: Array, r: Array, attrs: Attrs) -> Array:
    out = np.empty_like(a)
    _solve_each(_solver(name), a, b, q, r, out)
    return out


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    # Pencils of twice n and k rows, their Schur forms and vectors, and pieces of them.
    n, k = specs[1].static_shape[-2:]
    item = 16 if specs[0].dtype.kind == "c" else 8
    return Workspace(internal=_OBJECTS + item * (16 * (2 * n + k) ** 2 + 64 * (2 * n + k)))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    *stack, n, k = ins[1].static_shape
    flops = int(np.prod(stack, dtype=int)) * 70 * (2 * n + k) ** 3
    return Cost(flops * (4 if ins[0].dtype.kind == "c" else 1), traffic(ins, outs))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    whole = [
        x if has_batch else broadcast_to(x, (size, *x.shape))
        for x, has_batch in zip(inputs, batched, strict=True)
    ]
    return [apply(application.op, whole)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    uses: tuple[AxisUse, ...] = (*map(Along, range(specs[0].ndim - 2)), WHOLE, WHOLE)
    return Tiling((uses,) * 4)


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


def _samples(rng: np.random.Generator) -> list[Sample]:
    # The stack is of large matrices, so that tests that repeat it repeat few.
    rows = [((), 1, 1), ((), 0, 1), ((0,), 2, 1), ((2,), 8, 8), ((), 3, 2)]
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample((_drawn(rng, (*stack, n, n), dtype, 0.0), _drawn(rng, (*stack, n, k), dtype, 0.5),
                _drawn(rng, (*stack, n, n), dtype, 1.0), _drawn(rng, (*stack, k, k), dtype, 1.0)))
        for (stack, n, k), dtype in cases
    ]  # fmt: skip


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, middle: float) -> Array:
    """Draw matrices around a multiple of 1."""
    drawn = rng.uniform(-0.3, 0.3, shape) + np.eye(shape[-2], shape[-1]) * middle
    if dtype in ("complex64", "complex128"):
        drawn = drawn + 1j * rng.uniform(-0.3, 0.3, shape)
    return drawn.astype(dtype)


def _riccati(name: str, label: str, *, discrete: bool) -> Op:
    return register(Op(
        name=f"linalg.{name}", label=label, infer=_infer, kernel=partial(_kernel, name),
        reference=partial(_reference, name), vjp=partial(_vjp, discrete),
        jvp=partial(_jvp, discrete), batch=_batch, tiling=_tiling, cost=_cost, samples=_samples,
        workspace=_workspace, fallible=True, extra="scipy",
    ))  # fmt: skip


CONTINUOUS = _riccati("solve_continuous_are", "SolveContinuousAre", discrete=False)
DISCRETE = _riccati("solve_discrete_are", "SolveDiscreteAre", discrete=True)


def _declared(op: Op, *operands: TensorLike) -> Tensor:
    parts = [as_inexact(x) for x in promoted(op, None, *operands)]
    if any(x.ndim < 2 for x in parts):
        shapes = ", ".join(shape_text(x.shape) for x in parts)
        msg = f"{op.name} ({user_line()}) takes four matrices, not {shapes}"
        raise ShapeError(msg)
    stack = broadcast_shapes([x.shape[:-2] for x in parts])
    return apply(op, [broadcast_to(x, (*stack, *x.shape[-2:])) for x in parts])


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
    return _declared(CONTINUOUS, a, b, q, r)


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
    return _declared(DISCRETE, a, b, q, r)
