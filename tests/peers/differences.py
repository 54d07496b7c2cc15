"""Cross-checks of differences, slopes, integrals, interpolation and polynomials."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

Y = np.random.default_rng(1).uniform(-2, 2, (4, 5))
X = np.cumsum(np.random.default_rng(2).uniform(0.1, 2, 5))
Z = np.random.default_rng(4).uniform(-1, 8, (3, 4))
U = np.random.default_rng(3).uniform(-1, 1, (4, 1))

ROWS = [
    Row("diff", (Y,), lambda y: df.diff(y, 2, 0), lambda t, y: t.diff(y, 2, 0),
        lambda j, y: j.numpy.diff(y, 2, 0)),
    Row("diff-ends", (Y, U), lambda y, u: df.diff(y, prepend=u, append=u),
        lambda t, y, u: t.diff(y, prepend=u, append=u),
        lambda j, y, u: j.numpy.diff(y, prepend=u, append=u)),
    Row("ediff1d", (Y,), lambda y: df.ediff1d(y, 1.0, 2.0), None,
        lambda j, y: j.numpy.ediff1d(y, 1.0, 2.0)),
    Row("gradient", (Y,), lambda y: df.gradient(y, 0.5), lambda t, y: t.gradient(y, spacing=0.5),
        lambda j, y: j.numpy.gradient(y, 0.5)),
    *(Row(f"gradient-{order}", (Y, X),
          lambda y, x, o=order: df.gradient(y, x, axis=1, edge_order=o),
          (lambda t, y, x, o=order: t.gradient(y, spacing=(x,), dim=1, edge_order=o)[0])
          if order == 1 else None, None) for order in (1, 2)),
    Row("gradient-even", (Y,), lambda y: df.gradient(y, axis=1, edge_order=2),
        lambda t, y: t.gradient(y, dim=1, edge_order=2)[0], None),
    Row("interp", (Z, X, Y[0]), df.interp, None, lambda j, z, x, y: j.numpy.interp(z, x, y)),
    Row("interp-ends", (Z, X, Y[0]), lambda z, x, y: df.interp(z, x, y, 2.0, -3.0), None,
        lambda j, z, x, y: j.numpy.interp(z, x, y, 2.0, -3.0)),
    Row("interp-period", (Z, X, Y[0]), lambda z, x, y: df.interp(z, x, y, period=1.5), None,
        lambda j, z, x, y: j.numpy.interp(z, x, y, period=1.5)),
    Row("isin", (Y,), lambda y: df.isin(y, Y[0]), lambda t, y: t.isin(y, t.tensor(Y[0])),
        lambda j, y: j.numpy.isin(y, Y[0]), gradient=False),
    Row("trapezoid", (Y, X), df.trapezoid, lambda t, y, x: t.trapezoid(y, x),
        lambda j, y, x: j.numpy.trapezoid(y, x)),
    Row("cumulative_trapezoid", (Y, X), df.cumulative_trapezoid,
        lambda t, y, x: t.cumulative_trapezoid(y, x), None),
    Row("unwrap", (3 * Y,), df.unwrap, None, lambda j, y: j.numpy.unwrap(y)),
    Row("polyval", (Y[0], Y), df.polyval, None, lambda j, p, x: j.numpy.polyval(p, x)),
    Row("polymul", (Y[0], Y[1, :3]), df.polymul, None, lambda j, p, q: j.numpy.polymul(p, q)),
    Row("polyder", (Y[0],), lambda p: df.polyder(p, 2), None, lambda j, p: j.numpy.polyder(p, 2)),
    Row("polyint", (Y[0],), lambda p: df.polyint(p, 2, 3.0), None,
        lambda j, p: j.numpy.polyint(p, 2, 3.0)),
    *(Row(name, (Y[0], Y[1, :3]), getattr(df, name), None,
          lambda j, p, q, n=name: getattr(j.numpy, n)(p, q))
      for name in ("polyadd", "polysub")),
    # JAX keeps the zeros before the remainder.
    Row("polydiv", (Y[0], Y[1, :3]), df.polydiv, None,
        lambda j, p, q: (j.numpy.polydiv(p, q)[0], j.numpy.polydiv(p, q)[1][-2:])),
    Row("poly", (Y[0],), df.poly, None, lambda j, x: j.numpy.poly(x)),
    Row("roots", (Y[0] + 4,), lambda p: df.sort(df.abs(df.roots(p))), None,
        lambda j, p: j.numpy.sort(abs(j.numpy.roots(p, strip_zeros=False))), gradient=False),
    Row("polyfit", (X, Y[0]), lambda x, y: df.polyfit(x, y, 2), None,
        lambda j, x, y: j.numpy.polyfit(x, y, 2)),
    Row("trapezoid-even", (Y,), lambda y: df.trapezoid(y, dx=0.3, axis=0),
        lambda t, y: t.trapezoid(y, dx=0.3, dim=0),
        lambda j, y: j.numpy.trapezoid(y, dx=0.3, axis=0)),
]  # fmt: skip
