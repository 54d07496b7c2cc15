"""The command line: what it shows and compiles, what it says of bad files, what it imports."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.cli.printing import printable
from tests.commands import BATCH, assert_refused, make_files, rows, run, weights


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files once."""
    return make_files(tmp_path_factory.mktemp("line"))


# Looking


def test_show_lists_a_graphs_nodes_and_ends(made: Path) -> None:
    """`show GRAPH --json` names every node, input, variable and output."""
    record = run("show", made / "graph.arrow", "--json").record
    assert (record["kind"], record["name"]) == ("graph", "line")
    assert record["node_count"] == len(record["nodes"])
    assert [i["spec"] for i in record["inputs"]] == ["float32[batch, 4]", "float32[batch]"]
    assert [v["name"] for v in record["variables"]] == ["w"]
    assert [o["name"] for o in record["outputs"]] == ["loss", "y", "scaled"]
    assert {n["sweep"] for n in record["nodes"]} == {"forward", "reverse", "initial"}
    assert all(n["source"].startswith("commands.py:") for n in record["nodes"])


def test_show_states_what_a_plan_needs(made: Path) -> None:
    """`show PLAN --json` has the plan's own peak, bound and certificate, and every step."""
    plan = df.load(made / "train.arrow")
    assert isinstance(plan, df.Plan)
    record = run("show", made / "train.arrow", "--json").record
    assert record["peak_bytes"] == plan.peak
    assert record["lower_bound_bytes"] == plan.lower_bound
    assert record["certificate_bytes"]["total"] == plan.certificate.total
    assert [s["node"] for s in record["steps"]] == [s.node for s in plan.steps]


def test_show_lists_a_states_tensors(made: Path) -> None:
    """`show STATE --json` has every tensor's name, spec and size."""
    record = run("show", made / "state.arrow", "--json").record
    assert record["tensors"][0] == {"name": "w", "spec": "float32[4]", "bytes": 16}
    assert record["total_bytes"] == 32


@pytest.mark.parametrize("name", ["graph", "train", "state"])
def test_show_prints_a_table(made: Path, name: str) -> None:
    """Without `--json`, the text names the kind and has a table of more than one line."""
    ran = run("show", made / f"{name}.arrow")
    assert ran.code == 0
    assert "w" in ran.out.split()
    assert {"graph": "a graph line", "train": "a plan line", "state": "a state"}[name] in ran.out


def test_show_limits_the_rows(made: Path) -> None:
    """`--limit 2` shows two rows and says how many more there are."""
    full = run("show", made / "graph.arrow", "--json").record["nodes"]
    ran = run("show", made / "graph.arrow", "--limit", 2)
    assert f"{len(full) - 2} more" in ran.out
    assert full[2]["node"] not in ran.out.split("nodes (")[1].split()
    assert len(run("show", made / "graph.arrow", "--limit", 2, "--json").record["nodes"]) == 2


@pytest.mark.parametrize("name", ["graph", "train", "state"])
def test_verify_calls_a_whole_file_valid(made: Path, name: str) -> None:
    """`verify` of a file as it was written ends with 0, and of a plan gives the certificate."""
    assert "valid" in run("verify", made / f"{name}.arrow").out
    record = run("verify", made / f"{name}.arrow", "--json").record
    assert record["valid"] is True
    assert ("certificate_bytes" in record) == (name == "train")


def test_verify_refuses_an_altered_tensor(made: Path, tmp_path: Path) -> None:
    """One flipped bit in a state's values is found, and the file is named."""
    data = bytearray((made / "state.arrow").read_bytes())
    data[data.index(weights().tobytes())] ^= 1
    (tmp_path / "bad.arrow").write_bytes(data)
    assert_refused(run("verify", tmp_path / "bad.arrow"), "bad.arrow")


# Compiling


def test_compile_writes_what_compile_returns(made: Path, tmp_path: Path) -> None:
    """The plan's file has the same bytes as the one that Python code compiles and saves."""
    ran = run(
        "compile", made / "graph.arrow", "--dim", f"batch={BATCH}", "-o", tmp_path / "p.arrow"
    )
    assert ran.code == 0
    assert (tmp_path / "p.arrow").read_bytes() == (made / "train.arrow").read_bytes()


def test_compile_drops_what_the_outputs_do_not_need(made: Path, tmp_path: Path) -> None:
    """`--outputs y --no-updates` gives the prediction plan: no target, nothing updated."""
    options = ("--dim", "batch=3", "--outputs", "y", "--no-updates", "-o", tmp_path / "p.arrow")
    record = run("compile", made / "graph.arrow", *options, "--json").record
    assert record["sizes"] == {"batch": 3}
    shown = run("show", tmp_path / "p.arrow", "--json").record
    assert [i["name"] for i in shown["inputs"]] == ["x"]
    assert [v["updated"] for v in shown["variables"]] == [False]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ((), "batch"),
        (("--dim", "batch=8", "--dim", "bacth=8"), "bacth"),
        (("--dim", "batch=8", "--outputs", "yy"), "yy"),
        (("--dim", "batch=-1"), "-1"),
    ],
)
def test_compile_refuses_what_the_graph_has_not(
    made: Path, tmp_path: Path, options: tuple[str, ...], word: str
) -> None:
    """A missing, unknown or impossible size, or an unknown output, is bad input; it is named."""
    ran = run("compile", made / "graph.arrow", *options, "-o", tmp_path / "p.arrow")
    assert_refused(ran, word)
    assert not (tmp_path / "p.arrow").exists()


# Files and uses that are wrong


def test_damaged_and_foreign_files_are_refused(made: Path, tmp_path: Path) -> None:
    """A truncated plan, a text, a Parquet file, no file and a folder: one line, every command."""
    whole = (made / "train.arrow").read_bytes()
    (tmp_path / "cut.arrow").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.arrow").write_text("hello")
    for path in (tmp_path / "cut.arrow", tmp_path / "text.arrow", made / "rows.parquet",
                 tmp_path / "absent.arrow", tmp_path):  # fmt: skip
        for command in ("show", "verify", "replay"):
            assert_refused(run(command, path), path.name)
        assert_refused(run("compile", path, "-o", tmp_path / "p.arrow"), path.name)


def test_file_that_may_not_be_read_is_a_bad_input(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without permission ends with 1, as an absent one does: click decides nothing."""
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.R_OK)  # root may read anything
    assert run("show", made / "graph.arrow").code == 0
    assert_refused(run("show", tmp_path / "absent.arrow"), "absent.arrow")


def test_file_of_another_kind_is_refused(made: Path, tmp_path: Path) -> None:
    """A graph isn't replayed, a plan isn't compiled, a plan is no state: each with the remedy."""
    assert_refused(run("replay", made / "graph.arrow"), "graph", "plan", "dataflow compile")
    assert_refused(
        run("compile", made / "train.arrow", "-o", tmp_path / "p.arrow"), "plan", "graph"
    )
    ran = run("replay", made / "predict.arrow", "--data", made / "rows.arrow",
              "--state", made / "train.arrow")  # fmt: skip
    assert_refused(ran, "plan", "state", "--save-state")


@pytest.mark.parametrize(
    "name", ["bad.arrow", "bad.parquet", "bad.npy", "bad.npz", "absent.csv", "x.txt"]
)
def test_damaged_feeds_are_refused(made: Path, tmp_path: Path, name: str) -> None:
    """A feed that isn't what its ending says, isn't there, or has no known ending is named."""
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"ARROW1\0\0PK\x03\x04 nothing of the kind")
    ran = run("replay", made / "predict.arrow", "--state", made / "state.arrow",
              "--feed", f"x={tmp_path / name}")  # fmt: skip
    assert_refused(ran, name)


def test_plan_beyond_the_bounds_is_refused(made: Path, tmp_path: Path) -> None:
    """`--max-bytes` and `--max-calls` keep a plan from being bound."""
    np.save(tmp_path / "x.npy", rows(BATCH)[0])
    args = ("replay", made / "predict.arrow", "--state", made / "state.arrow",
            "--feed", f"x={tmp_path / 'x.npy'}")  # fmt: skip
    assert_refused(run(*args, "--max-bytes", "1KB"), "1000")
    assert_refused(run(*args, "--max-calls", 1), "calls")
    assert run(*args, "--max-bytes", "1MiB", "--max-calls", 9).code == 0


def test_outputs_that_make_no_table_leave_the_old_file(made: Path, tmp_path: Path) -> None:
    """Outputs of different lengths can't be one table: an error, and what was there stays."""
    np.savez(tmp_path / "feeds.npz", x=rows(BATCH)[0], target=rows(BATCH)[1])
    (tmp_path / "out.parquet").write_bytes(b"old")
    feeds = [f"--feed={name}={tmp_path / 'feeds.npz'}" for name in ("x", "target")]
    ran = run("replay", made / "train.arrow", *feeds, "-o", tmp_path / "out.parquet")
    assert_refused(ran, "out.parquet", "rows", ".npz")
    assert (tmp_path / "out.parquet").read_bytes() == b"old"


def test_target_that_can_not_be_written_is_refused_before_the_work(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such folder, a folder in its place, or no permission: known before the training.

    `assert_refused` sees that nothing was printed, so nothing was run.
    """
    (tmp_path / "folder.npz").mkdir()
    args = ("replay", made / "train.arrow", "--data", made / "rows.arrow")
    for option in ("--save-state", "-o"):
        assert_refused(run(*args, option, tmp_path / "no" / "out.npz"), "out.npz", "no folder")
        assert_refused(run(*args, option, tmp_path / "folder.npz"), "ordinary file")
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    assert_refused(run(*args, "--save-state", tmp_path / "out.arrow"), "writable")


def test_no_file_of_a_command_takes_the_place_of_another(made: Path, tmp_path: Path) -> None:
    """What a command reads it doesn't write over; only a state may be trained on in its file."""
    for name in ("graph.arrow", "train.arrow", "rows.arrow", "state.arrow"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    graph, plan, data, state = (
        tmp_path / f"{n}.arrow" for n in ("graph", "train", "rows", "state")
    )
    replay = ("replay", plan, "--data", data, "--state", state)
    for args in (
        ("compile", graph, "--dim", f"batch={BATCH}", "-o", graph),
        (*replay, "-o", data),
        (*replay, "-o", state),
        (*replay, "--save-state", plan),
        (
            *replay,
            "--save-state",
            tmp_path / "new.arrow",
            "-o",
            tmp_path / "x" / ".." / "new.arrow",
        ),
    ):
        ran = run(*args)
        assert (ran.code, ran.out) == (2, "")
        assert "another file" in ran.err
    assert all(path.read_bytes() == (made / path.name).read_bytes() for path in (graph, plan, data))
    assert run(*replay, "--save-state", state).code == 0
    assert state.read_bytes() != (made / "state.arrow").read_bytes()


@pytest.mark.parametrize(
    "args",
    [
        ("frobnicate",),
        ("show",),
        ("show", "{made}/graph.arrow", "--limit", "-1"),
        ("compile", "{made}/graph.arrow"),
        ("compile", "{made}/graph.arrow", "--dim", "batch", "-o", "p.arrow"),
        ("compile", "{made}/graph.arrow", "--dim", "batch=big", "-o", "p.arrow"),
        ("compile", "{made}/graph.arrow", "--dim", "n=1", "--dim", "n=2", "-o", "p.arrow"),
        ("replay", "{made}/predict.arrow", "--feed", "x"),
        ("replay", "{made}/predict.arrow", "-o", "out.txt"),
        ("replay", "{made}/predict.arrow", "-o", ""),
        ("replay", "{made}/predict.arrow", "--save-state", ""),
        ("replay", "{made}/predict.arrow", "--keep", "all"),
        ("replay", "{made}/predict.arrow", "--max-bytes", "lots"),
        ("replay", "{made}/predict.arrow", "--epochs", "2"),
        ("replay", "{made}/predict.arrow", "--data", "{made}/rows.arrow", "--repeat", "2"),
        ("replay", "{made}/predict.arrow", "--data", "{made}/rows.arrow", "--epochs", "2"),
        ("replay", "{made}/train.arrow", "--data", "{made}/rows.arrow", "--epochs", "0"),
    ],
)
def test_wrong_use_ends_with_2(made: Path, args: tuple[str, ...]) -> None:
    """What no file could make right is a wrong use: code 2, usage on stderr, no output."""
    ran = run(*(arg.format(made=made) for arg in args))
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: " in ran.err
    assert "Error: " in ran.err


@pytest.mark.parametrize("command", [(), ("show",), ("compile",), ("replay",), ("verify",)])
def test_help_ends_with_0(command: tuple[str, ...]) -> None:
    """`--help` explains the program and every command."""
    ran = run(*command, "--help")
    assert ran.code == 0
    assert f"Usage: dataflow {' '.join(command)}".rstrip() in ran.out


def test_interrupt_ends_with_130(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the command without a traceback."""

    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("serialization.files.load", interrupted)
    assert run("show", made / "graph.arrow").code == 130


def test_names_cannot_steer_the_terminal() -> None:
    """Escape sequences in names are shown, not sent."""
    assert printable("w\x1b[2J\n") == "w\\x1b[2J\\n"
    assert printable("Größe") == "Größe"


# Processes


@pytest.fixture
def environment() -> dict[str, str]:
    """Return this process's environment; its stdout isn't the terminal's width."""
    return {**os.environ, "COLUMNS": "100", "TERM": "xterm"}


def test_reader_may_leave_early(made: Path, environment: dict[str, str]) -> None:
    """A closed pipe, as `| head -1` leaves it, ends the program without a word on stderr."""
    command = [sys.executable, "-m", "dataflow", "show", str(made / "graph.arrow"), "--limit", "0"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command, stdout=writer, stderr=subprocess.PIPE, env=environment, check=False, timeout=60
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_full_disk_under_stdout_is_an_error(made: Path, environment: dict[str, str]) -> None:
    """What can't be printed is an error in one line, with 1."""
    command = [sys.executable, "-m", "dataflow", "show", str(made / "graph.arrow")]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment,
                              check=False, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert done.stderr.startswith(b"error: can't print: ")


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_no_harm(made: Path, environment: dict[str, str], closed: str) -> None:
    """A program started without stdout or stderr, as by a daemon, does its work."""
    line = f'"{sys.executable}" -m dataflow show "{made / "graph.arrow"}" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, env=environment, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_names_beyond_the_encoding_are_escaped(tmp_path: Path, environment: dict[str, str]) -> None:
    """A terminal that knows no Greek gets an escaped letter, not a traceback."""
    df.save(df.State({"\N{GREEK SMALL LETTER ALPHA}": weights()}), tmp_path / "state.arrow")
    command = [sys.executable, "-m", "dataflow", "show", str(tmp_path / "state.arrow")]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60,
                          env={**environment, "PYTHONIOENCODING": "latin-1"})  # fmt: skip
    assert b"\\u03b1" in done.stdout


def test_interrupted_training_leaves_the_state(
    made: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Ctrl-C in the middle of a training: code 130, no traceback, and the old state's bytes."""
    state = tmp_path / "state.arrow"
    state.write_bytes((made / "state.arrow").read_bytes())
    command = [sys.executable, "-u", "-m", "dataflow", "replay", str(made / "train.arrow"),
               "--data", str(made / "rows.arrow"), "--epochs", "100000000",
               "--state", str(state), "--save-state", str(state)]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        while b"epoch 3/" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert (process.returncode, error) == (130, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["state.arrow"]
    assert state.read_bytes() == (made / "state.arrow").read_bytes()


LOADED = """
import json, sys
from dataflow.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""


def loaded_by(*args: object) -> set[str]:
    """Return the modules that a command imports, in a process of its own."""
    command = [sys.executable, "-c", LOADED, *map(str, args)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


HEAVY = {"networkx", "rich", "scipy", "pandas", "pyarrow.parquet", "pyarrow.csv",
         "pyarrow.compute", "importlib.metadata", "dataflow.graph", "dataflow.builder",
         "dataflow.nn", "dataflow.ops.sorting", "dataflow.ops.special", "dataflow.ops.updates",
         "dataflow.optim", "scheduler.compiler"}  # fmt: skip


@pytest.mark.parametrize("out", ["out.arrow", "out.npz"])
def test_replay_imports_nothing_heavy(made: Path, tmp_path: Path, out: str) -> None:
    """A prediction from file to file loads no networkx, rich, pandas, compiler or unused ops."""
    args = ("replay", made / "predict.arrow", "--state", made / "state.arrow")
    loaded = loaded_by(*args, "--data", made / "rows.arrow", "-o", tmp_path / out)
    assert sorted(loaded & HEAVY) == []
    assert "scheduler.runner" in loaded


def test_cli_imports_commands_when_called() -> None:
    """`dataflow --version` loads click, and neither a command nor what one needs."""
    loaded = loaded_by("--version")
    ours = {"scheduler.runner", "serialization.files", "dataflow.cli.replay", "pyarrow"}
    assert sorted(loaded & (HEAVY | ours)) == []


def on_a_terminal(command: list[str], environment: dict[str, str]) -> Iterator[bytes]:
    """Yield what a command writes to a terminal."""
    control, terminal = pty.openpty()
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        while True:
            try:
                read = os.read(control, 65536)
            except OSError:  # Linux's end of file
                break
            if not read:
                break
            yield read
        assert process.wait(timeout=60) == 0
    os.close(control)


def test_terminal_gets_tables_and_a_bar(made: Path, environment: dict[str, str]) -> None:
    """On a terminal rich draws; what is said stays the same."""
    dataflow = [sys.executable, "-m", "dataflow"]
    shown = b"".join(on_a_terminal([*dataflow, "show", str(made / "graph.arrow")], environment))
    assert b"\x1b[1m" in shown
    assert b"multiply_0" in shown
    replay = [
        "replay",
        str(made / "train.arrow"),
        "--data",
        str(made / "rows.arrow"),
        "--epochs",
        "2000",
    ]
    trained = b"".join(on_a_terminal([*dataflow, *replay], environment))
    assert b"epoch 2000/2000: loss" in trained
    assert b"/6000" in trained  # the bar
    assert b"runs/sepoch" not in trained  # lines stand above it, not behind it
