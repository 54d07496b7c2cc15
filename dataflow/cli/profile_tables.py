"""What a profile says: a run beside the machine's own rates, and its time by op and by line."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from dataflow.cli.printing import Row
    from scheduler.machine_rates import Rates

__all__ = ["Measured", "facts", "tables"]

_NO_LINE = "(no line)"


class Measured(NamedTuple):
    """What was measured: the profile, the seconds of each whole run, and the machine's rates."""

    profile: pa.Table
    seconds: Sequence[float]
    rates: Rates


class _Sum(NamedTuple):
    """Rows added up: calls, operations and bytes a run, and seconds of all runs."""

    calls: int = 0
    seconds: float = 0.0
    flops: int = 0
    bytes: int = 0

    def plus(self, row: dict[str, Any]) -> _Sum:
        return _Sum(self.calls + row["calls"], self.seconds + row["seconds"],
                    self.flops + row["flops"], self.bytes + row["bytes"])  # fmt: skip


def facts(measured: Measured) -> Row:
    """Return what there is to say of a run as a whole."""
    runs, whole = len(measured.seconds), _Sum()
    for row in measured.profile.to_pylist():
        whole = whole.plus(row)
    run, kernels = sum(measured.seconds) / runs, whole.seconds / runs
    return {
        "runs": runs, "calls": whole.calls, "milliseconds_a_run": run * 1e3,
        "median_milliseconds": median(measured.seconds) * 1e3,
        "in_kernels_milliseconds": kernels * 1e3, "overhead_milliseconds": (run - kernels) * 1e3,
        "overhead_percent": 100 * (run - kernels) / run,
        "overhead_microseconds_a_call": (run - kernels) * 1e6 / (whole.calls or 1),
        "flops_a_run": whole.flops, "bytes_a_run": whole.bytes,
        "gflop_per_second": whole.flops / run / 1e9,
        "machine_gflop_per_second": measured.rates.flops / 1e9,
        "gbyte_per_second": whole.bytes / run / 1e9,
        "machine_gbyte_per_second": measured.rates.bytes / 1e9,
    }  # fmt: skip


def tables(measured: Measured) -> dict[str, list[Row]]:
    """Return the time by op, by worker and by source line, the longest first."""
    rows, runs = measured.profile.to_pylist(), len(measured.seconds)
    return {f"by_{key}": _grouped(rows, key, runs) for key in ("op", "worker", "source")}


def _grouped(rows: Sequence[dict[str, Any]], key: str, runs: int) -> list[Row]:
    sums: dict[str | int, _Sum] = {}
    for row in rows:
        name = _NO_LINE if row[key] == "" else row[key]
        sums[name] = sums.get(name, _Sum()).plus(row)
    total = sum(one.seconds for one in sums.values())
    ordered = sorted(sums.items(), key=lambda pair: -pair[1].seconds)
    return [{key: name, **_cells(one, total, runs)} for name, one in ordered]


def _cells(one: _Sum, total: float, runs: int) -> Row:
    seconds = one.seconds / runs
    return {
        "calls": one.calls, "milliseconds": seconds * 1e3,
        "percent": 100 * one.seconds / total if total else 0.0,
        "gflop_per_second": one.flops / seconds / 1e9 if seconds else 0.0,
        "gbyte_per_second": one.bytes / seconds / 1e9 if seconds else 0.0,
    }  # fmt: skip
