"""Tiles that the scheduler finds: slices of the examples, forward and all the way back.

Small graphs are forced into slices here, since `compile` slices only what is worth it; the last
tests are about when it does.
"""

import functools
import itertools
import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.cli import main
from dataflow.graph import Graph
from scheduler import compiler
from scheduler.commits import place_updates
from scheduler.group_ends import ended_by
from scheduler.layout import Layout, lay_out, placed
from scheduler.memory import assign_memory
from scheduler.plan import Plan
from scheduler.program import Program
from scheduler.reference import run_reference
from scheduler.shared_axes import SharedAxis
from scheduler.tile_groups import Tiles, tile_candidates
from scheduler.tiled_order import order_tiled
from tests.graphs import Array

EXAMPLES = 14
Network = Callable[[df.Tensor], df.Tensor]
Patch = pytest.MonkeyPatch


def in_slices(graph: Graph, rows: int, patch: Patch, number: int = 0) -> Plan:
    """Compile a graph with its best class of axes, or a later one, in slices of so many rows."""

    def lay(program: Program, *, slices: int) -> Layout:
        is_whole = slices == 1 or bool(program.kept)  # a body stays as it is
        found = [] if is_whole else tile_candidates(program)
        if len(found) <= number:
            return lay_out(program, slices=1)
        sliced = found[number].with_rows(rows)
        return placed(assign_memory(sliced.program, order_tiled(sliced), sliced))

    with patch.context() as context:
        context.setattr(compiler, "lay_out", lay)
        return df.compile(graph)


def dense(builder: df.GraphBuilder, x: df.Tensor, columns: int, axis: int = -1) -> df.Tensor:
    """Return a product with weights, over an axis of `x`."""
    rng = np.random.default_rng(columns)
    size = x.spec.static_shape[axis]
    w = builder.variable(f"w{len(builder.variables)}", rng.normal(size=(size, columns)) / size)
    return df.tanh(df.moveaxis(df.moveaxis(x, axis, -1) @ w, -1, axis))


def trained(make: Callable[[df.GraphBuilder], dict[str, df.Tensor]]) -> Graph:
    """Return a graph of outputs and of the gradients of the output ``loss``."""
    b = df.GraphBuilder("tiled")
    outputs = make(b)
    weights = [v for v in b.variables if v.dtype.kind == "f"]
    gradients = df.grad(outputs["loss"], weights)
    named = {f"gradient {i}": g for i, g in enumerate(gradients)}
    return b.build({**outputs, **named})


def feeds_of(plan: Plan) -> dict[str, Array]:
    """Return random feeds."""
    rng = np.random.default_rng(1)
    return {i.name: rng.normal(size=i.spec.static_shape).astype(i.spec.dtype) for i in plan.inputs}


def agree(graph: Graph, patch: Patch, rows: int = 4, groups: int = 1) -> Plan:
    """Check that slices give what the whole gives, to some roundings of the largest element."""
    whole, sliced = df.compile(graph, tiles=False), in_slices(graph, rows, patch)
    assert not whole.groups
    assert len(sliced.groups) == groups
    feeds = feeds_of(whole)
    expected = df.Runner(whole).run(feeds)
    found = df.Runner(sliced, poison=True).run(feeds)
    for name, array in expected.items():
        roundings = 64 * np.finfo(np.float64).eps if array.dtype.kind == "f" else 0
        bound = roundings * np.abs(array).max()
        np.testing.assert_allclose(found[name], array, rtol=0, atol=bound, err_msg=name)
    return sliced


def rows_of_x(b: df.GraphBuilder, *shape: int) -> df.Tensor:
    """Return an input of float64."""
    return b.input("x", shape, "float64")


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 14])
def test_both_sweeps_are_one_group(rows: int, monkeypatch: Patch) -> None:
    """A perceptron's gradient is one group, whichever number of rows is left for the last slice."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        h = dense(b, dense(b, rows_of_x(b, EXAMPLES, 5), 6), 3)
        return {"loss": (h * h).mean()}

    plan = agree(trained(make), monkeypatch, rows)
    assert [(s.start, s.stop) for s in plan.groups[0].slices][-1][1] == EXAMPLES


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_examples_may_lie_on_any_axis(axis: int, monkeypatch: Patch) -> None:
    """Features, time and examples in any order: the examples are found."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        shape = [5, 5]
        shape.insert(axis, EXAMPLES)
        features = 0 if axis == 2 else 2
        h = dense(b, dense(b, rows_of_x(b, *shape), 6, features), 3, features)
        return {"loss": (h * h).sum()}

    plan = agree(trained(make), monkeypatch)
    assert plan.groups[0].length == EXAMPLES


def test_a_reshape_that_merges_examples_with_places_is_sliced_in_proportion(
    monkeypatch: Patch,
) -> None:
    """Sequences of 5 become 5 times as many rows, and a slice of them 5 times as many too."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        x = rows_of_x(b, EXAMPLES, 5, 4)
        h = dense(b, x.reshape((EXAMPLES * 5, 4)), 6).reshape((EXAMPLES, 5, 6))
        return {"loss": (h * x.sum(axis=2, keepdims=True)).sum()}

    plan = agree(trained(make), monkeypatch)
    assert plan.groups[0].length == EXAMPLES


def test_attention_is_sliced_by_sequence(monkeypatch: Patch) -> None:
    """Places attend to each other, sequences don't."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        x = dense(b, rows_of_x(b, 6, 5, 4), 4)
        h = df.softmax(x @ df.swapaxes(x, 1, 2), axis=-1) @ dense(b, x, 4)
        return {"loss": (h * h).mean()}

    assert agree(trained(make), monkeypatch, rows=2).groups[0].length == 6


def test_convolution_is_sliced_by_image(monkeypatch: Patch) -> None:
    """Convolution, pooling and a dense layer on top."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        x = rows_of_x(b, 6, 2, 8, 8)
        w = b.variable("filters", np.random.default_rng(0).normal(size=(3, 2, 3, 3)))
        h = df.nn.max_pool2d(df.relu(df.nn.conv2d(x, w)), (2, 2))
        return {"loss": (dense(b, h.reshape((6, -1)), 2) ** 2).sum()}

    assert agree(trained(make), monkeypatch, rows=2).groups[0].length == 6


def test_what_mixes_examples_ends_a_group(monkeypatch: Patch) -> None:
    """Means over the batch are needed whole, before what reads them and again on the way back."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        h = dense(b, rows_of_x(b, EXAMPLES, 5), 6)
        h = dense(b, h - h.mean(axis=0), 3)
        return {"loss": (h * h).sum()}

    plan = agree(trained(make), monkeypatch, groups=3)
    assert [ended_by(plan, number) for number in range(3)] == ["mean_0", "sum_1", ""]


def test_what_is_cheap_is_computed_again_in_a_later_stage(monkeypatch: Patch) -> None:
    """Of a batch norm only what goes in is whole: what is centred is centred once more."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        h = dense(b, rows_of_x(b, EXAMPLES, 5), 6)
        centred = h - h.mean(axis=0)
        h = dense(b, centred / df.sqrt((centred * centred).mean(axis=0) + 1e-3), 3)
        return {"loss": (h * h).sum()}

    plan = agree(trained(make), monkeypatch, groups=5)
    assert any(step.node.endswith(".again") for step in plan.steps)


def test_no_activation_waits_for_the_gradient_of_a_weight(monkeypatch: Patch) -> None:
    """A weight's gradient is added up in the first stage that has what it reads, not the last."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        h = dense(b, rows_of_x(b, EXAMPLES, 5), 6)
        for columns in (7, 4):
            h = dense(b, h - h.mean(axis=0), columns)
        return {"loss": (h * h).sum()}

    plan = agree(trained(make), monkeypatch, groups=5)
    found = {output.operand.buffer: number for number, output in enumerate(plan.outputs)}
    groups = {found[step.outputs[0].buffer]: step.group for step in plan.steps
              if step.group >= 0 and step.outputs[0].buffer in found}  # fmt: skip
    assert [groups[number] for number in (3, 2, 1)] == [2, 3, 4]


def test_sums_that_are_all_there_is_do_not_pull_the_sweeps_apart() -> None:
    """A loss over counted labels waits for the count, the layers below it stay with its sweep."""
    b, rng = df.GraphBuilder(), np.random.default_rng(0)
    h = b.input("x", (64, 32, 64))
    labels = b.input("labels", (64, 32), "int64")
    weights = [b.variable(f"w{i}", np.float32(rng.normal(size=(64, 64)))) for i in range(4)]
    for weight in weights:
        h = df.gelu(h @ weight)
    loss = df.nn.cross_entropy(h.reshape((2048, 64)), labels.reshape((2048,)))
    graph = b.build(dict(zip("abcd", df.grad(loss, weights), strict=True)) | {"loss": loss})
    sliced, whole = df.compile(graph), df.compile(graph, tiles=False)
    assert len(sliced.groups) == 2
    assert sliced.peak < 0.2 * whole.peak


def test_copies_read_variables_before_they_are_updated(monkeypatch: Patch) -> None:
    """A scale that is applied again in a later stage is the old one there too."""
    b = df.GraphBuilder("scaled")
    h = dense(b, rows_of_x(b, EXAMPLES, 5), 6)
    for _ in range(2):
        centred = h - h.mean(axis=0)
        scale = b.variable(f"scale{len(b.variables)}", np.linspace(1, 2, 6))
        h = df.tanh(scale * centred / df.sqrt((centred * centred).mean(axis=0) + 1e-3))
    loss = (dense(b, h, 3) ** 2).sum()
    df.optim.SGD(0.5).minimize(loss)
    graph = b.build({"loss": loss})
    seen: list[Program] = []

    def watched(program: Program) -> Program:
        seen.append(place_updates(program))
        return seen[-1]

    with monkeypatch.context() as context:
        context.setattr(compiler, "place_updates", watched)
        df.compile(graph)
    program = tile_candidates(seen[-1])[0].program
    commits = {name: index for index, item in enumerate(program.items)
               for value, name in program.commits.items() if value in item.outputs}  # fmt: skip
    pairs = [
        (index, commits[name]) for index, item in enumerate(program.items)
        for name, value in program.variables.items()
        if item.node.endswith(".again") and value in item.inputs
    ]  # fmt: skip
    assert pairs
    assert set(pairs) <= set(program.after)
    plans = [df.compile(graph, tiles=False), in_slices(graph, 4, monkeypatch)]
    runners = [df.Runner(plan) for plan in plans]
    x = np.random.default_rng(2).normal(size=(EXAMPLES, 5))
    for _ in range(4):
        first, second = (runner.run(x=x)["loss"] for runner in runners)
        np.testing.assert_allclose(second, first, rtol=1e-9)
    for name, array in runners[0].state.items():
        np.testing.assert_allclose(runners[1].state[name], array, rtol=1e-8, atol=1e-12)


def test_slices_that_read_too_much_again_are_refused() -> None:
    """Slices of an image's channels would read all images for each."""
    b = df.GraphBuilder("channels")
    x = h = b.input("x", (4, 8, 64, 64))
    for _ in range(3):
        h = df.nn.Conv2d(32, (3, 3), padding="same")(h)
        h = (h - h.mean(axis=(0, 2, 3), keepdims=True)) * 1.5
    plan = df.compile(b.build({"g": df.grad((h * h).sum(), [x])[0]}))
    assert all(group.length == 4 for group in plan.groups)


def test_a_weighted_mean_is_one_group(monkeypatch: Patch) -> None:
    """The sum of the weights comes first, the sweeps together."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        weights = b.input("weights", (EXAMPLES,), "float64")
        h = dense(b, dense(b, rows_of_x(b, EXAMPLES, 5), 6), 3)
        return {"loss": ((h * h).sum(axis=1) * weights).sum() / weights.sum()}

    agree(trained(make), monkeypatch)


def test_results_by_example_are_filled_slice_by_slice(monkeypatch: Patch) -> None:
    """Predictions and metrics of each example are whole, and have the same bits."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        h = dense(b, dense(b, rows_of_x(b, EXAMPLES, 5), 6), 3)
        return {"loss": (h * h).mean(), "h": h, "best": h.argmax(axis=1).astype("float64"),
                "turned": h.T}  # fmt: skip

    agree(trained(make), monkeypatch)


def test_clipping_by_the_global_norm_comes_after_the_sum(monkeypatch: Patch) -> None:
    """The norm of all gradients is taken when all slices are added up."""
    b = df.GraphBuilder("clipped")
    h = dense(b, dense(b, rows_of_x(b, EXAMPLES, 5), 6), 3)
    loss = (h * h).mean()
    gradients = df.grad(loss, list(b.variables))
    norm = df.sqrt(df.sum(df.stack([(g * g).sum() for g in gradients])))
    clipped = {f"clipped {i}": g / df.maximum(norm, 1e-3) for i, g in enumerate(gradients)}
    agree(b.build({"loss": loss, **clipped}), monkeypatch)


def test_dropout_draws_the_same_numbers(monkeypatch: Patch) -> None:
    """Random numbers are those of the unsliced plan, so what is kept is the same to the bit."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        key = b.variable("key", df.random.key(3))
        h = dense(b, rows_of_x(b, EXAMPLES, 5), 6)
        kept = df.random.bernoulli(key, 0.5, (EXAMPLES, 6))
        h = dense(b, df.where(kept, h, 0.0), 3)
        return {"loss": (h * h).mean(), "kept": kept.astype("float64")}

    plan = agree(trained(make), monkeypatch)
    inside = {step.op for step in plan.steps if step.group >= 0}
    assert any(op.startswith("random.") for op in inside), inside


def test_integers_and_extremes_join_by_their_own_op(monkeypatch: Patch) -> None:
    """The largest and the number of examples are joined by maximum and add."""
    b = df.GraphBuilder("extremes")
    x = rows_of_x(b, EXAMPLES, 5)
    y = df.exp(x) * x
    agree(b.build({"most": y.max(axis=0), "count": (y > 0).sum(), "product": y.prod(axis=0),
                   "all": (y > -1).all(axis=0)}), monkeypatch)  # fmt: skip


def test_training_updates_its_variables(monkeypatch: Patch) -> None:
    """Ten sliced steps of Adam leave the weights where ten whole ones do."""
    b = df.GraphBuilder("trained")
    h = dense(b, dense(b, rows_of_x(b, EXAMPLES, 5), 6), 3)
    loss = ((h - 1) ** 2).mean()
    df.optim.Adam(1e-2).minimize(loss)
    graph = b.build({"loss": loss})
    runners = [df.Runner(p) for p in (df.compile(graph), in_slices(graph, 4, monkeypatch))]
    x = np.random.default_rng(2).normal(size=(EXAMPLES, 5))
    for runner in runners:
        for _ in range(10):
            runner.run(x=x)
    for name, array in runners[0].state.items():
        np.testing.assert_allclose(runners[1].state[name], array, rtol=1e-9, atol=1e-12)


# When compile slices by itself


def wide(rows: int, columns: int, layers: int) -> Graph:
    """Return the gradient of a perceptron in float32."""
    b = df.GraphBuilder("wide")
    h = b.input("x", (rows, columns))
    weights = [b.variable(f"w{i}", np.eye(columns, dtype=np.float32)) for i in range(layers)]
    for weight in weights:
        h = df.relu(h @ weight)
    loss = (h * h).mean()
    gradients = df.grad(loss, weights)
    return b.build({"loss": loss, **{f"g{i}": g for i, g in enumerate(gradients)}})


def test_an_arena_of_activations_is_sliced() -> None:
    """Eight layers of 16,384 x 64 need an eighth of the memory or less."""
    whole, sliced = df.compile(wide(16384, 64, 8), tiles=False), df.compile(wide(16384, 64, 8))
    assert len(sliced.groups) == 1
    assert 8 * sliced.peak < whole.peak


def test_the_issue_s_perceptron_fits_in_32_mib() -> None:
    """The gradient of 8 layers of 16,384 x 512 in float32 takes 32 MiB at most."""
    plan = df.compile(wide(16384, 512, 8))
    assert plan.peak <= 32 * 2**20


def test_gradients_that_outweigh_activations_are_not_sliced() -> None:
    """With few rows and large weights, what is added up would cost more than slices save."""
    assert not df.compile(wide(64, 512, 4)).groups


def test_small_plans_stay_whole() -> None:
    """What the caches hold isn't sliced."""
    assert not df.compile(wide(64, 64, 4)).groups


def test_the_option_turns_it_off() -> None:
    """Without tiles no plan has groups, and the plan says so."""
    plan = df.compile(wide(16384, 64, 2), tiles=False)
    assert not plan.groups
    assert plan.options["tiles"] == "false"


def test_show_names_what_ends_a_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`dataflow show` lists groups, their slices, and the node that mixes examples."""
    b = df.GraphBuilder("mixed")
    x = b.input("x", (65536, 8))
    waves = [df.sin(x * i) for i in range(2, 8)]
    y = functools.reduce(operator.add, (v * w for v, w in itertools.combinations(waves, 2)))
    df.save(df.compile(b.build({"y": df.cumsum(y, axis=0)[-1] + y.sum()})), tmp_path / "p.arrow")
    assert main(["show", str(tmp_path / "p.arrow"), "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["tile_groups"]
    assert (group["slices"], group["rows"], group["ended_by"]) == (16, 65536, "cumsum_0")


def test_tiles_know_their_last_slice() -> None:
    """The last of uneven slices has what is left."""
    tiles = Tiles(Program((), (), {}, {}, {}, {}, {}), SharedAxis({}), 10, 4, {}, ())
    assert [rows[:2] for rows in tiles.slices] == [(0, 4), (4, 8), (8, 10)]
    assert tiles.last_rows == 2


# Two orders of one axis' rows


def merged(x: df.Tensor, y: df.Tensor) -> tuple[df.Tensor, df.Tensor]:
    """Return two tables of 4 columns: one axis lies first in one, and last in the other."""
    return df.sin(x * 2).reshape((-1, 4)), df.sin(y * 3).reshape((-1, 4))


ORDERS: dict[str, Callable[[df.Tensor, df.Tensor], df.Tensor]] = {
    "contracted": lambda a, c: a.T @ c,
    "added": lambda a, c: df.tanh(a + c).sum(),
    "parted again": lambda a, c: df.exp(a * c).reshape((6, 5, 4)).sum(axis=1),
}


@pytest.mark.parametrize("case", ORDERS)
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_in_two_orders_are_not_taken_for_one(case: str, rows: int) -> None:
    """Where merged axes hold the rows in two orders, slices of one don't meet slices of the other.

    Whatever class of axes is sliced.
    """
    b = df.GraphBuilder()
    x, y = b.input("x", (6, 5, 4), "float64"), b.input("y", (5, 6, 4), "float64")
    joined = x.sum(axis=1) + y.sum(axis=0)
    graph = b.build({"joined": joined, "made": ORDERS[case](*merged(x, y))})
    whole = df.compile(graph, tiles=False)
    feeds = feeds_of(whole)
    expected = df.Runner(whole).run(feeds)
    for number in range(3):
        with pytest.MonkeyPatch.context() as patch:
            found = df.Runner(in_slices(graph, rows, patch, number), poison=True).run(feeds)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12)


def test_half_precision_is_not_added_up_in_parts() -> None:
    """A float16 sum, which the whole adds up in float32, isn't sliced: its parts overflow."""
    b = df.GraphBuilder()
    x = b.input("x", (65536, 64), "float16")
    plan = df.compile(b.build({"sum": (df.tanh(x) * df.cos(x) * 30).sum(axis=0)}))
    ups = np.repeat(np.asarray([[1], [-1]], np.float16), 32768, axis=0)
    (total,) = df.Runner(plan).run(x=np.broadcast_to(ups, (65536, 64))).values()
    assert np.isfinite(total).all()


def test_slices_that_write_too_many_ranges_are_refused() -> None:
    """An inner axis isn't sliced where each slice would write tens of thousands of ranges."""
    b = df.GraphBuilder()
    x = b.input("x", (70000, 4, 64))
    y = df.cumsum(df.sin(x) * df.cos(x) + df.exp(x) * df.tanh(x), axis=0)
    graph = b.build({"y": df.cumsum(df.sin(y) * df.cos(y), axis=0)})
    assert all(o.tile_axis < 1 for step in df.compile(graph).steps for o in step.outputs)


@pytest.mark.parametrize("rows", [1021, 4099])
def test_interleaved_axes_lie_in_slices_of_one_size(rows: int) -> None:
    """A reshape within uneven slices would meet memory with gaps: such a plan isn't sliced."""
    b = df.GraphBuilder()
    x = b.input("x", (5, rows, 64))
    merged = df.sin(df.sin(x) * 2).reshape((5 * rows, 64))
    graph = b.build({"y": (df.tanh(merged) * df.cos(merged)).sum(axis=0)})
    plan = df.compile(graph)
    for group in plan.groups:
        assert len({s.stop - s.start for s in group.slices}) == 1
    value = np.random.default_rng(0).normal(size=(5, rows, 64)).astype(np.float32)
    expected = df.Runner(df.compile(graph, tiles=False)).run(x=value)["y"]
    np.testing.assert_allclose(df.Runner(plan).run(x=value)["y"], expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_in_another_order_differ_within_the_stated_bound(
    dtype: str, monkeypatch: Patch
) -> None:
    """A sum over examples, and a contraction, are within 2 n u / (1 - n u) of the sum of sizes."""
    count, rng = 3001, np.random.default_rng(0)
    b = df.GraphBuilder()
    x, y = (b.input(name, (count, 5), dtype) for name in "xy")
    graph = b.build({"sum": (x * y).sum(axis=0), "product": x.T @ y})
    scales = 10 ** rng.uniform(-4, 4, (2, count, 5))  # that cancel, of all sizes
    feeds = {n: (rng.normal(size=(count, 5)) * s).astype(dtype)
             for n, s in zip("xy", scales, strict=True)}  # fmt: skip
    whole = df.Runner(df.compile(graph, tiles=False)).run(feeds)
    plan = in_slices(graph, 7, monkeypatch)
    assert len(plan.groups) == 1
    found = df.Runner(plan).run(feeds)
    small = (count + 1) * np.finfo(dtype).eps / 2  # one more rounding, of the product
    sizes = {name: np.abs(value).astype(np.float64) for name, value in feeds.items()}
    terms = {"sum": (sizes["x"] * sizes["y"]).sum(axis=0), "product": sizes["x"].T @ sizes["y"]}
    for name, total in terms.items():
        apart = np.abs(found[name].astype(np.float64) - whole[name])
        assert (apart <= 2 * small / (1 - small) * total).all(), name
        assert apart.any(), "the slices added up in the same order"


# Loops


def recurrent(b: df.GraphBuilder, *, every: bool = False) -> dict[str, df.Tensor]:
    """Return the loss of a recurrent network, whose states decide, or the last one alone."""
    x = b.input("x", (5, EXAMPLES, 3), "float64")
    rng = np.random.default_rng(0)
    w, u = (b.variable(name, rng.normal(size=(n, 4)) / 2) for name, n in (("w", 3), ("u", 4)))
    scale = b.variable("scale", np.ones(4))
    start = x[0, :, :1] * np.zeros((1, 4))
    last, states = df.scan(lambda h, row: (df.tanh((row + h @ u) * scale), h * h), start, x @ w)
    loss = (last * last).mean() + (states.mean() if every else 0)
    return {"loss": loss, "last": last, **({"states": states} if every else {})}


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_loops_are_sliced_by_sequence(every: bool, rows: int, monkeypatch: Patch) -> None:
    """A loop's slices go through all of its steps; what it adds up over examples is joined."""
    plan = agree(trained(lambda b: recurrent(b, every=every)), monkeypatch, rows=rows)
    loops = [step for step in plan.steps if step.op == "scan"]
    assert [step.when for step in loops] == ["every", "first", "later"]
    (body,) = loops[0].plans()
    assert body.inputs[0].spec.shape == (rows, 4)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_loops_of_one_body_may_be_of_two_forms(rows: int, monkeypatch: Patch) -> None:
    """A loop that keeps its history and one that doesn't hold the same body, with other results."""

    def make(b: df.GraphBuilder) -> dict[str, df.Tensor]:
        x = b.input("x", (5, EXAMPLES, 3), "float64")
        w = b.variable("w", np.eye(3) / 2)
        step = lambda h, row: (df.tanh(row + h @ w), h * 2)  # noqa: E731 - one body for both
        start = x[0] * 0.0
        last = df.stop_gradient(df.scan(step, start, x * 3)[0])
        learned, _ = df.scan(step, start, x)
        return {"loss": (learned * learned * last).sum(), "last": last}

    plan = agree(trained(make), monkeypatch, rows=rows, groups=1)
    loops = {len(step.outputs) for step in plan.steps if step.op == "scan"}
    assert len(loops) > 1


def test_a_loop_over_examples_is_not_sliced_by_them(monkeypatch: Patch) -> None:
    """Where a step reads all rows of its carry, the loop runs whole."""
    b = df.GraphBuilder()
    x = b.input("x", (EXAMPLES, 3), "float64")
    last, _ = df.scan(lambda h, _: (h - h.mean(axis=0), None), df.sin(df.exp(x)), length=3)
    graph = b.build({"loss": (last * df.cos(x)).sum()})
    plan = agree(graph, monkeypatch, groups=2)
    assert all(step.group < 0 for step in plan.steps if step.op == "scan")


def test_a_sum_that_does_not_begin_with_zeros_is_not_sliced(monkeypatch: Patch) -> None:
    """Every slice would add what the carry begins with; so such a loop runs whole."""
    b = df.GraphBuilder()
    x, first = b.input("x", (4, EXAMPLES, 2), "float64"), b.input("first", (2,), "float64")
    rows = df.sin(df.cos(x))
    total, _ = df.scan(lambda sums, row: (sums + row.sum(axis=0), None), first, rows)
    graph = b.build({"total": total})
    for number in range(3):
        plan = in_slices(graph, 1, monkeypatch, number)
        assert all(step.when == "every" for step in plan.steps)


def test_a_loop_stacks_its_rows_where_it_read_them(monkeypatch: Patch) -> None:
    """The gradient of what a loop reads takes its place, row by row, whole and in slices."""
    graph = trained(recurrent)
    for plan in (df.compile(graph, tiles=False), agree(graph, monkeypatch, rows=2)):
        backward = [step for step in plan.steps if step.op == "scan" and step.sweep == "reverse"]
        assert backward
        for step in backward:
            assert set(step.inputs) & set(step.outputs[1:])
        feeds = feeds_of(plan)
        expected, _ = run_reference(graph, feeds)
        found = df.Runner(plan, poison=True).run(feeds)
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-14)


def test_results_of_a_loop_never_share_a_stack() -> None:
    """Several results and carries beside several stacks, some twice, keep the reference's bits."""
    overlaps = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        b = df.GraphBuilder(f"loop_{seed}")
        x, y = b.input("x", (4, 3), "float64"), b.input("y", (4, 3), "float64")
        stacks = [df.sin(x), df.cos(y), x + y]
        stacks = [stacks[int(rng.integers(3))] for _ in range(int(rng.integers(1, 4)))]
        shift = bool(rng.integers(2))

        def step(h: df.Tensor, rows: list[df.Tensor], *, shift: bool = shift) -> tuple[Any, Any]:
            total = df.sin(h + rows[-1])
            return total, [total * row if shift else row - h for row in rows]

        last, results = df.scan(step, stacks[0][0], stacks, reverse=bool(rng.integers(2)))
        (slope,) = df.grad(sum(r.sum() for r in results) + last.sum(), [x])
        graph = b.build({"last": last, "slope": slope, "first": results[0]})
        plan = df.compile(graph)
        feeds = feeds_of(plan)
        expected, _ = run_reference(graph, feeds)
        found = df.Runner(plan, poison=True).run(feeds)
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=f"{seed}, {name}")
        overlaps += sum(bool(set(s.inputs) & set(s.outputs)) for s in plan.steps if s.op == "scan")
    assert overlaps
