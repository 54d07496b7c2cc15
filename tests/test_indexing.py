"""Square brackets and elements by index, against NumPy's and PyTorch's rules."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dataflow as df
from dataflow.errors import DataDependentShapeError, DTypeError, GraphError, KernelError, ShapeError
from tests.indices import INDICES, X, made_of


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_brackets_select_as_numpys(index: Any) -> None:  # noqa: ANN401 - an index
    """Every kind of index, and several at once, gives NumPy's shape and values."""
    b = df.GraphBuilder()
    x = b.constant(X)
    for found in df.evaluate(x[index], x[made_of(b, index)]):
        np.testing.assert_array_equal(found, X[index])


@given(st.data())
def test_brackets_of_arrays_and_slices_select_as_numpys(data: st.DataObject) -> None:
    """So does any mix of slices, ints, None, ... and integer arrays that broadcast."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    x = np.arange(np.prod(shape)).reshape(shape)
    items: list[Any] = [data.draw(st.one_of(
        st.slices(n), st.integers(-n, n - 1),
        hnp.arrays(np.int64, data.draw(st.sampled_from([(2,), (3, 1), (1,), ()])),
                   elements=st.integers(-n, n - 1)),
    )) for n in shape]  # fmt: skip
    for place in data.draw(st.lists(st.integers(0, len(items)), max_size=2)):
        items.insert(place, None)
    if data.draw(st.booleans()):
        items[data.draw(st.integers(0, len(items))) :] = [...]
    made = df.GraphBuilder().constant(x)[tuple(items)]
    np.testing.assert_array_equal(df.evaluate(made), x[tuple(items)])


def test_named_dimensions_are_indexed() -> None:
    """A named axis takes arrays beside others, and its length is an expression elsewhere."""
    b = df.GraphBuilder()
    x, rows = b.input("x", ("n", 3, "m"), "float64"), b.input("rows", ("k",), "int64")
    values, where = X[0].transpose(1, 0, 2), np.array([2, 0, -1])
    feeds = {"x": values, "rows": where}
    made = [x[rows, [1]], x[:, [[0], [2]], rows], x[rows][:, 1], x.at[rows, 0].set(0.0)]
    changed = values.copy()
    changed[where, 0] = 0
    expected = [values[where, [1]], values[:, [[0], [2]], where], values[where, 1], changed]
    for found, right in zip(df.evaluate(*made, feeds=feeds), expected, strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        (2, ShapeError, "out of range"), (np.s_[:, [0, 3]], ShapeError, "index 3 is out of range"),
        (np.s_[[-3]], ShapeError, "index -3"), (np.s_[0, 0, 0], ShapeError, "2 axes"),
        (np.s_[..., ...], ShapeError, "one ..."), (np.ones(3, bool), ShapeError, "mask of shape"),
        (np.s_[[0, 1], [0, 1, 2]], ShapeError, "broadcast"), (True, DTypeError, "df.where"),
        (1.5, DTypeError, "no index"), ([0.5], DTypeError, "integers"), ("a", DTypeError, "index"),
        (np.s_[::0], ShapeError, "other than 0"), (slice(None, 1.5), DTypeError, "no index"),
    ],
)  # fmt: skip
def test_wrong_brackets_are_refused(index: Any, error: type[Exception], text: str) -> None:  # noqa: ANN401
    """An index out of range, too many, or of a wrong kind is an error at the user's line."""
    x = df.GraphBuilder().input("x", (2, 3))
    with pytest.raises(error, match=text) as caught:
        x[index]
    assert "test_indexing.py:" in str(caught.value)


def test_masks_that_are_not_known_name_what_to_use() -> None:
    """A boolean tensor is no index, since the result's shape would depend on data."""
    x = df.GraphBuilder().input("x", (3,))
    calls: list[Callable[[], object]] = [
        lambda: x[x > 0], lambda: x.at[x > 0].set(0), lambda: df.where(x > 0),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(DataDependentShapeError, match=r"depends on data.*df\.where"):
            call()


def test_an_index_out_of_range_is_found_while_running() -> None:
    """Each of several indices in tensors is checked against its own axis."""
    b = df.GraphBuilder()
    x, i = b.constant(X[0, 0]), b.input("i", (2,), "int64")
    made = x[i, [0, 0]]
    assert df.evaluate(made, i=np.array([3, -4])).tolist() == [15, 0]
    for wrong in (4, -5):
        with pytest.raises(KernelError, match=f"index {wrong} is out of range"):
            df.evaluate(made, i=np.array([0, wrong]))


@pytest.mark.parametrize("mode", ["wrap", "clip"])
def test_take_has_numpys_modes(mode: Any) -> None:  # noqa: ANN401 - a mode
    """Indices out of range count round or become the nearest, where that is asked for."""
    indices = np.array([[-7, -1], [2, 9]])
    b = df.GraphBuilder()
    for index in (indices, b.constant(indices)):
        made: Any = np.take(b.constant(X), index, axis=1, mode=mode)
        np.testing.assert_array_equal(df.evaluate(made), np.take(X, indices, axis=1, mode=mode))
    with pytest.raises(GraphError, match="mode"):
        df.take(b.constant(X), 0, mode="other")


# Along an axis


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_take_along_axis_is_numpys(axis: int | None) -> None:
    """Along every axis, broadcast along the others, the values are NumPy's."""
    x = X[0]
    order = np.argsort(-x, axis=axis)
    b = df.GraphBuilder()
    made = [df.take_along_axis(b.constant(x), order, axis=axis)]
    expected = [np.take_along_axis(x, order, axis)]
    if axis == 1:
        for indices in (np.array([[[2], [0]]]), np.zeros((3, 0, 1), int)):
            made.append(df.take_along_axis(b.constant(x), b.constant(indices), axis=axis))
            expected.append(np.take_along_axis(x, indices, axis))
    for tensor, right in zip(made, expected, strict=True):
        np.testing.assert_array_equal(df.evaluate(tensor), right)


def test_rows_of_length_one_broadcast_along_an_axis() -> None:
    """A tensor of length 1 along another axis is repeated, as NumPy does."""
    x, indices = np.arange(3.0).reshape(1, 3), np.array([[0, 2], [1, -1]])
    made = df.take_along_axis(df.GraphBuilder().constant(x), indices, axis=1)
    np.testing.assert_array_equal(df.evaluate(made), np.take_along_axis(x, indices, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: df.take_along_axis(t, [0], axis=0), lambda t: df.gather(t, 2, [[0]]),
        lambda t: df.take_along_axis(t, [[0], [0], [0]], axis=1), lambda t: df.take(t, 5, 0),
        lambda t: df.take_along_axis(t, [[7]], axis=0), lambda t: df.gather(t, 1, [[0]] * 3),
        lambda t: df.index_select(t, 0, [[0]]), lambda t: df.choose(t.astype("int64"), [t.T, t]),
        lambda t: df.select([t > 0], [t, t]), lambda t: df.ravel_multi_index((t,), (2, 3)),
        lambda t: df.scatter(t, 0, [[0, 1]], [[1.0]]), lambda t: df.unravel_index(t, ()),
    ],
)  # fmt: skip
def test_wrong_calls_are_shape_errors(call: Callable[[Any], object]) -> None:
    """Indices of another rank, too long, or out of range are refused where they are given."""
    with pytest.raises(ShapeError, match=r"test_indexing\.py"):
        call(df.GraphBuilder().input("x", (2, 3)))


# Flat positions


def test_ravel_multi_index_is_numpys() -> None:
    """Positions are NumPy's in both orders and all modes, whole or one for each axis."""
    rows, columns = np.array([[0], [2]]), np.array([1, 3])
    b = df.GraphBuilder()
    i, j = b.constant(rows), b.constant(columns)
    modes: tuple[Any, ...] = ("raise", "wrap", "clip", ("wrap", "clip"))
    for order, mode in itertools.product("CF", modes):
        shift = 0 if mode == "raise" else 5
        made = np.ravel_multi_index((i - shift, j + shift), (3, 4), mode, order)  # type: ignore[call-overload]
        expected = np.ravel_multi_index((rows - shift, columns + shift), (3, 4), mode, order)  # type: ignore[call-overload]
        np.testing.assert_array_equal(df.evaluate(made), expected)
    with pytest.raises(KernelError, match="index -1 is out of range"):
        df.evaluate(df.ravel_multi_index((i - 1, j), (3, 4)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_unravel_index_is_the_inverse(order: str) -> None:
    """Each position's indices are NumPy's, and lead back to it."""
    places = np.arange(24)[::-1].reshape(4, 6)
    made = df.unravel_index(df.GraphBuilder().constant(places), (2, 3, 4), order)
    expected = np.unravel_index(places, (2, 3, 4), order)  # type: ignore[call-overload]
    np.testing.assert_array_equal(df.evaluate(*made), expected)
    back = df.ravel_multi_index(made, (2, 3, 4), order=order)
    np.testing.assert_array_equal(df.evaluate(back), places)
    with pytest.raises(ShapeError, match="index 24"):
        df.unravel_index(df.GraphBuilder().constant(24), (2, 3, 4))


def test_a_constant_out_of_range_is_found_when_declared() -> None:
    """What reads an index checks one that is a constant as it does an array, naming the line."""
    b = df.GraphBuilder()
    x, wrong, labels = b.constant(X[0, 0]), b.constant([0, 9]), b.constant([0, 9], dtype="int32")
    calls: tuple[Callable[[], object], ...] = (
        lambda: df.take(x, wrong, 0), lambda: x[wrong], lambda: df.choose(wrong, [1, 2]),
        lambda: df.index_select(x, 0, labels), lambda: df.one_hot(labels, 9),
        lambda: df.one_hot(b.constant(-1), "n"), lambda: df.bincount(wrong, minlength=9),
        lambda: df.softmax_cross_entropy(b.ones((2, 9)), wrong),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ShapeError, match=r"out of range \(test_indexing.py:\d+\)"):
            call()
    assert df.evaluate(df.take(x, b.constant([-1]), 0)).tolist() == X[0, 0][[-1]].tolist()


# Choices


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose_is_numpys(mode: Any) -> None:  # noqa: ANN401 - a mode
    """Elements come from the choice named, broadcast, with NumPy's modes."""
    a = np.array([[0, 1], [2, 0]]) * (1 if mode == "raise" else 2) - (mode == "wrap")
    choices: Any = (np.array([1.0, 2.0]), 10, np.array([[3], [4]]))
    made = df.choose(df.GraphBuilder().constant(a), choices, mode=mode)
    np.testing.assert_array_equal(df.evaluate(made), np.choose(a, choices, mode=mode))


def test_choose_checks_its_indices() -> None:
    """An index that names no choice is an error, declared or running; so is a negative one."""
    b = df.GraphBuilder()
    rows, a = b.constant([[1, 2], [3, 4]]), b.input("a", (2,), "int64")
    with pytest.raises(ShapeError, match="index 2"):
        df.choose([0, 2], rows)
    with pytest.raises(KernelError, match="index -1"):
        df.evaluate(df.choose(a, rows), a=np.array([0, -1]))
    with pytest.raises(GraphError, match="mode"):
        df.choose(a, rows, mode="other")


def test_select_is_numpys() -> None:
    """The first condition that holds decides, with NumPy's dtype."""
    x = np.arange(6).reshape(2, 3)
    t = df.GraphBuilder().constant(x)
    made: Any = np.select([t < 2, t > 1], [t * 0.5, [1, 2, 3]], -1)
    expected = np.select([x < 2, x > 1], [x * 0.5, np.array([1, 2, 3])], -1)
    np.testing.assert_array_equal(df.evaluate(made), expected)


def test_select_promotes_as_numpy_2_does() -> None:
    """Lists of floats are float64, Python scalars give way to what they stand beside."""
    x = np.array([0.1, 1.5, 2.5])
    conditions = [x < 1, x > 2]
    t: Any = df.GraphBuilder().constant(x)
    cases: list[tuple[list[Any], Any]] = [
        ([x, [0.1, 0.2, 0.3]], 0), ([[0.1, 0.2, 0.3], x], 0), ([[0.1, 0.2, 0.3], [1, 2, 3]], 0),
        ([x.astype("f4"), 0.1], 0), ([x.astype("i1"), 2], 3), ([x, 1j], 0), ([x > 1, x > 2], 0),
        ([x.astype("f4"), [0.1, 0.2, 0.3]], 0.1),
    ]  # fmt: skip
    for choices, default in cases:
        made = df.evaluate(df.select([t < 1, t > 2], choices, default))
        arrays = [np.asarray(c) if isinstance(c, list) else c for c in choices]
        expected = np.select(conditions, arrays, default)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made, expected)
    assert df.select([t < 1, t > 2], [1.0, 2], 0).dtype == np.float32
    assert df.where(t < 1, 0.5, 1j).dtype == np.complex64
    listed = df.evaluate(df.where(t < 1, x, [0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(listed, np.where(x < 1, x, [0.1, 0.2, 0.3]))
    with pytest.raises(DTypeError, match=r"test_indexing.py:\d+\): a condition is of booleans"):
        df.select([t], [t])


def scaled(values: Any, factor: float, *, m: float) -> Any:  # noqa: ANN401 - an array or a tensor
    """Return values times a factor and something more."""
    return values * factor + m


def test_piecewise_is_numpys() -> None:
    """Of several conditions the last counts; one may stand alone, and functions take options."""
    x = np.array([[-2, 0.5, 3], [0, -1, 2]])
    for dtype in ("float64", "int64", "float32"):
        array = x.astype(dtype)
        t: Any = df.GraphBuilder().constant(array)
        calls: list[Callable[[Any], Any]] = [
            lambda a: np.piecewise(a, [a < 0, a > 1], [lambda v: -v, 1, lambda v: v * 10]),
            lambda a: np.piecewise(a, [a < 0, a > -3], [5, 6.5]),
            lambda a: np.piecewise(a, [a < 0], [scaled], 3, m=1),
            lambda a: np.piecewise(a[0], a[0] < 0, [lambda v: v * v]),
            lambda a: np.piecewise(a[0], [True, False, True], [7, 8]),
            lambda a: np.piecewise(a[0, 0], [a[0, 0] > 1, a[0, 0] < 1], [7, 8]),
        ]  # fmt: skip
        for call in calls:
            made, expected = df.evaluate(call(t)), np.asarray(call(array))
            assert made.dtype == expected.dtype
            np.testing.assert_array_equal(made, expected)
    bads: list[Callable[[], object]] = [
        lambda: df.piecewise(t, [t < 0], [1, 2, 3]), lambda: df.piecewise(t, [t], [1]),
    ]  # fmt: skip
    for bad in bads:
        with pytest.raises((ShapeError, DTypeError), match="piecewise"):
            bad()


def test_the_gradient_of_a_piece_is_its_functions() -> None:
    """Elsewhere it is 0."""
    x = df.GraphBuilder().constant([-2.0, 3.0])
    made = df.piecewise(x, [x < 0], [lambda v: v * v, lambda v: v * 5])
    assert df.evaluate(*df.grad(made.sum(), [x])).tolist() == [-4, 5]


@pytest.mark.parametrize("index", [
    np.s_[5:2], np.s_[2:2], np.s_[-2:-5], np.s_[7:3:2], np.s_[1:4:-1], np.s_[-5:-2:-1],
])  # fmt: skip
def test_a_slice_that_ends_before_it_begins_is_empty(index: slice) -> None:
    """Of an axis with a name too, however long it will be."""
    builder = df.GraphBuilder()
    rows = builder.input("rows", ("n", 2))
    made = rows[index]
    assert made.shape == (0, 2)
    graph = builder.build(outputs={"made": made, "rows": rows * 1})
    for n in (0, 3, 9):
        fed = np.zeros((n, 2), np.float32)
        assert np.shape(df.inline(graph, rows=df.GraphBuilder().constant(fed))["made"]) == (0, 2)
        assert fed[index].shape == (0, 2)


def test_elements_are_multiplied_under_jaxs_names() -> None:
    """``mul`` is ``multiply``."""
    x = df.GraphBuilder().constant([1, 2])
    assert df.evaluate(x.at[1].mul(5)).tolist() == [1, 10]
