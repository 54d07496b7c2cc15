"""Counter words, of which every draw is made: word i is a function of a key and of i alone.

So a draw is the same at every replay, on every worker, and slice by slice: the principle of
counter-based generators (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011). NumPy's own distributions promise no stream, and can't start in the middle.

The words come from SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014), its finaliser used twice with two keys, since once would make streams
of nearby keys overlap:

    k, l = the first two numbers of SplitMix64 seeded with the key
    word(j) = mix(mix(k + (j + 1) γ) ^ l)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.elementwise import scalars
from dataflow.errors import DTypeError

if TYPE_CHECKING:
    from dataflow.operation import Call
    from dataflow.spec import Spec

__all__ = [
    "GAMMA", "check_key", "key_calls", "mix", "mixed", "u64", "unit_calls", "units", "word_calls",
    "words_of",
]  # fmt: skip

GAMMA = 0x9E3779B97F4A7C15
"""The distance of SplitMix64's states: 2⁶⁴ over the golden ratio, odd."""

_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_MASK = 2**64 - 1


def u64(number: int) -> np.ndarray:
    """Return a number modulo 2⁶⁴ as an array of rank 0."""
    return np.asarray(number & _MASK, np.uint64)


def check_key(spec: Spec) -> None:
    """Refuse what is no key."""
    if spec.dtype != np.uint64:
        msg = f"slot 0, the key, must be uint64, not {spec.dtype}"
        raise DTypeError(msg)


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


def units(words: np.ndarray, bits: int) -> np.ndarray:
    """Return words as floats in [0, 1), with so many bits."""
    return np.asarray((words >> u64(64 - bits)).astype(np.float64) * 2.0**-bits)
