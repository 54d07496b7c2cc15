"""What flips, rolls and repeats promise: NumPy's values over arguments, and errors."""

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DataDependentShapeError, DTypeError, GraphError, ShapeError
from dataflow.spec import DTYPES
from tests.numpys import check, check_both, numbered

SHAPES = st.lists(st.integers(0, 4), min_size=0, max_size=3).map(tuple)


# flip, roll, rot90


@settings(deadline=None, max_examples=40)
@given(SHAPES, st.data())
def test_flips_are_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Any axes, negative ones too, of any shape are reversed as NumPy does."""
    axes = data.draw(st.sets(st.sampled_from(range(len(shape))))) if shape else set()
    signed = tuple(axis - len(shape) * data.draw(st.integers(0, 1)) for axis in axes)
    check_both("flip", numbered(shape), signed)
    check_both("flip", numbered(shape))


@settings(deadline=None, max_examples=60)
@given(SHAPES, st.data())
def test_rolls_are_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Any shifts, longer than an axis or negative, along any axes or none, give NumPy's values."""
    shift = data.draw(st.integers(-9, 9))
    check_both("roll", numbered(shape), shift)
    if shape:
        axes = tuple(data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), max_size=3)))
        check_both("roll", numbered(shape), shift, axes)
        check_both("roll", numbered(shape), tuple(range(3, 3 + len(axes))), axes)


@pytest.mark.parametrize("k", range(-3, 6))
def test_quarter_turns_are_numpys(k: int) -> None:
    """Any number of turns of any plane is NumPy's, and is a view: no element is copied."""
    for axes in ((0, 1), (1, 0), (-1, 0), (2, 1)):
        check_both("rot90", numbered((2, 3, 4)), k, axes)
    turned = df.rot90(df.GraphBuilder().input("x", (2, 3)), k)
    assert {turned.op.name} <= {"transpose", "slice", "input"}


@pytest.mark.parametrize("name", ["flipud", "fliplr"])
def test_flips_of_one_axis(name: str) -> None:
    """Flipud and fliplr turn the first and the second axis."""
    check_both(name, numbered((2, 3)))


def test_the_gradient_of_a_flip_is_a_flip() -> None:
    """No zeros are filled in: the reverse of a flip is the view again."""
    b = df.GraphBuilder()
    x = b.constant(numbered((2, 3)))
    gradient = df.grad((df.flip(x, 1) * numbered((2, 3))).sum(), x)
    assert gradient.op.name == "slice"
    assert df.evaluate(gradient).tolist() == [[3, 2, 1], [6, 5, 4]]


@pytest.mark.parametrize("shift", [0, 1, 5, -2, -8])
def test_a_named_axis_is_rolled_by_any_distance(shift: int) -> None:
    """The distance is taken by the length once that is bound, to 0 and 1 too."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "float64")
    rolled = df.roll(x, shift, 0)
    assert rolled.shape == x.shape
    graph = b.build({"y": rolled, "z": df.roll(x, shift), "f": df.flip(x)})
    for n in (0, 1, 2, 3, 7):
        array = numbered((n, 2))
        made = df.Runner(df.compile(graph, dims={"n": n})).run(x=array)
        np.testing.assert_array_equal(made["y"], np.roll(array, shift, 0))
        np.testing.assert_array_equal(made["z"], np.roll(array, shift))
        np.testing.assert_array_equal(made["f"], np.flip(array))


# tile, repeat


@settings(deadline=None, max_examples=60)
@given(SHAPES, st.lists(st.integers(0, 3), max_size=4))
def test_tiles_are_numpys(shape: tuple[int, ...], reps: list[int]) -> None:
    """Fewer or more repeats than axes, none and 0 among them, give NumPy's values."""
    check_both("tile", numbered(shape), tuple(reps))
    if reps:
        check_both("tile", numbered(shape), reps[0])


@settings(deadline=None, max_examples=40)
@given(SHAPES, st.data())
def test_repeats_are_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """One number for all, or one for each, along any axis or none, gives NumPy's values."""
    count = data.draw(st.integers(0, 3))
    check_both("repeat", numbered(shape), count)
    check_both("repeat", numbered(shape), [count])
    if shape:
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        each = data.draw(st.lists(st.integers(0, 3), min_size=shape[axis], max_size=shape[axis]))
        check_both("repeat", numbered(shape), count, axis)
        check_both("repeat", numbered(shape), np.array(each, int), axis)


def test_numbers_of_repeats_may_be_named() -> None:
    """An axis with a name is repeated, also a named number of times, and gradients add up."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "float64")
    tiled, repeated = df.tile(x, (b.dim("k"), 1)), df.repeat(x, b.dim("k"), 0)
    assert tiled.shape == repeated.shape
    graph = b.build({"t": tiled, "r": repeated, "g": df.grad((repeated * repeated).sum(), x)})
    array = numbered((3, 2))
    made = df.Runner(df.compile(graph, dims={"n": 3, "k": 4})).run(x=array)
    np.testing.assert_array_equal(made["t"], np.tile(array, (4, 1)))
    np.testing.assert_array_equal(made["r"], np.repeat(array, 4, 0))
    np.testing.assert_array_equal(made["g"], 8 * array)


# Dtypes


MOVING: list[Callable[[Any], Any]] = [
    lambda m: (lambda t: m.flip(t, 0)), lambda m: (lambda t: m.roll(t, 1, 1)),
    lambda m: m.rot90, lambda m: (lambda t: m.tile(t, 2)),
    lambda m: (lambda t: m.tril(t, 1)), lambda m: (lambda t: m.diagonal(t, 1)),
    lambda m: (lambda t: m.diag(t[0])),
    lambda m: (lambda t: m.vstack([t, t])), lambda m: (lambda t: m.split(t, [1])),
    lambda m: (lambda t: m.atleast_3d(t)[..., 0]), lambda m: (lambda t: m.ravel(t, "F")),
    lambda m: (lambda t: m.insert(t, [0, 2], 1, 1)), lambda m: (lambda t: m.delete(t, 1, 1)),
    lambda m: (lambda t: m.resize(t, (2, 5))), lambda m: (lambda t: m.meshgrid(t, t)),
    lambda m: (lambda t: m.repeat(t, 2, 0)), lambda m: (lambda t: m.repeat(t, [2, 0, 1], 1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_of_any_dtype_move(dtype: str) -> None:
    """What only moves elements takes every dtype and keeps it."""
    for function in MOVING:
        check(function(df), function(np), numbered((2, 3), dtype))


# Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.flip(t, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.flip(t, (0, -2)), ShapeError, "one axis twice"),
        (lambda t: df.fliplr(t[0]), ShapeError, "axis 1 is out of range"),
        (lambda t: df.rot90(t, 1, (0, 0)), ShapeError, "one axis twice"),
        (lambda t: df.rot90(t, 1, (0,)), ShapeError, "a plane of 2 axes"),
        (lambda t: df.rot90(t, cast("int", 0.5)), DTypeError, "k of rot90 .* is an int, not 0.5"),
        (lambda t: df.roll(t, cast("int", 1.5)), DTypeError, "is an int, not 1.5"),
        (lambda t: df.roll(t, 1, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.roll(t, (1, 2, 3), (0, 1)), ShapeError, "3 shifts for 2 axes"),
        (lambda t: df.tile(t, -1), ShapeError, "can't be negative: -1"),
        (lambda t: df.tile(t, (1, cast("int", 0.5))), ShapeError, "not 0.5"),
        (lambda t: df.repeat(t, -1), ShapeError, "can't be negative: -1"),
        (lambda t: df.repeat(t, [1, -1], 0), ShapeError, r"not \[1, -1\]"),
        (lambda t: df.repeat(t, [1, 2, 3], 0), ShapeError, "each of 2 elements"),
        (lambda t: df.repeat(t, [1.5, 1], 0), DTypeError, "are ints, not float64"),
        (lambda t: df.repeat(t, 2, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.repeat(t, t), DataDependentShapeError, "depends on data"),
        (lambda t: df.tile(t, (2, t)), DataDependentShapeError, "depends on data"),
    ],
)  # fmt: skip
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong axes, numbers and dtypes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_arranging.py:" in str(caught.value)


@pytest.mark.parametrize("shape", [(), (0, 3), (4,), (2, 3), (2, 3, 4)])
def test_elements_may_run_along_the_first_axis_first(shape: tuple[int, ...]) -> None:
    """reshape, ravel and flatten take Fortran's order, by name or in NumPy's place."""
    x = np.arange(math.prod(shape)).reshape(shape)
    t: Any = df.GraphBuilder().constant(x)
    pairs = [
        (df.reshape(t, -1, "F"), np.reshape(x, -1, "F")), (np.ravel(t, "F"), np.ravel(x, "F")),
        (t.flatten("F"), x.flatten("F")), (t.flatten(order="F"), x.flatten(order="F")),
        (t.ravel("F"), x.ravel("F")), (t.ravel(order="C"), x.ravel()), (t.flatten(), x.flatten()),
    ]  # fmt: skip
    if x.size == 24:
        pairs += [(np.reshape(t, target, order="F"), np.reshape(x, target, order="F"))
                  for target in ((6, 4), (4, -1), (-1, 2, 1, 3), (24,))]  # fmt: skip
    for made, expected in pairs:
        np.testing.assert_array_equal(df.evaluate(made), expected)
    for call in (df.ravel, lambda a, order: df.reshape(a, -1, order)):
        with pytest.raises(GraphError, match=r"test_arranging.py:\d+\): the order is 'C' or 'F'"):
            call(t, "A")
