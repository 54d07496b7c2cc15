"""Images as columns of windows, and back: public functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.columns import FOLD, UNFOLD
from dataflow.ops.nn.pools import (
    Ints,
    Padding,
    check_spatial,
    pool_attrs,
)
from dataflow.ops.nn.windows import Steps, each_axis, pads
from dataflow.ops.shaping import reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["fold", "unfold"]


@public(family="nn")
def unfold(
    x: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Padding = 0, stride: Ints = 1
) -> Tensor:
    """Return all windows over images as the columns of a matrix, im2col.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width), of any dtype.
    kernel_size : int or sequence of int
        The height and width of a window.
    dilation, padding, stride
        See `conv2d`; there are zeros in the padding.

    Returns
    -------
    Tensor
        Of shape (..., channels * elements of a window, places of a window), both in row-major
        order.

    Raises
    ------
    ShapeError
        A rank or a parameter doesn't fit, or the window is larger than the image with its padding.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1, 2, 3], [4, 5, 6]]])
    >>> df.evaluate(df.nn.unfold(x, 2))
    array([[1, 2],
           [2, 3],
           [4, 5],
           [5, 6]])
    """
    attrs = pool_attrs("unfold", x, 2, kernel_size, stride, padding, dilation, ceil_mode=False)
    made = apply(UNFOLD, (x,), attrs)
    shape = made.shape
    return reshape(made, (*shape[:-5], product(shape[-5:-2]), product(shape[-2:])))


@public(family="nn")
def fold(
    x: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Padding = 0,
    stride: Ints = 1,
) -> Tensor:  # fmt: skip
    """Return images as the sums of windows that are the columns of a matrix, col2im.

    Where windows overlap their elements are added up; what lies in the padding is left out. It is
    the reverse of `unfold`, not its inverse.

    Parameters
    ----------
    x : Tensor
        Of shape (..., channels * elements of a window, places of a window), numbers.
    output_size : int or sequence of int
        The height and width of the images.
    kernel_size, dilation, padding, stride
        See `unfold`.

    Returns
    -------
    Tensor
        Of shape (..., channels, height, width).

    Raises
    ------
    ShapeError
        The windows don't have so many elements, or not so many places over an image of that size.
    DTypeError
        `x` is boolean.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [2, 3], [4, 5], [5, 6]])
    >>> df.evaluate(df.nn.fold(x, (2, 3), 2))
    array([[[ 1,  4,  3],
            [ 4, 10,  6]]])
    """
    check_spatial("fold", x.shape, 1)
    size, kernel = (
        each_axis(output_size, 2, "output_size"),
        each_axis(kernel_size, 2, "kernel_size"),
    )
    before, after = pads(padding, 2)
    steps = Steps(each_axis(stride, 2, "stride"), each_axis(dilation, 2, "dilation"), before, after)
    places = steps.places(size, kernel)
    channels = _channels(x, math.prod(kernel), product(places))
    windows = reshape(x, (*x.shape[:-2], channels, *kernel, *places))
    return apply(FOLD, (windows,), Attrs(kernel=kernel, **steps._asdict(), size=size))


def _channels(x: Tensor, elements: int, places: int | Dim) -> int | Dim:
    rows, columns = x.shape[-2:]
    channels = rows // elements
    if channels * elements != rows or columns != places:
        msg = (f"fold ({user_line()}) of {shape_text(x.shape)}: the last two axes must be a "
               f"multiple of {elements} elements, and {places} places")  # fmt: skip
        raise ShapeError(msg)
    return channels
