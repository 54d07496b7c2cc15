"""What a long replay says meanwhile: a bar on a terminal, one line an epoch anywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click

from dataflow.cli.printing import number_text, printable

if TYPE_CHECKING:
    import numpy as np

    from scheduler.plan import Plan

__all__ = ["Bar", "Epoch", "bar", "scalar_outputs"]

_REDRAW = 0.1  # seconds: drawing costs more than many a run


class Epoch:
    """Counts the runs of one epoch and adds up their scalar outputs.

    Parameters
    ----------
    number : int
        From 1.
    scalars : tuple of str
        The outputs to add up.
    """

    def __init__(self, number: int, scalars: tuple[str, ...]) -> None:
        self.number = number
        self.runs = 0
        self.seconds = 0.0
        self._sums = dict.fromkeys(scalars, 0.0)
        self._start = time.perf_counter()

    def add(self, outputs: Mapping[str, np.ndarray]) -> None:
        """Count one run."""
        self.runs += 1
        for name in self._sums:
            self._sums[name] += float(outputs[name])
        self.seconds = time.perf_counter() - self._start

    @property
    def means(self) -> dict[str, float]:
        """The mean of each scalar output."""
        return {name: total / self.runs for name, total in self._sums.items()}

    @property
    def rate(self) -> float:
        """Runs a second."""
        return self.runs / self.seconds if self.seconds else 0.0

    def line(self) -> str:
        """Return all of it as a line."""
        parts = [f"{printable(name)} {number_text(mean)}" for name, mean in self.means.items()]
        runs = "run" if self.runs == 1 else "runs"
        return ", ".join([*parts, f"{self.runs:,} {runs}", f"{self.rate:,.0f} runs/s"])


def scalar_outputs(plan: Plan) -> tuple[str, ...]:
    """Return the names of the outputs that are one real number."""
    return tuple(
        o.name for o in plan.outputs if o.operand.shape == () and o.operand.dtype.kind != "c"
    )


class Bar(NamedTuple):
    """How a replay tells of itself while it runs.

    Parameters
    ----------
    advance : callable
        ``advance(done, epoch)``, to be called after each run.
    say : callable
        ``say(line)`` prints a line; above the bar, where there is one.
    """

    advance: Callable[[int, Epoch], None]
    say: Callable[[str], None]


@contextmanager
def bar(total: int, *, wanted: bool) -> Iterator[Bar]:
    """Draw a progress bar while the block runs, if stdout is a terminal.

    Parameters
    ----------
    total : int
        The number of runs to come.
    wanted : bool
        Whether to draw at all.

    Yields
    ------
    Bar
        What to call; without a bar, nothing is drawn and lines are just printed.
    """
    if not (wanted and sys.stdout.isatty()):
        yield Bar(lambda done, epoch: None, click.echo)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    note = TextColumn("{task.description}", markup=False)  # a name may look like markup
    with Progress(BarColumn(), MofNCompleteColumn(), note, transient=True) as progress:
        task = progress.add_task("", total=total)
        drawn = 0.0

        def advance(done: int, epoch: Epoch) -> None:
            nonlocal drawn
            now = time.perf_counter()
            if now - drawn > _REDRAW:
                drawn = now
                progress.update(task, completed=done, description=epoch.line())

        def say(line: str) -> None:
            progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

        yield Bar(advance, say)
