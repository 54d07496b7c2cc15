"""Creation: `arange`, and arrays like another. Zeros and ones are a broadcast scalar.

`arange` adds up its step in integers, which are exact, and casts at the end; NumPy offers no way
to fill an array with a range that doesn't make another array first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import call_function
from dataflow.dims import Dim, as_dim, dim_max, exact_quotient, is_size
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import Absent, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype

if TYPE_CHECKING:
    from dataflow.builder import GraphBuilder
    from dataflow.dims import DimLike
    from dataflow.op import Arrays, Call, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["full_like", "ones_like", "zeros_like"]

_NO_INPUTS = Absent("it reads nothing")


def _length(attrs: Attrs) -> int | Dim:
    (start, stop), step = attrs.dims("bounds"), attrs.integer("step")
    if step == 0:
        msg = "the step can't be 0"
        raise ShapeError(msg)
    span, stride = (stop - start, step) if step > 0 else (start - stop, -step)
    exact = exact_quotient(span, stride)  # keeps 2*n // 2 simple: n
    length = (span + (stride - 1)) // stride if exact is None else exact
    return length if is_size(length) else dim_max(length, 0)


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    dtype = as_dtype(attrs.text("dtype"))
    if specs or len(attrs.dims("bounds")) != 2:
        msg = f"takes no inputs but two bounds, not {len(specs)} and {attrs['bounds']!r}"
        raise ShapeError(msg)
    if dtype.kind == "b":
        msg = "a range can't be of bools: use an integer dtype"
        raise DTypeError(msg)
    return (Spec((_length(attrs),), dtype),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((Spec((_length(attrs),), np.dtype(np.int64)),))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (whole,) = outs, scratch
    start, step = attrs.integers("bounds")[0], attrs.integer("step")
    return [
        (whole.fill, (step,)),
        (whole[:1].fill, (start,)),
        (np.add.accumulate, (whole, 0, None, whole)),
        (out.__setitem__, (..., whole)),
    ]


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    start, stop = attrs.integers("bounds")
    return np.arange(start, stop, attrs.integer("step")).astype(attrs.text("dtype"))


def _sliced(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    first, step = attrs.integers("bounds")[0], attrs.integer("step")
    return attrs.replace(bounds=(first + start * step, first + stop * step))


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling((), free=(0,), slice_attrs=_sliced)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(0, outs[0].nbytes)


def _samples(rng: np.random.Generator) -> list[Sample]:
    ranges = (((0, 0), 1), ((2, 9), 1), ((0, 10), 3), ((9, 2), -2), ((5, 0), 1))
    return [Sample((), Attrs(bounds=bounds, step=step, dtype=dtype))
            for dtype in (*INTEGERS, *FLOATS, *COMPLEX) for bounds, step in ranges]  # fmt: skip


ARANGE = register(Op(
    name="arange", label="Arange", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_NO_INPUTS, jvp=_NO_INPUTS, batch=_NO_INPUTS, tiling=_tiling, cost=_cost,
    samples=_samples, workspace=_workspace,
))  # fmt: skip


@public()
def arange(
    builder: GraphBuilder, start: DimLike, stop: DimLike | None, step: int, dtype: object
) -> Tensor:  # fmt: skip
    """Declare a range of whole numbers; see `GraphBuilder.arange`, through which it is called.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.GraphBuilder().arange(7, 0, -2))
    array([7, 5, 3, 1])
    """
    bounds = (0, start) if stop is None else (start, stop)
    attrs = Attrs(
        bounds=tuple(map(_bound, bounds)), step=_whole(step), dtype=as_dtype(dtype).name
    )  # fmt: skip
    return builder.apply(ARANGE, (), attrs)[0]


def _bound(value: DimLike) -> int | Dim:
    """Take negative numbers too, which are no dimensions."""
    return as_dim(value) if isinstance(value, (str, Dim)) else _whole(value)


def _whole(value: Any) -> int:  # noqa: ANN401 - checked here
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        msg = f"arange takes whole numbers, not {value!r} ({user_line()})"
        raise DTypeError(msg)
    return int(value.__index__())


@public(np.full_like)
def full_like(x: Tensor, value: TensorLike, dtype: object = None) -> Tensor:
    """Return a tensor of one value, of the shape and dtype of `x`.

    Parameters
    ----------
    x : Tensor
        Any shape; its values aren't read.
    value : number
        What to fill it with.
    dtype : dtype, optional
        Another dtype.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.full_like(x, 7))
    array([7., 7.], dtype=float32)
    """
    scalar = x.builder.constant(value, dtype=x.dtype if dtype is None else dtype)
    return call_function("broadcast_to", scalar, x.shape)


@public(np.zeros_like)
def zeros_like(x: Tensor, dtype: object = None) -> Tensor:
    """Return zeros of the shape and dtype of `x`; see `full_like`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.zeros_like(x))
    array([0., 0.], dtype=float32)
    """
    return full_like(x, 0, dtype)


@public(np.ones_like)
def ones_like(x: Tensor, dtype: object = None) -> Tensor:
    """Return ones of the shape and dtype of `x`; see `full_like`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 2.0])
    >>> df.evaluate(df.ones_like(x))
    array([1., 1.], dtype=float32)
    """
    return full_like(x, 1, dtype)
