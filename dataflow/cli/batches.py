"""``--data FILE``: the rows of a table, cut into the batches that a plan takes.

    training      each epoch shuffles the rows and leaves out what doesn't fill a batch
    without it    the order is kept, the last batch is padded, and the outputs are cut back

The order of an epoch is the sort of a counter-based generator's raw words, keyed by (seed, epoch):
NumPy promises those words for ever, and what its `permutation` makes of them it doesn't.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.errors import FeedError

if TYPE_CHECKING:
    from scheduler.plan import Plan, PlanInput

__all__ = ["Batches", "axis_of", "read_batches"]


class Batches(NamedTuple):
    """Rows for a plan.

    Parameters
    ----------
    rows, size : int
        How many there are, and how many a batch takes.
    values : mapping of str to numpy.ndarray
        By input: its rows, along the first axis.
    axes : mapping of str to int
        By input: which of its axes the rows go along.
    ignored : tuple of str
        The table's columns that no input needs.
    """

    rows: int
    size: int
    values: Mapping[str, np.ndarray]
    axes: Mapping[str, int]
    ignored: tuple[str, ...] = ()

    @property
    def full(self) -> int:
        """The number of batches that the rows fill."""
        return self.rows // self.size

    @property
    def remainder(self) -> int:
        """The number of rows left after the full batches."""
        return self.rows % self.size

    def epoch(self, order: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Yield the full batches of the rows in an order, as feeds."""
        for first in range(0, self.full * self.size, self.size):
            yield self._feeds(order[first : first + self.size])

    def padded(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield all rows in their order, as feeds; the last row is repeated to fill a batch.

        A row of the data, because zeros may be no valid input: an index, a divisor.
        """
        for first in range(0, self.rows, self.size):
            wanted = np.arange(first, first + self.size)
            yield self._feeds(np.minimum(wanted, self.rows - 1))

    def order(self, seed: int | None, epoch: int) -> np.ndarray:
        """Return the rows' order in an epoch; as they are if `seed` is None."""
        if seed is None:
            return np.arange(self.rows)
        words = np.random.Philox(key=(seed << 64) | epoch).random_raw(self.rows)
        return np.argsort(words, kind="stable")

    def _feeds(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {
            name: np.moveaxis(values[rows], 0, self.axes[name])
            for name, values in self.values.items()
        }


def read_batches(
    plan: Plan, path: str, dim: str, fed: Mapping[str, object], patterns: Mapping[str, str]
) -> Batches:
    """Read the rows of a table for every input that isn't fed otherwise.

    Parameters
    ----------
    plan : Plan
        Whose inputs they are.
    path : str
        The table.
    dim : str
        The named dimension that rows go along.
    fed : mapping
        The inputs that have a feed of their own.
    patterns : mapping of str to str
        By input: what ``--columns`` says.

    Raises
    ------
    FeedError
        The plan has no such dimension, an input doesn't have it, or the columns don't fit.
    FileAccessError, FileFormatError
        The file can't be read.
    """
    from dataflow.cli.columns import column_values
    from dataflow.cli.tables import choose_columns, read_table

    axes = {i.name: _axis(plan, i, dim) for i in plan.inputs if i.name not in fed}
    if not axes:
        msg = f"no input is left for --data to feed: {sorted(fed)} have a --feed of their own"
        raise FeedError(msg)
    table = read_table(path)
    if not table.num_rows:
        msg = f"{path}: the table has no rows"
        raise FeedError(msg)
    names: list[str] = table.column_names
    values, used = {}, set[str]()
    for given in plan.inputs:
        if given.name in axes:
            shape = list(given.spec.static_shape)
            del shape[axes[given.name]]
            width = int(np.prod(shape, dtype=np.int64))
            chosen = choose_columns(names, given.name, width, patterns.get(given.name, ""))
            values[given.name] = column_values(table, chosen, tuple(shape), given.spec.dtype)
            used.update(chosen)
    ignored = tuple(name for name in names if name not in used)
    return Batches(table.num_rows, plan.sizes[dim], values, axes, ignored)


def axis_of(dims: tuple[str, ...], dim: str) -> int | None:
    """Return the axis that is a named dimension; None if there is none or more than one."""
    return dims.index(dim) if dims.count(dim) == 1 else None


def _axis(plan: Plan, given: PlanInput, dim: str) -> int:
    from dataflow.cli.tables import listed

    if dim not in plan.sizes:
        has = listed([f"{name}={size}" for name, size in plan.sizes.items()])
        msg = (f"the plan has no dimension {dim!r} to split rows along; it has {has}: choose with "
               "--batch-dim")  # fmt: skip
        raise FeedError(msg)
    if not plan.sizes[dim]:
        msg = f"the plan was compiled for {dim}=0, which takes no rows: compile it for more"
        raise FeedError(msg)
    axis = axis_of(given.dims, dim)
    if axis is None:
        msg = (f"input {given.name!r} [{', '.join(given.dims)}] needs one axis {dim!r} to split "
               f"rows along: use --feed {given.name}=FILE")  # fmt: skip
        raise FeedError(msg)
    return axis
