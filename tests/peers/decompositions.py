"""Cross-checks of factorisations: of vectors, what doesn't depend on their signs and phases."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(2)
SQUARE = RNG.uniform(-2, 2, (2, 4, 4))
SYMMETRIC = SQUARE + SQUARE.swapaxes(-1, -2)
COMPLEX = SQUARE + 1j * RNG.uniform(-2, 2, (2, 4, 4))
HERMITIAN = COMPLEX + COMPLEX.conj().swapaxes(-1, -2)
TALL = RNG.uniform(-2, 2, (3, 5, 2))
WIDE = COMPLEX[:, :3]
RIGHT = RNG.uniform(-2, 2, (3, 5, 2))


def squared(v: Any, conj: Any) -> Any:  # noqa: ANN401 - a tensor of ours or of a peer
    """Return the squares of the sizes of complex numbers, as complex numbers."""
    return v * conj(v)


def of_eigh(made: Any, conj: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Return what doesn't depend on the phases of eigenvectors."""
    w, v = made
    return w, squared(v, conj)


def of_eig(made: Any, conj: Any) -> Any:  # noqa: ANN401
    """Return what doesn't depend on the phases and the order of eigenvectors."""
    w, v = made
    return (squared(v, conj) * w[..., None, :]).sum(-1)


def of_svd(made: Any, conj: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return what doesn't depend on the phases of singular vectors."""
    u, s, vh = made
    return u @ vh, s, squared(u, conj), squared(vh, conj)


ROWS = [
    *[Row("eigvalsh", (x,), df.linalg.eigvalsh, lambda t, x: t.linalg.eigvalsh(x),
          lambda j, x: j.numpy.linalg.eigvalsh(x)) for x in (SYMMETRIC, HERMITIAN)],
    *[Row("eigh", (x,), lambda x: of_eigh(df.linalg.eigh(x), df.conj),
          lambda t, x: of_eigh(t.linalg.eigh(x), t.conj),
          None if x is HERMITIAN else
          lambda j, x: of_eigh(j.numpy.linalg.eigh(x), j.numpy.conj))
      for x in (SYMMETRIC, HERMITIAN)],
    *[Row("eigvals", (x,), lambda x: (df.linalg.eigvals(x) ** 3).sum(-1),
          lambda t, x: (t.linalg.eigvals(x) ** 3).sum(-1),
          lambda j, x: (j.numpy.linalg.eigvals(x) ** 3).sum(-1)) for x in (SQUARE, COMPLEX)],
    *[Row("eig", (x,), lambda x: of_eig(df.linalg.eig(x), df.conj),
          lambda t, x: of_eig(t.linalg.eig(x), t.conj), None) for x in (SQUARE, COMPLEX)],
    *[Row("svdvals", (x,), df.linalg.svdvals, lambda t, x: t.linalg.svdvals(x),
          lambda j, x: j.numpy.linalg.svdvals(x)) for x in (SQUARE, TALL, WIDE)],
    *[Row("svd", (x,), lambda x: of_svd(df.linalg.svd(x, full_matrices=False), df.conj),
          lambda t, x: of_svd(t.linalg.svd(x, full_matrices=False), t.conj),
          lambda j, x: of_svd(j.numpy.linalg.svd(x, full_matrices=False), j.numpy.conj))
      for x in (SQUARE, TALL, WIDE)],
    *[Row("pinv", (x,), df.linalg.pinv, lambda t, x: t.linalg.pinv(x),
          lambda j, x: j.numpy.linalg.pinv(x)) for x in (SQUARE, TALL, WIDE)],
    *[Row("qr", (x,), df.linalg.qr, lambda t, x: t.linalg.qr(x),
          None if x is WIDE else lambda j, x: j.numpy.linalg.qr(x)) for x in (SQUARE, TALL, WIDE)],
    *[Row("expm", (x,), df.linalg.expm, lambda t, x: t.linalg.matrix_exp(x),
          lambda j, x: j.scipy.linalg.expm(x)) for x in (SQUARE, COMPLEX)],
    Row("lstsq", (TALL, RIGHT), lambda a, b: df.linalg.lstsq(a, b).solution,
        lambda t, a, b: t.linalg.lstsq(a, b).solution, None),
    Row("lstsq", (TALL[0], RIGHT[0]), lambda a, b: df.linalg.lstsq(a, b).solution,
        None, lambda j, a, b: j.numpy.linalg.lstsq(a, b)[0]),
    Row("matrix_rank", (TALL,), df.linalg.matrix_rank, lambda t, x: t.linalg.matrix_rank(x),
        lambda j, x: j.numpy.linalg.matrix_rank(x)),
]  # fmt: skip
