"""How long a chain of operations with its reverse sweep takes to compile, and how that grows.

A chain is the worst case for a pass that walks back or forth over the graph. Declaring (sweep
included), freezing and compiling are timed apart; the goal is for compiling.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import dataflow as df
from benchmarks.measuring import Row, Samples

__all__ = ["measure"]

SIZES = {1_000: 5, 3_000: 5, 10_000: 5, 30_000: 3}  # operations, and how often each is timed
GOAL = 10_000
PROPORTIONAL = 1.5  # what a node may cost in the longest chain, over what it costs in the shortest


class _Times(NamedTuple):
    nodes: int
    declare: float
    sweep: float
    freeze: float
    compile: float


def measure() -> Iterator[Row]:
    """Yield the time of each part by length of chain, and per node of the whole graph."""
    _time(100)  # imports, and fills the caches of dtypes
    per_node = {}
    for operations, rounds in SIZES.items():
        found = [_time(operations) for _ in range(rounds)]
        for part in ("declare", "sweep", "freeze"):
            yield Row(f"{operations:,} operations: {part}", _samples(found, part))
        compiling = _samples(found, "compile")
        at_most = 3.0 if operations == GOAL else None
        yield Row(f"{operations:,} operations: compile", compiling, at_most=at_most)
        per_node[operations] = compiling.per(found[0].nodes)
        yield Row(f"{found[0].nodes:,} nodes: compile, per node", per_node[operations])
    long, short = (statistics.median(per_node[n].values) for n in (max(SIZES), min(SIZES)))
    growth = Samples((long / short,))
    yield Row(f"a node at {max(SIZES):,} operations / at {min(SIZES):,}", growth, "×",
              at_most=PROPORTIONAL)  # fmt: skip


def _time(operations: int) -> _Times:
    marks = [time.perf_counter()]
    b = df.GraphBuilder("chain")
    x = b.input("x", shape=(8,), requires_grad=True)
    y = x
    for index in range(operations - 1):
        y = y + x if index % 2 else y * x
    loss = y.sum()
    marks.append(time.perf_counter())
    gradient = df.grad(loss, x)
    marks.append(time.perf_counter())
    graph = b.build(outputs={"loss": loss, "gradient": gradient})
    marks.append(time.perf_counter())
    df.compile(graph)
    marks.append(time.perf_counter())
    return _Times(len(graph), *(end - start for start, end in pairwise(marks)))


def _samples(found: list[_Times], part: str) -> Samples:
    return Samples(tuple(getattr(times, part) for times in found))
