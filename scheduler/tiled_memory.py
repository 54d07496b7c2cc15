"""The memory of a tile group: a slice's worth of what stays within it, all of what leaves it.

A local value has a buffer for the longest slice, used again by the next one; it may be a view, or
take over what dies, like any other. What leaves the group has all its rows, and each slice fills
its own. A contracted item is three steps: the first slice writes the result, the later ones a
part that is then joined to it, in place and in the order of the slices, whoever runs them:

    first   dw = x.T @ dh                later   part = x.T @ dh;  dw = dw + part

All that isn't local lives through the whole group, since every slice may read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs
from dataflow.registry import get_op
from scheduler.live_memory import LiveBuffer, Memory, as_view, takeover
from scheduler.plan import Operand, Step, TileGroup, arena_specs

if TYPE_CHECKING:
    from dataflow.operation import Alias, Op
    from dataflow.spec import Spec
    from scheduler.program import Item
    from scheduler.shared_axes import Use
    from scheduler.tile_groups import Tiles

__all__ = ["add_group"]


def add_group(memory: Memory, tiles: Tiles, members: Sequence[int]) -> None:
    """Add the steps of a group, whose items are given in order."""
    _Group(memory, tiles).add(members)


class _Group:
    """A tile group while its steps are added."""

    def __init__(self, memory: Memory, tiles: Tiles) -> None:
        self.memory = memory
        self.tiles = tiles
        self.number = len(memory.groups)
        self.first = len(memory.steps)
        self.known = len(memory.buffers)  # buffers from here on are born in the group
        self.whole: set[int] = set()  # of these, those with all rows

    def add(self, members: Sequence[int]) -> None:
        for index in members:
            item = self.memory.program.items[index]
            use = self.tiles.uses[index]
            if use.way >= 0:
                item = item._replace(attrs=self.tiles.attrs(item, self.tiles.rows))
            if use.totals:
                self._add_up(item, use)
            elif not self._as_view(item):
                self._as_step(item)
        end = len(self.memory.steps)
        if end > self.first:
            self._stretch(end)
            self.memory.groups.append(TileGroup(self.first, end, self.tiles.slices))

    def _stretch(self, end: int) -> None:
        """Let all that isn't local live through the group."""
        used = {o.buffer for step in self.memory.steps[self.first :]
                for o in (*step.inputs, *step.outputs)}  # fmt: skip
        for index in used:
            buffer = self.memory.buffers[index]
            if index < self.known or index in self.whole:
                buffer.first = min(buffer.first, self.first)
                buffer.end = end

    # Operands

    def _read(self, value: int) -> Operand:
        """Return a value as a step of the group reads it."""
        operand = self.memory.operands[value]
        axis = self.tiles.axes.get(value, -1)
        if axis < 0 or operand.tile_axis >= 0:
            return operand
        return operand._replace(tile_axis=axis, advances=True)

    def _local(self, value: int, buffer: int) -> Operand:
        """Return memory for one slice of a value."""
        operand = Operand.row_by_row(buffer, self.tiles.spec(value, self.tiles.rows))
        return operand._replace(tile_axis=self.tiles.axes[value])

    def _is_local(self, value: int) -> bool:
        return any(value in group.local for group in self.tiles.groups)

    # Items

    def _as_view(self, item: Item) -> bool:
        """Let an alias op's result be a view, if it can be; say whether."""
        alias, (value, *_) = item.op.alias, item.outputs
        if alias is None:
            return False
        source = self.memory.operands[item.inputs[alias.slot]]
        if (source.tile_axis >= 0) != self._is_local(value) and self._is_regrouped(item, alias):
            return False  # a slice of one doesn't lie as a slice of the other
        if source.tile_axis < 0:
            operand = as_view(source, alias, self.memory.program.specs[value], item.attrs)
        else:
            operand = self._local_view(item, source)
        if operand is None:
            return False
        self.memory.lie_in(source.buffer, value, operand)
        self.memory.have_read(item)
        return True

    def _is_regrouped(self, item: Item, alias: Alias) -> bool:
        """Say whether one of a view and its source is interleaved."""
        interleaved = self.tiles.shared.interleaved
        return (item.inputs[alias.slot] in interleaved) != (item.outputs[0] in interleaved)

    def _local_view(self, item: Item, source: Operand) -> Operand | None:
        """Return a view of a slice, if the last slice's has the same place and strides."""
        found, alias = [], item.op.alias
        for rows in (self.tiles.rows, self.tiles.last_rows):
            shape = self.tiles.spec(item.inputs[alias.slot], rows).static_shape if alias else ()
            spec = self.tiles.spec(item.outputs[0], rows)
            cut = source._replace(shape=shape)
            found.append(alias and as_view(cut, alias, spec, self.tiles.attrs(item, rows)))
        whole, last = found
        if not whole or not last or last._replace(shape=whole.shape) != whole:
            return None
        return whole._replace(tile_axis=self.tiles.axes[item.outputs[0]])

    def _as_step(self, item: Item) -> None:
        inputs = tuple(map(self._read, item.inputs))
        taken = self._kept(inputs)
        for value in item.outputs:
            self._place(item, inputs, value, taken)
        outputs = tuple(map(self._read, item.outputs))
        self._append(item, item.op, inputs, outputs, "every")
        self.memory.have_read(item)

    def _kept(self, inputs: tuple[Operand, ...]) -> set[int]:
        """Return the buffers of operands that aren't a slice's own, and must stay as they are."""
        return {o.buffer for o in inputs if o.buffer < self.known or o.buffer in self.whole}

    def _place(self, item: Item, inputs: tuple[Operand, ...], value: int, taken: set[int]) -> None:
        memory = self.memory
        if not self._is_local(value):
            self._place_whole(item, value)
            return
        place = takeover(memory, item, inputs, value, self._local(value, -1), taken)
        if place is None:
            nbytes = self.tiles.spec(value, self.tiles.rows).nbytes
            place = self._local(value, memory.add(self._buffer(item, nbytes)))
        taken.add(place.buffer)
        memory.lie_in(place.buffer, value, place)

    def _place_whole(self, item: Item, value: int) -> None:
        nbytes = self.memory.program.specs[value].nbytes
        self.memory.put(self._buffer(item, nbytes), value)
        self.whole.add(self.memory.operands[value].buffer)

    def _add_up(self, item: Item, use: Use) -> None:
        """Add the steps of an item of which slices give parts; a loop makes other values too."""
        inputs = tuple(map(self._read, item.inputs))
        taken = self._kept(inputs)
        for place, value in enumerate(item.outputs):
            if place in use.totals:
                self._place_whole(item, value)
            else:
                self._place(item, inputs, value, taken)
        outputs = list(map(self._read, item.outputs))
        self._append(item, item.op, inputs, tuple(outputs), "first")
        totals = [outputs[place] for place in use.totals]
        for place in use.totals:
            spec = outputs[place].spec
            buffer = self.memory.add(self._buffer(item, spec.nbytes))
            outputs[place] = Operand.row_by_row(buffer, spec)
        self._append(item, item.op, inputs, tuple(outputs), "later")
        combine = get_op(use.combine)
        for total, place in zip(totals, use.totals, strict=True):
            value = item.outputs[place]
            joined = item._replace(op=combine, attrs=Attrs(), inputs=(value, value),
                                   outputs=(value,))  # fmt: skip
            self._append(joined, combine, (total, outputs[place]), (total,), "later")
        self.memory.have_read(item)

    # Steps

    def _buffer(self, item: Item, nbytes: int) -> LiveBuffer:
        return LiveBuffer("temporary", item.node, nbytes, first=len(self.memory.steps))

    def _append(
        self, item: Item, op: Op, inputs: tuple[Operand, ...], outputs: tuple[Operand, ...],
        when: str,
    ) -> None:  # fmt: skip
        memory, step = self.memory, len(self.memory.steps)
        scratch = self._scratch(item, inputs)
        for operand in (*inputs, *outputs, *scratch):
            memory.buffers[operand.buffer].end = step + 1
        memory.steps.append(Step(
            item.node, op.name, op.version, item.attrs, inputs, outputs, scratch,
            group=self.number, when=when, sweep=item.sweep, forward=item.forward,
            source=item.source,
        ))  # fmt: skip

    def _scratch(self, item: Item, inputs: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """Return the scratch of the longest slice, which the last one has less of in proportion."""
        bodies: Any = item.attrs.bodies()
        self.memory.internal = max([self.memory.internal, *(body.internal for body in bodies)])
        found = []
        for rows in (self.tiles.rows, self.tiles.last_rows):
            specs = tuple(self._narrowed(operand, rows) for operand in inputs)
            workspace = item.op.workspace(specs, self.tiles.attrs(item, rows))
            self.memory.internal = max(self.memory.internal, workspace.internal)
            found.append((*workspace.scratch, *arena_specs(item.attrs)))
        return tuple(self._scratch_operand(item, *specs) for specs in zip(*found, strict=True))

    def _narrowed(self, operand: Operand, rows: int) -> Spec:
        if operand.tile_axis < 0:
            return operand.spec
        axis, shape = operand.tile_axis, operand.shape
        own = self.tiles.length if operand.advances else self.tiles.rows
        return operand.spec.with_shape(
            (*shape[:axis], rows * (shape[axis] // own), *shape[axis + 1 :])
        )

    def _scratch_operand(self, item: Item, spec: Spec, last: Spec) -> Operand:
        operand = Operand.row_by_row(self.memory.add(self._buffer(item, spec.nbytes)), spec)
        shapes = zip(spec.static_shape, last.static_shape, strict=True)
        shorter = [axis for axis, (full, rest) in enumerate(shapes) if full != rest]
        return operand._replace(tile_axis=shorter[0]) if shorter else operand
