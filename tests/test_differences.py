"""What differences, slopes and integrals promise: NumPy's values over arguments, and errors."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GraphError, ShapeError
from tests.numpys import check, check_both, drawn

near = partial(check, exact=False)
near_both = partial(check_both, exact=False)

DTYPES = ("int8", "uint8", "int64", "float16", "float32", "float64", "complex64", "complex128")


# diff


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple), st.data())
def test_differences_are_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """As often as asked for, more often than there are elements too, along any axis, any dtype."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    dtype = data.draw(st.sampled_from(("bool", *DTYPES)))
    check_both("diff", drawn(shape, dtype), data.draw(st.integers(0, 5)), axis)


def test_values_before_and_after_are_differenced_too() -> None:
    """Scalars are spread, and tensors joined, before the first difference."""
    array = drawn((2, 3))
    for n in (0, 1, 2):
        check_both("diff", array, n, 0, 1.0, np.ones((2, 3)))
        check_both("diff", array, n, append=np.float64(5))
        check_both("diff", array, n, prepend=np.zeros((2, 2)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_flat_differences_are_numpys(dtype: str) -> None:
    """With values before and after, cast to the tensor's dtype, or none."""
    array = drawn((2, 3), dtype)
    check_both("ediff1d", array)
    check_both("ediff1d", array, *np.array([[1, 2], [3, 4]]).astype(dtype))
    check_both("ediff1d", array[:0])


# gradient


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple), st.sampled_from(DTYPES),
       st.integers(0, 3), st.data())  # fmt: skip
def test_slopes_are_numpys(
    shape: tuple[int, ...], dtype: str, kind: int, data: st.DataObject
) -> None:
    """Along all axes or some, at even distances or uneven ones, of either order at the ends."""
    order = data.draw(st.sampled_from([1, 2] if min(shape) > 2 else [1]))
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    along = range(len(shape)) if axis is None else [axis]
    places = [np.cumsum(drawn((shape[i],), seed=3) + 0.1) for i in along]
    spacings: list[list[Any]] = [[], [2.5], [0.5 * (i + 1) for i in range(len(along))], places]
    near_both("gradient", drawn(shape, dtype), *spacings[kind], axis=axis, edge_order=order)


def test_slopes_at_places_that_are_tensors() -> None:
    """Places may be tensors, differentiable like the values; even ones in an array are even."""
    f, x = drawn((5, 4)), np.cumsum(drawn((5,), seed=1) + 0.1)
    for order in (1, 2):
        near(lambda t, p, o=order: df.gradient(t, p, axis=0, edge_order=o),
              lambda a, p, o=order: np.gradient(a, p, axis=0, edge_order=o), f, x)  # fmt: skip
    near(lambda t, h: df.gradient(t, h, axis=1), lambda a, h: np.gradient(a, h, axis=1), f,
          np.array(0.3))  # fmt: skip
    near_both("gradient", f, np.arange(5), axis=np.int64(0))
    b = df.GraphBuilder()
    t, p = b.constant(f[:, 0]), b.constant(x)
    made = df.grad(df.gradient(t, p).sum(), p)
    step = 1e-6 * np.eye(5)
    slopes = [(np.gradient(f[:, 0], x + s).sum() - np.gradient(f[:, 0], x - s).sum()) / 2e-6
              for s in step]  # fmt: skip
    np.testing.assert_allclose(df.evaluate(made), slopes, rtol=1e-6, atol=1e-6)


# Integrals


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple), st.sampled_from(DTYPES),
       st.data())  # fmt: skip
def test_integrals_are_numpys(shape: tuple[int, ...], dtype: str, data: st.DataObject) -> None:
    """Along any axis, at one distance, at places along it, or at places for each element."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    y = drawn(shape, dtype)
    near_both("trapezoid", y, axis=axis)
    near_both("trapezoid", y, dx=0.5, axis=axis)
    near_both("trapezoid", y, drawn((shape[axis],)), axis=axis)
    near_both("trapezoid", y, drawn(shape), axis=axis)


# Named lengths, errors


def test_named_lengths_are_differenced() -> None:
    """Differences, slopes and integrals along an axis with a name."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "float64")
    made = {"d": df.diff(x, 2, 0), "e": df.ediff1d(x), "g": df.gradient(x, 0.5, axis=0),
            "h": df.gradient(x, axis=0, edge_order=2), "t": df.trapezoid(x, axis=0)}  # fmt: skip
    assert made["d"].shape == (b.dim("n - 2"), 2)
    assert made["g"].shape == x.shape
    array = drawn((4, 2))
    found = df.Runner(df.compile(b.build(made), dims={"n": 4})).run(x=array)
    np.testing.assert_array_equal(found["d"], np.diff(array, 2, 0))
    np.testing.assert_array_equal(found["e"], np.ediff1d(array))
    np.testing.assert_allclose(found["g"], np.gradient(array, 0.5, axis=0))
    np.testing.assert_allclose(found["h"], np.gradient(array, axis=0, edge_order=2))
    np.testing.assert_allclose(found["t"], np.trapezoid(array, axis=0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.diff(t, -1), ArgumentError, "0 or more, not -1"),
        (lambda t: df.diff(t, cast("int", 1.5)), DTypeError, "is an int, not 1.5"),
        (lambda t: df.diff(t, 1, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.diff(t, prepend=[[1.0, 2.0]]), ShapeError, "may differ on axis 1 only"),
        (lambda t: df.ediff1d(t > 0), DTypeError, "subtract"),
        (lambda t: df.gradient(t, edge_order=3), GraphError, "1 or 2, not 3"),
        (lambda t: df.gradient(t, edge_order=2), ShapeError, "takes at least 3"),
        (lambda t: df.gradient(t, 1, 2, 3), GraphError, "3 distances for 2 axes"),
        (lambda t: df.gradient(t, [1, 2], axis=1), ShapeError, "must be one number or 3"),
        (lambda t: df.gradient(t, axis=(0, 0)), ShapeError, "one axis twice"),
        (lambda t: df.trapezoid(t, axis=2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.trapezoid(t, [1, 2]), ShapeError, "each of 3 samples"),
        (lambda t: df.trapezoid(t, 2.0), ShapeError, "dx is one distance"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong axes, numbers and shapes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_differences.py:" in str(caught.value)


# Running integrals, angles


@pytest.mark.parametrize("initial", [None, 0])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_integrals_are_scipys(axis: int, initial: int | None) -> None:
    """At one distance, at places, or at places for each element, with the first 0 or without."""
    integrate = pytest.importorskip("scipy.integrate")
    like: Any = integrate.cumulative_trapezoid
    y = drawn((3, 4))
    for options in ({}, {"dx": 0.3}, {"x": drawn((y.shape[axis],), seed=2)},
                    {"x": drawn((3, 4), seed=3)}):  # fmt: skip
        given = {**options, "axis": axis, "initial": initial}
        near(lambda t, o=given: df.cumulative_trapezoid(t, **o),
              lambda a, o=given: like(a, **o), y)  # fmt: skip


def test_running_integrals_of_nothing() -> None:
    """One sample has no area; and only 0 may come first."""
    y = df.GraphBuilder().constant(drawn((1,)))
    assert df.cumulative_trapezoid(y).shape == (0,)
    assert df.evaluate(df.cumulative_trapezoid(y, initial=0)).tolist() == [0]
    with pytest.raises(GraphError, match="None or 0, not 1"):
        df.cumulative_trapezoid(y, initial=1)


PERIODS: list[dict[str, Any]] = [{}, {"period": 7}, {"period": 6}, {"period": 2.5}, {"discont": 20}]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(-30, 30), min_size=1, max_size=9), st.sampled_from(PERIODS))
def test_unwrapped_angles_are_numpys(steps: list[int], options: dict[str, Any]) -> None:
    """Integers and floats, even periods and odd ones, where half a period is ambiguous too."""
    for array in (np.array(steps), np.array(steps) / 4, np.array([steps, steps], "float32")):
        near_both("unwrap", array, **options)


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool"])
def test_integers_are_unwrapped_as_integers(dtype: str) -> None:
    """Steps that an int8 can't hold are taken as they are; the dtype is NumPy's."""
    array = np.array([4, 120, -1, -128]).astype(dtype)
    near_both("unwrap", array, period=4)


def test_unwrapping_nothing() -> None:
    """An axis of length 0 stays."""
    for shape, axis in (((3, 0), -1), ((0, 3), 0)):
        for dtype in ("float32", "int64"):
            near_both("unwrap", np.zeros(shape, dtype), axis=axis)
            near_both("unwrap", np.zeros(shape, dtype), axis=axis, period=4)


def test_the_slope_of_an_unwrapped_angle_is_one() -> None:
    """Turns are added, which don't change with the angle."""
    b = df.GraphBuilder()
    p = b.constant([0.0, 3.0, -3.0, 0.1])
    assert df.evaluate(df.grad(df.unwrap(p).sum(), p)).tolist() == [1] * 4
    with pytest.raises(GraphError, match="period is positive"):
        df.unwrap(p, period=0)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple), st.data())
def test_integrals_by_parabolas_are_scipys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Odd numbers of samples and even ones, at even distances and at uneven places."""
    integrate = pytest.importorskip("scipy.integrate")
    like: Any = integrate.simpson
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    y, x = drawn(shape), np.cumsum(drawn(shape, seed=1) + 0.1, axis)
    line = np.cumsum(drawn((shape[axis],), seed=2))
    for options in ({}, {"dx": 0.3}, {"x": line}, {"x": x}):
        given = {**options, "axis": axis}
        near(lambda t, o=given: df.simpson(t, **o), lambda a, o=given: like(a, **o), y)


def test_parabolas_are_integrated_exactly() -> None:
    """A cubic's integral is exact, and places that coincide add nothing and no NaN."""
    b = df.GraphBuilder()
    x = b.constant(np.array([0.0, 0.5, 1.0, 1.5, 2.0]))
    assert df.evaluate(df.simpson(x**3, x)) == pytest.approx(4)
    twice = b.constant(np.array([0.0, 1.0, 1.0, 1.0, 2.0]))
    total = df.simpson(twice, twice)
    assert np.isfinite(df.evaluate(total, df.grad(total, twice).sum())).all()
    with pytest.raises(ShapeError, match="must be known and not 0"):
        df.simpson(b.input("named", ("n",)))
