"""Linear systems and inverses. NumPy factors the matrix as L U with row exchanges.

Derivatives, of X = A^-1 B (M. Giles, "An extended collection of matrix derivative results", 2008):

    dX = A^-1 (dB - dA X)        gradient of B = A^-H G,  of A = - (A^-H G) X^H
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.elementwise import batch_elementwise, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    Arrays,
    AxisUse,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.linalg.pieces import adjoint
from dataflow.ops.linalg.stacks import (
    REAL_OF,
    around,
    as_inexact,
    check_matrices,
    draw_any,
    factorisation,
    stacked,
)
from dataflow.ops.matmul import MATMUL, matmul
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs
from dataflow.shapes import sum_to
from dataflow.spec import Spec, broadcast_shapes, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["inv", "solve"]


# inv


def _inv_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (check_matrices(specs, square=True),)


def _inv(x: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    return np.linalg.inv(x)


def _inv_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if cotangents[0] is None:
        return [None]
    back = adjoint(application.outputs[0])
    return [-matmul(matmul(back, cotangents[0]), back)]


def _inv_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    if tangents[0] is None:
        return [None]
    inverse = application.outputs[0]
    return [-matmul(matmul(inverse, tangents[0]), inverse)]


_regular = around(3, 1)  # matrices far from singular


INV = factorisation(
    "inv", "Inv", _inv, infer=_inv_infer, vjp=_inv_vjp, jvp=_inv_jvp, flops=2,
    samples=stacked([(0, 0), (1, 1), (0, 2, 2), (2, 1, 3, 3), (3, 3)], draw=_regular),
)  # fmt: skip


@public(np.linalg.inv, family="linalg")
def inv(a: Tensor) -> Tensor:
    """Return the inverses of square matrices.

    To solve a system, `solve` is quicker and more precise.

    Parameters
    ----------
    a : Tensor
        ``(..., n, n)``. Integers count as float64, float16 as float32.

    Raises
    ------
    ShapeError
        The last two axes are no square matrices.
    KernelError
        While running: a matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 4.0]])
    >>> df.evaluate(df.linalg.inv(x))
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    return apply(INV, (as_inexact(a),))


# solve


def system_specs(specs: Specs) -> Specs:
    """Return the spec of the solutions of systems ``A X = B``, after checks."""
    check_inputs(specs, 2)
    a, b = specs
    check_matrices((a,), square=True)
    if a.dtype != b.dtype:
        msg = f"both must have one dtype, not {a.dtype} and {b.dtype}: cast with astype"
        raise DTypeError(msg)
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        msg = (f"matrices {shape_text(a.shape)} and right sides {shape_text(b.shape)} don't agree: "
               "the last but one axis of both must be as long")  # fmt: skip
        raise ShapeError(msg)
    stack = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    return (b.with_shape((*stack, *b.shape[-2:])),)


def _solve_infer(specs: Specs, attrs: Attrs) -> Specs:
    return system_specs(specs)


OBJECTS = 4096
"""Bytes of Python's objects in one call of NumPy's routines."""

_PART = 1 << 16
"""Bytes of operands, and of what NumPy allocates for them, of systems that are solved at a time."""


def _solve_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (a, b), (out,) = ins, outs
    if out.ndim == 2:
        return [(_solve_parts, (1, a[None], b[None], out[None]))]
    width = _width(Spec.like(a), Spec.like(b), Spec.like(out))
    a, b = (np.broadcast_to(x, (*out.shape[:-2], *x.shape[-2:])) for x in (a, b))
    return [(_solve_parts, (width, a, b, out))]


def _solve_parts(width: int, a: Array, b: Array, out: Array) -> None:
    """Solve a few systems at a time, since NumPy returns new arrays and copies the operands."""
    for row in np.ndindex(out.shape[:-3]):
        for start in range(0, out.shape[-3], width):
            part = (*row, slice(start, start + width))
            out[part] = np.linalg.solve(a[part], b[part])


def _width(a: Spec, b: Spec, out: Spec) -> int:
    """Return how many systems are solved at a time."""
    return max(1, min(_PART // max(1, _system_bytes(a, b)), math.prod(out.static_shape[:-2])))


def _system_bytes(a: Spec, b: Spec) -> int:
    rows, columns = a.static_shape[-1], b.static_shape[-1]
    return 3 * rows * (rows + columns) * (16 if a.dtype.kind == "c" else 8)


def _solve_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    width = _width(*specs, *_solve_infer(specs, attrs))
    return Workspace(internal=OBJECTS + width * _system_bytes(*specs))


def _solve_reference(a: Array, b: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.linalg.solve(a, np.broadcast_to(b, (*stack, *b.shape[-2:])))


def _solve_vjp(
    application: Application, cotangents: Sequence[Tensor | None]
) -> list[Tensor | None]:
    (a, b), (cotangent,) = application.inputs, cotangents
    if cotangent is None:
        return [None, None]
    back = apply(SOLVE, (adjoint(a), cotangent))
    needs_a, needs_b = application.needs
    pulled = -matmul(back, adjoint(application.outputs[0])) if needs_a else None
    return [None if pulled is None else sum_to(pulled, a.shape),
            sum_to(back, b.shape) if needs_b else None]  # fmt: skip


def _solve_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, _), (da, db) = application.inputs, tangents
    change = None if da is None else -matmul(da, application.outputs[0])
    if db is not None:
        change = db if change is None else db + change
    return [None if change is None else apply(SOLVE, (a, change))]


def system_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Every axis of the stack can be sliced, of a system none."""
    (out,) = system_specs(specs)
    stack = out.shape[:-2]
    return Tiling(tuple((*_stack_uses(spec.shape[:-2], stack), WHOLE, WHOLE) for spec in specs))


def _stack_uses(shape: Shape, stack: Shape) -> tuple[AxisUse, ...]:
    first = len(stack) - len(shape)
    return tuple(
        Along(first + i) if dim == stack[first + i] else WHOLE for i, dim in enumerate(shape)
    )


def _solve_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    *stack, rows, columns = outs[0].static_shape
    flops = math.prod(stack) * (rows**3 + 2 * rows * rows * columns)
    return Cost(flops * (4 if ins[0].dtype.kind == "c" else 1), traffic(ins, outs))


SYSTEMS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((0, 0), (0, 2)), ((1, 1), (1, 0)), ((0, 2, 2), (2, 1)), ((2, 2), (3, 2, 1)),
    ((2, 1, 3, 3), (3, 3, 2)), ((3, 3), (3, 2)),
]  # fmt: skip


def _solve_samples(rng: np.random.Generator) -> list[Sample]:
    cases = [(*shapes, "float64") for shapes in SYSTEMS]
    cases += [(*SYSTEMS[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    return [
        Sample((_regular(rng, left, dtype), draw_any(rng, right, dtype)))
        for left, right, dtype in cases
    ]


SOLVE = register(Op(
    name="linalg.solve", label="Solve", infer=_solve_infer, kernel=_solve_kernel,
    reference=_solve_reference, vjp=_solve_vjp, jvp=_solve_jvp, batch=batch_elementwise,
    tiling=system_tiling, cost=_solve_cost, samples=_solve_samples, workspace=_solve_workspace,
    fallible=True,
))  # fmt: skip


def as_system(a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor, bool]:
    """Return both sides of a system in one floating-point dtype, and whether `b` is one vector."""
    matrix, right = (as_inexact(x) for x in promoted(MATMUL, np.matmul, a, b))
    if right.ndim == 1:
        return matrix, reshape(right, (*right.shape, 1)), True
    return matrix, right, False


def solved(op: Op, matrix: Tensor, right: Tensor, attrs: Attrs | None, *, vector: bool) -> Tensor:
    """Declare a node that solves a system, and give the solution the right side's axes."""
    x = apply(op, (matrix, right), attrs)
    return reshape(x, x.shape[:-1]) if vector else x


@public(np.linalg.solve, family="linalg")
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the solutions x of the linear systems ``a @ x == b``.

    Parameters
    ----------
    a : tensor or array_like
        ``(..., n, n)``.
    b : tensor or array_like
        ``(n,)``, one vector, or ``(..., n, k)``, matrices of k columns. The axes before broadcast.
        dtypes are promoted as NumPy 2 does; integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., n)`` or ``(..., n, k)``.

    Raises
    ------
    ShapeError
        The matrices aren't square, or the shapes don't agree.
    KernelError
        While running: a matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 0.0], [0.0, 4.0]])
    >>> df.evaluate(df.linalg.solve(a, np.array([1.0, 1.0], np.float32)))
    array([0.5 , 0.25], dtype=float32)
    """
    matrix, right, vector = as_system(a, b)
    return solved(SOLVE, matrix, right, None, vector=vector)
