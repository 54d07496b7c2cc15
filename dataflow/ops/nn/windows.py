"""Windows that move over the spatial axes of an array, as convolution and pooling need them.

Arrays are laid out as PyTorch has them: examples, channels, then spatial axes. A window has a
`kernel` of positions along each of these, `dilation` elements apart; it moves by `stride`, over an
axis that is longer by `before` and `after` (the padding). The places it takes are the result's.

    element = place * stride + position * dilation - before

Two ways to go over all pairs of place and position serve all kernels here: a view of a padded
array with one axis for every position and one for every place (`sliding`), and pairs of slices,
one of an array and one of the places, a pair for each position (`pairs`), which need no padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.errors import ShapeError
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim, Shape
    from dataflow.operation import Array

__all__ = ["Index", "Steps", "check_rank", "each_axis", "pads", "steps_of"]

Index: TypeAlias = tuple[Any, ...]


class Steps(NamedTuple):
    """How windows lie on the spatial axes, one number an axis."""

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    def places(self, size: Shape, kernel: Shape) -> Shape:
        """Return how many places a window has along each axis.

        Raises
        ------
        ShapeError
            A window has no position, or more than fit in an axis with its padding.
        """
        return tuple(
            _places(length, count, *row)
            for length, count, *row in zip(size, kernel, *self, strict=True)
        )

    def padded(self, size: Sequence[int]) -> tuple[int, ...]:
        """Return the lengths of the axes with their padding."""
        return tuple(map(sum, zip(size, self.before, self.after, strict=True)))

    @property
    def is_padded(self) -> bool:
        """Whether any axis has padding."""
        return any(self.before) or any(self.after)

    def is_trivial(self, kernel: Sequence[int]) -> bool:
        """Say whether the windows are the elements, one by one."""
        return not self.is_padded and {*kernel, *self.stride} <= {1}

    def sliding(self, array: Array, kernel: Sequence[int], places: Sequence[int]) -> Array:
        """Return a view of a padded array: leading axes, then positions, then places."""
        lead = array.ndim - len(kernel)
        strides = array.strides[lead:]
        return np.lib.stride_tricks.as_strided(
            array,
            (*array.shape[:lead], *kernel, *places),
            (*array.strides[:lead], *map(_times, strides, self.dilation),
             *map(_times, strides, self.stride)),
            writeable=False,
        )  # fmt: skip

    def inside(self, size: Sequence[int]) -> Index:
        """Return the index of an array's own elements in what is padded."""
        return (..., *(slice(b, b + n) for b, n in zip(self.before, size, strict=True)))

    def pairs(
        self, size: Sequence[int], kernel: Sequence[int], places: Sequence[int]
    ) -> Iterator[tuple[tuple[int, ...], Index, Index]]:
        """Yield, for each position of a window, the elements that lie there, and at which places.

        Elements in the padding, and positions that are there at every place, are left out.
        """
        for position in np.ndindex(*kernel):
            rows = zip(size, places, position, *self[:3], strict=True)
            ranges = [_overlap(*row) for row in rows]
            if all(ranges):
                elements, where = zip(*filter(None, ranges), strict=True)
                yield position, (..., *elements), (..., *where)


def _times(a: int, b: int) -> int:
    return a * b


def _places(
    length: int | Dim, count: int | Dim, stride: int, dilation: int, before: int, after: int
) -> int | Dim:  # fmt: skip
    if isinstance(count, int) and count < 1:
        msg = f"a window of {count} elements has no place: the kernel needs 1 or more"
        raise ShapeError(msg)
    span = (count - 1) * dilation + 1
    room = length + before + after - span
    if isinstance(room, int) and room < 0:
        msg = (f"a kernel that spans {span} elements doesn't fit in an axis of {length} with "
               f"padding {before} + {after}: make it smaller or pad more")  # fmt: skip
        raise ShapeError(msg)
    return room // stride + 1


def _overlap(
    length: int, places: int, position: int, stride: int, dilation: int, before: int
) -> tuple[slice, slice] | None:
    """Return the elements that a position reads along one axis, and at which places it does."""
    first = position * dilation - before
    start = max(0, -(first // stride))
    stop = min(places, (length - 1 - first) // stride + 1)
    if stop <= start:
        return None
    elements = slice(first + start * stride, first + (stop - 1) * stride + 1, stride)
    return elements, slice(start, stop)


# Attributes


def steps_of(attrs: Attrs, axes: int) -> Steps:
    """Read how windows lie from a node's attributes.

    Raises
    ------
    ShapeError
        There isn't one number for each axis, a stride or dilation is below 1, a padding below 0.
    """
    steps = Steps(*(attrs.integers(name) for name in Steps._fields))
    if {*map(len, steps)} != {axes}:
        msg = (
            f"stride, dilation and padding need {axes} numbers, one for each spatial axis: {attrs}"
        )
        raise ShapeError(msg)
    if min(*steps.stride, *steps.dilation) < 1 or min(*steps.before, *steps.after) < 0:
        msg = f"stride and dilation must be 1 or more, padding 0 or more: {attrs}"
        raise ShapeError(msg)
    return steps


def each_axis(
    value: int | Sequence[int], axes: int, name: str, *, least: int = 1
) -> tuple[int, ...]:
    """Return a parameter for every spatial axis, given one number or one for each.

    Raises
    ------
    ShapeError
        It is neither, or a number is below `least`.
    """
    items = tuple(value) if isinstance(value, Sequence) else (value,) * axes
    if len(items) != axes or any(_is_no_int(item) or item < least for item in items):
        msg = (f"{name} ({user_line()}) is an int of {least} or more, or {axes} of them, "
               f"not {value!r}")  # fmt: skip
        raise ShapeError(msg)
    return tuple(item.__index__() for item in items)


def pads(
    padding: int | Sequence[int | Sequence[int]], axes: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding before and after every axis, given one number, or one or two for each.

    Raises
    ------
    ShapeError
        It is none of these, or a number is below 0.
    """
    items: Sequence[Any] = padding if isinstance(padding, Sequence) else (padding,) * axes
    rows = [item if isinstance(item, Sequence) else (item, item) for item in items]
    numbers = [n for row in rows for n in row]
    if (
        {*map(len, rows)} != {2}
        or len(rows) != axes
        or any(_is_no_int(n) or n < 0 for n in numbers)
    ):
        msg = (f"padding ({user_line()}) is an int of 0 or more, or {axes} of them, or {axes} "
               f"pairs (before, after), not {padding!r}")  # fmt: skip
        raise ShapeError(msg)
    before, after = zip(*rows, strict=True)
    return tuple(before), tuple(after)


def _is_no_int(item: object) -> bool:
    return isinstance(item, bool) or not hasattr(item, "__index__")


def check_rank(name: str, shape: Shape, axes: int) -> int:
    """Return the axis of channels, before so many spatial axes, with or without one of examples."""
    if len(shape) not in (axes + 1, axes + 2):
        letters = ("length", "height and width", "depth, height and width")[axes - 1]
        msg = (f"{name} ({user_line()}) takes {axes + 2} axes (examples, channels, {letters}), or "
               f"{axes + 1} of one example, not {shape_text(shape)}: reshape it")  # fmt: skip
        raise ShapeError(msg)
    return len(shape) - axes - 1
