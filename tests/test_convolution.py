"""What convolutions promise beyond their records: a plain loop's values, shapes, errors."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from tests.constants import values
from tests.oracle import Array

FUNCTIONS: dict[int, Callable[..., Any]] = {
    1: df.nn.conv1d, 2: df.nn.conv2d, 3: df.nn.conv3d,
}  # fmt: skip
TRANSPOSED: dict[int, Callable[..., Any]] = {
    1: df.nn.conv_transpose1d, 2: df.nn.conv_transpose2d, 3: df.nn.conv_transpose3d,
}  # fmt: skip


def looped(x: Array, weight: Array, stride: int, pads: Any, dilation: int, groups: int) -> Array:  # noqa: ANN401
    """Convolve by the definition: one number of the result after the other."""
    padded = np.pad(x, [(0, 0), (0, 0), *pads])
    spans = [(n - 1) * dilation + 1 for n in weight.shape[2:]]
    places = [(n - k) // stride + 1 for n, k in zip(padded.shape[2:], spans, strict=True)]
    out = np.zeros((len(x), len(weight), *places))
    channels, filters = weight.shape[1], len(weight) // groups
    for example, f in itertools.product(range(len(x)), range(len(weight))):
        first = f // filters * channels
        for place in np.ndindex(*places):
            index: tuple[Any, ...] = (example, slice(first, first + channels))
            index += tuple(
                slice(p * stride, p * stride + k, dilation)
                for p, k in zip(place, spans, strict=True)
            )
            window = padded[index]
            out[(example, f, *place)] = (window * weight[f]).sum()
    return out


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Array, Array, dict[str, Any]]:
    """Draw x, a weight that fits, and options."""
    axes = draw(st.integers(1, 3))
    groups, kernel = draw(st.integers(1, 2)), draw(st.tuples(*[st.integers(1, 3)] * axes))
    pads = draw(st.tuples(*[st.tuples(*[st.integers(0, 2)] * 2)] * axes))
    dilation = draw(st.integers(1, 2))
    least = [(n - 1) * dilation + 1 - sum(p) for n, p in zip(kernel, pads, strict=True)]
    size = [max(n, 1) + draw(st.integers(0, 3)) for n in least]
    channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.uniform(-1, 1, (draw(st.integers(1, 3)), channels * groups, *size))
    weight = rng.uniform(-1, 1, (filters * groups, channels, *kernel))
    options = {"stride": draw(st.integers(1, 3)), "padding": pads, "dilation": dilation,
               "groups": groups}  # fmt: skip
    return x, weight, options


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_values_are_a_plain_loops(case: tuple[Array, Array, dict[str, Any]]) -> None:
    """Any stride, padding, dilation, groups and number of axes gives what the definition gives."""
    x, weight, options = case
    expected = looped(x, weight, *options.values())
    actual = values(FUNCTIONS[x.ndim - 2], x, weight, **options)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(convolutions(), st.integers(0, 2))
def test_transposed_is_the_adjoint(case: tuple[Array, Array, dict[str, Any]], more: int) -> None:
    """<conv(x), y> is <x, conv_transpose(y)>, whatever the output padding makes up for."""
    x, weight, options = case
    stride = options["stride"]
    y = values(FUNCTIONS[x.ndim - 2], x, weight, **options)
    spans = [(n - 1) * options["dilation"] + 1 for n in weight.shape[2:]]
    rest = [
        (n + sum(p) - k) % stride
        for n, p, k in zip(x.shape[2:], options["padding"], spans, strict=True)
    ]
    z = np.random.default_rng(more).uniform(-1, 1, y.shape)
    back = values(TRANSPOSED[x.ndim - 2], z, weight, output_padding=rest, **options)
    assert back.shape == x.shape
    assert (y * z).sum() == pytest.approx((back * x).sum(), rel=1e-10, abs=1e-10)


def test_valid_and_same_are_scipys() -> None:
    """Padding by name gives what scipy.signal.correlate gives for these names."""
    rng = np.random.default_rng(5)
    x, weight = rng.uniform(-1, 1, (7, 6)), rng.uniform(-1, 1, (3, 5))
    for padding in ("valid", "same"):
        expected = scipy.signal.correlate(x, weight, mode=padding)
        actual = values(df.nn.conv2d, x[None, None], weight[None, None], padding=padding)
        np.testing.assert_allclose(actual[0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("axes", [1, 2])
def test_same_keeps_the_size(axes: int) -> None:
    """Padding "same" keeps the size for even and odd kernels, with the odd zero at the end."""
    for kernel, dilation in itertools.product((1, 2, 3, 4), (1, 2)):
        x = np.arange(1.0, 8).reshape(1, 1, 7, *[1] * (axes - 1))
        weight = np.ones((1, 1, kernel, *[1] * (axes - 1)))
        options = {"padding": "same", "dilation": dilation}
        assert values(FUNCTIONS[axes], x, weight, **options).shape == x.shape
    x, weight = np.array([[[1.0, 2.0]]]), np.array([[[0.0, 1.0]]])
    assert values(df.nn.conv1d, x, weight, padding="same").tolist() == [[[2.0, 0.0]]]


@pytest.mark.parametrize("stride", [2, 3, 5])
def test_same_with_a_stride_is_tensorflows(stride: int) -> None:
    """There are ceil(n / stride) places, and of the zeros for them the odd one comes last."""
    rng = np.random.default_rng(7)
    for n, kernel, dilation in itertools.product((1, 5, 6, 7), (1, 2, 3), (1, 2)):
        x, weight = rng.uniform(-1, 1, (1, 1, n)), rng.uniform(-1, 1, (1, 1, kernel))
        options = {"stride": stride, "dilation": dilation}
        places = -(-n // stride)
        total = max((places - 1) * stride + (kernel - 1) * dilation + 1 - n, 0)
        padding = ((total // 2, total - total // 2),)
        found = values(df.nn.conv1d, x, weight, padding="same", **options)
        assert found.shape == (1, 1, places)
        np.testing.assert_array_equal(
            found, values(df.nn.conv1d, x, weight, padding=padding, **options)
        )


def test_same_with_a_stride_needs_a_length() -> None:
    """Along a named axis a stride is refused; along one beside it, of known length, it isn't."""
    x = df.GraphBuilder().input("x", ("batch", 2, "height", 7), "float64")
    weight = np.ones((4, 2, 3, 3))
    assert df.nn.conv2d(x, weight, padding="same", stride=(1, 2)).shape[3] == 4
    with pytest.raises(ShapeError, match="known length for stride 2, not height"):
        df.nn.conv2d(x, weight, padding="same", stride=2)
    with pytest.raises(ShapeError, match="needs stride 1"):
        df.nn.conv_transpose2d(x, np.ones((2, 4, 3, 3)), padding="same", stride=2)


def test_many_examples_go_block_by_block() -> None:
    """Blocks of examples, the last one shorter, give what one example at a time gives."""
    rng = np.random.default_rng(6)
    x, weight = rng.uniform(-1, 1, (23, 4, 12, 12)), rng.uniform(-1, 1, (4, 2, 3, 3))
    options: dict[str, Any] = {"groups": 2, "padding": 1}
    one_by_one = [values(df.nn.conv2d, x[i : i + 1], weight, **options) for i in range(len(x))]
    np.testing.assert_allclose(
        values(df.nn.conv2d, x, weight, **options), np.concatenate(one_by_one), rtol=1e-12
    )
    by_one = [gradients(x[i : i + 1], weight, options) for i in range(len(x))]
    whole = gradients(x, weight, options)
    np.testing.assert_allclose(whole[0], np.concatenate([g[0] for g in by_one]), rtol=1e-12)
    np.testing.assert_allclose(whole[1], sum(g[1] for g in by_one), rtol=1e-10)


def gradients(x: Array, weight: Array, options: dict[str, Any]) -> list[Array]:
    """Return the gradients of half the sum of squares."""
    b = df.GraphBuilder()
    inputs = (b.constant(x), b.constant(weight))
    y = df.nn.conv2d(inputs[0], inputs[1], **options)
    return [np.asarray(g) for g in df.evaluate(*df.grad((y * y).sum() * 0.5, inputs))]


def test_operands_may_lie_in_any_order() -> None:
    """Transposed, sliced and broadcast operands give the values of their copies."""
    rng = np.random.default_rng(7)
    x, weight = rng.uniform(-1, 1, (5, 6, 2, 3)), rng.uniform(-1, 1, (3, 2, 2, 8))
    b = df.GraphBuilder()
    images, filters = b.constant(x), b.constant(weight)
    y = df.nn.conv2d(df.transpose(images, (2, 3, 0, 1)), df.transpose(filters, (3, 0, 1, 2))[::2])
    (gradient,) = df.grad(y.sum(), [images])
    expected = looped(x.transpose(2, 3, 0, 1), weight.transpose(3, 0, 1, 2)[::2], 1,
                      [(0, 0)] * 2, 1, 1)  # fmt: skip
    actual, slope = df.evaluate(y, gradient)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    assert slope.shape == x.shape


def test_float16_adds_up_in_float32() -> None:
    """A sum beyond 2048, where float16 has no odd numbers, is right; so are both gradients."""
    x, weight = np.ones((1, 1, 3001), np.float16), np.ones((1, 1, 3001), np.float16)
    assert values(df.nn.conv1d, x, weight).item() == np.float16(3001)
    y = np.ones((3001, 1, 1), np.float16)
    assert values(df.nn.conv_transpose1d, y.reshape(1, 3001, 1), y).item() == np.float16(3001)
    assert values(df.nn.conv1d, x, np.ones((1, 1, 1), np.float16)).dtype == np.float16


def test_named_dimensions_are_bound_late() -> None:
    """The batch may be named, and where strides divide so may spatial axes; gradients follow."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2, "height", 4), "float64")
    weight = b.constant(np.random.default_rng(8).uniform(-1, 1, (3, 2, 3, 3)))
    y = df.nn.conv2d(x, weight, padding="same")
    z = df.nn.conv_transpose2d(y, weight, padding=1)
    assert [*map(str, y.shape)] == ["batch", "3", "height", "4"]
    assert z.shape == x.shape
    halved = df.nn.conv2d(x, weight, stride=2, padding=1)
    assert str(halved.shape[2]) == "(height - 1)//2 + 1"
    found = df.grad((z * z).sum() + halved.sum(), [x])
    fed = np.random.default_rng(9).uniform(-1, 1, (2, 2, 5, 4))
    assert df.evaluate(*found, y, feeds={"x": fed})[0].shape == fed.shape


def test_empty_batches_and_no_channels() -> None:
    """No examples give no results and a gradient of zeros; no channels give zeros."""
    weight = np.ones((2, 1, 3, 3))
    assert values(df.nn.conv2d, np.ones((0, 1, 5, 5)), weight).shape == (0, 2, 3, 3)
    assert not gradients(np.ones((0, 1, 5, 5)), weight, {})[1].any()
    assert not values(df.nn.conv2d, np.ones((1, 0, 5, 5)), np.ones((2, 0, 3, 3))).any()


def test_nan_stays_in_its_windows() -> None:
    """A NaN reaches the results whose windows hold it, and no other."""
    x = np.ones((1, 1, 6))
    x[0, 0, 2] = np.nan
    found = np.isnan(values(df.nn.conv1d, x, np.ones((1, 1, 2))))[0, 0]
    assert found.tolist() == [False, True, True, False, False]


X, W = np.ones((1, 4, 5, 5), np.float32), np.ones((4, 4, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X, W), {"groups": 3}, "3 groups"),
        ((X, W), {"groups": 2}, "second axis must be 4 // 2"),
        ((X, W), {"groups": 0}, "groups"),
        ((X, W), {"stride": 0}, "stride .*int of 1 or more"),
        ((X, W), {"stride": (1, 2, 3)}, "stride .*2 of them"),
        ((X, W), {"stride": 1.5}, "stride"),
        ((X, W), {"dilation": True}, "dilation"),
        ((X, W), {"padding": -1}, "padding .*0 or more"),
        ((X, W), {"padding": ((1, 2), (1, 2, 3))}, "pairs"),
        ((X, W), {"padding": "full"}, "'same' and 'valid'"),
        ((X, W), {"dilation": 3}, "spans 7 elements doesn't fit"),
        ((X[0, 0], W), {}, "takes 4 axes .*reshape"),
        ((X, W[0]), {}, "weight needs 4 axes"),
        ((X, W, np.ones(3)), {}, "bias has shape .3,. and there are 4 filters"),
        ((X, W[:, :, :0]), {}, "kernel needs 1 or more"),
    ],
)
def test_errors_say_what_to_do(arguments: Any, options: Any, message: str) -> None:  # noqa: ANN401
    """Every misuse is refused at the user's line, with what was expected and what came."""
    with pytest.raises(ArgumentError, match=message) as caught:
        values(df.nn.conv2d, *arguments, **options)
    assert "constants.py:" in str(caught.value)


def test_errors_of_transposed_convolution() -> None:
    """Output padding as large as the stride, padding larger than the result, wrong channels."""
    for options, message in (
        ({"output_padding": 1}, "smaller than stride"), ({"padding": 9}, "takes away more"),
        ({"stride": 2, "output_padding": -1}, "output_padding"), ({"groups": 3}, "groups"),
    ):  # fmt: skip
        with pytest.raises(ShapeError, match=message):
            values(df.nn.conv_transpose2d, X, W, **options)
    with pytest.raises(ShapeError, match=r"4 filters along its first axis.*1 channels"):
        values(df.nn.conv_transpose2d, X[:, :1], W)


def test_integers_are_refused_with_the_remedy() -> None:
    """Integers and booleans are told to be cast."""
    with pytest.raises(DTypeError, match="cast with astype, integers to 'float32'"):
        values(df.nn.conv1d, np.ones((1, 1, 3), int), np.ones((1, 1, 3), int))
