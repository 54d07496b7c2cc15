"""`verify`: proves of a plan, from its steps alone, that running it is safe.

Nothing here is shared with the passes that made the plan. It proves that every operand lies inside
its buffer, that no two temporaries that live at once overlap, that no step reads what no earlier
step wrote, that an output overlaps an input only where its op may work in place, that what can
fail on data comes before the first write to a variable, and that the peak, the lower bound and
the bytes inside kernels are what the plan says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from dataflow.attrs import Attrs, Body
from dataflow.errors import DataflowError, PlanError
from dataflow.spec import Spec, is_dtype
from scheduler.expand import KernelCall, expand
from scheduler.plan import Operand, Plan, Step, TileGroup, arena_specs
from scheduler.verify_buffers import MOST_BYTES, check_buffers, check_overlaps, fail
from scheduler.written import Written, extent

if TYPE_CHECKING:
    from dataflow.operation import Specs, Workspace

__all__ = ["verify"]

_MOST_AXES = 64  # beyond, NumPy makes no array
_MOST_CALLS = 2**20  # in tile groups; a small file must not keep a reader busy for hours
_MOST_RANGES = 2**20  # of written bytes, in all buffers together
_MADE = ("temporary", "result")  # nothing is in them before a step writes


def verify(plan: Plan) -> None:
    """Check every rule that a plan keeps.

    Parameters
    ----------
    plan : Plan
        Any plan, from a file too.

    Raises
    ------
    PlanError
        A rule is broken; the message names the step or the buffer.
    """
    _check_options(plan)
    check_buffers(plan)
    _check_groups(plan)
    for index, step in enumerate(plan.steps):
        _check_step(plan, index, step)
    _check_ends(plan)
    _check_bools(plan)
    check_overlaps(plan)
    _check_calls(plan)
    _check_initial(plan)


def _check_options(plan: Plan) -> None:
    threads = plan.options.get("blas_threads", "1")
    if not re.fullmatch("[1-9][0-9]{0,3}", threads):
        fail(f"option blas_threads is {threads[:20]!r}, not a number of threads from 1 to 9999")


# Steps


def _check_groups(plan: Plan) -> None:
    end = 0
    for number, group in enumerate(plan.groups):
        if not end <= group.first < group.end <= len(plan.steps):
            fail(f"tile group {number}: steps {group.first} to {group.end}")
        end = group.end
        _check_slices(number, group)
    calls = sum((group.end - group.first) * len(group.slices) for group in plan.groups)
    if calls > _MOST_CALLS:
        fail(f"the tile groups make {calls} calls, more than {_MOST_CALLS}")
    inside = [-1] * len(plan.steps)
    for number, group in enumerate(plan.groups):
        inside[group.first : group.end] = [number] * (group.end - group.first)
    for index, step in enumerate(plan.steps):
        if step.group != inside[index]:
            fail(f"step {index} says tile group {step.group}, but lies in {inside[index]}")
    _check_lifetimes(plan, inside)


def _check_lifetimes(plan: Plan, inside: list[int]) -> None:
    """Check that a buffer lives within a group or through all of it: slices run one by one.

    What a result lies in is read after the last step, so a group at the end isn't all of its life.
    """
    results = {output.operand.buffer for output in plan.outputs}
    for index, buffer in enumerate(plan.buffers):
        for step in (buffer.first, buffer.end - 1):
            if buffer.kind != "temporary" or step >= len(inside) or inside[step] < 0:
                continue
            group = plan.groups[inside[step]]
            within = group.first <= buffer.first and buffer.end <= group.end
            within = within and index not in results
            through = buffer.first <= group.first and group.end <= buffer.end
            if not (within or through):
                fail(f"buffer {index} lives from step {buffer.first} to {buffer.end}, neither "
                     f"within tile group {inside[step]} nor through all of it")  # fmt: skip


def _check_slices(number: int, group: TileGroup) -> None:
    row = 0
    for rows in group.slices:
        if rows.worker != 0:
            fail(f"tile group {number}: worker {rows.worker}; this version runs plans for one")
        if rows.start != row or rows.stop <= rows.start:
            fail(f"tile group {number}: a slice {rows.start}:{rows.stop} after row {row}")
        row = rows.stop
    if not group.slices:
        fail(f"tile group {number} has no slices")


def _check_step(plan: Plan, index: int, step: Step) -> None:
    what = f"step {index}, {step.where()}"
    if step.worker != 0 or step.waits:
        fail(f"{what}: worker {step.worker}; this version runs plans for one worker")
    if step.when not in ("every", "first", "later") or (step.when != "every" and step.group < 0):
        fail(f"{what}: when {step.when!r} outside of a tile group, or unknown")
    begins, ends = index, index + 1
    for operand in (*step.inputs, *step.outputs, *step.scratch):
        _check_operand(plan, what, step, operand)
        buffer = plan.buffers[operand.buffer]
        if not (buffer.first <= begins and ends <= buffer.end):
            fail(f"{what}: buffer {operand.buffer} lives from {buffer.first} to {buffer.end}")


def _check_spec(what: str, spec: Spec) -> None:
    """Check that NumPy can have such an array, and that no element of it is a pointer."""
    if not _is_possible(spec):
        fail(f"{what}: {spec} is no array that tensors can be")


@lru_cache(maxsize=4096)
def _is_possible(spec: Spec) -> bool:
    if not is_dtype(spec.dtype) or len(spec.shape) > _MOST_AXES:
        return False
    if not all(isinstance(dim, int) and dim >= 0 for dim in spec.shape):
        return False
    return prod(max(dim, 1) for dim in spec.static_shape) * spec.dtype.itemsize <= MOST_BYTES


def _check_operand(plan: Plan, what: str, step: Step, operand: Operand) -> None:
    if not 0 <= operand.buffer < len(plan.buffers):
        fail(f"{what}: there is no buffer {operand.buffer}")
    _check_spec(what, operand.spec)
    if len(operand.shape) != len(operand.strides) or _farthest(operand.strides) > MOST_BYTES:
        fail(f"{what}: shape {operand.shape} with strides {operand.strides}")
    is_sliced = operand.tile_axis >= 0
    if (
        not -1 <= operand.tile_axis < len(operand.shape)
        or is_sliced > (step.group >= 0)
        or operand.advances > is_sliced
    ):
        fail(f"{what}: tile axis {operand.tile_axis} of shape {operand.shape}")
    if operand.tile_axis >= 0:
        group, length = plan.groups[step.group], operand.shape[operand.tile_axis]
        rows = group.length if operand.advances else group.longest
        if length == 0 or length % rows:
            fail(f"{what}: {length} rows along the tile axis, no multiple of {rows}")
    low, high = extent(operand)
    if low < 0 or high > plan.buffers[operand.buffer].nbytes:
        fail(f"{what}: bytes {low} to {high} of buffer {operand.buffer}, which has "
             f"{plan.buffers[operand.buffer].nbytes}")  # fmt: skip
    if not _is_aligned(operand.byte_offset, operand.strides, operand.dtype.alignment):
        fail(f"{what}: offset {operand.byte_offset} or strides {operand.strides} are not aligned")


# Plans have few layouts, so what is asked of one is kept.


@lru_cache(maxsize=4096)
def _farthest(strides: tuple[int, ...]) -> int:
    return max(map(abs, strides), default=0)


@lru_cache(maxsize=4096)
def _is_aligned(byte_offset: int, strides: tuple[int, ...], unit: int) -> bool:
    return not any(stride % unit for stride in (byte_offset, *strides))


@lru_cache(maxsize=4096)
def _is_one_to_one(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Say whether no two elements share an address: strides, sorted, outgrow what is below."""
    if 0 in shape:
        return True
    reach = itemsize
    for stride, dim in sorted((abs(s), d) for d, s in zip(shape, strides, strict=True) if d > 1):
        if stride < reach:
            return False
        reach += stride * (dim - 1)
    return True


# What the calls read and write


def _check_calls(plan: Plan) -> None:
    written = [
        Written() if buffer.kind in _MADE else Written(buffer.nbytes) for buffer in plan.buffers
    ]
    in_slice: dict[int, Written] = {}
    ranges = 0
    current, internal, committed = (-1, -1), 0, False
    for call in _expanded(plan):
        step = plan.steps[call.step]
        what = f"step {call.step}, {step.where()}"
        if (step.group, call.slice) != current:
            current, in_slice = (step.group, call.slice), {}
        internal = max(internal, _check_kernel(call, what))
        _check_memory(plan, call, what)
        for operand in call.inputs:
            _check_read(plan, step, operand, written, in_slice, what)
        ranges += _note_writes(call, written, in_slice)
        if ranges > _MOST_RANGES:
            fail(f"{what}: what is written falls into more than {_MOST_RANGES} ranges of bytes")
        committed = committed or any(plan.buffers[o.buffer].kind == "variable"
                                     for o in call.outputs)  # fmt: skip
        if committed and call.op.fallible:
            fail(f"{what}: it can fail on its data after a variable was written")
    for output in plan.outputs:
        if not written[output.operand.buffer].covers(output.operand):
            fail(f"output {output.name!r} is read where no step wrote")
    if internal != plan.internal:
        fail(f"kernels allocate up to {internal} bytes, the plan says {plan.internal}")


def _note_writes(call: KernelCall, written: list[Written], in_slice: dict[int, Written]) -> int:
    """Note what a call writes; return by how many ranges the list of written bytes grew."""
    grown = 0
    for operand in call.outputs:
        ranges = written[operand.buffer]
        grown -= len(ranges.lows)
        ranges.add(operand)
        grown += len(ranges.lows)
        if call.slice >= 0:
            in_slice.setdefault(operand.buffer, Written()).add(operand)
    return grown


def _expanded(plan: Plan) -> Iterable[KernelCall]:
    try:
        yield from expand(plan)
    except DataflowError as error:
        msg = f"the plan's steps don't expand: {error}"
        raise PlanError(msg) from error


def _check_kernel(call: KernelCall, what: str) -> int:
    """Check specs and scratch against the op's own declaration; return its internal bytes."""
    specs = tuple(operand.spec for operand in call.inputs)
    if (call.op.control is None) != (not call.attrs.bodies()):
        fail(f"{what}: {len(call.attrs.bodies())} bodies of an op that has no such number")
    if call.op.control is not None:
        _check_bound(call, what)
    # A body's digest takes longer than what it would save to ask.
    ask = _declared.__wrapped__ if call.attrs.bodies() else _declared
    try:
        inferred, workspace = ask(call.op.infer, call.op.workspace, specs, call.attrs)
    except (DataflowError, ValueError, TypeError, IndexError, OverflowError) as error:
        msg = f"{what}: its op refuses the operands: {error}"
        raise PlanError(msg) from error
    if tuple(operand.spec for operand in call.outputs) != inferred:
        fail(f"{what}: the outputs are {[str(o.spec) for o in call.outputs]}, "
             f"its op infers {[str(s) for s in inferred]}")  # fmt: skip
    scratch = tuple(operand.spec for operand in call.scratch)
    needed = (*workspace.scratch, *arena_specs(call.attrs))
    if scratch != needed:
        fail(f"{what}: the scratch is {scratch}, its op needs {needed}")
    return max([workspace.internal, *(_check_body(body, what) for body in call.attrs.bodies())])


@lru_cache(maxsize=4096)
def _declared(
    infer: Callable[[Specs, Attrs], Specs], workspace: Callable[[Specs, Attrs], Workspace],
    specs: Specs, attrs: Attrs,
) -> tuple[Specs, Workspace]:  # fmt: skip
    """Return what an op declares of a call; plans have few kinds of calls."""
    return infer(specs, attrs), workspace(specs, attrs)


def _check_bound(call: KernelCall, what: str) -> None:
    """Check that what bodies are bound to as it lies, lies row by row."""
    ends: Any = (range(len(call.inputs)), range(len(call.outputs)))
    try:
        ends = ends if call.op.bound is None else call.op.bound(call.attrs)
    except DataflowError as error:
        msg = f"{what}: its op refuses its attributes: {error}"
        raise PlanError(msg) from error
    for operands, numbers in zip((call.inputs, call.outputs), ends, strict=True):
        if not all(_is_row_by_row(operands[n]) for n in numbers if n < len(operands)):
            fail(f"{what}: an operand of its bodies doesn't lie row by row")


def _check_body(body: Body, what: str) -> int:
    """Check a plan within a step, and return the bytes that its kernels allocate."""
    if isinstance(body, Plan) and any(b.kind in ("feed", "result") for b in body.buffers):
        fail(f"{what}: a body's feeds and results are its step's, not the caller's")
    if not isinstance(body, Plan) or body.variables or body.initial is not None:
        fail(f"{what}: its body is no plan, or one with variables")
    try:
        verify(body)
    except PlanError as error:
        msg = f"{what}, in its body: {error}"
        raise PlanError(msg) from None
    return body.internal


def _is_row_by_row(operand: Operand) -> bool:
    plain = Operand.row_by_row(operand.buffer, operand.spec)
    return operand.strides == plain.strides


def _check_memory(plan: Plan, call: KernelCall, what: str) -> None:
    """Check that what a call writes is writable, lies apart, or may be taken over in place."""
    writes = (*call.outputs, *call.scratch)
    for number, operand in enumerate(writes):
        kind = plan.buffers[operand.buffer].kind
        is_scratch = number >= len(call.outputs)
        if kind in ("input", "feed", "constant") or (kind == "variable" and is_scratch):
            fail(f"{what}: it writes to a buffer of kind {kind!r}")
        if not _is_one_to_one(operand.shape, operand.strides, operand.dtype.itemsize):
            fail(f"{what}: two elements of an output lie at one address")
        for other in writes[:number]:
            if _meet(operand, other):
                fail(f"{what}: two things that it writes overlap")
        for slot, read in enumerate(call.inputs):
            if operand.buffer != read.buffer or not _meet(operand, read):
                continue
            same = number < len(call.outputs) and operand == read
            if not same or slot not in call.op.offers(call.attrs, number):
                fail(f"{what}, slot {slot}: the output overlaps an input that it may not replace")


def _meet(a: Operand, b: Operand) -> bool:
    """Say whether two operands touch a common byte; temporaries of other buffers never do."""
    if a.buffer != b.buffer:
        return False
    (a_low, a_high), (b_low, b_high) = extent(a), extent(b)
    return a_low < b_high and b_low < a_high


def _check_read(
    plan: Plan, step: Step, operand: Operand, written: list[Written],
    in_slice: dict[int, Written], what: str,
) -> None:  # fmt: skip
    if not written[operand.buffer].covers(operand):
        fail(f"{what}: it reads bytes of buffer {operand.buffer}, within {extent(operand)}, "
             "which no earlier step wrote")  # fmt: skip
    if step.group < 0 or plan.buffers[operand.buffer].kind not in _MADE:
        return
    group, buffer = plan.groups[step.group], plan.buffers[operand.buffer]
    if operand.buffer in in_slice and in_slice[operand.buffer].covers(operand):
        return  # written in this very slice: it may share memory with other steps of the group
    if not (buffer.first <= group.first and group.end <= buffer.end):
        fail(f"{what}: it reads what another slice wrote in buffer {operand.buffer}, which "
             "doesn't live through the whole tile group")  # fmt: skip


# Ends


def _check_ends(plan: Plan) -> None:
    _check_feeds_and_state(plan)
    for index, array in plan.constants.items():
        if not 0 <= index < len(plan.buffers) or plan.buffers[index].kind != "constant":
            fail(f"constant buffer {index} is none")
        _check_spec(f"constant buffer {index}", Spec(array.shape, array.dtype))
        if plan.buffers[index].nbytes != array.nbytes:
            fail(f"constant buffer {index} doesn't fit its value of {array.nbytes} bytes")
    for kind, ends in (("input", plan.inputs), ("output", plan.outputs),
                       ("variable", plan.variables)):  # fmt: skip
        names = [end.name for end in ends]
        if len(set(names)) != len(names):
            fail(f"two {kind}s have one name: {sorted(names)}")
    for output in plan.outputs:
        what, operand = f"output {output.name!r}", output.operand
        _check_operand(plan, what, Step("", "", 1, Attrs(), (), ()), operand)
        if plan.buffers[operand.buffer].end < len(plan.steps):
            fail(f"{what}: buffer {operand.buffer} ends before the last step")
    _check_results(plan)
    _check_updated(plan)


def _check_results(plan: Plan) -> None:
    """Check that what the caller gets is one output and all of it, in a buffer of its own."""
    results = [i for i, buffer in enumerate(plan.buffers) if buffer.kind == "result"]
    for index in results:
        within = [o.operand for o in plan.outputs if o.operand.buffer == index]
        whole = [o for o in within if o == Operand.row_by_row(index, o.spec)]
        if len(within) != 1 or not whole or whole[0].spec.nbytes != plan.buffers[index].nbytes:
            fail(f"buffer {index} is a result, but not the whole of exactly one output")


def _check_bools(plan: Plan) -> None:
    """Check that no bytes are read as bools that were written as something else.

    NumPy trusts a bool to be 0 or 1; the other dtypes have no such secret.
    """
    is_bool: dict[int, bool] = {}
    uses = [(i.buffer, i.spec.dtype) for i in plan.inputs]
    uses += [(v.buffer, v.spec.dtype) for v in plan.variables]
    uses += [(index, array.dtype) for index, array in plan.constants.items()]
    uses += [(o.operand.buffer, o.operand.dtype) for o in plan.outputs]
    uses += [(operand.buffer, operand.dtype) for step in plan.steps
             for operand in (*step.inputs, *step.outputs, *step.scratch)]  # fmt: skip
    for buffer, dtype in uses:
        if is_bool.setdefault(buffer, dtype.kind == "b") != (dtype.kind == "b"):
            fail(f"buffer {buffer} holds bools, and something else too")


def _check_feeds_and_state(plan: Plan) -> None:
    ends: list[tuple[str, tuple[str, ...], str, int, Spec]]
    ends = [("input", ("input", "feed"), i.name, i.buffer, i.spec) for i in plan.inputs]
    ends += [("variable", ("variable",), v.name, v.buffer, v.spec) for v in plan.variables]
    for kind, kinds, name, index, spec in ends:
        if not 0 <= index < len(plan.buffers) or plan.buffers[index].kind not in kinds:
            fail(f"{kind} {name!r}: buffer {index} is not of this kind")
        _check_spec(f"{kind} {name!r}", spec)
        if plan.buffers[index].nbytes != spec.nbytes:
            fail(f"{kind} {name!r} has {spec.nbytes} bytes, its buffer "
                 f"{plan.buffers[index].nbytes}")  # fmt: skip
    used = [index for *_, index, _ in ends] + list(plan.constants)
    kept = [i for i, buffer in enumerate(plan.buffers) if buffer.kind not in _MADE]
    if sorted(used) != kept:
        fail(f"the inputs, variables and constants use buffers {sorted(used)}, not {kept}")


def _check_updated(plan: Plan) -> None:
    writes = {operand.buffer for step in plan.steps for operand in step.outputs}
    for variable in plan.variables:
        if variable.updated != (variable.buffer in writes):
            fail(f"variable {variable.name!r}: updated is {variable.updated}, the steps differ")


def _check_initial(plan: Plan) -> None:
    first = plan.initial
    names = {v.name: v.spec for v in plan.variables}
    if first is None:
        if names:
            fail(f"variables {sorted(names)} have no first values")
        return
    if first.inputs or first.variables or first.initial is not None:
        fail("the plan of the first values has inputs or variables")
    if {o.name: o.operand.spec for o in first.outputs} != names:
        fail("the plan of the first values doesn't give each variable its value")
    verify(first)
