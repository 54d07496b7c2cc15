"""Reductions: axes added up, averaged, or searched for their extremes.

A reduction runs as the raw ``ufunc.reduce`` with a positional ``out``: `numpy.sum` costs three
times as much on small arrays. float16 adds up in float32, since 70,000 ones are inf in float16.

`mean` divides by its attribute ``count``, not by the length that it sees: so the means of slices
add up to the whole one, and a loss that is a mean can be computed slice by slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import LinearMap, maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import (
    Along,
    Application,
    Arrays,
    Call,
    Contracted,
    Cost,
    Kernel,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.structure import check_inputs, single_dim
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.shapes import normal_axes
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = ["max", "mean", "min", "sum"]

_Infer: TypeAlias = Callable[[Specs, Attrs], Specs]
_CAST_BUFFER = 8192 + 64
"""Elements that NumPy's buffer holds when it reduces one dtype in another."""


# What they share


def _reduced(spec: Spec, attrs: Attrs) -> Shape:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    if list(axes) != sorted({*axes}) or not all(0 <= axis < spec.ndim for axis in axes):
        msg = f"axes {axes} must be ascending and below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    kept = ((i, 1 if i in axes else dim) for i, dim in enumerate(spec.shape))
    return tuple(dim for i, dim in kept if keepdims or i not in axes)


def _spread(application: Application, reduced: Tensor) -> Tensor:
    """Give what has the output's shape the input's number of axes, so that it broadcasts."""
    axes = application.attrs.integers("axes")
    shape = application.inputs[0].shape
    return call_function("reshape", reduced, [1 if i in axes else d for i, d in enumerate(shape)])


def _spread_whole(application: Application, reduced: Tensor) -> Tensor:
    spread = _spread(application, reduced)
    return call_function("broadcast_to", spread, application.inputs[0].shape)


def _again(application: Application, change: Tensor) -> Tensor:
    return apply(application.op, (change,), application.attrs)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(size if isinstance(size, int) else 0, traffic(ins, outs))


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


def _samples(dtypes: Sequence[str], name: str, rng: np.random.Generator) -> list[Sample]:
    rows: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = [
        ((), (), False), ((3, 0), (0,), False), ((2, 3, 4), (0, 2), True), ((3, 4), (), False),
        ((3, 4), (0, 1), False), ((3, 4), (1,), False),
    ]  # fmt: skip
    made = []
    for dtype in dtypes:
        for shape, axes, keepdims in rows:
            # A permutation has no ties, at which an extreme has no derivative.
            x = rng.permutation(np.prod(shape, dtype=int)).reshape(shape)
            attrs = Attrs(axes=axes, keepdims=keepdims)
            if name == "mean":
                attrs = attrs.replace(count=(product(shape[axis] for axis in axes),))
            made.append(Sample((x.astype(dtype),), attrs, dtype[0] in "fc"))
    return made


def _reduction(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, *, infer: _Infer, kernel: Kernel,
    reference: Callable[..., Any], maps: tuple[LinearMap, LinearMap], combine: str,
    dtypes: Sequence[str], workspace: Callable[[Specs, Attrs], Workspace] | None = None,
) -> Op:  # fmt: skip
    """Declare a reduction; `maps` pull a cotangent back and push a tangent forward."""
    back, forth = maps
    return register(Op(
        name=name, label=label, infer=infer, kernel=kernel, reference=reference,
        vjp=maps_vjp((back,)), jvp=maps_jvp((forth,)), batch=_batch,
        tiling=partial(_tiling, combine), cost=_cost, samples=partial(_samples, dtypes, name),
        workspace=workspace or (lambda specs, attrs: Workspace()),
    ))  # fmt: skip


# sum and mean: added up in a wide dtype


def _accumulator(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _sum_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    wide = {"b": "int64", "i": "int64", "u": "uint64"}.get(spec.dtype.kind, spec.dtype)
    return (Spec(_reduced(spec, attrs), np.dtype(wide)),)


def _mean_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    single_dim(attrs, "count")
    dtype = np.dtype(np.float64) if spec.dtype.kind in "biu" else spec.dtype
    return (Spec(_reduced(spec, attrs), dtype),)


def _sum_workspace(infer: _Infer, specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = infer(specs, attrs)
    total = Spec(out.shape, _accumulator(out.dtype))
    internal = 0 if total.dtype == specs[0].dtype else _CAST_BUFFER * total.dtype.itemsize
    return Workspace(() if total == out else (total,), internal)


def _sum_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    total = scratch[0] if scratch else outs[0]
    calls: list[Call] = [(np.add.reduce, (ins[0], axes, total.dtype, total, keepdims))]
    return [*calls, (np.copyto, (outs[0], total, "same_kind"))] if scratch else calls


def _mean_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    total = scratch[0] if scratch else outs[0]
    count = np.asarray(attrs.integers("count")[0], total.dtype)
    adding, *casting = _sum_kernel(outs, ins, scratch, attrs)
    return [adding, (np.true_divide, (total, count, total)), *casting]


def _sum_reference(x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - NumPy's scalar or array
    dtype = np.float32 if x.dtype == np.float16 else None
    total = np.sum(x, attrs.integers("axes"), dtype, keepdims=attrs.flag("keepdims"))
    return total.astype(x.dtype) if dtype else total


def _mean_reference(x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - NumPy's scalar or array
    dtype = {"b": np.float64, "i": np.float64, "u": np.float64}.get(x.dtype.kind)
    wide = np.float32 if x.dtype == np.float16 else dtype
    total = np.sum(x, attrs.integers("axes"), wide, keepdims=attrs.flag("keepdims"))
    return np.asarray(total / attrs.integers("count")[0]).astype(dtype or x.dtype)


def _spread_mean(application: Application, cotangent: Tensor) -> Tensor:
    wide = _accumulator(cotangent.dtype)  # float16 ends at 65504 elements
    count = cotangent.builder.size_of(application.attrs.dims("count"), wide)
    share = (cotangent.astype(wide) / count).astype(cotangent.dtype)
    return _spread_whole(application, share)


SUM = _reduction(
    "sum", "Sum", infer=_sum_infer, kernel=_sum_kernel, reference=_sum_reference,
    maps=(_spread_whole, _again), combine="add", dtypes=DTYPES,
    workspace=partial(_sum_workspace, _sum_infer),
)  # fmt: skip

MEAN = _reduction(
    "mean", "Mean", infer=_mean_infer, kernel=_mean_kernel, reference=_mean_reference,
    maps=(_spread_mean, _again), combine="add", dtypes=DTYPES,
    workspace=partial(_sum_workspace, _mean_infer),
)  # fmt: skip


@public(np.sum)
def sum(x: Tensor, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the sum over axes.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int or sequence of int, optional
        The axes to add up; by default all.
    keepdims : bool
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        Booleans and integers add up to int64 or uint64, float16 in float32 inside.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.sum(x, axis=0))
    array([4, 6])
    """
    return apply(SUM, (x,), Attrs(axes=normal_axes(axis, x.ndim), keepdims=keepdims))


@public(np.mean)
def mean(x: Tensor, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the mean over axes; of booleans and integers in float64.

    See `sum` for the parameters and errors. The mean of nothing is NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.mean(x, axis=0))
    array([2., 3.], dtype=float32)
    """
    axes = normal_axes(axis, x.ndim)
    count = product(x.shape[i] for i in axes)
    return apply(MEAN, (x,), Attrs(axes=axes, keepdims=keepdims, count=(count,)))


# max and min: ties share the gradient equally


def _extreme_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order, so no maximum or minimum"
        raise DTypeError(msg)
    shape = _reduced(spec, attrs)
    if any(spec.shape[axis] == 0 for axis in attrs.integers("axes")):
        msg = "the maximum or minimum along an axis of length 0 doesn't exist"
        raise ShapeError(msg)
    return (spec.with_shape(shape),)


def _extreme_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    return [(ufunc.reduce, (ins[0], axes, None, outs[0], keepdims))]


def _extreme_reference(ufunc: np.ufunc, x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401
    return ufunc.reduce(x, attrs.integers("axes"), keepdims=attrs.flag("keepdims"))


def _shares(application: Application) -> Tensor:
    """Return the derivative of an extreme: 1 where it is taken, 1/n at each of n ties."""
    (x,), (extreme,) = application.inputs, application.outputs
    taken = call_function("equal", x, _spread(application, extreme))
    taken = taken.astype(_accumulator(x.dtype))
    shares = taken / sum(taken, application.attrs.integers("axes"), keepdims=True)
    return shares.astype(x.dtype)


def _spread_shares(application: Application, cotangent: Tensor) -> Tensor:
    return _shares(application) * _spread(application, cotangent)


def _sum_shares(application: Application, tangent: Tensor) -> Tensor:
    attrs = application.attrs
    return sum(
        _shares(application) * tangent, attrs.integers("axes"), keepdims=attrs.flag("keepdims")
    )


def _extreme(name: str, ufunc: np.ufunc) -> Op:
    return _reduction(
        name, name.capitalize(), infer=_extreme_infer, kernel=partial(_extreme_kernel, ufunc),
        reference=partial(_extreme_reference, ufunc), maps=(_spread_shares, _sum_shares),
        combine=ufunc.__name__, dtypes=("bool", *INTEGERS, *FLOATS),
    )  # fmt: skip


MAX = _extreme("max", np.maximum)
MIN = _extreme("min", np.minimum)


@public(np.max, np.amax)
def max(x: Tensor, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the maximum over axes; NaN where one is among the elements.

    See `sum` for the parameters. The gradient is shared equally among ties.

    Raises
    ------
    ShapeError
        An axis is out of range, named twice, or of length 0.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.max(x, axis=0))
    array([3, 4])
    """
    return apply(MAX, (x,), Attrs(axes=normal_axes(axis, x.ndim), keepdims=keepdims))


@public(np.min, np.amin)
def min(x: Tensor, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the minimum over axes; see `max`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 4], [3, 2]])
    >>> df.evaluate(df.min(x, axis=0))
    array([1, 2])
    """
    return apply(MIN, (x,), Attrs(axes=normal_axes(axis, x.ndim), keepdims=keepdims))
