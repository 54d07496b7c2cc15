"""What the tests of the command line share: calling a command, and small files to call it on.

The graph is a line fitted by gradient descent, so small that NumPy says in three lines what must
come out.
"""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

import dataflow as df
from dataflow.cli import main

RATE = 0.1
BATCH = 8
ROWS = 30


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """What `--json` printed: one object and nothing else."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def run(*args: object) -> Ran:
    """Call a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(arg) for arg in args])
    return Ran(code, out.getvalue(), err.getvalue())


def make_files(folder: Path) -> Path:
    """Write the graph, its plans, a state and the data in each kind of file to a folder."""
    graph = line_graph()
    df.save(graph, folder / "graph.arrow")
    df.save(df.compile(graph, dims={"batch": BATCH}), folder / "train.arrow")
    for name, outputs in (("predict", ["y", "scaled"]), ("evaluate", ["loss", "y"])):
        plan = df.compile(graph, outputs=outputs, updates=False, dims={"batch": BATCH})
        df.save(plan, folder / f"{name}.arrow")
    df.save(df.State({"w": weights(), "spare": np.zeros(2)}), folder / "state.arrow")
    write_tables(folder, *rows())
    return folder


def line_graph() -> df.Graph:
    """Declare y = x·w and one step of gradient descent on its squared error."""
    b = df.GraphBuilder("line")
    x = b.input("x", shape=("batch", 4), dtype="float32")
    target = b.input("target", shape=("batch",), dtype="float32")
    w = b.variable("w", np.ones(4, np.float32))
    scaled = x * w
    y = scaled.sum(axis=1)
    error = y - target
    loss = (error * error).sum() / BATCH
    b.update(w, w - df.grad(loss, [w])[0] * RATE)
    return b.build(outputs={"loss": loss, "y": y, "scaled": scaled})


def weights() -> np.ndarray:
    """Return a state that isn't the first one."""
    return np.array([1, -2, 3, 0.5], np.float32)


def rows(count: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Return x and target, in values that every kind of file keeps exactly."""
    rng = np.random.default_rng(7)
    x = rng.integers(-8, 8, (count, 4)).astype(np.float32) / 8
    return x, (x @ np.array([1, 2, 3, 4], np.float32)).astype(np.float32)


def write_tables(folder: Path, x: np.ndarray, target: np.ndarray) -> None:
    """Write the same rows as every kind of table that can be fed."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])
    table = pa.table({"x": lists, "target": target, "unused": target})
    write_arrow(folder / "rows.arrow", table)
    with pa.ipc.new_stream(str(folder / "stream.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    pa.parquet.write_table(table, folder / "rows.parquet")
    wide = {f"x.{i}": x[:, i] for i in reversed(range(4))}
    pa.csv.write_csv(pa.table({**wide, "target": target}), folder / "rows.csv")


def write_arrow(path: Path, table: pa.Table) -> Path:
    """Write an Arrow file."""
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def read_arrow(path: Path) -> pa.Table:
    """Read an Arrow file."""
    return pa.ipc.open_file(str(path)).read_all()


def array_in(name: str, folder: Path) -> np.ndarray:
    """Return what an `.npz` holds under a name."""
    with np.load(folder) as arrays:
        return np.asarray(arrays[name])


def assert_refused(ran: Ran, *words: str) -> None:
    """Check that the input was called bad, in one line that has all these words."""
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert [word for word in words if word not in ran.err] == []
