"""Cross-checks of reductions and scans."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(1)
X = RNG.uniform(-2, 2, (3, 4, 5))
Y = RNG.uniform(0.5, 2, (3, 4))
COMPLEX = X + 1j * RNG.uniform(-2, 2, X.shape)
ONE_ZERO = np.where(np.arange(4) == 2, 0, Y)
TWO_ZEROS = np.where(np.arange(4) % 2, 0, Y)
WIDE = X * 300
WEIGHTS = RNG.uniform(0.5, 2, (3, 4, 5))
TIES = np.array([1.0, 3.0, 3.0, 2.0, 3.0, 5.0])
WITH_NAN = np.where(RNG.random((3, 6)) < 0.3, np.nan, RNG.uniform(0.5, 2, (3, 6)))

ROWS = [
    *(Row("prod", (x,), lambda t: df.prod(t, 1), lambda m, t: t.prod(1),
          lambda m, t: m.numpy.prod(t, 1)) for x in (X, Y, ONE_ZERO, TWO_ZEROS, COMPLEX)),
    Row("prod", (X,), lambda t: df.prod(t, (0, 2), keepdims=True), None,
        lambda m, t: m.numpy.prod(t, (0, 2), keepdims=True)),
    *(Row("var", (x,), lambda t: df.var(t, (0, 2), correction=1),
          lambda m, t: t.var((0, 2), correction=1), lambda m, t: m.numpy.var(t, (0, 2), ddof=1))
      for x in (X, COMPLEX)),
    *(Row("std", (x,), lambda t: df.std(t, 1, keepdims=True),
          lambda m, t: t.std(1, correction=0, keepdim=True),
          lambda m, t: m.numpy.std(t, 1, keepdims=True)) for x in (X, COMPLEX)),
    Row("std", (np.ones((2, 3)),), lambda t: df.std(t, 1), lambda m, t: t.std(1, correction=0),
        None),
    *(Row("logsumexp", (x,), lambda t: df.logsumexp(t, (0, 2)),
          lambda m, t: m.logsumexp(t, (0, 2)), lambda m, t: m.nn.logsumexp(t, (0, 2)))
      for x in (X, WIDE)),
    *(Row("logsumexp", (np.array(x),), lambda t: df.logsumexp(t, 0),
          lambda m, t: m.logsumexp(t, 0), lambda m, t: m.nn.logsumexp(t, 0))
      for x in ([-np.inf, -np.inf], [-np.inf, 1.0], [np.inf, 1.0])),
    Row("logsumexp", (X, WEIGHTS), lambda t, b: df.logsumexp(t, 1, b=b), None,
        lambda m, t, b: m.scipy.special.logsumexp(t, 1, b=b)),
    Row("logsumexp", (X, WEIGHTS - 1), lambda t, b: df.logsumexp(t, 1, b=b, return_sign=True),
        None, lambda m, t, b: m.scipy.special.logsumexp(t, 1, b=b, return_sign=True)),
    Row("logsumexp", (COMPLEX,), lambda t: df.logsumexp(t, 1), lambda m, t: m.logsumexp(t, 1),
        lambda m, t: m.nn.logsumexp(t, 1)),
    *(Row("cumsum", (x,), lambda t: df.cumsum(t, 1), lambda m, t: t.cumsum(1),
          lambda m, t: m.numpy.cumsum(t, 1)) for x in (X, COMPLEX)),
    Row("cumsum", (X,), lambda t: df.cumsum(t, 2, reverse=True), None,
        lambda m, t: m.lax.cumsum(t, 2, reverse=True)),
    *(Row("cumprod", (x,), lambda t: df.cumprod(t, 1), lambda m, t: t.cumprod(1),
          lambda m, t: m.numpy.cumprod(t, 1)) for x in (X, Y, COMPLEX)),
    *(Row("cumprod", (x,), lambda t: df.cumprod(t, 1), lambda m, t: t.cumprod(1),
          lambda m, t: m.numpy.cumprod(t, 1)) for x in (ONE_ZERO, TWO_ZEROS)),
    Row("cumprod", (X,), lambda t: df.cumprod(t, 2, reverse=True), None,
        lambda m, t: m.lax.cumprod(t, 2, reverse=True)),
    *(Row("cummax", (x,), lambda t: df.cummax(t, 1), lambda m, t: t.cummax(1), None)
      for x in (X, TIES[None])),
    Row("cummin", (X,), lambda t: df.cummin(t, 1), lambda m, t: t.cummin(1), None),
    Row("cummax", (X,), lambda t: df.cummax(t, 1)[0], None, lambda m, t: m.lax.cummax(t, 1)),
    *(Row("logcumsumexp", (x,), lambda t: df.logcumsumexp(t, 1), lambda m, t: t.logcumsumexp(1),
          lambda m, t: m.lax.cumlogsumexp(t, 1)) for x in (X, WIDE)),
    *(Row(name, (WITH_NAN,), lambda t, n=name: getattr(df, n)(t, 1),
          lambda m, t, n=name: getattr(m, n)(t, 1),
          lambda m, t, n=name: getattr(m.numpy, n)(t, 1))
      for name in ("nansum", "nanmean")),
    *(Row(name, (WITH_NAN,), lambda t, n=name: getattr(df, n)(t, 1), None,
          lambda m, t, n=name: getattr(m.numpy, n)(t, 1))
      for name in ("nanprod", "nanvar", "nanmax", "nanmin", "nancumsum", "nancumprod")),
    *(Row(name, (x,), lambda t, n=name: getattr(df, n)(t, (0, 2), keepdims=True),
          lambda m, t, n=name: getattr(m, n)(t, (0, 2), keepdim=True),
          lambda m, t, n=name: getattr(m.numpy, n)(t, (0, 2), keepdims=True))
      for name in ("sum", "mean") for x in (X, COMPLEX)),
    *(Row(name, (x,), lambda t, n=name: getattr(df, n)(t, -1),
          lambda m, t, n=name: getattr(m, f"a{n}")(t, -1),
          lambda m, t, n=name: getattr(m.numpy, n)(t, -1))
      for name in ("max", "min") for x in (X, TIES, np.floor(X))),
    *(Row(name, (x,), lambda t, n=name: getattr(df, n)(t, 1),
          lambda m, t, n=name: getattr(m, n)(t, 1),
          lambda m, t, n=name: getattr(m.numpy, n)(t, 1), gradient=False)
      for name in ("argmax", "argmin", "any", "all", "count_nonzero") for x in (X, np.floor(X))),
    *(Row(name, (x,), lambda t, n=name: getattr(df, n)(t, 1),
          lambda m, t, n=name: getattr(m, n)(t, 1), lambda m, t, n=name: getattr(m.nn, n)(t, 1))
      for name in ("softmax", "log_softmax") for x in (X, WIDE)),
    *(Row(name, (WITH_NAN,), lambda t, n=name: getattr(df, n)(t, 1), None,
          lambda m, t, n=name: getattr(m.numpy, n)(t, 1), gradient=False)
      for name in ("nanargmax", "nanargmin")),
    Row("nanstd", (WITH_NAN,), lambda t: df.nanstd(t, 1), None,
        lambda m, t: m.numpy.nanstd(t, 1)),
    Row("ptp", (X,), lambda t: df.ptp(t, 1), None, lambda m, t: m.numpy.ptp(t, 1)),
    *(Row(name, (X,), lambda t, n=name, i=initial: getattr(df, n)(t, axis=1, include_initial=i),
          None, lambda m, t, n=name, i=initial: getattr(m.numpy, n)(t, axis=1, include_initial=i))
      for name in ("cumulative_sum", "cumulative_prod") for initial in (False, True)),
    *(Row(name, (x,), lambda t, n=name: getattr(df, n)(t, [20.0, 77.0], 1), None,
          lambda m, t, n=name: getattr(m.numpy, n)(t, m.numpy.array([20.0, 77.0]), 1))
      for name, x in (("percentile", X), ("nanpercentile", WITH_NAN))),
    Row("apply_along_axis", (X,), lambda t: df.apply_along_axis(df.sum, 1, t), None,
        lambda m, t: m.numpy.apply_along_axis(m.numpy.sum, 1, t)),
    Row("apply_over_axes", (X,), lambda t: df.apply_over_axes(df.sum, t, [0, 2]), None,
        lambda m, t: m.numpy.apply_over_axes(m.numpy.sum, t, [0, 2])),
    Row("average", (X, WEIGHTS), lambda t, w: df.average(t, 1, w), None,
        lambda m, t, w: m.numpy.average(t, 1, w)),
    *(Row(name, (X[0],), lambda t, n=name: getattr(df, n)(t), lambda m, t, n=name: getattr(m, n)(t),
          lambda m, t, n=name: getattr(m.numpy, n)(t)) for name in ("cov", "corrcoef")),
    Row("aminmax", (X,), lambda t: df.aminmax(t, 1), lambda m, t: tuple(m.aminmax(t, dim=1)), None),
]  # fmt: skip
