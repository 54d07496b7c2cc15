"""Convolution along any number of axes, as three ops that are each other's derivatives.

A convolution of x by a weight, seen through a cotangent y, is one number that is linear in each:

    sum over examples, channels, places and positions of  y[place] * weight[position] * x[element]

(see `dataflow.ops.nn.windows`). Leaving one of the three out gives an op: `nn.conv` leaves out y,
`nn.conv_input` x, which is the transposed convolution, and `nn.conv_weight` the weight. So the
rules of each are the other two, and every derivative can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.dims import product
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    AxisUse,
    Contracted,
    Cost,
    Halo,
    Op,
    Sample,
    Specs,
    Tiling,
    register,
)
from dataflow.ops.nn.convolution_kernels import (
    conv_kernel,
    conv_workspace,
    input_kernel,
    input_workspace,
    weight_kernel,
    weight_workspace,
)
from dataflow.ops.nn.convolution_references import (
    conv_reference,
    input_reference,
    weight_reference,
)
from dataflow.ops.nn.convolution_sizes import Sizes, conv_sizes, input_sizes, weight_sizes
from dataflow.ops.nn.windows import Steps, steps_of
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs, is_row_major, single_dim, with_batch_axis
from dataflow.sampling import COMPLEX, FLOATS
from dataflow.shapes import move_axis
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    import numpy as np

    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = ["CONV", "CONV_INPUT", "laid_out"]

# Shapes


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


def _conv_infer(specs: Specs, attrs: Attrs) -> Specs:
    _check_dtypes(specs)
    x, weight = (spec.shape for spec in specs)
    steps = steps_of(attrs, _check_ranks(x, weight))
    _check_channels(x[1], weight, _groups(attrs, x[1], weight[0]))
    return (specs[0].with_shape((x[0], weight[0], *steps.places(x[2:], weight[2:]))),)


def _input_infer(specs: Specs, attrs: Attrs) -> Specs:
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


def _weight_infer(specs: Specs, attrs: Attrs) -> Specs:
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


# Rules


def laid_out(x: Tensor) -> Tensor:
    """Copy a tensor that might not lie row by row, which a matrix product needs."""
    return x if is_row_major(x) else call_function("copy", x)


def _conv(x: Tensor, weight: Tensor, attrs: Attrs) -> Tensor:
    return apply(CONV, (x, laid_out(weight)), _shared(attrs))


def _conv_input(y: Tensor, weight: Tensor, size: Shape, attrs: Attrs) -> Tensor:
    return apply(CONV_INPUT, (laid_out(y), laid_out(weight)), _shared(attrs).replace(size=size))


def _conv_weight(x: Tensor, y: Tensor, kernel: Shape, attrs: Attrs) -> Tensor:
    return apply(CONV_WEIGHT, (x, y), _shared(attrs).replace(kernel=kernel))


def _shared(attrs: Attrs) -> Attrs:
    return Attrs({name: attrs[name] for name in ("groups", *Steps._fields)})


def _again(slot: int, application: Application, tangent: Tensor) -> Tensor:
    """Put a tangent in the place of one operand."""
    operands = list(application.inputs)
    operands[slot] = tangent
    if application.op.name != "nn.conv_weight":
        operands[1] = laid_out(operands[1])
    if application.op.name == "nn.conv_input":
        operands[0] = laid_out(operands[0])
    return apply(application.op, operands, application.attrs)


def _conv_to_x(application: Application, y: Tensor) -> Tensor:
    x, weight = application.inputs
    return _conv_input(y, weight, x.shape[2:], application.attrs)


def _conv_to_weight(application: Application, y: Tensor) -> Tensor:
    x, weight = application.inputs
    return _conv_weight(x, y, weight.shape[2:], application.attrs)


def _input_to_y(application: Application, x: Tensor) -> Tensor:
    return _conv(x, application.inputs[1], application.attrs)


def _input_to_weight(application: Application, x: Tensor) -> Tensor:
    y, weight = application.inputs
    return _conv_weight(x, y, weight.shape[2:], application.attrs)


def _weight_to_x(application: Application, weight: Tensor) -> Tensor:
    x, y = application.inputs
    return _conv_input(y, weight, x.shape[2:], application.attrs)


def _weight_to_y(application: Application, weight: Tensor) -> Tensor:
    return _conv(application.inputs[0], weight, application.attrs)


# Batches: more examples where the weight is the same for all, else more groups


def _batch(
    channel_axes: tuple[int, int, int], application: Application,
    inputs: tuple[Tensor, ...], batched: tuple[bool, ...], size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    attrs = application.attrs
    if application.op is not CONV_WEIGHT and not batched[1]:
        return [
            _split_axis(_apply_to(application, (_join(inputs[0], 0), inputs[1]), attrs), 0, size)
        ]
    operands = with_batch_axis(inputs, batched, size)
    joined = [_join(x, axis) for x, axis in zip(operands, channel_axes, strict=False)]
    attrs = attrs.replace(groups=(single_dim(attrs, "groups") * size,))
    out = _apply_to(application, joined, attrs)
    return [move_axis(_split_axis(out, channel_axes[2], size), channel_axes[2], 0)]


def _apply_to(application: Application, operands: Sequence[Tensor], attrs: Attrs) -> Tensor:
    return apply(application.op, [laid_out(x) for x in operands], attrs)


def _join(x: Tensor, axis: int) -> Tensor:
    """Let the leading axis be part of an axis behind it."""
    moved = move_axis(x, 0, axis)
    shape = moved.shape
    return reshape(moved, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _split_axis(x: Tensor, axis: int, size: int | Dim) -> Tensor:
    length = x.shape[axis] // size if size != 0 else 0
    return reshape(x, (*x.shape[:axis], size, length, *x.shape[axis + 1 :]))


# Tiling


def _other(shape: Shape, *first: AxisUse) -> tuple[AxisUse, ...]:
    return (*first, *[WHOLE] * (len(shape) - len(first)))


def _channels(attrs: Attrs, use: AxisUse) -> AxisUse:
    """Return what becomes of a slice of channels: with groups, they belong together."""
    return use if attrs.integers("groups") == (1,) else WHOLE


def _conv_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    x, weight = specs
    steps = steps_of(attrs, x.ndim - 2)
    halos: list[AxisUse] = [WHOLE] * (x.ndim - 2)
    if not steps.is_padded:
        spans = [(n - 1) * d for n, d in zip(weight.static_shape[2:], steps.dilation, strict=True)]
        halos = [
            WHOLE if stride != 1 else Halo(2 + i, 0, span) if span else Along(2 + i)
            for i, (stride, span) in enumerate(zip(steps.stride, spans, strict=True))
        ]
    filters = _channels(attrs, Along(1))
    return Tiling(((Along(0), WHOLE, *halos), _other(weight.shape, filters)))


def _input_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    y, weight = specs
    channels = _channels(attrs, Along(1))
    return Tiling((_other(y.shape, Along(0)), _other(weight.shape, WHOLE, channels)))


def _weight_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    add = Contracted("add")
    x, y = specs
    return Tiling((_other(x.shape, add, _channels(attrs, Along(1))),
                   _other(y.shape, add, _channels(attrs, Along(0)))))  # fmt: skip


# Cost and samples


def _cost(sizes_of: Callable[..., Sizes], ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    s = sizes_of(*ins, attrs)
    flops = 2 * product((s.examples, s.groups, s.filters, s.channels, *s.kernel, *s.places))
    return Cost(flops if isinstance(flops, int) else 0, traffic(ins, outs))


Row = tuple[tuple[int, ...], tuple[int, ...], int, Steps]

_ROWS: list[Row] = [
    ((0, 1, 3), (2, 1, 2), 1, Steps((1,), (1,), (0,), (0,))),
    ((4, 3, 3), (2, 3, 1), 1, Steps((1,), (1,), (0,), (0,))),
    ((2, 4, 5), (2, 2, 2), 2, Steps((2,), (1,), (1,), (0,))),
    ((2, 1, 4, 5), (2, 1, 2, 3), 1, Steps((1, 1), (1, 1), (0, 0), (0, 0))),
    ((1, 2, 5, 3), (2, 1, 2, 3), 2, Steps((2, 3), (2, 1), (0, 2), (1, 1))),
    ((1, 1, 3, 2, 3), (1, 1, 2, 2, 1), 1, Steps((1, 1, 2), (1, 1, 1), (1, 0, 0), (0, 0, 1))),
    ((3, 2, 3), (2, 2, 2), 1, Steps((1,), (1,), (0,), (1,))),
]  # fmt: skip
"""Shapes of x and the weight, groups, and how the windows lie."""


def _samples(names: str, rng: np.random.Generator) -> Iterator[Sample]:
    """Draw two of x, weight and y, as `names` says, for every row and for every dtype."""
    cases = [(*row, "float64") for row in _ROWS]
    cases += [(*_ROWS[-1], dtype) for dtype in (*FLOATS, *COMPLEX)]
    for x, weight, groups, steps, dtype in cases:
        y: tuple[Any, ...] = (x[0], weight[0], *steps.places(x[2:], weight[2:]))
        shapes: dict[str, Any] = {"x": x, "w": weight, "y": y}
        arrays = [rng.uniform(-2, 2, shapes[name]) for name in names]
        if dtype in COMPLEX:
            arrays = [a + 1j * rng.uniform(-2, 2, a.shape) for a in arrays]
        attrs = Attrs(groups=(groups,), **steps._asdict())
        left = ({"x", "w", "y"} - {*names}).pop()
        more = {"x": {"size": x[2:]}, "w": {"kernel": weight[2:]}, "y": {}}[left]
        yield Sample(tuple(a.astype(dtype) for a in arrays), attrs.replace(**more))


def _op(
    name: str, label: str, names: str, maps: Sequence[Any], **fields: Any,  # noqa: ANN401 - of a record
) -> Op:  # fmt: skip
    return register(Op(
        name=name, label=label, vjp=maps_vjp(maps),
        jvp=maps_jvp((partial(_again, 0), partial(_again, 1))),
        samples=lambda rng: list(_samples(names, rng)), **fields,
    ))  # fmt: skip


CONV = _op(
    "nn.conv", "Conv", "xw", (_conv_to_x, _conv_to_weight), infer=_conv_infer,
    kernel=conv_kernel, reference=conv_reference, workspace=conv_workspace,
    batch=partial(_batch, (1, 0, 1)), tiling=_conv_tiling, cost=partial(_cost, conv_sizes),
)  # fmt: skip

CONV_INPUT = _op(
    "nn.conv_input", "ConvInput", "yw", (_input_to_y, _input_to_weight), infer=_input_infer,
    kernel=input_kernel, reference=input_reference, workspace=input_workspace,
    batch=partial(_batch, (1, 0, 1)), tiling=_input_tiling,
    cost=partial(_cost, input_sizes),
)  # fmt: skip

CONV_WEIGHT = _op(
    "nn.conv_weight", "ConvWeight", "xy", (_weight_to_x, _weight_to_y), infer=_weight_infer,
    kernel=weight_kernel, reference=weight_reference, workspace=weight_workspace,
    batch=partial(_batch, (1, 1, 0)), tiling=_weight_tiling,
    cost=partial(_cost, weight_sizes),
)  # fmt: skip
