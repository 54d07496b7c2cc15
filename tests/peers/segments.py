"""Cross-checks of segments."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = np.random.default_rng(1).uniform(0.5, 2, (7, 3))
WITH_ZEROS = np.where(X < 1, 0, X)
IDS = [2, 0, 2, 3, 0, 2, 9]


def computed(like: df.Tensor) -> df.Tensor:
    """Return the ids as the run computes them: one that is known is refused if out of range."""
    return like.builder.constant(IDS) + 0


ROWS = [
    *(Row(f"segment_{name}", (X,), lambda t, n=name: getattr(df, f"segment_{n}")(t, computed(t), 4),
          None,
          lambda j, t, n=name: getattr(j.ops, f"segment_{n}")(t, j.numpy.array(IDS), 4))
      for name in ("sum", "max", "min")),
    # JAX has no gradient of segment_prod.
    *(Row("segment_prod", (x,), lambda t: df.segment_prod(t, computed(t), 4),
          lambda m, t: m.ones((10, 3), dtype=t.dtype).scatter_reduce(
              0, m.tensor(IDS)[:, None].expand(-1, 3), t, "prod")[:4], None)
      for x in (X, WITH_ZEROS)),
    Row("bincount", (X[:, 0],), lambda w: df.bincount(w.builder.constant(IDS), w, 10), None,
        lambda j, w: j.numpy.bincount(j.numpy.array(IDS), w, length=10)),
    Row("histogram", (X,), lambda t: df.histogram(t, 5, (0.5, 2), density=True),
        lambda m, t: tuple(m.histogram(t, 5, range=(0.5, 2.0), density=True)),
        lambda j, t: j.numpy.histogram(t, 5, (0.5, 2), density=True), gradient=False),
    *(Row("histc", (X,), lambda t, r=bounds: df.histc(t, 6, *r),
          lambda m, t, r=bounds: m.histc(t, 6, *r), None, gradient=False)
      for bounds in ((), (0.7, 1.6))),
]  # fmt: skip
