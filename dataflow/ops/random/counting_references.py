"""Poisson and binomial draws in plain NumPy, to test kernels against: all elements at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.ops.random.blocks import ATTEMPTS, plain_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.attrs import Attrs

__all__ = ["binomial_reference", "poisson_reference"]

_SMALL = 10.0


def _log_factorial(k: np.ndarray) -> np.ndarray:
    each = np.frompyfunc(lambda n: math.lgamma(n + 1) if n > -1 else math.inf, 1, 1)
    return np.asarray(each(k), np.float64)


def _counted(u: np.ndarray, p: np.ndarray, after: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return the first number whose distribution function exceeds u, from p(0) and quotients."""
    found, total = np.zeros(u.shape), p
    for k in range(1, 80):
        found += total <= u
        p = p * after(k)
        total = total + p
    return found


def _rejected(
    key: np.ndarray, shape: tuple[int, ...], attrs: Attrs, found: np.ndarray, left: np.ndarray,
    hat: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    log_chance: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Return draws by transformed rejection of the elements that are left."""
    a, b, centre, factor = hat
    for attempt in range(ATTEMPTS):
        units = plain_units(key, shape, attrs, attempt)
        u = units[0] - 0.5
        us = np.maximum(0.5 - np.abs(u), 2.0**-54)
        k = np.floor((2 * a / us + b) * u + centre)
        accepted = left & (np.log(units[1] * factor / (a / us**2 + b)) <= log_chance(k))
        found = np.where(accepted, k, found)
        left = left & ~accepted
        if not left.any():
            break
    return found


def poisson_reference(key: np.ndarray, rate: np.ndarray, attrs: Attrs) -> np.ndarray:
    """Return Poisson draws."""
    flat = rate.reshape(-1)
    mean = np.maximum(flat, _SMALL)
    u = 1 - plain_units(key, rate.shape, attrs, 0)[0]
    counted = _counted(u, np.exp(-np.minimum(flat, _SMALL)), lambda k: flat / k)
    b = 0.931 + 2.53 * np.sqrt(mean)
    hat = (0.02483 * b - 0.059, b, mean + 0.43, 1.1239 + 1.1328 / (b - 3.4))
    found = np.where(flat < _SMALL, counted, np.floor(flat))
    drawn = _rejected(key, rate.shape, attrs, found, flat >= _SMALL, hat,
                      lambda k: k * np.log(mean) - mean - _log_factorial(k))  # fmt: skip
    return drawn.reshape(rate.shape)


def binomial_reference(
    key: np.ndarray, trials: np.ndarray, chance: np.ndarray, attrs: Attrs
) -> np.ndarray:  # fmt: skip
    """Return binomial draws, of chances of 1/2 at most."""
    n, p = trials.reshape(-1), chance.reshape(-1)
    small = n * p < _SMALL
    u = 1 - plain_units(key, trials.shape, attrs, 0)[0]
    counted = _counted(u, np.exp(n * np.log1p(-p)),
                       lambda k: np.maximum(n - (k - 1), 0) / k * p / (1 - p))  # fmt: skip
    found = np.where(small, np.minimum(counted, n), np.floor(n * p))
    m, q = np.where(small, 40.0, n), np.where(small, 0.5, p)
    deviation = np.sqrt(m * q * (1 - q))
    b = 1.15 + 2.53 * deviation
    hat = (0.0248 * b - 0.0873 + 0.01 * q, b, m * q + 0.5, (2.83 + 5.1 / b) * deviation)

    def log_chance(k: np.ndarray) -> np.ndarray:
        return np.asarray(k * np.log(q / (1 - q)) - _log_factorial(k) - _log_factorial(m - k))

    mode = log_chance(np.floor((m + 1) * q))
    drawn = _rejected(key, trials.shape, attrs, found, ~small, hat, lambda k: log_chance(k) - mode)
    return drawn.reshape(trials.shape)
