"""What special functions promise beyond their records: accuracy, corners, SciPy's values, extras.

SciPy is the reference of what it computes; erfc, which it gets from the C library, has one of its
own, in decimals.
"""

import math
import sys
from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import CompileError, DTypeError, GradientError, RunError, ShapeError

X = np.array([-math.inf, -30.0, -3.0, -0.5, 0.0, 0.3, 1.0, 4.0, 26.0, 40.0, math.inf, math.nan])


def values(function: Callable[..., Any], *arrays: Any) -> np.ndarray:  # noqa: ANN401
    """Return a function's values of constants."""
    b = df.GraphBuilder()
    return np.asarray(df.evaluate(function(*[b.constant(a) for a in arrays])))


def slopes(function: Callable[..., Any], *points: float) -> list[float]:
    """Return the derivatives of a function of float64 by each argument."""
    b = df.GraphBuilder()
    xs = [b.constant(np.float64(p)) for p in points]
    return [float(g) for g in df.evaluate(*df.grad(function(*xs), xs), xs[0])[: len(xs)]]


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
    with pytest.raises(ShapeError, match=r"polygamma \(test_special.py:\d+\).*-1"):
        df.special.polygamma(-1, x)
    with pytest.raises(ShapeError, match=r"multigammaln \(test_special.py:\d+\).*0"):
        df.special.multigammaln(x, 0)


def test_complex_numbers_are_refused() -> None:
    """The functions are of real numbers."""
    with pytest.raises(DTypeError, match="float64"):
        df.special.gamma(df.GraphBuilder().constant(1j))


def test_bessel_functions_have_slopes_at_zero() -> None:
    """Where a slope has a quotient by 0, its limit is taken."""
    assert slopes(df.special.j1, 0.0) == slopes(df.special.i1, 0.0) == [0.5]
    assert slopes(df.special.j0, 0.0) == slopes(df.special.i0, 0.0) == [0]


@pytest.mark.parametrize(
    "call",
    [
        lambda t: df.special.gammainc(t, 2.0),
        lambda t: df.special.gammaincc(t, 2.0),
        lambda t: df.special.betainc(t, 1.0, 0.5),
        lambda t: df.special.zeta(t, 2.0),
    ],
)
def test_derivatives_without_a_formula_are_refused(call: Callable[..., Any]) -> None:
    """A gradient that isn't there is an error that names the node, never a silent zero."""
    x = df.GraphBuilder().constant(2.0)
    with pytest.raises(GradientError, match=r"node 'special\.\w+' .*no formula|formula"):
        df.grad(call(x), x)
    assert df.evaluate(df.grad(call(df.stop_gradient(x)) * x, x)) > 0


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
        assert np.isfinite(values(getattr(df.special, name), 0.5))
