"""Fractional max pooling: maxima of windows whose distances vary by chance, between two lengths.

Where they lie follows from one number in [0, 1) for each axis of each channel, which the caller
draws: the function itself is deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.along import take_along_axis
from dataflow.ops.casting import astype
from dataflow.ops.joining import concat
from dataflow.ops.nn.arguments import numbered
from dataflow.ops.nn.windows import check_rank, each_axis
from dataflow.ops.parameters import as_float_like
from dataflow.ops.rounding import floor
from dataflow.ops.searching import argmax
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["fractional_max_pool2d", "fractional_max_pool3d"]


def _pool(
    axes: int, x: Tensor, kernel_size: int | Sequence[int], samples: TensorLike,
    output_size: int | Sequence[int] | None, output_ratio: float | Sequence[float] | None,
    return_indices: bool,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    name = f"fractional_max_pool{axes}d"
    check_rank(name, x.shape, axes)
    if x.dtype.kind != "f":
        msg = f"{name} ({user_line()}) takes real floating-point numbers, not {x.dtype}"
        raise DTypeError(msg)
    lengths = _lengths(name, x.shape[-axes:])
    kernel = each_axis(kernel_size, axes, f"{name}'s kernel_size")
    sizes = _sizes(name, lengths, kernel, output_size, output_ratio)
    lead = x.shape[:-axes]
    draws = as_float_like(name, samples, x)
    if draws.shape not in ((*lead, axes), (1, *lead, axes)):
        msg = (f"{name} ({user_line()}): samples {shape_text(draws.shape)} must be "
               f"{shape_text((*lead, axes))}, one for each axis of each channel")  # fmt: skip
        raise ShapeError(msg)
    draws = reshape(draws, (*lead, axes))
    order = range(axes) if axes == 3 else (1, 0)  # PyTorch's of images is width, then height
    starts = [
        _starts(draws[..., place], *row)
        for place, row in zip(order, zip(lengths, sizes, kernel, strict=True), strict=True)
    ]
    places = _places(starts, lengths, kernel)
    joined = reshape(x, (*lead, product(lengths)))
    count = product(sizes)
    windows = reshape(take_along_axis(joined, reshape(places, (*lead, -1)), -1),
                      (*lead, count, math.prod(kernel)))  # fmt: skip
    best = expand_dims(argmax(windows, -1), -1)
    found = take_along_axis(reshape(places, windows.shape), best, -1)
    indices = reshape(found, (*lead, *sizes))
    y = reshape(take_along_axis(joined, reshape(found, (*lead, count)), -1), indices.shape)
    return (y, indices) if return_indices else y


def _lengths(name: str, shape: Shape) -> tuple[int, ...]:
    known = tuple(n for n in shape if isinstance(n, int))
    if known != shape:
        msg = f"{name} ({user_line()}): spatial axes {shape_text(shape)} must have known lengths"
        raise ShapeError(msg)
    return known


def _sizes(
    name: str, lengths: Sequence[int], kernel: Sequence[int],
    size: int | Sequence[int] | None, ratio: float | Sequence[float] | None,
) -> tuple[int, ...]:  # fmt: skip
    """Return the lengths of the result's axes, given as such or as parts of those of `x`."""
    if (size is None) == (ratio is None):
        msg = f"{name} ({user_line()}): give either output_size or output_ratio"
        raise ShapeError(msg)
    if size is not None:
        sizes = each_axis(size, len(lengths), "output_size")
    else:
        parts = ratio if isinstance(ratio, Sequence) else [ratio] * len(lengths)
        sizes = tuple(int(n * part) for n, part in zip(lengths, parts, strict=True))  # type: ignore[operator]
    for n, count, span in zip(lengths, sizes, kernel, strict=True):
        if not 1 <= count <= n - span + 1:
            msg = (f"{name} ({user_line()}): {count} windows of {span} don't start at as many of "
                   f"{n} elements")  # fmt: skip
            raise ShapeError(msg)
    return sizes


def _starts(draw: Tensor, length: int, count: int, span: int) -> Tensor:
    """Return where the windows along one axis start: the last one ends at the end."""
    last = broadcast_to(draw.builder.constant(np.int64(length - span)), (*draw.shape, 1))
    if count == 1:
        return last
    draw = expand_dims(draw, -1)
    step = draw.dtype.type(length - span) / draw.dtype.type(count - 1)
    before = floor((numbered(draw, count - 1, draw.dtype) + draw) * step) - floor(draw * step)
    return concat([astype(before, np.int64), last], -1)


def _places(starts: Sequence[Tensor], lengths: Sequence[int], kernel: Sequence[int]) -> Tensor:
    """Return each window's indices into the joined axes: (..., windows along each, positions)."""
    axes = len(starts)
    total: Any = 0
    for axis, (start, length, span) in enumerate(zip(starts, lengths, kernel, strict=True)):
        along = expand_dims(start, -1) + numbered(start, span, np.int64)
        *lead, count, _ = along.shape
        shape: list[int | Dim] = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = count, span
        total = total * length + reshape(along, (*lead, *shape))
    return total  # type: ignore[no-any-return]  # a tensor: there are axes


@public(family="nn")
def fractional_max_pool2d(
    x: Tensor, kernel_size: int | Sequence[int], samples: TensorLike,
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None, *, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of so many windows over images, at distances that vary by chance.

    Parameters
    ----------
    x : Tensor
        Images, of shape (examples, channels, height, width) or (channels, height, width), whose
        height and width are known.
    kernel_size : int or sequence of int
        The height and width of a window.
    samples : tensor or array_like
        Numbers in [0, 1), such as `dataflow.random.uniform` draws: of shape (examples, channels,
        2), which as in PyTorch are for the width and the height.
    output_size : int or sequence of int, optional
        How many windows there are along each axis.
    output_ratio : float or sequence of float, optional
        The same as a part of the length of `x`; one of both is given.
    return_indices : bool
        Whether to return where the maxima are as well; see `max_pool2d`.

    Raises
    ------
    ShapeError, DTypeError
        A shape or a size doesn't fit, or `x` isn't of real floats.

    References
    ----------
    Graham, "Fractional Max-Pooling", arXiv:1412.6071 (2014).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 3.0, 6.0], [0.0, 7.0, 0.0]]])
    >>> df.evaluate(df.nn.fractional_max_pool2d(x, 2, [[0.1, 0.9]], output_size=2))
    array([[[5., 6.],
            [7., 7.]]], dtype=float32)
    """
    return _pool(2, x, kernel_size, samples, output_size, output_ratio, return_indices)


@public(family="nn")
def fractional_max_pool3d(
    x: Tensor, kernel_size: int | Sequence[int], samples: TensorLike,
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None, *, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return such maxima over volumes; see `fractional_max_pool2d`, with samples depth first.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 5, 4, 4))
    >>> df.nn.fractional_max_pool3d(x, 2, [[0.1, 0.5, 0.9]], output_ratio=0.5).shape
    (1, 2, 2, 2)
    """
    return _pool(3, x, kernel_size, samples, output_size, output_ratio, return_indices)
