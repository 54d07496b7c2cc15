"""Tile groups: steps that run slice by slice, through both sweeps if the plan says so.

No pass makes such plans yet, but the format holds them, `verify` proves them, files keep them and
the one executor replays them. The plan here is a multi-layer perceptron's gradient: a slice of the
batch goes forward and all the way back before the next one starts, activations are memory for one
slice, and the gradients of the weights add up.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import PlanError
from scheduler.plan import Plan
from scheduler.runner import Runner
from scheduler.verify import verify
from tests.graphs import Array
from tests.hand_made import HandMade
from tests.plans import ROWS, WIDTHS, doubled, shapes, sliced


@cache
def whole() -> Plan:
    """Return the same gradient compiled from a graph, without slices."""
    b = df.GraphBuilder("mlp")
    y = b.input("x", (ROWS, WIDTHS[0]), "float64")
    weights = [b.input(f"w{i}", shape, "float64") for i, shape in enumerate(shapes())]
    for i, weight in enumerate(weights):
        y = y @ weight
        y = df.relu(y) if i + 1 < len(weights) else y
    loss = (y * y).sum()
    gradients = {f"g{i}": g for i, g in enumerate(df.grad(loss, weights))}
    return df.compile(b.build({"loss": loss, **gradients}))


def feeds() -> dict[str, Array]:
    """Return a batch and weights."""
    rng = np.random.default_rng(0)
    named = {"x": (ROWS, WIDTHS[0]), **{f"w{i}": shape for i, shape in enumerate(shapes())}}
    return {name: rng.normal(size=shape) for name, shape in named.items()}


def bits(results: dict[str, Array]) -> dict[str, bytes]:
    """Return the results' bytes."""
    return {name: array.tobytes() for name, array in results.items()}


# The plan of both sweeps


def test_one_group_may_hold_both_sweeps() -> None:
    """The plan passes `verify`: 17 slices of each step, gradients written once, then added to."""
    plan = sliced()
    verify(plan)
    assert len(plan.groups[0].slices) == 17
    later = sum(step.when == "later" for step in plan.steps)
    firsts = sum(step.when == "first" for step in plan.steps)
    every = len(plan.steps) - later - firsts
    assert plan.calls == 17 * every + firsts + 16 * later


def test_slices_give_what_the_whole_gives() -> None:
    """Loss and gradients agree with the unsliced plan to a few roundings of float64."""
    one, all_at_once = Runner(sliced(), poison=True).run(feeds()), Runner(whole()).run(feeds())
    assert one.keys() == all_at_once.keys()
    for name, expected in all_at_once.items():
        bound = 64 * np.finfo(np.float64).eps * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(one[name], expected, rtol=1e-12, atol=bound, err_msg=name)


def test_slices_need_a_fraction_of_the_memory() -> None:
    """Activations need a slice instead of the batch; what is left is gradients."""
    assert sliced().peak * 5 < whole().peak


def test_slices_replay_to_the_same_bits() -> None:
    """The order of accumulation is the plan's: each run, and each runner, gives the same bits."""
    runner = Runner(sliced(), poison=True)
    first = bits(runner.run(feeds()))
    assert bits(runner.run(feeds())) == first
    assert bits(Runner(sliced()).run(feeds())) == first


def test_a_sliced_plan_is_saved_loaded_and_replayed(tmp_path: Path) -> None:
    """A file keeps groups, slices and tile axes; the same executor gives the same bits."""
    path = tmp_path / "mlp.plan.arrow"
    df.save(sliced(), path)
    loaded = df.load(path)
    assert isinstance(loaded, Plan)
    assert loaded.steps == sliced().steps
    assert loaded.groups == sliced().groups
    assert loaded.buffers == sliced().buffers
    assert bits(Runner(loaded).run(feeds())) == bits(Runner(sliced()).run(feeds()))


# Smaller plans, one rule each


@pytest.mark.parametrize(("rows", "size"), [(10, 4), (8, 4), (3, 3), (1, 1), (5, 1)])
def test_rows_advance_slice_by_slice(rows: int, size: int) -> None:
    """A result for all rows is filled by slices, whichever number of rows is left for the last."""
    hand = doubled(rows, size)
    plan = hand.plan({"y": hand.steps[-1].outputs[0]})
    verify(plan)
    x = np.arange(3.0 * rows).reshape(rows, 3)
    assert np.array_equal(Runner(plan, poison=True).run(x=x)["y"], 2 * x * x)


def test_attributes_follow_the_slice() -> None:
    """An op whose attributes hold a shape gets each slice's: here a broadcast to all rows."""
    hand = HandMade(10, 4)
    row = hand.input("row", (1, 3))
    out = hand.step("broadcast_to", (row,), hand.rowwise(3), Attrs(shape=(10, 3)))
    plan = hand.plan({"y": out})
    verify(plan)
    fed = np.array([[1.0, 2.0, 3.0]])
    assert np.array_equal(Runner(plan, poison=True).run(row=fed)["y"], np.repeat(fed, 10, 0))


def born(plan: Plan, index: int, first: int) -> Plan:
    """Return a plan with one buffer that lives from another step on."""
    buffers = list(plan.buffers)
    buffers[index] = buffers[index]._replace(first=first)
    return replace(plan, buffers=tuple(buffers))


def test_what_slices_add_to_lives_through_the_group() -> None:
    """A total that is born inside the group would be overwritten by the next slice's start."""
    plan = sliced()
    index = plan.outputs[1].operand.buffer
    first = next(i for i, step in enumerate(plan.steps) if step.outputs[0].buffer == index)
    with pytest.raises(PlanError, match=f"buffer {index}"):
        verify(born(plan, index, first))


def test_what_slices_fill_for_later_lives_through_the_group() -> None:
    """Rows that are a result would be overwritten by the next slice's earlier steps."""
    plan = doubled().plan({"y": doubled().steps[-1].outputs[0]})
    index = plan.outputs[0].operand.buffer
    with pytest.raises(PlanError, match="nor through"):
        verify(born(plan, index, 1))


def test_memory_of_one_slice_is_not_read_by_the_next() -> None:
    """A step that reads what only another slice wrote is refused."""
    hand = doubled()
    first, second = hand.steps
    hand.steps = [first._replace(outputs=(hand.local(3),)), first._replace(when="first"), second]
    with pytest.raises(PlanError, match="another slice"):
        verify(hand.plan({"y": second.outputs[0]}))


def test_a_slice_does_not_read_what_it_will_write() -> None:
    """Within a slice too, reading comes after writing."""
    hand = doubled()
    hand.steps.reverse()
    with pytest.raises(PlanError, match="no earlier step wrote"):
        verify(hand.plan({"y": hand.steps[0].outputs[0]}))


def test_rows_that_no_slice_filled_are_not_read() -> None:
    """A result that only the first slice fills is refused as an output."""
    hand = doubled()
    hand.steps[1] = hand.steps[1]._replace(when="first")
    with pytest.raises(PlanError, match="'y' is read where no step wrote"):
        verify(hand.plan({"y": hand.steps[1].outputs[0]}))


@pytest.mark.parametrize(("slot", "rows"), [(0, 9), (1, 3)])
def test_tiled_operands_are_as_long_as_the_group_says(slot: int, rows: int) -> None:
    """What advances has all rows, what doesn't those of the longest slice."""
    hand = doubled()
    inputs = list(hand.steps[1].inputs)
    inputs[slot] = inputs[slot]._replace(shape=(rows, 3))
    hand.steps[1] = hand.steps[1]._replace(inputs=tuple(inputs))
    with pytest.raises(PlanError, match="rows along the tile axis"):
        verify(hand.plan({"y": hand.steps[1].outputs[0]}))
