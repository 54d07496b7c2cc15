"""Ranges of numbers at even distances: `arange`.

It adds up its step in integers, which are exact, and casts at the end; NumPy offers no way
to fill an array with a range that doesn't make another array first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dims import Dim, dim_max, exact_quotient, is_size
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import Absent, Op, Sample, Tiling, Workspace, register
from dataflow.ops.structure import written_cost
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS
from dataflow.source import user_line
from dataflow.spec import Spec, as_dtype

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.operation import Arrays, Call, Specs
    from dataflow.tensor import Builder, Tensor

__all__ = ["arange"]

_NO_INPUTS = Absent("it reads nothing")


def _length(attrs: Attrs) -> int | Dim:
    (start, stop), step = attrs.dims("bounds"), attrs.integer("step")
    if step == 0:
        msg = "the step can't be 0"
        raise ArgumentError(msg)
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


def _samples(rng: np.random.Generator) -> list[Sample]:
    ranges = (((0, 0), 1), ((2, 9), 1), ((0, 10), 3), ((9, 2), -2), ((5, 0), 1))
    return [Sample((), Attrs(bounds=bounds, step=step, dtype=dtype))
            for dtype in (*INTEGERS, *FLOATS, *COMPLEX) for bounds, step in ranges]  # fmt: skip


ARANGE = register(Op(
    name="arange", label="Arange", infer=_infer, kernel=_kernel, reference=_reference,
    vjp=_NO_INPUTS, jvp=_NO_INPUTS, batch=_NO_INPUTS, tiling=_tiling, cost=written_cost,
    samples=_samples, workspace=_workspace,
))  # fmt: skip


@public(np.arange)
def arange(
    start: DimLike | float, stop: DimLike | float | None = None, step: float = 1,
    dtype: object = None, *, device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return ``start, start + step, …`` before `stop`.

    Parameters
    ----------
    start, stop : int, float, str or Dim
        With one argument, the end. Named dimensions may be used beside ints.
    step : int or float
        The distance, not 0.
    dtype : dtype, optional
        By default int64 of whole numbers and float32 of others.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Returns
    -------
    Tensor
        One axis. Numbers that aren't whole are computed in float64, as ``start + i * step``.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The step is 0, a bound is no number, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x, y = df.arange(7, 0, -2), df.arange(0.0, 1.0, 0.25)
    >>> df.evaluate(x, y)
    (array([7, 5, 3, 1]), array([0.  , 0.25, 0.5 , 0.75], dtype=float32))
    """
    builder = builder_for("arange", device)
    first, last = (0, start) if stop is None else (start, stop)
    if not any(isinstance(value, (float, np.floating)) for value in (first, last, step)):
        return _whole_numbers(builder, first, last, step, "int64" if dtype is None else dtype)
    numbers = (_number(first), _number(last), _number(step))
    return _fractions(builder, *numbers, np.float32 if dtype is None else dtype)


def _whole_numbers(
    builder: Builder, start: Any, stop: Any, step: Any, dtype: object  # noqa: ANN401 - checked
) -> Tensor:  # fmt: skip
    attrs = Attrs(
        bounds=(_bound(start), _bound(stop)), step=_whole(step), dtype=as_dtype(dtype).name
    )  # fmt: skip
    return builder.apply(ARANGE, (), attrs)[0]


def _fractions(builder: Builder, start: float, stop: float, step: float, dtype: object) -> Tensor:
    if step == 0 or not np.isfinite((start, stop, step)).all():
        msg = f"arange ({user_line()}) takes finite numbers and a step other than 0"
        raise ArgumentError(msg)
    count = max(0, int(np.ceil((stop - start) / step)))
    index = _whole_numbers(builder, 0, count, 1, "float64")
    numbers = index * ((start + step) - start) + start  # the distance as NumPy rounds it
    return call_function("astype", numbers, dtype)


def _number(value: Any) -> float:  # noqa: ANN401 - checked here
    if isinstance(value, (str, Dim, bool)) or not hasattr(value, "__float__"):
        msg = f"arange takes numbers, names only beside ints, not {value!r} ({user_line()})"
        raise DTypeError(msg)
    return float(value)


def _bound(value: DimLike) -> int | Dim:
    """Take negative numbers too, which are no dimensions."""
    return as_dim(value) if isinstance(value, (str, Dim)) else _whole(value)


def _whole(value: Any) -> int:  # noqa: ANN401 - checked here
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        msg = f"arange takes whole numbers, not {value!r} ({user_line()})"
        raise DTypeError(msg)
    return int(value.__index__())
