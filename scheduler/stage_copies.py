"""Values that are cheap to compute are computed again in a later stage, not kept whole for it.

A batch norm makes a tile group end twice: for the mean and for the variance. What lies between is
element-wise, and each later stage reads it:

    stage 0: h = conv(x)       stage 1: c = h - mean       stage 2: c / deviation
    stage 0: h = conv(x)       stage 1: c = h - mean       stage 2: c' = h - mean; c' / deviation

h is whole in any case, since stage 1 reads it. So c needs a slice of memory instead of all rows,
for one more subtraction in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.elementwise import elementwise_tiling
from scheduler.shared_axes import SharedAxis
from scheduler.simplify import drop_dead

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from scheduler.program import Item, Program
    from scheduler.shared_axes import Use

__all__ = ["with_copies"]

_CHEAP = 12  # floating-point operations a byte


def with_copies(
    program: Program, shared: SharedAxis, uses: Mapping[int, Use], stages: Sequence[int],
    whole: AbstractSet[int],
) -> tuple[Program, SharedAxis]:  # fmt: skip
    """Return the program in which stages compute again what is cheap, and the class of its axes.

    Parameters
    ----------
    program : Program
        With its updates placed.
    shared : SharedAxis
        The axis that is sliced.
    uses : mapping of int to Use
        The members of groups.
    stages : sequence of int
        Of every item.
    whole : set of int
        The sliced values that lie whole in memory.
    """
    return _Copies(program, shared, uses, stages, whole).written()


class _Copies:
    def __init__(
        self, program: Program, shared: SharedAxis, uses: Mapping[int, Use],
        stages: Sequence[int], whole: AbstractSet[int],
    ) -> None:  # fmt: skip
        self.program, self.shared, self.uses = program, shared, uses
        self.stages, self.whole = stages, whole
        self.makers = program.makers()
        self.needed = {value for index, item in enumerate(program.items) if index not in uses
                       for value in item.inputs} | {*program.outputs.values()}  # fmt: skip
        self.items: list[Item] = []
        self.specs = list(program.specs)
        self.axes = dict(shared.axes)
        self.copies: dict[tuple[int, int], int] = {}
        self.origins: dict[int, int] = {}  # which item each copy is of
        self.can: dict[tuple[int, int], bool] = {}

    def written(self) -> tuple[Program, SharedAxis]:
        """Write the program anew, without what its copies took the place of."""
        places = []
        for index, item in enumerate(self.program.items):
            if index in self.uses:
                stage = self.stages[index]
                item = item._replace(  # noqa: PLW2901 - the same one, that reads copies
                    inputs=tuple(self._read(value, stage) for value in item.inputs)
                )
            places.append(len(self.items))
            self.items.append(item)
        if not self.copies:
            return self.program, self.shared
        after = [(places[earlier], places[later]) for earlier, later in self.program.after]
        # What reads a variable must do so before its update, and so must its copies.
        after += [(copy, places[later]) for copy, origin in self.origins.items()
                  for earlier, later in self.program.after if earlier == origin]  # fmt: skip
        program = replace(
            self.program, items=tuple(self.items), specs=tuple(self.specs), after=tuple(after)
        )
        return drop_dead(program), SharedAxis(self.axes, self.shared.times)

    def _read(self, value: int, stage: int) -> int:
        """Return the value that a stage reads: a copy, if one can be made there."""
        if value in self.needed or not self._can_copy(value, stage):
            return value
        if (value, stage) not in self.copies:
            self._copy(value, stage)
        return self.copies[value, stage]

    def _copy(self, value: int, stage: int) -> None:
        item = self.program.items[self.makers[value]]
        inputs = tuple(
            self._read(source, stage) if self._is_earlier(source, stage) else source
            for source in item.inputs
        )
        new = len(self.specs)
        self.specs.append(self.specs[value])
        self.axes[new] = self.axes[value]
        self.copies[value, stage] = new
        self.origins[len(self.items)] = self.makers[value]
        self.items.append(item._replace(inputs=inputs, outputs=(new,), node=f"{item.node}.again"))

    def _is_earlier(self, value: int, stage: int) -> bool:
        maker = self.makers.get(value, -1)
        return value in self.axes and maker in self.uses and self.stages[maker] < stage

    def _can_copy(self, value: int, stage: int) -> bool:
        """Say whether a value of an earlier stage is cheap, from what is whole in any case."""
        key = (value, stage)
        if key not in self.can:
            self.can[key] = self._is_earlier(value, stage) and self._is_cheap(value, stage)
        return self.can[key]

    def _is_cheap(self, value: int, stage: int) -> bool:
        item = self.program.items[self.makers[value]]
        is_plain = item.op.alias is not None or item.op.tiling is elementwise_tiling
        if not is_plain or item.op.fallible or value in self.shared.interleaved:
            return False
        specs = tuple(self.program.specs[source] for source in item.inputs)
        made = (self.program.specs[value],)
        if item.op.cost(specs, made, item.attrs).flops > _CHEAP * made[0].nbytes:
            return False
        return all(
            not self._is_earlier(source, stage) or source in self.whole
            or self._can_copy(source, stage)
            for source in item.inputs
        )  # fmt: skip
