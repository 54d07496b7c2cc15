"""How everything here is measured: interleaved rounds, medians with quartiles, one table.

A round calls each candidate once, one after the other, so that what disturbs the machine disturbs
all of them; ratios and differences are taken round by round. A median with its quartiles says what
is usual and how far to trust it; a minimum would hide what users wait for.
"""

from __future__ import annotations

import gc
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["HEADER", "Row", "Samples", "finished_in_time", "interleaved", "pin_to",
           "pin_to_one_thread"]  # fmt: skip

Candidate: TypeAlias = Callable[[], object]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SCALES = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
           "B": ((2**20, "MiB"), (2**10, "KiB"), (1, "B")), "×": ((1, "×"),)}  # fmt: skip


def pin_to_one_thread() -> None:
    """Give this process and all that it starts one thread on one CPU, ours and peers alike."""
    pin_to(1)


def pin_to(threads: int) -> None:
    """Give this process and all that it starts so many threads, on as many CPUs.

    To be called before NumPy, PyTorch or JAX is imported: they read these when they load.
    """
    many = "true" if threads > 1 else "false"
    flags = f"--xla_cpu_multi_thread_eigen={many} intra_op_parallelism_threads={threads}"
    os.environ.update(dict.fromkeys(_THREADS, str(threads)), XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    if hasattr(os, "sched_setaffinity"):  # elsewhere the variables have to do
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def finished_in_time(
    command: list[str], seconds: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str] | None:
    """Run a process and keep what it prints; None if it had to be stopped, with all it started."""
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment,
                               start_new_session=True)  # fmt: skip
    try:
        output, _ = started.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)  # compilers that it started, too
        started.communicate()
        return None
    return subprocess.CompletedProcess(command, started.returncode, output)


@dataclass(frozen=True)
class Samples:
    """What one candidate needed in each round, or what was worked out from that."""

    values: tuple[float, ...]

    def __truediv__(self, other: Samples) -> Samples:
        return Samples(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))

    def __sub__(self, other: Samples) -> Samples:
        return Samples(tuple(a - b for a, b in zip(self.values, other.values, strict=True)))

    def per(self, count: float) -> Samples:
        """Return the samples divided by a number of equal parts."""
        return Samples(tuple(value / count for value in self.values))

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """What a quarter of the samples lies below, and what a quarter lies above."""
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    what : str
        What was measured.
    samples : Samples
        The results.
    unit : str
        ``"s"``, ``"B"`` or ``"×"`` for a ratio.
    at_most, at_least : float, optional
        The goal, for the median.
    """

    what: str
    samples: Samples
    unit: str = "s"
    at_most: float | None = None
    at_least: float | None = None

    def __str__(self) -> str:
        low, high = (_text(value, self.unit) for value in self.samples.quartiles)
        spread = "" if low == high else f"{low} to {high}"
        median = _text(self.samples.median, self.unit)
        return f"  {self.what:<56} {median:>10}  {spread:<22} {self._verdict()}".rstrip()

    def _verdict(self) -> str:
        median = self.samples.median
        if self.at_most is not None:
            met = median <= self.at_most
            return f"at most {_text(self.at_most, self.unit)}: {'met' if met else 'MISSED'}"
        if self.at_least is not None:
            met = median >= self.at_least
            return f"at least {_text(self.at_least, self.unit)}: {'met' if met else 'MISSED'}"
        return ""


HEADER = f"  {'':<56} {'median':>10}  {'quartiles':<22} goal"


def interleaved(
    candidates: Mapping[str, Candidate], *, rounds: int, warmup: int = 2
) -> dict[str, Samples]:
    """Time candidates in turn, in seconds a call.

    Parameters
    ----------
    candidates : mapping of str to callable
        What to call, by name.
    rounds : int
        How often each is timed.
    warmup : int
        How often each is called before.

    Returns
    -------
    dict of str to Samples
        By name; sample i of each was taken in the same round.
    """
    for _ in range(warmup):
        for candidate in candidates.values():
            candidate()
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            found[name].append(_seconds(candidate))
    return {name: Samples(tuple(values)) for name, values in found.items()}


def _seconds(candidate: Candidate) -> float:
    """Time one call; the garbage of one candidate is collected on nobody's time."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        candidate()
        return time.perf_counter() - start
    finally:
        gc.enable()


def _text(value: float, unit: str) -> str:
    scales = _SCALES[unit]
    scale, name = next((s for s in scales if abs(value) >= s[0]), scales[-1])
    return (
        f"{value / scale:.3g} {name}" if abs(value / scale) < 100 else f"{value / scale:.0f} {name}"
    )
