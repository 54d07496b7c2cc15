"""What replay costs over the kernel calls themselves, per step.

The kernels' own time is that of one generated function that calls them in a straight line, on the
same arrays: no loop, no unpacking, every kernel and array a local variable. Python can't call them
for less, as long as the line is short: one of 1,000 calls is slower than a loop, for its code is
read from further away. All else that a run does counts as replay: checking and copying feeds,
setting up and tearing down, copying results into `out`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

import dataflow as df
from benchmarks.digits import BATCH, batches, graph
from benchmarks.measuring import Row, interleaved
from scheduler.environment import kernel_context

if TYPE_CHECKING:
    from dataflow.operation import Call
    from scheduler.plan import Plan

__all__ = ["measure"]

STEPS = 100
REPEATS = 100


def measure() -> Iterator[Row]:
    """Yield the cost for tiny steps, for a single one, and for the digits' training step."""
    feeds = {"x": np.ones(4, np.float32)}
    yield from _rows(f"{STEPS} steps on 4 floats", _chain(STEPS), feeds, at_most=150e-9)
    yield from _rows("one step on 4 floats", _chain(1), feeds)
    plan = df.compile(graph(), dims={"batch": BATCH})
    x, labels = batches()[0]
    feeds = {"x": x, "labels": labels}
    yield from _rows(f"digits, {plan.calls} steps", plan, feeds, at_most=150e-9)


def _chain(steps: int) -> Plan:
    b = df.GraphBuilder("chain")
    x = y = b.input("x", shape=(4,))
    for index in range(steps):
        y = y + x if index % 2 else y * x  # nothing here is constant, or the same twice
    return df.compile(b.build(outputs={"y": y}))


def _rows(
    what: str, plan: Plan, feeds: dict[str, np.ndarray], at_most: float | None = None
) -> Iterator[Row]:
    runner = df.Runner(plan)
    out = runner.run(feeds)
    straight = _straight_line([*runner._calls.computing, *runner._calls.committing])  # noqa: SLF001 - the calls

    def replay() -> None:
        for _ in range(REPEATS):
            runner.run(feeds, out=out)

    def repeated() -> None:
        for _ in range(REPEATS):
            straight()

    def bare() -> None:
        kernel_context().run(repeated)  # with NumPy's settings of a run

    found = interleaved({"replay": replay, "bare": bare}, rounds=51)
    whole, kernels = (found[name].per(REPEATS * plan.calls) for name in ("replay", "bare"))
    yield Row(f"{what}: the kernel calls", kernels)
    yield Row(f"{what}: a run with out=", whole)
    yield Row(f"{what}: what replay adds", whole - kernels, at_most=at_most)


def _straight_line(calls: Sequence[Call]) -> Callable[[], None]:
    """Generate a function that makes these calls one after the other."""
    values: dict[str, object] = {}
    lines = []
    for index, (kernel, args) in enumerate(calls):
        names = [f"a{index}_{slot}" for slot in range(len(args))]
        values |= {f"k{index}": kernel, **dict(zip(names, args, strict=True))}
        lines.append(f"    k{index}({', '.join(names)})")
    header = f"def straight({', '.join(f'{name}={name}' for name in values)}):"
    exec("\n".join([header, *lines]), values)  # noqa: S102 - our own text
    function: Callable[[], None] = values["straight"]  # type: ignore[assignment]  # just defined
    return function
