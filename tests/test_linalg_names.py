"""SciPy's and PyTorch's further functions of linear algebra, and what every message names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import dataflow as df
from dataflow.errors import (
    DataDependentShapeError,
    DataflowError,
    GradientError,
    GraphError,
    KernelError,
    ShapeError,
)

RNG = np.random.default_rng(13)


def drawn(*shape: int, dtype: str = "complex128") -> np.ndarray:
    """Draw numbers of a dtype, complex ones with both parts."""
    x = RNG.uniform(-2, 2, shape)
    return (x + 1j * RNG.uniform(-2, 2, shape) if dtype[0] == "c" else x).astype(dtype)


def values(function: Callable[..., Any], *arrays: Any, **options: Any) -> Any:  # noqa: ANN401
    """Return a function's values of constants."""
    b = df.GraphBuilder()
    made = function(*[b.constant(a) for a in arrays], **options)
    return df.evaluate(*made) if isinstance(made, tuple) else df.evaluate(made)


def close(actual: Any, expected: Any, bound: float = 1e-11) -> None:  # noqa: ANN401
    """Assert that two arrays have one shape, and are the same up to rounding."""
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=bound, atol=bound)


# LU


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
@pytest.mark.parametrize("shape", [(4, 4), (4, 2), (2, 4), (1, 1), (0, 3), (0, 0)])
def test_lu_factor_is_scipys(shape: tuple[int, ...], dtype: str) -> None:
    """Both factors in one matrix, and the exchanges of rows, are LAPACK's."""
    a = drawn(*shape, dtype=dtype)
    factors, piv = values(df.linalg.lu_factor, a)
    expected, pivots = scipy.linalg.lu_factor(a)
    close(factors, expected, 1e-5)
    np.testing.assert_array_equal(piv, pivots)
    assert factors.dtype == dtype


@pytest.mark.parametrize("trans", [0, 1, 2])
def test_lu_solve_is_scipys(trans: int) -> None:
    """Factors of ours or of SciPy's solve one right side or several, of stacks too."""
    a, right = drawn(4, 4), drawn(4, 2)
    theirs: Any = scipy.linalg.lu_factor(a)
    for b in (right, right[:, 0]):
        expected = scipy.linalg.lu_solve(theirs, b, trans=trans)
        x = df.GraphBuilder().constant(b)
        close(df.evaluate(df.linalg.lu_solve(theirs, x, trans)), expected)
        made = values(lambda t, r=b: df.linalg.lu_solve(df.linalg.lu_factor(t), r, trans), a)
        close(made, expected)
    stack = drawn(3, 1, 4, 4)
    made = values(
        lambda t: df.linalg.lu_solve(df.linalg.lu_factor(t), drawn(2, 4, 1) * 0 + 1), stack
    )
    close(stack @ made, np.ones((3, 2, 4, 1)), 1e-10)


def test_exchanges_beyond_the_rows_are_named() -> None:
    """Pivots that name no row stop the run; factors that aren't square are refused before."""
    b = df.GraphBuilder()
    x, right = b.constant(np.eye(2)), np.ones(2)
    with pytest.raises(KernelError, match="exchanged"):
        df.evaluate(df.linalg.lu_solve((x, np.array([0, 2])), right))
    with pytest.raises(ShapeError, match="square factors"):
        df.linalg.lu_solve((x, np.array([0])), right)
    with pytest.raises(GraphError, match="trans"):
        df.linalg.lu_solve((x, np.array([0, 1])), right, trans=3)


# Banded matrices


@pytest.mark.parametrize("sides", [(0, 0), (1, 0), (0, 2), (2, 1), (1, 1), (4, 4)])
def test_solve_banded_is_scipys(sides: tuple[int, int]) -> None:
    """Systems of every width, of one right side or several; corners of the storage aren't read."""
    lower, upper = sides
    ab = drawn(lower + upper + 1, 4)
    ab[upper] += 6
    right = drawn(4, 2)
    for b in (right, right[:, 0]):
        close(values(lambda x, y: df.linalg.solve_banded(sides, x, y), ab, b),
              scipy.linalg.solve_banded(sides, ab, b))  # fmt: skip
    spoiled = ab.copy()
    for r, j in np.ndindex(*ab.shape):
        if not 0 <= r + j - upper < 4:
            spoiled[r, j] = 100
    x = df.GraphBuilder().constant(spoiled)
    made = df.linalg.solve_banded(sides, x, right)
    close(df.evaluate(made), scipy.linalg.solve_banded(sides, ab, right))
    slope = df.evaluate(df.grad(df.real(made).sum(), [x])[0])
    assert not slope[spoiled == 100].any()


def test_banded_systems_have_the_gradients_of_full_ones() -> None:
    """The gradient of each diagonal's element is that of the matrix's element, of stacks too."""
    lower, upper, n = 1, 2, 5
    ab, right = drawn(3, lower + upper + 1, n), drawn(n, 2)
    ab[:, upper] += 6
    places = [(r, j) for r, j in np.ndindex(lower + upper + 1, n) if 0 <= r + j - upper < n]
    full = np.zeros((3, n, n), complex)
    for r, j in places:
        full[:, r + j - upper, j] = ab[:, r, j]
    b = df.GraphBuilder()
    x, y = b.constant(ab), b.constant(full)
    weights = b.constant(drawn(3, n, 2))
    banded = df.real(df.linalg.solve_banded((lower, upper), x, right) * weights).sum()
    whole = df.real(df.linalg.solve(y, right) * weights).sum()
    of_ab, of_full = df.evaluate(*df.grad(banded, [x]), *df.grad(whole, [y]))
    for r, j in places:
        close(of_ab[:, r, j], of_full[:, r + j - upper, j])


@pytest.mark.parametrize("lower", [False, True])
def test_solveh_banded_is_scipys(lower: bool) -> None:
    """Either half of a Hermitian matrix's diagonals gives SciPy's solution."""
    ab, right = drawn(3, 5), drawn(5, 2)
    ab[0 if lower else -1] = 12
    close(values(df.linalg.solveh_banded, ab, right, lower=lower),
          scipy.linalg.solveh_banded(ab, right, lower=lower))  # fmt: skip


def test_tridiagonal_eigenvalues_are_scipys() -> None:
    """Eigenvalues and vectors of three diagonals are SciPy's, and have gradients."""
    d, e = drawn(4, dtype="float64"), drawn(3, dtype="float64")
    w, v = values(df.linalg.eigh_tridiagonal, d, e)
    expected = scipy.linalg.eigh_tridiagonal(d, e)
    close(w, expected[0])
    close(abs(v), abs(expected[1]))
    close(values(df.linalg.eigvalsh_tridiagonal, d, e), expected[0])
    b = df.GraphBuilder()
    x, y = b.constant(d), b.constant(e)
    slopes = df.evaluate(*df.grad(df.linalg.eigh_tridiagonal(x, y, eigvals_only=True)[0], [x, y]))
    close(slopes[0], v[:, 0] ** 2)
    close(slopes[1], 2 * v[:-1, 0] * v[1:, 0])


# Functions and forms of matrices


@pytest.mark.parametrize("t", [0, 3, -2, 0.5, 0.3, -1.7, 2.5])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_fractional_powers_are_scipys(t: float, dtype: str) -> None:
    """Whole, halves and other powers are SciPy's; whole ones of real matrices are real."""
    a = drawn(3, 3, dtype=dtype) * 0.5 + 3 * np.eye(3)
    made = values(lambda x: df.linalg.fractional_matrix_power(x, t), a)
    close(made, scipy.linalg.fractional_matrix_power(a, t), 1e-10)
    assert made.dtype == (dtype if t == int(t) else "complex128")


def test_fractional_powers_have_gradients() -> None:
    """The trace of a power has the gradient t times the power below, transposed."""
    a = drawn(3, 3, dtype="float64") * 0.5 + 3 * np.eye(3)
    x = df.GraphBuilder().constant(a)
    power = df.linalg.fractional_matrix_power(x, 1.3)
    (slope,) = df.grad(df.real(df.linalg.trace(power)), [x])
    close(df.evaluate(slope), 1.3 * scipy.linalg.fractional_matrix_power(a, 0.3).T, 1e-10)


def test_pinvh_is_scipys() -> None:
    """Either triangle of a Hermitian matrix of a low rank gives SciPy's inverse and rank."""
    x = drawn(4, 2)
    a = x @ x.conj().T
    for lower in (True, False):
        read = np.tril(a) if lower else np.triu(a)
        inverse, rank = values(df.linalg.pinvh, read, lower=lower, return_rank=True)
        close(inverse, scipy.linalg.pinvh(a), 1e-10)
        assert rank == 2


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("output", ["real", "complex"])
def test_schur_is_scipys(output: str, dtype: str) -> None:
    """Both factors are SciPy's, real or complex; a gradient is refused with its reason."""
    a = drawn(2, 4, 4, dtype=dtype)
    made = values(lambda x: df.linalg.schur(x, output), a)
    for i in range(2):
        for ours, theirs in zip(made, scipy.linalg.schur(a[i], output), strict=True):
            close(ours[i], theirs)
            assert ours.dtype == theirs.dtype
    x = df.GraphBuilder().constant(a)
    with pytest.raises(GradientError, match="unique"):
        df.grad(df.real(df.linalg.schur(x).T).sum(), [x])


def test_hessenberg_is_scipys() -> None:
    """Both factors are SciPy's."""
    a = drawn(5, 5)
    for ours, theirs in zip(values(df.linalg.hessenberg, a, calc_q=True),
                            scipy.linalg.hessenberg(a, calc_q=True), strict=True):  # fmt: skip
        close(ours, theirs)
    close(values(df.linalg.hessenberg, a), scipy.linalg.hessenberg(a))


# Matrices that follow a pattern


def test_patterns_are_scipys() -> None:
    """Companions, Leslie's, Fiedler's, Khatri and Rao's matrices and convolutions are SciPy's."""
    a, s = drawn(4), drawn(3)
    close(values(df.linalg.companion, a), scipy.linalg.companion(a))
    close(values(df.linalg.companion, a[:2]), scipy.linalg.companion(a[:2]))
    close(values(df.linalg.leslie, a, s), scipy.linalg.leslie(a, s))
    close(values(df.linalg.fiedler, a.real), scipy.linalg.fiedler(a.real))
    close(values(df.linalg.khatri_rao, drawn(2, 3) * 0 + 2, drawn(4, 3) * 0 + 1j),
          scipy.linalg.khatri_rao(np.full((2, 3), 2), np.full((4, 3), 1j)))  # fmt: skip
    modes: list[Any] = ["full", "same", "valid"]
    for mode in modes:
        for n in (1, 2, 3, 4, 6):
            close(values(lambda x, n=n, m=mode: df.linalg.convolution_matrix(x, n, m), a),
                  scipy.linalg.convolution_matrix(a, n, mode))  # fmt: skip


def test_solve_toeplitz_is_scipys() -> None:
    """Systems of a first column, or of a column and a row, have SciPy's solutions."""
    c, r, right = drawn(4) + 8 * np.eye(4)[0], drawn(4), drawn(4, 2)
    b = df.GraphBuilder().constant(right)
    close(df.evaluate(df.linalg.solve_toeplitz(c, b)), scipy.linalg.solve_toeplitz(c, right))
    close(df.evaluate(df.linalg.solve_toeplitz((c, r), b[:, 0])),
          scipy.linalg.solve_toeplitz((c, r), right[:, 0]))  # fmt: skip


def test_products_and_circulant_systems_are_scipys() -> None:
    """Products with Toeplitz's matrices and systems of circulant ones are SciPy's."""
    c, r, x = drawn(4) + 8 * np.eye(4)[0], drawn(3), drawn(3, 2)
    b = df.GraphBuilder()
    made = df.linalg.matmul_toeplitz((c, r), b.constant(x))
    close(df.evaluate(made), scipy.linalg.matmul_toeplitz((c, r), x))
    made = df.linalg.solve_circulant(c, b.constant(drawn(4) * 0 + 1))
    close(df.evaluate(made), scipy.linalg.solve_circulant(c, np.ones(4)))


@pytest.mark.parametrize("name", ["toeplitz", "hankel", "circulant"])
def test_matrices_of_empty_vectors_are_scipys(name: str) -> None:
    """A vector of no elements gives a matrix of none."""
    made = values(getattr(df.linalg, name), np.zeros(0))
    close(made, getattr(scipy.linalg, name)(np.zeros(0)))


@pytest.mark.parametrize(("n", "k"), [(2, 2), (1, 3), (3, 1)])
def test_angles_are_scipys(n: int, k: int) -> None:
    """Angles between subspaces are SciPy's, tiny ones to the last digits, and have gradients."""
    a, b = drawn(5, n), drawn(5, k)
    close(values(df.linalg.subspace_angles, a, b), scipy.linalg.subspace_angles(a, b))
    x = np.array([[1.0], [0]])
    for size in (1e-9, 0.3, 1.2):
        y = np.array([[np.cos(size)], [np.sin(size)]])
        np.testing.assert_allclose(values(df.linalg.subspace_angles, x, y), [size], 1e-12)
    t = df.GraphBuilder().constant(np.array([[1.0], [0.2]]))
    (slope,) = df.grad(df.linalg.subspace_angles(t, x).sum(), [t])
    close(df.evaluate(slope), np.array([[-0.2], [1]]) / 1.04)


@pytest.mark.parametrize("name", ["issymmetric", "ishermitian"])
def test_symmetry_is_scipys(name: str) -> None:
    """Matrices of a stack are symmetric, or Hermitian, exactly or within a tolerance."""
    x = drawn(3, 3)
    near = x + x.T + 1e-9 * drawn(3, 3)
    for a in (x, x + x.T, x + x.conj().T, near, x * np.nan, np.zeros((0, 0))):
        for options in ({}, {"atol": 1e-6}, {"rtol": 1e-6}):
            made = values(lambda t, o=options: getattr(df.linalg, name)(t, **o), a)
            assert made == getattr(scipy.linalg, name)(a, **options)
    assert values(getattr(df.linalg, name), np.stack([x, x.real + x.real.T])).tolist() == [0, 1]


def test_bases_depend_on_data() -> None:
    """A basis has as many vectors as the rank says: it is refused with what to use."""
    x = df.GraphBuilder().constant(np.eye(2))
    for function in (df.linalg.orth, df.linalg.null_space):
        with pytest.raises(DataDependentShapeError, match="svd"):
            function(x)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_reflections_multiply_to_lapacks_q(dtype: str) -> None:
    """What NumPy keeps of a QR factorisation gives Q, as LAPACK makes it, of stacks too."""
    a = drawn(2, 5, 3, dtype=dtype)
    h, tau = np.linalg.qr(a, "raw")
    made = values(df.linalg.householder_product, np.swapaxes(h, -1, -2), tau)
    close(made, np.linalg.qr(a).Q)
    few = values(df.linalg.householder_product, np.swapaxes(h, -1, -2), tau[:, :0])
    close(few, np.broadcast_to(np.eye(5, 3), (2, 5, 3)))


def test_vander_is_numpys_the_other_way_round() -> None:
    """Powers rise along the last axis, of stacks too; at 0 gradients are finite."""
    x = drawn(2, 3)
    made = values(lambda t: df.linalg.vander(t, 4), x)
    close(made, np.stack([np.vander(row, 4, increasing=True) for row in x]))
    close(values(df.linalg.vander, x)[0], np.vander(x[0], increasing=True))
    zero = df.GraphBuilder().constant(np.zeros(2))
    (slope,) = df.grad(df.linalg.vander(zero, 3).sum(), [zero])
    np.testing.assert_array_equal(df.evaluate(slope), np.ones(2))


def test_shapes_may_be_named() -> None:
    """Factors and systems of a named size are declared, and run when it is known."""
    b = df.GraphBuilder()
    a, right = b.input("a", ("batch", "n", "n"), "float64"), b.input("b", ("n", 2), "float64")
    solved = df.linalg.lu_solve(df.linalg.lu_factor(a), right)
    ab = b.input("ab", (3, "n"), "float64")
    banded = df.linalg.solve_banded((1, 1), ab, right)
    slope = df.grad(banded.sum() + solved.sum(), [ab])[0]
    feeds = {"a": drawn(2, 4, 4, dtype="float64") + 5 * np.eye(4), "b": np.ones((4, 2)),
             "ab": np.ones((3, 4)) + 4 * np.eye(3)[1][:, None]}  # fmt: skip
    made = df.evaluate(solved, banded, slope, feeds=feeds)
    close(feeds["a"] @ made[0], np.ones((2, 4, 2)))
    close(made[1], scipy.linalg.solve_banded((1, 1), feeds["ab"], feeds["b"]))
    assert made[2].shape == (3, 4)


def test_parameters_have_scipys_names() -> None:
    """Functions that SciPy has and NumPy hasn't take SciPy's keywords."""
    x = df.GraphBuilder().constant(np.eye(2))
    for name in ("expm", "sqrtm", "logm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
        getattr(df.linalg, name)(A=x)
    df.linalg.expm_frechet(A=x, E=x)
    df.linalg.fractional_matrix_power(A=x, t=2)


# Messages


VECTOR, MATRIX = np.ones(3), np.ones((2, 3))
WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *[(name, (VECTOR,), {}) for name in (
        "inv", "det", "slogdet", "eig", "eigvals", "expm", "sqrtm", "logm", "cosm", "sinm", "tanm",
        "coshm", "sinhm", "tanhm", "svdvals", "lu", "cond", "lu_factor", "schur", "hessenberg",
        "matrix_norm", "matrix_transpose", "trace", "diagonal", "qr", "polar", "svd", "pinv",
        "cholesky", "cho_factor", "eigh", "eigvalsh", "pinvh")],
    *[(name, (MATRIX,), {}) for name in ("cholesky", "eigh", "eigvalsh", "pinvh", "tensorinv")],
    ("norm", (MATRIX,), {"axis": 5}), ("norm", (MATRIX,), {"axis": (0, 0)}),
    ("vector_norm", (MATRIX,), {"axis": 5}), ("vector_norm", (MATRIX,), {"ord": "fro"}),
    ("matrix_norm", (MATRIX,), {"ord": 3}), ("cross", (MATRIX, MATRIX), {"axis": 9}),
    ("vecdot", (MATRIX, MATRIX), {"axis": 9}), ("tensorsolve", (MATRIX, VECTOR), {"axes": (7,)}),
    ("matrix_rank", (MATRIX,), {"hermitian": True}), ("pinv", (MATRIX,), {"rtol": -1}),
    ("qr", (MATRIX,), {"mode": "raw"}), ("polar", (MATRIX,), {"side": "up"}),
    ("eigh", (np.eye(2),), {"UPLO": "X"}), ("lstsq", (MATRIX, MATRIX), {"rcond": -2}),
    ("solveh_banded", (VECTOR, VECTOR), {}), ("eigh_tridiagonal", (VECTOR, VECTOR), {}),
    ("companion", (np.ones(1),), {}), ("leslie", (VECTOR, VECTOR), {}),
    ("khatri_rao", (MATRIX, VECTOR), {}), ("fiedler", (np.ones(()),), {}),
    ("convolution_matrix", (VECTOR,), {"n": 0}), ("schur", (np.eye(2),), {"output": "all"}),
    ("fractional_matrix_power", (np.eye(2),), {"t": np.nan}),
    ("issymmetric", (MATRIX,), {}),
    ("subspace_angles", (MATRIX, MATRIX), {}), ("householder_product", (MATRIX, VECTOR), {}),
    ("householder_product", (MATRIX, VECTOR[:2]), {}), ("vander", (VECTOR,), {"N": 0}),
    ("vander", (np.ones(()),), {}), ("toeplitz", (np.ones(()),), {}),
    ("solve_continuous_lyapunov", (np.ones((2, 3, 3)), MATRIX), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arrays", "options"), WRONG)
def test_messages_name_the_function(
    name: str, arrays: tuple[np.ndarray, ...], options: dict[str, Any]
) -> None:
    """Whatever is wrong with a call, the message names the function and the user's line."""
    b = df.GraphBuilder()
    tensors = [b.constant(a) for a in arrays]
    with pytest.raises(DataflowError, match=rf"\b{name}\b") as caught:
        getattr(df.linalg, name)(*tensors, **options)
    assert "test_linalg_names.py" in str(caught.value)


def test_solve_banded_names_what_it_takes() -> None:
    """Numbers of diagonals that are none, and shapes that don't agree, are refused."""
    x = df.GraphBuilder().constant(np.ones((3, 4)))
    wrong: list[Any] = [(1, -1), 1, (1.0, 1), (1, 1, 1)]
    for sides in wrong:
        with pytest.raises(GraphError, match="solve_banded"):
            df.linalg.solve_banded(sides, x, np.ones(4))
    for sides, length in (((1, 0), 4), ((1, 1), 3)):
        with pytest.raises(ShapeError, match="solve_banded"):
            df.linalg.solve_banded(sides, x, np.ones(length))
