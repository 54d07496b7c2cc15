"""What all pooling has in common: a window's lengths as attributes, its shapes, slices and samples.

Windows lie on the last axes, one for each length of the kernel; all axes before are rows that know
nothing of each other. So an op takes any number of them, and a batch is one more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import traffic
from dataflow.errors import ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    AxisUse,
    Cost,
    Halo,
    Specs,
    Tiling,
)
from dataflow.ops.nn.windows import Index, Steps, each_axis, pads, steps_of
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = [
    "CASES", "Ints", "Padding", "Window", "batch_rows", "check_spatial", "kernel_of", "pool_attrs",
    "pool_cost", "pool_tiling", "pooled", "row_uses", "window_of", "windows_of",
]  # fmt: skip

Ints = int | Sequence[int]
Padding = int | Sequence[int | Sequence[int]]


class Window(NamedTuple):
    """A kernel, how it lies, and the lengths of the axes that it moves over and that it makes."""

    kernel: tuple[int, ...]
    steps: Steps
    size: tuple[int, ...]
    places: tuple[int, ...]

    @property
    def has_few_places(self) -> bool:
        """Whether windows have so many positions, and so few places, that calls go by place.

        A call for a place reduces small parts of memory, and takes as long as eight others.
        """
        return 8 * math.prod(self.places) < self.elements

    @property
    def is_partition(self) -> bool:
        """Whether the windows lie side by side, and every element is in one of them."""
        rows = zip(self.size, self.places, self.kernel, *self.steps, strict=True)
        return all(n == p * k and (s, d, b, a) == (k, 1, 0, 0) for n, p, k, s, d, b, a in rows)

    def by_place(self) -> Iterator[tuple[Index, Index]]:
        """Yield, for each place of a window, its elements in the array and its own index."""
        for place in np.ndindex(self.places):
            rows = zip(place, self.size, self.kernel, *self.steps[:3], strict=True)
            yield (..., *(_within(*row) for row in rows)), (..., *place)

    @property
    def elements(self) -> int:
        """How many elements are in a window."""
        return math.prod(self.kernel)


def kernel_of(attrs: Attrs, ndim: int) -> tuple[int, ...]:
    """Return a window's lengths, 1 to `ndim` of them; `ShapeError` where they aren't."""
    kernel = attrs.integers("kernel")
    if not 0 < len(kernel) <= ndim or min(kernel) < 1:
        msg = f"the kernel needs 1 to {ndim} lengths, each 1 or more, not {kernel}"
        raise ShapeError(msg)
    return kernel


def window_of(shape: Sequence[int], attrs: Attrs) -> Window:
    """Return the window of a call on an array of known shape."""
    kernel = attrs.integers("kernel")
    steps, size = steps_of(attrs, len(kernel)), tuple(shape[len(shape) - len(kernel) :])
    return Window(kernel, steps, size, steps.places(size, kernel))  # type: ignore[arg-type]


def pooled(spec: Spec, attrs: Attrs) -> Shape:
    """Return the shape that a pooling makes of another, or raise `ShapeError`."""
    kernel = kernel_of(attrs, spec.ndim)
    steps, first = steps_of(attrs, len(kernel)), spec.ndim - len(kernel)
    size = spec.shape[first:]
    places = steps.places(size, kernel)
    for row in zip(size, places, kernel, *steps, strict=True):
        _check_filled(*row)
    return (*spec.shape[:first], *places)


def _check_filled(
    length: int | Dim, places: int | Dim, count: int, stride: int, dilation: int,
    before: int, after: int,
) -> None:  # fmt: skip
    """Refuse an axis along which a window may have no element, but padding alone."""
    is_empty = before > (count - 1) * dilation
    if isinstance(length, int) and isinstance(places, int):
        last = (places - 1) * stride - before
        is_empty = is_empty or last >= length or (before > 0 and length < dilation)
    if is_empty:
        msg = (f"a window of {count} elements, {dilation} apart, would have padding alone along an "
               f"axis of {length} with padding {before} + {after}: pad less")  # fmt: skip
        raise ShapeError(msg)


def _within(place: int, length: int, count: int, stride: int, dilation: int, before: int) -> slice:
    """Return the elements of one axis that a window holds at a place."""
    start = place * stride - before
    stop = min(start + (count - 1) * dilation + 1, length)
    return slice(start if start >= 0 else start % dilation, stop, dilation)


# Parameters


def check_spatial(name: str, shape: Shape, axes: int) -> None:
    """Refuse what has no channels and so many spatial axes."""
    if len(shape) <= axes:
        letters = ("length", "height and width", "depth, height and width")[axes - 1]
        msg = (f"{name} ({user_line()}) takes {axes + 1} axes or more (examples, channels, "
               f"{letters}), not {shape_text(shape)}: reshape it")  # fmt: skip
        raise ShapeError(msg)


def pool_attrs(
    name: str, x: Tensor, axes: int, kernel_size: Ints, stride: Ints | None, padding: Padding,
    dilation: Ints, ceil_mode: bool,
) -> Attrs:  # fmt: skip
    """Return the attributes of a pooling, its padding wide enough for a last window in part.

    Raises
    ------
    ShapeError
        A parameter isn't one int, or one for each axis, or `x` has too few axes.
    """
    check_spatial(name, x.shape, axes)
    kernel = each_axis(kernel_size, axes, "kernel_size")
    strides = kernel if stride is None else each_axis(stride, axes, "stride")
    before, after = pads(padding, axes)
    steps = Steps(strides, each_axis(dilation, axes, "dilation"), before, after)
    if ceil_mode:
        rows = zip(x.shape[-axes:], kernel, *steps, strict=True)
        steps = steps._replace(after=tuple(_with_last(name, *row) for row in rows))
    return Attrs(kernel=kernel, **steps._asdict())


def _with_last(
    name: str, length: int | Dim, count: int, stride: int, dilation: int, before: int, after: int
) -> int:
    """Return the padding after an axis that a last window needs, if it starts within the axis."""
    if not isinstance(length, int):
        msg = (f"{name} ({user_line()}): ceil_mode needs axes of known length, not {length}: give "
               "the padding instead")  # fmt: skip
        raise ShapeError(msg)
    span = (count - 1) * dilation + 1
    places = -(-(length + before + after - span) // stride) + 1
    if (places - 1) * stride >= length + before:
        places -= 1
    return max(after, (places - 1) * stride + span - length - before)


# Fields of records


def batch_rows(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    """Apply an op of one input, whose leading axes are rows, to more rows."""
    return [apply(application.op, inputs, application.attrs)]


def row_uses(spec: Spec, axes: int) -> tuple[AxisUse, ...]:
    """Return that all axes but the last ones are sliced as the result's are."""
    first = spec.ndim - axes
    return (*(Along(i) for i in range(first)), *[WHOLE] * axes)


def pool_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice rows, and an axis over which a window moves one by one, without padding."""
    (spec,), kernel = specs, attrs.integers("kernel")
    steps, first = steps_of(attrs, len(kernel)), spec.ndim - len(kernel)
    uses = list(row_uses(spec, len(kernel)))
    for i, row in enumerate(zip(kernel, *steps, strict=True)):
        uses[first + i] = _use(first + i, *row)
    return Tiling((tuple(uses),))


def _use(axis: int, count: int, stride: int, dilation: int, before: int, after: int) -> AxisUse:
    if stride != 1 or before or after:
        return WHOLE
    return Halo(axis, 0, (count - 1) * dilation) if count > 1 else Along(axis)


def pool_cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return one operation for every element of every window."""
    windows = min(math.prod(ins[0].static_shape), math.prod(outs[0].static_shape))
    return Cost(windows * math.prod(attrs.integers("kernel")), traffic(ins, outs))


def windows_of(x: Array, window: Window, fill: Any) -> Array:  # noqa: ANN401 - a number
    """Return all windows of an array in plain NumPy: rows, places, then positions."""
    axes, steps = len(window.kernel), window.steps
    widths = [(0, 0)] * (x.ndim - axes) + [*zip(steps.before, steps.after, strict=True)]
    padded = np.pad(x, widths, constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(window.kernel, steps.dilation, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(padded, spans, tuple(range(-axes, 0)))
    strides = (slice(None, None, n) for n in (*steps.stride, *steps.dilation))
    index: Index = (..., *strides)
    return views[index]


Case = tuple[tuple[int, ...], tuple[int, ...], Steps]

CASES: list[Case] = [
    ((5,), (2,), Steps((2,), (1,), (0,), (0,))),
    ((2, 4, 6), (2, 3), Steps((2, 3), (1, 1), (0, 0), (0, 0))),
    ((0, 4), (3,), Steps((1,), (1,), (0,), (0,))),
    ((2, 3, 6), (2,), Steps((1,), (3,), (0,), (0,))),
    ((2, 2, 5, 4), (3, 2), Steps((2, 1), (1, 1), (1, 0), (2, 0))),
    ((2, 4, 9), (3, 9), Steps((2, 1), (1, 1), (1, 0), (0, 0))),
    ((1, 2, 3, 4, 3), (1, 2, 2), Steps((1, 2, 1), (1, 1, 2), (0, 0, 1), (0, 0, 1))),
    ((3, 4, 3), (2,), Steps((1,), (1,), (1,), (1,))),
]
"""Shapes of x, the kernel, and how windows lie."""
