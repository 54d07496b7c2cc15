"""`Ends`: what a runner takes from its caller for a run, and what it gives back.

Small feeds are copied in and small results out. Large ones lie in memory that the caller lends:
the plan says which (`scheduler.lending`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from dataflow.errors import FeedError
from scheduler.binding import Bound, address, aligned, bytes_of
from scheduler.feeds import check_out, fitting, is_bindable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.spec import Spec
    from scheduler.plan import Operand, Plan

__all__ = ["Ends"]

Array = np.ndarray[Any, Any]


class _Lent(NamedTuple):
    """An end that lies in memory of the caller's: its buffer and spec."""

    buffer: int
    spec: Spec


class Ends:
    """A plan's inputs and outputs, bound.

    Parameters
    ----------
    plan : Plan
        Whose ends they are.
    bound : Bound
        Its operands as arrays.
    """

    def __init__(self, plan: Plan, bound: Bound) -> None:
        kinds = [buffer.kind for buffer in plan.buffers]
        self._bound = bound
        self._copied_in = {i.name: (bound.whole(i.buffer, i.spec), i.spec)
                           for i in plan.inputs if kinds[i.buffer] == "input"}  # fmt: skip
        self._feeds = {i.name: _Lent(i.buffer, i.spec)
                       for i in plan.inputs if kinds[i.buffer] == "feed"}  # fmt: skip
        self._results = {o.name: _Lent(o.operand.buffer, o.operand.spec)
                         for o in plan.outputs if kinds[o.operand.buffer] == "result"}  # fmt: skip
        self._copied_out = {o.name: bound.array(o.operand) for o in plan.outputs
                            if kinds[o.operand.buffer] not in ("feed", "result")}  # fmt: skip
        self._views: dict[str, Operand] = {  # outputs that are views of feeds
            o.name: o.operand for o in plan.outputs if kinds[o.operand.buffer] == "feed"
        }
        self._specs = {o.name: o.operand.spec for o in plan.outputs}
        self._inputs = len(plan.inputs)
        self._lends = bool(self._feeds or self._results)
        self._own: dict[int, Array] = {}  # for feeds that can't be read where they lie
        self._made: dict[str, Array] = {}  # this run's results

    def take(self, given: Mapping[str, ArrayLike], out: Mapping[str, Array]) -> dict[int, Array]:
        """Take a run's feeds, and return what buffers lie in other memory than in the last run.

        Raises
        ------
        FeedError
            A feed is missing, unknown, or of another shape or dtype; or `out` doesn't fit.
        """
        if out:
            check_out(out, given, self._specs)
        for name, (target, spec) in self._copied_in.items():
            try:
                value = given[name]
            except KeyError:
                self._refuse_missing(name, spec)
            shape, dtype = spec
            if type(value) is not np.ndarray or value.shape != shape or value.dtype != dtype:
                value = fitting(name, value, spec)
            target[...] = value  # np.copyto takes three times as long to get going
        lent = self._take_lent(given, out) if self._lends else {}
        if len(given) != self._inputs:
            self._refuse_unknown(given)
        return lent

    def _take_lent(
        self, given: Mapping[str, ArrayLike], out: Mapping[str, Array]
    ) -> dict[int, Array]:
        lent: dict[int, Array] = {}
        for name, (buffer, spec) in self._feeds.items():
            if name not in given:
                self._refuse_missing(name, spec)
            lent[buffer] = self._lend_feed(name, given[name], buffer, spec)
        for name, (buffer, spec) in self._results.items():
            self._made[name] = made = _array_for(out.get(name), spec)
            lent[buffer] = bytes_of(made)
        return {buffer: memory for buffer, memory in lent.items()
                if address(memory) != self._bound.place(buffer)}  # fmt: skip

    def feeds(self) -> list[tuple[str, Array]]:
        """Return what was fed, by name."""
        lent = [(name, self._bound.whole(*feed)) for name, feed in self._feeds.items()]
        return [*((name, array) for name, (array, _) in self._copied_in.items()), *lent]

    def poison(self) -> None:
        """Fill the results with 0xFF, so that what no step wrote shows."""
        for array in self._made.values():
            bytes_of(array).fill(0xFF)

    def give(self, out: Mapping[str, Array]) -> dict[str, Array]:
        """Return the results by name: in the caller's arrays where there are any, else in new."""
        if not (out or self._lends):
            return {name: result.copy() for name, result in self._copied_out.items()}
        results = {}
        for name in self._specs:
            made, target = self._made.pop(name, None), out.get(name)
            if target is None:
                results[name] = self._result(name).copy() if made is None else made
                continue
            if made is not target:
                target[...] = self._result(name) if made is None else made
            results[name] = target
        return results

    def _refuse_missing(self, name: str, spec: Spec) -> NoReturn:
        inputs = [*self._feeds, *self._copied_in]
        msg = f"input {name!r} ({spec}) is not fed; the plan's inputs: {inputs}"
        raise FeedError(msg)

    def _refuse_unknown(self, given: Mapping[str, ArrayLike]) -> None:
        known = [*self._feeds, *self._copied_in]
        unknown = sorted(set(given) - set(known))
        msg = (f"the plan has no input {unknown[0]!r}; it has {known}: inputs that no "
               "output needs are dropped when a plan is compiled")  # fmt: skip
        raise FeedError(msg)

    def _lend_feed(self, name: str, value: ArrayLike, buffer: int, spec: Spec) -> Array:
        """Return a feed's bytes: the caller's own, not to be written to, or else a copy.

        What isn't an array is copied: it may make one that shares memory with anything.
        """
        array = fitting(name, value, spec)
        if isinstance(value, np.ndarray) and array.dtype == spec.dtype and is_bindable(array):
            memory = bytes_of(array)
            memory.setflags(write=False)
            return memory
        if buffer not in self._own:
            self._own[buffer] = aligned(spec.nbytes)[: spec.nbytes]
        own = self._own[buffer]
        own.view(spec.dtype).reshape(spec.static_shape)[...] = array
        return own

    def _result(self, name: str) -> Array:
        view = self._views.get(name)
        return self._copied_out[name] if view is None else self._bound.array(view)


def _array_for(target: Array | None, spec: Spec) -> Array:
    """Return the array that a result is made in: the caller's, if kernels can work on it."""
    if type(target) is np.ndarray and is_bindable(target):
        return target
    return np.empty(spec.static_shape, spec.dtype)
