"""Random draws: `rand` and `randn`, where element i is a function of a key and of i alone.

So a draw is the same at every replay, on every worker, and slice by slice: the principle of
counter-based generators (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011). NumPy's own distributions promise no stream, and can't start in the middle.

The words come from SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014), its finaliser used twice with two keys, since once would make streams
of nearby keys overlap:

    k, l = the first two numbers of SplitMix64 seeded with the key
    word(j) = mix(mix(k + (j + 1) γ) ^ l)

A uniform draw i is the top bits of word i; a normal draw i is by Box and Muller's method from the
words 2i and 2i + 1, in 64 bits for every dtype, and never infinite: its logarithm is of (0, 1].
Keys may be an array: each draws an array of its own.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.elementwise import scalars
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import Along, Cost, Op, Sample, Tiling, Workspace, register
from dataflow.sampling import FLOATS
from dataflow.spec import Spec, as_dtype, as_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.dims import Dim
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__: list[str] = []

_GAMMA = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_MASK = 2**64 - 1
_BITS = {"float16": 11, "float32": 24, "float64": 53}
"""How many bits a dtype's numbers in [0, 1) hold, so that none is rounded up to 1."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    dtype = as_dtype(attrs.text("dtype"))
    if len(specs) != 1:
        msg = f"takes 1 input, the key, not {len(specs)}"
        raise ShapeError(msg)
    if specs[0].dtype != np.uint64:
        msg = f"slot 0, the key, must be uint64, not {specs[0].dtype}"
        raise DTypeError(msg)
    if dtype.name not in FLOATS:
        msg = f"draws {', '.join(FLOATS)}, not {dtype}: cast with astype"
        raise DTypeError(msg)
    return (Spec((*specs[0].shape, *as_shape(attrs.dims("shape"))), dtype),)


# Words


def _u64(number: int) -> np.ndarray:
    return np.asarray(number & _MASK, np.uint64)


def _mix_calls(words: np.ndarray, spare: np.ndarray) -> list[Call]:
    """Return the calls of SplitMix64's finaliser, in place."""
    calls: list[Call] = []
    for shift, factor in _MIX:
        calls += _fold_calls(words, spare, shift)
        calls.append((np.multiply, (words, _u64(factor), words)))
    return [*calls, *_fold_calls(words, spare, _LAST_SHIFT)]


def _fold_calls(words: np.ndarray, spare: np.ndarray, shift: int) -> list[Call]:
    return [
        (np.right_shift, (words, _u64(shift), spare)),
        (np.bitwise_xor, (words, spare, words)),
    ]


def _key_calls(key: np.ndarray, keys: Sequence[np.ndarray], spare: np.ndarray) -> list[Call]:
    """Return the calls that derive a stream's two keys."""
    calls: list[Call] = []
    for turn, derived in enumerate(keys, start=1):
        calls.append((np.add, (key, _u64(turn * _GAMMA), derived)))
        calls += _mix_calls(derived, spare)
    return calls


def _word_calls(
    keys: Sequence[np.ndarray], words: np.ndarray, spare: np.ndarray, first: int, stride: int
) -> list[Call]:  # fmt: skip
    """Return the calls that fill the last axis with words first, first + stride and so on."""
    begin, other = (derived[..., np.newaxis] for derived in keys)
    return [
        (words.fill, (_u64(stride * _GAMMA),)),
        (np.add.accumulate, (words, -1, None, words)),
        (np.add, (words, _u64((first + 1 - stride) * _GAMMA), words)),
        (np.add, (words, begin, words)),
        *_mix_calls(words, spare),
        (np.bitwise_xor, (words, other, words)),
        *_mix_calls(words, spare),
    ]


def _unit_calls(words: np.ndarray, out: np.ndarray, bits: int) -> list[Call]:
    """Return the calls that turn words into floats in [0, 1), with so many bits."""
    # Read as int64, whose cast to floats is faster: the top bits are zero by then.
    return [
        (np.right_shift, (words, _u64(64 - bits), words)),
        (out.__setitem__, (..., words.view(np.int64))),
        (np.multiply, (out, *scalars(out.dtype, 2.0**-bits), out)),
    ]


# Kernels. The scratch: arrays shaped like the result, then three shaped like the key.


def _workspace(count: int, specs: Specs, attrs: Attrs) -> Workspace:
    words = Spec((*specs[0].shape, *attrs.dims("shape")), np.dtype(np.uint64))
    return Workspace((*[words] * count, *[specs[0]] * 3))


def _in_rows(key: np.ndarray, attrs: Attrs, scratch: Arrays) -> list[np.ndarray]:
    """Return arrays with one axis for all that a key draws: always views, slices' among them."""
    rows = (*key.shape, math.prod(attrs.integers("shape")))
    return [array.reshape(rows) for array in scratch]


def _rand_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (key,), (begin, other, mixing) = outs, ins, scratch[-3:]
    words, spare = _in_rows(key, attrs, scratch[:-3])
    return [
        *_key_calls(key, (begin, other), mixing),
        *_word_calls((begin, other), words, spare, attrs.integer("first"), 1),
        *_unit_calls(scratch[0], out, _BITS[out.dtype.name]),
    ]


def _randn_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (key,), (begin, other, mixing) = outs, ins, scratch[-3:]
    words, spare, third = _in_rows(key, attrs, scratch[:-3])
    first, angle, radius = (
        2 * attrs.integer("first"),
        spare.view(np.float64),
        third.view(np.float64),
    )
    one, minus_two, turn = scalars(radius.dtype, 1, -2, 2 * math.pi)
    return [
        *_key_calls(key, (begin, other), mixing),
        *_word_calls((begin, other), words, spare, first, 2),
        *_unit_calls(words, radius, 53),
        (np.subtract, (one, radius, radius)),
        (np.log, (radius, radius)),
        (np.multiply, (radius, minus_two, radius)),
        (np.sqrt, (radius, radius)),
        *_word_calls((begin, other), words, spare, first + 1, 2),
        *_unit_calls(words, angle, 53),
        (np.multiply, (angle, turn, angle)),
        (np.cos, (angle, angle)),
        (np.multiply, (radius, angle, radius)),
        (out.__setitem__, (..., scratch[2].view(np.float64))),
    ]


# The plain way, to test against


def _mixed(word: np.ndarray) -> np.ndarray:
    for shift, factor in _MIX:
        word = np.asarray((word ^ (word >> _u64(shift))) * _u64(factor))
    return np.asarray(word ^ (word >> _u64(_LAST_SHIFT)))


def _words(key: np.ndarray, index: np.ndarray) -> np.ndarray:
    begin, other = (_mixed(key + _u64(turn * _GAMMA)) for turn in (1, 2))
    return _mixed(_mixed(begin + (index + _u64(1)) * _u64(_GAMMA)) ^ other)


def _index(attrs: Attrs) -> np.ndarray:
    count = math.prod(attrs.integers("shape"))
    return np.asarray(np.arange(count, dtype=np.uint64) + _u64(attrs.integer("first")))


def _units(words: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray((words >> _u64(64 - bits)).astype(np.float64) * 2.0**-bits)


def _rand_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), dtype = arrays, attrs.text("dtype")
    numbers = _units(_words(key[..., np.newaxis], _index(attrs)), _BITS[dtype])
    return numbers.astype(dtype).reshape((*key.shape, *attrs.integers("shape")))


def _randn_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), index = arrays, _index(attrs) * _u64(2)
    one, other = (_units(_words(key[..., np.newaxis], index + _u64(i)), 53) for i in (0, 1))
    numbers = np.sqrt(-2 * np.log(1 - one)) * np.cos(other * (2 * math.pi))
    return np.asarray(numbers, attrs.text("dtype")).reshape((*key.shape, *attrs.integers("shape")))


# The rest of the record


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


def _samples(rng: np.random.Generator) -> list[Sample]:
    single = [((), shape) for shape in ((), (7,), (3, 4), (0, 2), (2, 3, 5))]
    many = [((3,), (4,)), ((2, 2), (3, 1)), ((0,), (2,))]
    made = []
    for dtype, (keys, shape) in product(FLOATS, single + many):
        key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
        made.append(Sample((key,), Attrs(dtype=dtype, shape=shape, first=int(rng.integers(99)))))
    return made


RAND = register(Op(
    name="rand", label="Rand", infer=_infer, kernel=_rand_kernel, reference=_rand_reference,
    vjp=_no_change, jvp=_no_change, batch=_batch, tiling=_tiling, cost=partial(_cost, 20),
    samples=_samples, workspace=partial(_workspace, 2),
))  # fmt: skip

RANDN = register(Op(
    name="randn", label="Randn", infer=_infer, kernel=_randn_kernel, reference=_randn_reference,
    vjp=_no_change, jvp=_no_change, batch=_batch, tiling=_tiling, cost=partial(_cost, 100),
    samples=_samples, workspace=partial(_workspace, 3),
))  # fmt: skip
