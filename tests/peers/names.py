"""Cross-checks of functions that stand for a composition under PyTorch's name."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(5)
A, B = RNG.uniform(-2, 2, (3, 4)), RNG.uniform(-2, 2, (4, 2))
C = RNG.uniform(-2, 2, (5, 4))
ROWS = [
    Row("rsqrt", (abs(A) + 0.1,), df.rsqrt, lambda t, x: t.rsqrt(x),
        lambda j, x: j.lax.rsqrt(x)),
    Row("lerp", (A, A[::-1].copy()), lambda a, b: df.lerp(a, b, 0.7),
        lambda t, a, b: t.lerp(a, b, 0.7), None),
    Row("lerp", (A, A + 3, A / 2), df.lerp, lambda t, a, b, w: t.lerp(a, b, w), None),
    Row("clamp", (A,), lambda a: df.clamp(a, min=-1.0, max=0.5),
        lambda t, a: t.clamp(a, min=-1.0, max=0.5), None),
    Row("addmm", (A @ B, A, B), lambda x, a, b: df.addmm(x, a, b, beta=0.5, alpha=3.0),
        lambda t, x, a, b: t.addmm(x, a, b, beta=0.5, alpha=3.0), None),
    Row("baddbmm", (np.ones((1, 1, 2)), A[None], B[None]), df.baddbmm,
        lambda t, x, a, b: t.baddbmm(x, a, b), None),
    *(Row("cdist", (A, C), lambda a, b, p=p: df.cdist(a, b, p),
          lambda t, a, b, p=p: t.cdist(a, b, p), None) for p in (1.0, 2.0, 3.0, np.inf)),
    Row("linear", (C, A, np.ones(3)), df.nn.linear,
        lambda t, x, w, b: t.nn.functional.linear(x, w, b), None),
    Row("bilinear", (A, A[:, :2].copy(), RNG.uniform(-1, 1, (5, 4, 2))), df.nn.bilinear,
        lambda t, x, y, w: t.nn.functional.bilinear(x, y, w), None),
    Row("cdist", (A[None], A[:2, :]), df.cdist, lambda t, a, b: t.cdist(a, b), None),
    *(Row(name, (A[:3, :3] + 4 * np.eye(3),), getattr(df, name),
          lambda t, x, name=name: getattr(t, name)(x), None)
      for name in ("det", "inverse", "matrix_exp", "norm", "t", "block_diag")),
    Row("matrix_power", (A[:3, :3],), lambda x: df.matrix_power(x, 3),
        lambda t, x: t.matrix_power(x, 3), None),
    Row("mvlgamma", (abs(A) + 1,), lambda x: df.mvlgamma(x, 2),
        lambda t, x: t.mvlgamma(x, 2), None),
    Row("polygamma", (abs(A) + 1,), lambda x: df.polygamma(1, x),
        lambda t, x: t.polygamma(1, x), None),
    *(Row(name, (abs(A) + 0.1,), lambda x, name=name: getattr(df, name)(2.0, x),
          lambda t, x, name=name: getattr(t, name)(t.full_like(x, 2), x), None)
      for name in ("igamma", "igammac")),
]  # fmt: skip
