"""The corners that a user meets sooner or later, as the best of the peers has them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.registry import get_op
from dataflow.spec import DTYPES
from dataflow.sweeps import jvp_of
from tests.oracle import LAYOUTS, run

INF, NAN = math.inf, math.nan
Function = Callable[..., df.Tensor]


def value_and_slopes(function: Function, *arguments: object) -> list[Any]:
    """Return a function's value, and the gradients of the sum of its elements."""
    b = df.GraphBuilder()
    inputs = [b.constant(np.asarray(argument, float)) for argument in arguments]
    made = function(*inputs)
    values = df.evaluate(made, *df.grad(made.sum(), inputs))
    return [np.asarray(value).tolist() for value in values]


def assert_nearly(actual: Sequence[Any], expected: Sequence[Any]) -> None:
    """Check for closeness, NaN where NaN is expected."""
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)


SHARE = 1 / (1 + math.e)


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (df.sqrt, [0.0], [0.0, INF]),
        (df.abs, [[0.0, -0.0]], [[0, 0], [0, 0]]),
        (df.hypot, [0.0, 0.0], [0, 0, 0]),
        (df.power, [[0, 0, 0, 2, -2.0], [0, 1, 2, 0, 2.0]],
         [[1, 0, 0, 1, 4], [0, 1, 0, 0, -4], [0, 0, 0, math.log(2), NAN]]),
        (lambda x: x**0.5, [0.0], [0, INF]),
        (df.max, [[1.0, 1, 0]], [1, [0.5, 0.5, 0]]),
        (df.min, [[1.0, 1, 2]], [1, [0.5, 0.5, 0]]),
        (df.max, [[NAN, 1]], [NAN, [NAN, NAN]]),
        (df.softmax, [[-INF, 0, 1]], [[0, SHARE, 1 - SHARE], [0, 0, 0]]),
        (df.softmax, [[-INF, -INF]], [[NAN, NAN], [NAN, NAN]]),
        (df.log_softmax, [[-INF, 0, 0]],
         [[-INF, -math.log(2), -math.log(2)], [1, -0.5, -0.5]]),
        (df.logaddexp, [[-INF, INF, -INF], [-INF, INF, 1]],
         [[-INF, INF, 1], [0.5, 0.5, 0], [0.5, 0.5, 1]]),
        (df.sinc, [0.0], [1, 0]),
        (lambda x: df.clip(x, 0, 1), [[0.0, 1, 2, -1]], [[0, 1, 1, 0], [0.5, 0.5, 0, 0]]),
        (lambda x: df.where(x > 0, 1 / df.where(x > 0, x, 1), 0), [[0.0, 2]],
         [[0, 0.5], [0, -0.25]]),
        (df.prod, [[2.0, 0, 3]], [0, [0, 6, 0]]),
        (df.prod, [[2.0, 0, 0]], [0, [0, 0, 0]]),
        (df.cumulative_prod, [[2.0, 0, 3]], [[2, 0, 0], [1, 8, 0]]),
        (df.logsumexp, [[-INF, 0]], [0, [0, 1]]),
        (df.logsumexp, [[INF, 0]], [INF, [NAN, 0]]),
        (df.logsumexp, [[-INF, -INF]], [-INF, [NAN, NAN]]),
        (df.linalg.vector_norm, [[0.0, 0]], [0, [0, 0]]),
        (df.linalg.vector_norm, [[3.0, 4]], [5, [0.6, 0.8]]),
        (df.sort, [[2.0, 1, 2, 1]], [[1, 1, 2, 2], [1, 1, 1, 1]]),
    ],
)  # fmt: skip
def test_values_and_slopes_in_corners(
    function: Function, arguments: Sequence[object], expected: Sequence[object]
) -> None:
    """Value and gradient where a formula taken literally would give something else."""
    assert_nearly(value_and_slopes(function, *arguments), expected)


# Simplification


def bits(value: object) -> bytes:
    """Return a value's bytes."""
    return np.asarray(value).tobytes()


PAYLOADS = np.array([0x7FF8000000000123, 0xFFF8000000000456, 0x8000000000000000, 1, 0xFFF << 52],
                    np.uint64).view(np.float64)  # fmt: skip
"""NaN with payloads, negative zero, the smallest subnormal, negative infinity."""

KEEPING: dict[str, Callable[[Any], Any]] = {
    "x + 0": lambda x: x + 0.0,
    "x - 0": lambda x: x - 0.0,
    "0 + x": lambda x: 0.0 + x,
    "x * 1": lambda x: x * 1.0,
    "x / 1": lambda x: x / 1.0,
    "negated once": np.negative,
    "negated twice": lambda x: np.negative(np.negative(x)),
    "x * 0": lambda x: x * 0.0,
    "0 - x": lambda x: 0.0 - x,
    "abs(abs(x))": lambda x: abs(abs(x)),
    "x - x": lambda x: x - x,
}


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("kind", ["constant", "input"])
def test_simplification_keeps_every_bit(name: str, kind: str) -> None:
    """Signs of zeros, subnormals and payloads of NaN are NumPy's, folded or computed."""
    with np.errstate(all="ignore"):
        expected = KEEPING[name](PAYLOADS)
    b = df.GraphBuilder()
    x = b.constant(PAYLOADS) if kind == "constant" else b.input("x", PAYLOADS.shape, "float64")
    feeds = {} if kind == "constant" else {"x": PAYLOADS}
    assert bits(df.evaluate(KEEPING[name](x), feeds=feeds)) == bits(expected)


@pytest.mark.parametrize("dtype", [t for t in DTYPES if t not in ("bool", "bfloat16")])
def test_negation_is_numpys_in_every_layout(dtype: str) -> None:
    """Signs of zeros and NaN flip, integers wrap around, wherever the elements lie."""
    special = [0.0, -0.0, NAN, -NAN, INF, -INF, 1.5, -2] if np.dtype(dtype).kind in "fc" else [0, 1]
    array = np.resize(np.array(special).astype(dtype), (6, 40))
    out = np.zeros((12, 80), dtype)[::2, ::2]
    for layout in (np.ascontiguousarray, *LAYOUTS):
        x = layout(array)
        expected = np.negative(np.ascontiguousarray(x))
        run(get_op("negative"), [x], Attrs(), [out])
        assert bits(out) == bits(expected), layout


@pytest.mark.parametrize("dtype", DTYPES)
def test_moving_elements_keeps_every_bit(dtype: str) -> None:
    """Reshapes, slices, transposes, choices and joins copy bytes, whatever they stand for."""
    raw = np.random.default_rng(0).integers(0, 256, (4, 6, np.dtype(dtype).itemsize), np.uint8)
    array = raw.view(dtype)[..., 0] if dtype != "bool" else raw[..., 0] > 100
    x = df.GraphBuilder().constant(array)
    made = df.concat([df.take(x.T, [3, 1], 0).T[::-1], x[:, :2]], 1).reshape(-1)
    expected = np.concatenate([array.T[[3, 1]].T[::-1], array[:, :2]], 1).reshape(-1)
    assert bits(df.evaluate(made)) == bits(expected)


# Integers

WRAPPING: tuple[Callable[[Any], Any], ...] = (
    lambda t: t + t, lambda t: t * t, lambda t: -t, abs, lambda t: t - t.dtype.type(100),
    lambda t: t**3, np.sum, np.square, lambda t: t @ t,
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])
def test_integers_overflow_as_numpys(dtype: str) -> None:
    """Sums, products, shifts, negation and absolute values wrap around in silence."""
    info = np.iinfo(dtype)
    x = np.array([info.min, info.max, info.max // 2 + 1], dtype)
    for function in WRAPPING:
        with np.errstate(all="ignore"):
            expected = np.asarray(function(x))
        actual = np.asarray(df.evaluate(function(df.GraphBuilder().constant(x))))
        assert (bits(actual), actual.dtype) == (bits(expected), expected.dtype)


# Nothing at all


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (df.sum, 0), (df.prod, 1), (df.mean, NAN), (df.any, False), (df.all, True),
        (df.logsumexp, -INF), (df.linalg.vector_norm, 0), (df.var, NAN), (df.count_nonzero, 0),
    ],
)  # fmt: skip
def test_reductions_of_nothing(function: Function, expected: object) -> None:
    """An empty sum is 0, an empty product 1, and what has no value is NaN."""
    x = df.GraphBuilder().input("x", (0,), "float64")
    value = df.evaluate(function(x), feeds={"x": np.zeros(0)})
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("function", [df.max, df.min, df.argmax, df.argmin])
def test_extremes_of_nothing_are_refused(function: Function) -> None:
    """A maximum of no elements fails where it is declared."""
    with pytest.raises(df.errors.ShapeError):
        function(df.GraphBuilder().input("x", (3, 0), "float64"), axis=1)


def test_broadcasting_against_nothing() -> None:
    """A length of 1 becomes a length of 0, and gradients come back as zeros of the right shape."""
    b = df.GraphBuilder()
    x, y = b.constant(np.ones((3, 1))), b.constant(np.ones((1, 0)))
    product = x * y
    value, *slopes = df.evaluate(product, *df.grad(product.sum(), [x, y]))
    assert (value.shape, slopes[0].tolist(), slopes[1].shape) == ((3, 0), [[0], [0], [0]], (1, 0))


@pytest.mark.parametrize("side", [0.0, -0.0])
@pytest.mark.parametrize(
    ("function", "along"),
    [(df.asin, 1), (df.acos, 1), (df.acosh, 1), (df.asinh, 1j), (df.sqrt, 1), (df.log, 1)],
)
def test_slopes_on_a_branch_cut_are_those_of_the_side_that_the_signed_zero_names(
    function: Function, along: complex, side: float
) -> None:
    """The forward and the reverse sweep both see a number that lies 1e-9 off the cut."""
    for far in (-1.5, -0.5, 0.5, 2.0):
        on = complex(far, side) if along == 1 else complex(side, far)
        off = on + math.copysign(1e-9, side) * (1j if along == 1 else 1)
        slopes = []
        for place in (on, off):
            b = df.GraphBuilder()
            z = b.constant(place)
            made = function(z)
            (gradient,) = df.grad(df.real(made), [z])
            (tangent,) = jvp_of([made], [z], [b.constant(1 + 0j)])
            assert tangent is not None
            slopes.append([complex(v.item()) for v in df.evaluate(gradient, tangent)])
        np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-7)


@pytest.mark.parametrize("base", [0.3, 2.0, 1e-300, -2 + 0.5j])
def test_power_at_exponent_zero_has_second_derivatives(base: complex) -> None:
    """By base and exponent, in either order, the derivative of a**b at b = 0 is 1/a."""
    b = df.GraphBuilder()
    x, y = b.constant(np.asarray(base)), b.constant(np.zeros((), np.asarray(base).dtype))
    out = df.real(x**y)
    by_base, by_exponent = df.grad(out, [x, y])
    first = df.evaluate(df.grad(df.real(by_base), y))
    second = df.evaluate(df.grad(df.real(by_exponent), x))
    np.testing.assert_allclose(first, np.conj(1 / base), rtol=1e-12)
    np.testing.assert_allclose(second, np.conj(1 / base), rtol=1e-12)


@pytest.mark.parametrize("base", [0.0, 5e-324, NAN, INF])
def test_power_zero_is_flat(base: float) -> None:
    """To the power of 0 everything is 1, and its derivative by the base 0, by a tensor or not."""
    b = df.GraphBuilder()
    x, y = b.constant(np.asarray(base)), b.input("y", (), "float64")
    assert df.evaluate(df.grad(x**y, x), y=0.0) == 0
    assert df.evaluate(df.grad(x ** b.constant(np.zeros(())), x)) == 0


def test_logcumsumexp_from_minus_infinity() -> None:
    """Leading -inf, an empty sum, keeps first and second derivatives finite, as JAX's."""
    b = df.GraphBuilder()
    x = b.constant(np.array([-INF, 0.0, 1.0, -INF]))
    out = df.logcumsumexp(x).sum()
    slope = df.grad(out, x)
    share = 1 / (1 + np.e)
    np.testing.assert_allclose(df.evaluate(slope), [1, 1 + 2 * share, 2 - 2 * share, 0])
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    curve = df.evaluate(df.grad((slope * b.constant(weights)).sum(), x))
    cross = 2 * share * (1 - share)
    np.testing.assert_allclose(curve, [0, -cross, cross, 0], atol=1e-15)
