"""The main job on real data: declare, differentiate, save, compile, train, predict.

This program declares a small network that reads handwritten digits, and saves it as a graph file.
All the rest is done by the command `dataflow` on files: each command is printed before it runs, so
that it can be typed in again. What is written lies in ``build/demo/``.

It ends with 1 if fewer than 97 % of the digits that it wasn't trained on are read right.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import dataflow as df

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("build", "demo")  # below ROOT
BATCH = 32
EPOCHS = 30
SEED = 3  # seeds 0 to 4 give 97.3, 97.6, 98.0, 98.7 and 97.8 %
ENOUGH = 0.97


def main() -> int:
    """Do all of it, and return the exit code."""
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    df.save(declare(), ROOT / OUT / "digits.graph.arrow")
    labels = split()
    compile_plans()
    training = train()
    right = np.mean(predict() == labels)
    report(training, float(right), len(labels))
    return 0 if right >= ENOUGH else 1


def declare() -> df.Graph:
    """Declare the network, its loss, the reverse sweep and the updates of Adam."""
    b = df.GraphBuilder("digits", seed=SEED)
    x = b.input("x", shape=("batch", 64), dtype="float32")
    labels = b.input("labels", shape=("batch",), dtype="int64")
    h = df.nn.Dense(128, activation="relu")(x * (1 / 16))  # a pixel is a number from 0 to 16
    logits = df.nn.Dense(10)(h)
    loss = df.nn.softmax_cross_entropy(logits, labels).mean()
    df.optim.Adam(1e-3).minimize(loss)
    return b.build(outputs={"loss": loss, "logits": logits})


def split() -> np.ndarray:
    """Write three quarters of the digits to one file, the others to another; return their labels.

    The order is the sort of a counter-based generator's raw words: the same with every NumPy.
    """
    digits = pq.read_table(Path(__file__).with_name("digits.parquet"))
    order = np.argsort(np.random.Philox(key=SEED).random_raw(digits.num_rows), kind="stable")
    cut = digits.num_rows * 3 // 4
    pq.write_table(digits.take(order[:cut]), ROOT / OUT / "training.parquet")
    held_out = digits.take(order[cut:])
    pq.write_table(held_out, ROOT / OUT / "held_out.parquet")
    return held_out["labels"].to_numpy()


def compile_plans() -> None:
    """Compile a plan that trains and one that predicts."""
    graph = OUT / "digits.graph.arrow"
    dataflow("compile", graph, "--dim", f"batch={BATCH}", "-o", OUT / "digits.plan.arrow")
    dataflow("compile", graph, "--dim", f"batch={BATCH}", "--outputs", "logits", "--no-updates",
             "-o", OUT / "predict.plan.arrow")  # fmt: skip


def train() -> dict[str, Any]:
    """Train from files alone; return what the command says of it."""
    record = dataflow("replay", OUT / "digits.plan.arrow", "--data", OUT / "training.parquet",
                      "--epochs", EPOCHS, "--seed", SEED,
                      "--save-state", OUT / "trained.arrow")  # fmt: skip
    print(f"each epoch leaves out {record['dropped_rows']} rows, which fill no batch")
    for epoch in record["epochs"]:
        print(f"epoch {epoch['epoch']:2}: loss {epoch['means']['loss']:.4f}")
    return record


def predict() -> np.ndarray:
    """Predict the digits that weren't trained on, from files alone."""
    dataflow("replay", OUT / "predict.plan.arrow", "--state", OUT / "trained.arrow",
             "--data", OUT / "held_out.parquet", "-o", OUT / "predictions.parquet")  # fmt: skip
    logits = pq.read_table(ROOT / OUT / "predictions.parquet")["logits"]
    found: np.ndarray = np.argmax(np.array(logits.to_pylist()), axis=1)
    return found


def report(training: dict[str, Any], right: float, count: int) -> None:
    """Print how well it reads, what the training needs and how fast it is."""
    plan = dataflow("verify", OUT / "digits.plan.arrow")
    peak, bound = plan["peak_bytes"], plan["lower_bound_bytes"]
    runs = sum(epoch["runs"] for epoch in training["epochs"])
    seconds = sum(epoch["seconds"] for epoch in training["epochs"])
    print()
    print(f"accuracy       {right:.2%} of {count} digits not trained on")
    print(f"peak           {peak:,} bytes ({peak / bound - 1:.2%} over the lower bound)")
    print(f"lower bound    {bound:,} bytes")
    print(f"without reuse  {plan['without_reuse_bytes']:,} bytes")
    print(f"certificate    {plan['certificate_bytes']['total']:,} bytes in all")
    print(f"time           {seconds / runs * 1e6:,.0f} µs a training step, of {runs:,}")


def dataflow(*args: object) -> dict[str, Any]:
    """Run a command, print it first, and return the object that it prints with ``--json``."""
    words = [*map(str, args), "--json"]
    print(f"$ {shlex.join(['dataflow', *words])}", flush=True)
    beside = Path(sys.executable).with_name("dataflow")
    program = [str(beside)] if beside.exists() else [sys.executable, "-m", "dataflow"]
    done = subprocess.run([*program, *words], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the command has said why
    record: dict[str, Any] = json.loads(done.stdout)
    return record


if __name__ == "__main__":
    sys.exit(main())
