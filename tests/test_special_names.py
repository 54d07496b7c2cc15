"""Functions of `scipy.special`, over its own values, and their slopes over differences of those."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import dataflow as df
from dataflow.errors import ArgumentError, GradientError, GraphError
from tests.constants import slopes, values

CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("softplus", (np.linspace(-40, 40, 9),)),
    ("log_expit", (np.linspace(-40, 40, 9),)),
    ("exprel", (np.array([-50.0, -1, -0.124, 1e-9, 0.0, 0.1, 0.126, 3, 700]),)),
    ("boxcox", (np.array([[0.3], [1.0], [2.5]]), np.array([-2, -1e-9, 0.0, 1e-3, 0.5, 3]))),
    ("boxcox1p", (np.array([[-0.3], [1e-9], [2.5]]), np.array([-2, -1e-9, 0.0, 1e-3, 0.5, 3]))),
    ("inv_boxcox", (np.array([[-0.3], [1e-9], [0.4]]), np.array([-2, -1e-9, 0.0, 1e-3, 3]))),
    ("inv_boxcox1p", (np.array([[-0.3], [1e-9], [0.4]]), np.array([-2, -1e-9, 0.0, 1e-3, 3]))),
    ("huber", (np.array([[0.5], [2.0]]), np.array([-3, -0.2, 0.0, 1, 2.5]))),
    ("pseudo_huber", (np.array([[0.5], [2.0]]), np.array([-3, -0.2, 1e-9, 1, 2.5]))),
    ("k0", (np.array([0.01, 1, 30]),)),
    ("k0e", (np.array([0.01, 1, 30]),)),
    ("k1", (np.array([0.01, 1, 30]),)),
    ("k1e", (np.array([0.01, 1, 30]),)),
    ("rgamma", (np.array([-3.5, -0.5, 0.5, 1, 4]),)),
    ("gammasgn", (np.array([-3.5, -0.5, 0.5, 1, 4]),)),
    ("loggamma", (np.array([0.5, 1, 4, 300]),)),
    ("poch", (np.array([[0.5], [3]]), np.array([0.5, 2, 4.5]))),
    ("binom", (np.array([[5.0], [7.5]]), np.array([0.5, 2, 4.5]))),
    ("comb", (np.array([[5.0], [7.5]]), np.array([0.5, 2, 4.5]))),
    ("perm", (np.array([[5.0], [7.5]]), np.array([0.5, 2, 4.5]))),
    ("factorial", (np.array([0.5, 2, 6]),)),
    ("exp1", (np.array([0.01, 1, 30]),)),
    ("expi", (np.array([-2, 0.01, 1, 30]),)),
    ("stdtr", (np.array([[0.7], [3], [200]]), np.array([-30, -1, -1e-3, 0.5, 4]))),
    ("gammaincinv", (np.array([[0.3], [2], [50]]), np.array([0.01, 0.5, 0.99]))),
    ("gammainccinv", (np.array([[0.3], [2], [50]]), np.array([0.01, 0.5, 0.99]))),
    ("betaincinv", (np.array([[0.6], [2], [20]]), np.array(1.5), np.array([0.01, 0.5, 0.99]))),
    ("chdtr", (np.array([[0.7], [3], [20]]), np.array([0.1, 2, 40]))),
    ("chdtrc", (np.array([[0.7], [3], [20]]), np.array([0.1, 2, 40]))),
    ("gdtr", (np.array([[0.7], [3]]), np.array(1.5), np.array([0.1, 2, 9]))),
    ("gdtrc", (np.array([[0.7], [3]]), np.array(1.5), np.array([0.1, 2, 9]))),
    ("fdtr", (np.array([[0.7], [3]]), np.array(1.5), np.array([0.1, 2, 9]))),
    ("fdtrc", (np.array([[0.7], [3]]), np.array(1.5), np.array([0.1, 2, 9]))),
    ("pdtr", (np.array([[0.5], [3.5]]), np.array([0.1, 2, 9]))),
    ("pdtrc", (np.array([[0.5], [3.5]]), np.array([0.1, 2, 9]))),
    ("dawsn", (np.array([-3, 0.0, 0.5, 9]),)),
    ("erfi", (np.array([-3, 0.0, 0.5]),)),
    ("spence", (np.array([0.2, 1 - 1e-9, 1, 1.1, 5]),)),
    ("owens_t", (np.array([[-1.0], [0.5]]), np.array([-2, 0.3, 1]))),
    ("exp2", (np.array([-3.0, 0, 0.5]),)),
    ("cbrt", (np.array([-3.0, 0.5]),)),
    ("sinc", (np.array([-3.3, 0.0, 0.5]),)),
]


@pytest.mark.parametrize(("name", "arrays"), CASES, ids=[name for name, _ in CASES])
def test_values_and_slopes_are_scipys(name: str, arrays: tuple[np.ndarray, ...]) -> None:
    """Values are SciPy's to some roundings, slopes by every argument those of its differences."""
    ours, theirs = getattr(df.special, name), getattr(scipy.special, name, softplus)
    spread = [np.array(a, float) for a in np.broadcast_arrays(*arrays)]
    np.testing.assert_allclose(values(ours, *spread), theirs(*spread), rtol=3e-14, atol=1e-300)
    b = df.GraphBuilder()
    xs = [b.constant(a) for a in spread]
    found = df.evaluate(*df.grad(ours(*xs).sum(), xs), xs[0])
    for slot, slope in enumerate(found[:-1]):
        np.testing.assert_allclose(slope, differences(theirs, spread, slot), rtol=2e-5, atol=1e-7)


def softplus(x: np.ndarray) -> np.ndarray:
    """Return what SciPy has under this name, if it is new enough."""
    return np.asarray(np.logaddexp(0, x))


def differences(function: Callable[..., Any], arrays: list[np.ndarray], slot: int) -> np.ndarray:
    """Return a function's slopes by one argument, from four values."""
    step = 1e-4 * np.where(arrays[slot] == 0, 0.1, np.minimum(np.abs(arrays[slot]), 1))
    step = np.maximum(step, 1e-5) if function is not scipy.special.stdtr else step
    at = [
        function(*[a + k * step if i == slot else a for i, a in enumerate(arrays)])
        for k in (-2, -1, 1, 2)
    ]
    return np.asarray((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step))


@pytest.mark.parametrize("name", ["sici", "shichi", "fresnel"])
def test_pairs_are_scipys(name: str) -> None:
    """Functions that give two results give SciPy's two."""
    x = np.array([0.3, 1, 7])
    for part in (0, 1):
        found = values(lambda t, part=part: getattr(df.special, name)(t)[part], x)
        np.testing.assert_allclose(found, getattr(scipy.special, name)(x)[part], rtol=1e-14)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_whole_orders_are_scipys(n: int) -> None:
    """Expn and kn are SciPy's for every order, and expn has two derivatives by its argument."""
    x = np.array([0.3, 1, 7])
    expected = scipy.special.expn(n, x)
    np.testing.assert_allclose(values(lambda t: df.special.expn(n, t), x), expected, rtol=1e-14)
    np.testing.assert_allclose(
        values(lambda t: df.special.kn(n, t), x), scipy.special.kn(n, x), rtol=1e-13
    )

    def second(t: Any) -> Any:  # noqa: ANN401 - a tensor
        return df.grad(df.grad(df.special.expn(n + 2, t).sum(), t).sum(), t)

    np.testing.assert_allclose(values(second, x), expected, rtol=1e-14)


def test_hypergeometric_functions_are_scipys() -> None:
    """Their values are SciPy's; derivatives by a parameter are refused."""
    x = np.array([-0.5, 0.0, 0.7])
    np.testing.assert_allclose(values(lambda t: df.special.hyp1f1(0.5, 1.5, t), x),
                               scipy.special.hyp1f1(0.5, 1.5, x), rtol=1e-14)  # fmt: skip
    np.testing.assert_allclose(values(lambda t: df.special.hyp2f1(0.5, 1, 1.5, t), x),
                               scipy.special.hyp2f1(0.5, 1, 1.5, x), rtol=1e-14)  # fmt: skip
    a = df.GraphBuilder().constant(0.5)
    with pytest.raises(GradientError, match="no formula"):
        df.grad(df.special.hyp1f1(a, 1.5, 0.5), a)


def test_corners_are_scipys() -> None:
    """Zeros, negative numbers and infinities give what SciPy gives."""
    for name, args in (
        ("boxcox", (0.0, 2.0)), ("boxcox", (0.0, -2.0)), ("boxcox", (0.0, 0.0)),
        ("boxcox", (-1.0, 2.0)), ("boxcox1p", (-1.0, 2.0)), ("exprel", (math.inf,)),
        ("exprel", (-math.inf,)), ("exprel", (math.nan,)), ("huber", (-1.0, 2.0)),
        ("pseudo_huber", (-1.0, 2.0)), ("pseudo_huber", (0.0, 2.0)), ("pseudo_huber", (1.0, 0.0)),
        ("rgamma", (-2.0,)), ("comb", (3.0, 4.0)), ("comb", (3.0, -1.0)), ("perm", (3.0, 4.0)),
        ("factorial", (-1.0,)), ("inv_boxcox", (-1.0, 1.0)), ("inv_boxcox", (-2.0, 1.0)),
        ("loggamma", (-1.5,)),
    ):  # fmt: skip
        with np.errstate(all="ignore"):
            expected = getattr(scipy.special, name)(*args)
        found = values(getattr(df.special, name), *map(np.float64, args))
        np.testing.assert_allclose(found, expected, rtol=1e-15, err_msg=f"{name}{args}")
    numbers = np.array(5.0), np.array(2.0)
    repeated = values(lambda n, k: df.special.comb(n, k, repetition=True), *numbers)
    assert repeated == scipy.special.comb(5, 2, repetition=True)


def test_slopes_at_special_places() -> None:
    """Where a formula has 0 / 0 there is a limit: at λ = 0, at a pole of Γ, at t = 0."""
    assert slopes(df.special.boxcox, 3.0, 0.0) == pytest.approx([1 / 3, math.log(3) ** 2 / 2])
    assert slopes(df.special.inv_boxcox, 0.5, 0.0)[1] == pytest.approx(-math.exp(0.5) / 8)
    assert slopes(df.special.exprel, 0.0) == pytest.approx([0.5])
    assert slopes(df.special.rgamma, -2.0) == pytest.approx([2])
    assert slopes(df.special.rgamma, -3.0) == pytest.approx([-6])
    assert slopes(df.special.spence, 1.0) == [-1]
    assert slopes(df.special.stdtr, 3.0, 0.0)[0] == 0
    assert slopes(df.special.pseudo_huber, 0.0, 2.0)[1] == 0
    assert slopes(df.special.boxcox, 0.0, 2.0)[1] == pytest.approx(0.25)


def test_wrong_orders_are_refused() -> None:
    """Orders that are no ints, and exact integers, are refused at the user's line."""
    x = df.GraphBuilder().constant(1.0)
    with pytest.raises(ArgumentError, match=r"expn \(test_special_names.py:\d+\).*-1"):
        df.special.expn(-1, x)
    with pytest.raises(ArgumentError, match=r"kn \(test_special_names.py:\d+\).*1.5"):
        df.special.kn(1.5, x)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match=r"comb \(test_special_names.py:\d+\).*exact"):
        df.special.comb(x, 1.0, exact=True)
