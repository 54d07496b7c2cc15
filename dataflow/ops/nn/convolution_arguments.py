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
    from dataflow.dims import Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "Ints", "Padding", "biased", "examples_of", "like_given", "named_padding", "operands_of",
    "steps_and_padding",
]  # fmt: skip

Ints: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = "int | str | Sequence[int | Sequence[int]]"


def steps_and_padding(
    name: str, axes: int, kernel: Shape, stride: Ints, padding: Padding, dilation: Ints,
    groups: int,
) -> Attrs:  # fmt: skip
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
        raise ArgumentError(msg)
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
