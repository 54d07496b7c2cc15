"""The op `scan`: a loop of known length, as one node that holds its body as a graph.

    carry ──► body ──► carry ──► body ──► carry ──► ... ──► carry
               ▲ │              ▲ │
         xs[0] ┘ └► ys[0] xs[1] ┘ └► ys[1]

The body is one flat program, bound twice: even steps read the first set of carries and write the
second, odd steps the other way round, so that nothing is copied between steps, and memory doesn't
grow with the length. Only what is stacked does: the results `ys`, and the *history*, the carries
before each step, which derivatives read. A plan that reads no history stores none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Body
from dataflow.bodies import cost_of, evaluated, traced
from dataflow.calling import call_function
from dataflow.elementwise import traffic
from dataflow.errors import ShapeError
from dataflow.operation import (
    Absent,
    Arrays,
    Bind,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Workspace,
    register,
)
from dataflow.ops.bodied import no_kernel
from dataflow.ops.parts import check_same
from dataflow.ops.scan_form import ScanForm, as_row, rows_of, stacked
from dataflow.ops.scan_rules import batch_scan, jvp_scan, vjp_scan
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array
    from dataflow.tensor import Tensor

__all__ = ["SCAN"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    form = ScanForm.of(attrs)
    carries, stacks, outer = form.split(specs)
    if len(carries) + len(stacks) < form.carries + form.stacks:
        msg = f"takes {form.carries} carries and {form.stacks} stacks, not {len(specs)} inputs"
        raise ShapeError(msg)
    for slot, spec in enumerate(stacks, form.carries):
        if spec.shape[:1] != (form.length,):
            msg = f"slot {slot} is {spec}: the loop reads {form.length} rows of it"
            raise ShapeError(msg)
    rows = [spec.with_shape(spec.shape[1:]) for spec in stacks]
    check_same("the body takes", form.body.input_specs, (*carries, *rows, *outer))
    new, results = form.body.output_specs[: form.carries], form.body.output_specs[form.carries :]
    check_same("a carry must stay as it is: the body gives", new, carries)
    history = carries if form.history else ()
    return (*carries, *(stacked(spec, form.length) for spec in (*results, *history)))


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Ask for a second set of carries, and one row of each stack."""
    carries, rows, _ = ScanForm.of(attrs).split(ScanForm.of(attrs).body.input_specs)
    return Workspace((*carries, *rows))


class _Loop(NamedTuple):
    """What a loop does at each step, bound to memory."""

    loads: Sequence[tuple[Array, Array]]  # (row, stack)
    programs: tuple[Sequence[Call], Sequence[Call]]  # of even steps, of odd steps
    befores: Sequence[tuple[Array, tuple[Array, Array]]]  # (history, carry at even, at odd steps)
    stores: Sequence[tuple[Array, tuple[Array, Array]]]  # (stack, row at even, at odd steps)


def _control(
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, binds: Sequence[Bind]
) -> list[Call]:
    form = ScanForm.of(attrs)
    length = form.steps
    starts, stacks, outer = form.split(ins)
    last, results, history = form.split_results(outs)
    spare, rows, _ = form.split(scratch)
    sets = (last, spare) if length % 2 == 0 else (spare, last)  # the last step writes to `last`
    free = [None] * len(results)
    even, even_rows = binds[0]([*sets[0], *rows, *outer], [*sets[1], *free])
    odd, odd_rows = binds[0]([*sets[1], *rows, *outer], [*sets[0], *free])
    pairs = zip(even_rows[form.carries :], odd_rows[form.carries :], strict=True)
    loop = _Loop(
        loads=list(zip(map(as_row, rows), map(rows_of, stacks), strict=True)),
        programs=(even, odd),
        befores=_stores(history, list(zip(*sets, strict=True)) if history else []),
        stores=_stores(results, list(pairs)),
    )
    order = range(length)[::-1] if form.reverse else range(length)
    copies: list[Call] = [(np.copyto, pair) for pair in zip(sets[0], starts, strict=True)]
    return [*copies, (_run, (loop, order))]


def _run(loop: _Loop, order: range) -> None:
    parity = 0
    loads, programs, befores, stores = loop
    for index in order:
        for row, stack in loads:
            row[...] = stack[index]  # np.copyto takes three times as long to get going
        for stack, carry in befores:
            stack[index] = carry[parity]
        for kernel, args in programs[parity]:
            kernel(*args)
        for stack, made in stores:
            stack[index] = made[parity]
        parity ^= 1


def _stores(
    stacks: Arrays, pairs: Sequence[tuple[Array, Array]]
) -> list[tuple[Array, tuple[Array, Array]]]:
    return [(rows_of(s), (as_row(a), as_row(b))) for s, (a, b) in zip(stacks, pairs, strict=True)]


def _reference(*arrays: Array, attrs: Attrs) -> tuple[Array, ...]:
    form = ScanForm.of(attrs)
    carries, stacks, outer = form.split(arrays)
    specs = _infer(tuple(map(_spec_of, arrays)), attrs)
    outs = [np.empty(spec.static_shape, spec.dtype) for spec in specs]
    _, results, history = form.split_results(outs)
    for index in range(form.steps)[::-1] if form.reverse else range(form.steps):
        for stack, carry in zip(history, carries, strict=False):
            stack[index] = carry
        made = evaluated(form.graph, [*carries, *(stack[index] for stack in stacks), *outer])
        carries = made[: form.carries]
        for stack, row in zip(results, made[form.carries :], strict=True):
            stack[index] = row
    return (*carries, *results, *history)


def _spec_of(array: Array) -> Spec:
    return Spec.like(np.asarray(array))


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    form = ScanForm.of(attrs)
    step = cost_of(form.graph)
    length = form.length if isinstance(form.length, int) else 0
    return Cost(step.flops * length, step.bytes * length + traffic(ins, outs))


def _runs(attrs: Attrs) -> tuple[int | None]:
    length = ScanForm.of(attrs).length
    return (length if isinstance(length, int) else None,)


def _sliced(
    attrs: Attrs, inputs: Sequence[int], outputs: Sequence[int]
) -> tuple[list[int], list[int]] | None:
    """Say along which axes a slice of all steps lies; a stack has one more, the first."""
    form = ScanForm.of(attrs)
    carries, stacks, outer = form.split(inputs)
    new, results = list(outputs[: form.carries]), outputs[form.carries :]
    if new != carries or any(axis > 0 for axis in (*carries, *outer)):
        return None
    history = carries if form.history else []
    return [*carries, *map(_below, stacks), *outer], [*new, *map(_below, (*results, *history))]


def _below(axis: int) -> int:
    return axis + 1 if axis >= 0 else axis


def _bound(attrs: Attrs) -> tuple[Sequence[int], Sequence[int]]:
    """Say that rows are copied, and carries before the first step, but nothing else."""
    form = ScanForm.of(attrs)
    inputs = len(form.body.input_specs)
    return range(form.carries + form.stacks, inputs), range(form.carries)


def _offered(attrs: Attrs, output: int) -> Sequence[int]:
    """Say that what is stacked may lie where stacks lie: of each row, all is read before."""
    form = ScanForm.of(attrs)
    return range(form.carries, form.carries + form.stacks) if output >= form.carries else ()


def _prune(attrs: Attrs, used: Sequence[bool]) -> tuple[Attrs, list[int]]:
    """Leave the history out where nothing reads it."""
    form = ScanForm.of(attrs)
    kept = len(form.body.output_specs)
    if not form.history or any(used[kept:]):
        return attrs, list(range(len(used)))
    return form._replace(history=False).attrs(), list(range(kept))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Loops over rows and over none, both ways, with carries of two dtypes and without any."""
    from dataflow.builder import GraphBuilder

    def of(operands: Sequence[Array], carries: int, stacks: int, step: Any, **how: bool) -> Sample:  # noqa: ANN401
        length = len(operands[carries]) if stacks else 3
        form = ScanForm(Body(), carries, stacks, length)
        first, rows, outer = form.split([_spec_of(array) for array in operands])
        specs = [*first, *(spec.with_shape(spec.shape[1:]) for spec in rows), *outer]
        body = traced(GraphBuilder(), specs, step)
        attrs = form._replace(body=body, **how).attrs()
        return Sample(tuple(operands), attrs, smooth=how.get("history", True))

    def cell(tensors: list[Tensor]) -> list[Tensor]:
        carry, row, weight = tensors
        new = call_function("sin", carry * weight + row)
        return [new, new * row]

    def counted(tensors: list[Tensor]) -> list[Tensor]:
        carry, count = tensors
        return [carry * 0.5 + count.astype(carry.dtype), count + 1]

    def squared(tensors: list[Tensor]) -> list[Tensor]:
        return [tensors[0] * tensors[0]]

    x = rng.normal(size=(4, 2))
    single = x.astype(np.float32)
    return [
        of([x[0, 0], x[:, 1], x[1, 0]], 1, 1, cell),
        of([x[0], x, x[1]], 1, 1, cell, reverse=True),
        of([single[0], single, single[1]], 1, 1, cell, history=False),
        of([x[0], np.asarray(2)], 2, 0, counted),
        of([x[0], x[:0], x[1]], 1, 1, cell),
        of([x], 0, 1, squared),
    ]


SCAN = register(Op(
    name="scan", label="Scan", infer=_infer, kernel=no_kernel, control=_control, runs=_runs,
    sliced=_sliced, bound=_bound, prune=_prune, offered=_offered,
    reference=_reference, vjp=vjp_scan, jvp=jvp_scan, batch=batch_scan,
    tiling=Absent("each step needs the one before"), workspace=_workspace, cost=_cost,
    samples=_samples, fallible=True, ulps=Absent("as many roundings as the body has, each step"),
))  # fmt: skip
