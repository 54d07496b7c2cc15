"""What orders promise beyond their records: NumPy's values over arguments, ties, NaN and errors."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GraphError
from tests.constants import slope, values

RNG = np.random.default_rng(6)
HALF: Any = 0.5
WORD: Any = "half"
METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip
SPECIAL = np.array([[2.0, math.nan, -1.0, 2.0], [math.inf, 0.5, -math.inf, 0.5]])


def same(actual: Any, expected: Any) -> None:  # noqa: ANN401
    """Assert that two arrays have one shape, dtype and values."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(actual, expected)


# Sorts


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(-1, 2), st.booleans(),
       st.sampled_from(["bool", "int8", "uint64", "float16", "float64"]))  # fmt: skip
def test_sorts_are_numpys(shape: list[int], axis: int, descending: bool, dtype: str) -> None:
    """Values are NumPy's, and indices those of the stable sort, along any axis and with ties."""
    x = RNG.integers(0, 3, shape).astype(dtype)
    axis = min(axis, x.ndim - 1)
    order = np.argsort(np.flip(x, axis) if descending else x, axis, "stable")
    if descending:
        order = np.flip(x.shape[axis] - 1 - order, axis)
    same(values(lambda t: df.argsort(t, axis, descending=descending), x), order)
    same(values(lambda t: df.sort(t, axis, descending=descending), x),
         np.take_along_axis(x, order, axis))  # fmt: skip


def test_nan_is_the_largest() -> None:
    """NaN comes last where a sort ascends, and first where it descends; infinities are numbers."""
    same(values(df.sort, SPECIAL), np.sort(SPECIAL))
    same(values(df.argsort, SPECIAL), np.argsort(SPECIAL, stable=True))
    same(values(lambda t: df.sort(t, descending=True), SPECIAL), np.flip(np.sort(SPECIAL), -1))
    found, places = values(lambda t: df.top_k(t, 2), SPECIAL)
    same(found, [[math.nan, 2], [math.inf, 0.5]])
    same(places, [[1, 0], [0, 1]])


def test_sorting_all_elements() -> None:
    """Without an axis, all elements are one line; NumPy's own functions give nodes."""
    x = RNG.uniform(size=(2, 3))
    same(values(lambda t: np.sort(t, axis=None, kind="stable"), x), np.sort(x, None))
    same(values(lambda t: np.argsort(t, axis=None), x), np.argsort(x, None))


def test_ties_have_the_stable_orders_gradient() -> None:
    """Among equal values, gradients go to the elements in the order in which they stand."""
    x, weights = np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 10.0, 100.0, 1000.0])
    same(slope(lambda t: df.sort(t) * weights, x), [100.0, 1, 1000, 10])
    same(slope(lambda t: df.sort(t, descending=True) * weights, x), [1.0, 100, 10, 1000])
    same(slope(lambda t: df.top_k(t, 1).values, x), [1.0, 0, 0, 0])


@pytest.mark.parametrize("shape", [(5,), (2, 4), (2, 0)])
@pytest.mark.parametrize("largest", [True, False])
def test_top_k_is_a_sorts_beginning(shape: tuple[int, ...], largest: bool) -> None:
    """The k largest, or smallest, along any axis are a sort's first; their indices lead to them."""
    x = RNG.permutation(math.prod(shape)).reshape(shape)
    for axis in range(-1, len(shape)):
        for k in (0, min(shape[axis], 2), shape[axis]):
            found, places = values(lambda t, k=k, a=axis: df.topk(t, k, a, largest=largest), x)
            ordered = np.flip(np.sort(x, axis), axis) if largest else np.sort(x, axis)
            same(found, np.take(ordered, range(k), axis))
            same(np.take_along_axis(x, places, axis), found)


def test_top_k_of_long_lines() -> None:
    """A partition finds what a stable sort would: with ties, NaN, and all of them equal."""
    x = RNG.integers(0, 40, (3, 2000)).astype("float64")
    x[1, ::300], x[2] = math.nan, 1
    for largest in (True, False):
        found, places = values(lambda t, g=largest: df.top_k(t, 30, largest=g), x)
        order = values(lambda t, g=largest: df.argsort(t, descending=g), x)
        same(places, order[:, :30])
        same(found, np.take_along_axis(x, places, -1))


def test_partitions_are_partitions() -> None:
    """The k-th value is in its place, none before it larger, none after it smaller."""
    x = RNG.permutation(7)
    for kth in (0, 3, -1, (1, 4)):
        made = values(lambda t, k=kth: df.partition(t, k), x)
        same(made, x[values(lambda t, k=kth: df.argpartition(t, k), x)])
        for place in np.atleast_1d(kth) % 7:
            assert made[place] == np.partition(x, place)[place]
            assert (made[:place] <= made[place]).all()
            assert (made[place:] >= made[place]).all()


def test_lexsort_is_numpys() -> None:
    """Several keys, in a tuple or a tensor, sort as NumPy's, along any axis."""
    keys = RNG.integers(0, 3, (3, 4, 5))
    for axis in (-1, 0):
        same(values(lambda t, a=axis: df.lexsort(t, a), keys), np.lexsort(keys, axis))
        same(values(lambda *t, a=axis: df.lexsort(t, a), *keys), np.lexsort(tuple(keys), axis))


# Quantiles


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_quantiles_are_numpys(method: Any, n: int) -> None:  # noqa: ANN401
    """Each method gives NumPy's values, at both ends, at ties of places and between."""
    x = RNG.uniform(-2, 2, (3, n))
    q = np.concatenate([np.linspace(0, 1, 9), [0.3, 1 / 3, 0.999]])
    for axis in (None, 0, -1):
        made = values(lambda t, a=axis: df.quantile(t, q, a, method=method), x)
        np.testing.assert_allclose(made, np.quantile(x, q, axis, method=method), 1e-14, 1e-14)
    x[0, 0] = math.nan
    if n > 1:
        made = values(lambda t: df.nanquantile(t, q, 1, method=method), x)
        np.testing.assert_allclose(made, np.nanquantile(x, q, 1, method=method), 1e-14, 1e-14)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data(), st.booleans(),
       st.sampled_from(["bool", "int32", "float32", "float64"]))  # fmt: skip
def test_medians_are_numpys(shape: list[int], data: Any, keepdims: bool, dtype: str) -> None:  # noqa: ANN401
    """Medians over any axes are NumPy's, with NaN left out or not."""
    x = RNG.integers(0, 5, shape).astype(dtype)
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    expected = np.asarray(np.median(x.astype(np.float64), axes, keepdims=keepdims))
    expected = expected.astype("float32" if dtype == "float32" else "float64")
    same(values(lambda t: df.median(t, axes, keepdims=keepdims), x), expected)
    same(values(lambda t: df.quantile(t, 0.5, axes, keepdims=keepdims), x), expected)
    if dtype[0] == "f":
        x.reshape(-1)[::3] = math.nan
        with pytest.warns(RuntimeWarning) if np.isnan(x).all(axes).any() else _quiet():
            expected = np.asarray(np.nanmedian(x, axes, keepdims=keepdims), dtype)
        same(values(lambda t: df.nanmedian(t, axes, keepdims=keepdims), x), expected)
        same(values(lambda t: df.nanpercentile(t, 50, axes, keepdims=keepdims), x), expected)


class _quiet:  # noqa: N801 - a context like pytest.warns
    """Do nothing."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64", "float16", "float32", "bool"])
@pytest.mark.parametrize(
    "method", ["lower", "higher", "nearest", "inverted_cdf", "closest_observation"]
)
def test_quantiles_that_are_values_keep_their_dtype(dtype: str, method: Any) -> None:  # noqa: ANN401
    """They are the very values, the largest integers and negative zeros among them."""
    x = np.array([[3, 1, 0, 2, 1], [0, 0, 1, 1, 5]]).astype(dtype)
    if dtype in ("uint64", "int64"):
        x[0, 0] = np.iinfo(dtype).max
    if dtype[0] == "f":
        x[1] = [-0.0, -0.0, -1, -2, -0.0]
    for q in (0.0, 0.3, 0.5, 1.0):
        for numpys, ours in ((np.quantile, df.quantile), (np.nanquantile, df.nanquantile)):
            made = values(lambda t, f=ours, q=q: f(t, q, 1, method=method), x)
            expected = np.asarray(numpys(x, q, 1, method=method))
            assert (made.dtype, made.tobytes()) == (expected.dtype, expected.tobytes())


def weighted_quantile(x: np.ndarray, q: Any, axis: Any, weights: np.ndarray) -> np.ndarray:  # noqa: ANN401
    """Return NumPy's, several axes laid out as one: NumPy 2.2 mistakes weights of several."""
    if isinstance(axis, tuple):
        x = np.moveaxis(x, axis, (-2, -1)).reshape(-1, 15)
        whole = weights.ndim == 3
        weights = np.moveaxis(weights, axis, (-2, -1)).reshape(-1, 15) if whole else weights.ravel()
        axis = -1
    return np.asarray(np.quantile(x, q, axis, method="inverted_cdf", weights=weights))


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
def test_weighted_quantiles_are_numpys(dtype: str) -> None:
    """Weights have the shape of the values, or of the axes; zeros and NaN weigh nothing."""
    rng = np.random.default_rng(3)
    x, w = rng.integers(0, 5, (3, 4, 5)).astype(dtype), rng.integers(0, 3, (3, 4, 5)) * 1.0
    sides: list[tuple[Any, Any]] = [
        (None, w), (1, w), ((0, 2), w), (1, w[0, :, 0] + 0.5), ((2, 0), w[:, 0, :].T + 0.5),
    ]  # fmt: skip
    for q in (0.0, 0.3, 1.0, np.array([0, 0.2, 1])):
        for axis, weights in sides:
            options: Any = {"axis": axis, "method": "inverted_cdf", "weights": weights}
            made = values(lambda t, q=q, o=options: df.quantile(t, q, **o), x)
            same(made, weighted_quantile(x, q, axis, weights))
    if dtype[0] == "f":
        x[0, 0, 0] = x[2] = math.nan
        made = values(lambda t: df.nanquantile(t, 0.4, 1, method="inverted_cdf", weights=w), x)
        same(made[:2], np.nanquantile(x[:2], 0.4, 1, method="inverted_cdf", weights=w[:2]))
        same(made[2], np.full(5, math.nan, dtype))


def test_weights_that_are_no_weights_are_refused() -> None:
    """Of another method or shape, negative, or not finite."""
    x, inverted = np.arange(6.0).reshape(2, 3), {"method": "inverted_cdf"}
    calls: list[tuple[dict[str, Any], str]] = [
        ({"weights": x}, "inverted_cdf' only"), ({**inverted, "weights": x - 1}, "from 0 on"),
        ({**inverted, "weights": x * math.inf}, "from 0 on"),
        ({**inverted, "weights": x[0]}, "shape of the values"),
        ({**inverted, "weights": x[0], "axis": 0}, "shape of the values"),
    ]  # fmt: skip
    for options, message in calls:
        with pytest.raises(ArgumentError, match=message):
            df.quantile(df.GraphBuilder().constant(x), 0.5, **options)


def test_medians_of_large_halves_are_finite() -> None:
    """float16 values are added up in float32, as NumPy's mean does."""
    same(values(df.median, np.array([60000, 60000], np.float16)), np.float16(60000))


def test_quantiles_of_nan_and_infinities() -> None:
    """NaN gives NaN unless it is left out; an infinity beside the place asked for does no harm."""
    same(values(lambda t: df.median(t, 1), SPECIAL), [math.nan, 0.5])
    same(values(lambda t: df.nanmedian(t, 1), SPECIAL), [2, 0.5])
    same(values(lambda t: df.quantile(t, [0.0, 1.0], 1), SPECIAL)[:, 1], [-math.inf, math.inf])
    same(
        values(lambda t: df.percentile(t, 25), np.array([1, 2, math.inf, math.inf, math.inf])), 2.0
    )
    same(values(lambda t: df.median(t, 0), np.zeros((0, 2))), [math.nan, math.nan])
    same(values(df.nanmedian, np.full(3, math.nan)), math.nan)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("axis", "q"), [(0, 0.5), (0, [0.0, 1.0]), (None, [0.0, 1.0])])
def test_quantiles_of_nothing_are_nan_where_nan_is_left_out(
    axis: Any,  # noqa: ANN401
    q: Any,  # noqa: ANN401
    keepdims: bool,
) -> None:
    """NaN, as the median is, of the shape that quantiles of elements have."""
    shape = np.quantile(np.zeros((1, 3)), q, axis, keepdims=keepdims).shape
    made = values(lambda t: df.nanquantile(t, q, axis, keepdims=keepdims), np.zeros((0, 3)))
    same(made, np.full(shape, math.nan))


def test_gradients_of_quantiles() -> None:
    """The gradient goes to the values beside the place, and to q where it is a tensor."""
    x = np.array([3.0, 1.0, math.nan, 2.0])
    same(slope(df.nanmedian, x), [0.0, 0, 0, 1])
    same(slope(lambda t: df.nanquantile(t, 0.25), x), [0, 0.5, 0, 0.5])
    same(slope(df.median, np.array([4.0, 1.0, 2.0, 9.0])), [0.5, 0, 0.5, 0])
    same(slope(lambda t: df.quantile(np.array([0.0, 1.0, 3.0]) + 0 * t, t), np.float64(0.75)), 4.0)


# Bins


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.lists(st.integers(0, 3), max_size=2),
       st.sampled_from(["left", "right"]),
       st.sampled_from(["int8", "float32", "float64"]))  # fmt: skip
def test_searchsorted_is_numpys(n: int, shape: list[int], side: Any, dtype: str) -> None:  # noqa: ANN401
    """Places of values of any shape are NumPy's, by a sorter too, and of dtypes that differ."""
    a = np.sort(RNG.integers(0, 5, n)).astype(dtype)
    v = RNG.integers(-1, 6, shape).astype("int8")
    same(values(lambda s, t: df.searchsorted(s, t, side), a, v), np.searchsorted(a, v, side))
    order = RNG.permutation(n)
    expected = np.searchsorted(a, v, side)
    same(values(lambda s, t: df.searchsorted(s, t, side, np.argsort(order)), a[order], v), expected)


def test_searchsorted_of_several_lines() -> None:
    """With more axes, each line of values is placed in its own sequence."""
    a, v = np.sort(RNG.uniform(size=(2, 5))), RNG.uniform(size=(2, 3))
    same(values(df.searchsorted, a, v), [np.searchsorted(*row) for row in zip(a, v, strict=True)])


@pytest.mark.parametrize("bins", [[0.0, 1, 1, 3], [3.0, 1, 1, 0], [2.0], []])
@pytest.mark.parametrize("right", [False, True])
def test_digitize_is_numpys(bins: list[float], right: bool) -> None:
    """Bins that ascend or descend, known or not before the run, are NumPy's."""
    x = np.array([[-1.0, 0.0, 0.5], [1.0, 3.0, math.nan]])
    expected = np.digitize(x, bins, right)
    same(values(lambda t: df.digitize(t, bins, right), x), expected)
    same(values(lambda t, e: df.digitize(t, e, right), x, np.array(bins)), expected)


def test_lists_beside_float64_keep_their_digits() -> None:
    """Edges in lists aren't rounded to float32: a value on an edge is in its bin."""
    x, edges = np.array([0.1, 0.2, 0.7]), [0.1, 0.2, 0.7]
    same(values(lambda t: df.digitize(t, edges), x), np.digitize(x, edges))
    same(values(lambda t: df.searchsorted(edges, t), x), np.searchsorted(edges, x))
    same(values(lambda t: df.bucketize(t, edges), x), np.searchsorted(edges, x))


# Errors, names


@pytest.mark.parametrize("call", [
    lambda t: df.sort(t, 2), lambda t: df.argsort(t, -3), lambda t: df.sort(t, kind="bogo"),
    lambda t: df.top_k(t, 4), lambda t: df.top_k(t, -1), lambda t: df.top_k(t, HALF),
    lambda t: df.kthvalue(t, 0), lambda t: df.kthvalue(t, 4), lambda t: df.kthvalue(t, 1, 2),
    lambda t: df.bucketize(t, t),
    lambda t: df.partition(t, 3), lambda t: df.partition(t, HALF), lambda t: df.lexsort(()),
    lambda t: df.argpartition(t, 0, kind="x"), lambda t: df.quantile(t, 1.5),
    lambda t: df.quantile(t, 0.5, method="x"), lambda t: df.percentile(t, -1),
    lambda t: df.median(t, (0, 0)), lambda t: df.quantile(t[:0], 0.5),
    lambda t: df.searchsorted(t, t[0]), lambda t: df.searchsorted(t[0], t, "up"),
    lambda t: df.digitize(t, [0.0, 2.0, 1.0]), lambda t: df.digitize(t, t),
    lambda t: df.median(t + 1j), lambda t: df.sort(t + 1j), lambda t: df.argsort(t + 1j),
    lambda t: df.quantile(t, WORD), lambda t: df.quantile(t, 1j),
    lambda t: df.digitize(t, np.array([0, 1j])), lambda t: df.searchsorted(t[0], 1j),
    lambda t: df.lexsort((t, t[0])),
])  # fmt: skip
def test_bad_arguments_are_refused_when_declared(call: Callable[[df.Tensor], Any]) -> None:
    """What can't be sorted, counted or placed is an error at the user's line."""
    t = df.GraphBuilder().input("x", (2, 3), "float64")
    with pytest.raises(GraphError, match=r"test_sorting\.py") as caught:
        call(t)
    assert isinstance(caught.value, (ArgumentError, DTypeError))


def test_lines_may_have_a_name() -> None:
    """The sorted axis may be named: quantiles know its length when it is bound."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3), "float64")
    found = df.quantile(x, [0.2, 0.5], axis=0)
    value = (
        found.sum() + df.median(x, 0).sum() + df.sort(x, 0)[0].sum() + df.top_k(x, 2, 0)[0].sum()
    )
    graph = b.build(outputs={"q": found, "g": df.grad(value, [x])[0]})
    data = RNG.uniform(size=(5, 3))
    made = df.Runner(df.compile(graph, dims={"batch": 5})).run(x=data)
    np.testing.assert_allclose(made["q"], np.quantile(data, [0.2, 0.5], axis=0), 1e-14)
    np.testing.assert_allclose(made["g"].sum(0), [6, 6, 6])
