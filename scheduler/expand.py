"""Expands a plan into the flat list of kernel calls that it stands for.

A step outside of tile groups is one call. A group's steps are called slice by slice, their
operands narrowed to the slice. `verify` checks these calls and `Runner` binds them: there is one
reading of a plan, and one executor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dataflow.operation import Absent, Op
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.plan import Operand, Plan, Slice, Step

if TYPE_CHECKING:
    from dataflow.attrs import Attrs

__all__ = ["KernelCall", "expand"]


class KernelCall(NamedTuple):
    """One call: the step and slice (-1 for none) it comes from, and its narrowed operands."""

    step: int
    slice: int
    op: Op
    attrs: Attrs
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    scratch: tuple[Operand, ...]


def expand(plan: Plan) -> Iterator[KernelCall]:
    """Yield a plan's kernel calls in the order in which they run."""
    index = 0
    while index < len(plan.steps):
        step = plan.steps[index]
        if step.group < 0:
            op = get_op(step.op, step.op_version)
            yield KernelCall(index, -1, op, step.attrs, step.inputs, step.outputs, step.scratch)
            index += 1
            continue
        group = plan.groups[step.group]
        lengths = _Lengths(group.length, group.longest)
        for number, rows in enumerate(group.slices):
            for member in range(group.first, group.end):
                if _runs(plan.steps[member], number):
                    call = _narrowed(plan.steps[member], rows, lengths)
                    yield KernelCall(member, number, *call)
        index = group.end


def _runs(step: Step, number: int) -> bool:
    return step.when == "every" or (step.when == "first") == (number == 0)


class _Lengths(NamedTuple):
    """How many rows a group has, and the longest of its slices."""

    whole: int
    longest: int


_Narrowed = tuple[Op, "Attrs", tuple[Operand, ...], tuple[Operand, ...], tuple[Operand, ...]]


def _narrowed(step: Step, rows: Slice, lengths: _Lengths) -> _Narrowed:
    """Return a step's op, attributes and operands for a slice."""
    op = get_op(step.op, step.op_version)
    inputs, outputs, scratch = (
        tuple(_slice_of(operand, rows, lengths) for operand in side)
        for side in (step.inputs, step.outputs, step.scratch)
    )
    return op, _slice_attrs(step, op, rows, lengths), inputs, outputs, scratch


def _slice_of(operand: Operand, rows: Slice, lengths: _Lengths) -> Operand:
    axis = operand.tile_axis
    if axis < 0:
        return operand
    factor = _factor(operand, lengths)
    shape = (*operand.shape[:axis], (rows.stop - rows.start) * factor, *operand.shape[axis + 1 :])
    shift = rows.start * factor * operand.strides[axis] if operand.advances else 0
    return Operand(operand.buffer, operand.byte_offset + shift, shape, operand.strides,
                   operand.dtype)  # fmt: skip


def _factor(operand: Operand, lengths: _Lengths) -> int:
    """Return how many places along its tile axis an operand has for one row of the group's."""
    rows = lengths.whole if operand.advances else lengths.longest
    return operand.shape[operand.tile_axis] // rows


def _slice_attrs(step: Step, op: Op, rows: Slice, lengths: _Lengths) -> Attrs:
    """Return the attributes of one slice, as the op's tiling derives them from the whole call's."""
    axis = step.outputs[0].tile_axis if step.outputs else -1
    if axis < 0 or isinstance(op.tiling, Absent):
        return step.attrs
    tiling = op.tiling(tuple(_whole_spec(operand, lengths) for operand in step.inputs), step.attrs)
    factor = _factor(step.outputs[0], lengths)
    return tiling.slice_attrs(step.attrs, axis, rows.start * factor, rows.stop * factor)


def _whole_spec(operand: Operand, lengths: _Lengths) -> Spec:
    """Return the spec that an operand has when the call isn't sliced."""
    axis = operand.tile_axis
    if axis < 0:
        return operand.spec
    length = lengths.whole * _factor(operand, lengths)
    return Spec((*operand.shape[:axis], length, *operand.shape[axis + 1 :]), operand.dtype)
