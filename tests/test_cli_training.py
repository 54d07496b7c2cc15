"""`dataflow replay` as a training: epochs, orders, remainders, states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import dataflow as df
from tests.commands import (
    BATCH,
    RATE,
    ROWS,
    array_in,
    assert_refused,
    make_files,
    read_arrow,
    rows,
    run,
    weights,
    write_arrow,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files once."""
    return make_files(tmp_path_factory.mktemp("line"))


# Training


def trained(x: np.ndarray, target: np.ndarray, epochs: int) -> np.ndarray:
    """Return what the line's weights become, by NumPy, batches in order."""
    w = np.ones(4, np.float32)
    for _ in range(epochs):
        for first in range(0, len(x) - BATCH + 1, BATCH):
            rows = slice(first, first + BATCH)
            error = x[rows] @ w - target[rows]
            w = w - RATE * 2 / BATCH * (error @ x[rows])
    return w


def test_training_in_order_is_gradient_descent(made: Path, tmp_path: Path) -> None:
    """`--no-shuffle` for 5 epochs gives NumPy's weights; the 6 rows left over aren't used."""
    ran = run("replay", made / "train.arrow", "--data", made / "rows.parquet", "--epochs", 5,
              "--no-shuffle", "--save-state", tmp_path / "trained.arrow")  # fmt: skip
    assert ran.code == 0
    state = df.load(tmp_path / "trained.arrow")
    assert isinstance(state, df.State)
    np.testing.assert_allclose(state["w"], trained(*rows(), epochs=5), rtol=1e-5)
    assert "6 rows" in ran.out
    assert [line.split(":")[0] for line in ran.out.splitlines() if "epoch " in line[:6]] == [
        f"epoch {i}/5" for i in range(1, 6)
    ]


def test_training_reports_the_mean_loss_of_each_epoch(made: Path, tmp_path: Path) -> None:
    """An epoch's figure is the mean of its runs' losses, as `--keep all` writes them."""
    ran = run("replay", made / "train.arrow", "--data", made / "rows.arrow", "--epochs", 2,
              "--keep", "all", "-o", tmp_path / "all.npz", "--json")  # fmt: skip
    losses = array_in("loss", tmp_path / "all.npz").reshape(2, -1)
    means = [epoch["means"]["loss"] for epoch in ran.record["epochs"]]
    np.testing.assert_allclose(means, losses.mean(axis=1), rtol=1e-6)
    assert ran.record["dropped_rows"] == ROWS % BATCH
    assert [epoch["runs"] for epoch in ran.record["epochs"]] == [ROWS // BATCH] * 2


def test_seed_decides_the_order(made: Path, tmp_path: Path) -> None:
    """The same seed gives the same bytes of state, another seed or no shuffling others."""

    def state(*options: object) -> bytes:
        path = tmp_path / "s.arrow"
        args = ("replay", made / "train.arrow", "--data", made / "rows.arrow", "--epochs", 2)
        assert run(*args, *options, "--save-state", path).code == 0
        return path.read_bytes()

    first = state("--seed", 1)
    assert state("--seed", 1) == first
    assert state() == state("--seed", 0)
    assert len({first, state(), state("--no-shuffle")}) == 3


def test_epochs_differ_and_use_every_row_once(tmp_path: Path) -> None:
    """Each epoch is another permutation of the rows."""
    b = df.GraphBuilder("order")
    x = b.input("x", shape=("batch",), dtype="int64")
    count = b.variable("count", np.zeros((), np.int64))
    b.update(count, count + 1)
    df.save(df.compile(b.build(outputs={"y": x + 0}), dims={"batch": 5}), tmp_path / "plan.arrow")
    data = write_arrow(tmp_path / "rows.arrow", pa.table({"x": np.arange(20)}))
    ran = run("replay", tmp_path / "plan.arrow", "--data", data, "--epochs", 3, "--keep", "all",
              "-o", tmp_path / "out.npz", "--save-state", tmp_path / "s.arrow")  # fmt: skip
    assert ran.code == 0, ran.err
    epochs = array_in("y", tmp_path / "out.npz").reshape(3, 20)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), [np.arange(20)] * 3)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_training_needs_one_full_batch(made: Path, tmp_path: Path) -> None:
    """Fewer rows than a batch train nothing, and that is an error."""
    table = read_arrow(made / "rows.arrow")[:7]
    data = write_arrow(tmp_path / "few.arrow", table)
    assert_refused(run("replay", made / "train.arrow", "--data", data), "7", "8", "batch")


def test_going_on_from_a_state_is_one_longer_training(made: Path, tmp_path: Path) -> None:
    """Three epochs and then two more from the saved state give the bytes of five, rows in order."""
    args = ("replay", made / "train.arrow", "--data", made / "rows.arrow", "--no-shuffle")
    whole, parts = tmp_path / "whole.arrow", tmp_path / "parts.arrow"
    assert run(*args, "--epochs", 5, "--save-state", whole).code == 0
    assert run(*args, "--epochs", 3, "--save-state", parts).code == 0
    assert parts.read_bytes() != whole.read_bytes()
    assert run(*args, "--epochs", 2, "--state", parts, "--save-state", parts).code == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_state_without_a_variable_is_refused(made: Path, tmp_path: Path) -> None:
    """A state that lacks a variable of the plan is an error that names it."""
    df.save(df.State({"v": weights()}), tmp_path / "other.arrow")
    ran = run("replay", made / "predict.arrow", "--data", made / "rows.arrow",
              "--state", tmp_path / "other.arrow")  # fmt: skip
    assert_refused(ran, "'w'")
