"""Cross-checks of loops and choices, whose bodies are functions."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(9)
START, STEPS = RNG.uniform(-1, 1, 3), RNG.uniform(-1, 1, (5, 3))


def unrolled(t: Any, c: Any, x: Any) -> Any:  # noqa: ANN401 - PyTorch's tensors
    """Return the carry and the results of a scan from the last step to the first."""
    results = []
    for i in reversed(range(5)):
        c, result = t.sin(c) + x[i] * c, c * x[i]
        results.append(result)
    return c, t.stack(results[::-1])


def until_small(t: Any, c: Any, x: Any) -> Any:  # noqa: ANN401 - PyTorch's tensors
    """Return the carry of a loop that a condition ends."""
    while (c * c).sum() > 0.1:
        c = t.sin(c) * x[0]
    return c


ROWS = [
    Row("scan", (START, STEPS),
        lambda c, x: df.scan(lambda c, x: (df.sin(c) + x * c, c * x), c, x, reverse=True),
        unrolled,
        lambda j, c, x: j.lax.scan(
            lambda c, x: (j.numpy.sin(c) + x * c, c * x), c, x, reverse=True)),
    Row("fori_loop", (START, STEPS),
        lambda c, x: df.fori_loop(0, 4, lambda _, c: df.sin(c) * x[0], c), None,
        lambda j, c, x: j.lax.fori_loop(0, 4, lambda _, c: j.numpy.sin(c) * x[0], c)),
    Row("while_loop", (START, STEPS),
        lambda c, x: df.while_loop(lambda c: (c * c).sum() > 0.1, lambda c: df.sin(c) * x[0], c),
        until_small, None),
    Row("map", (START, STEPS), lambda c, x: df.map(lambda row: df.tanh(row * c), x),
        lambda t, c, x: t.tanh(x * c),
        lambda j, c, x: j.lax.map(lambda row: j.numpy.tanh(row * c), x)),
    Row("checkpoint", (START, STEPS), lambda c, x: df.checkpoint(lambda c: df.sin(c) * x)(c),
        lambda t, c, x: t.sin(c) * x,
        lambda j, c, x: j.checkpoint(lambda c: j.numpy.sin(c) * x)(c)),
    Row("custom_gradient", (START, STEPS),
        lambda c, x: df.custom_gradient(lambda c: (df.sin(c), lambda d: d * df.cos(c)))(c) * x,
        lambda t, c, x: t.sin(c) * x,
        lambda j, c, x: j.custom_gradient(
            lambda c: (j.numpy.sin(c), lambda d: (d * j.numpy.cos(c),)))(c) * x),
    *(Row("switch", (np.array(i), START),
          lambda i, c: df.switch(i, [df.sin, df.exp, lambda c: c * c], c), None,
          lambda j, i, c: j.lax.switch(i, [j.numpy.sin, j.numpy.exp, lambda c: c * c], c))
      for i in range(3)),
]  # fmt: skip
