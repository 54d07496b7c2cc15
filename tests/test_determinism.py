"""The same graph compiles to the same bytes: in this process, in any other, whatever hashes are."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import dataflow as df
from scheduler.plan import Plan
from scheduler.runner import Runner
from tests.graphs import Case, cases

PROGRAM = """
import sys
import numpy as np
import dataflow as df

b = df.GraphBuilder("training", seed=3)
x, labels = b.input("x", ("batch", 8)), b.input("labels", ("batch",), "int64")
hidden = df.nn.Dense(16, activation="relu")(x)
noise = b.rand((16,))
logits = df.nn.Dense(4)(hidden * noise)
loss = df.nn.softmax_cross_entropy(logits, labels).mean()
df.optim.Adam(1e-3).minimize(loss)
graph = b.build({"loss": loss, "logits": logits})
plan = df.compile(graph, dims={"batch": 6})
folder = sys.argv[1]
df.save(graph, folder + "/graph.arrow")
df.save(plan, folder + "/plan.arrow")
runner, rng = df.Runner(plan), np.random.default_rng(0)
fed = {"x": rng.normal(size=(6, 8)).astype("float32"), "labels": rng.integers(0, 4, 6)}
for _ in range(3):
    runner.run(fed)
df.save(runner.state, folder + "/state.arrow")
"""


def compiled_under(seed: str, folder: Path) -> dict[str, bytes]:
    """Run the program in a process of its own and return the files that it wrote."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], env=environment, check=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_processes_with_other_hashes_write_the_same_files(tmp_path: Path) -> None:
    """Graph, plan and trained state are the same bytes under three hash seeds."""
    files = [compiled_under(seed, tmp_path / seed) for seed in ("0", "1", "4711")]
    assert list(files[0]) == ["graph.arrow", "plan.arrow", "state.arrow"]
    for name, content in files[0].items():
        assert all(other[name] == content for other in files[1:]), name


def parts(plan: Plan) -> dict[str, object]:
    """Return a plan field by field, arrays as bytes, so that two can be compared."""
    found: dict[str, object] = {f.name: getattr(plan, f.name) for f in fields(plan)}
    found["constants"] = [(i, a.dtype, a.shape, a.tobytes()) for i, a in plan.constants.items()]
    found["initial"] = parts(plan.initial) if plan.initial is not None else None
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_compiling_twice_gives_one_plan(case: Case) -> None:
    """No pass remembers anything of an earlier compilation."""
    assert parts(df.compile(case.graph)) == parts(df.compile(case.graph))


def line(comment: str) -> str:
    """Return a program that declares a graph, after a comment of some lines."""
    return f"{comment}\nimport dataflow as df\nb = df.GraphBuilder()\ny = b.input('x', (2,)) * 2\n"


def test_moving_a_comment_changes_no_digest() -> None:
    """Source lines are in the graph for messages, not in what says that two are the same."""
    digests, sources = set(), set()
    for comment in ("", "# one\n# two"):
        scope: dict[str, df.GraphBuilder | df.Tensor] = {}
        exec(line(comment), scope)  # noqa: S102 - a program of ours, at two places
        b, y = scope["b"], scope["y"]
        assert isinstance(b, df.GraphBuilder)
        assert isinstance(y, df.Tensor)
        plan = df.compile(b.build({"y": y}))
        digests.add(plan.graph_digest)
        sources.add(plan.steps[0].source)
    assert (len(digests), len(sources)) == (1, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_runs_and_runners_give_the_same_bits(threads: int) -> None:
    """One plan, one feed: every run of every runner gives the same bits."""
    b = df.GraphBuilder()
    x = b.input("x", (64, 64))
    plan = df.compile(b.build({"y": (x @ x).sum(axis=0)}), blas_threads=threads)
    fed = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    runner = Runner(plan)
    results = {runner.run(x=fed)["y"].tobytes() for _ in range(3)}
    assert results == {Runner(plan).run(x=fed)["y"].tobytes()}
