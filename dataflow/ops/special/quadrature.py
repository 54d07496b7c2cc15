"""Quadrature by double-exponential formulas, and element-wise ops done block by block.

H. Takahasi and M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9
(1974) 721-741. A sum over equal steps in t gives an integral of w to nearly all digits where w
moves away from the ends of its range as exp(exp(t)) does:

    w = exp(t - exp(-t))               from 0 to ∞, of what falls off exponentially
    w = (1 + tanh(π/2 sinh t)) / 2     from 0 to 1

The integrands need many arrays of the size of the result, so they are computed block by block: a
kernel's memory is some hundred kilobytes, whatever its operands' sizes.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.elementwise import (
    LinearMap,
    batch_elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import Op, Sample, Workspace, register
from dataflow.spec import broadcast_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Array, Arrays, Call, Specs

    Integral: TypeAlias = Callable[[Sequence[Array], tuple[int, ...]], Array]

__all__ = ["HIGHEST_ORDER", "blockwise_op", "dense_integral", "half_line_nodes", "interval_nodes"]

HIGHEST_ORDER = 40
"""The highest order of an integral's moments, and so of derivatives: what a file may ask for."""

_BLOCK = 1024
_ARRAYS = 40
"""As many arrays of a block as an integral may hold at once."""


@cache
def half_line_nodes(power: int = 0) -> list[tuple[float, float]]:
    """Return where to take an integrand from 0 to ∞, and its weights times ``w ** power``.

    It must fall off at a rate of about 1; else scale it.
    """
    made = []
    for i in range(-53, 65):
        t = 0.07 * i
        w = math.exp(t - math.exp(-t))
        made.append((w, 0.07 * w ** (power + 1) * (1 + math.exp(-t))))
    return made


@cache
def interval_nodes() -> list[tuple[float, float]]:
    """Return where to take an integrand from 0 to 1, and its weights."""
    made = []
    for i in range(-48, 49):
        t = i / 15
        s = math.pi / 2 * math.sinh(t)
        weight = math.pi / 4 * math.cosh(t) / math.cosh(s) ** 2
        made.append((1 / (1 + math.exp(-2 * s)), weight / 15))
    return made


def dense_integral(integrand: Callable[[Array], Array], end: float) -> Array:
    """Return an integral from 0 to `end` by many Gaussian panels, for references.

    The integrand gets a rank-1 array of places and gives their values along its last axis.
    """
    places, weights = np.polynomial.legendre.leggauss(16)
    edges = end * np.linspace(0, 1, 81) ** 2
    halves = np.diff(edges)[:, None] / 2
    at = edges[:-1, None] + halves * (1 + places)
    return np.asarray(np.sum(integrand(at.ravel()) * (halves * weights).ravel(), -1))


def blockwise_op(
    name: str, label: str, integral: Integral, reference: Integral, maps: Sequence[LinearMap], *,
    orders: int, samples: Callable[[np.random.Generator], Sequence[Sample]], flops: int,
) -> Op:  # fmt: skip
    """Declare and register an element-wise op in float64 that is done block by block, with SciPy.

    Parameters
    ----------
    name, label, samples
        See `Op`.
    integral, reference : callable
        Each is called with rank-1 arrays of one length, or with arrays of one shape, and with the
        attribute `orders`.
    maps, flops
        See `dataflow.elementwise.elementwise`.
    orders : int
        How many integers the attribute `orders` holds.
    """
    infer = partial(_infer, len(maps), orders)
    return register(Op(
        name=name, label=label, infer=infer, kernel=partial(_kernel, integral),
        reference=partial(_reference, reference), vjp=maps_vjp(maps), jvp=maps_jvp(maps),
        batch=batch_elementwise, tiling=elementwise_tiling, samples=samples, extra="scipy",
        cost=partial(elementwise_cost, flops), workspace=partial(_workspace, infer),
    ))  # fmt: skip


def _infer(arity: int, count: int, specs: Specs, attrs: Attrs) -> Specs:
    orders = attrs.integers("orders")
    if len(specs) != arity or len(orders) != count:
        msg = f"takes {arity} inputs and {count} orders, not {len(specs)} and {len(orders)}"
        raise ShapeError(msg)
    if min(orders, default=0) < 0 or sum(orders) > HIGHEST_ORDER:
        msg = f"orders are 0 or more, together at most {HIGHEST_ORDER}, not {orders}"
        raise ShapeError(msg)
    if any(spec.dtype != np.float64 for spec in specs):
        msg = "takes float64 in every slot: cast with astype"
        raise DTypeError(msg)
    return (specs[0].with_shape(broadcast_shapes([spec.shape for spec in specs])),)


def _workspace(infer: Callable[[Specs, Attrs], Specs], specs: Specs, attrs: Attrs) -> Workspace:
    (out,) = infer(specs, attrs)
    length = min(_BLOCK, math.prod(out.static_shape))
    return Workspace(internal=_ARRAYS * (8 * length + 128) + 4096)


def _kernel(
    integral: Integral, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    spread = [np.broadcast_to(array, outs[0].shape) for array in ins]
    return [(_fill, (integral, outs[0], spread, attrs.integers("orders")))]


def _fill(integral: Integral, out: Array, arrays: Sequence[Array], orders: tuple[int, ...]) -> None:
    with np.errstate(all="ignore"):
        for start in range(0, out.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            out.flat[part] = integral([array.flat[part] for array in arrays], orders)


def _reference(integral: Integral, *arrays: Array, attrs: Attrs) -> Array:
    return integral(np.broadcast_arrays(*arrays), attrs.integers("orders"))
