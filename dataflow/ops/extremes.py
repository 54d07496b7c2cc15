"""Reductions that search: the maximum and minimum over axes. Ties share the gradient equally."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.dispatch import also_named, public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.reducing import (
    accumulator,
    kept,
    reduce_kernel,
    reduced_shape,
    reduction,
    samples_of_permutations,
    spread,
)
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import reduced_axes
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.operation import Application, Op, Specs
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["amax", "amin", "aminmax", "max", "min", "ptp"]


def _extreme_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order, so no maximum or minimum"
        raise DTypeError(msg)
    shape = reduced_shape(spec, attrs)
    if any(spec.shape[axis] == 0 for axis in attrs.integers("axes")):
        msg = "the maximum or minimum along an axis of length 0 doesn't exist"
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _extreme_reference(ufunc: np.ufunc, x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401
    return ufunc.reduce(x, attrs.integers("axes"), keepdims=attrs.flag("keepdims"))


def _shares(application: Application) -> Tensor:
    """Return the derivative of an extreme: 1 where it is taken, 1/n at each of n ties."""
    (x,), (extreme,) = application.inputs, application.outputs
    taken = call_function("equal", x, spread(application, extreme))
    taken = taken.astype(accumulator(x.dtype))
    axes = application.attrs.integers("axes")
    shares = taken / call_function("sum", taken, axis=axes, keepdims=True)
    return shares.astype(x.dtype)


def _spread_shares(application: Application, cotangent: Tensor) -> Tensor:
    return _shares(application) * spread(application, cotangent)


def _sum_shares(application: Application, tangent: Tensor) -> Tensor:
    attrs, change = application.attrs, _shares(application) * tangent
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    return call_function("sum", change, axis=axes, keepdims=keepdims)


def _extreme(name: str, ufunc: np.ufunc) -> Op:
    return reduction(
        name, name.capitalize(), infer=_extreme_infer, kernel=partial(reduce_kernel, ufunc),
        reference=partial(_extreme_reference, ufunc), maps=(_spread_shares, _sum_shares),
        combine=ufunc.__name__, samples=samples_of_permutations(("bool", *INTEGERS, *FLOATS)),
    )  # fmt: skip


MAX = _extreme("max", np.maximum)
MIN = _extreme("min", np.minimum)


@public(np.max, np.amax)
def max(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: TensorLike | None = None,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the maximum over axes; NaN where one is among the elements.

    The gradient is shared equally among ties.

    Parameters
    ----------
    x : Tensor
        Any shape; booleans, integers or floats.
    axis : int or sequence of int, optional
        The axes to search; by default all.
    keepdims : bool
        Whether the axes stay, with length 1.
    initial : tensor or number, optional
        The least that the result can be; the result where there are no elements.
    where : tensor or array of bool, optional
        Which elements to search, beside `initial`; it must broadcast to `x`.

    Raises
    ------
    ShapeError
        An axis is out of range, named twice, or of length 0 without `initial`.
    DTypeError
        The tensor is complex.
    GraphError
        There is a mask, but nothing to begin with.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.max(x, axis=0))
    array([3, 4])
    """
    return _extreme_of(MAX, x, axis, initial, where, keepdims=keepdims)


@public(np.min, np.amin)
def min(
    x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: TensorLike | None = None,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the minimum over axes; see `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.min(x, axis=0))
    array([1, 2])
    """
    return _extreme_of(MIN, x, axis, initial, where, keepdims=keepdims)


amax = also_named(max, "amax")
amin = also_named(min, "amin")


def _extreme_of(
    op: Op, x: Tensor, axis: Axis, initial: TensorLike | None, where: TensorLike | None,
    *, keepdims: bool,
) -> Tensor:  # fmt: skip
    attrs = Attrs(axes=reduced_axes(axis, x.ndim), keepdims=keepdims)
    if initial is None:
        if where is not None and where is not True:
            msg = f"{op.name} ({user_line()}): where= leaves nothing to begin with: give initial="
            raise GraphError(msg)
        return apply(op, (x,), attrs)
    first = as_tensor(initial, x).astype(x.dtype)
    if 0 in x.shape:
        return call_function("broadcast_to", first, reduced_shape(x.spec, attrs))
    found = apply(op, (kept(x, where, first),), attrs)
    return call_function("maximum" if op is MAX else "minimum", found, first)


@public(np.ptp)
def ptp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Return the maximum less the minimum over axes, in the dtype of `x`; see `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.ptp(x, axis=0))
    array([2, 2])
    """
    return max(x, axis, keepdims=keepdims) - min(x, axis, keepdims=keepdims)


@public()
def aminmax(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Return the minimum and the maximum over axes, as `torch.aminmax` does; see `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(*df.aminmax(x, axis=0))
    (array([1, 2]), array([3, 4]))
    """
    return min(x, axis, keepdims=keepdims), max(x, axis, keepdims=keepdims)
