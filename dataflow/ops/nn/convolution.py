"""Convolution, as PyTorch has it: public functions of the op `nn.conv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.ops.nn.convolution_arguments import (
    Ints,
    Padding,
    biased,
    examples_of,
    like_given,
    operands_of,
    steps_and_padding,
)
from dataflow.ops.nn.correlations import CONV, laid_out

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["conv1d", "conv2d", "conv3d"]


def _conv(
    axes: int, operands: Sequence[TensorLike | None], stride: Ints, padding: Padding,
    dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    name = f"conv{axes}d"
    x, filters, *shift = operands_of(name, axes, *operands)
    lengths = x.shape[-axes:]
    attrs = steps_and_padding(
        name, axes, filters.shape[2:], stride, padding, dilation, groups, lengths
    )
    made = apply(CONV, (laid_out(examples_of(x, axes)), laid_out(filters)), attrs)
    return like_given(x, biased(name, made, shift))


@public(family="nn")
def conv1d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Return the convolution of sequences; see `conv2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 2.0, 4.0, 8.0]]])
    >>> df.evaluate(df.nn.conv1d(x, [[[-1.0, 1.0]]]))
    array([[[1., 2., 4.]]])
    """
    return _conv(1, (x, weight, bias), stride, padding, dilation, groups)


@public(family="nn")
def conv2d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Return the convolution of images, which as in other frameworks is a correlation.

    Parameters
    ----------
    x : tensor or array_like
        Images, of shape (examples, channels, height, width), or one without the first axis.
    weight : tensor or array_like
        Filters, of shape (filters, channels // groups, height, width).
    bias : tensor or array_like, optional
        A number to add for each filter.
    stride : int or sequence of int
        How far a filter moves at a time, along all axes or along each.
    padding : int, sequence of int, sequence of pairs, ``"same"`` or ``"valid"``
        How many zeros there are around an image: on every side, on both sides of each axis, or
        before and after each. ``"same"`` gives ``ceil(n / stride)`` places along n elements, as
        JAX has it: a result as large as `x` for stride 1; for others the lengths must be known.
        Where the zeros are odd, there is one more after. ``"valid"`` is none.
    dilation : int or sequence of int
        The distance of a filter's elements, along all axes or along each.
    groups : int
        Channels and filters are split into so many groups, each a convolution of its own.

    Returns
    -------
    Tensor
        Of shape (examples, filters, height, width), or without the first axis; along an axis of n
        elements with padding p and a kernel of k, there are
        ``(n + p - dilation * (k - 1) - 1) // stride + 1``. dtypes are promoted as NumPy 2 does;
        float16 adds up in float32 inside.

    Raises
    ------
    ShapeError
        A rank, the channels, the groups or a parameter don't fit, or the kernel is larger than
        the image with its padding.
    DTypeError
        The operands are integers.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> df.evaluate(df.nn.conv2d(x, [[[[1.0, 1.0], [0.0, 1.0]]]]))
    array([[[[ 8., 11.]]]])
    """
    return _conv(2, (x, weight, bias), stride, padding, dilation, groups)


@public(family="nn")
def conv3d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Return the convolution of volumes; see `conv2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 3, 3, 3))
    >>> df.evaluate(df.nn.conv3d(x, df.ones_like(x)))
    array([[[[[54.]]]]], dtype=float32)
    """
    return _conv(3, (x, weight, bias), stride, padding, dilation, groups)
