"""Cross-checks of activations: at ordinary points, in the tails, and at the kinks."""

import numpy as np

import dataflow as df
from tests.peers.table import Row

X = np.random.default_rng(4).uniform(-5, 5, (3, 4))
TAILS = np.array([-700.0, -40.0, -20.5, 20.5, 40.0, 700.0])
KINKS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])
SLOPES = np.array([0.1, 0.5, -0.2, 1.5])


def row(name: str, x: np.ndarray, theirs: str = "", *args: float) -> Row:
    """Return the row of an activation that PyTorch has with the same arguments."""
    return Row(
        name, (x,), lambda t: getattr(df.nn, name)(t, *args),
        lambda m, t: getattr(m.nn.functional, theirs or name)(t, *args), None,
    )  # fmt: skip


PIECES: list[tuple[str, tuple[float, ...]]] = [
    ("leaky_relu", ()), ("leaky_relu", (0.3,)), ("elu", ()), ("elu", (0.7,)), ("selu", ()),
    ("celu", ()), ("celu", (0.75,)), ("hardtanh", ()), ("hardtanh", (-3.0, 0.5)), ("relu6", ()),
    ("hardswish", ()), ("threshold", (0.5, 7.0)), ("hardshrink", ()), ("softshrink", ()),
    ("hardshrink", (1.0,)), ("softshrink", (1.0,)),
]  # fmt: skip

ROWS = [
    *[row(name, x, "", *args) for name, args in PIECES for x in (X, KINKS, TAILS)],
    *[row(name, x) for name in ("mish", "softsign", "tanhshrink") for x in (X, KINKS, TAILS)],
    *[row("softplus", x) for x in (X, KINKS, TAILS[:3])],
    *[row("softplus", x, "", 2.0, 5.0) for x in (X, KINKS, TAILS)],
    *[row("log_sigmoid", x, "logsigmoid") for x in (X, KINKS, TAILS)],
    row("softmin", X, "", 0),
    Row("hardsigmoid", (KINKS,), df.nn.hardsigmoid,  # PyTorch's slope is 1/6 in float32
        lambda m, t: m.nn.functional.hardsigmoid(t), None, gradient=False),
    Row("hardsigmoid", (X,), df.nn.hardsigmoid, None, lambda j, t: j.nn.hard_sigmoid(t)),
    Row("squareplus", (X,), df.nn.squareplus, None, lambda j, t: j.nn.squareplus(t)),
    Row("swish", (X,), df.nn.swish, lambda m, t: m.nn.functional.silu(t),
        lambda j, t: j.nn.swish(t)),
    Row("prelu", (X, SLOPES), df.nn.prelu, lambda m, t, w: m.nn.functional.prelu(t, w), None),
    Row("prelu", (X, SLOPES[:1]), df.nn.prelu, lambda m, t, w: m.nn.functional.prelu(t, w), None),
    Row("prelu", (X.reshape(1, 2, 2, 3), SLOPES[:2]), df.nn.prelu,
        lambda m, t, w: m.nn.functional.prelu(t, w), None),
    *[Row("glu", (X,), lambda t, a=axis: df.nn.glu(t, a),
          lambda m, t, a=axis: m.nn.functional.glu(t, a), lambda j, t, a=axis: j.nn.glu(t, a))
      for axis in (1, -1)],
    Row("geglu", (X,), df.nn.geglu,
        lambda m, t: t[:, :2] * m.nn.functional.gelu(t[:, 2:]), None),
    Row("swiglu", (X,), df.nn.swiglu,
        lambda m, t: t[:, :2] * m.nn.functional.silu(t[:, 2:]), None),
    Row("quick_gelu", (X,), df.nn.quick_gelu, lambda m, t: t * m.sigmoid(1.702 * t), None),
]  # fmt: skip
