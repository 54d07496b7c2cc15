"""Cross-checks of arithmetic."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = np.random.default_rng(1).uniform(0.5, 2, (3, 4))
Y = np.random.default_rng(2).uniform(0.5, 2, (4,))

ROWS = [
    Row("divide", (X, Y), df.divide, lambda t, x, y: x / y, lambda j, x, y: x / y),
    Row("power", (X, Y), df.power, lambda t, x, y: x**y, lambda j, x, y: x**y),
]
