"""Binds a plan to memory: every operand an array, every step the raw calls that do its work.

A body of control flow is a plan too. Its arena is scratch memory of the step that holds it, its
inputs are that step's arrays, and an output that has a buffer to itself is written where the step
wants it: so a loop's carries change places without a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.errors import RunError
from scheduler.finiteness import watched
from scheduler.plan import ALIGNMENT, Operand, Plan, PlanOutput, Step
from scheduler.small_steps import runs_of_calls, table_call

if TYPE_CHECKING:
    from dataflow.operation import Call
    from dataflow.spec import Spec
    from scheduler.expand import KernelCall

__all__ = ["Bound", "address", "aligned", "bytes_of"]

Array = np.ndarray[Any, Any]


class Run(NamedTuple):
    """A kernel call, or the first of a table, the raw calls, and its bodies' steps."""

    call: KernelCall
    raw: Sequence[Call]
    inner: dict[int, Step]


class Bound:
    """A plan's operands as arrays.

    Parameters
    ----------
    plan : Plan
        Verified.
    arena : numpy.ndarray
        Bytes for the temporaries, at least ``plan.peak``, aligned.
    given : mapping of int to numpy.ndarray
        Buffers that lie in memory of the caller's, as bytes.
    is_watched : bool
        Whether each step is followed by a look for NaN and infinity.
    is_fast : bool
        Whether runs of small steps become tables; see `scheduler.small_steps`.
    """

    def __init__(
        self, plan: Plan, arena: Array, given: Mapping[int, Array] | None = None,
        *, is_watched: bool = False, is_fast: bool = False,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.is_watched = is_watched
        self.is_fast = is_fast
        self._memory = [
            self._memory_of(index, arena, given or {}) for index in range(len(plan.buffers))
        ]
        self._places = [address(memory) for memory in self._memory]
        self._views: dict[tuple[object, ...], Array] = {}
        self._lent: dict[int, dict[tuple[object, ...], Array]] = {}

    def _memory_of(self, index: int, arena: Array, given: Mapping[int, Array]) -> Array:
        if index in given:
            return given[index]
        buffer = self.plan.buffers[index]
        if buffer.kind == "temporary":
            return arena[buffer.byte_offset : buffer.byte_offset + buffer.nbytes]
        if buffer.kind == "constant":
            return bytes_of(np.ascontiguousarray(self.plan.constants[index]))
        if buffer.kind in ("feed", "result"):
            return np.empty(0, np.uint8)  # until the caller lends some
        return aligned(buffer.nbytes)[: buffer.nbytes]

    def lend(self, buffer: int, memory: Array) -> None:
        """Let a buffer lie in other bytes; its arrays, and calls on them, are made anew."""
        self._memory[buffer] = memory
        self._places[buffer] = address(memory)
        self._lent[buffer] = {}

    def place(self, buffer: int) -> int:
        """Return the address at which a buffer begins."""
        return self._places[buffer]

    def array(self, operand: Operand) -> Array:
        """Return the one array of an operand's place and layout.

        NumPy sees at a glance that an output is its input where both are one object; of two
        objects over the same memory it solves for an overlap, which takes as long as a small add.
        """
        buffer, byte_offset, shape, strides, dtype, *_ = operand
        if 0 in shape:
            return np.empty(shape, dtype)
        key = (self._places[buffer] + byte_offset, shape, strides, dtype)
        views = self._lent.get(buffer, self._views)
        view = views.get(key)
        if view is None:
            view = np.ndarray(shape, dtype, self._memory[buffer], byte_offset, strides)
            views[key] = view
        return view

    def whole(self, buffer: int, spec: Spec) -> Array:
        """Return the array of a whole buffer."""
        return self.array(Operand.row_by_row(buffer, spec))

    def runs(self) -> Iterator[Run]:
        """Yield the raw calls of the whole plan, in order."""
        for calls in runs_of_calls(self.plan, is_fast=self.is_fast):
            inner: dict[int, Step] = {}
            first, *others = calls
            raw = (
                [table_call(calls, self.place, self._memory)]
                if others
                else self.calls(first, inner)
            )
            yield Run(first, raw, inner)

    def calls(self, call: KernelCall, inner: dict[int, Step]) -> Sequence[Call]:
        """Return the raw calls that do a kernel call's work.

        Parameters
        ----------
        call : KernelCall
            One of those that the plan expands to.
        inner : dict of int to Step
            Where the steps of bodies are noted, by the identity of their calls' arguments, so that
            an error within a loop names the step that it comes from.
        """
        outs, ins, scratch = (
            [self.array(operand) for operand in side]
            for side in (call.outputs, call.inputs, call.scratch)
        )
        try:
            if call.op.control is None:
                calls = call.op.kernel(outs, ins, scratch, call.attrs)
            else:
                binds = [
                    partial(_bind_body, body, scratch[-1], self, inner=inner)
                    for body in call.attrs.bodies()
                ]
                calls = call.op.control(outs, ins, scratch[:-1], call.attrs, binds)
        except ImportError as error:  # a plan may come from a machine that has more
            msg = (f"step {call.step}, {self.plan.steps[call.step].where()}, can't import "
                   f"{call.op.extra or 'a module'}: {error}; pip install "
                   f"'dataflow-runtime[{call.op.extra}]'")  # fmt: skip
            raise RunError(msg) from error
        return watched(self.plan.steps[call.step], ins, outs, calls) if self.is_watched else calls


def _bind_body(
    body: Any, arena: Array, outer: Bound, inputs: Sequence[Array],  # noqa: ANN401
    outputs: Sequence[Array | None], *, inner: dict[int, Step],
) -> tuple[list[Call], list[Array]]:  # fmt: skip
    """Bind a body to arrays that lie row by row; see `dataflow.operation.Bind`."""
    plan: Plan = body
    given = {end.buffer: bytes_of(array) for end, array in zip(plan.inputs, inputs, strict=True)}
    uses = Counter(output.operand.buffer for output in plan.outputs)
    copied: list[tuple[Array, PlanOutput]] = []
    for output, array in zip(plan.outputs, outputs, strict=True):
        if array is None:
            continue
        if uses[output.operand.buffer] == 1 and _fills(plan, output):
            given[output.operand.buffer] = bytes_of(array)
        else:
            copied.append((array, output))
    bound = Bound(plan, arena, given, is_watched=outer.is_watched, is_fast=outer.is_fast)
    made = []
    for run in bound.runs():
        made += [(run.call.step, raw) for raw in run.raw]
        inner.update(run.inner)
    inner.update({id(args): plan.steps[step] for step, (_, args) in made if args})
    calls = [call for _, call in made]
    calls += [(np.copyto, (array, bound.array(output.operand))) for array, output in copied]
    return calls, [bound.array(output.operand) for output in plan.outputs]


def _fills(plan: Plan, output: PlanOutput) -> bool:
    """Say whether an output is a temporary's whole buffer, so that it can lie elsewhere."""
    operand = output.operand
    buffer = plan.buffers[operand.buffer]
    is_whole = operand == Operand.row_by_row(operand.buffer, operand.spec)
    return buffer.kind == "temporary" and is_whole and buffer.nbytes == operand.spec.nbytes


def aligned(nbytes: int) -> Array:
    """Return zeroed bytes that start at a multiple of the alignment.

    Zeroed by the system, page by page: a hostile plan can't read what the process freed before.
    """
    raw = np.zeros(nbytes + ALIGNMENT, np.uint8)
    first = -address(raw) % ALIGNMENT
    return raw[first : first + nbytes]


def bytes_of(array: Array) -> Array:
    """Return the memory of an array that lies row by row."""
    return array.reshape(-1).view(np.uint8)


def address(array: Array) -> int:
    """Return where an array's memory begins (``array.ctypes`` would load ctypes)."""
    return int(array.__array_interface__["data"][0])
