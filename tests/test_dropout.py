"""Dropout: what is dropped, how the rest is scaled, and when a layer draws anew."""

from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GraphError, ShapeError

ROWS = np.random.default_rng(0).uniform(1, 2, (200, 50))


def keyed(seed: int = 0) -> tuple[df.GraphBuilder, df.Tensor, df.Tensor]:
    """Return a builder, a key and rows of numbers."""
    b = df.GraphBuilder()
    return b, b.constant(df.random.key(seed)), b.constant(ROWS)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_rate(rate: float) -> None:
    """So many elements are zero as the rate says, and the others are scaled to keep the mean."""
    _, key, x = keyed()
    y = df.evaluate(df.nn.dropout(x, rate, key))
    kept = y != 0
    assert abs((~kept).mean() - rate) <= 4 * np.sqrt(rate * (1 - rate) / ROWS.size)
    np.testing.assert_allclose(y[kept], (ROWS / max(1 - rate, 1e-300))[kept])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtype_is_kept(dtype: str) -> None:
    """The result has the dtype of the input, with a switch and without."""
    b, key, x = keyed()
    narrow = x.astype(dtype)
    on = b.constant(np.True_)
    for y in (df.nn.dropout(narrow, 0.5, key), df.nn.dropout(narrow, 0.5, key, training=on),
              df.nn.alpha_dropout(narrow, 0.5, key, training=on)):  # fmt: skip
        assert y.dtype == dtype


def test_what_is_dropped_is_gone() -> None:
    """An infinity or a NaN that is dropped leaves a zero."""
    _, key, x = keyed()
    y = df.evaluate(df.nn.dropout(x * np.inf, 0.5, key))
    assert set(np.unique(y)) == {0.0, np.inf}


def test_gradient_drops_the_same() -> None:
    """The cotangent is zero where the element was dropped, and scaled where it wasn't."""
    _, key, x = keyed()
    y = df.nn.dropout(x, 0.25, key)
    slope, values = df.evaluate(*df.grad(y.sum(), [x]), y)
    np.testing.assert_allclose(slope, values / ROWS)


def test_noise_shape_drops_together() -> None:
    """With a 1 in the noise's shape, what lies along that axis is dropped together."""
    b, key, x = keyed()
    rows = df.evaluate(df.nn.dropout(x, 0.5, key, noise_shape=(None, 1)))
    assert set((rows == 0).mean(1)) == {0.0, 1.0}
    image = b.ones((3, 20, 4, 5))
    for y in df.evaluate(
        df.nn.dropout2d(image, 0.5, key), df.nn.dropout2d(image, 0.5, key, training=True)
    ):
        assert set((y == 0).mean((2, 3)).ravel()) == {0.0, 1.0}
    one = df.evaluate(df.nn.dropout3d(b.ones((20, 2, 3, 4)), 0.5, key))
    assert set((one == 0).mean((1, 2, 3))) == {0.0, 1.0}


def test_batches_are_named() -> None:
    """Elements of a named batch are dropped, and channels of one."""
    b, key, _ = keyed()
    x = b.input("x", ("batch", 6, 5))
    plan = df.compile(
        b.build({"each": df.nn.dropout(x, 0.5, key), "channels": df.nn.dropout1d(x, 0.5, key)}),
        dims={"batch": 40},
    )
    found = df.Runner(plan).run(x=np.ones((40, 6, 5), np.float32))
    assert 0.4 < (found["each"] == 0).mean() < 0.6
    assert set((found["channels"] == 0).mean(2).ravel()) == {0.0, 1.0}


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    """Of standard normal numbers, mean 0 and variance 1 are left, and gradients are scaled."""
    _, key, _ = keyed()
    x = df.random.normal(df.random.fold_in(key, 1), (100_000,), "float64")
    y = df.nn.alpha_dropout(x, 0.3, key)
    values, slope = df.evaluate(y, *df.grad(y.sum(), [x]))
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    assert len(np.unique(slope)) == 2


def test_rrelu_draws_slopes() -> None:
    """Negative elements are scaled by slopes between the bounds, by their mean at prediction."""
    b, key, x = keyed()
    negative = -x
    on = b.input("on", (), "bool")
    drawn, fixed, switched = (
        df.nn.rrelu(negative, key, 0.2, 0.6),
        df.nn.rrelu(negative, key, 0.2, 0.6, training=False),
        df.nn.rrelu(negative, key, 0.2, 0.6, training=on),
    )
    slope, made, still = df.evaluate(*df.grad(drawn.sum(), [negative]), drawn, fixed)
    np.testing.assert_allclose(made, slope * -ROWS)
    assert 0.2 < slope.min() < 0.21
    assert 0.59 < slope.max() < 0.6
    np.testing.assert_allclose(still, -0.4 * ROWS)
    runner = df.Runner(df.compile(b.build({"y": switched})))
    np.testing.assert_array_equal(runner.run(on=np.True_)["y"], made)
    np.testing.assert_allclose(runner.run(on=np.False_)["y"], still)
    np.testing.assert_array_equal(df.evaluate(df.nn.rrelu(x, key)), ROWS)
    with pytest.raises(ShapeError, match="in order"):
        df.nn.rrelu(x, key, 0.5, 0.2)
    with pytest.raises(DTypeError, match="real floats"):
        df.nn.rrelu(b.constant([1]), key)
    with pytest.raises(GraphError, match="upper is a number"):
        df.nn.rrelu(x, key, 0.5, "1")  # type: ignore[arg-type]  # which is the point


# The layer


def training_graph(**options: Any) -> df.Graph:  # noqa: ANN401 - of the layer
    """Return a graph of two dropout layers, one of which feeds the other."""
    b = df.GraphBuilder("dropped", seed=5)
    x = b.constant(ROWS)
    first = df.nn.Dropout(0.5, **options)(x)
    return b.build({"first": first, "second": df.nn.Dropout(0.5, **options)(first)})


def test_layers_draw_anew_at_each_run() -> None:
    """Each run drops other elements, each layer others; all of them again from the same state."""
    graph = training_graph()
    assert list(graph.variables) == ["dropout.key", "dropout_1.key"]
    runner, again = df.Runner(df.compile(graph)), df.Runner(df.compile(graph))
    one, other = runner.run(), runner.run()
    kept = [run["first"] != 0 for run in (one, other)] + [one["second"] != 0]
    assert 0.4 < (kept[0] == kept[1]).mean() < 0.6
    assert 0.4 < kept[2][kept[0]].mean() < 0.6
    again.load_state(runner.state)
    np.testing.assert_array_equal(runner.run()["second"], again.run()["second"])
    np.testing.assert_array_equal(df.Runner(df.compile(training_graph())).run()["first"],
                                  one["first"])  # fmt: skip


def test_without_updates_the_key_stays() -> None:
    """A plan that updates nothing drops the same elements at every run."""
    runner = df.Runner(df.compile(training_graph(), updates=False))
    np.testing.assert_array_equal(runner.run()["first"], runner.run()["first"])


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_a_plan_that_predicts_gives_the_input_itself(rate: float) -> None:
    """Without updates no step of dropout is left: every bit stays, of NaN and infinity too."""
    b = df.GraphBuilder()
    x = b.input("x", (6,), "float32")
    y = df.nn.Dropout(rate)(x)
    slope = df.grad((df.nn.Dropout(rate)(x) * 3).sum(), [x])[0]
    plan = df.compile(b.build({"y": y, "slope": slope}), updates=False)
    assert not {step.op for step in plan.steps} & {"multiply", "where", "rand", "zero_where"}
    bits = np.array([0x7FC01234, 0xFFC00001, 0x7F800000, 0xFF800000, 0x80000000, 1], np.uint32)
    result = df.Runner(plan).run(x=bits.view(np.float32))
    assert result["y"].tobytes() == bits.tobytes()
    assert result["slope"].tolist() == [3.0] * 6


def test_layers_do_nothing_at_prediction() -> None:
    """With ``training=False`` the input itself is returned, and no variable is declared."""
    b, _, x = keyed()
    assert df.nn.Dropout(0.5)(x, training=False) is x
    assert df.nn.Sequential(df.nn.Dropout(0.5, training=False))(x) is x
    assert b.variables == ()


def test_a_switch_is_fed() -> None:
    """One graph trains and predicts: an input says which, for both kinds of dropout."""
    b, key, x = keyed()
    training = b.input("training", (), "bool")
    y = df.nn.Dropout(0.5)(x, training)
    z = df.nn.alpha_dropout(x, 0.5, key, training=training)
    runner = df.Runner(df.compile(b.build({"y": y, "z": z})))
    on = runner.run(training=np.True_)
    key_after = runner.state["dropout.key"]
    off = runner.run(training=np.False_)
    assert runner.state["dropout.key"] == key_after
    assert 0.4 < (on["y"] == 0).mean() < 0.6
    np.testing.assert_array_equal(on["y"][on["y"] != 0], 2 * ROWS[on["y"] != 0])
    np.testing.assert_array_equal(off["y"], ROWS)
    np.testing.assert_array_equal(off["z"], ROWS)
    assert not np.allclose(on["z"], ROWS)


def test_training_with_dropout_learns() -> None:
    """A regression with dropout and Adam goes down, and its gradients meet the layer's key."""
    b = df.GraphBuilder("learns", seed=2)
    x, y = b.input("x", (64, 8), "float64"), b.input("y", (64, 1), "float64")
    hidden = df.nn.Dropout(0.2)(df.nn.Dense(32, activation="relu")(x))
    error = df.nn.Dense(1)(hidden) - y
    loss = (error * error).mean()
    df.optim.Adam(1e-2).minimize(loss)
    runner = df.Runner(df.compile(b.build({"loss": loss})))
    rng = np.random.default_rng(1)
    fed = {"x": rng.normal(size=(64, 8))}
    fed["y"] = fed["x"][:, :1] * 2
    losses = [float(runner.run(fed)["loss"]) for _ in range(200)]
    assert np.mean(losses[-20:]) < 0.2 * np.mean(losses[:5])


def test_wrong_arguments_are_refused() -> None:
    """A rate that is none, integers, keys and noise that don't fit are refused when declared."""
    b, key, x = keyed()
    for rate in (-0.1, 1.1, True, "half"):
        with pytest.raises(ArgumentError, match="rate"):
            df.nn.dropout(x, rate, key)  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="rate"):
            df.nn.Dropout(rate)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="float32"):
        df.nn.dropout(b.constant([1, 2]), 0.5, key)
    with pytest.raises(ShapeError, match="one key"):
        df.nn.dropout(x, 0.5, df.random.split(key, (2,)))
    for noise in (2, (200,), (200, 3), (1, 1, 1)):
        with pytest.raises(ShapeError, match="noise"):
            df.nn.dropout(x, 0.5, key, noise_shape=noise)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="axes"):
        df.nn.dropout2d(x, 0.5, key)
    with pytest.raises(DTypeError, match="bool scalar"):
        df.nn.dropout(x, 0.5, key, training=x)


def test_layers_of_channels() -> None:
    """Layers drop whole channels, of one example too; alpha dropout's keep mean and variance."""
    b = df.GraphBuilder(seed=3)
    for axes, layer in ((1, df.nn.Dropout1d), (2, df.nn.Dropout2d), (3, df.nn.Dropout3d)):
        y = df.evaluate(layer(0.5)(b.ones((4, 20, *[3] * axes)))).reshape(80, -1)
        assert set(y.mean(1)) == {0.0, 2.0}
    x = b.randn((400, 100, 2), "float64")
    y, z = df.evaluate(df.nn.AlphaDropout(0.3)(x), df.nn.FeatureAlphaDropout(0.3)(x))
    for values in (y, z):
        assert abs(values.mean()) < 0.02
        assert abs(values.std() - 1) < 0.02
    numbers, counts = np.unique(z, return_counts=True)
    dropped = numbers[counts.argmax()]
    assert ((z == dropped).all(2) == (z == dropped).any(2)).all()
    assert 0.55 < ((y == dropped).all(2) == (y == dropped).any(2)).mean() < 0.61  # 0.7² + 0.3²
    with pytest.raises(ShapeError, match=r"feature_alpha_dropout .*2 axes"):
        df.nn.FeatureAlphaDropout()(b.ones(3))
