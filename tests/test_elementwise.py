"""What element-wise ops promise beyond what their records let the generated tests derive."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GraphError
from dataflow.registry import get_op
from dataflow.tensor import Tensor
from tests.constants import slope, values

RAND = [0.9266071537766998, 0.7443205087613226, 0.7539380708848098]
RANDN = [-0.08154414613089955, -1.546734462519432, 0.5292299062958067]
Unary = Callable[[Tensor], Tensor]


# Derivatives where there are several to choose from


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (df.abs, 0, 0),
        (df.relu, 0, 0),
        (df.sqrt, 0, math.inf),
        (lambda x: df.maximum(x, 1), 1, 0.5),
        (lambda x: df.minimum(1, x), 1, 0.5),
        (lambda x: x**0, 0, 0),
        (lambda x: x**0, math.inf, 0),
        (lambda x: x**1, 0, 1),
        (lambda x: x**3, 0, 0),
        (lambda x: x**2, -3, -6),
        (lambda x: x**-1, 2, -0.25),
        (lambda x: df.power(0.0, x), 2, 0),
        (lambda x: df.power(0.0, x), 0, 0),
        (lambda x: df.floor(x) + df.sign(x) + x // 1, 1.5, 0),
    ],
)  # fmt: skip
def test_kinks_have_the_slope_that_pytorch_gives(
    function: Unary, at: float, expected: float
) -> None:
    """At a kink the derivative is the one that PyTorch chose."""
    assert slope(function, np.float64(at)) == expected


def test_second_derivative_of_a_power_at_zero() -> None:
    """The curvature of x**3 at 0 is 0, that of x**2 is 2, neither NaN."""
    for exponent, curvature in ((3, 0), (2, 2), (1, 0)):
        assert slope(lambda x, n=exponent: df.grad(x**n, x), np.float64(0)) == curvature


def test_maximum_lets_nan_through() -> None:
    """NaN in one argument is the result, and the gradient isn't lost in silence."""
    assert math.isnan(values(lambda x: df.maximum(x, 0), np.array(np.nan)))
    assert slope(lambda x: df.maximum(x, 0), np.float64(math.nan)) == 1


@pytest.mark.parametrize("function", [df.mean, df.max])
def test_a_float16_slope_of_more_elements_than_it_can_count(function: Unary) -> None:
    """Lengths and numbers of ties beyond float16's largest number don't make the slope 0."""
    x = df.GraphBuilder().constant(np.ones(70_000, "float16"))
    np.testing.assert_allclose(df.evaluate(df.grad(function(x), x)), 1 / 70_000, rtol=1e-2)


def test_where_shields_the_gradient_from_the_branch_not_taken() -> None:
    """A NaN that wasn't chosen reaches neither the value nor the gradient."""

    def safe_log(x: Tensor) -> Tensor:
        positive = x > 0
        return df.where(positive, df.log(df.where(positive, x, 1)), 0)

    assert slope(safe_log, np.float64(-1)) == 0
    assert slope(safe_log, np.float64(2)) == 0.5
    assert slope(lambda x: df.where(x > 0, x, x + math.nan), np.float64(1)) == 1


# Dtypes


@pytest.mark.parametrize(
    ("function", "dtype", "expected"),
    [
        (lambda x: x**2, "float32", "float32"),
        (lambda x: x**2, "int8", "int8"),
        (lambda x: x**2.5, "float16", "float16"),
        (lambda x: x**0.5, "int32", "float64"),
        (lambda x: x / 2, "int64", "float64"),
        (lambda x: x // 2.0, "float32", "float32"),
        (lambda x: df.where(x > 0, x, 0.5), "float32", "float32"),
        (lambda x: df.where(x > 0, 1, 0.5), "int8", "float32"),
        (lambda x: df.where(x > 0, 1, 0), "float32", "int64"),
        (lambda x: df.where(x > 0, np.float64(1), 0), "float32", "float64"),
        (df.gelu, "int16", "float32"),
        (df.exp, "int8", "float16"),
        (lambda x: x == 1, "float32", "bool"),
        (df.floor, "int32", "int32"),
        (df.zeros_like, "int8", "int8"),
    ],
)  # fmt: skip
def test_promotion(function: Unary, dtype: str, expected: str) -> None:
    """Python's scalars are weak, and integers become floats as NumPy's loops have it."""
    assert function(df.GraphBuilder().input("x", (3,), dtype)).dtype == expected


def test_astype_of_the_same_dtype_is_the_tensor() -> None:
    """No node is declared for a cast that changes nothing."""
    x = df.GraphBuilder().input("x", (3,))
    assert df.astype(x, np.float32) is x


def test_integers_to_negative_powers_are_refused() -> None:
    """A plain negative exponent fails where it is written."""
    with pytest.raises(DTypeError, match="float exponent"):
        df.GraphBuilder().input("x", (3,), "int32") ** -2


def test_complex_numbers_have_no_order() -> None:
    """Comparisons of complex numbers say so, and equality works."""
    x = df.GraphBuilder().input("x", (3,), "complex64")
    with pytest.raises(DTypeError, match="complex64 numbers have no order"):
        _ = x < x  # noqa: PLR0124 - any two
    assert (x == 1).dtype == np.bool_


def test_a_condition_of_another_dtype_counts_what_is_not_zero() -> None:
    """Where takes numbers as conditions."""
    assert values(lambda x: df.where(x, 1, 2), np.array([0, 3])).tolist() == [2, 1]


# Accuracy


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_erf_is_within_two_units_in_the_last_place(dtype: str) -> None:
    """On both sides of its split, near 0 and where it reaches 1."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-7, 7, 4000), rng.normal(0, 1, 4000), rng.uniform(-1, 1, 4000),
                        10.0 ** rng.uniform(-7, 0, 500)]).astype(dtype)  # fmt: skip
    exact = np.array([math.erf(v) for v in x])
    unit = np.spacing(np.abs(exact).astype(dtype)).astype(np.float64)
    assert np.max(np.abs(values(df.erf, x).astype(np.float64) - exact) / unit) <= 2


def test_erf_at_the_ends() -> None:
    """Infinities give ±1, zeros keep their sign, NaN stays."""
    found = values(df.erf, np.array([np.inf, -np.inf, 0.0, -0.0, np.nan, 1e300]))
    np.testing.assert_array_equal(found, [1, -1, 0, -0.0, np.nan, 1])
    assert np.signbit(found[3])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_sigmoid_is_exact_in_its_tails(dtype: str) -> None:
    """Small results keep their digits, and no argument overflows, nor does its gradient."""
    x = np.array([-np.inf, -1e4, -50, -20, -9, 0, 9, 1e4, np.inf], dtype)
    with np.errstate(all="raise", under="ignore"):
        exact = np.array([math.exp(min(v, 0.0)) / (1 + math.exp(-abs(v))) for v in x.astype(float)])
    found = values(df.sigmoid, x)
    bound = float(4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(found.astype(float), exact.astype(dtype).astype(float), rtol=bound)
    assert np.isfinite(values(lambda t: df.grad(df.sigmoid(t).sum(), t), x)).all()


@pytest.mark.parametrize(("dtype", "units"), [("float32", 6), ("float64", 128)])
def test_gelu_and_its_slope_keep_their_digits_in_the_tail(dtype: str, units: float) -> None:
    """Far below 0 both are right to 6 units (float64 is held to an erfc of rounded x)."""
    x = np.array([-6, -5.5, -3.25, -1.3119994, -12, -9.03125], dtype)
    t = df.GraphBuilder().constant(x)
    found = df.evaluate(df.gelu(t), *df.grad(df.gelu(t).sum(), [t]))
    wide = x.astype(float)
    shares = np.array([math.erfc(-v * math.sqrt(0.5)) / 2 for v in wide])
    slopes = shares + wide * np.exp(-wide * wide / 2) / math.sqrt(2 * math.pi)
    for actual, exact in zip(found, (wide * shares, slopes), strict=True):
        np.testing.assert_allclose(actual, exact, rtol=units * float(np.finfo(dtype).eps))


def test_gelu_at_the_ends() -> None:
    """Gelu of -0 is -0, and at the infinities it and its slope are what they tend to."""
    t = df.GraphBuilder().constant(np.array([-math.inf, -0.0, 0.0, math.inf, math.nan]))
    value, slope = df.evaluate(df.gelu(t), *df.grad(df.gelu(t).sum(), [t]))
    np.testing.assert_array_equal(value, [0, 0, 0, math.inf, math.nan])
    np.testing.assert_array_equal(np.signbit(value[:4]), [True, True, False, False])
    np.testing.assert_array_equal(slope, [0, 0.5, 0.5, 1, math.nan])


def test_gelu_by_tanh_is_close_to_gelu() -> None:
    """The approximation differs by at most 0.0005."""
    x = np.linspace(-6, 6, 1001)
    near = values(lambda t: df.gelu(t, approximate="tanh"), x)
    assert 0 < np.max(np.abs(near - values(df.gelu, x))) < 5e-4
    with pytest.raises(GraphError, match="'none' or 'tanh'"):
        df.gelu(df.GraphBuilder().input("x"), approximate="sigmoid")


@pytest.mark.parametrize("name", ["negative", "isfinite", "abs", "square", "relu", "sign"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_strides(name: str, dtype: str) -> None:
    """NumPy 2.4's own negative and isfinite give wrong values between arrays of long strides."""
    x = np.linspace(-9, 9, 40 * 8).reshape(40, 8).astype(dtype)
    op = get_op(name)
    result = np.asarray(op.reference(x, attrs=df.Attrs()))
    for width in (1, 2, 4):
        out = np.zeros((40, 8), result.dtype)
        ins, place = [x[:, 1 : 1 + width]], out[:, 1 : 1 + width]
        scratch = [np.empty(s.static_shape, s.dtype)
                   for s in op.workspace((df.Spec.like(ins[0]),), df.Attrs()).scratch]  # fmt: skip
        for function, args in op.kernel([place], ins, scratch, df.Attrs()):
            function(*args)
        np.testing.assert_array_equal(place, result[:, 1 : 1 + width])


# Creation


def test_arange_of_named_dimensions() -> None:
    """The length is an expression, and simple where it can be."""
    b = df.GraphBuilder()
    assert b.arange("n").shape == (b.dim("n"),)
    assert b.arange(0, "2*n", 2).shape == (b.dim("n"),)
    assert b.arange(1, "n").shape == (b.dim("max(n - 1, 0)"),)
    x = b.input("x", ("n",))
    assert df.evaluate(x * b.arange("n"), x=[5, 5, 5]).tolist() == [0, 5, 10]
    assert df.evaluate(b.arange(5, -1, -2)).tolist() == [5, 3, 1]
    with pytest.raises(ArgumentError, match="can't be 0"):
        b.arange(0, 3, 0)


# Draws


def draws(kind: str, count: int, seed: int = 0, dtype: str = "float64") -> np.ndarray:
    """Return draws as a builder declares them."""
    b = df.GraphBuilder(seed=seed)
    return np.asarray(df.evaluate(getattr(b, kind)((count,), dtype)))


def test_draws_depend_on_seed_and_order_alone() -> None:
    """The same seed gives the same numbers, another seed or another node others."""
    b = df.GraphBuilder(seed=3)
    first, second = df.evaluate(b.rand((4,), "float64"), b.rand((4,), "float64"))
    np.testing.assert_array_equal(first, draws("rand", 4, seed=3))
    assert not np.isin(first, second).any()
    assert not np.isin(first, draws("rand", 4, seed=4)).any()


def test_a_longer_draw_starts_with_the_shorter() -> None:
    """Element i is a function of the key and of i."""
    for kind in ("rand", "randn"):
        np.testing.assert_array_equal(draws(kind, 100)[:7], draws(kind, 7))


def test_the_stream_stays_what_it_is() -> None:
    """The numbers of seed 0 are those of the first release: files rely on them."""
    assert draws("rand", 3).tolist() == RAND
    np.testing.assert_allclose(draws("randn", 3), RANDN, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_draws_stay_below_one(dtype: str) -> None:
    """Every dtype's numbers are in [0, 1), and use the range."""
    u = draws("rand", 200_000, dtype=dtype)
    assert u.dtype == dtype
    assert 0 <= u.min() < 1e-3
    assert 1 - 1e-3 < u.max() < 1


def test_draws_have_their_distribution() -> None:
    """Kolmogorov's distance is below its 0.1 % point, and neighbours don't correlate."""
    n = 100_000
    normal = draws("randn", n)
    below = np.array([(1 + math.erf(z / math.sqrt(2))) / 2 for z in normal])
    for numbers in (draws("rand", n), below):
        assert np.max(np.abs(np.sort(numbers) - np.arange(n) / n)) < 1.95 / math.sqrt(n)
        for lag in (1, 2, 64):
            assert abs(np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]) < 4 / math.sqrt(n)
    assert np.isfinite(normal).all()


def test_frexp_takes_numbers_apart_exactly() -> None:
    """Mantissas and exponents are NumPy's, of subnormals, zeros, infinities and NaN too."""
    values = [6.0, -0.25, 0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 1.7e308]
    for dtype in ("float16", "float32", "float64", "int8"):
        x = np.array(values[:2] if dtype == "int8" else values).astype(dtype)
        t: Any = df.GraphBuilder().constant(x)
        for made, expected in zip(df.evaluate(*np.frexp(t)), np.frexp(x), strict=True):
            assert made.dtype == expected.dtype
            np.testing.assert_array_equal(made, expected)
            np.testing.assert_array_equal(np.signbit(made), np.signbit(expected))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float32"])
def test_bounds_beyond_a_dtype_are_none(dtype: str) -> None:
    """np.clip leaves such ints out, and promotes all three operands at once."""
    x = np.array([0, 1, 100]).astype(dtype)
    t: Any = df.GraphBuilder().constant(x)
    bounds: list[tuple[Any, Any]] = [(0, np.array([1, 0.5, 2], np.float32)), (None, 1), (0, 1)]
    if dtype in ("int8", "uint8"):
        bounds += [(0, 300), (-300, 5), (-300, 300)]
    for low, high in bounds:
        if dtype == "bool" and type(high) is int and low is None:
            continue
        made, expected = df.evaluate(np.clip(t, low, high)), np.clip(x, low, high)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made, expected)
