"""The order of the steps, chosen to lower the peak of live bytes; the same in every process.

Five orders are tried: the order of declaration; the same with updates where what they wait for is
there, so that no gradient waits for the others; the order that would be best if each item were read
by one other (`scheduler.tree_order`), and the one that would be best if what several read were
there all the time; and a greedy one that always takes the ready item that leaves the fewest bytes
alive:

    growth of an item = bytes of its results - bytes of the operands that it reads last

The best of them is improved by search (`scheduler.narrow_search`, `scheduler.windows`); of a small
program, that finds the best order there is. Fallible items come before the first commit, whichever
the order.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduler.liveness import Liveness
from scheduler.narrow_search import narrow_search
from scheduler.states import Steps
from scheduler.tree_order import tree_order
from scheduler.windows import improved

if TYPE_CHECKING:
    from scheduler.program import Program

__all__ = ["candidate_orders", "live_peak", "order_items"]

_MOST_IMPROVED = 500
"""Items that make something; of a larger program the best of the five orders has to do."""


def order_items(program: Program) -> list[int]:
    """Return the items' indices in the order in which they are to run."""
    return candidate_orders(program)[0]


def candidate_orders(program: Program, *, joins: bool = False) -> list[list[int]]:
    """Return the best order that is found, the one that it was made of, and the declared one.

    The bytes are counted without making a plan, which is quick and nearly right. With `joins`,
    parts of concatenations count as lying in the whole from the first one on.
    """
    graph = Liveness(program, joins=joins)
    declared = _declared(graph)
    orders = [declared, _ListScheduler(graph, None).run()]
    if any(item.sweep == "update" for item in program.items):  # else it is the declared one again
        orders.insert(1, _ListScheduler(graph, _prompt_keys(graph, declared)).run())
    orders += [
        _ListScheduler(graph, _tree_keys(graph, declared, free)).run()
        for free in dict.fromkeys([frozenset[int](), _shared(graph)])
    ]
    orders = [min(orders, key=graph.peak), declared]  # the first of equals
    if sum(map(bool, graph.makes)) <= _MOST_IMPROVED:
        orders.insert(0, _improved(graph, orders[0]))
    return list(map(list, dict.fromkeys(map(tuple, orders))))


def _declared(graph: Liveness) -> list[int]:
    """Return the order of declaration, but for what must wait beyond what values ask for."""
    program = graph.program
    if not program.after and not program.commits:
        return list(range(len(program.items)))
    return _ListScheduler(graph, [0] * len(program.items)).run()


def live_peak(program: Program, order: Sequence[int]) -> int:
    """Return the most bytes of temporaries that live at once in this order."""
    return Liveness(program, joins=False).peak(order)


def _improved(graph: Liveness, order: list[int]) -> list[int]:
    """Return a better order, if the searches find one."""
    needs = _needs(graph)
    working = [index for index in order if graph.program.items[index].op.alias is None]
    found = narrow_search(_steps(graph, order, working, needs), least=graph.least(),
                          below=graph.peak(order))  # fmt: skip
    if found is not None:
        keys = _places([working[number] for number in found], len(order))
        order = _ListScheduler(graph, _inherited(graph, order, keys)).run()
    return improved(graph, order, needs)


def _steps(
    graph: Liveness, order: Sequence[int], working: Sequence[int], needs: Sequence[Sequence[int]]
) -> Steps:
    """Return the facts of the working items: what waits for a view waits for what it shows."""
    place = {index: number for number, index in enumerate(working)}
    sources: list[set[int]] = [set() for _ in order]
    uses = list(graph.uses)
    for index in order:
        sources[index] = {place[index]} if index in place else _all(sources, needs[index])
        if index not in place:
            for root in graph.reads[index]:
                uses[root] -= 1
    return Steps(
        makes=[graph.makes[index] for index in working],
        scratch=[graph.scratch[index] for index in working],
        reads=[graph.reads[index] for index in working],
        takes=[graph.takes[index] for index in working],
        nbytes=graph.nbytes,
        uses=uses,
        needs=[[*_all(sources, needs[index])] for index in working],
    )


def _all(sets: Sequence[set[int]], numbers: Sequence[int]) -> set[int]:
    return set[int]().union(*[sets[number] for number in numbers])


def _needs(graph: Liveness) -> list[list[int]]:
    """Return for every item those that must run before it."""
    program = graph.program
    needs: list[list[int]] = [[] for _ in program.items]
    for index, later in enumerate(graph.followers):
        for follower in later:
            needs[follower].append(index)
    fallible = [i for i, item in enumerate(program.items) if item.op.fallible]
    for index, item in enumerate(program.items):
        if not program.commits.keys().isdisjoint(item.outputs):
            needs[index] += [other for other in fallible if other != index]
    return needs


def _shared(graph: Liveness) -> frozenset[int]:
    """Return the memory that several items read, views aside."""
    return frozenset(
        root
        for root, readers in enumerate(graph.readers)
        if sum(bool(graph.makes[index]) for index in readers) > 1
    )


def _tree_keys(graph: Liveness, order: Sequence[int], free: frozenset[int]) -> list[int]:
    """Return keys that give the best order of the tree in which the first to read an item waits.

    Of what several read, the first to do so in a given order waits, and the last frees it. What is
    `free` is as if it were there all the time: nobody waits for it, and its bytes don't count; it
    is made when the first that reads it is due.
    """
    place = _places(order, len(order))
    first = [-1 if not free.isdisjoint(graph.makes[index]) else
             min((place[follower] for follower in graph.followers[index]), default=-1)
             for index in order]  # fmt: skip
    rises, growths = zip(*graph.changes(order, free), strict=True) if order else ((), ())
    best = [order[number] for number in tree_order(rises, growths, first)]
    keys = _places(best, len(order))
    return _inherited(graph, order, keys) if free else keys


def _inherited(graph: Liveness, order: Sequence[int], keys: Sequence[int]) -> list[int]:
    """Return keys by which what an item waits for comes where the item itself would come."""
    earliest = list(keys)
    for index in reversed(order):
        earliest[index] = min([earliest[i] for i in graph.followers[index]] + [earliest[index]])
    inherited = sorted(order, key=lambda index: (earliest[index], keys[index]))
    return _places(inherited, len(order))


def _places(order: Sequence[int], count: int) -> list[int]:
    """Return the place of each of so many items; those that aren't in the order come last."""
    places = [count] * count
    for place, index in enumerate(order):
        places[index] = place
    return places


class _ListScheduler:
    """Takes the ready item of the smallest key until none is left; without keys, of least growth.

    Of equals it takes the one declared first.
    """

    def __init__(self, graph: Liveness, keys: Sequence[int] | None) -> None:
        program = graph.program
        self.graph = graph
        self.keys = keys
        self.missing = list(graph.waits)
        self.left = list(graph.uses)
        self.fallible = {i for i, item in enumerate(program.items) if item.op.fallible}
        self.commits = {i for i, item in enumerate(program.items)
                        if not program.commits.keys().isdisjoint(item.outputs)}  # fmt: skip
        self.waiting: list[int] = []  # commits that wait for the last fallible item
        self.ready: list[tuple[int, int]] = []  # (key, item), a heap; growth may be out of date
        self.done = [False] * len(program.items)
        self.there: set[int] = set()

    def run(self) -> list[int]:
        """Return the order."""
        for index, count in enumerate(self.missing):
            if not count:
                self._offer(index)
        order: list[int] = []
        while self.ready:
            grown, index = heapq.heappop(self.ready)
            if self.done[index]:
                continue
            if self._growth(index) < grown:  # it has become better since it was offered
                self._offer(index)
                continue
            self._take(index)
            order.append(index)
        return order

    def _growth(self, index: int) -> int:
        if self.keys is not None:
            return self.keys[index]
        graph, left = self.graph, self.left
        freed = sum([graph.nbytes[root] for root in graph.reads[index] if left[root] == 1])
        return graph.made(index, self.there) - freed

    def _offer(self, index: int) -> None:
        if self.fallible and index in self.commits:
            self.waiting.append(index)
        else:
            heapq.heappush(self.ready, (self._growth(index), index))

    def _take(self, index: int) -> None:
        self.done[index] = True
        for root in self.graph.makes[index]:
            if self.graph.has_parts and root not in self.there:
                self.there.add(root)
                self._offer_again(self.graph.makers[root])
        for root in self.graph.reads[index]:
            self.left[root] -= 1
            if self.keys is None and self.left[root] == 1:
                self._offer_again(self.graph.readers[root])
        for follower in self.graph.followers[index]:
            self.missing[follower] -= 1
            if not self.missing[follower]:
                self._offer(follower)
        if index in self.fallible:
            self.fallible.discard(index)
            if not self.fallible:
                for waiting in self.waiting:
                    self._offer(waiting)

    def _offer_again(self, items: Sequence[int]) -> None:
        """Offer items again that free a value now, or lie in memory that is there now."""
        for index in items:
            if self.keys is None and not self.done[index] and not self.missing[index]:
                self._offer(index)


def _prompt_keys(graph: Liveness, order: Sequence[int]) -> list[int]:
    """Return keys that keep an order, but let updates follow what they wait for.

    An update's item has the place of the last item of the sweeps that it waits for; one that waits
    for none, or for earlier ones than those after it do, is put off until the first of these:

        gradient (7) ------> add (7) --> commit (7)
        first * beta (7) ---/            it waits for nothing, and would lie about from the start
    """
    items, followers = graph.program.items, graph.followers
    keys = [0] * len(order)
    for place, index in enumerate(order):
        if items[index].sweep != "update":
            keys[index] = place
        for follower in followers[index]:
            keys[follower] = max(keys[follower], keys[index])
    for index in reversed(order):
        if items[index].sweep == "update" and followers[index]:
            keys[index] = max(keys[index], min(keys[follower] for follower in followers[index]))
    return keys
