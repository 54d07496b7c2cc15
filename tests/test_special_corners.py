"""Slopes of special functions where their usual formulas cancel, overflow, or meet a pole.

The true values are those of arithmetic with 60 digits and more, or exact fractions.
"""

import itertools
import math

import numpy as np
import pytest
import scipy.special

import dataflow as df
from tests.constants import slopes, values

CORNERS: list[tuple[str, tuple[float, ...], int, float]] = [
    ("spence", (1e-20,), 0, -46.051701859880914),
    ("spence", (1e-10,), 0, -23.025850932243042),
    ("spence", (0.49999,), 0, -1.3863066353871882),
    ("spence", (0.5,), 0, -1.3862943611198906),
    ("spence", (0.999999999,), 0, -1.0000000005),
    ("binom", (5.0, 6.0), 0, 0.16666666666666666),
    ("binom", (5.0, 6.0), 1, -0.16666666666666666),
    ("binom", (5.0, -1.0), 0, 0.0),
    ("binom", (5.0, -1.0), 1, 0.16666666666666666),
    ("binom", (5.0, 8.0), 0, 0.005952380952380952),
    ("binom", (5.0, 8.0), 1, -0.005952380952380952),
    ("binom", (5.5, -2.0), 0, 0.0),
    ("binom", (5.5, -2.0), 1, -0.020512820512820513),
    ("binom", (2.5, 4.5), 0, -0.06349206349206349),
    ("binom", (2.5, 4.5), 1, 0.06349206349206349),
    ("binom", (1000.0, 1001.0), 0, 0.000999000999000999),
    ("binom", (1000.0, 1001.0), 1, -0.000999000999000999),
    ("binom", (-1.5, 1.5), 0, -5.333333333333333),
    ("binom", (-1.5, 1.5), 1, 5.333333333333333),
    ("binom", (-1.5, -1), 0, 0.0),
    ("binom", (-1.5, -1), 1, -2.0),
    ("poch", (-2.0, 3.0), 0, 2.0),
    ("poch", (-2.0, 3.0), 1, 0.0),
    ("poch", (0.0, 2.0), 0, 1.0),
    ("poch", (0.0, 2.0), 1, 0.0),
    ("poch", (-2.0, 2.5), 0, 3.544907701811032),
    ("poch", (-2.0, 2.5), 1, 0.0),
    ("poch", (-3.0, 5.0), 0, -6.0),
    ("poch", (-3.0, 5.0), 1, 0.0),
    ("poch", (-5.0, 2.0), 0, -9.0),
    ("poch", (-4.0, 3.0), 0, 26.0),
    ("stdtr", (5.0, 1e-06), 0, 3.725402060119625e-09),
    ("stdtr", (5.0, 1.0), 0, 0.004337256059020775),
    ("stdtr", (5.0, -2.0), 0, -0.005696884352185706),
    ("stdtr", (5.0, 11.3), 0, 5.9051946308144795e-05),
    ("stdtr", (5.0, 20.0), 0, 5.176162584740243e-06),
    ("stdtr", (50.0, 1e-06), 0, 3.9687335260013634e-11),
    ("stdtr", (50.0, 1.0), 0, 4.790780392165574e-05),
    ("stdtr", (50.0, -2.0), 0, -5.491062396998835e-05),
    ("stdtr", (50.0, 11.3), 0, 3.1652044256403044e-16),
    ("stdtr", (50.0, 20.0), 0, 5.48549222106616e-26),
    ("stdtr", (1000.0, 1e-06), 0, 9.971058947329442e-14),
    ("stdtr", (1000.0, 1.0), 0, 1.209248544598979e-07),
    ("stdtr", (1000.0, -2.0), 0, -1.351049489460594e-07),
    ("stdtr", (1000.0, 11.3), 0, 1.0542429578130243e-30),
    ("stdtr", (1001.0, 1e-06), 0, 9.951149198013836e-14),
    ("stdtr", (1001.0, 1.0), 0, 1.206834273841382e-07),
    ("stdtr", (1001.0, -2.0), 0, -1.3483501736377679e-07),
    ("stdtr", (1001.0, 11.3), 0, 1.0485965250863325e-30),
    ("stdtr", (100000.0, 1e-06), 0, 9.97353207568077e-18),
    ("stdtr", (100000.0, 1.0), 0, 1.2098475733124806e-11),
    ("stdtr", (100000.0, -2.0), 0, -1.3497869849866015e-11),
    ("stdtr", (100000.0, 11.3), 0, 2.8259835220215606e-36),
    ("stdtr", (100000000.0, 1e-06), 0, 9.97355698510691e-24),
    ("stdtr", (100000000.0, 1.0), 0, 1.2098536165464486e-17),
    ("stdtr", (100000000.0, -2.0), 0, -1.3497741756525551e-17),
    ("stdtr", (3.0, 1.0), 1, 0.206748335783172),
    ("stdtr", (3.0, 5.0), 1, 0.004219353791493306),
    ("stdtr", (900.0, 1.0), 1, 0.24183635855339378),
    ("stdtr", (900.0, 5.0), 1, 1.7385585933532343e-06),
    ("stdtr", (100000.0, 1.0), 1, 0.2419695146705618),
    ("stdtr", (100000.0, 5.0), 1, 1.4888541243250869e-06),
    ("stdtr", (100000000.0, 1.0), 1, 0.24197072330928973),
    ("stdtr", (100000000.0, 5.0), 1, 1.4867216481779682e-06),
    ("erfcx", (1.0,), 0, -0.27321201478389856),
    ("erfcx", (49.0,), 0, -0.00023483443498219486),
    ("erfcx", (51.0,), 0, -0.00021678759208511815),
    ("erfcx", (10000.0,), 0, -5.641895750849127e-09),
    ("erfcx", (10000000000.0,), 0, -5.6418958354775626e-21),
    ("erfcx", (1e150,), 0, -5.641895835477563e-301),
]


@pytest.mark.parametrize(("name", "point", "slot", "expected"), CORNERS)
def test_slopes_at_corners(name: str, point: tuple[float, ...], slot: int, expected: float) -> None:
    """A slope by one argument has at least ten digits at poles, near ends, and far out."""
    found = slopes(getattr(df.special, name), *point)[slot]
    assert found == pytest.approx(expected, rel=1e-10, abs=0)


def test_second_slopes_at_poles() -> None:
    """Slopes at poles can be differentiated again: of 1/Γ, and of z (z + 1) (z + 2)."""
    b = df.GraphBuilder()
    z = b.constant(np.array([-2.0, -1.0, 0.0]))
    by_z = df.grad(df.special.poch(z, 3.0).sum(), z)
    found = df.evaluate(df.grad(by_z.sum(), z))
    np.testing.assert_allclose(found, 6 * np.array([-2.0, -1, 0]) + 6, rtol=1e-13)
    by_z = df.grad(df.special.rgamma(z).sum(), z)
    expected = -2 * np.array([2.0, -1, 1]) * scipy.special.psi([3, 2, 1])
    np.testing.assert_allclose(df.evaluate(df.grad(by_z.sum(), z)), expected, rtol=1e-13)


GRID = [-math.inf, -2.5, -1, -0.3, 0, 0.3, 1, 2.5, math.nan]


@pytest.mark.parametrize(
    ("name", "arity"),
    [("chdtr", 2), ("chdtrc", 2), ("gdtr", 3), ("gdtrc", 3), ("pdtr", 2), ("pdtrc", 2),
     ("fdtr", 3), ("fdtrc", 3), ("stdtr", 2)],
)  # fmt: skip
def test_arguments_out_of_range_are_scipys(name: str, arity: int) -> None:
    """Where SciPy's distribution functions give NaN, so do ours, and elsewhere the same numbers."""
    tuples = itertools.product(*[GRID] * (arity - 1), [*GRID, math.inf])
    kept = [t for t in tuples if not (name.startswith("pdtr") and math.isnan(t[0]))]
    arrays = np.array(kept).T
    found = values(getattr(df.special, name), *arrays)
    np.testing.assert_allclose(found, getattr(scipy.special, name)(*arrays), rtol=1e-13)


@pytest.mark.parametrize(("name", "zero"), [("boxcox", 0.0), ("boxcox1p", -1.0)])
def test_power_transforms_at_their_ends(name: str, zero: float) -> None:
    """At 0 and at infinity the transforms have SciPy's limits, and NaN for a power that is NaN."""
    ends, powers = np.array([[zero], [math.inf]]), np.array([-2.5, -1, 0, 1, 2.5, math.nan])
    with np.errstate(all="ignore"):
        expected = getattr(scipy.special, name)(ends, powers)
    np.testing.assert_allclose(values(getattr(df.special, name), ends, powers), expected)


def test_erfcx_far_out() -> None:
    """Far out erfcx is 1 / (x √π) up to infinity, where it is 0, and falls like that."""
    x = np.array([1e8, 0.99e9, 1.01e9, 1e16, 1e17, 1e18, 1e300, math.inf])
    found = values(df.special.erfcx, x)
    np.testing.assert_allclose(found, 1 / (x * math.sqrt(math.pi)), rtol=4e-16)
    assert slopes(df.special.erfcx, math.inf) == [0]
    assert values(df.special.erfcx, np.float32(1e30)) == pytest.approx(5.641896e-31, rel=1e-6)
