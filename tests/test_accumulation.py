"""Gradients accumulated over runs, and averages of variables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError

optim = df.optim
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))


def network(rows: int) -> tuple[df.GraphBuilder, df.Tensor]:
    """Return a builder and the loss of a small network on a batch of some rows."""
    b = df.GraphBuilder("network", seed=2)
    x, y = b.input("x", (rows, 3), "float64"), b.input("y", (rows, 2), "float64")
    weight = b.variable("weight", np.linspace(-1, 1, 6).reshape(3, 2))
    bias = b.variable("bias", np.array([0.5, -0.5]))
    return b, ((np.tanh(x @ weight + bias) - y) ** 2).mean()


def batch(step: int, rows: int) -> dict[str, Any]:
    """Return the rows that a run is fed."""
    first = step * rows % len(X)
    return {"x": X[first : first + rows], "y": Y[first : first + rows]}


def states_of(b: df.GraphBuilder, rows: int, runs: int) -> list[df.State]:
    """Return the states after each run."""
    runner = df.Runner(df.compile(b.build()))
    states = []
    for step in range(runs):
        runner.run(**batch(step, rows))
        states.append(runner.state)
    return states


OPTIMIZERS = [
    optim.SGD(0.1, momentum=0.9, nesterov=True), optim.Adam(0.05, amsgrad=True), optim.AdamW(0.05),
    optim.RMSProp(0.05, centered=True), optim.Adagrad(0.1, lr_decay=0.1), optim.NAdam(0.05),
    optim.RAdam(0.05), optim.Adamax(0.05), optim.Adadelta(), optim.Lion(0.05), optim.LAMB(0.05),
    optim.Adafactor(0.1), optim.Adam(optim.warm_up(optim.cosine(0.1, 4), 2, start=0.01)),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.name)
def test_accumulated_batches_are_one_batch(optimizer: optim.Optimizer) -> None:
    """Three runs of four rows make the update of one run of twelve; in between nothing moves."""
    small, loss = network(4)
    optimizer.minimize(loss, every=3)
    large, loss = network(12)
    optimizer.minimize(loss)
    parts, wholes = states_of(small, 4, 12), states_of(large, 12, 4)
    for i, whole in enumerate(wholes):
        for name, value in whole.items():
            np.testing.assert_allclose(parts[3 * i + 2][name], value, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(parts[3 * i + 1][name], parts[3 * i][name])
            if i:
                np.testing.assert_array_equal(parts[3 * i][name], parts[3 * i - 1][name])


def test_sums_are_saved_in_the_middle(tmp_path: Path) -> None:
    """A state saved between updates goes on to the same bits."""
    b, loss = network(4)
    optim.Adam(0.05).minimize(loss, every=3)
    plan = df.compile(b.build())
    whole, first, second = df.Runner(plan), df.Runner(plan), df.Runner(plan)
    for step in range(6):
        whole.run(**batch(step, 4))
        (first if step < 2 else second).run(**batch(step, 4))
        if step == 1:
            df.save(first.state, tmp_path / "state.arrow")
            second.load_state(df.load(tmp_path / "state.arrow"))  # type: ignore[arg-type]
    for name, value in whole.state.items():
        np.testing.assert_array_equal(second.state[name], value)


def test_means_are_clipped_not_parts() -> None:
    """With `every`, the transformation is of the mean gradient."""
    small, loss = network(4)
    clip = lambda pairs: optim.clip_by_global_norm(pairs, 0.01)  # noqa: E731
    optim.SGD(0.5).minimize(loss, every=3, transform=clip)
    large, loss = network(12)
    optim.SGD(0.5).minimize(loss, transform=clip)
    part, whole = states_of(small, 4, 3)[-1], states_of(large, 12, 1)[-1]
    for name, value in whole.items():
        np.testing.assert_allclose(part[name], value, rtol=1e-12)


def test_accumulated_gradients_keep_their_dtype() -> None:
    """Sums of float16 and complex gradients are of their dtype."""
    b = df.GraphBuilder()
    h, z = b.variable("h", np.ones(2, np.float16)), b.variable("z", np.ones(2, np.complex64))
    loss = h.sum().astype("float32") + df.real(z * df.conj(z)).sum()
    optim.SGD(0.5).minimize(loss, every=2)
    runner = df.Runner(df.compile(b.build()))
    for _ in range(2):
        runner.run()
    assert runner.state["h"].tolist() == [0.5, 0.5]
    assert runner.state["z"].tolist() == [0, 0]
    assert runner.state["sgd.accumulated.z"].dtype == np.complex64


# Averages


def test_averages_follow_updated_variables() -> None:
    """An average is the one of the values after each update, from the first value on."""
    b, loss = network(4)
    start = np.linspace(-1, 1, 6).reshape(3, 2)
    optim.SGD(0.5).minimize(loss)
    averages = optim.ExponentialMovingAverage(0.8).track(b)
    assert list(averages) == ["weight", "bias"]
    expected = start
    for state in states_of(b, 4, 5):
        expected = 0.8 * expected + 0.2 * state["weight"]
        np.testing.assert_allclose(state["ema.weight"], expected, rtol=1e-13)


def test_averages_are_taken_where_updates_are() -> None:
    """With accumulated gradients, an average moves in the runs that are due."""
    b, loss = network(4)
    optimizer = optim.SGD(0.5)
    pairs, due = optim.accumulate(optimizer.gradients(loss), 2)
    optimizer.apply(pairs, when=due)
    decay = lambda n: np.minimum(0.9, (1 + n) / (10 + n))  # noqa: E731
    optim.ExponentialMovingAverage(decay).track(b, "w*", when=due)
    expected = np.linspace(-1, 1, 6).reshape(3, 2)
    for i, state in enumerate(states_of(b, 4, 6)):
        if i % 2:
            share = 1 - min(0.9, (1 + i // 2) / (10 + i // 2))
            expected = expected + (state["weight"] - expected) * share
        np.testing.assert_allclose(state["ema.weight"], expected, rtol=1e-13)
    assert state["ema.step"] == 3
    assert "ema.bias" not in state


def test_a_prediction_takes_averages(tmp_path: Path) -> None:
    """A state with averages in the variables' places is loaded by a plan that only predicts."""
    b = df.GraphBuilder("scoped")
    x = b.input("x", ("batch", 3))
    with b.scope("model"):
        y = df.nn.Dense(2)(x)
        optim.SGD(0.1).minimize((y * y).mean())
        ema = optim.ExponentialMovingAverage(0.5)
        averages = ema.track(b)
    graph = b.build({"y": y, **{f"mean.{name}": t for name, t in averages.items()}})
    runner = df.Runner(df.compile(graph, dims={"batch": 4}))
    for _ in range(3):
        runner.run(x=X[:4].astype(np.float32))
    df.save(ema.averaged(runner.state), tmp_path / "averaged.arrow")
    plan = df.compile(graph, outputs=["y"], updates=False, dims={"batch": 4})
    predict, state = df.Runner(plan), runner.state
    predict.load_state(df.load(tmp_path / "averaged.arrow"))  # type: ignore[arg-type]
    weight, bias = (state[f"model.ema.{name}"] for name in averages)
    np.testing.assert_allclose(predict.run(x=X[:4].astype(np.float32))["y"],
                               X[:4].astype(np.float32) @ weight + bias, rtol=1e-5)  # fmt: skip
    last = runner.run(x=X[:4].astype(np.float32))
    for name in averages:
        np.testing.assert_array_equal(last[f"mean.{name}"], state[f"model.ema.{name}"])


def test_averages_keep_the_dtype() -> None:
    """Averages of float16 and complex variables are of their dtype."""
    b = df.GraphBuilder()
    h, z = b.variable("h", np.ones(2, np.float16)), b.variable("z", np.ones(2, np.complex64))
    optim.SGD(0.5).minimize(h.sum().astype("float32") + df.real(z * df.conj(z)).sum())
    optim.ExponentialMovingAverage(lambda n: n * 0 + 0.5).track(b)
    runner = df.Runner(df.compile(b.build()))
    runner.run()
    assert {str(runner.state[f"ema.{n}"].dtype) for n in "hz"} == {"float16", "complex64"}
    assert runner.state["ema.h"].tolist() == [0.75, 0.75]
    assert runner.state["ema.z"].tolist() == [0.5, 0.5]


@pytest.mark.long
def test_averages_are_pytorchs() -> None:
    """They are those of ``AveragedModel`` whose first copy is of the first values."""
    torch = pytest.importorskip("torch")
    swa = torch.optim.swa_utils
    model = torch.nn.Linear(3, 2, dtype=torch.float64)
    starts = [p.detach().numpy().copy() for p in model.parameters()]
    averaged = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(0.9))
    averaged.update_parameters(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for step in range(10):
        optimizer.zero_grad()
        fed = {name: torch.tensor(value) for name, value in batch(step, 4).items()}
        ((torch.tanh(model(fed["x"])) - fed["y"]) ** 2).mean().backward()
        optimizer.step()
        averaged.update_parameters(model)
    b = df.GraphBuilder()
    x, y = b.input("x", (4, 3), "float64"), b.input("y", (4, 2), "float64")
    w, v = (b.variable(name, start) for name, start in zip("wv", starts, strict=True))
    optim.SGD(0.3).minimize(((np.tanh(x @ w.T + v) - y) ** 2).mean())
    optim.ExponentialMovingAverage(0.9).track(b)
    state = states_of(b, 4, 10)[-1]
    for name, p in zip("wv", averaged.module.parameters(), strict=True):
        np.testing.assert_allclose(state[f"ema.{name}"], p.detach().numpy(), rtol=1e-12)


def test_what_cannot_be_accumulated_or_averaged_is_refused() -> None:
    """Numbers out of range, and averages of what nothing updates, are errors with the line."""
    b, loss = network(4)
    pairs = optim.SGD(0.1).gradients(loss)
    ema = optim.ExponentialMovingAverage()
    calls: list[tuple[Any, str]] = [
        (lambda: optim.accumulate(pairs, 0), "every is a number of 1 or more, not 0"),
        (lambda: optim.SGD(0.1).minimize(loss, every=True), "every"),
        (lambda: optim.ExponentialMovingAverage(1.0), "decay must lie"),
        (lambda: ema.track(b), "no variable is updated"),
        (lambda: ema.track(b, b.variables[0]), "'weight' has no update to average"),
        (lambda: ema.track(b, "weight"), "no variable is named like 'weight'"),
        (lambda: ema.averaged({"w": 1.0}), "the state has no averages"),
    ]
    for call, text in calls:
        with pytest.raises(GraphError, match=text) as caught:
            call()
        assert "test_accumulation.py:" in str(caught.value)


def test_averages_are_of_a_builder_s_variables() -> None:
    """What is no builder is refused, with what is wanted."""
    with pytest.raises(GraphError, match="takes the builder whose variables are averaged, not 5"):
        df.optim.ExponentialMovingAverage().track(5)  # type: ignore[arg-type]
