"""`Plan` to and from rows: one a step, tile group, slice, buffer, size, option and named end.

A plan may hold others: one that computes the variables' first values, and the bodies of its steps
of control flow. The column `program` says to which of them a row belongs: ``initial``, or ``7.0``
for the first body of step 7. Steps, tile groups and buffers carry their number, so that SQL can
join them, and stand in order.

What a plan must keep beyond each value's range is `scheduler.verify`'s to prove; every loaded plan
passes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataflow.dims import bind_dim
from dataflow.errors import FileFormatError
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.plan import (
    Buffer,
    Operand,
    Plan,
    PlanInput,
    PlanOutput,
    PlanVariable,
    Slice,
    Step,
    TileGroup,
)  # fmt: skip
from scheduler.verify import verify
from serialization.attributes import ATTRS, attrs_from_values, attrs_values, dim_of
from serialization.layout import INTEGER, INTEGERS, TENSOR, TEXT, TEXTS, Layout, Row, list_of
from serialization.programs import MAIN, Programs, bodies_within, with_names
from serialization.tensors import Tensors, static_spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from serialization.reading import Table

__all__ = ["PLAN", "plan_from_table", "plan_rows"]

INITIAL = "initial"
_OPERAND = {
    "buffer": INTEGER, "byte_offset": INTEGER, "shape": INTEGERS, "strides": INTEGERS,
    "dtype": TEXT, "tile_axis": INTEGER, "advances": pa.bool_(),
}  # fmt: skip
_OPERANDS = list_of(pa.struct([pa.field(n, t, nullable=False) for n, t in _OPERAND.items()]))
_PLAN = ("name", "graph_digest", "peak", "lower_bound", "internal")
_SPEC = ("dtype", "shape")
_SIDES = ("inputs", "outputs", "scratch")
_AS_IS = ("op", "op_version", "worker", "sweep", "forward", "source")

PLAN = Layout(
    kind="plan",
    columns={
        "program": TEXT, "name": TEXT, "step": INTEGER, "op": TEXT, "op_version": INTEGER,
        "attrs": ATTRS, **dict.fromkeys(_SIDES, _OPERANDS), "tile_group": INTEGER, "occurs": TEXT,
        "worker": INTEGER, "waits": INTEGERS, "sweep": TEXT, "forward": TEXT, "source": TEXT,
        "buffer": INTEGER, "kind": TEXT, "dtype": TEXT, "shape": INTEGERS, "dims": TEXTS,
        "byte_offset": INTEGER, "first_step": INTEGER, "end_step": INTEGER, "formula": TEXT,
        "updated": pa.bool_(),
        "slice_start": INTEGER, "slice_stop": INTEGER, "size": INTEGER, "setting": TEXT,
        "graph_digest": TEXT, "peak": INTEGER, "lower_bound": INTEGER, "internal": INTEGER,
    },
    sections={
        "plan": ("program", *_PLAN),
        "size": ("program", "name", "size"),
        "option": ("program", "name", "setting"),
        "step": ("program", "step", "name", "attrs", *_SIDES, "tile_group", "occurs", "waits",
                 *_AS_IS),
        "group": ("program", "tile_group", "first_step", "end_step"),
        "slice": ("program", "tile_group", "slice_start", "slice_stop", "worker"),
        "buffer": ("program", "buffer", "kind", "name", "nbytes", "byte_offset", "first_step",
                   "end_step", "formula"),
        "input": ("program", "name", "buffer", *_SPEC, "dims"),
        "output": ("program", "name", "outputs", "dims"),
        "variable": ("program", "name", "buffer", *_SPEC, "updated"),
        "constant": ("program", "buffer", *_SPEC, *TENSOR),
    },
)  # fmt: skip
"""The columns of a plan's file."""


def plan_rows(plan: Plan) -> Sequence[Row]:
    """Return a plan as rows, the plan for its variables' first values behind it."""
    parts = list(bodies_within(plan, _bodies))
    if plan.initial is not None:
        parts += bodies_within(plan.initial, _bodies, INITIAL)
    if any(part.initial is not None for _, part in parts[1:]):
        msg = f"plan {plan.name!r}: a plan within it has first values of its own"
        raise FileFormatError(msg)
    return [
        {"program": program, **row}
        for program, part in parts
        for row in _program_rows(program, part)
    ]


def _bodies(plan: Plan) -> Iterator[tuple[int, Attrs]]:
    return ((number, step.attrs) for number, step in enumerate(plan.steps))


def plan_from_table(table: Table, tensors: Tensors) -> Plan:
    """Return the plan in a table, verified; its constants are views of the file.

    Raises
    ------
    FileFormatError
        A row is not valid.
    PlanError
        The rows are, but the plan that they declare isn't.
    """
    programs = Programs(table, "plan")
    has_initial = programs.read(INITIAL)
    initial = _Program(table, tensors, programs, INITIAL).plan(None) if has_initial else None
    plan = _Program(table, tensors, programs, MAIN).plan(initial)
    programs.check_all_read()
    verify(plan)
    return plan


# Writing


def _program_rows(program: str, plan: Plan) -> Iterator[Row]:
    yield {"section": "plan", **{column: getattr(plan, column) for column in _PLAN}}
    for name, size in plan.sizes.items():
        yield {"section": "size", "name": name, "size": size}
    for name, setting in plan.options.items():
        yield {"section": "option", "name": name, "setting": setting}
    for number, step in enumerate(plan.steps):
        yield {"section": "step", "step": number, **_step_values(program, number, step)}
    for number, group in enumerate(plan.groups):
        yield from _group_rows(number, group)
    for number, buffer in enumerate(plan.buffers):
        yield {
            "section": "buffer", "buffer": number, "kind": buffer.kind, "name": buffer.name,
            "nbytes": buffer.nbytes, "byte_offset": buffer.byte_offset,
            "first_step": buffer.first, "end_step": buffer.end,
            "formula": buffer.formula,
        }  # fmt: skip
    yield from _end_rows(plan)


def _step_values(program: str, number: int, step: Step) -> Row:
    attrs = with_names(step.attrs, program, number)
    return {
        "name": step.node, "attrs": attrs_values(attrs, step.where()),
        "tile_group": step.group, "occurs": step.when, "waits": step.waits,
        **{side: _operand_values(getattr(step, side)) for side in _SIDES},
        **{column: getattr(step, column) for column in _AS_IS},
    }  # fmt: skip


def _operand_values(operands: Iterable[Operand]) -> list[tuple[object, ...]]:
    return [(o.buffer, o.byte_offset, o.shape, o.strides, o.dtype.name, o.tile_axis, o.advances)
            for o in operands]  # fmt: skip


def _group_rows(number: int, group: TileGroup) -> Iterator[Row]:
    yield {"section": "group", "tile_group": number, "first_step": group.first,
           "end_step": group.end}  # fmt: skip
    for rows in group.slices:
        yield {"section": "slice", "tile_group": number, "slice_start": rows.start,
               "slice_stop": rows.stop, "worker": rows.worker}  # fmt: skip


def _end_rows(plan: Plan) -> Iterator[Row]:
    for end in plan.inputs:
        yield {"section": "input", "name": end.name, "buffer": end.buffer,
               **_spec_values(end.spec), "dims": end.dims}  # fmt: skip
    for output in plan.outputs:
        yield {"section": "output", "name": output.name,
               "outputs": _operand_values([output.operand]), "dims": output.dims}  # fmt: skip
    for variable in plan.variables:
        yield {"section": "variable", "name": variable.name, "buffer": variable.buffer,
               **_spec_values(variable.spec), "updated": variable.updated}  # fmt: skip
    for buffer, array in plan.constants.items():
        yield {"section": "constant", "buffer": buffer, **_spec_values(Spec.like(array)),
               "data": array}  # fmt: skip


def _spec_values(spec: Spec) -> Row:
    return {"dtype": spec.dtype.name, "shape": spec.static_shape}


# Reading


class _Program:
    """The rows of one of a file's programs."""

    def __init__(self, table: Table, tensors: Tensors, programs: Programs, program: str) -> None:
        self._table = table
        self._programs = programs
        self._tensors = tensors
        self._program = program
        self._sizes = {r["name"]: _natural(r, "size") for r in table.named("size", program)}
        self._buffers = sum(1 for _ in table.rows("buffer", program))
        self._operands: dict[tuple[Any, ...], Operand] = {}

    def plan(self, initial: Plan | None) -> Plan:
        """Return the plan that the rows declare."""
        table, program = self._table, self._program
        facts = table.only("plan", program)
        return Plan(
            **{column: _natural(facts, column) for column in _PLAN},
            sizes=self._sizes,
            options={r["name"]: r["setting"] for r in table.named("option", program)},
            steps=tuple(map(self._step, self._numbered("step", "step"))),
            groups=self._groups(),
            buffers=tuple(map(_buffer, self._numbered("buffer", "buffer"))),
            inputs=tuple(map(self._input, table.named("input", program))),
            outputs=tuple(map(self._output, table.named("output", program))),
            variables=tuple(map(self._variable, table.named("variable", program))),
            constants=self._constants(),
            initial=initial,
        )

    def _numbered(self, section: str, column: str) -> Iterator[Row]:
        """Yield the rows of a section, which must be numbered from 0 in order."""
        for number, row in enumerate(self._table.rows(section, self._program)):
            if row[column] != number:
                msg = f"{column} {row[column]} stands where {number} should"
                raise FileFormatError(msg)
            yield row

    def _step(self, row: Row) -> Step:
        get_op(row["op"], row["op_version"])
        inputs, outputs, scratch = (tuple(map(self._operand, row[side])) for side in _SIDES)
        return Step(
            node=row["name"], attrs=self._attrs(row), inputs=inputs,
            outputs=outputs, scratch=scratch, group=row["tile_group"], when=row["occurs"],
            waits=row["waits"], **{column: row[column] for column in _AS_IS},
        )  # fmt: skip

    def _attrs(self, row: Row) -> Attrs:
        named = attrs_from_values(row["attrs"])
        return self._programs.with_bodies(named, self._program, row["step"], self._body)

    def _body(self, program: str) -> Plan:
        return _Program(self._table, self._tensors, self._programs, program).plan(None)

    def _operand(self, value: tuple[Any, ...]) -> Operand:
        """Return an operand; most are named many times in a plan."""
        found = self._operands.get(value)
        if found is None:
            found = self._operands[value] = self._new_operand(*value)
        return found

    def _new_operand(
        self, buffer: int, byte_offset: int, shape: tuple[int, ...], strides: tuple[int, ...],
        dtype: str, tile_axis: int, advances: bool,
    ) -> Operand:  # fmt: skip
        spec = static_spec(dtype, shape)
        if len(strides) != len(shape) or byte_offset < 0 or not -1 <= tile_axis < len(shape):
            msg = (f"an operand of shape {list(shape)} has strides {list(strides)}, byte offset "
                   f"{byte_offset} and tile axis {tile_axis}")  # fmt: skip
            raise FileFormatError(msg)
        return Operand(self._known(buffer), byte_offset, shape, strides, spec.dtype, tile_axis,
                       advances)  # fmt: skip

    def _known(self, buffer: int) -> int:
        if not 0 <= buffer < self._buffers:
            msg = f"there is no buffer {buffer} among {self._buffers}"
            raise FileFormatError(msg)
        return buffer

    def _groups(self) -> tuple[TileGroup, ...]:
        groups = [(row["first_step"], row["end_step"], list[Slice]())
                  for row in self._numbered("group", "tile_group")]  # fmt: skip
        for row in self._table.rows("slice", self._program):
            if not 0 <= row["tile_group"] < len(groups):
                msg = f"there is no tile group {row['tile_group']} among {len(groups)}"
                raise FileFormatError(msg)
            rows = Slice(row["slice_start"], row["slice_stop"], row["worker"])
            groups[row["tile_group"]][2].append(rows)
        return tuple(TileGroup(first, end, tuple(slices)) for first, end, slices in groups)

    def _input(self, row: Row) -> PlanInput:
        spec = _spec(row)
        return PlanInput(row["name"], self._known(row["buffer"]), spec, self._dims(row, spec))

    def _output(self, row: Row) -> PlanOutput:
        if len(row["outputs"]) != 1:
            msg = f"output {row['name']!r} is {len(row['outputs'])} tensors, not 1"
            raise FileFormatError(msg)
        operand = self._operand(row["outputs"][0])
        return PlanOutput(row["name"], operand, self._dims(row, operand.spec))

    def _dims(self, row: Row, spec: Spec) -> tuple[str, ...]:
        """Return the texts of an end's dimensions, which must have its shape as their sizes."""
        texts: tuple[str, ...] = row["dims"]
        if tuple(bind_dim(dim_of(text), self._sizes) for text in texts) != spec.shape:
            msg = (
                f"{row['name']!r} is {spec}, its dimensions {list(texts)} of {self._sizes} are not"
            )
            raise FileFormatError(msg)
        return texts

    def _variable(self, row: Row) -> PlanVariable:
        return PlanVariable(row["name"], self._known(row["buffer"]), _spec(row), row["updated"])

    def _constants(self) -> dict[int, Any]:
        constants: dict[int, Any] = {}
        for row in self._table.rows("constant", self._program):
            if self._known(row["buffer"]) in constants:
                msg = f"buffer {row['buffer']} has two constants"
                raise FileFormatError(msg)
            constants[row["buffer"]] = self._tensors.array(row, _spec(row))
        return constants


def _buffer(row: Row) -> Buffer:
    first, end = _natural(row, "first_step"), _natural(row, "end_step")
    return Buffer(row["kind"], row["name"], _natural(row, "nbytes"), row["byte_offset"], first, end,
                  row["formula"])  # fmt: skip


def _spec(row: Row) -> Spec:
    return static_spec(row["dtype"], row["shape"])


def _natural(row: Row, column: str) -> Any:  # noqa: ANN401 - a text or an int, by the column
    value = row[column]
    if not isinstance(value, str) and value < 0:
        msg = f"column {column!r} is {value}, which is negative"
        raise FileFormatError(msg)
    return value
