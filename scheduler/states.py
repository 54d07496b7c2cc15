"""States between the steps of an order: which steps have run, what lives then, what may come next.

A step that leaves no more alive than before is taken at once, whatever the search, if what lives
meanwhile stays within a limit: no order is the worse for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["State", "States", "Steps"]

_Path = tuple[()] | tuple["_Path", tuple[int, ...]]
"""The steps taken last, after those before them: a list that many states share."""


class Steps(NamedTuple):
    """The facts of some steps that the bytes of an order follow from.

    Attributes
    ----------
    makes : sequence of sequence of int
        The values in whose memory each step's results lie; memory that several steps fill is there
        from the first of them on.
    scratch : sequence of int
        The bytes that a step needs beside them while it runs.
    reads : sequence of sequence of int
        The values that each step reads, each once.
    takes : sequence of sequence of int
        Of these, the ones whose memory its result takes over if they die.
    nbytes, uses : sequence of int
        Of each value: its bytes, and how many steps and ends read it.
    needs : sequence of sequence of int
        The steps that must run before each.
    """

    makes: Sequence[Sequence[int]]
    scratch: Sequence[int]
    reads: Sequence[Sequence[int]]
    takes: Sequence[Sequence[int]]
    nbytes: Sequence[int]
    uses: Sequence[int]
    needs: Sequence[Sequence[int]]


class State(NamedTuple):
    """What has run and may run next (a bit a step), what lives now, and the most on the way."""

    done: int
    ready: int
    live: int
    peak: int
    path: _Path

    def order(self) -> list[int]:
        """Return the steps that have run, in their order."""
        parts, path = [], self.path
        while path:
            path, taken = path
            parts.append(taken)
        return [step for part in reversed(parts) for step in part]


class States:
    """Goes from state to state."""

    def __init__(self, steps: Steps) -> None:
        self.scratch, self.nbytes = steps.scratch, steps.nbytes
        self.all_done = (1 << len(steps.makes)) - 1
        self.needs = [_bits(before) for before in steps.needs]
        self.followers: list[list[int]] = [[] for _ in steps.needs]
        for step, before in enumerate(steps.needs):
            for other in dict.fromkeys(before):
                self.followers[other].append(step)
        self.makers = _by_value(steps.makes, len(steps.nbytes))
        self.readers = _by_value(steps.reads, len(steps.nbytes))
        mortal = [bool(size) and uses == readers.bit_count() for size, uses, readers
                  in zip(steps.nbytes, steps.uses, self.readers, strict=True)]  # fmt: skip
        self.reads = [[value for value in values if mortal[value]] for values in steps.reads]
        self.takes = [{value for value in values if mortal[value]} for values in steps.takes]
        self.makes = [[value for value in values if steps.nbytes[value]] for values in steps.makes]
        self.near = [0] * len(steps.makes)  # the steps whose effect a step changes
        for step, (reads, makes) in enumerate(zip(self.reads, self.makes, strict=True)):
            for value in reads:
                self.near[step] |= self.readers[value]
            for value in makes:
                self.near[step] |= self.makers[value]

    def first(self, limit: int) -> State:
        """Return the state from which orders start."""
        ready = _bits([step for step, before in enumerate(self.needs) if not before])
        return self._settled(State(0, ready, 0, 0, ()), ready, [], limit)

    def after(self, state: State, limit: int, *, keep_peak: bool) -> Iterator[State]:
        """Yield the states one step on, as long as no more than a limit lives.

        With `keep_peak`, no step is taken at once that would raise the most on the way.
        """
        for step in _numbers(state.ready):
            rise, growth = self._effect(step, state.done)
            peak = max(state.peak, state.live + rise)
            if peak <= limit:
                later, changed = self._taken(state, step, growth, peak)
                yield self._settled(later, changed, [step], peak if keep_peak else limit)

    def _taken(self, state: State, step: int, growth: int, peak: int) -> tuple[State, int]:
        """Return the state after a step, and the ready ones whose effect is new."""
        done, ready = state.done | 1 << step, state.ready & ~(1 << step)
        for other in self.followers[step]:
            if not self.needs[other] & ~done:
                ready |= 1 << other
        new = ready & (self.near[step] | ~state.ready)
        return State(done, ready, state.live + growth, peak, state.path), new

    def _settled(self, state: State, changed: int, taken: list[int], limit: int) -> State:
        """Take the changed steps that leave no more alive, and what they change, one by one."""
        while changed:
            step = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            rise, growth = self._effect(step, state.done)
            if growth <= 0 and state.live + rise <= limit:
                peak = max(state.peak, state.live + rise)
                state, new = self._taken(state, step, growth, peak)
                changed |= new
                taken.append(step)
        return state._replace(path=(state.path, tuple(taken)))

    def _effect(self, step: int, done: int) -> tuple[int, int]:
        """Return by how much more lives while a step runs, and after it, than before it."""
        made = sum([self.nbytes[v] for v in self.makes[step] if not self.makers[v] & done])
        left = ~(done | 1 << step)
        dying = [value for value in self.reads[step] if not self.readers[value] & left]
        if not dying:
            return self.scratch[step] + made, made
        taken = not self.takes[step].isdisjoint(dying)
        freed = sum([self.nbytes[value] for value in dying])
        return self.scratch[step] + (0 if taken else made), made - freed


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        yield (bits & -bits).bit_length() - 1
        bits &= bits - 1


def _bits(numbers: Sequence[int]) -> int:
    return sum(1 << number for number in set(numbers))


def _by_value(values: Sequence[Sequence[int]], count: int) -> list[int]:
    """Return for each value the steps that have it in their row, a bit a step."""
    found = [0] * count
    for step, row in enumerate(values):
        for value in row:
            found[value] |= 1 << step
    return found
