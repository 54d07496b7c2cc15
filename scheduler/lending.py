"""Lending: which feeds and results lie in the caller's own arrays, bound without a copy.

A bound program holds its arrays. Binding another one means making again every call that touches
it, which takes about as long as copying tens of kilobytes. So large arrays are bound where they
lie and small ones are copied; which is which is part of the plan, so that its certificate can
count it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scheduler.plan import Operand
from scheduler.program import alias_roots

if TYPE_CHECKING:
    from scheduler.live_memory import LiveBuffer, Memory
    from scheduler.plan import Step
    from scheduler.program import Program

__all__ = ["mark_lent", "surely_lent"]

_SMALLEST, _EACH_CALL = 2**18, 2**14
"""Bytes, of a whole and for each call that touches it; less is copied.

To make one call again takes 7 to 15 microseconds, in which 64 KiB are copied from memory. A quarter
of that is asked for, because a copy costs space too, and because who feeds the same array again, or
gives the same `out`, has no call made again.
"""


def surely_lent(program: Program) -> set[int]:
    """Return the results that take no place in the arena, as far as sizes tell."""
    if program.is_body:
        return set()
    roots = alias_roots(program)
    uses = Counter(roots[value] for value in program.outputs.values())
    return {value for value in program.outputs.values()
            if roots[value] == value and uses[value] == 1
            and program.specs[value].nbytes >= _SMALLEST}  # fmt: skip


def mark_lent(memory: Memory) -> None:
    """Let large inputs be the caller's arrays, and large outputs fresh ones of the caller's.

    An output can be if it fills a temporary that holds no other; views, inputs and variables that
    are outputs are copied, so that nothing of the plan's is ever in the caller's hands.
    """
    calls = _calls(memory)
    for index, buffer in enumerate(memory.buffers):
        if buffer.kind == "input" and _is_large(buffer, calls[index]):
            buffer.kind = "feed"
    operands = [memory.operands[value] for value in memory.program.outputs.values()]
    uses = Counter(operand.buffer for operand in operands)
    for operand in operands:
        index, buffer = operand.buffer, memory.buffers[operand.buffer]
        if uses[index] == 1 and _fills(operand, buffer) and _is_large(buffer, calls[index]):
            buffer.kind = "result"


def _is_large(buffer: LiveBuffer, calls: int) -> bool:
    return buffer.nbytes >= max(_SMALLEST, _EACH_CALL * calls)


def _fills(operand: Operand, buffer: LiveBuffer) -> bool:
    is_whole = operand == Operand.row_by_row(operand.buffer, operand.spec)
    return buffer.kind == "temporary" and is_whole and buffer.nbytes == operand.spec.nbytes


def _calls(memory: Memory) -> Counter[int]:
    """Return how many bound calls touch each buffer."""
    calls: Counter[int] = Counter()
    for step in memory.steps:
        times = _times(memory, step)
        for index in {o.buffer for o in (*step.inputs, *step.outputs)}:
            calls[index] += times
    return calls


def _times(memory: Memory, step: Step) -> int:
    slices = len(memory.groups[step.group].slices) if step.group >= 0 else 1
    return slices * (1 + 2 * sum(body.bound_calls for body in step.plans()))
