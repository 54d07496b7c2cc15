"""What an order needs: which memory each item reads and makes, and the bytes that live meanwhile.

Views have no bytes of their own; a result that can take over a dying operand's memory costs
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from scheduler.joins import block_roots
from scheduler.lending import surely_lent
from scheduler.live_memory import as_view
from scheduler.plan import Operand, arena_specs, padded

if TYPE_CHECKING:
    from scheduler.program import Item, Program

__all__ = ["Liveness"]


class Liveness:
    """Which memory each item reads and makes, and for which other items it waits."""

    def __init__(self, program: Program, *, joins: bool) -> None:
        self.program = program
        self.followers, self.waits = _dependencies(program)
        self.roots = roots = block_roots(program, joins=joins)
        kept = {*program.inputs.values(), *program.variables.values(), *program.constants}
        kept |= surely_lent(program)
        kept.update(program.commits)  # lies in a variable's memory
        sizes = {spec: padded(spec.nbytes) for spec in set(program.specs)}  # few are different
        self.nbytes = [
            0 if value in kept or roots[value] != value else sizes[spec]
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
            tuple(
                dict.fromkeys(
                    r
                    for r in map(roots.__getitem__, item.outputs)
                    if self.uses[r] and r not in reads
                )
            )
            for item, reads in zip(program.items, self.reads, strict=True)
        ]  # a view makes nothing: it lies in what it reads
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
        self.has_parts = any(len(makers) > 1 for makers in self.makers)  # of a concatenation
        self.sizes = [sum([self.nbytes[root] for root in made]) for made in self.makes]

    def made(self, index: int, there: Collection[int]) -> int:
        """Return the bytes that an item adds and leaves, beside the memory that is there."""
        if not there:
            return self.sizes[index]
        return sum([self.nbytes[root] for root in self.makes[index] if root not in there])

    def changes(self, order: Sequence[int], free: Collection[int] = ()) -> list[tuple[int, int]]:
        """Return by how much more lives during and after each item in turn than before it.

        What is `free` doesn't count.
        """
        left, nbytes, there = list(self.uses), self.nbytes, set[int](free)
        found: list[tuple[int, int]] = []
        for index in order:
            made = growth = self.made(index, there)
            for root in self.takes[index]:
                if left[root] == 1:
                    made = 0
            if self.has_parts:
                there.update(self.makes[index])
            for root in self.reads[index]:
                left[root] -= 1
                if not left[root] and root not in free:
                    growth -= nbytes[root]
            found.append((self.scratch[index] + made, growth))
        return found

    def levels(self, order: Sequence[int]) -> list[int]:
        """Return the bytes of temporaries that live during each item in turn."""
        changes = self.changes(order)
        before = accumulate((growth for _, growth in changes), initial=0)
        return [live + rise for live, (rise, _) in zip(before, changes, strict=False)]

    def peak(self, order: Sequence[int]) -> int:
        """Return the most bytes of temporaries that live at once in an order."""
        return max(self.levels(order), default=0)

    def least(self) -> int:
        """Return a peak that no order is below: what some item reads, makes and needs."""
        return max((self.scratch[index] + sum(self.nbytes[root] for root in reads)
                    + (0 if self.takes[index] else self.made(index, ()))
                    for index, reads in enumerate(self.reads)), default=0)  # fmt: skip

    def _may_take(self, item: Item) -> tuple[int, ...]:
        """Return the operands whose memory an item's one result may take over if they die."""
        own = len(item.outputs) == 1 and self.roots[item.outputs[0]] == item.outputs[0]
        if not own or not self.nbytes[item.outputs[0]]:
            return ()
        spec = self.program.specs[item.outputs[0]]
        offered = [item.inputs[slot] for slot in item.op.offers(item.attrs, 0)]
        return tuple(dict.fromkeys(
            self.roots[value] for value in offered
            if self.program.specs[value] == spec and value in self.in_rows
            and self.nbytes[self.roots[value]]
        ))  # fmt: skip


def _in_rows(program: Program) -> set[int]:
    """Return the values that lie row by row, views of larger ones too."""
    views: dict[int, Operand] = {}
    for item in program.items:
        if item.op.alias is not None:
            (value,), viewed = item.outputs, item.inputs[item.op.alias.slot]
            source = views.get(viewed) or Operand.row_by_row(viewed, program.specs[viewed])
            view = as_view(source, item.op.alias, program.specs[value], item.attrs)
            views[value] = view or Operand.row_by_row(value, program.specs[value])
    return set(range(len(program.specs))).difference(
        value for value, operand in views.items()
        if operand.strides != Operand.row_by_row(value, operand.spec).strides
    )  # fmt: skip


def _scratch(program: Program, item: Item) -> int:
    """Return the bytes that an item needs beside its operands while it runs."""
    specs = tuple(program.specs[value] for value in item.inputs)
    needed = (*item.op.workspace(specs, item.attrs).scratch, *arena_specs(item.attrs))
    return sum(padded(spec.nbytes) for spec in needed)


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
