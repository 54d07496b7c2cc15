"""The op `random.bernoulli`: trials with one probability, which dropout makes by the million.

An element is true where the first 53 bits of its word, read as a fraction, are below p.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.ops.drawing import Made, draw_op
from dataflow.ops.numbering import numbers_of
from dataflow.ops.words import u64, units, word_calls, words_of

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array, Arrays

__all__ = ["BERNOULLI"]


def _make(attrs: Attrs, keys: tuple[Array, Array], arrays: Arrays) -> Made:
    words, spare = arrays
    trials = spare.reshape(-1).view(bool)[: words.size].reshape(words.shape)
    p = attrs.number("p")
    if not p:
        return Made([(trials.fill, (False,))], trials)
    last = u64((math.ceil(p * 2.0**53) << 11) - 1)  # the last word whose fraction is below p
    calls = word_calls(keys, words, spare, attrs.integer("first"), 1)
    return Made([*calls, (np.less_equal, (words, last, trials))], trials)


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), p = arrays, attrs.number("p")
    fractions = units(words_of(key[..., np.newaxis], numbers_of(attrs)), 53)
    return np.asarray(fractions < p).reshape((*key.shape, *attrs.integers("shape")))


BERNOULLI = draw_op(
    "random.bernoulli", "Bernoulli", _make, _reference, dtypes=("bool",), arrays=2, flops=20,
    numbers={"p": (0.3, 1.0, 0.7, 0.0)},
)  # fmt: skip
