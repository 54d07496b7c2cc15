"""Tensors of one value, and of values that are known: zeros, full_like, asarray and their kin.

One value is stored once, with the shape to which it is broadcast, so that a million zeros take no
more room in a file than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.current import builder_for
from dataflow.dispatch import also_named, public
from dataflow.errors import DTypeError, GraphError
from dataflow.ops.shaping import BROADCAST_TO
from dataflow.source import user_line
from dataflow.spec import as_dtype
from dataflow.tensor import Tensor
from dataflow.values import declared_spec

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Builder, TensorLike

__all__ = ["array", "as_tensor", "asanyarray", "asarray", "empty", "empty_like", "from_dlpack",
           "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"]  # fmt: skip


@public(np.full)
def full(
    shape: DimLike | Sequence[DimLike], fill_value: TensorLike, dtype: object = None, *,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return a tensor of one value, stored as its shape and the value.

    Parameters
    ----------
    shape : int, str, Dim, or sequence of them
        The shape.
    fill_value : number, tensor or array_like
        What to fill it with, broadcast to the shape; no gradient is lost.
    dtype : dtype, optional
        By default the value's: float32 of a Python float, int64 of an int.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        What should be a shape or a dtype is none, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.full((2, 2), 7)
    >>> df.evaluate(x)
    array([[7, 7],
           [7, 7]])
    """
    return _filled("full", shape, fill_value, dtype, device)


def _filled(
    name: str, shape: DimLike | Sequence[DimLike], fill_value: TensorLike, dtype: object,
    device: Builder | None,
) -> Tensor:  # fmt: skip
    """Return a tensor of one value; errors name the function that was called."""
    value = asarray(fill_value, dtype, device=builder_for(name, device, fill_value))
    spec = declared_spec(name, shape, value.dtype)
    return apply(BROADCAST_TO, (value,), Attrs(shape=spec.shape))


@public(np.zeros)
def zeros(
    shape: DimLike | Sequence[DimLike], dtype: object = None, *, device: Builder | None = None
) -> Tensor:
    """Return a tensor of zeros, by default in float32; see `full`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.zeros(3)
    >>> df.evaluate(x)
    array([0., 0., 0.], dtype=float32)
    """
    return _filled("zeros", shape, 0, np.float32 if dtype is None else dtype, device)


@public(np.ones)
def ones(
    shape: DimLike | Sequence[DimLike], dtype: object = None, *, device: Builder | None = None
) -> Tensor:
    """Return a tensor of ones, by default in float32; see `full`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.ones(3, "int64")
    >>> df.evaluate(x)
    array([1, 1, 1])
    """
    return _filled("ones", shape, 1, np.float32 if dtype is None else dtype, device)


@public(np.empty)
def empty(
    shape: DimLike | Sequence[DimLike], dtype: object = None, *, device: Builder | None = None
) -> Tensor:
    """Return a tensor of zeros: what a replay computes never depends on what memory held before.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.empty(2)
    >>> df.evaluate(x)
    array([0., 0.], dtype=float32)
    """
    return zeros(shape, dtype, device=device)


# Of the shape and dtype of another


@public(np.full_like)
def full_like(
    x: Tensor, fill_value: TensorLike, dtype: object = None, *,
    shape: DimLike | Sequence[DimLike] | None = None, device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return a tensor of one value, of the shape and dtype of `x`.

    Parameters
    ----------
    x : Tensor
        Any shape; its values aren't read.
    fill_value : number, tensor or array_like
        What to fill it with.
    dtype : dtype, optional
        Another dtype.
    shape : int, str, Dim, or sequence of them, optional
        Another shape.
    device : GraphBuilder, optional
        The builder of `x`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.full_like(x, 7))
    array([7., 7.], dtype=float32)
    """
    builder = builder_for("full_like", device, x)
    target = x.shape if shape is None else shape
    return full(target, fill_value, x.dtype if dtype is None else dtype, device=builder)


@public(np.zeros_like)
def zeros_like(
    x: Tensor, dtype: object = None, *, shape: DimLike | Sequence[DimLike] | None = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return zeros of the shape and dtype of `x`; see `full_like`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0])
    >>> df.evaluate(df.zeros_like(x))
    array([0., 0.], dtype=float32)
    """
    return full_like(x, 0, dtype, shape=shape, device=device)


@public(np.ones_like)
def ones_like(
    x: Tensor, dtype: object = None, *, shape: DimLike | Sequence[DimLike] | None = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return ones of the shape and dtype of `x`; see `full_like`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 2.0])
    >>> df.evaluate(df.ones_like(x))
    array([1., 1.], dtype=float32)
    """
    return full_like(x, 1, dtype, shape=shape, device=device)


@public(np.empty_like)
def empty_like(
    x: Tensor, dtype: object = None, *, shape: DimLike | Sequence[DimLike] | None = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return zeros of the shape and dtype of `x`; see `empty`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 2.0])
    >>> df.evaluate(df.empty_like(x))
    array([0., 0.], dtype=float32)
    """
    return zeros_like(x, dtype, shape=shape, device=device)


# Of values that are known


@public(np.asarray)
def asarray(
    obj: TensorLike, dtype: object = None, *, device: Builder | None = None,
    copy: bool | None = None,
) -> Tensor:  # fmt: skip
    """Return a tensor of a tensor, an array, a number, or nested sequences of these.

    Parameters
    ----------
    obj : tensor, array_like, or nested sequence of them
        The values. Arrays are copied; a tensor is returned as it is.
    dtype : dtype, optional
        By default the value's: float32 of Python's floats, int64 of ints, an array's own.
    device : GraphBuilder, optional
        The graph's builder; by default a tensor's among the values, or that of the ``with`` block.
    copy : bool, optional
        False is an error where there is something to copy.

    Raises
    ------
    DTypeError, ShapeError, GraphError
        It is no array, its rows differ in shape, a copy is needed that was refused, or it isn't
        known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant(2.0)
    >>> df.evaluate(df.asarray([[x, 1.0], [0.0, x]]))
    array([[2., 1.],
           [0., 2.]], dtype=float32)
    """
    parts = _leaves(obj)
    builder = builder_for("asarray", device, *parts)
    if isinstance(obj, Tensor):
        return obj if dtype is None else call_function("astype", obj, dtype)
    if copy is False:
        msg = f"asarray ({user_line()}): a graph's constants are copies, so copy can't be False"
        raise GraphError(msg)
    if any(isinstance(part, Tensor) for part in parts):
        rows = _same_dtype([asarray(row, dtype, device=builder) for row in obj])  # type: ignore[union-attr]
        return call_function("stack", rows)
    return builder.constant(obj, dtype=dtype)


def _leaves(obj: Any) -> list[object]:  # noqa: ANN401 - whatever is nested
    if isinstance(obj, (list, tuple)):
        return [leaf for item in obj for leaf in _leaves(item)]
    return [obj]


def _same_dtype(rows: list[Tensor]) -> list[Tensor]:
    common = call_function("result_type", *rows)
    return [call_function("astype", row, common) for row in rows]


@public(np.from_dlpack)
def from_dlpack(
    x: Any, *, device: Builder | None = None, copy: bool | None = None  # noqa: ANN401 - by protocol
) -> Tensor:  # fmt: skip
    """Return a constant of the values of another library's array, which offers ``__dlpack__``.

    Parameters
    ----------
    x : array
        Of any library, in the processor's memory; a tensor is returned as it is.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.
    copy : bool, optional
        False is an error: a graph's constants are copies.

    Raises
    ------
    DTypeError, GraphError
        It offers no such thing, or a copy is refused.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.from_dlpack(np.arange(3), device=df.GraphBuilder())
    >>> df.evaluate(x)
    array([0, 1, 2])
    """
    if isinstance(x, Tensor):
        return asarray(x, device=device)
    try:
        array = np.from_dlpack(x)
    except (AttributeError, TypeError, BufferError, RuntimeError) as error:
        msg = f"from_dlpack ({user_line()}): {type(x).__name__} gives no array: {error}"
        raise DTypeError(msg) from None
    return asarray(array, as_dtype(array.dtype), device=device, copy=copy)


array = also_named(asarray, "array")
as_tensor = also_named(asarray, "as_tensor")
asanyarray = also_named(asarray, "asanyarray")
