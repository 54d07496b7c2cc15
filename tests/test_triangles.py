"""What triangles and diagonals promise: NumPy's values over arguments, and errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, ShapeError
from tests.numpys import check, check_both, numbered

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


def test_diagonals_of_matrices_in_a_stack() -> None:
    """The last axis is put on diagonals, and reading them gives it back."""
    for offset, dims in ((0, (-2, -1)), (1, (0, 1)), (-2, (2, 0))):
        array = numbered((2, 3))
        b = df.GraphBuilder()
        made = df.diag_embed(b.constant(array), offset, *dims)
        value, back = df.evaluate(made, df.diagonal(made, offset, *dims))
        assert back.tolist() == array.tolist()
        assert value.sum() == array.sum()
        assert made.ndim == 3


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "complex64"])
def test_a_trace_adds_up_in_numpys_dtype(dtype: str) -> None:
    """Small integers add up to int64 or uint64."""
    check_both("trace", numbered((3, 3), dtype))
    check_both("trace", numbered((3, 3), dtype), dtype="complex128")


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
    check(lambda t: df.fill_diagonal(t, value), lambda _: expected, numbered((3, 2)))
    stack = np.stack([expected, expected])
    check(lambda t: df.fill_diagonal(df.stack([t, t]), value), lambda _: stack, numbered((3, 2)))


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


# Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.tril(t[0]), ShapeError, "tril .* takes matrices"),
        (lambda t: df.triu(t, cast("int", 0.5)), DTypeError, "k of triu .* is an int"),
        (lambda t: df.diagonal(t, 0, 1, -1), ShapeError, "one axis twice"),
        (lambda t: df.diagonal(t, 0, 1, 2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.trace(t, cast("int", 1.5)), DTypeError, "offset .* is an int, not 1.5"),
        (lambda t: df.diag(df.stack([t, t])), ShapeError, "one axis or two"),
        (lambda t: df.diagonal_scatter(t, [1, 2, 3]), ShapeError, "don't broadcast"),
        (lambda t: df.diag_embed(t, 0, 1, 1), ShapeError, "one axis twice"),
        (df.vander, ShapeError, "takes one axis"),
        (lambda t: df.vander(t[0], -1), ShapeError, "0 or more, not -1"),
    ],
)  # fmt: skip
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong axes, numbers and dtypes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_triangles.py:" in str(caught.value)
