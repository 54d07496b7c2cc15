"""Counter words, of which every draw is made: word i is a function of a key and of i alone.

So a draw is the same at every replay, on every worker, and slice by slice: the principle of
counter-based generators (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011). NumPy's own distributions promise no stream, and can't start in the middle.

The words come from SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014), its finaliser used twice with two keys, since once would make streams
of nearby keys overlap:

    k, l = the first two numbers of SplitMix64 seeded with the key
    word(j) = mix(mix(k + (j + 1) γ) ^ l)

Keys may be an array: each draws an array of its own. `draw_op` declares an op of one input, the
key, whose attributes are the dtype and shape of what each key draws, and the index of its first
element, so that a slice is the same op with another first index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.elementwise import scalars
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import Along, Cost, Kernel, Op, Sample, Tiling, Workspace, register
from dataflow.spec import Spec, as_dtype, as_shape

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = [
    "GAMMA", "check_key", "draw_op", "in_rows", "index_of", "key_calls", "mix", "mixed", "u64",
    "unit_calls", "units", "word_calls", "words_of",
]  # fmt: skip

_WorkspaceOf: TypeAlias = "Callable[[Specs, Attrs], Workspace]"

GAMMA = 0x9E3779B97F4A7C15
"""The distance of SplitMix64's states: 2⁶⁴ over the golden ratio, odd."""

_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_MASK = 2**64 - 1


def u64(number: int) -> np.ndarray:
    """Return a number modulo 2⁶⁴ as an array of rank 0."""
    return np.asarray(number & _MASK, np.uint64)


# Words


def _mix_calls(words: np.ndarray, spare: np.ndarray) -> list[Call]:
    """Return the calls of SplitMix64's finaliser, in place."""
    calls: list[Call] = []
    for shift, factor in _MIX:
        calls += _fold_calls(words, spare, shift)
        calls.append((np.multiply, (words, u64(factor), words)))
    return [*calls, *_fold_calls(words, spare, _LAST_SHIFT)]


def _fold_calls(words: np.ndarray, spare: np.ndarray, shift: int) -> list[Call]:
    return [
        (np.right_shift, (words, u64(shift), spare)),
        (np.bitwise_xor, (words, spare, words)),
    ]


def mix(words: np.ndarray, spare: np.ndarray) -> None:
    """Apply SplitMix64's finaliser to words, in place."""
    for function, args in _mix_calls(words, spare):
        function(*args)


def key_calls(key: np.ndarray, keys: Sequence[np.ndarray], spare: np.ndarray) -> list[Call]:
    """Return the calls that derive a stream's two keys."""
    calls: list[Call] = []
    for turn, derived in enumerate(keys, start=1):
        calls.append((np.add, (key, u64(turn * GAMMA), derived)))
        calls += _mix_calls(derived, spare)
    return calls


def word_calls(
    keys: Sequence[np.ndarray], words: np.ndarray, spare: np.ndarray, first: int, stride: int
) -> list[Call]:  # fmt: skip
    """Return the calls that fill the last axis with words first, first + stride and so on."""
    begin, other = (derived[..., np.newaxis] for derived in keys)
    return [
        (words.fill, (u64(stride * GAMMA),)),
        (np.add.accumulate, (words, -1, None, words)),
        (np.add, (words, u64((first + 1 - stride) * GAMMA), words)),
        (np.add, (words, begin, words)),
        *_mix_calls(words, spare),
        (np.bitwise_xor, (words, other, words)),
        *_mix_calls(words, spare),
    ]


def unit_calls(words: np.ndarray, out: np.ndarray, bits: int) -> list[Call]:
    """Return the calls that turn words into floats in [0, 1), with so many bits."""
    # Read as int64, whose cast to floats is faster: the top bits are zero by then.
    return [
        (np.right_shift, (words, u64(64 - bits), words)),
        (out.__setitem__, (..., words.view(np.int64))),
        (np.multiply, (out, *scalars(out.dtype, 2.0**-bits), out)),
    ]


def in_rows(key: np.ndarray, attrs: Attrs, scratch: Arrays) -> list[np.ndarray]:
    """Return arrays with one axis for all that a key draws: always views, slices' among them."""
    rows = (*key.shape, math.prod(attrs.integers("shape")))
    return [array.reshape(rows) for array in scratch]


# The plain way, to test against


def mixed(word: np.ndarray) -> np.ndarray:
    """Return SplitMix64's finaliser of words, which maps no two of them to one."""
    for shift, factor in _MIX:
        word = np.asarray((word ^ (word >> u64(shift))) * u64(factor))
    return np.asarray(word ^ (word >> u64(_LAST_SHIFT)))


def words_of(key: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the words of keys at indices."""
    begin, other = (mixed(key + u64(turn * GAMMA)) for turn in (1, 2))
    return mixed(mixed(begin + (index + u64(1)) * u64(GAMMA)) ^ other)


def index_of(attrs: Attrs) -> np.ndarray:
    """Return the indices of the elements that a call draws from each key."""
    count = math.prod(attrs.integers("shape"))
    return np.asarray(np.arange(count, dtype=np.uint64) + u64(attrs.integer("first")))


def units(words: np.ndarray, bits: int) -> np.ndarray:
    """Return words as floats in [0, 1), with so many bits."""
    return np.asarray((words >> u64(64 - bits)).astype(np.float64) * 2.0**-bits)


# The record


def draw_op(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, kernel: Kernel, reference: Callable[..., Any], *,
    dtypes: Sequence[str], arrays: int, flops: int, workspace: _WorkspaceOf | None = None,
    numbers: Mapping[str, tuple[float, ...]] = MappingProxyType({}),
) -> Op:  # fmt: skip
    """Declare and register an op that draws from a key alone.

    Parameters
    ----------
    name, label, kernel, reference
        See `Op`.
    dtypes : sequence of str
        What it can draw.
    arrays : int
        How many uint64 arrays like the result the kernel needs, before three like the key.
    flops : int
        Operations per element.
    workspace : callable, optional
        Another workspace than these arrays.
    numbers : mapping of str to tuple of float
        Further attributes: numbers from 0 to 1, with values for samples.
    """
    return register(Op(
        name=name, label=label, infer=partial(_infer, tuple(dtypes), tuple(numbers)),
        kernel=kernel, reference=reference, vjp=_no_change, jvp=_no_change, batch=_batch,
        tiling=_tiling, cost=partial(_cost, flops),
        samples=partial(_samples, tuple(dtypes), numbers),
        workspace=workspace or partial(_workspace, arrays),
    ))  # fmt: skip


def check_key(spec: Spec) -> None:
    """Refuse what is no key."""
    if spec.dtype != np.uint64:
        msg = f"slot 0, the key, must be uint64, not {spec.dtype}"
        raise DTypeError(msg)


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
    words = Spec((*specs[0].shape, *attrs.dims("shape")), np.dtype(np.uint64))
    return Workspace((*[words] * count, *[specs[0]] * 3))


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
