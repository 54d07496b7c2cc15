"""The op `while`: a loop that a condition ends, as one node that holds two bodies.

    carry ──► cond ──true──► step ──► carry ──► cond ──true──► ...
                └────false──► the last carry, and how many steps there were

The step is bound twice, so that the two sets of carries change places. The number of steps is a
result, since the reverse sweep needs it (see `dataflow.ops.while_pull`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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
from dataflow.ops.parts import check_same
from dataflow.ops.while_form import WhileForm
from dataflow.ops.while_rules import batch_while, jvp_while, vjp_while
from dataflow.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.attrs import Attrs
    from dataflow.operation import Array
    from dataflow.tensor import Tensor

__all__ = ["COUNT", "FLAG", "WHILE"]

COUNT, FLAG = Spec((), np.dtype(np.int64)), Spec((), np.dtype(np.bool_))


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    form = WhileForm.of(attrs)
    carries, _ = form.split(specs)
    check_same("the condition takes", form.cond.input_specs, specs)
    check_same("the condition gives", form.cond.output_specs, [FLAG])
    check_same("the step takes", form.step.input_specs, specs)
    check_same("a carry must stay as it is: the step gives", form.step.output_specs, carries)
    return (*carries, COUNT)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Ask for a second set of carries."""
    return Workspace(tuple(WhileForm.of(attrs).split(specs)[0]))


class _Loop(NamedTuple):
    """What a loop does at each step, bound to memory; in pairs, for even steps and odd ones."""

    conds: tuple[Sequence[Call], Sequence[Call]]
    flags: tuple[Array, Array]
    steps: tuple[Sequence[Call], Sequence[Call]]
    last: Sequence[tuple[Array, Array]]  # (result, carry after an odd number of steps)
    number: Array


def _control(
    outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs, binds: Sequence[Bind]
) -> list[Call]:
    form = WhileForm.of(attrs)
    starts, outer = form.split(ins)
    *sets, count = outs
    (cond, (flag,)), (odd_cond, (odd_flag,)) = (
        binds[0]([*carries, *outer], [None]) for carries in (sets, scratch)
    )
    step, odd_step = (
        binds[1]([*old, *outer], new)[0] for old, new in ((sets, scratch), (scratch, sets))
    )
    loop = _Loop(
        (cond, odd_cond), (flag, odd_flag), (step, odd_step),
        list(zip(sets, scratch, strict=True)), count,
    )  # fmt: skip
    copies: list[Call] = [(np.copyto, pair) for pair in zip(sets, starts, strict=True)]
    return [*copies, (_run, (loop, _bound(form)))]


def _bound(form: WhileForm) -> float:
    return form.most if isinstance(form.most, int) else np.inf


def _run(loop: _Loop, most: float) -> None:
    parity = count = 0
    while count < most:
        for kernel, args in loop.conds[parity]:
            kernel(*args)
        if not loop.flags[parity]:
            break
        for kernel, args in loop.steps[parity]:
            kernel(*args)
        parity ^= 1
        count += 1
    if parity:
        for result, carry in loop.last:
            np.copyto(result, carry)
    loop.number[...] = count


def _reference(*arrays: Array, attrs: Attrs) -> tuple[Array, ...]:
    form = WhileForm.of(attrs)
    cond, step = form.graphs
    carries, outer = form.split(arrays)
    count = 0
    while count < _bound(form) and evaluated(cond, [*carries, *outer])[0]:
        carries, count = evaluated(step, [*carries, *outer]), count + 1
    return (*carries, np.asarray(count))


def _runs(attrs: Attrs) -> tuple[int | None, int | None]:
    most = WhileForm.of(attrs).most
    return (most + 1, most) if isinstance(most, int) else (None, None)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return the cost of as many steps as there may be, of one where nothing bounds them."""
    form = WhileForm.of(attrs)
    times = form.most if isinstance(form.most, int) else 1
    parts = [cost_of(body) for body in form.graphs]
    flops, nbytes = (sum(part[i] for part in parts) * times for i in (0, 1))
    return Cost(flops, nbytes + traffic(ins, outs))


def _samples(rng: np.random.Generator) -> list[Sample]:
    """Loops of no step, of some, and of as many as they may have; with carries of two dtypes."""
    from dataflow.builder import GraphBuilder

    def of(operands: Sequence[ArrayLike], carries: int, cond: Any, step: Any,  # noqa: ANN401
           most: int | None = None) -> Sample:  # fmt: skip
        specs = [Spec.like(np.asarray(array)) for array in operands]
        flag, new = (traced(GraphBuilder(), specs, function) for function in (cond, step))
        form = WhileForm(flag, new, carries, most, 2)
        return Sample(tuple(np.asarray(array) for array in operands), form.attrs())

    def halved(tensors: list[Tensor]) -> list[Tensor]:
        x, count, weight = tensors
        return [x * 0.5 + weight * x * x, count + 1]

    def fewer(limit: int) -> Any:  # noqa: ANN401 - a function of the carries
        return lambda tensors: [tensors[1] < limit]

    x, weight = rng.uniform(0.2, 0.8, (2, 3))
    single = x.astype(np.float32)
    return [
        of([x, 0, weight], 2, fewer(5), halved),
        of([x, 0, weight], 2, fewer(5), halved, most=3),
        of([x, 7, weight], 2, fewer(5), halved),
        of([x[0, None][0], 0, weight[1, None][0]], 2, fewer(2), halved, most=9),
        of([single, 0, single], 2, fewer(4), halved),
        of([x[:0], 0, weight[:0]], 2, fewer(2), halved),
        of([x[0], 0.7], 1, lambda t: [t[0] > 0.05], lambda t: [t[0] * t[1]]),
    ]


WHILE = register(Op(
    name="while", label="While", infer=_infer, kernel=no_kernel, control=_control, runs=_runs,
    reference=_reference, vjp=vjp_while, jvp=jvp_while, batch=batch_while,
    tiling=Absent("each step needs the one before"), workspace=_workspace, cost=_cost,
    samples=_samples, fallible=True, ulps=Absent("as many roundings as the body has, each step"),
))  # fmt: skip
