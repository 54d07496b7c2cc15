"""One training step on the digits: batch 32, 64 -> 128 -> 10, Adam, float32.

All start from our first weights and train on the same batches. Before anything is timed, the loss
after two epochs must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import dataflow as df
from benchmarks.digits import BATCH, batches, first_weights, graph
from benchmarks.measuring import Row, interleaved
from benchmarks.peers import ADAMS, Batches, Epoch, jax_epoch, torch_epoch

__all__ = ["measure"]

OURS, JAX = "dataflow", "jax.jit, donated state"


def measure() -> Iterator[Row]:
    """Yield our time per step, the peers', and the ratios."""
    fed = batches()
    runner = df.Runner(df.compile(graph(), dims={"batch": BATCH}))
    first = first_weights(runner)
    torchs = {f"PyTorch eager, {adam}": torch_epoch(first, fed, options)
              for adam, options in ADAMS.items()}  # fmt: skip
    epochs = {OURS: _epoch(runner, fed), **torchs, JAX: jax_epoch(first, fed)}
    _check({name: (epoch(), epoch())[1] for name, epoch in epochs.items()})
    found = {n: s.per(len(fed)) for n, s in interleaved(epochs, rounds=25).items()}
    for name, samples in found.items():
        yield Row(name, samples)
    fastest = min(torchs, key=lambda name: found[name].median)
    yield Row(f"{fastest} / {OURS}", found[fastest] / found[OURS], "×", at_least=3)
    yield Row(f"{JAX} / {OURS} (1.0 is the aim)", found[JAX] / found[OURS], "×")


def _epoch(runner: df.Runner, fed: Batches) -> Epoch:
    def epoch() -> float:
        for x, labels in fed:
            result = runner.run(x=x, labels=labels)
        return float(result["loss"])

    return epoch


def _check(losses: dict[str, float]) -> None:
    for name, loss in losses.items():
        if not np.isclose(loss, losses[OURS], rtol=0, atol=1e-5):
            msg = f"the losses after two epochs differ: {OURS} {losses[OURS]}, {name} {loss}"
            raise SystemExit(msg)
