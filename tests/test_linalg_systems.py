"""Proves linear systems, determinants, norms and products of matrices against NumPy and SciPy."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import (
    ArgumentError,
    DataflowError,
    DTypeError,
    GraphError,
    KernelError,
    ShapeError,
)
from dataflow.sweeps import jvp_of
from tests.constants import values
from tests.numpys import assert_near

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


# Systems


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("left", "right"), [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 1)), ((0, 0), (0, 2)),
    ((2, 1, 3, 3), (4, 3, 2)), ((0, 2, 2), (2,)), ((2, 2), (2, 0)),
])  # fmt: skip
def test_solve_is_numpys(left: tuple[int, ...], right: tuple[int, ...], dtype: str) -> None:
    """A right side with one axis is one vector for every matrix; more axes are matrices."""
    a, b = regular(*left, dtype=dtype), draw(*right, dtype=dtype)
    assert_near(values(df.linalg.solve, a, b), np.linalg.solve(a, b))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=2), st.integers(0, 4), st.sampled_from(DTYPES))
def test_functions_of_square_matrices_are_numpys(stack: list[int], n: int, dtype: str) -> None:
    """Inverses and determinants of any stack of matrices, empty ones among them, are NumPy's."""
    a = regular(*stack, n, n, dtype=dtype)
    for name in ("inv", "det", "slogdet"):
        assert_near(values(getattr(df.linalg, name), a), tuple_of(getattr(np.linalg, name)(a)))


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
    assert_near(values(df.linalg.solve, a, b), np.linalg.solve(a, b))
    assert_near(values(df.linalg.det, a), np.linalg.det(a))
    half = values(df.linalg.inv, a.astype("float16"))
    assert_near(half, np.linalg.inv(a.astype("float32")))


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
    assert_near(values(df.linalg.tensorinv, a), np.linalg.tensorinv(a))
    assert_near(values(df.linalg.tensorinv, a.reshape(6, 2, 3), ind=1),
                np.linalg.tensorinv(a.reshape(6, 2, 3), ind=1))  # fmt: skip
    assert_near(values(df.linalg.tensorsolve, a, b), np.linalg.tensorsolve(a, b))
    moved = np.moveaxis(a, 2, 0)
    assert_near(values(df.linalg.tensorsolve, moved, b, axes=(0,)),
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


def test_cofactors_of_one_matrix_depend_on_no_other() -> None:
    """Beside a singular one and one with NaN, they are what they are alone."""
    near = np.ones((3, 3)) + 1e-9 * draw(3, 3)
    stack = np.stack([regular(3, 3), np.ones((3, 3)), np.full((3, 3), np.nan), near])
    x = df.GraphBuilder().constant(stack)
    made = df.evaluate(*df.grad(df.linalg.det(x).sum(), [x]))
    assert np.isnan(made[2]).all()
    for i in (0, 1, 3):
        y = df.GraphBuilder().constant(stack[i])
        alone = df.evaluate(*df.grad(df.linalg.det(y), [y]))
        np.testing.assert_array_equal(made[i], alone)
    exact = [[near[1, 1] * near[2, 2] - near[1, 2] * near[2, 1]]]
    np.testing.assert_allclose(made[3][:1, :1], exact, atol=1e-14)


def test_cofactors_do_not_overflow_on_their_way() -> None:
    """Of values whose larger half has an infinite product, and all of them the product 1."""
    n = 300
    values = 10.0 ** np.linspace(5, -5, n)
    turns = [np.linalg.qr(draw(n, n)).Q for _ in range(2)]
    x = df.GraphBuilder().constant((turns[0] * values) @ turns[1])
    made = df.evaluate(df.grad(df.linalg.det(x), [x])[0])
    exact = (turns[0] / values) @ turns[1] * np.sign(np.linalg.det(turns[0] @ turns[1]))
    np.testing.assert_allclose(made, exact, atol=1e-6 * abs(exact).max())


def mixed_minors(a: np.ndarray, *directions: np.ndarray) -> Any:  # noqa: ANN401 - a number
    """Return a determinant's derivative along directions: their rows in the place of its own."""
    found: Any = 0.0
    for rows in permutations(range(len(a)), len(directions)):
        mixed = a.copy()
        for row, direction in zip(rows, directions, strict=True):
            mixed[row] = direction[row]
        found = found + np.linalg.det(mixed)
    return found


def slope_along(value: df.Tensor, x: df.Tensor, direction: np.ndarray) -> df.Tensor:
    """Return the derivative of a value along a direction, by the forward sweep."""
    (found,) = jvp_of([value], [x], [x.builder.constant(direction)])
    assert found is not None
    return found


RANKS = [(1, 0), (2, 0), (2, 1), (3, 3), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4)]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(("n", "rank"), RANKS)
def test_the_second_derivative_of_a_determinant_is_exact(n: int, rank: int, dtype: str) -> None:
    """Of a matrix of any rank, both sweeps give the second derivative of the polynomial."""
    a = draw(n, rank, dtype=dtype) @ draw(rank, n, dtype=dtype)
    first, second = draw(n, n, dtype=dtype), draw(n, n, dtype=dtype)
    exact = mixed_minors(a, first, second)
    b = df.GraphBuilder()
    x, k = b.constant(a), b.constant(second)
    slope = slope_along(df.linalg.det(x), x, first)
    curve = slope_along(slope, x, second)
    (pulled,) = df.grad(df.real(slope), [x])
    made = df.evaluate(curve, df.real((df.conj(pulled) * k).sum()))
    np.testing.assert_allclose(made[0], exact, atol=1e-11)
    np.testing.assert_allclose(made[1], exact.real, atol=1e-11)


def test_the_third_derivative_of_a_determinant_needs_an_inverse() -> None:
    """Of a regular matrix it is the polynomial's; a singular one stops the run by its name."""
    directions = [draw(4, 4) for _ in range(3)]
    for a in (regular(4, 4), np.diag([1.0, 2, 3, 0])):
        b = df.GraphBuilder()
        x = b.constant(a)
        made = df.linalg.det(x)
        for direction in directions:
            made = slope_along(made, x, direction)
        if a[3, 3]:
            np.testing.assert_allclose(df.evaluate(made), mixed_minors(a, *directions), 1e-11)
            continue
        with pytest.raises(KernelError, match=r"linalg\.inv"):
            df.evaluate(made)


def test_a_tiny_determinant_has_a_logarithm() -> None:
    """The logarithm is finite where the determinant itself is 0 in floating point."""
    sign, logarithm = values(df.linalg.slogdet, 1e-100 * np.eye(10))
    assert (float(sign), round(float(logarithm), 6)) == (1.0, round(-1000 * np.log(10), 6))


# Triangular and positive definite systems


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("trans", [0, "T", 2])
@pytest.mark.parametrize(("lower", "unit"), [(True, False), (False, True), (False, False)])
def test_solve_triangular_is_scipys(dtype: str, trans: int, lower: bool, unit: bool) -> None:
    """Either triangle, transposed or not, with or without its diagonal; the rest isn't read."""
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a = regular(70, 70, dtype=dtype) / 20 + np.eye(70, dtype=dtype)  # more than a block
    given_ = np.where(np.tri(70, dtype=bool) if lower else np.tri(70, dtype=bool).T, a, np.nan)
    b = draw(70, 2, dtype=dtype)
    for right in (b, b[:, 0]):
        options: dict[str, Any] = {"trans": trans, "lower": lower, "unit_diagonal": unit}
        made = values(df.linalg.solve_triangular, given_.astype(dtype), right, **options)
        expected = scipy_linalg.solve_triangular(a, right, **options)
        assert made.dtype == expected.dtype
        scale = 2000 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(made, expected, rtol=scale, atol=scale * abs(expected).max())


def test_a_stack_of_triangular_systems_is_solved_at_once() -> None:
    """The axes before the matrices broadcast, as those of `solve` do."""
    a, b = regular(2, 1, 3, 3), draw(4, 3, 2)
    made = values(df.linalg.solve_triangular, a, b, lower=True)
    np.testing.assert_allclose(made, np.linalg.solve(np.tril(a), b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_cholesky_is_numpys(dtype: str) -> None:
    """Either factor of a stack is NumPy's, read from the triangle that NumPy reads."""
    x = draw(2, 4, 4, dtype=dtype)
    a = (x @ np.swapaxes(x, -1, -2).conj() + np.eye(4)).astype(dtype)
    for upper in (False, True):
        assert_near(values(df.linalg.cholesky, a, upper=upper),
                    np.linalg.cholesky(a, upper=upper))  # fmt: skip
    spoiled = np.where(np.tri(4, dtype=bool), a, 7).astype(dtype)
    assert_near(values(df.linalg.cholesky, spoiled), np.linalg.cholesky(a))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 2), (2, 4), (0, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lu_is_scipys(shape: tuple[int, ...], dtype: str) -> None:
    """Factors of square, tall, wide and empty matrices are SciPy's, in all three forms."""
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a = draw(*shape, dtype=dtype)
    assert_near(values(df.linalg.lu, a), scipy_linalg.lu(a))
    assert_near(values(df.linalg.lu, a, permute_l=True), scipy_linalg.lu(a, permute_l=True))
    places, lower, upper = values(df.linalg.lu, a, p_indices=True)
    made = np.take_along_axis(lower, places[..., None], -2) @ upper
    np.testing.assert_allclose(made, a, rtol=1e-5, atol=1e-5)
    nothing = values(df.linalg.lu, a[..., :0])
    assert [x.shape[-2:] for x in nothing] == [(shape[-2],) * 2, (shape[-2], 0), (0, 0)]


def test_a_factor_solves_its_systems() -> None:
    """`cho_solve` with either factor gives what `solve` gives with the matrix."""
    x, right = draw(3, 3, dtype="complex128"), draw(3, dtype="complex128")
    a = x @ x.conj().T + np.eye(3)
    for lower in (False, True):
        b = df.GraphBuilder()
        made = df.linalg.cho_solve(df.linalg.cho_factor(b.constant(a), lower=lower), right)
        np.testing.assert_allclose(df.evaluate(made), np.linalg.solve(a, right))


def test_pytorchs_names_are_the_same_functions() -> None:
    """logdet, cholesky_solve and cholesky_inverse give what PyTorch says of them."""
    a = np.stack([np.eye(2) * 2, np.ones((2, 2)), np.diag([1.0, -1.0])])
    np.testing.assert_allclose(values(df.logdet, a), [np.log(4), -np.inf, np.nan])
    z = draw(3, 3, dtype="complex128")
    np.testing.assert_allclose(np.exp(values(df.logdet, z)), np.linalg.det(z))
    assert values(df.logdet, np.zeros((2, 2), complex)).real == -np.inf
    x, right = draw(3, 3), draw(3, 2)
    factor = np.linalg.cholesky(x @ x.T + np.eye(3))
    for upper in (False, True):
        f = factor.T if upper else factor
        np.testing.assert_allclose(values(df.cholesky_solve, right, f, upper=upper),
                                   np.linalg.solve(factor @ factor.T, right))  # fmt: skip
        np.testing.assert_allclose(values(df.cholesky_inverse, f, upper=upper),
                                   np.linalg.inv(factor @ factor.T))  # fmt: skip


def test_a_matrix_that_is_not_definite_is_named() -> None:
    """A run that meets one, or a 0 on the diagonal of a triangle, stops with the node's name."""
    b = df.GraphBuilder()
    x = b.constant(np.diag([1.0, 0.0]) - 0.5 * np.eye(2)[::-1])
    solved = df.linalg.solve_triangular(x, np.ones(2))
    for name, made in (("cholesky", df.linalg.cholesky(x)), ("solve_triangular", solved)):
        with pytest.raises(KernelError, match=f"linalg.{name}"):
            df.evaluate(made)


# Norms


ORDERS: list[Any] = [None, 0, 1, 2, 3, 0.5, -1, -2, -2.5, np.inf, -np.inf, "fro", "nuc"]


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64", "complex128"])
@pytest.mark.parametrize("order", ORDERS)
def test_norms_are_numpys(order: Any, dtype: str) -> None:  # noqa: ANN401 - NumPy's orders
    """Whatever NumPy computes of vectors, of matrices and of everything, we do, and no more."""
    x = draw(2, 3, 4, dtype=dtype)
    for array, axis in ((x, 1), (x, (-1,)), (x, (0, 2)), (x, (2, 1)), (x, None), (x[0], None),
                        (x[0, 0], None)):  # fmt: skip
        for keepdims in (False, True):
            try:
                expected = np.linalg.norm(array, order, axis, keepdims)
            except ValueError:
                with pytest.raises(DataflowError, match=r"constants\.py"):
                    values(df.linalg.norm, array, ord=order, axis=axis, keepdims=keepdims)
                continue
            made = values(df.linalg.norm, array, ord=order, axis=axis, keepdims=keepdims)
            np.testing.assert_allclose(made, expected, rtol=2e-6 if dtype == "float32" else 1e-13)
            assert (np.shape(made), made.dtype) == (np.shape(expected), expected.dtype)


def test_norms_of_the_standard_are_numpys() -> None:
    """`vector_norm` takes any number of axes as one vector, `matrix_norm` the last two."""
    x = draw(2, 3, 4)
    orders: list[Any] = [0, 1, 2, 3.5, np.inf]
    axes: list[Any] = [None, 1, (0, 2)]
    for order in orders:
        for axis in axes:
            assert_near(values(df.linalg.vector_norm, x, ord=order, axis=axis, keepdims=True),
                        np.linalg.vector_norm(x, ord=order, axis=axis, keepdims=True))  # fmt: skip
    orders = ["fro", "nuc", 1, 2, np.inf]
    for order in orders:
        assert_near(values(df.linalg.matrix_norm, x, ord=order),
                    np.linalg.matrix_norm(x, ord=order))  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, 1.5, np.inf])
def test_the_gradient_of_a_norm_at_zero_is_zero(order: float) -> None:
    """Of the zero vector the gradient is zero, and of an element 0 beside others it is finite."""
    b = df.GraphBuilder()
    x, y = b.constant(np.zeros(3)), b.constant(np.array([0.0, 3.0, -4.0]))
    zero, other = (df.grad(df.linalg.vector_norm(t, ord=order), [t])[0] for t in (x, y))
    np.testing.assert_array_equal(df.evaluate(zero), np.zeros(3))
    found = df.evaluate(other)
    assert np.isfinite(found).all()
    assert found[0] == 0
    (matrix,) = df.grad(df.linalg.norm(df.reshape(x, (1, 3))), [x])
    np.testing.assert_array_equal(df.evaluate(matrix), np.zeros(3))


def test_norms_of_halves_do_not_overflow() -> None:
    """float16 adds squares up in float32: the norm of 300, 400 is 500, though squares are inf."""
    x = np.array([300, 400], "float16")
    made = values(df.linalg.norm, x)
    assert (float(made), made.dtype) == (500.0, np.float16)


def test_condition_numbers_are_numpys() -> None:
    """In every norm that has them, infinite for singular matrices among others."""
    x = regular(4, 3, 3)
    x[1], x[2] = 0, np.diag([1, 0, 2])
    for p in (None, 2, -2, 1, -1, np.inf, "fro"):
        assert_near(values(df.linalg.cond, x, p=p), np.linalg.cond(x, p))
    nuclear = values(df.linalg.cond, x, p="nuc")  # of which NumPy fails where one is singular
    assert_near(nuclear[::3], np.linalg.cond(x[::3], "nuc"))
    assert np.isinf(nuclear[1:3]).all()
    with pytest.raises(ShapeError, match="no condition numbers"):
        values(df.linalg.cond, np.zeros((0, 0)))


@pytest.mark.parametrize("p", [None, 1, "fro"])
def test_condition_numbers_have_gradients_beside_singular_matrices(p: Any) -> None:  # noqa: ANN401
    """A singular matrix in a stack leaves the gradients of the others as they are alone."""
    x = np.stack([regular(3, 3), np.diag([1.0, 0.0, 2.0])])
    made = []
    for stack in (x, x[:1]):
        v = df.GraphBuilder().variable("v", stack)
        made.append(df.evaluate(df.grad(df.linalg.cond(v, p)[0], [v])[0])[0])
    assert np.isfinite(made[1]).all()
    np.testing.assert_allclose(made[0], made[1], 1e-12)


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, np.inf, "fro", "nuc"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 0, 0)])
def test_norms_of_nothing_are_zero(shape: tuple[int, ...], order: Any) -> None:  # noqa: ANN401
    """Of no elements, norms of every order are 0, as NumPy's are from 2.3 on."""
    x = np.zeros(shape)
    if not isinstance(order, str):
        assert_near(values(df.linalg.vector_norm, x, ord=order), np.zeros(()))
    if order not in (0, 3):
        kept = values(df.linalg.matrix_norm, x, ord=order, keepdims=True)
        assert_near(kept, np.zeros((*shape[:-2], 1, 1)))


# Products of matrices, and matrices made of vectors


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
def test_matrix_power_is_numpys(n: int) -> None:
    """Powers of stacks, negative ones and of integers, are NumPy's."""
    x = regular(2, 3, 3)
    np.testing.assert_allclose(values(df.linalg.matrix_power, x, n=n),
                               np.linalg.matrix_power(x, n))  # fmt: skip
    ints = np.array([[1, 1], [1, 2]])
    assert_near(values(df.linalg.matrix_power, ints, n=n), np.linalg.matrix_power(ints, n))


def test_multi_dot_is_numpys_in_the_cheapest_order() -> None:
    """A chain is multiplied in the order that takes the fewest operations, vectors at its ends."""
    arrays = [draw(10, 100), draw(100, 5), draw(5, 50), draw(50, 1)]
    b = df.GraphBuilder()
    tensors = [b.constant(a) for a in arrays]
    made = df.linalg.multi_dot(tensors)
    np.testing.assert_allclose(df.evaluate(made), np.linalg.multi_dot(arrays))
    dag = b.build(outputs={"made": made}).dag
    shapes = {str(data["specs"][0]) for _, data in dag.nodes(data=True) if data["op"] == "matmul"}
    assert shapes == {"float64[5, 1]", "float64[100, 1]", "float64[10, 1]"}
    row, column = draw(10), draw(5)
    for chain in (
        [row, *arrays[:2]],
        [*arrays[:2], column],
        [row, *arrays[:2], column],
        [row, row],
    ):
        ours = values(lambda *x: df.linalg.multi_dot(x), *chain)
        assert_near(ours, np.linalg.multi_dot(chain))


def test_functions_of_the_standard_are_numpys() -> None:
    """What the Array API has in linalg beside the main namespace takes NumPy's arguments there."""
    x, y, v = draw(2, 3, 3, dtype="complex128"), draw(2, 3, 3), draw(3)
    for name in ("matrix_transpose", "diagonal", "trace"):
        assert_near(values(getattr(df.linalg, name), x), getattr(np.linalg, name)(x))
    for name in ("matmul", "vecdot", "cross"):
        assert_near(values(getattr(df.linalg, name), x, y), getattr(np.linalg, name)(x, y))
    assert_near(values(df.linalg.tensordot, x, v, axes=1), np.linalg.tensordot(x, v, axes=1))
    assert_near(values(df.linalg.outer, v, v), np.linalg.outer(v, v))
    assert_near(values(df.linalg.cross, x, y, axis=1), np.linalg.cross(x, y, axis=1))
    assert_near(values(df.linalg.diagonal, x, offset=-1), np.linalg.diagonal(x, offset=-1))
    ints = np.arange(9, dtype="int8").reshape(3, 3)
    for dtype in (None, "float32", "int8"):
        assert_near(values(df.linalg.trace, ints, offset=1, dtype=dtype),
                    np.linalg.trace(ints, offset=1, dtype=dtype))  # fmt: skip
    tensor = df.GraphBuilder().constant(y)
    assert isinstance(np.linalg.matmul(tensor, tensor), df.Tensor)


def test_structured_matrices_are_scipys() -> None:
    """Toeplitz's, Hankel's, circulant and block diagonal matrices are SciPy's."""
    scipy_linalg = pytest.importorskip("scipy.linalg")
    c, r = draw(3, dtype="complex128"), draw(4)
    for name in ("toeplitz", "hankel"):
        function = getattr(scipy_linalg, name)
        assert_near(values(getattr(df.linalg, name), c), function(c))
        assert_near(values(getattr(df.linalg, name), c, r), function(c, r))
    assert_near(values(df.linalg.circulant, r), scipy_linalg.circulant(r))
    blocks = [draw(2, 3), draw(2), np.float64(3) * np.ones(()), draw(0, 2)]
    assert_near(values(df.linalg.block_diag, *blocks), scipy_linalg.block_diag(*blocks))
    stack = draw(2, 3)
    made = values(df.linalg.toeplitz, stack)
    np.testing.assert_array_equal(made, [scipy_linalg.toeplitz(row) for row in stack])


# Named dimensions and errors


def test_named_dimensions_stay_named() -> None:
    """A stack of a named number of systems, and systems of a named size, are declared and run."""
    b = df.GraphBuilder()
    x, y = b.input("x", ("batch", "n", "n"), "float64"), b.input("y", ("n", 2), "float64")
    made = df.linalg.solve(x, y), df.linalg.det(x)
    assert [str(t.spec) for t in made] == ["float64[batch, n, 2]", "float64[batch]"]
    feeds = {"x": regular(5, 3, 3), "y": draw(3, 2)}
    assert_near(df.evaluate(*made, feeds=feeds), (np.linalg.solve(*feeds.values()),
                                                  np.linalg.det(feeds["x"])))  # fmt: skip


WRONG: list[tuple[Callable[[df.Tensor], object], type[DataflowError]]] = [
    (df.linalg.inv, ShapeError), (lambda x: df.linalg.det(x[0]), ShapeError),
    (lambda x: df.linalg.solve(x, x), ShapeError), (df.linalg.slogdet, ShapeError),
    (lambda x: df.linalg.solve(x[:, :2], np.ones(3)), ShapeError),
    (df.linalg.tensorinv, ShapeError), (lambda x: df.linalg.tensorinv(x, 0), ArgumentError),
    (lambda x: df.linalg.tensorsolve(x, np.ones(2)), ShapeError),
    (df.linalg.cholesky, ShapeError), (lambda x: df.linalg.lu(x[0]), ShapeError),
    (lambda x: df.linalg.solve_triangular(x, x), ShapeError),
    (lambda x: df.linalg.solve_triangular(x[:, :2], x, trans="H"), GraphError),
    (lambda x: df.linalg.matrix_power(x, 2), ShapeError),
    (lambda x: df.linalg.matrix_power(x, 0.5), GraphError),  # type: ignore[arg-type]
    (lambda x: df.linalg.multi_dot([x]), ShapeError),
    (lambda x: df.linalg.multi_dot([x, np.ones(3), x]), ShapeError),
    (lambda x: df.linalg.multi_dot([x, x]), ShapeError),
    (lambda x: df.linalg.norm(x, axis=2), ShapeError),
    (lambda x: df.linalg.norm(x, axis=(0, 0)), ShapeError),
    (lambda x: df.linalg.matrix_norm(x, ord=3), GraphError),
    (lambda x: df.linalg.vector_norm(x, ord="fro"), GraphError),
    (lambda x: df.linalg.cond(x, 1), ShapeError),
    (lambda x: df.linalg.toeplitz(x[0, 0]), ShapeError),
    (lambda x: df.linalg.block_diag(x[None]), ShapeError),
    (lambda x: df.linalg.cross(x[:, :2], x[:, :2]), ShapeError),
    (lambda x: df.linalg.outer(x, x), ShapeError), (lambda x: df.linalg.trace(x[0]), ShapeError),
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
