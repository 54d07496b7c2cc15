"""What lives when: the bytes of temporaries at each step, and the largest at the peak.

Of each large buffer at the peak it is told who made it, and what would lower it; that is read off
the plan's steps alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from scheduler.plan import padded

if TYPE_CHECKING:
    from scheduler.plan import Buffer, Plan

__all__ = ["AtPeak", "StepMemory", "fullest", "largest_at_peak", "live_bytes"]

_SHORT = 16  # steps; what lies about for longer is worth computing again


class StepMemory(NamedTuple):
    """What lives at a step: its bytes, and the buffers that are born and have died before it."""

    live: int
    born: tuple[int, ...]
    dead: tuple[int, ...]


class AtPeak(NamedTuple):
    """A buffer that lives at the peak, the step that fills it first, and what would lower it."""

    buffer: int
    step: int
    advice: str


def live_bytes(plan: Plan) -> list[StepMemory]:
    """Return what lives at each step.

    Parameters
    ----------
    plan : Plan
        Any plan.

    Returns
    -------
    list of StepMemory
        One for each step; bytes are rounded up to the alignment, as in the plan's lower bound,
        which is the most of them.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", (100,))
    >>> y = df.sin(x)
    >>> plan = df.compile(b.build({"y": y * df.cos(y)}))
    >>> [step.live for step in live_bytes(plan)]
    [448, 896, 896]
    """
    born: list[list[int]] = [[] for _ in range(len(plan.steps) + 1)]
    dead: list[list[int]] = [[] for _ in range(len(plan.steps) + 1)]
    for index, buffer in enumerate(plan.buffers):
        if buffer.kind == "temporary":
            born[min(buffer.first, len(plan.steps))].append(index)
            dead[min(buffer.end, len(plan.steps))].append(index)
    live, found = 0, []
    for step in range(len(plan.steps)):
        live += sum(padded(plan.buffers[index].nbytes) for index in born[step])
        live -= sum(padded(plan.buffers[index].nbytes) for index in dead[step])
        found.append(StepMemory(live, tuple(born[step]), tuple(dead[step])))
    return found


def largest_at_peak(plan: Plan, most: int = 10) -> list[AtPeak]:
    """Return the largest buffers that live at the fullest step, the first of equals.

    Parameters
    ----------
    plan : Plan
        Any plan.
    most : int
        How many.

    Returns
    -------
    list of AtPeak
        The largest first.
    """
    peak, living = fullest(plan)
    return [_at_peak(plan, index, peak) for index in living[:most]]


def fullest(plan: Plan) -> tuple[int, list[int]]:
    """Return the step at which most lives, and the temporaries that do, the largest first.

    Of a plan without steps, 0 and none.
    """
    memory = live_bytes(plan)
    if not memory:
        return 0, []
    peak = max(range(len(memory)), key=lambda step: memory[step].live)
    living = [index for index, buffer in enumerate(plan.buffers)
              if buffer.kind == "temporary" and buffer.first <= peak < buffer.end]  # fmt: skip
    living.sort(key=lambda index: (-plan.buffers[index].nbytes, index))
    return peak, living


def _at_peak(plan: Plan, index: int, peak: int) -> AtPeak:
    """Say who fills a buffer and what would lower it."""
    writers = list(_steps(plan, index, "outputs"))
    if not writers:
        owner = next(iter(_steps(plan, index, "scratch")), plan.buffers[index].first)
        return AtPeak(index, owner, "scratch of this step: smaller operands, or slices")
    return AtPeak(index, writers[0], _advice(plan, index, writers, peak))


def _steps(plan: Plan, index: int, side: str) -> Iterator[int]:
    for number, step in enumerate(plan.steps):
        if any(operand.buffer == index for operand in getattr(step, side)):
            yield number


def _advice(plan: Plan, index: int, writers: list[int], peak: int) -> str:
    buffer, first = plan.buffers[index], plan.steps[writers[0]]
    readers = list(_steps(plan, index, "inputs"))
    names = [output.name for output in plan.outputs if output.operand.buffer == index]
    if names:
        return f"output {names[0]!r} lives to the end: leave it out with outputs=[...]"
    if first.when == "first":
        return "a sum over the slices of a tile group, which lives through all of it"
    later = [plan.steps[reader] for reader in readers if reader > peak]
    if first.sweep == "forward" and any(step.sweep != "forward" for step in later):
        return "kept for the reverse sweep: memory_budget=..., or df.checkpoint around it"
    if any(step.sweep == "update" for step in later) and _lies_long(buffer):
        return "a gradient that waits for its update"
    if _lies_long(buffer) and buffer.end - 1 > peak:
        return f"read again {buffer.end - 1 - peak} steps later: memory_budget=..."
    return "in use at the peak"


def _lies_long(buffer: Buffer) -> bool:
    return buffer.end - buffer.first > _SHORT
