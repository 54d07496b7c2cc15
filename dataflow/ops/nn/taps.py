"""Which elements of an axis a resized one is made of, and how much of each: its *taps*.

Element p of the result is ``sum over t of weights[t, p] * x[indices[t, p]]``. A weight of 0 stands
for no element at all. Where p lies among the elements of x:

    as images have it         (p + 1/2) * scale - 1/2,   scale = length / size or 1 / factor
    with aligned corners       p * scale,                 scale = (length - 1) / (size - 1)

Every mode is PyTorch's of that name, with weights in float64 and nearest elements found exactly
where lengths are given. With antialiasing, the kernel of `linear` (a triangle) or `cubic` (Keys',
with a = -1/2; else PyTorch takes a = -3/4) is stretched by the scale, so that no element is left
out when an axis gets shorter, and its weights are made to add up to 1.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.errors import ArgumentError

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array

__all__ = ["MODES", "Taps", "check_taps", "taps_of", "transposed"]

MODES = ("nearest", "nearest-exact", "linear", "cubic", "area")


class Taps(NamedTuple):
    """Indices (int64) and weights (float64), each of shape (taps, size)."""

    indices: Array
    weights: Array


def check_taps(attrs: Attrs) -> None:
    """Refuse attributes of which no taps can be made."""
    mode, factor = attrs.text("mode"), attrs.number("factor")
    attrs.flag("align_corners")
    if mode not in MODES:
        msg = f"mode {mode!r} is none of {', '.join(MODES)}"
        raise ArgumentError(msg)
    if not math.isfinite(factor) or factor < 0:
        msg = f"factor must be above 0, or 0 for what the lengths say, not {factor}"
        raise ArgumentError(msg)
    if attrs.flag("antialias") and mode not in ("linear", "cubic"):
        msg = f"mode {mode!r} has no antialiasing: only linear and cubic do"
        raise ArgumentError(msg)


def taps_of(length: int, size: int, attrs: Attrs) -> Taps:
    """Return the taps of an axis of `length` elements that is resized to `size`."""
    return _taps(
        length, size, attrs.text("mode"), attrs.number("factor"), attrs.flag("align_corners"),
        attrs.flag("antialias"),
    )  # fmt: skip


@lru_cache(maxsize=64)  # a plan asks several times, and networks resize much alike
def _taps(
    length: int, size: int, mode: str, factor: float, align_corners: bool, antialias: bool
) -> Taps:
    if mode.startswith("nearest"):
        return _nearest(length, size, factor, 1 if mode == "nearest-exact" else 0)
    if mode == "area":
        return _area(length, size)
    if align_corners:
        scale = (length - 1) / (size - 1) if size > 1 else 0.0
    else:
        scale = 1 / factor if factor else length / max(size, 1)
    if antialias:
        return _antialiased(length, size, mode, scale)
    shift = 0.0 if align_corners else 0.5
    at = (np.arange(size) + shift) * scale - shift
    return _linear(length, at) if mode == "linear" else _cubic(length, at)


def _nearest(length: int, size: int, factor: float, half: int) -> Taps:
    numbers = 2 * np.arange(size) + half
    at = numbers / (2 * factor) if factor else numbers * length // (2 * max(size, 1))
    indices = np.minimum(np.floor(at).astype(np.int64), length - 1)[None]
    return Taps(indices, np.ones(indices.shape))


def _linear(length: int, at: Array) -> Taps:
    at = np.clip(at, 0, length - 1)
    first = np.floor(at).astype(np.int64)
    rest = at - first
    return Taps(np.stack([first, np.minimum(first + 1, length - 1)]), np.stack([1 - rest, rest]))


def _cubic(length: int, at: Array) -> Taps:
    first = np.floor(at).astype(np.int64)
    offsets = np.arange(-1, 3)[:, None]
    weights = _keys(offsets - (at - first), -0.75)
    return Taps(np.clip(first + offsets, 0, length - 1), weights)


def _keys(x: Array, a: float) -> Array:
    """Return Keys' cubic convolution kernel (IEEE Trans. ASSP 29, 1981), 0 from 2 on."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _antialiased(length: int, size: int, mode: str, scale: float) -> Taps:
    """Return the taps of a stretched kernel, as Pillow and PyTorch have them."""
    stretch = max(scale, 1.0)
    reach = stretch * (1 if mode == "linear" else 2)
    centre = (np.arange(size) + 0.5) * scale
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    stop = np.minimum((centre + reach + 0.5).astype(np.int64), length)
    indices = first + np.arange(max(int((stop - first).max(initial=0)), 1))[:, None]
    away = (indices - centre + 0.5) / stretch
    weights = np.maximum(1 - np.abs(away), 0) if mode == "linear" else _keys(away, -0.5)
    weights = np.where(indices < stop, weights, 0)
    return Taps(np.minimum(indices, length - 1), weights / weights.sum(0))


def _area(length: int, size: int) -> Taps:
    numbers = np.arange(size)
    first = numbers * length // max(size, 1)
    counts = -(-(numbers + 1) * length // max(size, 1)) - first
    offsets = np.arange(max(int(counts.max(initial=0)), 1))[:, None]
    weights = np.where(offsets < counts, 1 / np.maximum(counts, 1), 0)
    return Taps(np.minimum(first + offsets, length - 1), weights)


def transposed(taps: Taps, length: int) -> Taps:
    """Return the taps of the way back: what each of `length` elements has given to the result."""
    places = np.broadcast_to(np.arange(taps.indices.shape[1]), taps.indices.shape)
    rows = np.stack([taps.indices.ravel(), places.ravel()])[:, taps.weights.ravel() != 0]
    pairs, where = np.unique(rows, axis=1, return_inverse=True)  # sorted by element, then place
    weights = np.bincount(where.ravel(), taps.weights[taps.weights != 0], pairs.shape[1])
    counts = np.bincount(pairs[0], minlength=length)
    ranks = np.arange(pairs.shape[1]) - (np.cumsum(counts) - counts)[pairs[0]]
    made = Taps(*(np.zeros((max(int(counts.max(initial=0)), 1), length), t)
                  for t in (np.int64, np.float64)))  # fmt: skip
    made.indices[ranks, pairs[0]], made.weights[ranks, pairs[0]] = pairs[1], weights
    return made
