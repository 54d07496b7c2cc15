"""What norms and their layers promise beyond PyTorch's values: averages, names, corners, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError
from tests.constants import values
from tests.oracle import Array

RNG = np.random.default_rng(9)
BATCHES = RNG.uniform(-3, 5, (4, 6, 3, 2))


def averaged(momentum: float | None) -> tuple[list[Array], list[Array]]:
    """Return what averages of the batches' means and variances are after each."""
    means, variances = [np.zeros(3)], [np.ones(3)]
    for count, batch in enumerate(BATCHES, 1):
        share = 1 / count if momentum is None else momentum
        centre, var = batch.mean((0, 2)), batch.var((0, 2), ddof=1)
        means.append((1 - share) * means[-1] + share * centre)
        variances.append((1 - share) * variances[-1] + share * var)
    return means, variances


@pytest.mark.parametrize("momentum", [0.1, 0.75, None])
def test_batch_norm_keeps_averages(momentum: float | None) -> None:
    """After each run, the averages are PyTorch's, of means and unbiased variances."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3, 2), "float64")
    layer = df.nn.BatchNorm1d(momentum=momentum)
    runner = df.Runner(df.compile(b.build({"y": layer(x, training=True)}), dims={"batch": 6}))
    means, variances = averaged(momentum)
    for batch, centre, var in zip(BATCHES, means[1:], variances[1:], strict=True):
        y = runner.run(x=batch)["y"]
        scale = np.sqrt(batch.var((0, 2), keepdims=True) + 1e-5)
        np.testing.assert_allclose(y, (batch - batch.mean((0, 2), keepdims=True)) / scale)
        state = runner.state
        np.testing.assert_allclose(state["batch_norm.running_mean"], centre)
        np.testing.assert_allclose(state["batch_norm.running_var"], var)


def test_prediction_uses_the_averages_of_training() -> None:
    """A graph of the same code with training off loads the state, and changes nothing in it."""

    def declared(training: Any) -> df.Runner:  # noqa: ANN401 - a bool or tensor
        b = df.GraphBuilder()
        x = b.input("x", (6, 3, 2), "float64")
        flag = b.input("training", (), "bool") if training is None else training
        y = df.nn.BatchNorm1d()(x, training=flag)
        return df.Runner(df.compile(b.build({"y": y})))

    train, predict, both = declared(training=True), declared(training=False), declared(None)
    for batch in BATCHES[:3]:
        expected = train.run(x=batch)["y"]
        np.testing.assert_allclose(both.run(x=batch, training=True)["y"], expected)
    predict.load_state(train.state)
    means, variances = averaged(0.1)
    centre, var = (a[3][:, None] for a in (means, variances))
    results = (predict.run(x=BATCHES[3]), both.run(x=BATCHES[3], training=False))
    for runner, result in zip((predict, both), results, strict=True):
        y = result["y"]
        np.testing.assert_allclose(y, (BATCHES[3] - centre) / np.sqrt(var + 1e-5))
        for name in train.state:
            np.testing.assert_allclose(runner.state[name], train.state[name])


def test_averages_of_bfloat16_are_kept() -> None:
    """A batch of bfloat16 has averages of bfloat16, which training moves."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    b = df.GraphBuilder()
    y = df.nn.BatchNorm(momentum=0.5)(b.constant(BATCHES[0].astype(bfloat16)))
    runner = df.Runner(df.compile(b.build({"y": y})))
    assert runner.run()["y"].dtype == bfloat16
    found = runner.state["batch_norm.running_mean"].astype(float)
    np.testing.assert_allclose(found, BATCHES[0].mean((0, 2)) / 2, rtol=0.02)


def test_a_flag_at_run_time_gives_training_its_gradients() -> None:
    """With the flag as a tensor, gradients are those of training, or of prediction."""
    b = df.GraphBuilder()
    x, flag = b.constant(BATCHES[0]), b.input("flag", (), "bool")
    centre, var = (b.variable(n, np.full(3, v)) for n, v in (("mean", 0.5), ("var", 2.0)))
    weights = RNG.uniform(size=BATCHES[0].shape)

    def slope(training: Any, *running: Any) -> df.Tensor:  # noqa: ANN401
        y = df.nn.batch_norm(x, *running, training=training)
        return df.grad((y * weights).sum(), x)  # type: ignore[no-any-return]

    slopes = [slope(training=True), slope(False, centre, var), slope(flag, centre, var)]  # noqa: FBT003
    for value in (True, False):
        train, predict, found = df.evaluate(*slopes, flag=np.array(value))
        np.testing.assert_allclose(found, train if value else predict, atol=1e-12)


def test_averages_get_no_gradient() -> None:
    """An optimiser updates weight and bias; the averages keep their own update."""
    b = df.GraphBuilder()
    x = b.constant(BATCHES[0])
    y = df.nn.BatchNorm()(x, training=True)
    df.optim.SGD(0.1).minimize((y * y * y).sum())
    updated = {name for name, v in b.build().variables.items() if v.update is not None}
    assert updated == {f"batch_norm.{n}" for n in ("weight", "bias", "running_mean", "running_var")}


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Array, int, int]:
    """Draw images of any rank, the axis of channels, and groups that divide it."""
    groups = draw(st.integers(1, 3))
    shape = draw(st.lists(st.integers(2, 3), min_size=1, max_size=3))
    axis = draw(st.integers(1, len(shape)))
    shape.insert(axis, groups * draw(st.integers(1, 2)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.uniform(-2, 2, shape), axis, groups


@settings(max_examples=30, deadline=None)
@given(grouped())
def test_group_norm_is_the_definition(case: tuple[Array, int, int]) -> None:
    """Any rank, axis and number of groups gives what the definition gives, group by group."""
    x, axis, groups = case
    moved = np.moveaxis(x, axis, 1)
    expected = np.empty_like(moved)
    size = moved.shape[1] // groups
    for example in range(len(moved)):
        for g in range(groups):
            part = moved[example, g * size : (g + 1) * size]
            normal = (part - part.mean()) / np.sqrt(part.var() + 1e-5)
            expected[example, g * size : (g + 1) * size] = normal
    found = values(df.nn.group_norm, x, num_groups=groups, axis=axis)
    np.testing.assert_allclose(found, np.moveaxis(expected, 1, axis), atol=1e-12)


def test_channels_may_be_last_and_batches_named() -> None:
    """Channels along another axis are as if they were moved; a named batch needs no length."""
    x = BATCHES[0]
    last = np.moveaxis(x, 1, -1).copy()
    w = np.arange(3.0)
    functions: list[Callable[..., df.Tensor]] = [
        df.nn.instance_norm, lambda t, w, **o: df.nn.group_norm(t, 3, w, **o),
        lambda t, w, **o: df.nn.batch_norm(t, weight=w, training=True, **o),
    ]  # fmt: skip
    for function in functions:
        expected = np.moveaxis(values(function, x, w), 1, -1)
        np.testing.assert_allclose(values(function, last, w, axis=-1), expected, atol=1e-12)
        b = df.GraphBuilder()
        t = b.input("t", ("batch", 3, 2), "float64")
        found = df.evaluate(function(t, b.constant(w)), t=x)
        np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, atol=1e-12)


def test_layer_norm_takes_axes_in_any_place() -> None:
    """Axes that aren't the last are as if they were, with a scale and a bias of their shape."""
    x = BATCHES
    scale, bias = RNG.uniform(-1, 1, (2, 6, 2))
    moved = np.moveaxis(x, (1, 3), (2, 3))
    centred = moved - moved.mean((2, 3), keepdims=True)
    normal = centred / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-5)
    expected = np.moveaxis(normal * scale + bias, (2, 3), (1, 3))
    found = values(df.layer_norm, x, scale, bias, axis=(1, 3))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    b = df.GraphBuilder()
    df.nn.LayerNorm(axis=(1, 3))(b.constant(x))
    assert [v.shape for v in b.variables] == [(6, 2)] * 2
    with pytest.raises(ShapeError, match="there must be an axis"):
        df.layer_norm(b.constant(x), axis=())


def test_rows_of_a_shape_are_normalised_together() -> None:
    """The last axes, named by their lengths, are the main namespace's axes from the end."""
    x = BATCHES
    expected = values(df.layer_norm, x, axis=(-2, -1))
    shape = x.shape[-2:]
    np.testing.assert_array_equal(values(df.nn.layer_norm, x, normalized_shape=shape), expected)
    b = df.GraphBuilder()
    y = df.nn.layer_norm(b.input("x", ("batch", 8)), 8, np.ones(8), np.zeros(8))
    assert y.dtype == np.float32
    z = df.nn.rms_norm(b.input("z", (2, "batch")), "batch")
    np.testing.assert_allclose(df.evaluate(z, z=[[3, 4]] * 2), [[0.6 * 2**0.5, 0.8 * 2**0.5]] * 2)


def test_rms_of_zeros_and_of_large_halves() -> None:
    """Rows of zeros stay zeros with finite gradients; float16 squares don't overflow."""
    b = df.GraphBuilder()
    x = b.zeros((2, 3))
    y = df.nn.rms_norm(x, 3)
    assert all(np.isfinite(a).all() for a in df.evaluate(y, df.grad(y.sum(), x)))
    halves = np.full((1, 4), 30000.0, np.float16)
    assert values(df.nn.rms_norm, halves, normalized_shape=4).tolist() == [[1.0] * 4]
    assert values(df.nn.normalize, halves).tolist() == [[0.5] * 4]


def test_layers_have_pytorchs_names() -> None:
    """Variables are named weight, bias, running_mean, running_var below the layer's scope."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 4, 6, 6))
    layers = (
        df.nn.BatchNorm2d(), df.nn.GroupNorm(2, name="norm"), df.nn.InstanceNorm(),
        df.nn.InstanceNorm(affine=True), df.nn.LayerNorm(use_bias=False),
        df.nn.RMSNorm(use_scale=False), df.nn.BatchNorm(affine=False, momentum=None),
    )  # fmt: skip
    with b.scope("model"):
        for layer in layers:
            assert layer(x).spec == x.spec
    assert [v.node for v in b.variables] == [f"model.{name}" for name in (
        "batch_norm.weight", "batch_norm.bias", "batch_norm.running_mean",
        "batch_norm.running_var", "norm.weight", "norm.bias", "instance_norm.weight",
        "instance_norm.bias", "layer_norm.weight", "batch_norm_1.running_mean",
        "batch_norm_1.running_var", "batch_norm_1.num_batches_tracked")]  # fmt: skip


def test_layer_norm_keeps_the_dtype() -> None:
    """A scale and a bias of a wider dtype don't lift the result's."""
    x = df.GraphBuilder().ones((2, 3), "float32")
    assert df.layer_norm(x, np.ones(3), np.arange(3)).dtype == np.float32


def test_layers_are_their_functions() -> None:
    """With its variables at their first values, a layer is the function without any."""
    x = BATCHES[0]
    for layer, function in (
        (df.nn.LayerNorm(axis=1), lambda t: df.layer_norm(t, axis=1)),
        (
            df.nn.RMSNorm(axis=1, eps=1e-3),
            lambda t: df.nn.rms_norm(t.swapaxes(1, 2), 3, eps=1e-3).swapaxes(1, 2),
        ),
        (df.nn.GroupNorm(3), lambda t: df.nn.group_norm(t, 3)),
        (df.nn.InstanceNorm(affine=True), df.nn.instance_norm),
        (df.nn.BatchNorm1d(training=False), lambda t: t / np.sqrt(1 + 1e-5)),
        (df.nn.BatchNorm1d(), lambda t: df.nn.batch_norm(t, training=True)),
    ):
        np.testing.assert_allclose(values(layer, x), values(function, x), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: df.nn.group_norm(x, 2), ShapeError, "2 groups don't divide 3"),
        (lambda x: df.nn.group_norm(x, 0), ShapeError, "0 groups"),
        (lambda x: df.nn.group_norm(x, 3, [1.0]), ShapeError, "weight"),
        (lambda x: df.nn.group_norm(x, 3, axis=0), ShapeError, "examples"),
        (lambda x: df.nn.instance_norm(x[0, 0]), ShapeError, "2 axes"),
        (df.nn.batch_norm, GraphError, "running_mean"),
        (lambda x: df.nn.batch_norm(x, [0.0] * 3, [1.0] * 3, training=True), GraphError, "variabl"),
        (lambda x: df.nn.batch_norm(x[:1, :, 0], training=True), ShapeError, "two elements"),
        (lambda x: df.nn.batch_norm(x, [0.0], [1.0]), ShapeError, "running_mean"),
        (lambda x: df.nn.rms_norm(x, 4, eps=-1.0), GraphError, "eps"),
        (lambda x: df.nn.rms_norm(x * 1j, 4), DTypeError, "real"),
        (lambda x: df.nn.rms_norm(x, 3), ShapeError, "normalized_shape"),
        (lambda x: df.nn.layer_norm(x, (8,)), ShapeError, "normalized_shape"),
        (lambda x: df.nn.layer_norm(x, ()), ShapeError, "normalized_shape"),
        (lambda x: df.nn.layer_norm(x, x[0, 0]), ShapeError, "comes before"),
        (lambda x: df.nn.layer_norm(x, 4, [1.0]), ShapeError, r"weight \[1\]"),
        (lambda x: df.nn.layer_norm(x, 4, bias=1.0), ShapeError, "bias"),
        (lambda x: df.layer_norm(x, (2,)), ShapeError, r"scale \[1\]"),
        (lambda x: df.layer_norm(x, 2), ShapeError, "scale"),
        (lambda x: df.layer_norm(x, None, [[1.0, 2.0]]), ShapeError, "bias"),
        (lambda x: df.layer_norm(x, [1j] * 4), DTypeError, "real"),
        (lambda x: df.nn.batch_norm(x, training=1), DTypeError, "bool"),  # type: ignore[arg-type]
        (df.nn.BatchNorm(axis=3), ShapeError, "BatchNorm.*axis 3 is out of range"),
        (df.nn.GroupNorm(1, axis=1.5), ShapeError, "an axis is an int"),  # type: ignore[arg-type]
        (df.nn.BatchNorm2d(), ShapeError, "BatchNorm2d.*4 axes"),
        (df.nn.GroupNorm(2), ShapeError, "2 groups"),
        (lambda x: df.nn.LayerNorm()(x.astype("int64")), DTypeError, "float32"),
    ],
)
def test_what_does_not_fit_is_refused(
    call: Callable[[df.Tensor], object], error: type[Exception], text: str
) -> None:
    """Wrong arguments are refused at the user's line, with what was expected."""
    with pytest.raises(error, match=text) as caught:
        call(df.GraphBuilder().ones((2, 3, 4)))
    assert "test_normalization.py:" in str(caught.value)
