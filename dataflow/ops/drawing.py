"""How an op is declared that draws from a key alone, and how its kernel goes through a result.

Keys may be an array: each draws an array of its own. The op's one input is the key; its attributes
are the dtype and shape of what each key draws, and the numbers of its elements (see `numbering`),
so that a slice along any axis is the same op with others.

Words are made and turned into numbers block by block: beside the result, only a block's words are
in memory, and they stay in the cache. A block is some rows: each has two keys, and a run of numbers
from 0 on. What a key draws without gaps is one row, or several blocks that move on; a slice of it
that has gaps is a row for each run, whose first key has moved on to where the run begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.numbering import (
    Runs,
    check_numbers,
    offset_each,
    runs_of,
    sample_numbers,
    slice_numbers,
)
from dataflow.ops.words import GAMMA, check_key, key_calls, u64
from dataflow.spec import Spec, as_dtype, as_shape

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.operation import Application, Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["Made", "draw_op"]

_BLOCK = 4096
"""The same for few elements, so that a slice, however short, needs the same memory."""

_INTERNAL = 16384 + 8 * _BLOCK
"""Bytes of Python objects, a block's calls, and of a cast where the result has gaps in memory."""


class Made(NamedTuple):
    """The calls that make a block of numbers, rows by keys, and the array that they are in."""

    calls: Sequence[Call]
    numbers: Array


Maker: TypeAlias = "Callable[[Attrs, tuple[Array, Array], Arrays], Made]"


def draw_op(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, make: Maker, reference: Callable[..., Any], *,
    dtypes: Sequence[str], arrays: int, flops: int, stride: int = 1,
    numbers: Mapping[str, tuple[float, ...]] = MappingProxyType({}),
) -> Op:  # fmt: skip
    """Declare and register an op that draws from a key alone.

    Parameters
    ----------
    name, label, reference
        See `Op`.
    make : callable
        ``make(attrs, keys, arrays)`` gives what makes a block, of a stream's two keys for each row
        and of uint64 arrays of a row for each key. It begins with the attribute ``first``.
    dtypes : sequence of str
        What it can draw.
    arrays : int
        How many arrays a block needs.
    flops : int
        Operations per element.
    stride : int
        How many words an element has.
    numbers : mapping of str to tuple of float
        Further attributes: numbers from 0 to 1, with values for samples.
    """
    return register(Op(
        name=name, label=label, infer=partial(_infer, tuple(dtypes), tuple(numbers)),
        kernel=partial(_kernel, make, stride), reference=reference, vjp=_no_change,
        jvp=_no_change, batch=_batch, tiling=_tiling, cost=partial(_cost, flops),
        samples=partial(_samples, tuple(dtypes), numbers), workspace=partial(_workspace, arrays),
    ))  # fmt: skip


# The kernel


_Size: TypeAlias = tuple[int, int]
"""A block's rows, and how much of each it has."""


class _Draw(NamedTuple):
    """What all blocks of a call share."""

    make: Callable[[tuple[Array, Array], Arrays], Made]
    arrays: Arrays
    stride: int
    runs: Runs


def _kernel(
    make: Maker, stride: int, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    (out,), (key,), (*arrays, begin, other, mixing) = outs, ins, scratch
    if not out.size:
        return []
    draw = _Draw(partial(make, attrs), arrays, stride, runs_of(attrs, attrs.integers("shape")))
    calls = key_calls(key, (begin, other), mixing)
    if key.ndim:
        return [*calls, (_fill, (draw, begin, other, out))]
    return [*calls, (_fill, (draw, begin[np.newaxis], other[np.newaxis], out[np.newaxis]))]


def _fill(draw: _Draw, begin: Array, other: Array, out: Array) -> None:
    """Go through all axes of keys but the last."""
    if begin.ndim == 1:
        flat = out.reshape(-1) if out.flags.c_contiguous else out.flat
        fill = _fill_rows if len(draw.runs) == 1 else _fill_runs
        fill(draw, (begin, other), flat)
        return
    for place in range(len(begin)):
        _fill(draw, begin[place], other[place], out[place])


def _fill_rows(draw: _Draw, keys: tuple[Array, Array], flat: Any) -> None:  # noqa: ANN401
    """Go through keys, as many at a time as a block holds, or through the parts of each."""
    per_key = draw.runs[-1][0]
    rows = max(_BLOCK // per_key, 1)
    for row in range(0, len(keys[0]), rows):
        own = (keys[0][row : row + rows], keys[1][row : row + rows])
        _fill_parts(draw, own, {}, flat, row * per_key)


def _fill_runs(draw: _Draw, keys: tuple[Array, Array], flat: Any) -> None:  # noqa: ANN401
    """Go through the runs of all keys: half a block's arrays are for numbers, half for keys."""
    *outer, (length, _) = draw.runs
    per_key, half = math.prod(count for count, _ in outer), _BLOCK // 2
    begin, other = (array[half:] for array in draw.arrays[:2])
    halved = draw._replace(arrays=[array[:half] for array in draw.arrays])
    rows, count, made = max(half // length, 1), per_key * len(keys[0]), dict[_Size, Made]()
    for row in range(0, count, rows):
        own = (begin[: min(rows, count - row)], other[: min(rows, count - row)])
        _move_keys(draw, keys, own, (row, per_key))
        _fill_parts(halved, own, made, flat, row * length)


def _move_keys(
    draw: _Draw, keys: tuple[Array, Array], own: tuple[Array, Array], rows: tuple[int, int]
) -> None:
    """Write the two keys of each row, the first moved on to where its run begins."""
    (begin, other), (first, per_key) = own, rows
    place, which = (array[: len(begin)] for array in draw.arrays[:2])
    place.fill(1)
    place[0] = first
    np.add.accumulate(place, out=place)
    np.floor_divide(place, u64(per_key), out=which)
    np.remainder(place, u64(per_key), out=place)
    offset_each(place, begin, other, draw.runs[:-1])
    np.multiply(begin, u64(draw.stride * GAMMA), out=begin)
    np.take(keys[0], which.view(np.int64), out=place, mode="clip")
    np.add(begin, place, out=begin)
    np.take(keys[1], which.view(np.int64), out=other, mode="clip")


def _fill_parts(
    draw: _Draw, keys: tuple[Array, Array], made: dict[_Size, Made], flat: Any, at: int  # noqa: ANN401
) -> None:  # fmt: skip
    """Fill rows part by part: the first key moves on, so that the calls can stay as they are."""
    rows, length, most = len(keys[0]), draw.runs[-1][0], len(draw.arrays[0])
    for start in range(0, length, most):
        width = min(length - start, most)
        count = rows * width
        if (rows, width) not in made:
            arrays = [array[:count].reshape((rows, width)) for array in draw.arrays]
            made[rows, width] = draw.make(keys, arrays)
        calls, numbers = made[rows, width]
        for function, args in calls:
            function(*args)
        flat[at + start : at + start + count] = numbers.reshape(-1)
        np.add(keys[0], u64(width * draw.stride * GAMMA), out=keys[0])


# The rest of the record


def _infer(
    dtypes: tuple[str, ...], numbers: tuple[str, ...], specs: Specs, attrs: Attrs
) -> Specs:  # fmt: skip
    dtype = as_dtype(attrs.text("dtype"))
    check_numbers(attrs, attrs.dims("shape"))
    for name in numbers:
        if not 0 <= attrs.number(name) <= 1:
            msg = f"{name} lies between 0 and 1, not {attrs[name]}"
            raise ArgumentError(msg)
    if len(specs) != 1:
        msg = f"takes 1 input, the key, not {len(specs)}"
        raise ShapeError(msg)
    check_key(specs[0])
    if dtype.name not in dtypes:
        msg = f"draws {', '.join(dtypes)}, not {dtype}: cast with astype"
        raise DTypeError(msg)
    return (Spec((*specs[0].shape, *as_shape(attrs.dims("shape"))), dtype),)


def _workspace(count: int, specs: Specs, attrs: Attrs) -> Workspace:
    words = Spec((_BLOCK,), np.dtype(np.uint64))
    return Workspace((*[words] * count, *[specs[0]] * 3), _INTERNAL)


def _no_change(application: Application, changes: tuple[Tensor | None, ...]) -> list[None]:
    """Return that nothing comes of a change: the key is an integer."""
    return [None]


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> tuple[Tensor, ...]:  # fmt: skip
    return inputs[0].builder.apply(application.op, inputs, application.attrs)


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice along the keys, and along every axis of what each draws."""
    ndim = specs[0].ndim
    return Tiling(
        (tuple(map(Along, range(ndim))),),
        free=tuple(range(ndim, ndim + len(attrs.dims("shape")))),
        slice_attrs=partial(_sliced, ndim),
    )


def _sliced(keys: int, attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    if axis < keys:
        return attrs
    shape, own = attrs.integers("shape"), axis - keys
    cut = (*shape[:own], stop - start, *shape[own + 1 :])
    return slice_numbers(attrs, shape, own, start, stop).replace(shape=cut)


def _cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    return Cost(flops * math.prod(outs[0].static_shape), ins[0].nbytes + outs[0].nbytes)


def _samples(
    dtypes: tuple[str, ...], numbers: Mapping[str, tuple[float, ...]], rng: np.random.Generator
) -> list[Sample]:  # fmt: skip
    single = [((), shape) for shape in ((), (7,), (3, 4), (0, 2), (2, 3, 5))]
    many = [((3,), (4,)), ((2, 2), (3, 1)), ((0,), (2,))]
    made: list[Sample] = []
    for dtype, (keys, shape) in product(dtypes, single + many):
        key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
        more = {name: values[len(made) % len(values)] for name, values in numbers.items()}
        each = sample_numbers(rng, shape)
        made += [Sample((key,), attrs.replace(**more, dtype=dtype, shape=shape)) for attrs in each]
    return made
