"""Joins: values are made where a concatenation wants them, so that it has less to copy, or nothing.

    a = x @ u     -->  [a .]      The buffer of c is there from the first part on.
    b = tanh(y)   -->  [a b]
    c = concat(a, b)              Nothing is left to do. A part that can't be made in it is copied.

A part that is stacked is made where its views lead, backwards through reshapes and transpositions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from dataflow.attrs import Attrs
from dataflow.elementwise import elementwise_tiling
from dataflow.registry import get_op
from scheduler.live_memory import LiveBuffer, meet, undone_view
from scheduler.plan import Operand, Step
from scheduler.program import alias_roots

if TYPE_CHECKING:
    from scheduler.live_memory import Memory
    from scheduler.program import Item, Program

__all__ = ["Join", "block_roots", "join", "joins_of", "made_in_place"]

_CONCAT = "concat"

_WRITE_ANYWHERE = frozenset({"concat", "copy", "matmul", "pad_slice"})
"""Ops whose kernels don't ask for rows that lie end to end, besides what is element by element."""

_MOST_RUNS = 2**12
"""Pieces of memory in which a part may lie; `verify` keeps a list of them."""


class Join(NamedTuple):
    """Where a value is wanted: in a concatenation's place, and seen through which views of it."""

    item: Item
    place: _Place
    views: tuple[Item, ...]


class _Place(NamedTuple):
    """The part of a concatenation's output: from where on its axis, and its shape."""

    start: int
    shape: tuple[int, ...]


def joins_of(program: Program, without: Collection[int] = ()) -> dict[int, Join]:
    """Return where values are wanted, one place for each; some items are left out."""
    makers, roots, joins = program.makers(), alias_roots(program), dict[int, Join]()
    kept = {*program.outputs.values(), *program.commits}
    for index, item in enumerate(program.items):
        if item.op.name != _CONCAT or index in without or item.outputs[0] in program.commits:
            continue
        uses = Counter(roots[part] for part in item.inputs)
        for part, place in zip(item.inputs, _places(program, item), strict=True):
            value, maker = roots[part], makers.get(roots[part])
            if maker is None or maker in without or value in kept or uses[value] > 1:
                continue
            if program.items[maker].op.control is None:
                views = _views(program, makers, part, value)
                joins.setdefault(value, Join(item, place, views))
    return joins


def block_roots(program: Program, *, joins: bool) -> list[int]:
    """Return for every value the one in whose memory it lies: what it views, or is a part of."""
    roots = alias_roots(program)
    if joins:
        wanted = joins_of(program)
        for item in reversed(program.items):  # the larger wholes first
            for value in item.outputs:
                if value in wanted:
                    roots[value] = roots[wanted[value].item.outputs[0]]
        roots = [roots[root] for root in roots]
    return roots


def _places(program: Program, item: Item) -> Iterator[_Place]:
    """Yield where each input of a concatenation lies in its output."""
    axis, start = item.attrs.integer("axis"), 0
    for value in item.inputs:
        shape = program.specs[value].static_shape
        yield _Place(start, shape)
        start += shape[axis]


def _views(program: Program, makers: dict[int, int], part: int, root: int) -> tuple[Item, ...]:
    """Return the items that view a value one after the other, the last one first."""
    views = []
    while part != root:
        item = program.items[makers[part]]
        views.append(item)
        part = item.inputs[0 if item.op.alias is None else item.op.alias.slot]
    return tuple(views)


def made_in_place(memory: Memory, item: Item, value: int) -> bool:
    """Let an item's output be made where a concatenation wants it, if it can be; say whether."""
    operand = _operand(memory, item, value)
    if operand is None:
        return False
    buffer = _open(memory, memory.joins[value].item)
    memory.lie_in(buffer, value, operand._replace(buffer=buffer))
    return True


def join(memory: Memory, item: Item) -> bool:
    """Copy what wasn't made in place to where a concatenation wants it; say if any was."""
    if item.op.name != _CONCAT or item.outputs[0] not in memory.operands:
        return False
    for value, place in zip(item.inputs, _places(memory.program, item), strict=True):
        source, target = memory.operands[value], _part(memory, item, place)
        if _is_same(source, target):
            continue
        for operand in (source, target):
            memory.buffers[operand.buffer].end = len(memory.steps) + 1
        copy = get_op("copy")
        memory.steps.append(Step(
            item.node, copy.name, copy.version, Attrs(), (source,), (target,), (),
            sweep=item.sweep, forward=item.forward, source=item.source,
        ))  # fmt: skip
    memory.have_read(item)
    return True


def _open(memory: Memory, item: Item) -> int:
    """Return the buffer of a concatenation's output: that of a larger one, or its own."""
    (whole,) = item.outputs
    if whole not in memory.operands and not made_in_place(memory, item, whole):
        nbytes = memory.program.specs[whole].nbytes
        memory.put(LiveBuffer("temporary", item.node, nbytes, first=len(memory.steps)), whole)
    return memory.operands[whole].buffer


def _operand(memory: Memory, item: Item, value: int) -> Operand | None:
    """Return where an output is wanted, if it can be made there; of buffer -1 if not there yet."""
    if value not in memory.joins:
        return None
    wanted = memory.joins[value]
    found: Operand | None = _part(memory, wanted.item, wanted.place)
    for view in wanted.views:
        found = found and undone_view(found, view, memory.program.specs)
    if found is None or not _can_write(memory, item, wanted, found):
        return None
    sources = [memory.operands[v] for v in item.inputs if v in memory.operands]
    return None if any(meet(source, found) for source in sources) else found


def _part(memory: Memory, item: Item, place: _Place) -> Operand:
    """Return where one input of a concatenation is wanted."""
    whole = _whole(memory, item)
    shift = place.start * whole.strides[item.attrs.integer("axis")]
    return whole._replace(byte_offset=whole.byte_offset + shift, shape=place.shape)


def _whole(memory: Memory, item: Item) -> Operand:
    (value,) = item.outputs
    found = memory.operands.get(value) or _operand(memory, item, value)
    return found or Operand.row_by_row(-1, memory.program.specs[value])


def _can_write(memory: Memory, item: Item, wanted: Join, operand: Operand) -> bool:
    """Say whether an item's kernel can write to a layout, and nobody else's bytes are between."""
    if operand.strides == Operand.row_by_row(-1, operand.spec).strides:
        return True
    whole = _whole(memory, wanted.item)
    is_alone = whole == Operand.row_by_row(whole.buffer, whole.spec)
    is_able = item.op.tiling is elementwise_tiling or item.op.name in _WRITE_ANYWHERE
    has_rows = operand.strides[-1] == operand.dtype.itemsize  # else BLAS is out, and SIMD too
    return is_alone and is_able and has_rows and _runs(operand) <= _MOST_RUNS


def _runs(operand: Operand) -> int:
    dense = operand.dtype.itemsize
    for axis in reversed(range(len(operand.shape))):
        if operand.strides[axis] != dense and operand.shape[axis] > 1:
            return math.prod(operand.shape[: axis + 1])
        dense *= operand.shape[axis]
    return 1


def _is_same(a: Operand, b: Operand) -> bool:
    """Say whether two operands are the same elements; the stride of one element says nothing."""
    strides = [
        [stride for stride, dim in zip(o.strides, o.shape, strict=True) if dim > 1] for o in (a, b)
    ]
    return a.buffer == b.buffer and a.byte_offset == b.byte_offset and strides[0] == strides[1]
