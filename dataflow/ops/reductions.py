"""Reductions: axes added up, averaged, or searched for their extremes.

A reduction runs as the raw ``ufunc.reduce`` with a positional ``out``: `numpy.sum` costs three
times as much on small arrays. float16 adds up in float32, since 70,000 ones are inf in float16.

`mean` divides by its attribute ``count``, not by the length that it sees: so the means of slices
add up to the whole one, and a loss that is a mean can be computed slice by slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.derive import apply, call_function, normal_axes, traffic
from dataflow.dims import Dim
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.op import (
    Along,
    Application,
    Arrays,
    Call,
    Contracted,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.spec import DTYPES, Spec

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = ["sum"]

_CAST_BUFFER = 8192 + 64
"""Elements that NumPy's buffer holds when it reduces one dtype in another."""


def _one(specs: Specs) -> Spec:
    if len(specs) != 1:
        msg = f"takes 1 input, not {len(specs)}"
        raise ShapeError(msg)
    return specs[0]


def _reduced(spec: Spec, attrs: Attrs) -> Shape:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    if list(axes) != sorted({*axes}) or not all(0 <= axis < spec.ndim for axis in axes):
        msg = f"axes {axes} must be ascending and below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    kept = ((i, 1 if i in axes else dim) for i, dim in enumerate(spec.shape))
    return tuple(dim for i, dim in kept if keepdims or i not in axes)


def _kept(application: Application) -> Shape:
    """Return the output's shape as it would be with ``keepdims``."""
    axes = application.attrs.integers("axes")
    return tuple(1 if i in axes else dim for i, dim in enumerate(application.inputs[0].shape))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(size if isinstance(size, int) else 0, traffic(ins, outs))


def _tiling(combine: str) -> Callable[[Specs, Attrs], Tiling]:
    def tiling(specs: Specs, attrs: Attrs) -> Tiling:
        axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
        left = [i for i in range(specs[0].ndim) if keepdims or i not in axes]
        return Tiling((tuple(
            Contracted(combine) if i in axes else Along(left.index(i))
            for i in range(specs[0].ndim)
        ),))  # fmt: skip

    return tiling


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = application.attrs
    axes = tuple(axis + 1 for axis in attrs.integers("axes"))
    return [apply(application.op, inputs, attrs.replace(axes=axes))]


def _samples(
    dtypes: Sequence[str], extra: Callable[[tuple[int, ...], tuple[int, ...]], Attrs] | None = None
) -> Callable[[np.random.Generator], list[Sample]]:
    rows: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = [
        ((), (), False), ((0, 3), (1,), False), ((2, 3, 4), (0, 2), True), ((3, 4), (), False),
        ((3, 4), (0, 1), False), ((3, 4), (1,), False),
    ]  # fmt: skip

    def samples(rng: np.random.Generator) -> list[Sample]:
        made = []
        for dtype in dtypes:
            for shape, axes, keepdims in rows:
                attrs = {**(extra(shape, axes) if extra else {}), "axes": axes}
                x = rng.permutation(np.prod(shape, dtype=int)).reshape(shape) - 5
                made.append(Sample((x.astype(dtype),), Attrs(attrs, keepdims=keepdims),
                                   dtype[0] == "f"))  # fmt: skip
        return made

    return samples


# sum


def _sum_dtype(dtype: np.dtype) -> np.dtype:
    wide = {"b": np.int64, "i": np.int64, "u": np.uint64}
    return np.dtype(wide.get(dtype.kind, dtype))


def _sum_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = _one(specs)
    return (Spec(_reduced(spec, attrs), _sum_dtype(spec.dtype)),)


def _accumulator(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _sum_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    total = scratch[0] if scratch else outs[0]
    calls: list[Call] = [(np.add.reduce, (ins[0], axes, total.dtype, total, keepdims))]
    return [*calls, (np.copyto, (outs[0], total, "same_kind"))] if scratch else calls


def _sum_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = _sum_infer(specs, attrs)
    total = Spec(out.shape, _accumulator(out.dtype))
    internal = 0 if total.dtype == specs[0].dtype else _CAST_BUFFER * total.dtype.itemsize
    return Workspace(() if total == out else (total,), internal)


def _sum_reference(x: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - NumPy's scalar or array
    out = _sum_dtype(x.dtype)
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    return np.asarray(np.sum(x, axes, _accumulator(out), keepdims=keepdims)).astype(out)


def _sum_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Any]:
    (cotangent,), (x,) = cotangents, application.inputs
    if cotangent is None:
        return [None]
    kept = call_function("reshape", cotangent, _kept(application))
    return [call_function("broadcast_to", kept, x.shape)]


def _sum_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Any]:
    (tangent,) = tangents
    return [None if tangent is None else apply(SUM, (tangent,), application.attrs)]


SUM = register(Op(
    name="sum", label="Sum", infer=_sum_infer, kernel=_sum_kernel, reference=_sum_reference,
    vjp=_sum_vjp, jvp=_sum_jvp, batch=_batch, tiling=_tiling("add"), cost=_cost,
    workspace=_sum_workspace, samples=_samples(DTYPES),
))  # fmt: skip


@public(np.sum)
def sum(
    x: Tensor, axis: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:  # fmt: skip
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
