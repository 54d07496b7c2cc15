"""The binomial schedule: reverses a sequence of steps from few kept states, with least work.

To pull a cotangent back through a step needs the state before it, and the steps come last first.
Few states are kept, in *slots*; the others are computed again from the nearest one before. For 5
steps and 1 slot beside the first state:

    state    0   1   2   3   4
             o───────────x              from 0 to 2, keep
                         x───────►4     from 2 to 4, pull back step 4
                         x───►3         from 2 to 3, pull back step 3, then step 2
             o───►1                     from 0 to 1, pull back step 1, then step 0

Where the interval is split follows Griewank and Walther, "Algorithm 799: Revolve" (ACM TOMS 26,
2000): with s states kept, the first among them, a schedule in which no step is run more than r
times can reverse ``binomial(s + r, s)`` steps, and none does it with fewer runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple

__all__ = ["Move", "moves", "runs_again"]


class Move(NamedTuple):
    """One part of a schedule: from a kept state, so many steps forward.

    Parameters
    ----------
    source : int
        The slot to start from; 0 is the first state.
    steps : int
        How many steps are run.
    target : int
        The slot that keeps the state reached; 0 where the step after it is pulled back instead.
    """

    source: int
    steps: int
    target: int = 0


def moves(steps: int, slots: int) -> Iterator[Move]:
    """Yield the parts of the schedule that reverses some steps.

    Parameters
    ----------
    steps : int
        How many; none where it is negative.
    slots : int
        How many states can be kept beside the first one.

    Examples
    --------
    >>> [tuple(move) for move in moves(3, 1)]
    [(0, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 0)]
    """
    free = list(range(slots, 0, -1))
    waiting = [(0, steps, 0)] if steps > 0 else []  # intervals, and where their first state is
    while waiting:
        first, end, slot = waiting.pop()
        if end - first > 1 and free:
            middle = first + _split(end - first, len(free) + 1)
            target = free.pop()
            yield Move(slot, middle - first, target)
            waiting += [(first, middle, slot), (middle, end, target)]
            continue
        for state in range(end - 1, first - 1, -1):
            yield Move(slot, state - first)
        if slot:
            free.append(slot)


def runs_again(steps: int, slots: int) -> int:
    """Return how many steps a schedule runs, those that are pulled back not counted.

    Examples
    --------
    >>> runs_again(5, 1), runs_again(1000, 32), runs_again(1000, 1000)
    (6, 2370, 999)
    """
    if steps <= 0:
        return 0
    kept = slots + 1
    times = _times(steps, kept)
    return times * steps - comb(kept + times, kept + 1)


def _times(steps: int, kept: int) -> int:
    """Return how often one step must be run: the least r with binomial(s + r, s) steps or more."""
    times, most = 0, 1
    while most < steps:
        times += 1
        most = most * (kept + times) // times
    return times


def _split(steps: int, kept: int) -> int:
    """Return how many steps are run before the next state is kept; at least two are kept."""
    times = _times(steps, kept)
    least = comb(kept + times - 2, kept) if times > 1 else 1
    return max(least, steps - comb(kept - 1 + times, kept - 1), 1)
