"""`df.testing.check_gradients`: passes what is right, names what is off, and knows its limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GradientCheckError, GradientError
from dataflow.operation import NEWEST, REGISTRY, Application, Op
from dataflow.registry import get_op

RNG = np.random.default_rng(3)
X, W = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))


@contextmanager
def registered(op: Op) -> Iterator[None]:
    """Let another record stand for an op for a while."""
    known = get_op(op.name)
    REGISTRY[op.name, op.version] = NEWEST[op.name] = op
    try:
        yield
    finally:
        REGISTRY[op.name, op.version] = NEWEST[op.name] = known


def broken(name: str, rule: str, order: int = 1) -> Op:
    """Return an op whose rule gives 0.1 % too much, at first or only at second order."""
    op = get_op(name)
    right: Any = getattr(op, rule)

    def wrong(application: Application, given: Any) -> Any:  # noqa: ANN401
        parts = right(application, given)
        if order == 1:
            return [None if part is None else part * 1.001 for part in parts]
        steeper = df.custom_gradient(lambda x: (x, lambda c: c * 1.001))
        return [None if part is None else steeper(part) for part in parts]

    return replace(op, vjp=wrong) if rule == "vjp" else replace(op, jvp=wrong)


def net(x: df.Tensor, w: df.Tensor, op: Op | None = None) -> df.Tensor:
    """Return a scalar of products, an element-wise op and a reduction."""
    h = x @ w
    middle = h.builder.apply(op or get_op("tanh"), [h], df.Attrs())[0]
    total: df.Tensor = (df.exp(-middle * middle) * 2).mean()
    return total


def test_right_gradients_pass_in_every_mode_and_order() -> None:
    """Complex steps where all is analytic, differences elsewhere; four comparisons are made."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("n", 3), "float64"), b.variable("w", W)
    analytic = df.testing.check_gradients(net(x, w), [x, w], {"x": X})
    assert [(row.order, row.mode, row.method) for row in analytic.comparisons] == [
        (1, "reverse", "complex step"), (1, "forward", "complex step"),
        (2, "reverse over reverse", "complex step"), (2, "forward over reverse", "complex step"),
    ]  # fmt: skip
    assert all(row.error < 1e-12 for row in analytic.comparisons)
    rough = df.testing.check_gradients(df.logsumexp(abs(x @ w), axis=1), [x, w], {"x": X})
    assert {row.method for row in rough.comparisons} == {"differences"}
    assert "right" in str(rough)


def test_float32_graphs_are_compared_with_values_in_float64() -> None:
    """Differences of float32 values would be noise; those of the same graph in float64 are not."""
    b = df.GraphBuilder()
    x, w = b.constant(X.astype("float32")), b.constant(W.astype("float32"))
    report = df.testing.check_gradients(net(x, w), [x, w])
    assert all(row.is_clear and row.error < 1e-5 for row in report.comparisons)


@pytest.mark.parametrize(("rule", "order"), [("vjp", 1), ("vjp", 2), ("jvp", 1)])
def test_op_that_is_off_is_named(rule: str, order: int) -> None:
    """An error of 0.1 % in one op's rule is found, with node, line and size, at either order."""
    with registered(broken("tanh", rule, order)):
        b = df.GraphBuilder()
        x, w = b.input("x", (4, 3), "float64"), b.constant(W)
        loss = net(x, w, get_op("tanh"))
        with pytest.raises(GradientCheckError) as caught:
            df.testing.check_gradients(loss, [x, w], {"x": X})
    assert "node 'tanh_0' (op 'tanh', test_check_gradients.py:" in str(caught.value)
    report = caught.value.report
    assert isinstance(report, df.testing.GradientReport)
    assert len(report.culprits) == 1
    assert not report.is_right
    wrong = [row for row in report.comparisons if not row.is_right]
    assert min(row.order for row in wrong) == order
    assert all(1e-5 < row.error < 2e-3 for row in wrong)
    if rule == "jvp":
        assert {row.mode for row in wrong} >= {"forward"}
        assert "reverse" not in {row.mode for row in wrong}


def test_kinks_have_no_verdict() -> None:
    """At the corner of a relu neither rule nor differences are right, and the report says so."""
    b = df.GraphBuilder()
    x = b.constant([0.0, 1.0], dtype="float64")
    report = df.testing.check_gradients(df.relu(x).sum(), x, orders=[1])
    assert [row.is_clear for row in report.comparisons] == [False, False]
    assert "no verdict" in str(report)


def test_complex_numbers_on_the_way_stay_complex() -> None:
    """A graph that goes through a Fourier transform is computed in float64 and complex128."""
    b = df.GraphBuilder()
    x = b.constant(RNG.normal(size=8).astype("float32"))
    made = df.fft.fft(x)
    report = df.testing.check_gradients(df.real(made * df.conj(made) * made).sum(), x)
    assert all(row.is_clear and row.error < 1e-5 for row in report.comparisons)


def test_stopped_gradients_are_constant_in_the_values_too() -> None:
    """What is declared constant by stop_gradient isn't moved by the differences."""
    b = df.GraphBuilder()
    x = b.constant([0.3, 1.0], dtype="float64")
    df.testing.check_gradients((df.stop_gradient(df.exp(x)) * x).sum(), x)


def test_loaded_graph_and_any_node(tmp_path: Path) -> None:
    """A graph from a file is checked by names of outputs, inputs, variables and nodes."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("n", 3), "float64"), b.variable("w", W)
    df.save(b.build({"loss": net(x, w), "y": x @ w}), tmp_path / "graph.arrow")
    graph = df.load(tmp_path / "graph.arrow")
    assert isinstance(graph, df.Graph)
    report = df.testing.check_gradients(
        graph, ["x", "w", "tanh_0"], {"x": X}, outputs="loss", orders=[1]
    )
    assert len(report.comparisons) == 2


def test_loops_branches_and_layers_pass() -> None:
    """Bodies are differentiated right, and a wrong op within one accuses the loop."""
    b = df.GraphBuilder()
    x = b.constant(X)

    def step(c: df.Tensor, row: df.Tensor) -> Any:  # noqa: ANN401
        new = df.cond(row.sum() > 0, lambda: df.sin(c * row), lambda: c - row)
        return new, (new * new).sum()

    last, rows = df.scan(step, x[0], x)
    df.testing.check_gradients([last, rows], x)
    root = df.while_loop(lambda v: abs(v * v - 2) > 1e-3, lambda v: (v + 2 / v) / 2, x[0, 0] + 3)
    df.testing.check_gradients(root, x)


def test_own_gradient_that_is_none_is_found_out() -> None:
    """A custom gradient that isn't the derivative is reported as wrong, by its node."""
    x = df.GraphBuilder().constant([0.3, 1.6], dtype="float64")
    y = df.custom_gradient(lambda x: (x * x, lambda c: c))(x)
    with pytest.raises(GradientCheckError, match="node 'custom_gradient_0'"):
        df.testing.check_gradients(y.sum(), x)


def test_what_can_not_be_checked_is_refused() -> None:
    """Complex and integer tensors are refused before anything is computed."""
    b = df.GraphBuilder()
    z = b.constant([1j])
    with pytest.raises(GradientError, match="take real and imaginary parts"):
        df.testing.check_gradients(df.real(z), z)
    with pytest.raises(GradientError, match="only floating"):
        df.testing.check_gradients(b.constant([1]), b.constant([1.0]))
