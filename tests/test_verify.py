"""`verify` catches lies: a good plan with one thing changed is refused, and by a `PlanError`.

The plans are small and made of ops whose memory use is known, so that each lie breaks one
rule; the words are those of the message about it.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import PlanError
from dataflow.spec import Spec
from scheduler.plan import Buffer, Plan, PlanOutput, PlanVariable, Slice, Step
from scheduler.plan import TileGroup as Group
from scheduler.runner import Runner
from scheduler.verify import verify
from tests.plans import GOOD

F4 = np.dtype("float32")


def steps_with(index: int, **changes: Any) -> Plan:  # noqa: ANN401 - any field's value
    """Return the good plan with one step changed."""
    steps = list(GOOD.steps)
    steps[index] = steps[index]._replace(**changes)
    return replace(GOOD, steps=tuple(steps))


def operand_with(index: int, role: str, slot: int, **changes: Any) -> Plan:  # noqa: ANN401
    """Return the good plan with one operand of one step changed."""
    operands = list(getattr(GOOD.steps[index], role))
    operands[slot] = operands[slot]._replace(**changes)
    return steps_with(index, **{role: tuple(operands)})


def buffer_with(index: int, **changes: Any) -> Plan:  # noqa: ANN401 - any field's value
    """Return the good plan with one buffer changed."""
    buffers = list(GOOD.buffers)
    buffers[index] = buffers[index]._replace(**changes)
    return replace(GOOD, buffers=tuple(buffers))


def step_of(op: str) -> int:
    """Return the first step of an op."""
    return next(i for i, step in enumerate(GOOD.steps) if step.op == op)


def buffer_of(op: str) -> int:
    """Return the buffer that the first step of an op writes."""
    return GOOD.steps[step_of(op)].outputs[0].buffer


def kind(name: str) -> int:
    """Return the first buffer of a kind."""
    return next(i for i, buffer in enumerate(GOOD.buffers) if buffer.kind == name)


def grouped(slices: tuple[Slice, ...], first: int = 0, end: int = 1, **step: Any) -> Plan:  # noqa: ANN401
    """Return the good plan with its first step in a tile group."""
    plan = steps_with(0, group=0, **step)
    return replace(plan, groups=(Group(first, end, slices),))


def counting() -> Plan:
    """Return a plan that counts bools."""
    b = df.GraphBuilder()
    return df.compile(b.build({"n": b.input("x", (4,), "bool").astype("int64").sum()}))


def repeated(steps: int, slices: int) -> Plan:
    """Return a plan that does one step on each of the rows, again and again."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"y": b.input("x", (slices,)) + 1}))
    (step,) = plan.steps
    rows, one = (o._replace(tile_axis=0, advances=True) for o in (step.outputs[0], step.inputs[0]))
    step = step._replace(inputs=(one, *step.inputs[1:]), outputs=(rows,), group=0)
    group = Group(0, steps, tuple(Slice(row, row + 1) for row in range(slices)))
    buffers = tuple(buffer._replace(end=steps) for buffer in plan.buffers)
    return replace(plan, steps=(step,) * steps, groups=(group,), buffers=buffers)


def scattered(steps: int) -> Plan:
    """Return a plan that writes every other number of 65,536, into one buffer after the other."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"y": b.input("x", (65536,)) + 1}))
    (step,), (output,) = plan.steps, plan.outputs
    number, size = output.operand.buffer, 2 * 65536 * 4
    kept = [buffer._replace(end=steps) for buffer in plan.buffers]
    gaps, buffers = output.operand._replace(strides=(8,)), list(kept)
    buffers[number] = kept[number]._replace(kind="temporary", nbytes=size, byte_offset=0)
    made = [step._replace(outputs=(gaps,))]
    for index in range(1, steps):
        made.append(step._replace(outputs=(gaps._replace(buffer=len(buffers)),)))
        buffers.append(buffers[number]._replace(byte_offset=index * size))
    return replace(plan, steps=tuple(made), buffers=tuple(buffers), peak=steps * size,
                   lower_bound=steps * size, outputs=(output._replace(operand=gaps),))  # fmt: skip


GOOD_BOOLS, BYTES = counting(), Spec.of((4,), "uint8")
MULTIPLY, ADD, UPDATE, PRODUCT, SUM = range(5)
WHOLE = (Slice(0, 4),)


def reordered_to_fail_late() -> Plan:
    """Return a plan that writes a variable, then looks up an index that may be out of range."""
    b = df.GraphBuilder()
    w, index = b.variable("w", [1.0, 2.0]), b.input("index", (1,), "int64")
    x = b.input("x", (2,))
    b.update(w, w + x)
    plan = df.compile(b.build({"picked": df.take(x, index)}))
    verify(plan)
    assert plan.commit == 1
    longer = (buffer._replace(first=0, end=2) for buffer in plan.buffers)
    return replace(plan, steps=plan.steps[::-1], buffers=tuple(longer))


def product_over_its_factor() -> Plan:
    """Return a plan whose matrix product is written exactly over a factor, which it reads on."""
    b = df.GraphBuilder()
    x = b.input("x", (4, 4))
    plan = df.compile(b.build({"y": (x + 1) @ x}))
    verify(plan)
    add, product = plan.steps
    longer = (buffer._replace(end=2) for buffer in plan.buffers)
    steps = (add, product._replace(outputs=product.inputs[:1]))
    return replace(plan, steps=steps, buffers=tuple(longer))


def scratch_over_the_result() -> Plan:
    """Return a plan whose step is given one place for its result and for its scratch memory."""
    b = df.GraphBuilder()
    plan = df.compile(b.build({"y": b.input("x", (4, 3), "float16").sum(axis=0)}))
    verify(plan)
    (step,) = plan.steps
    (output,), (scratch,) = step.outputs, step.scratch
    return replace(plan, steps=(step._replace(outputs=(output._replace(buffer=scratch.buffer),)),))


def initial_plan() -> Plan:
    """Return the good plan's plan of first values."""
    assert GOOD.initial is not None
    return GOOD.initial


def unknown_step() -> Step:
    """Return a step of an op that there isn't."""
    return Step("n", "teleport", 1, Attrs(), (), ())


LIES: dict[str, tuple[str, Callable[[], Plan]]] = {
    # the arena
    "offset_overlaps": (
        "overlap in the arena",
        lambda: buffer_with(
            buffer_of("add"), byte_offset=GOOD.buffers[buffer_of("multiply")].byte_offset
        ),
    ),
    "offset_is_odd": ("no multiple of 64", lambda: buffer_with(buffer_of("add"), byte_offset=4)),
    "offset_is_negative": (
        "no multiple of 64",
        lambda: buffer_with(buffer_of("add"), byte_offset=-64),
    ),
    "peak_is_low": ("peak is 128", lambda: replace(GOOD, peak=GOOD.peak - 64)),
    "peak_is_high": ("peak is 256", lambda: replace(GOOD, peak=GOOD.peak + 64)),
    "lower_bound_is_low": (
        "largest live set",
        lambda: replace(GOOD, lower_bound=GOOD.lower_bound - 64),
    ),
    "internal_is_wrong": ("kernels allocate", lambda: replace(GOOD, internal=GOOD.internal + 1)),
    # buffers
    "kind_is_unknown": ("kind is none of", lambda: buffer_with(buffer_of("add"), kind="scratch")),
    "kind_is_another": ("not of this kind", lambda: buffer_with(kind("input"), kind="constant")),
    "size_is_negative": ("-64 bytes", lambda: buffer_with(buffer_of("add"), nbytes=-64)),
    "buffer_is_short": ("which has 60", lambda: buffer_with(buffer_of("add"), nbytes=60)),
    "lifetime_begins_late": (
        "lives from 2 to 5",
        lambda: buffer_with(buffer_of("add"), first=ADD + 1),
    ),
    "lifetime_ends_early": (
        "lives from 0 to 1",
        lambda: buffer_with(buffer_of("multiply"), end=MULTIPLY + 1),
    ),
    "lifetime_is_empty": ("from step 1 to 1", lambda: buffer_with(buffer_of("add"), end=ADD)),
    "buffer_is_missing": (
        "no buffer 5",
        lambda: replace(
            GOOD, buffers=GOOD.buffers[:-1], peak=GOOD.peak - 64, lower_bound=GOOD.peak - 64
        ),
    ),
    "buffer_is_unused_input": (
        "use buffers",
        lambda: replace(GOOD, buffers=(*GOOD.buffers, Buffer("input", "ghost", 4, -1, 0, 5))),
    ),
    # operands
    "operand_leaves_its_buffer": (
        "bytes 4 to 68",
        lambda: operand_with(ADD, "inputs", 0, byte_offset=4),
    ),
    "operand_begins_before": (
        "bytes -4 to 60",
        lambda: operand_with(ADD, "inputs", 0, byte_offset=-4),
    ),
    "strides_lead_out": (
        "bytes -48 to 16",
        lambda: operand_with(ADD, "inputs", 0, strides=(-16, 4)),
    ),
    "strides_are_long": ("bytes 0 to 76", lambda: operand_with(ADD, "inputs", 0, strides=(16, 8))),
    "strides_are_odd": ("not aligned", lambda: operand_with(ADD, "inputs", 0, strides=(15, 4))),
    "strides_are_few": ("with strides", lambda: operand_with(ADD, "inputs", 0, strides=(4,))),
    "output_meets_itself": (
        "at one address",
        lambda: operand_with(ADD, "outputs", 0, strides=(4, 4)),
    ),
    "output_is_repeated": (
        "at one address",
        lambda: operand_with(ADD, "outputs", 0, strides=(0, 4)),
    ),
    "there_is_no_such_buffer": ("no buffer 99", lambda: operand_with(ADD, "inputs", 0, buffer=99)),
    "buffer_is_counted_from_the_end": (
        "no buffer -1",
        lambda: operand_with(ADD, "inputs", 0, buffer=-1),
    ),
    "bools_are_other_bytes": (
        "holds bools",
        lambda: replace(GOOD_BOOLS, inputs=(GOOD_BOOLS.inputs[0]._replace(spec=BYTES),)),
    ),
    "slices_are_without_end": (
        "calls, more than",
        lambda: repeated(1025, 1024),
    ),
    "writes_are_scattered": ("ranges of bytes", lambda: scattered(17)),
    "shape_is_another": ("refuses", lambda: operand_with(ADD, "inputs", 0, shape=(4, 2))),
    "shape_is_negative": ("no array", lambda: operand_with(ADD, "inputs", 0, shape=(-4, -4))),
    "dtype_is_another": (
        "refuses",
        lambda: operand_with(ADD, "inputs", 0, dtype=np.dtype("int32")),
    ),
    "dtype_holds_pointers": (
        "no array",
        lambda: operand_with(
            ADD, "inputs", 0, dtype=np.dtype(object), shape=(2, 4), strides=(32, 8)
        ),
    ),
    "dtype_is_foreign": (
        "no array",
        lambda: operand_with(ADD, "inputs", 0, dtype=F4.newbyteorder()),
    ),
    "tile_axis_outside_of_a_group": (
        "tile axis 0",
        lambda: operand_with(ADD, "inputs", 0, tile_axis=0),
    ),
    # steps
    "op_is_unknown": ("no op 'teleport", lambda: steps_with(ADD, op="teleport")),
    "op_version_is_unknown": ("version 99", lambda: steps_with(ADD, op_version=99)),
    "op_is_another": ("takes 1 input", lambda: steps_with(ADD, op="sum")),
    "attrs_are_missing": ("'axes' is missing", lambda: steps_with(SUM, attrs=Attrs())),
    "attrs_are_wrong": ("axes", lambda: steps_with(SUM, attrs=Attrs(axes=(7,), keepdims=False))),
    "attrs_are_of_another_kind": (
        "must be tuple",
        lambda: steps_with(SUM, attrs=Attrs(axes="0", keepdims=False)),
    ),
    "scratch_is_needless": ("scratch is", lambda: steps_with(ADD, scratch=GOOD.steps[ADD].outputs)),
    "an_input_is_missing": (
        "takes 2 inputs",
        lambda: steps_with(ADD, inputs=GOOD.steps[ADD].inputs[:1]),
    ),
    "an_output_is_missing": ("outputs are", lambda: steps_with(ADD, outputs=())),
    "worker_is_another": ("worker 1", lambda: steps_with(ADD, worker=1)),
    "it_waits": ("one worker", lambda: steps_with(ADD, waits=(0,))),
    "group_does_not_exist": ("tile group 0, but lies in -1", lambda: steps_with(ADD, group=0)),
    "group_is_negative": ("tile group -2", lambda: steps_with(ADD, group=-2)),
    "when_is_unknown": ("when 'never'", lambda: steps_with(ADD, when="never")),
    "when_outside_of_a_group": ("when 'first'", lambda: steps_with(ADD, when="first")),
    "steps_are_swapped": ("lives from", lambda: replace(GOOD, steps=GOOD.steps[::-1])),
    "reads_before_it_is_written": (
        "no earlier step wrote",
        lambda: operand_with(MULTIPLY, "inputs", 0, buffer=buffer_of("multiply"), byte_offset=0),
    ),
    # what may not be written
    "writes_to_an_input": (
        "kind 'input'",
        lambda: operand_with(ADD, "outputs", 0, buffer=kind("input")),
    ),
    "writes_to_a_constant": (
        "kind 'constant'",
        lambda: operand_with(ADD, "outputs", 0, buffer=kind("constant")),
    ),
    "writes_over_an_input_that_it_reads_on": (
        "may not replace",
        lambda: operand_with(SUM, "outputs", 0, buffer=buffer_of("multiply")),
    ),
    "writes_over_an_input_in_another_layout": (
        "may not replace",
        lambda: operand_with(PRODUCT, "outputs", 0, strides=(4, 16)),
    ),
    "writes_over_a_factor": ("may not replace", product_over_its_factor),
    "scratch_lies_over_the_result": ("two things that it writes", scratch_over_the_result),
    "fails_after_a_commit": ("after a variable was written", reordered_to_fail_late),
    "updated_is_denied": (
        "updated is False",
        lambda: replace(GOOD, variables=(GOOD.variables[0]._replace(updated=False),)),
    ),
    "updated_is_claimed": (
        "updated is True",
        lambda: operand_with(UPDATE, "outputs", 0, buffer=buffer_of("multiply")),
    ),
    # ends
    "output_dies": (
        "ends before the last",
        lambda: buffer_with(GOOD.outputs[1].operand.buffer, end=len(GOOD.steps) - 1),
    ),
    "output_is_outside": (
        "bytes 4 to 20",
        lambda: replace(
            GOOD, outputs=(PlanOutput("y", GOOD.outputs[0].operand._replace(byte_offset=4), ()),)
        ),
    ),
    "output_has_no_buffer": (
        "no buffer 99",
        lambda: replace(
            GOOD, outputs=(PlanOutput("y", GOOD.outputs[0].operand._replace(buffer=99), ()),)
        ),
    ),
    "outputs_have_one_name": ("one name", lambda: replace(GOOD, outputs=(GOOD.outputs[0],) * 2)),
    "inputs_have_one_buffer": ("use buffers", lambda: replace(GOOD, inputs=(GOOD.inputs[0],) * 2)),
    "an_input_has_no_name": ("use buffers", lambda: replace(GOOD, inputs=())),
    "input_is_larger": (
        "80 bytes",
        lambda: replace(GOOD, inputs=(GOOD.inputs[0]._replace(spec=Spec((5, 4), F4)),)),
    ),
    "input_is_twice_negative": (
        "no array",
        lambda: replace(GOOD, inputs=(GOOD.inputs[0]._replace(spec=Spec((-4, -4), F4)),)),
    ),
    "input_has_a_named_size": (
        "no array",
        lambda: replace(GOOD, inputs=(GOOD.inputs[0]._replace(spec=Spec.of(("n", 4), F4)),)),
    ),
    "input_holds_pointers": (
        "no array",
        lambda: replace(GOOD, inputs=(GOOD.inputs[0]._replace(spec=Spec((8,), np.dtype(object))),)),
    ),
    "input_has_no_buffer": (
        "not of this kind",
        lambda: replace(GOOD, inputs=(GOOD.inputs[0]._replace(buffer=99),)),
    ),
    "variable_lies_in_an_input": (
        "not of this kind",
        lambda: replace(
            GOOD, variables=(GOOD.variables[0]._replace(buffer=GOOD.inputs[0].buffer),)
        ),
    ),
    "constant_is_missing": ("use buffers", lambda: replace(GOOD, constants={})),
    "constant_is_short": (
        "doesn't fit",
        lambda: replace(
            GOOD, constants={index: array[:2] for index, array in GOOD.constants.items()}
        ),
    ),
    "constant_holds_pointers": (
        "no array",
        lambda: replace(GOOD, constants={index: np.zeros(8, object) for index in GOOD.constants}),
    ),
    "threads_are_no_number": (
        "blas_threads",
        lambda: replace(GOOD, options={"blas_threads": "many"}),
    ),
    # first values
    "first_values_are_missing": ("no first values", lambda: replace(GOOD, initial=None)),
    "first_values_are_of_another": (
        "its value",
        lambda: replace(GOOD, variables=(PlanVariable("v", *GOOD.variables[0][1:]),)),
    ),
    "first_values_need_feeds": ("has inputs", lambda: replace(GOOD, initial=GOOD)),
    "first_values_lie": (
        "peak is 64",
        lambda: replace(GOOD, initial=replace(initial_plan(), peak=initial_plan().peak + 64)),
    ),
    "first_values_have_an_unknown_op": (
        "teleport",
        lambda: replace(GOOD, initial=replace(initial_plan(), steps=(unknown_step(),))),
    ),
    # tile groups
    "slices_have_a_gap": ("after row 1", lambda: grouped((Slice(0, 1), Slice(2, 4)))),
    "slices_overlap": ("after row 3", lambda: grouped((Slice(0, 3), Slice(2, 4)))),
    "slices_begin_late": ("after row 0", lambda: grouped((Slice(1, 4),))),
    "a_slice_is_empty": ("slice 0:0", lambda: grouped((Slice(0, 0), Slice(0, 4)))),
    "there_are_no_slices": ("no slices", lambda: grouped(())),
    "group_is_out_of_range": ("steps 0 to 6", lambda: grouped(WHOLE, end=len(GOOD.steps) + 1)),
    "group_is_empty": ("steps 0 to 0", lambda: grouped(WHOLE, first=0, end=0)),
    "group_is_longer": ("lies in 0", lambda: grouped(WHOLE, end=2)),
    "when_in_a_group_is_unknown": ("when 'last'", lambda: grouped(WHOLE, when="last")),
}


def test_the_good_plan_is_good() -> None:
    """What the lies are told about passes, has every kind of buffer, and runs."""
    verify(GOOD)
    assert [step.op for step in GOOD.steps] == ["multiply", "add", "subtract", "multiply", "sum"]
    assert {b.kind for b in GOOD.buffers} == {"temporary", "input", "constant", "variable"}
    assert len(Runner(GOOD).run(x=np.ones((4, 4), np.float32))) == 2


def test_many_calls_and_many_ranges_are_no_lies() -> None:
    """Below the limits, the plans that go beyond them pass."""
    verify(repeated(16, 16))
    verify(scattered(2))
    verify(GOOD_BOOLS)


@pytest.mark.parametrize(("words", "lie"), LIES.values(), ids=LIES)
def test_a_plan_that_lies_is_refused(words: str, lie: Callable[[], Plan]) -> None:
    """One thing changed, one rule broken, one `PlanError` about that rule."""
    plan = lie()
    with pytest.raises(PlanError, match=re.escape(words)):
        verify(plan)
