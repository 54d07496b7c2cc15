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
from scheduler.plan import Operand, Plan, Slice, Step, TileGroup

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
        for number in range(len(group.slices)):
            for member in range(group.first, group.end):
                if _runs(plan.steps[member], number):
                    yield _narrowed(plan.steps[member], member, number, group)
        index = group.end


def _runs(step: Step, number: int) -> bool:
    return step.when == "every" or (step.when == "first") == (number == 0)


def _narrowed(step: Step, index: int, number: int, group: TileGroup) -> KernelCall:
    op, rows = get_op(step.op, step.op_version), group.slices[number]
    operands = [tuple(_slice_of(operand, rows, group) for operand in side)
                for side in (step.inputs, step.outputs, step.scratch)]  # fmt: skip
    return KernelCall(index, number, op, _slice_attrs(step, op, rows, group), *operands)


def _slice_of(operand: Operand, rows: Slice, group: TileGroup) -> Operand:
    axis = operand.tile_axis
    if axis < 0:
        return operand
    factor = _factor(operand, group)
    shape = (*operand.shape[:axis], (rows.stop - rows.start) * factor, *operand.shape[axis + 1 :])
    shift = rows.start * factor * operand.strides[axis] if operand.advances else 0
    return Operand(operand.buffer, operand.byte_offset + shift, shape, operand.strides,
                   operand.dtype)  # fmt: skip


def _factor(operand: Operand, group: TileGroup) -> int:
    """Return how many places along its tile axis an operand has for one row of the group's."""
    rows = group.length if operand.advances else group.longest
    return operand.shape[operand.tile_axis] // rows


def _slice_attrs(step: Step, op: Op, rows: Slice, group: TileGroup) -> Attrs:
    """Return the attributes of one slice, as the op's tiling derives them from the whole call's."""
    axis = step.outputs[0].tile_axis if step.outputs else -1
    if axis < 0 or isinstance(op.tiling, Absent):
        return step.attrs
    tiling = op.tiling(tuple(_whole_spec(operand, group) for operand in step.inputs), step.attrs)
    factor = _factor(step.outputs[0], group)
    return tiling.slice_attrs(step.attrs, axis, rows.start * factor, rows.stop * factor)


def _whole_spec(operand: Operand, group: TileGroup) -> Spec:
    """Return the spec that an operand has when the call isn't sliced."""
    axis = operand.tile_axis
    if axis < 0:
        return operand.spec
    length = group.length * _factor(operand, group)
    return Spec((*operand.shape[:axis], length, *operand.shape[axis + 1 :]), operand.dtype)
