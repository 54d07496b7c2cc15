"""The peak as an expression in the named dimensions."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import dataflow as df
from dataflow.dims import bind_dim
from dataflow.errors import PlanError
from scheduler.formulas import peak_formula
from scheduler.plan import Plan

Sizes = dict[str, int]


def trained() -> df.Graph:
    """Return a training step of some layers, its batch and its classes named."""
    b = df.GraphBuilder("trained")
    h = b.input("x", ("batch", 40))
    y = b.input("y", ("batch",), "int64")
    for _ in range(3):
        h = df.nn.Dense(32, activation="tanh")(h)
    loss = df.softmax_cross_entropy(h, y).mean()
    df.optim.Adam(1e-3).minimize(loss)
    return b.build({"loss": loss})


def attended() -> df.Graph:
    """Return the gradient of an attention block: two names, and their product."""
    b = df.GraphBuilder("attended")
    x = b.input("x", ("batch", "tokens", 16))
    scores = df.softmax(x @ x.mT / 4.0)
    (slope,) = df.grad((scores @ x).sum(), [x])
    return b.build({"slope": slope})


def convolved() -> df.Graph:
    """Return the gradient of a convolution, which needs memory for the patches of one image."""
    b = df.GraphBuilder("convolved")
    x = b.input("x", ("images", 3, 200, 200))
    w = b.constant(np.ones((4, 3, 3, 3), np.float32))
    (slope,) = df.grad(df.relu(df.nn.conv2d(x, w, stride=2)).sum(), [x])
    return b.build({"slope": slope})


def shape_of(plan: Plan) -> object:
    """Return what mustn't change with the sizes: the steps, and what lives when."""
    steps = [(step.node, step.op) for step in plan.steps]
    return steps, [(b.kind, b.name, b.first, b.end) for b in plan.buffers]


@pytest.mark.parametrize(("graph", "sizes"), [
    (trained, [{"batch": n} for n in (1, 17, 65, 90, 100, 113, 129, 200, 300)]),
    (attended, [{"batch": n, "tokens": m} for n, m in ((1, 30), (2, 30), (3, 31), (2, 64))]),
    (convolved, [{"images": n} for n in (1, 2, 3, 5, 12)]),
])  # fmt: skip
def test_it_holds_for_plans_of_the_same_shape(
    graph: Callable[[], df.Graph], sizes: list[Sizes]
) -> None:
    """With other sizes it gives the peak of the plan that is compiled for them."""
    plans = [df.compile(graph(), dims=dims, tiles=False) for dims in sizes]
    alike = [pair for pair in pairwise(plans) if shape_of(pair[0]) == shape_of(pair[1])]
    assert len(alike) >= len(sizes) // 2
    for plan, other in alike:
        formula = plan.peak_formula
        assert isinstance(formula, df.Dim)
        assert formula.bind(plan.sizes) == plan.peak
        assert formula.bind(other.sizes) == other.peak


def test_sizes_that_happen_to_be_equal_are_not_taken_for_one() -> None:
    """A value that took over another's buffer, as large with this batch only, has no formula."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("batch", 64)), b.input("w", (1, 64))
    graph = b.build({"y": df.cumsum(df.cumsum(w * 3.0, 1) + x, 1)})
    assert df.compile(graph, dims={"batch": 1}).peak_formula is None
    assert df.compile(graph, dims={"batch": 2}).peak_formula is not None


def test_loops_have_one() -> None:
    """The arena of a loop's body is part of the sum."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 8))
    last, _ = df.scan(lambda h, row: (df.tanh(h + row), h), x[0] * 0.0, x)
    graph = b.build({"last": last})
    plans = [df.compile(graph, dims={"batch": n}) for n in (10, 50)]
    formula = plans[0].peak_formula
    assert formula is not None
    assert bind_dim(formula, {"batch": 50}) == plans[1].peak


def test_without_names_it_is_a_number() -> None:
    """A plan whose sizes have no names has its peak for a formula."""
    b = df.GraphBuilder("plain")
    x = b.input("x", (100,))
    plan = df.compile(b.build({"y": df.sum(df.sin(x))}))
    assert plan.peak_formula == plan.peak
    assert peak_formula(plan) == plan.peak


def test_slices_have_none() -> None:
    """Where steps run slice by slice there is none, and it is told which node begins them."""
    plan = df.compile(trained(), dims={"batch": 20_000})
    assert plan.groups
    assert plan.peak_formula is None
    assert "slice by slice, from node" in str(peak_formula(plan))


def test_a_buffer_of_unknown_size_has_none() -> None:
    """Where a size isn't known as an expression, the node is named."""
    plan = df.compile(trained(), dims={"batch": 4})
    number = next(i for i, b in enumerate(plan.buffers) if b.formula)
    buffers = list(plan.buffers)
    buffers[number] = buffers[number]._replace(formula="")
    plan = replace(plan, buffers=tuple(buffers))
    assert plan.peak_formula is None
    assert repr(buffers[number].name) in str(peak_formula(plan))


@pytest.mark.parametrize("formula", ["9*batch", "batch +", "other", "0", "batch//0"])
def test_a_wrong_expression_is_refused(formula: str) -> None:
    """An expression that doesn't give the buffer's bytes is no proof, and verify says so."""
    plan = df.compile(trained(), dims={"batch": 4})
    number = next(i for i, b in enumerate(plan.buffers) if b.formula)
    buffers = list(plan.buffers)
    buffers[number] = buffers[number]._replace(formula=formula)
    with pytest.raises(PlanError, match=f"formula of buffer {number}"):
        replace(plan, buffers=tuple(buffers)).verify()
