"""What the layers of images promise: variables, scopes, what they call, and that they learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError


def small_net() -> df.nn.Sequential:
    """Return a net of two convolutions, a pooling and a dense layer."""
    return df.nn.Sequential(
        df.nn.Conv2d(8, 3, padding=1, activation="relu"), df.nn.MaxPool2d(2),
        df.nn.Conv2d(16, 3, padding=1, activation="relu"), df.nn.AvgPool2d(2), df.nn.Flatten(),
        df.nn.Dense(10),
    )  # fmt: skip


def test_a_small_net_learns_digits(tmp_path: Path) -> None:
    """Some steps of Adam on handwritten digits, from a file, lower a net's loss a great deal."""
    table = pq.read_table(Path(__file__).resolve().parents[1] / "examples" / "digits.parquet")
    images = np.array(table["x"][:128].to_pylist(), "float32") / 16
    labels = table["labels"][:128].to_numpy()
    b = df.GraphBuilder("digits", seed=1)
    x, y = b.input("x", ("batch", 64)), b.input("y", ("batch",), "int64")
    logits = small_net()(x.reshape((x.shape[0], 1, 8, 8)))
    loss = df.nn.softmax_cross_entropy(logits, y).mean()
    df.optim.Adam(0.01).minimize(loss)
    path = tmp_path / "net.graph.arrow"
    df.save(b.build(outputs={"loss": loss}), path)
    graph = df.load(path)
    assert isinstance(graph, df.Graph)
    runner = df.Runner(df.compile(graph, dims={"batch": 128}))
    losses = [float(runner.run(x=images, y=labels)["loss"]) for _ in range(40)]
    assert losses[0] > 2
    assert losses[-1] < 0.2 * losses[0]


def test_variables_have_scopes_and_pytorchs_shapes() -> None:
    """Names begin with the scopes around and the layer's own; shapes are PyTorch's."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 4, 8, 8))
    with b.scope("encoder"):
        y = df.nn.Conv2d(6, (3, 2), groups=2)(x)
        y = df.nn.Conv2d(2, 1, use_bias=False)(y)
    z = df.nn.ConvTranspose2d(4, 3, groups=2, name="up")(y)
    assert {v.node: v.shape for v in b.variables} == {
        "encoder.conv.weight": (6, 2, 3, 2), "encoder.conv.bias": (6,),
        "encoder.conv_1.weight": (2, 6, 1, 1), "up.weight": (2, 2, 3, 3), "up.bias": (4,),
    }  # fmt: skip
    assert z.shape[1:] == (4, 8, 9)


def test_a_layer_is_its_function() -> None:
    """A layer's result is the function's of its variables, with all its parameters."""
    rng = np.random.default_rng(1)
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    for axes in (1, 2, 3):
        shape = (2, 4, *(9, 8, 7)[:axes])
        for transposed in (False, True):
            name = "ConvTranspose" if transposed else "Conv"
            weight = rng.uniform(-1, 1, (4, 3 if transposed else 2, *[2] * axes))
            filters = 6 if transposed else 4
            more: dict[str, Any] = {"output_padding": 1} if transposed else {}
            b = df.GraphBuilder()
            x = b.constant(rng.uniform(-1, 1, shape))
            bias = rng.uniform(-1, 1, filters)
            layer = getattr(df.nn, f"{name}{axes}d")(
                filters, 2, **options, **more, initializer=weight, bias_initializer=bias,
                activation="tanh",
            )  # fmt: skip
            lower = "conv_transpose" if transposed else "conv"
            function = getattr(df.nn, f"{lower}{axes}d")
            expected = df.tanh(function(x, weight, bias, **options, **more))
            np.testing.assert_array_equal(*df.evaluate(layer(x), expected))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_may_hold_more_than_zeros(mode: str) -> None:
    """A layer pads as its mode says, then convolves without padding, for named paddings too."""
    rng = np.random.default_rng(4)
    weight = rng.uniform(-1, 1, (3, 2, 3, 2))
    x = df.GraphBuilder().constant(rng.uniform(-1, 1, (2, 2, 6, 5)))
    for padding, numbers in ((1, (1, 1, 1, 1)), (((1, 0), (2, 1)), (2, 1, 1, 0)),
                             ("same", (0, 1, 1, 1)), ("valid", (0, 0, 0, 0))):  # fmt: skip
        layer = df.nn.Conv2d(3, (3, 2), padding=padding, padding_mode=mode, use_bias=False,
                             initializer=weight)  # fmt: skip
        expected = df.nn.conv2d(df.nn.pad(x, numbers, mode), weight)
        np.testing.assert_array_equal(*df.evaluate(layer(x), expected))


def test_first_weights_are_as_wide_as_their_fans_ask_for() -> None:
    """Inputs are counted along a weight's second axis, of transposed convolutions the first."""
    b = df.GraphBuilder(seed=3)
    x = b.input("x", (1, 16, 8, 8))
    df.nn.Conv2d(64, 3, initializer=df.nn.initializers.lecun_uniform())(x)
    df.nn.ConvTranspose2d(64, 3, initializer=df.nn.initializers.lecun_uniform())(x)
    for variable in b.variables[::2]:
        limit = np.sqrt(3 / (16 * 9))
        largest = np.abs(df.evaluate(variable)).max()
        assert 0.95 * limit < largest <= limit


def test_first_weights_of_bfloat16_are_drawn_in_float32() -> None:
    """A layer on bfloat16 has variables of bfloat16, float32's draws rounded."""
    pytest.importorskip("ml_dtypes")
    drawn = []
    for dtype in ("bfloat16", "float32"):
        b = df.GraphBuilder(seed=5)
        y = df.nn.Conv2d(4, 3)(b.input("x", ("batch", 2, 5, 5), dtype))
        assert str(y.dtype) == dtype
        assert {str(v.dtype) for v in b.variables} == {dtype}
        drawn.append(np.asarray(df.evaluate(b.variables[0])))
    np.testing.assert_array_equal(drawn[0], drawn[1].astype(drawn[0].dtype))


def test_layers_without_variables_are_their_functions() -> None:
    """Pools, Upsample and Flatten call the function of their name with their parameters."""
    x = df.GraphBuilder().constant(np.random.default_rng(2).uniform(-1, 1, (2, 3, 6, 6, 6)))
    flat, square = x.reshape((2, 3, -1)), x.reshape((6, 3, 6, 12))
    for axes, given in ((1, flat), (2, square), (3, x)):
        for kind, options in (("max", {"dilation": 2}), ("avg", {"count_include_pad": False})):
            made = getattr(df.nn, f"{kind.title()}Pool{axes}d")(3, 2, 1, **options)(given)
            function = getattr(df.nn, f"{kind}_pool{axes}d")
            np.testing.assert_array_equal(*df.evaluate(made, function(given, 3, 2, 1, **options)))
            adaptive = getattr(df.nn, f"Adaptive{kind.title()}Pool{axes}d")(4)(given)
            function = getattr(df.nn, f"adaptive_{kind}_pool{axes}d")
            np.testing.assert_array_equal(*df.evaluate(adaptive, function(given, 4)))
    made = df.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(square)
    expected = df.nn.interpolate(square, None, 2, "bilinear", True)  # noqa: FBT003
    np.testing.assert_array_equal(*df.evaluate(made, expected))
    assert df.nn.Flatten(0, 1)(x).shape == (6, 6, 6, 6)
    assert df.nn.Flatten(-2)(x).shape == (2, 3, 6, 36)


def test_sequential_is_one_call_after_the_other() -> None:
    """Any callables join; the name, where there is one, is a scope around all variables."""
    b = df.GraphBuilder()
    x = b.constant(np.ones((2, 3), "float32"))
    net = df.nn.Sequential(df.nn.Dense(4), df.tanh, lambda t: t * 2, name="net")
    inner = df.nn.Sequential(net, df.nn.Dense(1))
    assert inner(x).shape == (2, 1)
    assert [v.node for v in b.variables] == [
        "net.dense.weight", "net.dense.bias", "dense.weight", "dense.bias",
    ]  # fmt: skip
    assert df.nn.Sequential()(x) is x
    assert "name='net'" in repr(inner)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: df.nn.Conv2d(-1, 3), ShapeError, "filters is an int of 0 or more"),
        (lambda: df.nn.Conv2d(4, 0), ShapeError, "kernel_size"),
        (lambda: df.nn.Conv2d(4, (1, 2, 3)), ShapeError, "2 of them"),
        (lambda: df.nn.Conv2d(4, 3, groups=0), ShapeError, "groups is an int of 1 or more"),
        (lambda: df.nn.Conv2d(4, 3, activation="swosh"), GraphError, "swosh"),
        (lambda: df.nn.Conv1d(4, 3, padding_mode="edge"), GraphError, "none of zeros"),
        (lambda: df.nn.Sequential(3), GraphError, "layer 0 is 3"),  # type: ignore[arg-type]
    ],
)
def test_wrong_parameters_are_refused(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    """A layer refuses parameters when it is made, at the user's line."""
    with pytest.raises(error, match=message) as caught:
        make()
    assert "test_spatial_layers.py:" in str(caught.value)


def test_wrong_tensors_are_refused() -> None:
    """A layer refuses a tensor of another rank, of integers, or whose channels aren't known."""
    b = df.GraphBuilder()
    x = b.input("x", (1, 4, 8, 8))
    with pytest.raises(ShapeError, match="takes 4 axes"):
        df.nn.Conv2d(4, 3)(x[0, 0])
    with pytest.raises(ShapeError, match="can't be split into 3 groups"):
        df.nn.Conv2d(6, 3, groups=3)(x)
    with pytest.raises(DTypeError, match="astype"):
        df.nn.Conv2d(6, 3)(x.astype("int64"))
    with pytest.raises(ShapeError, match="axis 1 must have a known length"):
        df.nn.Conv2d(6, 3)(b.input("y", (1, "channels", 8, 8)))
    with pytest.raises(ShapeError, match="comes before"):
        df.nn.Flatten(2, 1)(x)


def test_one_example_needs_no_axis() -> None:
    """A layer of convolution takes one example without an axis of examples, as a batch of one."""
    b = df.GraphBuilder()
    x = b.constant(np.random.default_rng(0).normal(size=(4, 8, 8)))
    for layer in (df.nn.Conv2d(2, 3), df.nn.ConvTranspose2d(2, 3, stride=2),
                  df.nn.Conv2d(2, 3, padding=1, padding_mode="circular")):  # fmt: skip
        one, batch = df.evaluate(layer(x), layer(x[None]))
        np.testing.assert_array_equal(one, batch[0])
