"""Cross-checks of connectionist temporal classification, behind `log_softmax`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(8)
LOGITS = RNG.uniform(-4, 4, (12, 5, 6))
TARGETS = RNG.integers(1, 6, (5, 4))
TARGETS[0] = (2, 2, 5, 5)
TIMES, COUNTS = np.array([12, 9, 10, 3, 7]), np.array([4, 3, 1, 2, 0])
JOINED = np.concatenate([row[:n] for row, n in zip(TARGETS, COUNTS, strict=True)])
IMPOSSIBLE = np.array([12, 2, 10, 1, 7])


def rows(times: np.ndarray, blank: int = 0, **options: Any) -> Iterator[Row]:  # noqa: ANN401
    """Yield a row of each reduction."""
    targets = np.where(blank == TARGETS, 0, TARGETS)
    for reduction in ("none", "mean", "sum"):
        given = {"blank": blank, "reduction": reduction, **options}
        yield Row(
            "ctc_loss", (LOGITS,),
            lambda x, o=given: df.nn.ctc_loss(df.log_softmax(x), targets, times, COUNTS, **o),
            lambda m, x, o=given: m.nn.functional.ctc_loss(
                m.log_softmax(x, -1), *map(m.tensor, (targets, times, COUNTS)), **o),
            None,
        )  # fmt: skip


ROWS = [
    *rows(TIMES), *rows(TIMES, blank=3), *rows(IMPOSSIBLE, zero_infinity=True),
    Row("ctc_loss", (LOGITS,),
        lambda x: df.nn.ctc_loss(df.log_softmax(x), JOINED, TIMES, COUNTS),
        lambda m, x: m.nn.functional.ctc_loss(
            m.log_softmax(x, -1), *map(m.tensor, (JOINED, TIMES, COUNTS))), None),
    Row("ctc_loss", (LOGITS[:, 0],),
        lambda x: df.nn.ctc_loss(df.log_softmax(x), TARGETS[0], 12, 4, reduction="sum"),
        lambda m, x: m.nn.functional.ctc_loss(
            m.log_softmax(x, -1), m.tensor(TARGETS[0]), m.tensor(12), m.tensor(4),
            reduction="sum"), None),
]  # fmt: skip
