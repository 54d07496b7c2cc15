"""What polynomials promise: NumPy's coefficients and values, derivatives, errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from tests.numpys import check, check_both, numbered

DTYPES = ("int8", "int64", "float32", "float64", "complex64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_values_are_numpys(dtype: str, count: int) -> None:
    """Of coefficients and places that are tensors, arrays or numbers, of any shape."""
    p, x = numbered((count,), dtype), numbered((2, 3), "float64")
    check(lambda t: df.polyval(p, t), lambda a: np.polyval(p, a), x)
    check(lambda t: df.polyval(t, x), lambda a: np.polyval(a, x), p)
    check(lambda t: np.polyval(t, t), lambda a: np.polyval(a, a), p)


def test_the_value_at_infinity_is_infinite() -> None:
    """No 0 * inf is in Horner's scheme, unlike NumPy's; of no coefficients all values are 0."""
    b = df.GraphBuilder()
    at = b.constant([np.inf, -np.inf])
    assert df.evaluate(df.polyval([1.0, 2.0], at)).tolist() == [np.inf, -np.inf]
    assert df.evaluate(df.polyval([], b.constant([1.0, 2.0]))).tolist() == [0, 0]


def test_gradients_are_powers_and_derivatives() -> None:
    """By the coefficients those are powers, by the place the derivative, of second order too."""
    b = df.GraphBuilder()
    p, x = b.constant(np.array([2.0, -1.0, 3.0, 0.5])), b.constant(np.float64(1.5))
    value = df.polyval(p, x)
    by_p, by_x = df.grad(value, [p, x])
    made = df.evaluate(by_p, by_x, df.grad(by_x, x), df.polyval(df.polyder(p), x),
                       df.polyval(df.polyder(p, 2), x))  # fmt: skip
    np.testing.assert_allclose(made[0], 1.5 ** np.arange(3.0, -1, -1))
    np.testing.assert_allclose(made[1], made[3])
    np.testing.assert_allclose(made[2], made[4])


@pytest.mark.parametrize("dtype", DTYPES)
def test_arithmetic_is_numpys(dtype: str) -> None:
    """Sums, differences and products of more coefficients and fewer, and of numbers."""
    for name in ("polyadd", "polysub", "polymul"):
        for other in (numbered((2,)), numbered((4,), "int64"), np.float64(3)):
            check_both(name, numbered((3,), dtype), other)


@pytest.mark.parametrize("m", [0, 1, 2, 5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_derivatives_and_integrals_are_numpys(dtype: str, m: int) -> None:
    """Of any order, beyond the degree too, with constants of integration."""
    check_both("polyder", numbered((4,), dtype), m)
    if m:
        check_both("polyint", numbered((4,), dtype), m)
        check_both("polyint", numbered((4,), dtype), m, 7)
        check_both("polyint", numbered((4,), dtype), m, list(range(m)))


@pytest.mark.parametrize("dtype", ["float64", "int64", "float32"])
@pytest.mark.parametrize("lengths", [(1, 1), (4, 1), (5, 3), (3, 3), (2, 4)])
def test_division_is_numpys(dtype: str, lengths: tuple[int, int]) -> None:
    """But for the remainder's leading zeros, which stay."""
    rng = np.random.default_rng(2)
    u, v = (rng.integers(1, 5, n).astype(dtype) for n in lengths)
    made = df.evaluate(*df.polydiv(df.GraphBuilder().constant(u), v))
    expected = np.polydiv(u, v)
    assert made[0].dtype == expected[0].dtype
    np.testing.assert_allclose(made[0], expected[0], rtol=1e-5)
    rest = np.concatenate([np.zeros(len(made[1]) - len(expected[1])), expected[1]])
    np.testing.assert_allclose(made[1], rest, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64", "float32"])
def test_zeros_and_polynomials_of_them_are_numpys(dtype: str) -> None:
    """Roots are complex in no order, coefficients have the dtype of the zeros."""
    p = np.array([2, -3, 4, 1]).astype(dtype)
    t = df.GraphBuilder().constant(p)
    made, expected = df.evaluate(df.roots(t)), np.roots(p)
    np.testing.assert_allclose(np.sort_complex(made), np.sort_complex(expected), rtol=1e-4)
    np.testing.assert_allclose(df.evaluate(df.poly(t)), np.poly(p), rtol=1e-6)
    for few in (p[:0], p[:1]):
        assert df.evaluate(df.roots(t.builder.constant(few))).shape == (0,)
    matrix = np.array([[1.0, 2.0], [3.0, 5.0]])
    made = df.evaluate(df.poly(t.builder.constant(matrix)))
    np.testing.assert_allclose(made, np.poly(matrix), atol=1e-12)


@pytest.mark.parametrize("deg", [0, 1, 3])
def test_fits_are_numpys(deg: int) -> None:
    """Of one line of samples or several, with weights or without."""
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-2, 2, 8), rng.uniform(1, 2, 8)
    for y in (rng.uniform(-2, 2, 8), rng.uniform(-2, 2, (8, 3)), rng.integers(0, 9, 8)):
        for weights in (None, w):
            t = df.GraphBuilder().constant(x)
            made = df.polyfit(t, y, deg, w=weights)
            np.testing.assert_allclose(df.evaluate(made), np.polyfit(x, y, deg, w=weights),
                                       rtol=1e-10, atol=1e-10)  # fmt: skip


@pytest.mark.parametrize("columns", [(), (3,)])
def test_fits_tell_what_is_left_over_and_how_sure_they_are(columns: tuple[int, ...]) -> None:
    """Residuals, rank, singular values and covariances are NumPy's."""
    rng = np.random.default_rng(1)
    x, y, w = rng.uniform(-2, 2, 8), rng.uniform(-2, 2, (8, *columns)), rng.uniform(1, 2, 8)
    t = df.GraphBuilder().constant(x)
    calls: list[dict[str, Any]] = [
        {"full": True}, {"full": True, "w": w}, {"cov": True}, {"cov": "unscaled", "w": w},
    ]  # fmt: skip
    for options in calls:
        made, expected = df.polyfit(t, y, 2, **options), np.polyfit(x, y, 2, **options)
        assert len(made) == len(expected)
        for ours, theirs in zip(made, expected, strict=True):
            value = df.evaluate(ours) if isinstance(ours, df.Tensor) else ours
            np.testing.assert_allclose(value, theirs, rtol=1e-9, atol=1e-12)
            assert np.shape(value) == np.shape(theirs)


def test_a_fit_is_differentiable() -> None:
    """The gradient by samples and places is that of differences."""
    x, y = np.linspace(-1, 1, 6) ** 3, np.cos(np.arange(6.0))
    b = df.GraphBuilder()
    at, samples = b.constant(x), b.constant(y)
    total = (df.polyfit(at, samples, 2) * np.array([1.0, 2.0, 3.0])).sum()
    made = df.evaluate(*df.grad(total, [at, samples]))

    def value(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.polyfit(x, y, 2) @ np.array([1.0, 2.0, 3.0]))

    step = 1e-6 * np.eye(6)
    by_x = [(value(x + s, y) - value(x - s, y)) / 2e-6 for s in step]
    by_y = [(value(x, y + s) - value(x, y - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(made[0], by_x, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(made[1], by_y, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.polyval(df.stack([t, t]), 1.0), ShapeError, "one known axis"),
        (lambda t: df.polyval(t.builder.input("p", ("n",)), 1.0), ShapeError, "one known axis"),
        (lambda t: df.polyder(t, -1), ArgumentError, "0 or more, not -1"),
        (lambda t: df.polyint(t, 2, [1, 2, 3]), ShapeError, "as many constants"),
        (lambda t: df.polyint(t, cast("int", 1.5)), DTypeError, "is an int, not 1.5"),
        (lambda t: df.polyfit(t, [1.0], 1), ShapeError, "don't fit"),
        (lambda t: df.polydiv(t, t[:0]), ShapeError, "one coefficient or more"),
        (lambda t: df.roots(t.builder.input("p", ("n",))), ShapeError, "one known axis"),
        (lambda t: df.poly(df.stack([df.stack([t])])), ShapeError, "one known axis"),
        (lambda t: df.polyfit(t, t, 2, cov=True), ShapeError, "no degree of freedom"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong shapes and orders are refused where the node is declared."""
    t: Any = df.GraphBuilder().constant(np.ones(3))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_polynomials.py:" in str(caught.value)
