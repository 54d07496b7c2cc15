"""Gamma draws, or rather their logarithms, by rejection: how `random.loggamma` draws.

Marsaglia and Tsang's method ("A simple method for generating gamma variables", ACM TOMS 26 (2000)
363-372): with d = a - 1/3, a normal x, a uniform u and v = (1 + x / √(9d))³, d v is a gamma draw of
shape a ≥ 1 if log u < x² / 2 + d (1 - v + log v), which 19 of 20 attempts are at the least. For a
shape below 1, a draw of a + 1 times u^(1/a) is one, which underflows where a is small: hence the
logarithm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.operation import Sample
from dataflow.ops.numbering import sample_numbers
from dataflow.ops.random.blocks import ATTEMPTS, Block, Method, Streams, plain_units, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Array

__all__ = ["METHOD", "reference", "samples"]

_TINY = 1e-300
_HALF_STEP = 2.0**-54


def _begin(result: Array, parameters: Sequence[Array], block: Block, streams: Streams) -> None:
    """Set the result to log d, which is drawn where v is 1, with log(u) / a for shapes below 1."""
    (a,), small, d, power = parameters, block.mask, block.floats[0], block.floats[1]
    np.less(a, 1, out=small)
    _set_d(a, d, small)
    np.log(d, out=result)
    if small.any():
        unit(block, streams, 3, power)
        np.log(power, out=power)
        np.minimum(power, -_HALF_STEP, out=power)  # u = 1 counts as the half of its last step
        np.divide(power, a, out=power)
        np.add(result, power, out=result, where=small)
    np.copyto(result, math.nan, where=np.less(a, 0, out=small))


def _set_d(a: Array, d: Array, small: Array) -> None:
    d[...] = a
    np.add(d, 1, out=d, where=small)
    np.subtract(d, 1 / 3, out=d)


def _attempt(result: Array, parameters: Sequence[Array], left: Block, streams: Streams) -> None:
    (a,), (v, d, x, bound, own) = parameters, left.floats
    np.take(a, left.places, out=own, mode="clip")
    _set_d(own, d, np.less(own, 1, out=left.mask))
    _normal(left, streams, x, v)
    np.multiply(d, 9, out=v)
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
    np.multiply(bound, d, out=bound)
    np.multiply(x, x, out=x)
    np.multiply(x, 0.5, out=x)
    np.add(bound, x, out=bound)
    unit(left, streams, 2, x)
    np.log(x, out=x)
    np.less(x, bound, out=left.mask)
    np.take(result, left.places, out=own, mode="clip")
    np.add(v, own, out=v)


def _normal(left: Block, streams: Streams, x: Array, radius: Array) -> None:
    """Set ``x`` to normal draws, by Box and Muller's method."""
    unit(left, streams, 0, radius)
    np.log(radius, out=radius)
    np.multiply(radius, -2, out=radius)
    np.sqrt(radius, out=radius)
    unit(left, streams, 1, x)
    np.multiply(x, 2 * math.pi, out=x)
    np.cos(x, out=x)
    np.multiply(x, radius, out=x)


METHOD = Method(_begin, _attempt, parameters=1, floats=5)


def reference(key: np.ndarray, a: np.ndarray, attrs: Attrs) -> np.ndarray:
    """Return the same draws, all attempts of all elements at a time."""
    shape = a.reshape(-1)
    d = shape + (shape < 1) - 1 / 3
    first = plain_units(key, a.shape, attrs, 0)
    power = np.minimum(np.log(first[3]), -_HALF_STEP) / shape
    logs, left = np.log(d) + np.where(shape < 1, power, 0), np.ones(a.size, bool)
    for attempt in range(ATTEMPTS):
        u = plain_units(key, a.shape, attrs, attempt)
        x = np.sqrt(-2 * np.log(u[0])) * np.cos(2 * np.pi * u[1])
        v = np.maximum(1 + x / np.sqrt(9 * d), _TINY)
        accepted = left & (np.log(u[2]) < x * x / 2 + d * (1 - v**3 + 3 * np.log(v)))
        logs = np.where(accepted, logs + 3 * np.log(v), logs)
        left &= ~accepted
        if not left.any():
            break
    return np.where(shape < 0, np.nan, logs).reshape(a.shape)


def samples(rng: np.random.Generator) -> list[Sample]:
    """Return samples of both kinds of shape parameter, with one key and with several."""
    cases: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((), (7,)), ((), (0, 2)), ((), (3, 4)), ((3,), (3, 4)), ((2, 2), (2, 2)),
        ((0,), (0, 2)),
    ]  # fmt: skip
    made: list[Sample] = []
    for keys, shape in cases:
        key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
        a = np.asarray(rng.uniform(0.2, 3, shape))
        numbers = sample_numbers(rng, shape[len(keys) :])
        made += [Sample((key, a), attrs, smooth=False) for attrs in numbers]
    return made
