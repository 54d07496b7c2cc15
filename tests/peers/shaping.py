"""Cross-checks of changes of shape, of joined and taken parts, and of arrays made from sizes."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(8)
X = RNG.uniform(-2, 2, (3, 1, 4))
Y = RNG.uniform(-2, 2, (4, 2, 6))
PLACES = np.array([[2, 0], [-1, 2]])
TIMES = RNG.uniform(0.5, 2, (4, 4))
LABELS = np.array([2, 0, 1, 2])
RANGED = np.array([3, 7, 11])


def shaped(name: str, *args: Any, torch: str | None = None, jax: str | None = None) -> Row:  # noqa: ANN401
    """Return the row of a function whose arguments are the same in all three."""
    theirs = name if torch is None else torch
    return Row(name, (X,), lambda x: getattr(df, name)(x, *args),
               (lambda t, x: getattr(t, theirs)(x, *args)) if theirs else None,
               None if jax == "" else lambda j, x: getattr(j.numpy, name)(x, *args))  # fmt: skip


def window(name: str, *args: float) -> Row:
    """Return the row of a window by PyTorch's name, periodic or not."""
    return Row(name, (TIMES[0],), lambda x: x * getattr(df, name)(
                   4, *args, dtype="float64", device=x.builder),
               lambda t, x: x * getattr(t, name)(4, *args, dtype=x.dtype), None)  # fmt: skip


def made(name: str, shape: tuple[int, ...], *args: Any, torch: str | None = None) -> Row:  # noqa: ANN401
    """Return the row of an array made from numbers, times one that is given."""
    theirs = name if torch is None else torch
    x = RNG.uniform(0.5, 2, shape)
    return Row(name, (x,),
               lambda x: x * getattr(df, name)(*args, dtype="float64", device=x.builder),
               (lambda t, x: x * getattr(t, theirs)(*args, dtype=x.dtype)) if theirs else None,
               lambda j, x: x * getattr(j.numpy, name)(*args))  # fmt: skip


ROWS = [
    shaped("transpose", (2, 0, 1), torch="permute"), shaped("swapaxes", 0, 2),
    shaped("reshape", (2, -1)), shaped("squeeze", 1), shaped("expand_dims", 1, torch="unsqueeze"),
    shaped("broadcast_to", (2, 3, 5, 4)), shaped("rollaxis", 2, torch=""),
    shaped("atleast_3d"), shaped("flipud"), shaped("fliplr"), shaped("unbind", 0, jax=""),
    shaped("narrow", 2, 1, 2, jax=""),
    Row("argwhere", (X,), lambda x: df.argwhere(x, size=12), lambda t, x: t.argwhere(x),
        lambda j, x: j.numpy.argwhere(x), gradient=False),
    *(Row(name, (Y,), lambda x, n=name: getattr(df, n)(x, 2),
          lambda t, x, n=name: getattr(t, n)(x, 2), lambda j, x, n=name: getattr(j.numpy, n)(x, 2))
      for name in ("hsplit", "vsplit", "dsplit")),
    *(Row(name, (X, X + 1), lambda x, y, n=name, a=axis: getattr(df, n)([x, y], axis=a),
          lambda t, x, y, n=name, a=axis: getattr(t, n)([x, y], dim=a),
          lambda j, x, y, n=name, a=axis: getattr(j.numpy, n)([x, y], axis=a))
      for name in ("stack", "concat") for axis in (0, -1)),
    Row("take", (X,), lambda x: df.take(x, PLACES, 0), lambda t, x: x[t.tensor(PLACES)],
        lambda j, x: j.numpy.take(x, PLACES, 0)),
    Row("take", (X,), lambda x: df.take(x, PLACES), lambda t, x: t.take(x, t.tensor(PLACES)),
        lambda j, x: j.numpy.take(x, PLACES)),
    Row("extract", (TIMES[0],), lambda x: df.extract(LABELS > 1, x), None,
        lambda j, x: j.numpy.extract(LABELS > 1, x)),
    Row("complex", (X, X + 1), df.complex, lambda t, x, y: t.complex(x, y),
        lambda j, x, y: j.lax.complex(x, y)),
    Row("one_hot", (LABELS,), lambda i: df.one_hot(i, 4),
        lambda t, i: t.nn.functional.one_hot(i, 4),
        lambda j, i: j.nn.one_hot(i, 4), gradient=False),
    Row("unravel_index", (RANGED,), lambda i: df.unravel_index(i, (3, 4)),
        lambda t, i: t.unravel_index(i, (3, 4)), lambda j, i: j.numpy.unravel_index(i, (3, 4)),
        gradient=False),
    Row("flatnonzero", (X,), lambda x: df.flatnonzero(x > 0, size=12, fill_value=-1), None,
        lambda j, x: j.numpy.flatnonzero(x > 0, size=12, fill_value=-1), gradient=False),
    Row("ravel_multi_index", (RANGED % 3, RANGED % 4),
        lambda *i: df.ravel_multi_index(i, (3, 4)), None,
        lambda j, *i: j.numpy.ravel_multi_index(i, (3, 4), "clip"), gradient=False),
    *(window(name, periodic)
      for name in ("hann_window", "hamming_window", "blackman_window", "bartlett_window",
                   "kaiser_window") for periodic in (True, False)),
    *(made(name, (5,), 5, torch="") for name in ("hanning", "hamming", "blackman", "bartlett")),
    made("kaiser", (5,), 5, 3.0, torch=""), made("geomspace", (4,), 1.0, 8.0, 4, torch=""),
    *(made(name, (5,), 0.5, 2.0, 5) for name in ("linspace", "logspace")),
    made("arange", (4,), 1.0, 3.0, 0.5), made("eye", (4, 3), 4, 3),
    made("tri", (3, 4), 3, 4, 1, torch=""), made("identity", (3, 3), 3, torch=""),
    made("indices", (2, 2, 3), (2, 3), torch=""),
    made("zeros", (2, 3), (2, 3)), made("ones", (2, 3), (2, 3)), made("full", (2, 3), (2, 3), 0.5),
    *(Row(name, (X,), lambda x, n=name: x + getattr(df, n)(x),
          lambda t, x, n=name: x + getattr(t, n)(x),
          lambda j, x, n=name: x + getattr(j.numpy, n)(x)) for name in ("zeros_like", "ones_like")),
    Row("full_like", (X,), lambda x: x * df.full_like(x, 0.5),
        lambda t, x: x * t.full_like(x, 0.5), lambda j, x: x * j.numpy.full_like(x, 0.5)),
]  # fmt: skip
