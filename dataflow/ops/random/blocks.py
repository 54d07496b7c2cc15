"""Draws by rejection, block by block: what is rejected is tried again, the rest is left alone.

Attempt t of element i has the words 4i to 4i + 3 of a stream of its own, so that an element is a
function of its key, of i and of its parameters in every slice, though a block goes on with what was
rejected alone. No method here rejects 1 element in 10 twelve times in a row, let alone 64 times;
after these, the result is what the method began with.

A `Method` says what an attempt is; the functions here make of it the fields of a record of ops
whose inputs are a key and parameters, float64 all of one shape, which begins with the keys' axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Along, Array, Cost, Tiling, Workspace
from dataflow.ops.numbering import (
    Runs,
    check_numbers,
    numbers_of,
    offset_each,
    runs_of,
    slice_numbers,
)
from dataflow.ops.words import GAMMA, check_key, mix, mixed, u64, units
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Arrays, Call, Specs

__all__ = [
    "ATTEMPTS", "Block", "Method", "Streams", "cost", "infer", "kernel", "plain_units",
    "tiling", "unit", "workspace",
]  # fmt: skip

ATTEMPTS = 64
_BLOCK = 1024
"""The same for few elements, so that a slice, however short, needs the same memory."""

_INTERNAL = 40 * _BLOCK + 4096
"""Bytes that NumPy allocates to find what was rejected in a block, to look things up, and to read
a block's parameters where they have gaps in memory."""


class Block(NamedTuple):
    """A block's arrays; an attempt uses as much of each as there are elements left."""

    floats: tuple[Array, ...]
    key: Array
    begin: Array
    other: Array
    number: Array
    words: Array
    spare: Array
    places: Array
    mask: Array

    def cut(self, count: int) -> Block:
        """Return the first elements of each."""
        floats = tuple(array[:count] for array in self.floats)
        return Block(floats, *(array[:count] for array in self[1:]))


class Streams(NamedTuple):
    """An attempt's two keys, one of each or one for each element, and the elements' indices."""

    begin: Array
    other: Array
    number: Array


class Method(NamedTuple):
    """How a distribution is drawn by rejection.

    Parameters
    ----------
    begin : callable
        ``begin(result, parameters, block, streams)`` sets the block's results to what they are if
        no attempt succeeds.
    attempt : callable
        ``attempt(result, parameters, left, streams)`` sets ``left.mask`` to which of the elements
        at ``left.places`` succeed, and ``left.floats[0]`` to their results.
    parameters : int
        How many there are.
    floats : int
        How many float64 arrays an attempt needs.
    """

    begin: Callable[[Array, Sequence[Array], Block, Streams], None]
    attempt: Callable[[Array, Sequence[Array], Block, Streams], None]
    parameters: int
    floats: int


class _Draw(NamedTuple):
    """What all blocks of a call share: how they are drawn, their arrays, and their numbers."""

    method: Method
    result: Array
    parameters: Sequence[Array]
    block: Block
    first: int
    runs: Runs


# The kernel


def kernel(method: Method, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the call that draws all blocks, in arrays of a block."""
    (out,), (key, *parameters), (keys, *arrays) = outs, ins, scratch
    if not out.size:
        return []
    result, *rest = arrays
    own, rest = rest[: method.parameters], rest[method.parameters :]
    block = Block(tuple(rest[8:]), *rest[:8])
    runs = runs_of(attrs, out.shape[key.ndim :])
    draw = _Draw(method, result, own, block, attrs.integer("first"), runs)
    whole = (keys, out, parameters)
    if not key.ndim:
        whole = (keys[np.newaxis], out[np.newaxis], [p[np.newaxis] for p in parameters])
    return [(keys.__setitem__, (..., key)), (_fill, (draw, *whole))]


def _fill(draw: _Draw, keys: Array, out: Array, parameters: Sequence[Array]) -> None:
    """Go through all axes of keys but the last."""
    if keys.ndim == 1:
        _fill_blocks(draw, keys, _flat(out), list(map(_flat, parameters)), out.size)
        return
    for place, row in enumerate(keys):
        _fill(draw, row, out[place], [p[place] for p in parameters])


def _flat(array: Array) -> Any:  # noqa: ANN401 - an array, or what reads and writes one in order
    return array.reshape(-1) if array.flags.c_contiguous else array.flat


def _fill_blocks(
    draw: _Draw, keys: Array, out: Any, parameters: Sequence[Any], size: int  # noqa: ANN401
) -> None:  # fmt: skip
    for start in range(0, size, _BLOCK):
        count = min(size - start, _BLOCK)
        within = slice(start, start + count)
        result, *own = (array[:count] for array in (draw.result, *draw.parameters))
        for copy, parameter in zip(own, parameters, strict=True):
            copy[...] = parameter[within]
        _draw_block(draw, keys, start, result, own)
        out[within] = result


def _draw_block(
    draw: _Draw, keys: Array, start: int, result: Array, parameters: Sequence[Array]
) -> None:
    left = draw.block.cut(len(result))
    left.places.fill(1)
    left.places[:1] = 0
    np.add.accumulate(left.places, out=left.places)
    for attempt in range(ATTEMPTS):
        _number(draw, keys, start, left)
        streams = _streams(keys, left, attempt)
        if attempt == 0:
            draw.method.begin(result, parameters, left, streams)
        draw.method.attempt(result, parameters, left, streams)
        rejected = _enter(result, left)
        if not len(rejected):
            break
        left = _kept(left, rejected)


def _number(draw: _Draw, keys: Array, start: int, left: Block) -> None:
    """Write which element each is of what its key draws, and the key if there are several."""
    number, spare = left.number, left.spare
    np.add(left.places.view(np.uint64), u64(start), out=number)
    if len(keys) > 1:
        per_key = u64(math.prod(length for length, _ in draw.runs))
        np.floor_divide(number, per_key, out=spare)
        np.take(keys, spare.view(np.int64), out=left.key, mode="clip")
        np.remainder(number, per_key, out=number)
    if len(draw.runs) > 1:
        offset_each(number, left.words, spare, draw.runs)
        number[...] = left.words
    np.add(number, u64(draw.first), out=number)


def _streams(keys: Array, left: Block, attempt: int) -> Streams:
    own = left.key if len(keys) > 1 else keys
    streams = Streams(left.begin[: len(own)], left.other[: len(own)], left.number)
    for turn, derived in enumerate(streams[:2], start=2 * attempt + 1):
        np.add(own, u64(turn * GAMMA), out=derived)
        mix(derived, left.spare[: len(own)])
    return streams


def unit(left: Block, streams: Streams, which: int, out: Array) -> None:
    """Write one of the four words of each element as 1 - u, for u in [0, 1)."""
    words, spare = left.words, left.spare
    np.multiply(streams.number, u64(4 * GAMMA), out=words)
    np.add(words, u64((which + 1) * GAMMA), out=words)
    np.add(words, streams.begin, out=words)
    mix(words, spare)
    np.bitwise_xor(words, streams.other, out=words)
    mix(words, spare)
    np.right_shift(words, u64(11), out=words)
    out[...] = words.view(np.int64)
    np.multiply(out, -(2.0**-53), out=out)
    np.add(out, 1, out=out)


def _enter(part: Array, left: Block) -> Array:
    """Put what was accepted into the result, and return which were rejected."""
    accepted, value, before = left.mask, left.floats[0], left.floats[1]
    np.take(part, left.places, out=before, mode="clip")
    np.copyto(before, value, where=accepted)
    np.put(part, left.places, before, mode="clip")
    return np.flatnonzero(np.logical_not(accepted, out=accepted))


def _kept(left: Block, chosen: Array) -> Block:
    places = left.words.view(np.int64)[: len(chosen)]
    np.take(left.places, chosen, out=places, mode="clip")
    kept = left.cut(len(chosen))
    kept.places[...] = places
    return kept


def plain_units(
    key: np.ndarray, shape: tuple[int, ...], attrs: Attrs, attempt: int
) -> list[np.ndarray]:
    """Return an attempt's four words as 1 - u, a row for each key: for references."""
    number = numbers_of(attrs, shape[key.ndim :])
    keys = key.reshape((-1, 1))
    begin, other = (mixed(keys + u64((2 * attempt + turn) * GAMMA)) for turn in (1, 2))
    words = (begin + (number * u64(4) + u64(which + 1)) * u64(GAMMA) for which in range(4))
    return [1 - units(mixed(mixed(word) ^ other), 53).reshape(-1) for word in words]


# The rest of a record


def infer(method: Method, specs: Specs, attrs: Attrs) -> Specs:
    """Return the parameters' spec."""
    if len(specs) != 1 + method.parameters:
        msg = f"takes {1 + method.parameters} inputs, the key first, not {len(specs)}"
        raise ShapeError(msg)
    key, first, *_ = specs
    check_key(key)
    check_numbers(attrs, first.shape[key.ndim :])
    for slot, spec in enumerate(specs[1:], start=1):
        if spec.dtype != np.float64:
            msg = f"slot {slot} must be float64, not {spec.dtype}: cast with astype"
            raise DTypeError(msg)
        if spec.shape[: key.ndim] != key.shape or spec.shape != first.shape:
            msg = (f"slot {slot}, {spec}, must have the shape of slot 1, {first}, and begin with "
                   f"the axes of slot 0, {key}")  # fmt: skip
            raise ShapeError(msg)
    return (first,)


def workspace(method: Method, specs: Specs, attrs: Attrs) -> Workspace:
    """Return a copy of the keys, and a block's arrays."""
    kinds = [*[np.float64] * (1 + method.parameters), *[np.uint64] * 6, np.int64, bool]
    arrays = (Spec((_BLOCK,), np.dtype(kind)) for kind in [*kinds, *[np.float64] * method.floats])
    return Workspace((specs[0], *arrays), _INTERNAL)


def tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice along the keys, and along every axis of what each draws."""
    key, a = specs[:2]
    along = tuple(map(Along, range(a.ndim)))
    return Tiling(
        (along[: key.ndim], *[along] * (len(specs) - 1)),
        slice_attrs=partial(_sliced, a.static_shape, key.ndim),
    )


def _sliced(
    shape: tuple[int, ...], keys: int, attrs: Attrs, axis: int, start: int, stop: int
) -> Attrs:  # fmt: skip
    if axis < keys:
        return attrs
    return slice_numbers(attrs, shape[keys:], axis - keys, start, stop)


def cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return about 200 operations an element."""
    return Cost(200 * math.prod(outs[0].static_shape), traffic(ins, outs))
