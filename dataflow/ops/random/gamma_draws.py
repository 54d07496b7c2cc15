"""The op `random.loggamma`: the logarithms of gamma draws, by rejection, block by block.

Marsaglia and Tsang's method ("A simple method for generating gamma variables", ACM TOMS 26 (2000)
363-372): with d = a - 1/3, a normal x, a uniform u and v = (1 + x / √(9d))³, d v is a gamma draw of
shape a ≥ 1 if log u < x² / 2 + d (1 - v + log v), which 19 of 20 attempts are at the least. For a
shape below 1, a draw of a + 1 times u^(1/a) is one, which underflows where a is small: hence the
logarithm.

Attempt t of element i has words 4i to 4i + 3 of a stream of its own, so an element is a function of
(key, i, a) in every slice, though a block goes on with what was rejected alone. After 64 attempts,
which 1 element in 10⁸³ needs, the draw is d.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import WHOLE, Along, Array, AxisUse, Cost, Sample, Tiling, Workspace
from dataflow.ops.words import GAMMA, check_key, mix, mixed, u64, units
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.op import Arrays, Call, Specs

__all__ = ["cost", "infer", "kernel", "reference", "samples", "tiling", "workspace"]

_BLOCK = 2048
_ATTEMPTS = 64
_INTERNAL = 16 * _BLOCK + 4096
"""Bytes that NumPy allocates to find what was rejected in a block."""

_TINY = 1e-300
_HALF_STEP = 2.0**-54


def infer(specs: Specs, attrs: Attrs) -> Specs:
    """Return the shape parameter's spec, which begins with the keys' axes."""
    attrs.integer("first")
    if len(specs) != 2:
        msg = f"takes 2 inputs, the key and the shape parameter, not {len(specs)}"
        raise ShapeError(msg)
    key, a = specs
    check_key(key)
    if a.dtype != np.float64:
        msg = f"slot 1 must be float64, not {a.dtype}: cast with astype"
        raise DTypeError(msg)
    if a.shape[: key.ndim] != key.shape:
        msg = f"slot 1, {a}, must begin with the axes of slot 0, {key}"
        raise ShapeError(msg)
    return (a,)


def workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return a copy of the shape parameter and of the keys, and a block's arrays."""
    (key, a), size = specs, specs[1].size
    block = (min(size, _BLOCK) if isinstance(size, int) else _BLOCK,)
    kinds = [np.float64] * 6 + [np.uint64] * 6 + [np.int64, bool]
    arrays = (Spec(block, np.dtype(kind)) for kind in kinds)
    return Workspace((Spec(a.shape, np.dtype(np.float64)), key, *arrays), _INTERNAL)


class _Block(NamedTuple):
    """A block's arrays; an attempt uses as much of each as there are elements left."""

    shape: Array
    d: Array
    own: Array
    x: Array
    v: Array
    bound: Array
    key: Array
    begin: Array
    other: Array
    number: Array
    words: Array
    spare: Array
    places: Array
    mask: Array

    def cut(self, count: int) -> _Block:
        """Return the first elements of each."""
        return _Block(*(array[:count] for array in self))


class _Elements(NamedTuple):
    """Which elements a block has: the first one's number, and how many each key draws."""

    keys: Array
    per_key: int
    first: int
    start: int


def kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the call that draws all blocks, in copies that are contiguous."""
    (out,), (key, a), (logs, keys, *block) = outs, ins, scratch
    flat, per_key = keys.reshape(-1), a.size // max(key.size, 1)
    elements = _Elements(flat, per_key, attrs.integer("first"), 0)
    return [
        (logs.__setitem__, (..., a)),
        (keys.__setitem__, (..., key)),
        (_draw, (elements, logs.reshape(-1), _Block(*block))),
        (out.__setitem__, (..., logs)),
    ]


def _draw(elements: _Elements, logs: Array, block: _Block) -> None:
    """Turn shape parameters into draws."""
    for start in range(0, len(logs), _BLOCK):
        part = logs[start : start + _BLOCK]
        _draw_block(elements._replace(start=start), part, block.cut(len(part)))


def _draw_block(elements: _Elements, part: Array, block: _Block) -> None:
    _begin(part, block)
    left = block
    for attempt in range(_ATTEMPTS):
        streams = _streams(elements, left, attempt)
        _attempt(block.d, left, streams)
        rejected = _enter(part, left)
        if attempt == 0:
            _shrink(part, block, streams)
        if not len(rejected):
            break
        left = _kept(left, rejected)


def _begin(part: Array, block: _Block) -> None:
    """Set d, and as the result what is drawn where v is 1."""
    shape, d, places, mask = block.shape, block.d, block.places, block.mask
    shape[...] = part
    d[...] = part
    np.add(d, 1, out=d, where=np.less(shape, 1, out=mask))
    np.subtract(d, 1 / 3, out=d)
    np.log(d, out=part)
    np.copyto(part, math.nan, where=np.less(shape, 0, out=mask))
    places.fill(1)
    places[:1] = 0
    np.add.accumulate(places, out=places)


class _Streams(NamedTuple):
    """An attempt's two keys, one of each or one for each element, and the elements' indices."""

    begin: Array
    other: Array
    number: Array


def _streams(elements: _Elements, left: _Block, attempt: int) -> _Streams:
    keys, per_key, first, start = elements
    number = np.add(left.places.view(np.uint64), u64(start), out=left.number)
    if len(keys) > 1:
        place = np.floor_divide(number, u64(per_key), out=left.spare)
        keys = np.take(keys, place.view(np.int64), out=left.key, mode="clip")
        np.remainder(number, u64(per_key), out=number)
    np.add(number, u64(first), out=number)
    streams = _Streams(left.begin[: len(keys)], left.other[: len(keys)], number)
    for turn, derived in enumerate(streams[:2], start=2 * attempt + 1):
        np.add(keys, u64(turn * GAMMA), out=derived)
        mix(derived, left.spare[: len(keys)])
    return streams


def _unit(left: _Block, streams: _Streams, which: int, out: Array) -> None:
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


def _attempt(d: Array, left: _Block, streams: _Streams) -> None:
    """Set ``v`` to the logarithm of v, ``x`` to that of u, and ``bound`` to what accepts it."""
    _, _, own, x, v, bound, *_ = left
    np.take(d, left.places, out=own, mode="clip")
    _normal(left, streams)
    np.multiply(own, 9, out=v)
    np.sqrt(v, out=v)
    np.divide(x, v, out=v)
    np.add(v, 1, out=v)
    np.maximum(v, _TINY, out=v)
    np.multiply(v, v, out=bound)
    np.multiply(bound, v, out=bound)
    np.log(v, out=v)
    np.multiply(v, 3, out=v)
    np.subtract(v, bound, out=bound)
    np.add(bound, 1, out=bound)
    np.multiply(bound, own, out=bound)
    np.multiply(x, x, out=x)
    np.multiply(x, 0.5, out=x)
    np.add(bound, x, out=bound)
    _unit(left, streams, 2, x)
    np.log(x, out=x)


def _normal(left: _Block, streams: _Streams) -> None:
    """Set ``x`` to normal draws, by Box and Muller's method."""
    x, radius = left.x, left.v
    _unit(left, streams, 0, radius)
    np.log(radius, out=radius)
    np.multiply(radius, -2, out=radius)
    np.sqrt(radius, out=radius)
    _unit(left, streams, 1, x)
    np.multiply(x, 2 * math.pi, out=x)
    np.cos(x, out=x)
    np.multiply(x, radius, out=x)


def _enter(part: Array, left: _Block) -> Array:
    """Add what was accepted to the result, and return which were rejected."""
    accepted = np.less(left.x, left.bound, out=left.mask)
    np.take(part, left.places, out=left.own, mode="clip")
    np.add(left.own, left.v, out=left.own, where=accepted)
    np.put(part, left.places, left.own, mode="clip")
    return np.flatnonzero(np.logical_not(accepted, out=accepted))


def _kept(left: _Block, chosen: Array) -> _Block:
    places = left.words.view(np.int64)[: len(chosen)]
    np.take(left.places, chosen, out=places, mode="clip")
    kept = left.cut(len(chosen))
    kept.places[...] = places
    return kept


def _shrink(part: Array, block: _Block, streams: _Streams) -> None:
    """Add log(u) / a where the shape is below 1; u = 1 counts as the half of its last step."""
    small = np.less(block.shape, 1, out=block.mask)
    if not small.any():
        return
    _unit(block, streams, 3, block.own)
    np.log(block.own, out=block.own)
    np.minimum(block.own, -_HALF_STEP, out=block.own)
    np.divide(block.own, block.shape, out=block.own)
    np.add(part, block.own, out=part, where=small)


# The plain way, to test against


def reference(key: np.ndarray, a: np.ndarray, attrs: Attrs) -> np.ndarray:
    """Return the same draws, all attempts of all elements at a time."""
    per_key = a.size // max(key.size, 1)
    number = np.arange(per_key, dtype=np.uint64) + u64(attrs.integer("first"))
    keys = key.reshape((-1, 1))
    shape = a.reshape((key.size, per_key))
    d = shape + (shape < 1) - 1 / 3
    logs, left = np.log(d), np.ones(shape.shape, bool)
    for attempt in range(_ATTEMPTS):
        u = [1 - _unit_of(keys, number, attempt, which) for which in range(4)]
        x = np.sqrt(-2 * np.log(u[0])) * np.cos(2 * np.pi * u[1])
        v = np.maximum(1 + x / np.sqrt(9 * d), _TINY)
        accepted = left & (np.log(u[2]) < x * x / 2 + d * (1 - v**3 + 3 * np.log(v)))
        logs = np.where(accepted, logs + 3 * np.log(v), logs)
        left &= ~accepted
        if attempt == 0:
            boost = np.minimum(np.log(u[3]), -_HALF_STEP) / shape
            logs = np.where(shape < 1, logs + boost, logs)
        if not left.any():
            break
    return np.where(shape < 0, np.nan, logs).reshape(a.shape)


def _unit_of(keys: np.ndarray, number: np.ndarray, attempt: int, which: int) -> np.ndarray:
    begin, other = (mixed(keys + u64((2 * attempt + turn) * GAMMA)) for turn in (1, 2))
    word = begin + (number * u64(4) + u64(which + 1)) * u64(GAMMA)
    return units(mixed(mixed(word) ^ other), 53)


# The rest of the record


def tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice along the keys, and along the first axis that each draws."""
    key, a = specs
    uses: list[AxisUse] = [Along(axis) if axis <= key.ndim else WHOLE for axis in range(a.ndim)]
    rest = math.prod(a.static_shape[key.ndim + 1 :])
    return Tiling(
        (tuple(map(Along, range(key.ndim))), tuple(uses)),
        slice_attrs=partial(_sliced, key.ndim, rest),
    )


def _sliced(keys: int, rest: int, attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    return attrs if axis < keys else attrs.replace(first=attrs.integer("first") + start * rest)


def cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return about 200 operations an element."""
    size = math.prod(outs[0].static_shape)
    return Cost(200 * size, traffic(ins, outs))


def samples(rng: np.random.Generator) -> list[Sample]:
    """Return samples of both kinds of shape parameter, with one key and with several."""
    cases: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((), (7,)), ((), (0, 2)), ((), (3, 4)), ((3,), (3, 4)), ((2, 2), (2, 2)),
        ((0,), (0, 2)),
    ]  # fmt: skip
    made = []
    for keys, shape in cases:
        key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
        a = np.asarray(rng.uniform(0.2, 3, shape))
        made.append(Sample((key, a), Attrs(first=int(rng.integers(99))), smooth=False))
    return made
