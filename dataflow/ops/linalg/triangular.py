"""Systems of triangular matrices, by substitution, without a factorisation.

Rows are solved in blocks, so that most of the work is matrix products:

    x[block] = a[block, block]^-1 (b[block] - a[block, solved] @ x[solved])

The systems of a stack take the rows of a block one by one, all systems at once. Of a single system
that would be many small calls. `numpy.linalg.solve` is one: it finds nothing to eliminate in an
upper triangular matrix, so it substitutes; and a lower triangular matrix is an upper one with rows
and columns in reverse. Only the triangle that is asked for is read.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import also_named, public
from dataflow.elementwise import batch_elementwise, traffic
from dataflow.errors import GraphError, KernelError
from dataflow.operation import (
    Application,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import conj
from dataflow.ops.linalg.pieces import adjoint, triangle
from dataflow.ops.linalg.solving import (
    OBJECTS,
    SYSTEMS,
    as_system,
    solved,
    system_specs,
    system_tiling,
)
from dataflow.ops.linalg.stacks import REAL_OF, draw_any
from dataflow.ops.matmul import matmul
from dataflow.shapes import sum_to
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cho_solve", "solve_triangular", "triangular_solve"]

_BLOCK = 32
"""Rows in a block: more are solved by NumPy in more time than a matrix product takes them."""

_MASKS = [np.tri(_BLOCK, k=-k, dtype=bool).T for k in (0, 1)]
"""What is read of an upper triangle, with its diagonal and without."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    attrs.flag("lower")
    attrs.flag("unit")
    return system_specs(specs)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = _infer(specs, attrs)
    *stack, rows, columns = out.static_shape
    block = min(rows, _BLOCK)
    products = out.with_shape((*stack, block, columns))
    if stack:
        return Workspace((products,), OBJECTS)
    internal = 3 * block * (block + columns) * (16 if out.dtype.kind == "c" else 8)
    return Workspace((products, out.with_shape((block, block))), OBJECTS + internal)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (a, b), (out,) = ins, outs
    lower, unit = attrs.flag("lower"), attrs.flag("unit")
    rule = _rows_of_stack if out.ndim > 2 else _rows_at_once
    solve = partial(rule, *scratch, lower=lower, unit=unit)
    diagonal = np.zeros(0) if unit else np.diagonal(a, 0, -2, -1)
    return [
        (_check, (diagonal,)),
        (np.copyto, (out, b)),
        (_substitute, (solve, lower, scratch[0], a, out)),
    ]


def _check(diagonal: Array) -> None:
    if np.count_nonzero(diagonal) < diagonal.size:
        msg = "singular matrix: there is a 0 on its diagonal"
        raise KernelError(msg)


def _substitute(
    solve: Callable[[Array, Array], None], lower: bool, products: Array, a: Array, x: Array
) -> None:
    """Turn right sides into solutions, in place, block by block."""
    rows = a.shape[-1]
    starts = range(0, rows, _BLOCK)
    for start in starts if lower else reversed(starts):
        stop = min(start + _BLOCK, rows)
        known = slice(0, start) if lower else slice(stop, rows)
        block = x[..., start:stop, :]
        _subtract(a[..., start:stop, known], x[..., known, :], products, block)
        solve(a[..., start:stop, start:stop], block)


def _subtract(a: Array, known: Array, products: Array, block: Array) -> None:
    """Take what is known out of a block of right sides."""
    if a.shape[-1]:
        part = products[..., : block.shape[-2], :]
        np.matmul(a, known, part)
        np.subtract(block, part, block)


def _rows_of_stack(products: Array, a: Array, x: Array, *, lower: bool, unit: bool) -> None:
    """Solve a block of every system of a stack, row by row."""
    rows = a.shape[-1]
    for i in range(rows) if lower else reversed(range(rows)):
        known, row = slice(0, i) if lower else slice(i + 1, rows), x[..., i : i + 1, :]
        _subtract(a[..., i : i + 1, known], x[..., known, :], products, row)
        if not unit:
            np.divide(row, a[..., i : i + 1, i : i + 1], row)


def _rows_at_once(
    products: Array, square: Array, a: Array, x: Array, *, lower: bool, unit: bool
) -> None:
    """Solve a block of one system by NumPy's routine, as an upper triangular one."""
    if lower:
        a, x = a[::-1, ::-1], x[::-1]
    size = len(a)
    part = square[:size, :size]
    part.fill(0)
    np.copyto(part, a, where=_MASKS[unit][:size, :size])
    if unit:
        np.einsum("ii->i", part).fill(1)
    x[...] = np.linalg.solve(part, x)


def _reference(a: Array, b: Array, attrs: Attrs) -> Any:  # noqa: ANN401 - an array
    part = np.tril(a) if attrs.flag("lower") else np.triu(a)
    if attrs.flag("unit"):
        part = np.where(np.eye(a.shape[-1], dtype=bool), np.ones((), a.dtype), part)
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.linalg.solve(part, np.broadcast_to(b, (*stack, *b.shape[-2:])))


def _triangle_of(attrs: Attrs, x: Tensor) -> Tensor:
    return triangle(x, lower=attrs.flag("lower"), offset=int(attrs.flag("unit")))


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, b), (cotangent,), attrs = application.inputs, cotangents, application.attrs
    if cotangent is None:
        return [None, None]
    turned = attrs.replace(lower=not attrs.flag("lower"))
    back = apply(SOLVE_TRIANGULAR, (adjoint(a), cotangent), turned)
    needs_a, needs_b = application.needs
    first = None
    if needs_a:
        pulled = matmul(back, adjoint(application.outputs[0]))
        first = -_triangle_of(attrs, sum_to(pulled, a.shape))
    return [first, sum_to(back, b.shape) if needs_b else None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (a, _), (da, db), attrs = application.inputs, tangents, application.attrs
    change = None if da is None else -matmul(_triangle_of(attrs, da), application.outputs[0])
    if db is not None:
        change = db if change is None else db + change
    return [None if change is None else apply(SOLVE_TRIANGULAR, (a, change), attrs)]


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    *stack, rows, columns = outs[0].static_shape
    flops = math.prod(stack) * rows * rows * columns
    return Cost(flops * (4 if ins[0].dtype.kind == "c" else 1), traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = [(*shapes, "float64") for shapes in SYSTEMS]
    cases += [(*SYSTEMS[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    made = []
    for i, (left, right, dtype) in enumerate(cases):
        a = draw_any(rng, left, dtype)
        a = (a + 3 * np.where(np.eye(left[-1]), np.sign(a.real), 0)).astype(dtype)
        attrs = Attrs(lower=i % 2 == 0, unit=i % 3 == 2)
        made.append(Sample((a, draw_any(rng, right, dtype)), attrs))
    return made


SOLVE_TRIANGULAR = register(Op(
    name="linalg.solve_triangular", label="SolveTriangular", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_vjp, jvp=_jvp, batch=batch_elementwise, tiling=system_tiling,
    cost=_cost, samples=_samples, workspace=_workspace, ulps=64, fallible=True, inplace=(1,),
))  # fmt: skip


@public(family="linalg")
def solve_triangular(
    a: TensorLike, b: TensorLike, trans: int | str = 0, lower: bool = False,
    unit_diagonal: bool = False,
) -> Tensor:  # fmt: skip
    """Return the solutions of linear systems whose matrices are triangular, as SciPy has it.

    Parameters
    ----------
    a : tensor or array_like
        ``(..., n, n)``; the other triangle isn't read.
    b : tensor or array_like
        ``(n,)``, one vector, or ``(..., n, k)``; see `solve`.
    trans : int or str
        0 or ``"N"`` for ``a @ x == b``, 1 or ``"T"`` with `a` transposed, 2 or ``"C"`` with its
        conjugate transpose.
    lower : bool
        Whether the lower triangle of `a` is read, and not the upper one.
    unit_diagonal : bool
        Whether the diagonal counts as ones and isn't read.

    Raises
    ------
    ShapeError
        The matrices aren't square, or the shapes don't agree.
    GraphError
        `trans` is another.
    KernelError
        While running: there is a 0 on a diagonal.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[2.0, 0.0], [1.0, 4.0]])
    >>> df.evaluate(df.linalg.solve_triangular(a, np.array([2.0, 9.0], "f"), lower=True))
    array([1., 2.], dtype=float32)
    """
    names = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}
    if trans not in names:
        msg = f"solve_triangular ({user_line()}): trans is one of {list(names)}, not {trans!r}"
        raise GraphError(msg)
    matrix, right, vector = as_system(a, b)
    turn = names[trans]
    if turn:
        matrix = swapaxes(conj(matrix) if turn == 2 else matrix, -1, -2)
    attrs = Attrs(lower=bool(lower) != bool(turn), unit=bool(unit_diagonal))
    return solved(SOLVE_TRIANGULAR, matrix, right, attrs, vector=vector)


triangular_solve = also_named(solve_triangular, "linalg.triangular_solve")


@public(family="linalg")
def cho_solve(c_and_lower: tuple[Tensor, bool], b: TensorLike) -> Tensor:
    """Return the solutions of linear systems, given the Cholesky factor of their matrices.

    Parameters
    ----------
    c_and_lower : tuple of tensor and bool
        The factor, ``(..., n, n)``, and whether it is the lower one, see `cholesky`; the other
        triangle isn't read.
    b : tensor or array_like
        ``(n,)`` or ``(..., n, k)``; see `solve`.

    Raises
    ------
    ShapeError
        The factor isn't square, or the shapes don't agree.
    KernelError
        While running: there is a 0 on a diagonal.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[4.0, 0.0], [0.0, 1.0]])
    >>> df.evaluate(df.linalg.cho_solve((df.linalg.cholesky(a), True), np.array([8.0, 3.0], "f")))
    array([2., 3.], dtype=float32)
    """
    factor, lower = c_and_lower
    first = solve_triangular(factor, b, trans=0 if lower else 2, lower=lower)
    return solve_triangular(factor, first, trans=2 if lower else 0, lower=lower)
