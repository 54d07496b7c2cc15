"""The mean of every window, and back: linear ops that are each other's reverse.

What a window's sum is divided by is a fixed number, or how many of its elements count: those of the
array, and so much of the padding as the attributes `counted_before` and `counted_after` say. The
division is part of the op, so that float16 sums, added up in float32, end within its range.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
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
from dataflow.ops.structure import check_inputs
from dataflow.sampling import COMPLEX, FLOATS
from dataflow.spec import Spec, as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.ops.nn.windows import Index
    from dataflow.tensor import Tensor

__all__ = ["AVG_POOL"]


def _wide(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _check(specs: Specs, attrs: Attrs) -> Spec:
    """Return the spec; refuse integers, and attributes of the divisor that aren't as they must."""
    spec, axes = check_inputs(specs), len(attrs.integers("kernel"))
    counted = [attrs.integers(name) for name in ("counted_before", "counted_after")]
    attrs.integer("divisor")
    if any(len(row) != axes or min(row, default=0) < 0 for row in counted):
        msg = f"counted padding needs {axes} numbers of 0 or more: {attrs}"
        raise ShapeError(msg)
    if not spec.is_float:
        msg = f"takes floats or complex numbers, not {spec.dtype}: use .astype('float32') before"
        raise DTypeError(msg)
    return spec


# What a sum is divided by


def _counts(window: Window, attrs: Attrs) -> list[np.ndarray]:
    """Return for each axis how many positions of a window count, at every place."""
    counted = [attrs.integers(name) for name in ("counted_before", "counted_after")]
    made = []
    rows = zip(window.size, window.places, window.kernel, *window.steps[:3], *counted, strict=True)
    for length, places, kernel, stride, dilation, before, first, more in rows:
        starts = np.arange(places) * stride - before
        low, high = (-((starts - end) // dilation) for end in (-first, length + more))
        made.append(np.clip(high, 0, kernel) - np.clip(low, 0, kernel))
    return made


def _is_uniform(window: Window, attrs: Attrs) -> bool:
    """Say whether all sums are divided by one number."""
    if attrs.integer("divisor"):
        return True
    return all((count == count[0]).all() for count in _counts(window, attrs))


def _divisors(plane: Arrays, window: Window, attrs: Attrs, dtype: np.dtype) -> Array:
    """Return the number to divide by, or the scratch that will hold one for every place."""
    if plane:
        return plane[0]
    one = attrs.integer("divisor") or np.prod([count[0] for count in _counts(window, attrs)])
    return np.asarray(one, dtype)


def _counting(plane: Arrays, window: Window, attrs: Attrs) -> list[Call]:
    """Return the calls that multiply the counts along the axes into scratch."""
    if not plane:
        return []
    counts = _counts(window, attrs)
    shapes = [[-1 if i == j else 1 for i in range(len(counts))] for j in range(len(counts))]
    columns = [
        count.astype(plane[0].dtype).reshape(s) for count, s in zip(counts, shapes, strict=True)
    ]
    return [
        (np.copyto, (plane[0], columns[0])),
        *((np.multiply, (plane[0], column, plane[0])) for column in columns[1:]),
    ]


def _plane(window: Window, attrs: Attrs, dtype: np.dtype) -> Specs:
    return () if _is_uniform(window, attrs) else (Spec(window.places, dtype),)


def _all_divisors(window: Window, attrs: Attrs) -> Array:
    """Return what the sums are divided by, in plain NumPy."""
    number = attrs.integer("divisor")
    return np.asarray(number or reduce(np.multiply.outer, _counts(window, attrs)))


# nn.avg_pool


def _avg_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = _check(specs, attrs)
    return (spec.with_shape(pooled(spec, attrs)),)


def _avg_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return what float16 is added up in, and the divisors where they differ."""
    (spec,), (out,) = specs, _avg_infer(specs, attrs)
    window, dtype = window_of(spec.static_shape, attrs), _wide(spec.dtype)
    wide = [Spec(s.shape, dtype) for s in (spec, out)] if dtype != spec.dtype else []
    return Workspace((*wide, *_plane(window, attrs, dtype)))


def _avg_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,) = outs, ins
    window, is_narrow = window_of(x.shape, attrs), out.dtype == np.float16
    wide, total = scratch[:2] if is_narrow else (x, out)
    plane = scratch[2:] if is_narrow else scratch
    calls: list[Call] = [(np.copyto, (wide, x))] if is_narrow else []
    calls += [*_adding(total, wide, window), *_counting(plane, window, attrs)]
    divisor = _divisors(plane, window, attrs, total.dtype)
    calls += _dividing(total, divisor, total)
    return [*calls, (np.copyto, (out, total, "same_kind"))] if is_narrow else calls


def _adding(out: Array, x: Array, window: Window) -> list[Call]:
    kernel, steps, size, places = window
    if window.has_few_places:
        axes = tuple(range(x.ndim - len(kernel), x.ndim))
        return [(np.add.reduce, (x[elements], axes, None, out[where]))
                for elements, where in window.by_place()]  # fmt: skip
    pairs = [(out[where], x[elements]) for _, elements, where in steps.pairs(size, kernel, places)]
    first: Call = (out.fill, (0,)) if steps.is_padded else (np.copyto, pairs.pop(0))
    return [first, *((np.add, (to, seen, to)) for to, seen in pairs)]


def _dividing(x: Array, divisor: Array, out: Array) -> list[Call]:
    if divisor.ndim == 0 and divisor == 1:
        return [] if x is out else [(np.copyto, (out, x))]
    return [(np.true_divide, (x, divisor, out))]


def _avg_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    seen = windows_of(x.astype(_wide(x.dtype)), window, 0)
    total = seen.sum(tuple(range(-len(window.kernel), 0)))
    return np.asarray(total / _all_divisors(window, attrs)).astype(x.dtype)


def _avg_back(application: Application, cotangent: Tensor) -> Tensor:
    (x,), attrs = application.inputs, application.attrs
    size = x.shape[x.ndim - len(attrs.integers("kernel")) :]
    return apply(AVG_POOL_INPUT, (cotangent,), attrs.replace(size=size))


def _again(application: Application, change: Tensor) -> Tensor:
    return apply(application.op, (change,), application.attrs)


def _samples(rng: np.random.Generator, *, back: bool) -> list[Sample]:
    made = []
    cases = [(*case, "float64") for case in CASES]
    cases += [(*CASES[-1], dtype) for dtype in (*FLOATS, *COMPLEX)]
    for i, (shape, kernel, steps, dtype) in enumerate(cases):
        counted = ((0,) * len(kernel), steps.before)[i % 2]
        attrs = Attrs(kernel=kernel, **steps._asdict(), counted_before=counted,
                      counted_after=counted, divisor=(0, 0, 3)[i % 3])  # fmt: skip
        given = Spec.of(shape, dtype)
        drawn = (given.with_shape(pooled(given, attrs)) if back else given).static_shape
        x = rng.uniform(-2, 2, drawn) + (1j * rng.uniform(-2, 2, drawn)) * (dtype in COMPLEX)
        if back:
            attrs = attrs.replace(size=shape[-len(kernel) :])
        made.append(Sample(((x if dtype in COMPLEX else x.real).astype(dtype),), attrs))
    return made


AVG_POOL = register(Op(
    name="nn.avg_pool", label="AvgPool", infer=_avg_infer, kernel=_avg_kernel,
    reference=_avg_reference, vjp=maps_vjp((_avg_back,)), jvp=maps_jvp((_again,)),
    batch=batch_rows, tiling=pool_tiling, cost=pool_cost, workspace=_avg_workspace,
    samples=lambda rng: _samples(rng, back=False),
))  # fmt: skip


# nn.avg_pool_input: every window's share of its mean's cotangent, added up


def _input_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec, size = _check(specs, attrs), as_shape(attrs.dims("size"))
    axes = len(attrs.integers("kernel"))
    whole = spec.with_shape((*spec.shape[: max(spec.ndim - axes, 0)], *size))
    if len(size) != axes or pooled(whole, attrs) != spec.shape:
        msg = (f"windows over {shape_text(size)} don't have the places of "
               f"{shape_text(spec.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return (whole,)


def _input_window(shape: tuple[int, ...], attrs: Attrs) -> Window:
    size = attrs.integers("size")
    return window_of((*shape[: len(shape) - len(size)], *size), attrs)


def _input_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the shares, what float16 is added up in, and the divisors where they differ."""
    (spec,), (out,) = specs, _input_infer(specs, attrs)
    window, dtype = _input_window(spec.static_shape, attrs), _wide(spec.dtype)
    wide = [Spec(out.shape, dtype)] if dtype != spec.dtype else []
    return Workspace((Spec(spec.shape, dtype), *wide, *_plane(window, attrs, dtype)))


def _input_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (y,), (shares, *plane) = outs, ins, scratch
    window, is_narrow = _input_window(y.shape, attrs), out.dtype == np.float16
    total = plane.pop(0) if is_narrow else out
    calls: list[Call] = [(np.copyto, (shares, y))] if is_narrow else []
    calls += _counting(plane, window, attrs)
    divisor = _divisors(plane, window, attrs, shares.dtype)
    calls += _dividing(shares if is_narrow else y, divisor, shares)
    calls += _sharing(total, shares, window)
    return [*calls, (np.copyto, (out, total, "same_kind"))] if is_narrow else calls


def _sharing(out: Array, shares: Array, window: Window) -> list[Call]:
    """Return the calls that give every element what the windows that hold it have for each."""
    kernel, steps, size, places = window
    first = out.ndim - len(kernel)
    if window.is_partition:
        split = [n for pair in zip(places, kernel, strict=True) for n in pair]
        each = shares.reshape(*shares.shape[:first], *(n for p in places for n in (p, 1)))
        return [(np.copyto, (out.reshape(*out.shape[:first], *split, copy=False), each))]
    if window.has_few_places:
        parts = [(elements, shares[where]) for elements, where in window.by_place()]
        pairs = [(e, part.reshape(*part.shape, *[1] * len(kernel))) for e, part in parts]
    else:
        pairs = [(e, shares[where]) for _, e, where in steps.pairs(size, kernel, places)]
    adding = [(np.add, (out[elements], part, out[elements])) for elements, part in pairs]
    return [(out.fill, (0,)), *adding]


def _input_reference(y: Array, attrs: Attrs) -> Array:
    window = _input_window(y.shape, attrs)
    shares, axes = y.astype(_wide(y.dtype)) / _all_divisors(window, attrs), len(window.kernel)
    total = np.zeros((*y.shape[:-axes], *window.steps.padded(window.size)), shares.dtype)
    for position in np.ndindex(window.kernel):
        rows = zip(position, window.places, *window.steps[:2], strict=True)
        where: Index = (..., *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, n, s, d in rows))
        total[where] += shares
    return np.asarray(total[window.steps.inside(window.size)]).astype(y.dtype)


def _input_back(application: Application, cotangent: Tensor) -> Tensor:
    attrs = Attrs({k: v for k, v in application.attrs.items() if k != "size"})
    return apply(AVG_POOL, (cotangent,), attrs)


def _input_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling((row_uses(specs[0], len(attrs.integers("kernel"))),))


AVG_POOL_INPUT = register(Op(
    name="nn.avg_pool_input", label="AvgPoolInput", infer=_input_infer, kernel=_input_kernel,
    reference=_input_reference, vjp=maps_vjp((_input_back,)), jvp=maps_jvp((_again,)),
    batch=batch_rows, tiling=_input_tiling, cost=pool_cost, workspace=_input_workspace,
    samples=lambda rng: _samples(rng, back=True),
))  # fmt: skip
