"""What there is to say of a plan's memory: what lives when, and what is large at the peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.cli.describe import Description
from dataflow.errors import PlanError
from scheduler.formulas import peak_formula
from scheduler.live_bytes import largest_at_peak, live_bytes
from scheduler.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.cli.printing import Row
    from dataflow.graph import Graph
    from scheduler.state import State

__all__ = ["describe_memory"]

_ROWS, _WIDTH = 32, 48  # of the chart


def describe_memory(thing: Graph | Plan | State) -> Description:
    """Describe a plan's memory.

    Raises
    ------
    PlanError
        It is no plan.
    """
    if not isinstance(thing, Plan):
        msg = f"--memory is about plans, and this is a {type(thing).__name__.lower()}"
        raise PlanError(msg)
    formula = peak_formula(thing)
    live = [step.live for step in live_bytes(thing)]
    facts: Row = {
        "step_count": len(thing.steps), "peak_bytes": thing.peak,
        "lower_bound_bytes": thing.lower_bound,
        "fullest_step": live.index(max(live)) if live else None,
        "peak_formula": None if isinstance(formula, str) else str(formula),
        "why_no_formula": formula if isinstance(formula, str) else None,
    }  # fmt: skip
    return Description("plan", thing.name, facts, {
        "live_bytes": _chart(live), "largest_at_the_peak": _largest(thing),
    })  # fmt: skip


def _chart(live: Sequence[int]) -> list[Row]:
    """Return a bar for every so many steps, as long as the most that lives in them."""
    stride = -(-len(live) // _ROWS) or 1
    most = max(live, default=0) or 1
    rows: list[Row] = []
    for start in range(0, len(live), stride):
        nbytes = max(live[start : start + stride])
        rows.append(
            {"from_step": start, "bytes": nbytes, "plot": "#" * round(_WIDTH * nbytes / most)}
        )
    return rows


def _largest(plan: Plan) -> list[Row]:
    rows: list[Row] = []
    for found in largest_at_peak(plan):
        buffer, step = plan.buffers[found.buffer], plan.steps[found.step]
        rows.append({
            "bytes": buffer.nbytes, "node": step.node, "op": step.op, "first_step": buffer.first,
            "end": buffer.end, "source": step.source, "lower_it": found.advice,
        })  # fmt: skip
    return rows
