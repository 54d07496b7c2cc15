r"""The incomplete gamma function's derivatives by its shape: moments of a logarithm, cut off at x.

Of t drawn from the gamma distribution of shape a, ψ(a) is the mean of ln t. Its central moments

    M_k(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) exp(-t) (ln t - ψ(a))ᵏ dt,  or minus the same from x to ∞

close under differentiation:

    ∂M_k/∂a = M_(k+1) - k ψ₁(a) M_(k-1)      ∂M_k/∂x = x^(a-1) exp(-x) (ln x - ψ(a))ᵏ / Γ(a)

by both forms, since the whole moments T_k from 0 to ∞, by which they differ, have the same rule by
a. ``gammainc`` is M₀ by the first form; its derivative by a is M₁ by either, as T₁ is 0. The second
form is taken where ln x > ψ(a), and then no M₁ is a difference: all that is added up has one sign.

With t = x exp(∓w) both are integrals over w from 0 on. For a < 1 the second has a plateau from x up
to 1, so that its part below 1 is done for itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.operation import Sample
from dataflow.ops.casting import astype
from dataflow.ops.special.densities import gamma_density, log_gamma_power
from dataflow.ops.special.entropies import xlogy
from dataflow.ops.special.gammas import polygamma, psi
from dataflow.ops.special.quadrature import (
    blockwise_op,
    dense_integral,
    half_line_nodes,
    interval_nodes,
)
from dataflow.ops.special.ufuncs import scipy_ufunc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array
    from dataflow.tensor import Tensor

__all__ = ["gamma_moment"]


def _moment(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, x = arrays
    (order,) = orders
    is_end = (x == 0) | (x == math.inf)
    x = np.where(is_end, 1, x)
    log_x, mean = np.log(x), scipy_ufunc("psi")(a)
    is_above = log_x > mean
    start = np.where(is_above, np.maximum(x, 1), x)
    sign = np.where(is_above, 1.0, -1.0)
    rate = _rate(a, start, is_above)
    offset = np.log(start) - mean
    total = _added(a, start, offset, sign / rate, order, half_line_nodes()) / rate
    length = np.where(is_above & (x < 1), -log_x, 0)
    if length.any():
        total += length * _added(a, start, offset, -length, order, interval_nodes())
    return np.where(is_end, 0, -sign * total * np.exp(log_gamma_power(a, start)))


def _rate(a: Array, start: Array, is_above: Array) -> Array:
    """Return how fast the integrand falls off, by its slope at its start and its curvature."""
    least = np.minimum(start, a)
    below = a - least + np.minimum(np.sqrt(least), least)
    return np.where(is_above, start - a + np.sqrt(start), below)


def _added(
    a: Array, start: Array, offset: Array, scale: Array, order: int,
    nodes: Sequence[tuple[float, float]],
) -> Array:  # fmt: skip
    """Add up exp(a v - start expm1(v)) (offset + v)ᵏ over the nodes, v their multiples."""
    total = np.zeros(a.shape)
    v, term = np.empty(a.shape), np.empty(a.shape)
    for node, weight in nodes:
        np.multiply(scale, node, out=v)
        np.expm1(v, out=term)
        term *= start
        np.subtract(a * v, term, out=term)
        np.exp(term, out=term)
        term *= weight
        v += offset
        for _ in range(order):
            term *= v
        total += term
    return total


def _reference(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, x = (array[..., None] for array in arrays)
    offset = np.log(x) - scipy_ufunc("psi")(a)
    sign = np.where(offset > 0, 1.0, -1.0)
    scale = scipy_ufunc("gammaln")(a)

    def integrand(w: Array) -> Array:
        v = offset + sign * w
        t = x * np.exp(sign * w)
        return np.asarray(np.exp(a * np.log(t) - t - scale) * v ** orders[0])

    return np.asarray(-sign[..., 0] * dense_integral(integrand, 90.0))


def _by_shape(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs
    (order,) = application.attrs.integers("orders")
    slope = _central(a, x, order + 1)
    if order:
        slope = slope - polygamma(1, a) * order * _central(a, x, order - 1)
    return change * slope


def _by_limit(application: Application, change: Tensor) -> Tensor:
    a, x = application.inputs
    slope = gamma_density(a, x)
    for _ in range(application.attrs.integers("orders")[0]):
        slope = xlogy(slope, x) - slope * psi(a)  # 0 at x = 0 where the density is
    return change * slope


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Return samples of both forms, away from where one takes over from the other."""
    made = []
    for low, shapes in ((0.5, ((), ())), (0.5, ((0, 3), (3,))), (0.5, ((3, 4), (3, 4))),
                        (1.5, ((4,), (3, 1))), (3.0, ((3,), (3,)))):  # fmt: skip
        a = np.asarray(rng.uniform(low, low + 1, shapes[0]))
        for bounds in ((0.08, 0.13), (4.5, 6.0)):
            x = np.asarray(rng.uniform(*bounds, shapes[1]))
            made += [Sample((a, x), Attrs(orders=(order,))) for order in (0, 1, 2)]
    few = np.array([0.2, 0.3])
    return [*made, Sample((few, few), Attrs(orders=(1,)))]


GAMMA_MOMENT = blockwise_op(
    "special.gamma_moment", "GammaMoment", _moment, _reference, (_by_shape, _by_limit), orders=1,
    samples=_samples, flops=6000,
)  # fmt: skip


def _central(a: Tensor, x: Tensor, order: int) -> Tensor:
    return apply(GAMMA_MOMENT, (a, x), Attrs(orders=(order,)))


def gamma_moment(a: Tensor, x: Tensor, order: int) -> Tensor:
    """Return M_k, in the dtype of `a`; it is computed in 64 bits."""
    return astype(_central(astype(a, np.float64), astype(x, np.float64), order), a.dtype)
