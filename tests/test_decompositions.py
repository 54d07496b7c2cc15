"""What factorisations promise beyond their records: NumPy's values, gauges, corners and errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GradientError, KernelError
from tests.constants import slope, values
from tests.numpys import assert_near

RAW: Any = "raw"
RNG = np.random.default_rng(5)
DTYPES = ["float32", "float64", "complex64", "complex128"]
SHAPES = [(1, 1), (4, 4), (5, 3), (3, 5), (2, 4, 3), (2, 0, 3), (0, 3, 3), (0, 0)]


def drawn(shape: tuple[int, ...], dtype: str = "complex128") -> np.ndarray:
    """Draw matrices."""
    x = RNG.uniform(-2, 2, shape)
    return (x + 1j * RNG.uniform(-2, 2, shape) if dtype[0] == "c" else x).astype(dtype)


def hermitian(n: int, dtype: str = "complex128") -> np.ndarray:
    """Draw a Hermitian matrix."""
    x = drawn((n, n), dtype)
    return np.asarray(x + x.conj().T)


def check_gradient(function: Callable[..., Any], x: np.ndarray, bound: float = 1e-6) -> None:
    """Compare the gradient of a real function with a difference along one direction."""
    b = df.GraphBuilder()
    t = b.input("x", x.shape, x.dtype)
    value = function(t)
    (gradient,) = df.grad(value, [t])
    u = drawn(x.shape, str(x.dtype))
    found = np.vdot(df.evaluate(gradient, feeds={"x": x}), u).real
    step = 1e-6
    ahead, behind = (df.evaluate(value, feeds={"x": x + s * u}) for s in (step, -step))
    assert found == pytest.approx(float(ahead - behind) / (2 * step), rel=bound, abs=bound)


def size_of(x: df.Tensor) -> df.Tensor:
    """Return a real function of complex numbers: the sum of weighted squares of their sizes."""
    weights = np.random.default_rng(1).uniform(0.5, 1.5, x.spec.static_shape)
    return (df.real(x * df.conj(x)) * x.builder.constant(weights)).sum()


# Hermitian matrices


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("uplo", ["L", "U", "l"])
def test_eigh_reads_one_triangle(dtype: str, uplo: Any) -> None:  # noqa: ANN401
    """Eigenvalues and vectors are NumPy's, of matrices that aren't Hermitian too."""
    x = drawn((2, 4, 4), dtype)
    for ours, theirs in zip(values(lambda t: df.linalg.eigh(t, uplo), x),
                            np.linalg.eigh(x, uplo), strict=True):  # fmt: skip
        assert_near(ours, theirs)
    assert_near(values(lambda t: df.linalg.eigvalsh(t, uplo), x), np.linalg.eigvalsh(x, uplo))


def test_eigh_has_hermitian_gradients() -> None:
    """The gradient of an eigenvalue is its vector times itself, whichever triangle is read."""
    x = hermitian(4)
    v = np.linalg.eigh(x).eigenvectors[:, -1]
    for uplo in ("L", "U"):
        found = slope(lambda t, u=uplo: df.linalg.eigvalsh(t, u)[-1], x)
        np.testing.assert_allclose(found, np.outer(v, v.conj()), atol=1e-13)
        found = slope(lambda t, u=uplo: df.linalg.eigh(t, u).eigenvalues[-1], x)
        np.testing.assert_allclose(found, np.outer(v, v.conj()), atol=1e-13)


def test_complex_eigenvectors_have_gradients_free_of_phases() -> None:
    """What doesn't depend on the phases of complex eigenvectors has the right gradient."""

    def value(t: df.Tensor) -> df.Tensor:
        w, v = df.linalg.eigh(t + df.conj(t).T)
        return size_of(v) + size_of(v[:, :2] @ df.conj(v[:, :2]).T) + (w * w * w).sum()

    check_gradient(value, drawn((4, 4)))


@pytest.mark.parametrize("n", [1, 3])
def test_equal_eigenvalues_have_gradients(n: int) -> None:
    """The gradient of eigenvalues that are equal is finite; that of the vectors is not."""
    x = np.eye(n)
    np.testing.assert_array_equal(slope(df.linalg.eigvalsh, x), np.eye(n))
    np.testing.assert_array_equal(slope(df.linalg.svdvals, x), np.eye(n))
    found = slope(lambda t: df.linalg.eigh(t).eigenvectors * np.arange(1.0, n + 1), x)
    assert np.isfinite(found).all() == (n == 1)


# Any square matrices


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 3, 3), (0, 2, 2), (0, 0)])
def test_eig_is_numpys_but_complex(shape: tuple[int, ...], dtype: str) -> None:
    """Eigenvalues and vectors are NumPy's, complex where NumPy's happen to be real too."""
    x = drawn(shape, dtype)
    wide = np.result_type(dtype, np.complex64)
    for ours, theirs in zip(values(df.linalg.eig, x), np.linalg.eig(x), strict=True):
        assert_near(ours, theirs.astype(wide))
    assert_near(values(df.linalg.eigvals, x), np.linalg.eigvals(x).astype(wide))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_eigenvectors_have_gradients_free_of_phases(dtype: str) -> None:
    """What doesn't depend on phases has the right gradient, where pairs are conjugate too."""
    turn = np.array([[0.0, 2, 0.3], [-2, 0.1, 0.2], [0.3, 0.1, 1]])

    def value(t: df.Tensor) -> df.Tensor:
        w, v = df.linalg.eig(t)
        middle = df.real(w * w * w).sum() + df.real(df.linalg.eigvals(t) ** 2).sum()
        sizes = df.real(v * df.conj(v)) * df.real(w)
        return middle + (sizes * t.builder.constant(np.array([[1.0], [2], [3]]))).sum()

    check_gradient(value, turn.astype(dtype) + (0.1j * turn.T if dtype[0] == "c" else 0))


# Singular values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_svd_is_numpys(shape: tuple[int, ...], dtype: str) -> None:
    """Singular values and vectors are NumPy's, of stacks and empty matrices too."""
    x = drawn(shape, dtype)
    for full in (True, False):
        for ours, theirs in zip(values(lambda t, f=full: df.linalg.svd(t, f), x),
                                np.linalg.svd(x, full), strict=True):  # fmt: skip
            assert_near(ours, theirs)
    assert_near(values(df.linalg.svdvals, x), np.linalg.svdvals(x))
    assert_near(values(lambda t: df.linalg.svd(t, compute_uv=False), x), np.linalg.svdvals(x))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_complex_singular_vectors_have_gradients_free_of_phases(shape: tuple[int, ...]) -> None:
    """What doesn't depend on the phases of complex singular vectors has the right gradient."""

    def value(t: df.Tensor) -> df.Tensor:
        u, s, vh = df.linalg.svd(t, full_matrices=False)
        return size_of(u) + size_of(vh) + size_of(u @ vh) + (s * s * s).sum()

    check_gradient(value, drawn(shape))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_vectors_that_fill_up_a_square_matrix_have_no_derivative(shape: tuple[int, ...]) -> None:
    """A gradient by them is refused where it is declared; the square side and S keep theirs."""
    x = drawn(shape, "float64")
    b = df.GraphBuilder()
    t = b.constant(x)
    u, _, vh = df.linalg.svd(t)
    filled = u if shape[0] > shape[1] else vh
    with pytest.raises(GradientError, match=r"U has 4 vectors for 2|Vh has 4 vectors for 2"):
        df.grad(filled.sum(), [t])
    with pytest.raises(GradientError, match="full_matrices=False"):
        df.jvp([filled], [t], [df.ones_like(t)])

    def value(t: df.Tensor, *, full: bool) -> df.Tensor:
        u, s, vh = df.linalg.svd(t, full_matrices=full)
        return size_of(vh if shape[0] > shape[1] else u) + (s**3).sum()

    reduced, full = (slope(lambda t, f=f: value(t, full=f), x) for f in (False, True))
    np.testing.assert_allclose(full, reduced, rtol=1e-9, atol=1e-12)


def test_values_of_a_full_decomposition_have_derivatives_of_every_order() -> None:
    """The gradient of S alone reads no vector that fills up a matrix, and is differentiated on."""
    x = drawn((4, 2), "float64")

    def curvature(t: df.Tensor, *, full: bool) -> df.Tensor:
        (first,) = df.grad((df.linalg.svd(t, full_matrices=full).S ** 3).sum(), [t])
        return df.sum(first * first)

    reduced, full = (slope(lambda t, f=f: curvature(t, full=f), x) for f in (False, True))
    np.testing.assert_allclose(full, reduced, rtol=1e-9)


@pytest.mark.parametrize("name", ["svd", "eigh", "eig"])
def test_gradients_by_vectors_of_equal_values_are_nan(name: str) -> None:
    """Where values repeat, vectors have no derivative, which is NaN; the values' is finite."""
    b = df.GraphBuilder()
    t = b.constant(np.eye(3))
    made = getattr(df.linalg, name)(t)
    weights = np.arange(1.0, 10).reshape(3, 3)
    for part in made:
        weighted = part * weights if part.ndim == 2 else part
        (found,) = df.grad(df.abs(weighted).sum(), [t])
        assert np.isnan(df.evaluate(found)).all() == (part.ndim == 2)


def test_hermitian_svd_reads_the_lower_triangle() -> None:
    """With `hermitian`, singular values are those of the matrix that a triangle stands for."""
    x = drawn((3, 3))
    lower = np.tril(x, -1)
    full = lower + lower.conj().T + np.diag(np.diag(x).real)
    full = full + 1j * np.diag(np.diag(x).imag)  # NumPy's eigh leaves this out
    u, s, vh = values(lambda t: df.linalg.svd(t, hermitian=True), x)
    assert_near((u * s) @ vh, full)


# QR


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_qr_is_numpys(shape: tuple[int, ...], dtype: str) -> None:
    """The factors are NumPy's in every mode, of stacks and empty matrices too."""
    x = drawn(shape, dtype)
    modes: Any = ("reduced", "complete")
    for mode in modes:
        for ours, theirs in zip(values(lambda t, m=mode: df.linalg.qr(t, m), x),
                                np.linalg.qr(x, mode), strict=True):  # fmt: skip
            assert_near(ours, theirs)
    assert_near(values(lambda t: df.linalg.qr(t, "r"), x), np.linalg.qr(x, "r"))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_qr_has_gradients_of_either_factor(shape: tuple[int, ...]) -> None:
    """The gradient of either factor alone, and of R in its own mode, is right."""
    x, weights = drawn(shape), drawn((4, 4))

    def value(t: df.Tensor) -> df.Tensor:
        rows, columns = t.spec.static_shape
        return df.real(t * t.builder.constant(weights[:rows, :columns])).sum()

    check_gradient(lambda t: value(df.linalg.qr(t).Q), x)
    check_gradient(lambda t: value(df.linalg.qr(t).R), x)
    check_gradient(lambda t: value(df.linalg.qr(t, "r")), x)


def test_complete_qr_has_gradients_only_where_q_is_unique() -> None:
    """A square Q of a tall matrix has no gradient, and says so; of a wide one it has."""
    b = df.GraphBuilder()
    tall, wide = b.constant(drawn((3, 2))), b.constant(drawn((2, 3)))
    q, r = df.linalg.qr(tall, "complete")
    with pytest.raises(GradientError, match="reduced"):
        df.grad(size_of(q) + size_of(r), [tall])
    q, r = df.linalg.qr(wide, "complete")
    found = df.evaluate(df.grad(size_of(r), [wide])[0])
    np.testing.assert_allclose(
        found, df.evaluate(df.grad(size_of(df.linalg.qr(wide).R), [wide])[0])
    )


# The pseudo-inverse


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.sampled_from(DTYPES))
def test_pinv_of_any_rank(m: int, n: int, rank: int, dtype: str) -> None:
    """A pseudo-inverse has its four defining properties, whatever the rank."""
    a = drawn((m, rank), dtype) @ drawn((rank, n), dtype)
    p = values(lambda t: df.linalg.pinv(t, rtol=1e-5), a)
    bound = 1e-3 if dtype in ("float32", "complex64") else 1e-8
    for left, right in ((a @ p @ a, a), (p @ a @ p, p), (a @ p, (a @ p).conj().T),
                        (p @ a, (p @ a).conj().T)):  # fmt: skip
        assert np.abs(left - right).max(initial=0) <= bound * np.abs(right).max(initial=1)


def test_pinv_has_gradients_where_singular_values_are_equal() -> None:
    """The gradient of the inverse of the unit matrix is finite."""
    np.testing.assert_array_equal(slope(df.linalg.pinv, np.eye(3)), -np.ones((3, 3)))
    np.testing.assert_array_equal(values(lambda t: df.linalg.pinv(t, hermitian=True), np.eye(2)),
                                  np.eye(2))  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_matrix_rank_is_numpys(shape: tuple[int, ...]) -> None:
    """Ranks are NumPy's, of stacks, with each kind of tolerance, of vectors and numbers too."""
    x = drawn(shape, "float64")
    if min(shape):
        x[..., -1, :] = x[..., 0, :]
    for options in ({}, {"tol": 1.5}, {"rtol": 0.4}, {"tol": np.full(shape[:-2], 2.0)}):
        expected: Any = np.zeros(shape[:-2], np.int64)  # NumPy 2.2 refuses matrices of nothing
        if x.size:
            expected = np.asarray(np.linalg.matrix_rank(x, **options), np.int64)
        assert_near(values(lambda t, o=options: df.linalg.matrix_rank(t, **o), x), expected)
    for small in (np.zeros(3), np.arange(3.0), np.float64(2)):
        assert values(df.linalg.matrix_rank, small) == np.linalg.matrix_rank(small)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_lstsq_is_numpys(shape: tuple[int, ...]) -> None:
    """Solutions, residuals, ranks and singular values are NumPy's."""
    a = drawn(shape)
    for b in (drawn(shape[:1]), drawn((shape[0], 2))):
        made = values(df.linalg.lstsq, a, b)
        for ours, theirs in zip(made, np.linalg.lstsq(a, b), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
            assert ours.shape == np.shape(theirs)


def test_lstsq_keeps_its_digits() -> None:
    """The solution of an ill-conditioned system has the bits of NumPy's."""
    a = np.vander(np.linspace(0, 1, 14), 10)
    found = values(lambda t: df.linalg.lstsq(t, a.sum(1), rcond=1e-16).solution, a)
    np.testing.assert_array_equal(found, np.linalg.lstsq(a, a.sum(1), rcond=1e-16)[0])


def test_lstsq_of_a_rank_too_low_is_the_shortest() -> None:
    """Where several solutions are best, the shortest is returned; stacks work."""
    a = np.ones((2, 3, 2))
    made = values(df.linalg.lstsq, a, np.full((2, 3, 1), 4.0))
    np.testing.assert_allclose(made[0], np.full((2, 2, 1), 2.0))
    np.testing.assert_array_equal(made[2], [1, 1])
    made = values(df.linalg.lstsq, a[0], np.full((2, 3, 1), 4.0))
    np.testing.assert_allclose(made[0], np.full((2, 2, 1), 2.0))


# Functions of matrices


@pytest.mark.parametrize("scale", [1e-9, 0.3, 4.0, 15.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_expm_is_scipys(scale: float, dtype: str) -> None:
    """Exponentials of small and of large matrices are SciPy's, each scaled by itself."""
    x = np.stack([drawn((4, 4), dtype) * np.asarray(s, dtype) for s in (scale, 1e-3)])
    wide = x.astype(np.result_type(dtype, np.float64))
    found, expected = values(df.linalg.expm, x), scipy.linalg.expm(wide)
    bound = 1e-5 if dtype in ("float32", "complex64") else 1e-10
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, bound, bound * float(np.abs(theirs).max()))


def test_expm_of_no_numbers() -> None:
    """Where a matrix isn't finite, its exponential is NaN, and no other's is."""
    x = np.zeros((2, 2, 2))
    x[0, 0, 1] = np.inf
    found = values(df.linalg.matrix_exp, x)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], np.eye(2), 1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_roots_and_logarithms_are_scipys(dtype: str) -> None:
    """Square roots and logarithms are SciPy's, complex, of matrices near 1 and far from it."""
    shift = 3 * np.eye(4) + (1j if dtype[0] == "c" else 0)
    x = np.stack([np.eye(4) + drawn((4, 4)) * 1e-6, shift + drawn((4, 4)), drawn((4, 4))])
    x = (x if dtype[0] == "c" else x.real).astype(dtype)
    bound = 2e-5 if dtype in ("float32", "complex64") else 1e-11
    for ours, theirs in (
        (df.linalg.sqrtm, scipy.linalg.sqrtm),
        (df.linalg.logm, scipy.linalg.logm),
    ):
        found = values(ours, x)
        assert found.dtype == np.result_type(dtype, np.complex64)
        expected = np.stack([theirs(a.astype(np.complex128)) for a in x])
        np.testing.assert_allclose(found, expected, 0, bound * float(np.abs(expected).max()))


def test_roots_of_singular_matrices() -> None:
    """The root of a singular matrix that has one is exact; its logarithm is NaN."""
    x = np.diag([4.0, 0])
    np.testing.assert_array_equal(values(df.linalg.sqrtm, x), np.diag([2, 0]))
    assert np.isnan(values(df.linalg.logm, x)).all()


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", ["cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"])
def test_trigonometry_is_scipys(name: str, dtype: str) -> None:
    """Cosines and their like are SciPy's, and real of real matrices."""
    x = drawn((3, 3), dtype) * 0.5
    found, expected = values(getattr(df.linalg, name), x), getattr(scipy.linalg, name)(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, 1e-11, 1e-11)


def test_expm_frechet_is_scipys() -> None:
    """The exponential and its derivative in a direction are SciPy's."""
    x, e = drawn((3, 3)), drawn((3, 3))
    for ours, theirs in zip(values(df.linalg.expm_frechet, x, e),
                            scipy.linalg.expm_frechet(x, e), strict=True):  # fmt: skip
        np.testing.assert_allclose(ours, theirs, 1e-11, 1e-11)


@pytest.mark.parametrize("name", ["expm", "logm"])
def test_large_cotangents_cost_no_digits(name: str) -> None:
    """A derivative is linear: a direction a billion times as large has as many right digits."""
    data, weights = drawn((3, 3)) + 3 * np.eye(3), drawn((3, 3))
    made = []
    for scale in (1.0, 1e9):
        b = df.GraphBuilder()
        x = b.variable("x", data)
        value = (df.real(getattr(df.linalg, name)(x)) * b.constant(weights * scale)).sum()
        made.append(df.evaluate(df.grad(value, [x])[0]) / scale)
    np.testing.assert_allclose(made[1], made[0], 1e-13)
    zero, slope = np.zeros((3, 3)), values(df.linalg.expm_frechet, data, weights * 1e9)[1]
    np.testing.assert_allclose(slope / 1e9, scipy.linalg.expm_frechet(data, weights)[1], 1e-12)
    assert not values(df.linalg.expm_frechet, data, zero)[1].any()


def test_functions_of_nan_are_nan() -> None:
    """NaN reaches every element, whichever part of a complex exponential they are made of."""
    for name in ("expm", "cosm", "sinm", "coshm", "sinhm"):
        assert np.isnan(values(getattr(df.linalg, name), np.full((2, 2), np.nan))).all(), name


@pytest.mark.parametrize("name", ["solve_continuous_lyapunov", "solve_discrete_lyapunov"])
def test_lyapunov_is_scipys(name: str) -> None:
    """Solutions of both of Lyapunov's equations are SciPy's, and have gradients."""
    a, q = drawn((3, 3)) / 4 + 0.3 * np.eye(3), drawn((3, 3))
    function = getattr(df.linalg, name)
    np.testing.assert_allclose(values(function, a, q), getattr(scipy.linalg, name)(a, q), 1e-9)
    check_gradient(lambda t: size_of(function(t, q)), a)


@pytest.mark.parametrize("sign", [-1, 1])
def test_lyapunov_is_exact_near_the_unit_circle(sign: int) -> None:
    """An eigenvalue next to 1 or -1 costs the digits that the equation itself loses, no more."""
    a = np.array([[sign * (1 - 1e-6), 0.5], [0, 0.25]])
    x = np.array([[2.0, 1], [1, 3]])
    found = values(df.linalg.solve_discrete_lyapunov, a, x - a @ x @ a.T)
    np.testing.assert_allclose(found, x, rtol=1e-8)
    a[0, 0] = -1
    with pytest.raises(KernelError, match="Singular"):
        values(df.linalg.solve_discrete_lyapunov, a, x)


@pytest.mark.parametrize("name", ["solve_continuous_are", "solve_discrete_are"])
def test_riccati_is_scipys(name: str) -> None:
    """Solutions of Riccati's equations are SciPy's, for stacks that broadcast."""
    a, b, q, r = drawn((2, 3, 3)), drawn((3, 2)), 3 * np.eye(3), np.eye(2)
    found = values(getattr(df.linalg, name), a, b, q, r)
    for matrix, ours in zip(a, found, strict=True):
        np.testing.assert_allclose(ours, getattr(scipy.linalg, name)(matrix, b, q, r), 1e-9, 1e-9)


def test_procrustes_is_scipys() -> None:
    """The rotation and its scale are SciPy's, and have gradients."""
    a, b = drawn((4, 3)), drawn((4, 3))
    rotation, scale = values(df.linalg.orthogonal_procrustes, a, b)
    expected = scipy.linalg.orthogonal_procrustes(a, b)
    np.testing.assert_allclose(rotation, expected[0], atol=1e-12)
    assert scale == pytest.approx(expected[1])
    weights = drawn((3, 3), "float64")
    check_gradient(lambda t: (df.real(df.linalg.orthogonal_procrustes(t, b).R) * weights).sum(), a)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 3), (0, 0)])
def test_polar_is_scipys(shape: tuple[int, ...], side: Any) -> None:  # noqa: ANN401
    """Both factors are SciPy's, of stacks too; at equal singular values gradients are finite."""
    x = drawn(shape)
    made = values(lambda t: df.linalg.polar(t, side), x)
    for place in np.ndindex(x.shape[:-2] if x.size else (0,)):
        expected = scipy.linalg.polar(x[place], side)
        for ours, theirs in zip(made, expected, strict=True):
            np.testing.assert_allclose(ours[place], theirs, atol=1e-12)
    found = slope(lambda t: df.linalg.polar(t, side)[0] * np.arange(9.0).reshape(3, 3), np.eye(3))
    np.testing.assert_allclose(found, [[0, -1, -2], [1, 0, -1], [2, 1, 0]], atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sylvester_broadcasts(dtype: str) -> None:
    """Solutions satisfy the equation, for stacks that broadcast and dtypes that differ."""
    a, b, q = drawn((3, 3), dtype) + 4, drawn((2, 1, 2, 2)), drawn((5, 3, 2), dtype)
    a, b = a + 3 * np.eye(3, dtype=dtype), b + 5 * np.eye(2)
    x = values(df.linalg.solve_sylvester, a, b, q)
    np.testing.assert_allclose(a @ x + x @ b, np.broadcast_to(q, (2, 5, 3, 2)), atol=1e-5)
    assert x.dtype == "complex128"
    assert values(df.linalg.solve_sylvester, a[:0, :0], b, q[:, :0]).shape == (2, 5, 0, 2)


# Dtypes and errors


def test_ranks_of_bfloat16() -> None:
    """The rank of bfloat16 is that of the same numbers in float32."""
    pytest.importorskip("ml_dtypes")
    b = df.GraphBuilder()
    x = b.constant(np.diag([1.0, 2.0, 0.0])).astype("bfloat16")
    assert df.evaluate(df.linalg.matrix_rank(x)) == 2
    assert df.linalg.lstsq(x, x).solution.dtype == x.dtype


def test_dtypes_that_lapack_lacks() -> None:
    """Integers and booleans work in float64, float16 in float32."""
    x = np.array([[2, 1], [1, 2]])
    for dtype, wide in (("int8", "float64"), ("bool", "float64"), ("float16", "float32")):
        assert values(df.linalg.eigvalsh, x.astype(dtype)).dtype == wide
        assert values(df.linalg.svdvals, x.astype(dtype)).dtype == wide
        assert values(df.linalg.pinv, x.astype(dtype)).dtype == wide


@pytest.mark.parametrize("function", [
    lambda t: df.linalg.qr(t[0]), lambda t: df.linalg.qr(t, RAW),
    df.linalg.eig, df.linalg.eigvals, df.linalg.expm, df.linalg.sqrtm, df.linalg.logm,
    lambda t: df.linalg.solve_discrete_are(t, t, t, t),
    lambda t: df.linalg.solve_lyapunov(t, t), lambda t: df.linalg.solve_discrete_lyapunov(t, t),
    lambda t: df.linalg.orthogonal_procrustes(t, t[:1]), lambda t: df.linalg.polar(t, "up"),
    lambda t: df.linalg.expm_frechet(t, t), df.linalg.cosm, df.linalg.sinhm,
    lambda t: df.linalg.solve_sylvester(t, t, t), lambda t: df.linalg.solve_sylvester(t[0], t, t),
    lambda t: df.linalg.eigh(t[0]), lambda t: df.linalg.cholesky(t[0, 0]), df.linalg.cholesky,
    lambda t: df.linalg.svd(t[0], hermitian=True), lambda t: df.linalg.pinv(t, hermitian=True),
    df.linalg.eigh, df.linalg.eigvalsh, lambda t: df.linalg.svd(t[0]),
    lambda t: df.linalg.svdvals(t[0]), lambda t: df.linalg.pinv(t[0]),
    lambda t: df.linalg.eigh(t[:, :2], UPLO="X"), lambda t: df.linalg.lstsq(t, t[:1]),
])  # fmt: skip
def test_shapes_that_are_no_matrices(function: Callable[..., Any]) -> None:
    """Vectors, and matrices that aren't square where they must be, are refused when declared."""
    t = df.GraphBuilder().input("x", (2, 3), "float64")
    with pytest.raises(ArgumentError, match=r"test_decompositions\.py"):
        function(t)


def test_tolerances_that_are_none() -> None:
    """A tolerance below 0, or two at once, are refused when declared."""
    t = df.GraphBuilder().input("x", (2, 3), "float64")
    for options in ({"rtol": -1.0}, {"rcond": 0.1, "rtol": 0.1}, {"rtol": "x"}):
        with pytest.raises(DTypeError, match=r"test_decompositions\.py"):
            df.linalg.pinv(t, **options)
    with pytest.raises(DTypeError, match="both"):
        df.linalg.matrix_rank(t, tol=0.1, rtol=0.1)


def test_tolerances_may_be_numpys_numbers() -> None:
    """A NumPy scalar is a tolerance, and for least squares -1 stands for the dtype's epsilon."""
    x, y = drawn((3, 2)), drawn((3,))
    rcond = np.float32(0.5)
    assert_near(values(df.linalg.pinv, x, rcond=rcond), np.linalg.pinv(x, rcond))
    assert_near(values(df.linalg.lstsq, x, y, rcond=-1)[0], np.linalg.lstsq(x, y, -1)[0])


def test_a_failure_of_lapack_is_ours() -> None:
    """An algorithm that doesn't converge, on NaN, fails as our own error, in a plan too."""
    b = df.GraphBuilder()
    x = b.input("x", (2, 2), "float64")
    runner = df.Runner(df.compile(b.build(outputs={"s": df.linalg.svdvals(x)})))
    with pytest.raises(KernelError):
        runner.run(x=np.full((2, 2), np.nan))


def test_stacks_may_have_names() -> None:
    """The stack's axes may be named, and the sides of a matrix."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", "rows", 3), "float64")
    u, s, vh = df.linalg.svd(x, full_matrices=False)
    p = df.linalg.pinv(x)
    q, r = df.linalg.qr(x)
    value = s.sum() + (u @ vh).sum() + p.sum() + df.linalg.matrix_rank(x).sum() + (q @ r).sum()
    graph = b.build(outputs={"s": s, "g": df.grad(value, [x])[0]})
    data = drawn((4, 5, 3), "float64")
    made = df.Runner(df.compile(graph, dims={"batch": 4, "rows": 5})).run(x=data)
    assert_near(made["s"], np.linalg.svdvals(data))
    assert np.isfinite(made["g"]).all()
