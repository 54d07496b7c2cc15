"""Lifetimes: which buffer each value lies in, from which step to which.

Steps are numbered as they will run. A value lies in one of:

- the buffer that it is a view of, if its op is an alias and the strides allow it (then there is
  no step at all);
- the variable's buffer, if it commits an update;
- the buffer of a concatenation that it is a part of (`scheduler.joins`);
- the buffer of an input that dies at this step, if the op may work in place and shape, dtype and
  strides are exactly the same (NumPy would copy behind our back where they merely overlap);
- a buffer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from scheduler.joins import join, joins_of, made_in_place
from scheduler.lending import mark_lent
from scheduler.live_memory import LiveBuffer, Memory, as_view, takeover
from scheduler.plan import Operand, Step, arena_specs
from scheduler.tiled_memory import add_group

if TYPE_CHECKING:
    from dataflow.spec import Spec
    from scheduler.program import Item, Program
    from scheduler.tile_groups import Tiles

__all__ = ["assign_memory"]


def assign_memory(
    program: Program, order: Sequence[int], tiles: Tiles | None = None, *, joins: bool = True
) -> Memory:
    """Turn items, in this order, into steps on buffers; those of a tile group stand together.

    With `joins`, values are made where concatenations want them.
    """
    group_of = {} if tiles is None else tiles.group_of
    memory = Memory.of(program, joins_of(program, group_of) if joins else None)
    for number, members in groupby(order, lambda index: group_of.get(index, -1)):
        if tiles is not None and number >= 0:
            add_group(memory, tiles, list(members))
            continue
        for index in members:
            item = program.items[index]
            if not (_as_view(memory, item) or join(memory, item)):
                _as_step(memory, item)
    for buffer in memory.buffers:
        if buffer.kind != "temporary" or buffer.pinned:
            buffer.end = max(len(memory.steps), buffer.first + 1)
    if not program.is_body:
        mark_lent(memory)
    return memory


def _as_view(memory: Memory, item: Item) -> bool:
    """Let an alias op's result be a view, if it can be; say whether."""
    alias, (value, *_) = item.op.alias, item.outputs
    if alias is None or value in memory.program.commits:
        return False
    source = memory.operands[item.inputs[alias.slot]]
    operand = as_view(source, alias, memory.program.specs[value], item.attrs)
    if operand is None:
        return False
    memory.lie_in(source.buffer, value, operand)
    memory.have_read(item)
    return True


def _as_step(memory: Memory, item: Item) -> None:
    step, specs = len(memory.steps), memory.program.specs
    inputs = tuple([memory.operands[value] for value in item.inputs])
    workspace = item.op.workspace(tuple([specs[value] for value in item.inputs]), item.attrs)
    inner = [body.internal for body in item.attrs.bodies()]  # type: ignore[attr-defined]  # plans
    memory.internal = max(memory.internal, workspace.internal, *inner)
    taken: set[int] = set()
    for value in item.outputs:
        _place_output(memory, item, inputs, value, taken)
    needed = (*workspace.scratch, *arena_specs(item.attrs))
    scratch = tuple([_scratch(memory, item, spec) for spec in needed])
    memory.have_read(item)
    outputs = tuple([memory.operands[value] for value in item.outputs])
    for operand in (*inputs, *outputs, *scratch):
        memory.buffers[operand.buffer].end = step + 1
    memory.steps.append(Step(
        item.node, item.op.name, item.op.version, item.attrs, inputs, outputs, scratch,
        sweep=item.sweep, forward=item.forward, source=item.source,
    ))  # fmt: skip


def _place_output(
    memory: Memory, item: Item, inputs: tuple[Operand, ...], value: int, taken: set[int]
) -> None:
    program = memory.program
    if value in program.commits:
        variable = program.variables[program.commits[value]]
        memory.lie_in(memory.operands[variable].buffer, value)
        return
    if made_in_place(memory, item, value):
        return
    wanted = Operand.row_by_row(-1, program.specs[value])
    place = takeover(memory, item, inputs, value, wanted, taken)
    if place is not None:
        taken.add(place.buffer)  # for one output only
        memory.lie_in(place.buffer, value, place)
        return
    nbytes = program.specs[value].nbytes
    memory.put(LiveBuffer("temporary", item.node, nbytes, first=len(memory.steps)), value)


def _scratch(memory: Memory, item: Item, spec: Spec) -> Operand:
    buffer = LiveBuffer("temporary", item.node, spec.nbytes, first=len(memory.steps))
    return Operand.row_by_row(memory.add(buffer), spec)
