"""Convolution and transposed convolution, as PyTorch has them: public functions of two ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from dataflow.attrs import Attrs
from dataflow.calling import apply, promoted
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.correlations import CONV, CONV_INPUT, laid_out
from dataflow.ops.nn.windows import check_rank, each_axis, pads
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip

Ints: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = "int | str | Sequence[int | Sequence[int]]"


def _steps(name: str, axes: int, kernel: Shape, stride: Ints, padding: Padding, dilation: Ints,
           groups: int) -> Attrs:  # fmt: skip
    """Return the attributes that all convolutions have."""
    strides = each_axis(stride, axes, "stride")
    dilations = each_axis(dilation, axes, "dilation")
    (group,) = each_axis(groups, 1, "groups")
    if isinstance(padding, str):
        padding = named_padding(name, padding, kernel, strides, dilations)
    before, after = pads(padding, axes)
    return Attrs(stride=strides, dilation=dilations, before=before, after=after, groups=(group,))


def named_padding(
    name: str, padding: str, kernel: Shape, stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Return the padding before and after each axis that ``"valid"`` and ``"same"`` stand for.

    Raises
    ------
    ShapeError
        It is another name, or ``"same"`` with a stride or a kernel of unknown size.
    """
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding != "same":
        msg = f"{name} ({user_line()}): padding {padding!r} is none of 'same' and 'valid'"
        raise ShapeError(msg)
    if set(stride) != {1}:
        msg = (f"{name} ({user_line()}): padding 'same' needs stride 1, not {tuple(stride)}; give "
               "the padding as numbers")  # fmt: skip
        raise ShapeError(msg)
    spans = [(_known(name, count) - 1) * d for count, d in zip(kernel, dilation, strict=True)]
    return [(span // 2, span - span // 2) for span in spans]


def _known(name: str, length: object) -> int:
    if not isinstance(length, int):
        msg = f"{name} ({user_line()}): padding 'same' needs a kernel of known size, not {length}"
        raise ShapeError(msg)
    return length


def _operands(name: str, axes: int, *given: TensorLike | None) -> list[Tensor]:
    """Return operands of one dtype, x and the weight with as many axes as they must have."""
    operands = list(promoted(CONV, None, *(x for x in given if x is not None)))
    check_rank(name, operands[0].shape, axes)
    if operands[1].ndim != axes + 2:
        msg = (f"{name} ({user_line()}): the weight needs {axes + 2} axes, not "
               f"{operands[1].ndim}: filters, channels and the kernel's")  # fmt: skip
        raise ShapeError(msg)
    return operands


def _biased(name: str, y: Tensor, bias: Sequence[Tensor]) -> Tensor:
    if not bias:
        return y
    if bias[0].shape != y.shape[1:2]:
        msg = (f"{name} ({user_line()}): the bias has shape {bias[0].shape} and there are "
               f"{y.shape[1]} filters")  # fmt: skip
        raise ShapeError(msg)
    return y + reshape(bias[0], (y.shape[1], *[1] * (y.ndim - 2)))


def _conv(
    axes: int, operands: Sequence[TensorLike | None], stride: Ints, padding: Padding,
    dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    name = f"conv{axes}d"
    x, filters, *shift = _operands(name, axes, *operands)
    attrs = _steps(name, axes, filters.shape[2:], stride, padding, dilation, groups)
    made = apply(CONV, (laid_out(_examples(x, axes)), laid_out(filters)), attrs)
    return _like_given(x, _biased(name, made, shift))


def _examples(x: Tensor, axes: int) -> Tensor:
    return x if x.ndim == axes + 2 else expand_dims(x, 0)


def _like_given(x: Tensor, y: Tensor) -> Tensor:
    """Return a result without the axis of examples, where the operand had none."""
    return y if y.ndim == x.ndim else reshape(y, y.shape[1:])


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
        before and after each. ``"same"`` gives a result as large as `x` (stride 1 only; where the
        zeros are odd, there is one more after), ``"valid"`` is none.
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


# Transposed


def _conv_transpose(
    axes: int, operands: Sequence[TensorLike | None], stride: Ints, padding: Padding,
    output_padding: Ints, groups: int, dilation: Ints,
) -> Tensor:  # fmt: skip
    name = f"conv_transpose{axes}d"
    x, filters, *shift = _operands(name, axes, *operands)
    attrs = _steps(name, axes, filters.shape[2:], stride, padding, dilation, groups)
    image = _examples(x, axes)
    more = each_axis(output_padding, axes, "output_padding", least=0)
    size = _sizes(name, image.shape[2:], filters.shape[2:], more, attrs)
    made = apply(CONV_INPUT, (laid_out(image), laid_out(filters)), attrs.replace(size=size))
    return _like_given(x, _biased(name, made, shift))


def _sizes(name: str, places: Shape, kernel: Shape, more: Sequence[int], attrs: Attrs) -> Shape:
    """Return the lengths of the axes that a transposed convolution makes."""
    stride, dilation, before, after = (
        attrs.integers(key) for key in ("stride", "dilation", "before", "after")
    )
    if any(m >= s for m, s in zip(more, stride, strict=True)):
        msg = (f"{name} ({user_line()}): output_padding {tuple(more)} must be smaller than stride "
               f"{stride}")  # fmt: skip
        raise ShapeError(msg)
    rows = zip(places, kernel, more, stride, dilation, before, after, strict=True)
    size = tuple((n - 1) * s + (k - 1) * d + 1 + m - b - a for n, k, m, s, d, b, a in rows)
    if any(isinstance(length, int) and length < 0 for length in size):
        msg = (f"{name} ({user_line()}): the result would have sizes {size}: the padding {before}, "
               f"{after} takes away more than there is")  # fmt: skip
        raise ShapeError(msg)
    return size


@public(family="nn")
def conv_transpose1d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Return the transposed convolution of sequences; see `conv_transpose2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 10.0]]])
    >>> df.evaluate(df.nn.conv_transpose1d(x, [[[1.0, 2.0, 3.0]]], stride=2))
    array([[[ 1.,  2., 13., 20., 30.]]])
    """
    return _conv_transpose(1, (x, weight, bias), stride, padding, output_padding, groups, dilation)


@public(family="nn")
def conv_transpose2d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Return the transposed convolution of images: what `conv2d` does to a gradient.

    Every element of `x` adds the filters, times itself, to the result; a stride moves these apart.

    Parameters
    ----------
    x : tensor or array_like
        Images, of shape (examples, channels, height, width), or one without the first axis.
    weight : tensor or array_like
        Of shape (channels, filters // groups, height, width).
    bias : tensor or array_like, optional
        A number to add for each filter.
    stride, dilation, groups
        See `conv2d`.
    padding : int, sequence of int, sequence of pairs, ``"same"`` or ``"valid"``
        How much is cut off the result: what a convolution back would have to pad.
    output_padding : int or sequence of int
        How much is added at the end of each axis of the result; less than the stride, which makes
        several sizes of a result possible.

    Returns
    -------
    Tensor
        Of shape (examples, filters, height, width), or without the first axis; from n elements and
        a kernel of k, there are
        ``(n - 1) * stride + dilation * (k - 1) + 1 - padding + output_padding`` along an axis.

    Raises
    ------
    ShapeError, DTypeError
        As for `conv2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[[1.0, 2.0]]]])
    >>> df.evaluate(df.nn.conv_transpose2d(x, [[[[1.0, 1.0], [1.0, 0.0]]]]))
    array([[[[1., 3., 2.],
             [1., 2., 0.]]]])
    """
    return _conv_transpose(2, (x, weight, bias), stride, padding, output_padding, groups, dilation)


@public(family="nn")
def conv_transpose3d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, stride: Ints = 1,
    padding: Padding = 0, output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """Return the transposed convolution of volumes; see `conv_transpose2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 1, 1, 1, 2))
    >>> df.evaluate(df.nn.conv_transpose3d(x, x))
    array([[[[[1., 2., 1.]]]]], dtype=float32)
    """
    return _conv_transpose(3, (x, weight, bias), stride, padding, output_padding, groups, dilation)
