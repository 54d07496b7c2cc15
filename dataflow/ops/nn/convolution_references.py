"""Convolution in plain NumPy, position by position and without patches: what kernels must give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.ops.nn.convolution_sizes import (
    Sizes,
    conv_sizes,
    input_sizes,
    split,
    weight_sizes,
)

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array
    from dataflow.ops.nn.windows import Index, Steps

__all__ = ["conv_reference", "input_reference", "weight_reference"]


def _wide(*arrays: Array) -> list[Array]:
    return [a.astype(np.float32) if a.dtype == np.float16 else a for a in arrays]


def _padded(x: Array, steps: Steps) -> Array:
    return np.pad(x, [(0, 0), (0, 0), *zip(steps.before, steps.after, strict=True)])


def _at(position: Sequence[int], sizes: Sizes) -> Index:
    rows = zip(position, sizes.places, *sizes.steps[:2], strict=True)
    return (..., *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, n, s, d in rows))


def conv_reference(x: Array, weight: Array, attrs: Attrs) -> Array:
    """Convolve x by a weight."""
    sizes, (wide, filters) = conv_sizes(x, weight, attrs), _wide(x, weight)
    padded, filters = _padded(wide, sizes.steps), split(filters, 0, sizes.groups)
    shape = (sizes.examples, sizes.groups, sizes.filters, *sizes.places)
    out = np.zeros(shape, wide.dtype)
    for position in np.ndindex(sizes.kernel):
        window = split(padded[_at(position, sizes)], 1, sizes.groups)
        out += np.einsum("ngc...,gfc->ngf...", window, filters[(..., *position)])
    return out.reshape(len(x), len(weight), *sizes.places).astype(x.dtype)


def input_reference(y: Array, weight: Array, attrs: Attrs) -> Array:
    """Return x's cotangent, given the result's."""
    sizes, (wide, filters) = input_sizes(y, weight, attrs), _wide(y, weight)
    wide, filters = (split(a, axis, sizes.groups) for a, axis in ((wide, 1), (filters, 0)))
    shape = (len(y), sizes.groups, sizes.channels, *sizes.steps.padded(sizes.size))
    total = np.zeros(shape, wide.dtype)
    for position in np.ndindex(sizes.kernel):
        total[_at(position, sizes)] += np.einsum(
            "ngf...,gfc->ngc...", wide, filters[(..., *position)]
        )
    out = total[sizes.steps.inside(sizes.size)]
    return out.reshape(len(y), sizes.groups * sizes.channels, *sizes.size).astype(y.dtype)


def weight_reference(x: Array, y: Array, attrs: Attrs) -> Array:
    """Return the weight's cotangent, given the result's."""
    sizes, (wide, cotangents) = weight_sizes(x, y, attrs), _wide(x, y)
    padded, cotangents = _padded(wide, sizes.steps), split(cotangents, 1, sizes.groups)
    out = np.zeros(sizes.weight.static_shape, wide.dtype)
    for position in np.ndindex(sizes.kernel):
        window = split(padded[_at(position, sizes)], 1, sizes.groups)
        pair = (a.reshape(*a.shape[:3], math.prod(sizes.places)) for a in (cotangents, window))
        out[(..., *position)] = np.einsum("ngfp,ngcp->gfc", *pair)
    return out.reshape(y.shape[1], *out.shape[2:]).astype(x.dtype)
