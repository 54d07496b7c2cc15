"""The op `while_vjp`: the reverse sweep of a loop that a condition ends, in bounded memory.

A scan keeps the carries before each step. Here the number of steps is known only when the loop is
over, and may be large, so no more carries are kept than there are slots: the binomial schedule of
`dataflow.ops.revolve` runs the step again, as seldom as that allows, and pulls the cotangents back
through one step after the other, the last first:

    forward   c ──► step ──► c'                 from a kept c, as often as needed
    reverse   c̄ ◄── pulled ◄── c̄'               w̄ ◄── w̄ + this step's
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.bodies import cost_of, evaluated, traced
from dataflow.elementwise import traffic
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
from dataflow.ops.parts import check_same, cut, picked
from dataflow.ops.revolve import moves, runs_again
from dataflow.ops.scan_form import rows_of, stacked
from dataflow.ops.while_form import PullForm
from dataflow.ops.while_op import COUNT
from dataflow.ops.while_rules import batch_pull, jvp_pull, pulled_step, vjp_pull
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array
    from dataflow.tensor import Tensor

__all__ = ["WHILE_VJP"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    form = PullForm.of(attrs)
    carries, outer, cotangents, count = form.split(specs)
    made = (*picked(carries, form.floats), *picked(outer, form.wanted))
    check_same("the step takes", form.step.input_specs, (*carries, *outer))
    check_same("a carry must stay as it is: the step gives", form.step.output_specs, carries)
    check_same("the cotangents are", cotangents, picked(carries, form.floats))
    check_same("the number of steps is", [count], [COUNT])
    check_same("the pulled step takes", form.pulled.input_specs, (*carries, *outer, *made))
    check_same("the pulled step gives", form.pulled.output_specs, made)
    return made


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Ask for two sets of carries, a stack of slots for each, and a second set of the results."""
    form = PullForm.of(attrs)
    carries = form.split(specs)[0]
    slots = [stacked(spec, form.slots) for spec in carries]
    return Workspace((*carries, *carries, *slots, *_infer(specs, attrs)))


class _Reversal(NamedTuple):
    """What the schedule moves about, bound to memory."""

    starts: Sequence[Array]
    slots: Sequence[Array]  # a stack for each carry
    carries: tuple[Sequence[Array], Sequence[Array]]  # those that are pulled back, and the others
    steps: tuple[Sequence[Call], Sequence[Call]]  # from the former to the latter, and back
    results: tuple[Sequence[Array], Sequence[Array]]  # the op's, and the second set
    pulls: tuple[Sequence[Call], Sequence[Call]]  # from the former to the latter, and back
    cotangents: Sequence[Array]
    number: Array


def _control(
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, binds: Sequence[Bind]
) -> list[Call]:
    form = PullForm.of(attrs)
    starts, outer, cotangents, count = form.split(ins)
    here, there, slots, spare = cut(scratch, *[form.carries] * 3)
    reversal = _Reversal(
        starts=starts, slots=list(map(rows_of, slots)), carries=(here, there),
        results=(outs, spare),
        steps=(binds[0]([*here, *outer], there)[0], binds[0]([*there, *outer], here)[0]),
        pulls=(binds[1]([*here, *outer, *outs], spare)[0],
               binds[1]([*here, *outer, *spare], outs)[0]),
        cotangents=cotangents, number=count,
    )  # fmt: skip
    return [(_run, (reversal, form.slots, form.most))]


def _run(reversal: _Reversal, slots: int, most: object) -> None:
    count = _steps(reversal.number, most)
    parity = count & 1  # so that the last step leaves its cotangents in the results
    first = reversal.results[parity]
    _copy(first, reversal.cotangents)
    for total in first[len(reversal.cotangents) :]:
        total[...] = 0
    for source, steps, target in moves(count, slots):
        _advance(reversal, _kept(reversal, source) if source else reversal.starts, steps)
        if target:
            _copy(_kept(reversal, target), reversal.carries[0])
            continue
        for kernel, args in reversal.pulls[parity]:
            kernel(*args)
        parity ^= 1


def _advance(reversal: _Reversal, source: Sequence[Array], steps: int) -> None:
    """Run steps from a kept state, so that the last leaves its carries where they're pulled."""
    parity = steps & 1
    _copy(reversal.carries[parity], source)
    for _ in range(steps):
        for kernel, args in reversal.steps[parity]:
            kernel(*args)
        parity ^= 1


def _kept(reversal: _Reversal, slot: int) -> list[Array]:
    return [stack[slot - 1] for stack in reversal.slots]


def _copy(targets: Sequence[Array], sources: Sequence[Array]) -> None:
    for target, source in zip(targets, sources, strict=False):
        target[...] = source  # np.copyto takes three times as long to get going


def _steps(count: Array, most: object) -> int:
    return min(int(count), most) if isinstance(most, int) else int(count)


def _reference(*arrays: Array, attrs: Attrs) -> tuple[Array, ...]:
    form = PullForm.of(attrs)
    step, pulled = form.graphs
    carries, outer, cotangents, count = form.split(arrays)
    sums = [np.zeros_like(array) for array in picked(outer, form.wanted)]
    states = [carries]
    for _ in range(_steps(count, form.most) - 1):
        states.append(evaluated(step, [*states[-1], *outer]))
    made = [*cotangents, *sums]
    for state in states[::-1] if count > 0 else []:
        made = evaluated(pulled, [*state, *outer, *made])
    return tuple(made)


def _runs(attrs: Attrs) -> tuple[int | None, int | None]:
    form = PullForm.of(attrs)
    if not isinstance(form.most, int):
        return None, None
    return runs_again(form.most, form.slots), form.most


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return the cost of as many steps as there may be, of one where nothing bounds them."""
    parts = [cost_of(body) for body in PullForm.of(attrs).graphs]
    times = [1 if run is None else run for run in _runs(attrs)]
    flops, nbytes = (sum(p[i] * n for p, n in zip(parts, times, strict=True)) for i in (0, 1))
    return Cost(flops, nbytes + traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Reversals of no step, of one and of more than there are slots."""
    from dataflow.builder import GraphBuilder

    def halved(tensors: list[Tensor]) -> list[Tensor]:
        x, calls, weight = tensors
        return [x * 0.5 + weight * x * x, calls + 1]

    def of(count: int, x: Array, weight: Array, slots: int = 2, most: int | None = None) -> Sample:
        calls = np.asarray(0)
        builder, specs = GraphBuilder(), [Spec.like(a) for a in (x, calls, weight)]
        step = traced(builder, specs, halved)
        pulled = pulled_step(builder, step, 2, (0,))
        attrs = PullForm(step, pulled, 2, most, slots, (0,)).attrs()
        return Sample((x, calls, weight, np.cos(x), np.asarray(count)), attrs)

    x, weight = rng.uniform(0.2, 0.8, (2, 3))
    single = x.astype(np.float32)
    return [
        *(of(count, x, weight) for count in (0, 1, 6)),
        of(6, x, weight, slots=9),
        of(6, x, weight, most=4),
        of(5, single, single * 0.25, slots=1),
        of(3, x[0, None][0], weight[0, None][0], slots=1),
        of(3, x[:0], weight[:0]),
    ]


WHILE_VJP = register(Op(
    name="while_vjp", label="WhileVjp", infer=_infer, kernel=no_kernel, control=_control,
    runs=_runs, reference=_reference, vjp=vjp_pull, jvp=jvp_pull, batch=batch_pull,
    tiling=Absent("each step needs the one after"), workspace=_workspace, cost=_cost,
    samples=_samples, fallible=True, ulps=Absent("as many roundings as the body has, each step"),
))  # fmt: skip
