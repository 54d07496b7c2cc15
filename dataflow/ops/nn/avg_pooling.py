"""The means of windows over sequences, images and volumes: public functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.nn.pools import (
    Ints,
    Padding,
    pool_attrs,
)
from dataflow.ops.nn.window_means import AVG_POOL
from dataflow.ops.nn.windows import pads
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d"]


def _averaged(
    x: Tensor, attrs: Attrs, padding: Padding, count_include_pad: bool, divisor: int | None
) -> Tensor:
    """Declare the mean of windows that lie as the attributes say."""
    if divisor is not None and (
        isinstance(divisor, bool) or not isinstance(divisor, int) or not divisor
    ):
        msg = f"divisor_override ({user_line()}) is an int and not 0, not {divisor!r}"
        raise ArgumentError(msg)
    before, after = pads(padding if count_include_pad else 0, len(attrs.integers("kernel")))
    attrs = attrs.replace(counted_before=before, counted_after=after, divisor=divisor or 0)
    return apply(AVG_POOL, (x,), attrs)


@public(family="nn")
def avg_pool1d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Return the means of windows over sequences; see `avg_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0, 2.0, 0.0]]])
    >>> df.evaluate(df.nn.avg_pool1d(x, 2))
    array([[[2., 1.]]], dtype=float32)
    """
    attrs = pool_attrs("avg_pool1d", x, 1, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(x, attrs, padding, count_include_pad, divisor_override)


@public(family="nn")
def avg_pool2d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Return the means of windows over images.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width); floats or complex numbers.
    kernel_size : int or sequence of int
        The lengths of a window, along all axes or along each.
    stride : int or sequence of int, optional
        How far a window moves at a time; by default its own length, so that none overlap.
    padding : int, sequence of int or sequence of pairs
        How many zeros there are around an image: on every side, on both sides of each axis, or
        before and after each.
    ceil_mode : bool
        Whether a last window that lies within the image only in part has a place too, if it
        starts within it; what it lacks beyond the padding never counts.
    count_include_pad : bool
        Whether a mean counts the zeros of the padding.
    divisor_override : int, optional
        What to divide every sum by instead.

    Returns
    -------
    Tensor
        As many means along an axis as `conv2d` has results. float16 adds up in float32 inside.

    Raises
    ------
    ShapeError
        A rank or a parameter doesn't fit, the window is larger than the image with its padding,
        or there is a window of padding alone.
    DTypeError
        `x` is of integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 3.0, 6.0]]])
    >>> df.evaluate(df.nn.avg_pool2d(x, 2, stride=1))
    array([[[3., 4.]]], dtype=float32)
    """
    attrs = pool_attrs("avg_pool2d", x, 2, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(x, attrs, padding, count_include_pad, divisor_override)


@public(family="nn")
def avg_pool3d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Return the means of windows over volumes; see `avg_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 4, 4))
    >>> df.nn.avg_pool3d(x, (1, 2, 2)).shape
    (1, 2, 2, 2)
    """
    attrs = pool_attrs("avg_pool3d", x, 3, kernel_size, stride, padding, 1, ceil_mode)
    return _averaged(x, attrs, padding, count_include_pad, divisor_override)
