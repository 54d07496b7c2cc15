"""The kernels of convolution: patches of a few examples at a time, and matrix products.

The windows of a block of examples are copied into a matrix of patches that fits in the cache, and
one matrix product does the rest; the patches of a whole batch never exist. The transposed
convolution goes the other way: a product gives patches, which are added up, position by position.
A weight of one element, moved by one, needs no patches. float16 is computed in float32. Large
pictures of many channels go by strips; see `convolution_strips`.

Every kernel splits channels and filters into groups, so that there is one kernel with or without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.operation import Array, Arrays, Call, Specs, Workspace
from dataflow.ops.matmul import MATMUL
from dataflow.ops.nn.convolution_sizes import (
    Sizes,
    conv_sizes,
    first_of,
    input_sizes,
    split,
    weight_sizes,
)
from dataflow.ops.nn.convolution_strips import (
    result_calls,
    strips_back,
    strips_of,
    strips_scratch,
    sums_scratch,
    turned_round,
    weight_calls,
)

if TYPE_CHECKING:
    from dataflow.ops.nn.windows import Index

__all__ = [
    "conv_kernel", "conv_workspace", "input_kernel", "input_workspace", "weight_kernel",
    "weight_workspace",
]  # fmt: skip


# Products


def _merged(array: Array, *runs: int) -> Array:
    """Merge runs of that many axes each; `ValueError` where memory doesn't allow it as a view."""
    shape, start = [], 0
    for count in runs:
        shape.append(math.prod(array.shape[start : start + count]))
        start += count
    return array.reshape(shape, copy=False)


_Labels = list[int]


def _labels(axes: int) -> tuple[_Labels, _Labels, _Labels]:
    """Return einsum's names of the axes of y, weight and patches, split into groups."""
    kernel, places = list(range(4, 4 + axes)), list(range(4 + axes, 4 + 2 * axes))
    return [0, 1, 2, *places], [1, 2, 3, *kernel], [0, 1, 3, *kernel, *places]


def _product(
    out: Array, a: Array, b: Array, runs: Sequence[Sequence[int]], labels: Sequence[_Labels],
    *, flip: bool = False,
) -> list[Call]:  # fmt: skip
    """Return the matrix product of operands whose axes are merged first, where they can be.

    What memory has in another order is left to `numpy.einsum`: slow, but it makes no copy.
    """
    try:
        c, left, right = (_merged(x, *run) for x, run in zip((out, a, b), runs, strict=True))
    except ValueError:
        return [(partial(np.einsum, out=out), (a, labels[1], b, labels[2], labels[0]))]
    left = left.swapaxes(-1, -2) if flip else left
    return list(MATMUL.kernel((c,), (left, right), (), Attrs()))


def _padding_calls(padded: Array, sizes: Sizes) -> list[Call]:
    return [(padded.fill, (0,))] if sizes.steps.is_padded else []


# nn.conv


def conv_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return a block's padded examples and patches, and what float16 is computed in."""
    sizes = conv_sizes(specs[0], specs[1], attrs)
    if strips_of(sizes).pays:
        return Workspace(strips_scratch(strips_of(sizes)))
    return Workspace((
        *[sizes.padded] * sizes.steps.is_padded, *[sizes.patches] * sizes.has_patches,
        *[sizes.weight, sizes.results] * sizes.is_narrow,
    ))  # fmt: skip


def conv_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that convolve x by a weight."""
    (x, weight), (out,) = ins, outs
    sizes, supply = conv_sizes(x, weight, attrs), iter(scratch)
    if strips_of(sizes).pays:
        return result_calls(out, x, split(weight, 0, sizes.groups), strips_of(sizes), scratch)
    padded = next(supply) if sizes.steps.is_padded else x
    patches = next(supply) if sizes.has_patches else x
    filters, calls = split(weight, 0, sizes.groups), _padding_calls(padded, sizes)
    if sizes.is_narrow:
        calls.append((np.copyto, (next(supply), filters)))
        filters, results = scratch[-2:]
    for rows in sizes.blocks:
        part, found = _patch_calls(x[rows], padded, patches, sizes)
        to = first_of(results, *out[rows].shape) if sizes.is_narrow else out[rows]
        calls += found
        calls += _forward(split(to, 1, sizes.groups), filters, part, sizes)
        calls += [(np.copyto, (out[rows], to, "same_kind"))] if sizes.is_narrow else []
    return calls


def _forward(out: Array, weight: Array, patches: Array, sizes: Sizes) -> list[Call]:
    axes = len(sizes.kernel)
    ys, weights, all_patches = _labels(axes)
    runs = ((1, 1, 1, axes), (1, 1, 1 + axes), (1, 1, 1 + axes, axes))
    return _product(out, weight, patches, runs, (ys, weights, all_patches))


def _patch_calls(x: Array, padded: Array, patches: Array, sizes: Sizes) -> tuple[Array, list[Call]]:
    """Return a block's patches, by groups, and the calls that fill them."""
    steps = sizes.steps
    calls: list[Call] = []
    if not sizes.has_patches:
        shape = (len(x), sizes.groups, sizes.channels, *sizes.kernel, *sizes.places)
        return x.reshape(shape, copy=False), []
    if steps.is_padded:
        padded = padded[: len(x)]
        calls.append((np.copyto, (padded[steps.inside(sizes.size)], x)))
    windows = steps.sliding(padded if steps.is_padded else x, sizes.kernel, sizes.places)
    part = patches[: len(x)]
    return part, [*calls, (np.copyto, (part, split(windows, 1, sizes.groups)))]


# nn.conv_input


def input_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return a block's patches, and what float16 is computed in."""
    sizes = input_sizes(specs[0], specs[1], attrs)
    if strips_back(sizes).pays:
        return Workspace(strips_scratch(strips_back(sizes)))
    channels = sizes.groups * sizes.channels
    total = sizes.spec(sizes.block, channels, *sizes.size)
    return Workspace((
        *[sizes.patches] * sizes.has_patches,
        *[sizes.weight, sizes.results, total] * sizes.is_narrow,
    ))  # fmt: skip


def input_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that make x's cotangent from the result's."""
    (y, weight), (out,) = ins, outs
    sizes = input_sizes(y, weight, attrs)
    filters = split(weight, 0, sizes.groups)
    if strips_back(sizes).pays:
        return result_calls(out, y, turned_round(filters), strips_back(sizes), scratch)
    calls: list[Call] = []
    if sizes.is_narrow:
        calls.append((np.copyto, (scratch[1], filters)))
        filters = scratch[1]
    for rows in sizes.blocks:
        given, total = y[rows], out[rows]
        if sizes.is_narrow:
            given, total = (
                first_of(scratch[2 + i], *a.shape) for i, a in enumerate((given, total))
            )
            calls.append((np.copyto, (given, y[rows])))
        calls += _input_block(total, given, filters, scratch, sizes)
        calls += [(np.copyto, (out[rows], total, "same_kind"))] if sizes.is_narrow else []
    return calls


def _input_block(out: Array, y: Array, weight: Array, scratch: Arrays, sizes: Sizes) -> list[Call]:
    """Return the calls that make a block's patches and add them up where they lie."""
    given, groups = split(y, 1, sizes.groups), sizes.groups
    if not sizes.has_patches:
        shape = (len(y), groups, sizes.channels, *sizes.kernel, *sizes.places)
        return _backward(out.reshape(shape, copy=False), weight, given, sizes)
    patches, total = scratch[0][: len(y)], split(out, 1, groups)
    calls = [*_backward(patches, weight, given, sizes), (out.fill, (0,))]
    whole: Index = (slice(None),) * 3
    for position, elements, places in sizes.steps.pairs(sizes.size, sizes.kernel, sizes.places):
        into = total[elements]
        calls.append((np.add, (into, patches[whole + position][places], into)))
    return calls


def _backward(patches: Array, weight: Array, y: Array, sizes: Sizes) -> list[Call]:
    axes = len(sizes.kernel)
    ys, weights, all_patches = _labels(axes)
    runs = ((1, 1, 1 + axes, axes), (1, 1, 1 + axes), (1, 1, 1, axes))
    return _product(patches, weight, y, runs, (all_patches, weights, ys), flip=True)


# nn.conv_weight: the block's examples lie along the columns, so that one product adds them up


def weight_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return a block's padded examples, patches and cotangents, the sums and a block's own."""
    sizes = weight_sizes(specs[0], specs[1], attrs)
    if strips_of(sizes).pays:
        return Workspace(sums_scratch(strips_of(sizes)))
    return Workspace((
        *[sizes.padded] * sizes.steps.is_padded, sizes.patches, sizes.results,
        *[sizes.sums] * (1 + (sizes.block < sizes.examples)),
    ))  # fmt: skip


def weight_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that make the weight's cotangent from the result's."""
    (x, y), (out,) = ins, outs
    sizes = weight_sizes(x, y, attrs)
    if not sizes.examples:
        return [(out.fill, (0,))]
    if strips_of(sizes).pays:
        return weight_calls(split(out, 0, sizes.groups), x, y, strips_of(sizes), scratch)
    padded, patches, cotangents, total, *part = scratch if sizes.steps.is_padded else (x, *scratch)
    calls = _padding_calls(padded, sizes)
    for rows in sizes.blocks:
        columns, found = _columns(x[rows], padded, patches, sizes)
        given = first_of(cotangents, *y.shape[1:2], len(x[rows]), *y.shape[2:])
        into = part[0] if rows.start else total
        calls += [*found, (np.copyto, (given, y[rows].swapaxes(0, 1)))]
        calls += _correlate(into, split(given, 0, sizes.groups), columns, sizes)
        calls += [(np.add, (total, into, total))] if rows.start else []
    whole = np.moveaxis(split(out, 0, sizes.groups), 1, -1)
    return [*calls, (np.copyto, (whole, total.reshape(whole.shape), "same_kind"))]


def _columns(x: Array, padded: Array, patches: Array, sizes: Sizes) -> tuple[Array, list[Call]]:
    """Return a block's patches by groups, channels, positions, then examples and places."""
    steps = sizes.steps
    calls: list[Call] = []
    if steps.is_padded:
        padded = padded[: len(x)]
        calls.append((np.copyto, (padded[steps.inside(sizes.size)], x)))
        x = padded
    windows = split(steps.sliding(x, sizes.kernel, sizes.places), 1, sizes.groups)
    windows = np.moveaxis(windows, 0, 3 + len(sizes.kernel) - 1)
    part = first_of(patches, *windows.shape)
    return part, [*calls, (np.copyto, (part, windows))]


def _correlate(out: Array, y: Array, patches: Array, sizes: Sizes) -> list[Call]:
    """Return the product for the sums, turned: of fewer rows than columns it is the slower one."""
    axes = len(sizes.kernel)
    columns, rows = _merged(y, 1, 1, 1 + axes), _merged(patches, 1, 1 + axes, 1 + axes)
    return list(MATMUL.kernel((out,), (rows, columns.swapaxes(1, 2)), (), Attrs()))
