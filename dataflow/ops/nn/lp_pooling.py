"""The norms of windows: powers, their means, and the root of what these add up to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.nn.avg_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from dataflow.ops.nn.windows import each_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.ops.nn.pools import Ints
    from dataflow.tensor import Tensor

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]

_AVG = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}


def _lp_pool(
    axes: int, x: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool
) -> Tensor:
    if isinstance(norm_type, bool) or not isinstance(norm_type, (int, float)) or not norm_type > 0:
        msg = f"lp_pool{axes}d ({user_line()}): norm_type is a number above 0, not {norm_type!r}"
        raise ArgumentError(msg)
    kernel = each_axis(kernel_size, axes, "kernel_size")
    means = _AVG[axes](x**norm_type, kernel, stride, 0, ceil_mode)
    totals = means * math.prod(kernel)
    # At 0 the root has no finite derivative, and a window of zeros has the gradient 0.
    is_zero = call_function("equal", totals, 0)
    root = call_function("where", is_zero, 1, totals) ** (1 / norm_type)
    return call_function("where", is_zero, totals, root)


@public(family="nn")
def lp_pool1d(
    x: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """Return the norms of windows over sequences; see `lp_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3.0, 4.0, 0.0, 2.0]])
    >>> df.evaluate(df.nn.lp_pool1d(x, 2, 2))
    array([[5., 2.]], dtype=float32)
    """
    return _lp_pool(1, x, norm_type, kernel_size, stride, ceil_mode)


@public(family="nn")
def lp_pool2d(
    x: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """Return the norms ``(sum of x**p)**(1/p)`` of windows over images.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width), of floating point. There is no absolute
        value in the sum, as in PyTorch's.
    norm_type : float
        The power p, above 0.
    kernel_size, stride, ceil_mode
        See `avg_pool2d`; with `ceil_mode` the sum of a window in part is the mean of what is there
        times the window's size.

    Raises
    ------
    ShapeError, DTypeError
        As for `avg_pool2d`, or the power isn't above 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[3.0, 4.0], [12.0, 0.0]]])
    >>> df.evaluate(df.nn.lp_pool2d(x, 2, 2))
    array([[[13.]]], dtype=float32)
    """
    return _lp_pool(2, x, norm_type, kernel_size, stride, ceil_mode)


@public(family="nn")
def lp_pool3d(
    x: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """Return the norms of windows over volumes; see `lp_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 4, 4))
    >>> df.nn.lp_pool3d(x, 2, (1, 2, 2)).shape
    (1, 2, 2, 2)
    """
    return _lp_pool(3, x, norm_type, kernel_size, stride, ceil_mode)
