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
from dataflow.op import (
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
from dataflow.ops.nn.convolution_shapes import conv_infer, input_infer, weight_infer
from dataflow.ops.nn.convolution_sizes import Sizes, conv_sizes, input_sizes, weight_sizes
from dataflow.ops.nn.windows import Steps, steps_of
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import is_row_major, single_dim, with_batch_axis
from dataflow.sampling import COMPLEX, FLOATS
from dataflow.shapes import move_axis

if TYPE_CHECKING:
    import numpy as np

    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = ["CONV", "CONV_INPUT", "laid_out"]

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
    "nn.conv", "Conv", "xw", (_conv_to_x, _conv_to_weight), infer=conv_infer,
    kernel=conv_kernel, reference=conv_reference, workspace=conv_workspace,
    batch=partial(_batch, (1, 0, 1)), tiling=_conv_tiling, cost=partial(_cost, conv_sizes),
)  # fmt: skip

CONV_INPUT = _op(
    "nn.conv_input", "ConvInput", "yw", (_input_to_y, _input_to_weight), infer=input_infer,
    kernel=input_kernel, reference=input_reference, workspace=input_workspace,
    batch=partial(_batch, (1, 0, 1)), tiling=_input_tiling,
    cost=partial(_cost, input_sizes),
)  # fmt: skip

CONV_WEIGHT = _op(
    "nn.conv_weight", "ConvWeight", "xy", (_weight_to_x, _weight_to_y), infer=weight_infer,
    kernel=weight_kernel, reference=weight_reference, workspace=weight_workspace,
    batch=partial(_batch, (1, 1, 0)), tiling=_weight_tiling,
    cost=partial(_cost, weight_sizes),
)  # fmt: skip
