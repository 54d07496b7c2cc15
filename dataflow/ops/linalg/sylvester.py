"""The Sylvester equation A X + X B = Q, solved by SciPy.

Its derivatives are Sylvester equations again:

    A dX + dX B = dQ - dA X - X dB
    A^H Y + Y B^H = cotangent of X:  Y is that of Q, -Y X^H that of A, -X^H Y that of B
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import WHOLE, Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.linalg.stacks import REAL_OF, adjoint, as_inexact, with_matrix
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import check_inputs, each_index
from dataflow.source import user_line
from dataflow.spec import broadcast_shapes, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.op import Application, Array, Arrays, AxisUse, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["solve_sylvester", "sylvester"]

_OBJECTS = 1 << 17
"""Bytes of Python's objects: SciPy leaves some in circles, which are collected after hundreds."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_inputs(specs, 3)
    a, b, q = specs
    if len({spec.dtype for spec in specs}) != 1 or q.dtype.name not in REAL_OF:
        msg = f"takes one of {', '.join(REAL_OF)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    fits = q.ndim >= 2 and a == with_matrix(q, q.shape[-2], q.shape[-2])
    if not fits or b != with_matrix(q, q.shape[-1], q.shape[-1]):
        msg = (f"takes (..., m, m), (..., n, n) and (..., m, n), not "
               f"{', '.join(shape_text(spec.shape) for spec in specs)}")  # fmt: skip
        raise ShapeError(msg)
    return (q,)


def _solver() -> Any:  # noqa: ANN401 - SciPy has no types
    return importlib.import_module("scipy.linalg").solve_sylvester


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(_solve_each, (_solver(), *ins, outs[0]))]


def _solve_each(solver: Any, a: Array, b: Array, q: Array, out: Array) -> None:  # noqa: ANN401
    """Solve one equation after the other, in double precision."""
    if not out.size:
        return
    wide = np.complex128 if out.dtype.kind == "c" else np.float64
    for place in each_index(out.shape[:-2]):
        out[place] = solver(*(x[place].astype(wide) for x in (a, b, q)))


def _reference(a: Array, b: Array, q: Array, attrs: Attrs) -> Array:
    out = np.empty_like(q)
    _solve_each(_solver(), a, b, q, out)
    return out


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    # Both Schur forms and vectors, the right side turned by them, LAPACK's work.
    m, n = specs[2].static_shape[-2:]
    item = 16 if specs[2].dtype.kind == "c" else 8
    return Workspace(internal=_OBJECTS + item * (5 * (m * m + n * n + m * n) + 64 * (m + n)))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    *stack, m, n = ins[2].static_shape
    matrices = int(np.prod(stack, dtype=int))
    flops = matrices * (25 * (m**3 + n**3) + 5 * m * n * (m + n))
    return Cost(flops * (4 if ins[2].dtype.kind == "c" else 1), traffic(ins, outs))


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
    uses: tuple[AxisUse, ...] = (*map(Along, range(specs[2].ndim - 2)), WHOLE, WHOLE)
    return Tiling((uses,) * 3)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b, _), (x,), (cotangent,) = application.inputs, application.outputs, cotangents
    if cotangent is None:
        return [None, None, None]
    y, needs = sylvester(adjoint(a), adjoint(b), cotangent), application.needs
    return [-(y @ adjoint(x)) if needs[0] else None, -(adjoint(x) @ y) if needs[1] else None,
            y if needs[2] else None]  # fmt: skip


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b, _), (x,), (da, db, dq) = application.inputs, application.outputs, tangents
    parts = [] if dq is None else [dq]
    parts += [] if da is None else [-(da @ x)]
    parts += [] if db is None else [-(x @ db)]
    if not parts:
        return [None]
    right = parts[0]
    for part in parts[1:]:
        right = right + part
    return [sylvester(a, b, right)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = [((), 1, 1), ((), 0, 2), ((0,), 2, 1), ((2, 1), 2, 3), ((2,), 3, 2)]
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample(tuple(_drawn(rng, (*stack, *shape), dtype) for shape in ((m, m), (n, n), (m, n))))
        for (stack, m, n), dtype in cases
    ]


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Draw matrices whose eigenvalues have positive real parts, so that solutions are unique."""
    drawn = rng.uniform(-0.3, 0.3, shape) + np.eye(shape[-2], shape[-1])
    if dtype in ("complex64", "complex128"):
        drawn = drawn + 1j * rng.uniform(-0.3, 0.3, shape)
    return drawn.astype(dtype)


SYLVESTER = register(Op(
    name="linalg.solve_sylvester", label="SolveSylvester", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_vjp, jvp=_jvp, batch=_batch, tiling=_tiling, cost=_cost,
    samples=_samples, workspace=_workspace, fallible=True, extra="scipy",
))  # fmt: skip


def sylvester(a: Tensor, b: Tensor, q: Tensor) -> Tensor:
    """Return the solution for operands of one dtype and one stack."""
    return apply(SYLVESTER, (a, b, q))


@public(family="linalg")
def solve_sylvester(a: TensorLike, b: TensorLike, q: TensorLike) -> Tensor:
    """Return the X for which ``a @ X + X @ b == q``. Needs SciPy.

    Parameters
    ----------
    a, b, q : tensor or array_like
        ``(..., m, m)``, ``(..., n, n)`` and ``(..., m, n)``. The axes before broadcast, dtypes are
        promoted as NumPy 2 does; integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., m, n)``.

    Raises
    ------
    ShapeError
        The shapes don't fit.
    KernelError
        While running: the algorithm doesn't converge, on NaN for instance.

    Notes
    -----
    The solution is unique unless an eigenvalue of `a` is one of ``-b``; then, or nearly then, the
    values mean nothing.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[3.0, 0.0], [0.0, 1.0]])
    >>> df.evaluate(df.linalg.solve_sylvester(a, a, np.float32([[6, 4], [8, 2]])))
    array([[1., 1.],
           [2., 1.]], dtype=float32)
    """
    parts = [as_inexact(x) for x in promoted(SYLVESTER, None, a, b, q)]
    if any(x.ndim < 2 for x in parts):
        shapes = ", ".join(shape_text(x.shape) for x in parts)
        msg = f"solve_sylvester ({user_line()}) takes three matrices, not {shapes}"
        raise ShapeError(msg)
    stack = broadcast_shapes([x.shape[:-2] for x in parts])
    return sylvester(*(broadcast_to(x, (*stack, *x.shape[-2:])) for x in parts))
