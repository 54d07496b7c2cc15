r"""How a gamma draw changes with its shape: implicit derivatives, by an integral and its kin.

A draw is z = exp(y), whose distribution function is F(z; a) = u. As `a` changes, y moves so that u
stays (M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", NeurIPS 2018):

    dy/da = -(∂F/∂a) / (z f),  f the density,  =  (ψ(a) - y) M₀ - M₁

    M_k(a, y) = ∫₀¹ (log s)ᵏ s^(a-1) exp(z (1 - s)) ds,  or minus the same integral from 1 to ∞

The second form has its digits where the first cancels, for z > max(a, 1); dy/da is the same by
both, since the whole integral from 0 to ∞ gives 0. Both have the same derivatives, by parts:

    ∂M_k/∂a = M_(k+1)        ∂M_k/∂y = (z - a) M_k - k M_(k-1) + [k = 0]

so that dy/da can be differentiated as often as one likes. With s = exp(∓w) they are integrals over
w from 0 on, which a step of 0.07 in t, w = w₀ exp(t - exp(-t)), gives to 13 digits (H. Takahasi and
M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974) 721-741).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import (
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
    scalars,
)
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Op, Sample, Workspace, register
from dataflow.ops.casting import astype
from dataflow.ops.elementary import exp
from dataflow.ops.special.gammas import psi
from dataflow.ops.special.quadrature import half_line_nodes
from dataflow.spec import Spec, broadcast_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.operation import Application, Array, Arrays, Call, Specs
    from dataflow.tensor import Tensor

__all__ = ["loggamma_slope"]

_HIGHEST = 9
"""The highest power of the logarithm: for the ninth derivative of a draw."""


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    order = attrs.integer("order")
    if len(specs) != 2 or not 0 <= order <= _HIGHEST:
        msg = f"takes 2 inputs and an order from 0 to {_HIGHEST}, not {len(specs)} and {order}"
        raise ShapeError(msg)
    if any(spec.dtype != np.float64 for spec in specs):
        msg = "takes float64 in both slots: cast with astype"
        raise DTypeError(msg)
    return (specs[0].with_shape(broadcast_shapes([spec.shape for spec in specs])),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = _infer(specs, attrs)
    return Workspace((*[out] * 6, Spec(out.shape, np.dtype(bool))))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    order = attrs.integer("order")
    nodes = [tuple(scalars(outs[0].dtype, *node)) for node in half_line_nodes(order)]
    return [(_integrate, (outs[0], *ins, tuple(scratch), order, nodes))]


def _integrate(
    out: Array, a: Array, y: Array, scratch: Sequence[Array], order: int,
    nodes: Sequence[tuple[Array, ...]],
) -> None:  # fmt: skip
    """Add up exp(±a w - z expm1(±w)) over the nodes, the upper sign for the integral from 1 on."""
    z, width, linear, sign, term, spare, mask = scratch
    np.exp(y, out=z)
    np.maximum(a, 1, out=width)
    below = np.less_equal(z, width, out=mask)
    _set_width(a, z, below, (width, term, spare))
    sign.fill(1)
    np.copyto(sign, -1, where=below)
    np.multiply(sign, a, out=linear)
    np.negative(z, out=z)
    out.fill(0)
    for node, weight in nodes:
        np.multiply(width, node, out=spare)
        np.multiply(spare, linear, out=term)
        np.multiply(spare, sign, out=spare)
        np.expm1(spare, out=spare)
        np.multiply(spare, z, out=spare)
        np.add(term, spare, out=term)
        np.exp(term, out=term)
        np.multiply(term, weight, out=term)
        np.add(out, term, out=out)
    for _ in range(order + 1):
        np.multiply(out, width, out=out)
    if order % 2 == 0:  # (log s)ᵏ is (-w)ᵏ below 1, and the integral from 1 on is taken off
        np.multiply(out, sign, out=out)
    np.negative(out, out=out)


def _set_width(a: Array, z: Array, below: Array, scratch: Sequence[Array]) -> None:
    """Set w₀: how far the integrand reaches, by its slope at 0 and its curvature."""
    width, other, root = scratch
    np.minimum(z, a, out=other)
    np.sqrt(other, out=root)
    np.minimum(root, other, out=root)
    np.subtract(a, other, out=width)
    np.add(width, root, out=width)
    np.sqrt(z, out=root)
    np.subtract(z, a, out=other)
    np.add(other, root, out=other)
    np.copyto(width, other, where=np.logical_not(below, out=below))
    np.logical_not(below, out=below)
    np.reciprocal(width, out=width)


def _reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    order, (a, y) = attrs.integer("order"), np.broadcast_arrays(*arrays)
    z, total = np.exp(y), np.zeros(y.shape)
    below = z <= np.maximum(a, 1)
    least = np.minimum(z, a)
    rate = np.where(below, a - least + np.minimum(np.sqrt(least), least), z - a + np.sqrt(z))
    sign = np.where(below, -1.0, 1.0)
    for node, weight in half_line_nodes(order):
        w = node / rate
        total += weight * np.exp(sign * a * w - z * np.expm1(sign * w))
    return np.asarray(-total * sign ** (order + 1) / rate ** (order + 1))


def _by_shape(application: Application, change: Tensor) -> Tensor:
    a, y = application.inputs
    return change * _integral(a, y, application.attrs.integer("order") + 1)


def _by_draw(application: Application, change: Tensor) -> Tensor:
    a, y = application.inputs
    order = application.attrs.integer("order")
    slope = (exp(y) - a) * application.outputs[0]
    return change * (slope - _integral(a, y, order - 1) * order if order else slope + 1)


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Return samples of both forms, away from where one takes over from the other."""
    made = []
    for low, shapes in ((0.5, ((), ())), (0.5, ((0, 3), (3,))), (0.5, ((3, 4), (3, 4))),
                        (1.5, ((4,), (3, 1))), (3.0, ((3,), (3,)))):  # fmt: skip
        a = np.asarray(rng.uniform(low, low + 1, shapes[0]))
        for y in (rng.uniform(-1.0, -0.2, shapes[1]), rng.uniform(1.6, 2.2, shapes[1])):
            made += [Sample((a, np.asarray(y)), Attrs(order=order)) for order in (0, 1, 2)]
    return made


GAMMA_INTEGRAL = register(Op(
    name="random.gamma_integral", label="GammaIntegral", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=maps_vjp((_by_shape, _by_draw)),
    jvp=maps_jvp((_by_shape, _by_draw)), batch=batch_elementwise, tiling=elementwise_tiling,
    cost=partial(elementwise_cost, 5000), inplace=(0, 1), samples=_samples, workspace=_workspace,
))  # fmt: skip


def _integral(a: Tensor, y: Tensor, order: int) -> Tensor:
    return apply(GAMMA_INTEGRAL, (a, y), Attrs(order=order))


def loggamma_slope(a: Tensor, y: Tensor) -> Tensor:
    """Return how the logarithm `y` of a gamma draw changes with its shape `a`, in float64.

    Compiling needs the extra ``scipy``, for ψ.
    """
    shape, draw = astype(a, np.float64), astype(y, np.float64)
    return (psi(shape) - draw) * _integral(shape, draw, 0) - _integral(shape, draw, 1)
