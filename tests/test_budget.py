"""Budgets: what fits by computing again has the same bits, and what doesn't fit says why."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.cli import main
from dataflow.errors import CompileError
from dataflow.graph import Graph
from dataflow.registry import get_op
from scheduler.budget import as_bytes
from scheduler.fitting import budget_curve, largest_size
from scheduler.plan import Plan
from scheduler.reference import run_reference
from tests.commands import run
from tests.programs.program import PROGRAMS
from tests.test_programs import declared


@cache
def perceptron(layers: int, width: int = 256, rows: int = 256) -> Graph:
    """Return a training step of a multi-layer perceptron."""
    b = df.GraphBuilder("perceptron")
    h, labels = b.input("x", (rows, width)), b.input("labels", (rows,), "int64")
    for _ in range(layers):
        h = df.nn.Dense(width, activation="relu")(h)
    loss = df.nn.softmax_cross_entropy(df.nn.Dense(10)(h), labels).mean()
    df.optim.SGD(0.1).minimize(loss)
    return b.build({"loss": loss})


@cache
def transformer(blocks: int, width: int = 64, length: int = 32) -> Graph:
    """Return a training step of a transformer."""
    b = df.GraphBuilder("transformer")
    h, labels = b.input("x", (4, length, width)), b.input("labels", (4, length), "int64")
    for _ in range(blocks):
        h = h + df.nn.MultiHeadAttention(4)(df.nn.LayerNorm()(h))
        inner = df.nn.gelu(df.nn.Dense(4 * width)(df.nn.LayerNorm()(h)))
        h = h + df.nn.Dense(width)(inner)
    loss = df.nn.softmax_cross_entropy(df.nn.Dense(64)(h), labels).mean()
    df.optim.SGD(0.1).minimize(loss)
    return b.build({"loss": loss})


def whole(graph: Graph) -> Plan:
    """Return the plan without a budget and without slices."""
    return df.compile(graph, tiles=False)


def squeezed(graph: Graph, share: float) -> Plan:
    """Return the plan whose temporaries have a share of what they would have."""
    plan = whole(graph)
    rest = plan.certificate.total - plan.peak
    return df.compile(graph, tiles=False, memory_budget=rest + int(share * plan.peak))


def extra_flops(graph: Graph, plan: Plan) -> float:
    """Return the work that a plan has beyond the whole one's, by its steps."""
    return work_of(plan) / work_of(whole(graph)) - 1


def work_of(plan: Plan) -> int:
    """Return the floating-point operations of a plan without loops."""
    return sum(
        get_op(s.op, s.op_version).cost(tuple(o.spec for o in s.inputs),
                                        tuple(o.spec for o in s.outputs), s.attrs).flops
        for s in plan.steps
    )  # fmt: skip


def feeds_of(plan: Plan) -> dict[str, np.ndarray]:
    """Return random feeds, labels below 10."""
    rng = np.random.default_rng(0)
    return {i.name: rng.normal(size=i.spec.static_shape).astype(np.float32) if i.name == "x"
            else rng.integers(0, 10, i.spec.static_shape) for i in plan.inputs}  # fmt: skip


@pytest.mark.parametrize(("share", "most"), [(0.5, 0.20), (0.25, 0.45)])
def test_many_layers_keep_a_budget_for_little_work(share: float, most: float) -> None:
    """Of 64 layers, half of the memory costs a fifth more work at most, a quarter 45 %."""
    graph = perceptron(64, 64, 1024)
    plan = squeezed(graph, share)
    assert plan.peak <= share * whole(graph).peak
    assert 0 < extra_flops(graph, plan) <= most


@pytest.mark.long
@pytest.mark.parametrize(("share", "most"), [(0.5, 0.20), (0.25, 0.45)])
@pytest.mark.parametrize(
    "graph", [perceptron(64, 512, 4096), transformer(12, 128, 128)], ids=["64-mlp", "12-block"]
)
def test_deep_networks_keep_a_budget_for_little_work(
    graph: Graph, share: float, most: float
) -> None:
    """The same of a 64-layer perceptron, 512 wide, and a 12-block transformer, 128 wide."""
    plan = squeezed(graph, share)
    assert plan.peak <= share * whole(graph).peak
    assert 0 < extra_flops(graph, plan) <= most


@pytest.mark.parametrize("graph", [perceptron(16, 32, 1024), transformer(3)], ids=["mlp", "blocks"])
def test_computing_again_gives_the_same_bits(graph: Graph) -> None:
    """Three training steps leave the same bits, whatever the budget."""
    runners = [df.Runner(plan, poison=True) for plan in (whole(graph), squeezed(graph, 0.7))]
    assert len(runners[0].plan.steps) < len(runners[1].plan.steps)
    feeds = feeds_of(whole(graph))
    for _ in range(3):
        first, second = (runner.run(feeds)["loss"] for runner in runners)
        assert first.tobytes() == second.tobytes()
    states = [runner.state for runner in runners]
    assert all(a.tobytes() == states[1][name].tobytes() for name, a in states[0].items())


@pytest.mark.parametrize("name", ["lstm", "u_net", "kalman_filter"])
def test_programs_squeezed_as_far_as_can_be_give_the_reference_s_bits(name: str) -> None:
    """Loops, skips and second derivatives: whatever runs again is right."""
    graph = declared(PROGRAMS[name])
    least = budget_curve(graph)[-1]
    plan = df.compile(graph, tiles=False, memory_budget=least.total)
    feeds = {n: a for n, a in PROGRAMS[name].arrays().items() if n in graph.inputs}
    expected, _ = run_reference(graph, feeds)
    found = df.Runner(plan, poison=True).run({i.name: feeds[i.name] for i in plan.inputs})
    for key, array in expected.items():
        assert found[key].tobytes() == array.tobytes(), key


def test_slices_come_before_work() -> None:
    """Where more slices are enough, nothing is computed again."""
    b = df.GraphBuilder("wide")
    h = x = b.input("x", (2**20,))
    for _ in range(8):
        h = df.sin(h)
    graph = b.build({"g": df.grad(h.sum(), [x])[0]})
    plan = df.compile(graph)
    smaller = df.compile(graph, memory_budget=plan.certificate.total - 500_000)
    assert len(smaller.groups[0].slices) > len(plan.groups[0].slices)
    assert not any(step.node.endswith(".again") for step in smaller.steps)


def test_a_generous_budget_changes_nothing_but_the_options() -> None:
    """The plan is that of any compilation, and says what it was asked for."""
    graph = perceptron(2, 16, 8)
    plan, free = df.compile(graph, memory_budget="1GiB"), df.compile(graph)
    assert plan.steps == free.steps
    assert plan.options["memory_budget"] == str(2**30)


def test_a_budget_that_is_too_small_names_the_least_and_the_node() -> None:
    """The error says what is needed at least, for what, and where most lives."""
    with pytest.raises(CompileError, match=r"the least that was found is \d+, with \d+ for") as e:
        df.compile(perceptron(4, 32, 64), memory_budget="20KB")
    assert "most lives at step" in str(e.value)
    assert "test_budget.py" in str(e.value)


@pytest.mark.parametrize("budget", [0, -1, "", "much", "-3MB", "64iB", "²", 1.5, True])
def test_a_budget_is_a_number_of_bytes(budget: object) -> None:
    """Anything else is refused, with an example of what is meant."""
    with pytest.raises(CompileError, match="such as '64MiB'"):
        as_bytes(budget)  # type: ignore[arg-type]


def test_sizes_are_read_exactly() -> None:
    """Fractions are decimal, NumPy's whole numbers are numbers, and a unit may be left out."""
    assert as_bytes("0.3 GB") == 300_000_000
    assert as_bytes("9007199254740993") == 9_007_199_254_740_993
    assert as_bytes("1.5kib") == 1536
    assert as_bytes(np.int64(7)) == 7  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [
    lambda: budget_curve("graph"), lambda: largest_size("graph", "n", "1GiB"),  # type: ignore[arg-type]
])  # fmt: skip
def test_only_graphs_have_budgets(call: Callable[[], object]) -> None:
    """What is no graph is refused by its type."""
    with pytest.raises(CompileError, match="takes a graph, not str"):
        call()


def test_every_point_of_the_curve_can_be_had() -> None:
    """A budget of a point's bytes gives a plan within it, of as little work."""
    graph = perceptron(10, 32, 256)
    least = work_of(df.compile(graph, tiles=False))
    for point in budget_curve(graph):
        plan = df.compile(graph, tiles=False, memory_budget=point.total)
        assert plan.certificate.total <= point.total
        assert work_of(plan) <= round(least * (1 + point.extra_flops))


def test_the_curve_goes_down_in_bytes_and_up_in_work() -> None:
    """Each point has fewer bytes than the one before it, and more work."""
    curve = budget_curve(perceptron(8, 64, 64))
    assert curve[0].extra_flops == 0
    assert len(curve) > 2
    assert [p.total for p in curve] == sorted({p.total for p in curve}, reverse=True)
    assert [p.extra_flops for p in curve] == sorted({p.extra_flops for p in curve})


def named() -> Graph:
    """Return a graph with two named dimensions."""
    b = df.GraphBuilder("named")
    x = b.input("x", ("batch", "width"))
    return b.build({"y": (df.exp(x) * x).sum(axis=1)})


def test_the_largest_size_fits_and_one_more_does_not() -> None:
    """Checked by compiling both, and with a budget, which slices small plans too."""
    size = largest_size(named(), "batch", "1MiB", dims={"width": 100}, tiles=False)
    totals = [
        df.compile(named(), dims={"width": 100, "batch": n}, tiles=False).certificate.total
        for n in (size, size + 1)
    ]
    assert totals[0] <= 2**20 < totals[1]
    sliced = largest_size(named(), "batch", "1MiB", dims={"width": 100})
    plan = df.compile(named(), dims={"width": 100, "batch": sliced}, memory_budget="1MiB")
    assert sliced > size
    assert plan.certificate.total <= 2**20


def test_the_size_at_which_slices_begin_hides_none_that_fits() -> None:
    """A batch that needs no slices by itself needs more memory than a larger one in slices."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 1024))
    y = df.exp(df.sin(x) * df.cos(x)) * df.tanh(x)
    graph = b.build({"y": (y * df.sin(y)).sum()})
    needed = df.compile(graph, dims={"batch": 300}).certificate.total
    whole = df.compile(graph, dims={"batch": 100}, tiles=False).certificate.total
    assert largest_size(graph, "batch", max(needed, whole)) >= 300


def test_a_size_of_one_that_does_not_fit_is_an_error() -> None:
    """The message is that of `compile`: the least that was found, and the node that needs it."""
    with pytest.raises(
        CompileError, match=r"'named' doesn't fit into 1024 bytes: the least .* node 'exp_0'"
    ):
        largest_size(named(), "batch", 1024, dims={"width": 10000})


# The command line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a graph."""
    df.save(named(), tmp_path / "graph.arrow")
    return tmp_path / "graph.arrow"


def test_fit_prints_the_largest_size(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`dataflow fit` gives what the function gives."""
    arguments = ["fit", str(file), "--dim", "batch", "--dim", "width=100", "--budget", "1MiB"]
    assert main(arguments) == 0
    size = largest_size(named(), "batch", "1MiB", dims={"width": 100})
    assert capsys.readouterr().out == f"batch={size}\n"


@pytest.mark.parametrize(("dims", "said"), [
    (["--dim", "batch", "--dim", "width=2", "--dim", "width=3"], "'width' is given twice"),
    (["--dim", "batch", "--dim", "batch=3"], "'batch' is given twice"),
    (["--dim", "batch", "--dim", "width=²"], "'²' in 'width=²' is no size"),
    (["--dim", "batch", "--dim", "width="], "'' in 'width=' is no size"),
])  # fmt: skip
def test_fit_refuses_sizes_that_are_none(dims: list[str], said: str, file: Path) -> None:
    """What is wrong with a dimension is told, as a wrong use."""
    outcome = run("fit", file, *dims, "--budget", "1GiB")
    assert outcome.code == 2
    assert said in outcome.err


def test_budget_prints_the_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`dataflow budget` has a line and a bar for each point."""
    df.save(perceptron(4, 16, 64), tmp_path / "g.arrow")
    assert main(["budget", str(tmp_path / "g.arrow"), "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    expected = budget_curve(perceptron(4, 16, 64))
    assert [p["total_bytes"] for p in points] == [p.total for p in expected]
    assert main(["budget", str(tmp_path / "g.arrow")]) == 0
    out = capsys.readouterr().out
    assert out.count("#####") >= len(points)


def test_compile_takes_a_budget(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--memory-budget` is kept, or is an error of one line."""
    target = file.with_name("plan.arrow")
    dims = ["--dim", "batch=100", "--dim", "width=100", "-o", str(target)]
    assert main(["compile", str(file), *dims, "--memory-budget", "1MB"]) == 0
    plan = df.load(target)
    assert isinstance(plan, Plan)
    assert plan.certificate.total <= 10**6
    assert main(["compile", str(file), *dims, "--memory-budget", "1KB"]) == 1
    assert "doesn't fit into 1000 bytes" in capsys.readouterr().err


def test_a_size_of_the_dimension_that_is_looked_for_is_refused() -> None:
    """It would be ignored, so the error says which one it is."""
    with pytest.raises(CompileError, match="looks for the size of 'batch'"):
        largest_size(named(), "batch", "1MiB", dims={"width": 100, "batch": 3})
