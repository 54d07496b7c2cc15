"""What a replay runs: epochs of runs, the feeds of each, and what is kept of the outputs.

repeated     the same feeds, as often as wanted
training     the plan updates variables: shuffled epochs, the remainder left out
prediction   it doesn't: all rows once, in order, the last batch padded and cut back
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from dataflow.errors import FeedError

if TYPE_CHECKING:
    from dataflow.cli.batches import Batches
    from scheduler.plan import Plan

    Feeds: TypeAlias = Mapping[str, np.ndarray]

__all__ = ["Kept", "Work", "prediction", "repeated", "training", "trains"]


class Work(NamedTuple):
    """A replay's runs.

    Parameters
    ----------
    epochs, runs : int
        How many epochs, and how many runs in each.
    feeds : callable
        ``feeds(epoch)`` yields the feeds of each run of an epoch, counted from 0.
    axes : mapping of str to int
        The outputs that are joined over all runs, and along which axis.
    rows : int, optional
        How many rows of what is joined are not padding.
    dropped : int
        How many rows each epoch leaves out.
    """

    epochs: int
    runs: int
    feeds: Callable[[int], Iterator[Feeds]]
    axes: Mapping[str, int] = MappingProxyType({})
    rows: int | None = None
    dropped: int = 0


class Kept:
    """The outputs that are kept of many runs.

    Parameters
    ----------
    axes : mapping of str to int
        The outputs whose runs are joined along an axis: batches of predictions.
    keep_all : bool
        Whether the others are stacked; else the last run's are kept.
    wanted : bool
        Whether anyone will write them; else only the last run's are kept.
    """

    def __init__(self, axes: Mapping[str, int], *, keep_all: bool, wanted: bool) -> None:
        self._axes = axes if wanted else {}
        self._keep_all = keep_all and wanted
        self._runs: list[dict[str, np.ndarray]] = []
        self.last: dict[str, np.ndarray] = {}

    def add(self, outputs: dict[str, np.ndarray]) -> None:
        """Take over one run's outputs."""
        self.last = outputs
        if self._keep_all:
            self._runs.append(outputs)
        elif self._axes:
            self._runs.append({name: outputs[name] for name in self._axes})

    def arrays(self, rows: int | None = None) -> dict[str, np.ndarray]:
        """Return what is kept; of joined outputs, the first `rows` rows as the first axis."""
        return {name: self._array(name, rows) for name in self.last}

    def _array(self, name: str, rows: int | None) -> np.ndarray:
        if name in self._axes:
            moved = [np.moveaxis(run[name], self._axes[name], 0) for run in self._runs]
            return np.concatenate(moved)[:rows]
        if self._keep_all:
            return np.stack([run[name] for run in self._runs])
        return self.last[name]


def trains(plan: Plan) -> bool:
    """Say whether a run of a plan changes its variables."""
    return any(variable.updated for variable in plan.variables)


def repeated(plan: Plan, fed: Feeds, times: int) -> Work:
    """Run on the same feeds again and again.

    Raises
    ------
    FeedError
        An input has no feed.
    """
    for given in plan.inputs:
        if given.name not in fed:
            msg = (f"input {given.name!r} ({given.spec}) is not fed: use --feed {given.name}=FILE "
                   "for an array, or --data FILE for a table")  # fmt: skip
            raise FeedError(msg)
    return Work(1, times, lambda epoch: repeat(fed, times))


def training(batches: Batches, fed: Feeds, epochs: int, seed: int | None) -> Work:
    """Go through the rows in epochs, shuffled unless `seed` is None.

    Raises
    ------
    FeedError
        The rows don't fill one batch.
    """
    if not batches.full:
        msg = (f"the table has {batches.rows} rows, and the plan takes {batches.size} at once: "
               "compile it for a smaller batch")  # fmt: skip
        raise FeedError(msg)

    def feeds(epoch: int) -> Iterator[Feeds]:
        order = batches.order(seed, epoch)
        return ({**fed, **rows} for rows in batches.epoch(order))

    return Work(epochs, batches.full, feeds, dropped=batches.remainder)


def prediction(plan: Plan, batches: Batches, fed: Feeds, dim: str) -> Work:
    """Go through the rows once, in order.

    Raises
    ------
    FeedError
        The last batch must be padded, and an output depends on all of a batch, so that the padding
        couldn't be cut off.
    """
    from dataflow.cli.batches import axis_of

    axes = {out.name: axis_of(out.dims, dim) for out in plan.outputs}
    whole = [name for name, axis in axes.items() if axis is None]
    if whole and batches.remainder:
        msg = (f"output {whole[0]!r} has no axis {dim!r}, so what pads the last of {batches.rows} "
               f"rows to a batch of {batches.size} would change it: compile with --outputs without "
               "it, or for a batch that divides the rows")  # fmt: skip
        raise FeedError(msg)
    joined = {name: axis for name, axis in axes.items() if axis is not None}
    return Work(1, -(-batches.rows // batches.size), lambda epoch: (
        {**fed, **rows} for rows in batches.padded()
    ), joined, batches.rows)  # fmt: skip
