"""BLAS threads: set for a run where they differ, and set back after the last.

The bits of a matrix product change with the number of threads, so a plan records it. The number is
the process's, not a thread's: runs side by side share it. So the last of them sets it back, and
a run that needs another number waits for the others to end. (OpenMP's number is a thread's own:
there, each run sets it back itself.)

Asking costs a fraction of a microsecond; setting happens only where the number differs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from threading import Condition, Lock
from typing import Any, TypeAlias

__all__ = ["begin_run", "end_run"]


_Numbers: TypeAlias = "list[tuple[Any, int]]"  # libraries, and how many threads they had before


class _Runs:
    """The runs under way in this process, all with one number of threads."""

    __slots__ = ("changed", "count", "lock", "threads", "turn", "waiting")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: in a forked child, the runs of the parent's other threads are not there."""
        self.lock = Lock()
        self.turn = Condition(self.lock)
        self.count = self.threads = self.waiting = 0
        self.changed: _Numbers = []


_RUNS = _Runs()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_RUNS.forget)


def _libraries() -> tuple[Any, ...]:
    """Return the BLAS libraries of the process; SciPy brings another when it is imported."""
    return _found("scipy.linalg" in sys.modules)


@lru_cache(maxsize=2)
def _found(has_scipy: bool) -> tuple[Any, ...]:
    from threadpoolctl import ThreadpoolController

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def begin_run(threads: int) -> _Numbers:
    """Set the number of threads, once no run with another one is under way.

    Return what `end_run` is to be given.
    """
    runs = _RUNS
    with runs.lock:
        while runs.count and runs.threads != threads:
            _wait(runs)
        changed = _set_to(threads)
        own = [pair for pair in changed if _is_own(pair[0])] if changed else changed
        if not runs.count:
            runs.threads = threads
            runs.changed = [pair for pair in changed if pair not in own] if changed else changed
        runs.count += 1
    return own


def end_run(own: _Numbers) -> None:
    """Set back what this run has set for itself, and if it is the last, what the first has."""
    runs = _RUNS
    with runs.lock:
        runs.count -= 1
        if own:
            _set_back(own)
        if runs.count:
            return
        if runs.changed:
            _set_back(runs.changed)
        if runs.waiting:
            runs.turn.notify_all()


def _wait(runs: _Runs) -> None:
    runs.waiting += 1
    try:
        runs.turn.wait()
    finally:
        runs.waiting -= 1


def _is_own(library: Any) -> bool:  # noqa: ANN401 - threadpoolctl has no types
    """Say whether each thread has a number of its own."""
    return getattr(library, "threading_layer", "") == "openmp"


def _set_to(threads: int) -> _Numbers:
    """Set the libraries that have another number; return them with theirs."""
    for library in _libraries():
        if library.get_num_threads() != threads:
            break
    else:
        return []  # nearly always, at once
    numbers = [(library, library.get_num_threads()) for library in _libraries()]
    changed = [pair for pair in numbers if pair[1] not in (threads, None)]
    if changed:
        _set_back((library, threads) for library, _ in changed)
    return changed


def _set_back(numbers: Iterable[tuple[Any, int]]) -> None:
    """Set libraries to these numbers.

    From version 3.8, threadpoolctl silently ignores all threads but the first that ever set
    a number, unless it is told to forget that one. Our lock keeps ours in order.
    """
    for library, threads in numbers:
        forget = getattr(library, "clear_controlling_thread", None)
        if forget is not None:
            forget(force=True)
        library.set_num_threads(threads)
        if forget is not None:
            forget(force=True)
