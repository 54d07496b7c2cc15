r"""The incomplete beta function's derivatives by its shapes: moments of logarithms, cut off at x.

Of t drawn from the beta distribution of shapes a and b, α = ψ(a) - ψ(a + b) is the mean of ln t,
and β = ψ(b) - ψ(a + b) that of ln(1 - t). Their central moments

    M_jk(a, b, x) = 1/B(a, b) ∫₀ˣ t^(a-1) (1-t)^(b-1) (ln t - α)ʲ (ln(1-t) - β)ᵏ dt

or minus the same integral from x to 1, close under differentiation:

    ∂M_jk/∂a = M_(j+1)k - j α_a M_(j-1)k - k β_a M_j(k-1)     α_a = ψ₁(a) - ψ₁(a + b)
    ∂M_jk/∂b = M_j(k+1) - j α_b M_(j-1)k - k β_b M_j(k-1)     β_b = ψ₁(b) - ψ₁(a + b)

with α_b = β_a = -ψ₁(a + b); by x it is the integrand. ``betainc`` is M₀₀ by the first form, and its
derivatives by a and b are M₁₀ and M₀₁ by either: see `gamma_moments`. The second form is taken
where ln x > α, if a <= b, else where ln(1-x) < β: there it is no difference, or a mild one.

The first form is the second of 1 - t, with the shapes changed over. In the logarithm w of the odds
t / (1-t), counted from where the integral starts, the second runs from 0 to ∞. A shape below 1
makes a plateau from x up to where (1-t)^b starts to fall; that part is done for itself.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.operation import Sample
from dataflow.ops.casting import astype
from dataflow.ops.special.densities import beta_density, log_beta_power
from dataflow.ops.special.entropies import xlog1py, xlogy
from dataflow.ops.special.gammas import polygamma, psi
from dataflow.ops.special.quadrature import (
    blockwise_op,
    dense_integral,
    half_line_nodes,
    interval_nodes,
)
from dataflow.ops.special.stirling import psi_gap
from dataflow.ops.special.ufuncs import scipy_ufunc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array
    from dataflow.tensor import Tensor

__all__ = ["beta_moment"]


class _Start(NamedTuple):
    """Where an integral over t, from there to 1, starts: t, 1 - t, and their logarithms."""

    t: Array
    rest: Array
    log_t: Array
    log_rest: Array

    def chosen(self, mask: Array, other: _Start) -> _Start:
        """Return this where the mask is true, and elsewhere the other."""
        return _Start(*(np.where(mask, a, b) for a, b in zip(self, other, strict=True)))

    def mirrored(self) -> _Start:
        """Return the start in 1 - t."""
        return _Start(self.rest, self.t, self.log_rest, self.log_t)


def _moment(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, b, x = arrays
    is_end = (x == 0) | (x == 1)
    x = np.where(is_end, 0.5, np.where((x > 0) & (x < 1), x, math.nan))
    means = psi_gap(a, b), psi_gap(b, a)
    at = _Start(x, 1 - x, np.log(x), np.log1p(-x))
    is_above = np.where(a <= b, at.log_t > means[0], at.log_rest < means[1])
    made = np.empty(x.shape)
    for mask, start, shapes, centres, powers in (
        (is_above, at, (a, b), means, orders),
        (~is_above, at.mirrored(), (b, a), means[::-1], orders[::-1]),
    ):
        at_mask = _Start(*(array[mask] for array in start))
        p, q, mean, other = (array[mask] for array in (*shapes, *centres))
        made[mask] = _from_start(at_mask, p, q, (mean, other), powers)
    return np.where(is_end, 0, np.where(is_above, -made, made))


def _from_start(
    start: _Start, p: Array, q: Array, means: tuple[Array, Array], orders: tuple[int, ...]
) -> Array:
    """Integrate from `start` to 1, of t ** (p-1) * (1-t) ** (q-1) and powers of the logarithms."""
    knee = 1 / (1 + np.maximum(q, 1))
    is_flat = start.t < knee
    first = _Start(knee, 1 - knee, np.log(knee), np.log1p(-knee)).chosen(is_flat, start)
    offsets = first.log_t - means[0], first.log_rest - means[1]
    rate = _rate(first, p, q)
    total = _added(p + q, q, first.rest, offsets, 1 / rate, orders, half_line_nodes()) / rate
    if is_flat.any():
        odds = first.log_t - first.log_rest - (start.log_t - start.log_rest)
        length = np.where(is_flat, odds, 0)
        total += length * _added(
            p + q, p, first.t, offsets[::-1], length, orders[::-1], interval_nodes()
        )
    logs = first.log_t, first.log_rest
    return np.asarray(total * np.exp(log_beta_power((p, q), first.t, first.rest, logs)))


def _rate(start: _Start, p: Array, q: Array) -> Array:
    """Return how fast the integrand falls off, by its slope at its start and its curvature."""
    curvature = (p + q) * start.t * start.rest
    slope = np.maximum(q * start.t - p * start.rest, 0)
    return np.asarray(slope + np.minimum(np.sqrt(curvature), curvature))


def _added(
    both: Array, rate: Array, rest: Array, offsets: tuple[Array, ...], scale: Array,
    orders: tuple[int, ...], nodes: Sequence[tuple[float, float]],
) -> Array:  # fmt: skip
    """Add up exp(rate w - both g) (offset₀ - g)ʲ (offset₁ - g + w)ᵏ, g = log1p(rest expm1(w))."""
    total = np.zeros(both.shape)
    w, g, term = (np.empty(both.shape) for _ in range(3))
    for node, weight in nodes:
        np.multiply(scale, -node, out=w)
        np.expm1(w, out=g)
        g *= rest
        np.log1p(g, out=g)
        np.subtract(rate * w, both * g, out=term)
        np.exp(term, out=term)
        term *= weight
        for log, order in zip((offsets[0] - g, offsets[1] - g + w), orders, strict=True):
            for _ in range(order):
                term *= log
        total += term
    return total


def _reference(arrays: Sequence[Array], orders: tuple[int, ...]) -> Array:
    a, b, x = (array[..., None] for array in arrays)
    psi_of = scipy_ufunc("psi")
    alpha, beta = psi_of(a) - psi_of(a + b), psi_of(b) - psi_of(a + b)
    is_above = np.where(a <= b, np.log(x) > alpha, np.log1p(-x) < beta)
    sign = np.where(is_above, 1.0, -1.0)
    scale = scipy_ufunc("betaln")(a, b)

    def integrand(w: Array) -> Array:
        odds = np.log(x) - np.log1p(-x) + sign * w
        logs = -np.logaddexp(0, -odds), -np.logaddexp(0, odds)
        moments = (logs[0] - alpha) ** orders[0] * (logs[1] - beta) ** orders[1]
        return np.asarray(np.exp(a * logs[0] + b * logs[1] - scale) * moments)

    return np.asarray(-sign[..., 0] * dense_integral(integrand, 90.0))


def _by_shape(application: Application, change: Tensor, slot: int) -> Tensor:
    a, b, x = application.inputs
    j, k = orders = application.attrs.integers("orders")
    slope = _central(a, b, x, (j + (slot == 0), k + (slot == 1)))
    for place, order in enumerate(orders):
        if order:
            lower = (j - (place == 0), k - (place == 1))
            factor = -polygamma(1, a + b)
            if place == slot:
                factor = polygamma(1, application.inputs[slot]) + factor
            slope = slope - factor * order * _central(a, b, x, lower)
    return change * slope


def _by_limit(application: Application, change: Tensor) -> Tensor:
    a, b, x = application.inputs
    j, k = application.attrs.integers("orders")
    slope = beta_density(a, b, x)
    for _ in range(j):
        slope = xlogy(slope, x) - slope * (
            psi(a) - psi(a + b)
        )  # 0 at the ends where the density is
    for _ in range(k):
        slope = xlog1py(slope, -x) - slope * (psi(b) - psi(a + b))
    return change * slope


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Return samples of both forms, away from where one takes over from the other."""
    made = []
    for low, shapes in ((0.5, ((), (), ())), (0.6, ((0, 3), (3,), ())), (0.7, ((3, 4),) * 3),
                        (1.5, ((4,), (3, 1), (1,))), (3.0, ((3,),) * 3)):  # fmt: skip
        a, b = (np.asarray(rng.uniform(low, low + 1, shape)) for shape in shapes[:2])
        for bounds in ((0.05, 0.15), (0.8, 0.9)):
            x = np.asarray(rng.uniform(*bounds, shapes[2]))
            made += [Sample((a, b, x), Attrs(orders=orders)) for orders in ((1, 0), (0, 1), (1, 1))]
    few = np.array([0.2, 0.3])
    return [*made, Sample((few, few * 2, few / 2), Attrs(orders=(2, 0)))]


BETA_MOMENT = blockwise_op(
    "special.beta_moment", "BetaMoment", _moment, _reference,
    (partial(_by_shape, slot=0), partial(_by_shape, slot=1), _by_limit), orders=2,
    samples=_samples, flops=8000,
)  # fmt: skip


def _central(a: Tensor, b: Tensor, x: Tensor, orders: tuple[int, int]) -> Tensor:
    return apply(BETA_MOMENT, (a, b, x), Attrs(orders=orders))


def beta_moment(a: Tensor, b: Tensor, x: Tensor, orders: tuple[int, int]) -> Tensor:
    """Return M_jk, in the dtype of `a`; it is computed in 64 bits."""
    wide = [astype(t, np.float64) for t in (a, b, x)]
    return astype(_central(wide[0], wide[1], wide[2], orders), a.dtype)
