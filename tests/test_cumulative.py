"""What scans promise beyond their records: NumPy's and PyTorch's values, zeros, ties, errors."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, ShapeError
from dataflow.spec import DTYPES
from tests.constants import slope, values

X = np.random.default_rng(0).uniform(-2, 2, (2, 3, 4))
NAN, INF = math.nan, math.inf


def hessian(function: Callable[..., Any], array: Any) -> Any:  # noqa: ANN401
    """Return the second derivatives of the sum of a function's values of one axis."""
    b = df.GraphBuilder()
    x = b.constant(array)
    (first,) = df.grad(function(x).sum(), [x])
    return np.array(df.evaluate(*[df.grad(first[i], [x])[0] for i in range(len(array))]))


@pytest.mark.parametrize(("name", "dtype"), product(("cumsum", "cumprod"), DTYPES))
def test_dtypes_are_numpys(name: str, dtype: str) -> None:
    """Small integers and booleans become int64 or uint64, others stay; dtype= casts first."""
    x = (np.abs(X) * 2).astype(dtype)
    for axis in (None, 1):
        found, expected = (
            values(lambda t, a=axis: getattr(df, name)(t, a), x),
            getattr(np, name)(x, axis),
        )
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=4e-3 if dtype == "float16" else 1e-5)
    for asked in ("int8", "float64"):
        found = values(
            lambda t, d=asked: getattr(df, name)(t, 0, d), (np.abs(X) * 2).astype("uint8")
        )
        expected = getattr(np, name)((np.abs(X) * 2).astype("uint8"), 0, asked)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == asked


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3), place=st.integers(-3, 2),
    reverse=st.booleans(), exclusive=st.booleans(),
)  # fmt: skip
def test_directions_and_exclusions(
    shape: list[int], place: int, *, reverse: bool, exclusive: bool
) -> None:
    """For any shape, axis and flags, a scan is NumPy's of the flipped and shifted array."""
    axis = place % len(shape)
    x = np.random.default_rng(0).uniform(-2, 2, shape)
    for name, first in (("cumsum", 0), ("cumprod", 1)):
        ahead = np.flip(x, axis) if reverse else x
        if exclusive and x.shape[axis]:
            rest = np.delete(ahead, -1, axis)
            ahead = np.concatenate([np.full_like(np.take(x, [0], axis), first), rest], axis)
        expected = getattr(np, name)(ahead, axis)
        expected = np.flip(expected, axis) if reverse else expected
        found = values(
            lambda t, n=name: getattr(df, n)(t, axis, reverse=reverse, exclusive=exclusive), x
        )
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "float16", "float32", "complex128"])
def test_long_rows_have_numpys_bits(dtype: str) -> None:
    """Scanned row by row where rows are long, results have the bits of NumPy's."""
    x = np.random.default_rng(0).uniform(-2, 2, (3, 5, 2, 200)).astype(dtype)
    wide = x.astype("float32") if dtype == "float16" else x
    for axis, reverse in ((0, False), (1, False), (1, True)):
        ahead = np.flip(wide, axis) if reverse else wide
        expected = np.add.accumulate(ahead, axis)
        expected = (np.flip(expected, axis) if reverse else expected).astype(dtype)
        found = values(lambda t, a=axis, r=reverse: df.cumsum(t, a, reverse=r), x)
        np.testing.assert_array_equal(found, expected)
        if dtype[0] == "f":
            largest = values(lambda t, a=axis: df.cummax(t, a)[0], x)
            np.testing.assert_array_equal(largest, np.maximum.accumulate(x, axis))


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_initial_elements(name: str) -> None:
    """With include_initial= the result begins with 0 or 1, and keeps its dtype."""
    for axis, dtype in product((0, 1, -1), (None, "int32", "float32")):
        options: dict[str, Any] = {"axis": axis, "dtype": dtype, "include_initial": True}
        found = values(lambda t, o=options: getattr(df, name)(t, **o), (X * 3).astype("int16"))
        expected = getattr(np, name)((X * 3).astype("int16"), **options)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    with pytest.raises(ShapeError, match="3 axes"):
        values(getattr(df, name), X)


def test_running_sums_of_halves() -> None:
    """float16 is added up in float32: 4,000 ones make 4,000, and a third stays one."""
    assert values(df.cumsum, np.ones(4000, np.float16))[-1] == 4000


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (1, 3), (0, 1, 2, 3)])
def test_derivatives_of_running_products_with_zeros(zeros: tuple[int, ...]) -> None:
    """Gradient and Hessian of running products are exact where elements are zero."""
    x = np.array([2.0, 3.0, -0.5, 4.0])
    x[list(zeros)] = 0

    def without(*left_out: int) -> float:
        ends = range(max(left_out) + 1, 5)
        return sum(float(np.prod(np.delete(x[:end], list(left_out)))) for end in ends)

    np.testing.assert_allclose(slope(df.cumprod, x), [without(i) for i in range(4)])
    expected = [[without(i, j) if i != j else 0 for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(hessian(df.cumprod, x), expected, atol=1e-15)


def test_products_without_division_dont_overflow() -> None:
    """A running product that vanishes and whose parts are huge has finite derivatives."""
    x = np.array([0.0, 1e200, 1e100, 3.0])
    assert np.isfinite(slope(df.cumprod, x)[0])


# Extremes


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64"])
def test_running_extremes_are_numpys(dtype: str) -> None:
    """Values are those of ``maximum.accumulate``; an index leads to the value, the last tie's."""
    x = np.random.default_rng(0).integers(0, 4, (3, 7)).astype(dtype)
    for name, ufunc in (("cummax", np.maximum), ("cummin", np.minimum)):
        found, indices = values(getattr(df, name), x)
        np.testing.assert_array_equal(found, ufunc.accumulate(x, 1))
        np.testing.assert_array_equal(np.take_along_axis(x, indices, 1), found)
        for row, col in np.ndindex(x.shape):
            ties = np.flatnonzero(x[row, : col + 1] == found[row, col])
            assert indices[row, col] == ties[-1]


def test_running_extremes_of_nan() -> None:
    """From a NaN on all is NaN, and the index is the last NaN's, as in PyTorch."""
    found, indices = values(df.cummax, np.array([1.0, NAN, 3.0, NAN, 5.0]))
    np.testing.assert_array_equal(found, [1, NAN, NAN, NAN, NAN])
    np.testing.assert_array_equal(indices, [0, 1, 1, 3, 3])


def test_gradient_of_ties_goes_to_the_last() -> None:
    """Of elements that tie, the last one up to each place gets the gradient, as in PyTorch."""
    x = np.array([1.0, 3.0, 3.0, 2.0, 3.0])
    np.testing.assert_array_equal(slope(lambda t: df.cummax(t)[0], x), [1, 1, 2, 0, 1])
    np.testing.assert_array_equal(slope(lambda t: df.cummin(t)[0], -x), [1, 1, 2, 0, 1])


# logcumsumexp


def test_running_logarithms_dont_overflow() -> None:
    """Large and small exponents, and infinities, give the logarithms of the running sums."""
    rows = np.array(
        [[1e3, 1e3, -INF, 0], [-INF, -INF, -2e3, -2e3], [INF, 0, -INF, 1], [0, 1, 2, 3]]
    )
    np.testing.assert_allclose(values(df.logcumsumexp, rows), np.logaddexp.accumulate(rows, 1))
    back = values(lambda t: df.logcumsumexp(t, reverse=True, exclusive=True), rows[3])
    np.testing.assert_allclose(back[:3], np.logaddexp.accumulate(rows[3, ::-1])[::-1][1:])
    assert back[3] == -INF


def test_gradients_of_running_logarithms() -> None:
    """Each exponential's share of every sum, with exponents apart by thousands."""
    x = np.array([0.0, 1.0, -1e3, 2.0])
    np.testing.assert_allclose(
        slope(df.logcumsumexp, x),
        sum(np.pad(np.exp(x[:n]) / np.exp(x[:n]).sum(), (0, 4 - n)) for n in range(1, 5)),
    )
    np.testing.assert_allclose(slope(df.logcumsumexp, x + 5000), slope(df.logcumsumexp, x))


def test_gradients_of_exclusive_logarithms() -> None:
    """What leaves out its own place has the gradient of what comes before, at both orders."""
    x = np.array([0.3, -1.0, 0.5, 2.0])

    def exclusive(t: Any) -> Any:  # noqa: ANN401
        return df.logcumsumexp(t, exclusive=True)[1:]

    def plain(t: Any) -> Any:  # noqa: ANN401
        return df.logcumsumexp(t)[:-1]

    np.testing.assert_allclose(slope(exclusive, x), slope(plain, x))
    np.testing.assert_allclose(hessian(exclusive, x), hessian(plain, x), atol=1e-15)


# linear_recurrence


def test_recurrence_is_a_loop() -> None:
    """Each element is its term plus its factor times the element before it; shapes broadcast."""
    a, b = X[:, :1], X[1] + 1
    expected = np.broadcast_to(b, X.shape).copy()
    for i in range(1, 4):
        expected[..., i] += np.broadcast_to(a, X.shape)[..., i] * expected[..., i - 1]
    np.testing.assert_allclose(values(df.linear_recurrence, a, b), expected)
    flipped = values(
        lambda t, u: df.linear_recurrence(t, u, reverse=True), a[..., ::-1], b[..., ::-1]
    )
    np.testing.assert_allclose(flipped, expected[..., ::-1])


@pytest.mark.parametrize("length", [64, 65, 100, 1000, 1023])
def test_long_recurrences_are_a_loop(length: int) -> None:
    """Cut into blocks, with a rest or without, a recurrence is what it is in one piece."""
    a, b = np.random.default_rng(length).uniform(-1.1, 1.1, (2, 3, length))
    a[0, ::7] = 0
    expected = b.copy()
    for i in range(1, length):
        expected[:, i] += a[:, i] * expected[:, i - 1]
    found = values(df.linear_recurrence, a, b)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    halves = values(df.linear_recurrence, a.astype("float16"), b.astype("float16"))
    assert halves.dtype == np.float16
    np.testing.assert_allclose(halves, expected, rtol=0.05, atol=0.05)


def test_scans_over_a_named_axis() -> None:
    """An axis whose length is named is scanned, and differentiated."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "float64")
    outputs = [
        df.cumprod(x, 0),
        df.cummax(x, 0)[1],
        df.cumulative_sum(x, axis=0, include_initial=True),
    ]
    (slope,) = df.grad(df.cumprod(x, 0).sum() + df.logcumsumexp(x, 0).sum(), [x])
    array = X[0][:, :2]
    found = df.evaluate(*outputs, slope, feeds={"x": array})
    np.testing.assert_allclose(found[0], np.cumprod(array, 0))
    assert found[2].shape == (4, 2)
    assert outputs[2].shape == (b.dim("n + 1"), 2)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"])
def test_axes_are_checked(name: str) -> None:
    """An axis out of range is refused, with the caller's line."""
    with pytest.raises(ShapeError, match=r"axis 3.*test_cumulative\.py"):
        values(lambda t: getattr(df, name)(t, 3), X)


@pytest.mark.parametrize("name", ["cummax", "cummin", "logcumsumexp"])
def test_complex_numbers_are_refused(name: str) -> None:
    """What has no order has no running maximum; logarithms of complex sums aren't offered."""
    with pytest.raises(DTypeError, match="complex128"):
        values(getattr(df, name), X + 1j)
