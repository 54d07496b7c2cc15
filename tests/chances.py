"""Draws from fixed keys, and how far samples are from their distributions."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df

Array = Any

KOLMOGOROV = 1.9
"""What √n times the largest distance of two distribution functions exceeds once in 700 times."""


def keyed(seed: int = 0) -> tuple[df.GraphBuilder, df.Tensor]:
    """Return a new builder, and a key as a constant of it."""
    b = df.GraphBuilder()
    return b, b.constant(df.random.key(seed))


def drawn(draw: Callable[[df.Tensor], df.Tensor], seed: int = 0) -> Array:
    """Return what a function draws from a key."""
    return df.evaluate(draw(keyed(seed)[1]))


def distance(sample: Array, cdf: Callable[[Array], Array]) -> float:
    """Return √n times the largest distance of a sample's distribution function from another."""
    ordered = np.sort(sample.astype(np.float64))
    n, expected = len(ordered), cdf(ordered)
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()) * np.sqrt(n))


def surprise(counts: Array, expected: Array) -> float:
    """Return by how many of its standard deviations a chi-square statistic exceeds its mean."""
    degrees = len(counts) - 1
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float((statistic - degrees) / np.sqrt(2 * degrees))
