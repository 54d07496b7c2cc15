"""What convolutions ask of their arguments: images and filters, steps and padding, a bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from dataflow.attrs import Attrs
from dataflow.calling import promoted
from dataflow.errors import ArgumentError, ShapeError
from dataflow.ops.nn.correlations import CONV
from dataflow.ops.nn.windows import check_rank, each_axis, pads
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "Ints", "Padding", "biased", "examples_of", "like_given", "named_padding", "operands_of",
    "steps_and_padding",
]  # fmt: skip

Ints: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = "int | str | Sequence[int | Sequence[int]]"


def steps_and_padding(
    name: str, axes: int, kernel: Shape, stride: Ints, padding: Padding, dilation: Ints,
    groups: int, lengths: Shape | None = None,
) -> Attrs:  # fmt: skip
    """Return the attributes that all convolutions have; see `named_padding` for `lengths`."""
    strides = each_axis(stride, axes, "stride")
    dilations = each_axis(dilation, axes, "dilation")
    (group,) = each_axis(groups, 1, "groups")
    if isinstance(padding, str):
        padding = named_padding(name, padding, kernel, strides, dilations, lengths)
    before, after = pads(padding, axes)
    return Attrs(stride=strides, dilation=dilations, before=before, after=after, groups=(group,))


def named_padding(
    name: str, padding: str, kernel: Shape, stride: Sequence[int], dilation: Sequence[int],
    lengths: Shape | None = None,
) -> list[tuple[int, int]]:  # fmt: skip
    """Return the padding before and after each axis that ``"valid"`` and ``"same"`` stand for.

    ``"same"`` is JAX's and TensorFlow's: ``ceil(n / stride)`` places along n elements.

    Parameters
    ----------
    name : str
        The function's name, for messages.
    padding : str
        The name.
    kernel, stride, dilation : sequence of int
        For each axis.
    lengths : sequence of int or Dim, optional
        Of the images; without, of a transposed convolution, there is no stride but 1.

    Raises
    ------
    ArgumentError
        It is another name.
    ShapeError
        It is ``"same"`` with a kernel of unknown size, or a stride along an unknown length.
    """
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding != "same":
        msg = f"{name} ({user_line()}): padding {padding!r} is none of 'same' and 'valid'"
        raise ArgumentError(msg)
    if lengths is None and set(stride) != {1}:
        msg = (f"{name} ({user_line()}): padding 'same' needs stride 1, not {tuple(stride)}; give "
               "the padding as numbers")  # fmt: skip
        raise ShapeError(msg)
    rows = zip(kernel, stride, dilation, lengths or kernel, strict=True)
    totals = [_zeros_for_same(name, *row) for row in rows]
    return [(total // 2, total - total // 2) for total in totals]


def _zeros_for_same(
    name: str, count: int | Dim, stride: int, dilation: int, length: int | Dim
) -> int:
    """Return how many zeros one axis needs in all."""
    span = (_known(name, "a kernel of known size", count) - 1) * dilation
    if stride == 1:
        return span
    known = _known(name, f"a known length for stride {stride}", length)
    last = (-(-known // stride) - 1) * stride
    return max(last + span + 1 - known, 0)


def _known(name: str, what: str, length: int | Dim) -> int:
    if not isinstance(length, int):
        msg = (f"{name} ({user_line()}): padding 'same' needs {what}, not {length}; give the "
               "padding as numbers")  # fmt: skip
        raise ShapeError(msg)
    return length


def operands_of(name: str, axes: int, *given: TensorLike | None) -> list[Tensor]:
    """Return operands of one dtype, x and the weight with as many axes as they must have."""
    operands = list(promoted(CONV, None, *(x for x in given if x is not None)))
    check_rank(name, operands[0].shape, axes)
    if operands[1].ndim != axes + 2:
        msg = (f"{name} ({user_line()}): the weight needs {axes + 2} axes, not "
               f"{operands[1].ndim}: filters, channels and the kernel's")  # fmt: skip
        raise ShapeError(msg)
    return operands


def biased(name: str, y: Tensor, bias: Sequence[Tensor]) -> Tensor:
    """Add a bias, if there is one, to the channels of a result."""
    if not bias:
        return y
    if bias[0].shape != y.shape[1:2]:
        msg = (f"{name} ({user_line()}): the bias has shape {bias[0].shape} and there are "
               f"{y.shape[1]} filters")  # fmt: skip
        raise ShapeError(msg)
    return y + reshape(bias[0], (y.shape[1], *[1] * (y.ndim - 2)))


def examples_of(x: Tensor, axes: int) -> Tensor:
    """Return images with an axis of examples, which one image needn't have."""
    return x if x.ndim == axes + 2 else expand_dims(x, 0)


def like_given(x: Tensor, y: Tensor) -> Tensor:
    """Return a result without the axis of examples, where the operand had none."""
    return y if y.ndim == x.ndim else reshape(y, y.shape[1:])
