"""The digits: the graph of the main job, and the data in batches, for every benchmark that trains.

Feeds are scaled here and not in the graph, so that all peers compute the same from the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import dataflow as df

if TYPE_CHECKING:
    from dataflow.graph import Graph

__all__ = ["BATCH", "batches", "first_weights", "graph"]

BATCH = 32
_DATA = Path(__file__).resolve().parents[1] / "examples" / "digits.parquet"


def graph() -> Graph:
    """Return the training step: 64 -> 128 -> 10, cross-entropy, Adam."""
    b = df.GraphBuilder("digits")
    x = b.input("x", shape=("batch", 64), dtype="float32")
    labels = b.input("labels", shape=("batch",), dtype="int64")
    h = df.nn.Dense(128, activation="relu")(x)
    logits = df.nn.Dense(10)(h)
    loss = df.nn.softmax_cross_entropy(logits, labels).mean()
    df.optim.Adam(1e-3).minimize(loss)
    return b.build(outputs={"loss": loss, "logits": logits})


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return an epoch's 56 batches of pixels in [0, 1] and labels, shuffled."""
    from pyarrow import parquet

    table = parquet.read_table(_DATA)
    x = np.array(table["x"].to_pylist(), "float32") / 16
    labels = table["labels"].to_numpy()
    rows = np.random.default_rng(0).permutation(len(labels))
    starts = range(0, len(rows) - BATCH + 1, BATCH)
    return [(x[rows[i : i + BATCH]], labels[rows[i : i + BATCH]]) for i in starts]


def first_weights(runner: df.Runner) -> list[np.ndarray]:
    """Return weight, bias, weight, bias before the first step, for peers to start from."""
    return [value for name, value in runner.state.items() if not name.startswith("adam")]
