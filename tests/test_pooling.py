"""What pooling promises beyond its records: a plain loop's values, corners, gradients, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from tests.constants import slope, values
from tests.oracle import Array

MAX: dict[int, Callable[..., Any]] = {
    1: df.nn.max_pool1d, 2: df.nn.max_pool2d, 3: df.nn.max_pool3d,
}  # fmt: skip
AVG: dict[int, Callable[..., Any]] = {
    1: df.nn.avg_pool1d, 2: df.nn.avg_pool2d, 3: df.nn.avg_pool3d,
}  # fmt: skip


def looped(x: Array, reduce: Callable[[Array], Any], options: dict[str, Any]) -> Array:
    """Reduce every window by the definition: one number of the result after the other."""
    axes = len(options["kernel_size"])
    pads = options["padding"]
    padded = np.pad(x, [(0, 0)] * (x.ndim - axes) + list(pads), constant_values=np.nan)
    kernel, stride = options["kernel_size"], options["stride"]
    dilation = options.get("dilation", 1)
    spans = [(k - 1) * dilation + 1 for k in kernel]
    places = [(n - k) // stride + 1 for n, k in zip(padded.shape[-axes:], spans, strict=True)]
    out = np.zeros((*x.shape[:-axes], *places))
    for row in np.ndindex(x.shape[:-axes]):
        for place in np.ndindex(*places):
            rows = zip(place, spans, strict=True)
            index = (*row, *(slice(p * stride, p * stride + k, dilation) for p, k in rows))
            out[(*row, *place)] = reduce(padded[index])
    return out


@st.composite
def poolings(draw: st.DrawFn) -> tuple[Array, dict[str, Any]]:
    """Draw x and options whose windows all have an element."""
    axes = draw(st.integers(1, 3))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * axes))
    pads = [draw(st.tuples(*[st.integers(0, k - 1)] * 2)) for k in kernel]
    size = [k + draw(st.integers(0, 3)) for k in kernel]
    lead = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    x = np.random.default_rng(draw(st.integers(0, 99))).uniform(-1, 1, (*lead, *size))
    return x, {"kernel_size": kernel, "padding": pads, "stride": draw(st.integers(1, 4))}


@settings(max_examples=40, deadline=None)
@given(poolings(), st.integers(1, 2))
def test_maxima_are_a_plain_loops(case: tuple[Array, dict[str, Any]], dilation: int) -> None:
    """Any window, stride, padding, dilation and rank gives what the definition gives."""
    x, options = case
    axes = len(options["kernel_size"])
    if any(n <= (k - 1) * dilation for n, k in zip(x.shape[-axes:], options["kernel_size"],
                                                   strict=True)):  # fmt: skip
        dilation = 1
    options = {**options, "dilation": dilation}
    expected = looped(x, np.nanmax, options)
    y, indices = values(MAX[axes], x, return_indices=True, **options)
    np.testing.assert_array_equal(y, expected)
    flat = x.reshape(*x.shape[:-axes], -1)
    found = np.take_along_axis(flat, indices.reshape(*x.shape[:-axes], -1), -1)
    np.testing.assert_array_equal(found.reshape(y.shape), y)


@settings(max_examples=40, deadline=None)
@given(poolings())
def test_means_are_a_plain_loops(case: tuple[Array, dict[str, Any]]) -> None:
    """Means count the padding or not, or divide by a number given."""
    x, options = case
    pool, size = AVG[len(options["kernel_size"])], np.prod(options["kernel_size"])
    total = looped(x, np.nansum, options)
    np.testing.assert_allclose(values(pool, x, **options), total / size, rtol=1e-12, atol=1e-14)
    own = values(pool, x, count_include_pad=False, **options)
    np.testing.assert_allclose(own, looped(x, np.nanmean, options), rtol=1e-12, atol=1e-14)
    by = values(pool, x, divisor_override=3, **options)
    np.testing.assert_allclose(by, total / 3, rtol=1e-12, atol=1e-14)


def test_ceil_mode_adds_a_last_window_in_part() -> None:
    """The last window holds what is left, and counts no more than that; none starts beyond."""
    x = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert values(df.nn.max_pool1d, x, 2).tolist() == [[2, 4]]
    assert values(df.nn.max_pool1d, x, 2, ceil_mode=True).tolist() == [[2, 4, 5]]
    assert values(df.nn.avg_pool1d, x, 2, ceil_mode=True).tolist() == [[1.5, 3.5, 5]]
    assert values(df.nn.max_pool1d, x, 2, stride=6, padding=1, ceil_mode=True).tolist() == [[1]]
    assert values(df.nn.avg_pool1d, x, 2, padding=1, ceil_mode=True).tolist() == [[0.5, 2.5, 4.5]]


def test_the_first_of_ties_has_the_gradient() -> None:
    """Of equal elements the first one has a window's whole gradient, in row-major order."""
    x = np.ones((1, 4, 4))
    expected = [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]
    assert slope(df.nn.max_pool2d, x, 2)[0].tolist() == expected
    assert values(df.nn.max_pool2d, x, 2, return_indices=True)[1].tolist() == [[[0, 2], [8, 10]]]


def test_overlapping_windows_add_up() -> None:
    """An element that several windows choose gets the gradients of all."""
    assert slope(df.nn.max_pool1d, [[0.0, 9.0, 1.0, 2.0]], 2, 1).tolist() == [[0, 2, 0, 1]]


def test_nan_is_the_maximum() -> None:
    """A NaN is the maximum of every window that holds it, found and differentiated there."""
    x = np.array([[1.0, np.nan, 0.0, 2.0, 5.0]])
    y, indices = values(df.nn.max_pool1d, x, 2, 1, return_indices=True)
    assert np.isnan(y).tolist() == [[True, True, False, False]]
    assert indices.tolist() == [[1, 1, 3, 4]]
    assert slope(df.nn.max_pool1d, x, 2, 1).tolist() == [[0, 2, 0, 1, 1]]


def test_windows_of_many_elements() -> None:
    """Windows of more than 255 elements are searched too, at many places or few, NaN or not."""
    x = np.random.default_rng(8).permutation(400).astype(float)
    for row in (x, np.where(x == 7, np.nan, x)):
        for stride in (1, 50):
            y, indices = values(df.nn.max_pool1d, row[None], 300, stride, return_indices=True)
            windows = np.lib.stride_tricks.sliding_window_view(row, 300)[::stride]
            np.testing.assert_array_equal(y[0], windows.max(1))
            found = windows.argmax(1) + stride * np.arange(len(windows))
            np.testing.assert_array_equal(indices[0], found)


def test_padding_is_never_chosen() -> None:
    """Even the least number there is, in any dtype, is chosen before the padding."""
    for dtype, low in (("float32", -np.inf), ("int8", -128), ("uint16", 0), ("bool", False)):
        x = np.full((1, 3), low, dtype)
        y, indices = values(df.nn.max_pool1d, x, 3, 1, 1, return_indices=True)
        assert y.dtype == np.dtype(dtype)
        assert (y.tolist(), indices.tolist()) == ([[low] * 3], [[0, 0, 1]])


def test_float16_means_stay_in_range() -> None:
    """A sum beyond float16's range has a mean within it, added up in float32."""
    x = np.full((1, 4096), 60000, np.float16)
    assert values(df.nn.avg_pool1d, x, 4096).tolist() == [[np.float16(60000)]]
    slopes = slope(df.nn.avg_pool1d, x, 4096)
    assert slopes.dtype == np.float16
    assert np.unique(slopes).tolist() == [np.float16(1 / 4096)]


def test_named_dimensions_are_bound_late() -> None:
    """The batch may be named, and spatial axes too; gradients follow."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2, "height", 6), "float64")
    y = df.nn.max_pool2d(x, 2, padding=1)
    z = df.nn.avg_pool2d(y, 2, stride=1, padding=1, count_include_pad=False)
    assert [*map(str, y.shape)] == ["batch", "2", "height//2 + 1", "4"]
    fed = np.random.default_rng(1).uniform(-1, 1, (3, 2, 5, 6))
    slopes = df.evaluate(df.grad((z * z).sum(), x), feeds={"x": fed})
    one = [df.evaluate(df.grad((z * z).sum(), x), feeds={"x": fed[i : i + 1]}) for i in range(3)]
    np.testing.assert_allclose(slopes, np.concatenate(one), rtol=1e-13)


def test_a_plan_needs_no_patches() -> None:
    """Forward and reverse, a plan's arena is a few times the image, whatever the window."""
    sizes = []
    for kernel in (2, 7):
        b = df.GraphBuilder()
        x = b.input("x", (4, 8, 32, 32), "float32")
        y = df.nn.max_pool2d(x, kernel, 1, kernel // 2)
        graph = b.build(outputs={"slope": df.grad((y * y).sum(), x)})
        sizes.append(df.compile(graph).peak)
    assert max(sizes) <= 8 * 4 * 8 * 33 * 33 * 4
    assert abs(sizes[0] - sizes[1]) < sizes[0] / 4


def test_empty_batches() -> None:
    """No examples give no results and gradients of their shape."""
    x = np.ones((0, 2, 5, 5))
    for pool in (df.nn.max_pool2d, df.nn.avg_pool2d):
        assert values(pool, x, 2).shape == (0, 2, 2, 2)
        assert slope(pool, x, 2).shape == x.shape


X = np.ones((1, 2, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X, {"kernel_size": 0}, "kernel_size .*int of 1 or more"),
        (X, {"kernel_size": (2, 2, 2)}, "kernel_size .*2 of them"),
        (X, {"kernel_size": 2.0}, "kernel_size"),
        (X, {"kernel_size": 2, "stride": 0}, "stride"),
        (X, {"kernel_size": 2, "padding": -1}, "padding"),
        (X, {"kernel_size": 2, "padding": 2}, "padding alone along an axis of 5"),
        (X, {"kernel_size": 6}, "spans 6 elements doesn't fit in an axis of 5"),
        (X[0, 0], {"kernel_size": 2}, "takes 3 axes or more .*reshape"),
        (X[:, :, :0], {"kernel_size": (1, 2), "padding": (0, 1)}, "doesn't fit"),
    ],
)
@pytest.mark.parametrize("pool", [df.nn.max_pool2d, df.nn.avg_pool2d])
def test_errors_say_what_to_do(
    pool: Callable[..., Any], x: Array, options: Any, message: str  # noqa: ANN401
) -> None:  # fmt: skip
    """Every misuse is refused at the user's line, with what was expected and what came."""
    with pytest.raises(ShapeError, match=message) as caught:
        values(pool, x, **options)
    assert "constants.py:" in str(caught.value)


def test_errors_of_one_kind_of_pooling() -> None:
    """Dilation, divisors, dtypes, and ceil_mode of a named axis."""
    with pytest.raises(ShapeError, match="dilation"):
        values(df.nn.max_pool2d, X, 2, dilation=0)
    for divisor in (0, 1.5, True):
        with pytest.raises(ArgumentError, match=r"divisor_override .*int and not 0"):
            values(df.nn.avg_pool2d, X, 2, divisor_override=divisor)
    with pytest.raises(DTypeError, match="no order"):
        values(df.nn.max_pool2d, X + 1j, 2)
    with pytest.raises(DTypeError, match=r"use .astype\('float32'\)"):
        values(df.nn.avg_pool2d, X.astype(int), 2)
    with pytest.raises(ShapeError, match="ceil_mode needs axes of known length, not n"):
        df.nn.max_pool1d(df.GraphBuilder().input("x", (1, "n"), "float32"), 2, ceil_mode=True)


# Pools that ask for a size


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 5), st.integers(1, 5))
def test_adaptive_pools_are_a_plain_loop(height: int, width: int, rows: int, columns: int) -> None:
    """Windows start at floor(i n / k) and stop at ceil((i + 1) n / k), even or not."""
    x = np.random.default_rng(height).integers(-4, 4, (2, height, width)).astype(float)
    means, maxima = np.zeros((2, rows, columns)), np.zeros((2, rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = x[:, i * height // rows : -(-(i + 1) * height // rows),
                   j * width // columns : -(-(j + 1) * width // columns)]  # fmt: skip
        means[:, i, j], maxima[:, i, j] = window.mean((1, 2)), window.max((1, 2))
    np.testing.assert_allclose(
        values(df.nn.adaptive_avg_pool2d, x, (rows, columns)), means, atol=1e-14
    )
    y, at = values(df.nn.adaptive_max_pool2d, x, (rows, columns), return_indices=True)
    np.testing.assert_array_equal(y, maxima)
    found = np.take_along_axis(x.reshape(2, -1), at.reshape(2, -1), 1)
    np.testing.assert_array_equal(found.reshape(y.shape), y)
    slopes = slope(df.nn.adaptive_max_pool2d, x, (rows, columns))
    expected = np.zeros((2, height * width))
    for row in range(2):
        np.add.at(expected[row], at[row].ravel(), 1)
    np.testing.assert_array_equal(slopes.reshape(2, -1), expected)


def test_one_number_of_each_channel() -> None:
    """Global pools are the mean and the maximum of all spatial axes, kept or not."""
    x = np.random.default_rng(3).uniform(-1, 1, (2, 3, 4, 5))
    np.testing.assert_allclose(values(df.nn.global_avg_pool, x), x.mean((2, 3)), rtol=1e-13)
    np.testing.assert_array_equal(values(df.nn.global_max_pool, x), x.max((2, 3)))
    for pool in (df.nn.global_avg_pool, df.nn.global_max_pool):
        assert values(pool, x, keepdims=True).shape == (2, 3, 1, 1)
    ones = np.ones((1, 1, 2, 2))
    assert slope(df.nn.global_max_pool, ones).tolist() == [[[[1, 0], [0, 0]]]]


def test_global_pools_take_named_axes() -> None:
    """Global pools need no known size."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2, "height", "width"), "float64")
    y = df.nn.global_max_pool(x) + df.nn.global_avg_pool(x) + df.nn.adaptive_avg_pool2d(x, 2).sum()
    fed = np.random.default_rng(4).uniform(-1, 1, (2, 2, 5, 6))
    slopes = df.evaluate(df.grad(y.sum(), x), feeds={"x": fed})
    assert np.asarray(slopes).shape == fed.shape


def test_the_norm_of_zeros_has_no_infinite_gradient() -> None:
    """Where all elements are 0, the norm's gradient is 0, not NaN."""
    x = [[0.0, 0.0, 3.0, 4.0]]
    assert slope(df.nn.lp_pool1d, x, 2, 2).tolist() == [[0, 0, np.float32(0.6), np.float32(0.8)]]


def test_errors_of_pools_that_ask_for_a_size() -> None:
    """Sizes that aren't, axes without elements, uneven windows of named axes, few axes."""
    for size in (0, (2, 3, 4), 1.5):
        with pytest.raises(ShapeError, match="output_size"):
            values(df.nn.adaptive_avg_pool2d, X, size)
    with pytest.raises(ShapeError, match="no elements"):
        values(df.nn.adaptive_max_pool2d, X[:, :, :0], 1)
    with pytest.raises(ShapeError, match="must have known lengths"):
        df.nn.adaptive_max_pool1d(df.GraphBuilder().input("x", (1, "n"), "float32"), 2)
    with pytest.raises(DTypeError, match="no order"):
        values(df.nn.adaptive_max_pool2d, X + 1j, 1)
    with pytest.raises(DTypeError, match="astype"):
        values(df.nn.adaptive_avg_pool2d, X.astype(int), 3)
    with pytest.raises(ShapeError, match="spatial axes, not"):
        values(df.nn.global_avg_pool, X[0, 0])
    with pytest.raises(ArgumentError, match="norm_type is a number above 0"):
        values(df.nn.lp_pool2d, X, 0, 2)


def test_maxima_are_put_back_where_they_were() -> None:
    """Pooling again what was put back gives the same maxima at the same places."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2, 7, 6), "float64")
    y, indices = df.nn.max_pool2d(x, 3, 2, 1, return_indices=True)
    back = df.nn.max_unpool2d(y, indices, 3, 2, 1, output_size=(7, 6))
    again = df.nn.max_pool2d(back, 3, 2, 1, return_indices=True)
    fed = np.random.default_rng(6).uniform(1, 2, (2, 2, 7, 6))
    made = df.evaluate(y, indices, *again, feeds={"x": fed})
    np.testing.assert_array_equal(made[0], made[2])
    np.testing.assert_array_equal(made[1], made[3])


def test_errors_of_unpooling() -> None:
    """Indices of another shape or dtype, and sizes that no pooling starts from."""
    b = df.GraphBuilder()
    y, indices = df.nn.max_pool2d(b.constant(X), 2, return_indices=True)
    for wrong in (indices[..., :1], y):
        with pytest.raises(ShapeError, match="as max_pool2d returns them"):
            df.nn.max_unpool2d(y, wrong, 2)
    for size in ((6, 4), (4,), (9, 9, 4, 2)):
        with pytest.raises(ShapeError, match="within less than a stride"):
            df.nn.max_unpool2d(y, indices, 2, output_size=size)
