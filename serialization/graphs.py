"""`Graph` to and from rows: one a node, input, output, variable and constant.

A node of control flow holds graphs. The column `program` says which graph a row belongs to: it is
empty for the whole, and ``scan_0.1`` for the second body of node ``scan_0``.

A node's row states its first output's dtype and shape, as nearly all nodes have one output; each
further output has a row of its own. The `inputs` of an output's row are what it gives out; those of
a variable's row are its initial value and, if it has one, its update.

This module loads networkx, so nothing imports it before a graph is saved or loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import networkx as nx
import pyarrow as pa

from dataflow.errors import FileFormatError
from dataflow.graph import Graph, Node, Ref, Variable
from dataflow.registry import get_op
from dataflow.spec import Spec
from serialization.attributes import ATTRS, attrs_from_values, attrs_values, dim_of, text_of
from serialization.layout import INTEGER, TENSOR, TEXT, TEXTS, Layout, Row, list_of
from serialization.programs import MAIN, Programs, bodies_within, with_names
from serialization.tensors import Tensors, static_spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from serialization.reading import Table

__all__ = ["GRAPH", "graph_from_table", "graph_rows"]

_REF = {"producer": TEXT, "output_index": INTEGER}
_NODE = ("sweep", "forward", "rule", "no_grad", "source")

GRAPH = Layout(
    kind="graph",
    columns={
        "program": TEXT, "name": TEXT, "op": TEXT, "op_version": INTEGER,
        "inputs": list_of(pa.struct([pa.field(n, t, nullable=False) for n, t in _REF.items()])),
        "attrs": ATTRS, "dtype": TEXT, "shape": TEXTS, "output_index": INTEGER,
        "sweep": TEXT, "forward": TEXT, "rule": TEXT, "no_grad": pa.bool_(), "source": TEXT,
        "requires_grad": pa.bool_(),
    },
    sections={
        "graph": ("program", "name"),
        "node": ("program", "name", "op", "op_version", "inputs", "attrs", "dtype", "shape",
                 *_NODE),
        "node_output": ("program", "name", "output_index", "dtype", "shape"),
        "input": ("program", "name"),
        "output": ("program", "name", "inputs"),
        "variable": ("program", "name", "inputs", "requires_grad"),
        "constant": ("program", "name", "dtype", "shape", *TENSOR),
    },
)  # fmt: skip
"""The columns of a graph's file."""


def graph_rows(graph: Graph) -> list[Row]:
    """Return a graph as rows, the bodies of its nodes behind it."""
    return [
        {"program": program, **row}
        for program, part in bodies_within(graph, _bodies)
        for row in _graph_rows(program, part)
    ]


def _bodies(graph: Graph) -> Iterator[tuple[str, Attrs]]:
    return ((node.name, node.attrs) for node in graph.nodes())


def _graph_rows(program: str, graph: Graph) -> list[Row]:
    nodes = [row for node in graph.nodes() for row in _node_rows(program, node)]
    ends: list[Row] = [{"section": "input", "name": name} for name in graph.inputs]
    ends += [{"section": "output", "name": name, "inputs": [ref]}
             for name, ref in graph.outputs.items()]  # fmt: skip
    ends += [{"section": "variable", "name": name,
              "inputs": [v.initial, *([v.update] if v.update else [])],
              "requires_grad": v.requires_grad}
             for name, v in graph.variables.items()]  # fmt: skip
    constants = [{"section": "constant", "name": name, **_spec_values(Spec.like(array)),
                  "data": array} for name, array in graph.constants.items()]  # fmt: skip
    return [{"section": "graph", "name": graph.name}, *nodes, *ends, *constants]


def graph_from_table(table: Table, tensors: Tensors) -> Graph:
    """Return the graph in a table, verified; its constants are views of the file.

    Raises
    ------
    FileFormatError
        A row is not valid.
    GraphError
        The rows are, but the graph that they declare isn't.
    """
    programs = Programs(table, "graph")
    graph = _graph(table, tensors, programs, MAIN)
    programs.check_all_read()
    graph.verify()
    return graph


def _graph(table: Table, tensors: Tensors, programs: Programs, program: str) -> Graph:
    return Graph(
        name=table.only("graph", program)["name"],
        dag=_dag(table, programs, program, lambda name: _graph(table, tensors, programs, name)),
        inputs=tuple(row["name"] for row in table.named("input", program)),
        outputs={row["name"]: _output(row) for row in table.named("output", program)},
        variables={row["name"]: _variable(row) for row in table.named("variable", program)},
        constants={row["name"]: tensors.array(row, _spec(row))
                   for row in table.named("constant", program)},
    )  # fmt: skip


def _node_rows(program: str, node: Node) -> Iterator[Row]:
    first, *more = node.specs
    attrs = with_names(node.attrs, program, node.name)
    yield {
        "section": "node", "name": node.name, "op": node.op, "op_version": node.op_version,
        "inputs": node.inputs, "attrs": attrs_values(attrs, node.where()),
        **_spec_values(first), **{column: getattr(node, column) for column in _NODE},
    }  # fmt: skip
    for index, spec in enumerate(more, 1):
        yield {"section": "node_output", "name": node.name, "output_index": index,
               **_spec_values(spec)}  # fmt: skip


def _spec_values(spec: Spec) -> dict[str, object]:
    return {"dtype": spec.dtype.name, "shape": [text_of(dim) for dim in spec.shape]}


def _dag(
    table: Table, programs: Programs, program: str, body: Callable[[str], Graph]
) -> nx.MultiDiGraph[str]:
    specs = _specs(table, program)
    dag: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for row in table.named("node", program):
        get_op(row["op"], row["op_version"])
        refs = _refs(row)
        for ref in refs:
            if ref.node not in dag:  # an edge would add it
                msg = f"node {row['name']!r} reads {ref.node!r}, which is no earlier node"
                raise FileFormatError(msg)
        data = {column: row[column] for column in ("op", "op_version", *_NODE)}
        named = attrs_from_values(row["attrs"])
        attrs = programs.with_bodies(named, program, row["name"], body)
        dag.add_node(row["name"], attrs=attrs, specs=tuple(specs[row["name"]]), **data)
        for slot, ref in enumerate(refs):
            dag.add_edge(ref.node, row["name"], key=slot, output=ref.output)
    nx.freeze(dag)
    return dag


def _specs(table: Table, program: str) -> dict[str, list[Spec]]:
    """Return the specs of every node's outputs, from the rows of two sections."""
    specs = {row["name"]: [_spec(row)] for row in table.rows("node", program)}
    for row in table.rows("node_output", program):
        known = specs.get(row["name"], [])
        if row["output_index"] != len(known):
            msg = f"output {row['output_index']} of {row['name']!r}, which has {len(known)} so far"
            raise FileFormatError(msg)
        known.append(_spec(row))
    return specs


def _spec(row: Row) -> Spec:
    shape = tuple(dim_of(text) for text in row["shape"])
    known = static_spec(row["dtype"], tuple(d for d in shape if isinstance(d, int)))
    return Spec(shape, known.dtype)


def _refs(row: Row) -> list[Ref]:
    return [Ref(*value) for value in row["inputs"]]


def _output(row: Row) -> Ref:
    refs = _refs(row)
    if len(refs) != 1:
        msg = f"output {row['name']!r} reads {len(refs)} tensors, not 1"
        raise FileFormatError(msg)
    return refs[0]


def _variable(row: Row) -> Variable:
    refs = _refs(row)
    if len(refs) not in (1, 2):
        msg = f"variable {row['name']!r} reads {len(refs)} tensors: its first value and an update"
        raise FileFormatError(msg)
    return Variable(refs[0], refs[1] if len(refs) == 2 else None, row["requires_grad"])
