"""Functions applied along axes: NumPy's values, gradients, named dimensions, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ShapeError

X = np.random.default_rng(3).uniform(-1, 1, (2, 5, 3))
SCALE = np.array([1.0, 2.0])
FUNCTIONS: list[Callable[[Any], Any]] = [
    lambda line: line.max(), lambda line: line.sum() * SCALE,
    lambda line: line[:2, None] * line[None, :], lambda line: line[::-1], np.sort,
]  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_lines_are_mapped_as_numpys(function: Callable[[Any], Any], axis: int) -> None:
    """A result of any shape stands in the place of the axis."""
    x: Any = df.GraphBuilder().constant(X)
    made: Any = np.apply_along_axis(function, axis, x)
    np.testing.assert_allclose(
        df.evaluate(made), np.apply_along_axis(function, axis, X), rtol=1e-13
    )


def test_a_single_line_and_no_lines() -> None:
    """A tensor of one axis is a line itself; of no lines nothing is made."""
    x = df.GraphBuilder().constant(X)
    made = df.apply_along_axis(lambda line, k: line * k, 0, x[0, :, 0], 2.0)
    np.testing.assert_array_equal(df.evaluate(made), X[0, :, 0] * 2)
    assert df.evaluate(df.apply_along_axis(df.sum, 1, x[:0])).shape == (0, 3)


def test_a_mapped_function_is_differentiable_and_dimensions_may_be_named() -> None:
    """The gradient is that of each line's; a batch needs no number."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 3), "float64")
    made = df.apply_along_axis(lambda line: (line * line).sum(), 1, x)
    assert str(made.shape) == "(Dim('n'),)"
    (slope,) = df.grad(made.sum(), [x])
    np.testing.assert_allclose(df.evaluate(slope, feeds={"x": X[0]}), 2 * X[0])


@pytest.mark.parametrize("axes", [0, [0, 2], (1, -1), []])
def test_axes_are_reduced_one_after_another(axes: Any) -> None:  # noqa: ANN401 - one or several
    """Functions that drop the axis get it back."""
    x: Any = df.GraphBuilder().constant(X)
    made: Any = np.apply_over_axes(np.max, x, axes)
    np.testing.assert_array_equal(df.evaluate(made), np.apply_over_axes(np.max, X, axes))


def test_what_does_not_fit_is_refused() -> None:
    """Axes out of range, and functions that do something else to them."""
    x = df.GraphBuilder().constant(X)
    calls: list[Callable[[], object]] = [
        lambda: df.apply_along_axis(df.sum, 3, x), lambda: df.apply_over_axes(df.sum, x, 3),
        lambda: df.apply_over_axes(lambda t, _: t.sum(), x, 0), lambda: df.mode(x[:, :0], 1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match=r"test_applying.py:\d+"):
            call()


def test_the_most_frequent_value_may_be_nan_or_named() -> None:
    """NaN is like no other; along a named axis the length is known when it is bound."""
    b = df.GraphBuilder()
    assert df.evaluate(df.mode(b.constant([np.nan, np.nan, 2, 2]))[0]) == 2
    x = b.input("x", ("n", 2), "int64")
    made = df.mode(x, 0, keepdim=True)
    found = df.evaluate(*made, feeds={"x": np.array([[1, 4], [3, 5], [3, 4], [1, 4]])})
    assert [part.tolist() for part in found] == [[[1, 4]], [[3, 3]]]
