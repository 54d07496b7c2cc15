"""The arena of the demo's training plan, in bytes: these no machine changes."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import dataflow as df
from benchmarks.measuring import Row, Samples

__all__ = ["measure"]

DEMO = Path(__file__).resolve().parents[1] / "examples" / "digits.py"


def measure() -> Iterator[Row]:
    """Yield the peak, the lower bound, and what the plan would need without reuse."""
    demo = runpy.run_path(str(DEMO))
    plan = df.compile(demo["declare"](), dims={"batch": demo["BATCH"]})
    peak, bound, without = (
        Samples((bytes_,)) for bytes_ in (plan.peak, plan.lower_bound, plan.bytes_without_reuse)
    )
    yield Row("peak", peak, "B")
    yield Row("lower bound: the most that lives at once", bound, "B")
    yield Row("without reuse", without, "B")
    yield Row("peak / lower bound", peak / bound, "×", at_most=1.02)
    yield Row("peak / without reuse", peak / without, "×", at_most=0.5)
