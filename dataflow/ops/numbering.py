"""Which elements of a draw a slice of it holds: their numbers, by which they are drawn.

Element i of a draw is a function of its key and of i. A slice of a draw is the same op with
another shape, the number ``first`` of its first element, and ``strides``: how far apart in number
the neighbours along each axis are. Without ``strides`` an op draws a row of numbers without gaps,
as the whole draw is, and every slice along its first axis.

Neighbouring axes whose numbers go on from one to the other count as one, so that whatever the rank,
a slice along one axis is a row of *runs*: numbers without gaps, as far apart as the axis is long.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.errors import ShapeError
from dataflow.ops.words import u64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Shape
    from dataflow.operation import Array

__all__ = [
    "Runs",
    "check_numbers",
    "numbers_of",
    "offset_each",
    "runs_of",
    "sample_numbers",
    "slice_numbers",
]

Runs = list[tuple[int, int]]
"""Lengths and strides, the outermost first; the last stride is 1, the last length a run's."""


def check_numbers(attrs: Attrs, shape: Shape) -> None:
    """Refuse what says of no draw of a shape which elements it holds."""
    attrs.integer("first")
    if "strides" in attrs and len(attrs.integers("strides")) != len(shape):
        msg = f"strides {attrs['strides']} must be as many as the axes of {shape}"
        raise ShapeError(msg)


def slice_numbers(attrs: Attrs, shape: Sequence[int], axis: int, start: int, stop: int) -> Attrs:
    """Return the attributes of ``start:stop`` along an axis of a draw of a shape."""
    strides = _strides(attrs, shape)
    first = attrs.integer("first") + start * strides[axis]
    cut = [*shape[:axis], stop - start, *shape[axis + 1 :]]
    changed = attrs.replace(first=first, strides=strides)
    if len(runs_of(changed, cut)) > 1:
        return changed
    return Attrs({name: value for name, value in changed.items() if name != "strides"})


def _strides(attrs: Attrs, shape: Sequence[int]) -> tuple[int, ...]:
    if "strides" in attrs:
        return attrs.integers("strides")
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def runs_of(attrs: Attrs, shape: Sequence[int]) -> Runs:
    """Return the axes of a draw, those put together whose numbers go on; one for no gaps."""
    found: Runs = []
    if "strides" not in attrs:
        return [(math.prod(shape), 1)]
    for length, stride in zip(shape, attrs.integers("strides"), strict=True):
        if length == 1:
            continue
        if found and found[-1][1] == length * stride:
            found[-1] = (found[-1][0] * length, stride)
        else:
            found.append((length, stride))
    return found if found and found[-1][1] == 1 else [*found, (1, 1)]


def offset_each(places: Array, out: Array, spare: Array, runs: Runs) -> None:
    """Write how far from the first number those at places are; the places are lost."""
    out.fill(0)
    for length, stride in reversed(runs):
        np.remainder(places, u64(length), out=spare)
        np.multiply(spare, u64(stride), out=spare)
        np.add(out, spare, out=out)
        np.floor_divide(places, u64(length), out=places)


def numbers_of(attrs: Attrs, shape: Sequence[int] | None = None) -> np.ndarray:
    """Return the numbers of what each key draws, in one row: the plain way, to test against."""
    shape = attrs.integers("shape") if shape is None else shape
    number = np.full(shape, u64(attrs.integer("first")))
    for axis, stride in enumerate(_strides(attrs, shape)):
        steps = np.arange(shape[axis], dtype=np.uint64) * u64(stride)
        number += steps.reshape((-1, *[1] * (len(shape) - axis - 1)))
    return number.reshape(-1)


def sample_numbers(rng: np.random.Generator, shape: Sequence[int]) -> list[Attrs]:
    """Return the attributes of a draw of a shape, and of a slice of a larger one."""
    plain = Attrs(first=int(rng.integers(99)))
    if len(shape) < 2:
        return [plain]
    gaps = tuple(3 * max(stride, 1) for stride in _strides(plain, shape))
    return [plain, plain.replace(strides=(*gaps[:-1], 1)), plain.replace(strides=gaps)]
