"""Poisson and binomial draws: by the distribution function where the mean is small, else rejection.

Below a mean of 10, the probabilities of 0, 1, 2 and so on are added up until they exceed a uniform
number. From there on, Hörmann's transformed rejections ("The transformed rejection method for
generating Poisson random variables", Insurance: Mathematics and Economics 12 (1993) 39-45; "The
generation of binomial random variates", Journal of Statistical Computation and Simulation 46
(1993) 101-110), but for their squeezes. Probabilities are by deviances, as C. Loader has them
("Fast and accurate computation of binomial probabilities", 2000), so that they keep their digits
for large means:

    log k! = k log k - k + E(k)             E(k) ≈ log(2πk) / 2 + 1 / (12 k) - ...
    D(k, m) = m h((k - m) / m)              h(x) = (1 + x) log(1 + x) - x
    log poisson(k; m) = -E(k) - D(k, m)
    log binomial(k; n, p) = E(n) - E(k) - E(n - k) - D(k, n p) - D(n - k, n (1 - p))

A binomial draw with p above 1/2 is n less one with 1 - p.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.ops.random.blocks import Block, Method, Streams, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.operation import Array

__all__ = ["BINOMIAL_METHOD", "POISSON_METHOD"]

_SMALL = 10.0
"""Means below are drawn by the distribution function."""

_LONGEST = 80
"""So many probabilities are added up: a count of more has one of 1e-40."""

_TABLE = np.array([0.0, *(math.lgamma(k + 1) - k * math.log(k) + k for k in range(1, 16))])
"""E(k) for k below 16."""


# Probabilities


def _excess(k: Array, out: Array, spare: Array, left: Block) -> None:
    """Write E(k) of whole numbers, from a table below 16 and by Stirling's series from there on."""
    np.maximum(k, 1, out=spare)
    np.divide(1, spare, out=spare)
    np.multiply(spare, -1 / 1680, out=out)
    for coefficient in (1 / 1260, -1 / 360, 1 / 12):
        np.multiply(out, spare, out=out)
        np.add(out, coefficient, out=out)
        np.multiply(out, spare, out=out)
    np.divide(2 * math.pi, spare, out=spare)
    np.log(spare, out=spare)
    np.multiply(spare, 0.5, out=spare)
    np.add(out, spare, out=out)
    places = left.words.view(np.int64)
    np.clip(k, 0, 15, out=spare)
    np.copyto(places, spare, casting="unsafe")
    np.take(_TABLE, places, out=spare, mode="clip")
    np.copyto(out, spare, where=np.less(k, 16, out=left.mask))


def _take_deviance(k: Array, mean: Array, out: Array, spare: Sequence[Array]) -> None:
    """Subtract D(k, mean) from `out`."""
    x, y, z = spare
    np.subtract(k, mean, out=x)
    np.divide(x, mean, out=x)
    np.maximum(x, -1 + 2.0**-53, out=x)  # for k = 0: where log(1 + x) is still a number
    np.log1p(x, out=y)
    np.add(x, 1, out=z)
    np.multiply(y, z, out=y)
    np.subtract(y, x, out=y)
    np.multiply(y, mean, out=y)
    np.subtract(out, y, out=out)


# Proposals and counts


def _propose(
    left: Block, streams: Streams, hat: tuple[Array, Array, Array], made: Sequence[Array]
) -> None:  # fmt: skip
    """Set k to a proposal, and v to what its probability must exceed, but for a factor."""
    (a, b, centre), (k, u, v, us) = hat, made
    unit(left, streams, 0, u)
    np.subtract(u, 0.5, out=u)
    np.absolute(u, out=us)
    np.subtract(0.5, us, out=us)
    np.maximum(us, 2.0**-54, out=us)
    np.divide(a, us, out=v)
    np.multiply(v, 2, out=k)
    np.add(k, b, out=k)
    np.multiply(k, u, out=k)
    np.add(k, centre, out=k)
    np.floor(k, out=k)
    np.divide(v, us, out=us)
    np.add(us, b, out=us)
    unit(left, streams, 1, v)
    np.divide(v, us, out=v)


def _count(
    u: Array, p: Array, total: Array, result: Array, mask: Array,
    go_on: Callable[[int, Array], None],
) -> None:  # fmt: skip
    """Add 1 to the result for each probability, of 0 and so on, that u isn't below yet."""
    total[...] = p
    for k in range(1, _LONGEST):
        if not np.less_equal(total, u, out=mask).any():
            return
        np.add(result, 1, out=result, where=mask)
        go_on(k, p)
        np.add(total, p, out=total)


def _begin_count(mean: Array, result: Array, u: Array, block: Block, streams: Streams) -> None:
    """Set the result to the mean's whole part, or 0 where it is counted, and u to -1 elsewhere."""
    unit(block, streams, 0, u)
    np.subtract(1, u, out=u)
    np.floor(mean, out=result)
    np.copyto(result, 0, where=np.less(mean, _SMALL, out=block.mask))
    np.copyto(u, -1, where=np.logical_not(block.mask, out=block.mask))


def _accept(result: Array, k: Array, is_counted: Array, spare: Array, left: Block) -> None:
    """Accept as it is what was counted at the beginning."""
    np.take(result, left.places, out=spare, mode="clip")
    np.copyto(k, spare, where=is_counted)


# Poisson


def _begin_poisson(
    result: Array, parameters: Sequence[Array], block: Block, streams: Streams
) -> None:  # fmt: skip
    (rate,), (u, p, total, *_) = parameters, block.floats
    _begin_count(rate, result, u, block, streams)
    np.minimum(rate, _SMALL, out=p)
    np.negative(p, out=p)
    np.exp(p, out=p)

    def go_on(k: int, p: Array) -> None:
        np.multiply(p, rate, out=p)
        np.divide(p, k, out=p)

    _count(u, p, total, result, block.mask, go_on)


def _attempt_poisson(
    result: Array, parameters: Sequence[Array], left: Block, streams: Streams
) -> None:  # fmt: skip
    (rate,), (k, own, mean, a, b, centre, u, v, x, y, z) = parameters, left.floats
    np.take(rate, left.places, out=own, mode="clip")
    np.maximum(own, _SMALL, out=mean)
    np.sqrt(mean, out=b)
    np.multiply(b, 2.53, out=b)
    np.add(b, 0.931, out=b)
    np.multiply(b, 0.02483, out=a)
    np.subtract(a, 0.059, out=a)
    np.add(mean, 0.43, out=centre)
    _propose(left, streams, (a, b, centre), (k, u, v, x))
    np.subtract(b, 3.4, out=b)
    np.divide(1.1328, b, out=b)
    np.add(b, 1.1239, out=b)
    np.multiply(v, b, out=v)
    np.log(v, out=v)
    _excess(k, u, x, left)
    np.negative(u, out=u)
    _take_deviance(k, mean, u, (x, y, z))
    np.copyto(u, -math.inf, where=np.less(k, 0, out=left.mask))
    np.copyto(u, math.inf, where=np.less(own, _SMALL, out=left.mask))
    _accept(result, k, left.mask, x, left)
    np.less_equal(v, u, out=left.mask)


POISSON_METHOD = Method(_begin_poisson, _attempt_poisson, parameters=1, floats=11)


# Binomial, for p of 1/2 at most


def _begin_binomial(
    result: Array, parameters: Sequence[Array], block: Block, streams: Streams
) -> None:  # fmt: skip
    (n, chance), (u, p, total, odds, x, *_) = parameters, block.floats
    np.multiply(n, chance, out=x)
    _begin_count(x, result, u, block, streams)
    np.negative(chance, out=odds)
    np.log1p(odds, out=p)
    np.multiply(p, n, out=p)
    np.exp(p, out=p)
    np.add(odds, 1, out=odds)
    np.divide(chance, odds, out=odds)

    def go_on(k: int, p: Array) -> None:
        np.subtract(n, k - 1, out=x)
        np.maximum(x, 0, out=x)
        np.divide(x, k, out=x)
        np.multiply(p, x, out=p)
        np.multiply(p, odds, out=p)

    _count(u, p, total, result, block.mask, go_on)
    np.minimum(result, n, out=result)


def _attempt_binomial(
    result: Array, parameters: Sequence[Array], left: Block, streams: Streams
) -> None:  # fmt: skip
    k, own, n, p, mean, other, a, b, u, v, *spare = left.floats
    x, y, *_ = spare
    is_counted = left.mask
    for array, taken in zip(parameters, (n, p), strict=True):
        np.take(array, left.places, out=taken, mode="clip")
    np.multiply(n, p, out=own)
    np.less(own, _SMALL, out=is_counted)
    np.copyto(n, 4 * _SMALL, where=is_counted)  # any numbers for which the method works
    np.copyto(p, 0.5, where=is_counted)
    _set_binomial_hat(n, p, (mean, other, a, b), x)
    np.add(mean, 0.5, out=y)
    _propose(left, streams, (a, b, y), (k, u, v, x))
    _scale_binomial(mean, other, n, b, v, x)
    np.log(v, out=v)
    _log_binomial(k, (n, mean, other), u, spare, left)
    np.add(n, 1, out=a)
    np.multiply(a, p, out=a)
    np.floor(a, out=a)
    _log_binomial(a, (n, mean, other), b, spare, left)
    np.subtract(u, b, out=u)
    np.copyto(u, -math.inf, where=np.less(k, 0, out=left.mask))
    np.copyto(u, -math.inf, where=np.greater(k, n, out=left.mask))
    np.copyto(u, math.inf, where=np.less(own, _SMALL, out=left.mask))
    _accept(result, k, left.mask, x, left)
    np.less_equal(v, u, out=left.mask)


def _set_binomial_hat(n: Array, p: Array, hat: Sequence[Array], deviation: Array) -> None:
    """Set the means of successes and of failures, and a and b."""
    mean, other, a, b = hat
    np.multiply(n, p, out=mean)
    np.subtract(n, mean, out=other)
    np.subtract(1, p, out=deviation)
    np.multiply(deviation, mean, out=deviation)
    np.sqrt(deviation, out=deviation)
    np.multiply(deviation, 2.53, out=b)
    np.add(b, 1.15, out=b)
    np.multiply(b, 0.0248, out=a)
    np.subtract(a, 0.0873, out=a)
    np.multiply(p, 0.01, out=deviation)
    np.add(a, deviation, out=a)


def _scale_binomial(
    mean: Array, other: Array, n: Array, b: Array, v: Array, spare: Array
) -> None:  # fmt: skip
    """Multiply v by (2.83 + 5.1 / b) √(n p (1 - p))."""
    np.divide(mean, n, out=spare)
    np.multiply(spare, other, out=spare)
    np.sqrt(spare, out=spare)
    np.multiply(v, spare, out=v)
    np.divide(5.1, b, out=spare)
    np.add(spare, 2.83, out=spare)
    np.multiply(v, spare, out=v)


def _log_binomial(
    k: Array, law: tuple[Array, Array, Array], out: Array, spare: Sequence[Array], left: Block
) -> None:  # fmt: skip
    """Write the logarithm of a probability, less E(n), of which all have the same."""
    (n, mean, other), (x, y, z, failures) = law, spare
    np.subtract(n, k, out=failures)
    _excess(k, out, x, left)
    _excess(failures, x, y, left)
    np.add(out, x, out=out)
    np.negative(out, out=out)
    _take_deviance(k, mean, out, (x, y, z))
    _take_deviance(failures, other, out, (x, y, z))


BINOMIAL_METHOD = Method(_begin_binomial, _attempt_binomial, parameters=2, floats=14)
