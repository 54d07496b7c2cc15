"""Proves linear systems, determinants, norms and products of matrices against NumPy and SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DataflowError, DTypeError, KernelError, ShapeError

RNG = np.random.default_rng(11)
DTYPES = ("float32", "float64", "complex64", "complex128")


def draw(*shape: int, dtype: str = "float64") -> np.ndarray:
    """Draw numbers of a dtype, complex ones with both parts."""
    drawn = RNG.uniform(-2, 2, shape)
    drawn = drawn + 1j * RNG.uniform(-2, 2, shape) if dtype[0] == "c" else drawn
    return np.asarray(drawn).astype(dtype)


def regular(*shape: int, dtype: str = "float64") -> np.ndarray:
    """Draw matrices far from singular."""
    return (draw(*shape, dtype=dtype) + 4 * np.eye(shape[-1])).astype(dtype)


def evaluated(function: Callable[..., Any], *arrays: np.ndarray, **options: Any) -> Any:  # noqa: ANN401
    """Evaluate one of our functions of arrays."""
    b = df.GraphBuilder()
    made = function(*[b.constant(a) for a in arrays], **options)
    return df.evaluate(*made) if isinstance(made, tuple) else df.evaluate(made)


def assert_same(actual: Any, expected: Any) -> None:  # noqa: ANN401 - arrays or tuples
    """Assert that results have one shape and dtype and differ by roundings only."""
    if isinstance(expected, tuple):
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
        return
    expected = np.asarray(expected)
    assert (np.shape(actual), actual.dtype) == (expected.shape, expected.dtype)
    bound = 0 if expected.dtype.kind in "biu" else 200 * float(np.finfo(expected.dtype).eps)
    np.testing.assert_allclose(actual, expected, rtol=bound, atol=bound * 10)


# Systems


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("left", "right"), [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 1)), ((0, 0), (0, 2)),
    ((2, 1, 3, 3), (4, 3, 2)), ((0, 2, 2), (2,)), ((2, 2), (2, 0)),
])  # fmt: skip
def test_solve_is_numpys(left: tuple[int, ...], right: tuple[int, ...], dtype: str) -> None:
    """A right side with one axis is one vector for every matrix; more axes are matrices."""
    a, b = regular(*left, dtype=dtype), draw(*right, dtype=dtype)
    assert_same(evaluated(df.linalg.solve, a, b), np.linalg.solve(a, b))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=2), st.integers(0, 4), st.sampled_from(DTYPES))
def test_functions_of_square_matrices_are_numpys(stack: list[int], n: int, dtype: str) -> None:
    """Inverses and determinants of any stack of matrices, empty ones among them, are NumPy's."""
    a = regular(*stack, n, n, dtype=dtype)
    for name in ("inv", "det", "slogdet"):
        assert_same(evaluated(getattr(df.linalg, name), a), tuple_of(getattr(np.linalg, name)(a)))


def tuple_of(made: Any) -> Any:  # noqa: ANN401 - an array or a named tuple
    """Return NumPy's result, a named tuple as a plain one."""
    return tuple(made) if isinstance(made, tuple) else made


@pytest.mark.parametrize("name", ["solve", "inv", "det", "slogdet", "tensorinv"])
def test_numpy_finds_the_functions(name: str) -> None:
    """NumPy's function of the same name, called with a tensor, declares a node of ours."""
    x = df.GraphBuilder().constant(regular(2, 2, 2, 2))
    made = getattr(np.linalg, name)(*[x] * (2 if name == "solve" else 1))
    assert all(isinstance(t, df.Tensor) for t in (made if isinstance(made, tuple) else (made,)))


def test_integers_and_halves_are_taken() -> None:
    """Integers count as float64, as NumPy has it, and float16, which NumPy refuses, as float32."""
    a, b = np.array([[2, 1], [1, 3]]), np.array([1, 2], np.float32)
    assert_same(evaluated(df.linalg.solve, a, b), np.linalg.solve(a, b))
    assert_same(evaluated(df.linalg.det, a), np.linalg.det(a))
    half = evaluated(df.linalg.inv, a.astype("float16"))
    assert_same(half, np.linalg.inv(a.astype("float32")))


def test_a_singular_matrix_is_named() -> None:
    """A run that meets a singular matrix stops with the node's name, before anything is written."""
    b = df.GraphBuilder()
    x = b.constant(np.ones((2, 2)))
    for made in (df.linalg.inv(x), df.linalg.solve(x, x)):
        with pytest.raises(KernelError, match=made.node):
            df.evaluate(made)
    assert df.evaluate(*df.linalg.slogdet(x)) == (0, -np.inf)


def test_tensor_systems_are_numpys() -> None:
    """Systems with several axes on either side, moved or not, are NumPy's."""
    a, b = regular(6, 6).reshape(2, 3, 6), draw(2, 3)
    assert_same(evaluated(df.linalg.tensorinv, a), np.linalg.tensorinv(a))
    assert_same(evaluated(df.linalg.tensorinv, a.reshape(6, 2, 3), ind=1),
                np.linalg.tensorinv(a.reshape(6, 2, 3), ind=1))  # fmt: skip
    assert_same(evaluated(df.linalg.tensorsolve, a, b), np.linalg.tensorsolve(a, b))
    moved = np.moveaxis(a, 2, 0)
    assert_same(evaluated(df.linalg.tensorsolve, moved, b, axes=(0,)),
                np.linalg.tensorsolve(moved, b, axes=(0,)))  # fmt: skip


# Determinants


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_gradient_of_a_determinant_is_its_cofactors(rank: int, dtype: str) -> None:
    """Of a matrix of any rank: what is left of it without a row and a column, with their sign."""
    a = draw(3, rank, dtype=dtype) @ draw(rank, 3, dtype=dtype)
    x = df.GraphBuilder().constant(a)
    (made,) = df.grad(df.real(df.linalg.det(x)), [x])
    minors = [[np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j)
               for j in range(3)] for i in range(3)]  # fmt: skip
    np.testing.assert_allclose(df.evaluate(made), np.conj(minors), atol=1e-12)


def test_a_tiny_determinant_has_a_logarithm() -> None:
    """The logarithm is finite where the determinant itself is 0 in floating point."""
    sign, logarithm = evaluated(df.linalg.slogdet, 1e-100 * np.eye(10))
    assert (float(sign), round(float(logarithm), 6)) == (1.0, round(-1000 * np.log(10), 6))


# Named dimensions and errors


def test_named_dimensions_stay_named() -> None:
    """A stack of a named number of systems, and systems of a named size, are declared and run."""
    b = df.GraphBuilder()
    x, y = b.input("x", ("batch", "n", "n"), "float64"), b.input("y", ("n", 2), "float64")
    made = df.linalg.solve(x, y), df.linalg.det(x)
    assert [str(t.spec) for t in made] == ["float64[batch, n, 2]", "float64[batch]"]
    feeds = {"x": regular(5, 3, 3), "y": draw(3, 2)}
    assert_same(df.evaluate(*made, feeds=feeds), (np.linalg.solve(*feeds.values()),
                                                  np.linalg.det(feeds["x"])))  # fmt: skip


WRONG: list[tuple[Callable[[df.Tensor], object], type[DataflowError]]] = [
    (df.linalg.inv, ShapeError), (lambda x: df.linalg.det(x[0]), ShapeError),
    (lambda x: df.linalg.solve(x, x), ShapeError), (df.linalg.slogdet, ShapeError),
    (lambda x: df.linalg.solve(x[:, :2], np.ones(3)), ShapeError),
    (df.linalg.tensorinv, ShapeError), (lambda x: df.linalg.tensorinv(x, 0), ShapeError),
    (lambda x: df.linalg.tensorsolve(x, np.ones(2)), ShapeError),
    (lambda x: df.linalg.solve(x[:, :2], np.array(["a", "b"])), DTypeError),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error"), WRONG)
def test_wrong_operands_are_refused_where_they_are_declared(
    call: Callable[[df.Tensor], object], error: type[DataflowError]
) -> None:
    """Shapes that don't fit, and dtypes that have no common one, are errors of the user's line."""
    x = df.GraphBuilder().constant(np.ones((2, 3)))
    with pytest.raises(error, match=r"test_linalg_systems\.py"):
        call(x)
