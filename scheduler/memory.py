"""Lifetimes: which buffer each value lies in, from which step to which.

Steps are numbered as they will run. A value lies in one of:

- the buffer that it is a view of, if its op is an alias and the strides allow it (then there is
  no step at all);
- the variable's buffer, if it commits an update;
- the buffer of an input that dies at this step, if the op may work in place and shape, dtype and
  strides are exactly the same (NumPy would copy behind our back where they merely overlap);
- a buffer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scheduler.plan import Operand, Step, arena_specs

if TYPE_CHECKING:
    from dataflow.operation import Alias
    from dataflow.spec import Spec
    from scheduler.program import Item, Program

__all__ = ["Memory", "assign_memory"]

_PHANTOM = np.zeros(16, np.uint8)  # views are worked out on arrays that reach far beyond it


@dataclass(slots=True)
class LiveBuffer:
    """A buffer while lifetimes are being worked out."""

    kind: str
    name: str
    nbytes: int
    first: int = 0
    end: int = 0
    reads_left: int = 0
    pinned: bool = False  # holds a result: lives to the end


@dataclass(slots=True)
class Memory:
    """Steps, buffers with lifetimes, and where each value lies, growing step by step."""

    program: Program
    results: frozenset[int]  # values that outlive the last step
    reads: list[int]  # how many items read each value
    steps: list[Step] = field(default_factory=list)
    buffers: list[LiveBuffer] = field(default_factory=list)
    operands: dict[int, Operand] = field(default_factory=dict)
    internal: int = 0


def assign_memory(program: Program, order: Sequence[int]) -> Memory:
    """Turn items, in this order, into steps on buffers."""
    memory = Memory(program, frozenset(program.outputs.values()), _reads(program))
    _add_persistent(memory)
    for index in order:
        item = program.items[index]
        if not _as_view(memory, item):
            _as_step(memory, item)
    for buffer in memory.buffers:
        if buffer.kind != "temporary" or buffer.pinned:
            buffer.end = max(len(memory.steps), buffer.first + 1)
    return memory


def _reads(program: Program) -> list[int]:
    reads = [0] * len(program.specs)
    for item in program.items:
        for value in set(item.inputs):
            reads[value] += 1
    return reads


def _add_persistent(memory: Memory) -> None:
    """Give inputs, variables and constants their buffers."""
    program = memory.program
    ends = {"input": program.inputs, "variable": program.variables,
            "constant": {f"constant_{i}": v for i, v in enumerate(program.constants)}}  # fmt: skip
    for kind, values in ends.items():
        for name, value in values.items():
            nbytes = program.specs[value].nbytes
            _put(memory, LiveBuffer(kind, name, nbytes, pinned=True), value)


def _put(memory: Memory, buffer: LiveBuffer, value: int) -> None:
    """Let a value lie at the start of a new buffer, row by row."""
    memory.buffers.append(buffer)
    _lie_in(memory, len(memory.buffers) - 1, value)


def _lie_in(memory: Memory, index: int, value: int, operand: Operand | None = None) -> None:
    """Let a value lie in a buffer: at its start, row by row, unless an operand says where."""
    buffer = memory.buffers[index]
    buffer.reads_left += memory.reads[value]
    buffer.pinned |= value in memory.results
    memory.operands[value] = operand or Operand.row_by_row(index, memory.program.specs[value])


def _have_read(memory: Memory, item: Item) -> None:
    for value in set(item.inputs):
        memory.buffers[memory.operands[value].buffer].reads_left -= 1


def _as_view(memory: Memory, item: Item) -> bool:
    """Let an alias op's result be a view, if it can be; say whether."""
    alias, (value, *_) = item.op.alias, item.outputs
    if alias is None or value in memory.program.commits:
        return False
    source = memory.operands[item.inputs[alias.slot]]
    operand = _view(source, alias, memory.program.specs[value], item)
    if operand is None:
        return False
    _lie_in(memory, source.buffer, value, operand)
    _have_read(memory, item)
    return True


def _view(source: Operand, alias: Alias, spec: Spec, item: Item) -> Operand | None:
    base = _PHANTOM[: source.dtype.itemsize].view(source.dtype)
    phantom = as_strided(base, source.shape, source.strides)
    try:
        view = alias.view(phantom, spec, item.attrs)
    except ValueError:
        return None
    shift = view.ctypes.data - base.ctypes.data if view.size else 0
    return Operand(source.buffer, source.byte_offset + shift, spec.static_shape, view.strides,
                   spec.dtype)  # fmt: skip


def _as_step(memory: Memory, item: Item) -> None:
    step = len(memory.steps)
    inputs = tuple(memory.operands[value] for value in item.inputs)
    workspace = item.op.workspace(tuple(o.spec for o in inputs), item.attrs)
    inner = [body.internal for body in item.attrs.bodies()]  # type: ignore[attr-defined]  # plans
    memory.internal = max(memory.internal, workspace.internal, *inner)
    dying = _dying(memory, item)
    for value in item.outputs:
        _place_output(memory, item, inputs, value, dying)
    specs = (*workspace.scratch, *arena_specs(item.attrs))
    scratch = tuple(_scratch(memory, item, spec) for spec in specs)
    _have_read(memory, item)
    outputs = tuple(memory.operands[value] for value in item.outputs)
    for operand in (*inputs, *outputs, *scratch):
        memory.buffers[operand.buffer].end = step + 1
    memory.steps.append(Step(
        item.node, item.op.name, item.op.version, item.attrs, inputs, outputs, scratch,
        sweep=item.sweep, forward=item.forward, source=item.source,
    ))  # fmt: skip


def _place_output(
    memory: Memory, item: Item, inputs: tuple[Operand, ...], value: int, dying: set[int]
) -> None:
    program = memory.program
    if value in program.commits:
        variable = program.variables[program.commits[value]]
        _lie_in(memory, memory.operands[variable].buffer, value)
        return
    taken = _takeover(item, inputs, program.specs[value], dying)
    if taken is not None:
        dying.discard(taken)  # for one output only
        _lie_in(memory, taken, value)
        return
    nbytes = program.specs[value].nbytes
    _put(memory, LiveBuffer("temporary", item.node, nbytes, first=len(memory.steps)), value)


def _dying(memory: Memory, item: Item) -> set[int]:
    """Return the temporaries that nothing reads after this item."""
    here: dict[int, int] = {}
    for value in set(item.inputs):
        buffer = memory.operands[value].buffer
        here[buffer] = here.get(buffer, 0) + 1
    return {
        index
        for index, count in here.items()
        if memory.buffers[index].kind == "temporary"
        and not memory.buffers[index].pinned
        and memory.buffers[index].reads_left == count
    }


def _takeover(item: Item, inputs: tuple[Operand, ...], spec: Spec, dying: set[int]) -> int | None:
    """Return a dying input's buffer that an output may lie in, if there is one."""
    for slot in item.op.inplace:
        operand = inputs[slot]
        if operand.buffer not in dying or operand != Operand.row_by_row(operand.buffer, spec):
            continue
        sharing = [s for s, other in enumerate(inputs) if other.buffer == operand.buffer]
        if all(inputs[s] == operand and s in item.op.inplace for s in sharing):
            return operand.buffer
    return None


def _scratch(memory: Memory, item: Item, spec: Spec) -> Operand:
    buffer = LiveBuffer("temporary", item.node, spec.nbytes, first=len(memory.steps))
    memory.buffers.append(buffer)
    return Operand.row_by_row(len(memory.buffers) - 1, spec)
