"""Why a tile group ends where it does: the node that needs something of all slices at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.plan import Plan

__all__ = ["ended_by"]


def ended_by(plan: Plan, number: int) -> str:
    """Return the node that ends a tile group; empty where nothing does, and all is done in it.

    Parameters
    ----------
    plan : Plan
        Any plan.
    number : int
        Index into ``plan.groups``.

    Returns
    -------
    str
        A node after the group that reads all rows of what the group filled slice by slice; or one
        in it that adds up over the slices what a later group needs.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", (65536, 8))
    >>> y = df.sin(x) * df.cos(x) + df.exp(x)
    >>> z = y - y.mean(axis=0)
    >>> plan = df.compile(b.build({"variance": (z * z).mean(axis=0)}))
    >>> ended_by(plan, 0)
    'mean_0'
    """
    group = plan.groups[number]
    rows: set[int] = set()
    totals: dict[int, str] = {}  # and what is made of them, with the node that added up
    for step in plan.steps[group.first : group.end]:
        rows.update(o.buffer for o in step.outputs if o.advances)
        if step.when == "first":
            totals.update((o.buffer, step.node) for o in step.outputs)
    for step in plan.steps[group.end :]:
        if any(o.buffer in rows and o.tile_axis < 0 for o in step.inputs):
            return step.node
        causes = [totals[o.buffer] for o in step.inputs if o.buffer in totals]
        if causes and step.group > number:
            return causes[0]
        if causes:
            totals.update((o.buffer, causes[0]) for o in step.outputs)
    return ""
