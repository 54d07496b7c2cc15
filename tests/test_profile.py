"""Time seen: a profile has every step, the ops' own counts, and changes no bit of a result."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import dataflow as df
from dataflow.cli.profile_feeds import made_up
from dataflow.errors import KernelError, RunError
from dataflow.spec import Spec
from scheduler.machine_rates import machine_rates
from scheduler.plan import Plan
from scheduler.tracing import trace_events
from tests.commands import assert_refused, make_files, run
from tests.plans import GOOD, sliced


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the command line's small files once."""
    return make_files(tmp_path_factory.mktemp("profile"))


def fed(plan: Plan) -> dict[str, np.ndarray]:
    """Return values for a plan's inputs."""
    return {i.name: made_up(i.spec, i.name) for i in plan.inputs}


def profiled(plan: Plan, runs: int = 2, *, fast: bool = False) -> pa.Table:
    """Return the profile of a few runs."""
    runner = df.Runner(plan, profile=True, fast=fast)
    for _ in range(runs):
        runner.run(fed(plan))
    return runner.profile()


def many_small_steps() -> Plan:
    """Return a chain of scalar steps, which a compiled loop can take over."""
    b = df.GraphBuilder()
    x = b.input("x", ())
    y = x * x
    for _ in range(8):
        y = y * x + x
    return df.compile(b.build({"y": y}))


@pytest.mark.parametrize("plan", [GOOD, sliced()], ids=["whole", "sliced"])
def test_every_step_has_its_rows(plan: Plan) -> None:
    """There is a row for each call, named as its step is, and for each slice of a tile group."""
    rows = profiled(plan).to_pylist()
    assert len(rows) == plan.calls
    assert {row["step"] for row in rows} == set(range(len(plan.steps)))
    for row in rows:
        step = plan.steps[row["step"]]
        told = (row["node"], row["op"], row["source"], row["worker"])
        assert told == (step.node, step.op, step.source, step.worker)
        assert (row["slice"] is None) == (step.group < 0)
    for group in plan.groups:
        found = {row["slice"] for row in rows if group.first <= row["step"] < group.end}
        assert found == set(range(len(group.slices)))


def test_operations_are_the_ops_own() -> None:
    """A product of matrices counts two operations for each of its inner steps."""
    b = df.GraphBuilder()
    y = b.input("x", (8, 16)) @ b.input("w", (16, 4))
    rows = profiled(df.compile(b.build({"y": y}))).to_pylist()
    assert [row["flops"] for row in rows] == [2 * 8 * 16 * 4]
    assert rows[0]["bytes"] == 4 * (8 * 16 + 16 * 4 + 8 * 4)


def test_a_loop_counts_its_body_each_time() -> None:
    """A loop is one row, with the operations and bytes of all its iterations."""
    rows = {}
    for length in (3, 6):
        b = df.GraphBuilder()
        x = b.input("x", (4,))
        y = df.fori_loop(0, length, lambda i, c: df.sin(c) * c, x)
        (rows[length],) = profiled(df.compile(b.build({"y": y})), 1).to_pylist()
    assert rows[3]["flops"] > 0
    assert rows[6]["flops"] == 2 * rows[3]["flops"]
    assert rows[6]["bytes"] == 2 * rows[3]["bytes"]


def test_slices_count_what_the_whole_would() -> None:
    """The slices of a matrix product by rows have the whole product's operations together."""
    plan = sliced()
    flops: dict[int, int] = defaultdict(int)
    for row in profiled(plan, 1).to_pylist():
        flops[row["step"]] += row["flops"]
    step = next(i for i, s in enumerate(plan.steps) if s.op == "matmul" and s.when == "every")
    (_, depth), (_, width) = (o.shape for o in plan.steps[step].inputs)
    assert flops[step] == 2 * plan.groups[0].length * depth * width


@pytest.mark.parametrize("check", ["", "finite"])
def test_no_bit_changes(check: str) -> None:
    """A profiled runner gives the outputs and the state that another one gives, run by run."""
    plain = df.Runner(GOOD, check=check)
    timed = df.Runner(GOOD, check=check, profile=True)
    for _ in range(3):
        expected, found = plain.run(fed(GOOD)), timed.run(fed(GOOD))
        assert {n: a.tobytes() for n, a in found.items()} == {
            n: a.tobytes() for n, a in expected.items()
        }
        assert timed.state["w"].tobytes() == plain.state["w"].tobytes()
    assert not np.array_equal(timed.state["w"], df.Runner(GOOD).state["w"])


def test_the_rows_take_no_longer_than_the_run() -> None:
    """The sum of all rows' seconds is within the time of the runs, and no row's is negative."""
    runner = df.Runner(GOOD, profile=True)
    start = perf_counter_ns()
    for _ in range(5):
        runner.run(fed(GOOD))
    whole = (perf_counter_ns() - start) / 1e9
    seconds = runner.profile().column("seconds").to_numpy()
    assert (seconds >= 0).all()
    assert 0 < seconds.sum() <= whole


def test_a_median_and_a_sum_are_of_all_runs() -> None:
    """After one run, its seconds are the sum and the median; more runs add up."""
    runner = df.Runner(GOOD, profile=True)
    runner.run(fed(GOOD))
    first = runner.profile()
    assert first.column("seconds").to_pylist() == first.column("median_seconds").to_pylist()
    runner.run(fed(GOOD))
    both = runner.profile()
    assert set(both.column("runs").to_pylist()) == {2}
    for once, twice in zip(first.to_pylist(), both.to_pylist(), strict=True):
        assert twice["seconds"] >= once["seconds"]


def test_a_profile_is_cleared_when_asked() -> None:
    """What is told with `clear` isn't told again, and before any run there are no times."""
    runner = df.Runner(GOOD, profile=True)
    assert set(runner.profile().column("began").to_pylist()) == {None}
    runner.run(fed(GOOD))
    assert set(runner.profile(clear=True).column("runs").to_pylist()) == {1}
    empty = runner.profile()
    assert set(empty.column("runs").to_pylist()) == {0}
    assert set(empty.column("median_seconds").to_pylist()) == {None}


def test_a_failing_step_is_named_as_ever_and_counts_for_nothing() -> None:
    """An error has the step's node, and the run that failed is in no sum."""
    b = df.GraphBuilder()
    x = b.input("x", (2, 2))
    plan = df.compile(b.build({"y": df.linalg.inv(x + 0.5) * 2.0}))
    runner = df.Runner(plan, profile=True)
    runner.run(x=np.eye(2, dtype=np.float32))
    with pytest.raises(KernelError) as timed:
        runner.run(x=np.full((2, 2), -0.5, np.float32))
    with pytest.raises(KernelError) as plain:
        df.Runner(plan).run(x=np.full((2, 2), -0.5, np.float32))
    assert str(timed.value) == str(plain.value)
    assert set(runner.profile().column("runs").to_pylist()) == {1}


def test_without_profile_there_is_none() -> None:
    """A runner that times nothing says how to make one that does."""
    with pytest.raises(RunError, match="profile=True"):
        df.Runner(GOOD).profile()


def test_a_plain_runner_loads_no_profiling() -> None:
    """Whoever doesn't profile doesn't import what does."""
    code = ("import sys, dataflow as df; b = df.GraphBuilder(); x = b.input('x', (3,)); "
            "df.Runner(df.compile(b.build({'y': x + 1}))).run(x=[1, 2, 3]); "
            "sys.exit('scheduler.profiling' in sys.modules)")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_small_steps_in_one_loop_are_one_row() -> None:
    """With `fast`, a row counts the calls of its compiled loop, and their operations."""
    pytest.importorskip("numba")
    plan = many_small_steps()
    (row,) = profiled(plan, fast=True).to_pylist()
    assert (row["op"], row["calls"]) == ("small_steps", len(plan.steps))
    assert row["flops"] == sum(r["flops"] for r in profiled(plan).to_pylist())


def events_of(trace: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a trace's events of a kind."""
    return [event for event in trace["traceEvents"] if event["ph"] == kind]


def assert_sound(trace: dict[str, Any], plan: Plan) -> None:
    """Check a trace: an event a call, named threads, and no two events at once in a thread."""
    complete = events_of(trace, "X")
    assert len(complete) == plan.calls
    names = {e["tid"]: e["args"]["name"] for e in events_of(trace, "M")
             if e["name"] == "thread_name"}  # fmt: skip
    assert names == {e["tid"]: f"worker {e['tid']}" for e in complete}
    ended: dict[int, int] = {}
    for event in complete:
        began = round(event["ts"] * 1000)
        assert began >= ended.get(event["tid"], 0)
        assert event["dur"] >= 0
        ended[event["tid"]] = began + round(event["dur"] * 1000)
        step = plan.steps[event["args"]["step"]]
        assert (event["name"], event["args"]["op"]) == (step.node, step.op)
        assert event["args"]["source"] == step.source


@pytest.mark.parametrize("plan", [GOOD, sliced()], ids=["whole", "sliced"])
def test_a_trace_has_an_event_for_each_call(plan: Plan) -> None:
    """Events follow one another within a thread, which has its worker's name."""
    assert_sound(trace_events(profiled(plan), plan.name), plan)


def test_the_command_adds_up_what_was_measured(made: Path) -> None:
    """Each of the three tables has all calls and the whole time of the kernels."""
    ran = run("profile", made / "train.arrow", "--repeat", 3, "--json")
    assert ran.code == 0, ran.err
    plan = df.load(made / "train.arrow")
    assert isinstance(plan, Plan)
    assert (ran.record["runs"], ran.record["calls"]) == (3, plan.calls)
    assert ran.record["in_kernels_milliseconds"] <= ran.record["milliseconds_a_run"]
    for key in ("op", "worker", "source"):
        rows = ran.record[f"by_{key}"]
        assert sum(row["calls"] for row in rows) == plan.calls
        total = sum(row["milliseconds"] for row in rows)
        np.testing.assert_allclose(total, ran.record["in_kernels_milliseconds"], rtol=1e-6)
        np.testing.assert_allclose(sum(row["percent"] for row in rows), 100)
    assert {row["op"] for row in ran.record["by_op"]} == {step.op for step in plan.steps}
    assert ran.record["machine_gflop_per_second"] > 0
    assert ran.record["machine_gbyte_per_second"] > 0


def test_the_command_says_which_values_are_made_up(made: Path) -> None:
    """Without a feed an input gets values, and a note names it; a table's rows need none."""
    ran = run("profile", made / "train.arrow", "--repeat", 1)
    assert ran.err == "note: made-up values feed x, target\n"
    assert "by op" in ran.out
    assert "commands.py:" in ran.out
    ran = run("profile", made / "train.arrow", "--repeat", 6, "--data", made / "rows.parquet",
              "--state", made / "state.arrow")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")


def test_the_command_writes_a_trace(made: Path, tmp_path: Path) -> None:
    """`--trace` writes the last run as JSON, and never over a file that is read."""
    ran = run("profile", made / "train.arrow", "--trace", tmp_path / "t.json")
    assert ran.code == 0, ran.err
    plan = df.load(made / "train.arrow")
    assert isinstance(plan, Plan)
    assert_sound(json.loads((tmp_path / "t.json").read_text()), plan)
    assert run("profile", made / "train.arrow", "--trace", made / "train.arrow").code == 2


def test_the_command_is_for_plans(made: Path) -> None:
    """A graph is refused in one line that names the remedy."""
    assert_refused(run("profile", made / "graph.arrow"), "not a plan", "dataflow compile")


def test_a_plan_without_steps_has_nothing_to_divide_by(tmp_path: Path) -> None:
    """No call, no rate, and no error."""
    b = df.GraphBuilder()
    df.save(df.compile(b.build({"c": b.constant(np.zeros(3))})), tmp_path / "p.arrow")
    ran = run("profile", tmp_path / "p.arrow", "--json")
    assert ran.code == 0, ran.err
    assert (ran.record["calls"], ran.record["by_op"]) == (0, [])


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8", "float16", "float64", "complex64"])
def test_made_up_values_fit(dtype: str) -> None:
    """They have the spec, integers are zeros, others lie from 0 to below 1, the same each time."""
    spec = Spec((50, 3), np.dtype(dtype))
    values = made_up(spec, "x")
    assert (values.shape, values.dtype) == (spec.shape, spec.dtype)
    assert values.tobytes() == made_up(spec, "x").tobytes()
    if spec.dtype.kind in "fc":
        assert ((values.real >= 0) & (values.real < 1)).all()
        assert len(np.unique(values)) > 1
    else:
        assert not values.any()


def test_a_machine_has_rates() -> None:
    """A product and a copy take time, so both rates are positive and finite."""
    rates = machine_rates(seconds=1e-3, nbytes=2**20)
    assert all(np.isfinite(rate) and rate > 0 for rate in rates)
