"""What factorisations share: stacks of matrices, and NumPy's routines on a few of them at a time.

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
from dataflow.dims import dim_max
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Absent,
    Along,
    Array,
    Arrays,
    AxisUse,
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
from dataflow.ops.structure import batch_all, check_inputs, each_index
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = [
    "COMPLEX_OF", "REAL_OF", "Routine", "around", "as_inexact", "check_matrices", "draw_any",
    "factorisation", "in_parts", "least", "matrices_in", "part_bytes", "stacked", "tile_stack",
    "with_matrix",
]  # fmt: skip

Routine: TypeAlias = Callable[..., Any]
"""``routine(*arrays, attrs=attrs)``: what NumPy computes of stacks, one array or several."""

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
    return a if a == b else dim_max(a + b - dim_max(a, b), 0)


# Kernels


def in_parts(routine: Routine, attrs: Attrs, ins: Arrays, outs: Arrays) -> Call:
    """Return the call that computes a stack's outputs, a few matrices at a time."""
    if ins[0].ndim == 2:
        ins, outs = ([x[None] for x in arrays] for arrays in (ins, outs))
    width = _width(sum(x.nbytes for x in ins) // (ins[0].shape[-3] or 1))
    return (_each_part, (partial(routine, attrs=attrs), width, tuple(ins), tuple(outs)))


def _each_part(routine: Routine, width: int, ins: Arrays, outs: Arrays) -> None:
    *rows, length = ins[0].shape[:-2]
    for row in each_index(rows):
        for start in range(0, length, width):
            part: tuple[Any, ...] = (*row, slice(start, start + width))
            made = routine(*(x[part] for x in ins))
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
    nbytes = sum(spec.nbytes // matrices for spec in specs)
    item = 16 if x.dtype.kind == "c" else 8
    items = _BLOCK * (rows + columns)
    items += sum(3 * spec.nbytes // spec.dtype.itemsize // matrices for spec in (*specs, *outs))
    return _OBJECTS + min(matrices, _width(nbytes)) * item * items


# Records


def factorisation(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, routine: Routine, *,
    infer: Callable[[Specs, Attrs], Specs], vjp: Rule | Absent, jvp: Rule | Absent,
    samples: Callable[[np.random.Generator], Sequence[Sample]], flops: int,
    kernel: Kernel | None = None, scratch: Callable[[Specs], Specs] = lambda specs: (),
    work: int = 0, extra: str = "", ulps: int | Absent = 8, fallible: bool = True,
) -> Op:  # fmt: skip
    """Declare and register the op ``linalg.<name>`` of a stack of matrices, or of several.

    Parameters
    ----------
    name, label, infer, vjp, jvp, samples, extra, ulps, fallible
        See `Op`.
    routine : callable
        What is computed, see `Routine`.
    flops : int
        Operations for a matrix of the first input, in units of
        ``rows * columns * min(rows, columns)``.
    kernel : callable, optional
        By default the routine, on a few matrices at a time.
    scratch : callable, optional
        The scratch arrays of that kernel.
    work : int
        Bytes that a routine takes beside what `part_bytes` counts.
    """

    def plain(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
        return [in_parts(routine, attrs, ins, outs)]

    def workspace(specs: Specs, attrs: Attrs) -> Workspace:
        return Workspace(scratch(specs), work + part_bytes(specs, infer(specs, attrs)))

    return register(Op(
        name=f"linalg.{name}", label=label, infer=infer, kernel=kernel or plain,
        reference=partial(_reference, infer, routine), vjp=vjp, jvp=jvp, batch=batch_all,
        tiling=tile_stack, cost=partial(_cost, flops), samples=samples, workspace=workspace,
        ulps=ulps, fallible=fallible, extra=extra,
    ))  # fmt: skip


def _reference(
    infer: Callable[[Specs, Attrs], Specs], routine: Routine, *arrays: Array, attrs: Attrs
) -> tuple[Array, ...]:
    made = routine(*arrays, attrs=attrs)
    specs = infer(tuple(map(Spec.like, arrays)), attrs)
    results = made if isinstance(made, tuple) else (made,)
    return tuple(array.astype(spec.dtype) for array, spec in zip(results, specs, strict=True))


def tile_stack(specs: Specs, attrs: Attrs) -> Tiling:
    """Every axis before the matrices can be sliced, in all operands alike; of a matrix none."""
    uses: tuple[AxisUse, ...] = (*map(Along, range(specs[0].ndim - 2)), WHOLE, WHOLE)
    return Tiling((uses,) * len(specs))


def matrices_in(specs: Specs) -> int:
    """Return how many matrices there are in a stack; complex ones count as four."""
    stack = specs[0].static_shape[:-2]
    return int(np.prod(stack, dtype=int)) * (4 if specs[0].dtype.kind == "c" else 1)


def _cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    rows, columns = ins[0].static_shape[-2:]
    work = flops * rows * columns * min(rows, columns)
    return Cost(work * matrices_in(ins), traffic(ins, outs))


# Samples


def around(
    middle: float | Callable[[int], Array], spread: float
) -> Callable[[np.random.Generator, tuple[int, ...], str], Array]:
    """Make a function that draws matrices near diagonal ones.

    Parameters
    ----------
    middle : float or callable
        What stands on the diagonal, or ``middle(columns)`` gives it.
    spread : float
        How far elements lie from it, and from 0, at most; of complex ones both parts.
    """

    def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
        scale = middle(shape[-1]) if callable(middle) else middle
        drawn = rng.uniform(-spread, spread, shape) + np.eye(shape[-2], shape[-1]) * scale
        if dtype in ("complex64", "complex128"):
            drawn = drawn + 1j * rng.uniform(-spread, spread, shape)
        return drawn.astype(dtype)

    return draw


draw_any = around(0, 2)


def stacked(
    shapes: Sequence[tuple[int, ...]], attrs: Attrs | None = None, *, inputs: int = 1,
    draw: Callable[..., Array] = draw_any, smooth: Sequence[str] = tuple(REAL_OF),
) -> Callable[[np.random.Generator], list[Sample]]:  # fmt: skip
    """Make samples of every shape in float64, and of the last one in every dtype.

    Parameters
    ----------
    shapes : sequence of tuple of int
        The matrices' shapes, stacks among them.
    attrs : Attrs, optional
        The same for all.
    inputs : int
        How many operands of that shape there are.
    draw : callable
        ``draw(rng, shape, dtype)`` gives the matrices; by default any numbers.
    smooth : sequence of str
        The dtypes on which derivatives are checked.
    """

    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = [(shape, "float64") for shape in shapes]
        cases += [(shapes[-1], dtype) for dtype in REAL_OF if dtype != "float64"]
        return [
            Sample(tuple(draw(rng, shape, dtype) for _ in range(inputs)), attrs or Attrs(),
                   dtype in smooth)
            for shape, dtype in cases
        ]  # fmt: skip

    return samples
