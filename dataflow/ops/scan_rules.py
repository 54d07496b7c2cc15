"""The derivative and batch rules of `scan`: scans again, with bodies made from the body.

Reverse mode runs a scan the other way round. A step of it reads the carries and rows that the
forward step had, computes the body once more, and pulls the cotangents back through it. Its carries
are the cotangents of the forward carries, and the sums for what comes from outside:

    forward   c ──► body ──► c'                  history: c before each step
    reverse   c̄ ◄── body's vjp ◄── c̄'            w̄ ◄── w̄ + this step's

Forward mode runs a scan of the tangents in the forward order, which reads the history too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataflow.bodies import inlined, inlined_batch, placed, pulled_back, spread, traced
from dataflow.calling import call_function
from dataflow.errors import GradientError
from dataflow.ops.parts import cut, picked, where_given, where_true
from dataflow.ops.scan_form import ScanForm
from dataflow.seeds import or_zeros
from dataflow.sweeps import jvp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = ["batch_scan", "jvp_scan", "vjp_scan"]


def vjp_scan(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the loop backwards, each step's cotangents through the body's reverse sweep."""
    form = ScanForm.of(application.attrs)
    inputs, needs = form.split(application.inputs), form.split(application.needs)
    of_last, of_rows, of_history = form.split_results(cotangents)
    history = _history(form, application)
    carried = [i for i, tensor in enumerate(inputs[0]) if tensor.spec.is_float]
    by_rows, by_outer = (where_true(flags) for flags in needs[1:])
    rows, before = where_given(of_rows), where_given(of_history)

    def step(tensors: list[Tensor]) -> list[Tensor]:
        parts = cut(
            tensors, len(carried), len(by_outer), form.carries, form.stacks, len(rows), len(before)
        )
        last, sums, carries, stacks, row_cotangents, history_cotangents, outer = parts
        made = inlined(form.graph, [*carries, *stacks, *outer])
        ends = [made[i] for i in carried] + [made[form.carries + i] for i in rows]
        wrt = picked(carries, carried) + picked(stacks, by_rows) + picked(outer, by_outer)
        found = pulled_back(ends, wrt, [*last, *row_cotangents])
        by_carries, by_stacks, by_outside = cut(found, len(carried), len(by_rows))
        for place, cotangent in zip(before, history_cotangents, strict=True):
            at = carried.index(place)
            by_carries[at] = by_carries[at] + cotangent
        return [*by_carries, *(a + b for a, b in zip(sums, by_outside, strict=True)), *by_stacks]

    starts = [*picked(inputs[0], carried), *picked(inputs[2], by_outer)]
    seeds = [*picked(of_last, carried), *[None] * len(by_outer)]
    stacks = [*history, *inputs[1], *picked(of_rows, rows), *picked(of_history, before)]
    made = _scanned(
        application, step, or_zeros("cotangent", starts, seeds), stacks, inputs[2],
        reverse=not form.reverse,
    )  # fmt: skip
    by_carries, by_outside, by_stacks = cut(made, len(carried), len(by_outer), len(by_rows))[:3]
    asked = [i for i in carried if needs[0][i]]
    by_starts = [part for i, part in zip(carried, by_carries, strict=True) if needs[0][i]]
    return [
        *placed(by_starts, asked, form.carries),
        *placed(by_stacks, by_rows, form.stacks),
        *placed(by_outside, by_outer, len(inputs[2])),
    ]


def jvp_scan(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the loop on tangents, each step's through the body's forward-mode sweep."""
    form = ScanForm.of(application.attrs)
    inputs, given = form.split(application.inputs), form.split(tangents)
    rows, history = form.split_results(application.outputs)[1], _history(form, application)
    carried = [i for i, tensor in enumerate(inputs[0]) if tensor.spec.is_float]
    by_rows, by_outer = where_given(given[1]), where_given(given[2])
    moving = [i for i, tensor in enumerate(rows) if tensor.spec.is_float]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        parts = cut(tensors, len(carried), form.carries, form.stacks, len(by_rows), len(inputs[2]))
        of_carries, carries, stacks, of_stacks, outer, of_outer = parts
        made = inlined(form.graph, [*carries, *stacks, *outer])
        ends = [made[i] for i in carried] + [made[form.carries + i] for i in moving]
        wrt = picked(carries, carried) + picked(stacks, by_rows) + picked(outer, by_outer)
        directions = [*of_carries, *of_stacks, *of_outer]
        return or_zeros("tangent", ends, jvp_of(ends, wrt, directions) if ends else [])

    starts = or_zeros("tangent", picked(inputs[0], carried), picked(given[0], carried))
    stacks = [*history, *inputs[1], *picked(given[1], by_rows)]
    outer = [*inputs[2], *picked(given[2], by_outer)]
    made = _scanned(application, step, starts, stacks, outer, reverse=form.reverse)
    last, of_rows, of_history = cut(made, len(carried), len(moving))
    return [
        *placed(last, carried, form.carries),
        *placed(of_rows, moving, len(rows)),
        *placed(of_history, carried, form.carries),
    ]


def batch_scan(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run one loop whose steps are those of a whole batch."""
    form = ScanForm.of(application.attrs)
    carries, stacks, outer = form.split(inputs)
    flags = [*[True] * form.carries, *batched[form.carries :]]
    starts = [
        tensor if has_batch else spread(tensor, size)
        for tensor, has_batch in zip(carries, batched, strict=False)
    ]
    rows = [
        call_function("moveaxis", tensor, 1, 0) if has_batch else tensor
        for tensor, has_batch in zip(stacks, flags[form.carries :], strict=False)
    ]

    def step(tensors: list[Tensor]) -> list[Tensor]:
        return inlined_batch(form.graph, tensors, flags, size)

    made = _scanned(
        application, step, starts, rows, outer, reverse=form.reverse, history=form.history
    )
    last, rest = made[: form.carries], made[form.carries :]
    return [*last, *(call_function("moveaxis", tensor, 0, 1) for tensor in rest)]


def _history(form: ScanForm, application: Application) -> list[Tensor]:
    if not form.history:
        msg = f"node {application.outputs[0].node!r}: a scan without its history has no derivative"
        raise GradientError(msg)
    return form.split_results(application.outputs)[2]


def _scanned(
    application: Application, step: Any, carries: Sequence[Tensor], stacks: Sequence[Tensor],  # noqa: ANN401
    outer: Sequence[Tensor], *, reverse: bool, history: bool = True,
) -> list[Tensor]:  # fmt: skip
    """Declare another scan of the same length, of a body that a function declares."""
    form = ScanForm.of(application.attrs)
    rows = [tensor.spec.with_shape(tensor.shape[1:]) for tensor in stacks]
    specs = [*(t.spec for t in carries), *rows, *(t.spec for t in outer)]
    builder: Any = application.inputs[0].builder
    body: Graph = traced(builder, specs, step)
    new = ScanForm(body, len(carries), len(stacks), form.length, reverse, history)
    operands = [*carries, *stacks, *outer]
    return list(builder.apply(application.op, operands, new.attrs()))
