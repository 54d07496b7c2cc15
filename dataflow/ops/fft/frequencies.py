"""Frequencies of discrete Fourier transforms, and their order with zero in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.ops.slicing import slice_axis
from dataflow.shapes import normal_axes

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Builder, Tensor

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


@public(np.fft.fftfreq, family="fft")
def fftfreq(
    n: DimLike, d: float = 1.0, *, dtype: object = None, device: Builder | None = None
) -> Tensor:
    """Return the frequencies of a transform of length `n`: 0 and up, then the negative ones.

    Parameters
    ----------
    n : int, str or Dim
        The length.
    d : float
        The distance of two samples.
    dtype : dtype, optional
        By default float32.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Returns
    -------
    Tensor
        In cycles per unit of `d`, computed in float64.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.fft.fftfreq(4)
    >>> df.evaluate(x)
    array([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32)
    """
    builder, size = builder_for("fftfreq", device), as_dim(n)
    half = (size - 1) // 2 + 1
    count = call_function("concat", [builder.arange(0, half), builder.arange(half - size, 0)])
    return _scaled(count, size, d, dtype)


@public(np.fft.rfftfreq, family="fft")
def rfftfreq(
    n: DimLike, d: float = 1.0, *, dtype: object = None, device: Builder | None = None
) -> Tensor:
    """Return the frequencies of a transform of `n` real numbers: 0 and up; see `fftfreq`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.fft.rfftfreq(4)
    >>> df.evaluate(x)
    array([0.  , 0.25, 0.5 ], dtype=float32)
    """
    builder, size = builder_for("rfftfreq", device), as_dim(n)
    return _scaled(builder.arange(size // 2 + 1), size, d, dtype)


def _scaled(count: Tensor, size: int | Dim, d: float, dtype: object) -> Tensor:
    length = count.builder.size_of((size,), np.float64)
    return (count.astype(np.float64) * (1.0 / (length * d))).astype(dtype or np.float32)


@public(np.fft.fftshift, family="fft")
def fftshift(x: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """Return frequencies in ascending order: zero, which came first, in the middle.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axes : int or sequence of int, optional
        The axes to shift; by default all.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0, 1, -2, -1])
    >>> df.evaluate(df.fft.fftshift(x))
    array([-2, -1,  0,  1])
    """
    for axis in normal_axes(axes, x.ndim):
        x = _turned(x, axis, (x.shape[axis] + 1) // 2)
    return x


@public(np.fft.ifftshift, family="fft")
def ifftshift(x: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """Return frequencies with zero first, as `fftshift` found them.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-2, -1, 0, 1])
    >>> df.evaluate(df.fft.ifftshift(x))
    array([ 0,  1, -2, -1])
    """
    for axis in normal_axes(axes, x.ndim):
        x = _turned(x, axis, x.shape[axis] // 2)
    return x


def _turned(x: Tensor, axis: int, first: int | Dim) -> Tensor:
    """Let an axis start at its element `first`, and end with those before."""
    parts = [slice_axis(x, axis, first, x.shape[axis]), slice_axis(x, axis, 0, first)]
    return call_function("concat", parts, axis=axis)
