"""How long slices take, beside the whole: what they save in traffic, and what their calls cost.

An array is read at the rate of the cache that holds it with what is read beside it. Of the whole,
each reader fetches an array anew; of a slice, only the first does, and none where its rows are made
within the group. What slices add up is read and written once more by each of them.

    seconds in n slices = bytes touched, at the rates of arrays of an n-th
                        + n * (overhead of the calls + traffic of the sums)

Work is the same for all n, so it is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from scheduler.costs import item_cost
from scheduler.program import alias_roots

if TYPE_CHECKING:
    from scheduler.costs import Target
    from scheduler.program import Program
    from scheduler.tile_groups import Tiles

__all__ = ["SliceTimes", "calls_outweigh"]

_BESIDE = 4
"""So many arrays of a size share a cache."""

_WORTH_IT = 0.05
"""Of the whole's time."""


class _Touched(NamedTuple):
    """A value's bytes, how often they are touched, and whether only in one group."""

    nbytes: int
    times: int
    is_local: bool


class SliceTimes:
    """The seconds of a program's groups but for their work, by the number of slices."""

    def __init__(self, tiles: Tiles, target: Target) -> None:
        self.tiles, self.target = tiles, target
        items = [tiles.program.items[index] for index in tiles.uses]
        costs = [item_cost(tiles.program, item, target) for item in items]
        self.work = sum(cost.work for cost in costs)
        self.overhead = target.call * sum(cost.calls for cost in costs)
        roots = alias_roots(tiles.program)
        self.touches = Counter(
            roots[value] for item in items if item.op.alias is None
            for value in (*item.inputs, *item.outputs) if value in tiles.axes
        )  # fmt: skip
        local = {value for group in tiles.groups for value in group.local}
        specs = tiles.program.specs
        self.kinds = [_Touched(specs[value].nbytes, times, value in local)
                      for value, times in self.touches.items()]  # fmt: skip
        totals = [items[place].outputs[total] for place, use in enumerate(tiles.uses.values())
                  for total in use.totals]  # fmt: skip
        self.sums = sum(3 * _seconds(target, specs[v].nbytes, 1) for v in totals)

    def of(self, slices: int) -> float:
        """Return the seconds in so many slices."""
        known = {kind: self._traffic(kind, slices) for kind in set(self.kinds)}  # few differ
        traffic = sum([known[kind] for kind in self.kinds])
        return traffic + slices * self.overhead + (slices - 1) * self.sums

    def affordable(self, share: float) -> float:
        """Return in how many slices the calls' overhead is a share of the time for work."""
        return share * self.work / max(self.overhead, self.target.call)

    def best(self, most: int) -> int:
        """Return the number of slices, a power of two, that takes the shortest time.

        It is 1, the whole, where slices save next to nothing.
        """
        counts = [2**power for power in range(most.bit_length())]
        fastest: int = min(counts, key=self.of)  # the first of equals
        saved, whole = self.of(1) - self.of(fastest), self.work + self.of(1)
        return fastest if saved >= _WORTH_IT * whole else 1

    def _traffic(self, kind: _Touched, slices: int) -> float:
        whole = _seconds(self.target, kind.nbytes, 1)
        if slices == 1:
            return kind.times * whole
        once = 0.0 if kind.is_local else whole
        later = kind.times - (not kind.is_local)
        return once + later * _seconds(self.target, kind.nbytes, slices)


def calls_outweigh(program: Program, target: Target) -> bool:
    """Say whether no group of a program's items can take less time in slices than whole.

    So it is where each item's call takes longer than to read and write all of its operands, which
    is more than slices could save: then `SliceTimes.best` is 1, whatever the groups are.
    """
    specs, roots = program.specs, alias_roots(program)
    of_spec = {spec: _seconds(target, spec.nbytes, 1) for spec in set(specs)}
    seconds = [of_spec[specs[root]] for root in roots]
    return all(item.op.alias is not None
               or sum([seconds[value] for value in item.inputs + item.outputs]) <= target.call
               for item in program.items)  # fmt: skip


def _seconds(target: Target, nbytes: int, slices: int) -> float:
    """Return how long all of an array is read, slice by slice."""
    held = _BESIDE * nbytes / slices
    return nbytes * next((c.byte for c in target.caches if held <= c.size), target.byte)
