"""How long graphs take from the first operation to a plan, and unrolled ones in other libraries.

Each is made ready in a process of its own (`benchmarks.chains`), reverse sweep included, and its
results are checked against NumPy's. Of ours the parts are timed one by one, and memory is the most
that was resident beyond what was before, by node. Beside `jax.jit` and `torch.compile` all counts
until the first results are there; a library that isn't ready in time is stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measuring import Row, Samples, finished_in_time

__all__ = ["measure"]

SIZES = {10_000: (3_334, 1.0), 100_000: (33_334, 10.0)}
"""By nodes at least: operations of a chain that has as many, and the seconds it may take."""

ROUNDS = 5
MOST_BYTES = 8 * 1024.0  # a node
PROPORTIONAL = 1.5  # what a node may cost in the larger graph, over what it costs in the smaller
UNROLLED = (200, 1_000, 5_000)
LIBRARIES = ("ours", "jax.jit", "torch.compile")
PATIENCE = 120  # seconds
PLANNING = ("declare", "reverse sweep", "build", "compile")

Found = dict[str, Any]


def measure() -> Iterator[Row | str]:
    """Yield the parts' times and the memory by size of graph, then the libraries' times."""
    per_node = []
    for least, (operations, seconds) in SIZES.items():
        rounds = [_ready("ours", operations) for _ in range(ROUNDS)]
        found = [one for one in rounds if one is not None]
        nodes = found[0]["nodes"] if found else 0
        if nodes < least:
            msg = f"a chain of {operations} operations has {nodes} nodes, not {least} or more"
            raise SystemExit(msg)
        yield from _sized(found, nodes, seconds)
        per_node.append(_whole(found).per(nodes))
    growth = Samples((per_node[1].median / per_node[0].median,))
    yield Row("a node of the larger / of the smaller", growth, "×", at_most=PROPORTIONAL)
    for operations in UNROLLED:
        for library in LIBRARIES:
            yield _beside(library, operations)


def _sized(found: list[Found], nodes: int, seconds: float) -> Iterator[Row]:
    for part in PLANNING:
        yield Row(f"{nodes:,} nodes: {part}", _samples(found, part))
    yield Row(f"{nodes:,} nodes: all of these", _whole(found), at_most=seconds)
    grown = Samples(tuple(float(one["bytes"]) for one in found)).per(nodes)
    yield Row(f"{nodes:,} nodes: memory at its peak, a node", grown, "B", at_most=MOST_BYTES)


def _beside(library: str, operations: int) -> Row | str:
    what = f"{operations:,} operations, unrolled: {library}"
    found = _ready(library, operations)
    if found is None:
        return f"  {what:<56} over {PATIENCE} s"
    return Row(what, Samples((sum(found["seconds"].values()),)))


def _samples(found: list[Found], part: str) -> Samples:
    return Samples(tuple(one["seconds"][part] for one in found))


def _whole(found: list[Found]) -> Samples:
    return Samples(tuple(sum(one["seconds"][part] for part in PLANNING) for one in found))


def _ready(library: str, operations: int) -> Found | None:
    """Make a chain ready in a process that can be stopped; return what it took, None if too much.

    It compiles with nothing left over from an earlier time.
    """
    script = Path(__file__).with_name("chains.py")
    environment = {**os.environ, "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
                   "TORCHINDUCTOR_COMPILE_THREADS": "1"}  # fmt: skip
    command = [sys.executable, str(script), library, str(operations)]
    done = finished_in_time(command, PATIENCE, environment)
    if done is None:
        return None
    if done.returncode:
        msg = f"{library}, {operations} operations: the process failed"
        raise SystemExit(msg)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found
