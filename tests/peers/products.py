"""Cross-checks of products of tensors."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(3)


def real(*shape: int) -> np.ndarray:
    """Draw real numbers."""
    return RNG.uniform(-2, 2, shape)


def both(*shape: int) -> np.ndarray:
    """Draw complex numbers."""
    return real(*shape) + 1j * real(*shape)


AXES = ([1, 2], [0, 1])

EINSUMS = [
    ("ij,jk->ik", (both(2, 3), both(3, 4))), ("ii->i", (both(3, 3),)), ("ij->", (real(2, 3),)),
    ("bij,bkj->bki", (real(2, 3, 4), real(2, 5, 4))), ("ab,bc,cd->ad", (
        real(2, 3), real(3, 4), real(4, 2))), ("i,j->ij", (both(2), both(3))),
    ("...ij,...jk->...ik", (real(2, 1, 3, 2), real(4, 2, 3))),
]  # fmt: skip


def einsum(text: str, arrays: tuple[np.ndarray, ...]) -> Row:
    """Return a row of einsum."""
    return Row("einsum", arrays, lambda *x: df.einsum(text, *x),
               lambda t, *x: t.einsum(text, *x),
               lambda j, *x: j.numpy.einsum(text, *x))  # fmt: skip


MATMULS = [
    (real(3), real(3)),
    (real(2, 3), real(3)),
    (both(3), both(3, 4)),
    (both(2, 3), both(3, 4)),
    (real(5, 2, 3), real(3, 4)),
    (both(2, 1, 2, 3), both(4, 3, 2)),
    (real(3), real(2, 3, 4)),
]

ROWS = [
    *(Row(name, arrays, function, lambda t, x, y: t.matmul(x, y),
          lambda j, x, y: j.numpy.matmul(x, y))
      for name, function in (("matmul", df.matmul), ("linalg.matmul", df.linalg.matmul))
      for arrays in MATMULS),
    *(einsum(text, arrays) for text, arrays in EINSUMS),
    Row("dot", (real(4), real(4)), df.dot, lambda t, x, y: t.dot(x, y),
        lambda j, x, y: j.numpy.dot(x, y)),
    Row("dot", (real(2, 3), real(4, 3, 2)), df.dot, None, lambda j, x, y: j.numpy.dot(x, y)),
    Row("inner", (both(2, 3), both(4, 3)), df.inner, lambda t, x, y: t.inner(x, y),
        lambda j, x, y: j.numpy.inner(x, y)),
    Row("vdot", (both(4), both(4)), df.vdot, lambda t, x, y: t.vdot(x, y),
        lambda j, x, y: j.numpy.vdot(x, y)),
    Row("vecdot", (both(2, 3), both(4, 1, 3)), df.vecdot,
        lambda t, x, y: t.linalg.vecdot(x, y), lambda j, x, y: j.numpy.vecdot(x, y)),
    Row("tensordot", (both(2, 3, 4), both(3, 4, 5)),
        lambda x, y: df.tensordot(x, y, AXES), lambda t, x, y: t.tensordot(x, y, AXES),
        lambda j, x, y: j.numpy.tensordot(x, y, AXES)),
    Row("tensordot", (real(2, 3), real(3, 2)), lambda x, y: df.tensordot(x, y, 0),
        lambda t, x, y: t.tensordot(x, y, 0), lambda j, x, y: j.numpy.tensordot(x, y, 0)),
    Row("outer", (both(3), both(2)), df.outer, lambda t, x, y: t.outer(x, y),
        lambda j, x, y: j.numpy.outer(x, y)),
    Row("kron", (both(2, 3), both(3, 2)), df.kron, lambda t, x, y: t.kron(x, y),
        lambda j, x, y: j.numpy.kron(x, y)),
    Row("cross", (both(1, 2, 3), both(4, 1, 3)), df.cross,
        lambda t, x, y: t.linalg.cross(x, y), lambda j, x, y: j.numpy.cross(x, y)),
    *[Row(f"convolve {mode}", (real(6), real(3)), lambda x, y, m=mode: df.convolve(x, y, m), None,
          lambda j, x, y, m=mode: j.numpy.convolve(x, y, m)) for mode in ("full", "same", "valid")],
    Row("correlate", (both(5), both(4)), lambda x, y: df.correlate(x, y, "full"), None,
        lambda j, x, y: j.numpy.correlate(x, y, "full")),
    Row("mm", (both(2, 3), both(3, 4)), df.mm, lambda t, x, y: t.mm(x, y), None),
    Row("bmm", (real(2, 2, 3), real(2, 3, 4)), df.bmm, lambda t, x, y: t.bmm(x, y), None),
    Row("mv", (real(2, 3), real(3)), df.mv, lambda t, x, y: t.mv(x, y), None),
    Row("matvec", (real(2, 3, 4), real(3, 4)[:1]), df.matvec, None,
        lambda j, x, y: j.numpy.matvec(x, y)),
    Row("vecmat", (both(2, 3), both(3, 4)), df.vecmat, None,
        lambda j, x, y: j.numpy.vecmat(x, y)),
]  # fmt: skip
