"""What a replay runs: epochs of runs, the feeds of each, and how the outputs join.

repeated     the same feeds, as often as wanted
training     the plan updates variables: shuffled epochs, the remainder left out
prediction   it doesn't: all rows once, in order, the last batch padded and cut back
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, TypeAlias

from dataflow.cli.batches import Batches, axis_of
from dataflow.errors import FeedError

if TYPE_CHECKING:
    import numpy as np

    from scheduler.plan import Plan

    Feeds: TypeAlias = Mapping[str, np.ndarray]

__all__ = ["Work", "prediction", "repeated", "training", "trains"]


@dataclass(frozen=True, slots=True)
class Work:
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
    axes: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None
    dropped: int = 0


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
        There are no rows; or the last batch must be padded, and an output depends on all of a
        batch, so that the padding couldn't be cut off.
    """
    axes = {out.name: axis_of(out.dims, dim) for out in plan.outputs}
    whole = [name for name, axis in axes.items() if axis is None]
    if whole and batches.remainder:
        msg = (f"output {whole[0]!r} has no axis {dim!r}, so what pads the last of {batches.rows} "
               f"rows to a batch of {batches.size} would change it: compile with --outputs without "
               "it, or for a batch that divides the rows")  # fmt: skip
        raise FeedError(msg)
    if not batches.rows:
        msg = "the table has no rows"
        raise FeedError(msg)
    joined = {name: axis for name, axis in axes.items() if axis is not None}
    return Work(1, -(-batches.rows // batches.size), lambda epoch: (
        {**fed, **rows} for rows in batches.padded()
    ), joined, batches.rows)  # fmt: skip
