"""`Recorder`: how long each call of a plan took, run by run, as an Arrow table.

A profiled runner has a loop of its own, which reads a clock before and after each kernel call; so
the loop of other runners has nothing to ask. The readings are kept as they come: what they belong
to is looked up when a table is wanted.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduler.costs import call_work
from scheduler.small_steps import runs_of_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from dataflow.operation import Call, Cost
    from scheduler.expand import KernelCall
    from scheduler.plan import Plan

__all__ = ["Recorder"]

Array = np.ndarray[Any, Any]

_KEPT = 2_000_000
"""So many durations are kept for the medians, 16 MB of them."""

_FIELDS: dict[str, type] = {
    "step": int, "node": str, "op": str, "sweep": str, "source": str, "worker": int, "slice": int,
    "calls": int, "runs": int, "seconds": float, "median_seconds": float, "flops": int,
    "bytes": int, "began": int, "ended": int,
}  # fmt: skip


class Recorder:
    """The times of a runner's calls.

    Its table has a row for each kernel call, in the order in which they run. Columns:

    - ``step``, ``node``, ``op``, ``sweep``, ``source`` (the user's line) as in the plan. With
      ``fast=True`` a row may be many small steps in one compiled loop: it has the first one's, and
      the op ``small_steps``;
    - ``worker`` that runs it, ``slice`` of its tile group (null outside of any);
    - ``calls``: kernel calls in the row, 1 but for such a loop;
    - ``runs``, ``seconds`` of all of them and ``median_seconds`` of one (of the last two million
      readings; null before any run);
    - ``flops``, ``bytes`` that a run computes, and reads and writes, by the op's own count;
    - ``began``, ``ended``: nanoseconds in the last run, since its first call began.

    Parameters
    ----------
    plan : Plan
        Whose calls they are.
    is_fast : bool
        Whether runs of small steps are tables.
    """

    def __init__(self, plan: Plan, *, is_fast: bool) -> None:
        self._plan = plan
        self._is_fast = is_fast
        self._marks: list[int] = []  # of the run under way
        self._runs = 0
        self._total: Array = np.zeros((), np.int64)
        self._last: Array = np.zeros((0, 2), np.int64)
        self._kept: deque[Array] = deque()

    def begin(self) -> None:
        """Begin a run; one that failed before counts for nothing."""
        self._marks = []

    def loop(self, rest: Iterator[Call], sizes: Sequence[int]) -> None:
        """Run calls, and note when each so many of them begin and end."""
        note, clock = self._marks.append, perf_counter_ns
        for size in sizes:
            note(clock())
            for kernel, args in islice(rest, size):
                kernel(*args)
            note(clock())

    def end(self) -> None:
        """Take a run into account that is done."""
        times = np.array(self._marks, np.int64).reshape(-1, 2)
        durations = times[:, 1] - times[:, 0]
        self._runs += 1
        self._total = self._total + durations
        self._last = times - times[:1, :1]
        while self._kept and (len(self._kept) + 1) * len(durations) > _KEPT:
            self._kept.popleft()
        self._kept.append(durations)

    def table(self, *, clear: bool = False) -> pa.Table:
        """Return what was noted so far, and forget it if asked to."""
        import pyarrow as pa

        rows = [_row(self._plan, c) for c in runs_of_calls(self._plan, is_fast=self._is_fast)]
        columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in _FIELDS}
        columns |= self._times(len(rows))
        if clear:
            self._clear()
        types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
        return pa.table({
            name: pa.array(columns[name], types[kind]) for name, kind in _FIELDS.items()
        })  # fmt: skip

    def _times(self, count: int) -> dict[str, Any]:
        found: dict[str, Any] = {"runs": [self._runs] * count, "seconds": [0.0] * count}
        if self._runs:
            found["seconds"] = self._total / 1e9
            found["median_seconds"] = np.median(np.stack(self._kept), axis=0) / 1e9
            found["began"], found["ended"] = self._last[:, 0].copy(), self._last[:, 1].copy()
        return found

    def _clear(self) -> None:
        self._runs, self._total = 0, np.zeros((), np.int64)
        self._kept.clear()


def _row(plan: Plan, calls: Sequence[KernelCall]) -> Mapping[str, object]:
    """Return what a row says of its calls, times aside."""
    first, *others = calls
    step = plan.steps[first.step]
    work = [_work(call) for call in calls]
    return {
        "step": first.step, "node": step.node, "op": "small_steps" if others else step.op,
        "sweep": step.sweep, "source": step.source, "worker": _worker(plan, first),
        "slice": None if first.slice < 0 else first.slice, "calls": len(calls),
        "flops": sum(w.flops for w in work), "bytes": sum(w.bytes for w in work),
    }  # fmt: skip


def _work(call: KernelCall) -> Cost:
    ins, outs = (tuple(o.spec for o in side) for side in (call.inputs, call.outputs))
    return call_work(call.op, ins, outs, call.attrs)


def _worker(plan: Plan, call: KernelCall) -> int:
    """Return who runs a call: a slice says so for the steps of its group."""
    step = plan.steps[call.step]
    return step.worker if call.slice < 0 else plan.groups[step.group].slices[call.slice].worker
