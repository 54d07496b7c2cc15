"""What joins, splits, ranks and orders of axes promise: NumPy's values, and errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import (
    ArgumentError,
    DataDependentShapeError,
    DTypeError,
    GraphError,
    ShapeError,
)
from tests.numpys import check, check_both, named, numbered

# Joined and split


@pytest.mark.parametrize("name", ["vstack", "hstack", "dstack", "column_stack", "concatenate"])
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2, 3), (2, 3)), ((2, 1, 2), (2, 1, 2))])
def test_stacks_are_numpys(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Tensors and arrays, of one axis or several, are joined along NumPy's axes."""
    first, other = numbered(shapes[0]), numbered(shapes[1], "float32") + 10
    like = getattr(np, name)
    for function in (getattr(df, name), like):
        check(lambda t, f=function: f([t, other]), lambda a: like([a, other]), first)


@pytest.mark.parametrize("name", ["concat", "stack", "vstack", "hstack"])
def test_stacks_of_a_dtype(name: str) -> None:
    """A dtype is what each is cast to, not what their common one is cast to."""
    big = 2**63 + 1
    first, other = np.array([big], "uint64"), np.array([3])
    for function in (getattr(df, name), getattr(np, name)):
        b = df.GraphBuilder()
        made = function([b.constant(first), other], dtype="uint64")
        value = df.evaluate(made)
        assert value.dtype == np.uint64
        assert value.ravel().tolist() == [big, 3]


def test_scalars_are_stacked() -> None:
    """Scalars have the axes that NumPy gives them."""
    for name in ("vstack", "hstack", "dstack", "column_stack"):
        like = getattr(np, name)
        check(lambda t, n=name: getattr(df, n)([t, 2.0]), lambda a, f=like: f([a, 2.0]),
              np.array(1.0))  # fmt: skip


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
        check(lambda t, a=axis: df.stack(df.unstack(t, axis=a), a), lambda a: a,
              numbered((2, 3, 4)))  # fmt: skip


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


def test_blocks_are_numpys() -> None:
    """Nested lists of any depth, with scalars and rows that get leading axes."""
    one, row, matrix = numbered((2, 2)), numbered((2,)), numbered((2, 3))
    for function in (df.block, np.block):
        for nest in (
            lambda x: x, lambda x: [x], lambda x: [row, x[0], 5.0],
            lambda x: [[x, matrix], [x, matrix]],
            lambda x: [[x], [row]], lambda x: [[[x, matrix]], [[matrix, x]]],
        ):  # fmt: skip
            check(lambda t, f=function, n=nest: f(n(t)), lambda a, n=nest: np.block(n(a)), one)


def test_pytorchs_names() -> None:
    """What PyTorch names otherwise is here under its names, with its arguments."""
    array = numbered((2, 3, 4))
    check(lambda t: df.narrow(t, 2, 1, 2), lambda a: a[..., 1:3], array)
    check(lambda t: df.narrow(t, 0, -1, 1), lambda a: a[1:], array)
    check(lambda t: df.unbind(t, 1), lambda a: np.unstack(a, axis=1), array)
    check(lambda t: df.cat([t, t], 1), lambda a: np.concatenate([a, a], 1), array)
    check(lambda t: df.movedim(t, 0, 2), lambda a: np.moveaxis(a, 0, 2), array)
    check(lambda t: df.swapdims(t, 0, 2), lambda a: np.swapaxes(a, 0, 2), array)
    check(lambda t: df.unsqueeze(t, -1), lambda a: a[..., np.newaxis], array)
    check(lambda t: df.tensor_split(t, 3, 2), lambda a: np.array_split(a, 3, 2), array)
    check(lambda t: df.repeat_interleave(t, 2, 1), lambda a: np.repeat(a, 2, 1), array)


# Ranks and orders of axes


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4), (1, 2, 3, 2)])
def test_ranks_are_numpys(shape: tuple[int, ...]) -> None:
    """New axes of length 1 come where NumPy has them, and all axes flatten in either order."""
    for name in ("atleast_1d", "atleast_2d", "atleast_3d", "ravel"):
        check_both(name, numbered(shape))
    check_both("ravel", numbered(shape), "F")
    check(lambda t: df.atleast_2d(t, 5.0), lambda a: np.atleast_2d(a, 5.0), numbered(shape))


def test_numpy_tells_ranks_and_shapes() -> None:
    """np.ndim and np.shape of a tensor are no nodes but what is known, names among it."""
    t = df.GraphBuilder().input("x", ("n", 2))
    assert np.ndim(cast("Any", t)) == df.ndim(t) == 2
    assert np.shape(cast("Any", t)) == df.shape(t) == t.shape


@pytest.mark.parametrize("dims", [(0, -1), (1, 2), (0, 1), (-1, -1)])
def test_runs_of_axes_are_merged(dims: tuple[int, int]) -> None:
    """Flatten merges the axes from the first to the last, both included."""
    shape = [2, 3, 4]
    first, last = (dim % 3 for dim in dims)
    shape[first : last + 1] = [int(np.prod(shape[first : last + 1]))]
    check(lambda t: df.flatten(t, *dims), lambda a: a.reshape(shape), numbered((2, 3, 4)))
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


# Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.split(t, 2, 1), ShapeError, "a length of 3 isn't divisible by 2"),
        (lambda t: df.split(t, 0), ArgumentError, "1 or more, not 0"),
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
        (lambda t: df.block([t, [t]]), ShapeError, r"depths \[0, 1\] differ"),
        (lambda t: df.block([[t], []]), ShapeError, "a list is empty"),
        (lambda t: df.narrow(t, 0, 1, 2), ShapeError, "don't lie within"),
        (lambda t: df.atleast_1d(1.0), GraphError, "no operand is a tensor"),
    ],
)  # fmt: skip
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong axes, numbers and dtypes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_splitting.py:" in str(caught.value)
