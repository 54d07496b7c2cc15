"""What factorisations share: stacks of matrices, NumPy's routines on them, and pieces of matrices.

NumPy's routines of linear algebra return new arrays, and for float32 compute in float64. So a
kernel hands them a few matrices of a stack at a time, and what they allocate for these is declared.
One matrix never depends on another: any part of a stack has the bits that it has in the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import dim_max
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import (
    WHOLE,
    Absent,
    Along,
    Application,
    Array,
    Arrays,
    Call,
    Cost,
    Kernel,
    Op,
    Rule,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops import reductions
from dataflow.ops.axes import swapaxes
from dataflow.ops.complex_numbers import conj, real
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to, expand_dims
from dataflow.ops.slicing import PAD_SLICE, slice_axis
from dataflow.ops.stopping import stop_gradient
from dataflow.ops.structure import check_inputs, each_index
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = [
    "COMPLEX_OF", "REAL_OF", "Routine", "adjoint", "as_inexact", "check_matrices", "columns",
    "diagonal", "factorisation", "filled", "hermitian_part", "in_parts", "least", "mirrored",
    "off_diagonal", "on_diagonal", "part_bytes", "real_of", "rows_and_columns", "shrunk",
    "stacked", "triangle", "with_matrix",
]  # fmt: skip

Routine: TypeAlias = Callable[..., Any]
"""``routine(x, attrs=attrs)``: what NumPy computes of a stack, one array or several."""

REAL_OF = {"float32": "float32", "float64": "float64",
           "complex64": "float32", "complex128": "float64"}  # fmt: skip
COMPLEX_OF = {"float32": "complex64", "float64": "complex128",
              "complex64": "complex64", "complex128": "complex128"}  # fmt: skip

_PART = 1 << 16
"""Bytes of matrices that a routine gets at a time, if one matrix isn't larger."""

_OBJECTS = 8192
"""Bytes of Python's objects in one call of NumPy's routines, or SciPy's."""

_BLOCK = 64
"""The number of columns that LAPACK works on at a time."""


# Specs


def as_inexact(x: Tensor) -> Tensor:
    """Return integers as float64, as NumPy does, and float16 as float32; others as they are."""
    if x.dtype.kind in "biu":
        return x.astype(np.float64)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def check_matrices(specs: Specs, *, square: bool = False) -> Spec:
    """Return the spec of a stack of matrices, after checks."""
    spec = check_inputs(specs)
    if spec.dtype.name not in REAL_OF:
        msg = f"takes one of {', '.join(REAL_OF)}, not {spec.dtype}: cast with astype"
        raise DTypeError(msg)
    if spec.ndim < 2 or (square and spec.shape[-1] != spec.shape[-2]):
        kind = "square matrices" if square else "matrices"
        msg = f"takes {kind} along the last two axes, not {shape_text(spec.shape)}"
        raise ShapeError(msg)
    return spec


def with_matrix(spec: Spec, *shape: int | Dim, dtype: str | None = None) -> Spec:
    """Return the spec of as many arrays of this shape as there are matrices in a stack."""
    return Spec((*spec.shape[:-2], *shape), np.dtype(dtype or spec.dtype))


def least(a: int | Dim, b: int | Dim) -> int | Dim:
    """Return the smaller of two dimensions, as an expression that is surely at least 0."""
    return dim_max(a + b - dim_max(a, b), 0)


# Kernels


def in_parts(routine: Routine, attrs: Attrs, x: Array, outs: Arrays) -> Call:
    """Return the call that computes a stack's outputs, a few matrices at a time."""
    if x.ndim == 2:
        x, outs = x[None], [out[None] for out in outs]
    width = _width(x.nbytes // (x.shape[-3] or 1))
    return (_each_part, (partial(routine, attrs=attrs), width, x, tuple(outs)))


def _each_part(routine: Routine, width: int, x: Array, outs: Arrays) -> None:
    for row in each_index(x.shape[:-3]):
        for start in range(0, x.shape[-3], width):
            part: tuple[Any, ...] = (*row, slice(start, start + width))
            made = routine(x[part])
            for out, array in zip(outs, made if isinstance(made, tuple) else (made,), strict=True):
                out[part] = array


def _width(nbytes: int) -> int:
    return max(1, _PART // max(1, nbytes))


def part_bytes(specs: Specs, outs: Specs) -> int:
    """Return the bytes that NumPy allocates for a part of a stack: copies in double precision.

    They are the matrices' and the results', each once more as LAPACK wants it, and its work.
    """
    x = specs[0]
    *stack, rows, columns = x.static_shape
    matrices = max(1, int(np.prod(stack, dtype=int)))
    width = min(matrices, _width(rows * columns * x.dtype.itemsize))
    item = 16 if x.dtype.kind == "c" else 8
    items = 3 * rows * columns + _BLOCK * (rows + columns)
    items += sum(3 * spec.nbytes // spec.dtype.itemsize // matrices for spec in outs)
    return _OBJECTS + width * item * items


# Records


def factorisation(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, routine: Routine, *,
    infer: Callable[[Specs, Attrs], Specs], vjp: Rule | Absent, jvp: Rule | Absent,
    samples: Callable[[np.random.Generator], Sequence[Sample]], flops: int,
    kernel: Kernel | None = None, scratch: Callable[[Specs], Specs] = lambda specs: (),
    extra: str = "", ulps: int | Absent = 8, fallible: bool = True,
) -> Op:  # fmt: skip
    """Declare and register the op ``linalg.<name>`` of a stack of matrices.

    Parameters
    ----------
    name, label, infer, vjp, jvp, samples, extra, ulps, fallible
        See `Op`.
    routine : callable
        What is computed, see `Routine`.
    flops : int
        Operations for a matrix, in units of ``rows * columns * min(rows, columns)``.
    kernel : callable, optional
        By default the routine, on a few matrices at a time.
    scratch : callable, optional
        The scratch arrays of that kernel.
    """

    def plain(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
        return [in_parts(routine, attrs, ins[0], outs)]

    def workspace(specs: Specs, attrs: Attrs) -> Workspace:
        return Workspace(scratch(specs), part_bytes(specs, infer(specs, attrs)))

    return register(Op(
        name=f"linalg.{name}", label=label, infer=infer, kernel=kernel or plain,
        reference=partial(_reference, infer, routine), vjp=vjp, jvp=jvp, batch=_batch,
        tiling=_tiling, cost=partial(_cost, flops), samples=samples, workspace=workspace,
        ulps=ulps, fallible=fallible, extra=extra,
    ))  # fmt: skip


def _reference(
    infer: Callable[[Specs, Attrs], Specs], routine: Routine, x: Array, attrs: Attrs
) -> tuple[Array, ...]:
    made = routine(x, attrs=attrs)
    specs = infer((Spec.like(x),), attrs)
    arrays = made if isinstance(made, tuple) else (made,)
    return tuple(array.astype(spec.dtype) for array, spec in zip(arrays, specs, strict=True))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    return inputs[0].builder.apply(application.op, inputs, application.attrs)


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(((*map(Along, range(specs[0].ndim - 2)), WHOLE, WHOLE),))


def _cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    *stack, rows, columns = ins[0].static_shape
    matrices = int(np.prod(stack, dtype=int))
    work = flops * rows * columns * min(rows, columns) * matrices
    return Cost(work * (4 if ins[0].dtype.kind == "c" else 1), traffic(ins, outs))


# Samples


def stacked(
    shapes: Sequence[tuple[int, ...]], attrs: Attrs | None = None, *,
    draw: Callable[..., Array] | None = None, smooth: Sequence[str] = tuple(REAL_OF),
) -> Callable[[np.random.Generator], list[Sample]]:  # fmt: skip
    """Make samples of every shape in float64, and of the last one in every dtype.

    Parameters
    ----------
    shapes : sequence of tuple of int
        The matrices' shapes, stacks among them.
    attrs : Attrs, optional
        The same for all.
    draw : callable, optional
        ``draw(rng, shape, dtype)`` gives the matrices; by default any numbers.
    smooth : sequence of str
        The dtypes on which derivatives are checked.
    """

    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = [(shape, "float64") for shape in shapes]
        cases += [(shapes[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
        return [
            Sample(((draw or _any)(rng, shape, dtype),), attrs or Attrs(), dtype in smooth)
            for shape, dtype in cases
        ]

    return samples


def _any(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    drawn = rng.uniform(-2, 2, shape)
    if dtype in ("complex64", "complex128"):
        drawn = drawn + 1j * rng.uniform(-2, 2, shape)
    return drawn.astype(dtype)


# Pieces of matrices, as nodes


def adjoint(x: Tensor) -> Tensor:
    """Return the conjugate transpose of the last two axes."""
    return swapaxes(conj(x), -1, -2)


def real_of(x: Tensor) -> Tensor:
    """Return the real parts of complex numbers, and real ones as they are."""
    return real(x) if x.dtype.kind == "c" else x


def hermitian_part(x: Tensor) -> Tensor:
    """Return ``(x + x^H) / 2``."""
    return (x + adjoint(x)) * 0.5


def rows_and_columns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the numbers of a matrix's rows, as a column, and of its columns."""
    rows, columns = (x.builder.arange(n) for n in x.shape[-2:])
    return expand_dims(rows, -1), columns


def triangle(x: Tensor, *, lower: bool, offset: int = 0) -> Tensor:
    """Return a matrix with zeros above (or below) its diagonal, or another `offset` below it."""
    rows, columns = rows_and_columns(x)
    kept = rows >= columns + offset if lower else columns >= rows + offset
    return where(kept, x, _zero(x))


def off_diagonal(x: Tensor, divisor: Tensor) -> Tensor:
    """Return ``x / divisor`` with zeros on the diagonal, whatever stands there."""
    rows, columns = rows_and_columns(x)
    is_off = rows != columns
    one = x.builder.constant(1, dtype=divisor.dtype)
    quotient = x / where(is_off, divisor, one)
    return where(is_off, quotient, _zero(x))


def diagonal(values: Tensor, dtype: np.dtype) -> Tensor:
    """Return matrices with these values on their diagonals."""
    row = expand_dims(values, -2).astype(dtype)
    n = values.shape[-1]
    square = broadcast_to(row, (*values.shape[:-1], n, n))
    rows, columns = rows_and_columns(square)
    return where(rows == columns, square, _zero(square))


def on_diagonal(x: Tensor) -> Tensor:
    """Return the diagonals of square matrices."""
    rows, columns = rows_and_columns(x)
    return reductions.sum(where(rows == columns, x, _zero(x)), -1)


def columns(values: Tensor) -> Tensor:
    """Return values with one more axis before the last, so that each scales a column."""
    return expand_dims(values, -2)


def _zero(x: Tensor) -> Tensor:
    return x.builder.constant(0, dtype=x.dtype)


def shrunk(x: Tensor, rows: int | Dim, columns: int | Dim) -> Tensor:
    """Return the first rows and columns of matrices."""
    for axis, length in ((x.ndim - 2, rows), (x.ndim - 1, columns)):
        if x.shape[axis] != length:
            x = slice_axis(x, axis, 0, length)
    return x


def filled(x: Tensor, like: Tensor) -> Tensor:
    """Return matrices with as many rows and columns as `like` has, the new ones zeros."""
    if x.shape == like.shape:
        return x
    attrs = Attrs(start=(0,) * x.ndim, stop=x.shape, step=(1,) * x.ndim, shape=like.shape)
    return apply(PAD_SLICE, (x,), attrs)


def mirrored(x: Tensor, *, lower: bool) -> Tensor:
    """Return the Hermitian matrices that one triangle of `x` and the diagonal stand for.

    The gradient passes as if `x` itself were returned, which it is if it is Hermitian. So the
    gradient of what takes the Hermitian part is Hermitian too, as PyTorch's and JAX's are, and not
    a triangle.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        msg = f"takes square matrices ({user_line()}), not {shape_text(x.shape)}"
        raise ShapeError(msg)
    still = stop_gradient(x)
    rows, columns = rows_and_columns(x)
    kept = rows >= columns if lower else rows <= columns
    return where(kept, x, adjoint(still) + (x - still))
