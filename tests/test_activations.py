"""What activations promise beyond PyTorch's values: digits in the tails, infinities, errors."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError

INF = math.inf
NAMES = ("celu", "elu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
         "log_sigmoid", "mish", "quick_gelu", "relu6", "selu", "softplus", "softshrink",
         "softsign", "squareplus", "swish", "tanhshrink")  # fmt: skip


def made(function: Callable[..., df.Tensor], x: Any, **options: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Return a function's value of a constant, and its derivatives."""
    b = df.GraphBuilder()
    t = b.constant(np.asarray(x, np.float64))
    y = function(t, **options)
    value, slope = df.evaluate(y, df.grad(y.sum(), t))
    return value, slope


def exact(formula: Callable[[Decimal], Decimal], x: float) -> float:
    """Return a formula's value in 60 digits, rounded."""
    with localcontext() as context:
        context.prec = 60
        return float(formula(Decimal(x)))


def softplus(x: Decimal) -> Decimal:
    """Return log(1 + exp(x)) by the definition."""
    return (1 + x.exp()).ln()


def mish(x: Decimal) -> Decimal:
    """Return x tanh(softplus(x)), where tanh(log(u)) = (u² - 1) / (u² + 1)."""
    squared = (1 + x.exp()) ** 2
    return x * (squared - 1) / (squared + 1)


def squareplus(x: Decimal) -> Decimal:
    """Return (x + sqrt(x² + 4)) / 2 by the definition."""
    return (x + (x * x + 4).sqrt()) / 2


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (df.nn.softplus, softplus), (df.nn.log_sigmoid, lambda x: -softplus(-x)),
        (df.nn.mish, mish), (df.nn.squareplus, squareplus),
    ],
)  # fmt: skip
def test_the_tails_keep_their_digits(
    function: Callable[..., df.Tensor], formula: Callable[[Decimal], Decimal]
) -> None:
    """Values and derivatives are right to a few units in the last place, tiny ones too."""
    points = [-50.0, -30.0, -5.0, -0.5, 0.0, 0.5, 5.0, 30.0, 50.0]
    values, slopes = made(function, points)
    h = Decimal("1e-20")
    for x, value, slope in zip(points, values, slopes, strict=True):
        assert value == pytest.approx(exact(formula, x), rel=2e-15, abs=0)
        change = exact(lambda t: (formula(t + h) - formula(t - h)) / (2 * h), x)
        assert slope == pytest.approx(change, rel=4e-15, abs=0)


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name: str) -> None:
    """No piece of an activation takes NaN for a number."""
    assert np.isnan(made(getattr(df.nn, name), math.nan)[0])


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("leaky_relu", (-INF, INF), (0.01, 1)), ("elu", (-1, INF), (0, 1)),
        ("celu", (-1, INF), (0, 1)), ("relu6", (0, 6), (0, 0)), ("hardtanh", (-1, 1), (0, 0)),
        ("hardsigmoid", (0, 1), (0, 0)), ("hardswish", (0, INF), (0, 1)),
        ("softplus", (0, INF), (0, 1)), ("log_sigmoid", (-INF, 0), (1, 0)),
        ("softshrink", (-INF, INF), (1, 1)), ("hardshrink", (-INF, INF), (1, 1)),
    ],
)  # fmt: skip
def test_infinities_have_their_limits(
    name: str, values: tuple[float, ...], slopes: tuple[float, ...]
) -> None:
    """At ±inf, values and derivatives are their limits, never 0 times inf."""
    found, derivatives = made(getattr(df.nn, name), [-INF, INF])
    assert tuple(found) == values
    assert tuple(derivatives) == slopes


@pytest.mark.parametrize("name", NAMES)
def test_large_numbers_have_gradients(name: str) -> None:
    """No overflow in a piece not taken spoils a gradient, at first or second order."""
    b = df.GraphBuilder()
    t = b.constant(np.array([-1e200, -800.0, 800.0, 1e200]))
    slope = df.grad(getattr(df.nn, name)(t).sum(), t)
    assert all(np.isfinite(a).all() for a in df.evaluate(slope, df.grad(slope.sum(), t)))


@pytest.mark.parametrize("name", NAMES)
def test_layers_know_activations_by_name(name: str) -> None:
    """A dense layer takes the name of each of them, and integers and rank 0 are as for relu."""
    x = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
    b = df.GraphBuilder()
    layer = df.nn.Dense(3, activation=name, initializer="identity")(b.constant(x))
    found, expected = df.evaluate(layer, getattr(df.nn, name)(b.constant(x)))
    assert np.array_equal(found, expected)
    for dtype in ("int8", "int64", "float16"):
        assert getattr(df.nn, name)(b.ones((), dtype)).spec == df.relu(b.ones((), dtype)).spec


def test_second_derivatives_of_mish_agree_with_differences() -> None:
    """Mish and squareplus are smooth, so their second derivatives are those of differences."""
    x, h = np.linspace(-3, 3, 7), 1e-5
    for function in (df.nn.mish, df.nn.squareplus, df.nn.softplus):
        b = df.GraphBuilder()
        t = b.input("t", x.shape, "float64")
        slope = df.grad(function(t).sum(), t)
        bend = df.evaluate(df.grad(slope.sum(), t), t=x)
        ahead, behind = (df.evaluate(slope, t=x + s) for s in (h, -h))
        np.testing.assert_allclose(bend, (ahead - behind) / (2 * h), atol=1e-9)


def test_learnt_slopes_are_variables() -> None:
    """The layer has one slope for all or one a channel, and they get gradients."""
    b = df.GraphBuilder()
    x = b.constant(np.array([[1.0, -2.0], [-3.0, 4.0]]))
    y = df.nn.PReLU(shared=False, initial=0.5)(df.nn.PReLU()(x))
    first, second = b.variables
    assert (first.shape, second.shape) == ((1,), (2,))
    values = df.evaluate(y, *df.grad(y.sum(), (first, second)))
    expected = [[1, -0.25], [-0.375, 4]], [-2.5], [-0.75, -0.5]
    for found, wanted in zip(values, expected, strict=True):
        assert found.tolist() == wanted


def test_gates_take_any_axis_and_named_lengths() -> None:
    """The halves are along the axis, whose length may be an expression; other axes may be named."""
    x = np.arange(24.0).reshape(2, 4, 3)
    b = df.GraphBuilder()
    assert df.nn.glu(b.input("s", ("batch", "2*n", 3)), 1).shape[1] == b.dim("n")
    t = b.input("t", ("batch", 4, 3), "float64")
    found = df.evaluate(df.nn.glu(t, 1), t=x)
    np.testing.assert_allclose(found, x[:, :2] / (1 + np.exp(-x[:, 2:])))


@pytest.mark.parametrize("axis", [0, -1])
def test_gumbel_draws_are_of_the_categories(axis: int) -> None:
    """Hard draws are ones in as many places as the probabilities say, with soft gradients."""
    b = df.GraphBuilder()
    p = np.array([0.1, 0.6, 0.3])
    shape = (3, 4000) if axis == 0 else (4000, 3)
    logits = df.broadcast_to(b.constant(np.log(p).reshape([-1 if n == 3 else 1 for n in shape])),
                             shape)  # fmt: skip
    key = b.constant(df.random.key(3))
    hard = df.nn.gumbel_softmax(logits, key, 0.5, hard=True, axis=axis)
    soft = df.nn.gumbel_softmax(logits, key, 0.5, axis=axis)
    weights = np.random.default_rng(0).uniform(size=shape)
    drawn, shares, *slopes = df.evaluate(
        hard, soft, *[df.grad((t * weights).sum(), logits) for t in (hard, soft)]
    )
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.array_equal(drawn.argmax(axis), shares.argmax(axis))
    np.testing.assert_allclose(drawn.mean(1 - axis % 2), p, atol=0.03)
    assert np.array_equal(*slopes)


def test_exponential_tails_keep_their_digits() -> None:
    """Far below 0 the slopes of elu, selu and celu are the exponential, to float32's last digit."""
    b = df.GraphBuilder()
    points = np.array([-12.0, -16.0, -18.0, -60.0, -1e-9, 5.0], np.float32)
    x = b.constant(points)
    below = np.exp(np.minimum(points.astype(np.float64), 0))
    for function, factor, above in (
        (df.nn.elu, 1, 1), (df.nn.celu, 1, 1),
        (df.nn.selu, 1.0507009873554805 * 1.6732632423543772, 1.0507009873554805),
        (df.expm1, 1, np.exp(5.0)),
    ):  # fmt: skip
        slopes = df.evaluate(df.grad(function(x).sum(), x))
        expected = np.where(points > 0, above, below * factor)
        np.testing.assert_allclose(slopes, expected, rtol=3e-7)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: df.nn.leaky_relu(x, math.nan), GraphError, "negative_slope"),
        (lambda x: df.nn.celu(x, 0.0), GraphError, "alpha"),
        (lambda x: df.nn.hardtanh(x, 1.0, -1.0), GraphError, "below"),
        (lambda x: df.nn.softshrink(x, -1.0), GraphError, "lambd"),
        (lambda x: df.nn.squareplus(x, 0.0), GraphError, "above 0"),
        (lambda x: df.nn.prelu(x, [0.1, 0.2]), ShapeError, "3 channels"),
        (df.nn.glu, ShapeError, "even"),
        (lambda x: df.nn.glu(x, 2), ShapeError, "axis 2"),
        (lambda x: df.nn.elu(x * 1j), DTypeError, "complex"),
    ],
)
def test_what_does_not_fit_is_refused(
    call: Callable[[df.Tensor], object], error: type[Exception], text: str
) -> None:
    """Wrong arguments are refused at the user's line, with what was expected."""
    with pytest.raises(error, match=text) as caught:
        call(df.GraphBuilder().ones((2, 3)))
    assert "test_activations.py:" in str(caught.value)
