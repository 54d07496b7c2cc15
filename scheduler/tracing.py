"""A profile's last run as a trace that Perfetto and Chrome open.

The format is Chrome's: a complete event (``"ph": "X"``) for each call, with its beginning and its
duration in microseconds, and metadata (``"M"``) that name the process and its threads. A worker is
a thread. Nanoseconds are kept as three decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["trace_events"]

_PROCESS = 1


def trace_events(profile: pa.Table, name: str) -> dict[str, Any]:
    """Return the last run of a profile as trace events, to be written as JSON.

    Parameters
    ----------
    profile : pyarrow.Table
        What `Runner.profile` returned.
    name : str
        The plan's, to call the process by.

    Returns
    -------
    dict
        ``traceEvents`` and ``displayTimeUnit``. Before any run there are no complete events.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> runner = df.Runner(df.compile(b.build({"y": df.exp(b.input("x", ()))})), profile=True)
    >>> _ = runner.run(x=0.0)
    >>> [event["ph"] for event in trace_events(runner.profile(), "exp")["traceEvents"]]
    ['M', 'M', 'X']
    """
    rows: list[dict[str, Any]] = profile.to_pylist()
    events = [_metadata("process_name", name, 0)]
    events += [
        _metadata("thread_name", f"worker {worker}", worker)
        for worker in sorted({row["worker"] for row in rows})
    ]
    events += [_event(row) for row in rows if row["began"] is not None]
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def _metadata(what: str, name: str, worker: int) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": worker, "args": {"name": name}}


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    args = {name: row[name] for name in ("op", "source", "step", "slice", "sweep", "flops",
                                         "bytes")}  # fmt: skip
    return {
        "name": row["node"], "cat": row["op"], "ph": "X", "ts": row["began"] / 1e3,
        "dur": (row["ended"] - row["began"]) / 1e3, "pid": _PROCESS, "tid": row["worker"],
        "args": {key: value for key, value in args.items() if value is not None},
    }  # fmt: skip
