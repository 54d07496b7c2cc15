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

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dataflow.op import Alias
from dataflow.spec import Spec
from scheduler.plan import Operand, Step
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


@dataclass
class Memory:
    """Steps, buffers with lifetimes, and where each value lies."""

    steps: list[Step] = field(default_factory=list)
    buffers: list[LiveBuffer] = field(default_factory=list)
    operands: dict[int, Operand] = field(default_factory=dict)
    internal: int = 0


def assign_memory(program: Program, order: Sequence[int]) -> Memory:
    """Turn items, in this order, into steps on buffers."""
    memory = Memory()
    reads = _reads(program)
    variables = _persistent(program, memory, reads)
    for index in order:
        item = program.items[index]
        if not _as_view(program, memory, item, reads):
            _as_step(program, memory, item, reads, variables)
    for buffer in memory.buffers:
        if buffer.kind != "temporary" or buffer.pinned:
            buffer.end = max(len(memory.steps), buffer.first + 1)
    return memory


def _reads(program: Program) -> list[int]:
    """Return how many items read each value."""
    reads = [0] * len(program.specs)
    for item in program.items:
        for value in set(item.inputs):
            reads[value] += 1
    return reads


def _persistent(program: Program, memory: Memory, reads: list[int]) -> dict[str, int]:
    """Give inputs, variables and constants their buffers; return the variables'."""
    results = set(program.outputs.values())
    ends = {"input": program.inputs, "variable": program.variables,
            "constant": {f"constant_{i}": v for i, v in enumerate(program.constants)}}  # fmt: skip
    for kind, values in ends.items():
        for name, value in values.items():
            buffer = LiveBuffer(kind, name, program.specs[value].nbytes, pinned=True)
            _put(memory, buffer, value, program.specs[value], reads, result=value in results)
    return {name: memory.operands[value].buffer for name, value in program.variables.items()}


def _put(  # noqa: PLR0913 - a value with all that is known of it
    memory: Memory, buffer: LiveBuffer, value: int, spec: Spec, reads: list[int], *, result: bool
) -> None:
    """Let a value lie at the start of a new buffer, row by row."""
    buffer.reads_left = reads[value]
    buffer.pinned |= result
    memory.operands[value] = _contiguous(len(memory.buffers), spec)
    memory.buffers.append(buffer)


def _contiguous(buffer: int, spec: Spec) -> Operand:
    shape, strides, step = spec.static_shape, [], spec.dtype.itemsize
    for dim in reversed(shape):
        strides.append(step)
        step *= max(dim, 1)
    return Operand(buffer, 0, shape, tuple(reversed(strides)), spec.dtype)


def _as_view(program: Program, memory: Memory, item: Item, reads: list[int]) -> bool:
    """Let an alias op's result be a view, if it can be; say whether."""
    alias = item.op.alias
    if alias is None or item.outputs[0] in program.commits:
        return False
    source = memory.operands[item.inputs[alias.slot]]
    (value,) = item.outputs
    operand = _view(source, alias, program.specs[value], item)
    if operand is None:
        return False
    buffer = memory.buffers[source.buffer]
    buffer.reads_left += reads[value]
    for read in set(item.inputs):
        memory.buffers[memory.operands[read].buffer].reads_left -= 1
    buffer.pinned |= value in set(program.outputs.values())
    memory.operands[value] = operand
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


def _as_step(
    program: Program, memory: Memory, item: Item, reads: list[int], variables: dict[str, int]
) -> None:
    step = len(memory.steps)
    inputs = tuple(memory.operands[value] for value in item.inputs)
    workspace = item.op.workspace(tuple(o.spec for o in inputs), item.attrs)
    memory.internal = max(memory.internal, workspace.internal)
    dying = _dying(memory, item)
    results = set(program.outputs.values())
    for value in item.outputs:
        spec = program.specs[value]
        taken = _takeover(memory, item, inputs, spec, dying)
        if value in program.commits:
            memory.operands[value] = _contiguous(variables[program.commits[value]], spec)
        elif taken is not None:
            dying.discard(taken)  # one output only
            memory.operands[value] = _contiguous(taken, spec)
            memory.buffers[taken].reads_left += reads[value]
            memory.buffers[taken].pinned |= value in results
        else:
            fresh = LiveBuffer("temporary", item.node, spec.nbytes, first=step)
            _put(memory, fresh, value, spec, reads, result=value in results)
    scratch = tuple(_scratch(memory, item, spec, step) for spec in workspace.scratch)
    for read in set(item.inputs):
        memory.buffers[memory.operands[read].buffer].reads_left -= 1
    outputs = tuple(memory.operands[value] for value in item.outputs)
    for operand in (*inputs, *outputs, *scratch):
        memory.buffers[operand.buffer].end = step + 1
    memory.steps.append(Step(
        item.node, item.op.name, item.op.version, item.attrs, inputs, outputs, scratch,
        sweep=item.sweep, forward=item.forward, source=item.source,
    ))  # fmt: skip


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


def _takeover(
    memory: Memory, item: Item, inputs: tuple[Operand, ...], spec: Spec, dying: set[int]
) -> int | None:
    """Return a dying input's buffer that an output may lie in, if there is one."""
    for slot in item.op.inplace:
        operand = inputs[slot]
        if operand.buffer not in dying or operand != _contiguous(operand.buffer, spec):
            continue
        sharing = [s for s, other in enumerate(inputs) if other.buffer == operand.buffer]
        if all(inputs[s] == operand and s in item.op.inplace for s in sharing):
            return operand.buffer
    return None


def _scratch(memory: Memory, item: Item, spec: Spec, step: int) -> Operand:
    memory.buffers.append(LiveBuffer("temporary", item.node, spec.nbytes, first=step))
    return _contiguous(len(memory.buffers) - 1, spec)
