"""Runs of small element-wise steps, as a table that one compiled loop goes through.

NumPy takes half a microsecond to add two numbers; a plan of thousands of them spends its time on
that. With the extra ``fast``, consecutive element-wise calls on a few elements become the rows of a
table, and one function, compiled by Numba once for all plans, computes them in turn:

    operation | elements | address of the result | addresses of operands | which of them advance

Nothing of a plan is compiled, so binding takes no longer. The addresses are those of operands that
`verify` has proved to lie within their buffers. Sums, products and quotients are NumPy's to the
bit; functions are the C library's, within 2 units in the last place of NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import RunError
from scheduler.expand import KernelCall, expand
from scheduler.plan import Operand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.operation import Call
    from scheduler.plan import Plan

__all__ = ["OPERATIONS", "check_fast", "runs_of_calls", "table_call"]

OPERATIONS = ("add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "reciprocal",
              "abs", "sin", "cos", "tan", "exp", "expm1", "log", "log1p", "tanh", "sinh", "cosh",
              "atan", "maximum", "minimum", "relu", "copy")  # fmt: skip
"""The ops that the loop knows; an op's place here is its number in the table."""

_NUMBER = {name: number for number, name in enumerate(OPERATIONS)}

_LARGEST = 256
"""Elements. On more, NumPy's loops are faster."""

_FEWEST = 2
"""So many calls make a table."""


def check_fast() -> None:
    """Refuse to go on without Numba.

    Raises
    ------
    RunError
        It isn't installed.
    """
    try:
        import numba
    except ImportError:
        msg = ("fast=True compiles with Numba, which is not installed: "
               "pip install 'dataflow-runtime[fast]'")  # fmt: skip
        raise RunError(msg) from None
    del numba


def runs_of_calls(plan: Plan, *, is_fast: bool) -> Iterator[list[KernelCall]]:
    """Yield a plan's kernel calls in order: those of a table together, the others one by one.

    A table doesn't reach beyond the first write to a variable, and has one dtype.
    """
    if not is_fast:
        yield from ([call] for call in expand(plan))
        return
    commit = plan.commit
    kinds = (((_kind(plan, call), call.step >= commit), call) for call in expand(plan))
    for (kind, _), found in groupby(kinds, key=lambda pair: pair[0]):
        calls = [call for _, call in found]
        if kind and len(calls) >= _FEWEST:
            yield calls
        else:
            yield from ([call] for call in calls)


def _kind(plan: Plan, call: KernelCall) -> str:
    """Return the dtype of a call that fits in a table, or an empty text."""
    (out, *others), ins = call.outputs, call.inputs
    number = _NUMBER.get(call.op.name)
    if number is None or others or len(ins) > 2 or out.dtype.char not in "fd":
        return ""
    size = math.prod(out.shape)
    same = all(operand.dtype == out.dtype and _is_plain(operand, out) for operand in ins)
    is_ours = all(plan.buffers[o.buffer].kind not in ("feed", "result") for o in (out, *ins))
    fits = 0 < size <= _LARGEST and same and is_ours and _is_plain(out, out)
    return out.dtype.char if fits else ""


def _is_plain(operand: Operand, out: Operand) -> bool:
    """Say whether an operand is one number, or lies as the result does, row by row."""
    if math.prod(operand.shape) == 1:
        return True
    rows = Operand.row_by_row(operand.buffer, operand.spec)
    return operand.shape == out.shape and operand.strides == rows.strides


class _Table:
    """Rows, and the memory that they name by address, which nothing else may hold."""

    __slots__ = ("loop", "memory", "one", "rows")

    def __init__(self, rows: np.ndarray, one: np.ndarray, memory: object) -> None:
        from scheduler.small_steps_loop import loop

        self.loop, self.rows, self.one, self.memory = loop, rows, one, memory
        loop(rows[:0], one)  # so that it is compiled before the first run

    def __call__(self) -> None:
        self.loop(self.rows, self.one)


def table_call(
    calls: Sequence[KernelCall], place: Callable[[int], int], memory: object
) -> Call:  # fmt: skip
    """Return the raw call that does what several calls do.

    Parameters
    ----------
    calls : sequence of KernelCall
        Of one run.
    place : callable
        Gives the address of a buffer.
    memory : object
        Holds the buffers; it is kept as long as the call.
    """
    rows = np.array([_row(call, place) for call in calls], np.int64)
    return _Table(rows, np.ones(1, calls[0].outputs[0].dtype), memory), ()


def _row(call: KernelCall, place: Callable[[int], int]) -> list[int]:
    (out,), ins = call.outputs, call.inputs
    first, second = (ins[0], ins[-1])
    addresses = [place(o.buffer) + o.byte_offset for o in (out, first, second)]
    advance: list[Any] = [int(math.prod(o.shape) > 1) for o in (first, second)]
    return [_NUMBER[call.op.name], math.prod(out.shape), *addresses, *advance]
