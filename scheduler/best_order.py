"""The best order of a small program: a search over what is done, by the peak that led there.

A state is the set of items that have run; what lives then is known from it. States are taken by the
least peak on the way to them, so the first complete one has the least peak of all. An item that
raises nothing, and leaves no more alive than before, is taken at once: no order is worse for it.
The number of states is counted, and a program that has too many keeps the order of a list schedule.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

__all__ = ["best_order"]


def best_order(  # noqa: PLR0913 - the facts of a program, by item and by value
    makes: Sequence[Sequence[int]], scratch: Sequence[int], reads: Sequence[Sequence[int]],
    takes: Sequence[Sequence[int]], nbytes: Sequence[int], uses: Sequence[int],
    needs: Sequence[Sequence[int]], *, below: int, most_states: int,
) -> list[int] | None:  # fmt: skip
    """Return an order of the least peak, if one is found that is lower than a given one.

    Parameters
    ----------
    makes : sequence of sequence of int
        The values in whose memory each item's results lie; memory that several items fill is there
        from the first of them on.
    scratch : sequence of int
        The bytes that an item needs beside them while it runs.
    reads : sequence of sequence of int
        The values that each item reads, each once.
    takes : sequence of sequence of int
        Of these, the ones whose memory its result takes over if they die.
    nbytes, uses : sequence of int
        Of each value: its bytes, and how many items and ends read it.
    needs : sequence of sequence of int
        The items that must run before each.
    below : int
        The peak to be beaten.
    most_states : int
        How many states may be looked at.

    Returns
    -------
    list of int or None
        None if no order has a lower peak, or too many states would have to be looked at.
    """
    return _Search(makes, scratch, reads, takes, nbytes, uses, needs).run(below, most_states)


class _Search:
    def __init__(
        self, makes: Sequence[Sequence[int]], scratch: Sequence[int],
        reads: Sequence[Sequence[int]],
        takes: Sequence[Sequence[int]], nbytes: Sequence[int], uses: Sequence[int],
        needs: Sequence[Sequence[int]],
    ) -> None:  # fmt: skip
        self.makes, self.scratch, self.reads, self.nbytes = makes, scratch, reads, nbytes
        self.takes = takes
        self.needs = [sum(1 << other for other in set(before)) for before in needs]
        self.makers = [0] * len(nbytes)  # as bits
        for item, values in enumerate(makes):
            for value in values:
                self.makers[value] |= 1 << item
        self.readers = [0] * len(nbytes)  # as bits
        counts = [0] * len(nbytes)
        for item, values in enumerate(reads):
            for value in values:
                self.readers[value] |= 1 << item
                counts[value] += 1
        self.ends = [uses[value] > count for value, count in enumerate(counts)]

    def run(self, below: int, most_states: int) -> list[int] | None:
        """Take state after state, the one of the least peak first."""
        full = (1 << len(self.makes)) - 1
        # (peak, bytes alive, done, order as linked pairs)
        heap: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)]
        paths: list[tuple[int, tuple[int, ...]]] = [(-1, ())]
        seen: set[int] = set()
        while heap:
            peak, live, number, done = heapq.heappop(heap)
            if done in seen:
                continue
            seen.add(done)
            if len(seen) > most_states:
                return None
            done, live, taken = self._settled(done, live, peak)
            paths.append((number, taken))
            here = len(paths) - 1
            if done == full:
                return _unwound(paths, here)
            for item in self._ready(done):
                new_peak = max(peak, live + self._during(item, done))
                if new_peak < below:
                    after = live + self._growth(item, done)
                    paths.append((here, (item,)))
                    heapq.heappush(heap, (new_peak, after, len(paths) - 1, done | 1 << item))
        return None

    def _ready(self, done: int) -> list[int]:
        return [item for item, needs in enumerate(self.needs)
                if not done >> item & 1 and needs & ~done == 0]  # fmt: skip

    def _dies(self, value: int, after: int) -> bool:
        return not self.ends[value] and self.readers[value] & ~after == 0

    def _during(self, item: int, done: int) -> int:
        """Return how much more lives while an item runs than before."""
        after = done | 1 << item
        taken = any(self._dies(value, after) for value in self.takes[item])
        return self.scratch[item] + (0 if taken else self._made(item, done))

    def _growth(self, item: int, done: int) -> int:
        """Return by how much more lives after an item than before it."""
        after = done | 1 << item
        freed = sum(self.nbytes[value] for value in self.reads[item] if self._dies(value, after))
        return self._made(item, done) - freed

    def _made(self, item: int, done: int) -> int:
        return sum(self.nbytes[v] for v in self.makes[item] if not self.makers[v] & done)

    def _settled(self, done: int, live: int, peak: int) -> tuple[int, int, tuple[int, ...]]:
        """Take the items that raise nothing and leave no more alive, one after the other."""
        taken: list[int] = []
        while True:
            for item in self._ready(done):
                growth = self._growth(item, done)
                if growth <= 0 and live + self._during(item, done) <= peak:
                    done, live = done | 1 << item, live + growth
                    taken.append(item)
                    break
            else:
                return done, live, tuple(taken)


def _unwound(paths: Sequence[tuple[int, tuple[int, ...]]], last: int) -> list[int]:
    parts: list[tuple[int, ...]] = []
    while last >= 0:
        last, taken = paths[last]
        parts.append(taken)
    return [item for part in reversed(parts) for item in part]
