"""How an op is declared that draws from a key alone, and how its kernel goes through a result.

Keys may be an array: each draws an array of its own. The op's one input is the key; its attributes
are the dtype and shape of what each key draws, and the index of its first element, so that a slice
is the same op with another first index.

Words are made and turned into numbers block by block: beside the result, only a block's words are
in memory, and they stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.ops.words import GAMMA, check_key, key_calls, u64
from dataflow.spec import Spec, as_dtype, as_shape

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.op import Application, Array, Arrays, Call, Specs
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


class _Run(NamedTuple):
    """What all blocks of a call share."""

    make: Callable[[tuple[Array, Array], Arrays], Made]
    arrays: Arrays
    stride: int


def _kernel(
    make: Maker, stride: int, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    (out,), (key,), (*arrays, begin, other, mixing) = outs, ins, scratch
    if not out.size:
        return []
    run = _Run(partial(make, attrs), arrays, stride)
    calls = key_calls(key, (begin, other), mixing)
    if key.ndim:
        return [*calls, (_fill, (run, begin, other, out))]
    return [*calls, (_fill, (run, begin[np.newaxis], other[np.newaxis], out[np.newaxis]))]


def _fill(run: _Run, begin: Array, other: Array, out: Array) -> None:
    """Go through all axes of keys but the last."""
    if begin.ndim == 1:
        _fill_rows(run, (begin, other), out)
        return
    for place in range(len(begin)):
        _fill(run, begin[place], other[place], out[place])


def _fill_rows(run: _Run, keys: tuple[Array, Array], out: Array) -> None:
    """Go through rows, as many at a time as a block holds, or through the parts of each."""
    count = len(out)
    per_key = out.size // count
    flat = out.reshape(-1) if out.flags.c_contiguous else out.flat
    rows = max(_BLOCK // per_key, 1)
    for row in range(0, count, rows):
        own = (keys[0][row : row + rows], keys[1][row : row + rows])
        _fill_parts(run, own, flat, row * per_key, per_key)


def _fill_parts(
    run: _Run, keys: tuple[Array, Array], flat: Any, at: int, per_key: int  # noqa: ANN401
) -> None:  # fmt: skip
    """Fill rows part by part: the first key moves on, so that the calls can stay as they are."""
    rows, before = len(keys[0]), 0
    for start in range(0, per_key, _BLOCK):
        width = min(per_key - start, _BLOCK)
        count = rows * width
        if width != before:
            arrays = [array[:count].reshape((rows, width)) for array in run.arrays]
            (calls, numbers), before = run.make(keys, arrays), width
        for function, args in calls:
            function(*args)
        flat[at + start : at + start + count] = numbers.reshape(-1)
        np.add(keys[0], u64(width * run.stride * GAMMA), out=keys[0])


# The rest of the record


def _infer(
    dtypes: tuple[str, ...], numbers: tuple[str, ...], specs: Specs, attrs: Attrs
) -> Specs:  # fmt: skip
    dtype = as_dtype(attrs.text("dtype"))
    attrs.integer("first")
    for name in numbers:
        if not 0 <= attrs.number(name) <= 1:
            msg = f"{name} lies between 0 and 1, not {attrs[name]}"
            raise ShapeError(msg)
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
    """Slice along the keys, and along the first axis that each draws."""
    ndim = specs[0].ndim
    return Tiling(
        (tuple(map(Along, range(ndim))),),
        free=(ndim,) if attrs.dims("shape") else (),
        slice_attrs=partial(_sliced, ndim),
    )


def _sliced(keys: int, attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    if axis < keys:
        return attrs
    rest = attrs.integers("shape")[1:]
    first = attrs.integer("first") + start * math.prod(rest)
    return attrs.replace(shape=(stop - start, *rest), first=first)


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
        attrs = Attrs(more, dtype=dtype, shape=shape, first=int(rng.integers(99)))
        made.append(Sample((key,), attrs))
    return made
