"""Concatenations and stacks: parts are made in their place, and gradients of splits are joined."""

from collections.abc import Callable

import numpy as np
import pytest

import dataflow as df
from dataflow.graph import Graph
from scheduler.plan import Plan
from scheduler.reference import run_reference
from scheduler.runner import Runner

Function = Callable[[df.Tensor, df.Tensor], df.Tensor]


def nested(x: df.Tensor, y: df.Tensor) -> df.Tensor:
    """Join what is joined already."""
    h = df.exp(x)
    return df.concat([df.concat([h, df.sin(h)]), y * 2])


def dense(x: df.Tensor, y: df.Tensor) -> df.Tensor:
    """Join all earlier features to new ones made of them, as a dense block does."""
    h = df.exp(x @ y.T)
    for _ in range(4):
        h = df.concat([h, df.sin(h[:, :3])], axis=1)
    return h


CASES: dict[str, tuple[Function, list[str]]] = {
    "rows": (lambda x, y: df.concat([df.exp(x), df.sin(y)]), ["exp", "sin"]),
    "columns": (lambda x, y: df.concat([df.exp(x), df.sin(y)], 1), ["exp", "sin"]),
    "products": (lambda x, y: df.concat([x @ y.T, y @ x.T], 1), ["matmul", "matmul"]),
    "stack": (lambda x, y: df.stack([df.exp(x), df.sin(y)]), ["exp", "sin"]),
    "stack of columns": (lambda x, y: df.stack([df.exp(x), df.sin(y)], 1), ["exp", "sin"]),
    "turned": (lambda x, y: df.concat([(x @ y.T).T, df.sin(y)[:, :4]]),
               ["matmul", "sin", "concat"]),
    "an input": (lambda x, y: df.concat([df.exp(x), y]), ["exp", "copy"]),
    "twice": (lambda x, y: df.concat([h := x * y, h]), ["multiply", "concat"]),
    "of one another": (lambda x, y: df.concat([h := df.exp(x), h * y]), ["exp", "multiply"]),
    "columns of one another": (lambda x, y: df.concat([h := df.exp(x), h * y], 1),
                               ["exp", "multiply", "copy"]),
    "read again": (lambda x, y: df.concat([h := df.exp(x), df.sin(y)]) * df.sum(h),
                   ["exp", "sin", "sum", "multiply"]),
    "a sum": (lambda x, y: df.concat([x.sum(axis=0), y[0] * 2]), ["sum", "multiply"]),
    "nested": (nested, ["exp", "sin", "multiply"]),
}  # fmt: skip


def graph_of(function: Function, shape: tuple[int, int] = (4, 6)) -> Graph:
    """Return a graph of a function of two matrices; its result is read once more."""
    b = df.GraphBuilder()
    x, y = b.input("x", shape, "float64"), b.input("y", shape, "float64")
    return b.build({"z": function(x, y).sum(axis=-1), "x": x, "y": y})


def feeds(shape: tuple[int, int] = (4, 6)) -> dict[str, np.ndarray]:
    """Return two matrices."""
    rng = np.random.default_rng(0)
    return {name: rng.random(shape) for name in ("x", "y")}


def checked(graph: Graph, given: dict[str, np.ndarray], plan: Plan) -> None:
    """Check a plan's results, in a poisoned arena, against the reference, bit for bit."""
    expected, _ = run_reference(graph, given)
    for name, value in Runner(plan, poison=True).run(given).items():
        assert value.tobytes() == expected[name].tobytes()


@pytest.mark.parametrize("case", CASES)
def test_parts_are_made_in_place(case: str) -> None:
    """These steps and no others, with the results that copies would give."""
    function, steps = CASES[case]
    graph = graph_of(function)
    plan = df.compile(graph)
    made = [step.op for step in plan.steps]
    assert sorted(made[:-1]) == sorted(steps)
    assert made[-1] == "sum"
    checked(graph, feeds(), plan)


def test_a_dense_block_is_right() -> None:
    """Columns that are made of what lies beside them are copied, not written over."""
    graph = graph_of(dense)
    checked(graph, feeds(), df.compile(graph))


def test_joining_in_place_takes_less() -> None:
    """The arena holds the joined tensor and one product: copies would need the parts beside it."""
    b, rows = df.GraphBuilder(), 1000
    x = b.input("x", (rows, 4))
    parts = [df.exp(x * k) for k in range(4)]
    plan = df.compile(b.build({"y": df.concat(parts).max()}), tiles=False)
    assert plan.peak <= 4 * rows * (16 + 4)


def test_a_part_does_not_wait_in_what_is_larger() -> None:
    """Where a small part comes early and the rest late, copies take less, and are made."""
    b = df.GraphBuilder()
    x = b.input("x", (1000,))
    small = df.exp(x[:10])
    wide = df.sin(df.outer(x, x * small.sum())).sum(axis=0)
    late = df.concat([small, df.outer(wide[:500], wide[:500]).reshape(-1)])
    plan = df.compile(b.build({"y": late.max()}), tiles=False)
    assert plan.peak <= 4 * 1000 * 1000 + 20_000


SPLITS: dict[str, Callable[[df.Tensor], list[df.Tensor]]] = {
    "columns": lambda x: df.split(x, 3, axis=1),
    "rows": lambda x: df.split(x, 2),
    "of several lengths": lambda x: df.split(x, [1, 4], axis=1),
    "single rows": lambda x: [x[i] for i in range(4)],
    "in any order": lambda x: [x[:, 4:], x[:, :2], x[:, 2:4]],
}


@pytest.mark.parametrize("case", SPLITS)
def test_the_gradient_of_a_split_is_one_concatenation(case: str) -> None:
    """No part is padded with zeros, and the values are those of NumPy, other uses counted in."""
    b = df.GraphBuilder()
    x = b.input("x", (4, 6), "float64")
    parts = SPLITS[case](x)
    loss = sum(((k + 2.0) * part * part).sum() for k, part in enumerate(parts)) + df.sum(x)
    graph = b.build({"slope": df.grad(loss, x)})
    ops = [data["op"] for data in graph.dag.nodes.values()]
    assert "pad_slice" not in ops
    given = np.random.default_rng(0).random((4, 6))
    found = Runner(df.compile(graph)).run(x=given)["slope"]
    expected = np.ones((4, 6))
    places = df.GraphBuilder()
    numbers = places.constant(np.arange(24.0).reshape(4, 6))
    for k, part in enumerate(df.evaluate(*SPLITS[case](numbers))):
        at = part.astype(int).ravel()
        expected.ravel()[at] += 2 * (k + 2.0) * given.ravel()[at]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("taken", [[(0, 4), (2, 6)], [(0, 2), (4, 6)], [(0, 3), (0, 3)]],
                         ids=["overlapping", "with a gap", "the same"])  # fmt: skip
def test_parts_that_do_not_lie_end_to_end_are_added_up(taken: list[tuple[int, int]]) -> None:
    """What overlaps counts twice, and what no part holds is zero."""
    b = df.GraphBuilder()
    x = b.input("x", (2, 6), "float64")
    losses = [((k + 1.0) * x[:, low:high] ** 2).sum() for k, (low, high) in enumerate(taken)]
    graph = b.build({"slope": df.grad(losses[0] + losses[1], x)})
    found = Runner(df.compile(graph)).run(x=np.ones((2, 6)))["slope"]
    expected = np.zeros((2, 6))
    for k, (low, high) in enumerate(taken):
        expected[:, low:high] += 2 * (k + 1.0)
    assert np.array_equal(found, expected)


def test_named_lengths_are_joined_too() -> None:
    """Ends of parts may be expressions of dimensions."""
    b = df.GraphBuilder()
    n = b.dim("n")
    x = b.input("x", (2 * n,), "float64")
    low, high = x[:n], x[n:]
    graph = b.build({"slope": df.grad((low * low * high).sum(), x)})
    assert "pad_slice" not in [data["op"] for data in graph.dag.nodes.values()]
    given = np.arange(6.0)
    found = Runner(df.compile(graph, dims={"n": 3})).run(x=given)["slope"]
    assert np.array_equal(found, np.concatenate([2 * given[:3] * given[3:], given[:3] ** 2]))


def test_what_is_left_of_a_split_is_taken_over() -> None:
    """The second half is read last, and its sine lies where it was."""
    b = df.GraphBuilder()
    x = b.input("x", (2, 1000))
    low, high = df.split(df.exp(x), 2)
    plan = df.compile(b.build({"y": (low * df.sin(high)).max()}), tiles=False)
    assert plan.peak < 2 * 4096
    assert [step.op for step in plan.steps] == ["exp", "sin", "multiply", "max"]
