"""What `verify` asks of a plan's buffers: kinds, lifetimes, sizes, and places in the arena."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NoReturn

from dataflow.dim_texts import as_dim
from dataflow.dims import Dim, bind_dim
from dataflow.errors import PlanError, ShapeError
from scheduler.plan import ALIGNMENT

if TYPE_CHECKING:
    from scheduler.plan import Buffer, Plan

__all__ = ["MOST_BYTES", "check_buffers", "check_overlaps", "fail"]

MOST_BYTES = 2**62
"""Beyond, NumPy makes no array."""

_KINDS = ("temporary", "input", "constant", "variable", "feed", "result")


def fail(message: str) -> NoReturn:
    """Refuse a plan."""
    raise PlanError(message)


def check_buffers(plan: Plan) -> None:
    """Check each buffer by itself, and that the temporaries reach as far as the plan says."""
    top, steps = 0, max(len(plan.steps), 1)
    for index, buffer in enumerate(plan.buffers):
        what = f"buffer {index} ({buffer.kind} {buffer.name!r})"
        if buffer.kind not in _KINDS:
            fail(f"{what}: the kind is none of {_KINDS}")
        if buffer.nbytes < 0 or not 0 <= buffer.first < buffer.end <= steps:
            fail(f"{what}: {buffer.nbytes} bytes from step {buffer.first} to {buffer.end}")
        if buffer.kind != "temporary":
            continue
        if buffer.byte_offset < 0 or buffer.byte_offset % ALIGNMENT:
            fail(f"{what}: offset {buffer.byte_offset} is no multiple of {ALIGNMENT}")
        if _top(buffer) > MOST_BYTES:
            fail(f"{what}: it ends at byte {_top(buffer)} of the arena, beyond any memory")
        top = max(top, _top(buffer))
    if top != plan.peak:
        fail(f"the temporaries reach up to {top} bytes, the plan's peak is {plan.peak}")
    _check_formulas(plan)


def _check_formulas(plan: Plan) -> None:
    """Let each expression be the size of its buffer; few buffers have one of their own."""
    known: dict[str, int | Dim] = {"": -1}
    for index, buffer in enumerate(plan.buffers):
        if buffer.formula and buffer.kind != "temporary":
            fail(f"the formula of buffer {index}: one of kind {buffer.kind!r} has none")
        if buffer.formula not in known:
            try:
                known[buffer.formula] = bind_dim(as_dim(buffer.formula), plan.sizes)
            except ShapeError as error:
                fail(f"the formula of buffer {index} ({buffer.kind} {buffer.name!r}): {error}")
        if buffer.formula and known[buffer.formula] != buffer.nbytes:
            fail(f"the formula of buffer {index} ({buffer.kind} {buffer.name!r}) gives "
                 f"{known[buffer.formula]} bytes, it has {buffer.nbytes}")  # fmt: skip


def _top(buffer: Buffer) -> int:
    """Return where a temporary ends in the arena, rounded up to the alignment."""
    return buffer.byte_offset + -(-buffer.nbytes // ALIGNMENT) * ALIGNMENT


def check_overlaps(plan: Plan) -> None:
    """Sweep over the steps with the live temporaries sorted by offset; neighbours must not meet."""
    temporaries = [(i, b) for i, b in enumerate(plan.buffers) if b.kind == "temporary" and b.nbytes]
    events = sorted(
        [(b.first, 1, i) for i, b in temporaries] + [(b.end, 0, i) for i, b in temporaries]
    )
    live: list[tuple[int, int, int]] = []  # (offset, top, buffer)
    total = largest = 0
    for _, begins, index in events:
        buffer = plan.buffers[index]
        entry = (buffer.byte_offset, _top(buffer), index)
        place = bisect_left(live, entry)
        if not begins:
            del live[place]
            total -= entry[1] - entry[0]
            continue
        for other in live[max(place - 1, 0) : place + 1]:
            if other[0] < entry[1] and entry[0] < other[1]:
                fail(f"buffers {other[2]} and {index} live at once and overlap in the arena")
        live.insert(place, entry)
        total += entry[1] - entry[0]
        largest = max(largest, total)
    if largest != plan.lower_bound:
        fail(f"the largest live set is {largest} bytes, the plan says {plan.lower_bound}")
