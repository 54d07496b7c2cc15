"""`Inner`: what the compiler knows of a loop's body, beside the plan that stands in its attributes.

A loop over rows that don't see each other can be done slice by slice, each slice all of its steps.
Which of its operands are sliced then, along which axes, is a `Way`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scheduler.plan import Plan

__all__ = ["PART", "Inner", "Way"]

PART = -2
"""In place of an axis: a slice gives a part of this sum, and takes it to begin with zeros.

An operand that no slice changes has -1.
"""


class Way(NamedTuple):
    """One way to slice a loop.

    Parameters
    ----------
    axes : mapping of int to int
        The axis that is sliced, of every value of the body's program that has one.
    length : int
        How long the shortest of these axes is; the others are multiples.
    inputs, outputs : tuple of int
        The axis of each of the loop's own operands and results; -1, or `PART`.
    mean_bytes : float
        What a value that the body makes has of all rows, on average, the small ones aside.
    """

    axes: Mapping[int, int]
    length: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    mean_bytes: float


@dataclass(frozen=True)
class Inner:
    """The body of a loop.

    Parameters
    ----------
    ways : tuple of Way
        How the loop can be sliced.
    sliced : callable
        ``sliced(number, rows)`` plans the body for slices of so many rows, by way `number`.
    """

    ways: tuple[Way, ...]
    sliced: Callable[[int, int], Plan]
