"""Positions in the flattened tensor from one index an axis, and back.

All indices that are several at once lead through here: once they are flat positions, one `take`
reads what they point to and one op of `updates` changes it. Each index is checked against its own
axis before it is added up, since (0, 5) of a 3×4 array isn't (1, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import batch_elementwise, elementwise_tiling
from dataflow.errors import ShapeError
from dataflow.operation import Op, Sample, Workspace, register
from dataflow.ops.positions import as_indices, check_int64, counting, index_within, known_indices
from dataflow.ops.shaping import runs_first_axis_first
from dataflow.ops.structure import copy_cost
from dataflow.source import user_line
from dataflow.spec import Spec, as_shape, broadcast_shapes, shape_text
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.dims import DimLike, Shape
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import TensorLike

__all__ = ["ravel_multi_index", "unravel_index"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    dims = as_shape(attrs.dims("dims"))
    attrs.flag("negative")
    if not specs or len(dims) != len(specs):
        msg = f"takes one index for each of {len(dims)} dimensions, not {len(specs)}"
        raise ShapeError(msg)
    for slot, spec in enumerate(specs):
        check_int64(spec, slot)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[0].dtype),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace(specs)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), dims = outs, attrs.integers("dims")
    calls: list[Call] = []
    for indices, counted, length in zip(ins, scratch, dims, strict=True):
        calls += counting(indices, counted, length, negative=attrs.flag("negative"))
    calls.append((np.copyto, (out, scratch[0])))
    for counted, length in zip(scratch[1:], dims[1:], strict=True):
        calls += [(np.multiply, (out, np.asarray(length), out)), (np.add, (out, counted, out))]
    return calls


def _reference(*indices: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - an array or a scalar
    total: Any = 0
    for index, length in zip(indices, attrs.integers("dims"), strict=True):
        total = total * length + np.where(index < 0, index + length, index)
    return total


def _no_cotangents(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    return [None] * len(application.inputs)


def _no_tangent(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    return [None]


def _samples(rng: np.random.Generator) -> list[Sample]:
    rows: list[tuple[list[tuple[int, ...]], tuple[int, ...]]] = [
        ([()], (3,)), ([(0,), ()], (2, 3)), ([(4,), (4,), (4,)], (2, 3, 4)),
        ([(3, 1), (2,)], (4, 5)),
    ]  # fmt: skip
    return [
        Sample(tuple(np.asarray(rng.integers(-n if negative else 0, n, shape))
                     for shape, n in zip(shapes, dims, strict=True)),
               Attrs(dims=dims, negative=negative))
        for shapes, dims in rows for negative in (True, False)
    ]  # fmt: skip


RAVEL_INDEX = register(Op(
    name="ravel_index", label="RavelIndex", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_no_cotangents, jvp=_no_tangent, batch=batch_elementwise, tiling=elementwise_tiling,
    cost=copy_cost, samples=_samples, workspace=_workspace, fallible=True, is_flat=True,
))  # fmt: skip


def flat_positions(
    indices: Sequence[TensorLike], dims: Shape, like: Tensor, *, negative: bool = True
) -> Tensor:
    """Return where indices, one for each dimension, lead in the flattened tensor.

    Parameters
    ----------
    indices : sequence of tensor or array_like
        Integers whose shapes broadcast.
    dims : tuple of int or Dim
        The lengths of the axes that they are along.
    like : Tensor
        A tensor of the builder.
    negative : bool
        Whether negative indices count from the end; else they are out of range.
    """
    if not any(isinstance(index, Tensor) for index in indices):
        arrays = [known_indices(index, n, negative=negative)
                  for index, n in zip(indices, dims, strict=True)]  # fmt: skip
        if all(isinstance(n, int) for n in dims):
            attrs = Attrs(dims=dims, negative=negative)
            return like.builder.constant(_reference(*arrays, attrs=attrs))
    tensors = [as_indices(index, like, n, negative=negative)
               for index, n in zip(indices, dims, strict=True)]  # fmt: skip
    if len(tensors) == 1 and negative:
        return tensors[0]  # what reads it counts negative ones itself
    return apply(RAVEL_INDEX, tensors, Attrs(dims=dims, negative=negative))


@public(np.ravel_multi_index)
def ravel_multi_index(
    multi_index: Sequence[TensorLike], dims: DimLike | Sequence[DimLike],
    mode: str | Sequence[str] = "raise", order: str = "C",
) -> Tensor:  # fmt: skip
    """Return positions in the flattened tensor from one index for each axis.

    Parameters
    ----------
    multi_index : sequence of tensor or array_like
        Integers whose shapes broadcast; at least one is a tensor.
    dims : int, str, Dim, or sequence of them
        The lengths of the axes.
    mode : {"raise", "wrap", "clip"} or a sequence of them, one for each axis
        What becomes of an index out of range, negative ones among them: an error while running,
        the remainder, or the nearest in range.
    order : {"C", "F"}
        Whether the last axis runs fastest or the first.

    Returns
    -------
    Tensor
        int64, of the broadcast shape.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        There isn't one index for each axis, one isn't of integers, or a mode or order is unknown.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> rows = df.GraphBuilder().constant([0, 2])
    >>> df.evaluate(df.ravel_multi_index((rows, [1, 3]), (3, 4)))
    array([ 1, 11])
    """
    if isinstance(multi_index, Tensor):
        multi_index = [multi_index[i] for i in range(len(multi_index))]
    shape, like = as_shape(dims), _example(multi_index)
    modes = [mode] * len(shape) if isinstance(mode, str) else list(mode)
    if not len(multi_index) == len(shape) == len(modes):
        msg = (f"ravel_multi_index ({user_line()}): {len(multi_index)} indices and {len(modes)} "
               f"modes for {len(shape)} dimensions")  # fmt: skip
        raise ShapeError(msg)
    indices = [index_within(index, n, how, like, negative=False)
               for index, n, how in zip(multi_index, shape, modes, strict=True)]  # fmt: skip
    step = -1 if runs_first_axis_first(order, "ravel_multi_index") else 1
    return flat_positions(indices[::step], shape[::step], like, negative=False)


def _example(indices: Sequence[TensorLike]) -> Tensor:
    builder_of(*indices)
    return next(index for index in indices if isinstance(index, Tensor))


@public(np.unravel_index)
def unravel_index(
    indices: Tensor, shape: DimLike | Sequence[DimLike], order: str = "C"
) -> tuple[Tensor, ...]:
    """Return for positions in a flattened tensor the index along each of its axes.

    Parameters
    ----------
    indices : Tensor
        Integers of any shape, at least 0 and below the number of elements.
    shape : int, str, Dim, or sequence of them
        The tensor's shape.
    order : {"C", "F"}
        Whether the last axis runs fastest or the first.

    Returns
    -------
    tuple of Tensor
        int64, one for each axis, of the shape of `indices`.

    Raises
    ------
    DTypeError, GraphError
        The indices aren't integers, or the order is unknown.
    KernelError
        While running: an index is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> places = df.GraphBuilder().constant([1, 11])
    >>> df.evaluate(*df.unravel_index(places, (3, 4)))
    (array([0, 2]), array([1, 3]))
    """
    dims = as_shape(shape)
    step = -1 if runs_first_axis_first(order, "unravel_index") else 1
    if not dims:
        msg = f"unravel_index ({user_line()}) of a shape without axes {shape_text(dims)}"
        raise ShapeError(msg)
    left = flat_positions([indices], (product(dims),), indices, negative=False)
    found: list[Tensor] = []
    for length in dims[::step][:0:-1]:
        size = left.builder.size_of((length,), np.int64)
        found.append(left % size)
        left = left // size
    return tuple([*found, left][::-step])
