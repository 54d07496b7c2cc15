"""The arena of the digits' training plan, batch 32: bytes, which no machine changes."""

from __future__ import annotations

from collections.abc import Iterator

import dataflow as df
from benchmarks.digits import BATCH, graph
from benchmarks.measuring import Row, Samples

__all__ = ["measure"]


def measure() -> Iterator[Row]:
    """Yield the peak, the lower bound, and what the plan would need without reuse."""
    plan = df.compile(graph(), dims={"batch": BATCH})
    peak, bound, without = (
        Samples((bytes_,)) for bytes_ in (plan.peak, plan.lower_bound, plan.bytes_without_reuse)
    )
    yield Row("peak", peak, "B")
    yield Row("lower bound: the most that lives at once", bound, "B")
    yield Row("without reuse", without, "B")
    yield Row("peak / lower bound", peak / bound, "×", at_most=1.02)
    yield Row("peak / without reuse", peak / without, "×", at_most=0.5)
