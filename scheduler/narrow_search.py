"""A lower peak for a larger program: a search that keeps a few states of each length.

    steps done      states, by what lives                          kept
    7               a 40, b 52, c 60, d 61, e 75                   a b c d
    8               from those, each by one step that is ready     four of them

No state in which more lives than a limit is looked at. The limit is halved towards the least that
any order needs, as long as an order is found. The steps looked at are counted.
"""

from __future__ import annotations

from heapq import nsmallest
from operator import attrgetter

from scheduler.states import State, States, Steps

__all__ = ["narrow_search"]

_WIDTH = 8
"""States kept of each number of steps done."""

_MOST = 20_000
"""Next states that are looked at for one limit."""

_NEAR = 0.02
"""A peak that is so near to what can't be reached, as a share of it, is near enough."""


def narrow_search(steps: Steps, *, least: int, below: int) -> list[int] | None:
    """Return an order of a peak lower than `below`, or None if none is found.

    No order has a peak lower than `least`.
    """
    states, best = States(steps), None
    while below - least > _NEAR * below:
        limit = (least + below) // 2
        found = _within(states, limit)
        if found is None:
            least = limit
        else:
            best, below = found, found.peak
    return None if best is None else best.order()


def _within(states: States, limit: int) -> State | None:
    """Return a state in which all is done, and never more than a limit was alive."""
    start, looked_at = states.first(limit), 0
    rows = {start.done.bit_count(): {start.done: start}}
    while rows:
        row = rows.pop(min(rows))
        if states.all_done in row:
            return row[states.all_done]
        for state in nsmallest(_WIDTH, row.values(), key=attrgetter("live", "peak")):
            for later in states.after(state, limit, keep_peak=False):
                known = rows.setdefault(later.done.bit_count(), {})
                if later.done not in known or later.peak < known[later.done].peak:
                    known[later.done] = later
            looked_at += state.ready.bit_count()
        if looked_at > _MOST:
            return None
    return None
