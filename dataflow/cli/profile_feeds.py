"""What a profile runs on: the files' values, and made-up ones where there are none.

Zeros are valid indices, keys and labels whatever their range; numbers between 0 and 1 are valid for
most functions, and make neither the NaN nor the tiny numbers that some processors are slow on.
"""

from __future__ import annotations

from itertools import count, repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np

from dataflow.cli.feeds import check_names, read_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.spec import Spec
    from scheduler.plan import Plan

    Feeds: TypeAlias = Mapping[str, np.ndarray]

__all__ = ["Fed", "Sources", "endless_feeds", "made_up"]


class Sources(NamedTuple):
    """The files that feeds come from, as the options name them."""

    feeds: Mapping[str, str]
    columns: Mapping[str, str]
    data: str | None
    batch_dim: str


class Fed(NamedTuple):
    """Feeds for any number of runs, and the inputs whose values are made up."""

    feeds: Iterator[Feeds]
    made_up: tuple[str, ...]


def endless_feeds(plan: Plan, sources: Sources) -> Fed:
    """Return feeds for as many runs as wanted; a table's rows are gone through again and again.

    Raises
    ------
    FeedError
        A value doesn't fit its input.
    FileAccessError, FileFormatError
        A file can't be read.
    """
    check_names(plan, sources.columns, "--columns")
    fed = read_feeds(plan, sources.feeds, sources.columns)
    if sources.data is not None:
        from dataflow.cli.batches import read_batches

        batches = read_batches(plan, sources.data, sources.batch_dim, fed, sources.columns)
        return Fed(({**fed, **rows} for _ in count() for rows in batches.padded()), ())
    others = {i.name: made_up(i.spec, i.name) for i in plan.inputs if i.name not in fed}
    return Fed(repeat({**fed, **others}), tuple(others))


def made_up(spec: Spec, name: str) -> np.ndarray:
    """Return values of a spec, the same for the same name.

    Examples
    --------
    >>> from dataflow.spec import Spec
    >>> made_up(Spec((2,), np.dtype("int64")), "labels")
    array([0, 0])
    >>> bool(0 <= made_up(Spec((), np.dtype("float32")), "x") < 1)
    True
    """
    if spec.dtype.kind in "biu":
        return np.zeros(spec.static_shape, spec.dtype)
    values = np.random.default_rng(crc32(name.encode())).random(spec.static_shape, np.float32)
    return np.asarray(np.minimum(values, np.float32(0.99)), spec.dtype)  # float16 rounds up to 1
