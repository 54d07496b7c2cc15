"""Reductions: axes added up or averaged. Those that search are in `extremes`, and offered here too.

`mean` divides by its attribute ``count``, not by the length that it sees: so the means of slices
add up to the whole one, and a loss that is a mean can be computed slice by slice.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, as_tensor, call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.ops.extremes import max, min
from dataflow.ops.reducing import (
    accumulator,
    kept,
    reduced_shape,
    reduction,
    samples_of_permutations,
    spread_whole,
    wide_infer,
    wide_kernel,
    wide_reference,
    wide_workspace,
)
from dataflow.ops.structure import again, check_inputs, single_dim
from dataflow.shapes import normal_axes, reduced_axes
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.operation import Application, Arrays, Call, Sample, Specs
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["max", "mean", "min", "sum"]


def _samples(*, mean: bool) -> Callable[[np.random.Generator], list[Sample]]:
    def samples(rng: np.random.Generator) -> list[Sample]:
        made = samples_of_permutations(DTYPES)(rng)
        return [sample._replace(attrs=_with_count(sample)) for sample in made] if mean else made

    return samples


def _with_count(sample: Sample) -> Attrs:
    axes, shape = sample.attrs.integers("axes"), sample.inputs[0].shape
    return sample.attrs.replace(count=(product(shape[axis] for axis in axes),))


def _mean_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    single_dim(attrs, "count")
    dtype = np.dtype(np.float64) if spec.dtype.kind in "biu" else spec.dtype
    return (Spec(reduced_shape(spec, attrs), dtype),)


def _mean_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    total = scratch[0] if scratch else outs[0]
    count = np.asarray(attrs.integers("count")[0], total.dtype)
    adding, *casting = wide_kernel(np.add, outs, ins, scratch, attrs)
    return [adding, (np.true_divide, (total, count, total)), *casting]


def _mean_reference(x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - NumPy's scalar or array
    dtype = {"b": np.float64, "i": np.float64, "u": np.float64}.get(x.dtype.kind)
    wide = np.float32 if x.dtype == np.float16 else dtype
    total = np.sum(x, attrs.integers("axes"), wide, keepdims=attrs.flag("keepdims"))
    return np.asarray(total / attrs.integers("count")[0]).astype(dtype or x.dtype)


def _spread_mean(application: Application, cotangent: Tensor) -> Tensor:
    wide = accumulator(cotangent.dtype)  # float16 ends at 65504 elements
    count = cotangent.builder.size_of(application.attrs.dims("count"), wide)
    share = (cotangent.astype(wide) / count).astype(cotangent.dtype)
    return spread_whole(application, share)


SUM = reduction(
    "sum", "Sum", infer=wide_infer, kernel=partial(wide_kernel, np.add),
    reference=partial(wide_reference, np.add), maps=(spread_whole, again), combine="add",
    samples=_samples(mean=False), workspace=partial(wide_workspace, wide_infer),
)  # fmt: skip

MEAN = reduction(
    "mean", "Mean", infer=_mean_infer, kernel=_mean_kernel, reference=_mean_reference,
    maps=(_spread_mean, again), combine="add", samples=_samples(mean=True),
    workspace=partial(wide_workspace, _mean_infer),
)  # fmt: skip


@public(np.sum)
def sum(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    initial: TensorLike | None = None, where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the sum over axes.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int or sequence of int, optional
        The axes to add up; by default all.
    dtype : dtype, optional
        What to cast to before adding up; by default booleans and integers add up to int64 or
        uint64, and others keep theirs.
    keepdims : bool
        Whether the axes stay, with length 1.
    initial : tensor or number, optional
        What to begin with.
    where : tensor or array of bool, optional
        Which elements to add up; it must broadcast to `x`.

    Returns
    -------
    Tensor
        float16 is added up in float32 and then rounded.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or the mask doesn't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 4]])
    >>> df.evaluate(df.sum(x, axis=0))
    array([4, 6])
    """
    source = kept(x if dtype is None else x.astype(dtype), where, 0)
    found = apply(SUM, (source,), Attrs(axes=reduced_axes(axis, x.ndim), keepdims=keepdims))
    found = found if dtype is None else found.astype(dtype)
    return found if initial is None else found + as_tensor(initial, found).astype(found.dtype)


@public(np.mean)
def mean(
    x: Tensor, axis: Axis = None, dtype: object = None, *, keepdims: bool = False,
    where: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return the mean over axes; of booleans and integers in float64.

    See `sum` for the parameters and errors. The mean of nothing is NaN.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.mean(x, axis=0))
    array([2., 3.], dtype=float32)
    """
    source = x if dtype is None else x.astype(dtype)
    if where is not None:
        found = _mean_where(source, axis, where, keepdims=keepdims)
    else:
        axes = normal_axes(axis, x.ndim)
        count = product(x.shape[i] for i in axes)
        found = apply(MEAN, (source,), Attrs(axes=axes, keepdims=keepdims, count=(count,)))
    return found if dtype is None else found.astype(dtype)


def _mean_where(x: Tensor, axis: Axis, where: TensorLike, *, keepdims: bool) -> Tensor:
    dtype = x.dtype if x.spec.is_float else np.dtype(np.float64)
    wide = accumulator(dtype)
    mask = call_function("broadcast_to", as_tensor(where, x).astype(np.bool_), x.shape)
    total = sum(kept(x.astype(wide), mask, 0), axis, keepdims=keepdims)
    return (total / sum(mask, axis, wide, keepdims=keepdims)).astype(dtype)
