"""Draws as functions of their parameters: at one key, or on average where a draw is by rejection.

Where a draw is a function of standard draws, its derivatives are those of the numbers at one key,
to the second order. Where it is made of gamma draws, whose derivatives by the shape are implicit,
the mean of a derivative is the derivative of the mean.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df

Array = Any
S = (6,)

PATHWISE: dict[str, tuple[Callable[..., df.Tensor], list[float]]] = {
    "uniform": (lambda k, a, b: df.random.uniform(k, S, "float64", a, b), [-1.0, 2.0]),
    "normal": (lambda k, m, s: df.random.normal(k, S, "float64", m, s), [0.5, 2.0]),
    "truncated_normal": (
        lambda k, a, b, m, s: df.random.truncated_normal(k, a, b, S, "float64", m, s),
        [-0.7, 1.5, 0.3, 2.0]),
    "truncated_above": (
        lambda k, a, b: df.random.truncated_normal(k, a, b, S, "float64"), [1.0, 2.5]),
    "exponential": (lambda k, s: df.random.exponential(k, S, "float64", s), [1.5]),
    "gumbel": (lambda k, m, s: df.random.gumbel(k, S, "float64", m, s), [0.5, 2.0]),
    "laplace": (lambda k, m, s: df.random.laplace(k, S, "float64", m, s), [0.5, 2.0]),
    "logistic": (lambda k, m, s: df.random.logistic(k, S, "float64", m, s), [0.5, 2.0]),
    "cauchy": (lambda k, m, s: df.random.cauchy(k, S, "float64", m, s), [0.5, 2.0]),
    "lognormal": (lambda k, s: df.random.lognormal(k, s, S, "float64"), [0.7]),
    "pareto": (lambda k, b: df.random.pareto(k, b, S, "float64"), [2.5]),
    "rayleigh": (lambda k, s: df.random.rayleigh(k, s, S, "float64"), [1.5]),
    "weibull_min": (lambda k, s, c: df.random.weibull_min(k, s, c, S, "float64"), [2.0, 1.5]),
    "triangular": (lambda k, a, b, c: df.random.triangular(k, a, b, c, S, "float64"),
                   [-1.0, 0.3, 2.0]),
    "wald": (lambda k, m: df.random.wald(k, m, S, "float64"), [1.5]),
    "gamma_scale": (lambda k, s: df.random.gamma(k, 2.5, S, "float64", s), [1.5]),
}  # fmt: skip


@pytest.mark.parametrize("name", PATHWISE)
def test_derivatives_at_one_key(name: str) -> None:
    """First and second derivatives by every parameter are those of the numbers drawn."""
    draw, at = PATHWISE[name]
    b = df.GraphBuilder()
    key = b.constant(df.random.key(9))
    parameters = [b.input(f"p{i}", (), "float64") for i in range(len(at))]
    value = df.sin(draw(key, *parameters)).sum()  # so that what is linear has a second derivative
    first = df.grad(value, parameters)
    second = [df.grad(slope, parameters) for slope in first]
    flat = [value, *first, *(term for row in second for term in row)]
    runner = df.Runner(df.compile(b.build({str(i): x for i, x in enumerate(flat)})))

    def computed(point: Array) -> list[float]:
        found = runner.run({f"p{i}": x for i, x in enumerate(point)})
        return [float(found[str(i)]) for i in range(len(flat))]

    count, here, step = len(at), computed(np.array(at)), 1e-5
    for i in range(count):
        move = np.eye(count)[i] * step
        ahead, behind = (np.array(computed(np.array(at) + s)) for s in (move, -move))
        slopes = (ahead - behind) / (2 * step)
        assert here[1 + i] == pytest.approx(slopes[0], rel=1e-6, abs=1e-7)
        bends = [here[1 + count + j * count + i] for j in range(count)]
        np.testing.assert_allclose(bends, slopes[1 : 1 + count], rtol=1e-5, atol=1e-6)


# On average

N = 10_000

MEANS: dict[str, tuple[Callable[..., df.Tensor], list[float], list[float], list[float]]] = {
    # a function of the parameters, these, and the first and second derivatives of its mean
    "gamma": (lambda k, a: df.random.gamma(k, a, (N,), "float64") ** 2, [1.5], [4.0], [2.0]),
    "gamma_below_1": (lambda k, a: df.random.gamma(k, a, (N,), "float64"), [0.4], [1.0], [0.0]),
    "loggamma": (lambda k, a: df.random.loggamma(k, a, (N,), "float64"), [2.0],
                 [np.pi**2 / 6 - 1], [-2 * 1.2020569031595942 + 2]),
    "beta": (lambda k, a, b: df.random.beta(k, a, b, (N,), "float64"), [2.0, 3.0],
             [3 / 25, -2 / 25], [-6 / 125, 4 / 125]),
    "beta_small": (lambda k, a, b: df.random.beta(k, a, b, (N,), "float64"), [0.3, 0.5],
                   [0.5 / 0.64, -0.3 / 0.64], [-1 / 0.512, 0.6 / 0.512]),
    "dirichlet": (lambda k, a: df.random.dirichlet(k, df.stack([a, a * 0 + 3]), (N,),
                                                   "float64")[..., 0], [2.0], [3 / 25], [-6 / 125]),
    "chisquare": (lambda k, n: df.random.chisquare(k, n, (N,), "float64") ** 2, [3.0], [8.0],
                  [2.0]),
    "t": (lambda k, n: df.random.t(k, n, (N,), "float64") ** 2, [12.0], [-2 / 100], [4 / 1000]),
    "f": (lambda k, m, n: df.random.f(k, m, n, (N,), "float64"), [4.0, 12.0], [0.0, -2 / 100],
          [0.0, 4 / 1000]),
    "generalized_normal": (
        lambda k, p: df.random.generalized_normal(k, 1 / p, (N,), "float64") ** 2, [1.0],
        # E x² = Γ(3q) / Γ(q) for q = 1 / p; log's derivatives are 3ψ(3q) - ψ(q), 9ψ'(3q) - ψ'(q)
        [2 * (3 * (1.5 - 0.5772156649015329) + 0.5772156649015329)],
        [2 * ((4.5 - 2 * 0.5772156649015329) ** 2 + 9 * (np.pi**2 / 6 - 1.25) - np.pi**2 / 6)]),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_derivatives_of_means(name: str) -> None:
    """Means of first and second implicit derivatives are the means' derivatives."""
    draw, at, first, second = MEANS[name]
    b = df.GraphBuilder()
    keys = b.constant(df.random.key(3))
    parameters = [b.constant(np.full(1, p)) for p in at]
    each = draw(keys, *[p[0] for p in parameters])
    slopes = df.grad(each.sum(), parameters)
    bends = [df.grad(slope.sum(), [p])[0] for slope, p in zip(slopes, parameters, strict=True)]
    found = [float(x[0]) / N for x in df.evaluate(*slopes, *bends)]
    bound = [max(0.03 * abs(x), 0.01) for x in first] + [max(0.1 * abs(x), 0.02) for x in second]
    for ours, right, off in zip(found, [*first, *second], bound, strict=True):
        assert abs(ours - right) < off
