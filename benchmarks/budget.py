"""Budgets: what half and a quarter of the memory cost in work, without slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.measuring import Row, Samples
from scheduler.fitting import budget_curve
from tests.test_budget import perceptron, transformer

if TYPE_CHECKING:
    from dataflow.graph import Graph

__all__ = ["measure"]

GOALS = ((0.5, 0.20), (0.25, 0.45))


def measure() -> Iterator[Row]:
    """Yield the arena and the extra work of the first points within half and a quarter."""
    yield from _points("64-layer perceptron, 4096 x 512", perceptron(64, 512, 4096))
    yield from _points("12-block transformer, 4 x 128 x 128", transformer(12, 128, 128))


def _points(what: str, graph: Graph) -> Iterator[Row]:
    curve = budget_curve(graph)
    yield Row(f"{what}: arena", Samples((curve[0].arena,)), "B")
    for share, most in GOALS:
        point = next(p for p in (*curve, curve[-1]) if p.arena <= share * curve[0].arena)
        yield Row(f"{what}: arena within {share}", Samples((point.arena,)), "B")
        yield Row("  extra floating-point operations", Samples((point.extra_flops,)), "×",
                  at_most=most)  # fmt: skip
