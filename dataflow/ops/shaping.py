"""Shapes: the same elements under other axes. Each of these is a view wherever strides allow one.

Where they don't, the kernel copies. Expanding and squeezing are reshapes, so that there is one op
to slice, batch and differentiate; swapping and moving axes are transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.derive import apply, normal_axes, normal_axis, sum_to, traffic
from dataflow.dims import Dim, DimLike, exact_quotient, product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.op import (
    WHOLE,
    Alias,
    Along,
    Application,
    Arrays,
    AxisUse,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    register,
)
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, as_shape, broadcast_shapes, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = [
    "broadcast_to", "expand_dims", "moveaxis", "reshape", "squeeze", "stop_gradient", "swapaxes",
    "transpose",
]  # fmt: skip


def _one(specs: Specs) -> Spec:
    if len(specs) != 1:
        msg = f"takes 1 input, not {len(specs)}"
        raise ShapeError(msg)
    return specs[0]


def _copy_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(0, traffic(ins, outs))


def _slice_shape(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    shape = attrs.dims("shape")
    return attrs.replace(shape=(*shape[:axis], stop - start, *shape[axis + 1 :]))


def _samples(
    rows: Sequence[tuple[tuple[int, ...], Attrs]],
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make samples of every row in float64, and of the last row in every dtype."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = [(*row, "float64") for row in rows] + [(*rows[-1], dtype) for dtype in DTYPES]
        return [
            Sample((rng.uniform(-3, 3, shape).astype(dtype),), attrs, dtype[0] == "f")
            for shape, attrs, dtype in cases
        ]

    return samples


# reshape


def _reshape_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = _one(specs), as_shape(attrs.dims("shape"))
    if spec.size != product(shape):
        msg = (f"can't reshape {shape_text(spec.shape)} to {shape_text(shape)}: it has {spec.size} "
               f"elements, not {product(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _reshape_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array.reshape(spec.static_shape, copy=False)


def _reshape_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    # Where the input has no view in the output's shape, the output has one in the input's.
    (out,), (x,) = outs, ins
    try:
        return [(np.copyto, (out.reshape(x.shape, copy=False), x))]
    except ValueError:
        return [(np.copyto, (out, x.reshape(out.shape, copy=False)))]


def _reshape_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.reshape(attrs.integers("shape"))


def _reshape_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Any]:
    (cotangent,) = cotangents
    return [None if cotangent is None else reshape(cotangent, application.inputs[0].shape)]


def _reshape_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Any]:
    (tangent,) = tangents
    return [None if tangent is None else reshape(tangent, application.outputs[0].shape)]


def _reshape_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [reshape(inputs[0], (size, *application.outputs[0].shape))]


def _reshape_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Map an axis that is neither split nor merged: as long, with as many elements before it."""
    shape, target = specs[0].static_shape, attrs.integers("shape")
    uses: list[AxisUse] = []
    free = 0  # the first output axis that no input axis maps to yet
    for i, length in enumerate(shape):
        place = (product(shape[:i]), length)
        later = range(free, len(target))
        axis = next((j for j in later if (product(target[:j]), target[j]) == place), None)
        uses.append(WHOLE if axis is None else Along(axis))
        free = free if axis is None else axis + 1
    return Tiling((tuple(uses),), slice_attrs=_slice_shape)


RESHAPE = register(Op(
    name="reshape", label="Reshape", infer=_reshape_infer, kernel=_reshape_kernel,
    reference=_reshape_reference, vjp=_reshape_vjp, jvp=_reshape_jvp, batch=_reshape_batch,
    tiling=_reshape_tiling, cost=_copy_cost, alias=Alias(0, _reshape_view),
    samples=_samples([
        ((), Attrs(shape=(1, 1))), ((0, 3), Attrs(shape=(0,))), ((3, 4), Attrs(shape=(3, 2, 2))),
        ((2, 3, 4), Attrs(shape=(6, 4))),
    ]),
))  # fmt: skip


@public(np.reshape)
def reshape(x: Tensor, shape: DimLike | Sequence[DimLike]) -> Tensor:
    """Return the same elements, in row-major order, in another shape.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    shape : int, str, Dim, or sequence of them
        One may be -1: what is left over, an expression where the dimensions are named.

    Returns
    -------
    Tensor
        A view where the strides allow one.

    Raises
    ------
    ShapeError
        The numbers of elements differ, or what is left over is no whole number.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 8, 8))
    >>> df.reshape(x, (-1, 64)).shape
    (Dim('batch'), 64)
    """
    target = _without_unknown(x, shape)
    return x if target == x.shape else apply(RESHAPE, (x,), Attrs(shape=target))


def _without_unknown(x: Tensor, shape: Any) -> Shape:  # noqa: ANN401 - checked by as_shape
    items = list(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else [shape]
    unknown = [i for i, dim in enumerate(items) if isinstance(dim, int) and dim == -1]
    if len(unknown) > 1:
        msg = f"reshape to {tuple(items)} ({user_line()}): only one dimension can be -1"
        raise ShapeError(msg)
    for i in unknown:
        rest = product(as_shape([*items[:i], *items[i + 1 :]]))
        left = exact_quotient(x.spec.size, rest)
        if left is None:
            msg = (f"reshape of {shape_text(x.shape)} to {tuple(items)} ({user_line()}): "
                   f"{x.spec.size} elements aren't divisible by {rest}")  # fmt: skip
            raise ShapeError(msg)
        items[i] = left
    return as_shape(items)


@public(np.expand_dims)
def expand_dims(x: Tensor, axis: int | Sequence[int]) -> Tensor:
    """Return a tensor with new axes of length 1 at these places of the result.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().zeros((2, 3))
    >>> df.expand_dims(x, (0, -1)).shape
    (1, 2, 3, 1)
    """
    count = len(axis) if isinstance(axis, Sequence) else 1
    new = normal_axes(axis, x.ndim + count)
    left = iter(x.shape)
    return reshape(x, [1 if i in new else next(left) for i in range(x.ndim + count)])


@public(np.squeeze)
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """Return a tensor without axes of length 1: these, or all.

    Raises
    ------
    ShapeError
        An axis isn't of length 1; one with a name never counts as such.

    Examples
    --------
    >>> import dataflow as df
    >>> df.squeeze(df.GraphBuilder().zeros((1, 3, 1))).shape
    (3,)
    """
    ones = tuple(i for i, dim in enumerate(x.shape) if dim == 1)
    axes = ones if axis is None else normal_axes(axis, x.ndim)
    for i in axes:
        if i not in ones:
            msg = (f"squeeze of {shape_text(x.shape)} ({user_line()}): axis {i} has length "
                   f"{x.shape[i]}, not 1")  # fmt: skip
            raise ShapeError(msg)
    return reshape(x, [dim for i, dim in enumerate(x.shape) if i not in axes])


# broadcast_to


def _broadcast_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = _one(specs), as_shape(attrs.dims("shape"))
    if spec.ndim > len(shape) or broadcast_shapes([spec.shape, shape]) != shape:
        msg = f"{shape_text(spec.shape)} doesn't broadcast to {shape_text(shape)}"
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _broadcast_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return np.broadcast_to(array, spec.static_shape)


def _copy_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0]))]


def _broadcast_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.broadcast_to(x, attrs.integers("shape"))


def _broadcast_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Any]:
    (cotangent,) = cotangents
    return [None if cotangent is None else sum_to(cotangent, application.inputs[0].shape)]


def _broadcast_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Any]:
    (tangent,) = tangents
    return [None if tangent is None else broadcast_to(tangent, application.outputs[0].shape)]


def _broadcast_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    (x,), shape = inputs, application.outputs[0].shape
    new = [1] * (len(shape) + 1 - x.ndim)
    return [broadcast_to(reshape(x, (size, *new, *x.shape[1:])), (size, *shape))]


def _broadcast_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    shape, target = specs[0].shape, attrs.integers("shape")
    first = len(target) - len(shape)
    stretched = {first + i for i, dim in enumerate(shape) if dim != target[first + i]}
    uses = [WHOLE if first + i in stretched else Along(first + i) for i in range(len(shape))]
    return Tiling((tuple(uses),), (*range(first), *sorted(stretched)), _slice_shape)


BROADCAST_TO = register(Op(
    name="broadcast_to", label="BroadcastTo", infer=_broadcast_infer, kernel=_copy_kernel,
    reference=_broadcast_reference, vjp=_broadcast_vjp, jvp=_broadcast_jvp, batch=_broadcast_batch,
    tiling=_broadcast_tiling, cost=_copy_cost, alias=Alias(0, _broadcast_view),
    samples=_samples([
        ((), Attrs(shape=())), ((), Attrs(shape=(2, 3))), ((0, 3), Attrs(shape=(2, 0, 3))),
        ((3, 1), Attrs(shape=(2, 3, 4))),
    ]),
))  # fmt: skip


@public(np.broadcast_to)
def broadcast_to(x: Tensor, shape: DimLike | Sequence[DimLike]) -> Tensor:
    """Return a tensor repeated along new leading axes and along its axes of length 1.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    shape : int, str, Dim, or sequence of them
        The result's shape; an axis with a name never counts as one of length 1.

    Raises
    ------
    ShapeError
        NumPy's broadcasting rules don't lead from the tensor's shape to this one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1], [2]])
    >>> df.evaluate(df.broadcast_to(x, (2, 3)))
    array([[1, 1, 1],
           [2, 2, 2]])
    """
    target = as_shape(shape)
    return x if target == x.shape else apply(BROADCAST_TO, (x,), Attrs(shape=target))


# transpose


def _transpose_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, axes = _one(specs), attrs.integers("axes")
    if sorted(axes) != list(range(spec.ndim)):
        msg = f"axes {axes} must name each of the {spec.ndim} axes once"
        raise ShapeError(msg)
    return (spec.with_shape(tuple(spec.shape[axis] for axis in axes)),)


def _transpose_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array.transpose(attrs.integers("axes"))


def _transpose_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], ins[0].transpose(attrs.integers("axes"))))]


def _transpose_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x.transpose(attrs.integers("axes"))


def _transpose_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Any]:
    (cotangent,), axes = cotangents, application.attrs.integers("axes")
    back = tuple(axes.index(i) for i in range(len(axes)))
    return [None if cotangent is None else transpose(cotangent, back)]


def _transpose_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Any]:
    (tangent,) = tangents
    axes = application.attrs.integers("axes")
    return [None if tangent is None else transpose(tangent, axes)]


def _transpose_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    axes = application.attrs.integers("axes")
    return [transpose(inputs[0], (0, *(axis + 1 for axis in axes)))]


def _transpose_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    axes = attrs.integers("axes")
    return Tiling((tuple(Along(axes.index(i)) for i in range(len(axes))),))


TRANSPOSE = register(Op(
    name="transpose", label="Transpose", infer=_transpose_infer, kernel=_transpose_kernel,
    reference=_transpose_reference, vjp=_transpose_vjp, jvp=_transpose_jvp, batch=_transpose_batch,
    tiling=_transpose_tiling, cost=_copy_cost, alias=Alias(0, _transpose_view),
    samples=_samples([
        ((), Attrs(axes=())), ((0, 3), Attrs(axes=(1, 0))), ((2, 3, 4), Attrs(axes=(1, 2, 0))),
    ]),
))  # fmt: skip


@public(np.transpose, np.permute_dims)
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return a view with the axes in another order.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axes : sequence of int, optional
        For each axis of the result, the one it was; by default in reverse order.

    Raises
    ------
    ShapeError
        An axis is out of range, missing or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> df.transpose(df.GraphBuilder().zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    order = range(x.ndim)[::-1] if axes is None else [normal_axis(a, x.ndim) for a in axes]
    return apply(TRANSPOSE, (x,), Attrs(axes=tuple(order)))


@public(np.swapaxes)
def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    """Return a view with two axes swapped.

    Raises
    ------
    ShapeError
        An axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> df.swapaxes(df.GraphBuilder().zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    order = list(range(x.ndim))
    first, second = normal_axis(axis1, x.ndim), normal_axis(axis2, x.ndim)
    order[first], order[second] = order[second], order[first]
    return transpose(x, order)


@public(np.moveaxis)
def moveaxis(x: Tensor, source: int, destination: int) -> Tensor:
    """Return a view with one axis moved to another place.

    Raises
    ------
    ShapeError
        An axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> df.moveaxis(df.GraphBuilder().zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    order = list(range(x.ndim))
    order.remove(normal_axis(source, x.ndim))
    order.insert(normal_axis(destination, x.ndim), normal_axis(source, x.ndim))
    return transpose(x, order)


# stop_gradient


def _stop_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (_one(specs),)


def _stop_view(array: np.ndarray, spec: Spec, attrs: Attrs) -> np.ndarray:
    return array


def _stop_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return x


def _no_change(application: Application, changes: Sequence[Tensor | None]) -> list[None]:
    return [None]


def _stop_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [stop_gradient(inputs[0])]


def _stop_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling((tuple(map(Along, range(specs[0].ndim))),))


def _stop_samples(rng: np.random.Generator) -> list[Sample]:
    # Not smooth: the derivative is zero by decree, not the one that finite differences show.
    made = _samples([((), Attrs()), ((0, 3), Attrs()), ((3, 4), Attrs())])(rng)
    return [Sample(sample.inputs, smooth=False) for sample in made]


STOP_GRADIENT = register(Op(
    name="stop_gradient", label="StopGradient", infer=_stop_infer, kernel=_copy_kernel,
    reference=_stop_reference, vjp=_no_change, jvp=_no_change, batch=_stop_batch,
    tiling=_stop_tiling, cost=_copy_cost, alias=Alias(0, _stop_view), samples=_stop_samples,
))  # fmt: skip


@public()
def stop_gradient(x: Tensor) -> Tensor:
    """Return the same values as a tensor that no gradient passes through.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2,), requires_grad=True)
    >>> df.stop_gradient(x).requires_grad
    False
    """
    with x.builder.no_grad():
        return apply(STOP_GRADIENT, (x,))
