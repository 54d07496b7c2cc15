"""`Runner`: binds a plan to memory once, then runs it as one flat loop over raw calls.

Binding allocates the arena and makes every view; after that a run allocates nothing but its
results. The calls before the first write to a variable and those after are two lists, so that a
failure says whether the variables are still whole.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from operator import length_hint
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from dataflow.errors import (
    KernelError,
    NonFiniteError,
    PlanError,
    RunError,
    RunnerBusyError,
    StateError,
)  # fmt: skip
from scheduler.binding import Bound, aligned
from scheduler.calls import Calls
from scheduler.ends import Ends
from scheduler.environment import kernel_context
from scheduler.feeds import by_name
from scheduler.finiteness import check_feeds
from scheduler.plan import UNBOUNDED, Plan, Step
from scheduler.small_steps import check_fast
from scheduler.state import State
from scheduler.threads import begin_run, end_run

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import ArrayLike

    from dataflow.operation import Call
    from scheduler.profiling import Recorder

__all__ = ["Runner"]

Array = np.ndarray[Any, Any]


class Runner:
    """Runs a plan, as often as wanted.

    Parameters
    ----------
    plan : Plan
        Verified, as `compile` and `load` return it.
    state : State or mapping, optional
        The variables' values; by default their first ones.
    max_bytes, max_calls : int, optional
        Refuse a plan whose certificate or number of calls is larger.
    poison : bool
        Fill the arena with 0xFF, NaN in every float dtype, before each run, so that a read of
        memory that no step wrote shows.

    check : str
        ``"finite"``: raise `NonFiniteError` at the first step that makes a NaN or an infinity from
        better operands, and name its node, its forward node and the user's line. For finding
        faults: it takes time, and memory that no certificate counts.
    fast : bool
        Run what is made of many small steps in one compiled loop, with Numba (the extra ``fast``):
        the same sums and products to the bit, and functions within 2 units in the last place.
        Where `check` is given, steps run one by one.
    profile : bool
        Time each call of each run, for `Runner.profile` to tell. It takes two readings of a clock
        a call; without it nothing is timed.

    Raises
    ------
    RunError
        The plan exceeds a bound, its memory can't be had, there is no such check, or `fast` is
        wanted without Numba.
    StateError
        The state doesn't fit the plan.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder("square")
    >>> x = b.input("x", shape=("n",))
    >>> runner = df.Runner(df.compile(b.build(outputs={"y": x * x}), dims={"n": 3}))
    >>> runner.run(x=[1.0, 2.0, 3.0])
    {'y': array([1., 4., 9.], dtype=float32)}
    """

    def __init__(
        self, plan: Plan, *, state: Mapping[str, np.ndarray] | None = None,
        max_bytes: int | None = None, max_calls: int | None = None, poison: bool = False,
        check: str = "", fast: bool = False, profile: bool = False,
    ) -> None:  # fmt: skip
        _check_bounds(plan, max_bytes, max_calls)
        if check not in ("", "finite"):
            msg = f"Runner: check is 'finite' or '', not {check!r}"
            raise RunError(msg)
        if fast:
            check_fast()
        self.plan = plan
        self._lock = threading.Lock()
        self._torn = ""
        self._cut_short = (f"plan {plan.name!r} was cut short while its variables were written: "
                           "load a state with load_state")  # fmt: skip
        self._too_much = (f"plan {plan.name!r} needs {plan.certificate.total} bytes, which the "
                          "system doesn't give; compile with smaller dims")  # fmt: skip
        self._poison = poison
        self._is_watched = check == "finite"
        self._is_fast = fast and not self._is_watched
        try:
            own = {v.buffer: aligned(v.spec.nbytes) for v in plan.variables}
            if state is None and plan.initial is not None:
                self._compute_first_values(plan.initial, own, max_bytes, max_calls)
            self._arena = aligned(plan.peak)
            bound = Bound(plan, self._arena, own, is_watched=self._is_watched,
                          is_fast=self._is_fast)  # fmt: skip
            self._calls = Calls(bound)
        except MemoryError:
            raise RunError(self._too_much) from None
        self._ends = Ends(plan, bound)
        self._variables = {v.name: bound.whole(v.buffer, v.spec) for v in plan.variables}
        self._context = kernel_context()
        self._recorder: Recorder | None = None
        if profile:
            from scheduler.profiling import Recorder

            self._recorder = Recorder(plan, is_fast=self._is_fast)
        _RUNNERS.add(self)
        self._threads = int(plan.options.get("blas_threads", "1"))
        if state is not None:
            self.load_state(state)

    def _compute_first_values(
        self, initial: Plan, memory: Mapping[int, Array], max_bytes: int | None,
        max_calls: int | None,
    ) -> None:  # fmt: skip
        """Compute the variables' first values into their memory, before there is an arena.

        So the arena that computes them and this runner's own are never there at once.
        """
        first = Runner(initial, max_bytes=max_bytes, max_calls=max_calls)
        first.run(out={v.name: memory[v.buffer].view(v.spec.dtype).reshape(v.spec.static_shape)
                       for v in self.plan.variables})  # fmt: skip

    def run(
        self, feeds: Mapping[str, ArrayLike] | None = None, /, *,
        out: Mapping[str, np.ndarray] | None = None, **named: ArrayLike,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Run the plan once.

        Parameters
        ----------
        feeds : mapping of str to array_like
            A value for every input of the plan, of its shape and dtype (or one that NumPy casts
            safely). They are never written to. Small ones are copied; large ones are read where
            they lie, so leave them alone until the run is over.
        out : mapping of str to numpy.ndarray, optional
            Arrays to write results to, by output name; fresh ones are made for the others. After a
            run that fails, large ones hold part of a result.
        **named : array_like
            More feeds, by name.

        Returns
        -------
        dict of str to numpy.ndarray
            The outputs.

        Raises
        ------
        FeedError
            A feed is missing, unknown, or of another shape or dtype; or `out` doesn't fit.
        RunnerBusyError
            Another run of this runner is under way.
        KernelError
            A step failed on its data.
        NonFiniteError
            The runner checks for NaN and infinity, and there is one.
        StateError
            A run was cut short while it wrote variables: load a state first.
        """
        self._begin("use one Runner per thread")
        try:
            if self._torn:
                raise StateError(self._torn)
            given = named if feeds is None else {**by_name(feeds, "feeds"), **named}
            targets = {} if out is None else by_name(out, "out")
            try:
                lent = self._ends.take(given, targets)
            except MemoryError:
                raise RunError(self._too_much) from None
            if lent:
                self._calls.lend(lent)
            if self._is_watched:
                check_feeds(self._ends.feeds())
            self._execute()
            return self._ends.give(targets)
        finally:
            self._lock.release()

    @property
    def state(self) -> State:
        """A frozen copy of the variables."""
        self._begin("read its state when the run is over")
        try:
            if self._torn:
                raise StateError(self._torn)
            return State(self._variables)
        finally:
            self._lock.release()

    def load_state(self, state: Mapping[str, np.ndarray]) -> tuple[str, ...]:
        """Set the variables.

        Parameters
        ----------
        state : State or mapping of str to array
            A value for every variable of the plan.

        Returns
        -------
        tuple of str
            The names in `state` that the plan has no use for, which were ignored.

        Raises
        ------
        StateError
            A variable is missing or has another shape or dtype; nothing is changed then.
        RunnerBusyError
            A run is under way.
        """
        values: dict[str, Array] = {}  # read once: a mapping may make its arrays anew
        for variable in self.plan.variables:
            if variable.name not in state:
                msg = f"the state has no {variable.name!r} ({variable.spec}); it has {list(state)}"
                raise StateError(msg)
            given = values[variable.name] = np.asarray(state[variable.name])
            if (given.shape, given.dtype) != (variable.spec.shape, variable.spec.dtype):
                msg = (f"variable {variable.name!r} is {variable.spec}, the state's is "
                       f"{given.dtype}{list(given.shape)}")  # fmt: skip
                raise StateError(msg)
        self._begin("load a state when the run is over")
        try:
            self._torn = self._cut_short  # until all are set
            self._fill(values)
            self._torn = ""
        finally:
            self._lock.release()
        return tuple(name for name in state if name not in self._variables)

    def profile(self, *, clear: bool = False) -> pa.Table:
        """Return what the calls of the runs so far took.

        Parameters
        ----------
        clear : bool
            Forget these runs afterwards, as after a first run that only warms up.

        Returns
        -------
        pyarrow.Table
            A row for each bound call, in the order in which they run;
            `scheduler.profiling.Recorder` names the columns.

        Raises
        ------
        RunError
            The runner was made without ``profile=True``.
        RunnerBusyError
            A run is under way.

        Examples
        --------
        >>> import dataflow as df
        >>> b = df.GraphBuilder()
        >>> plan = df.compile(b.build({"y": df.exp(b.input("x", (3,))) + 1}))
        >>> runner = df.Runner(plan, profile=True)
        >>> _ = runner.run(x=[0.0, 1.0, 2.0])
        >>> table = runner.profile()
        >>> table.column("op").to_pylist(), table.column("runs").to_pylist()
        (['exp', 'add'], [1, 1])
        """
        if self._recorder is None:
            msg = "this runner times nothing: make it with Runner(plan, profile=True)"
            raise RunError(msg)
        self._begin("read its profile when the run is over")
        try:
            return self._recorder.table(clear=clear)
        finally:
            self._lock.release()

    def _begin(self, remedy: str) -> None:
        """Take the lock, without waiting."""
        if not self._lock.acquire(blocking=False):
            msg = f"plan {self.plan.name!r} is running: {remedy}"
            raise RunnerBusyError(msg)

    def _forget_run(self) -> None:
        """Be free again in a forked child: the run that was under way goes on in the parent."""
        if self._lock.locked():
            self._lock = threading.Lock()
            self._context = kernel_context()  # the old one counts as entered

    def _execute(self) -> None:
        if self._poison:
            self._arena.fill(0xFF)
            self._ends.poison()
        if self._recorder is not None:
            self._recorder.begin()
        own = begin_run(self._threads)
        try:
            self._context.run(self._loop, self._calls.computing)
            if self._calls.committing:
                self._torn = self._cut_short
                self._context.run(self._loop, self._calls.committing)
                self._torn = ""
        finally:
            end_run(own)
        if self._recorder is not None:
            self._recorder.end()

    def _loop(self, calls: list[Call]) -> None:
        rest = iter(calls)
        try:
            if self._recorder is not None:
                sizes = self._calls.sizes[calls is self._calls.committing]
                self._recorder.loop(rest, sizes)
                return
            for kernel, args in rest:
                kernel(*args)
        except NonFiniteError:
            raise
        except Exception as error:
            index = len(calls) - length_hint(rest) - 1
            number = self._calls.step_of(index, is_committing=calls is self._calls.committing)
            inner = self._inner_step(error)
            what = str(error) if inner is None else f"{inner.where()}: {error}"
            msg = f"step {number}, {self.plan.steps[number].where()}, failed on its data: {what}"
            raise KernelError(msg) from error

    def _inner_step(self, error: BaseException) -> Step | None:
        """Return the innermost step of a body that an error comes from, by the calls under way."""
        found, trace = None, error.__traceback__
        while trace is not None:
            args = trace.tb_frame.f_locals.get("args")
            found = self._calls.inner_step(args) or found
            trace = trace.tb_next
        return found

    def _fill(self, values: Mapping[str, np.ndarray]) -> None:
        for name, array in self._variables.items():
            np.copyto(array, values[name])


_RUNNERS: WeakSet[Runner] = WeakSet()


def _forget_runs() -> None:
    for runner in _RUNNERS:
        runner._forget_run()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_runs)


def _check_bounds(plan: Plan, max_bytes: int | None, max_calls: int | None) -> None:
    if not isinstance(plan, Plan):
        msg = f"Runner takes a plan, not {type(plan).__name__}: compile the graph first"
        raise PlanError(msg)
    total, calls = plan.certificate.total, plan.calls
    if max_bytes is not None and total > max_bytes:
        msg = f"plan {plan.name!r} needs {total} bytes, more than max_bytes={max_bytes}"
        raise RunError(msg)
    if max_calls is not None and calls > max_calls:
        made = f"{calls} calls" if calls < UNBOUNDED else "calls that no max_steps bounds"
        msg = f"plan {plan.name!r} makes {made}, more than max_calls={max_calls}"
        raise RunError(msg)
