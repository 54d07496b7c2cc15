"""The op `random.bernoulli`: trials with one probability, which dropout makes by the million.

An element is true where the first 53 bits of its word, read as a fraction, are below p. Words are
made and compared block by block, so that beside the result, a byte an element, only a block's
words are in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.op import Workspace
from dataflow.ops.words import GAMMA, draw_op, index_of, key_calls, u64, units, word_calls, words_of
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.op import Array, Arrays, Call, Specs

__all__ = ["BERNOULLI"]

_BLOCK = 4096
"""The same for few elements, so that a slice, however short, needs the same memory."""

_OBJECTS = 16384
"""Bytes of Python objects, the calls of a block's arithmetic."""


def _bound(p: float) -> np.ndarray:
    """Return the last word whose fraction is below p, which is above 0."""
    return u64((math.ceil(p * 2.0**53) << 11) - 1)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    words = Spec((_BLOCK,), np.dtype(np.uint64))
    return Workspace((words, words, Spec((_BLOCK,), np.dtype(bool)), *[specs[0]] * 3), _OBJECTS)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (key,), (*block, begin, other, mixing) = outs, ins, scratch
    if not attrs.number("p") or not out.size:
        return [(out.fill, (False,))]
    run = _Run(attrs.integer("first"), _bound(attrs.number("p")), block)
    if not key.ndim:
        keys = (begin[np.newaxis], other[np.newaxis])
        return [*key_calls(key, (begin, other), mixing), (_fill, (run, *keys, out[np.newaxis]))]
    return [*key_calls(key, (begin, other), mixing), (_fill, (run, begin, other, out))]


class _Run(NamedTuple):
    """What all blocks of a call share."""

    first: int
    bound: Array
    block: Sequence[Array]


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
        if width != before:
            words, spare, mask = (array[: rows * width] for array in run.block)
            shape, before = (rows, width), width
            calls = word_calls(keys, words.reshape(shape), spare.reshape(shape), run.first, 1)
        for function, args in calls:
            function(*args)
        within = slice(at + start, at + start + rows * width)
        if isinstance(flat, np.ndarray):
            np.less_equal(words, run.bound, out=flat[within])
        else:
            flat[within] = np.less_equal(words, run.bound, out=mask)
        np.add(keys[0], u64(width * GAMMA), out=keys[0])


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    (key,), p = arrays, attrs.number("p")
    fractions = units(words_of(key[..., np.newaxis], index_of(attrs)), 53)
    return np.asarray(fractions < p).reshape((*key.shape, *attrs.integers("shape")))


BERNOULLI = draw_op(
    "random.bernoulli", "Bernoulli", _kernel, _reference, dtypes=("bool",), arrays=0, flops=20,
    workspace=_workspace, numbers={"p": (0.3, 1.0, 0.7, 0.0)},
)  # fmt: skip
