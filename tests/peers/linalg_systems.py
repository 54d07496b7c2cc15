"""Cross-checks of linear systems, determinants and norms."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(4)


def real(*shape: int) -> np.ndarray:
    """Draw real numbers."""
    return RNG.uniform(-2, 2, shape)


def both(*shape: int) -> np.ndarray:
    """Draw complex numbers."""
    return real(*shape) + 1j * real(*shape)


def regular(x: np.ndarray) -> np.ndarray:
    """Return matrices with a heavy diagonal, far from singular."""
    return x + 4 * np.eye(x.shape[-1])


def row(name: str, *arrays: np.ndarray, jax: bool = True) -> Row:
    """Return a row of a function that has one name in all three."""
    theirs: Callable[..., Any] | None = None
    if jax:
        theirs = lambda j, *x: getattr(j.numpy.linalg, name)(*x)  # noqa: E731
    return Row(name, arrays, getattr(df.linalg, name), lambda t, *x: getattr(t.linalg, name)(*x),
               theirs)  # fmt: skip


# PyTorch's gradient is 0 here, where the cofactors aren't.
SINGULAR = np.diag([1.0, 2.0, 0.0]) @ real(3, 3)


def normed(order: Any, *, complex_: bool = False) -> Row:  # noqa: ANN401 - NumPy's orders
    """Return a row of a norm of vectors along an axis."""
    x = both(3, 4) if complex_ else real(3, 4)
    return Row(f"vector_norm {order}", (x,),
               lambda x: df.linalg.vector_norm(x, axis=1, ord=order),
               lambda t, x: t.linalg.vector_norm(x, dim=1, ord=order),
               lambda j, x: j.numpy.linalg.vector_norm(x, axis=1, ord=order))  # fmt: skip


def matrix_normed(order: Any) -> Row:  # noqa: ANN401 - NumPy's orders
    """Return a row of a norm of matrices."""
    return Row(f"matrix_norm {order}", (real(2, 3, 4),),
               lambda x: df.linalg.matrix_norm(x, ord=order),
               lambda t, x: t.linalg.matrix_norm(x, ord=order),
               lambda j, x: j.numpy.linalg.matrix_norm(x, ord=order))  # fmt: skip


def definite(x: np.ndarray) -> np.ndarray:
    """Return Hermitian matrices whose eigenvalues are 1 or more."""
    made = x @ np.swapaxes(x, -1, -2).conj()
    return np.asarray((made + np.swapaxes(made, -1, -2).conj()) / 2 + np.eye(x.shape[-1]))


def torch_polar(t: Any, x: Any) -> Any:  # noqa: ANN401 - tensors
    """Return both factors of a polar decomposition, by singular values."""
    u, s, vh = t.linalg.svd(x, full_matrices=False)
    return u @ vh, vh.T @ t.diag(s) @ vh


TRIANGLE = np.tril(regular(real(4, 4)))

ROWS = [
    *(normed(order) for order in (0, 1, 2, 3, -2, 2.5, np.inf, -np.inf)),
    *(normed(order, complex_=True) for order in (1, 2, 3, np.inf)),
    *(matrix_normed(order) for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    Row("norm at zero", (np.zeros(3),), df.linalg.norm, lambda t, x: t.linalg.norm(x), None),
    row("cond", regular(real(3, 3))), row("cholesky", definite(real(2, 3, 3))),
    # PyTorch keeps an imaginary part of the diagonal's cotangent, which nothing depends on.
    Row("cholesky", (definite(both(3, 3)),), df.linalg.cholesky, None,
        lambda j, x: j.numpy.linalg.cholesky(x)),
    *[Row("lu", (x,), df.linalg.lu, lambda t, x: t.linalg.lu(x),
          lambda j, x: j.scipy.linalg.lu(x)) for x in (real(3, 3), real(4, 2), real(2, 4))],
    Row("lu", (both(3, 3),), df.linalg.lu, lambda t, x: t.linalg.lu(x), None),
    *[Row("lu_factor", (x,), lambda x: df.linalg.lu_factor(x)[0],
          lambda t, x: t.linalg.lu_factor(x)[0], lambda j, x: j.scipy.linalg.lu_factor(x)[0])
      for x in (real(3, 3), real(2, 3, 3))],
    Row("lu_solve", (regular(real(3, 3)), real(3, 2)),
        lambda a, b: df.linalg.lu_solve(df.linalg.lu_factor(a), b),
        lambda t, a, b: t.linalg.lu_solve(*t.linalg.lu_factor(a), b),
        lambda j, a, b: j.scipy.linalg.lu_solve(j.scipy.linalg.lu_factor(a), b)),
    Row("lu_solve", (regular(both(3, 3)), both(3, 2)),
        lambda a, b: df.linalg.lu_solve(df.linalg.lu_factor(a), b, 2),
        lambda t, a, b: t.linalg.lu_solve(*t.linalg.lu_factor(a), b, adjoint=True), None),
    Row("eigh_tridiagonal", (real(4), real(3)),
        lambda d, e: df.linalg.eigh_tridiagonal(d, e, eigvals_only=True), None,
        lambda j, d, e: j.numpy.linalg.eigvalsh(j.numpy.diag(d) + j.numpy.diag(e, 1)
                                               + j.numpy.diag(e, -1))),
    Row("vander", (real(2, 4),), df.linalg.vander, lambda t, x: t.linalg.vander(x), None),
    *[Row("householder_product", (x, tau), df.linalg.householder_product,
          lambda t, *x: t.linalg.householder_product(*x), None)
      for x, tau in ((real(4, 3), real(3)), (both(2, 4, 2), both(2, 2)))],
    Row("companion", (real(4) + 3,), df.linalg.companion, None,
        lambda j, x: j.scipy.linalg.companion(x)),
    Row("leslie", (real(4), real(3)), df.linalg.leslie, None,
        lambda j, *x: j.scipy.linalg.leslie(*x)),
    Row("fiedler", (real(4),), df.linalg.fiedler, None, lambda j, x: j.scipy.linalg.fiedler(x)),
    Row("convolution_matrix", (real(3),), lambda x: df.linalg.convolution_matrix(x, 4, "same"),
        None, lambda j, x: j.scipy.linalg.convolution_matrix(x, 4, "same")),
    Row("solve_triangular", (TRIANGLE, real(4, 2)),
        lambda a, b: df.linalg.solve_triangular(a, b, lower=True),
        lambda t, a, b: t.linalg.solve_triangular(a, b, upper=False),
        lambda j, a, b: j.scipy.linalg.solve_triangular(a, b, lower=True)),
    Row("solve_triangular", (regular(both(3, 3)), both(3)),
        lambda a, b: df.linalg.solve_triangular(a, b, trans="C", unit_diagonal=True), None,
        lambda j, a, b: j.scipy.linalg.solve_triangular(a, b, trans="C", unit_diagonal=True)),
    # PyTorch's gradient of the factor isn't a triangle.
    Row("cho_solve", (np.linalg.cholesky(definite(real(3, 3))), real(3, 2)),
        lambda c, b: df.linalg.cho_solve((c, True), b), None,
        lambda j, c, b: j.scipy.linalg.cho_solve((c, True), b)),
    # JAX differentiates by one triangle; by a symmetric argument it is what we have.
    Row("cho_factor", (definite(real(3, 3)),),
        lambda x: df.tril(df.linalg.cho_factor(x, lower=True)[0]), None,
        lambda j, x: j.numpy.tril(j.scipy.linalg.cho_factor((x + x.T) / 2, lower=True)[0])),
    Row("cholesky_solve", (real(3, 2), np.linalg.cholesky(definite(real(3, 3)))),
        df.cholesky_solve, lambda t, b, c: t.cholesky_solve(b, t.tril(c)), None, gradient=False),
    Row("cholesky_solve", (real(3, 2), definite(real(3, 3))),
        lambda b, x: df.cholesky_solve(b, df.linalg.cholesky(x)),
        lambda t, b, x: t.cholesky_solve(b, t.linalg.cholesky(x)), None),
    Row("cholesky_inverse", (definite(real(3, 3)),),
        lambda x: df.cholesky_inverse(df.linalg.cholesky(x)),
        lambda t, x: t.cholesky_inverse(t.linalg.cholesky(x)), None),
    # JAX has no derivative of it, and PyTorch's decomposition gives one.
    *[Row("polar", (x,), df.linalg.polar, torch_polar, None)
      for x in (regular(real(3, 3)), real(4, 2))],
    *[Row("polar", (x,), df.linalg.polar, None, lambda j, x: j.scipy.linalg.polar(x),
          gradient=False)
      for x in (regular(real(3, 3)), real(4, 2))],
    *[Row("matrix_transpose", (both(2, 3, 4),), function, lambda t, x: t.adjoint(x).conj(),
          lambda j, x: j.numpy.matrix_transpose(x))
      for function in (df.matrix_transpose, df.linalg.matrix_transpose)],
    # JAX has no derivatives of these three.
    *[Row(name, (regular(real(3, 3)),), getattr(df.linalg, name), None,
          lambda j, x, n=name: getattr(j.scipy.linalg, n)(x), gradient=False)
      for name in ("sqrtm", "schur", "hessenberg")],
    Row("eigvalsh_tridiagonal", (real(4), real(3)), df.linalg.eigvalsh_tridiagonal,
        lambda t, d, e: t.linalg.eigvalsh(t.diag(d) + t.diag(e, 1) + t.diag(e, -1)),
        lambda j, d, e: j.numpy.linalg.eigvalsh(
            j.numpy.diag(d) + j.numpy.diag(e, 1) + j.numpy.diag(e, -1))),
    Row("expm_frechet", (real(3, 3), real(3, 3)), df.linalg.expm_frechet, None,
        lambda j, a, e: j.scipy.linalg.expm_frechet(a, e)),
    Row("solve_sylvester", (regular(real(3, 3)), regular(real(2, 2)), real(3, 2)),
        df.linalg.solve_sylvester, None,
        lambda j, a, b, q: j.numpy.linalg.solve(
            j.numpy.kron(a, j.numpy.eye(2)) + j.numpy.kron(j.numpy.eye(3), b.T),
            q.ravel()).reshape(3, 2)),
    Row("logdet", (regular(real(2, 3, 3)),), df.logdet, lambda t, x: t.logdet(x), None),
    Row("logdet", (both(3, 3),), df.logdet, lambda t, x: t.logdet(x), None),
    Row("multi_dot", (real(2, 3), real(3, 4), real(4, 2)), lambda *x: df.linalg.multi_dot(x),
        lambda t, *x: t.linalg.multi_dot(x), lambda j, *x: j.numpy.linalg.multi_dot(x)),
    *[Row("matrix_power", (regular(both(2, 3, 3)),), lambda x, n=n: df.linalg.matrix_power(x, n),
          lambda t, x, n=n: t.linalg.matrix_power(x, n),
          lambda j, x, n=n: j.numpy.linalg.matrix_power(x, n)) for n in (-2, 3)],
    Row("block_diag", (real(2, 3), real(1, 2)), df.linalg.block_diag,
        lambda t, *x: t.block_diag(*x), lambda j, *x: j.scipy.linalg.block_diag(*x)),
    Row("toeplitz", (real(3), real(4)), df.linalg.toeplitz, None,
        lambda j, *x: j.scipy.linalg.toeplitz(*x)),
    row("solve", regular(real(3, 3)), real(3)), row("solve", regular(both(3, 3)), both(3, 2)),
    row("solve", regular(real(2, 3, 3)), real(2, 3, 2)), row("inv", regular(both(2, 3, 3))),
    row("det", real(2, 3, 3)), row("det", both(3, 3)),
    Row("det", (SINGULAR,), df.linalg.det, None, lambda j, x: j.numpy.linalg.det(x)),
    row("slogdet", real(2, 3, 3)), row("slogdet", both(2, 3, 3)),
    Row("tensorinv", (regular(real(6, 6)).reshape(2, 3, 6),), df.linalg.tensorinv,
        lambda t, x: t.linalg.tensorinv(x), lambda j, x: j.numpy.linalg.tensorinv(x)),
    Row("tensorsolve", (regular(real(6, 6)).reshape(2, 3, 6), real(2, 3)), df.linalg.tensorsolve,
        lambda t, a, b: t.linalg.tensorsolve(a, b),
        lambda j, a, b: j.numpy.linalg.tensorsolve(a, b)),
]  # fmt: skip
