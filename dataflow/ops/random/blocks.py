"""Draws by rejection, block by block: what is rejected is tried again, the rest is left alone.

Attempt t of element i has the words 4i to 4i + 3 of a stream of its own, so that an element is a
function of its key, of i and of its parameters in every slice, though a block goes on with what was
rejected alone. No method here rejects 1 element in 10 twelve times in a row, let alone 64 times;
after these, the result is what the method began with.

A `Method` says what an attempt is; `method_parts` makes of it the fields of a record of ops whose
inputs are a key and parameters, float64 all of one shape, which begins with the keys' axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.calling import apply
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import WHOLE, Along, Array, AxisUse, Cost, Tiling, Workspace
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.words import GAMMA, check_key, mix, mixed, u64, units
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.dims import Dim
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = [
    "ATTEMPTS", "Block", "Method", "Streams", "batch", "cost", "infer", "kernel", "plain_units",
    "tiling", "unit", "workspace",
]  # fmt: skip

ATTEMPTS = 64
_BLOCK = 1024
"""The same for few elements, so that a slice, however short, needs the same memory."""

_INTERNAL = 32 * _BLOCK + 4096
"""Bytes that NumPy allocates to find what was rejected in a block, and to look things up."""


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


class _Elements(NamedTuple):
    """Which elements a block has: the number of the first, and how many each key draws."""

    keys: Array
    per_key: int
    first: int
    start: int


# The kernel


def kernel(method: Method, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the call that draws all blocks, in copies that are contiguous."""
    (out,), (key, *parameters) = outs, ins
    result, keys, *rest = scratch
    copies, block = rest[: len(parameters)], rest[len(parameters) :]
    per_key = out.size // max(key.size, 1)
    elements = _Elements(keys.reshape(-1), per_key, attrs.integer("first"), 0)
    flat = [copy.reshape(-1) for copy in copies]
    arrays = Block(tuple(block[8:]), *block[:8])
    return [
        *[(copy.__setitem__, (..., p)) for copy, p in zip(copies, parameters, strict=True)],
        (keys.__setitem__, (..., key)),
        (_draw, (method, elements, result.reshape(-1), flat, arrays)),
        (out.__setitem__, (..., result)),
    ]


def _draw(
    method: Method, elements: _Elements, result: Array, parameters: Sequence[Array], block: Block
) -> None:
    for start in range(0, len(result), _BLOCK):
        within = slice(start, start + _BLOCK)
        part = result[within]
        _draw_block(method, elements._replace(start=start), part,
                    [p[within] for p in parameters], block.cut(len(part)))  # fmt: skip


def _draw_block(
    method: Method, elements: _Elements, part: Array, parameters: Sequence[Array], block: Block
) -> None:
    block.places.fill(1)
    block.places[:1] = 0
    np.add.accumulate(block.places, out=block.places)
    left = block
    for attempt in range(ATTEMPTS):
        streams = _streams(elements, left, attempt)
        if attempt == 0:
            method.begin(part, parameters, left, streams)
        method.attempt(part, parameters, left, streams)
        rejected = _enter(part, left)
        if not len(rejected):
            break
        left = _kept(left, rejected)


def _streams(elements: _Elements, left: Block, attempt: int) -> Streams:
    keys, per_key, first, start = elements
    number = np.add(left.places.view(np.uint64), u64(start), out=left.number)
    if len(keys) > 1:
        place = np.floor_divide(number, u64(per_key), out=left.spare)
        keys = np.take(keys, place.view(np.int64), out=left.key, mode="clip")
        np.remainder(number, u64(per_key), out=number)
    np.add(number, u64(first), out=number)
    streams = Streams(left.begin[: len(keys)], left.other[: len(keys)], number)
    for turn, derived in enumerate(streams[:2], start=2 * attempt + 1):
        np.add(keys, u64(turn * GAMMA), out=derived)
        mix(derived, left.spare[: len(keys)])
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


def plain_units(key: np.ndarray, size: int, attrs: Attrs, attempt: int) -> list[np.ndarray]:
    """Return an attempt's four words as 1 - u, a row for each key: for references."""
    per_key = size // max(key.size, 1)
    number = np.arange(per_key, dtype=np.uint64) + u64(attrs.integer("first"))
    keys = key.reshape((-1, 1))
    begin, other = (mixed(keys + u64((2 * attempt + turn) * GAMMA)) for turn in (1, 2))
    words = (begin + (number * u64(4) + u64(which + 1)) * u64(GAMMA) for which in range(4))
    return [1 - units(mixed(mixed(word) ^ other), 53).reshape(-1) for word in words]


# The rest of a record


def infer(method: Method, specs: Specs, attrs: Attrs) -> Specs:
    """Return the parameters' spec."""
    attrs.integer("first")
    if len(specs) != 1 + method.parameters:
        msg = f"takes {1 + method.parameters} inputs, the key first, not {len(specs)}"
        raise ShapeError(msg)
    key, first, *_ = specs
    check_key(key)
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
    """Return the result and copies of the inputs, and a block's arrays."""
    key, *parameters = specs
    kinds = [*[np.uint64] * 6, np.int64, bool, *[np.float64] * method.floats]
    arrays = (Spec((_BLOCK,), np.dtype(kind)) for kind in kinds)
    return Workspace((parameters[0], key, *parameters, *arrays), _INTERNAL)


def batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    """Give all inputs the new axis: one key for all examples draws the same for each."""
    whole = [
        x if has_batch else broadcast_to(x, (size, *x.shape))
        for x, has_batch in zip(inputs, batched, strict=True)
    ]
    return [apply(application.op, whole, application.attrs)]


def tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Slice along the keys, and along the first axis that each draws."""
    key, a = specs[:2]
    uses: list[AxisUse] = [Along(axis) if axis <= key.ndim else WHOLE for axis in range(a.ndim)]
    rest = math.prod(a.static_shape[key.ndim + 1 :])
    return Tiling(
        (tuple(map(Along, range(key.ndim))), *[tuple(uses)] * (len(specs) - 1)),
        slice_attrs=partial(_sliced, key.ndim, rest),
    )


def _sliced(keys: int, rest: int, attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    return attrs if axis < keys else attrs.replace(first=attrs.integer("first") + start * rest)


def cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return about 200 operations an element."""
    return Cost(200 * math.prod(outs[0].static_shape), traffic(ins, outs))
