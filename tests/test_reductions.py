"""What reductions promise beyond their records: NumPy's and SciPy's values, corners, errors."""

import math
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.spec import DTYPES
from tests.constants import slope, values

X = np.random.default_rng(0).uniform(-2, 2, (2, 3, 4))
MASK = np.random.default_rng(1).random((2, 3, 4)) < 0.6
NAN, INF = math.nan, math.inf


def quietly(function: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401
    """Call NumPy without its warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **options)


SAME = ("sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "count_nonzero", "ptp")
"""Functions with NumPy's names, axis and keepdims."""


@pytest.mark.parametrize("name", SAME)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_axes_and_keepdims_are_numpys(name: str, data: st.DataObject) -> None:
    """For any shape, any axes and keepdims, a function gives NumPy's value in NumPy's shape."""
    shape = tuple(data.draw(st.lists(st.integers(1, 3), max_size=3)))
    axes = data.draw(st.sets(st.integers(0, max(0, len(shape) - 1)), max_size=len(shape)))
    axis: Any = data.draw(st.sampled_from([None, tuple(sorted(axes)) if shape else None]))
    keepdims = data.draw(st.booleans())
    x = np.random.default_rng(0).integers(-2, 3, shape) * 0.5
    found = values(lambda t: getattr(df, name)(t, axis, keepdims=keepdims), x)
    expected = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("name", "dtype"), product(SAME, DTYPES))
def test_dtypes_are_numpys(name: str, dtype: str) -> None:
    """A result has the dtype that NumPy gives it, for every dtype it takes."""
    if (dtype[0] == "c" and name in {"max", "min", "ptp"}) or (name, dtype) == ("ptp", "bool"):
        return
    x = (np.abs(X) * 2).astype(dtype)
    found, expected = values(getattr(df, name), x), np.asarray(quietly(getattr(np, name), x))
    assert found.dtype == expected.dtype
    bound = 2e-3 if dtype == "float16" else 1e-6
    np.testing.assert_allclose(found, expected, rtol=bound)


@pytest.mark.parametrize("name", SAME)
def test_empty_arrays_are_numpys(name: str) -> None:
    """Reduced over nothing, a function gives NumPy's value, or an error where NumPy does."""
    x = np.zeros((2, 0))
    if name in {"max", "min", "ptp"}:
        with pytest.raises(ShapeError, match="length 0"):
            values(lambda t: getattr(df, name)(t, 1), x)
        return
    found = values(lambda t: getattr(df, name)(t, 1), x)
    np.testing.assert_array_equal(found, quietly(getattr(np, name), x, axis=1))
    assert values(lambda t: getattr(df, name)(t, 0), x).shape == (0,)


@pytest.mark.parametrize("name", SAME)
def test_numpys_functions_answer(name: str) -> None:
    """NumPy's function of a tensor declares ours."""
    found = values(lambda t: getattr(np, name)(t, axis=1), X)
    np.testing.assert_allclose(found, getattr(np, name)(X, axis=1))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "any", "all", "var", "std"])
def test_masks_are_numpys(name: str) -> None:
    """With where=, only what the mask lets through is reduced, as in NumPy; a row may be empty."""
    mask = MASK.copy()
    mask[0, :, 1] = False
    found = values(lambda t, m: getattr(df, name)(t, 1, where=m), X, mask)
    np.testing.assert_allclose(found, quietly(getattr(np, name), X, axis=1, where=mask))
    broadcast = values(lambda t: getattr(df, name)(t, where=[True, False, True, False]), X)
    np.testing.assert_allclose(broadcast, getattr(np, name)(X[..., ::2]))


def test_masked_places_get_no_gradient() -> None:
    """What a mask leaves out may be NaN: the values and the gradients don't see it."""
    x = np.where(MASK, X, NAN)
    for function in (df.sum, df.prod, df.mean, df.var):
        slopes = slope(lambda t, f=function: f(t, where=MASK), x)
        assert np.isfinite(slopes).all()
        assert not slopes[~MASK].any()


@pytest.mark.parametrize(("name", "first"), [("sum", 3), ("prod", 3), ("max", 1), ("min", -1)])
def test_initial_values_are_numpys(name: str, first: int) -> None:
    """With initial=, reductions begin there, also of nothing, and of what a mask leaves."""
    for x in (X, np.zeros((2, 0, 3))):
        found = values(lambda t: getattr(df, name)(t, 1, initial=first), x)
        np.testing.assert_allclose(found, getattr(np, name)(x, axis=1, initial=first))
    found = values(lambda t, m: getattr(df, name)(t, 1, initial=first, where=m), X, MASK)
    np.testing.assert_allclose(found, getattr(np, name)(X, axis=1, initial=first, where=MASK))


def test_dtype_says_what_to_compute_in() -> None:
    """With dtype=, values are cast first, and integers wrap around in it."""
    small = np.array([100, 100, 3], np.int8)
    for name, dtype in product(("sum", "prod", "mean"), ("int8", "float32", "float64", "bool")):
        found = values(lambda t, n=name, d=dtype: getattr(df, n)(t, dtype=d), small)
        expected = np.asarray(quietly(getattr(np, name), small, dtype=dtype))
        assert found.dtype == (bool if dtype == "bool" else dtype)
        if (name, dtype) != ("mean", "int8"):  # NumPy's sum overflows before it is divided
            np.testing.assert_allclose(found, expected, rtol=1e-6)
    halves = np.full(70_000, 1, np.float16)
    assert values(df.mean, halves) == 1
    assert values(lambda t: df.var(t, dtype="float32"), halves).dtype == np.float32


# prod


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_derivatives_of_products_with_zeros(zeros: int) -> None:
    """Gradient and Hessian of a product are the products of the others, zeros or not."""
    x = np.array([2.0, 3.0, -0.5, 4.0, 1.5])
    x[:zeros] = 0
    b = df.GraphBuilder()
    t = b.constant(x)
    (first,) = df.grad(df.prod(t), [t])
    rows = [df.grad(first[i], [t])[0] for i in range(5)]
    without = [[np.prod(np.delete(x, [i, j])) if i != j else 0 for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(df.evaluate(first), [np.prod(np.delete(x, i)) for i in range(5)])
    np.testing.assert_allclose(df.evaluate(*rows), without)


def test_product_over_named_axes() -> None:
    """Axes of any order, named ones among them, are multiplied and differentiated."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3, 4), "float64")
    (slope,) = df.grad(df.prod(x, (0, 2)).sum(), [x])
    found = df.evaluate(slope, feeds={"x": X})
    np.testing.assert_allclose(found, np.prod(X, (0, 2), keepdims=True) / X)


# var, std


def test_variance_doesnt_cancel() -> None:
    """The variance of numbers far from 0 keeps its digits."""
    assert values(df.var, X + 1e8) == pytest.approx(np.var(X), rel=1e-6)


def test_correction_is_ddof() -> None:
    """Both names take the same off, also fractions, and more than there are elements."""
    for taken_off in (0, 1, 1.5, 3, 4):
        expected = quietly(np.var, X, axis=1, ddof=taken_off)
        for name in ("ddof", "correction"):
            found = values(lambda t, n=name, d=taken_off: df.var(t, 1, **{n: d}), X)
            np.testing.assert_allclose(found, expected)
    with pytest.raises(GraphError, match="two names"):
        values(lambda t: df.var(t, ddof=1, correction=1), X)


def test_a_known_mean_is_taken() -> None:
    """With mean=, the mean isn't computed again."""
    centre = np.mean(X, 1, keepdims=True)
    np.testing.assert_allclose(values(lambda t: df.std(t, 1, mean=centre), X), np.std(X, 1))


def test_deviation_of_equal_elements() -> None:
    """Where the deviation is 0 its derivative is 0, at both orders; NaN stays NaN."""
    b = df.GraphBuilder()
    x = b.constant(np.full((2, 3), 0.5))
    (first,) = df.grad(df.std(x, 1).sum(), [x])
    (second,) = df.grad((first * [1.0, 2.0, 4.0]).sum(), [x])
    assert not np.any(df.evaluate(first, second))
    assert np.isnan(values(df.std, np.array([1.0, NAN])))


def test_variance_over_a_named_axis() -> None:
    """The number of elements is the named dimension's size."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3, 4), "float64")
    found = df.evaluate(df.var(x, (0, 1), correction=1), feeds={"x": X})
    np.testing.assert_allclose(found, np.var(X, (0, 1), ddof=1))


# logsumexp


def test_logsumexp_keeps_what_is_small_beside_zero() -> None:
    """The sum of 1 and a number far below its last digit isn't rounded to 1."""
    found = values(df.logsumexp, np.array([0, -50.0]))
    np.testing.assert_allclose(found, math.exp(-50), rtol=1e-14)


@pytest.mark.parametrize(
    "row",
    [[-INF, -INF], [INF, 1], [INF, -INF], [INF, INF], [-INF, 1], [NAN, 1], [NAN, INF],
     [1e3, 1e3], [-1e3, -1e3, -1e3], [0, 0, -40], [5]],
)  # fmt: skip
def test_logsumexp_is_scipys(row: list[float]) -> None:
    """Infinities, large numbers and sums close to 1 give SciPy's values."""
    expected = quietly(scipy.special.logsumexp, np.array(row))
    np.testing.assert_allclose(values(df.logsumexp, np.array(row, float)), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("row", "weights"),
    [([1.0, 2.0], [1.0, -1.0]), ([1.0, INF], [1.0, 0.0]), ([1.0, 800.0], [1.0, 0.0]),
     ([-INF, 0.0], [2.0, 3.0]), ([INF, 0.0], [-2.0, 3.0]), ([1.0, 2.0], [0.0, 0.0]),
     ([1.0, 1.0], [1.0, -1.0]), ([900.0, 901.0], [2.0, 3.0])],
)  # fmt: skip
def test_weighted_logsumexp_is_scipys(row: list[float], weights: list[float]) -> None:
    """Weights, also of 0 and below, give SciPy's values and signs."""
    x, b = np.array(row), np.array(weights)
    expected = quietly(scipy.special.logsumexp, x, b=b)
    np.testing.assert_allclose(values(lambda t, w: df.special.logsumexp(t, b=w), x, b), expected,
                               rtol=1e-14)  # fmt: skip
    found = values(lambda t, w: df.special.logsumexp(t, b=w, return_sign=True), x, b)
    expected = quietly(scipy.special.logsumexp, x, b=b, return_sign=True)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(("dtype", "top"), [("float16", 300), ("float32", 1e6)])
def test_logsumexps_gradient_has_the_inputs_digits(dtype: str, top: float) -> None:
    """The gradient isn't made of the rounded result, which is off by more than its last digits."""
    x = np.array([top, top - 5.5, top - 2.25], dtype)
    t = df.GraphBuilder().constant(x)
    powers = np.exp(x.astype(float) - top)
    found = df.evaluate(*df.grad(df.logsumexp(t), [t]))
    np.testing.assert_allclose(found, powers / powers.sum(), rtol=float(np.finfo(dtype).eps))


def test_logsumexp_of_integers() -> None:
    """Integers of any size become float64, as in SciPy."""
    x = np.array([1, 2, 100], np.int8)
    for found in (values(df.logsumexp, x), values(df.logcumsumexp, x)[-1]):
        assert found.dtype == np.float64
        assert found == pytest.approx(scipy.special.logsumexp(x))
    weighted = values(lambda t: df.logsumexp(t, b=[1, 2, 3]), x)
    assert weighted == pytest.approx(scipy.special.logsumexp(x, b=[1, 2, 3]))


def test_logsumexp_by_a_weight_of_zero() -> None:
    """The derivative by a weight of 0 is the exponential over the sum, like any other's."""
    b = df.GraphBuilder()
    weights = b.constant([0.0, 2.0], dtype="float64")
    (slope,) = df.grad(df.logsumexp(b.constant([1.0, 0.0], dtype="float64"), b=weights), [weights])
    np.testing.assert_allclose(df.evaluate(slope), [math.e / 2, 0.5])


def test_gradients_of_logsumexp_at_infinities() -> None:
    """The gradient is softmax: 0 at -inf beside a number, NaN where there is nothing else."""
    np.testing.assert_array_equal(slope(df.logsumexp, [-INF, 1.0]), [0, 1])
    np.testing.assert_array_equal(slope(df.logsumexp, [-INF, -INF]), [NAN, NAN])
    np.testing.assert_array_equal(slope(df.logsumexp, [INF, 1.0]), [NAN, 0])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_over_any_axes_is_scipys(name: str) -> None:
    """In `df.special` the axis is SciPy's: all by default, or several."""
    for axis in (None, 1, (0, 2), (1, 2)):
        found = values(lambda t, a=axis: getattr(df.special, name)(t, a), X)
        np.testing.assert_allclose(found, getattr(scipy.special, name)(X, axis), rtol=1e-13)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_at_infinities(name: str) -> None:
    """An infinity away from the extreme has no share; a row of nothing else is NaN."""
    one, none = (0.0, -INF) if name == "log_softmax" else (1.0, 0.0)
    rows = np.array([[-INF, 1.0], [-INF, -INF], [INF, 1.0]])
    expected = [[none, one], [NAN, NAN], [NAN, NAN]]
    np.testing.assert_array_equal(values(getattr(df, name), rows), expected)
    found = slope(lambda t: (getattr(df, name)(t) * [0.0, 1.0])[:, 1], rows[:1])
    np.testing.assert_array_equal(found, [[0, 0]])


# Errors


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "any", "max", "logsumexp"])
def test_axes_are_checked(name: str) -> None:
    """An axis out of range, named twice or no int is refused, with the caller's line."""
    for axis in (3, -4, (0, 0), (0, -3), 1.5):
        with pytest.raises(ShapeError, match=r"test_reductions\.py"):
            values(lambda t, a=axis: getattr(df, name)(t, a), X)


def test_masks_are_checked() -> None:
    """A mask that doesn't broadcast to the tensor, or leaves an extreme no start, is refused."""
    with pytest.raises(ShapeError, match="where"):
        values(lambda t: df.sum(t, where=np.ones((2, 2, 3, 4), bool)), X)
    with pytest.raises(GraphError, match="initial="):
        values(lambda t: df.max(t, where=MASK), X)


def test_complex_numbers_have_no_extremes() -> None:
    """A maximum, minimum or spread of complex numbers is refused."""
    for function in (df.max, df.min, df.ptp):
        with pytest.raises(DTypeError, match="no order"):
            values(function, X + 1j)


# Without NaN


NAN_SAME = ("nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin")


@pytest.mark.parametrize("name", NAN_SAME)
def test_functions_without_nan_are_numpys(name: str) -> None:
    """What is NaN is left out, of any axes; where all is, the value is NumPy's."""
    x = np.where(MASK, X, NAN)
    x[0, :, 1] = NAN
    for axis in (None, 0, 1, (0, 2), -1):
        found = values(lambda t, a=axis: getattr(df, name)(t, a, keepdims=True), x)
        np.testing.assert_allclose(found, quietly(getattr(np, name), x, axis=axis, keepdims=True))
    np.testing.assert_allclose(values(getattr(df, name), x * 1j + x), getattr(np, name)(x * 1j + x)
                               ) if name[-3:] not in {"max", "min"} else None  # fmt: skip
    integers = np.arange(6).reshape(2, 3)
    found = values(lambda t: getattr(np, name)(t, axis=1), integers)
    np.testing.assert_allclose(found, getattr(np, name)(integers, axis=1))


def test_too_few_numbers_have_no_variance() -> None:
    """Where no more are left than ddof, the variance is NaN, as NumPy's."""
    x = np.array([[1.0, NAN, 2.0], [1.0, NAN, NAN], [NAN, NAN, NAN]])
    for ddof in (1, 2, 3):
        found = values(lambda t, d=ddof: df.nanvar(t, 1, ddof=d), x)
        np.testing.assert_array_equal(found, quietly(np.nanvar, x, axis=1, ddof=ddof))


@pytest.mark.parametrize("name", ["nanargmax", "nanargmin", "nancumsum", "nancumprod"])
def test_places_and_scans_without_nan_are_numpys(name: str) -> None:
    """Indices skip what is NaN, running sums and products pass over it."""
    x = np.where(MASK, X, NAN)
    for axis in (None, 0, 2):
        if axis is None or not np.isnan(x).all(axis).any():
            found = values(lambda t, a=axis: getattr(df, name)(t, a), x)
            np.testing.assert_allclose(found, getattr(np, name)(x, axis))


@pytest.mark.parametrize("name", NAN_SAME)
def test_nan_gets_no_gradient(name: str) -> None:
    """Gradients are finite, and 0 at a NaN; elsewhere those of the row without it."""
    row = np.array([1.0, NAN, 3.0, -2.0])
    slopes = slope(getattr(df, name), row)
    plain = slope(getattr(df, name.removeprefix("nan")), row[[0, 2, 3]])
    np.testing.assert_allclose(slopes, [plain[0], 0, plain[1], plain[2]])


# Averages


def test_averages_are_numpys() -> None:
    """Weights of the array's shape or of the axes' give NumPy's averages and sums of weights."""
    weights = np.random.default_rng(2).uniform(0.5, 2, X.shape)
    cases: list[tuple[Any, Any]] = [
        (None, None), (1, None), ((0, 2), None), (None, weights), (1, weights), ((0, 2), weights),
        (1, weights[0, :, 0]), ((0, 2), weights[:, 0]), ((2, 0), weights[:, 0].T),
        (-1, [1, 2, 3, 4]),
    ]  # fmt: skip
    for axis, given_weights in cases:
        found = values(lambda t, a=axis, w=given_weights: df.average(t, a, w, returned=True), X)
        expected = np.average(X, axis, given_weights, returned=True)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs)
    with pytest.raises(ShapeError, match="weights must have shape"):
        values(lambda t: df.average(t, 1, [1.0, 2.0]), X)
    assert values(df.average, np.arange(3, dtype="int8")).dtype == np.float64


@pytest.mark.parametrize("rowvar", [True, False])
def test_covariances_are_numpys(*, rowvar: bool) -> None:
    """Of real and complex variables, with more of them, weights and either ddof."""
    rows, more, weights = X[0], X[1] + X[0] ** 2, np.array([1, 2, 1, 3])[: 4 if rowvar else 3]
    options: list[dict[str, Any]] = [
        {}, {"bias": True}, {"ddof": 2}, {"y": more}, {"fweights": weights}, {"aweights": weights},
        {"fweights": weights, "aweights": weights * 0.7, "ddof": 1}, {"dtype": "float32"},
        {"aweights": weights, "ddof": 0, "y": more},
    ]  # fmt: skip
    for option in options:
        for x in (rows, rows + 1j * more):
            if "dtype" in option and x.dtype.kind == "c":
                continue
            found = values(lambda t, o=option: df.cov(t, rowvar=rowvar, **o), x)
            expected = np.cov(x, rowvar=rowvar, **option)
            np.testing.assert_allclose(found, expected, rtol=1e-6 if "dtype" in option else 1e-12)
            assert found.dtype == expected.dtype
    assert values(np.cov, X[0, 0]).shape == ()


def test_correlations_are_numpys() -> None:
    """Of rows, of columns, with more variables, of one, and of complex ones."""
    for x in (X[0], X[0] + 1j * X[1], X[0, 0]):
        np.testing.assert_allclose(values(df.corrcoef, x), np.corrcoef(x), rtol=1e-12)
    found = values(lambda t: df.corrcoef(t, X[1], rowvar=False), X[0])
    np.testing.assert_allclose(found, np.corrcoef(X[0], X[1], rowvar=False), rtol=1e-12)


def test_lists_beside_float64_keep_their_digits() -> None:
    """Variables, weights and what a reduction begins with aren't rounded to float32 in lists."""
    x, other = np.array([1.0, 2.0, 4.0]), [0.1, 0.3, 0.7]
    for name, option in (("cov", {"y": other}), ("cov", {"aweights": other}),
                         ("corrcoef", {"y": other})):  # fmt: skip
        found = values(lambda t, n=name, o=option: getattr(df, n)(t, **o), x)
        np.testing.assert_allclose(found, getattr(np, name)(x, **option), rtol=1e-14)
    zeros = np.zeros((2, 3))
    for name in ("sum", "max"):
        found = values(lambda t, n=name: getattr(df, n)(t, 0, initial=other), zeros)
        np.testing.assert_array_equal(found, other)


def test_covariances_are_checked() -> None:
    """Three axes, or weights of another length, are refused."""
    with pytest.raises(ShapeError, match="axes"):
        values(df.cov, X)
    with pytest.raises(ShapeError, match="weights"):
        values(lambda t: df.cov(t, fweights=[1, 2]), X[0])


def test_moments_are_mean_and_variance() -> None:
    """Both at once, with either shape."""
    for keepdims in (False, True):
        found = values(lambda t, k=keepdims: df.moments(t, (0, 2), keepdims=k, correction=1), X)
        np.testing.assert_allclose(found[0], X.mean((0, 2), keepdims=keepdims))
        np.testing.assert_allclose(found[1], X.var((0, 2), ddof=1, keepdims=keepdims))


def test_bfloat16_is_computed_in_float32() -> None:
    """Of bfloat16, compositions too compute in float32 and round once, at the end."""
    pytest.importorskip("ml_dtypes")
    x = np.abs(X).astype("bfloat16")
    functions: list[Callable[..., Any]] = [
        df.var, df.std, df.nanvar, df.logsumexp, lambda t: df.logsumexp(t, b=t), df.prod,
        lambda t: df.mean(t, where=MASK), lambda t: df.moments(t)[1],
    ]  # fmt: skip
    for function in functions:
        narrow, wide = values(function, x), values(function, x.astype("float32"))
        assert narrow.dtype == x.dtype
        assert narrow == wide.astype("bfloat16")


def test_a_mask_that_holds_everywhere_is_none() -> None:
    """NumPy's ``where=True`` needs no initial value."""
    x: Any = df.GraphBuilder().constant([3, 1, 2])
    assert df.evaluate(np.max(x, where=True), np.nanmin(x, where=True)) == (3, 1)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "bool", "float32", "complex64"])
def test_averages_promote_as_numpys(dtype: str) -> None:
    """Of integers they are double precision, whatever the weights are."""
    x = np.array([1, 0, 1]).astype(dtype)
    for weights in ("float16", "float32", "int64", "complex64"):
        w = np.array([1, 2, 3]).astype(weights)
        made = df.evaluate(df.average(df.GraphBuilder().constant(x), weights=w))
        assert made.dtype == np.average(x, weights=w).dtype


@pytest.mark.parametrize("name", [
    "sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "count_nonzero", "ptp",
    "squeeze", "nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd",
    "nanargmax", "nanargmin", "cumsum", "cumprod", "nancumsum", "nancumprod", "cumulative_sum",
    "cumulative_prod", "mean", "var", "std", "median", "flip", "sort",
])  # fmt: skip
def test_a_scalar_has_an_axis_where_numpy_gives_it_one(name: str) -> None:
    """Axes 0 and -1 give NumPy's value and shape, or both refuse; so they do axis 1."""
    x = np.float64(2.5)
    for axis in (0, -1, 1):
        try:
            expected = np.asarray(getattr(np, name)(x, axis=axis))
        except (ValueError, TypeError):
            with pytest.raises(ShapeError):
                getattr(df, name)(df.GraphBuilder().constant(x), axis=axis)
        else:
            made = df.evaluate(getattr(df, name)(df.GraphBuilder().constant(x), axis=axis))
            assert (made.shape, made.tolist()) == (expected.shape, expected.tolist())


def test_softmax_of_a_scalar_is_that_of_one_element() -> None:
    """As in PyTorch, of no axes, with the gradient 0; running maxima and logarithms of sums too."""
    x = df.GraphBuilder().constant(np.float64(2.5))
    for axis in (0, -1):
        made = [df.softmax(x, axis), df.log_softmax(x, axis), df.special.softmax(x, axis),
                df.logsumexp(x, axis), df.logcumsumexp(x, axis), *df.cummax(x, axis)]  # fmt: skip
        assert [v.tolist() for v in df.evaluate(*made)] == [1, 0, 1, 2.5, 2.5, 2.5, 0]
        assert df.evaluate(*df.grad(made[1], [x])) == 0
        assert df.evaluate(*df.grad(made[3], [x])) == 1
    with pytest.raises(ShapeError, match="out of range"):
        df.softmax(x, 1)
