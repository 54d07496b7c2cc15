"""The derivative and batch rules of ops that run one of their bodies, once: `switch`, `checkpoint`.

A node reads what chooses the body, if there are several, and then the operands that each of them
takes. Its derivative is a node of the same op, whose bodies are those of the derivative: so a
branch that isn't taken isn't differentiated either, and what a body computes on its way is computed
again, within the derivative's body, and kept for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.bodies import inlined, inlined_batch, placed, pulled_back, traced
from dataflow.ops.parts import cut, picked, where_given, where_true
from dataflow.seeds import or_zeros
from dataflow.sweeps import jvp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = ["batch_bodies", "jvp_bodies", "vjp_bodies"]


def vjp_bodies(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the body's reverse sweep."""
    choosers, operands = _choosers(application)
    given, wanted = where_given(cotangents), where_true(application.needs[len(choosers) :])
    if not given or not wanted:
        return [None] * len(application.inputs)

    def pulled(body: Any, tensors: list[Tensor]) -> list[Tensor]:  # noqa: ANN401 - a graph
        inner, seeds = cut(tensors, len(operands))
        ends = picked(inlined(body, inner), given)
        return pulled_back(ends, picked(inner, wanted), seeds)

    found = _declared(application, [*operands, *picked(cotangents, given)], pulled)
    return [*[None] * len(choosers), *placed(found, wanted, len(operands))]


def jvp_bodies(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the body's forward-mode sweep."""
    choosers, operands = _choosers(application)
    of_operands = tangents[len(choosers) :]
    given = where_given(of_operands)
    moving = where_true([tensor.spec.is_float for tensor in application.outputs])
    if not given or not moving:
        return [None] * len(application.outputs)

    def pushed(body: Any, tensors: list[Tensor]) -> list[Tensor]:  # noqa: ANN401 - a graph
        inner, directions = cut(tensors, len(operands))
        ends = picked(inlined(body, inner), moving)
        return or_zeros("tangent", ends, jvp_of(ends, picked(inner, given), directions))

    found = _declared(application, [*operands, *picked(of_operands, given)], pushed)
    return placed(found, moving, len(application.outputs))


def batch_bodies(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run the body of a whole batch; what chooses it is the same for all examples."""
    count = len(_choosers(application)[0])
    flags = batched[count:]
    same = application._replace(inputs=(*inputs[:count], *application.inputs[count:]))
    return _declared(
        same, inputs[count:], lambda body, tensors: inlined_batch(body, tensors, flags, size)
    )


def _choosers(application: Application) -> tuple[list[Tensor], list[Tensor]]:
    """Return what chooses the body, and what the bodies take."""
    taken = len(application.attrs.bodies()[0].input_specs)
    first, rest = cut(application.inputs, len(application.inputs) - taken)
    return first, rest


def _declared(
    application: Application, operands: Sequence[Tensor],
    within: Callable[[Any, list[Tensor]], Sequence[Tensor]],
) -> list[Tensor]:  # fmt: skip
    """Declare a node of the same op, chosen alike, of what a function makes of each body."""
    builder: Any = operands[0].builder
    specs = [tensor.spec for tensor in operands]
    bodies = tuple(
        traced(builder, specs, lambda tensors, body=body: within(body, tensors))  # type: ignore[misc]
        for body in application.attrs.bodies()
    )
    inputs = [*_choosers(application)[0], *operands]
    return list(builder.apply(application.op, inputs, Attrs(bodies=bodies)))
