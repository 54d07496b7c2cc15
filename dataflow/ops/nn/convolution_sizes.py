"""The lengths of all axes of a convolution, from its operands, and the scratch that follows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.ops.nn.windows import Steps, steps_of
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array

__all__ = ["Sizes", "conv_sizes", "first_of", "input_sizes", "split", "weight_sizes"]

_BLOCK = 1 << 18
"""Bytes of patches that are made at a time, if one example's aren't more."""


class Sizes(NamedTuple):
    """The lengths of all axes of a convolution."""

    examples: int
    groups: int
    filters: int  # in each group
    channels: int  # in each group
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    places: tuple[int, ...]
    steps: Steps
    dtype: np.dtype

    @property
    def wide(self) -> np.dtype:
        """What it is computed in."""
        return np.dtype(np.float32) if self.dtype == np.float16 else self.dtype

    @property
    def is_narrow(self) -> bool:
        """Whether it is computed in another dtype."""
        return self.dtype != self.wide

    @property
    def block(self) -> int:
        """How many examples' patches are made at a time."""
        patches = math.prod((self.groups, self.channels, *self.kernel, *self.places))
        most = _BLOCK // max(1, patches * self.wide.itemsize)
        if most <= 1:  # however many examples there are, and be it a name
            return 1
        return max(1, min(self.examples, most))

    @property
    def has_patches(self) -> bool:
        """Whether windows are copied; else the array itself is the matrix of patches."""
        return self.is_narrow or not self.steps.is_trivial(self.kernel)

    @property
    def blocks(self) -> list[slice]:
        """The examples of every block."""
        stops = range(self.block, self.examples + self.block, self.block)
        return [slice(stop - self.block, min(stop, self.examples)) for stop in stops]

    def spec(self, *shape: int) -> Spec:
        """Return the spec of an array in which something is computed."""
        return Spec(shape, self.wide)

    @property
    def padded(self) -> Spec:
        """A block of examples with their padding."""
        channels = self.groups * self.channels
        return self.spec(self.block, channels, *self.steps.padded(self.size))

    @property
    def patches(self) -> Spec:
        """The patches of a block of examples."""
        return self.spec(self.block, self.groups, self.channels, *self.kernel, *self.places)

    @property
    def weight(self) -> Spec:
        """The weight, split into groups."""
        return self.spec(self.groups, self.filters, self.channels, *self.kernel)

    @property
    def sums(self) -> Spec:
        """The weight's cotangent: matrices of patches by filters."""
        return self.spec(self.groups, self.channels * math.prod(self.kernel), self.filters)

    @property
    def results(self) -> Spec:
        """A block of examples' results."""
        return self.spec(self.block, self.groups * self.filters, *self.places)


def _sizes(x: Any, weight: Any, y: Any, dtype: np.dtype, attrs: Attrs) -> Sizes:  # noqa: ANN401 - shapes
    groups, axes = attrs.integers("groups")[0], len(x) - 2
    return Sizes(
        examples=x[0], groups=groups, filters=weight[0] // groups, channels=weight[1], size=x[2:],
        kernel=weight[2:], places=y[2:], steps=steps_of(attrs, axes), dtype=dtype,
    )  # fmt: skip


def conv_sizes(x: Any, weight: Any, attrs: Attrs) -> Sizes:  # noqa: ANN401 - arrays or specs
    """Return the lengths of a convolution of x by a weight."""
    places = steps_of(attrs, len(x.shape) - 2).places(x.shape[2:], weight.shape[2:])
    y = (x.shape[0], weight.shape[0], *places)
    return _sizes(x.shape, weight.shape, y, x.dtype, attrs)


def input_sizes(y: Any, weight: Any, attrs: Attrs) -> Sizes:  # noqa: ANN401 - arrays or specs
    """Return the lengths of a transposed convolution."""
    x = (y.shape[0], y.shape[1], *attrs.integers("size"))
    return _sizes(x, weight.shape, y.shape, y.dtype, attrs)


def weight_sizes(x: Any, y: Any, attrs: Attrs) -> Sizes:  # noqa: ANN401 - arrays or specs
    """Return the lengths of a convolution of which x and the result's cotangent are given."""
    groups = attrs.integers("groups")[0]
    weight = (y.shape[1], x.shape[1] // groups, *attrs.integers("kernel"))
    return _sizes(x.shape, weight, y.shape, x.dtype, attrs)


def first_of(scratch: Array, *shape: int) -> Array:
    """Return the beginning of scratch memory as an array of a smaller shape."""
    return scratch.reshape(-1)[: math.prod(shape)].reshape(shape)


def split(array: Array, axis: int, groups: int) -> Array:
    """Split an axis into groups, a view whatever the strides are."""
    shape = array.shape
    return array.reshape(
        *shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :], copy=False
    )
