"""What can't be because its shape depends on data: each says so, and names what to use."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.dispatch import FUNCTIONS
from dataflow.errors import DataDependentShapeError, GraphError, ShapeError
from dataflow.ops import sized, unbounded, uniques
from tests.numpys import numbered

NAMES = (*unbounded.__all__, *sized.__all__, *uniques.__all__)
NUMPYS = [name for name in NAMES if hasattr(np, name)]
TWO = {"intersect1d", "setdiff1d", "setxor1d", "union1d"}


@pytest.mark.parametrize("name", NAMES)
def test_the_message_says_why_and_what_to_use(name: str) -> None:
    """It names the function, the line, the reason, and an alternative, before any node is made."""
    x = df.GraphBuilder().constant([1, 0, 1])
    with pytest.raises(DataDependentShapeError) as caught:
        getattr(df, name)(x)
    text = str(caught.value)
    assert text.startswith(f"{name} (test_unbounded.py:")
    assert "depends on data, but memory is decided before a plan runs; " in text
    assert text.split("; ")[1]


@pytest.mark.parametrize("name", NUMPYS)
def test_numpys_functions_say_so_too(name: str) -> None:
    """NumPy's own function of that name, called with a tensor, gives the same error."""
    x = df.GraphBuilder().constant([1, 0, 1])
    with pytest.raises(DataDependentShapeError, match=name):
        getattr(np, name)(*[x] * (2 if name in TWO else 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.unique(t, return_counts=True),
        lambda t: df.repeat(t, t),
        lambda t: df.compress(t > 0, t),
        lambda t: df.extract(t > 0, t),
        lambda t: df.delete(t, t),
        lambda t: df.insert(t, t, 1),
        lambda t: df.split(t, t),
        lambda t: df.ix_(t > 0),
    ],
)
def test_functions_that_take_constants_refuse_tensors(call: Callable[[Any], Any]) -> None:
    """Where a constant decides the shape, a tensor in its place is refused in the same way."""
    with pytest.raises(DataDependentShapeError, match="depends on data"):
        call(df.GraphBuilder().constant([1, 0, 1]))


def test_it_is_a_shape_error() -> None:
    """Who catches ValueError, as of NumPy's shapes, or our own errors, catches it."""
    assert issubclass(DataDependentShapeError, (ShapeError, GraphError, ValueError))
    assert set(NAMES) <= set(FUNCTIONS)


# With a size


ARRAYS = st.lists(st.integers(-2, 2), min_size=1, max_size=12)


def padded(array: np.ndarray, size: int, fill: Any) -> list[Any]:  # noqa: ANN401 - a number
    """Return the first elements of an array, and a fill value where there are fewer."""
    return [*array[:size].tolist(), *[fill] * (size - len(array))]


@settings(deadline=None, max_examples=25)
@given(ARRAYS, st.integers(0, 14), st.sampled_from(["int8", "float64", "bool", "complex64"]))
def test_places_are_numpys_up_to_the_size(items: list[int], size: int, dtype: str) -> None:
    """Fewer places than there are, as many, or more and then fill values."""
    array = np.array(items).astype(dtype)
    x = df.GraphBuilder().constant(array)
    found = df.evaluate(df.flatnonzero(x, size=size, fill_value=-1))
    assert found.tolist() == padded(np.flatnonzero(array), size, -1)
    table = np.array([items, items[::-1]])
    t = df.GraphBuilder().constant(table)
    for made, right in zip(df.nonzero(t, size=size), np.nonzero(table), strict=True):
        assert df.evaluate(made).tolist() == padded(right, size, 0)
    rows = df.evaluate(df.argwhere(t, size=size, fill_value=-7))
    assert rows.tolist() == padded(np.argwhere(table), size, [-7, -7])


@settings(deadline=None, max_examples=25)
@given(ARRAYS, st.integers(0, 8), st.sampled_from(["int8", "uint64", "float32", "bool"]))
def test_different_elements_are_numpys_up_to_the_size(
    items: list[int], size: int, dtype: str
) -> None:
    """Values, first places, counts and inverses, filled with the smallest where there are fewer."""
    array = np.array([items, items[::-1]]).astype(dtype)
    x = df.GraphBuilder().constant(array)
    made, right = df.unique_all(x, size=size), np.unique_all(array)
    values, indices, inverse, counts = df.evaluate(*made)
    assert values.tolist() == padded(right.values, size, right.values[0])
    assert values.dtype == array.dtype
    assert indices.tolist() == padded(right.indices, size, right.indices[0])
    assert counts.tolist() == padded(right.counts, size, 0)
    assert inverse.tolist() == right.inverse_indices.tolist()
    both = df.unique(x, return_counts=True, size=size, fill_value=1)
    assert df.evaluate(both[0]).tolist() == padded(right.values, size, array.dtype.type(1))
    assert len(both) == 2


@pytest.mark.parametrize("name", ["unique", "unique_values"])
def test_nan_is_one_or_many(name: str) -> None:
    """np.unique counts all NaNs as one, the standard's functions as many; so do ours."""
    array = np.array([np.nan, 1, np.inf, np.nan, -0.0, 0.0, -np.inf])
    right = np.unique(array, equal_nan=name == "unique")
    made = getattr(df, name)(df.GraphBuilder().constant(array), size=right.size + 1)
    np.testing.assert_array_equal(df.evaluate(made)[:-1], right)
    inverse = df.unique_inverse(df.GraphBuilder().constant(array), size=7).inverse_indices
    assert sorted(df.evaluate(inverse).tolist()) == [0, 1, 1, 2, 3, 4, 5]


def test_what_is_found_has_a_gradient() -> None:
    """It flows to the elements that were returned."""
    x = df.GraphBuilder().constant([3.0, 1.0, 3.0, 2.0])
    by_x = df.grad((df.unique_values(x, size=3) * [1.0, 2.0, 4.0]).sum(), x)
    assert df.evaluate(by_x).tolist() == [4, 1, 0, 2]


def test_lengths_and_sizes_may_be_named() -> None:
    """The tensor's length, and the number of results, may have names."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 2), "int64")
    made = {"p": df.argwhere(x - 2, size=b.dim("k")), "u": df.unique_values(x, size=b.dim("k"))}
    assert made["p"].shape == (b.dim("k"), 2)
    found = df.Runner(df.compile(b.build(made), dims={"n": 2, "k": 3})).run(
        x=numbered((2, 2), "int64")
    )
    assert found["p"].tolist() == [[0, 0], [1, 0], [1, 1]]
    assert found["u"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: df.flatnonzero(t, size=-1), "can't be negative"),
        (lambda t: df.nonzero(t[0], size=1), "a scalar has no axis"),
        (lambda t: df.unique(t[:0], size=1), "no element"),
    ],
)
def test_impossible_sizes_are_refused(call: Callable[[Any], Any], message: str) -> None:
    """Negative ones, and any of nothing."""
    with pytest.raises(ShapeError, match=message):
        call(df.GraphBuilder().constant([1, 0, 1]))


def test_no_place_in_an_empty_tensor() -> None:
    """All results are fill values."""
    x = df.GraphBuilder().constant(np.zeros((0, 3)))
    assert df.evaluate(df.argwhere(x, size=1, fill_value=-1)).tolist() == [[-1, -1]]


def test_unique_slices_along_an_axis_are_refused() -> None:
    """With a size or without, and what NumPy's other options say is taken."""
    x: Any = df.GraphBuilder().constant([[1, 1], [1, 1]])
    for call in (lambda: np.unique(x, axis=0), lambda: df.unique(x, axis=1, size=2)):
        with pytest.raises(DataDependentShapeError, match=r"along an axis .*depends on data"):
            call()
    assert df.evaluate(df.unique(x, sorted=False, size=2)).tolist() == [1, 1]
