"""Better orders, window by window: the best order of a few items about the fullest step.

What runs before a window and what runs after it stays as it is, so the bytes at its two ends are
the same in any order of it. Where the best order of the window about the peak doesn't lower it,
the search is over, but for a small program, which is one window in the end.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from scheduler.best_order import best_order
from scheduler.states import Steps

if TYPE_CHECKING:
    from scheduler.liveness import Liveness

__all__ = ["improved"]

_SEARCHED_WHOLE, _STATES_WHOLE = 64, 1000
"""A program of up to as many items that make something is one window; among as many states."""

_WINDOW, _STATES, _MOST_WINDOWS = 16, 400, 24
"""Items that make something in a window, states that are looked at in each, and windows in all."""


def improved(graph: Liveness, order: Sequence[int], needs: Sequence[Sequence[int]]) -> list[int]:
    """Return an order of a peak no higher, where `needs` are the items that must run before each.

    It is the best order of all if the program is small enough to find it.
    """
    order, least = list(order), graph.least()
    for _ in range(_MOST_WINDOWS):
        if graph.peak(order) <= least or not _lower_peak(graph, order, needs):
            break
    if sum(map(bool, graph.makes)) > _SEARCHED_WHOLE or graph.peak(order) <= least:
        return order
    return _best(graph, order, slice(0, len(order)), needs, _STATES_WHOLE) or order


def _lower_peak(graph: Liveness, order: list[int], needs: Sequence[Sequence[int]]) -> bool:
    """Reorder a window about the fullest step, if that lowers what lives in it; say whether."""
    levels = graph.levels(order)
    fullest = levels.index(max(levels))
    making = [place for place, index in enumerate(order) if graph.makes[index]]
    at = bisect(making, fullest)
    for before in (_WINDOW // 2, _WINDOW - 1, 0):
        start = max(0, min(at - before, len(making) - _WINDOW))
        window = slice(making[start], [*making, len(order)][min(start + _WINDOW, len(making))])
        found = _best(graph, order, window, needs, _STATES)
        if found is not None:
            order[window] = found
            return True
    return False


def _best(
    graph: Liveness, order: Sequence[int], window: slice, needs: Sequence[Sequence[int]],
    most_states: int,
) -> list[int] | None:  # fmt: skip
    """Return the items of a window in their best order, if it lets fewer bytes live than theirs."""
    before, items = order[: window.start], order[window]
    there = {root for index in before for root in graph.makes[index]}
    read = Counter(root for index in before for root in graph.reads[index])
    makes = [[root for root in graph.makes[index] if root not in there] for index in items]
    values = {root: number for number, root in enumerate(dict.fromkeys(
        root for index, made in zip(items, makes, strict=True)
        for root in (*made, *graph.reads[index], *graph.takes[index])))}  # fmt: skip
    place = {index: number for number, index in enumerate(items)}
    changes = graph.changes(order[: window.stop])
    live = accumulate((growth for _, growth in changes[window]), initial=0)
    steps = Steps(
        makes=[[values[root] for root in made] for made in makes],
        scratch=[graph.scratch[index] for index in items],
        reads=[[values[root] for root in graph.reads[index]] for index in items],
        takes=[[values[root] for root in graph.takes[index]] for index in items],
        nbytes=[graph.nbytes[root] for root in values],
        uses=[graph.uses[root] - read[root] for root in values],
        needs=[[place[other] for other in needs[index] if other in place] for index in items],
    )
    below = max([now + rise for now, (rise, _) in zip(live, changes[window], strict=False)])
    found = best_order(steps, below=below, most_states=most_states)
    return None if found is None else [items[number] for number in found]
