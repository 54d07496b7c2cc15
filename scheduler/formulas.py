"""The peak as an expression in the named dimensions, for plans whose shape they don't change.

A buffer's size is known as an expression where a node's spec, with its names, says it:

    buffer of "hidden"    float32[batch, 512]    2048*batch

What lives at a step is the sum of such sizes, and the peak is the largest of these sums. Which one
is largest may depend on the dimensions, so all are kept that no other one is sure to exceed.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from dataflow.dim_texts import as_dim
from dataflow.dims import dim_max, is_size, product
from dataflow.errors import DataflowError
from dataflow.registry import get_op
from scheduler.plan import ALIGNMENT, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.spec import Spec
    from scheduler.live_memory import Memory
    from scheduler.plan import Buffer, Plan, Step
    from scheduler.program import Item

__all__ = ["peak_formula", "with_formulas"]

_MOST_SUMS = 8
"""Where more sums may be the largest, nobody would read the expression."""


_NEEDS_NUMBERS = (DataflowError, TypeError)
"""What is raised where a workspace depends on a size in other ways than its own sizes do."""


# When a plan is made: each buffer's size


def with_formulas(
    graph: Graph, sizes: Mapping[str, int], memory: Memory, buffers: tuple[Buffer, ...]
) -> tuple[Buffer, ...]:
    """Say each temporary's bytes as an expression in the graph's names, where it is known."""
    if not sizes:
        return buffers
    texts = _Sizes(graph, sizes, memory).texts()
    return tuple(buffer._replace(formula=text) if buffer.kind == "temporary" else buffer
                 for buffer, text in zip(buffers, texts, strict=True))  # fmt: skip


class _Sizes:
    """What a graph says of the values of a program that was made from it."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], memory: Memory) -> None:
        program = memory.program
        self.graph, self.sizes, self.memory, self.specs = graph, sizes, memory, program.specs
        self.makers = {value: item for item in program.items for value in item.outputs}
        self.scratch = {operand.buffer: (step, slot) for step in memory.steps
                        for slot, operand in enumerate(step.scratch)}  # fmt: skip
        self.leaves = {v: name for ends in (program.inputs, program.variables)
                       for name, v in ends.items()}  # fmt: skip

    def texts(self) -> Iterator[str]:
        """Yield the expression of each buffer."""
        for index, buffer in enumerate(self.memory.buffers):
            if index in self.scratch:
                found = self._scratch(*self.scratch[index])
            else:  # with other sizes, values of other expressions wouldn't share it
                sizes = {self._nbytes(value) for value in self.memory.lying.get(index, ())
                         if self.specs[value].nbytes == buffer.nbytes}  # fmt: skip
                found = sizes.pop() if len(sizes) == 1 else None
            yield "" if found is None else str(found)

    def _nbytes(self, value: int) -> int | Dim | None:
        item = self.makers.get(value)
        node = self.leaves.get(value, "") if item is None else _original(item)
        if node in self.graph.dag:
            sizes = {_nbytes_of(spec) for spec in self.graph.dag.nodes[node]["specs"]
                     if spec.bind(self.sizes) == self.specs[value]}  # fmt: skip
            return sizes.pop() if len(sizes) == 1 else None
        is_copy = item is not None and item.op.name == "copy"
        return self._nbytes(item.inputs[0]) if item is not None and is_copy else None

    def _scratch(self, step: Step, slot: int) -> int | Dim | None:
        if step.node not in self.graph.dag:
            return None
        node = self.graph.node(step.node)
        specs = tuple(self.graph.spec(ref) for ref in node.inputs)
        known = step.scratch[slot].spec
        if not node.attrs.names() and all(spec.is_static for spec in (*node.specs, *specs)):
            return known.nbytes
        try:
            scratch = get_op(node.op, node.op_version).workspace(specs, node.attrs).scratch
        except _NEEDS_NUMBERS:
            return None
        if slot >= len(scratch):  # the arena of a body
            bodies = node.attrs.bodies()
            return known.nbytes if not any(body.names() for body in bodies) else None
        return _nbytes_of(scratch[slot]) if scratch[slot].bind(self.sizes) == known else None


def _original(item: Item) -> str:
    """Return the node that an item computes, be it for the second time."""
    node = item.node
    while node.endswith(".again"):
        node = node.removesuffix(".again")
    return node


def _nbytes_of(spec: Spec) -> int | Dim:
    return product([spec.dtype.itemsize, *spec.shape])


# When somebody asks: the largest sum


def peak_formula(plan: Plan) -> int | Dim | str:
    """Return a plan's peak as an expression in the named dimensions, or why it is none."""
    if not plan.sizes:
        return plan.peak
    if plan.groups:
        node = plan.steps[plan.groups[0].first].node
        return f"steps run slice by slice, from node {node!r} on; the slices change with the sizes"
    if plan.peak != plan.lower_bound:
        return "the buffers leave gaps between them, which change with the sizes"
    for buffer in plan.buffers:
        if buffer.kind == "temporary" and buffer.nbytes and not buffer.formula:
            return f"what the buffer of node {buffer.name!r} needs isn't known as an expression"
    sums = _largest_sums(plan)
    if len(sums) > _MOST_SUMS:
        return f"any of {len(sums)} steps may be the fullest, depending on the sizes"
    return reduce(dim_max, sums) if sums else 0


def _largest_sums(plan: Plan) -> list[int | Dim]:
    """Return what lives at the steps that may be the fullest."""
    change: dict[int, int | Dim] = {}
    births = set()
    for buffer in plan.buffers:
        if buffer.kind == "temporary" and buffer.nbytes:
            nbytes = _padded(as_dim(buffer.formula))
            births.add(buffer.first)
            change[buffer.first] = change.get(buffer.first, 0) + nbytes
            change[buffer.end] = change.get(buffer.end, 0) - nbytes
    live: int | Dim = 0
    sums: list[int | Dim] = []
    for step in sorted(change):
        live = live + change[step]
        if step in births and not any(is_size(other - live) for other in sums):
            sums = [*(other for other in sums if not is_size(live - other)), live]
    return sums


def _padded(nbytes: int | Dim) -> int | Dim:
    """Return a size rounded up to a multiple of the alignment, which may be plain to see."""
    if isinstance(nbytes, int):
        return padded(nbytes)
    if all(factor % ALIGNMENT == 0 for _, factor in nbytes.terms):
        return nbytes
    return (nbytes + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT
