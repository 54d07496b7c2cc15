"""Each pass by itself: what it may change, what it must keep, and that it gives up nowhere."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import dataflow as df
from dataflow.errors import CompileError
from dataflow.graph import Graph
from dataflow.registry import get_op
from dataflow.tensor import Tensor
from scheduler import compiler
from scheduler.commits import place_updates
from scheduler.order import live_peak, order_items
from scheduler.program import Program, lower
from scheduler.reference import compute, initial_values
from scheduler.simplify import (
    FOLD_LIMIT,
    REWRITES,
    drop_dead,
    fold_constants,
    make_choices,
    merge_equal,
    simplify,
    unite,
)
from tests.graphs import Array, Case, cases

some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lowered(graph: Graph) -> Program:
    """Return a graph as a program, with all its ends."""
    updates = {name: v.update for name, v in graph.variables.items() if v.update is not None}
    return lower(graph, {}, graph.outputs, updates)


def planned(program: Program) -> Program:
    """Return a program whose loops' bodies are plans, as passes after simplifying meet them."""
    return compiler._with_bodies(program, {"tiles": "false"})


def values_of(program: Program, case: Case) -> dict[str, bytes]:
    """Return the bytes of every result and update that a program computes."""
    before = initial_values(case.graph, {})
    known: dict[int, Array] = dict(program.constants)
    known |= {value: case.feeds[name] for name, value in program.inputs.items()}
    known |= {value: before[name] for name, value in program.variables.items()}
    compute(program, known)
    ends = {**program.outputs, **{f"update {n}": v for n, v in program.updates.items()}}
    return {name: known[value].tobytes() for name, value in ends.items()}


def ops(program: Program) -> list[str]:
    """Return the names of a program's ops, sorted."""
    return sorted(item.op.name for item in program.items)


def built(b: df.GraphBuilder, *outputs: Tensor) -> Program:
    """Return a builder's graph with these outputs as a program."""
    return lowered(b.build({f"out_{i}": tensor for i, tensor in enumerate(outputs)}))


# Simplify


@pytest.mark.parametrize(
    "rewrite",
    [simplify, merge_equal, unite, drop_dead, make_choices,
     lambda p: fold_constants(p, FOLD_LIMIT)],
    ids=["simplify", "merge_equal", "unite", "drop_dead", "make_choices", "fold_constants"],
)  # fmt: skip
@some
@given(case=cases())
def test_a_rewrite_keeps_every_result_bit_for_bit(rewrite: object, case: Case) -> None:
    """Folding, merging and dropping change what is computed, never what comes out."""
    program = lowered(case.graph)
    rewritten = rewrite(program)  # type: ignore[operator]  # one of four functions
    assert len(rewritten.items) <= len(program.items)
    assert values_of(rewritten, case) == values_of(program, case)


@pytest.mark.parametrize("name", REWRITES)
@some
@given(case=cases())
def test_results_are_the_same_bits_without_a_rewrite(name: str, case: Case) -> None:
    """Each rewrite can be left out by name; the plan records that, and runs to the same bits."""
    plans = [df.compile(case.graph, tiles=False, without=without) for without in ((), (name,))]
    assert plans[1].options["without"] == name
    found = [df.Runner(plan).run({i.name: case.feeds[i.name] for i in plan.inputs})
             for plan in plans]  # fmt: skip
    assert found[0].keys() == found[1].keys()
    for key, array in found[0].items():
        assert array.tobytes() == found[1][key].tobytes()


def test_an_unknown_rewrite_is_refused() -> None:
    """The message says which there are."""
    b = df.GraphBuilder()
    graph = b.build({"y": b.ones((2,)) + 1})
    with pytest.raises(CompileError, match=r"'fold', 'choose', 'merge', 'unite'.*'inline'"):
        df.compile(graph, without=["inline"])


@some
@given(cases())
def test_simplifying_twice_changes_nothing_more(case: Case) -> None:
    """What is left after one round is left after two."""
    once = simplify(lowered(case.graph))
    assert len(simplify(once).items) == len(once.items)


def test_equal_items_become_one() -> None:
    """The same op on the same inputs is computed once, however often it was declared."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    merged = merge_equal(built(b, (x + x) * (x + x), x + x))
    assert ops(merged) == ["add", "multiply"]


@pytest.mark.parametrize(("left", "right"), [(0.0, -0.0), (1.0, 1.5)])
def test_constants_that_differ_in_a_bit_stay_two(left: float, right: float) -> None:
    """Minus zero is no zero: x / 0 and x / -0 differ."""
    b = df.GraphBuilder()
    x = b.input("x", ())
    assert ops(simplify(built(b, x / left, x / right))) == ["divide", "divide"]


def test_attributes_that_differ_keep_items_apart() -> None:
    """The sums over two axes of a square aren't the same item."""
    b = df.GraphBuilder()
    x = b.input("x", (3, 3))
    assert ops(merge_equal(built(b, x.sum(0), x.sum(1)))) == ["sum", "sum"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_value_and_its_slope_are_computed_together(dtype: str) -> None:
    """Gelu and its derivative of the same input become one item that gives the same bits."""
    b = df.GraphBuilder()
    x = b.constant(np.linspace(-9, 9, 301).astype(dtype))
    y = df.gelu(x)
    before = built(b, y, *df.grad(y.sum(), [x]))
    after = unite(before)
    assert ops(after).count("gelu_with_slope") == 1
    assert {"gelu", "gelu_slope"}.isdisjoint(ops(after))
    known = [dict(before.constants), dict(before.constants)]
    compute(before, known[0])
    compute(after, known[1])
    for value in before.outputs.values():
        assert known[0][value].tobytes() == known[1][value].tobytes()


def test_a_value_without_its_slope_is_left_alone() -> None:
    """Where only one of an op's results is wanted, the op of all of them isn't taken."""
    b = df.GraphBuilder()
    program = built(b, df.gelu(b.ones((3,))))
    assert unite(program) == program


def test_constant_arithmetic_is_done_at_compile_time() -> None:
    """What depends on constants alone is a constant in the plan, and no step."""
    b = df.GraphBuilder()
    x = b.input("x", (2,))
    folded = simplify(built(b, x + (b.constant([1.0, 2.0]) * 3 + 1)))
    assert ops(folded) == ["add"]
    assert [array.tolist() for array in folded.constants.values()] == [[4.0, 7.0]]


@pytest.mark.parametrize(("extra", "left"), [(0, []), (1, ["add"])])
def test_folding_stops_at_its_limit(extra: int, left: list[str]) -> None:
    """A result above the limit is computed when the plan runs, so that a file stays small."""
    b = df.GraphBuilder()
    ones = b.ones((FOLD_LIMIT // 4 + extra,))
    assert [name for name in ops(simplify(built(b, ones + 1))) if name != "broadcast_to"] == left


def test_many_small_results_are_not_folded_without_end() -> None:
    """The results of all folding are bounded too: a thousand of 64 KB each take 16 MiB, not 64."""
    b = df.GraphBuilder()
    first = b.arange(FOLD_LIMIT // 4, dtype="float32")
    results = [first * float(factor) for factor in range(1, 1000)]
    program = fold_constants(built(b, *results), FOLD_LIMIT)
    assert sum(array.nbytes for array in program.constants.values()) <= 257 * FOLD_LIMIT
    assert 700 < ops(program).count("multiply") < 800


def test_views_of_constants_are_not_written_out() -> None:
    """A million zeros are one number and a stride of 0 in the plan."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"zeros": b.zeros((1000, 1000))}))
    assert (plan.steps, plan.peak) == ((), 0)
    assert sum(array.nbytes for array in plan.constants.values()) == 4


def test_folding_does_not_work_through_a_huge_view() -> None:
    """A sum over a view of 2**50 elements has a small result, and would never end."""
    b = df.GraphBuilder()
    program = built(b, b.ones((2**25, 2**25)).sum())
    assert "sum" in ops(simplify(program))


def test_folded_constants_cannot_be_written_to() -> None:
    """A plan's constants are locked, those that the compiler made too."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"y": b.input("x", (2,)) * (b.constant([1.0, 2.0]) + 1)}))
    assert [array.flags.writeable for array in plan.constants.values()] == [False]


def test_dead_nodes_and_the_leaves_that_only_they_read_are_dropped() -> None:
    """Nothing is computed, fed or stored that no end depends on."""
    b = df.GraphBuilder()
    x, unused = b.input("x", (2,)), b.input("unused", (2,))
    b.variable("idle", [1.0])
    assert (unused * 2).shape == (2,)
    left = drop_dead(built(b, x + x))
    assert (list(left.inputs), list(left.variables), ops(left)) == (["x"], [], ["add"])


# Order


def positions(order: Sequence[int]) -> dict[int, int]:
    """Return for every item its place."""
    assert sorted(order) == list(range(len(order)))
    return {item: place for place, item in enumerate(order)}


@some
@given(cases())
def test_an_order_is_topological_and_keeps_commits_after_readers(case: Case) -> None:
    """Makers before readers, readers of old values before commits; the same each time."""
    program = place_updates(planned(simplify(lowered(case.graph))))
    order = order_items(program)
    place = positions(order)
    makers = program.makers()
    for index, item in enumerate(program.items):
        assert all(place[makers[v]] < place[index] for v in item.inputs if v in makers)
    assert all(place[earlier] < place[later] for earlier, later in program.after)
    assert order == order_items(program)


@some
@given(cases())
def test_an_order_never_needs_more_than_the_order_of_declaration(case: Case) -> None:
    """Reordering is only ever done for a lower peak."""
    program = planned(simplify(replace(lowered(case.graph), updates={})))
    declared = range(len(program.items))
    assert live_peak(program, order_items(program)) <= live_peak(program, declared)


def test_greedy_order_halves_a_fan_declared_in_the_worst_order() -> None:
    """Many large values declared before any is reduced: each is made when it is needed."""
    b = df.GraphBuilder()
    x = b.input("x", (1000,))
    large = [x + i for i in range(8)]
    sums = [tensor.sum() for tensor in large]
    program = simplify(built(b, *sums))
    assert live_peak(program, range(len(program.items))) >= 8 * 4000
    assert live_peak(program, order_items(program)) <= 2 * 4000


# Commits and memory


def steps_of(b: df.GraphBuilder, *outputs: Tensor) -> df.Plan:
    """Compile a builder's graph."""
    return df.compile(b.build({f"out_{i}": tensor for i, tensor in enumerate(outputs)}))


def test_an_update_is_written_in_place_without_a_copy() -> None:
    """``w - 0.1 * g`` ends in the variable's own memory: no copy, and no temporary for it."""
    b = df.GraphBuilder()
    w, g = b.variable("w", [1.0, 2.0]), b.input("g", (2,))
    b.update(w, w - 0.1 * g)
    plan = steps_of(b)
    assert [step.op for step in plan.steps] == ["multiply", "subtract"]
    assert plan.steps[1].outputs[0] == plan.steps[1].inputs[0]
    assert plan.commit == 1


def test_a_moment_needs_no_memory_but_its_own() -> None:
    """What a commit works on in place overwrites the variable too: ``m * 0.9``, then ``+ g``."""
    b = df.GraphBuilder()
    m, g = b.variable("m", [1.0, 2.0]), b.input("g", (2,))
    b.update(m, m * 0.5 + g)
    plan = steps_of(b)
    assert plan.peak == 0
    assert plan.commit == 0
    runner = df.Runner(plan)
    runner.run(g=np.array([3, 4], np.float32))
    assert runner.state["m"].tolist() == [3.5, 5.0]


@pytest.mark.parametrize("keep", ["result", "reader", "view", "itself", "old"])
def test_what_is_still_needed_is_not_written_over_a_variable(keep: str) -> None:
    """A product that is a result, or has a reader besides, and a value read later, stay whole."""
    b = df.GraphBuilder()
    m, g = b.variable("m", [[1.0, 2.0], [3.0, 4.0]]), b.input("g", (2, 2))
    product = m * 0.5
    added = {"itself": product + product, "old": product + m}.get(keep, product + g)
    later = {"result": product, "reader": product + 1, "view": product.T, "old": m}.get(keep, added)
    b.update(m, added)
    graph = b.build({"later": later})
    runner, start = df.Runner(df.compile(graph)), np.array([[1, 2], [3, 4]], np.float32)
    fed = start + 4
    half = start / 2
    new = {"itself": half + half, "old": half + start}.get(keep, half + fed)
    expected = {"result": half, "reader": half + 1, "view": half.T, "old": start}.get(keep, new)
    found = runner.run({} if keep in {"itself", "old"} else {"g": fed})
    np.testing.assert_array_equal(found["later"], expected)
    np.testing.assert_array_equal(runner.state["m"], new)


def test_updates_follow_their_gradients() -> None:
    """What an update waits for has the memory of one gradient, not of all."""
    b = df.GraphBuilder()
    h = b.input("x", (4, 64), "float64")
    for i in range(10):
        h = df.tanh(h @ b.variable(f"w{i}", np.eye(64)))
    df.optim.SGD(0.1, momentum=0.9).minimize((h * h).mean())
    assert steps_of(b).peak < 3 * 8 * 64 * 64


def test_a_swap_costs_one_copy_aside() -> None:
    """Two variables change places by three copies, one temporary among them."""
    b = df.GraphBuilder()
    u, v = b.variable("u", [1.0]), b.variable("v", [2.0])
    b.update(u, v)
    b.update(v, u)
    plan = steps_of(b)
    assert [step.op for step in plan.steps] == ["copy"] * 3
    assert plan.peak == 64


def test_what_can_fail_comes_before_the_first_write() -> None:
    """A step that may refuse its data runs while all variables are still whole."""
    b = df.GraphBuilder()
    w, x = b.variable("w", [1.0, 2.0]), b.input("x", (2,))
    index = b.input("index", (1,), "int64")
    b.update(w, w + x)
    plan = steps_of(b, df.take(x, index))
    fallible = [i for i, step in enumerate(plan.steps) if step.op.startswith("take")]
    assert fallible
    assert max(fallible) < plan.commit


def test_a_chain_of_elementwise_steps_works_in_one_buffer() -> None:
    """Each step takes over its dying input, so a chain needs one temporary."""
    b = df.GraphBuilder()
    x = b.input("x", (100,))
    plan = steps_of(b, ((x + 1) * 2 - 3) * x)
    assert plan.peak == plan.lower_bound == 448


@pytest.mark.parametrize("keep", ["result", "reader", "view"])
def test_memory_that_is_still_needed_is_not_taken_over(keep: str) -> None:
    """A value that is a result, is read later, or has a view that is, keeps its buffer."""
    b = df.GraphBuilder()
    x = b.input("x", (4, 4))
    y = x + 1
    z = y * 2
    later = {"result": y, "reader": z + y, "view": z + y.T}[keep]
    plan = steps_of(b, z, later)
    multiply = next(step for step in plan.steps if step.op == "multiply")
    assert multiply.outputs[0].buffer != multiply.inputs[0].buffer


def test_inputs_are_never_taken_over() -> None:
    """A feed's copy stays as it is, though nothing reads it again."""
    b = df.GraphBuilder()
    plan = steps_of(b, b.input("x", (4,)) + 1)
    (step,) = plan.steps
    assert plan.buffers[step.outputs[0].buffer].kind == "temporary"


def test_a_tensor_read_transposed_is_not_written_in_place() -> None:
    """``y + y.T`` reads y in two layouts: NumPy would copy behind our back."""
    b = df.GraphBuilder()
    y = b.input("x", (4, 4)) + 1
    plan = steps_of(b, y + y.T)
    last = plan.steps[-1]
    assert last.outputs[0].buffer not in {operand.buffer for operand in last.inputs}


def test_views_make_no_steps() -> None:
    """Transposes, reshapes and broadcasts of whole tensors are operands, not steps."""
    b = df.GraphBuilder()
    x = b.input("x", (2, 3))
    plan = steps_of(b, df.broadcast_to(x.T.reshape(3, 2, 1), (3, 2, 5)) + 1)
    assert [step.op for step in plan.steps] == ["add"]
    assert plan.steps[0].inputs[0].strides == (4, 12, 0)


def test_a_reshape_that_no_view_can_give_is_a_copying_step() -> None:
    """A transposed tensor flattened has no strides: it is copied once."""
    b = df.GraphBuilder()
    plan = steps_of(b, b.input("x", (2, 3)).T.reshape(6))
    assert [step.op for step in plan.steps] == ["reshape"]
    fed = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert df.Runner(plan).run(x=fed)["out_0"].tolist() == fed.T.reshape(6).tolist()


@some
@given(cases())
def test_an_output_takes_over_only_what_dies(case: Case) -> None:
    """Whoever writes over an input says so in its op, and covers it exactly."""
    plan = df.compile(case.graph)
    for index, step in enumerate(plan.steps):
        outputs = {o.buffer for o in step.outputs}
        taken = [(s, i) for s, i in enumerate(step.inputs) if i.buffer in outputs]
        offers = [get_op(step.op).offers(step.attrs, n) for n in range(len(step.outputs))]
        assert all(slot in offers[step.outputs.index(i)] for slot, i in taken), step
        assert all(operand in step.outputs for _, operand in taken), index
