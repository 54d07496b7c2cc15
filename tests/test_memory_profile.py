"""Memory seen: what lives at each step, and what is large at the peak, its line and a remedy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import dataflow as df
from dataflow.cli import main
from dataflow.errors import PlanError
from scheduler.live_bytes import largest_at_peak
from scheduler.plan import Plan
from tests.plans import sliced


def trained() -> Plan:
    """Return a training step of a few layers."""
    b = df.GraphBuilder("trained")
    h = b.input("x", (64, 32))
    for _ in range(6):
        h = df.nn.Dense(32, activation="relu")(h)
    loss = (h * h).mean()
    df.optim.SGD(0.1).minimize(loss)
    return df.compile(b.build({"loss": loss, "h": h}))


def listed(table: pa.Table, name: str) -> list[Any]:
    """Return a column's values."""
    return list(table.column(name).to_pylist())


def test_the_profile_is_what_the_lifetimes_say() -> None:
    """At each step the live bytes are those of the buffers whose lifetime it lies in."""
    plan = trained()
    table = df.memory_profile(plan)
    live = listed(table, "live_bytes")
    for step, nbytes in enumerate(live):
        here = [b for b in plan.buffers if b.kind == "temporary" and b.first <= step < b.end]
        assert nbytes == sum(-(-b.nbytes // 64) * 64 for b in here)
    assert max(map(int, live)) == plan.lower_bound


def test_the_profile_s_columns_have_types_and_names() -> None:
    """A row a step, with its node, op and line, and the buffers that come and go."""
    plan = trained()
    table = df.memory_profile(plan)
    assert table.num_rows == len(plan.steps)
    assert table.schema.field("born").type == pa.list_(pa.int64())
    assert all(source.startswith("test_memory_profile.py:") for source in
               listed(table, "source") if source)  # fmt: skip
    born = [index for row in listed(table, "born") for index in row]
    dead = [index for row in listed(table, "dead") for index in row]
    assert len(set(born)) == len(born)
    assert set(dead) <= set(born)


def test_a_tile_group_is_named() -> None:
    """Steps of a group say which; the others have null."""
    groups = df.memory_profile(sliced()).column("tile_group").to_pylist()
    assert set(groups) == {0}
    assert set(df.memory_profile(trained()).column("tile_group").to_pylist()) == {None}


def test_only_plans_have_a_profile() -> None:
    """Anything else is refused."""
    with pytest.raises(PlanError, match="takes a plan"):
        df.memory_profile("plan")  # type: ignore[arg-type]


def test_the_largest_at_the_peak_say_what_would_lower_them() -> None:
    """An activation is kept for the reverse sweep, an output lives to the end."""
    plan = trained()
    found = largest_at_peak(plan)
    sizes = [plan.buffers[one.buffer].nbytes for one in found]
    assert sizes == sorted(sizes, reverse=True)
    advice = " ".join(one.advice for one in found)
    assert "kept for the reverse sweep" in advice
    assert "output 'h' lives to the end" in advice


def test_scratch_is_told_apart() -> None:
    """What a step needs beside its operands belongs to it."""
    b = df.GraphBuilder()
    x = b.input("x", (4096,))
    plan = df.compile(b.build({"y": df.nn.gelu(x)}))
    assert any("scratch" in one.advice for one in largest_at_peak(plan))


def test_an_empty_plan_has_no_peak() -> None:
    """A plan without steps has nothing to show."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"c": b.constant(np.zeros(3))}))
    assert plan.steps == ()
    assert largest_at_peak(plan) == []


def test_show_memory_prints_a_chart_and_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`dataflow show --memory` has bars, the ten largest, and the user's lines."""
    df.save(trained(), tmp_path / "p.arrow")
    assert main(["show", str(tmp_path / "p.arrow"), "--memory"]) == 0
    out = capsys.readouterr().out
    assert "####" in out
    assert "test_memory_profile.py:" in out
    assert main(["show", str(tmp_path / "p.arrow"), "--memory", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert 0 < len(record["largest_at_the_peak"]) <= 10


def test_show_memory_is_for_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A graph has no memory yet: one line says so."""
    b = df.GraphBuilder()
    df.save(b.build({"y": b.input("x", (3,)) * 2.0}), tmp_path / "g.arrow")
    assert main(["show", str(tmp_path / "g.arrow"), "--memory"]) == 1
    assert "--memory is about plans" in capsys.readouterr().err
