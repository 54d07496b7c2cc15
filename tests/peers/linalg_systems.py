"""Cross-checks of linear systems, determinants and norms."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(4)


def real(*shape: int) -> np.ndarray:
    """Draw real numbers."""
    return RNG.uniform(-2, 2, shape)


def both(*shape: int) -> np.ndarray:
    """Draw complex numbers."""
    return real(*shape) + 1j * real(*shape)


def regular(x: np.ndarray) -> np.ndarray:
    """Return matrices with a heavy diagonal, far from singular."""
    return x + 4 * np.eye(x.shape[-1])


def row(name: str, *arrays: np.ndarray, jax: bool = True) -> Row:
    """Return a row of a function that has one name in all three."""
    theirs: Callable[..., Any] | None = None
    if jax:
        theirs = lambda j, *x: getattr(j.numpy.linalg, name)(*x)  # noqa: E731
    return Row(name, arrays, getattr(df.linalg, name), lambda t, *x: getattr(t.linalg, name)(*x),
               theirs)  # fmt: skip


# PyTorch's gradient is 0 here, where the cofactors aren't.
SINGULAR = np.diag([1.0, 2.0, 0.0]) @ real(3, 3)

ROWS = [
    row("solve", regular(real(3, 3)), real(3)), row("solve", regular(both(3, 3)), both(3, 2)),
    row("solve", regular(real(2, 3, 3)), real(2, 3, 2)), row("inv", regular(both(2, 3, 3))),
    row("det", real(2, 3, 3)), row("det", both(3, 3)),
    Row("det", (SINGULAR,), df.linalg.det, None, lambda j, x: j.numpy.linalg.det(x)),
    row("slogdet", real(2, 3, 3)), row("slogdet", both(2, 3, 3)),
    Row("tensorinv", (regular(real(6, 6)).reshape(2, 3, 6),), df.linalg.tensorinv,
        lambda t, x: t.linalg.tensorinv(x), lambda j, x: j.numpy.linalg.tensorinv(x)),
    Row("tensorsolve", (regular(real(6, 6)).reshape(2, 3, 6), real(2, 3)), df.linalg.tensorsolve,
        lambda t, a, b: t.linalg.tensorsolve(a, b),
        lambda j, a, b: j.numpy.linalg.tensorsolve(a, b)),
]  # fmt: skip
