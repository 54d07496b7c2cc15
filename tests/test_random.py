"""Draws by key: their distributions, their independence, and that they are functions of (key, i).

Every test draws with fixed keys, so what it says of chance is the same at every run. Numbers are
many where a scale that is wrong by 2 % must show: the test of that is `test_wrong_scale_is_caught`.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.sweeps import jvp_of
from tests.chances import KOLMOGOROV, distance, drawn, keyed, surprise

stats = pytest.importorskip("scipy.stats")

MANY = 400_000

Array = Any

KEY_7 = 1346066267577507604
WORDS_7 = [2880999951618078073, 15489922793411136049, 9350045899543685971]
SPLIT_7, FOLDED_7 = 6764948634524889866, 10163935060576696195
UNIFORM_7 = [0.1561793088912964, 0.8397103548049927, 0.506866991519928]
GAMMA_7 = [1.48503927319072, 0.8535531302702287]
ORDER_7, INTEGERS_7 = [3, 0, 4, 2, 1], [15, 83, 50, 1, 49]
NORMAL_7 = [0.311372351809456, 1.18244935106742]


CONTINUOUS: dict[str, tuple[Callable[[df.Tensor], df.Tensor], Any]] = {
    "uniform": (lambda k: df.random.uniform(k, (MANY,), "float64"), stats.uniform()),
    "uniform_between": (
        lambda k: df.random.uniform(k, (MANY,), "float64", -2.0, 3.0), stats.uniform(-2, 5)),
    "normal": (lambda k: df.random.normal(k, (MANY,), "float64"), stats.norm()),
    "normal_moved": (
        lambda k: df.random.normal(k, (MANY,), "float64", 1.0, 3.0), stats.norm(1, 3)),
    "exponential": (lambda k: df.random.exponential(k, (MANY,)), stats.expon()),
    "gumbel": (lambda k: df.random.gumbel(k, (MANY,), "float64", 1.0, 2.0),
               stats.gumbel_r(1, 2)),
    "laplace": (lambda k: df.random.laplace(k, (MANY,)), stats.laplace()),
    "logistic": (lambda k: df.random.logistic(k, (MANY,)), stats.logistic()),
    "gamma": (lambda k: df.random.gamma(k, 2.5, (MANY,), "float64", 0.5),
              stats.gamma(2.5, scale=0.5)),
    "gamma_below_1": (lambda k: df.random.gamma(k, 0.3, (MANY,), "float64"), stats.gamma(0.3)),
    "gamma_of_many": (lambda k: df.random.gamma(k, 1000.0, (MANY,)), stats.gamma(1000)),
    "loggamma": (lambda k: df.random.loggamma(k, 0.7, (MANY,)), stats.loggamma(0.7)),
    "beta": (lambda k: df.random.beta(k, 0.5, 2.0, (MANY,), "float64"), stats.beta(0.5, 2)),
    "dirichlet": (lambda k: df.random.dirichlet(k, [1.0, 2.0, 3.0], (MANY,), "float64")[:, 1],
                  stats.beta(2, 4)),
    "chisquare": (lambda k: df.random.chisquare(k, 3.0, (MANY,)), stats.chi2(3)),
    "t": (lambda k: df.random.t(k, 4.0, (MANY,)), stats.t(4)),
    "f": (lambda k: df.random.f(k, 4.0, 7.0, (MANY,)), stats.f(4, 7)),
    "truncated": (lambda k: df.random.truncated_normal(k, -1.0, 2.5, (MANY,)),
                  stats.truncnorm(-1, 2.5)),
    "lognormal": (lambda k: df.random.lognormal(k, 0.5, (MANY,)), stats.lognorm(0.5)),
    "pareto": (lambda k: df.random.pareto(k, 3.0, (MANY,)), stats.pareto(3)),
    "rayleigh": (lambda k: df.random.rayleigh(k, 2.0, (MANY,)), stats.rayleigh(scale=2)),
    "weibull_min": (lambda k: df.random.weibull_min(k, 2.0, 1.5, (MANY,)),
                    stats.weibull_min(1.5, scale=2)),
    "triangular": (lambda k: df.random.triangular(k, -1.0, 0.0, 3.0, (MANY,)),
                   stats.triang(0.25, -1, 4)),
    "maxwell": (lambda k: df.random.maxwell(k, (MANY,)), stats.maxwell()),
    "generalized_normal": (lambda k: df.random.generalized_normal(k, 1.5, (MANY,)),
                           stats.gennorm(1.5)),
    "wald": (lambda k: df.random.wald(k, 0.7, (MANY,), "float64"), stats.invgauss(0.7)),
    "cauchy": (lambda k: df.random.cauchy(k, (MANY,)), stats.cauchy()),
}  # fmt: skip


TWICE = ("beta", "dirichlet", "f", "t", "maxwell", "generalized_normal")
"""What takes several draws each; fewer of these are tested in `test_random_regimes` every time."""

NAMES = [pytest.param(name, marks=[pytest.mark.long] * (name in TWICE)) for name in CONTINUOUS]


@cache
def sample_of(name: str) -> Array:
    """Return many draws of a distribution."""
    return drawn(CONTINUOUS[name][0])


@pytest.mark.parametrize("name", NAMES)
def test_distribution(name: str) -> None:
    """Draws have the distribution function that they should."""
    assert distance(sample_of(name), CONTINUOUS[name][1].cdf) < KOLMOGOROV


@pytest.mark.parametrize("name", NAMES)
def test_wrong_scale_is_caught(name: str) -> None:
    """The same test fails for draws that are 2 % too wide."""
    assert distance(1.02 * sample_of(name), CONTINUOUS[name][1].cdf) > KOLMOGOROV


def ranks_of(name: str, sample: Array) -> Array:
    """Return where draws stand in their distribution, from -½ to ½."""
    return CONTINUOUS[name][1].cdf(sample) - 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", ["uniform", "normal", "exponential", "gamma", "truncated"])
def test_neighbours_are_independent(name: str) -> None:
    """Elements next to each other, and the same elements of split keys, don't correlate."""
    draw, law = CONTINUOUS[name]
    ranks = law.cdf(drawn(draw)) - 0.5
    for lag in (1, 2, 64):
        assert abs((ranks[lag:] * ranks[:-lag]).mean()) * 12 < 4 / np.sqrt(MANY)
    key = keyed()[1]
    one, other = (law.cdf(a) - 0.5 for a in df.evaluate(*map(draw, df.random.split(key))))
    for pair in ((one, other), (one, ranks), (other, ranks)):
        assert abs((pair[0] * pair[1]).mean()) * 12 < 4 / np.sqrt(MANY)


# Truncated normal, gamma


@pytest.mark.parametrize(
    ("low", "high"),
    [(-np.inf, -3.0), (3.0, np.inf), (10.0, 11.0), (-36.0, -30.0), (-0.1, 0.1), (-np.inf, np.inf)],
)
def test_truncated_normal_far_out(low: float, high: float) -> None:
    """Far tails, and intervals on both sides of 0 or without an end, have their distribution."""
    sample = drawn(lambda k: df.random.truncated_normal(k, low, high, (100_000,), "float64"))
    assert sample.min() > low
    assert sample.max() < high
    assert distance(sample, stats.truncnorm(low, high).cdf) < KOLMOGOROV


def test_truncated_normal_by_its_bounds() -> None:
    """The gradient by the bounds is that of the quantile; a moved draw is moved."""
    b, key = keyed()
    low, high = b.constant(np.float64(0.5)), b.constant(np.float64(2.0))
    x = df.random.truncated_normal(key, low, high, (50,), "float64")
    slopes = df.evaluate(*(df.grad(x[0], [low, high])), x)
    rank = stats.truncnorm(0.5, 2.0).cdf(slopes[2][0])
    for i, step in enumerate(np.eye(2) * 1e-5):
        ahead, behind = (stats.truncnorm(0.5 + s[0], 2.0 + s[1]).ppf(rank) for s in (step, -step))
        assert slopes[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
    moved = df.random.truncated_normal(key, low, high, (50,), "float64", 1.0, 3.0)
    np.testing.assert_allclose(df.evaluate(moved), 1 + 3 * slopes[2])


def test_bounds_beyond_all_digits_give_the_nearer_one() -> None:
    """Where float64 has no probability left, a draw is the bound that is nearer to the mean."""
    for low, high, expected in ((50.0, 60.0, 50.0), (-60.0, -50.0, -50.0)):
        sample = drawn(
            lambda k, a=low, b=high: df.random.truncated_normal(k, a, b, (9,))  # type: ignore[misc]
        )
        np.testing.assert_array_equal(sample, np.full(9, expected, np.float32))


@pytest.mark.parametrize("a", [0.05, 0.6, 1.0, 3.0, 40.0])
def test_gamma_by_its_shape(a: float) -> None:
    """A gamma draw's derivative by its shape is that of its quantile, to the second order."""
    b, key = keyed(2)
    shape = b.constant(np.full(20, a))
    y = df.random.loggamma(key, shape, dtype="float64")
    (slope,) = df.grad(y.sum(), [shape])
    (curvature,) = df.grad(slope.sum(), [shape])
    draws, first, second = df.evaluate(y, slope, curvature)
    ranks = stats.gamma(a).cdf(np.exp(draws))
    keep = (ranks > 1e-6) & (draws > -600)
    step = a * 1e-4
    at = [np.log(stats.gamma(a + s * step).ppf(ranks)) for s in (-1, 0, 1)]
    np.testing.assert_allclose(first[keep], ((at[2] - at[0]) / (2 * step))[keep], rtol=1e-5)
    bent = (at[0] - 2 * at[1] + at[2]) / step**2
    np.testing.assert_allclose(second[keep], bent[keep], rtol=2e-2, atol=1e-3 / a**2)


def test_gamma_forwards() -> None:
    """The forward-mode sweep gives the derivative by the shape that the reverse sweep gives."""
    b, key = keyed()
    a = b.constant(np.array([0.3, 2.0, 9.0]))
    y = df.random.gamma(key, a, dtype="float64")
    (tangent,) = jvp_of([y], [a], [b.constant(np.ones(3))])
    assert tangent is not None
    forward, backward = df.evaluate(tangent, *df.grad(y.sum(), [a]))
    np.testing.assert_allclose(forward, backward, rtol=1e-13)


def test_gamma_shapes_broadcast() -> None:
    """Shape parameters broadcast, one in a slice draws what it draws alone, and keys give rows."""
    b, key = keyed()
    shapes = np.array([[0.2], [5.0]])
    x = df.random.gamma(key, b.constant(shapes), (10_000, 2, 3), "float64")
    means = df.evaluate(x).mean(0)
    np.testing.assert_allclose(means, np.tile(shapes, 3), rtol=0.1)
    keys = df.random.split(key, (3,))
    rows, one = df.evaluate(
        df.random.gamma(keys, 1.5, (5000,)), df.random.gamma(keys[1], 1.5, (5000,))
    )
    np.testing.assert_array_equal(rows[1], one)


def test_gamma_corners() -> None:
    """No shape gives NaN or inf; a shape of 0 gives 0, one below 0 NaN, one without end inf."""
    b, key = keyed()
    tiny = df.evaluate(
        df.random.gamma(key, 1e-8, (1000,)), df.random.beta(key, 1e-8, 1e-8, (1000,))
    )
    assert np.isfinite(tiny[0]).all()
    assert 0.4 < tiny[1].mean() < 0.6
    odd = np.array([0.0, -1.0, np.inf, np.nan])
    with np.errstate(all="ignore"):
        found = df.evaluate(df.random.gamma(key, b.input("a", (4,), "float64")), a=odd)
    np.testing.assert_array_equal(found, [0, np.nan, np.inf, np.nan])


# Discrete draws


def frequencies(sample: Array, expected: Array) -> float:
    """Return the surprise of whole numbers from 0 on, given the chance of each."""
    counts = np.bincount(sample, minlength=len(expected))
    assert len(counts) == len(expected)
    return surprise(counts, len(sample) * np.asarray(expected))


@pytest.mark.parametrize("p", [0.0, 0.001, 0.3, 0.5, 1.0])
def test_bernoulli(p: float) -> None:
    """Truth is as frequent as it should be; a probability as a tensor gives the same draws."""
    b, key = keyed()
    number, tensor = df.evaluate(
        df.random.bernoulli(key, p, (MANY,)), df.random.bernoulli(key, b.constant(p), (MANY,))
    )
    assert number.dtype == np.bool_
    assert abs(number.sum() - p * MANY) <= 3 * np.sqrt(p * (1 - p) * MANY)
    exact = df.evaluate(df.random.bernoulli(key, b.constant(np.float64(p)), (MANY,)))
    np.testing.assert_array_equal(number, exact)
    assert (number != tensor).sum() <= 2


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ((), (9000,)),
        ((), (3, 3000)),
        ((3,), (5000,)),
        ((2, 2), (3,)),
        ((5000,), ()),
        ((3,), (1, 9)),
    ],
)
def test_trials_are_what_the_words_say(keys: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Long rows, many short ones and keys of any rank give what their words do, block by block."""
    _, key = keyed()
    own = df.random.split(key, keys) if keys else key
    made, words = df.evaluate(df.random.bernoulli(own, 0.375, shape), df.random.bits(own, shape))
    np.testing.assert_array_equal(made, words < np.uint64(3 * 2**61))


def test_a_wrong_probability_is_caught() -> None:
    """Draws with a probability that is 2 % too high are too frequent."""
    found = drawn(lambda k: df.random.bernoulli(k, 0.5 * 1.02, (MANY,))).sum()
    assert found - 0.5 * MANY > 3 * np.sqrt(0.25 * MANY)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(0, 6, "int64"), (-3, 4, "int8"), (-128, 128, "int8"), (0, 256, "uint8"), (5, 6, "uint32")],
)
def test_randint(low: int, high: int, dtype: str) -> None:
    """Integers between bounds, all that a dtype has among them, are equally frequent."""
    sample = drawn(lambda k: df.random.randint(k, (MANY,), low, high, dtype))
    assert sample.dtype == np.dtype(dtype)
    count = high - low
    offsets = sample.astype(np.int64) - low
    assert offsets.min() >= 0
    if count > 1:
        assert abs(frequencies(offsets, np.full(count, 1 / count))) < 3
    else:
        assert not offsets.any()


def test_randint_reaches_over_64_bits() -> None:
    """Large ranges have no bias towards either half, and the widest are words."""
    high = 3 * 2**62
    sample = drawn(lambda k: df.random.randint(k, (MANY,), 0, high, "uint64"))
    thirds = np.bincount((sample // np.uint64(2**62)).astype(np.int64))
    assert abs(surprise(thirds, np.full(3, MANY / 3))) < 3
    whole = drawn(lambda k: df.random.randint(k, (9,), -(2**63), 2**63))
    words = drawn(lambda k: df.random.bits(k, (9,)))
    np.testing.assert_array_equal(whole, (words ^ np.uint64(2**63)).view(np.int64))


def test_randint_of_tensors() -> None:
    """Bounds as tensors broadcast, give the same draws as numbers, and may leave nothing."""
    b, key = keyed()
    low, high = b.input("low", (2, 1), "int64"), b.input("high", (3,), "int64")
    bounds = {"low": np.array([[-5], [0]]), "high": np.array([3, 0, 5])}
    sample = df.evaluate(df.random.randint(key, (1000, 2, 3), low, high), feeds=bounds)
    assert sample.min(0).tolist() == [[-5, -5, -5], [0, 0, 0]]
    assert sample.max(0).tolist() == [[2, -1, 4], [2, 0, 4]]
    one, other = df.evaluate(
        df.random.randint(key, (50,), -4, 9, "int16"),
        df.random.randint(key, (50,), b.constant(-4), b.constant(9), "int16"),
    )
    np.testing.assert_array_equal(one, other)


def chances_of(law: Any, sample: Array) -> tuple[Array, Array]:  # noqa: ANN401 - SciPy's
    """Return counts and expected counts, what is expected fewer than 10 times put together."""
    values = np.arange(int(sample.min()), int(sample.max()) + 1)
    expected = law.pmf(values) * len(sample)
    counts = np.bincount(sample - values[0], minlength=len(values)).astype(float)
    often = expected >= 10
    rest = len(sample) - expected[often].sum()
    if rest < 10:
        return counts[often], expected[often]
    return np.append(counts[often], counts[~often].sum()), np.append(expected[often], rest)


@pytest.mark.parametrize("rate", [0.0, 0.3, 5.0, 9.99, 10.0, 30.0, 500.0])
def test_poisson(rate: float) -> None:
    """Counts are as frequent as they should be, on both sides of where the method changes."""
    sample = drawn(lambda k: df.random.poisson(k, rate, (MANY // 2,)))
    if rate:
        assert abs(surprise(*chances_of(stats.poisson(rate), sample))) < 3.5
        assert surprise(*chances_of(stats.poisson(rate * 1.02), sample)) > 3.5
    else:
        assert not sample.any()


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.3), (20, 0.5), (20, 0.1), (19, 0.9), (25, 0.4), (100, 0.0), (100, 1.0), (300, 0.7),
     (5000, 0.01), (1000, 0.5)],
)  # fmt: skip
def test_binomial(n: int, p: float) -> None:
    """Counts are as frequent as they should be, on both sides of where the method changes."""
    sample = drawn(lambda k: df.random.binomial(k, n, p, (MANY // 2,)))
    if 0 < p < 1:
        assert abs(surprise(*chances_of(stats.binom(n, p), sample))) < 3.5
        assert surprise(*chances_of(stats.binom(n, p * 0.98), sample)) > 3.5
    else:
        np.testing.assert_array_equal(sample, n * p)


@pytest.mark.parametrize("mean", [1e6, 1e12])
def test_counts_of_large_means(mean: float) -> None:
    """Counts by the million have the mean and the deviation that they should."""
    poisson = drawn(lambda k: df.random.poisson(k, mean, (100_000,)))
    binomial = drawn(lambda k: df.random.binomial(k, 4 * mean, 0.25, (100_000,)))
    for sample, variance in ((poisson, mean), (binomial, mean * 0.75)):
        scaled = (sample - mean) / np.sqrt(variance)
        assert abs(scaled.mean()) < 4 / np.sqrt(100_000)
        assert abs(scaled.std() - 1) < 4 / np.sqrt(200_000)
        assert distance(scaled, stats.norm().cdf) < KOLMOGOROV


def test_counts_broadcast() -> None:
    """Rates, trials and chances broadcast, and the dtype is what is asked for."""
    b, key = keyed()
    rates = b.constant([[0.5], [50.0]])
    sample = df.evaluate(df.random.poisson(key, rates, (4000, 2, 3), "float32"))
    assert sample.dtype == np.float32
    np.testing.assert_allclose(sample.mean(0), np.tile([[0.5], [50.0]], 3), rtol=0.1)
    trials = df.random.binomial(
        key, b.constant([10, 1000]), b.constant([[0.2], [0.9]]), None, "int32"
    )
    assert str(trials.spec) == "int32[2, 2]"


def test_negative_binomial() -> None:
    """Failures before successes are as frequent as they should be."""
    sample = drawn(lambda k: df.random.negative_binomial(k, 2.5, 0.3, (MANY // 4,)))
    assert abs(surprise(*chances_of(stats.nbinom(2.5, 0.3), sample))) < 3
    assert surprise(*chances_of(stats.nbinom(2.5, 0.306), sample)) > 3


def test_orthogonal() -> None:
    """Matrices are orthogonal, tall and wide ones too, and no direction is preferred."""
    _, key = keyed()
    made = df.evaluate(
        df.random.orthogonal(key, 4, (2000,), dtype="float64"),
        df.random.orthogonal(key, 5, m=3, dtype="float64"),
        df.random.orthogonal(key, 3, m=5, dtype="float64"),
    )
    np.testing.assert_allclose(
        made[0] @ made[0].swapaxes(1, 2), np.broadcast_to(np.eye(4), (2000, 4, 4)), atol=1e-12
    )
    np.testing.assert_allclose(made[1].T @ made[1], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(made[2] @ made[2].T, np.eye(3), atol=1e-12)
    assert abs(made[0].mean(0)).max() < 4 * 0.5 / np.sqrt(2000)
    with pytest.raises(ShapeError, match="sizes"):
        df.random.orthogonal(key, 0)


def test_geometric() -> None:
    """The first success is as late as it should be, and at once where it is certain."""
    sample = drawn(lambda k: df.random.geometric(k, 0.3, (MANY // 2,)))
    assert abs(surprise(*chances_of(stats.geom(0.3), sample))) < 3
    assert drawn(lambda k: df.random.geometric(k, 1.0, (5,))).tolist() == [1] * 5


def test_rademacher() -> None:
    """Signs are equally frequent."""
    sample = drawn(lambda k: df.random.rademacher(k, (MANY,), "float32"))
    assert set(sample.tolist()) == {-1.0, 1.0}
    assert abs(sample.sum()) < 3 * np.sqrt(MANY)


def test_permutations_are_equally_frequent() -> None:
    """All 24 orders of four numbers come as often."""
    _, key = keyed()
    orders = df.evaluate(df.random.permutation(df.random.split(key, (50_000,)), 4))
    np.testing.assert_array_equal(np.sort(orders), np.tile(np.arange(4), (50_000, 1)))
    kinds = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(kinds) == 24
    assert abs(surprise(kinds, np.full(24, 50_000 / 24))) < 3


def test_permutation_of_tensors() -> None:
    """Slices are shuffled along an axis, together or each line by itself, and so are gradients."""
    b, key = keyed()
    array = np.arange(60).reshape(3, 5, 4)
    x = b.constant(array)
    for axis in (0, 1, -1):
        together, each, order = df.evaluate(
            df.random.permutation(key, x, axis),
            df.random.permutation(key, x, axis, independent=True),
            df.random.permutation(key, array.shape[axis]),
        )  # fmt: skip
        np.testing.assert_array_equal(together, np.take(array, order, axis))
        np.testing.assert_array_equal(np.sort(each, axis), array)
        assert not np.array_equal(each, together)
    w = b.constant(np.arange(5.0))
    shuffled = df.random.permutation(key, w)
    (slope,) = df.grad((shuffled * shuffled * 0.5).sum(), [w])
    np.testing.assert_array_equal(df.evaluate(slope), np.arange(5.0))


def test_permutation_of_a_named_dimension() -> None:
    """The rows of a batch of any size are shuffled."""
    b, key = keyed()
    x = b.input("x", ("batch", 2), "float64")
    each = df.random.permutation(key, x, 0, independent=True)
    plan = df.compile(b.build({"x": df.random.permutation(key, x), "each": each}),
                      dims={"batch": 7})  # fmt: skip
    fed = np.arange(14.0).reshape(7, 2)
    result = df.Runner(plan).run(x=fed)
    np.testing.assert_array_equal(result["x"][np.argsort(result["x"][:, 0])], fed)
    np.testing.assert_array_equal(np.sort(result["each"], 0), fed)


def test_categorical() -> None:
    """Categories are as frequent as softmax says, for each row of logits; -inf never comes."""
    b, key = keyed()
    p = np.array([[0.1, 0.2, 0.7, 0.0], [0.25, 0.25, 0.25, 0.25]])
    with np.errstate(divide="ignore"):
        logits = b.constant(np.log(p) + 3)
    sample = df.evaluate(df.random.categorical(key, logits, shape=(MANY // 5, 2)))
    assert sample.shape == (MANY // 5, 2)
    assert abs(frequencies(sample[:, 1], p[1])) < 3
    assert abs(frequencies(sample[:, 0], p[0, :3])) < 3


def test_categorical_along_any_axis() -> None:
    """The axis of categories may be any, and the shape more than the logits'."""
    b, key = keyed()
    certain = np.full((3, 4, 5), -np.inf)
    certain[1] = 0
    logits = b.constant(certain)
    for shape in (None, (4, 5), (2, 6, 4, 5)):
        sample = df.evaluate(df.random.categorical(key, logits, 0, shape))
        np.testing.assert_array_equal(sample, np.ones(shape or (4, 5)))
    keys = df.random.split(key, (7,))
    assert df.random.categorical(keys, b.constant(np.zeros((2, 3)))).shape == (7, 2)
    wide = df.random.categorical(key, b.constant(np.zeros((1, 9))), -1, (8, 3))
    assert np.unique(df.evaluate(wide)).size > 5
    with pytest.raises(ShapeError, match="broadcast"):
        df.random.categorical(key, logits, 0, (4, 6))
    with pytest.raises(DTypeError, match="floats"):
        df.random.categorical(key, b.constant([1, 2]))


# Several at a time


def test_choice_with_probabilities() -> None:
    """With replacement, elements are as frequent as their probabilities say, and 0 is never."""
    _, key = keyed()
    sample = df.evaluate(df.random.choice(key, 5, (MANY,), p=[0.0, 1.0, 3.0, 0.0, 6.0]))
    counts = np.bincount(sample, minlength=5)
    assert counts[0] == counts[3] == 0
    often = counts[[1, 2, 4]]
    assert abs(surprise(often, MANY * np.array([0.1, 0.3, 0.6]))) < 3
    assert surprise(often, MANY * np.array([0.102, 0.3, 0.598])) > 3


def test_choice_without_replacement() -> None:
    """Without replacement no element comes twice; the first is as frequent as its probability."""
    b, key = keyed()
    p = np.array([0.1, 0.2, 0.3, 0.4])
    keys = [b.constant(df.random.key(i)) for i in range(400)]
    draws = df.evaluate(*[df.random.choice(k, 4, (2,), replace=False, p=p) for k in keys])
    assert all(a[0] != a[1] for a in draws)
    assert abs(frequencies(np.array([a[0] for a in draws]), p)) < 3
    all_of_them = df.evaluate(df.random.choice(key, 6, (2, 3), replace=False))
    assert sorted(all_of_them.ravel().tolist()) == list(range(6))


def test_choice_of_slices() -> None:
    """Slices of a tensor are drawn along any axis, and gradients go back to what was drawn."""
    b, key = keyed()
    x = b.constant(np.arange(12.0).reshape(3, 4))
    drawn_x = df.random.choice(key, x, (2, 5), axis=1)
    assert drawn_x.shape == (3, 2, 5)
    places, found, slope = df.evaluate(
        df.random.choice(key, 4, (2, 5)), drawn_x, *df.grad(drawn_x.sum(), [x])
    )
    np.testing.assert_array_equal(found, np.arange(12.0).reshape(3, 4)[:, places])
    np.testing.assert_array_equal(slope, np.tile(np.bincount(places.ravel(), minlength=4), (3, 1)))
    rows = b.input("rows", ("batch", 2))
    plan = df.compile(b.build({"x": df.random.choice(key, rows, (50,))}), dims={"batch": 3})
    fed = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert {*df.Runner(plan).run(rows=fed)["x"][:, 0].tolist()} == {0.0, 2.0, 4.0}


def test_multivariate_normal() -> None:
    """Vectors have their mean and covariance, each of a batch its own; gradients are exact."""
    b, key = keyed()
    mean = np.array([[0.0, 1.0], [5.0, -5.0]])
    cov = np.array([[2.0, 0.6], [0.6, 1.0]])
    centre, square = b.constant(mean), b.constant(cov)
    x = df.random.multivariate_normal(key, centre, square, (50_000, 2), "float64")
    sample, slope = df.evaluate(x, *df.grad(x.sum(), [centre]))
    np.testing.assert_allclose(sample.mean(0), mean, atol=0.03)
    for j in (0, 1):
        np.testing.assert_allclose(np.cov(sample[:, j].T), cov, atol=0.04)
    np.testing.assert_array_equal(slope, np.full((2, 2), 50_000.0))
    assert df.random.multivariate_normal(key, centre, square).shape == (2, 2)
    squared = ((x - centre) * (x - centre)).sum() / 100_000
    spread = df.evaluate(*df.grad(squared, [square]))  # of the trace of the covariance
    np.testing.assert_allclose(spread + spread.T, 2 * np.eye(2), atol=0.05)


def test_multinomial() -> None:
    """Counts add up to the trials, and each is binomial."""
    b, key = keyed()
    p = b.constant(np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
    sample = df.evaluate(df.random.multinomial(key, b.constant([[50], [7]]), p, (20_000, 2, 2)))
    assert sample.shape == (20_000, 2, 2, 3)
    np.testing.assert_array_equal(sample.sum(-1), np.broadcast_to([[50], [7]], (20_000, 2, 2)))
    np.testing.assert_array_equal(sample[:, :, 1, 1:], np.zeros((20_000, 2, 2)))
    for j, chance in enumerate((0.2, 0.5, 0.3)):
        law = stats.binom(50, chance)
        assert abs(surprise(*chances_of(law, sample[:, 0, 0, j]))) < 3.5


# Keys


def test_streams_are_stable() -> None:
    """A key's numbers never change: those of seed 7 are these."""
    b, key = keyed(7)
    words, first, folded, floats, normals = df.evaluate(
        df.random.bits(key, (3,)), df.random.split(key)[0], df.random.fold_in(key, 5),
        df.random.uniform(key, (3,)), df.random.normal(key, (2,), "float64"),
    )  # fmt: skip
    assert int(df.random.key(7)) == KEY_7
    assert words.tolist() == WORDS_7
    assert (int(first), int(folded)) == (SPLIT_7, FOLDED_7)
    np.testing.assert_allclose(floats, UNIFORM_7, rtol=1e-7)
    np.testing.assert_allclose(normals, NORMAL_7, rtol=1e-14)
    gammas = df.random.gamma(key, b.constant([0.5, 2.0]), dtype="float64")
    np.testing.assert_allclose(df.evaluate(gammas), GAMMA_7, rtol=1e-13)
    assert df.evaluate(df.random.permutation(key, 5)).tolist() == ORDER_7
    assert df.evaluate(df.random.randint(key, (5,), 0, 100)).tolist() == INTEGERS_7


def test_bits_are_evenly_spread() -> None:
    """All 256 upper and lower bytes of words are as frequent, and so are short words' bits."""
    words = drawn(lambda k: df.random.bits(k, (MANY,)))
    for shift in (0, 24, 56):
        parts = (words >> np.uint64(shift) & np.uint64(255)).astype(np.int64)
        counts = np.bincount(parts, minlength=256)
        assert abs(surprise(counts, np.full(256, MANY / 256))) < 3
    for dtype, wide in (("uint8", 8), ("uint16", 16), ("uint32", 32)):
        short = drawn(partial(df.random.bits, shape=(MANY,), dtype=dtype))
        np.testing.assert_array_equal(short, words >> np.uint64(64 - wide))


def test_split_and_fold_in_make_other_keys() -> None:
    """A thousand keys split from one, and a thousand folded into it, are all different."""
    b = df.GraphBuilder()
    key = b.constant(df.random.key(3))
    split, folded, own = df.evaluate(
        df.random.split(key, (1000,)), df.random.fold_in(key, b.arange(1000)),
        df.random.bits(key, (1000,)),
    )  # fmt: skip
    assert len({*split.tolist(), *folded.tolist(), *own.tolist(), int(df.random.key(3))}) == 3001
    third = df.evaluate(df.random.split(key, 5)[2], df.random.fold_in(key, 2))
    assert [int(a) for a in third] == [split[2], folded[2]]


def test_many_keys_draw_what_each_draws() -> None:
    """An array of keys draws the stack of what each of them draws."""
    _, key = keyed()
    keys = df.random.split(key, (2, 3))
    for draw in (df.random.bits, df.random.uniform, df.random.normal):
        stack, one = df.evaluate(draw(keys, (4, 5)), draw(keys[1, 2], (4, 5)))
        assert stack.shape == (2, 3, 4, 5)
        np.testing.assert_array_equal(stack[1, 2], one)


def test_a_key_that_a_run_advances_gives_new_numbers() -> None:
    """A variable that is folded into itself at each run is a stream that a state resumes."""
    b = df.GraphBuilder()
    key = b.variable("key", df.random.key(1))
    b.update(key, df.random.fold_in(key, 0))
    plan = df.compile(b.build({"x": df.random.uniform(key, (5,))}))
    runner, other = df.Runner(plan), df.Runner(plan)
    first = runner.run()["x"]
    state = runner.state
    second = runner.run()["x"]
    other.load_state(state)
    assert not np.any(first == second)
    np.testing.assert_array_equal(other.run()["x"], second)


def test_keys_are_fed() -> None:
    """A key may be an input: equal keys, equal numbers."""
    b = df.GraphBuilder()
    key = b.input("key", (), "uint64")
    runner = df.Runner(df.compile(b.build({"x": df.random.uniform(key, (5,))})))
    one, other, again = (runner.run(key=df.random.key(s))["x"] for s in (1, 2, 1))
    assert not np.any(one == other)
    np.testing.assert_array_equal(one, again)


# Parameters, shapes, dtypes


def test_parameters_broadcast_and_have_gradients() -> None:
    """Locations and scales broadcast to the shape, or give it, and are differentiated by."""
    b, key = keyed()
    loc, scale = b.constant(np.zeros((2, 1))), b.constant(np.ones(3))
    x = df.random.normal(key, dtype="float64", loc=loc, scale=scale)
    assert str(x.spec) == "float64[2, 3]"
    to_loc, to_scale, values = df.evaluate(*df.grad(x.sum(), [loc, scale]), x)
    np.testing.assert_array_equal(to_loc, np.full((2, 1), 3.0))
    np.testing.assert_allclose(to_scale, values.sum(0))
    low, high = b.constant(1.0), b.constant(2.0)
    y = df.random.uniform(key, (4,), minval=low, maxval=high)
    grads = df.evaluate(*df.grad(y.sum(), [low, high]), y)
    assert grads[0] + grads[1] == pytest.approx(4)
    assert grads[1] == pytest.approx(float((grads[2] - 1).sum()))


def test_named_dimensions_are_drawn() -> None:
    """A shape may name dimensions; the numbers are those of the bound shape."""
    b, key = keyed()
    x = df.random.normal(key, ("batch", 3))
    plan = df.compile(b.build({"x": x}), dims={"batch": 4})
    np.testing.assert_array_equal(
        df.Runner(plan).run()["x"], df.evaluate(df.random.normal(key, (4, 3)))
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes(dtype: str) -> None:
    """Uniform draws lie in [0, 1) in every dtype, and normal ones are finite."""
    u = drawn(lambda k: df.random.uniform(k, (MANY,), dtype))
    n = drawn(lambda k: df.random.normal(k, (MANY,), dtype))
    assert (u.dtype, n.dtype) == (np.dtype(dtype), np.dtype(dtype))
    assert u.min() >= 0
    assert u.max() < 1
    assert np.isfinite(n).all()
    assert u.mean(dtype=np.float64) == pytest.approx(0.5, abs=2e-3)


def test_keys_are_constants_where_the_builder_is_known() -> None:
    """Within a builder's block, or beside a tensor, a draw takes a key as the array that it is."""
    b, key = keyed()
    plain: Any = df.random.key(0)
    key, x = b.constant(plain), b.ones((8,))
    with b:
        draws = [
            (df.random.normal(k, (3,)), df.random.fold_in(k, 1), df.random.bits(key=k, shape=(2,)),
             *df.random.split(k), df.random.permutation(k, 5), df.random.gamma(k, 2.0, (2,)))
            for k in (key, plain)
        ]  # fmt: skip
    draws[0] += (df.nn.dropout(x, 0.5, key), df.random.permutation(key, x))
    draws[1] += (df.nn.dropout(x, 0.5, key=plain), df.random.permutation(plain, x))
    for expected, found in zip(*(df.evaluate(*row) for row in draws), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_arrays_are_constants_within_a_builders_block() -> None:
    """Where a tensor is expected, an array or a number is a constant of the builder around."""
    x: Any = np.array([1, 2, 2])
    with df.GraphBuilder() as b:
        found = (df.one_hot(x, 3), df.bincount(x, minlength=3), df.sum(x), df.add(x, 1),
                 df.fft.fft(x), df.exp(0.0))  # fmt: skip
    assert {t.builder for t in found} == {b}
    expected = (np.eye(4)[x][:, :3], [0, 1, 2], 5, x + 1, np.fft.fft(x), 1.0)
    for made, right in zip(df.evaluate(*found), expected, strict=True):
        np.testing.assert_allclose(made, right)


def test_wrong_arguments_are_refused() -> None:
    """A key that is none, a dtype or a shape that can't be drawn is refused when it is declared."""
    b, key = keyed()
    with pytest.raises(DTypeError, match="uint64"):
        df.random.uniform(b.constant(1.0), (2,))
    with pytest.raises(DTypeError, match="must be a tensor"):
        df.random.uniform(df.random.key(0), (2,))  # type: ignore[arg-type]
    with b, pytest.raises(DTypeError, match="uint64"):
        df.random.uniform(0, (2,))  # type: ignore[arg-type]
    with b, pytest.raises(DTypeError, match="must be a tensor, not str"):
        df.random.uniform("0", (2,))  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="int64"):
        df.random.normal(key, (2,), "int64")
    with pytest.raises(ArgumentError):
        df.random.uniform(key, (-2,))
    with pytest.raises(ShapeError, match="broadcast"):
        df.random.normal(key, (2,), loc=b.constant(np.zeros(3)))
    with pytest.raises(ShapeError, match="broadcast"):
        df.random.normal(key, (2,), loc=b.constant(np.zeros((4, 2))))
    with pytest.raises(ShapeError, match="number of keys"):
        df.random.split(key, -1)
    with pytest.raises(DTypeError, match="integers"):
        df.random.fold_in(key, 0.5)
    with pytest.raises(DTypeError, match="seed"):
        df.random.key(-1)


WRONG: dict[str, tuple[Callable[[df.Tensor, Any], df.Tensor], list[Any], str]] = {
    "uniform": (lambda k, p: df.random.uniform(k, (2,), "float32", p, 1.0), [1.5, np.inf],
                "minval is at most maxval"),
    "normal": (lambda k, p: df.random.normal(k, (2,), scale=p), [-1.0, np.nan], "0 or more"),
    "exponential": (lambda k, p: df.random.exponential(k, (2,), scale=p), [-1.0], "0 or more"),
    "gumbel": (lambda k, p: df.random.gumbel(k, (2,), scale=p), [-1.0], "0 or more"),
    "laplace": (lambda k, p: df.random.laplace(k, (2,), scale=p), [-1.0], "0 or more"),
    "logistic": (lambda k, p: df.random.logistic(k, (2,), scale=p), [-1.0], "0 or more"),
    "cauchy": (lambda k, p: df.random.cauchy(k, (2,), scale=p), [-1.0], "0 or more"),
    "lognormal": (lambda k, p: df.random.lognormal(k, p, (2,)), [-1.0], "0 or more"),
    "rayleigh": (lambda k, p: df.random.rayleigh(k, p, (2,)), [-1.0], "0 or more"),
    "weibull_min": (lambda k, p: df.random.weibull_min(k, p, 1.0, (2,)), [-1.0], "0 or more"),
    "weibull_power": (lambda k, p: df.random.weibull_min(k, 1.0, p, (2,)), [0.0], "above 0"),
    "pareto": (lambda k, p: df.random.pareto(k, p, (2,)), [0.0], "above 0"),
    "triangular": (lambda k, p: df.random.triangular(k, 0.0, p, 2.0, (2,)), [-1.0, 3.0], "order"),
    "truncated_normal": (lambda k, p: df.random.truncated_normal(k, p, 1.0, (2,)), [1.0, np.nan],
                         "nothing lies between"),
    "truncated_scale": (lambda k, p: df.random.truncated_normal(k, 0.0, 1.0, (2,), scale=p),
                        [-1.0], "0 or more"),
    "gamma": (lambda k, p: df.random.gamma(k, p, (2,)), [0.0, -1.0, np.nan], "above 0"),
    "gamma_scale": (lambda k, p: df.random.gamma(k, 1.0, (2,), scale=p), [-1.0], "0 or more"),
    "loggamma": (lambda k, p: df.random.loggamma(k, p, (2,)), [0.0], "above 0"),
    "beta": (lambda k, p: df.random.beta(k, 1.0, p, (2,)), [0.0], "b must be above 0"),
    "chisquare": (lambda k, p: df.random.chisquare(k, p, (2,)), [0.0], "above 0"),
    "t": (lambda k, p: df.random.t(k, p, (2,)), [-2.0], "above 0"),
    "f": (lambda k, p: df.random.f(k, 1.0, p, (2,)), [0.0], "dfden must be above 0"),
    "wald": (lambda k, p: df.random.wald(k, p, (2,)), [0.0], "above 0"),
    "generalized_normal": (lambda k, p: df.random.generalized_normal(k, p, (2,)), [0.0],
                           "above 0"),
    "bernoulli": (lambda k, p: df.random.bernoulli(k, p, (2,)), [-0.1, 1.1, np.nan],
                  "between 0 and 1"),
    "geometric": (lambda k, p: df.random.geometric(k, p, (2,)), [0.0, 1.5], "p "),
    "negative_binomial": (lambda k, p: df.random.negative_binomial(k, 2.0, p, (2,)), [0.0, 1.5],
                          "p "),
    "poisson": (lambda k, p: df.random.poisson(k, p, (2,)), [-1.0, np.nan], "0 or more"),
    "binomial": (lambda k, p: df.random.binomial(k, 3, p, (2,)), [-0.5, 1.5], "between 0 and 1"),
    "binomial_trials": (lambda k, p: df.random.binomial(k, p, 0.5, (2,)), [-1.0], "0 or more"),
    "multinomial": (lambda k, p: df.random.multinomial(k, p, [0.5, 0.5]), [-1.0], "0 or more"),
    "randint": (lambda k, p: df.random.randint(k, (2,), p, 3), [3, 9], "no integer"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_known_parameters_out_of_range_are_refused(name: str) -> None:
    """A number, an array and a constant that no distribution has are refused at once."""
    draw, wrong, text = WRONG[name]
    _, key = keyed()
    for value in wrong:
        array = np.array([value, value])
        for given in (value, array, key.builder.constant(array)):
            with pytest.raises(ArgumentError, match=text) as caught:
                draw(key, given)
            assert "test_random.py:" in str(caught.value)


def test_known_weights_are_checked() -> None:
    """Probabilities below 0, or without one above 0, and categories of none, are refused."""
    b, key = keyed()
    for p, text in (([-0.5, 1.0], "0 or more"), ([0.0, 0.0], "above 0"), ([np.nan, 1.0], "more")):
        for given in (p, np.array(p), b.constant(np.array(p))):
            with pytest.raises(ArgumentError, match=text):
                df.random.choice(key, 2, (3,), p=given)
            with pytest.raises(ArgumentError, match=text):
                df.random.multinomial(key, 5, given)
    with pytest.raises(ArgumentError, match="no category"):
        df.random.categorical(key, b.zeros((3, 0)))


def test_what_tensors_out_of_range_draw() -> None:
    """What shows when a plan runs draws what the docstrings say, and raises nothing."""
    b, key = keyed()
    p = b.input("p", (2,), "float64")
    made = {
        "normal": df.random.normal(key, dtype="float64", scale=p),
        "uniform": df.random.uniform(key, dtype="float64", minval=p, maxval=0.0),
        "gamma": df.random.gamma(key, p), "beta": df.random.beta(key, p, 1.0),
        "bernoulli": df.random.bernoulli(key, p),
        "truncated": df.random.truncated_normal(key, 1.0, p),
    }  # fmt: skip
    runner = df.Runner(df.compile(b.build(made)))
    with np.errstate(all="ignore"):
        low, high = (runner.run(p=np.array([n, n])) for n in (-2.0, 2.0))
    np.testing.assert_array_equal(low["normal"], -high["normal"])
    np.testing.assert_allclose(low["uniform"], -high["uniform"])
    for name in ("gamma", "beta"):
        assert np.isnan(low[name]).all()
        assert np.isfinite(high[name]).all()
    assert not low["bernoulli"].any()
    assert high["bernoulli"].all()
    assert np.isin(low["truncated"], (-2.0, 1.0)).all()


def test_wrong_parameters_are_refused() -> None:
    """Parameters that no distribution has are refused when they are declared."""
    b, key = keyed()
    with pytest.raises(ArgumentError, match="no integer"):
        df.random.randint(key, (2,), 3, 3)
    with pytest.raises(DTypeError, match="can't hold"):
        df.random.randint(key, (2,), 0, 300, "int8")
    with pytest.raises(DTypeError, match="float32"):
        df.random.randint(key, (2,), 0, 3, "float32")
    with pytest.raises(DTypeError, match="bounds"):
        df.random.randint(key, (2,), 0.5, 3)
    with pytest.raises(ArgumentError, match="between"):
        df.random.bernoulli(key, 1.5, (2,))
    with pytest.raises(ArgumentError, match="permutation"):
        df.random.permutation(key, -1)
    with pytest.raises(ArgumentError, match="axis"):
        df.random.permutation(key, b.constant([1.0]), 1)
    with pytest.raises(ArgumentError, match="between"):
        df.random.truncated_normal(key, 2.0, 2.0, (2,))
    with pytest.raises(ArgumentError, match="above 0"):
        df.random.gamma(key, 0.0, (2,))
    with pytest.raises(ArgumentError, match="one axis"):
        df.random.dirichlet(key, 1.0)
    with pytest.raises(ArgumentError, match="0 or more"):
        df.random.poisson(key, -1.0, (2,))
    with pytest.raises(ArgumentError, match="between"):
        df.random.binomial(key, 3, 1.5, (2,))
    with pytest.raises(DTypeError, match="integers or floats"):
        df.random.poisson(key, 1.0, (2,), "bool")
    with pytest.raises(ArgumentError, match="can't be drawn"):
        df.random.choice(key, 3, (4,), replace=False)
    with pytest.raises(ArgumentError, match="probability for each"):
        df.random.choice(key, 3, (4,), p=[0.5, 0.5])
    with pytest.raises(ArgumentError, match="covariance"):
        df.random.multivariate_normal(key, [0.0], [[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(ArgumentError, match="known length"):
        df.random.multinomial(key, 3, 0.5)
