"""What this machine can do at best: the rates that a profile stands beside.

A large product of square matrices is the most that NumPy computes a second, and a copy of an array
that no cache holds the most that it moves. The best of a few tries counts, since whatever else
runs meanwhile only makes them slower.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.threads import begin_run, end_run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rates", "machine_rates"]

_TRIES = 5


class Rates(NamedTuple):
    """Floating-point operations, and bytes read and written, in a second."""

    flops: float
    bytes: float


def machine_rates(threads: int = 1, *, seconds: float = 0.02, nbytes: int = 2**27) -> Rates:
    """Measure the machine.

    Parameters
    ----------
    threads : int
        BLAS threads.
    seconds : float
        How long the matrix product of float32 shall take, about.
    nbytes : int
        How many bytes are copied. They are read and written, so they count twice.

    Examples
    --------
    >>> rates = machine_rates(seconds=1e-3, nbytes=2**20)
    >>> rates.flops > 0 and rates.bytes > 0
    True
    """
    own = begin_run(threads)
    try:
        return Rates(_product_rate(seconds), _copy_rate(nbytes))
    finally:
        end_run(own)


def _product_rate(seconds: float) -> float:
    size, took = 64, _product_seconds(64)
    while took < seconds / 2:
        growth = (seconds / max(took, 1e-9)) ** (1 / 3)
        size = int(size * min(max(growth, 1.25), 4))
        took = _product_seconds(size)
    return 2.0 * size**3 / took


def _product_seconds(size: int) -> float:
    left, out = np.ones((size, size), np.float32), np.empty((size, size), np.float32)
    return _best(lambda: np.matmul(left, left, out))


def _copy_rate(nbytes: int) -> float:
    source = np.ones(nbytes, np.uint8)  # written, so that its pages are there
    target = np.ones(nbytes, np.uint8)
    return 2 * nbytes / _best(lambda: np.copyto(target, source))


def _best(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest try."""
    found = []
    for _ in range(_TRIES):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return min(found)
