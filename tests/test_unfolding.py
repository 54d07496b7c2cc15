"""What unfold, fold, shuffles and pads promise beyond their records: definitions, names, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, ShapeError
from tests.constants import values
from tests.oracle import Array


@st.composite
def windows(draw: st.DrawFn) -> tuple[Array, dict[str, Any]]:
    """Draw images, and windows over them."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    options: dict[str, Any] = {
        "kernel_size": draw(pairs), "stride": draw(pairs), "dilation": draw(pairs),
        "padding": [draw(st.tuples(*[st.integers(0, 2)] * 2)) for _ in range(2)],
    }  # fmt: skip
    size = [(k - 1) * d + 1 + draw(st.integers(0, 3))
            for k, d in zip(options["kernel_size"], options["dilation"], strict=True)]  # fmt: skip
    return np.random.default_rng(draw(st.integers(0, 99))).uniform(-1, 1, (2, 3, *size)), options


@settings(max_examples=40, deadline=None)
@given(windows())
def test_unfold_is_what_a_convolution_multiplies(case: tuple[Array, dict[str, Any]]) -> None:
    """A weight times the columns of unfold is the convolution, whatever the windows."""
    x, options = case
    weight = np.random.default_rng(1).uniform(-1, 1, (4, 3, *options["kernel_size"]))
    others = {k: v for k, v in options.items() if k != "kernel_size"}
    expected = np.asarray(
        df.evaluate(df.nn.conv2d(df.GraphBuilder().constant(x), weight, **others))
    )
    made = weight.reshape(4, -1) @ values(df.nn.unfold, x, **options)
    np.testing.assert_allclose(made.reshape(expected.shape), expected, rtol=1e-11, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(windows())
def test_fold_is_the_adjoint_of_unfold(case: tuple[Array, dict[str, Any]]) -> None:
    """<unfold(x), y> is <x, fold(y)>, and each is the other's gradient."""
    x, options = case
    columns = values(df.nn.unfold, x, **options)
    y = np.random.default_rng(2).uniform(-1, 1, columns.shape)
    images = values(df.nn.fold, y, x.shape[-2:], **options)
    assert (columns * y).sum() == pytest.approx((x * images).sum(), rel=1e-10, abs=1e-10)
    given = df.GraphBuilder().constant(x)
    slope = df.evaluate(df.grad(df.nn.unfold(given, **options), given, y))
    np.testing.assert_allclose(slope, images, rtol=1e-12, atol=1e-13)


def test_shuffles_are_undone() -> None:
    """Unshuffling gives back what was shuffled, of any rank and dtype."""
    for dtype in ("bool", "int8", "float16", "complex64"):
        x = np.random.default_rng(1).integers(0, 9, (2, 3, 8, 2, 4)).astype(dtype)
        shuffled = values(df.nn.pixel_shuffle, x, 2)
        assert shuffled.shape == (2, 3, 2, 4, 8)
        np.testing.assert_array_equal(values(df.nn.pixel_unshuffle, shuffled, 2), x)
    x = np.arange(24).reshape(2, 6, 2)
    np.testing.assert_array_equal(
        values(df.nn.channel_shuffle, values(df.nn.channel_shuffle, x, 2), 3), x
    )


def test_pads_are_numpys() -> None:
    """Each mode is NumPy's of the name that it has there, for any number of axes."""
    x = np.arange(24).reshape(2, 3, 4)
    for mode, name in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
        expected = np.pad(x, [(1, 0), (2, 1), (0, 3)], mode=name)  # type: ignore[call-overload]
        np.testing.assert_array_equal(values(df.nn.pad, x, (0, 3, 2, 1, 1, 0), mode), expected)
    expected = np.pad(x, [(0, 0), (0, 0), (2, 1)], constant_values=7)
    np.testing.assert_array_equal(values(df.nn.pad, x, (2, 1), value=7), expected)
    np.testing.assert_array_equal(values(df.nn.pad, x, (-1, -2)), x[..., 1:-2])


def test_named_dimensions_are_bound_late() -> None:
    """All of them take named dimensions, with gradients."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 4, "height", 4), "float64")
    padded = df.nn.pad(x, (1, 1, 2, 0), "reflect")
    columns = df.nn.unfold(padded, 3)
    back = df.nn.fold(df.nn.unfold(padded[:, :, :7], 3), (7, 6), 3)
    mixed = df.nn.pixel_shuffle(df.nn.pad(x, (0, 0, 1, 1), "circular"), 2)
    assert [*map(str, mixed.shape)] == ["batch", "1", "2*height + 4", "8"]
    loss = (mixed * mixed).sum() + (columns * columns).sum()
    fed = np.random.default_rng(1).uniform(-1, 1, (2, 4, 5, 4))
    assert np.asarray(df.evaluate(df.grad(loss, x), feeds={"x": fed})).shape == fed.shape
    assert back.shape[0] == x.shape[0]


X = np.ones((1, 4, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("function", "args", "options", "message"),
    [
        (df.nn.unfold, (6,), {}, "spans 6 elements doesn't fit"),
        (df.nn.unfold, ((2, 2, 2),), {}, "kernel_size .*2 of them"),
        (df.nn.fold, (5, 2), {}, "must be a multiple of 4 elements, and 16 places"),
        (df.nn.pixel_shuffle, (3,), {}, "no multiple of 9"),
        (df.nn.pixel_shuffle, (0,), {}, "upscale_factor"),
        (df.nn.pixel_unshuffle, (2,), {}, "no multiple of 2"),
        (df.nn.channel_shuffle, (3,), {}, "no multiple of 3"),
        (df.nn.pad, ((1,),), {}, "a pair for each of up to 4 axes"),
        (df.nn.pad, ((1,) * 10,), {}, "a pair for each of up to 4 axes"),
        (df.nn.pad, ((1.5, 1),), {}, "are ints"),
        (df.nn.pad, ((1, 1),), {"mode": "edge"}, "is none of constant"),
        (df.nn.pad, ((1, 1),), {"mode": "reflect", "value": 1}, "takes no value"),
        (df.nn.pad, ((5, 0),), {"mode": "reflect"}, "needs 6 elements or more along axis 3"),
        (df.nn.pad, ((6, 0),), {"mode": "circular"}, "needs 6 elements"),
        (df.nn.pad, ((-3, -3),), {}, "too few elements to take away 3 and 3"),
    ],
)
def test_errors_say_what_to_do(
    function: Callable[..., Any], args: Any, options: Any, message: str  # noqa: ANN401
) -> None:  # fmt: skip
    """Every misuse is refused at the user's line, with what was expected and what came."""
    with pytest.raises(ShapeError, match=message) as caught:
        values(function, X, *args, **options)
    assert "constants.py:" in str(caught.value)


def test_booleans_are_not_added_up() -> None:
    """Folding booleans is refused, unfolding them isn't."""
    x = np.ones((1, 1, 3, 3), bool)
    columns = values(df.nn.unfold, x, 2)
    assert columns.dtype == bool
    with pytest.raises(DTypeError, match="numbers"):
        values(df.nn.fold, columns, 3, 2)
