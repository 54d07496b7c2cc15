"""What reductions share: axes, records, derivatives that spread, and sums in a wide dtype.

A reduction runs as the raw ``ufunc.reduce`` with a positional ``out``: `numpy.sum` costs three
times as much on small arrays. float16 adds up in float32, since 70,000 ones are inf in float16.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.elementwise import LinearMap, maps_jvp, maps_vjp, traffic
from dataflow.errors import ShapeError
from dataflow.operation import Along, Contracted, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.structure import check_inputs
from dataflow.source import user_line
from dataflow.spec import Spec, is_bfloat16, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.operation import Application, Arrays, Call, Kernel, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "CAST_BUFFER", "SAMPLE_ROWS", "Axis", "Infer", "accumulator", "kept", "reduce_kernel",
    "reduced_shape", "reduction", "samples_of_permutations", "spread",
    "spread_whole", "wide_infer", "wide_kernel", "wide_reference", "wide_workspace",
]  # fmt: skip

Axis: TypeAlias = "int | Sequence[int] | None"
Infer: TypeAlias = "Callable[[Specs, Attrs], Specs]"

CAST_BUFFER = 8192 + 64
"""Elements that NumPy's buffer holds when it reduces one dtype in another."""

SAMPLE_ROWS: list[tuple[tuple[int, ...], Attrs]] = [
    ((), Attrs(axes=(), keepdims=False)), ((3, 0), Attrs(axes=(0,), keepdims=False)),
    ((2, 3, 4), Attrs(axes=(0, 2), keepdims=True)), ((3, 4), Attrs(axes=(), keepdims=False)),
    ((3, 4), Attrs(axes=(0, 1), keepdims=False)), ((3, 4), Attrs(axes=(1,), keepdims=False)),
]  # fmt: skip
"""Shapes and attributes of the samples of reductions."""


# Records


def reduced_shape(spec: Spec, attrs: Attrs) -> Shape:
    """Return the shape that is left; `ShapeError` unless the axes ascend and exist."""
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    if list(axes) != sorted({*axes}) or not all(0 <= axis < spec.ndim for axis in axes):
        msg = f"axes {axes} must be ascending and below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    left = ((i, 1 if i in axes else dim) for i, dim in enumerate(spec.shape))
    return tuple(dim for i, dim in left if keepdims or i not in axes)


def reduce_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    """Let a ufunc reduce in the dtype of its input."""
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    return [(ufunc.reduce, (ins[0], axes, None, outs[0], keepdims))]


def reduction(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, *, infer: Infer, kernel: Kernel, reference: Callable[..., Any],
    maps: tuple[LinearMap, LinearMap], combine: str,
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    workspace: Callable[[Specs, Attrs], Workspace] | None = None, flops: int = 1,
) -> Op:  # fmt: skip
    """Declare and register a reduction.

    Parameters
    ----------
    name, label, infer, kernel, reference, samples, workspace
        See `Op`.
    maps : pair of callable or None
        How a cotangent is pulled back and a tangent pushed forward.
    combine : str
        The op that joins the results of slices.
    flops : int
        Floating-point operations per element.
    """
    back, forth = maps
    return register(Op(
        name=name, label=label, infer=infer, kernel=kernel, reference=reference,
        vjp=maps_vjp((back,)), jvp=maps_jvp((forth,)), batch=_batch,
        tiling=partial(_tiling, combine), cost=partial(_cost, flops), samples=samples,
        workspace=workspace or (lambda specs, attrs: Workspace()), is_flat=back is None,
    ))  # fmt: skip


def _cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(flops * size if isinstance(size, int) else 0, traffic(ins, outs))


def _tiling(combine: str, specs: Specs, attrs: Attrs) -> Tiling:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    left = [i for i in range(specs[0].ndim) if keepdims or i not in axes]
    return Tiling((tuple(
        Contracted(combine) if i in axes else Along(left.index(i)) for i in range(specs[0].ndim)
    ),))  # fmt: skip


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = application.attrs
    axes = tuple(axis + 1 for axis in attrs.integers("axes"))
    return [apply(application.op, inputs, attrs.replace(axes=axes))]


def samples_of_permutations(
    dtypes: Sequence[str],
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make samples of whole numbers without ties, at which an extreme has no derivative."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample((rng.permutation(math.prod(shape)).reshape(shape).astype(dtype),), attrs,
                   dtype[0] in "fc")
            for dtype in dtypes for shape, attrs in SAMPLE_ROWS
        ]  # fmt: skip

    return samples


# Derivatives


def spread(application: Application, reduced: Tensor) -> Tensor:
    """Give what has the output's shape the input's number of axes, so that it broadcasts."""
    axes = application.attrs.integers("axes")
    shape = application.inputs[0].shape
    return call_function("reshape", reduced, [1 if i in axes else d for i, d in enumerate(shape)])


def spread_whole(application: Application, reduced: Tensor) -> Tensor:
    """Repeat what has the output's shape over the axes that were reduced."""
    return call_function("broadcast_to", spread(application, reduced), application.inputs[0].shape)


# Sums and products in a wide dtype


def accumulator(dtype: np.dtype) -> np.dtype:
    """Return the dtype that a floating-point dtype adds up in: one of 32 bits for those of 16."""
    return np.dtype(np.float32) if dtype == np.float16 or is_bfloat16(dtype) else dtype


def wide_infer(specs: Specs, attrs: Attrs) -> Specs:
    """Infer int64 or uint64 for booleans and integers, as NumPy does on 64-bit systems."""
    spec = check_inputs(specs)
    wide = {"b": "int64", "i": "int64", "u": "uint64"}.get(spec.dtype.kind, spec.dtype)
    return (Spec(reduced_shape(spec, attrs), np.dtype(wide)),)


def wide_workspace(infer: Infer, specs: Specs, attrs: Attrs) -> Workspace:
    """Return a wide result for float16, and the buffer that NumPy casts through."""
    (out,) = infer(specs, attrs)
    total = Spec(out.shape, accumulator(out.dtype))
    internal = 0 if total.dtype == specs[0].dtype else CAST_BUFFER * total.dtype.itemsize
    return Workspace(() if total == out else (total,), internal)


_MOST_ONES, _MOST_IN_LINE = 4096, 1024
"""Elements that a product with ones adds up, along the first axes and along the last."""


def wide_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    """Reduce in the wide dtype; for float16 a second call casts."""
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    total = scratch[0] if scratch else outs[0]
    product = None if ufunc is not np.add or scratch else sum_call(ins[0], axes, total)
    if product is not None:
        return [product]
    calls: list[Call] = [(ufunc.reduce, (ins[0], axes, total.dtype, total, keepdims))]
    return [*calls, (np.copyto, (outs[0], total, "same_kind"))] if scratch else calls


def sum_call(x: np.ndarray, axes: tuple[int, ...], out: np.ndarray) -> Call | None:
    """Return the product with ones that sums the first axes or the last ones, where one can.

    It takes a third of the time of NumPy's own sums. Along the last axes these are pairwise, and
    closer where there are many elements; along the first ones they add up row by row.
    """
    first, last = tuple(range(len(axes))), tuple(range(x.ndim - len(axes), x.ndim))
    is_first = axes == first and axes != last
    if x.dtype.char not in "fd" or out.dtype != x.dtype or (axes != last and not is_first):
        return None
    count = math.prod(x.shape[axis] for axis in axes)
    most = _MOST_ONES if is_first else _MOST_IN_LINE
    is_plain = x.flags.c_contiguous and out.flags.c_contiguous and x.size > 0
    if not is_plain or not 1 < count <= most:
        return None
    ones = _ones(count, x.dtype.char)
    if x.size == count:
        return np.dot, (ones, x.reshape(-1), out.reshape(()))
    if is_first:
        return np.dot, (ones, x.reshape(count, -1), out.reshape(-1))
    return np.dot, (x.reshape(-1, count), ones, out.reshape(-1))


@lru_cache(maxsize=256)
def _ones(count: int, dtype: str) -> np.ndarray:
    ones = np.ones(count, dtype)
    ones.setflags(write=False)
    return ones


def wide_reference(ufunc: np.ufunc, x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401
    """Reduce as `numpy.sum` and `numpy.prod` do, float16 in float32."""
    function: Any = np.sum if ufunc is np.add else np.prod
    dtype = np.float32 if x.dtype == np.float16 else None
    total = function(x, attrs.integers("axes"), dtype, keepdims=attrs.flag("keepdims"))
    return total.astype(x.dtype) if dtype else total


# Public functions


def kept(x: Tensor, where: TensorLike | None, other: object) -> Tensor:
    """Return a tensor with another value in the places that a mask leaves out.

    Raises
    ------
    ShapeError
        The mask doesn't broadcast to the tensor.
    """
    if where is None:
        return x
    chosen = call_function("where", where, x, other)
    if chosen.shape != x.shape:
        msg = (f"where= ({user_line()}): a mask must broadcast to {shape_text(x.shape)}, not make "
               f"{shape_text(chosen.shape)} of it")  # fmt: skip
        raise ShapeError(msg)
    return chosen
