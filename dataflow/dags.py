"""Copies networkx graphs with their dicts, past the checks that networkx makes edge by edge.

`MultiDiGraph.copy` adds each edge as if anybody could have given it, and takes twice as long.
"""

from __future__ import annotations

from typing import Any

import networkx as nx

__all__ = ["copied"]


def copied(dag: nx.MultiDiGraph[str]) -> nx.MultiDiGraph[str]:
    """Return what ``dag.copy()`` does: the same nodes, edges and data, in the same order."""
    made: Any = nx.MultiDiGraph()
    source: Any = dag
    made.graph.update(source.graph)
    made._node.update({name: data.copy() for name, data in source._node.items()})  # noqa: SLF001
    following, preceding = made._succ, made._pred  # noqa: SLF001
    for name in source._node:  # noqa: SLF001
        following[name], preceding[name] = {}, {}
    for name, readers in source._succ.items():  # noqa: SLF001
        own = following[name]
        for reader, slots in readers.items():  # both directions share the dict of an edge's slots
            own[reader] = preceding[reader][name] = {n: data.copy() for n, data in slots.items()}
    copy: nx.MultiDiGraph[str] = made
    return copy
