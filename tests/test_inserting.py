"""What grids, and places put in or left out, promise: NumPy's values, and errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, ShapeError
from tests.numpys import check, check_both, named, numbered

# Grids


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_grids_are_numpys(count: int, indexing: str) -> None:
    """Of one line or several, with or without axes along which nothing changes."""
    others = [np.arange(3.0), np.array(7)][: count - 1]
    for sparse in (False, True):
        check_both("meshgrid", numbered((2,)), *others, sparse=sparse, indexing=indexing)


def test_a_grid_may_have_names() -> None:
    """The lengths of lines may be named, and the gradient adds up over the grid."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    first, second = df.meshgrid(x, np.arange(3.0))
    assert first.shape == second.shape == (3, b.dim("n"))
    made = df.grad((first * second).sum(), x)
    assert df.evaluate(made, x=numbered((4,))).tolist() == [3, 3, 3, 3]


def test_crossed_indices_are_numpys() -> None:
    """Integers and constant bools, each along an axis of its own."""
    check_both("ix_", numbered((2,), "int64"), [True, False, True], np.array([4, 5]))
    check_both("ix_", numbered((2,), "int32"), [])


# Places put in, left out, kept


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 12), st.data())
def test_places_left_out_are_numpys(length: int, data: st.DataObject) -> None:
    """An int, several, a slice or a mask, along an axis or of the flattened tensor."""
    array = numbered((length, 2))
    places = st.integers(-length, max(length - 1, -length))
    step = st.integers(-3, 3).filter(bool)
    mask = st.lists(st.booleans(), min_size=length, max_size=length)
    kinds = [mask.map(lambda m: np.array(m, bool)),
             st.builds(slice, st.none(), st.integers(-9, 9), step)]  # fmt: skip
    if length:
        kinds += [places, st.lists(places, max_size=9)]
    obj = data.draw(st.one_of(kinds))
    check_both("delete", array, obj, 0)
    if not isinstance(obj, np.ndarray):
        check_both("delete", numbered((length,)), obj)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.booleans(), max_size=20))
def test_places_kept_are_numpys(condition: list[bool]) -> None:
    """As long as the axis, or shorter; the rest is left out."""
    array = numbered((20, 2))
    check(lambda t: df.compress(condition, t, 0), lambda a: np.compress(condition, a, 0), array)
    check(lambda t: np.compress(condition, t), lambda a: np.compress(condition, a), array)
    mask = np.resize([*condition, True], (20, 2))
    check(lambda t: df.extract(mask, t), lambda a: np.extract(mask, a), array)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 6), st.data())
def test_places_put_in_are_numpys(length: int, data: st.DataObject) -> None:
    """One value or several at an int, at several, or at a slice's places, along either axis."""
    places = st.integers(-length, length)
    some = st.builds(slice, st.none(), st.none(), st.integers(1, 3))
    obj = data.draw(st.one_of(places, st.lists(places, min_size=1, max_size=5), some))
    axis = data.draw(st.sampled_from([0, 1, -1]))
    array = numbered((length, length + 1) if axis else (length, 2))
    if not (isinstance(obj, slice) and length == 0):
        check_both("insert", array, obj, 7, axis)
        check_both("insert", numbered((length,)), obj, 7.9)


@pytest.mark.parametrize("obj", [1, [1], -1])
def test_several_values_put_in_together_are_numpys(obj: Any) -> None:  # noqa: ANN401
    """Values for one place go there together, their first axis read as NumPy reads it."""
    check_both("insert", numbered((3,)), obj, [7, 8, 9])
    check_both("insert", numbered((3, 2)), obj, [7, 8], 0)
    check_both("insert", numbered((3, 3)), obj, [7, 8, 9], 1)
    check_both("insert", numbered((3, 2)), [0, 2], [[7, 8], [9, 10]], 0)
    check_both("insert", numbered((3, 2)), [2, 0], [[7, 8]], 0)
    check_both("insert", numbered((3, 2)), [0, 1], [7, 8], 1)


def test_one_place_of_a_named_axis() -> None:
    """An element is left out, or put in, where the length isn't known."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "float64")
    made = {"d": df.delete(x, 1, 0), "e": df.delete(x, -1, 0), "i": df.insert(x, -1, 5, 0)}
    assert made["d"].shape == (b.dim("n - 1"), 2)
    found = df.Runner(df.compile(b.build(made), dims={"n": 4})).run(x=numbered((4, 2)))
    np.testing.assert_array_equal(found["d"], np.delete(numbered((4, 2)), 1, 0))
    np.testing.assert_array_equal(found["e"], np.delete(numbered((4, 2)), -1, 0))
    np.testing.assert_array_equal(found["i"], np.insert(numbered((4, 2)), -1, 5, 0))


@pytest.mark.parametrize("shape", [(), 5, (2, 2), (4, 3), (0, 2)])
def test_resized_tensors_are_numpys(shape: Any) -> None:  # noqa: ANN401
    """Fewer elements or more, from the start again; of none, zeros."""
    check_both("resize", numbered((2, 3)), shape)
    check_both("resize", numbered((0,)), shape)


# Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.meshgrid(t, indexing="yx"), GraphError, "'xy' or 'ij', not 'yx'"),
        (df.ix_, ShapeError, "one axis, not"),
        (lambda t: df.ix_(t[0]), DTypeError, "integers, not float64"),
        (lambda t: df.delete(t, 2, 0), ShapeError, "place 2 is out of range for length 2"),
        (lambda t: df.delete(t, 0.5), DTypeError, "are ints, not float64"),
        (lambda t: df.delete(t, [True], 0), ShapeError, "a mask has 2 elements"),
        (lambda t: df.delete(named(t), [0, 1], 0), ShapeError, "isn't known yet"),
        (lambda t: df.insert(t, 3, 0, 0), ShapeError, "place 3 is out of range for length 2"),
        (lambda t: df.insert(t, [0, 1], [1, 2], 0), ShapeError, "don't broadcast"),
        (lambda t: df.insert(named(t), [0, 1], 0, 0), ShapeError, "isn't known yet"),
        (lambda t: df.compress([False, False, True], t, 0), ShapeError, "holds below 2"),
        (lambda t: df.resize(t, -1), ShapeError, "can't be negative"),
        (lambda t: df.resize(named(t), 3), ShapeError, "isn't known yet"),
    ],
)  # fmt: skip
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong axes, numbers and dtypes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_inserting.py:" in str(caught.value)


# isin


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64"])
def test_membership_is_numpys(dtype: str) -> None:
    """Of any shape, among few, many, or none, or the opposite."""
    array = (numbered((3, 4)) % 5).astype(dtype)
    for others in ([1, 3], [[2], [9]], [], [0.5, 2.0], [np.nan, 4], 3):
        for invert in (False, True):
            check_both("isin", array, others, invert=invert)
    with pytest.raises(DTypeError, match="no order"):
        df.isin(df.GraphBuilder().constant(array), [1j])


def test_nan_is_no_member() -> None:
    """NaN equals nothing, not even NaN; both zeros are one."""
    check_both("isin", np.array([np.nan, -0.0, np.inf]), [np.nan, 0.0, np.inf])


# Lists beside tensors


@pytest.mark.parametrize(
    "call",
    [
        lambda m, t: m.insert(t, 1, [0.1, 0.2]), lambda m, t: m.append(t, [0.1]),
        lambda m, t: m.diff(t, prepend=[0.1]), lambda m, t: m.ediff1d(t, [0.1], 0.3),
        lambda m, t: m.trapezoid(t, [0.1, 0.3, 0.7]), lambda m, t: m.meshgrid(t, [0.1, 0.3])[1],
        lambda m, t: m.broadcast_arrays(t, [0.1])[1], lambda m, t: m.pad(t, 1, constant_values=0.1),
        lambda m, t: m.atleast_1d(t, [0.1])[1], lambda m, t: m.interp(t, [0.1, 1], [0.3, 0.7]),
    ],
)  # fmt: skip
def test_lists_beside_float64_keep_their_digits(call: Callable[..., Any]) -> None:
    """A list of floats isn't rounded to float32 on its way."""
    check(lambda t: call(df, t), lambda a: call(np, a), numbered((3,)) / 10)
