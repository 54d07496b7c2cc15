"""Buffers whose best placement is known: rectangles of time and memory, cut up and shuffled."""

from collections.abc import Callable
from typing import Any

import numpy as np

from scheduler.arena_fits import Blocks

__all__ = ["cut", "pinwheels", "random_blocks"]

Box = tuple[int, int, int, int]  # from and to in time, from and to in memory
Rng = np.random.Generator
CAPACITY, UNIT = 2**20, 64


def cut(count: int, seed: int) -> Blocks:
    """Return a rectangle of 2**20 bytes, cut in two again and again."""
    return _pieces(count, seed, 4 * count, _halves)


def pinwheels(count: int, seed: int) -> Blocks:
    """Return the same, cut into pinwheels of five, which no straight cut takes apart."""
    return _pieces(count, seed, 8 * count, _pinwheel)


def _pieces(count: int, seed: int, length: int, split: Callable[[Rng, Box], list[Box]]) -> Blocks:
    """Cut boxes, the larger ones more often, until there are enough."""
    rng = np.random.default_rng(seed)
    boxes: list[Box] = [(0, length, 0, CAPACITY)]
    while len(boxes) < count:
        areas = np.array([(b - a) * (d - c) for a, b, c, d in boxes], float)
        index = int(rng.choice(len(boxes), p=areas / areas.sum()))
        boxes[index : index + 1] = split(rng, boxes[index])
    table: np.ndarray[Any, Any] = rng.permutation(np.array(boxes, np.int64))
    return Blocks(table[:, 0], table[:, 1], table[:, 3] - table[:, 2])


def _halves(rng: Rng, box: Box) -> list[Box]:
    a, b, c, d = box
    if rng.random() < 0.5 and b - a > 1:
        middle = int(rng.integers(a + 1, b))
        return [(a, middle, c, d), (middle, b, c, d)]
    if d - c > UNIT:
        middle = UNIT * int(rng.integers(c // UNIT + 1, d // UNIT))
        return [(a, b, c, middle), (a, b, middle, d)]
    return [box]


def _pinwheel(rng: Rng, box: Box) -> list[Box]:
    a, b, c, d = box
    if b - a < 4 or d - c < 4 * UNIT:
        return _halves(rng, box)
    left, right = sorted(map(int, rng.choice(np.arange(a + 1, b), 2, replace=False)))
    units = rng.choice(np.arange(c // UNIT + 1, d // UNIT), 2, replace=False)
    low, high = sorted(UNIT * int(unit) for unit in units)
    middle = (left, right, low, high)
    if rng.random() < 0.5:
        return [(a, right, c, low), (right, b, c, high), (left, b, high, d), (a, left, low, d),
                middle]  # fmt: skip
    return [(left, b, c, low), (a, left, c, high), (a, right, high, d), (right, b, low, d), middle]


def random_blocks(count: int, longest: int, seed: int) -> Blocks:
    """Return buffers that are born at any time, live up to so long, and have up to a megabyte."""
    rng = np.random.default_rng(seed)
    lower = rng.integers(0, count, count)
    return Blocks(lower, lower + rng.integers(1, longest, count), rng.integers(1, 10**6, count))
