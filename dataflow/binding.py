"""Binds the named dimensions of a whole graph, such as a loop's body: specs are inferred anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import networkx as nx

from dataflow.errors import GraphError
from dataflow.registry import get_op

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.spec import Spec

__all__ = ["bound"]


def bound(graph: Graph, sizes: Mapping[str, int | Dim]) -> Graph:
    """Return a graph with the named dimensions in `sizes` replaced.

    Raises
    ------
    GraphError
        A shape doesn't work out with these sizes; the message names the node.
    """
    dag: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    dag.add_nodes_from((name, dict(data)) for name, data in graph.dag.nodes(data=True))
    for producer, consumer, slot, data in graph.dag.edges(keys=True, data=True):
        dag.add_edge(producer, consumer, key=slot, **data)
    specs: dict[str, tuple[Spec, ...]] = {}
    for node in graph.nodes():
        attrs = node.attrs.bind(sizes)
        inputs = tuple(specs[ref.node][ref.output] for ref in node.inputs)
        try:
            specs[node.name] = get_op(node.op, node.op_version).infer(inputs, attrs)
        except GraphError as error:
            msg = f"{node.where()}, with sizes {dict(sizes)}: {error}"
            raise type(error)(msg) from None
        dag.nodes[node.name].update(attrs=attrs, specs=specs[node.name])
    return replace(graph, dag=nx.freeze(dag))
