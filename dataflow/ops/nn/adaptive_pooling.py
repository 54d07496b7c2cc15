"""Pools that ask for the size of the result, or for one number of each channel.

The windows of a size asked for start at ``floor(i * n / size)`` and stop at
``ceil((i + 1) * n / size)``: they may be uneven, and overlap. Where they are all alike, it is an
ordinary pooling. Else a mean is taken axis by axis; a maximum is taken of elements that are first
put side by side, short windows with their last element twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.nn.avg_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from dataflow.ops.nn.max_pooling import max_pool1d, max_pool2d, max_pool3d
from dataflow.ops.nn.places import gather_places
from dataflow.ops.nn.pools import check_spatial
from dataflow.ops.nn.resampling import resampled
from dataflow.ops.nn.windows import each_axis
from dataflow.ops.reductions import mean
from dataflow.ops.searching import argmax
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d",
]  # fmt: skip

Sizes = int | Sequence[int | None]

_AVG = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
_MAX = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}


def _sizes(name: str, x: Tensor, axes: int, output_size: Sizes) -> Shape:
    """Return the lengths of the result's spatial axes; None stands for the tensor's own."""
    check_spatial(name, x.shape, axes)
    items = output_size if isinstance(output_size, Sequence) else (output_size,) * axes
    own = [1 if item is None else item for item in items]
    each = each_axis(own, axes, "output_size")
    lengths = x.shape[-axes:]
    if 0 in lengths:
        msg = f"{name} ({user_line()}) of {shape_text(x.shape)}: spatial axes have no elements"
        raise ShapeError(msg)
    rows = zip(items, each, lengths, strict=True)
    return tuple(length if item is None else size for item, size, length in rows)


def _even(lengths: Shape, sizes: Shape) -> tuple[int, ...] | None:
    """Return the kernel with which all windows are alike; None where they aren't."""
    kernel = []
    for length, size in zip(lengths, sizes, strict=True):
        if length == size:
            kernel.append(1)
        elif isinstance(length, int) and isinstance(size, int) and length % size == 0:
            kernel.append(length // size)
        else:
            return None
    return tuple(kernel)


# Means


def _adaptive_avg(axes: int, x: Tensor, output_size: Sizes) -> Tensor:
    name = f"adaptive_avg_pool{axes}d"
    sizes = _sizes(name, x, axes, output_size)
    if not x.spec.is_float:
        msg = f"{name} ({user_line()}) of {x.spec}: use .astype('float32') before"
        raise DTypeError(msg)
    if set(sizes) == {1}:
        return mean(x, tuple(range(-axes, 0)), keepdims=True)
    kernel = _even(x.shape[-axes:], sizes)
    if kernel is not None:
        return _AVG[axes](x, kernel)
    for axis, size in enumerate(sizes, x.ndim - axes):
        x = x if x.shape[axis] == size else resampled(x, axis, size, "area")
    return x


@public(family="nn")
def adaptive_avg_pool1d(x: Tensor, output_size: Sizes) -> Tensor:
    """Return so many means over sequences; see `adaptive_avg_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 3.0, 2.0]])
    >>> df.evaluate(df.nn.adaptive_avg_pool1d(x, 2))
    array([[2. , 2.5]], dtype=float32)
    """
    return _adaptive_avg(1, x, output_size)


@public(family="nn")
def adaptive_avg_pool2d(x: Tensor, output_size: Sizes) -> Tensor:
    """Return the means of as many windows as are asked for, which together cover an image.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width); floats or complex numbers.
    output_size : int or sequence of int or None
        The height and width of the result; None stands for `x`'s own.

    Returns
    -------
    Tensor
        Along an axis of n elements, window i of k covers those from ``floor(i * n / k)`` to
        ``ceil((i + 1) * n / k)``, as PyTorch has it.

    Raises
    ------
    ShapeError
        A rank or a size doesn't fit, or a spatial axis has no elements.
    DTypeError
        `x` is of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 3.0, 6.0]]])
    >>> df.evaluate(df.nn.adaptive_avg_pool2d(x, (1, 2)))
    array([[[3., 4.]]], dtype=float32)
    """
    return _adaptive_avg(2, x, output_size)


@public(family="nn")
def adaptive_avg_pool3d(x: Tensor, output_size: Sizes) -> Tensor:
    """Return so many means over volumes; see `adaptive_avg_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 5, 4))
    >>> df.nn.adaptive_avg_pool3d(x, (1, None, 2)).shape
    (1, 1, 5, 2)
    """
    return _adaptive_avg(3, x, output_size)


# Maxima


def _adaptive_max(axes: int, x: Tensor, output_size: Sizes, return_indices: bool) -> Any:  # noqa: ANN401
    name = f"adaptive_max_pool{axes}d"
    sizes, lengths = _sizes(name, x, axes, output_size), x.shape[-axes:]
    if set(sizes) == {1}:
        return largest(name, x, axes, return_indices)
    kernel = _even(lengths, sizes)
    if kernel is not None:
        return _MAX[axes](x, kernel, return_indices=return_indices)
    known = tuple(n for n in (*lengths, *sizes) if isinstance(n, int))
    if len(known) != 2 * axes:
        msg = (f"{name} ({user_line()}) of {shape_text(x.shape)}: spatial axes must have known "
               "lengths, for windows that may be uneven")  # fmt: skip
        raise ShapeError(msg)
    return _uneven(axes, x, known[axes:], return_indices)


def largest(name: str, x: Tensor, axes: int, return_indices: bool) -> Any:  # noqa: ANN401
    """Return the one largest element over the last axes, the first where several are."""
    if x.dtype.kind == "c":
        msg = f"{name} ({user_line()}): {x.dtype} numbers have no order, so no maximum"
        raise DTypeError(msg)
    found = expand_dims(argmax(_joined(x, axes), -1), -1)
    indices = reshape(found, (*x.shape[:-axes], *[1] * axes))
    return _at(x, indices, axes, return_indices)


def _joined(x: Tensor, axes: int) -> Tensor:
    """Join the last axes."""
    return reshape(x, (*x.shape[:-axes], product(x.shape[-axes:])))


def _at(x: Tensor, indices: Tensor, axes: int, return_indices: bool) -> Any:  # noqa: ANN401
    """Return the elements at indices into the last axes, and these if they are asked for."""
    y = reshape(gather_places(_joined(x, axes), _joined(indices, axes)), indices.shape)
    return (y, indices) if return_indices else y


def _uneven(axes: int, x: Tensor, sizes: Sequence[int], return_indices: bool) -> Any:  # noqa: ANN401
    """Find where the maxima are, windows put side by side, and read them there."""
    lengths = [n for n in x.shape[-axes:] if isinstance(n, int)]
    tables = [_table(n, size) for n, size in zip(lengths, sizes, strict=True)]
    gathered = x
    for axis, table in enumerate(tables, x.ndim - axes):
        gathered = call_function("take", gathered, table.reshape(-1), axis=axis)
    kernel = [table.shape[1] for table in tables]
    _, found = _MAX[axes](gathered, kernel, return_indices=True)
    numbers = np.arange(math.prod(lengths)).reshape(lengths)
    places = numbers[np.ix_(*(table.reshape(-1) for table in tables))].reshape(-1)
    indices = call_function("take", x.builder.constant(places), found, axis=0)
    return _at(x, indices, axes, return_indices)


def _table(length: int, size: int) -> np.ndarray:
    """Return the elements of each window, one window a row, the last of short ones again."""
    numbers = np.arange(size)
    first, stop = numbers * length // size, -(-(numbers + 1) * length // size)
    offsets = np.arange((stop - first).max())
    return np.minimum(first[:, None] + offsets, stop[:, None] - 1)


@public(family="nn")
def adaptive_max_pool1d(x: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:  # noqa: ANN401 - a tensor or two
    """Return so many maxima over sequences; see `adaptive_max_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 3.0, 2.0]])
    >>> df.evaluate(df.nn.adaptive_max_pool1d(x, 2))
    array([[3., 3.]], dtype=float32)
    """
    return _adaptive_max(1, x, output_size, return_indices)


@public(family="nn")
def adaptive_max_pool2d(x: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:  # noqa: ANN401 - a tensor or two
    """Return the maxima of as many windows as are asked for, which together cover an image.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width); any dtype but complex.
    output_size : int or sequence of int or None
        See `adaptive_avg_pool2d`.
    return_indices : bool
        Whether to return where the maxima are as well; see `max_pool2d`.

    Returns
    -------
    Tensor
        The maxima, and with `return_indices` where they are. The gradient goes to the first of
        several elements that are as large.

    Raises
    ------
    ShapeError
        A rank or a size doesn't fit, or windows are uneven and a spatial axis has no known length.
    DTypeError
        `x` is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 3.0, 6.0]]])
    >>> df.evaluate(df.nn.adaptive_max_pool2d(x, (1, 2)))
    array([[[5., 6.]]], dtype=float32)
    """
    return _adaptive_max(2, x, output_size, return_indices)


@public(family="nn")
def adaptive_max_pool3d(x: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:  # noqa: ANN401 - a tensor or two
    """Return so many maxima over volumes; see `adaptive_max_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 5, 4))
    >>> df.nn.adaptive_max_pool3d(x, (1, None, 2)).shape
    (1, 1, 5, 2)
    """
    return _adaptive_max(3, x, output_size, return_indices)
