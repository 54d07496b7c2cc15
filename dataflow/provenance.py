"""Why a node of a derivative is there: the forward nodes and rules that it comes from.

Every node that a sweep declares records the forward node and the rule that made it. Walking back
from one through the nodes of its sweep tells the whole way, from the seed on:

    seed of loss -> mean.vjp of loss -> multiply.vjp of y -> matmul.vjp of h -> this gradient
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dataflow.graph import Graph, Node

__all__ = ["Reason", "reasons_for"]


class Reason(NamedTuple):
    """One rule on the way to a node of a derivative.

    Parameters
    ----------
    node : str
        The last node on the way that the rule made.
    rule : str
        The rule: ``multiply.vjp``, ``sum.jvp``, ``seed``, ``accumulate``, ``zero``.
    forward : str
        The forward node that it was applied to.
    source : str
        The line that declared the forward node.
    """

    node: str
    rule: str
    forward: str
    source: str

    def __str__(self) -> str:
        return f"{self.node}: {self.rule} of {self.forward} ({self.source})"


def reasons_for(graph: Graph, name: str) -> tuple[Reason, ...]:
    """Return the rules that led to a node, from the seed on, each once; see `Graph.why`."""
    found: dict[tuple[str, str], Reason] = {}
    for node in _way(graph, graph.node(name)):
        found[node.rule, node.forward] = Reason(node.name, node.rule, node.forward, node.source)
    return tuple(found.values())


def _way(graph: Graph, last: Node) -> list[Node]:
    """Return the nodes of derivatives that a node depends on, itself too, in topological order."""
    way: dict[str, Node] = {}
    stack = [last]
    while stack:
        node = stack.pop()
        if node.rule and node.name not in way:
            way[node.name] = node
            stack += [graph.node(ref.node) for ref in node.inputs]
    return [way[name] for name in graph.dag if name in way]
