"""Convolution by strips: patches along all axes but the first, and a product for each tap of it.

A matrix of all patches holds every element once for each position of the window. Where the window
moves by one, the positions along the first spatial axis needn't be copied: they are rows further on
in the same memory.

    strips[c, j, r, q]          = x[c, r - before, q + j - before], 0 in the padding
    y[f, p, q]                  = sum over i of the product w[f, c, i, j] strips[c, j, i + p, q]
    w's cotangent at i          = the product of strips[c, j, i + p, q] and y's cotangent
    x's cotangent               = y of y's cotangent by the weight turned round

So a 3 by 3 window needs a third of the copies, and memory that stays in the cache, for two more
sums of a result. That pays for large pictures of many channels; the others take all patches.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.ops.matmul import MATMUL
from dataflow.ops.nn.convolution_sizes import split
from dataflow.ops.nn.windows import Steps
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.operation import Array, Arrays, Call
    from dataflow.ops.nn.convolution_sizes import Sizes

__all__ = [
    "Strips", "result_calls", "strips_back", "strips_of", "strips_scratch", "sums_scratch",
    "turned_round", "weight_calls",
]  # fmt: skip

_FEWEST = 32
"""Rows and columns of a product's operands, below which its own overhead counts."""

_PLACES = 256
"""The same for the places of a picture."""


class Strips(NamedTuple):
    """How the strips of one example lie.

    Parameters
    ----------
    groups, made, read : int
        The channels of a group that a convolution makes, and those that it reads.
    size, kernel, places : tuple of int
        The lengths of the spatial axes that are read, of the window, and those that are made.
    steps : Steps
        With a stride and dilation of 1.
    dtype : numpy.dtype
        What it is computed in.
    """

    groups: int
    made: int
    read: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    places: tuple[int, ...]
    steps: Steps
    dtype: np.dtype

    @property
    def pays(self) -> bool:
        """Whether strips are better than patches."""
        steps = self.steps
        if len(self.kernel) < 2 or self.kernel[0] < 2 or self.dtype.char not in "fd":
            return False
        if {*steps.stride, *steps.dilation} != {1} or min(*steps.before, *steps.after) < 0:
            return False
        few = min(self.made, self.read * math.prod(self.kernel[1:]))
        return few >= _FEWEST and math.prod(self.places) >= _PLACES

    @property
    def strips(self) -> Spec:
        """The strips of one example."""
        rows = self.places[0] + self.kernel[0] - 1
        return self._spec(self.read, *self.kernel[1:], rows, *self.places[1:])

    @property
    def taps(self) -> Spec:
        """The weight, one matrix for each position along the first axis."""
        columns = self.read * math.prod(self.kernel[1:])
        return Spec((self.kernel[0], self.groups, self.made, columns), self.dtype)

    @property
    def sums(self) -> Spec:
        """The weight's cotangent, so too, turned."""
        taps, groups, made, columns = self.taps.static_shape
        return Spec((taps, groups, columns, made), self.dtype)

    @property
    def result(self) -> Spec:
        """One example's result, a matrix for each group."""
        return self._spec(self.made, math.prod(self.places))

    def _spec(self, *shape: int) -> Spec:
        return Spec((self.groups, *shape), self.dtype)

    def filling(self, x: Array, strips: Array) -> list[Call]:
        """Return the calls that copy one example into strips whose padding is 0."""
        given, top = split(x, 0, self.groups), self.steps.before[0]
        rest = Steps(*(numbers[1:] for numbers in self.steps))
        rows, whole = slice(top, top + self.size[0]), (slice(None),) * 2
        return [
            (np.copyto, (strips[(*whole, *position, rows, *where[1:])],
                         given[(*whole, slice(None), *elements[1:])]))
            for position, elements, where
            in rest.pairs(self.size[1:], self.kernel[1:], self.places[1:])
        ]  # fmt: skip

    def seen(self, strips: Array) -> Array:
        """Return what each tap reads of the strips, a view: (taps, groups, columns, places)."""
        taps, groups, _, columns = self.taps.static_shape
        row = math.prod(self.places[1:]) * strips.itemsize
        column = row * strips.shape[1 + len(self.kernel)]
        return np.lib.stride_tricks.as_strided(
            strips, (taps, groups, columns, math.prod(self.places)),
            (row, strips.strides[0], column, strips.itemsize), writeable=False,
        )  # fmt: skip


def strips_of(sizes: Sizes) -> Strips:
    """Return the strips of a convolution's x."""
    return Strips(sizes.groups, sizes.filters, sizes.channels, sizes.size, sizes.kernel,
                  sizes.places, sizes.steps, sizes.dtype)  # fmt: skip


def strips_back(sizes: Sizes) -> Strips:
    """Return the strips of the result's cotangent, of which that of x is made."""
    reach = [count - 1 for count in sizes.kernel]
    before = tuple(r - b for r, b in zip(reach, sizes.steps.before, strict=True))
    lengths = zip(sizes.size, reach, before, sizes.places, strict=True)
    after = tuple(size + r - b - places for size, r, b, places in lengths)
    return Strips(sizes.groups, sizes.channels, sizes.filters, sizes.places, sizes.kernel,
                  sizes.size, sizes.steps._replace(before=before, after=after),
                  sizes.dtype)  # fmt: skip


def strips_scratch(how: Strips) -> tuple[Spec, ...]:
    """Return the scratch of `result_calls`."""
    return how.strips, how.taps, how.result


def result_calls(out: Array, x: Array, weight: Array, how: Strips, scratch: Arrays) -> list[Call]:
    """Return the calls that convolve examples.

    Parameters
    ----------
    out, x : numpy.ndarray
        Examples, channels, then spatial axes.
    weight : numpy.ndarray
        Groups, channels made, channels read, then positions.
    how : Strips
        Of `x`.
    scratch : sequence of numpy.ndarray
        See `strips_scratch`.
    """
    strips, taps, part = scratch
    ordered = np.moveaxis(weight, 3, 0)
    calls: list[Call] = [(strips.fill, (0,)), (np.copyto, (taps.reshape(ordered.shape), ordered))]
    shown = part.reshape(how.groups, how.made, *how.places)
    for given, made in zip(x, out, strict=True):
        total = split(made, 0, how.groups)
        calls += how.filling(given, strips)
        for number, (tap, seen) in enumerate(zip(taps, how.seen(strips), strict=True)):
            calls += MATMUL.kernel((part,), (tap, seen), (), Attrs())
            calls.append((np.add, (total, shown, total)) if number else (np.copyto, (total, shown)))
    return calls


def turned_round(weight: Array) -> Array:
    """Return a weight that goes from the result to x: channels swapped, positions backward."""
    return np.flip(weight.swapaxes(1, 2), tuple(range(3, weight.ndim)))


def sums_scratch(how: Strips) -> tuple[Spec, ...]:
    """Return the scratch of `weight_calls`."""
    return how.strips, how.result, how.sums, how.sums


def weight_calls(out: Array, x: Array, y: Array, how: Strips, scratch: Arrays) -> list[Call]:
    """Return the calls that make a weight's cotangent, split into groups, of x and the result's.

    A product of fewer rows than columns is the slower one, so sums are made turned.
    """
    strips, given, total, part = scratch
    calls: list[Call] = [(strips.fill, (0,))]
    shown = given.reshape(how.groups, how.made, *how.places)
    for number, (example, cotangent) in enumerate(zip(x, y, strict=True)):
        calls += how.filling(example, strips)
        calls.append((np.copyto, (shown, split(cotangent, 0, how.groups))))
        into = part if number else total
        calls += MATMUL.kernel((into,), (how.seen(strips), given.swapaxes(1, 2)), (), Attrs())
        calls += [(np.add, (total, into, total))] if number else []
    found = total.reshape(how.kernel[0], how.groups, how.read, *how.kernel[1:], how.made)
    return [*calls, (np.copyto, (np.moveaxis(out, (1, 3), (-1, 0)), found))]
