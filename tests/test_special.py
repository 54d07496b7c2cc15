"""What special functions promise beyond their records: accuracy, corners, SciPy's values, extras.

SciPy is the reference of what it computes; erfc, which it gets from the C library, has one of its
own, in decimals.
"""

import math
import sys
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, CompileError, DTypeError, GradientError, RunError
from tests.constants import slopes, values

X = np.array([-math.inf, -30.0, -3.0, -0.5, 0.0, 0.3, 1.0, 4.0, 26.0, 40.0, math.inf, math.nan])


def precise_erfc(x: float) -> Decimal:
    """Return erfc to 40 digits and more, by the series of erf in 700 digits."""
    with localcontext() as context:
        context.prec = 700
        at = Decimal(x)
        term = total = at
        k = 0
        while abs(term) > Decimal(10) ** -690:
            k += 1
            term *= -at * at / k
            total += term / (2 * k + 1)
        return 1 - 2 * total / precise_root_pi()


def precise_root_pi() -> Decimal:
    """Return √π in the digits of the context, by Machin's formula."""

    def arctan_of_inverse(n: int) -> Decimal:
        power = total = Decimal(1) / n
        for k in range(1, 1100):
            power /= -n * n
            total += power / (2 * k + 1)
        return total

    return (4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))).sqrt()


HARD = [1.7232744289389985, 4.0944385150640885, 17.895635432580256, 0.8286282492002435,
        0.6434937238612234, 9.490439156926014, 18.671582502195157]  # fmt: skip
"""Where products that round would cost more than 2 units, and where our errors are largest."""


def test_erfc_has_all_its_digits() -> None:
    """Erfc is within 1.75 units in the last place over its whole range, in float32 within 0.5."""
    x = np.random.default_rng(3).uniform(-6, 26, 120)
    x[:50] = np.random.default_rng(4).uniform(0.3, 2, 50)
    for dtype, bound in (("float64", 1.75), ("float32", 0.51)):
        points = np.append(HARD, x).astype(dtype)[: 127 if dtype == "float64" else 20]
        for at, found in zip(points, values(df.erfc, points), strict=True):
            exact = precise_erfc(float(at))
            unit = Decimal(float(np.spacing(np.asarray(exact, dtype))))
            assert abs(Decimal(float(found)) - exact) <= Decimal(bound) * unit, at


def test_erfc_is_the_c_librarys() -> None:
    """At 20,000 points erfc is within 5 units of the C library's, whose own error is below 3."""
    x = np.random.default_rng(5).uniform(-6, 26, 20_000)
    exact = np.array([math.erfc(at) for at in x])
    assert np.max(np.abs(values(df.erfc, x) - exact) / np.spacing(exact)) <= 5


def test_erfc_at_the_ends() -> None:
    """Erfc is 2 and 0 at the infinities, NaN at NaN, 1 at 0, and goes through subnormal numbers."""
    found = values(df.erfc, np.array([-math.inf, math.inf, math.nan, 0.0, -0.0, 27.3]))
    np.testing.assert_array_equal(found[:5], [2, 0, math.nan, 1, 1])
    assert found[5] == 0
    assert 0 < values(df.erfc, np.float64(27.2)) < np.finfo(np.float64).tiny


@pytest.mark.parametrize("name", ["erfcx", "ndtr", "log_ndtr", "expit", "logit", "entr"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_without_scipy_have_its_values(name: str, dtype: str) -> None:
    """NumPy's calls alone give SciPy's values, at the infinities, zeros and NaN too."""
    x = np.concatenate([X, np.linspace(-8, 8, 99), np.linspace(0, 1, 41)]).astype(dtype)
    with np.errstate(all="ignore"):
        expected = getattr(scipy.special, name)(x.astype(np.float64)).astype(dtype)
    bound = 16 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(
        values(getattr(df.special, name), x), expected, rtol=bound, atol=bound / 64
    )


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "rel_entr", "kl_div"])
def test_functions_of_two_have_scipys_values(name: str) -> None:
    """Zeros, negative numbers, infinities and NaN in any pair give what SciPy gives."""
    x, y = (a.copy() for a in np.meshgrid(*[[-2.0, -1, 0, 0.3, 1, 2, math.inf, math.nan]] * 2))
    with np.errstate(all="ignore"):
        expected = getattr(scipy.special, name)(x, y)
    np.testing.assert_allclose(values(getattr(df.special, name), x, y), expected, rtol=1e-14)


def test_entropies_at_zero_have_finite_gradients() -> None:
    """Where 0 log 0 is 0, no derivative is NaN."""
    assert slopes(df.special.xlogy, 0.0, 0.0) == [0, 0]
    assert slopes(df.special.xlog1py, 0.0, -1.0) == [0, 0]
    assert slopes(df.special.xlogy, 0.0, 2.0) == [math.log(2), 0]
    assert slopes(df.special.rel_entr, 0.0, 2.0) == [0, 0]
    assert slopes(df.special.entr, 0.0) == [math.inf]
    assert slopes(df.special.entr, 1.0) == [-1]


def test_log_ndtr_has_a_gradient_far_below() -> None:
    """The slope of log_ndtr at -1e6 is 1e6: no quotient of zeros."""
    assert slopes(df.special.log_ndtr, -1e6)[0] == pytest.approx(1e6, rel=1e-11)
    assert slopes(df.special.log_ndtr, 50.0)[0] == 0


def test_rel_entr_keeps_its_digits() -> None:
    """Where x and y are close, the logarithm of their quotient is exact."""
    x, y = np.float64(1), np.float64(1 - 1e-9)
    assert values(df.special.rel_entr, x, y) == pytest.approx(-math.log1p(-1e-9), rel=1e-7)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["gamma", "gammaln", "psi", "j0", "j1", "i0e", "erfinv", "ndtri", "i1"]),
       st.sampled_from(["float32", "float64", "int8", "int64", "float16"]),
       st.integers(0, 5))  # fmt: skip
def test_functions_of_scipy_have_its_values_and_dtypes(name: str, dtype: str, size: int) -> None:
    """The values are SciPy's; floats and integers of 16 bits or fewer become float32."""
    x = (np.arange(size) + 0.25).astype(dtype)
    with np.errstate(all="ignore"):
        expected = np.asarray(getattr(scipy.special, name)(x))
    made = values(getattr(df.special, name), x)
    assert made.dtype == np.result_type(dtype, np.float32)
    np.testing.assert_allclose(made, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma_is_scipys(n: int) -> None:
    """Every order of the derivative of psi is SciPy's."""
    x = np.linspace(0.3, 9, 20)
    np.testing.assert_allclose(
        values(lambda t: df.special.polygamma(n, t), x), scipy.special.polygamma(n, x), rtol=1e-13
    )


def test_orders_are_checked() -> None:
    """A wrong order is refused at the user's line."""
    x = df.GraphBuilder().constant(1.0)
    with pytest.raises(ArgumentError, match=r"polygamma \(test_special.py:\d+\).*-1"):
        df.special.polygamma(-1, x)
    with pytest.raises(ArgumentError, match=r"multigammaln \(test_special.py:\d+\).*0"):
        df.special.multigammaln(x, 0)


def test_complex_numbers_are_refused() -> None:
    """The functions are of real numbers."""
    with pytest.raises(DTypeError, match="float64"):
        df.special.gamma(df.GraphBuilder().constant(1j))


def test_bessel_functions_have_slopes_at_zero() -> None:
    """Where a slope has a quotient by 0, its limit is taken."""
    assert slopes(df.special.j1, 0.0) == slopes(df.special.i1, 0.0) == [0.5]
    assert slopes(df.special.j0, 0.0) == slopes(df.special.i0, 0.0) == [0]


def test_a_derivative_without_a_formula_is_refused() -> None:
    """A gradient that isn't there is an error that names the node, never a silent zero."""
    x = df.GraphBuilder().constant(2.0)
    with pytest.raises(GradientError, match=r"node 'special\.\w+' .*no formula"):
        df.grad(df.special.zeta(x, 2.0), x)
    assert df.evaluate(df.grad(df.special.zeta(df.stop_gradient(x), 2.0) * x, x)) > 0


# Derivatives of the incomplete functions by their shapes

BY_SHAPE = [
    (0.01, 1e-50, -36.43644525817328, 4173.948514062578),
    (0.01, 1e-20, -28.866557860137082, 1312.1345298882668),
    (0.01, 0.5, -0.5655459117152578, -0.5677203168932935),
    (0.3, 0.2, -1.0233803072203944, 0.958991143292019),
    (0.5, 2.0, -0.13561933520399724, -0.18285354926300593),
    (1.0, 1.0, -0.4317297106348987, 0.033618035299959194),
    (2.5, 0.001, -7.61728094459622e-08, 6.070791114484167e-07),
    (2.5, 40.0, -2.5267860704828765e-15, -7.197186330514805e-15),
    (30.0, 28.0, -0.07049269276012013, 0.004883618603839374),
    (1000.0, 950.0, -0.003551127164809476, 0.00018216448743631368),
    (1000.0, 1100.0, -0.00011048987784079389, -1.0531678471574556e-05),
    (100000.0, 100200.0, -0.0010321272319836797, -2.0621946676159994e-06),
]
"""a, x, and the first and second derivative of gammainc by a, from differences in 160 digits."""

BY_SHAPES = [
    (0.01, 0.01, 0.3, -25.208994015457034, 24.79725603517942, -20.5954106807331),
    (0.01, 3.0, 1e-6, -10.898746909716914, 0.003484696163103187, 0.30483288727250507),
    (0.01, 3.0, 0.5, -0.06950457224676874, 0.0006740062615962185, 0.06782205476081703),
    (0.5, 20.0, 0.99, -6.23533274271176e-41, 5.83231000149736e-41, 2.880568842782058e-40),
    (1.0, 1.0, 0.5, -0.34657359027997264, 0.34657359027997264, 0.0),
    (2.0, 3.0, 1e-5, -6.557669175898806e-09, 3.4999133339583333e-10, -3.6924719651877615e-09),
    (8.0, 0.2, 0.7, -0.002306394953350718, 0.033117160179487466, -0.01399063295841015),
    (30.0, 40.0, 0.45, -0.050677746754230965, 0.039640633360788505, 0.0020312597567523874),
    (1000.0, 800.0, 0.6, -5.31931639615667e-06, 7.282444657314008e-06, 5.600953387807017e-07),
]
"""a, b, x, and betainc's derivatives by a, by b, and by both, from differences in 160 digits."""


LARGE_GAMMA = [
    (20.0, 35.0, 0.0011269155063693879),
    (100.0, 49.0, 1.1994403503715663e-10),
    (10000.0, 10000.0, 0.003989389558962826),
    (10000.0, 9800.0, 0.0005362084783323951),
    (1000000.0, 1001000.0, 0.00024180950473148182),
    (1000000000.0, 1000000000.0, 1.2615662609049494e-05),
]
LARGE_BETA = [
    (20.0, 30.0, 0.3, 2.1165007504740334),
    (10000.0, 20000.0, 0.33, 69.41487997505455),
    (1000000.0, 0.5, 0.999999, 207553.8265340498),
    (0.5, 100000.0, 1e-05, 20755.45270417736),
    (100000000.0, 100000000.0, 0.5, 11283.791656850386),
]
"""Shapes, the limit, and the density there, computed in 40 digits."""


@pytest.mark.parametrize(("a", "x", "first", "second"), BY_SHAPE)
def test_gammainc_by_its_shape(a: float, x: float, first: float, second: float) -> None:
    """Two derivatives by the shape have their digits, in both tails and at small shapes."""
    assert slopes(df.special.gammainc, a, x)[0] == pytest.approx(first, rel=2e-13)
    assert slopes(df.special.gammaincc, a, x)[0] == pytest.approx(-first, rel=2e-13)
    found = slopes(lambda s, t: df.grad(df.special.gammainc(s, t), s), a, x)[0]
    assert found == pytest.approx(second, rel=1e-11, abs=abs(first) / a * 1e-12)


@pytest.mark.parametrize(("a", "b", "x", "by_a", "by_b", "by_both"), BY_SHAPES)
def test_betainc_by_its_shapes(
    a: float, b: float, x: float, by_a: float, by_b: float, by_both: float
) -> None:
    """Derivatives by either shape and by both have their digits in both tails."""
    found = slopes(df.special.betainc, a, b, x)
    assert found[:2] == pytest.approx([by_a, by_b], rel=2e-13, abs=0)
    mixed = slopes(lambda s, t, u: df.grad(df.special.betainc(s, t, u), s), a, b, x)[1]
    assert mixed == pytest.approx(by_both, rel=1e-9, abs=abs(by_a) / min(a, b) * 1e-13)


def test_shapes_have_slopes_at_the_ends() -> None:
    """Where nothing or all is below the limit, nothing depends on the shape; outside is NaN."""
    assert slopes(df.special.gammainc, 2.0, 0.0) == [0, 0]
    assert slopes(df.special.gammainc, 2.0, math.inf)[0] == 0
    assert slopes(df.special.betainc, 2.0, 3.0, 0.0) == [0, 0, 0]
    assert slopes(df.special.betainc, 2.0, 3.0, 1.0) == [0, 0, 0]
    assert np.isnan(slopes(df.special.gammainc, 2.0, -1.0)[0])
    assert np.isnan(slopes(df.special.betainc, 2.0, 3.0, 1.5)[:2]).all()
    assert np.isnan(slopes(df.special.betainc, 2.0, math.nan, 0.5)).all()


def test_densities_have_their_digits_at_large_shapes() -> None:
    """Slopes by the limit, which are densities, have 12 digits where the shapes are large."""
    for a, x, density in LARGE_GAMMA:
        assert slopes(df.special.gammainc, a, x)[1] == pytest.approx(density, rel=1e-12)
        assert slopes(df.special.gammaincc, a, x)[1] == pytest.approx(-density, rel=1e-12)
    for a, b, x, density in LARGE_BETA:
        assert slopes(df.special.betainc, a, b, x)[2] == pytest.approx(density, rel=1e-12)
    assert slopes(df.special.gammainc, 1.0, 0.0)[1] == 1
    assert slopes(df.special.gammainc, 0.5, 0.0)[1] == math.inf
    assert slopes(df.special.betainc, 1.0, 3.0, 0.0)[2] == pytest.approx(3)
    assert slopes(df.special.betainc, 3.0, 1.0, 1.0)[2] == pytest.approx(3)


def test_a_third_derivative_by_the_shape() -> None:
    """The rule closes at any order: the third is the slope of the second."""

    def second(a: Any) -> Any:  # noqa: ANN401 - a tensor
        return df.grad(df.grad(df.special.gammainc(a, 3.0), a), a)

    at = 2.25
    step = 1e-5
    change = float(values(second, np.float64(at + step)) - values(second, np.float64(at - step)))
    assert slopes(second, at)[0] == pytest.approx(change / (2 * step), rel=1e-8)


def test_a_large_array_is_done_in_blocks() -> None:
    """What doesn't fit in a block is what its elements are, in float32 too."""
    a, x = np.linspace(0.5, 3, 2500), np.float64(1.5)
    b = df.GraphBuilder()
    ta, tx = b.constant(a), b.constant(x)
    (found,) = df.evaluate(*df.grad(df.special.gammainc(ta, tx).sum(), [ta]), ta)[:1]
    some = [slopes(df.special.gammainc, at, 1.5)[0] for at in a[::499]]
    np.testing.assert_array_equal(found[::499], some)
    narrow = b.constant(a.astype(np.float32))
    (single,) = df.evaluate(*df.grad(df.special.gammainc(narrow, 1.5).sum(), [narrow]), ta)[:1]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, found, rtol=1e-6)


# The extra


def test_compiling_without_scipy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile and evaluate name the extra that an op needs, and where it was declared."""
    b = df.GraphBuilder()
    y = df.special.gammaln(b.constant(2.0))
    monkeypatch.setattr("scheduler.program.find_spec", lambda name: None)
    for act in (lambda: df.evaluate(y), lambda: df.compile(b.build(y))):
        with pytest.raises(CompileError, match=r"test_special.py:\d+.*dataflow-runtime\[scipy\]"):
            act()


def test_a_loaded_plan_without_scipy_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan from another machine fails when it is bound, and names the extra."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"y": df.special.gammaln(b.input("x"))}))
    df.save(plan, tmp_path / "plan.arrow")
    loaded = df.load(tmp_path / "plan.arrow")
    assert isinstance(loaded, df.Plan)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(RunError, match=r"special.gammaln.*dataflow-runtime\[scipy\]"):
        df.Runner(loaded)


def test_functions_without_scipy_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever NumPy can compute is computed by it alone."""
    monkeypatch.setattr("scheduler.program.find_spec", lambda name: None)
    for name in ("erfcx", "ndtr", "log_ndtr", "expit", "logit", "entr"):
        assert np.isfinite(values(getattr(df.special, name), np.array(0.5)))


@pytest.mark.parametrize("name", ["erfcx", "dawsn"])
def test_slopes_of_tails_keep_their_digits(name: str) -> None:
    """Far out, where 2xy cancels, derivatives of orders 1 and 2 are those of the series."""
    x = np.array([30.0, 1e3, 1e5, 1e6, 1e8, 1e10])
    sign = -1 if name == "erfcx" else 1
    scale = 1 / math.sqrt(math.pi) if name == "erfcx" else 0.5
    u = x**-2.0
    series = [1, sign * 1.5, 3.75, sign * 13.125, 59.0625, sign * 324.84375, 2111.484375]
    first = sum(a * u ** (k + 1) for k, a in enumerate(series)) * -scale
    second = sum(a * (2 * k + 2) * u ** (k + 1) for k, a in enumerate(series)) / x * scale
    t = df.GraphBuilder().constant(x)
    (slope,) = df.grad(getattr(df.special, name)(t).sum(), [t])
    np.testing.assert_allclose(df.evaluate(slope), first, rtol=1e-14)
    np.testing.assert_allclose(df.evaluate(*df.grad(slope.sum(), [t])), second, rtol=1e-13)


@pytest.mark.parametrize("name", ["erfcx", "dawsn"])
def test_slopes_are_continuous_where_the_series_begins(name: str) -> None:
    """Of float64 at 12; infinity has the slope 0, and NaN stays."""
    t = df.GraphBuilder().constant([math.nextafter(12, 0), 12, math.nextafter(12, 13), 1e300])
    infinite = df.GraphBuilder().constant(np.array([math.inf, math.nan]))
    function = getattr(df.special, name)
    slopes = df.evaluate(*df.grad(function(t.astype("float64")).sum(), [t]))
    np.testing.assert_allclose(slopes[:3], slopes[0], rtol=1e-12)
    np.testing.assert_array_equal(df.evaluate(*df.grad(function(infinite).sum(), [infinite])),
                                  [0, math.nan])  # fmt: skip
