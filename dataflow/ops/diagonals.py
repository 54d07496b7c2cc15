"""Diagonals of matrices: `diagonal`, always a view, and its reverse that puts one among zeros.

A step along a diagonal is a step along both axes, so its stride is the sum of theirs. The op
`put_diagonal` makes zeros and writes into that view of them; each is the other's derivative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import Dim, dim_max, is_size
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import ShapeError
from dataflow.operation import (
    WHOLE,
    Alias,
    Along,
    Application,
    Array,
    Arrays,
    Call,
    Op,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.reductions import sum as sum_
from dataflow.ops.structure import (
    again,
    as_integer,
    check_inputs,
    copy_cost,
    samples_of,
    slice_shape,
)
from dataflow.shapes import normal_axes, normal_axis
from dataflow.spec import Spec, as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = ["diagonal", "trace"]


def _diagonal_shape(shape: Shape, attrs: Attrs) -> Shape:
    """Return the shape without the two axes, and the diagonal's length at the end."""
    first, second = attrs.integer("axis1"), attrs.integer("axis2")
    if first == second or not all(0 <= axis < len(shape) for axis in (first, second)):
        msg = f"axes {first} and {second} must be two different ones of {shape_text(shape)}"
        raise ShapeError(msg)
    offset = attrs.integer("offset")
    length = _shorter(shape[first] - max(-offset, 0), shape[second] - max(offset, 0))
    rest = (dim for i, dim in enumerate(shape) if i not in (first, second))
    is_plain = offset == 0 or is_size(length)
    return (*rest, length if is_plain else dim_max(length, 0))


def _shorter(a: int | Dim, b: int | Dim) -> int | Dim:
    apart = a - b
    if isinstance(apart, Dim):
        return dim_max(a * -1, b * -1) * -1
    return a if apart <= 0 else b


def _view_of(array: Array, attrs: Attrs) -> Array:
    """Return the diagonal as a view that can be written to, unlike NumPy's."""
    axes, offset = (attrs.integer("axis1"), attrs.integer("axis2")), attrs.integer("offset")
    matrices = np.moveaxis(array, axes, (-2, -1))
    from_ = matrices[..., max(-offset, 0) :, max(offset, 0) :]
    strides = (*from_.strides[:-2], from_.strides[-2] + from_.strides[-1])
    return as_strided(from_, (*from_.shape[:-2], min(from_.shape[-2:])), strides)


_PLACES = [((0, 2), 0, 0, 1), ((3, 0), -1, 0, 1), ((3, 3), 1, 1, 0), ((2, 4), -5, 0, 1),
           ((4, 3), -1, 0, 1), ((3, 2, 4), 1, 2, 0)]  # fmt: skip


def _attrs_of(offset: int, axis1: int, axis2: int) -> Attrs:
    return Attrs(offset=offset, axis1=axis1, axis2=axis2)


# diagonal


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    return (spec.with_shape(_diagonal_shape(spec.shape, attrs)),)


def _view(array: Array, spec: Spec, attrs: Attrs) -> Array:
    return _view_of(array, attrs)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(np.copyto, (outs[0], _view_of(ins[0], attrs)))]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.diagonal(x, attrs.integer("offset"), attrs.integer("axis1"), attrs.integer("axis2"))


def _put(application: Application, change: Tensor) -> Tensor:
    attrs = application.attrs.replace(shape=application.inputs[0].shape)
    return apply(PUT_DIAGONAL, (change,), attrs)


def _shifted(attrs: Attrs) -> Attrs:
    return attrs.replace(axis1=attrs.integer("axis1") + 1, axis2=attrs.integer("axis2") + 1)


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    return [apply(DIAGONAL, inputs, _shifted(application.attrs))]


def _rest(ndim: int, attrs: Attrs) -> list[int]:
    return [i for i in range(ndim) if i not in (attrs.integer("axis1"), attrs.integer("axis2"))]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    rest = _rest(specs[0].ndim, attrs)
    return Tiling((tuple(
        Along(rest.index(i)) if i in rest else WHOLE for i in range(specs[0].ndim)
    ),))  # fmt: skip


DIAGONAL = register(Op(
    name="diagonal", label="Diagonal", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=maps_vjp((_put,)), jvp=maps_jvp((again,)), batch=_batch, tiling=_tiling, cost=copy_cost,
    alias=Alias(0, _view),
    samples=samples_of([([shape], _attrs_of(*place)) for shape, *place in _PLACES]),
    moves=True,
))  # fmt: skip


@public(np.diagonal)
def diagonal(x: Tensor, /, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return a view of the elements at which two axes have the same index.

    Parameters
    ----------
    x : Tensor
        At least two axes.
    offset : int
        How far the diagonal lies above the main one; below, if negative.
    axis1, axis2 : int
        The rows and the columns.

    Returns
    -------
    Tensor
        Without these axes, and with the diagonal as the last one.

    Raises
    ------
    ShapeError
        An axis is out of range, or both are one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.diagonal(x)), df.evaluate(df.diagonal(x, 1))
    (array([1, 4]), array([2]))
    """
    first, second = plane_of(axis1, axis2, x.ndim)
    attrs = _attrs_of(as_integer(offset, "the offset of a diagonal"), first, second)
    return apply(DIAGONAL, (x,), attrs)


def plane_of(axis1: int, axis2: int, ndim: int) -> tuple[int, int]:
    """Return two axes counted from the front; `ShapeError` where they are one."""
    normal_axes((axis1, axis2), ndim)  # refuses one axis twice
    return normal_axis(axis1, ndim), normal_axis(axis2, ndim)


# put_diagonal


def _put_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, shape = check_inputs(specs), as_shape(attrs.dims("shape"))
    needed = _diagonal_shape(shape, attrs)
    if spec.shape != needed:
        msg = (f"{shape_text(spec.shape)} isn't a diagonal of {shape_text(shape)}, which is "
               f"{shape_text(needed)}")  # fmt: skip
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _put_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return [(outs[0].fill, (0,)), (np.copyto, (_view_of(outs[0], attrs), ins[0]))]


def _put_reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    out = np.zeros(attrs.integers("shape"), x.dtype)
    _view_of(out, attrs)[...] = x
    return out


def _cut(application: Application, change: Tensor) -> Tensor:
    attrs = application.attrs
    places = (attrs.integer(name) for name in ("offset", "axis1", "axis2"))
    return apply(DIAGONAL, (change,), _attrs_of(*places))


def _put_batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = application.attrs
    shape = (size, *attrs.dims("shape"))
    return [apply(PUT_DIAGONAL, inputs, _shifted(attrs).replace(shape=shape))]


def _put_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    rest = _rest(specs[0].ndim + 1, attrs)
    return Tiling(((*map(Along, rest), WHOLE),), slice_attrs=slice_shape)


PUT_DIAGONAL = register(Op(
    name="put_diagonal", label="PutDiagonal", infer=_put_infer, kernel=_put_kernel,
    reference=_put_reference, vjp=maps_vjp((_cut,)), jvp=maps_jvp((again,)), batch=_put_batch,
    tiling=_put_tiling, cost=copy_cost,
    samples=samples_of([
        ([Spec(_diagonal_shape(shape, _attrs_of(*place)), np.dtype(bool)).static_shape],
         _attrs_of(*place).replace(shape=shape)) for shape, *place in _PLACES
    ]),
    moves=True,
))  # fmt: skip


def put_diagonal(x: Tensor, shape: Shape, offset: int, axis1: int, axis2: int) -> Tensor:
    """Return zeros of a shape but for one diagonal, the last axis of `x`; see `diagonal`."""
    return apply(PUT_DIAGONAL, (x,), _attrs_of(offset, axis1, axis2).replace(shape=shape))


@public(np.trace)
def trace(
    x: Tensor, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: object = None
) -> Tensor:
    """Return the sum along a diagonal; see `diagonal` and `sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.trace(df.GraphBuilder().constant([[1, 2], [3, 4]])))
    array(5)
    """
    return sum_(diagonal(x, offset, axis1, axis2), -1, dtype)
