"""`Calls`: a plan's raw calls, and which of them to make again when the caller lends other memory.

The calls before the first write to a variable and those after are two lists, so that a failure
says whether the variables are still whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from dataflow.operation import Call
    from scheduler.binding import Bound
    from scheduler.expand import KernelCall
    from scheduler.plan import Step

__all__ = ["Calls"]


class _Place(NamedTuple):
    """A kernel call, where its raw calls are in a list, and its bodies' steps (`Bound.calls`)."""

    call: KernelCall
    calls: list[Call]
    start: int
    stop: int
    inner: dict[int, Step]


class Calls:
    """A plan's raw calls.

    Parameters
    ----------
    bound : Bound
        The plan's operands as arrays. If the caller lends some of its memory, there are no calls
        before the first `lend`.

    Attributes
    ----------
    computing, committing : list of Call
        Those before the first write to a variable, and those from there.
    sizes : tuple of two lists of int
        Of each list: how many raw calls each kernel call, or table of them, is.
    """

    def __init__(self, bound: Bound) -> None:
        buffers = enumerate(bound.plan.buffers)
        self.computing: list[Call] = []
        self.committing: list[Call] = []
        self.sizes: tuple[list[int], list[int]] = ([], [])
        self._bound = bound
        self._steps: list[int] = []  # the step that each call belongs to
        self._inner: list[dict[int, Step]] = []
        self._touching: dict[int, list[_Place]] = {
            index: [] for index, buffer in buffers if buffer.kind in ("feed", "result")
        }
        self._is_made = not self._touching
        if self._is_made:
            self._make()

    def lend(self, memory: Mapping[int, np.ndarray[Any, Any]]) -> None:
        """Let buffers lie in the caller's memory, given as bytes: the first time, all that can."""
        was_made, self._is_made = self._is_made, False  # a call that can't be made leaves it so
        for buffer, lent in memory.items():
            self._bound.lend(buffer, lent)
        touched = {id(place): place for buffer in memory for place in self._touching[buffer]}
        if not (was_made and all(self._make_again(place) for place in touched.values())):
            self._make()
        self._is_made = True

    def step_of(self, index: int, *, is_committing: bool) -> int:
        """Return the step that a call belongs to, counted in its list."""
        return self._steps[index + len(self.computing) * is_committing]

    def inner_step(self, args: object) -> Step | None:
        """Return the step of a body whose call has these arguments, if any has."""
        return next((steps[id(args)] for steps in self._inner if id(args) in steps), None)

    def _make(self) -> None:
        """Make all calls, and note which of them touch what the caller lends."""
        commit = self._bound.plan.commit
        for made in (self.computing, self.committing, *self.sizes):
            made.clear()
        self._steps.clear()
        self._inner.clear()
        for places in self._touching.values():
            places.clear()
        for call, raw, inner in self._bound.runs():
            calls = self.computing if call.step < commit else self.committing
            start = len(calls)
            calls += raw
            self.sizes[call.step >= commit].append(len(raw))
            self._steps += [call.step] * (len(calls) - start)
            if inner:
                self._inner.append(inner)
            place = _Place(call, calls, start, len(calls), inner)
            for buffer in {o.buffer for o in (*call.inputs, *call.outputs)} & self._touching.keys():
                self._touching[buffer].append(place)

    def _make_again(self, place: _Place) -> bool:
        """Make the raw calls of one kernel call again; say whether they are as many as before."""
        place.inner.clear()
        calls = self._bound.calls(place.call, place.inner)
        if len(calls) != place.stop - place.start:
            return False
        place.calls[place.start : place.stop] = calls
        return True
