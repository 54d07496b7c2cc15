"""Colours the columns of a sparse matrix, so that no row has two entries of one colour.

Columns of one colour don't meet, so one product with the sum of their unit vectors tells them
apart: Curtis, Powell and Reid, "On the estimation of sparse Jacobian matrices", IMA Journal of
Applied Mathematics 13 (1974). The graph is coloured greedily, columns with many neighbours first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from dataflow.operation import Array
    from dataflow.sparsity import Pattern

__all__ = ["colored"]

_MOST_PAIRS = 20_000_000


def colored(pattern: Pattern, width: int) -> Array:
    """Return a colour from 0 for each column.

    A matrix with long rows needs a colour for each of their columns: where that makes the graph
    large, each column has its own.

    Examples
    --------
    >>> from dataflow.sparsity import Pattern
    >>> rows, columns = np.nonzero(np.eye(5) + np.eye(5, k=1) + np.eye(5, k=-1))
    >>> len(set(colored(Pattern.of(rows, columns, 5, 5), 5).tolist()))
    3
    """
    lengths = np.diff(pattern.starts)
    if int((lengths * lengths).sum()) > _MOST_PAIRS:
        return np.arange(width)
    neighbours: nx.Graph[int] = nx.Graph()
    neighbours.add_nodes_from(range(width))
    for start, end in zip(pattern.starts[:-1], pattern.starts[1:], strict=True):
        columns = pattern.columns[start:end].tolist()
        neighbours.add_edges_from(
            (a, b) for place, a in enumerate(columns) for b in columns[place + 1 :]
        )
    colors = nx.greedy_color(neighbours, "largest_first")
    return np.array([colors[column] for column in range(width)], dtype=np.int64)
