"""`dataflow replay` on arrays and tables: each kind of file gives the same numbers, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import dataflow as df
from tests.commands import (
    BATCH,
    ROWS,
    array_in,
    assert_refused,
    line_graph,
    make_files,
    read_arrow,
    rows,
    run,
    weights,
    write_arrow,
    write_tables,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files once."""
    return make_files(tmp_path_factory.mktemp("line"))


# Replaying on arrays


def test_replay_feeds_arrays_and_writes_outputs(made: Path, tmp_path: Path) -> None:
    """A prediction from `.npy` and a state is exactly what NumPy computes."""
    x = rows(BATCH)[0]
    np.save(tmp_path / "x.npy", x)
    ran = run("replay", made / "predict.arrow", "--feed", f"x={tmp_path / 'x.npy'}",
              "--state", made / "state.arrow", "-o", tmp_path / "out.npz")  # fmt: skip
    assert ran.code == 0
    np.testing.assert_array_equal(array_in("scaled", tmp_path / "out.npz"), x * weights())


def test_replay_feeds_every_kind_of_file(made: Path, tmp_path: Path) -> None:
    """`--feed` takes an array from .npy, .npz (by name or the only one), and a table's column."""
    x, target = rows(BATCH)
    write_tables(tmp_path, x, target)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "named.npz", x=x, other=target)
    np.savez(tmp_path / "only.npz", whatever=x)
    kinds = ("x.npy", "named.npz", "only.npz", "rows.arrow", "stream.arrow", "rows.parquet",
             "rows.csv")  # fmt: skip
    for kind in kinds:
        ran = run("replay", made / "predict.arrow", "--feed", f"x={tmp_path / kind}",
                  "-o", tmp_path / "out.npz")  # fmt: skip
        assert ran.code == 0, (kind, ran.err)
        np.testing.assert_array_equal(array_in("scaled", tmp_path / "out.npz"), x)


def test_repeat_continues_and_keep_all_stacks(made: Path, tmp_path: Path) -> None:
    """`--repeat 3` trains three times on one batch; `--keep all` writes all losses, `last` one."""
    x, target = rows(BATCH)
    np.savez(tmp_path / "feeds.npz", x=x, target=target)
    args = ("replay", made / "train.arrow", "--feed", f"x={tmp_path / 'feeds.npz'}",
            "--feed", f"target={tmp_path / 'feeds.npz'}", "--repeat", 3)  # fmt: skip
    assert run(*args, "--keep", "all", "-o", tmp_path / "all.npz").code == 0
    assert run(*args, "-o", tmp_path / "last.npz").code == 0
    losses = array_in("loss", tmp_path / "all.npz")
    assert losses.shape == (3,)
    assert losses[0] > losses[1] > losses[2]
    assert array_in("loss", tmp_path / "last.npz") == losses[2]


def test_note_without_state_is_no_output(made: Path, tmp_path: Path) -> None:
    """A prediction with first values says so on stderr; stdout stays one JSON object."""
    np.save(tmp_path / "x.npy", rows(BATCH)[0])
    feed = ("--feed", f"x={tmp_path / 'x.npy'}", "--json")
    ran = run("replay", made / "predict.arrow", *feed)
    assert ran.record["runs"] == 1
    assert "--state" in ran.err


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((5, 4), np.float32), ("'x'", "float32[8, 4]", "float32[5, 4]", "batch")),
        (np.zeros((8, 3), np.float32), ("'x'", "float32[8, 4]", "float32[8, 3]")),
        (np.zeros((8, 4), np.complex64), ("'x'", "float32[8, 4]", "complex64")),
        (np.array([[None] * 4] * 8), ("x.npy",)),
        (np.zeros(8, "U1"), ("'x'", "float32[8, 4]", "U1", "the plan's shape")),
    ],
    ids=["batch", "shape", "dtype", "objects", "text"],
)
def test_array_that_does_not_fit_is_refused(
    made: Path, tmp_path: Path, array: np.ndarray, words: tuple[str, ...]
) -> None:
    """Another batch size, shape or dtype is an error that names the input, both specs and more."""
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    ran = run("replay", made / "predict.arrow", "--state", made / "state.arrow",
              "--feed", f"x={tmp_path / 'x.npy'}")  # fmt: skip
    assert_refused(ran, *words)


def test_missing_and_unknown_feeds_are_refused(made: Path, tmp_path: Path) -> None:
    """An input without a feed, and a feed without an input, are errors that name it."""
    np.save(tmp_path / "x.npy", rows(BATCH)[0])
    state = ("--state", made / "state.arrow")
    assert_refused(run("replay", made / "predict.arrow", *state), "'x'", "--feed", "--data")
    for option in ("--feed", "--columns"):
        ran = run("replay", made / "predict.arrow", *state, option, f"z={tmp_path / 'x.npy'}")
        assert_refused(ran, option, "'z'", "'x'")


# Replaying on tables


def table_options(made: Path, kind: str) -> tuple[object, ...]:
    """Return the options for a prediction on a table."""
    return ("replay", made / "predict.arrow", "--state", made / "state.arrow",
            "--data", made / kind)  # fmt: skip


@pytest.mark.parametrize("kind", ["rows.arrow", "stream.arrow", "rows.parquet", "rows.csv"])
@pytest.mark.parametrize("ending", ["arrow", "parquet", "npz"])
def test_prediction_keeps_rows_and_order(
    made: Path, tmp_path: Path, kind: str, ending: str
) -> None:
    """All 30 rows come out in order, whatever the files: the last batch of 8 is padded and cut."""
    out = tmp_path / f"out.{ending}"
    assert run(*table_options(made, kind), "-o", out).code == 0
    expected = rows()[0] * weights()
    if ending == "npz":
        np.testing.assert_array_equal(array_in("scaled", out), expected)
        return
    table = pa.parquet.read_table(out) if ending == "parquet" else read_arrow(out)
    assert table.schema.field("scaled").type == pa.list_(pa.float32(), 4)
    np.testing.assert_array_equal(np.array(table["scaled"].to_pylist()), expected)
    assert table.num_rows == ROWS


def test_prediction_does_not_depend_on_the_batch(made: Path, tmp_path: Path) -> None:
    """Each row's output is the same whether its batch is full or padded."""
    small = write_arrow(tmp_path / "small.arrow", read_arrow(made / "rows.arrow")[:3])
    args = ("replay", made / "predict.arrow", "--state", made / "state.arrow")
    assert run(*args, "--data", small, "-o", tmp_path / "small.npz").code == 0
    assert run(*args, "--data", made / "rows.arrow", "-o", tmp_path / "full.npz").code == 0
    full = array_in("y", tmp_path / "full.npz")
    np.testing.assert_array_equal(array_in("y", tmp_path / "small.npz"), full[:3])


def test_json_lists_what_was_ignored(made: Path, tmp_path: Path) -> None:
    """Columns and variables that the plan has no use for are ignored, and `--json` lists them."""
    ran = run(*table_options(made, "rows.arrow"), "--json", "-o", tmp_path / "out.npz")
    assert ran.record["ignored_columns"] == ["target", "unused"]
    assert ran.record["ignored_variables"] == ["spare"]
    assert (ran.record["runs"], ran.record["rows"]) == (4, ROWS)


def test_output_without_the_axis_needs_full_batches(made: Path, tmp_path: Path) -> None:
    """A loss over a padded batch is an error that names it; over full batches it is not."""
    args = ("replay", made / "evaluate.arrow", "--state", made / "state.arrow", "--data")
    assert_refused(run(*args, made / "rows.arrow"), "'loss'", "'batch'", "30", "8")
    table = read_arrow(made / "rows.arrow")[:16]
    ran = run(*args, write_arrow(tmp_path / "even.arrow", table), "--json", "--keep", "all",
              "-o", tmp_path / "out.npz")  # fmt: skip
    assert ran.record["outputs"]["loss"]["shape"] == [2]
    assert ran.record["outputs"]["y"]["shape"] == [16]


def test_columns_are_taken_in_natural_order(tmp_path: Path) -> None:
    """`--columns x=p*` puts p2 before p10."""
    b = df.GraphBuilder("copy")
    x = b.input("x", shape=("n", 3, 4), dtype="float64")
    df.save(df.compile(b.build(outputs={"y": x + 1}), dims={"n": 2}), tmp_path / "plan.arrow")
    values = np.arange(24.0).reshape(2, 12)
    named = {f"p{i}": values[:, i] for i in (10, 3, 0, 7, 2, 11, 1, 9, 4, 6, 8, 5)}
    pa.csv.write_csv(pa.table({**named, "q": values[:, 0]}), tmp_path / "wide.csv")
    ran = run("replay", tmp_path / "plan.arrow", "--data", tmp_path / "wide.csv", "--columns",
              "x=p*", "--batch-dim", "n", "-o", tmp_path / "out.npz")  # fmt: skip
    assert ran.code == 0, ran.err
    np.testing.assert_array_equal(array_in("y", tmp_path / "out.npz"), values.reshape(2, 3, 4) + 1)


def test_rows_may_go_along_any_axis(tmp_path: Path) -> None:
    """Where the batch is an input's second axis, rows are split along that one, and joined too."""
    b = df.GraphBuilder("sideways")
    x = b.input("x", shape=(3, "batch"), dtype="float32")
    df.save(df.compile(b.build(outputs={"y": x * 2}), dims={"batch": 4}), tmp_path / "plan.arrow")
    values = np.arange(18, dtype=np.float32).reshape(6, 3)
    lists = pa.array(values.tolist(), pa.list_(pa.float32()))
    data = write_arrow(tmp_path / "rows.arrow", pa.table({"x": lists}))
    out = tmp_path / "out.npz"
    assert run("replay", tmp_path / "plan.arrow", "--data", data, "-o", out).code == 0
    np.testing.assert_array_equal(array_in("y", out), values * 2)


def doubling_plan(path: Path, dtype: str) -> Path:
    """Write a plan that doubles single values, four at once."""
    b = df.GraphBuilder("double")
    x = b.input("x", shape=("batch",), dtype=dtype)
    df.save(df.compile(b.build(outputs={"y": x + x}), dims={"batch": 4}), path)
    return path


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", pa.array([1, 2, 3], pa.int64())),
        ("float32", pa.array([1, 2, 3], pa.float64())),
        ("float64", pa.array([1, 2, 3], pa.uint8())),
        ("int8", pa.array([1, 2, 3], pa.int64())),
        ("uint16", pa.array([1, 2, 3], pa.int64())),
        ("int64", pa.array([True, False, True])),
        ("float32", pa.array([[1], [2], [3]], pa.list_(pa.int16(), 1))),
    ],
)
def test_values_take_the_inputs_dtype(tmp_path: Path, dtype: str, values: pa.Array[Any]) -> None:
    """Integers become floats, narrower integers if they fit, floats other floats: all exact."""
    plan = doubling_plan(tmp_path / "plan.arrow", dtype)
    data = write_arrow(tmp_path / "rows.arrow", pa.table({"x": values}))
    ran = run("replay", plan, "--data", data, "-o", tmp_path / "out.npz")
    assert ran.code == 0, ran.err
    result = array_in("y", tmp_path / "out.npz")
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, 2 * np.array(values.to_pylist()).ravel())


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        ("float32", pa.array([1.0, None, 3.0]), ("'x'", "row 1", "null")),
        ("float32", pa.array([[1.0], None], pa.list_(pa.float64(), 1)), ("'x'", "row 1", "null")),
        ("float32", pa.array([[1.0], [None]], pa.list_(pa.float64(), 1)), ("'x'", "row 1")),
        ("int8", pa.array([1, 2, 128]), ("'x'", "row 2", "128", "int8")),
        ("uint8", pa.array([0, -1]), ("'x'", "row 1", "-1", "uint8")),
        ("int64", pa.array([1.0, 2.0]), ("'x'", "double", "int64")),
        ("float32", pa.array([1e300]), ("'x'", "float32")),
        ("float32", pa.array(["a"]), ("'x'", "string")),
        ("float32", pa.array([[1, 2]], pa.list_(pa.int8(), 2)), ("'x'", "2 values", "1")),
        ("float32", pa.array([[1], [1, 2]]), ("'x'", "row 1", "2 values")),
        ("float32", pa.array([], pa.float32()), ("no rows",)),
        ("float32", pa.nulls(3), ("'x'", "row 0", "null")),
        ("float32", pa.nulls(0), ("no rows",)),
    ],
)
def test_values_that_do_not_fit_are_refused(
    tmp_path: Path, dtype: str, values: pa.Array[Any], words: tuple[str, ...]
) -> None:
    """Nulls, wrong widths and values that the dtype can't hold: the column and row are named."""
    plan = doubling_plan(tmp_path / "plan.arrow", dtype)
    data = write_arrow(tmp_path / "rows.arrow", pa.table({"x": values}))
    assert_refused(run("replay", plan, "--data", data), *words)


def test_empty_csv_field_is_a_null_and_nan_is_not(tmp_path: Path) -> None:
    """An empty field is refused by its row; `nan` is the number it says."""
    plan = doubling_plan(tmp_path / "plan.arrow", "float32")
    (tmp_path / "empty.csv").write_text("x,z\n1.5,1\n,1\n")
    assert_refused(run("replay", plan, "--data", tmp_path / "empty.csv"), "'x'", "row 1", "null")
    (tmp_path / "nan.csv").write_text("x\n1.5\nnan\n")
    args = ("--data", tmp_path / "nan.csv", "-o", tmp_path / "out.npz")
    assert run("replay", plan, *args).code == 0
    np.testing.assert_array_equal(array_in("y", tmp_path / "out.npz"), [3, np.nan])


def test_missing_columns_are_refused(made: Path, tmp_path: Path) -> None:
    """A table without the input's columns is an error that names what it could have been."""
    data = write_arrow(tmp_path / "rows.arrow", pa.table({"p0": [1.0], "p1": [1.0]}))
    args = ("replay", made / "predict.arrow", "--state", made / "state.arrow", "--data", data)
    assert_refused(run(*args), "'x'", "x.0", "x.3", "p0, p1", "--columns")
    assert_refused(run(*args, "--columns", "x=p*"), "4 values", "2 columns")
    assert_refused(run(*args, "--columns", "x=q*"), "'q*'")


def test_unknown_batch_dimension_is_refused(made: Path) -> None:
    """`--batch-dim` of a name that the plan doesn't have lists those that it has."""
    ran = run(*table_options(made, "rows.arrow"), "--batch-dim", "rows")
    assert_refused(ran, "'rows'", "batch=8", "--batch-dim")


def test_plan_for_no_rows_takes_no_table(made: Path, tmp_path: Path) -> None:
    """A plan compiled for a batch of 0 says so."""
    plan = df.compile(line_graph(), dims={"batch": 0})
    df.save(plan, tmp_path / "plan.arrow")
    ran = run("replay", tmp_path / "plan.arrow", "--data", made / "rows.arrow")
    assert_refused(ran, "batch=0")


@pytest.mark.parametrize(
    ("shape", "word"),
    [((), "[]"), (("batch", "batch"), "[batch, batch]"), (("2*batch",), "[2*batch]")],
)
def test_input_without_one_batch_axis_takes_no_table(
    tmp_path: Path, shape: tuple[str, ...], word: str
) -> None:
    """Rows go along one axis that is the named dimension itself: none, two or 2*batch is none."""
    b = df.GraphBuilder("shapes")
    x, y = b.input("x", shape=shape), b.input("y", shape=("batch",))
    plan = df.compile(b.build(outputs={"x": x * 2, "y": y * 2}), dims={"batch": 2})
    df.save(plan, tmp_path / "plan.arrow")
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    ran = run("replay", tmp_path / "plan.arrow", "--data", tmp_path / "rows.csv")
    assert_refused(ran, "'x'", word, "one axis 'batch'", "--feed x=FILE")


def test_feed_that_can_not_be_read_is_refused(made: Path, tmp_path: Path) -> None:
    """A folder is told from a damaged file, and an unknown ending gets the list of the known."""
    (tmp_path / "folder.npy").mkdir()
    for name in ("folder.npy", "absent.npy", "absent.npz"):
        ran = run("replay", made / "predict.arrow", "--feed", f"x={tmp_path / name}")
        assert_refused(ran, f"can't read {tmp_path / name}: ")
    ran = run("replay", made / "predict.arrow", "--feed", f"x={tmp_path}")
    assert_refused(ran, ".npy, .npz, .arrow")


def test_json_holds_every_output(tmp_path: Path) -> None:
    """NaN and infinities are null, also in means; a complex number is a pair."""
    b = df.GraphBuilder("numbers")
    x = b.input("x", shape=(3,), dtype="float64")
    z = b.input("z", shape=(), dtype="complex128")
    plan = df.compile(b.build(outputs={"sum": x.sum(), "max": x[2] * 1, "z": z * 2}))
    df.save(plan, tmp_path / "plan.arrow")
    np.savez(tmp_path / "f.npz", x=np.array([np.nan, 1, np.inf]), z=np.complex128(1 + np.inf * 1j))
    feeds = [f"--feed={name}={tmp_path / 'f.npz'}" for name in ("x", "z")]
    record = run("replay", tmp_path / "plan.arrow", *feeds, "--json").record
    assert record["epochs"][0]["means"] == {"sum": None, "max": None}
    values = {name: output["value"] for name, output in record["outputs"].items()}
    assert values["sum"] is values["max"] is None
    assert values["z"][1] is None
