"""The derivative and batch rules of users' ops, from functions of tensors with plain signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dataflow.bodies import spread
from dataflow.dispatch import find_function
from dataflow.errors import GradientError
from dataflow.operation import Absent
from dataflow.seeds import or_zeros
from dataflow.source import node_text
from dataflow.tensor import Tensor
from dataflow.transposing import transposed

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.operation import Application, Rule

__all__ = ["batch_leading", "batch_one_by_one", "jvp_rule", "vjp_rule"]

_MISSING = Absent("it was declared without a derivative: give df.op(vjp=...) or df.op(jvp=...)")


def vjp_rule(vjp: Callable[..., Any] | None, jvp: Callable[..., Any] | None) -> Rule | Absent:
    """Return the vjp rule that a user's function says, or the transpose of the other one."""
    if vjp is not None:
        return lambda application, cotangents: _pull(
            vjp, application, _filled(application, cotangents)
        )
    if jvp is None:
        return _MISSING

    def pull(
        application: Application, cotangents: tuple[Tensor | None, ...]
    ) -> list[Tensor | None]:
        wanted = [i for i, needed in enumerate(application.needs) if needed]
        ends = [i for i, tensor in enumerate(application.outputs) if tensor.spec.is_float]

        def push(tangents: list[Tensor], rest: list[Tensor]) -> list[Tensor]:
            inner = _within(application, rest)
            directions: list[Tensor | None] = [None] * len(inner.inputs)
            for place, tangent in zip(wanted, tangents, strict=True):
                directions[place] = tangent
            made = _push(jvp, inner, or_zeros("tangent", inner.inputs, directions))
            kept = [made[i] for i in ends]
            return or_zeros("tangent", [inner.outputs[i] for i in ends], kept)

        given = _filled(application, cotangents)
        made = transposed(
            push, [given[i] for i in ends], [application.inputs[i] for i in wanted],
            [*application.inputs, *application.outputs],
            f"{_where(application)}: its jvp in the tangents",
        )  # fmt: skip
        found: list[Tensor | None] = [None] * len(application.inputs)
        for place, part in zip(wanted, made, strict=True):
            found[place] = part
        return found

    return pull


def jvp_rule(vjp: Callable[..., Any] | None, jvp: Callable[..., Any] | None) -> Rule | Absent:
    """Return the jvp rule that a user's function says, or the transpose of the other one."""
    if jvp is not None:
        return lambda application, tangents: _push(
            jvp, application, or_zeros("tangent", application.inputs, tangents)
        )
    if vjp is None:
        return _MISSING

    def push(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        moving = [i for i, tangent in enumerate(tangents) if tangent is not None]
        needs = tuple(tangent is not None for tangent in tangents)
        ends = [i for i, tensor in enumerate(application.outputs) if tensor.spec.is_float]

        def pull(cotangents: list[Tensor], rest: list[Tensor]) -> list[Tensor]:
            inner = _within(application._replace(needs=needs), rest)
            given: list[Tensor | None] = [None] * len(inner.outputs)
            for place, cotangent in zip(ends, cotangents, strict=True):
                given[place] = cotangent
            made = _pull(vjp, inner, _filled(inner, tuple(given)))
            return or_zeros(
                "cotangent", [inner.inputs[i] for i in moving], [made[i] for i in moving]
            )

        made = transposed(
            pull, [tangents[i] for i in moving if tangents[i] is not None],  # type: ignore[misc]
            [application.outputs[i] for i in ends], [*application.inputs, *application.outputs],
            f"{_where(application)}: its vjp in the cotangents",
        )  # fmt: skip
        found: list[Tensor | None] = [None] * len(application.outputs)
        for place, part in zip(ends, made, strict=True):
            found[place] = part
        return found

    return push


def batch_one_by_one(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run the op on one example after the other."""
    rows = [tensor for tensor, has_batch in zip(inputs, batched, strict=True) if has_batch]
    builder: Any = inputs[0].builder

    def one(examples: list[Tensor]) -> tuple[Tensor, ...]:
        row = iter(examples)
        mixed = [
            next(row) if has_batch else tensor
            for tensor, has_batch in zip(inputs, batched, strict=True)
        ]
        made: tuple[Tensor, ...] = builder.apply(application.op, mixed, application.attrs)
        return made

    return list(find_function("map")(one, rows))


def batch_leading(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run the op once, on all examples."""
    wide = [
        tensor if has_batch else spread(tensor, size)
        for tensor, has_batch in zip(inputs, batched, strict=True)
    ]
    return list(wide[0].builder.apply(application.op, wide, application.attrs))


def _filled(application: Application, cotangents: tuple[Tensor | None, ...]) -> list[Tensor]:
    return or_zeros("cotangent", application.outputs, cotangents)


def _within(application: Application, rest: list[Tensor]) -> Application:
    """Return the same node of other tensors: its inputs, then its outputs."""
    count = len(application.inputs)
    return application._replace(inputs=tuple(rest[:count]), outputs=tuple(rest[count:]))


def _pull(
    vjp: Callable[..., Any], application: Application, cotangents: list[Tensor]
) -> list[Tensor | None]:
    found = _said(vjp, "vjp", application, cotangents, application.inputs)
    return [part if need else None for part, need in zip(found, application.needs, strict=True)]


def _push(
    jvp: Callable[..., Any], application: Application, tangents: list[Tensor]
) -> list[Tensor | None]:
    return _said(jvp, "jvp", application, tangents, application.outputs)


def _said(
    rule: Callable[..., Any], kind: str, application: Application, given: list[Tensor],
    ends: Sequence[Tensor],
) -> list[Tensor | None]:  # fmt: skip
    """Call a user's rule, and check that it gives what it should."""
    outputs = application.outputs
    first = given[0] if kind == "vjp" and len(outputs) == 1 else tuple(given)
    output = outputs[0] if len(outputs) == 1 else outputs
    try:
        made = rule(first, output, *application.inputs, **application.attrs)
    except TypeError as error:
        msg = f"{_where(application)}: its {kind} can't be called as it should be: {error}"
        raise GradientError(msg) from error
    found = list(made) if isinstance(made, (tuple, list)) else [made]
    if len(found) != len(ends):
        msg = f"{_where(application)}: its {kind} gives {len(found)} results, not {len(ends)}"
        raise GradientError(msg)
    for slot, (part, end) in enumerate(zip(found, ends, strict=True)):
        if part is not None and (not isinstance(part, Tensor) or part.spec != end.spec):
            what = part.spec if isinstance(part, Tensor) else repr(part)
            msg = f"{_where(application)}: its {kind} gives {what} for {slot}, not {end.spec}"
            raise GradientError(msg)
    return found


def _where(application: Application) -> str:
    builder: Any = application.outputs[0].builder
    node = application.outputs[0].node
    return node_text(node, application.op.name, builder.source_of(node))
