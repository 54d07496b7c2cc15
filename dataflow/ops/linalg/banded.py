"""Systems of matrices that are zero but for a few diagonals, which are stored as rows.

Element ``[i, j]`` of a matrix with `u` diagonals above the main one is ``ab[u + i - j, j]``, as in
LAPACK. SciPy solves them. With x = A^-1 b, and y the solution of the adjoint system for the
cotangent, the gradient of b is y and that of A is -y x^H, of which only the diagonals are computed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.operation import Sample
from dataflow.ops import reductions
from dataflow.ops.along import take_along_axis
from dataflow.ops.arranging import flip
from dataflow.ops.complex_numbers import conj
from dataflow.ops.gathering import take
from dataflow.ops.joining import concat
from dataflow.ops.linalg.equations import check_operands, equation, of_one_stack
from dataflow.ops.linalg.solving import as_system
from dataflow.ops.linalg.stacks import REAL_OF, around, draw_any
from dataflow.ops.padding import pad
from dataflow.ops.shaping import expand_dims, squeeze
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["solve_banded", "solveh_banded"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    check_operands(specs, 2)
    ab, b = specs
    lower, upper = attrs.integer("lower"), attrs.integer("upper")
    fits = ab.shape[-1] == b.shape[-2] and ab.shape[:-2] == b.shape[:-2]
    if not fits or ab.shape[-2] != lower + upper + 1:
        msg = (f"takes {lower + upper + 1} diagonals (..., {lower + upper + 1}, n) and right sides "
               f"(..., n, k), not {shape_text(ab.shape)} and {shape_text(b.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (b,)


def _routine(ab: Array, b: Array, attrs: Attrs) -> Array:
    """Solve one system in double precision."""
    solver = importlib.import_module("scipy.linalg").solve_banded
    wide = np.complex128 if b.dtype.kind == "c" else np.float64
    sides = (attrs.integer("lower"), attrs.integer("upper"))
    return np.asarray(solver(sides, ab.astype(wide), b.astype(wide), check_finite=False))


def _internal(specs: Specs) -> int:
    # The diagonals and the right side, each in double precision, and as LAPACK wants them.
    (rows, n), k = specs[0].static_shape[-2:], specs[1].static_shape[-1]
    item = 16 if specs[0].dtype.kind == "c" else 8
    return 16384 + item * n * (4 * rows + 3 * k)


def _flops(specs: Specs) -> int:
    (rows, n), k = specs[0].static_shape[-2:], specs[1].static_shape[-1]
    return 2 * n * rows * (rows + k)


# Derivatives: rows of the storage, shifted so that they lie along the columns, or the rows


def _shifted(x: Tensor, rows: int, before: int, after: int) -> Tensor:
    """Return ``x[..., r + j - before, k]`` for r in ``rows``: zeros beyond the ends."""
    widths = [(0, 0)] * (x.ndim - 2) + [(before, after), (0, 0)]
    n = x.shape[-2]
    first = expand_dims(x.builder.arange(rows), -1)
    return take(pad(x, widths), first + x.builder.arange(n), axis=-2)


def _outer(y: Tensor, x: Tensor, lower: int, upper: int) -> Tensor:
    """Return the diagonals of ``y @ x^H``, as rows."""
    moved = _shifted(y, lower + upper + 1, upper, lower)
    return reductions.sum(moved * expand_dims(conj(x), -3), -1)


def _transposed(ab: Tensor, lower: int, upper: int) -> Tensor:
    """Return the diagonals of the transposed matrices, which have the two numbers exchanged."""
    rows, n = lower + upper + 1, ab.shape[-1]
    widths = [(0, 0)] * (ab.ndim - 1) + [(lower, upper)]
    places = expand_dims(ab.builder.arange(rows), -1) + ab.builder.arange(n)
    stacked = expand_dims(places, tuple(range(ab.ndim - 2))) if ab.ndim > 2 else places
    return take_along_axis(pad(flip(ab, -2), widths), stacked, -1)


def _product(ab: Tensor, x: Tensor, lower: int, upper: int) -> Tensor:
    """Return the matrices' product with `x`."""
    turned = _transposed(ab, lower, upper)
    moved = _shifted(x, lower + upper + 1, lower, upper)
    return reductions.sum(expand_dims(turned, -1) * moved, -3)


def _sides(attrs: Attrs) -> tuple[int, int]:
    return attrs.integer("lower"), attrs.integer("upper")


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (ab, _), (x,), (cotangent,) = application.inputs, application.outputs, cotangents
    if cotangent is None:
        return [None, None]
    lower, upper = _sides(application.attrs)
    turned = conj(_transposed(ab, lower, upper))
    y = apply(SOLVE_BANDED, (turned, cotangent), Attrs(lower=upper, upper=lower))
    needs_ab, needs_b = application.needs
    return [-_outer(y, x, lower, upper) if needs_ab else None, y if needs_b else None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (ab, _), (x,), (dab, db) = application.inputs, application.outputs, tangents
    change = None if dab is None else -_product(dab, x, *_sides(application.attrs))
    if db is not None:
        change = db if change is None else db + change
    return [None if change is None else apply(SOLVE_BANDED, (ab, change), application.attrs)]


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows = [((), 1, 1, (0, 0)), ((), 0, 2, (1, 0)), ((0,), 2, 1, (1, 1)), ((2, 1), 4, 2, (2, 1)),
            ((), 3, 2, (0, 2)), ((2,), 4, 1, (1, 1))]  # fmt: skip
    cases = [(row, "float64") for row in rows]
    cases += [(rows[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
    made = []
    for (stack, n, k, (lower, upper)), dtype in cases:
        ab = around(0, 1)(rng, (*stack, lower + upper + 1, n), dtype)
        ab[..., upper, :] += 4  # far from singular
        right = draw_any(rng, (*stack, n, k), dtype)
        made.append(Sample((ab, right), Attrs(lower=lower, upper=upper)))
    return made


SOLVE_BANDED = equation(
    "solve_banded",
    "SolveBanded",
    _routine,
    infer=_infer,
    vjp=_vjp,
    jvp=_jvp,
    samples=_samples,
    flops=_flops,
    internal=_internal,
    extra="scipy",
)


@public(family="linalg")
def solve_banded(l_and_u: tuple[int, int], ab: TensorLike, b: TensorLike) -> Tensor:
    """Return the solutions of linear systems whose matrices have a few diagonals. Needs SciPy.

    Parameters
    ----------
    l_and_u : tuple of two ints
        The number of diagonals below the main one, and above it.
    ab : tensor or array_like
        ``(..., l + u + 1, n)``: the diagonals from the uppermost down, each element in its column:
        ``a[i, j] == ab[u + i - j, j]``. What lies outside the matrix isn't read.
    b : tensor or array_like
        ``(n,)``, one vector, or ``(..., n, k)``. The axes before broadcast, dtypes are promoted as
        NumPy 2 does; integers count as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., n)`` or ``(..., n, k)``.

    Raises
    ------
    GraphError
        `l_and_u` aren't two ints of 0 or more.
    ShapeError
        The shapes don't agree.
    KernelError
        While running: a matrix is singular.

    Examples
    --------
    >>> import dataflow as df
    >>> ab = df.GraphBuilder().constant([[0.0, 1.0], [2.0, 4.0]])
    >>> df.evaluate(df.linalg.solve_banded((0, 1), ab, np.array([3.0, 4.0], "f")))
    array([1., 1.], dtype=float32)
    """
    lower, upper = l_and_u if isinstance(l_and_u, tuple | list) and len(l_and_u) == 2 else (-1, -1)
    if not all(isinstance(n, int | np.integer) and n >= 0 for n in (lower, upper)):
        msg = (f"solve_banded ({user_line()}): l_and_u are two ints of 0 or more, not "
               f"{l_and_u!r}")  # fmt: skip
        raise GraphError(msg)
    matrix, right, vector = as_system(ab, b)
    return _solved("solve_banded", (matrix, right), (int(lower), int(upper)), vector=vector)


def _solved(
    name: str, system: tuple[Tensor, Tensor], sides: tuple[int, int], *, vector: bool
) -> Tensor:
    attrs = Attrs(lower=sides[0], upper=sides[1])
    made = apply(SOLVE_BANDED, of_one_stack(name, SOLVE_BANDED, *system), attrs)
    return squeeze(made, -1) if vector else made


@public(family="linalg")
def solveh_banded(ab: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """Return the solutions of linear systems whose matrices are Hermitian, with a few diagonals.

    Parameters
    ----------
    ab : tensor or array_like
        ``(..., u + 1, n)``: the diagonals from the uppermost to the main one, as `solve_banded`
        has them; with `lower` those from the main one down.
    b : tensor or array_like
        ``(n,)`` or ``(..., n, k)``; see `solve_banded`.
    lower : bool
        Which half of the diagonals is given.

    Raises
    ------
    ShapeError
        The shapes don't agree.
    KernelError
        While running: a matrix is singular. One that isn't positive definite is solved too, which
        SciPy refuses.

    Examples
    --------
    >>> import dataflow as df
    >>> ab = df.GraphBuilder().constant([[0.0, 1.0], [2.0, 4.0]])
    >>> df.evaluate(df.linalg.solveh_banded(ab, np.array([3.0, 5.0], "f")))
    array([1., 1.], dtype=float32)
    """
    half, right, vector = as_system(ab, b)
    if half.ndim < 2 or not isinstance(half.shape[-2], int) or half.shape[-2] == 0:
        msg = (f"solveh_banded ({user_line()}) takes diagonals (..., u + 1, n), not "
               f"{shape_text(half.shape)}")  # fmt: skip
        raise ShapeError(msg)
    count = half.shape[-2] - 1
    if lower:
        other = slice_axis(conj(_transposed(half, count, 0)), half.ndim - 2, 0, count)
        whole = concat([other, half], -2)
    else:
        other = slice_axis(conj(_transposed(half, 0, count)), half.ndim - 2, 1, count + 1)
        whole = concat([half, other], -2)
    return _solved("solveh_banded", (whole, right), (count, count), vector=vector)
