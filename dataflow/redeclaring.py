"""Declares the nodes of a finished graph once more, in a builder, on tensors given for its inputs.

Whoever opens a graph again, uses one as a function, or makes a loop's body from another one walks
over its nodes in this way. They differ in what inputs become, and in whether nodes keep names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from dataflow.refs import Ref
from dataflow.registry import get_op

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph, Node
    from dataflow.tensor import Tensor

__all__ = ["redeclare"]


def redeclare(
    builder: Any, graph: Graph, feeds: Mapping[str, Tensor], sizes: Mapping[str, int | Dim],  # noqa: ANN401
    *, keeps_names: bool = False,
) -> dict[Ref, Tensor]:  # fmt: skip
    """Declare every node of a graph, feeds in the place of inputs, and the variables' updates.

    Parameters
    ----------
    builder : GraphBuilder
        Where.
    graph : Graph
        What.
    feeds : mapping of str to Tensor
        For inputs, by name; those without one become inputs of the builder.
    sizes : mapping of str to int or Dim
        What the graph's named dimensions become; those that aren't in it stay.
    keeps_names : bool
        Whether nodes have the names that they had.

    Returns
    -------
    dict of Ref to Tensor
        What each output of each node became.
    """
    tensors: dict[Ref, Tensor] = {Ref(name, 0): tensor for name, tensor in feeds.items()}
    for node in graph.nodes():
        if node.name in feeds:
            continue
        first = Ref(node.forward, 0)
        forward = tensors[first].node if first in tensors else node.forward
        sealed = builder.no_grad() if node.no_grad else nullcontext()
        with sealed, builder.recording(node.sweep, forward, node.rule, node.source):
            name = node.name if keeps_names else ""
            made = _declared(builder, graph, node, tensors, sizes, name)
        tensors.update({Ref(node.name, i): tensor for i, tensor in enumerate(made)})
    for name, variable in graph.variables.items():
        if variable.update is not None:
            builder.update(tensors[Ref(name, 0)], tensors[variable.update])
    return tensors


def _declared(
    builder: Any, graph: Graph, node: Node, tensors: Mapping[Ref, Tensor],  # noqa: ANN401
    sizes: Mapping[str, int | Dim], name: str,
) -> Sequence[Tensor]:  # fmt: skip
    if node.op == "input":
        return (builder.input(node.name, node.specs[0].shape, node.specs[0].dtype),)
    if node.op == "constant":
        return (builder.constant(graph.constants[node.name], name=name),)
    if node.op == "variable":
        state = graph.variables[node.name]
        first = tensors[state.initial]
        return (builder.variable(node.name, first, requires_grad=state.requires_grad),)
    if node.op == "training":
        return (builder.training,)
    inputs = [tensors[ref] for ref in node.inputs]
    op, attrs = get_op(node.op, node.op_version), node.attrs.bind(sizes)
    made: Sequence[Tensor] = builder.apply(op, inputs, attrs, name)
    return made
