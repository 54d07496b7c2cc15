"""What `interp` promises: NumPy's values over arguments and corners, derivatives, errors."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError
from tests.numpys import check, drawn

near = partial(check, exact=False)

# interp


FEW = st.floats(-10, 10).map(lambda v: round(v, 1))


@settings(deadline=None, max_examples=30)
@given(st.lists(FEW, min_size=1, max_size=6, unique=True), st.lists(FEW, max_size=8),
       st.sampled_from([{}, {"left": -7}, {"left": 1.5, "right": 2}, {"period": 7.5}]),
       st.booleans())  # fmt: skip
def test_interpolated_values_are_numpys(
    places: list[float], at: list[float], options: dict[str, Any], is_complex: bool
) -> None:
    """Between samples, at them and beyond, with values for beyond or a period, complex too."""
    xp = np.array(places if "period" in options else sorted(places))
    fp = drawn(xp.shape, "complex128" if is_complex else "float64")
    x = np.array([*at, *places])
    near(lambda t, p, f: df.interp(t, p, f, **options),
          lambda a, p, f: np.interp(a, p, f, **options), x, xp, fp)  # fmt: skip
    near(lambda t: np.interp(t, xp, fp, **options), lambda a: np.interp(a, xp, fp, **options), x)


@pytest.mark.parametrize("fp", [[0, np.inf, 1, 2], [np.inf, np.inf, 0, -np.inf], [np.nan, 1, 2, 3]])
def test_infinite_samples_are_interpolated_as_in_numpy(fp: list[float]) -> None:
    """Infinities and NaN reach what NumPy lets them reach, and samples themselves come out."""
    x = np.array([-np.inf, 0.0, 0.5, 1, 1.5, 2, 2.5, 3, np.inf, np.nan])
    xp = np.arange(4.0)
    near(lambda t, f: df.interp(t, xp, f), lambda a, f: np.interp(a, xp, f), x, np.array(fp))
    near(lambda t: df.interp(t, [2], [5]), lambda a: np.interp(a, [2], [5]), x)


def test_a_repeated_place_is_a_step() -> None:
    """Two samples at one place: the second one counts, as in NumPy."""
    xp, fp = [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 6.0]
    near(lambda t: df.interp(t, xp, fp), lambda a: np.interp(a, xp, fp), np.linspace(-1, 3, 17))


def test_interpolation_has_the_slope_of_the_next_line() -> None:
    """At samples, between them and beyond: the derivative by x; and that by the samples."""
    b = df.GraphBuilder()
    x, xp = b.constant([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])
    fp = b.constant(np.array([0.0, 2.0, 1.0]))
    made = df.interp(x, xp, fp)
    by_x, by_fp = df.evaluate(*df.grad(made.sum(), [x, fp]))
    assert by_x.tolist() == [0, 2, 2, -1, -1, 0]
    assert by_fp.tolist() == [2.5, 1.5, 2.0]


def test_samples_with_a_named_length() -> None:
    """Places and samples may have a name."""
    b = df.GraphBuilder()
    xp, fp, x = (b.input(name, (dim,), "float64") for name, dim in
                 (("xp", "n"), ("fp", "n"), ("x", "m")))  # fmt: skip
    graph = b.build({"y": df.interp(x, xp, fp), "z": df.interp(x, xp, fp, period=4.0)})
    feeds: Any = {
        "xp": np.array([0, 1, 3.0]),
        "fp": np.array([5, 6, 1.0]),
        "x": np.linspace(-1, 5, 9),
    }
    found = df.Runner(df.compile(graph, dims={"n": 3, "m": 9})).run(**feeds)
    np.testing.assert_allclose(found["y"], np.interp(feeds["x"], feeds["xp"], feeds["fp"]))
    expected = np.interp(feeds["x"], feeds["xp"], feeds["fp"], period=4.0)
    np.testing.assert_allclose(found["z"], expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.interp(t, [1, 2], [1, 2, 3]), ShapeError, "the same length, at least 1"),
        (lambda t: df.interp(t, [], []), ShapeError, "the same length, at least 1"),
        (lambda t: df.interp(t, t, t), ShapeError, "one axis"),
        (lambda t: df.interp(t, [1j], [1]), DTypeError, "real numbers, only fp"),
        (lambda t: df.interp(t, [1], [1], period=0), GraphError, "can't be 0"),
        (lambda t: df.interp(cast("df.Tensor", 1.0), [1], [1]), GraphError, "no operand"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong lengths, dtypes and periods are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_interpolation.py:" in str(caught.value)
