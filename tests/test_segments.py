"""What segments and counts promise: the values of loops, of NumPy, and their gradients."""

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

X = np.random.default_rng(0).uniform(-2, 2, (6, 2))
IDS = np.array([2, 0, 2, 5, 0, 2])
NAN, INF = math.nan, math.inf

REDUCERS: dict[str, tuple[Callable[..., Any], float]] = {
    "segment_sum": (np.sum, 0), "segment_prod": (np.prod, 1), "segment_mean": (np.mean, 0),
    "segment_max": (np.max, -INF), "segment_min": (np.min, INF),
}  # fmt: skip


def values(function: Callable[..., Any], *arrays: Any) -> Any:  # noqa: ANN401
    """Return a function's value, or values, of constants."""
    b = df.GraphBuilder()
    made = function(*[b.constant(a) for a in arrays])
    return df.evaluate(*made) if isinstance(made, tuple) else df.evaluate(made)


def looped(name: str, x: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """Return a row for every segment, by a loop."""
    reducer, first = REDUCERS[name]
    rows = [x[ids == i] for i in range(count)]
    empty = np.full(x.shape[ids.ndim :], first)
    return np.array([reducer(row, axis=0) if len(row) else empty for row in rows])


@pytest.mark.parametrize("name", list(REDUCERS))
@settings(max_examples=25, deadline=None)
@given(ids=st.lists(st.integers(-2, 5), max_size=6), count=st.integers(0, 4))
def test_segments_are_a_loop(name: str, ids: list[int], count: int) -> None:
    """Whatever the ids, each row is its segment's; numbers of no segment are left out."""
    x = X[: len(ids)]
    found = values(lambda t: getattr(df, name)(t, np.array(ids, np.int64), count), x)
    expected = looped(name, x, np.array(ids, np.int64), count).reshape(count, 2)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("name", "dtype"), product(REDUCERS, ["bool", "int8", "uint32", "float16"])
)
def test_segments_of_other_dtypes(name: str, dtype: str) -> None:
    """Integers keep their dtype, but for means; sums and products of booleans count."""
    x = np.abs(X * 2).astype(dtype)
    found = values(lambda t: getattr(df, name)(t, IDS, 6), x)[[0, 2, 5]]
    wide = looped(name, x.astype("float64"), IDS, 6)[[0, 2, 5]]
    np.testing.assert_allclose(found, wide, rtol=2e-3)
    floats = {"segment_mean": "float16" if dtype == "float16" else "float64"}
    counted = "int64" if dtype == "bool" and name in {"segment_sum", "segment_prod"} else dtype
    assert found.dtype == floats.get(name, counted)


@pytest.mark.parametrize("name", list(REDUCERS))
def test_gradients_of_segments(name: str) -> None:
    """Each element gets the gradient that it has in a reduction of its segment alone; 0 outside."""
    b = df.GraphBuilder()
    x = b.constant(X)
    plain = {"segment_" + n: getattr(df, n) for n in ("sum", "prod", "mean", "max", "min")}[name]
    weights = np.arange(1.0, 13).reshape(6, 2)
    result = getattr(df, name)(x, IDS, 5)
    rows = df.where(df.isfinite(result), result, 0) * weights[:5]
    (slope,) = df.grad(rows.sum(), [x])
    (second,) = df.grad((slope * weights).sum(), [x])
    whole = df.stack([plain(x[np.flatnonzero(i == IDS)], 0) for i in (0, 2)]) * weights[[0, 2]]
    (expected,) = df.grad(whole.sum(), [x])
    (again,) = df.grad((expected * weights).sum(), [x])
    found = df.evaluate(slope, expected, second, again)
    np.testing.assert_allclose(found[0], found[1])
    np.testing.assert_allclose(found[2], found[3], atol=1e-14)
    assert not found[0][3].any()


def test_segments_of_several_axes() -> None:
    """Ids may have the shape of more than the first axis."""
    x = X.reshape(2, 3, 2)
    found = values(lambda t: df.segment_sum(t, IDS.reshape(2, 3), 3), x)
    np.testing.assert_allclose(found, looped("segment_sum", X, IDS, 3))


def test_named_numbers_of_segments() -> None:
    """The number of elements, and of segments, may be named."""
    b = df.GraphBuilder()
    x, ids = b.input("x", ("n", 2), "float64"), b.input("ids", ("n",), "int32")
    like = b.input("like", ("groups",), "float64")
    found = df.segment_max(x, ids, like.shape[0])
    assert found.shape == (like.shape[0], 2)
    feeds: dict[str, Any] = {"x": X, "ids": IDS.astype(np.int32), "like": np.zeros(3)}
    made = df.evaluate(found, like.sum(), feeds=feeds)[0]
    np.testing.assert_allclose(made, looped("segment_max", X, IDS, 3))


def test_segments_are_checked() -> None:
    """Ids of floats, of another shape, and negative numbers of segments are refused."""
    with pytest.raises(DTypeError, match="integers"):
        values(lambda t: df.segment_sum(t, [0.0] * 6, 3), X)
    with pytest.raises(ShapeError, match="first axes"):
        values(lambda t: df.segment_sum(t, [0, 1], 3), X)
    with pytest.raises(ShapeError, match="negative"):
        values(lambda t: df.segment_sum(t, IDS, -1), X)
