"""The derivative and batch rules of `while` and `while_vjp`, which need no other ops.

With f the step, c a carry, w what comes from outside, and J the derivative of f, write F for the
*pushed* step, of carries with their tangents: F(c, ċ; w, ẇ) = (f(c; w), J·(ċ, ẇ)). Then

- forward mode over the loop is the loop of F, under the same condition;
- reverse mode over the loop is `while_vjp`, of f;
- forward mode over `while_vjp` of f is `while_vjp` of F: pulling (λ̇, λ) back through F gives
  Jᵀλ̇ + (d/dt Jᵀ) λ, which is the tangent of Jᵀλ, and Jᵀλ;
- reverse mode over `while_vjp` of f, with the cotangents u and v of what it gives for c and w: the
  sum of their products is λ times the tangent of the last carry along (u, v). So λ gets that
  tangent, from the loop of F started at (c, u), and c and w get what `while_vjp` of F, started
  there, gives for the cotangents (0, λ).

So every order comes from the same two ops, and none needs more memory than its slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.bodies import (
    beside,
    inlined,
    inlined_batch,
    placed,
    pulled_back,
    spread,
    traced,
)
from dataflow.calling import call_function
from dataflow.ops.parts import cut, picked, where_given, where_true
from dataflow.ops.while_form import PullForm, WhileForm
from dataflow.registry import get_op
from dataflow.seeds import or_zeros
from dataflow.sweeps import jvp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.operation import Application
    from dataflow.tensor import Tensor

__all__ = [
    "batch_pull", "batch_while", "jvp_pull", "jvp_while", "pulled_step", "vjp_pull", "vjp_while",
]  # fmt: skip


class _Reversal(NamedTuple):
    """A loop's reverse sweep before it is declared: its step, its point, and its bounds."""

    step: Graph
    starts: Sequence[Tensor]
    outer: Sequence[Tensor]
    number: Tensor
    most: int | Dim | None
    slots: int


def _declared(
    of: _Reversal, cotangents: Sequence[Tensor], wanted: Sequence[int]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the cotangents of the carries that have any, and of the outer tensors wanted."""
    builder: Any = of.number.builder
    carries = len(of.starts)
    pulled = pulled_step(builder, of.step, carries, wanted)
    form = PullForm(of.step, pulled, carries, of.most, of.slots, tuple(wanted))
    operands = [*of.starts, *of.outer, *cotangents, of.number]
    made = builder.apply(get_op("while_vjp"), operands, form.attrs())
    by_carries, by_outer = cut(made, len(cotangents))
    return by_carries, by_outer


def _pushed(
    of: _Reversal, tangents: Sequence[Tensor], moving: Sequence[int], directions: Sequence[Tensor]
) -> _Reversal:
    """Return the same of the pushed step, from tangents of carries and of some outer tensors."""
    step = _pushed_step(of.number.builder, of.step, len(of.starts), moving)
    starts, outer = [*of.starts, *tangents], [*of.outer, *directions]
    return of._replace(step=step, starts=starts, outer=outer)


def pulled_step(builder: Any, step: Graph, carries: int, wanted: Sequence[int]) -> Graph:  # noqa: ANN401
    """Return a step's reverse sweep as a body, which adds up what flows to wanted outer tensors."""
    before, outer = cut(step.input_specs, carries)[:2]
    floats = where_true([spec.is_float for spec in before])
    lengths = carries, len(outer), len(floats)

    def pull(tensors: list[Tensor]) -> list[Tensor]:
        inner, outside, cotangents, sums = cut(tensors, *lengths)
        ends = picked(inlined(step, [*inner, *outside]), floats)
        found = pulled_back(ends, [*picked(inner, floats), *picked(outside, wanted)], cotangents)
        by_carries, by_outer = cut(found, len(floats))
        return [*by_carries, *(a + b for a, b in zip(sums, by_outer, strict=True))]

    made = [*picked(before, floats), *picked(outer, wanted)]
    return traced(builder, [*before, *outer, *made], pull)


def _pushed_step(builder: Any, step: Graph, carries: int, moving: Sequence[int]) -> Graph:  # noqa: ANN401
    """Return a step of carries with their tangents, along tangents of some outer tensors."""
    before, outer = cut(step.input_specs, carries)[:2]
    floats = where_true([spec.is_float for spec in before])
    lengths = carries, len(floats), len(outer)

    def push(tensors: list[Tensor]) -> list[Tensor]:
        inner, tangents, outside, directions = cut(tensors, *lengths)
        made = inlined(step, [*inner, *outside])
        ends = picked(made, floats)
        wrt = [*picked(inner, floats), *picked(outside, moving)]
        return [*made, *or_zeros("tangent", ends, jvp_of(ends, wrt, [*tangents, *directions]))]

    specs = [*before, *picked(before, floats), *outer, *picked(outer, moving)]
    return traced(builder, specs, push)


# The loop


def vjp_while(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Declare the reverse sweep as one node."""
    form = WhileForm.of(application.attrs)
    starts, outer = form.split(application.inputs)
    wanted = where_true(application.needs[form.carries :])
    of_carries = picked(cotangents, form.floats)
    if not where_given(of_carries):
        return [None] * len(application.inputs)
    seeds = or_zeros("cotangent", picked(starts, form.floats), of_carries)
    by_carries, by_outer = _declared(_reversal(form, application), seeds, wanted)
    by_starts = placed(by_carries, form.floats, form.carries)
    kept = [
        part if need else None for part, need in zip(by_starts, application.needs, strict=False)
    ]
    return [*kept, *placed(by_outer, wanted, len(outer))]


def jvp_while(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the loop of the pushed step, under the same condition."""
    form = WhileForm.of(application.attrs)
    starts, _ = form.split(application.inputs)
    of_starts, of_outer = form.split(tangents)
    moving = where_given(of_outer)
    directions = or_zeros("tangent", picked(starts, form.floats), picked(of_starts, form.floats))
    pushed = _pushed(_reversal(form, application), directions, moving, picked(of_outer, moving))
    lengths = form.carries, len(form.floats), len(application.inputs) - form.carries

    def cond(tensors: list[Tensor]) -> list[Tensor]:
        inner, _, outside, _ = cut(tensors, *lengths)
        return inlined(form.graphs[0], [*inner, *outside])

    made = _looped(pushed, cond)
    return placed(made[form.carries : -1], form.floats, len(application.outputs))


def batch_while(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Run one loop for all examples; those that are done keep their carries."""
    form = WhileForm.of(application.attrs)
    cond, step = form.graphs
    carries, outer = form.split(inputs)
    flags = [*[True] * form.carries, *batched[form.carries :]]
    starts = _spread(carries, batched, size)
    builder: Any = inputs[0].builder
    (active,) = inlined_batch(cond, [*starts, *outer], flags, size)
    counts = builder.zeros((size,), "int64")

    def run(tensors: list[Tensor]) -> list[Tensor]:
        inner, (is_on, done), outside = cut(tensors, form.carries, 2)
        made = inlined_batch(step, [*inner, *outside], flags, size)
        new = _selected(is_on, made, inner)
        (goes_on,) = inlined_batch(cond, [*new, *outside], flags, size)
        return [*new, is_on & goes_on, done + call_function("astype", is_on, "int64")]

    def any_active(tensors: list[Tensor]) -> list[Tensor]:
        return [call_function("any", tensors[form.carries])]

    every = [*starts, active, counts]
    specs = [tensor.spec for tensor in (*every, *outer)]
    whole = _reversal(form, application)._replace(
        step=traced(builder, specs, run), starts=every, outer=outer
    )
    made = _looped(whole, any_active)
    return [*made[: form.carries], made[form.carries + 1]]


def _reversal(form: WhileForm, application: Application) -> _Reversal:
    starts, outer = form.split(application.inputs)
    count = application.outputs[-1]
    return _Reversal(form.graphs[1], starts, outer, count, form.most, form.slots)


def _looped(of: _Reversal, cond: Any) -> list[Tensor]:  # noqa: ANN401 - a function of tensors
    """Declare the loop of a step under a condition that a function declares."""
    builder: Any = of.number.builder
    operands = [*of.starts, *of.outer]
    flag = traced(builder, [tensor.spec for tensor in operands], cond)
    form = WhileForm(flag, of.step, len(of.starts), of.most, of.slots)
    return list(builder.apply(get_op("while"), operands, form.attrs()))


# Its reverse sweep


def vjp_pull(
    application: Application, cotangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Differentiate the reverse sweep: its results' cotangents are directions of the loop."""
    form = PullForm.of(application.attrs)
    starts, _, seeds, _ = form.split(application.inputs)
    needs = form.split(application.needs)
    by_carries, by_outer = cut(cotangents, len(form.floats))
    moving = [form.wanted[i] for i in where_given(by_outer)]
    tangents = or_zeros("tangent", picked(starts, form.floats), by_carries)
    directions = picked(by_outer, where_given(by_outer))
    pushed = _pushed(_pull(form, application.inputs), tangents, moving, directions)
    for_seeds: Sequence[Tensor | None] = [None] * len(seeds)
    if any(needs[2]):
        for_seeds = _counted(pushed)[form.carries : form.carries + len(seeds)]
    for_starts: Sequence[Tensor | None] = [None] * form.carries
    for_outer: Sequence[Tensor | None] = [None] * form.outer
    if any((*needs[0], *needs[1])):
        wanted = where_true(needs[1])
        zeros = or_zeros("cotangent", seeds, [None] * len(seeds))
        found, rest = _declared(pushed, [*zeros, *seeds], wanted)
        for_starts = placed(found[: len(seeds)], form.floats, form.carries)
        for_outer = placed(rest, wanted, form.outer)
    parts = [*for_starts, *for_outer, *for_seeds, None]
    return [part if need else None for part, need in zip(parts, application.needs, strict=True)]


def jvp_pull(
    application: Application, tangents: tuple[Tensor | None, ...]
) -> Sequence[Tensor | None]:
    """Run the reverse sweep of the pushed step."""
    form = PullForm.of(application.attrs)
    starts, _, seeds, _ = form.split(application.inputs)
    of_starts, of_outer, of_seeds, _ = form.split(tangents)
    moving, floats = where_given(of_outer), form.floats
    moved = or_zeros("tangent", seeds, of_seeds)
    reversal = _pull(form, application.inputs)
    if not where_given([*of_starts, *of_outer]):
        by_carries, by_outer = _declared(reversal, moved, form.wanted)
        return [*by_carries, *by_outer]
    directions = or_zeros("tangent", picked(starts, floats), picked(of_starts, floats))
    pushed = _pushed(reversal, directions, moving, picked(of_outer, moving))
    by_carries, by_outer = _declared(pushed, [*moved, *seeds], form.wanted)
    return [*by_carries[: len(floats)], *by_outer]


def batch_pull(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> Sequence[Tensor]:  # fmt: skip
    """Reverse all examples at once; steps beyond an example's own number leave it as it is."""
    form = PullForm.of(application.attrs)
    flags = form.split(batched)
    starts, outer, seeds, count = form.split(inputs)
    is_wide = [flag or place in form.wanted for place, flag in enumerate(flags[1])]
    outer = [
        tensor if flag or not wide else spread(tensor, size)
        for tensor, flag, wide in zip(outer, flags[1], is_wide, strict=True)
    ]
    every = [*[True] * form.carries, *is_wide]
    builder: Any = inputs[0].builder

    def run(tensors: list[Tensor]) -> list[Tensor]:
        return inlined_batch(form.graphs[0], tensors, every, size)

    def run_masked(tensors: list[Tensor]) -> list[Tensor]:
        inner, (index, *outside, counts) = cut(tensors, form.carries)
        made = inlined_batch(form.graphs[0], [*inner, *outside], every, size)
        return [*_selected(index < counts, made, inner), index + 1]

    carries = _spread(starts, flags[0], size)
    if flags[3]:
        outer = [*outer, count]
        carries = [*carries, builder.zeros((), "int64")]
        count = call_function("max", count, initial=0)
    step = traced(builder, [t.spec for t in (*carries, *outer)], run_masked if flags[3] else run)
    reversal = _Reversal(step, carries, outer, count, form.most, form.slots)
    by_carries, by_outer = _declared(reversal, _spread(seeds, flags[2], size), form.wanted)
    return [*by_carries, *by_outer]


def _pull(form: PullForm, inputs: Sequence[Tensor]) -> _Reversal:
    starts, outer, _, count = form.split(inputs)
    return _Reversal(form.graphs[0], starts, outer, count, form.most, form.slots)


def _counted(of: _Reversal) -> list[Tensor]:
    """Declare the loop of a step that takes the number of steps known already."""
    builder: Any = of.number.builder
    carries = len(of.starts)

    def run(tensors: list[Tensor]) -> list[Tensor]:
        inner, (index, *outside) = cut(tensors, carries)
        return [*inlined(of.step, [*inner, *outside[:-1]]), index + 1]

    def is_before(tensors: list[Tensor]) -> list[Tensor]:
        return [tensors[carries] < tensors[-1]]

    starts = [*of.starts, builder.zeros((), "int64")]
    outer = [*of.outer, of.number]
    step = traced(builder, [tensor.spec for tensor in (*starts, *outer)], run)
    return _looped(of._replace(step=step, starts=starts, outer=outer), is_before)


def _spread(tensors: Sequence[Tensor], batched: Sequence[bool], size: int | Dim) -> list[Tensor]:
    return [
        tensor if has_batch else spread(tensor, size)
        for tensor, has_batch in zip(tensors, batched, strict=False)
    ]


def _selected(flags: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> list[Tensor]:
    """Return for each example of a batch the new where its flag is true, else the old."""
    return [
        call_function("where", beside(flags, one), one, other)
        for one, other in zip(new, old, strict=True)
    ]
