"""`Memory`: steps, buffers with lifetimes, and where each value lies, growing step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scheduler.plan import Operand

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Alias
    from dataflow.spec import Spec
    from scheduler.plan import Step, TileGroup
    from scheduler.program import Item, Program

__all__ = ["LiveBuffer", "Memory", "as_view", "takeover"]

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
    """What is known so far."""

    program: Program
    results: frozenset[int]  # values that outlive the last step
    reads: list[int]  # how many items read each value
    steps: list[Step] = field(default_factory=list)
    groups: list[TileGroup] = field(default_factory=list)
    buffers: list[LiveBuffer] = field(default_factory=list)
    operands: dict[int, Operand] = field(default_factory=dict)
    internal: int = 0

    @classmethod
    def of(cls, program: Program) -> Memory:
        """Return the memory before the first step: inputs, variables and constants."""
        reads = [0] * len(program.specs)
        for item in program.items:
            for value in set(item.inputs):
                reads[value] += 1
        memory = cls(program, frozenset(program.outputs.values()), reads)
        constants = {f"constant_{i}": v for i, v in enumerate(program.constants)}
        ends = {"input": program.inputs, "variable": program.variables, "constant": constants}
        for kind, values in ends.items():
            for name, value in values.items():
                nbytes = program.specs[value].nbytes
                memory.put(LiveBuffer(kind, name, nbytes, pinned=True), value)
        return memory

    def add(self, buffer: LiveBuffer) -> int:
        """Add a buffer and return its index."""
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def put(self, buffer: LiveBuffer, value: int) -> None:
        """Let a value lie at the start of a new buffer, row by row."""
        self.lie_in(self.add(buffer), value)

    def lie_in(self, index: int, value: int, operand: Operand | None = None) -> None:
        """Let a value lie in a buffer: at its start, row by row, unless an operand says where."""
        buffer = self.buffers[index]
        buffer.reads_left += self.reads[value]
        buffer.pinned |= value in self.results
        self.operands[value] = operand or Operand.row_by_row(index, self.program.specs[value])

    def have_read(self, item: Item) -> None:
        """Note that an item has read its inputs."""
        for value in set(item.inputs):
            self.buffers[self.operands[value].buffer].reads_left -= 1

    def dying(self, item: Item) -> set[int]:
        """Return the temporaries that nothing reads after this item."""
        here: dict[int, int] = {}
        for value in set(item.inputs):
            buffer = self.operands[value].buffer
            here[buffer] = here.get(buffer, 0) + 1
        return {
            index
            for index, count in here.items()
            if self.buffers[index].kind == "temporary"
            and not self.buffers[index].pinned
            and self.buffers[index].reads_left == count
        }


def as_view(source: Operand, alias: Alias, spec: Spec, attrs: Attrs) -> Operand | None:
    """Return where an alias op's result lies as a view, if the strides allow one."""
    base = _PHANTOM[: source.dtype.itemsize].view(source.dtype)
    phantom = as_strided(base, source.shape, source.strides)
    try:
        view = alias.view(phantom, spec, attrs)
    except ValueError:
        return None
    shift = view.ctypes.data - base.ctypes.data if view.size else 0
    return Operand(source.buffer, source.byte_offset + shift, spec.static_shape, view.strides,
                   spec.dtype)  # fmt: skip


def takeover(
    item: Item, inputs: tuple[Operand, ...], wanted: Operand, dying: set[int]
) -> int | None:
    """Return a dying input's buffer that an output may lie in, exactly as wanted, if any does."""
    for slot in item.op.inplace:
        operand = inputs[slot]
        if operand.buffer not in dying or operand._replace(buffer=-1) != wanted:
            continue
        sharing = [s for s, other in enumerate(inputs) if other.buffer == operand.buffer]
        if all(inputs[s] == operand and s in item.op.inplace for s in sharing):
            return operand.buffer
    return None
