"""Runs of small steps as tables: the same results from one compiled loop."""

import math
from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.cli import main
from dataflow.errors import NonFiniteError, RunError
from dataflow.graph import Graph
from dataflow.registry import get_op
from scheduler.small_steps import OPERATIONS, check_fast, runs_of_calls
from tests.graphs import Array

ARGUMENTS = {name: 2 if name in ("add", "subtract", "multiply", "divide", "maximum", "minimum")
             else 1 for name in OPERATIONS}  # fmt: skip
EXACT = {"add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "abs", "maximum",
         "minimum", "relu", "copy"}  # fmt: skip


def pendulum(steps: int) -> Graph:
    """Return the end of a swing and how it changes with its start."""
    b = df.GraphBuilder("pendulum")
    angle, speed = first = [b.variable("angle", 1.0), b.variable("speed", 0.0)]
    for _ in range(steps):
        speed = speed - 0.01 * df.sin(angle)
        angle = angle + 0.01 * speed
    return b.build({"end": angle, **dict(zip(("da", "ds"), df.grad(angle, first), strict=True))})


def bits(found: dict[str, Array]) -> dict[str, bytes]:
    """Return the results' bytes."""
    return {name: array.tobytes() for name, array in found.items()}


def needs_numba() -> None:
    """Skip where Numba isn't installed."""
    pytest.importorskip("numba")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_within_two_units_of_the_plain_kernel(name: str, dtype: str) -> None:
    """Arithmetic has the same bits, at ordinary and at extreme arguments."""
    needs_numba()
    ends = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, -1e-310, 3e38]
    drawn = np.random.default_rng(0).normal(scale=3, size=(2, 200))
    drawn[0, : len(ends)] = drawn[1, 8 : 8 + len(ends)] = ends
    b = df.GraphBuilder()
    given = [b.variable(str(i), x.astype(dtype)) for i, x in enumerate(drawn)][: ARGUMENTS[name]]
    (once,) = b.apply(get_op(name), given, Attrs())
    (twice,) = b.apply(get_op("negative"), [once], Attrs())
    plan = df.compile(b.build({"y": once, "z": twice}))
    with np.errstate(all="ignore"):
        plain, fast = (df.Runner(plan, fast=flag).run()["y"] for flag in (False, True))
    if name in EXACT:
        np.testing.assert_array_equal(fast, plain)
    else:
        np.testing.assert_array_equal(np.isnan(fast), np.isnan(plain))
        known = np.isfinite(plain)
        np.testing.assert_array_almost_equal_nulp(fast[known], plain[known], 2)


def test_a_chain_of_scalars_is_one_call() -> None:
    """Thousands of steps are one raw call, and give what they give one by one."""
    needs_numba()
    plan = df.compile(pendulum(300))
    plain, fast = df.Runner(plan), df.Runner(plan, fast=True)
    assert sum(map(len, runs_of_calls(plan, is_fast=True))) == len(plan.steps) > 1000
    assert len(list(runs_of_calls(plan, is_fast=True))) == 1
    found, right = fast.run(), plain.run()
    for name, array in right.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4)
    assert bits(fast.run()) == bits(found)


def test_broadcast_numbers_and_rows_take_part_and_columns_do_not() -> None:
    """An operand of one element or of the result's shape; the others run as before."""
    needs_numba()
    b = df.GraphBuilder()
    x, row = b.variable("x", np.ones((4, 5))), b.variable("row", np.arange(5.0))
    y = ((x * 2.0 + x) - row) * x + x.T.sum()
    plan = df.compile(b.build({"y": y}))
    sizes = [len(calls) for calls in runs_of_calls(plan, is_fast=True)]
    assert max(sizes) >= 2 > min(sizes)
    assert bits(df.Runner(plan, fast=True).run()) == bits(df.Runner(plan).run())


def test_bodies_of_loops_are_tables_too() -> None:
    """A scan over scalars gives the same bits."""
    needs_numba()
    b = df.GraphBuilder()
    xs = b.variable("xs", np.linspace(0, 1, 50))
    half = b.constant(np.float64(0.5))
    last, rows = df.scan(lambda h, x: ((h + x) * 0.5 - x * x, h * 2.0), half, xs)
    plan = df.compile(b.build({"last": last, "rows": rows, "g": df.grad(last, [xs])[0]}))
    assert bits(df.Runner(plan, fast=True).run()) == bits(df.Runner(plan).run())


def test_updates_are_written_after_all_is_computed() -> None:
    """A table ends before the first write to a variable: a training step has the same bits."""
    needs_numba()
    b = df.GraphBuilder()
    w = b.variable("w", np.ones(3))
    loss = ((w * 2.0 - 1.0) ** 2).sum()
    df.optim.Adam(0.1).minimize(loss)
    plan = df.compile(b.build({"loss": loss}))
    plain, fast = df.Runner(plan), df.Runner(plan, fast=True)
    for _ in range(5):
        assert bits(fast.run()) == bits(plain.run())
    assert bits(dict(fast.state)) == bits(dict(plain.state))


def test_what_looks_for_nan_looks_at_every_step() -> None:
    """With a check, steps run one by one, and the first bad one is named."""
    needs_numba()
    b = df.GraphBuilder()
    x = b.variable("x", np.float64(-1.0))
    graph = b.build({"y": df.sqrt(x * 2.0) + 1.0})
    runner = df.Runner(df.compile(graph), check="finite", fast=True)
    with pytest.raises(NonFiniteError, match="sqrt"):
        runner.run()


def test_without_numba_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(RunError, match=r"dataflow-runtime\[fast\]"):
        check_fast()


def test_replay_takes_the_option(tmp_path: Path) -> None:
    """``dataflow replay --fast`` writes the same outputs."""
    needs_numba()
    path = tmp_path / "swing.plan.arrow"
    df.save(df.compile(pendulum(20)), path)
    for name, options in (("plain", []), ("fast", ["--fast"])):
        assert main(["replay", str(path), "-o", str(tmp_path / f"{name}.npz"), *options]) == 0
    with np.load(tmp_path / "plain.npz") as plain, np.load(tmp_path / "fast.npz") as fast:
        for key in plain:
            np.testing.assert_allclose(fast[key], plain[key], rtol=1e-5)
