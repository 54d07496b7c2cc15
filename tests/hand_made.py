"""Writes plans by hand, step by step, where `compile` doesn't make such plans yet.

Only the bookkeeping is done here: strides, lifetimes from first to last use, and offsets. What is
sliced, what accumulates and what is memory for one slice is said by the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.arena import assign_offsets
from scheduler.plan import Buffer, Operand, Plan, PlanInput, PlanOutput, Slice, Step, TileGroup


def contiguous(buffer: int, shape: tuple[int, ...], **tile: Any) -> Operand:  # noqa: ANN401
    """Return a float64 operand that fills a buffer row by row."""
    strides = np.empty(shape).strides
    return Operand(buffer, 0, shape, strides, np.dtype("float64"), **tile)


def turned(operand: Operand) -> Operand:
    """Return a matrix transposed."""
    axis = 1 - operand.tile_axis if operand.tile_axis >= 0 else -1
    return operand._replace(
        shape=operand.shape[::-1], strides=operand.strides[::-1], tile_axis=axis
    )


def slices_of(rows: int, size: int) -> tuple[Slice, ...]:
    """Cut rows into slices, the last one ragged."""
    return tuple(Slice(i, min(i + size, rows)) for i in range(0, rows, size))


@dataclass
class HandMade:
    """A plan in the making: one tile group that holds all of its steps."""

    rows: int
    size: int
    buffers: list[Buffer] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    inputs: list[PlanInput] = field(default_factory=list)
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    throughout: set[int] = field(default_factory=set)

    def _buffer(self, kind: str, name: str, shape: tuple[int, ...]) -> int:
        self.buffers.append(Buffer(kind, name, 8 * int(np.prod(shape)), -1, 0, 0))
        return len(self.buffers) - 1

    def input(self, name: str, shape: tuple[int, ...], *, sliced: bool = False) -> Operand:
        """Add an input, which each slice reads whole or by its rows."""
        index = self._buffer("input", name, shape)
        dims = tuple(map(str, shape))
        self.inputs.append(PlanInput(name, index, Spec.of(shape, "float64"), dims))
        return contiguous(index, shape, tile_axis=0 if sliced else -1, advances=sliced)

    def constant(self, value: float) -> Operand:
        """Add a constant scalar."""
        index = self._buffer("constant", f"constant_{len(self.constants)}", ())
        self.constants[index] = np.array(value)
        return contiguous(index, ())

    def local(self, columns: int, dtype: str = "float64") -> Operand:
        """Add memory for one slice of rows, used again by the next."""
        shape = (self.size, columns)
        operand = contiguous(self._buffer("temporary", "local", shape), shape, tile_axis=0)
        strides = np.empty(shape, dtype).strides
        return operand._replace(dtype=np.dtype(dtype), strides=strides)

    def rowwise(self, columns: int) -> Operand:
        """Add memory for all rows, of which each slice fills its own."""
        shape = (self.rows, columns)
        index = self._buffer("temporary", "rowwise", shape)
        self.throughout.add(index)
        return contiguous(index, shape, tile_axis=0, advances=True)

    def total(self, shape: tuple[int, ...]) -> Operand:
        """Add memory that every slice adds to."""
        index = self._buffer("temporary", "total", shape)
        self.throughout.add(index)
        return contiguous(index, shape)

    def step(
        self, op: str, inputs: Sequence[Operand], output: Operand, attrs: Attrs | None = None,
        when: str = "every",
    ) -> Operand:  # fmt: skip
        """Add a step, and return its output."""
        version = get_op(op).version
        name = f"{op}_{len(self.steps)}"
        self.steps.append(Step(name, op, version, attrs or Attrs(), tuple(inputs), (output,),
                               group=0, when=when))  # fmt: skip
        return output

    def accumulate(
        self, op: str, inputs: Sequence[Operand], shape: tuple[int, ...],
        attrs: Attrs | None = None,
    ) -> Operand:  # fmt: skip
        """Add up a step's results over the slices: the first writes, the later ones add."""
        total = self.total(shape)
        self.step(op, inputs, total, attrs, when="first")
        aside = contiguous(self._buffer("temporary", "aside", shape), shape)
        self.step(op, inputs, aside, attrs, when="later")
        return self.step("add", (total, aside), total, when="later")

    def plan(self, outputs: dict[str, Operand]) -> Plan:
        """Finish: lifetimes, offsets, and the plan's ends."""
        lifetimes = [self._lifetime(index) for index in range(len(self.buffers))]
        temporary = [i for i, b in enumerate(self.buffers) if b.kind == "temporary"]
        placed = assign_offsets(
            [lifetimes[i][0] for i in temporary], [lifetimes[i][1] for i in temporary],
            [self.buffers[i].nbytes for i in temporary],
        )  # fmt: skip
        offsets = dict(zip(temporary, placed.offsets.tolist(), strict=True))
        buffers = tuple(
            buffer._replace(byte_offset=offsets.get(i, -1), first=lifetimes[i][0],
                            end=lifetimes[i][1])
            for i, buffer in enumerate(self.buffers)
        )  # fmt: skip
        group = TileGroup(0, len(self.steps), slices_of(self.rows, self.size))
        return Plan(
            "hand-made", "", {}, {}, tuple(self.steps), (group,), buffers, tuple(self.inputs),
            tuple(_output(name, operand) for name, operand in outputs.items()), (),
            self.constants, placed.peak, placed.lower_bound,
        )  # fmt: skip

    def _lifetime(self, index: int) -> tuple[int, int]:
        if self.buffers[index].kind != "temporary" or index in self.throughout:
            return 0, len(self.steps)
        uses = [i for i, step in enumerate(self.steps)
                if any(o.buffer == index for o in (*step.inputs, *step.outputs))]  # fmt: skip
        return min(uses), max(uses) + 1


def _output(name: str, operand: Operand) -> PlanOutput:
    return PlanOutput(
        name, operand._replace(tile_axis=-1, advances=False), tuple(map(str, operand.shape))
    )
