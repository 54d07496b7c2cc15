"""Cross-checks of flips, rolls, repeats and other arrangements."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = np.random.default_rng(1).uniform(-2, 2, (3, 4, 5))

ROWS = [
    Row("flip", (X,), lambda x: df.flip(x, (0, 2)), lambda t, x: t.flip(x, (0, 2)),
        lambda j, x: j.numpy.flip(x, (0, 2))),
    Row("roll", (X,), lambda x: df.roll(x, (1, -7), (0, 2)),
        lambda t, x: t.roll(x, (1, -7), (0, 2)),
        lambda j, x: j.numpy.roll(x, (1, -7), (0, 2))),
    Row("rot90", (X,), lambda x: df.rot90(x, 3, (2, 0)), lambda t, x: t.rot90(x, 3, (2, 0)),
        lambda j, x: j.numpy.rot90(x, 3, (2, 0))),
    Row("tile", (X,), lambda x: df.tile(x, (2, 1, 3, 2)), lambda t, x: t.tile(x, (2, 1, 3, 2)),
        lambda j, x: j.numpy.tile(x, (2, 1, 3, 2))),
    Row("repeat", (X,), lambda x: df.repeat(x, 3, 1), lambda t, x: t.repeat_interleave(x, 3, 1),
        lambda j, x: j.numpy.repeat(x, 3, 1)),
    Row("repeat-each", (X,), lambda x: df.repeat(x, [2, 0, 3], 0),
        lambda t, x: t.repeat_interleave(x, t.tensor([2, 0, 3]), 0),
        lambda j, x: j.numpy.repeat(x, np.array([2, 0, 3]), 0)),
]  # fmt: skip
