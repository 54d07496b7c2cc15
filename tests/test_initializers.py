"""Initialisers: how wide their draws are, what they refuse, and that they store no weights."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError, ShapeError
from dataflow.nn import initializers
from dataflow.nn.initializers import Initializer


def drawn(initializer: Initializer, shape: tuple[int, ...], **axes: int) -> np.ndarray:
    """Return what an initialiser gives, in float64."""
    return np.asarray(df.evaluate(initializer(df.GraphBuilder(), shape, "float64", **axes)))


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        (initializers.uniform(-1, 3), 4 / 3),
        (initializers.normal(1, 0.5), 0.25),
        (initializers.xavier_uniform(), 2 / 500),
        (initializers.xavier_normal(gain=2), 8 / 500),
        (initializers.kaiming_uniform(), 2 / 200),
        (initializers.kaiming_normal(mode="fan_out", nonlinearity="tanh"), 25 / 9 / 300),
        (initializers.kaiming_uniform(a=1, mode="fan_avg"), 1 / 250),
        (initializers.lecun_uniform(), 1 / 200),
        (initializers.lecun_normal(), 1 / 200),
    ],
    ids=repr,
)
def test_draws_are_as_wide_as_their_papers_say(initializer: Initializer, variance: float) -> None:
    """The variance of 60,000 weights is the formula's within four standard errors."""
    weights = drawn(initializer, (200, 300))
    error = math.sqrt(2 / weights.size)
    assert weights.var() == pytest.approx(variance, rel=4 * error)


@pytest.mark.parametrize("name", ["xavier_uniform", "kaiming_uniform", "lecun_uniform"])
def test_uniform_draws_fill_their_range(name: str) -> None:
    """Uniform draws come close to both ends of a symmetric range, and don't pass them."""
    weights = drawn(getattr(initializers, name)(), (50, 80))
    limit = math.sqrt(3 * weights.var())
    assert weights.max() == pytest.approx(limit, rel=0.03)
    assert weights.min() == pytest.approx(-limit, rel=0.03)


def test_fans_count_a_kernels_places() -> None:
    """Of a convolution's weights, the outputs come first and every place of the kernel counts."""
    weights = drawn(initializers.lecun_normal(), (64, 16, 3, 3), in_axis=1, out_axis=0)
    assert weights.var() == pytest.approx(1 / (16 * 9), rel=0.06)


def test_dirac_gives_back_what_a_convolution_takes() -> None:
    """The kernel is 1 in the middle for the input of the same number, group by group."""
    weights = drawn(initializers.dirac(groups=2), (4, 3, 3, 5), in_axis=1, out_axis=0)
    expected = np.zeros((4, 3, 3, 5))
    expected[[0, 1, 2, 3], [0, 1, 0, 1], 1, 2] = 1
    np.testing.assert_array_equal(weights, expected)


def test_identity_is_a_scaled_eye() -> None:
    """Matrices that aren't square have the diagonal's ones and zeros beside it."""
    np.testing.assert_array_equal(drawn(initializers.identity(2), (2, 3)), 2 * np.eye(2, 3))


def test_one_value_needs_no_axes() -> None:
    """zeros, ones and constant fill any shape, a scalar's too."""
    assert drawn(initializers.constant(3.5), ()) == 3.5
    assert drawn(initializers.zeros(), (0, 2)).shape == (0, 2)
    np.testing.assert_array_equal(drawn(initializers.ones(), (2,)), [1, 1])


def test_a_graph_stores_no_weights() -> None:
    """A million weights are a key of eight bytes and a few scalars."""
    b = df.GraphBuilder()
    b.variable("w", initializers.kaiming_normal()(b, (1000, 1000)))
    assert sum(array.nbytes for array in b.build().constants.values()) < 100


def test_layers_of_one_builder_draw_different_weights() -> None:
    """Every draw of a builder has a key of its own, and another builder repeats it."""

    def weights() -> list[np.ndarray]:
        b = df.GraphBuilder(seed=5)
        made = [initializers.xavier_normal()(b, (3, 3)) for _ in range(2)]
        return [df.evaluate(t) for t in made]

    (first, second), again = weights(), weights()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again[0])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda b: initializers.xavier_uniform()(b, (3,)),
        lambda b: initializers.normal()(b, ("n", 3)),  # type: ignore[arg-type]
        lambda b: initializers.dirac()(b, (3, 3)),
        lambda b: initializers.dirac(groups=2)(b, (3, 3, 1), in_axis=1, out_axis=0),
        lambda b: initializers.identity()(b, (3,)),
        lambda b: initializers.lecun_normal()(b, (3, 4), in_axis=2),
    ],
)
def test_shapes_without_meaning_are_refused(wrong: Callable[[df.GraphBuilder], df.Tensor]) -> None:
    """Too few axes, unknown lengths and groups that don't divide are told at the user's line."""
    with pytest.raises(ShapeError, match=r"test_initializers.py:\d+"):
        wrong(df.GraphBuilder())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: initializers.normal(std="x"),  # type: ignore[arg-type]  # which is the point
        lambda: initializers.kaiming_normal(mode="fan"),
        lambda: initializers.kaiming_normal(nonlinearity="sine"),
        lambda: initializers.dirac(groups=0),
        lambda: initializers.calculate_gain("leaky_relu", "x"),  # type: ignore[arg-type]
    ],
)
def test_parameters_of_the_wrong_kind_are_refused(wrong: Callable[[], Initializer]) -> None:
    """A parameter that is no such number or name is refused when it is given."""
    with pytest.raises(GraphError, match=r"test_initializers.py:\d+"):
        wrong()


def test_gains_are_pytorchs() -> None:
    """The gains that He's initialiser asks for."""
    assert initializers.calculate_gain("relu") == math.sqrt(2)
    assert initializers.calculate_gain("leaky_relu", 3) == pytest.approx(math.sqrt(0.2))
    assert initializers.calculate_gain("tanh") == 5 / 3
    assert initializers.calculate_gain("linear") == 1


def test_layers_take_names_arrays_and_functions() -> None:
    """A layer's initialiser is one of ours, its name, the weights themselves or a function."""
    b = df.GraphBuilder()
    x = b.ones((1, 2))
    given = (np.eye(2, 3), "ones", initializers.constant(2),
             lambda b, shape, dtype: b.full(shape, 3, dtype))  # fmt: skip
    sums = [df.evaluate(df.nn.Dense(3, initializer=i)(x)).sum() for i in given]
    assert sums == [2, 6, 12, 18]
    with pytest.raises(ShapeError, match=r"\[2, 2\], not \[2, 3\]"):
        df.nn.Dense(3, initializer=np.eye(2))(x)
    with pytest.raises(GraphError, match="glorot"):
        df.nn.Dense(3, initializer="glorot")(x)


def test_the_usual_names_are_here() -> None:
    """Keras's, JAX's and PyTorch's names are functions of df.nn and strings that layers take."""
    names = ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "kaiming_normal",
             "kaiming_uniform", "lecun_normal", "lecun_uniform", "orthogonal", "trunc_normal",
             "truncated_normal", "xavier_normal", "xavier_uniform")  # fmt: skip
    for name in names:
        ones = df.GraphBuilder().ones((1, 2), "float64")
        layer = df.nn.Dense(3, initializer=name)(ones)
        expected = drawn(getattr(df.nn, name)(), (2, 3)).sum(0, keepdims=True)
        np.testing.assert_allclose(df.evaluate(layer), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((5, 3), {}), ((3, 5), {}), ((4, 4), {}), ((6, 2, 3, 3), {"in_axis": 1, "out_axis": 0})],
)
def test_orthogonal_weights_are(shape: tuple[int, ...], axes: dict[str, int]) -> None:
    """The weights of units, or where there are too many of these, the inputs', are orthonormal."""
    weights = drawn(initializers.orthogonal(3.0), shape, **axes)
    units = np.moveaxis(weights, axes.get("out_axis", -1), 0)
    units = units.reshape(len(units), -1) / 3
    gram = units @ units.T if units.shape[0] <= units.shape[1] else units.T @ units
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-14)


def test_orthogonal_matrices_are_evenly_spread() -> None:
    """The diagonal is as often negative as positive, which LAPACK's factor alone isn't."""
    weights = drawn(initializers.orthogonal(), (60, 60))
    assert 15 < (np.diagonal(weights) < 0).sum() < 45


@pytest.mark.parametrize(
    ("initializer", "bounds", "std"),
    [
        (initializers.truncated_normal(1, 0.5), (0, 2), 0.8796 * 0.5),
        (initializers.truncated_normal(0, 2, 3, 40), (6, 80), 2 * 0.2665),
        (initializers.trunc_normal(0, 1, -1, 1), (-1, 1), 0.5396),
        (initializers.trunc_normal(0, 0.02), (-2, 2), 0.02),
    ],
    ids=repr,
)
def test_truncated_draws_lie_between_bounds(
    initializer: Initializer, bounds: tuple[float, float], std: float
) -> None:
    """Draws stay between the bounds and spread as much as the cut distribution does."""
    weights = drawn(initializer, (200, 100))
    assert bounds[0] <= weights.min() < weights.max() <= bounds[1]
    assert weights.std() == pytest.approx(std, rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: initializers.truncated_normal(lower=2, upper=1),
        lambda: initializers.trunc_normal(a=2, b=2),
        lambda: initializers.trunc_normal(std=0),
        lambda: initializers.orthogonal(gain="x"),  # type: ignore[arg-type]
    ],
)
def test_bounds_without_anything_between_are_refused(wrong: Callable[[], Initializer]) -> None:
    """Bounds that cross, no spread and a gain that is no number are refused when given."""
    with pytest.raises(GraphError, match=r"test_initializers.py:\d+"):
        wrong()
