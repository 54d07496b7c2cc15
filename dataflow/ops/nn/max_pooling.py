"""The maxima of windows over sequences, images and volumes: public functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.nn.pools import (
    Ints,
    Padding,
    pool_attrs,
)
from dataflow.ops.nn.window_maxima import ARGMAX_POOL, MAX_POOL

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["max_pool1d", "max_pool2d", "max_pool3d"]


def _max_pool(
    axes: int, x: Tensor, kernel_size: Ints, stride: Ints | None, padding: Padding,
    dilation: Ints, ceil_mode: bool, return_indices: bool,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    name = f"max_pool{axes}d"
    attrs = pool_attrs(name, x, axes, kernel_size, stride, padding, dilation, ceil_mode)
    y = apply(MAX_POOL, (x,), attrs)
    return (y, apply(ARGMAX_POOL, (x,), attrs)) if return_indices else y


@public(family="nn")
def max_pool1d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over sequences; see `max_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0, 2.0, 0.0]]])
    >>> df.evaluate(df.nn.max_pool1d(x, 2))
    array([[[3., 2.]]], dtype=float32)
    """
    return _max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(family="nn")
def max_pool2d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over images.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width); any dtype but complex.
    kernel_size : int or sequence of int
        The lengths of a window, along all axes or along each.
    stride : int or sequence of int, optional
        How far a window moves at a time; by default its own length, so that none overlap.
    padding : int, sequence of int or sequence of pairs
        By how much windows may reach beyond an image: on every side, on both sides of each axis,
        or before and after each. What is there is never a maximum.
    dilation : int or sequence of int
        The distance of a window's elements.
    ceil_mode : bool
        Whether a last window that lies within the image only in part has a place too, if it
        starts within it; the axes must have known lengths.
    return_indices : bool
        Whether to return where the maxima are as well.

    Returns
    -------
    Tensor
        The maxima, NaN where one is in the window; there are as many along an axis as for
        `conv2d`. With `return_indices` a second one, int64: indices into an image whose rows
        follow one another, of the first where several are as large. The gradient goes to that
        element alone.

    Raises
    ------
    ShapeError
        A rank or a parameter doesn't fit, the window is larger than the image with its padding,
        or there is a window of padding alone.
    DTypeError
        `x` is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 4.0, 6.0]]])
    >>> df.evaluate(*df.nn.max_pool2d(x, 2, stride=1, return_indices=True))
    (array([[[5., 6.]]], dtype=float32), array([[[1, 5]]]))
    """
    return _max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(family="nn")
def max_pool3d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over volumes; see `max_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 4, 4))
    >>> df.nn.max_pool3d(x, (1, 2, 2)).shape
    (1, 2, 2, 2)
    """
    return _max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
