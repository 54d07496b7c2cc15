"""Transposed convolution, as PyTorch has it: what a convolution does to a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.convolution_arguments import (
    Ints,
    Padding,
    biased,
    examples_of,
    like_given,
    operands_of,
    steps_and_padding,
)
from dataflow.ops.nn.correlations import CONV_INPUT, laid_out
from dataflow.ops.nn.windows import each_axis
from dataflow.ops.padding import pad
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def _conv_transpose(
    axes: int, operands: Sequence[TensorLike | None], stride: Ints, padding: Padding,
    output_padding: Ints, groups: int, dilation: Ints,
) -> Tensor:  # fmt: skip
    name = f"conv_transpose{axes}d"
    x, filters, *shift = operands_of(name, axes, *operands)
    attrs = steps_and_padding(name, axes, filters.shape[2:], stride, padding, dilation, groups)
    image = examples_of(x, axes)
    more = each_axis(output_padding, axes, "output_padding", least=0)
    attrs, below, zeros = _beyond(name, more, attrs)
    size = _sizes(name, image.shape[2:], filters.shape[2:], below, attrs)
    made = apply(CONV_INPUT, (laid_out(image), laid_out(filters)), attrs.replace(size=size))
    if any(zeros):
        made = pad(made, ((0, 0), (0, 0), *((0, count) for count in zeros)))
    return like_given(x, biased(name, made, shift))


def _beyond(
    name: str, more: Sequence[int], attrs: Attrs
) -> tuple[Attrs, Sequence[int], Sequence[int]]:
    """Return attributes, output padding below the stride, and zeros, for one that may be larger.

    What is added at the end is first what the padding would cut off there, then zeros.
    """
    stride, dilation, after = (attrs.integers(key) for key in ("stride", "dilation", "after"))
    rows = [*zip(more, stride, dilation, after, strict=True)]
    if any(m >= s and m >= d for m, s, d, _ in rows):
        msg = (f"{name} ({user_line()}): output_padding {tuple(more)} must be smaller than stride "
               f"{stride} or dilation {dilation}")  # fmt: skip
        raise ShapeError(msg)
    cut = tuple(max(a - m, 0) if m >= s else a for m, s, _, a in rows)
    below = [0 if m >= s else m for m, s, _, _ in rows]
    return attrs.replace(after=cut), below, [max(m - a, 0) * (m >= s) for m, s, _, a in rows]


def _sizes(name: str, places: Shape, kernel: Shape, more: Sequence[int], attrs: Attrs) -> Shape:
    """Return the lengths of the axes that a transposed convolution makes."""
    stride, dilation, before, after = (
        attrs.integers(key) for key in ("stride", "dilation", "before", "after")
    )
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
        How much is cut off the result: what a convolution back would have to pad. ``"same"`` is
        for stride 1.
    output_padding : int or sequence of int
        How much is added at the end of each axis of the result; less than the stride, which makes
        several sizes of a result possible, or than the dilation.

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
