"""Random draws: `rand` and `randn`, where element i is a function of a key and of i alone.

See `dataflow.ops.words` for where the words come from. A uniform draw i is the top bits of word i;
a normal draw i is by Box and Muller's method from the words 2i and 2i + 1, in 64 bits for every
dtype, and never infinite: its logarithm is of (0, 1].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.elementwise import scalars
from dataflow.ops.drawing import Made, draw_op
from dataflow.ops.numbering import numbers_of
from dataflow.ops.words import u64, unit_calls, units, word_calls, words_of
from dataflow.sampling import FLOATS

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array, Arrays, Call

__all__: list[str] = []

_BITS = {"float16": 11, "float32": 24, "float64": 53}
"""How many bits a dtype's numbers in [0, 1) hold, so that none is rounded up to 1."""


def _make_rand(attrs: Attrs, keys: tuple[Array, Array], arrays: Arrays) -> Made:
    words, spare = arrays
    numbers = spare.view(np.float64)
    calls = word_calls(keys, words, spare, attrs.integer("first"), 1)
    return Made([*calls, *unit_calls(words, numbers, _BITS[attrs.text("dtype")])], numbers)


def _make_randn(attrs: Attrs, keys: tuple[Array, Array], arrays: Arrays) -> Made:
    words, spare, third = arrays
    first, angle, radius = (
        2 * attrs.integer("first"),
        spare.view(np.float64),
        third.view(np.float64),
    )
    one, minus_two, turn = scalars(radius.dtype, 1, -2, 2 * math.pi)
    calls: list[Call] = [
        *word_calls(keys, words, spare, first, 2),
        *unit_calls(words, radius, 53),
        (np.subtract, (one, radius, radius)),
        (np.log, (radius, radius)),
        (np.multiply, (radius, minus_two, radius)),
        (np.sqrt, (radius, radius)),
        *word_calls(keys, words, spare, first + 1, 2),
        *unit_calls(words, angle, 53),
        (np.multiply, (angle, turn, angle)),
        (np.cos, (angle, angle)),
        (np.multiply, (radius, angle, radius)),
    ]
    return Made(calls, radius)


def _rand_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), dtype = arrays, attrs.text("dtype")
    numbers = units(words_of(key[..., np.newaxis], numbers_of(attrs)), _BITS[dtype])
    return numbers.astype(dtype).reshape((*key.shape, *attrs.integers("shape")))


def _randn_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), index = arrays, numbers_of(attrs) * u64(2)
    one, other = (units(words_of(key[..., np.newaxis], index + u64(i)), 53) for i in (0, 1))
    numbers = np.sqrt(-2 * np.log(1 - one)) * np.cos(other * (2 * math.pi))
    return np.asarray(numbers, attrs.text("dtype")).reshape((*key.shape, *attrs.integers("shape")))


RAND = draw_op(
    "rand", "Rand", _make_rand, _rand_reference, dtypes=FLOATS, arrays=2, flops=20
)  # fmt: skip

RANDN = draw_op(
    "randn", "Randn", _make_randn, _randn_reference, dtypes=FLOATS, arrays=3, flops=100,
    stride=2,
)  # fmt: skip
