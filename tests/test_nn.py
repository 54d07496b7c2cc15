"""Layers and optimisers, against formulas written out in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GradientError, GraphError, KernelError, ShapeError

STEPS = 100
TARGET = np.linspace(-1, 1, 6).reshape(2, 3)


def problem(b: df.GraphBuilder) -> tuple[df.Tensor, df.Tensor, df.Tensor]:
    """Declare two variables of different shapes, and a loss that bends in both."""
    w = b.variable("w", np.arange(6.0).reshape(2, 3))
    v = b.variable("v", np.array([0.5, -1.5]))
    error = np.tanh(w - TARGET) * df.reshape(v, (2, 1))
    return w, v, (error * error).sum() + (v * v).sum() * 0.1


def gradients(w: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
    """Return the same loss's derivatives, worked out by hand."""
    t = np.tanh(w - TARGET)
    return [2 * t * (1 - t * t) * v[:, None] ** 2, 2 * v * (t * t).sum(1) + 0.2 * v]


def trained(optimiser: df.optim.SGD | df.optim.Adam) -> df.State:
    """Return the state after `STEPS` replays of the optimiser's plan."""
    b = df.GraphBuilder()
    optimiser.minimize(problem(b)[2])
    runner = df.Runner(df.compile(b.build()))
    for _ in range(STEPS):
        runner.run()
    return runner.state


def descended(rule: Callable[[int, np.ndarray, list[np.ndarray]], np.ndarray]) -> list[np.ndarray]:
    """Return both parameters after `STEPS` steps of a rule with two moments for each."""
    parameters = [np.arange(6.0).reshape(2, 3), np.array([0.5, -1.5])]
    moments = [[np.zeros_like(p), np.zeros_like(p)] for p in parameters]
    for step in range(1, STEPS + 1):
        for p, g, m in zip(parameters, gradients(*parameters), moments, strict=True):
            np.subtract(p, rule(step, g, m), out=p)
    return parameters


def test_adam_is_the_papers() -> None:
    """After 100 steps in float64, every parameter is that of Kingma and Ba's algorithm 1."""

    def adam(step: int, g: np.ndarray, moments: list[np.ndarray]) -> np.ndarray:
        moments[0] = 0.8 * moments[0] + 0.2 * g
        moments[1] = 0.99 * moments[1] + 0.01 * g * g
        first, second = moments[0] / (1 - 0.8**step), moments[1] / (1 - 0.99**step)
        return np.asarray(0.05 * first / (np.sqrt(second) + 1e-3))

    state = trained(df.optim.Adam(0.05, betas=(0.8, 0.99), eps=1e-3))
    for name, expected in zip("wv", descended(adam), strict=True):
        np.testing.assert_allclose(state[name], expected, rtol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_pytorchs(momentum: float) -> None:
    """After 100 steps, every parameter is that of ``v = m v + g; w -= rate v``."""

    def sgd(step: int, g: np.ndarray, moments: list[np.ndarray]) -> np.ndarray:
        moments[0] = momentum * moments[0] + g
        return np.asarray(0.01 * moments[0])

    state = trained(df.optim.SGD(0.01, momentum=momentum))
    for name, expected in zip("wv", descended(sgd), strict=True):
        np.testing.assert_allclose(state[name], expected, rtol=1e-10)


def test_minimize_updates_only_the_variables_given() -> None:
    """A variable that isn't asked for keeps its value, and has no moments."""
    b = df.GraphBuilder()
    w, v, loss = problem(b)
    df.optim.Adam(0.1).minimize(loss, [w])
    updated = [name for name, x in b.build().variables.items() if x.update is not None]
    assert w.node in updated
    assert v.node not in updated
    assert not any(name.endswith(f".{v.node}") for name in updated)


def test_minimize_refuses_what_has_no_gradient() -> None:
    """A loss without variables, and a variable beside the loss, are errors that name both."""
    b = df.GraphBuilder()
    _, _, loss = problem(b)
    other = b.variable("other", np.ones(3))
    with pytest.raises(GradientError, match="other"):
        df.optim.Adam().minimize(loss, [other])
    with pytest.raises(GradientError, match="w, v, other"):
        df.optim.SGD(0.1).minimize(b.input("x").sum())


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"betas": (0.9, 1.0)}, {"eps": -1e-8}])
def test_adam_refuses_parameters_out_of_range(wrong: dict[str, Any]) -> None:
    """A parameter that Adam isn't defined for is refused under its name."""
    with pytest.raises(GraphError, match=next(iter(wrong))):
        df.optim.Adam(**wrong)


def test_dense_is_a_matrix_product_plus_bias() -> None:
    """The layer's value is ``tanh(x @ weight + bias)`` of the variables that it declares."""
    b = df.GraphBuilder()
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    y = df.nn.Dense(3, activation="tanh")(b.constant(x))
    weight, bias = b.variables
    value, w, c = df.evaluate(y, weight, bias)
    np.testing.assert_allclose(value, np.tanh(x @ w + c), rtol=1e-5)


def test_dense_weights_are_drawn_within_glorots_limit() -> None:
    """The weights fill ±sqrt(6 / (inputs + outputs)), the bias is zeros."""
    b = df.GraphBuilder()
    df.nn.Dense(300)(b.zeros((1, 200)))
    w, c = df.evaluate(*b.variables)
    limit = np.sqrt(6 / 500)
    assert 0.99 * limit < np.abs(w).max() <= limit
    assert abs(w.mean()) < 0.01 * limit
    assert not c.any()


def test_dense_layers_have_names_of_their_own() -> None:
    """A second layer of one name gets a number; a layer without bias declares none."""
    b = df.GraphBuilder()
    x = df.nn.Dense(3)(b.zeros((1, 2)))
    x = df.nn.Dense(3)(x)
    df.nn.Dense(1, use_bias=False, name="head")(x)
    assert [v.node for v in b.variables] == [
        "dense.weight", "dense.bias", "dense_1.weight", "dense_1.bias", "head.weight",
    ]  # fmt: skip


def test_dense_takes_a_function_and_refuses_a_name_it_does_not_know() -> None:
    """An activation is one of the names listed, or any function of a tensor."""
    b = df.GraphBuilder()
    y = df.nn.Dense(2, activation=lambda t: t * 0 + 7)(b.ones((1, 2)))
    assert df.evaluate(y).tolist() == [[7, 7]]
    with pytest.raises(GraphError, match="swash"):
        df.nn.Dense(2, activation="swash")
    with pytest.raises(GraphError, match="nor a function"):
        df.nn.Dense(2, activation=["relu"])  # type: ignore[arg-type]  # which is the point


def test_dense_refuses_an_axis_without_a_length_and_integers() -> None:
    """A weight's shape must be known when it is declared, and its dtype floating point."""
    b = df.GraphBuilder()
    with pytest.raises(ShapeError, match="known length"):
        df.nn.Dense(2)(b.input("x", (3, "n")))
    with pytest.raises(DTypeError, match="float32"):
        df.nn.Dense(2)(b.input("i", (3, 4), "int64"))


def test_cross_entropy_is_minus_the_log_probability() -> None:
    """The losses are those of the definition, also where exponentials would overflow."""
    logits = np.array([[1000.0, 999.0, 0.0], [-5.0, 3.0, 2.0]])
    labels = np.array([1, 0])
    b = df.GraphBuilder()
    losses = df.evaluate(df.nn.softmax_cross_entropy(b.constant(logits), b.constant(labels)))
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    np.testing.assert_allclose(losses, -log_p[[0, 1], labels], rtol=1e-12)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_out_of_range_fails_before_any_update(wrong: int) -> None:
    """The error names the node and the label, and every variable keeps its value."""
    b = df.GraphBuilder()
    labels = b.input("labels", (2,), "int64")
    logits = df.nn.Dense(3)(b.ones((2, 4)))
    df.optim.SGD(0.1).minimize(df.nn.softmax_cross_entropy(logits, labels).mean())
    runner = df.Runner(df.compile(b.build()))
    before = runner.state
    with pytest.raises(KernelError, match=f"softmax_cross_entropy.*index {wrong} is out of range"):
        runner.run(labels=np.array([0, wrong]))
    assert all(np.array_equal(before[name], runner.state[name]) for name in before)


@pytest.mark.parametrize("wrong", ["a", None, -1])
def test_parameters_of_the_wrong_kind_are_our_errors(wrong: Any) -> None:  # noqa: ANN401
    """A layer's or optimiser's parameter that is no such number is refused when it is given."""
    x = df.GraphBuilder().ones((2, 4))
    with pytest.raises(df.DataflowError, match="units"):
        df.nn.Dense(wrong)
    with pytest.raises(df.DataflowError, match="lr must"):
        df.optim.Adam(wrong)
    with pytest.raises(df.DataflowError, match="eps"):
        df.layer_norm(x, eps=wrong)
    with pytest.raises(df.DataflowError, match="tensor"):
        df.nn.Dense(3)(wrong)


def test_bilinear_is_its_function() -> None:
    """The layer has PyTorch's shapes, and refuses a tensor of another length."""
    b = df.GraphBuilder()
    x, y = b.constant(np.ones((2, 4))), b.constant(np.ones((2, 5)))
    z = df.nn.Bilinear(4, 5, 3)(x, y)
    value, weight, bias = df.evaluate(z, *b.variables)
    assert abs(weight).max() <= 0.5
    np.testing.assert_allclose(value, np.tile(weight.sum((1, 2)) + bias, (2, 1)), rtol=1e-12)
    with pytest.raises(ShapeError, match="4 long"):
        df.nn.Bilinear(4, 5, 3)(y, x)
