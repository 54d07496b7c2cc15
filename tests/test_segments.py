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
from dataflow.errors import ArgumentError, DTypeError, GraphError, RunError, ShapeError
from tests.constants import values

X = np.random.default_rng(0).uniform(-2, 2, (6, 2))
IDS = np.array([2, 0, 2, 5, 0, 2])
NAN, INF = math.nan, math.inf

REDUCERS: dict[str, tuple[Callable[..., Any], float]] = {
    "segment_sum": (np.sum, 0), "segment_prod": (np.prod, 1), "segment_mean": (np.mean, 0),
    "segment_max": (np.max, -INF), "segment_min": (np.min, INF),
}  # fmt: skip


def looped(name: str, x: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """Return a row for every segment, by a loop."""
    reducer, first = REDUCERS[name]
    rows = [x[ids == i] for i in range(count)]
    empty = np.full(x.shape[ids.ndim :], first)
    return np.array([reducer(row, axis=0) if len(row) else empty for row in rows])


def computed(like: df.Tensor, ids: object) -> df.Tensor:
    """Return ids that are known when the plan runs, not before."""
    return like.builder.constant(np.array(ids, np.int64)) + 0


@pytest.mark.parametrize("name", list(REDUCERS))
@pytest.mark.parametrize("wrong", [-1, 3, 9])
def test_known_numbers_of_no_segment_are_refused(name: str, wrong: int) -> None:
    """An id out of range in a list, an array or a constant is an error, which says the range."""
    t = df.GraphBuilder().constant(np.ones((3, 4)))
    ids = [0, 1, wrong]
    for given_ids in (ids, np.array(ids), t.builder.constant(ids)):
        with pytest.raises(
            ShapeError, match=rf"{name}: segment id {wrong} is out of range .*below 3"
        ):
            getattr(df, name)(t, given_ids, num_segments=3)


@pytest.mark.parametrize("name", list(REDUCERS))
@settings(max_examples=25, deadline=None)
@given(ids=st.lists(st.integers(-2, 5), max_size=6), count=st.integers(0, 4))
def test_segments_are_a_loop(name: str, ids: list[int], count: int) -> None:
    """Whatever the ids of a run, each row is its segment's; numbers of none are left out."""
    x = X[: len(ids)]
    found = values(lambda t: getattr(df, name)(t, computed(t, ids), count), x)
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
    result = getattr(df, name)(x, computed(x, IDS), 5)
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
    found = values(lambda t: df.segment_sum(t, computed(t, IDS.reshape(2, 3)), 3), x)
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


def test_means_of_many_float16() -> None:
    """A mean that float16 holds is right, also where the sum or the number is too large for it."""
    x, ids = np.full(70_000, 60_000, "float16"), np.zeros(70_000, "int64")
    found = values(lambda t: df.segment_mean(t, ids, 2), x)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, [60_000, 0], rtol=2e-3)


def test_segments_are_checked() -> None:
    """Ids of floats, of another shape, and negative numbers of segments are refused."""
    with pytest.raises(DTypeError, match="integers"):
        values(lambda t: df.segment_sum(t, [0.0] * 6, 3), X)
    with pytest.raises(ShapeError, match="first axes"):
        values(lambda t: df.segment_sum(t, [0, 1], 3), X)
    with pytest.raises(ShapeError, match="negative"):
        values(lambda t: df.segment_sum(t, IDS, -1), X)


# Counts


def test_counts_are_numpys() -> None:
    """Counts, and sums of weights, are those of `numpy.bincount`, in its dtypes."""
    for dtype in ("int8", "uint64", "int64"):
        x = np.array([3, 1, 3, 0, 5], dtype)
        found = values(lambda t: np.bincount(t, minlength=8), x)
        np.testing.assert_array_equal(found, np.bincount(x.astype("int64"), minlength=8))
    for weights in (X[:5, 0], np.arange(5), X[:5, 0].astype("float32")):
        found = values(lambda t, w: df.bincount(t, w, minlength=8), IDS[:5], weights)
        expected = np.bincount(IDS[:5], weights, minlength=8)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected)


def test_booleans_are_counted() -> None:
    """False is counted as 0, True as 1."""
    x = np.array([True, False, True])
    np.testing.assert_array_equal(values(lambda t: df.bincount(t, minlength=3), x), [1, 2, 0])


def test_weights_of_counts_have_gradients() -> None:
    """A weight's gradient is that of the count that it is added to."""
    b = df.GraphBuilder()
    weights, slopes = b.constant(X[:, 0]), np.arange(6.0)
    (slope,) = df.grad((df.bincount(b.constant(IDS), weights, 6) * slopes).sum(), [weights])
    np.testing.assert_array_equal(df.evaluate(slope), slopes[IDS])


@pytest.mark.parametrize("wrong", [-1, 4])
def test_counts_refuse_other_numbers(wrong: int) -> None:
    """A number that is negative, or has no place, is refused once it is known, and isn't lost."""
    with pytest.raises(ShapeError, match=f"element {wrong} is out of range"):
        values(lambda t: df.bincount(t, minlength=4), np.array([0, wrong]))
    b = df.GraphBuilder()
    counts = df.bincount(b.input("x", (2,), "int64"), minlength=4)
    with pytest.raises(RunError, match="out of range"):
        df.evaluate(counts, x=np.array([0, wrong]))


EDGES = np.array([-1.0, 0.0, 0.5, 0.5, 2.0])
WITH_SPECIALS = np.array([NAN, -1.0, 0.0, 0.5, 2.0, 2.1, -INF, INF, 0.25, 1.0, 1.9999])


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_histograms_are_numpys(dtype: str, *, density: bool) -> None:
    """Bins of one width in a range or in that of the data, or by their edges; weighted or not."""
    x = (X * 3).round(1).astype(dtype)
    cases: list[dict[str, Any]] = [
        {}, {"bins": 3}, {"bins": 7, "range": (-2, 3)}, {"bins": EDGES}, {"bins": [0, 1]},
        {"bins": 4, "weights": X}, {"bins": EDGES, "weights": np.arange(12).reshape(6, 2)},
        {"bins": 2, "range": (1, 1)},
    ]  # fmt: skip
    for case in cases:
        options = {**case, "density": density}
        found = values(lambda t, o=options: np.histogram(t, **o), x)
        with np.errstate(all="ignore"):
            expected = np.histogram(x, **options)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-6 if dtype == "float32" else 1e-13)
        edges = values(lambda t, o=case: df.histogram_bin_edges(
            t, o.get("bins", 10), o.get("range")), x)  # fmt: skip
        np.testing.assert_allclose(edges, found[1])


def test_lists_beside_float64_keep_their_digits() -> None:
    """Edges and weights in lists aren't rounded to float32: elements on an edge stay in its bin."""
    x, edges, weights = np.array([0.1, 0.2, 0.7]), [0.1, 0.2, 0.7], [0.1, 0.3, 0.4]
    found = values(lambda t: df.histogram(t, edges, weights=weights), x)
    for ours, theirs in zip(found, np.histogram(x, edges, weights=weights), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-15)
    counts = values(lambda t: df.bincount(t, weights, minlength=4), np.array([0, 1, 3]))
    np.testing.assert_array_equal(counts, np.bincount([0, 1, 3], weights, minlength=4))
    both = values(lambda t: df.histogram2d(t, weights, [edges, 2])[0], x)
    np.testing.assert_array_equal(both, np.histogram2d(x, weights, [edges, 2])[0])


def test_histograms_of_special_values() -> None:
    """What is NaN or outside of all bins isn't counted; the last edge is within its bin."""
    for bins in (EDGES[[0, 1, 2, 4]], np.array([-INF, 0.0, INF])):
        found = values(lambda t, e=bins: df.histogram(t, e)[0], WITH_SPECIALS)
        np.testing.assert_array_equal(found, np.histogram(WITH_SPECIALS, bins)[0])
    found = values(lambda t: df.histogram(t, 4, (-1, 2))[0], WITH_SPECIALS)
    np.testing.assert_array_equal(found, np.histogram(WITH_SPECIALS, 4, (-1, 2))[0])


def test_histograms_of_nothing_and_of_one_value() -> None:
    """Of no data the range is 0 to 1, of equal elements it is widened by 0.5, as in NumPy."""
    for x in (np.zeros((0, 2)), np.full(3, 2.0)):
        found = values(lambda t: df.histogram(t, 4), x)
        for ours, theirs in zip(found, np.histogram(x, 4), strict=True):
            np.testing.assert_allclose(ours, theirs)


def test_counts_are_checked() -> None:
    """What counts can't be made of is refused where they are declared."""
    with pytest.raises(ArgumentError, match="minlength="):
        values(df.bincount, IDS)
    with pytest.raises(DTypeError, match="integers"):
        values(lambda t: df.bincount(t, minlength=3), X[:, 0])
    with pytest.raises(ArgumentError, match="weights"):
        values(lambda t: df.bincount(t, [1.0], minlength=6), IDS)
    with pytest.raises(GraphError, match="data"):
        values(lambda t: df.histogram(t, "auto"), X)
    for bins, bounds in ((0, None), (2.5, None), ([1, 0], None), (3, (1, 0)), (3, (0, INF))):
        with pytest.raises(ArgumentError, match="histogram"):
            values(lambda t, b=bins, r=bounds: df.histogram(t, b, r), X)


def flat(counts: Any, edges: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return counts and all edges in a row."""
    return (counts, *edges)


def test_histograms_over_several_axes_are_numpys() -> None:
    """Points in boxes of bins of one width, by edges, in ranges, weighted, and as a density."""
    points, weights = np.round(np.stack([X[:, 0], X[:, 1], X[::-1, 0]], 1), 1), X[:, 1] + 3
    cases: list[dict[str, Any]] = [
        {}, {"bins": (2, 3, 4)}, {"bins": [EDGES[[0, 1, 4]], 3, [-2, 2]]}, {"weights": weights},
        {"bins": 3, "range": [(-1, 1), None, (0, 2)], "density": True, "weights": weights},
    ]  # fmt: skip
    for case in cases:
        found = values(lambda t, o=case: flat(*np.histogramdd(t, **o)), points)
        counts, edges = np.histogramdd(points, **case)
        assert found[0].dtype == counts.dtype
        for ours, theirs in zip(found, (counts, *edges), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    both: list[Any] = [4, (2, 3), EDGES[[0, 1, 2, 4]], [EDGES[[0, 1, 4]], 3]]
    for bins in both:
        found = values(lambda t, b=bins: df.histogram2d(t, X[:, 1], b, density=True), X[:, 0])
        expected: Any = np.histogram2d(list(X[:, 0]), list(X[:, 1]), bins, density=True)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_histograms_over_several_axes_are_checked() -> None:
    """Points that aren't rows, and bins that aren't as many as coordinates, are refused."""
    for points, bins in ((X[:, 0], 3), (X, (1, 2, 3)), (X, (3,))):
        with pytest.raises(ShapeError, match="histogram"):
            values(lambda t, b=bins: df.histogramdd(t, b)[0], points)
    with pytest.raises(ShapeError, match="same length"):
        values(lambda t: df.histogram2d(t, [1.0])[0], X[:, 0])
    with pytest.raises(ShapeError, match="coordinates"):
        values(lambda t: df.histogram2d(t, X[:, 1], 3, [(0, 1)])[0], X[:, 0])


# Long sums


@pytest.mark.parametrize("ids", ["one", "sorted", "mixed"])
def test_sums_of_a_million_are_as_good_as_one_rounding(ids: str) -> None:
    """A million float32 numbers of a segment are added up in float64, in whatever order."""
    rng = np.random.default_rng(0)
    places = np.zeros(10**6, int) if ids == "one" else rng.integers(0, 3, 10**6)
    places = np.sort(places) if ids == "sorted" else places
    for x in (np.ones(10**6, np.float32), rng.uniform(0, 1, 10**6).astype(np.float32)):
        exact = np.bincount(places, x, minlength=3)
        found = values(lambda t: df.segment_sum(t, places, 3), x)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, exact.astype(np.float32))
    means = values(lambda t: df.segment_mean(t, places, 3), np.full(10**6, 0.1, np.float32))
    assert means[0] == np.float32(0.1)
