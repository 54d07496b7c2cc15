"""Cross-checks of what PyTorch has a name for: sums of products, distances, parts."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(11)
A, B = RNG.uniform(-2, 2, (3, 4)), RNG.uniform(-2, 2, (4, 3))
C = RNG.uniform(0.5, 2, (3, 4))
V, W = RNG.uniform(-2, 2, 3), RNG.uniform(-2, 2, 4)
CUBE, OTHER = RNG.uniform(-2, 2, (2, 3, 4)), RNG.uniform(-2, 2, (2, 4, 3))
Z = A + 1j * B.T
LARGE = A > 0
ROWS = [
    Row("addbmm", (A @ B, CUBE, OTHER), lambda x, a, b: df.addbmm(x, a, b, beta=0.5, alpha=3.0),
        lambda t, x, a, b: t.addbmm(x, a, b, beta=0.5, alpha=3.0), None),
    Row("addmv", (V, A, W), lambda x, a, v: df.addmv(x, a, v, alpha=2.0),
        lambda t, x, a, v: t.addmv(x, a, v, alpha=2.0), None),
    Row("addr", (A, V, W), lambda x, a, b: df.addr(x, a, b, beta=2.0),
        lambda t, x, a, b: t.addr(x, a, b, beta=2.0), None),
    Row("addcmul", (A, C, V[:, None]), lambda x, a, b: df.addcmul(x, a, b, value=0.7),
        lambda t, x, a, b: t.addcmul(x, a, b, value=0.7), None),
    Row("addcdiv", (A, V[:, None], C), lambda x, a, b: df.addcdiv(x, a, b, value=0.7),
        lambda t, x, a, b: t.addcdiv(x, a, b, value=0.7), None),
    *(Row("pdist", (A,), lambda a, p=p: df.pdist(a, p), lambda t, a, p=p: t.pdist(a, p), None)
      for p in (1.0, 2.0, np.inf)),
    *(Row("dist", (A, C), lambda a, b, p=p: df.dist(a, b, p),
          lambda t, a, b, p=p: t.dist(a, b, p), None) for p in (1.0, 2.0, 3.0)),
    *(Row("renorm", (CUBE,), lambda a, d=d: df.renorm(a, 2, d, 2.5),
          lambda t, a, d=d: t.renorm(a, 2, d, 2.5), None) for d in (0, -1)),
    Row("cartesian_prod", (V, W), df.cartesian_prod, lambda t, a, b: t.cartesian_prod(a, b), None),
    *(Row("combinations", (W,), lambda a, r=r, w=w: df.combinations(a, r, w),
          lambda t, a, r=r, w=w: t.combinations(a, r, w), None)
      for r, w in ((2, False), (3, True), (5, False))),
    Row("std_mean", (CUBE,), lambda a: df.std_mean(a, (0, 2), keepdim=True),
        lambda t, a: t.std_mean(a, (0, 2), keepdim=True), None),
    Row("var_mean", (CUBE,), lambda a: df.var_mean(a, 1, correction=0),
        lambda t, a: t.var_mean(a, 1, correction=0), None),
    Row("frac", (A,), df.frac, lambda t, a: t.frac(a), None),
    *(Row("div", (A, C), lambda a, b, m=m: df.div(a, b, rounding_mode=m),
          lambda t, a, b, m=m: t.div(a, b, rounding_mode=m), None)
      for m in (None, "trunc", "floor")),
    Row("frexp", (A,), lambda a: df.frexp(a)[0], lambda t, a: t.frexp(a)[0],
        lambda j, a: j.numpy.frexp(a)[0]),
    Row("clamp_min", (A,), lambda a: df.clamp_min(a, 0.3), lambda t, a: t.clamp_min(a, 0.3), None),
    Row("clamp_max", (A,), lambda a: df.clamp_max(a, 0.3), lambda t, a: t.clamp_max(a, 0.3), None),
    Row("msort", (A,), df.msort, lambda t, a: t.msort(a), None),
    Row("unflatten", (CUBE,), lambda a: df.unflatten(a, -1, (2, -1)),
        lambda t, a: t.unflatten(a, -1, (2, -1)), None),
    Row("split_with_sizes", (A,), lambda a: df.split_with_sizes(a, [1, 3], 1)[1],
        lambda t, a: t.split_with_sizes(a, [1, 3], 1)[1], None),
    Row("view_as_real", (Z,), df.view_as_real, lambda t, z: t.view_as_real(z), None),
    Row("view_as_complex", (np.stack([A, C], -1),), df.view_as_complex,
        lambda t, x: t.view_as_complex(x), None),
    Row("adjoint", (Z,), df.adjoint, lambda t, z: t.adjoint(z), None),
    Row("sgn", (Z,), df.sgn, lambda t, z: t.sgn(z), None),
    Row("masked_scatter", (A, C), lambda x, s: df.masked_scatter(x, LARGE, s),
        lambda t, x, s: t.masked_scatter(x, t.asarray(LARGE), s), None),
    Row("select_scatter", (A, V), lambda x, s: df.select_scatter(x, s, 1, -2),
        lambda t, x, s: t.select_scatter(x, s, 1, -2), None),
    Row("slice_scatter", (A, C[:, :2].copy()), lambda x, s: df.slice_scatter(x, s, 1, 1, None, 2),
        lambda t, x, s: t.slice_scatter(x, s, 1, 1, None, 2), None),
    *(Row("index_put", (A, W), lambda x, v, add=add: df.index_put(
              x, ([0, 2, 1, 0], [1, 3, 3, 0]), v, add),
          lambda t, x, v, add=add: t.index_put(
              x, (t.tensor([0, 2, 1, 0]), t.tensor([1, 3, 3, 0])), v, add), None)
      for add in (False, True)),
    Row("lgamma", (C,), df.lgamma, lambda t, a: t.lgamma(a), lambda j, a: j.lax.lgamma(a)),
    Row("digamma", (C,), df.digamma, lambda t, a: t.digamma(a), lambda j, a: j.lax.digamma(a)),
    Row("erfinv", (A / 3,), df.erfinv, lambda t, a: t.erfinv(a), lambda j, a: j.lax.erf_inv(a)),
    Row("logit", (C / 3,), df.logit, lambda t, a: t.logit(a), None),
    Row("xlogy", (A, C), df.xlogy, lambda t, a, b: t.xlogy(a, b), None),
    *(Row("mode", (np.floor(CUBE),), lambda a, d=d: df.mode(a, d), lambda t, a, d=d: t.mode(a, d),
          None) for d in (0, 1, -1)),
    Row("trapz", (A,), df.trapz, lambda t, a: t.trapz(a), None),
]  # fmt: skip
