"""The oracle: a compiled plan computes what the reference executor does, bit for bit.

The reference executor has no arena, no reuse, no in-place and no passes. Random graphs are
replayed from a poisoned arena three times over, so that a read of dead memory, a variable written
too early and a state carried wrongly all show.
"""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import dataflow as df
from dataflow.errors import CompileError, GraphError
from scheduler.plan import Plan
from scheduler.reference import run_reference
from scheduler.verify import verify
from tests.graphs import Array, Case, cases

RUNS = 3


def assert_same(actual: Mapping[str, Array], expected: Mapping[str, Array], what: str) -> None:
    """Check that two sets of named arrays have the same names, specs and bytes."""
    assert list(actual) == list(expected), what
    for name, array in actual.items():
        assert df.Spec.like(array) == df.Spec.like(expected[name]), f"{what} {name}"
        assert array.tobytes() == expected[name].tobytes(), f"{what} {name}: {array}"


def assert_replays(case: Case, plan: Plan) -> None:
    """Check that a plan gives the reference executor's results, run after run."""
    runner = df.Runner(plan, poison=True)
    feeds = {i.name: case.feeds[i.name] for i in plan.inputs}
    state: dict[str, Array] | None = None
    for run in range(RUNS):
        expected, state = run_reference(case.graph, case.feeds, state)
        assert_same(runner.run(feeds), expected, f"run {run}, output")
        kept = {name: state[name] for name in runner.state}
        assert_same(runner.state, kept, f"run {run}, variable")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_random_graphs_replay_as_the_reference_executor_runs_them(case: Case) -> None:
    """Any graph's plan gives the reference executor's outputs and variables, to the bit."""
    assert_replays(case, df.compile(case.graph))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_part_of_a_graph_gives_what_the_whole_does(case: Case) -> None:
    """Each output compiled alone, without updates, is the same as among the others."""
    expected, _ = run_reference(case.graph, case.feeds)
    for name in case.graph.outputs:
        plan = df.compile(case.graph, outputs=[name], updates=False)
        feeds = {i.name: case.feeds[i.name] for i in plan.inputs}
        assert not any(variable.updated for variable in plan.variables)
        assert_same(df.Runner(plan, poison=True).run(feeds), {name: expected[name]}, "output")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_plan_never_needs_more_than_without_reuse(case: Case) -> None:
    """Lower bound <= peak <= the sum of all temporaries, and the operands say so themselves."""
    plan = df.compile(case.graph)
    assert plan.lower_bound <= plan.peak <= plan.bytes_without_reuse
    verify(plan)


# Ends that share memory


def swapped() -> df.Graph:
    """Return a graph whose two variables are each other's update."""
    b = df.GraphBuilder("swap")
    u, v = b.variable("u", [1.0, 2.0]), b.variable("v", [3.0, 4.0])
    b.update(u, v)
    b.update(v, u)
    return b.build({"sum": u + v, "u": u})


def rotated() -> df.Graph:
    """Return a graph whose three variables change places."""
    b = df.GraphBuilder("rotate")
    u, v, w = (b.variable(name, [float(i)]) for i, name in enumerate("uvw"))
    b.update(u, v)
    b.update(v, w)
    b.update(w, u)
    return b.build({"u": u})


def entangled() -> df.Graph:
    """Return a graph whose two updates both read both variables."""
    b = df.GraphBuilder("entangled")
    u, v = b.variable("u", [1.0, 2.0]), b.variable("v", [3.0, 4.0])
    b.update(u, u + v)
    b.update(v, u - v)
    return b.build({"before": u})


def one_value_twice() -> df.Graph:
    """Return a graph with one update for two variables, which is an output too."""
    b = df.GraphBuilder("twice")
    u, v = b.variable("u", [1.0, 2.0]), b.variable("v", [3.0, 4.0])
    new = u * v
    b.update(u, new)
    b.update(v, new)
    return b.build({"new": new, "old": u, "turned": new.reshape(2, 1).T})


def turned() -> df.Graph:
    """Return a graph whose variable becomes its own transpose and is read both ways."""
    b = df.GraphBuilder("turned")
    w = b.variable("w", np.arange(9.0).reshape(3, 3))
    b.update(w, w.T)
    return b.build({"symmetric": w + w.T, "w": w, "w.T": w.T, "flat": w.T.reshape(9)})


def awkward_ends() -> df.Graph:
    """Return a graph whose results are variables, constants and views, some under two names."""
    b = df.GraphBuilder("ends")
    w, c = b.variable("w", [1.0, 2.0]), b.constant([5.0, 6.0])
    kept = b.variable("kept", [7.0, 8.0])
    b.update(w, c)
    b.update(kept, kept)
    return b.build({"w": w, "again": w, "c": c, "wide": df.broadcast_to(c, (3, 2)), "kept": kept})


@pytest.mark.parametrize(
    "graph", [swapped(), rotated(), entangled(), one_value_twice(), turned(), awkward_ends()],
    ids=lambda graph: graph.name,
)  # fmt: skip
def test_ends_that_share_memory_keep_their_values(graph: df.Graph) -> None:
    """Reading a variable gives its value before the run, whatever else is written."""
    assert_replays(Case(graph, {}), df.compile(graph))


def test_inputs_can_be_results_and_updates() -> None:
    """A fed value passes to outputs and variables, and the caller's array isn't any of them."""
    b = df.GraphBuilder("echo")
    x, w = b.input("x", (2,)), b.variable("w", np.zeros(2, np.float32))
    b.update(w, x)
    plan = df.compile(b.build({"x": x, "w": w}))
    fed = np.array([1, 2], np.float32)
    assert_replays(Case(b.build({"x": x, "w": w}), {"x": fed}), plan)
    assert not np.shares_memory(df.Runner(plan).run(x=fed)["x"], fed)


# Parts of a graph


def two_headed() -> df.Graph:
    """Return a graph with two outputs that need different inputs and variables."""
    b = df.GraphBuilder("heads")
    x, labels = b.input("x", ("batch", 3)), b.input("labels", ("batch", 3))
    w, count = b.variable("w", np.ones((3,), np.float32)), b.variable("count", np.float32(0))
    guess = x * w
    loss = ((guess - labels) * (guess - labels)).sum()
    b.update(w, w - df.grad(loss, w))
    b.update(count, count + 1)
    return b.build({"guess": guess, "loss": loss, "count": count})


def test_compiling_one_output_drops_what_only_others_need() -> None:
    """A prediction plan asks for no labels and holds no optimiser's state."""
    plan = df.compile(two_headed(), outputs=["guess"], updates=False, dims={"batch": 2})
    assert [i.name for i in plan.inputs] == ["x"]
    assert [(v.name, v.updated) for v in plan.variables] == [("w", False)]
    assert [o.name for o in plan.outputs] == ["guess"]
    assert plan.initial is not None
    assert [o.name for o in plan.initial.outputs] == ["w"]
    assert plan.commit == len(plan.steps)


def test_compiling_one_output_with_updates_keeps_what_the_updates_need() -> None:
    """With updates, every variable stays and so do the inputs that the gradient reads."""
    plan = df.compile(two_headed(), outputs=["guess"], dims={"batch": 2})
    assert [i.name for i in plan.inputs] == ["x", "labels"]
    assert {v.name: v.updated for v in plan.variables} == {"w": True, "count": True}


def test_dims_are_kept_as_text_for_feeding_by_batches() -> None:
    """A plan's inputs and outputs say which of their axes is the batch."""
    plan = df.compile(two_headed(), dims={"batch": 2})
    assert {i.name: i.dims for i in plan.inputs}["x"] == ("batch", "3")
    assert {o.name: o.dims for o in plan.outputs} == {
        "guess": ("batch", "3"), "loss": (), "count": (),
    }  # fmt: skip


def test_an_output_named_like_a_variable_does_not_lend_it_its_dims() -> None:
    """The plan of first values describes the variable, not an output of the same name."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("n",)), b.variable("w", np.ones((1,), np.float32))
    plan = df.compile(b.build({"w": x * w}), dims={"n": 3})
    assert plan.initial is not None
    assert plan.initial.outputs[0].dims == ("1",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ["batch", "dims="]),
        ({"dims": {"batch": 2, "time": 3}}, ["'time'", "['batch']"]),
        ({"dims": {"batch": -1}}, ["'batch'", "-1"]),
        ({"dims": {"batch": 2.5}}, ["'batch'", "2.5"]),
        ({"dims": {"batch": True}}, ["'batch'", "True"]),
        ({"dims": {"batch": 2}, "outputs": ["gess"]}, ["'gess'", "guess"]),
        ({"dims": {"batch": 2}, "blas_threads": 0}, ["blas_threads", "0"]),
    ],
)
def test_what_cannot_be_compiled_is_named(options: dict[str, object], words: list[str]) -> None:
    """A missing, unknown or impossible size, output or option is an error that says which."""
    with pytest.raises(CompileError) as caught:
        df.compile(two_headed(), **options)  # type: ignore[arg-type]  # wrong on purpose
    assert all(word in str(caught.value) for word in words), caught.value


def test_sizes_that_break_a_shape_name_the_node() -> None:
    """A size for which a declared slice or reshape doesn't work out is refused with its node."""
    b = df.GraphBuilder()
    x = b.input("x", (b.dim("n") - 2,))
    graph = b.build({"y": x + x})
    with pytest.raises(CompileError, match="negative"):
        df.compile(graph, dims={"n": 1})
    assert df.Runner(df.compile(graph, dims={"n": 2})).run(x=[])["y"].shape == (0,)


def test_sizes_that_leave_nothing_to_reduce_name_the_node() -> None:
    """A size that an op refuses in an input is found where the op's own shape has no name too."""
    b = df.GraphBuilder()
    graph = b.build({"y": b.input("x", ("batch", 3)).max(axis=0)})
    with pytest.raises(CompileError, match=r"node 'max_0'.*'batch': 0.*length 0"):
        df.compile(graph, dims={"batch": 0})


@pytest.mark.parametrize("size", [2**59, 2**61, 2**62, 2**63, 10**30])
def test_sizes_that_no_array_has_name_the_node(size: int) -> None:
    """A size beyond what NumPy can address is refused before NumPy stumbles over it."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 3))
    graph = b.build({"y": x.T + 1, "none": x[:0]})
    with pytest.raises(CompileError, match=r"node 'x' .*smaller dims"):
        df.compile(graph, dims={"n": size})


def test_a_size_that_only_attributes_hold_must_be_given() -> None:
    """The length of an axis as a result: its input is dropped, its name must still be bound."""
    b = df.GraphBuilder()
    graph = b.build({"n": b.input("x", ("n",)).size(0)})
    with pytest.raises(CompileError, match="'n'"):
        df.compile(graph)
    assert df.Runner(df.compile(graph, dims={"n": 5})).run()["n"] == 5


def test_a_graph_without_outputs_compiles_to_an_empty_plan() -> None:
    """No outputs and no updates: nothing to do, and nothing needed."""
    plan = df.compile(two_headed(), outputs=[], updates=False, dims={"batch": 2})
    assert (plan.steps, plan.buffers, plan.peak, plan.calls) == ((), (), 0, 0)
    assert df.Runner(plan).run() == {}


def test_compile_refuses_what_is_no_graph() -> None:
    """A tensor instead of a graph is an error of ours."""
    tensor = df.GraphBuilder().zeros((2,))
    with pytest.raises((CompileError, GraphError)):
        df.compile(tensor)  # type: ignore[arg-type]  # wrong on purpose
