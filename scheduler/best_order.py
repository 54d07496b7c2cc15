"""The best order of a few steps: a search over what is done, by the peak that led there.

States are taken by the least peak on the way to them, so the first complete one has the least peak
of all. The number of states is counted, and steps that have too many keep the order they came in.
"""

from __future__ import annotations

import heapq

from scheduler.states import States, Steps

__all__ = ["best_order"]


def best_order(steps: Steps, *, below: int, most_states: int) -> list[int] | None:
    """Return the order of the least peak, if one is found that is lower than `below`.

    It is None if no order has a lower peak, or if more than `most_states` states would have to be
    looked at.
    """
    states = States(steps)
    start = states.first(0)
    heap = [(start.peak, start.live, 0, start)]
    seen: set[int] = set()
    found = 1
    while heap:
        *_, state = heapq.heappop(heap)
        if state.done == states.all_done:
            return state.order()
        if state.done in seen:
            continue
        seen.add(state.done)
        if len(seen) > most_states:
            return None
        for later in states.after(state, below - 1, keep_peak=True):
            heapq.heappush(heap, (later.peak, later.live, found, later))
            found += 1
    return None
