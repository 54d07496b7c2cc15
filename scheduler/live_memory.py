"""`Memory`: steps, buffers with lifetimes, and where each value lies, growing step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scheduler.plan import Operand
from scheduler.written import extent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dataflow.attrs import Attrs
    from dataflow.operation import Alias, Array
    from dataflow.spec import Spec
    from scheduler.joins import Join
    from scheduler.plan import Step, TileGroup
    from scheduler.program import Item, Program

__all__ = ["LiveBuffer", "Memory", "as_view", "meet", "takeover", "undone_view"]

_HELD = 4
"""Times its own bytes: a result that took over part of a larger buffer that dies would hold all of
it. Of 400 small programs none is then over 5 % above its best order; with 2 or without a limit,
some are."""

_MOST_VALUES = 64
"""In a buffer: of more, a part dies with the whole, so that nothing is looked at too often."""

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
    left: list[int]  # how many items have yet to read each value
    steps: list[Step] = field(default_factory=list)
    groups: list[TileGroup] = field(default_factory=list)
    buffers: list[LiveBuffer] = field(default_factory=list)
    operands: dict[int, Operand] = field(default_factory=dict)
    lying: dict[int, list[int]] = field(default_factory=dict)  # the values in each buffer
    internal: int = 0
    joins: Mapping[int, Join] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program, joins: Mapping[int, Join] | None = None) -> Memory:
        """Return the memory before the first step: inputs, variables and constants."""
        reads = [0] * len(program.specs)
        for item in program.items:
            for value in set(item.inputs):
                reads[value] += 1
        memory = cls(program, frozenset(program.outputs.values()), reads, joins=joins or {})
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
        buffer.reads_left += self.left[value]
        self.lying.setdefault(index, []).append(value)
        buffer.pinned |= value in self.results
        self.operands[value] = operand or Operand.row_by_row(index, self.program.specs[value])

    def have_read(self, item: Item) -> None:
        """Note that an item has read its inputs."""
        for value in set(item.inputs):
            self.left[value] -= 1
            self.buffers[self.operands[value].buffer].reads_left -= 1

    def is_last(self, item: Item, operand: Operand) -> bool:
        """Say whether nothing reads a part of a temporary after this item."""
        buffer, values = self.buffers[operand.buffer], self.lying[operand.buffer]
        if buffer.kind != "temporary" or buffer.pinned:
            return False
        own = set(item.inputs)
        if len(values) > _MOST_VALUES:
            return buffer.reads_left == sum(self.operands[v].buffer == operand.buffer for v in own)
        later = [v for v in values if self.left[v] > (v in own)]
        return not any(meet(self.operands[value], operand) for value in later)


def as_view(source: Operand, alias: Alias, spec: Spec, attrs: Attrs) -> Operand | None:
    """Return where an alias op's result lies as a view, if the strides allow one."""
    return _viewed(source, alias.view, spec, attrs)


def undone_view(view: Operand, item: Item, specs: Sequence[Spec]) -> Operand | None:
    """Return where an alias op's input lies if its result lies there, if the strides allow one."""
    alias = item.op.alias
    if alias is None or alias.undo is None:
        return None
    return _viewed(view, alias.undo, specs[item.inputs[alias.slot]], item.attrs)


def _viewed(
    source: Operand, view_of: Callable[[Array, Spec, Attrs], Array], spec: Spec, attrs: Attrs
) -> Operand | None:
    base = _PHANTOM[: source.dtype.itemsize].view(source.dtype)
    phantom = as_strided(base, source.shape, source.strides)
    try:
        view = view_of(phantom, spec, attrs)
    except ValueError:
        return None
    shift = view.ctypes.data - base.ctypes.data if view.size else 0
    return Operand(source.buffer, source.byte_offset + shift, spec.static_shape, view.strides,
                   spec.dtype)  # fmt: skip


def meet(a: Operand, b: Operand) -> bool:
    """Say whether the bytes from the first to the last of two operands overlap."""
    if a.buffer != b.buffer:
        return False
    (a_low, a_high), (b_low, b_high) = extent(a), extent(b)
    return a_low < b_high and b_low < a_high


def takeover(
    memory: Memory, item: Item, inputs: tuple[Operand, ...], value: int, wanted: Operand,
    taken: set[int],
) -> Operand | None:  # fmt: skip
    """Return a dying input, of the layout that is wanted, where a result may lie, if any does.

    It may be part of a larger buffer: what is left of a split, say. Buffers that are taken already,
    by another output, are out.
    """
    offered = item.op.offers(item.attrs, item.outputs.index(value))
    for slot in offered:
        operand = inputs[slot]
        if not operand.is_laid_out_like(wanted) or operand.buffer in taken:
            continue
        sharing = [s for s, other in enumerate(inputs) if meet(operand, other)]
        alike = all(inputs[s] == operand and s in offered for s in sharing)
        if alike and memory.is_last(item, operand) and _is_cheap_to_hold(memory, item, operand):
            return operand
    return None


def _is_cheap_to_hold(memory: Memory, item: Item, operand: Operand) -> bool:
    """Say whether a buffer lives on anyway, or isn't much larger than what would lie in it."""
    buffer = memory.buffers[operand.buffer]
    own = sum(memory.operands[v].buffer == operand.buffer for v in set(item.inputs))
    return buffer.reads_left > own or buffer.nbytes <= _HELD * operand.spec.nbytes
