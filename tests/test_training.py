"""One graph trains and predicts: a plan with updates drops and follows the batch, others don't."""

from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError
from dataflow.graph import Graph

X = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)


def network() -> Graph:
    """Return a graph of a dense layer, batch norm and dropout, with a reverse sweep."""
    b = df.GraphBuilder("network", seed=1)
    x = b.input("x", ("batch", 8))
    dense = df.nn.Dense(16)(x)
    normed = df.nn.BatchNorm(affine=False)(dense)
    dropped = df.nn.Dropout(0.5)(normed)
    loss = ((df.nn.Dense(4)(dropped) - x[:, :4]) ** 2).mean()
    df.optim.SGD(0.1).minimize(loss)
    return b.build({"dense": dense, "normed": normed, "dropped": dropped, "loss": loss})


def test_a_plan_with_updates_trains() -> None:
    """It drops half of the elements, others at each run, and takes out the batch's own mean."""
    runner = df.Runner(df.compile(network(), dims={"batch": 32}))
    first, second = runner.run(x=X), runner.run(x=X)
    dropped = [result["dropped"] == 0 for result in (first, second)]
    assert all(0.4 < which.mean() < 0.6 for which in dropped)
    assert (dropped[0] != dropped[1]).any()
    np.testing.assert_allclose(first["normed"].mean(0), 0, atol=1e-6)


def test_a_plan_without_updates_predicts() -> None:
    """It drops nothing, and takes out the averages of what was trained on."""
    graph = network()
    trained = df.Runner(df.compile(graph, dims={"batch": 32}))
    for _ in range(5):
        trained.run(x=X)
    plan = df.compile(graph, outputs=["dense", "normed", "dropped"], updates=False,
                      dims={"batch": 3})  # fmt: skip
    runner = df.Runner(plan)
    runner.load_state(trained.state)
    result = runner.run(x=X[:3])
    mean = trained.state["batch_norm.running_mean"]
    var = trained.state["batch_norm.running_var"]
    np.testing.assert_array_equal(result["dropped"], result["normed"])
    np.testing.assert_allclose(result["normed"], (result["dense"] - mean) / np.sqrt(var + 1e-5),
                               rtol=1e-5, atol=1e-6)  # fmt: skip


def test_a_plan_has_no_step_of_what_it_does_not_do() -> None:
    """Training computes no prediction, predicting draws nothing and measures no batch."""
    graph = network()
    training, predicting = (
        {step.op for step in df.compile(graph, outputs=["dropped"], updates=updates,
                                        dims={"batch": 4}).steps}
        for updates in (True, False)
    )  # fmt: skip
    assert {"random.bernoulli", "nn.standardize_channels"} <= training
    assert not {"where", "zero_where", "logical_or"} & predicting
    assert not {"random.bernoulli", "nn.standardize_channels"} & predicting


def test_training_is_known_in_each_plan(tmp_path: Path) -> None:
    """It is True with updates, False without, and the same from a saved graph."""
    b = df.GraphBuilder()
    count = b.variable("count", np.zeros(()))
    b.update(count, count + 1)
    graph = b.build({"training": b.training, "again": b.training})
    df.save(graph, tmp_path / "graph.arrow")
    loaded = df.load(tmp_path / "graph.arrow")
    assert isinstance(loaded, Graph)
    for kept in (graph, loaded):
        for updates in (True, False):
            result = df.Runner(df.compile(kept, updates=updates)).run()
            assert all(value == updates for value in result.values())
    assert df.evaluate(b.training)


def test_no_first_value_depends_on_training() -> None:
    """A variable's first value is the same in every plan, so it can't ask which one it is in."""
    b = df.GraphBuilder()
    with pytest.raises(GraphError, match="its initial value depends on 'training_0'"):
        b.variable("v", df.where(b.training, b.zeros(()), b.ones(())))
