"""What functions that arrange elements promise: NumPy's values over arguments, and errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DataDependentShapeError, DTypeError, GraphError, ShapeError
from dataflow.spec import DTYPES

SHAPES = st.lists(st.integers(0, 4), min_size=0, max_size=3).map(tuple)


def numbered(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Return an array whose elements all differ, so that each can be told from the others."""
    return np.arange(1, 1 + int(np.prod(shape))).reshape(shape).astype(dtype)


def listed(made: Any) -> list[Any]:  # noqa: ANN401 - one result or several
    """Return one result or several as a list."""
    return list(made) if isinstance(made, (tuple, list)) else [made]


def check(function: Callable[..., Any], array: np.ndarray, like: Callable[..., Any]) -> None:
    """Check for NumPy's very values, shapes and dtypes, one result or several."""
    t = df.GraphBuilder().constant(array)
    outputs, expected = listed(function(t)), listed(like(array))
    assert len(outputs) == len(expected)
    for output, right in zip(outputs, expected, strict=True):
        value = np.asarray(df.evaluate(output))
        assert (output.shape, output.dtype) == (value.shape, value.dtype)
        assert value.dtype == right.dtype
        np.testing.assert_array_equal(value, right)


def check_both(name: str, array: np.ndarray, *args: Any, **options: Any) -> None:  # noqa: ANN401
    """Check our function, and NumPy's own called with a tensor, against NumPy's of the array."""
    like = getattr(np, name)
    for function in (getattr(df, name), like):
        check(lambda t, f=function: f(t, *args, **options), array,
              lambda a: like(a, *args, **options))  # fmt: skip


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


@settings(deadline=None, max_examples=60)
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


# Joined and split


@pytest.mark.parametrize("name", ["vstack", "hstack", "dstack", "column_stack", "concatenate"])
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2, 3), (2, 3)), ((2, 1, 2), (2, 1, 2))])
def test_stacks_are_numpys(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Tensors and arrays, of one axis or several, are joined along NumPy's axes."""
    first, other = numbered(shapes[0]), numbered(shapes[1], "float32") + 10
    like = getattr(np, name)
    for function in (getattr(df, name), like):
        check(lambda t, f=function: f([t, other]), first, lambda a: like([a, other]))


def test_scalars_are_stacked() -> None:
    """Scalars have the axes that NumPy gives them."""
    for name in ("vstack", "hstack", "dstack", "column_stack"):
        like = getattr(np, name)
        check(lambda t, n=name: getattr(df, n)([t, 2.0]), np.array(1.0),
              lambda a, f=like: f([a, 2.0]))  # fmt: skip


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_appended_values_are_numpys(axis: int | None) -> None:
    """Values are put after, flattened or along an axis."""
    check_both("append", numbered((2, 3)), numbered((2, 3)), axis)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 7), st.one_of(st.integers(1, 5), st.lists(st.integers(-9, 9), max_size=3)),
       st.integers(-1, 1))  # fmt: skip
def test_parts_are_numpys(length: int, places: int | list[int], axis: int) -> None:
    """Numbers of parts and places, falling and out of range too, give NumPy's parts."""
    array = numbered((length, length, 2))
    check_both("array_split", array, places, axis)
    if not isinstance(places, int) or array.shape[axis] % places == 0:
        check_both("split", array, places, axis)


@pytest.mark.parametrize("name", ["hsplit", "vsplit", "dsplit"])
def test_parts_along_fixed_axes_are_numpys(name: str) -> None:
    """The second axis, the first and the third; of one axis, hsplit takes that."""
    check_both(name, numbered((2, 4, 6)), 2)
    check_both(name, numbered((2, 4, 6)), np.array([1]))
    check_both("hsplit", numbered((4,)), 2)


@pytest.mark.parametrize(("length", "chunks"), [(7, 3), (6, 4), (5, 5), (3, 7), (0, 3), (9, 1)])
def test_chunks_are_rounded_up(length: int, chunks: int) -> None:
    """All but the last have the length that PyTorch gives them, and there may be fewer."""
    each = -(-length // chunks)
    made = df.chunk(df.GraphBuilder().constant(numbered((2, length))), chunks, dim=-1)
    sizes = [part.shape[1] for part in made]
    assert sum(cast("int", size) for size in sizes) == length
    assert sizes[:-1] == [each] * (len(sizes) - 1)
    assert len(sizes) == (-(-length // each) if each else chunks)


def test_unstacked_slices_are_numpys() -> None:
    """Every slice along any axis; stacking them again gives the tensor."""
    for axis in (0, 1, -1):
        check_both("unstack", numbered((2, 3, 4)), axis=axis)
        check(lambda t, a=axis: df.stack(df.unstack(t, axis=a), a), numbered((2, 3, 4)),
              lambda a: a)  # fmt: skip


def test_a_named_axis_is_split_where_it_can_be() -> None:
    """Known multiples divide, and places may be dimensions or counted from the end."""
    b = df.GraphBuilder()
    x = b.input("x", ("2*n", 3), "float64")
    half, rest = df.split(x, 2)
    parts = [*df.split(x, [1, -1]), *df.split(x, [b.dim("n")]), *df.chunk(x, 2)]
    assert half.shape == rest.shape == (b.dim("n"), 3)
    graph = b.build({"half": half, **{f"p{i}": part for i, part in enumerate(parts)}})
    array = numbered((6, 3))
    made = df.Runner(df.compile(graph, dims={"n": 3})).run(x=array)
    expected = [*np.split(array, [1, -1]), *np.split(array, 2), *np.split(array, 2)]
    np.testing.assert_array_equal(made["half"], array[:3])
    for i, part in enumerate(expected):
        np.testing.assert_array_equal(made[f"p{i}"], part)


# Triangles and diagonals


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=3).map(tuple), st.integers(-5, 5))
def test_triangles_are_numpys(shape: tuple[int, ...], k: int) -> None:
    """Of any shape, up to any diagonal, inside of the matrices or beyond."""
    check_both("tril", numbered(shape), k)
    check_both("triu", numbered(shape), k)


def test_triangles_hide_nan_and_infinities() -> None:
    """What isn't in the triangle is zero, whatever it was, and gets a gradient of zero."""
    array = np.array([[1.0, np.nan], [np.inf, 2.0]])
    x = df.GraphBuilder().constant(array)
    low, high = df.evaluate(df.tril(x, -1), df.triu(x, 1))
    assert low.tolist()[0] == [0, 0]
    assert high.tolist()[1] == [0, 0]
    gradient = df.grad((df.tril(x) * np.full((2, 2), 3.0)).sum(), x)
    assert df.evaluate(gradient).tolist() == [[3, 0], [3, 3]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple), st.data())
def test_diagonals_are_numpys(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Any two axes in either order, any offset: the view, its sum, and its matrix."""
    first, second = data.draw(st.permutations(range(len(shape))))[:2]
    offset = data.draw(st.integers(-5, 5))
    check_both("diagonal", numbered(shape), offset, first - len(shape), second)
    check_both("trace", numbered(shape), offset, first, second)
    check_both("diagflat", numbered(shape), offset)


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 4), (0, 3)])
def test_diag_makes_a_matrix_or_reads_one(shape: tuple[int, ...]) -> None:
    """One axis becomes a matrix, two give their diagonal."""
    for k in (-4, -1, 0, 2):
        check_both("diag", numbered(shape), k)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "complex64"])
def test_a_trace_adds_up_in_numpys_dtype(dtype: str) -> None:
    """Small integers add up to int64 or uint64."""
    check_both("trace", numbered((3, 3), dtype))


def test_diagonals_of_named_lengths() -> None:
    """A diagonal of a named square has its length; of two names, the shorter one's."""
    b = df.GraphBuilder()
    x, y = b.input("x", ("n", "n"), "float64"), b.input("y", ("n", "m"), "float64")
    assert df.diagonal(x).shape == (b.dim("n"),)
    made = {"d": df.diagonal(x, 1), "e": df.diagonal(y), "t": df.tril(y), "m": df.diag(x[0], -2),
            "g": df.grad(df.trace(y) * 2, y)}  # fmt: skip
    graph = b.build(made)
    for n, m in ((3, 2), (1, 4), (0, 2)):
        square, matrix = numbered((n, n)), numbered((n, m))
        if n:
            found = df.Runner(df.compile(graph, dims={"n": n, "m": m})).run(x=square, y=matrix)
            np.testing.assert_array_equal(found["d"], np.diagonal(square, 1))
            np.testing.assert_array_equal(found["e"], np.diagonal(matrix))
            np.testing.assert_array_equal(found["t"], np.tril(matrix))
            np.testing.assert_array_equal(found["m"], np.diag(square[0], -2))
            np.testing.assert_array_equal(found["g"], 2 * np.eye(n, m))


@pytest.mark.parametrize("value", [7.0, [7.0, 8.0]])
def test_other_elements_on_a_diagonal(value: Any) -> None:  # noqa: ANN401 - array_like
    """One value or one for each is put there, and nothing else changes."""
    expected = numbered((3, 2))
    np.fill_diagonal(expected, value)
    check(lambda t: df.fill_diagonal(t, value), numbered((3, 2)), lambda _: expected)
    stack = np.stack([expected, expected])
    check(lambda t: df.fill_diagonal(df.stack([t, t]), value), numbered((3, 2)), lambda _: stack)


def test_the_gradient_of_a_diagonal_put_into_a_matrix() -> None:
    """What was overwritten gets none, what was put there gets it all."""
    b = df.GraphBuilder()
    x, d = b.constant(numbered((2, 3))), b.constant(numbered((2,)))
    w = numbered((2, 3)) * 2
    made = df.evaluate(*df.grad((df.diagonal_scatter(x, d, 1) * w).sum(), [x, d]))
    assert made[0].tolist() == [[2, 0, 6], [8, 10, 0]]
    assert made[1].tolist() == [4, 12]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "float32", "complex64"])
@pytest.mark.parametrize("count", [None, 0, 1, 5])
def test_powers_are_numpys(dtype: str, count: int | None) -> None:
    """Rising or falling powers, in NumPy's dtype, as many as asked for."""
    for increasing in (False, True):
        check_both("vander", numbered((3,), dtype), count, increasing=increasing)


# Ranks and orders of axes


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4), (1, 2, 3, 2)])
def test_ranks_are_numpys(shape: tuple[int, ...]) -> None:
    """New axes of length 1 come where NumPy has them, and all axes flatten in either order."""
    for name in ("atleast_1d", "atleast_2d", "atleast_3d", "ravel"):
        check_both(name, numbered(shape))
    check_both("ravel", numbered(shape), "F")
    check(lambda t: df.atleast_2d(t, 5.0), numbered(shape), lambda a: np.atleast_2d(a, 5.0))


@pytest.mark.parametrize("dims", [(0, -1), (1, 2), (0, 1), (-1, -1)])
def test_runs_of_axes_are_merged(dims: tuple[int, int]) -> None:
    """Flatten merges the axes from the first to the last, both included."""
    shape = [2, 3, 4]
    first, last = (dim % 3 for dim in dims)
    shape[first : last + 1] = [int(np.prod(shape[first : last + 1]))]
    check(lambda t: df.flatten(t, *dims), numbered((2, 3, 4)), lambda a: a.reshape(shape))
    assert df.flatten(df.GraphBuilder().constant(5.0)).shape == (1,)


@pytest.mark.parametrize("start", range(-3, 4))
def test_orders_of_axes_are_numpys(start: int) -> None:
    """One axis is rolled, several are moved, and names for a transpose are one function."""
    array = numbered((2, 3, 4))
    for axis in range(-3, 3):
        check_both("rollaxis", array, axis, start)
        if start < 3:
            check_both("moveaxis", array, axis, start)
    check_both("moveaxis", array, (0, 2), (-1, 0))
    check_both("permute_dims", array, (2, 0, 1))
    check_both("matrix_transpose", array)


def test_arrays_are_broadcast_together() -> None:
    """Tensors and arrays get one shape, names among it."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 1))
    made = df.broadcast_arrays(x, np.arange(3.0))
    assert [t.shape for t in made] == [(b.dim("n"), 3)] * 2
    array = numbered((2, 1))
    check_both("broadcast_arrays", array, np.arange(3.0))
    assert df.broadcast_shapes((2, 1), (3,), ()) == np.broadcast_shapes((2, 1), (3,), ())
    assert df.broadcast_shapes() == ()


# What they share


MOVING: list[Callable[[Any], Any]] = [
    lambda m: (lambda t: m.flip(t, 0)), lambda m: (lambda t: m.roll(t, 1, 1)),
    lambda m: m.rot90, lambda m: (lambda t: m.tile(t, 2)),
    lambda m: (lambda t: m.tril(t, 1)), lambda m: (lambda t: m.diagonal(t, 1)),
    lambda m: (lambda t: m.diag(t[0])),
    lambda m: (lambda t: m.vstack([t, t])), lambda m: (lambda t: m.split(t, [1])),
    lambda m: (lambda t: m.atleast_3d(t)[..., 0]), lambda m: (lambda t: m.ravel(t, "F")),
    lambda m: (lambda t: m.repeat(t, 2, 0)), lambda m: (lambda t: m.repeat(t, [2, 0, 1], 1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_of_any_dtype_move(dtype: str) -> None:
    """What only moves elements takes every dtype and keeps it."""
    for function in MOVING:
        check(function(df), numbered((2, 3), dtype), function(np))


def named(t: df.Tensor) -> df.Tensor:
    """Return a tensor with an axis of unknown length, in the graph of another."""
    builder: Any = t.builder
    made: df.Tensor = builder.input("named", ("n", 2))
    return made


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
        (lambda t: df.split(t, 2, 1), ShapeError, "a length of 3 isn't divisible by 2"),
        (lambda t: df.split(t, 0), ShapeError, "1 or more, not 0"),
        (lambda t: df.split(t, 1, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.split(t, [0.5]), DTypeError, "a place of split .* is an int, not 0.5"),
        (lambda t: df.split(t, t), DataDependentShapeError, "depends on data"),
        (lambda t: df.array_split(named(t), 3), ShapeError, "n isn't divisible by 3"),
        (lambda t: df.chunk(named(t), 3), ShapeError, "n isn't divisible by 3"),
        (lambda t: df.unstack(named(t)), ShapeError, "how many slices a length of n has"),
        (lambda t: df.dsplit(t, 1), ShapeError, "fewer than 3 axes"),
        (lambda t: df.hstack([t, t[0]]), ShapeError, "may differ on axis 1 only"),
        (lambda t: df.vstack([]), ShapeError, "at least one tensor"),
        (df.hstack, ShapeError, "at least one tensor"),
        (lambda t: df.ravel(t, "K"), GraphError, "'C' or 'F', not 'K'"),
        (lambda t: df.flatten(t, 1, 0), ShapeError, "axis 0 comes before axis 1"),
        (lambda t: df.matrix_transpose(t[0]), ShapeError, "out of range"),
        (lambda t: df.moveaxis(t, (0, 1), 0), ShapeError, "2 axes to 1 places"),
        (lambda t: df.moveaxis(t, (0, 0), (0, 1)), ShapeError, "one axis twice"),
        (lambda t: df.rollaxis(t, 0, 3), ShapeError, "axis 3 is out of range"),
        (lambda t: df.broadcast_arrays(t, np.ones(2)), ShapeError, "don't broadcast"),
        (lambda t: df.tril(t[0]), ShapeError, "tril .* takes matrices"),
        (lambda t: df.triu(t, cast("int", 0.5)), DTypeError, "k of triu .* is an int"),
        (lambda t: df.diagonal(t, 0, 1, -1), ShapeError, "one axis twice"),
        (lambda t: df.diagonal(t, 0, 1, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.trace(t, cast("int", 1.5)), DTypeError, "offset .* is an int, not 1.5"),
        (lambda t: df.diag(df.stack([t, t])), ShapeError, "one axis or two"),
        (lambda t: df.diagonal_scatter(t, [1, 2, 3]), ShapeError, "don't broadcast"),
        (df.vander, ShapeError, "takes one axis"),
        (lambda t: df.vander(t[0], -1), ShapeError, "0 or more, not -1"),
        (lambda t: df.atleast_1d(1.0), GraphError, "no operand is a tensor"),
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
