"""Cross-checks of a small convolutional network: its loss, and the gradients of all weights."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(7)
SHAPES = ((4, 1, 8, 8), (6, 1, 3, 3), (6,), (8, 6, 3, 3), (8,), (32, 10), (10,))
ARRAYS = tuple(RNG.uniform(-1, 1, shape) for shape in SHAPES)
LABELS = RNG.integers(0, 10, 4)


def loss(nn: Any, x: Any, *weights: Any) -> Any:  # noqa: ANN401 - tensors of either kind
    """Return the logits, of functions that have the same names on both sides."""
    w1, b1, w2, b2, w3, b3 = weights
    h = nn.max_pool2d(nn.relu(nn.conv2d(x, w1, b1, padding=1)), 2)
    h = nn.interpolate(nn.relu(nn.conv2d(h, w2, b2)), scale_factor=2, mode="bilinear")
    return nn.adaptive_avg_pool2d(h, 2).reshape((4, 32)) @ w3 + b3


ROWS = [
    Row(
        "convnet", ARRAYS,
        lambda *t: df.nn.softmax_cross_entropy(
            loss(df.nn, *t), t[0].builder.constant(LABELS)).mean(),
        lambda m, *t: m.nn.functional.cross_entropy(
            loss(m.nn.functional, *t), m.tensor(LABELS)),
        None,
    ),
]  # fmt: skip
