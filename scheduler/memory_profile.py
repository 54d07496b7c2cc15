"""A plan's memory over its steps, as an Arrow table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from dataflow.errors import PlanError
from scheduler.live_bytes import live_bytes
from scheduler.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["memory_profile"]

_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("step", pa.int64()), ("node", pa.string()), ("op", pa.string()), ("sweep", pa.string()),
    ("source", pa.string()), ("tile_group", pa.int64()), ("live_bytes", pa.int64()),
    ("born", pa.list_(pa.int64())), ("dead", pa.list_(pa.int64())),
)  # fmt: skip


def memory_profile(plan: Plan) -> pa.Table:
    """Return what lives at each step of a plan.

    Parameters
    ----------
    plan : Plan
        Any plan.

    Returns
    -------
    pyarrow.Table
        A row for each step: ``step``, ``node``, ``op``, ``sweep``, ``source`` (the user's line),
        ``tile_group`` (null outside of any), ``live_bytes`` (of temporaries, padded: the most is
        the plan's lower bound), and the buffers that are ``born`` at it and ``dead`` since it.

    Raises
    ------
    PlanError
        It is no plan.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", (100,))
    >>> y = df.sin(x)
    >>> table = df.memory_profile(df.compile(b.build({"y": y * df.cos(y)})))
    >>> table.column("live_bytes").to_pylist(), table.column("op").to_pylist()
    ([448, 896, 896], ['sin', 'cos', 'multiply'])
    """
    if not isinstance(plan, Plan):
        msg = f"memory_profile takes a plan, not {type(plan).__name__}: compile the graph first"
        raise PlanError(msg)
    memory, steps = live_bytes(plan), plan.steps
    columns: list[Iterable[object]] = [
        range(len(steps)), [s.node for s in steps], [s.op for s in steps],
        [s.sweep for s in steps], [s.source for s in steps],
        [None if s.group < 0 else s.group for s in steps], [m.live for m in memory],
        [list(m.born) for m in memory], [list(m.dead) for m in memory],
    ]  # fmt: skip
    return pa.table({
        name: pa.array(list(column), dtype)
        for column, (name, dtype) in zip(columns, _FIELDS, strict=True)
    })  # fmt: skip
