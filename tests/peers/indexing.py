"""Cross-checks of elements by index and of updates by index."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(4)
X = RNG.uniform(1, 2, (3, 4, 5))
FLAT = RNG.permutation(12) / 7 + 1
SRC = RNG.permutation(12).reshape(3, 4) / 5 + 1.05
INDEX = RNG.integers(0, 3, (3, 4))
UNIQUE = np.array([[2, 0, 1], [1, 2, 0]])
P, Q = np.array([[0], [2]]), np.array([1, 3, 1])


def brackets() -> Iterator[Row]:
    """Yield rows of square brackets."""
    # PyTorch puts the axis of an int aside before it looks where the arrays stand.
    for index in (np.s_[:, P, Q], np.s_[P, :, Q], np.s_[1, :, Q],
                  np.s_[..., Q], np.s_[::2, 1:, Q], X > 1.5):  # fmt: skip
        theirs = isinstance(index, np.ndarray) or not isinstance(index[0], int)
        yield Row("getitem", (X,), lambda t, i=index: t[i],
                  (lambda m, t, i=index: t[i]) if theirs else None,
                  lambda m, t, i=index: t[i])  # fmt: skip


def updates() -> Iterator[Row]:
    """Yield rows of JAX's `at`, with indices that name elements twice where JAX allows it."""
    repeated, once = np.s_[P, :, Q], np.s_[P, :, Q[:2]]
    for how in ("set", "add", "subtract", "multiply", "divide", "power", "max", "min"):
        index = repeated if how in ("add", "subtract") else once
        values = RNG.uniform(1, 2, X[index].shape)
        yield Row(f"at.{how}", (X, values),
                  lambda t, v, i=index, h=how: getattr(t.at[i], h)(v), None,
                  lambda m, t, v, i=index, h=how: getattr(t.at[i], h)(v, unique_indices=True)
                  if h in ("multiply", "divide", "power") else getattr(t.at[i], h)(v),
                  gradient=how not in ("max", "min", "divide", "power"))  # fmt: skip


def scatters() -> Iterator[Row]:
    """Yield rows of PyTorch's scatter family."""
    x = FLAT.reshape(3, 4)
    yield Row("gather", (X[0],), lambda t: df.gather(t, 1, INDEX),
              lambda m, t: m.gather(t, 1, m.tensor(INDEX)), None)  # fmt: skip
    yield Row("gather", (X,), lambda t: df.gather(t, 2, INDEX[:2, :3, None]),
              lambda m, t: m.gather(t, 2, m.tensor(INDEX[:2, :3, None])), None)  # fmt: skip
    yield Row("scatter", (x, SRC[:2, :3]), lambda t, s: df.scatter(t, 1, UNIQUE, s),
              lambda m, t, s: m.scatter(t, 1, m.tensor(UNIQUE), s), None)  # fmt: skip
    yield Row("scatter_add", (x, SRC), lambda t, s: df.scatter_add(t, 0, INDEX, s),
              lambda m, t, s: m.scatter_add(t, 0, m.tensor(INDEX), s), None)  # fmt: skip
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for own in (True, False):
            options: dict[str, Any] = {"include_self": own}
            yield Row("scatter_reduce", (x, SRC),
                      lambda t, s, r=reduce, o=options: df.scatter_reduce(t, 0, INDEX, s, r, **o),
                      lambda m, t, s, r=reduce, o=options: m.scatter_reduce(
                          t, 0, m.tensor(INDEX), s, r, **o), None)  # fmt: skip
    tied = np.round(SRC)
    yield Row("scatter_reduce", (np.round(x), tied),
              lambda t, s: df.scatter_reduce(t, 0, INDEX, s, "amax"),
              lambda m, t, s: m.scatter_reduce(t, 0, m.tensor(INDEX), s, "amax"), None)  # fmt: skip


LINES = RNG.integers(0, 4, (3, 2, 5))

ROWS = [
    *brackets(), *updates(), *scatters(),
    Row("take_along_axis", (X,), lambda t: df.take_along_axis(t, LINES, axis=1),
        lambda m, t: m.take_along_dim(t, m.tensor(LINES), 1),
        lambda m, t: m.numpy.take_along_axis(t, LINES, 1)),
    Row("put_along_axis", (X, LINES / 3 + 1),
        lambda t, v: df.put_along_axis(t, LINES[:, :1], v[:, :1], 1), None,
        lambda m, t, v: m.numpy.put_along_axis(t, LINES[:, :1], v[:, :1], 1, inplace=False)),
    Row("index_add", (X, X[:, :2]), lambda t, s: df.index_add(t, 1, [2, 2], s, alpha=3),
        lambda m, t, s: m.index_add(t, 1, m.tensor([2, 2]), s, alpha=3), None),
    Row("index_copy", (X, X[:, :2]), lambda t, s: df.index_copy(t, 1, [2, 0], s),
        lambda m, t, s: m.index_copy(t, 1, m.tensor([2, 0]), s), None),
    Row("index_fill", (X,), lambda t: df.index_fill(t, 2, [2, 0], 7.0),
        lambda m, t: m.index_fill(t, 2, m.tensor([2, 0]), 7.0), None),
    Row("masked_fill", (X,), lambda t: df.masked_fill(t, X[:, :1] > 1.5, 7.0),
        lambda m, t: m.masked_fill(t, m.tensor(X[:, :1] > 1.5), 7.0), None),
    Row("index_select", (X,), lambda t: df.index_select(t, 1, [2, 0, 2]),
        lambda m, t: m.index_select(t, 1, m.tensor([2, 0, 2])), None),
    Row("choose", (X, X[:, :1]), lambda a, b: df.choose(INDEX[:, :, None] % 2, [a, b]), None,
        lambda m, a, b: m.numpy.choose(INDEX[:, :, None] % 2, [a, b])),
    Row("select", (X, X[:1]), lambda a, b: df.select([a < 1.3, a > 1.6], [a * b, a], b), None,
        lambda m, a, b: m.numpy.select([a < 1.3, a > 1.6],
                                       [a * b, a], m.numpy.broadcast_to(b, a.shape))),
]  # fmt: skip
