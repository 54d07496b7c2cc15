"""Placing buffers: full rectangles packed again, and large sets near their lower bound."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measuring import Row, Samples
from scheduler.arena import Offsets, assign_offsets
from tests.packings import cut, pinwheels, random_blocks

if TYPE_CHECKING:
    from scheduler.arena_fits import Blocks

__all__ = ["measure"]

SECONDS, SEEDS = 60.0, range(10)
KINDS = {"cut in two": cut, "pinwheels": pinwheels}


def measure() -> Iterator[Row]:
    """Yield how many hard instances are solved, and the gap and time of large ones."""
    for name, made in KINDS.items():
        for count in (150, 300, 450):
            instances = [made(count, 100 + seed) for seed in SEEDS]
            yield from _hard(f"{count} buffers, {name}", instances, solver=False)
            if importlib.util.find_spec("ortools") is not None:
                yield from _hard(f"{count} buffers, {name}, solver", instances, solver=True)
    for longest in (4, 100, 2000):
        yield from _large(20_000, longest, seconds=10.0, gap=1.03)
    yield from _large(60_000, 300, seconds=60.0)


def _hard(what: str, instances: list[Blocks], *, solver: bool) -> Iterator[Row]:
    """Solve instances whose best peak is the bound, a minute each."""
    place = partial(assign_offsets, alignment=1, max_work=10**9, time_limit=SECONDS, solver=solver)
    found = [_timed(partial(place, *blocks)) for blocks in instances]
    share = sum(one.peak == one.lower_bound for one, _ in found) / len(found)
    yield Row(f"{what}: solved", Samples((share,)), "×", at_least=0.9 if solver else 0.5)
    yield Row(f"{what}: time", Samples(tuple(took for _, took in found)))


def _large(count: int, longest: int, *, seconds: float, gap: float | None = None) -> Iterator[Row]:
    lower, upper, size = random_blocks(count, longest, 0)
    found, took = _timed(partial(assign_offsets, lower, upper, size, alignment=1))
    what = f"{count} buffers that live up to {longest}"
    ratio = Samples((found.peak / found.lower_bound,))
    yield Row(f"{what}: peak / bound", ratio, "×", at_most=gap)
    yield Row(f"{what}: time", Samples((took,)), at_most=seconds)


def _timed(place: Callable[[], Offsets]) -> tuple[Offsets, float]:
    start = time.perf_counter()
    found = place()
    return found, time.perf_counter() - start
