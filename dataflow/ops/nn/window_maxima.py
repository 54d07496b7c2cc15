"""The largest element of every window, and where it is: one ufunc call for each of its positions.

Nothing larger than the result is made on the way: for every position of a window, the elements
that lie there are a view of x, one for every place. Padding is never read, so that it can't be
chosen.

Of equal elements the first in row-major order is chosen, of several NaN too; the cotangent of a
window goes to that element alone, as PyTorch has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.elementwise import call_into, choose_call, maps_jvp, maps_vjp
from dataflow.errors import DTypeError
from dataflow.operation import (
    WHOLE,
    Absent,
    Application,
    Array,
    Arrays,
    Call,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.limits import lowest
from dataflow.ops.nn.places import gather_places, scatter_places
from dataflow.ops.nn.pools import (
    CASES,
    Window,
    batch_rows,
    pool_cost,
    pool_tiling,
    pooled,
    row_uses,
    window_of,
    windows_of,
)
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["ARGMAX_POOL", "MAX_POOL", "places_calls"]


_INT64 = np.dtype(np.int64)
_UNITED = "nn.max_pool_with_places"


# nn.max_pool


def _max_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order, so no maximum"
        raise DTypeError(msg)
    return (spec.with_shape(pooled(spec, attrs)),)


def _max_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _largest(outs[0], ins[0], window_of(ins[0].shape, attrs))


def _largest(out: Array, x: Array, window: Window) -> list[Call]:
    kernel, steps, size, places = window
    if window.has_few_places:
        axes = tuple(range(x.ndim - len(kernel), x.ndim))
        return [(np.maximum.reduce, (x[elements], axes, None, out[where]))
                for elements, where in window.by_place()]  # fmt: skip
    pairs = [(out[where], x[elements]) for _, elements, where in steps.pairs(size, kernel, places)]
    if steps.is_padded:
        first: Call = (out.fill, (lowest(out.dtype),))
    else:
        first = (np.copyto, pairs.pop(0))
    return [first, *(call_into(np.maximum, (to, seen), to) for to, seen in pairs)]


def _max_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    axes = tuple(range(-len(window.kernel), 0))
    largest: Array = np.maximum.reduce(windows_of(x, window, lowest(x.dtype)), axes)
    return largest


def _chosen(application: Application) -> Tensor:
    """Return where the elements of a pooling's result are, by rows."""
    found = apply(ARGMAX_POOL, application.inputs, application.attrs)
    return _by_rows(found, application)


def _by_rows(x: Tensor, application: Application) -> Tensor:
    """Join the axes that the windows move over."""
    first = x.ndim - len(application.attrs.integers("kernel"))
    return reshape(x, (*x.shape[:first], product(x.shape[first:])))


def _max_back(application: Application, cotangent: Tensor) -> Tensor:
    (x,) = application.inputs
    length = product(x.shape[x.ndim - len(application.attrs.integers("kernel")) :])
    rows = scatter_places(_by_rows(cotangent, application), _chosen(application), length)
    return reshape(rows, x.shape)


def _max_forth(application: Application, tangent: Tensor) -> Tensor:
    rows = gather_places(_by_rows(tangent, application), _chosen(application))
    return reshape(rows, application.outputs[0].shape)


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    cases = [(*case, "float64") for case in CASES]
    cases += [(*CASES[-1], dtype) for dtype in ("bool", *INTEGERS, *FLOATS)]
    for shape, kernel, steps, dtype in cases:
        # A permutation has no ties, at which an extreme has no derivative.
        x = rng.permutation(math.prod(shape)).reshape(shape).astype(dtype)
        attrs = Attrs(kernel=kernel, **steps._asdict())
        made.append(Sample((x,), attrs, dtype[0] == "f"))
    return made


MAX_POOL = register(Op(
    name="nn.max_pool", label="MaxPool", infer=_max_infer, kernel=_max_kernel,
    reference=_max_reference, vjp=maps_vjp((_max_back,)), jvp=maps_jvp((_max_forth,)),
    batch=batch_rows, tiling=pool_tiling, cost=pool_cost, samples=_samples, united=(_UNITED, 0),
))  # fmt: skip


# nn.argmax_pool: where the largest elements are, as indices into the joined spatial axes.
#
# A window's positions are numbered backwards, so that the first of equal elements has the largest
# number, and the numbers fit in a byte: finding them costs as much as finding the maxima.


def _argmax_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (Spec(_max_infer(specs, attrs)[0].shape, _INT64),)


def _argmax_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the largest elements, where they are seen, positions, each axis' share in an index.

    With few places: a window's elements by rows, and the index of each row's largest.
    """
    (spec,), (largest,) = specs, _max_infer(specs, attrs)
    window, table = window_of(spec.static_shape, attrs), 8 * math.prod(attrs.integers("kernel"))
    rows = spec.static_shape[: spec.ndim - len(window.kernel)]
    if window.has_few_places:
        return Workspace((Spec((*rows, window.elements), spec.dtype), Spec(rows, _INT64)), table)
    number = np.dtype(np.uint8) if window.elements < 256 else _INT64
    ramps = [Spec((n,), _INT64) for n in window.places]
    masks = (Spec(largest.shape, dtype) for dtype in (np.dtype(bool), number))
    return Workspace((largest, *masks, *ramps), table)


def _argmax_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (x,), window = ins, window_of(ins[0].shape, attrs)
    if not outs[0].size or window.has_few_places:
        return places_calls(outs[0], x, None, scratch, window)
    return [*_largest(scratch[0], x, window),
            *places_calls(outs[0], x, scratch[0], scratch, window)]  # fmt: skip


def places_calls(
    out: Array, x: Array, largest: Array | None, scratch: Arrays, window: Window
) -> list[Call]:
    """Return the calls for the places of maxima, which `largest` has; few places need none."""
    if not out.size:
        return []
    if largest is None or window.has_few_places:
        return _by_place(out, x, scratch, window)
    _, found, numbers, *ramps = scratch
    return [
        (numbers.fill, (0,)),
        *_numbering(x, largest, found, numbers, window),
        (_run_if_nan, (largest, _numbering(x, None, found, numbers, window))),
        *_looking_up(out, numbers, window), *_starts(out, ramps, window),
    ]  # fmt: skip


def _by_place(out: Array, x: Array, scratch: Arrays, window: Window) -> list[Call]:
    """Return the calls that copy one window after the other and find its largest element."""
    (part, found), axes = scratch, len(window.kernel)
    numbers = np.arange(math.prod(window.size)).reshape(window.size)
    tables: dict[tuple[int, ...], Array] = {}
    calls: list[Call] = []
    for elements, where in window.by_place():
        seen, indices = x[elements], numbers[elements].reshape(-1)
        table = tables.setdefault(seen.shape[-axes:], indices - indices[0])
        columns = part.reshape(-1)[: seen.size].reshape(seen.shape)
        calls += [
            (np.copyto, (columns, seen)),
            (np.ndarray.argmax, (columns.reshape(*seen.shape[:-axes], -1), -1, found)),
            (_look_up, (table, found)), (np.add, (found, indices[0], found)),
            (np.copyto, (out[where], found)),
        ]  # fmt: skip
    return calls


def _numbering(
    x: Array, largest: Array | None, found: Array, numbers: Array, window: Window
) -> list[Call]:
    """Return the calls that number the first position of the largest element, or of a NaN."""
    kernel, steps, size, places = window
    calls: list[Call] = []
    pairs = [*steps.pairs(size, kernel, places)]
    for position, elements, where in reversed(pairs):
        seen, mask, into = x[elements], found[where], numbers[where]
        if largest is None:
            calls.append((np.not_equal, (seen, seen, mask)))
        else:
            calls.append((np.equal, (seen, largest[where], mask)))
        number = np.asarray(_number(position, kernel), numbers.dtype)
        if numbers.dtype == np.uint8:
            byte = mask.view(np.uint8)
            calls.append((np.multiply, (byte, number, byte)))
            calls.append(call_into(np.maximum, (into, byte), into))
        else:
            calls.append(choose_call(into, mask, number))
    return calls


def _number(position: Sequence[int], kernel: Sequence[int]) -> int:
    """Return a position's number, the first one's the largest and the last one's 1."""
    return math.prod(kernel) - int(np.ravel_multi_index(tuple(position), tuple(kernel)))


def _run_if_nan(largest: Array, calls: Sequence[Call]) -> None:
    """Run the calls that number what equals nothing, if there is any: hardly ever."""
    if np.isnan(np.maximum.reduce(largest, None)):
        for function, args in calls:
            function(*args)


def _widths(window: Window) -> list[int]:
    """Return how far apart in an index the elements of each axis are."""
    return [math.prod(window.size[i + 1 :]) for i in range(len(window.size))]


def _looking_up(out: Array, numbers: Array, window: Window) -> list[Call]:
    """Return the calls that turn numbers into distances from the windows' starts."""
    kernel, table = window.kernel, np.zeros(window.elements + 1, _INT64)
    for position in np.ndindex(kernel):
        rows = zip(position, window.steps.dilation, _widths(window), strict=True)
        table[_number(position, kernel)] = sum(p * d * width for p, d, width in rows)
    look_up = _look_up if out.flags.c_contiguous else _look_up_each
    return [(np.copyto, (out, numbers)), (look_up, (table, out))]


def _look_up(table: Array, out: Array) -> None:
    np.take(table, out, None, out, "clip")


def _look_up_each(table: Array, out: Array) -> None:
    """Look up one number after the other: slow, but where memory has gaps nothing is copied."""
    for place in np.ndindex(out.shape):
        out[place] = table[out[place]]


def _starts(out: Array, ramps: Arrays, window: Window) -> list[Call]:
    """Return the calls that add to each index where its window starts."""
    calls: list[Call] = []
    rows = zip(ramps, window.steps.stride, window.steps.before, _widths(window), strict=True)
    for axis, (ramp, stride, before, width) in enumerate(rows):
        shape = [-1 if i == axis else 1 for i in range(len(ramps))]
        calls += [
            (ramp.fill, (stride * width,)), (ramp[:1].fill, (-before * width,)),
            (np.add.accumulate, (ramp, 0, None, ramp)), (np.add, (out, ramp.reshape(shape), out)),
        ]  # fmt: skip
    return calls


def _argmax_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    axes = len(window.kernel)
    numbers = np.arange(math.prod(window.size)).reshape(window.size)
    indices = windows_of(numbers, window, -1)
    seen = windows_of(x, window, lowest(x.dtype))
    positions = tuple(range(-axes, 0))
    largest = np.maximum.reduce(seen, positions, keepdims=True)
    found = (indices >= 0) & ((seen == largest) | (seen != seen))  # noqa: PLR0124 - NaN
    first = found.reshape(*found.shape[:-axes], window.elements).argmax(-1)
    columns = np.broadcast_to(indices, found.shape).reshape(*first.shape, window.elements)
    return np.take_along_axis(columns, first[..., None], -1)[..., 0]


def _argmax_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice the first axis only, so that memory has no gaps."""
    first, *others = row_uses(specs[0], len(attrs.integers("kernel")))
    return Tiling(((first, *[WHOLE] * len(others)),))


_NO_DERIVATIVE = Absent("an index doesn't change with the values")

ARGMAX_POOL = register(Op(
    name="nn.argmax_pool", label="ArgmaxPool", infer=_argmax_infer, kernel=_argmax_kernel,
    reference=_argmax_reference, vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=batch_rows,
    tiling=_argmax_tiling, cost=pool_cost, workspace=_argmax_workspace, samples=_samples,
    united=(_UNITED, 1),
))  # fmt: skip
