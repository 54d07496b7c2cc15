"""The order of the steps, chosen to lower the peak of live bytes; the same in every process.

Three orders are tried, and the one with the lowest peak is kept: the order of declaration; the same
with updates where what they wait for is there, so that no gradient waits for the others; and a
greedy one that always takes the ready item that leaves the fewest bytes alive:

    growth of an item = bytes of its results - bytes of the operands that it reads last

Of a small program the best order is found by search (`scheduler.best_order`).

Views have no bytes of their own; a result that can take over a dying operand's memory costs
nothing. Fallible items come before the first commit, whichever the order.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from scheduler.best_order import best_order
from scheduler.joins import block_roots
from scheduler.lending import surely_lent
from scheduler.live_memory import as_view
from scheduler.plan import Operand, arena_specs, padded

if TYPE_CHECKING:
    from scheduler.program import Item, Program

__all__ = ["candidate_orders", "live_peak", "order_items"]

_MOST_SEARCHED, _MOST_STATES = 64, 2000
"""Programs of up to as many items are searched for the best order, among as many states."""


def order_items(program: Program) -> list[int]:
    """Return the items' indices in the order in which they are to run."""
    return candidate_orders(program)[0]


def candidate_orders(program: Program, *, joins: bool = False) -> list[list[int]]:
    """Return the orders that are worth a look, the one of the lowest peak first, each once.

    With `joins`, parts of concatenations count as lying in the whole from the first one on.
    """
    graph = _Liveness(program, joins=joins)
    declared = _ListScheduler(graph, [0] * len(program.items)).run()
    orders = [declared, _ListScheduler(graph, None).run()]
    if any(item.sweep == "update" for item in program.items):  # else it is the declared one again
        orders.insert(1, _ListScheduler(graph, _prompt_keys(program, declared)).run())
    peaks = [_peak(graph, order) for order in orders]
    found = _searched(graph, min(peaks))
    if found is not None:
        orders, peaks = [found, *orders], [_peak(graph, found), *peaks]
    ranked = sorted(range(len(orders)), key=lambda index: peaks[index])  # the first of equals
    return list(map(list, dict.fromkeys(tuple(orders[index]) for index in ranked)))


def _searched(graph: _Liveness, below: int) -> list[int] | None:
    """Return the best order, if the program is small enough to find it and it is better."""
    program = graph.program
    if len(program.items) > _MOST_SEARCHED:
        return None
    needs: list[list[int]] = [[] for _ in program.items]
    followers, _ = _dependencies(program)
    for index, later in enumerate(followers):
        for follower in later:
            needs[follower].append(index)
    fallible = [i for i, item in enumerate(program.items) if item.op.fallible]
    for index, item in enumerate(program.items):
        if not program.commits.keys().isdisjoint(item.outputs):
            needs[index] += [other for other in fallible if other != index]
    return best_order(graph.makes, graph.scratch, graph.reads, graph.takes, graph.nbytes,
                      graph.uses, needs, below=below, most_states=_MOST_STATES)  # fmt: skip


def live_peak(program: Program, order: Sequence[int]) -> int:
    """Return the most bytes of temporaries that live at once in this order."""
    return _peak(_Liveness(program, joins=False), order)


def _peak(graph: _Liveness, order: Sequence[int]) -> int:
    left, live, peak, there = list(graph.uses), 0, 0, set[int]()
    for index in order:
        taken = any(left[root] == 1 for root in graph.takes[index])
        made = graph.made(index, there)
        peak = max(peak, live + graph.scratch[index] + (0 if taken else made))
        live += made
        there.update(graph.makes[index])
        for root in graph.reads[index]:
            left[root] -= 1
            if not left[root]:
                live -= graph.nbytes[root]
    return peak


class _Liveness:
    """Which memory each item reads and makes, by the values whose memory it is."""

    def __init__(self, program: Program, *, joins: bool) -> None:
        self.program = program
        self.roots = roots = block_roots(program, joins=joins)
        kept = {*program.inputs.values(), *program.variables.values(), *program.constants}
        kept |= surely_lent(program)
        kept.update(program.commits)  # lies in a variable's memory
        self.nbytes = [
            0 if value in kept or roots[value] != value else padded(spec.nbytes)
            for value, spec in enumerate(program.specs)
        ]
        self.reads = [
            tuple(dict.fromkeys(roots[value] for value in item.inputs)) for item in program.items
        ]
        self.in_rows = _in_rows(program)
        self.takes = [self._may_take(item) for item in program.items]
        self.uses = [0] * len(program.specs)
        for reads in self.reads:
            for root in reads:
                self.uses[root] += 1
        for value in program.outputs.values():
            self.uses[roots[value]] += 1  # stays to the end
        self.makes = [
            tuple(dict.fromkeys(r for r in map(roots.__getitem__, item.outputs) if self.uses[r]))
            for item in program.items
        ]
        self.scratch = [
            _scratch(program, item) + sum(self.nbytes[v] for v in item.outputs if not self.uses[v])
            for item in program.items
        ]  # what nothing reads is there for this item only
        self.readers: list[list[int]] = [[] for _ in program.specs]
        for index, reads in enumerate(self.reads):
            for root in reads:
                self.readers[root].append(index)
        self.makers: list[list[int]] = [[] for _ in program.specs]
        for index, made in enumerate(self.makes):
            for root in made:
                self.makers[root].append(index)

    def made(self, index: int, there: Collection[int]) -> int:
        """Return the bytes that an item adds and leaves, beside the memory that is there."""
        return sum([self.nbytes[root] for root in self.makes[index] if root not in there])

    def _may_take(self, item: Item) -> tuple[int, ...]:
        """Return the operands whose memory an item's one result may take over if they die."""
        own = len(item.outputs) == 1 and self.roots[item.outputs[0]] == item.outputs[0]
        if not own or not self.nbytes[item.outputs[0]]:
            return ()
        spec = self.program.specs[item.outputs[0]]
        offered = [item.inputs[slot] for slot in item.op.inplace]
        return tuple(dict.fromkeys(
            self.roots[value] for value in offered
            if self.program.specs[value] == spec and value in self.in_rows
            and self.nbytes[self.roots[value]]
        ))  # fmt: skip


def _in_rows(program: Program) -> set[int]:
    """Return the values that lie row by row, views of larger ones too."""
    lying = {value: Operand.row_by_row(value, spec) for value, spec in enumerate(program.specs)}
    for item in program.items:
        if item.op.alias is not None:
            (value,) = item.outputs
            source, spec = lying[item.inputs[item.op.alias.slot]], program.specs[value]
            view = as_view(source, item.op.alias, spec, item.attrs)
            lying[value] = lying[value] if view is None else view
    return {value for value, operand in lying.items()
            if operand.strides == Operand.row_by_row(value, operand.spec).strides}  # fmt: skip


def _scratch(program: Program, item: Item) -> int:
    """Return the bytes that an item needs beside its operands while it runs."""
    specs = tuple(program.specs[value] for value in item.inputs)
    needed = (*item.op.workspace(specs, item.attrs).scratch, *arena_specs(item.attrs))
    return sum(padded(spec.nbytes) for spec in needed)


class _ListScheduler:
    """Takes the ready item of the smallest key until none is left; without keys, of least growth.

    Of equals it takes the one declared first.
    """

    def __init__(self, graph: _Liveness, keys: Sequence[int] | None) -> None:
        program = graph.program
        self.graph = graph
        self.keys = keys
        self.followers, self.missing = _dependencies(program)
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
            if root not in self.there:
                self.there.add(root)
                self._offer_again(self.graph.makers[root])
        for root in self.graph.reads[index]:
            self.left[root] -= 1
            if self.keys is None and self.left[root] == 1:
                self._offer_again(self.graph.readers[root])
        for follower in self.followers[index]:
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


def _prompt_keys(program: Program, order: Sequence[int]) -> list[int]:
    """Return keys that keep an order, but let updates follow what they wait for.

    An update's item has the place of the last item of the sweeps that it waits for; one that waits
    for none, or for earlier ones than those after it do, is put off until the first of these:

        gradient (7) ------> add (7) --> commit (7)
        first * beta (7) ---/            it waits for nothing, and would lie about from the start
    """
    followers, _ = _dependencies(program)
    keys = [0] * len(order)
    for place, index in enumerate(order):
        if program.items[index].sweep != "update":
            keys[index] = place
        for follower in followers[index]:
            keys[follower] = max(keys[follower], keys[index])
    for index in reversed(order):
        if program.items[index].sweep == "update" and followers[index]:
            keys[index] = max(keys[index], min(keys[follower] for follower in followers[index]))
    return keys


def _dependencies(program: Program) -> tuple[list[list[int]], list[int]]:
    """Return for every item those that wait for it, and how many it waits for."""
    makers = program.makers()
    followers: list[list[int]] = [[] for _ in program.items]
    missing = [0] * len(program.items)
    for index, item in enumerate(program.items):
        for maker in dict.fromkeys(makers[v] for v in item.inputs if v in makers):
            followers[maker].append(index)
            missing[index] += 1
    for earlier, later in dict.fromkeys(program.after):
        followers[earlier].append(later)
        missing[later] += 1
    return followers, missing
