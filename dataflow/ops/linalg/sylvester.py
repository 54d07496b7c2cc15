"""The Sylvester equation A X + X B = Q, solved by SciPy.

Its derivatives are Sylvester equations again:

    A dX + dX B = dQ - dA X - X dB
    A^H Y + Y B^H = cotangent of X:  Y is that of Q, -Y X^H that of A, -X^H Y that of B
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.operation import Sample
from dataflow.ops.linalg.equations import check_operands, equation, of_one_stack
from dataflow.ops.linalg.pieces import adjoint
from dataflow.ops.linalg.stacks import REAL_OF, around, with_matrix
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["solve_sylvester"]

OBJECTS = 1 << 17
"""Bytes of Python's objects: SciPy leaves some in circles, which are collected after hundreds."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_operands(specs, 3)
    a, b, q = specs
    fits = a == with_matrix(q, q.shape[-2], q.shape[-2])
    if not fits or b != with_matrix(q, q.shape[-1], q.shape[-1]):
        msg = (f"takes (..., m, m), (..., n, n) and (..., m, n), not "
               f"{', '.join(shape_text(spec.shape) for spec in specs)}")  # fmt: skip
        raise ShapeError(msg)
    return (q,)


def _routine(a: Array, b: Array, q: Array, attrs: Attrs) -> Array:
    """Solve one equation in double precision."""
    solver = importlib.import_module("scipy.linalg").solve_sylvester
    wide = np.complex128 if q.dtype.kind == "c" else np.float64
    return np.asarray(solver(*(x.astype(wide) for x in (a, b, q))))


def _internal(specs: Specs) -> int:
    # Both Schur forms and vectors, the right side turned by them, LAPACK's work.
    m, n = specs[2].static_shape[-2:]
    item = 16 if specs[2].dtype.kind == "c" else 8
    return OBJECTS + item * (5 * (m * m + n * n + m * n) + 64 * (m + n))


def _flops(specs: Specs) -> int:
    m, n = specs[2].static_shape[-2:]
    return 25 * (m**3 + n**3) + 5 * m * n * (m + n)


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


_draw = around(1, 0.3)  # with eigenvalues of positive real parts: solutions are unique


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = [((), 1, 1), ((), 0, 2), ((0,), 2, 1), ((2, 1), 2, 3), ((2,), 3, 2)]
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample(tuple(_draw(rng, (*stack, *shape), dtype) for shape in ((m, m), (n, n), (m, n))))
        for (stack, m, n), dtype in cases
    ]


SYLVESTER = equation(
    "solve_sylvester",
    "SolveSylvester",
    _routine,
    infer=_infer,
    vjp=_vjp,
    jvp=_jvp,
    samples=_samples,
    flops=_flops,
    internal=_internal,
    extra="scipy",
)


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
    return sylvester(*of_one_stack("solve_sylvester", SYLVESTER, a, b, q))
