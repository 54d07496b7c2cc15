"""What resizing promises beyond its records: exact places, adjoints, NaN, names, errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, ShapeError
from tests.oracle import Array


def resized(x: Any, *args: Any, **options: Any) -> Array:  # noqa: ANN401
    """Return the value of an interpolation of a constant."""
    b = df.GraphBuilder()
    return np.asarray(df.evaluate(df.nn.interpolate(b.constant(x), *args, **options)))


@st.composite
def resizings(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    """Draw a length, and options."""
    mode = draw(st.sampled_from(["linear", "cubic", "area", "nearest", "nearest-exact"]))
    options: dict[str, Any] = {"mode": mode, "size": draw(st.integers(1, 12))}
    if mode in ("linear", "cubic"):
        options["align_corners"] = draw(st.booleans())
        options["antialias"] = draw(st.booleans())
    return draw(st.integers(1, 12)), options


@settings(max_examples=60, deadline=None)
@given(resizings())
def test_the_gradient_is_the_transposed_map(case: tuple[int, dict[str, Any]]) -> None:
    """Resizing is a matrix whose rows add up to 1, and the gradient multiplies by its transpose."""
    length, options = case
    matrix = resized(np.eye(length)[None], **options)[0].T
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-12)
    b = df.GraphBuilder()
    x = b.constant(np.random.default_rng(1).uniform(-1, 1, (2, 1, length)))
    y = np.random.default_rng(2).uniform(-1, 1, (2, 1, options["size"]))
    made, slope = df.evaluate(
        df.nn.interpolate(x, **options), df.grad(df.nn.interpolate(x, **options), x, y)
    )
    np.testing.assert_allclose(made, df.evaluate(x) @ matrix.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slope, y @ matrix, rtol=1e-10, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_nearest_elements_are_found_exactly(length: int, size: int) -> None:
    """Places follow from whole numbers, so that no rounding leads to a neighbour."""
    x = np.arange(length)[None, None]
    corner = [p * length // size for p in range(size)]
    middle = [(2 * p + 1) * length // (2 * size) for p in range(size)]
    assert resized(x, size)[0, 0].tolist() == corner
    assert resized(x, size, mode="nearest-exact")[0, 0].tolist() == middle


def test_nearest_elements_of_any_dtype() -> None:
    """Nearest elements are moved as they are, of booleans and integers too."""
    for dtype in (bool, np.int8, np.uint64, np.float16, np.complex64):
        x = np.arange(2).astype(dtype)[None, None]
        assert resized(x, 4).dtype == dtype
        assert resized(x, 4)[0, 0].tolist() == np.repeat(x[0, 0], 2).tolist()


def test_a_straight_line_stays_one() -> None:
    """A linear map with aligned corners gives a line's values, whatever the size."""
    made = resized(np.arange(20.0)[None, None], 33, mode="linear", align_corners=True)
    np.testing.assert_allclose(made[0, 0], np.linspace(0, 19, 33), rtol=1e-12, atol=1e-12)


def test_nan_reaches_only_what_it_is_a_part_of() -> None:
    """A NaN or an infinity stays among the elements that it has a weight in, gradients too."""
    x = np.ones((1, 1, 8))
    x[0, 0, 0] = np.nan
    for mode, count in (("nearest", 2), ("linear", 3), ("cubic", 5), ("area", 2)):
        assert np.isnan(resized(x, 16, mode=mode)).sum() == count
    b = df.GraphBuilder()
    given = b.constant(np.ones((1, 1, 4)))
    cotangent = np.array([[[np.inf, 1, 1, 1, 1, 1, 1, 1]]])
    slope = df.evaluate(df.grad(df.nn.interpolate(given, 8, mode="linear"), given, cotangent))
    assert np.isfinite(slope)[0, 0].tolist() == [False, True, True, True]


def test_float16_adds_up_in_float32() -> None:
    """The mean of more than float16 can add up is right."""
    x = np.full((1, 1, 5000), 20, np.float16)
    assert resized(x, 3, mode="area").tolist() == [[[20, 20, 20]]]


def test_named_dimensions_are_bound_late() -> None:
    """The batch may be named, and spatial axes whose length is a whole multiple."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2, "height", 3), "float64")
    y = df.nn.interpolate(x, scale_factor=2, mode="bilinear")
    z = df.nn.interpolate(y, size=(5, 5), mode="bicubic")
    assert [*map(str, y.shape)] == ["batch", "2", "2*height", "6"]
    fed = np.random.default_rng(1).uniform(-1, 1, (2, 2, 4, 3))
    made, slope = df.evaluate(z, df.grad((z * z).sum(), x), feeds={"x": fed})
    whole = resized(resized(fed, scale_factor=2, mode="bilinear"), (5, 5), mode="bicubic")
    np.testing.assert_allclose(made, whole, rtol=1e-13)
    assert slope.shape == fed.shape
    with pytest.raises(ShapeError, match="whole factor"):
        df.nn.interpolate(x, scale_factor=1.5)


X = np.ones((1, 2, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X, {}, "give size or scale_factor"),
        (X, {"size": 3, "scale_factor": 2}, "one of them"),
        (X, {"size": (3, 3, 3)}, "size is one length, or 2 of them"),
        (X, {"scale_factor": (2, 2, 2)}, "or 2 of them"),
        (X, {"scale_factor": 0}, "above 0"),
        (X, {"scale_factor": 0.1}, "must be elements on both sides"),
        (X, {"size": 0}, "must be elements on both sides"),
        (X[:, :, :0], {"size": 2}, "must be elements on both sides"),
        (X, {"size": 2, "mode": "lanczos"}, "is none of"),
        (X, {"size": 2, "mode": "trilinear"}, "of 3 spatial axes, and there are 2"),
        (X, {"size": 2, "align_corners": True}, "linear and cubic"),
        (X, {"size": 2, "mode": "area", "antialias": True}, "linear and cubic"),
        (X[0, 0], {"size": 2}, "needs examples, channels"),
    ],
)
def test_errors_say_what_to_do(x: Array, options: Any, message: str) -> None:  # noqa: ANN401
    """Every misuse is refused at the user's line, with what was expected and what came."""
    with pytest.raises(ShapeError, match=message) as caught:
        resized(x, **options)
    assert "test_resizing.py:" in str(caught.value)


def test_integers_are_refused_with_the_remedy() -> None:
    """Integers have no weighted means, and are told to be cast."""
    with pytest.raises(DTypeError, match="astype"):
        resized(X.astype(int), 3, mode="bilinear")
