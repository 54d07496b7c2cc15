"""Draws where methods change or digits end: small and large parameters, the ends, and independence.

As in `test_random`, seeds are fixed, and a test says how often chance alone would fail it: the
distance of Kolmogorov and Smirnov once in 700 times, what is normal beyond 4 deviations once in
15,000 times.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ShapeError
from tests.chances import KOLMOGOROV, distance, drawn, surprise

stats = pytest.importorskip("scipy.stats")

N = 40_000
Array = Any
Draw = Callable[[df.Tensor, str], df.Tensor]

REGIMES: dict[str, tuple[Draw, Any]] = {
    "uniform_narrow": (lambda k, d: df.random.uniform(k, (N,), d, 5.0, 5.5), stats.uniform(5, 0.5)),
    "normal_wide": (lambda k, d: df.random.normal(k, (N,), d, -7.0, 1e6), stats.norm(-7, 1e6)),
    "truncated_one_side": (lambda k, d: df.random.truncated_normal(k, 0.0, np.inf, (N,), d),
                           stats.halfnorm()),
    "truncated_tail": (lambda k, d: df.random.truncated_normal(k, 6.0, 7.0, (N,), d),
                       stats.truncnorm(6, 7)),
    "exponential_short": (lambda k, d: df.random.exponential(k, (N,), d, 1e-3),
                          stats.expon(scale=1e-3)),
    "gumbel": (lambda k, d: df.random.gumbel(k, (N,), d), stats.gumbel_r()),
    "laplace_moved": (lambda k, d: df.random.laplace(k, (N,), d, 2.0, 3.0), stats.laplace(2, 3)),
    "logistic_moved": (lambda k, d: df.random.logistic(k, (N,), d, 2.0, 3.0), stats.logistic(2, 3)),
    "cauchy_moved": (lambda k, d: df.random.cauchy(k, (N,), d, 2.0, 3.0), stats.cauchy(2, 3)),
    "gamma_0.05": (lambda k, d: df.random.gamma(k, 0.05, (N,), d), stats.gamma(0.05)),
    "gamma_below_1": (lambda k, d: df.random.gamma(k, 0.999, (N,), d), stats.gamma(0.999)),
    "gamma_1": (lambda k, d: df.random.gamma(k, 1.0, (N,), d), stats.expon()),
    "gamma_1e4": (lambda k, d: df.random.gamma(k, 1e4, (N,), d), stats.gamma(1e4)),
    "gamma_1e8": (lambda k, d: (df.random.gamma(k, 1e8, (N,), "float64") - 1e8) * 1e-4,
                  stats.norm()),
    "loggamma_0.001": (lambda k, d: df.random.loggamma(k, 1e-3, (N,), d), stats.loggamma(1e-3)),
    "beta_small": (lambda k, d: df.random.beta(k, 0.05, 0.1, (N,), "float64"),
                   stats.beta(0.05, 0.1)),
    "beta_uneven": (lambda k, d: df.random.beta(k, 0.2, 30.0, (N,), d), stats.beta(0.2, 30)),
    "beta_large": (lambda k, d: df.random.beta(k, 500.0, 800.0, (N,), d), stats.beta(500, 800)),
    "dirichlet_small": (lambda k, d: df.random.dirichlet(k, [0.1, 0.2], (N,), "float64")[:, 0],
                        stats.beta(0.1, 0.2)),
    "chisquare_half": (lambda k, d: df.random.chisquare(k, 0.5, (N,), d), stats.chi2(0.5)),
    "chisquare_many": (lambda k, d: df.random.chisquare(k, 400.0, (N,), d), stats.chi2(400)),
    "t_half": (lambda k, d: df.random.t(k, 0.5, (N,), d), stats.t(0.5)),
    "t_many": (lambda k, d: df.random.t(k, 1e5, (N,), d), stats.norm()),
    "f_small": (lambda k, d: df.random.f(k, 1.0, 0.5, (N,), d), stats.f(1, 0.5)),
    "lognormal_wide": (lambda k, d: df.random.lognormal(k, 4.0, (N,), d), stats.lognorm(4)),
    "pareto_heavy": (lambda k, d: df.random.pareto(k, 0.5, (N,), d), stats.pareto(0.5)),
    "rayleigh": (lambda k, d: df.random.rayleigh(k, 1e-3, (N,), d), stats.rayleigh(scale=1e-3)),
    "weibull_flat": (lambda k, d: df.random.weibull_min(k, 1.0, 0.3, (N,), d),
                     stats.weibull_min(0.3)),
    "weibull_steep": (lambda k, d: df.random.weibull_min(k, 1.0, 20.0, (N,), d),
                      stats.weibull_min(20)),
    "triangular_left": (lambda k, d: df.random.triangular(k, 0.0, 0.0, 2.0, (N,), d),
                        stats.triang(0, 0, 2)),
    "triangular_right": (lambda k, d: df.random.triangular(k, 0.0, 2.0, 2.0, (N,), d),
                         stats.triang(1, 0, 2)),
    "generalized_flat": (lambda k, d: df.random.generalized_normal(k, 8.0, (N,), d),
                         stats.gennorm(8)),
    "generalized_heavy": (lambda k, d: df.random.generalized_normal(k, 0.5, (N,), d),
                          stats.gennorm(0.5)),
    "wald_long": (lambda k, d: df.random.wald(k, 20.0, (N,), d), stats.invgauss(20)),
    "wald_short": (lambda k, d: df.random.wald(k, 0.05, (N,), d), stats.invgauss(0.05)),
    "maxwell": (lambda k, d: df.random.maxwell(k, (N,), d), stats.maxwell()),
}  # fmt: skip


@cache
def sample_of(name: str, dtype: str = "float64") -> Array:
    """Return draws of a regime."""
    return drawn(lambda k: REGIMES[name][0](k, dtype), seed=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REGIMES)
def test_regimes(name: str, dtype: str) -> None:
    """Small, large and uneven parameters give their distribution, in both dtypes."""
    assert distance(sample_of(name, dtype), REGIMES[name][1].cdf) < KOLMOGOROV


# Whole numbers


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 10**6 + 3), (-17, 10**12), (-(2**62) - 12345, 2**62 + 999), (0, 2**63 - 1),
     (-(2**63), 2**63), (2**62, 2**63), (-(2**63), -(2**63) + 10**9 + 7)],
)  # fmt: skip
def test_wide_ranges_are_even(low: int, high: int) -> None:
    """Ranges that are no power of two, and those at the ends of int64, are evenly drawn."""
    sample = drawn(lambda k: df.random.randint(k, (N,), low, high), seed=2)
    where = (sample.astype(np.longdouble) - low) / (high - low)
    assert where.min() >= 0
    assert distance(where, lambda u: u) < KOLMOGOROV
    counts = np.bincount((where * 64).astype(int).clip(0, 63), minlength=64)
    assert abs(surprise(counts, np.full(64, N / 64))) < 4
    odd = (sample & 1).sum()
    assert abs(odd - N / 2) < 4 * np.sqrt(N / 4)


def test_the_last_integers_are_drawn() -> None:
    """The ten integers below 2⁶³, and those below 2⁶⁴, are equally frequent, the ends too."""
    for low, high, dtype in ((2**63 - 10, 2**63, "int64"), (2**64 - 10, 2**64, "uint64")):
        sample = drawn(
            lambda k, a=low, b=high, d=dtype: df.random.randint(k, (N,), a, b, d)  # type: ignore[misc]
        )
        offsets = (sample - np.array(low, dtype)).astype(np.int64)
        counts = np.bincount(offsets, minlength=10)
        assert abs(surprise(counts, np.full(10, N / 10))) < 3


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_every_place_of_a_permutation_is_even(n: int) -> None:
    """Each number comes in each place as often, whatever the length."""
    orders = drawn(lambda k: df.random.permutation(df.random.split(k, (N // n,)), n), seed=3)
    first, last = (np.bincount(orders[:, i], minlength=n) for i in (0, -1))
    if n > 1:
        for counts in (first, last):
            assert abs(surprise(counts, np.full(n, counts.sum() / n))) < 4
    cycles = (orders == np.arange(n)).sum(1)  # fixed points: 1 on average, of variance 1
    assert abs(cycles.mean() - 1) < 4 / np.sqrt(N // n)


def test_categories_of_extreme_logits() -> None:
    """A category of chance 10⁻⁴ comes as often, and logits by the thousand change nothing."""
    logits = np.log([1e-4, 0.9999]) + 5000
    sample = drawn(lambda k: df.random.categorical(k, k.builder.constant(logits), shape=(4 * N,)))
    assert abs((sample == 0).sum() - 16) < 16


# The ends


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_ends_that_are_excluded_never_come(dtype: str) -> None:
    """Uniform draws are below 1 in every dtype; what has no end is finite, even of word 0."""
    assert drawn(lambda k: df.random.uniform(k, (25 * N,), dtype)).max() < 1
    for draw in (df.random.normal, df.random.gumbel, df.random.laplace, df.random.logistic):
        assert np.isfinite(drawn(lambda k, f=draw: f(k, (N,), dtype))).all()  # type: ignore[misc]
    assert drawn(lambda k: df.random.exponential(k, (N,), dtype)).min() >= 0


def test_units_are_open() -> None:
    """What quantiles are taken of is never 0 nor 1, though a word of 0 stands for 0."""
    from dataflow.ops.random.parameters import open_units

    b = df.GraphBuilder()
    u = df.evaluate(open_units(b.constant(df.random.key(0)), (N,)))
    assert 0 < u.min() < u.max() < 1
    assert 1 - 2.0**-53 < 1  # the largest word
    lowest = df.evaluate(df.maximum(b.constant(np.float64(0)), np.float64(2.0**-54)))
    assert np.isfinite([np.log(lowest), -np.log(-np.log1p(-lowest)), np.tan(np.pi * (lowest - 0.5))]
                       ).all()  # fmt: skip


# Points


def test_double_sided_maxwell() -> None:
    """Maxwell draws lie on both sides of the middle, and are moved, scaled and differentiated."""
    b = df.GraphBuilder()
    loc, scale = b.constant(1.0), b.constant(2.0)
    x = df.random.double_sided_maxwell(b.constant(df.random.key(0)), loc, scale, (N,), "float64")
    sample, *slopes = df.evaluate(x, *df.grad(x.sum(), [loc, scale]))
    away = (sample - 1) / 2
    assert distance(np.abs(away), stats.maxwell().cdf) < KOLMOGOROV
    assert abs((away > 0).sum() - N / 2) < 4 * np.sqrt(N / 4)
    np.testing.assert_allclose(slopes, [N, away.sum()], rtol=1e-5)


@pytest.mark.parametrize(("d", "p"), [(1, 2.0), (3, 2.0), (2, 1.0), (4, 5.0)])
def test_points_fill_the_ball(d: int, p: float) -> None:
    """Of points in a ball, the d-th power of the norm is uniform, and no side is preferred."""
    points = drawn(lambda k: df.random.ball(k, d, p, (N,), "float64"))
    norms = (np.abs(points) ** p).sum(1) ** (1 / p)
    assert distance(norms**d, stats.uniform().cdf) < KOLMOGOROV
    assert (np.abs((points > 0).sum(0) - N / 2) < 4 * np.sqrt(N / 4)).all()
    key = df.GraphBuilder().constant(df.random.key(0))
    assert df.random.ball(df.random.split(key, (3,)), d, p, (2,)).shape == (3, 2, d)
    with pytest.raises(ShapeError, match="d is an int"):
        df.random.ball(key, 0)


def test_points_fill_the_cube_and_the_star() -> None:
    """For p = inf coordinates are uniform and independent; for small p norms are as for any."""
    points = drawn(lambda k: df.random.ball(k, 2, math.inf, (N,), "float64"))
    assert distance(points.ravel(), stats.uniform(-1, 2).cdf) < KOLMOGOROV
    assert distance(np.abs(points).max(1) ** 2, stats.uniform().cdf) < KOLMOGOROV
    for p in (0.02, 0.005):
        points = drawn(partial(df.random.ball, d=2, p=p, shape=(N,), dtype="float64"))
        norms = (np.abs(points) ** p).sum(1) ** (1 / p)
        assert distance(norms**2, stats.uniform().cdf) < KOLMOGOROV
    assert not np.isnan(drawn(lambda k: df.random.ball(k, 2, 1e-3, (N,), "float64"))).any()


# Independence


def ranks(sample: Array) -> Array:
    """Return where each element stands among all, from -½ to ½."""
    order = np.empty(len(sample))
    order[np.argsort(sample, kind="stable")] = np.arange(len(sample))
    return (order + 0.5) / len(sample) - 0.5


@pytest.mark.parametrize("name", REGIMES)
def test_neighbours_do_not_correlate(name: str) -> None:
    """Ranks of elements 1, 2, 3, 7, 64 and 4096 apart, and their squares, don't correlate."""
    place = ranks(sample_of(name))
    for values in (place * np.sqrt(12), (place**2 - 1 / 12) * np.sqrt(180)):
        for lag in (1, 2, 3, 7, 64, 4096):
            product = (values[lag:] * values[:-lag]).mean()
            assert abs(product) < 4.5 / np.sqrt(N - lag)


@pytest.mark.parametrize("name", REGIMES)
def test_runs_are_as_many_as_chance_makes(name: str) -> None:
    """Stretches above and below the median, and upwards and downwards, are as many as they are."""
    place = ranks(sample_of(name))
    above = 1 + (np.diff(place > 0)).sum()
    assert abs(above - (N / 2 + 1)) < 4 * np.sqrt(N / 4)
    upwards = 1 + np.diff(np.diff(place) > 0).sum()
    assert abs(upwards - (2 * N - 1) / 3) < 4 * np.sqrt((16 * N - 29) / 90)


def test_pairs_of_neighbours_fill_the_square() -> None:
    """Neighbouring pairs of uniform draws fall into each of 32 x 32 squares as often."""
    u = drawn(lambda k: df.random.uniform(k, (10 * N,), "float64"))
    cells = (u[::2] * 32).astype(int) * 32 + (u[1::2] * 32).astype(int)
    counts = np.bincount(cells, minlength=1024)
    assert abs(surprise(counts, np.full(1024, len(cells) / 1024))) < 4


NEIGHBOURS: dict[str, Callable[[df.Tensor], df.Tensor]] = {
    "uniform": lambda k: df.random.uniform(k, (4,), "float64"),
    "normal": lambda k: df.random.normal(k, (4,), "float64"),
    "gamma": lambda k: df.random.gamma(k, 0.7, (4,), "float64"),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
@pytest.mark.parametrize("kind", ["seeds", "raw", "split", "folded"])
def test_neighbouring_keys_are_independent(name: str, kind: str) -> None:
    """Keys of seeds in a row, numbers in a row as keys, split and folded ones: no correlation."""
    b = df.GraphBuilder()
    key = b.constant(df.random.key(5))
    makers: dict[str, Callable[[], df.Tensor]] = {
        "seeds": lambda: b.constant(np.array([df.random.key(i) for i in range(N // 10)])),
        "raw": lambda: b.constant(np.arange(N // 10, dtype=np.uint64)),
        "split": lambda: df.random.split(key, (N // 10,)),
        "folded": lambda: df.random.fold_in(key, b.arange(N // 10)),
    }
    table = df.evaluate(NEIGHBOURS[name](makers[kind]()))
    columns = [ranks(column) * np.sqrt(12) for column in table.T]
    for column in columns:
        for lag in (1, 2, 16):
            assert abs((column[lag:] * column[:-lag]).mean()) < 4.5 / np.sqrt(N // 10 - lag)
    for one, other in pairwise(columns):
        assert abs((one * other).mean()) < 4.5 / np.sqrt(N // 10)
