"""What calls cost, and when slices save time by that."""

import numpy as np
import pytest

import dataflow as df
from dataflow.graph import Graph
from dataflow.registry import get_op
from scheduler.commits import place_updates
from scheduler.costs import DEFAULT_TARGET, call_cost, item_cost, item_flops
from scheduler.program import Program, lower
from scheduler.simplify import simplify
from scheduler.tile_groups import tile_candidates
from scheduler.tile_times import SliceTimes


def program_of(graph: Graph) -> Program:
    """Return a graph as the tiles see it."""
    return place_updates(simplify(lower(graph, {}, graph.outputs, {})))


def chain(rows: int, columns: int, length: int) -> Program:
    """Return a chain of element-wise steps on one large array."""
    b = df.GraphBuilder()
    y = x = b.input("x", (rows, columns))
    for _ in range(length):
        y = df.sin(y) + x
    return program_of(b.build({"y": y.sum()}))


def test_a_matrix_product_costs_its_operations_at_the_rate_of_products() -> None:
    """Twice as much in float64, and one raw call beside."""
    found = []
    for dtype in ("float32", "float64"):
        b = df.GraphBuilder()
        y = b.input("x", (64, 128), dtype) @ b.input("w", (128, 256), dtype)
        (item,) = (program := program_of(b.build({"y": y}))).items
        found.append(item_cost(program, item))
        assert item_flops(program, item) == 2 * 64 * 128 * 256
    assert [cost.calls for cost in found] == [1, 1]
    assert found[0].work == pytest.approx(2 * 64 * 128 * 256 * DEFAULT_TARGET.product)
    assert found[1].work == pytest.approx(2 * found[0].work)
    assert found[0].seconds(DEFAULT_TARGET) == found[0].work + DEFAULT_TARGET.call


def test_a_loop_costs_its_body_each_time() -> None:
    """A scan of n steps costs n times what its body costs."""
    costs = []
    for length in (10, 30):
        b = df.GraphBuilder()
        last, _ = df.scan(lambda h, x: (df.tanh(h * x), ()), b.ones((50,)),
                          b.input("x", (length, 50)))  # fmt: skip
        plan = df.compile(b.build({"last": last}))
        (step,) = [step for step in plan.steps if step.op == "scan"]
        specs = ([o.spec for o in side] for side in (step.inputs, step.outputs))
        ins, outs = map(tuple, specs)
        costs.append(call_cost(get_op("scan"), ins, outs, step.attrs, DEFAULT_TARGET))
    assert costs[1].work == pytest.approx(3 * costs[0].work)
    own = (3 * costs[0].calls - costs[1].calls) / 2  # of the loop itself
    assert 0 < own < costs[0].calls


def test_views_cost_nothing() -> None:
    """A transpose that is a view has no calls and no work."""
    b = df.GraphBuilder()
    x = b.input("x", (5, 6))
    program = program_of(b.build({"y": df.sin(x.T)}))
    view = next(item for item in program.items if item.op.alias is not None)
    assert item_cost(program, view) == (0, 0.0)


def test_slices_of_a_long_chain_on_a_large_array_save_time() -> None:
    """What is made within a group stays in the cache; few rows and short chains gain nothing."""
    large, small = (tile_candidates(chain(rows, 1024, 8))[0] for rows in (8192, 16))
    assert SliceTimes(large, DEFAULT_TARGET).best(16) > 1
    assert SliceTimes(small, DEFAULT_TARGET).best(16) == 1


def test_a_large_input_that_is_read_twice_is_read_in_slices() -> None:
    """Though the arena is small, and results agree with the whole's."""
    rng = np.random.default_rng(0)
    b = df.GraphBuilder()
    x, w = b.input("x", (100_000, 100), "float64"), b.input("w", (100,), "float64")
    loss = (df.tanh(x @ w) ** 2).sum()
    graph = b.build({"loss": loss, "slope": df.grad(loss, [w])[0]})
    sliced, whole = df.compile(graph), df.compile(graph, tiles=False)
    assert [len(group.slices) for group in sliced.groups] == [16]
    fed = {"x": rng.normal(size=(100_000, 100)), "w": rng.normal(size=100)}
    found, right = (df.Runner(plan).run(fed) for plan in (sliced, whole))
    for name, array in right.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-9)
