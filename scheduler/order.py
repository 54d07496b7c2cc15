"""The order of the steps, chosen to lower the peak of live bytes; the same in every process.

Two orders are tried, and the one with the lower peak is kept: the order of declaration, and a
greedy one that always takes the ready item that leaves the fewest bytes alive:

    growth of an item = bytes of its results - bytes of the operands that it reads last

Views have no bytes of their own; a result that can take over a dying operand's memory costs
nothing. Fallible items come before the first commit, whichever the order.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from scheduler.program import Program, alias_roots

__all__ = ["live_peak", "order_items"]


def order_items(program: Program) -> list[int]:
    """Return the items' indices in the order in which they are to run."""
    graph = _Liveness(program)
    orders = [_scheduled(graph, greedy=False), _scheduled(graph, greedy=True)]
    return min(orders, key=lambda order: _peak(graph, order))  # the first of equals


def live_peak(program: Program, order: Sequence[int]) -> int:
    """Return the most bytes of temporaries that live at once in this order, in-place ignored."""
    return _peak(_Liveness(program), order)


def _peak(graph: _Liveness, order: Sequence[int]) -> int:
    left, live, peak = list(graph.uses), 0, 0
    for index in order:
        live += graph.made[index]
        peak = max(peak, live)
        for root in graph.reads[index]:
            left[root] -= 1
            if not left[root]:
                live -= graph.nbytes[root]
    return peak


class _Liveness:
    """Which memory each item reads and makes, by alias roots."""

    def __init__(self, program: Program) -> None:
        self.program = program
        roots = alias_roots(program)
        kept = {*program.inputs.values(), *program.variables.values(), *program.constants}
        kept.update(program.commits)  # lies in a variable's memory
        self.nbytes = [
            0 if value in kept or roots[value] != value else spec.nbytes
            for value, spec in enumerate(program.specs)
        ]
        self.reads = [
            tuple(dict.fromkeys(roots[value] for value in item.inputs)) for item in program.items
        ]
        self.made = [sum(self.nbytes[value] for value in item.outputs) for item in program.items]
        self.uses = [0] * len(program.specs)
        for reads in self.reads:
            for root in reads:
                self.uses[root] += 1
        for value in program.outputs.values():
            self.uses[roots[value]] += 1  # stays to the end
        self.readers: list[list[int]] = [[] for _ in program.specs]
        for index, reads in enumerate(self.reads):
            for root in reads:
                self.readers[root].append(index)


def _scheduled(graph: _Liveness, *, greedy: bool) -> list[int]:
    """List scheduling: among the ready items, the one of least growth, or the first declared."""
    program = graph.program
    followers, missing = _dependencies(program)
    left = list(graph.uses)
    fallible = sum(item.op.fallible for item in program.items)
    committing = {i for i, item in enumerate(program.items)
                  if any(value in program.commits for value in item.outputs)}  # fmt: skip

    def growth(index: int) -> int:
        if not greedy:
            return 0
        freed = sum(graph.nbytes[root] for root in graph.reads[index] if left[root] == 1)
        return graph.made[index] - freed

    ready = [(growth(i), i) for i, count in enumerate(missing) if not count and i not in committing]
    gated = [i for i in sorted(committing) if not missing[i]]  # wait for the last fallible item
    heapq.heapify(ready)
    done = [False] * len(missing)
    order: list[int] = []
    while ready or gated:
        if gated and not fallible:
            for index in gated:
                heapq.heappush(ready, (growth(index), index))
            gated = []
        grown, index = heapq.heappop(ready)
        if done[index]:
            continue
        if greedy and growth(index) < grown:
            heapq.heappush(ready, (growth(index), index))
            continue
        done[index] = True
        order.append(index)
        fallible -= program.items[index].op.fallible
        for root in graph.reads[index]:
            left[root] -= 1
            if greedy and left[root] == 1:  # its last reader now frees it
                for reader in graph.readers[root]:
                    if not done[reader] and not missing[reader] and reader not in committing:
                        heapq.heappush(ready, (growth(reader), reader))
        for follower in followers[index]:
            missing[follower] -= 1
            if not missing[follower]:
                if follower in committing and fallible:
                    gated.append(follower)
                else:
                    heapq.heappush(ready, (growth(follower), follower))
    return order


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
