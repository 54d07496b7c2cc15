"""Loops in segments: a loop of loops, or a loop of several steps at once.

    scan of 7 steps, 3 in a segment:   [s s s] [s s s]  then  [s]

The segments are the steps of one loop, and what is left over is done after them (or, if the last
row comes first, at the rows' beginning). The reverse sweep of a loop keeps the carries before its
steps: here those before each segment, and, while one segment is pulled back, those within it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dataflow.calling import call_function
from dataflow.dispatch import find_function
from dataflow.trees import leaves_of, mapped, rebuilt

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["in_segments", "unrolled"]

Steps = Callable[[Any, Any, "int | Dim"], tuple[Any, Any]]
"""From a carry, stacks and their length to the next carry and stacked results."""


def in_segments(
    steps: Steps, carry: Any, stacks: Any, length: int | Dim, size: int,  # noqa: ANN401
    *, reverse: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """Run segments of a size as the steps of a loop, and what is left over by itself.

    Parameters
    ----------
    steps : callable
        Runs the steps of one segment.
    carry, stacks : trees of Tensor
        As `dataflow.scan` has them.
    length : int or Dim
        The number of steps.
    size : int
        How many are a segment.
    reverse : bool
        Whether the last row comes first.
    """
    count = length // size
    whole = count * size
    left = length - whole
    if isinstance(length, int) and length <= size:
        return steps(carry, stacks, length)
    first = left if reverse else 0  # where the segments begin
    segments = mapped(lambda t: _cut(t[first : first + whole], count, size), stacks)
    scan: Any = find_function("scan")
    last, results = scan(
        lambda c, rows: steps(c, rows, size), carry, segments, count, reverse=reverse
    )
    results = mapped(lambda t: call_function("reshape", t, (whole, *t.shape[2:])), results)
    if left == 0:
        return last, results
    rest = mapped(lambda t: t[:left] if reverse else t[whole:], stacks)
    if isinstance(left, int):
        last, more = steps(last, rest, left)
    else:
        last, more = _one_by_one(steps, last, rest, left, reverse=reverse)
    pairs = zip(leaves_of(results), leaves_of(more), strict=True)
    joined = [call_function("concat", [b, a] if reverse else [a, b], axis=0) for a, b in pairs]
    return last, rebuilt(results, joined)


def _one_by_one(
    steps: Steps, carry: Any, stacks: Any, length: Dim, *, reverse: bool  # noqa: ANN401
) -> tuple[Any, Any]:  # fmt: skip
    """Run steps whose number isn't known yet: a loop of segments of one."""
    rows = mapped(lambda t: _cut(t, length, 1), stacks)
    scan: Any = find_function("scan")
    last, results = scan(lambda c, row: steps(c, row, 1), carry, rows, length, reverse=reverse)
    return last, mapped(lambda t: call_function("reshape", t, (length, *t.shape[2:])), results)


def unrolled(
    function: Callable[[Any, Any], Any], carry: Any, stacks: Any, length: int | Dim,  # noqa: ANN401
    *, reverse: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """Run the steps of a segment one after the other, without a loop."""
    order = range(length)[::-1] if reverse else range(length)  # type: ignore[arg-type]  # an int
    results: list[Any] = []
    for index in order:
        carry, result = function(carry, mapped(lambda t, i=index: t[i], stacks))  # type: ignore[misc]
        results.append(result)
    in_order = results[::-1] if reverse else results
    columns = zip(*map(leaves_of, in_order), strict=True)
    stacked = [call_function("stack", list(column), axis=0) for column in columns]
    return carry, rebuilt(in_order[0], stacked)


def _cut(stack: Tensor, count: int | Dim, size: int) -> Tensor:
    return call_function("reshape", stack, (count, size, *stack.shape[1:]))
