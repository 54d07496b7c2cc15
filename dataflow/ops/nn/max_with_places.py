"""Maxima of windows and where they are, together: the places are found by the maxima.

The compiler takes this op where a plan wants both, as the reverse sweep of a pooling does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.operation import Op, register
from dataflow.ops.nn.pools import pool_cost, window_of
from dataflow.ops.nn.window_maxima import ARGMAX_POOL, MAX_POOL, places_calls
from dataflow.ops.structure import batch_all

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Array, Arrays, Call, Rule, Specs
    from dataflow.tensor import Tensor

__all__ = ["MAX_WITH_PLACES"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    return (*MAX_POOL.infer(specs, attrs), *ARGMAX_POOL.infer(specs, attrs))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (largest, places), (x,) = outs, ins
    window = window_of(x.shape, attrs)
    return [*MAX_POOL.kernel((largest,), ins, (), attrs),
            *places_calls(places, x, largest, scratch, window)]  # fmt: skip


def _reference(x: Array, attrs: Attrs) -> tuple[Array, Array]:
    return MAX_POOL.reference(x, attrs=attrs), ARGMAX_POOL.reference(x, attrs=attrs)


def _vjp(application: Application, cotangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    """Pull back through the maxima alone: places don't change with the values."""
    rule: Rule = MAX_POOL.vjp  # type: ignore[assignment]  # it has one
    only = application._replace(outputs=application.outputs[:1])
    return list(rule(only, cotangents[:1])) if cotangents[0] is not None else [None]


def _jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    rule: Rule = MAX_POOL.jvp  # type: ignore[assignment]  # it has one
    only = application._replace(outputs=application.outputs[:1])
    return [*rule(only, tangents), None]


MAX_WITH_PLACES = register(Op(
    name="nn.max_pool_with_places", label="MaxPoolWithPlaces", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_vjp, jvp=_jvp, batch=batch_all, tiling=ARGMAX_POOL.tiling,
    cost=pool_cost, workspace=ARGMAX_POOL.workspace, samples=MAX_POOL.samples,
))  # fmt: skip
