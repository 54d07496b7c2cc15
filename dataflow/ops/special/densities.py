r"""The densities of the gamma and beta distributions, with their digits at large shapes.

exp((a - 1) ln x - x - ln Γ(a)) adds up large numbers that cancel: at a = 10⁴ it has 11 digits. By
what Stirling's formula leaves of Γ, with u = x / a - 1,

    xᵃ exp(-x) / Γ(a) = √(a / 2π) exp(a (log1p(u) - u) - rest(a))

and likewise tᵃ (1-t)ᵇ / B(a, b), where the mean of t takes the place of a. The derivatives of both
densities f are f times a function: ln x - ψ(a) by a, (a - 1) / x - 1 by x; and for the beta
distribution ln x - ψ(a) + ψ(a + b) by a, (a - 1) / x - (b - 1) / (1 - x) by x.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.operation import Sample
from dataflow.ops.casting import astype
from dataflow.ops.special.entropies import xlog1py, xlogy
from dataflow.ops.special.gammas import psi
from dataflow.ops.special.quadrature import blockwise_op
from dataflow.ops.special.stirling import log_gamma_rest
from dataflow.ops.special.ufuncs import scipy_ufunc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.operation import Application, Array
    from dataflow.tensor import Tensor

__all__ = ["beta_density", "gamma_density", "log_beta_power", "log_gamma_power"]


def log_gamma_power(a: Array, x: Array) -> Array:
    """Return log(xᵃ exp(-x) / Γ(a)) of arrays."""
    u = (x - a) / a
    logs = _log_ratio(u, np.log(x / a))
    return np.asarray(a * (logs - u) + np.log(a / (2 * math.pi)) / 2 - log_gamma_rest(a))


def log_beta_power(shapes: tuple[Array, Array], t: Array, rest: Array,
                   logs: tuple[Array, Array]) -> Array:  # fmt: skip
    """Return log(tᵃ (1-t)ᵇ / B(a, b)) of arrays, given 1 - t and both logarithms too."""
    a, b = shapes
    both = a + b
    off = t * b - rest * a
    scale = np.log(a / (2 * math.pi) * (b / both)) / 2
    rests = log_gamma_rest(both) - log_gamma_rest(a) - log_gamma_rest(b)
    power = a * _log_ratio(off / a, logs[0] + np.log(both / a))
    other = b * _log_ratio(-off / b, logs[1] + np.log(both / b))
    return np.asarray(power + other + scale + rests)


def _log_ratio(u: Array, log: Array) -> Array:
    """Return log1p(u), where `u` has its digits, and far from 0 the same logarithm as given."""
    is_near = np.abs(u) < 0.5
    return np.where(is_near, np.log1p(np.where(is_near, u, 0)), log)


def _at_end(shape: Array) -> Array:
    """Return a density at 0, but for its factor where the shape is 1."""
    return np.where(shape < 1, math.inf, np.where(shape > 1, 0, 1))


def _gamma(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, x = arrays
    is_end = (x == 0) | (x == math.inf)
    inside = np.where(is_end, 1, x)
    made = np.exp(log_gamma_power(a, inside)) / inside
    return np.where(is_end, np.where(x == 0, _at_end(a), 0), made)


def _beta(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, b, x = arrays
    is_end = (x == 0) | (x == 1)
    t = np.where(is_end, 0.5, np.where((x > 0) & (x < 1), x, math.nan))
    made = np.exp(log_beta_power((a, b), t, 1 - t, (np.log(t), np.log1p(-t)))) / (t * (1 - t))
    ends = np.where(x == 0, _at_end(a) * b, _at_end(b) * a)
    return np.where(is_end, ends, made)


def _gamma_reference(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, x = arrays
    return np.asarray(np.exp((a - 1) * np.log(x) - x) / scipy_ufunc("gamma")(a))


def _beta_reference(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, b, x = arrays
    return np.asarray(x ** (a - 1) * (1 - x) ** (b - 1) / scipy_ufunc("beta")(a, b))


def _gamma_by_shape(application: Application, change: Tensor) -> Tensor:
    (a, x), (y,) = application.inputs, application.outputs
    return change * (xlogy(y, x) - y * psi(a))


def _gamma_by_limit(application: Application, change: Tensor) -> Tensor:
    (a, x), (y,) = application.inputs, application.outputs
    return change * (y * ((a - 1) / x - 1))


def _beta_by_first(application: Application, change: Tensor) -> Tensor:
    (a, b, x), (y,) = application.inputs, application.outputs
    return change * (xlogy(y, x) - y * (psi(a) - psi(a + b)))


def _beta_by_second(application: Application, change: Tensor) -> Tensor:
    (a, b, x), (y,) = application.inputs, application.outputs
    return change * (xlog1py(y, -x) - y * (psi(b) - psi(a + b)))


def _beta_by_limit(application: Application, change: Tensor) -> Tensor:
    (a, b, x), (y,) = application.inputs, application.outputs
    return change * (y * ((a - 1) / x - (b - 1) / (1 - x)))


def _samples(
    arity: int, bounds: tuple[float, float]
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function of shapes, and a limit within bounds."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        made = []
        for shapes in (((),) * 3, ((0, 3), (3,), ()), ((3, 4),) * 3, ((3, 1), (4,), (2, 1, 1))):
            arrays = [np.asarray(rng.uniform(0.5, 4, shape)) for shape in shapes[1:arity]]
            limit = np.asarray(rng.uniform(*bounds, shapes[0]))
            made.append(Sample((*arrays, limit), Attrs(orders=())))
        return made

    return samples


GAMMA_DENSITY = blockwise_op(
    "special.gamma_density", "GammaDensity", _gamma, _gamma_reference,
    (_gamma_by_shape, _gamma_by_limit), orders=0, samples=_samples(2, (0.5, 5)), flops=150,
)  # fmt: skip
BETA_DENSITY = blockwise_op(
    "special.beta_density", "BetaDensity", _beta, _beta_reference,
    (_beta_by_first, _beta_by_second, _beta_by_limit), orders=0,
    samples=_samples(3, (0.1, 0.9)), flops=250,
)  # fmt: skip


def gamma_density(a: Tensor, x: Tensor) -> Tensor:
    """Return the gamma distribution's density at `x`, in the dtype of `a`."""
    wide = [astype(t, np.float64) for t in (a, x)]
    return astype(apply(GAMMA_DENSITY, wide, Attrs(orders=())), a.dtype)


def beta_density(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """Return the beta distribution's density at `x`, in the dtype of `a`."""
    wide = [astype(t, np.float64) for t in (a, b, x)]
    return astype(apply(BETA_DENSITY, wide, Attrs(orders=())), a.dtype)
