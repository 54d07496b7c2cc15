"""Cross-checks of sorts, quantiles and places in sorted sequences."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(3)
X = RNG.permutation(60).reshape(3, 5, 4) / 7
NAN = np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X)
EDGES = np.sort(RNG.uniform(0, 9, 7))

ROWS = [
    *[Row("sort", (X,), lambda x, a=a, d=d: df.sort(x, a, descending=d),
          lambda t, x, a=a, d=d: t.sort(x, dim=a, descending=d).values,
          lambda j, x, a=a, d=d: j.numpy.sort(x, a, descending=d))
      for a, d in ((-1, False), (0, True), (1, False))],
    *[Row("argsort", (X % 2,), lambda x, a=a, d=d: df.argsort(x, a, descending=d),
          lambda t, x, a=a, d=d: t.argsort(x, dim=a, descending=d, stable=True),
          lambda j, x, a=a, d=d: j.numpy.argsort(x, a, descending=d), gradient=False)
      for a, d in ((-1, True), (1, False))],
    *[Row("top_k", (X,), lambda x, a=a, g=g: df.top_k(x, 2, a, largest=g),
          lambda t, x, a=a, g=g: t.topk(x, 2, dim=a, largest=g),
          (lambda j, x: j.lax.top_k(x, 2)) if (a, g) == (-1, True) else None)
      for a, g in ((-1, True), (0, False))],
    *[Row("quantile", (X,), lambda x, m=m, a=a: df.quantile(x, [0.1, 0.5, 0.77], a, method=m),
          lambda t, x, m=m, a=a: t.quantile(x, t.tensor([0.1, 0.5, 0.77], dtype=x.dtype), dim=a,
                                            interpolation=m),
          lambda j, x, m=m, a=a: j.numpy.quantile(x, j.numpy.asarray([0.1, 0.5, 0.77]), a,
                                                  method=m))
      for m, a in (("linear", 1), ("lower", 0), ("higher", -1), ("midpoint", 1), ("nearest", 0))],
    *[Row("nanquantile", (NAN,), lambda x, m=m: df.nanquantile(x, 0.4, 1, method=m),
          lambda t, x, m=m: t.nanquantile(x, 0.4, dim=1, interpolation=m),
          lambda j, x, m=m: j.numpy.nanquantile(x, 0.4, 1, method=m))
      for m in ("linear", "midpoint")],
    *[Row("kthvalue", (X,), lambda x, k=k: df.kthvalue(x, k, 1, keepdims=k == 2),
          lambda t, x, k=k: t.kthvalue(x, k, 1, keepdim=k == 2), None) for k in (1, 2, 5)],
    *[Row("bucketize", (X, EDGES), lambda x, e, r=r: df.bucketize(x, e, right=r),
          lambda t, x, e, r=r: t.bucketize(x, e, right=r), None, gradient=False)
      for r in (False, True)],
    Row("median", (X,), lambda x: df.median(x, 2), None, lambda j, x: j.numpy.median(x, 2)),
    Row("nanmedian", (NAN,), lambda x: df.nanmedian(x, 1), None,
        lambda j, x: j.numpy.nanmedian(x, 1)),
    *[Row("searchsorted", (EDGES, X), lambda a, v, s=s: df.searchsorted(a, v, s),
          lambda t, a, v, s=s: t.searchsorted(a, v, side=s),
          lambda j, a, v, s=s: j.numpy.searchsorted(a, v, s), gradient=False)
      for s in ("left", "right")],
    Row("digitize", (X, EDGES[::-1].copy()), df.digitize, None,
        lambda j, x, e: j.numpy.digitize(x, e), gradient=False),
    Row("partition", (X,), lambda x: df.sort(df.partition(x, 2, 1)[:, :2], 1), None,
        lambda j, x: j.numpy.sort(j.numpy.partition(x, 2, 1)[:, :2], 1)),
    Row("argpartition", (X,), lambda x: df.argpartition(x, 2, 1)[:, 2], None,
        lambda j, x: j.numpy.argpartition(x, 2, 1)[:, 2], gradient=False),
    Row("lexsort", (X % 2, X), lambda *k: df.lexsort(k), None, lambda j, *k: j.numpy.lexsort(k),
        gradient=False),
]  # fmt: skip
