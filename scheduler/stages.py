"""Stages: in which tile group each item runs, or which one it comes before.

An item runs as late as what reads it allows: so activations lie in the stage that reads them. A sum
that no stage waits for, such as the gradient of a weight, is done as soon as what it reads is
there: so nothing is kept for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scheduler.program import Program
    from scheduler.shared_axes import Use

__all__ = ["Stages"]


class Stages:
    """The stage in which each item runs: a group's number, or that of the group it comes before."""

    def __init__(self, program: Program, axes: Mapping[int, int], uses: Mapping[int, Use]) -> None:
        self.program = program
        self.uses = uses
        self.axes = axes
        self.makers = program.makers()
        self.results = {*program.outputs.values(), *program.updates.values()}
        self.before: list[list[int]] = [[] for _ in program.items]
        for earlier, later in program.after:
            self.before[later].append(earlier)
        self.sources = [self._sources(index) for index in range(len(program.items))]

    def choices(self) -> Iterator[list[int]]:
        """Yield the stage of each item: the latest in which all runs in as few as can be.

        Then the same with sums that no stage waits for as soon as what they read is there. That is
        better as a rule, but where such sums are all that is made, it pulls what they read apart.
        """
        order = self._order()
        early = [0] * len(order)
        for index in order:
            sources = self.sources[index]
            early[index] = max((early[maker] + step for maker, step in sources), default=0)
        last = max((early[index] for index in self.uses), default=0)
        late = [last if index in self.uses else last + 1 for index in range(len(order))]
        stages = self._before_readers(order, late)
        yield stages
        if last:
            for index, stage in self._sums(order, late, stages).items():
                late[index] = stage
            yield self._before_readers(order, late)

    def _before_readers(
        self, order: Sequence[int], late: Sequence[int], without: Collection[int] = ()
    ) -> list[int]:
        """Return the latest stages for which nothing waits, some readers left out."""
        stages = list(late)
        for index in reversed(order):
            for maker, step in self.sources[index] if index not in without else ():
                stages[maker] = min(stages[maker], stages[index] - step)
        return stages

    def _sums(
        self, order: Sequence[int], late: Sequence[int], stages: Sequence[int]
    ) -> dict[int, int]:
        """Return the earliest stages of sums that no stage waits for.

        What only they read has no say in it: it moves with them. All else stays as late as it is.
        """
        sums = {index for index in self.uses if stages[index] == late[index]
                and self.axes.keys().isdisjoint(self.program.items[index].outputs)}  # fmt: skip
        moved, read_by_moved, held = set(sums), set[int](), set[int]()
        for index in reversed(order):
            is_result = not self.results.isdisjoint(self.program.items[index].outputs)
            if index in read_by_moved and index not in held and not is_result:
                moved.add(index)
            readers = read_by_moved if index in moved else held
            readers.update(maker for maker, _ in self.sources[index])
        found = self._before_readers(order, late, moved)
        for index in order:
            if index in moved or index not in self.uses:
                sources = self.sources[index]
                found[index] = max((found[maker] + step for maker, step in sources), default=0)
        return {index: found[index] for index in sums}

    def _order(self) -> list[int]:
        """Return the items in an order that `after` allows too, which declaration doesn't know."""
        order: list[int] = []
        missing = [len(sources) for sources in self.sources]
        followers: list[list[int]] = [[] for _ in missing]
        for index in range(len(missing)):
            for maker, _ in self.sources[index]:
                followers[maker].append(index)
        ready = [index for index, count in enumerate(missing) if not count]
        while ready:
            index = ready.pop()
            order.append(index)
            for follower in followers[index]:
                missing[follower] -= 1
                if not missing[follower]:
                    ready.append(follower)
        return order

    def _sources(self, index: int) -> list[tuple[int, int]]:
        """Return the items that one waits for, and how many stages later it must run.

        An item outside of groups with stage s runs before group s, so it waits for the whole of
        what a member makes for one stage, and a member waits for it for none.
        """
        item = self.program.items[index]
        found = [(maker, int(maker in self.uses)) for maker in self.before[index]]
        for value in dict.fromkeys(item.inputs):
            maker = self.makers.get(value)
            if maker is not None:
                is_passed_on = index in self.uses and value in self.axes
                found.append((maker, int(maker in self.uses and not is_passed_on)))
        return found
