"""Arena offsets: where each buffer lies so that no two that live at once overlap.

Packing rectangles of fixed width (a lifetime) and height (a size) at free heights is NP-hard, but
plans are easy: a sweep in time with a list of gaps reaches the lower bound, the largest live set,
for most, in microseconds a buffer. So methods are tried from the cheap to the dear, and the first
placement at the lower bound ends it:

1. sweeps, and for chains the two ends of the arena (`scheduler.arena_fits`);
2. sweeps that lay what dies together side by side;
3. placing by size, area, duration and birth, into the first gap and into the best;
4. an exact search (`scheduler.arena_search`), which may also prove that less isn't possible;
5. if asked for, a constraint solver (`scheduler.arena_solver`), for what is left then.

What no lifetime joins is placed by itself. Work is counted and no clock is read, unless a time
limit is given, so the result is the same everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.errors import ArgumentError, CompileError, DataflowError
from scheduler.arena_fits import (
    Blocks,
    at_both_ends,
    fitted,
    height,
    orders,
    swept,
    swept_by_death,
)
from scheduler.arena_search import Found, search
from scheduler.arena_solver import check_solver, solve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BeyondError", "CapacityError", "Offsets", "assign_offsets"]

Array: TypeAlias = "np.ndarray[Any, Any]"

_WEIGHTS = (3.0, 30.0, 10.0, 1.0)  # of deaths against waste, in `swept_by_death`
_MANY = 30_000  # above as many blocks, the first two weights have to do
_WORK = 1_000_000
"""Nodes that the exact search visits if nothing else is asked for."""

_MOST_SEARCHED = 2000  # blocks; what is larger isn't searched
_SOLVER_SECONDS = 60.0
_MOST_BYTES = 2**63 - 1
_MOST_NAMED = 10  # buffers, in an error


class _BufferError(DataflowError):
    def __init__(self, message: str, buffer: int) -> None:
        super().__init__(message)
        self.buffer = buffer


class BeyondError(_BufferError, ArgumentError):
    """The sizes are beyond any memory; `buffer` is the one with which they are, by its number."""


class CapacityError(_BufferError, CompileError):
    """More lives at once than the capacity; `buffer` is the largest of it, by its number."""


@dataclass(frozen=True)
class Offsets:
    """A placement.

    Parameters
    ----------
    offsets : numpy.ndarray
        Of each buffer: int64, multiples of the alignment, read-only.
    peak : int
        The bytes that they take in all, each size rounded up to the alignment.
    lower_bound : int
        The largest sum of sizes that live at once.
    optimal : bool
        Whether no placement has a lower peak, which is proved.
    timed_out : bool
        Whether the time limit ended the search, so that another run may give another placement.
    """

    offsets: Array
    peak: int
    lower_bound: int
    optimal: bool
    timed_out: bool


def assign_offsets(
    lower: ArrayLike, upper: ArrayLike, size: ArrayLike, *, alignment: int = 64,
    capacity: int | None = None, max_work: int | None = None, time_limit: float | None = None,
    solver: bool = False,
) -> Offsets:  # fmt: skip
    """Place buffers of known lifetimes in one block of memory, as small as can be found.

    Parameters
    ----------
    lower, upper : array_like of int, shape (n,)
        The lifetimes, half-open: buffer i lives at the times ``lower[i] <= t < upper[i]``.
    size : array_like of int, shape (n,)
        In bytes, 0 or more.
    alignment : int
        What every offset is a multiple of, and every size is rounded up to.
    capacity : int, optional
        What is enough, in bytes: the search ends as soon as the peak is no larger. Where none that
        low is found, the best comes back, its peak above the capacity; `optimal` says whether that
        is proved to be the least.
    max_work : int, optional
        How many nodes the exact search may visit; some 20 microseconds each. By default a million,
        or as many as there is time for where `time_limit` is given.
    time_limit : float, optional
        Seconds after which the search ends; what is simple is tried in any case. Without one, and
        without `solver`, the result depends on the arguments alone.
    solver : bool
        Whether OR-tools (the extra ``solver``) goes on where the exact search ends without a
        result, until the time limit, or 60 seconds.

    Returns
    -------
    Offsets
        Never worse than placing by size, area, duration or birth, first fit or best fit.

    Raises
    ------
    ArgumentError
        A size is negative or beyond 2**63 - 1, a lifetime is empty, or the lengths differ; the
        message names the buffer. Or all are beyond 2**62 together; or a limit is no number of 0 or
        more.
    CompileError
        More than `capacity` live at once, so that no placement can be within it; the message says
        when, and which. Or `solver` isn't installed.

    Examples
    --------
    >>> import scheduler
    >>> placed = scheduler.assign_offsets([0, 1, 2], [2, 3, 4], [64, 64, 64])
    >>> placed.offsets, placed.peak, placed.lower_bound, placed.optimal
    (array([ 0, 64,  0]), 128, 128, True)
    """
    alignment = _whole("alignment", alignment, "bytes", least=1)
    capacity = None if capacity is None else _whole("capacity", capacity, "bytes")
    max_work = None if max_work is None else _whole("max_work", max_work, "nodes")
    _check_time(time_limit)
    blocks = _checked(lower, upper, size, alignment)
    deadline = None if time_limit is None else time.monotonic() + time_limit
    full = np.flatnonzero(blocks.size)
    bound = _largest_live_set(blocks, capacity)
    real = _from_zero(blocks.chosen(full))
    enough = bound if capacity is None else max(bound, capacity // alignment * alignment)
    if solver:
        check_solver()
        deadline = deadline or time.monotonic() + _SOLVER_SECONDS
    if max_work is None:
        max_work = _WORK if time_limit is None else _MOST_BYTES  # then time alone ends it
    effort = _Effort(enough, max_work, deadline, solver=solver)
    placed = np.zeros(len(blocks.size), np.int64)
    for part in _parts(real):
        placed[full[part]] = effort.place(real.chosen(part))
    peak = height(blocks, placed)
    placed.setflags(write=False)
    return Offsets(placed, peak, bound, peak <= max(bound, effort.proved), effort.timed_out)


# Checks


def _checked(lower: ArrayLike, upper: ArrayLike, size: ArrayLike, alignment: int) -> Blocks:
    named = {"lower": lower, "upper": upper, "size": size}
    lower, upper, size = (_integers(name, values) for name, values in named.items())
    if not len(lower) == len(upper) == len(size):
        msg = (f"assign_offsets: lower, upper and size have {len(lower)}, {len(upper)} and "
               f"{len(size)} elements: one each for every buffer")  # fmt: skip
        raise ArgumentError(msg)
    for number in np.flatnonzero(size < 0)[:1]:
        msg = f"assign_offsets: buffer {number} has a size of {size[number]} bytes"
        raise ArgumentError(msg)
    for number in np.flatnonzero(lower >= upper)[:1]:
        msg = (f"assign_offsets: buffer {number} lives from {lower[number]} to {upper[number]}: "
               "the upper end must lie after the lower one")  # fmt: skip
        raise ArgumentError(msg)
    _check_total(size, alignment)
    return Blocks(lower, upper, -(-size // alignment) * alignment)


def _check_total(size: Array, alignment: int) -> None:
    """Refuse sizes whose sum is beyond any memory, and name the buffer with which it is."""
    total = 0
    for buffer, number in enumerate(size.tolist()):
        total += -(-number // alignment) * alignment
        if total > _MOST_BYTES // 2:
            msg = (f"assign_offsets: buffer {buffer} has a size of {number} bytes; with it, the "
                   f"buffers up to there have {total} together, aligned to {alignment}, beyond "
                   f"the {_MOST_BYTES // 2} that can be placed")  # fmt: skip
            raise BeyondError(msg, buffer)


def _whole(name: str, value: object, unit: str, *, least: int = 0) -> int:
    """Return a limit as an int; NumPy's integers are whole numbers too, and booleans are none."""
    try:
        number = -1 if isinstance(value, (bool, np.bool_)) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < least:
        msg = (f"assign_offsets: {name} is a whole number of {unit}, {least} or more, "
               f"not {value!r}")  # fmt: skip
        raise ArgumentError(msg)
    return number


def _check_time(time_limit: object) -> None:
    is_number = isinstance(time_limit, (int, float, np.integer, np.floating))
    is_number = is_number and not isinstance(time_limit, bool)
    if time_limit is not None and not (is_number and time_limit >= 0):  # type: ignore[operator]
        msg = f"assign_offsets: time_limit is a number of seconds, 0 or more, not {time_limit!r}"
        raise ArgumentError(msg)


def _by_rank(blocks: Blocks) -> Blocks:
    """Return blocks whose times are numbered in order: nothing else of them matters to a solver."""
    times = np.concatenate([blocks.lower, blocks.upper])
    ranks = np.unique(times, return_inverse=True)[1].astype(np.int64).reshape(-1)
    lower, upper = np.split(ranks, 2)
    return blocks._replace(lower=lower, upper=upper)


def _from_zero(blocks: Blocks) -> Blocks:
    """Return blocks whose times begin with 0; where they span too much, numbered in order."""
    begin, end = (
        int(times) for times in (min(blocks.lower, default=0), max(blocks.upper, default=0))
    )
    if end - begin < _MOST_BYTES // 2:
        return blocks._replace(lower=blocks.lower - begin, upper=blocks.upper - begin)
    return _by_rank(blocks)


def _integers(name: str, values: ArrayLike) -> Array:
    for number, value in enumerate(values if isinstance(values, (list, tuple)) else []):
        if isinstance(value, int) and not -_MOST_BYTES - 1 <= value <= _MOST_BYTES:
            msg = f"assign_offsets: {name} of buffer {number} is {value}, beyond 64 bits"
            raise ArgumentError(msg)
    try:
        array = np.asarray(values) if np.size(values) else np.zeros(0, np.int64)
    except ValueError:  # rows of several lengths
        array = np.zeros((0, 0))
    is_row = array.ndim == 1 and array.dtype.kind in "iu"
    if not is_row or int(array.max(initial=0)) > _MOST_BYTES:
        msg = f"assign_offsets: {name} is a row of whole numbers below 2**63, not {values!r:.60}"
        raise ArgumentError(msg)
    return array.astype(np.int64)


def _largest_live_set(blocks: Blocks, capacity: int | None) -> int:
    """Return the most bytes that live at once, which must not exceed a capacity."""
    times = np.concatenate([blocks.upper, blocks.lower])
    change = np.concatenate([-blocks.size, blocks.size])
    order = np.argsort(times, kind="stable")  # deaths before births
    live = np.cumsum(change[order])
    if not len(live):
        return 0
    most = int(live.max())
    if capacity is not None and most > capacity:
        when = int(times[order[live.argmax()]])
        at = np.flatnonzero((blocks.lower <= when) & (when < blocks.upper) & (blocks.size > 0))
        largest = int(at[blocks.size[at].argmax()])
        numbers = ", ".join(map(str, at[:_MOST_NAMED])) + (", ..." if len(at) > _MOST_NAMED else "")
        msg = (f"a capacity of {capacity} bytes can't be reached: {len(at)} buffers with {most} "
               f"bytes live at time {when} (numbers {numbers}), the largest, number {largest}, "
               f"with {blocks.size[largest]}")  # fmt: skip
        raise CapacityError(msg, largest)
    return most


def _parts(blocks: Blocks) -> Iterator[Array]:
    """Yield the blocks of each stretch of time that no lifetime leaves, the fullest first."""
    order = np.argsort(blocks.lower, kind="stable")
    if not len(order):
        return
    reach = np.maximum.accumulate(blocks.upper[order])
    cuts = np.flatnonzero(blocks.lower[order][1:] >= reach[:-1]) + 1
    parts = [np.sort(part) for part in np.split(order, cuts)]
    yield from sorted(parts, key=lambda part: -_largest_live_set(blocks.chosen(part), None))


# Effort


@dataclass
class _Effort:
    """What may still be done, and what was proved."""

    enough: int  # a peak that is good enough
    work: int
    deadline: float | None
    solver: bool
    proved: int = 0  # no placement of some part has a lower peak
    timed_out: bool = False

    def place(self, blocks: Blocks) -> Array:
        """Place a part, and note how high it is: the others needn't be lower."""
        best = self._fitted(blocks)
        if height(blocks, best) > self.enough and len(blocks.size) <= _MOST_SEARCHED:
            best = self._searched(blocks, best)
        self.enough = max(self.enough, height(blocks, best))
        return best

    def _fitted(self, blocks: Blocks) -> Array:
        best = swept(blocks, best_fit=True)
        for attempt in _attempts(blocks, self.enough):
            least = height(blocks, best)
            if least <= self.enough:
                break
            made = attempt(least)
            if made is not None and height(blocks, made) < least:
                best = made
        return best

    def _searched(self, blocks: Blocks, best: Array) -> Array:
        """Look for the least peak between what is proved and what is found, from below.

        Half of the effort goes into the lowest one, half of what is left into the one between, ...
        """
        unit = int(np.gcd.reduce(blocks.size))
        small = blocks._replace(size=blocks.size // unit)
        proved = _largest_live_set(small, None) - 1  # no peak up to this can be
        failed = max(proved, self.enough // unit - 1)  # nor was one up to this found, or looked for
        found = height(small, best // unit)
        target = failed + 1
        while failed + 1 < found and (self.work > 0 or self.solver):
            if self._is_late():
                self.timed_out = True
                break
            made = self._looked(small, target)
            if made.offsets is not None:
                best, found = made.offsets * unit, height(small, made.offsets)
            else:
                proved = target if made.is_exhausted else proved
                failed = target
            target = (failed + found) // 2
        if proved + 1 == found:
            self.proved = max(self.proved, found * unit)
        return best

    def _looked(self, blocks: Blocks, target: int) -> Found:
        """Look for one peak with half of the effort that is left.

        With a solver, half of the time is its own, if that is needed.
        """
        now = time.monotonic() if self.deadline else 0.0
        share = 4 if self.solver else 2
        until = None if self.deadline is None else now + (self.deadline - now) / share
        found = search(blocks, target, -(-self.work // 2), until)
        self.work -= found.work
        if self.solver and until is not None and found.offsets is None and not found.is_exhausted:
            found = solve(_by_rank(blocks), target, until - now)
        self.timed_out |= found.timed_out
        return found

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline


def _attempts(blocks: Blocks, enough: int) -> Iterator[Callable[[int], Array | None]]:
    """Yield ways to place blocks, each of which gives up where it reaches a given height."""
    yield lambda below: at_both_ends(blocks, enough)
    yield lambda below: swept(blocks, best_fit=False)
    backward = Blocks(-blocks.upper, -blocks.lower, blocks.size)
    for weight in _WEIGHTS if len(blocks.size) < _MANY else _WEIGHTS[:2]:
        for way in (blocks, backward):
            yield partial(swept_by_death, way, ceiling=enough, weight=weight)
    for order in orders(blocks):
        for best_fit in (False, True):
            yield partial(fitted, blocks, order, best_fit=best_fit)
