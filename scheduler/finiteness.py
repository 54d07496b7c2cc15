"""``check="finite"``: finds the step that makes the first NaN or infinity.

A step is at fault if its results are worse than what it read: a NaN where no operand had one, or
an infinity where all were finite. So a mask of minus infinities, or the infinity of a maximum over
nothing, passes on its way unblamed, and the step that turns it into a NaN doesn't.

What a step reads may be overwritten by what it writes. So each step gets a call before it and one
after it, in the same flat list as the kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import NonFiniteError

if TYPE_CHECKING:
    from dataflow.operation import Call
    from scheduler.plan import Step

__all__ = ["check_feeds", "watched"]

Array = np.ndarray[Any, Any]

_FINITE, _INFINITE, _NAN = range(3)
_NAMES = ("", "infinity", "NaN")


def watched(
    step: Step, inputs: Sequence[Array], outputs: Sequence[Array], calls: Sequence[Call]
) -> list[Call]:
    """Return a step's calls between two that compare what it reads with what it writes."""
    watch = _Watch(step, _inexact(inputs), _inexact(outputs))
    return [(watch.before, ()), *calls, (watch.after, ())] if watch.outputs else list(calls)


def check_feeds(feeds: Sequence[tuple[str, Array]]) -> None:
    """Refuse a NaN that was fed.

    Raises
    ------
    NonFiniteError
        A feed has one; the message names the input and the place.
    """
    for name, array in feeds:
        if _worst([array]) == _NAN:
            msg = f"input {name!r} was fed NaN{_place(array, _NAN)}"
            raise NonFiniteError(msg)


class _Watch:
    """Compares the results of a step with its operands."""

    def __init__(self, step: Step, inputs: list[Array], outputs: list[Array]) -> None:
        self.step = step
        self.inputs = inputs
        self.outputs = outputs
        self.given = _FINITE

    def before(self) -> None:
        self.given = _worst(self.inputs)

    def after(self) -> None:
        for array in self.outputs:
            made = _worst([array])
            if made > self.given:
                raise NonFiniteError(self._accusation(array, made))

    def _accusation(self, array: Array, made: int) -> str:
        step = self.step
        sweep = "" if step.sweep == "forward" else f", in the {step.sweep} sweep"
        forward = f" of node {step.forward!r}" if step.forward else ""
        return (f"{step.where()}{sweep}{forward}, made the first {_NAMES[made]} of "
                f"{'finite' if self.given == _FINITE else 'infinite'} operands"
                f"{_place(array, made)}")  # fmt: skip


def _inexact(arrays: Sequence[Array]) -> list[Array]:
    """Return the arrays that can hold a NaN; bfloat16 is a dtype of kind V to NumPy."""
    return [a for a in arrays if a.dtype.kind in "fcV"]


def _worst(arrays: Sequence[Array]) -> int:
    rows = [np.ascontiguousarray(array) for array in arrays]  # NumPy errs on some strided ones
    with np.errstate(all="ignore"):
        if all(np.isfinite(row).all() for row in rows):
            return _FINITE
        return _NAN if any(np.isnan(row).any() for row in rows) else _INFINITE


def _place(array: Array, kind: int) -> str:
    """Return where the first such element is."""
    whole = np.ascontiguousarray(array)
    wrong = np.isnan(whole) if kind == _NAN else ~np.isfinite(whole)
    return f" at {tuple(map(int, np.argwhere(wrong)[0]))}" if array.ndim else ""
