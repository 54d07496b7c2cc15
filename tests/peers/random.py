"""Cross-checks of what draws are made of, where it is a function: quantiles, implicit derivatives.

PyTorch's implicit derivative has 3 digits, so JAX's alone is compared.
"""

import numpy as np

import dataflow as df
from dataflow.ops.random.gamma_integrals import loggamma_slope
from dataflow.ops.random.quantiles import normal_quantile
from tests.peers.table import Row

RNG = np.random.default_rng(5)
P = RNG.uniform(0.001, 0.999, 50)
SHAPES = np.repeat([0.01, 0.3, 0.9, 1.5, 4.0, 60.0, 2000.0], 8)
DRAWS = np.maximum(RNG.gamma(SHAPES), 1e-30)


def gamma_slope(a: df.Tensor, z: df.Tensor) -> df.Tensor:
    """Return how a gamma draw changes with its shape."""
    return loggamma_slope(a, df.log(z)) * z


ROWS = [
    Row("normal_quantile", (P,), normal_quantile, lambda t, p: t.special.ndtri(p),
        lambda j, p: j.scipy.special.ndtri(p)),
    Row("gamma_slope", (SHAPES, DRAWS), gamma_slope, None,
        lambda j, a, z: j.lax.random_gamma_grad(a, z), gradient=False),
]  # fmt: skip
