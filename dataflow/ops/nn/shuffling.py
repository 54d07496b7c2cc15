"""Pixels and channels in another order: reshapes around a transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.axes import transpose
from dataflow.ops.nn.windows import each_axis
from dataflow.ops.shaping import reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def _refuse(name: str, x: Tensor, what: str) -> NoReturn:
    msg = f"{name} ({user_line()}) of {shape_text(x.shape)}: {what}"
    raise ShapeError(msg)


def _quotient(name: str, x: Tensor, axis: int, divisor: int) -> int | Dim:
    """Return the length of an axis split into `divisor` parts."""
    length = x.shape[axis]
    if length // divisor * divisor != length:
        _refuse(name, x, f"axis {axis} has {length} elements, no multiple of {divisor}")
    return length // divisor


def _check_images(name: str, x: Tensor) -> None:
    if x.ndim < 3:
        _refuse(name, x, "takes 3 axes or more, the last ones channels, height and width")


@public(family="nn")
def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    """Return images whose pixels come from several channels each.

    Parameters
    ----------
    x : Tensor
        Of shape (..., channels * r * r, height, width), of any dtype.
    upscale_factor : int
        The factor r by which height and width grow.

    Returns
    -------
    Tensor
        Of shape (..., channels, height * r, width * r).

    Raises
    ------
    ShapeError
        There are fewer than 3 axes, or the channels are no multiple of r * r.

    References
    ----------
    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", CVPR 2016.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1]], [[2]], [[3]], [[4]]])
    >>> df.evaluate(df.nn.pixel_shuffle(x, 2))
    array([[[1, 2],
            [3, 4]]])
    """
    (r,) = each_axis(upscale_factor, 1, "upscale_factor")
    _check_images("pixel_shuffle", x)
    channels, (height, width), first = (
        _quotient("pixel_shuffle", x, -3, r * r),
        x.shape[-2:],
        x.ndim - 3,
    )
    split = reshape(x, (*x.shape[:-3], channels, r, r, height, width))
    order = [first, first + 3, first + 1, first + 4, first + 2]
    mixed = transpose(split, (*range(first), *order))
    return reshape(mixed, (*x.shape[:-3], channels, height * r, width * r))


@public(family="nn")
def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    """Return images whose channels hold every r-th pixel each: the inverse of `pixel_shuffle`.

    Parameters
    ----------
    x : Tensor
        Of shape (..., channels, height * r, width * r), of any dtype.
    downscale_factor : int
        The factor r by which height and width shrink.

    Raises
    ------
    ShapeError
        There are fewer than 3 axes, or height and width are no multiples of r.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1, 2], [3, 4]]])
    >>> df.evaluate(df.nn.pixel_unshuffle(x, 2)).ravel()
    array([1, 2, 3, 4])
    """
    (r,) = each_axis(downscale_factor, 1, "downscale_factor")
    _check_images("pixel_unshuffle", x)
    height, width = (_quotient("pixel_unshuffle", x, axis, r) for axis in (-2, -1))
    channels, first = x.shape[-3], x.ndim - 3
    split = reshape(x, (*x.shape[:-2], height, r, width, r))
    order = [first, first + 2, first + 4, first + 1, first + 3]
    mixed = transpose(split, (*range(first), *order))
    return reshape(mixed, (*x.shape[:-3], channels * r * r, height, width))


@public(family="nn")
def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Return channels dealt out anew: the first of each group, then the second ones, and so on.

    Parameters
    ----------
    x : Tensor
        Of shape (examples, channels, ...), of any dtype.
    groups : int
        How many groups the channels are in.

    Raises
    ------
    ShapeError
        There are fewer than 3 axes, or the channels are no multiple of the groups.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1], [2], [3], [4]]])
    >>> df.evaluate(df.nn.channel_shuffle(x, 2)).ravel()
    array([1, 3, 2, 4])
    """
    (count,) = each_axis(groups, 1, "groups")
    if x.ndim < 3:
        _refuse("channel_shuffle", x, "takes 3 axes or more: examples, channels and others")
    each = _quotient("channel_shuffle", x, 1, count)
    split = reshape(x, (x.shape[0], count, each, *x.shape[2:]))
    return reshape(transpose(split, (0, 2, 1, *range(3, split.ndim))), x.shape)
