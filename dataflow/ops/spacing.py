"""Numbers between two ends: at even distances, or at even ratios."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.errors import GraphError
from dataflow.ops.shaping import reshape
from dataflow.shapes import common_shape, move_axis, normal_axis
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Builder, TensorLike

__all__ = ["geomspace", "linspace", "logspace"]

_where, _astype = partial(call_function, "where"), partial(call_function, "astype")


@public(np.linspace)
def linspace(
    start: TensorLike, stop: TensorLike, num: DimLike = 50, endpoint: bool = True,
    retstep: bool = False, dtype: object = None, axis: int = 0, *, device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return numbers at even distances from `start` to `stop`.

    Parameters
    ----------
    start, stop : number, tensor or array_like
        The ends, which broadcast; differentiable where they are tensors.
    num : int, str or Dim
        How many.
    endpoint : bool
        Whether `stop` is the last of them; else the one that would follow.
    retstep : False
        NumPy's step beside the result, which isn't given here.
    dtype : dtype, optional
        By default that of the ends: float32 of Python's numbers.
    axis : int
        Where the new axis goes, if the ends have axes.
    device : GraphBuilder, optional
        The graph's builder; by default a tensor's, or that of the ``with`` block around.

    Returns
    -------
    Tensor
        Computed in float64, as ``start + i * step``; the last one is `stop` itself.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The ends don't broadcast, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.linspace(0, 1, 5)
    >>> df.evaluate(x)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    if retstep:
        msg = f"linspace ({user_line()}): the step isn't given: (stop - start) / (num - 1)"
        raise GraphError(msg)
    first, last, target = _ends("linspace", start, stop, dtype, device)
    count = as_dim(num)
    steps = count - 1 if endpoint else count
    index = _index(first, count)
    line = index * ((last - first) / _whole(first, steps)) + first
    if endpoint:
        line = _where((index == _whole(first, count) - 1) & (index > 0), last, line)
    rounded = call_function("floor", line) if target.kind in "iu" else line
    return move_axis(_astype(rounded, target), 0, normal_axis(axis, line.ndim))


def _ends(
    what: str, start: TensorLike, stop: TensorLike, dtype: object, device: Builder | None
) -> tuple[Tensor, Tensor, np.dtype]:
    """Return the ends in double precision and one shape, and the dtype of the result."""
    builder = builder_for(what, device, start, stop)
    ends = [call_function("asarray", end, device=builder) for end in (start, stop)]
    plain = not any(isinstance(end, (Tensor, np.ndarray, np.generic)) for end in (start, stop))
    kinds = [tensor if plain or type(end) not in (int, float, complex) else end
             for end, tensor in zip((start, stop), ends, strict=True)]  # fmt: skip
    common: Any = call_function("result_type", *kinds, 0.0)
    if plain and common.kind == "f":
        common = np.dtype(np.float32)
    wide = np.complex128 if common.kind == "c" else np.float64
    shape = common_shape(what, [end.shape for end in ends])
    first, last = (call_function("broadcast_to", _astype(end, wide), shape) for end in ends)
    return first, last, common if dtype is None else np.dtype(dtype)  # type: ignore[call-overload]


def _index(like: Tensor, count: int | Dim) -> Tensor:
    """Return 0, 1, … along a new first axis."""
    return reshape(like.builder.arange(0, count, 1, "float64"), (count, *[1] * like.ndim))


def _whole(like: Tensor, count: int | Dim) -> Tensor:
    """Return a number of steps, at least 1."""
    return call_function("maximum", like.builder.size_of((count,), np.float64), 1)


@public(np.logspace)
def logspace(
    start: TensorLike, stop: TensorLike, num: DimLike = 50, endpoint: bool = True,
    base: TensorLike = 10.0, dtype: object = None, axis: int = 0, *,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return powers of a base whose exponents are at even distances.

    Parameters
    ----------
    start, stop : number, tensor or array_like
        The first and the last exponent.
    num, endpoint, dtype, axis, device
        See `linspace`.
    base : number, tensor or array_like
        The base.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.logspace(0, 3, 4)
    >>> df.evaluate(x)
    array([   1.,   10.,  100., 1000.], dtype=float32)
    """
    first, last, target = _ends("logspace", start, stop, dtype, device)
    exponents = linspace(first, last, num, endpoint)
    powers = call_function("power", call_function("asarray", base, device=first.builder), exponents)
    return move_axis(_astype(powers, target), 0, normal_axis(axis, powers.ndim))


@public(np.geomspace)
def geomspace(
    start: TensorLike, stop: TensorLike, num: DimLike = 50, endpoint: bool = True,
    dtype: object = None, axis: int = 0, *, device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return numbers at even ratios from `start` to `stop`, which have one sign.

    Parameters
    ----------
    start, stop : number, tensor or array_like
        The ends; neither is 0.
    num, endpoint, dtype, axis, device
        See `linspace`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.geomspace(1, 8, 4)
    >>> df.evaluate(x)
    array([1., 2., 4., 8.], dtype=float32)
    """
    first, last, target = _ends("geomspace", start, stop, dtype, device)
    shares = linspace(call_function("zeros_like", first), 1, num, endpoint)
    line = first * call_function("power", last / first, shares)
    if endpoint:
        line = _where(shares == 1, last, line)
    return move_axis(_astype(line, target), 0, normal_axis(axis, line.ndim))
