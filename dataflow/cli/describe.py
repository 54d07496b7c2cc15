"""What there is to say of a graph, a plan or a state, as one record for text and JSON alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.spec import Spec, shape_text
from scheduler.group_ends import ended_by
from scheduler.plan import Plan
from scheduler.state import State

if TYPE_CHECKING:
    from dataflow.cli.printing import Row, Value
    from dataflow.graph import Graph
    from scheduler.plan import Operand, Step

__all__ = ["Description", "describe"]


@dataclass(frozen=True, slots=True)
class Description:
    """A thing in a file, described.

    Parameters
    ----------
    kind, name : str
        ``"graph"``, ``"plan"`` or ``"state"``, and its name.
    facts : mapping
        Single values.
    tables : mapping of str to sequence of rows
        What it consists of, each table's rows with the same columns.
    """

    kind: str
    name: str
    facts: Row
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def record(self, limit: int | None = None) -> dict[str, Value]:
        """Return all of it as one JSON object, with at most `limit` rows of each table."""
        tables = {name: rows[: limit or None] for name, rows in self.tables.items()}
        return {"kind": self.kind, "name": self.name, **self.facts, **tables}


def describe(thing: Graph | Plan | State) -> Description:
    """Describe what a file holds."""
    if isinstance(thing, Plan):
        return _plan(thing)
    if isinstance(thing, State):
        return _state(thing)
    return _graph(thing)


def _graph(graph: Graph) -> Description:
    sweeps: dict[str, int] = {}
    rows: list[Row] = []
    for node in graph.nodes():
        sweeps[node.sweep] = sweeps.get(node.sweep, 0) + 1
        specs = ", ".join(map(str, node.specs))
        rows.append({"node": node.name, "op": node.op, "spec": specs, "sweep": node.sweep,
                     "source": node.source})  # fmt: skip
    variables: list[Row] = [
        {"name": name, "spec": str(graph.node(name).specs[0]), "initial": variable.initial.node,
         "update": variable.update.node if variable.update else ""}
        for name, variable in graph.variables.items()
    ]  # fmt: skip
    inputs: list[Row] = [{"name": n, "spec": str(graph.node(n).specs[0])} for n in graph.inputs]
    outputs: list[Row] = [
        {"name": name, "spec": str(graph.spec(ref)), "node": ref.node}
        for name, ref in graph.outputs.items()
    ]
    constant_bytes = sum(array.nbytes for array in graph.constants.values())
    facts: Row = {"node_count": len(graph), "sweeps": sweeps, "constant_bytes": constant_bytes}
    return Description("graph", graph.name, facts, {
        "inputs": inputs, "variables": variables, "outputs": outputs, "nodes": rows,
    })  # fmt: skip


def _plan(plan: Plan) -> Description:
    facts: Row = {
        "sizes": dict(plan.sizes), "step_count": len(plan.steps), "calls": plan.calls,
        "peak_bytes": plan.peak, "lower_bound_bytes": plan.lower_bound,
        "gap_percent": 100 * (plan.peak / max(plan.lower_bound, 1) - 1) if plan.peak else 0.0,
        "buffer_count": sum(b.kind == "temporary" for b in plan.buffers),
        "without_reuse_bytes": plan.bytes_without_reuse,
        "certificate_bytes": plan.certificate._asdict(), "options": dict(plan.options),
        "graph_digest": plan.graph_digest,
    }  # fmt: skip
    inputs: list[Row] = [
        {"name": i.name, "spec": str(i.spec), "dimensions": list(i.dims)} for i in plan.inputs
    ]
    variables: list[Row] = [
        {"name": v.name, "spec": str(v.spec), "updated": v.updated} for v in plan.variables
    ]
    outputs: list[Row] = [
        {"name": o.name, "spec": str(o.operand.spec), "dimensions": list(o.dims)}
        for o in plan.outputs
    ]
    return Description("plan", plan.name, facts, {
        "inputs": inputs, "variables": variables, "outputs": outputs,
        "tile_groups": list(_groups(plan)), "steps": list(_steps(plan)),
    })  # fmt: skip


def _groups(plan: Plan) -> Iterator[Row]:
    for number, group in enumerate(plan.groups):
        yield {"group": number, "first_step": group.first, "steps": group.end - group.first,
               "slices": len(group.slices), "rows": group.length, "rows_a_slice": group.longest,
               "ended_by": ended_by(plan, number)}  # fmt: skip


def _steps(plan: Plan) -> Iterator[Row]:
    for index, step in enumerate(plan.steps):
        group = None if step.group < 0 else step.group
        yield {"step": index, "node": step.node, "op": step.op, "spec": _specs(step),
               "reads": _places(plan, step.inputs), "writes": _places(plan, step.outputs),
               "sweep": step.sweep, "worker": step.worker, "group": group}  # fmt: skip


def _specs(step: Step) -> str:
    return ", ".join(f"{o.dtype}{shape_text(o.shape)}" for o in step.outputs)


def _places(plan: Plan, operands: Sequence[Operand]) -> list[str]:
    """Say where operands lie: an offset in the arena, or the name of what has its own memory."""
    places = []
    for operand in operands:
        buffer = plan.buffers[operand.buffer]
        inside = buffer.kind == "temporary"
        places.append(f"@{buffer.byte_offset + operand.byte_offset}" if inside else buffer.name)
    return places


def _state(state: State) -> Description:
    tensors: list[Row] = [
        {"name": name, "spec": str(Spec.like(array)), "bytes": array.nbytes}
        for name, array in state.items()
    ]
    total = sum(array.nbytes for array in state.values())
    return Description("state", "", {"total_bytes": total}, {"tensors": tensors})
