"""Shapes of convolutions: what the three ops of `correlations` take, and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.nn.windows import Steps, steps_of
from dataflow.ops.structure import check_inputs, single_dim
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim, Shape
    from dataflow.op import Specs

__all__ = ["conv_infer", "input_infer", "weight_infer"]


def _check_dtypes(specs: Specs) -> None:
    check_inputs(specs, 2)
    a, b = specs
    if not a.is_float or a.dtype != b.dtype:
        msg = (f"takes floats or complex numbers of one dtype, not {a.dtype} and {b.dtype}: cast "
               "with astype, integers to 'float32'")  # fmt: skip
        raise DTypeError(msg)


def _check_ranks(a: Shape, b: Shape) -> int:
    """Return the number of spatial axes."""
    if len(a) < 3 or len(a) != len(b):
        msg = (f"takes two operands of as many axes, 3 or more, not {shape_text(a)} and "
               f"{shape_text(b)}: examples (or filters), channels, then spatial axes")  # fmt: skip
        raise ShapeError(msg)
    return len(a) - 2


def _groups(attrs: Attrs, channels: int | Dim, filters: int | Dim) -> int | Dim:
    """Return the number of groups; `ShapeError` unless channels and filters divide by it."""
    groups = single_dim(attrs, "groups")
    if groups == 0 or any(n // groups * groups != n for n in (channels, filters)):
        msg = (f"{channels} channels in and {filters} out can't be split into {groups} groups: "
               "both must be multiples of it")  # fmt: skip
        raise ShapeError(msg)
    return groups


def _check_channels(channels: int | Dim, weight: Shape, groups: int | Dim) -> None:
    if weight[1] * groups != channels:
        msg = (f"the weight {shape_text(weight)} reads {weight[1]} channels in each of {groups} "
               f"groups, and there are {channels}: its second axis must be "
               f"{channels} // {groups}")  # fmt: skip
        raise ShapeError(msg)


def conv_infer(specs: Specs, attrs: Attrs) -> Specs:
    """Return the spec of `nn.conv`."""
    _check_dtypes(specs)
    x, weight = (spec.shape for spec in specs)
    steps = steps_of(attrs, _check_ranks(x, weight))
    _check_channels(x[1], weight, _groups(attrs, x[1], weight[0]))
    return (specs[0].with_shape((x[0], weight[0], *steps.places(x[2:], weight[2:]))),)


def input_infer(specs: Specs, attrs: Attrs) -> Specs:
    """Return the spec of `nn.conv_input`."""
    _check_dtypes(specs)
    y, weight = (spec.shape for spec in specs)
    steps, size = steps_of(attrs, _check_ranks(y, weight)), as_shape(attrs.dims("size"))
    groups = single_dim(attrs, "groups")
    if y[1] != weight[0]:
        msg = (f"the weight {shape_text(weight)} has {weight[0]} filters along its first axis, and "
               f"there are {y[1]} channels")  # fmt: skip
        raise ShapeError(msg)
    _groups(attrs, weight[1] * groups, weight[0])
    _check_places(steps, size, weight[2:], y[2:])
    return (specs[0].with_shape((y[0], weight[1] * groups, *size)),)


def weight_infer(specs: Specs, attrs: Attrs) -> Specs:
    """Return the spec of `nn.conv_weight`."""
    _check_dtypes(specs)
    x, y = (spec.shape for spec in specs)
    steps, kernel = steps_of(attrs, _check_ranks(x, y)), as_shape(attrs.dims("kernel"))
    groups = _groups(attrs, x[1], y[1])
    if x[0] != y[0]:
        msg = f"there are {x[0]} examples and {y[0]} cotangents"
        raise ShapeError(msg)
    _check_places(steps, x[2:], kernel, y[2:])
    return (specs[0].with_shape((y[1], x[1] // groups, *kernel)),)


def _check_places(steps: Steps, size: Shape, kernel: Shape, places: Shape) -> None:
    if not len(size) == len(kernel) == len(places) or not _is_made(steps, size, kernel, places):
        msg = (f"windows of {shape_text(kernel)} over {shape_text(size)} don't have the places "
               f"{shape_text(places)}")  # fmt: skip
        raise ShapeError(msg)


def _is_made(steps: Steps, size: Shape, kernel: Shape, places: Shape) -> bool:
    made = steps.places(size, kernel)
    return all(map(_fits, made, places, size, kernel, *steps))


def _fits(
    made: int | Dim, count: int | Dim, length: int | Dim, kernel: int | Dim,
    stride: int, dilation: int, before: int, after: int,
) -> bool:  # fmt: skip
    """Say whether `count` places are made; an expression may say so only by what is left over."""
    rest = length + before + after - (kernel - 1) * dilation - 1 - (count - 1) * stride
    return made == count or (isinstance(rest, int) and 0 <= rest < stride)
