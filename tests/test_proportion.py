"""Work in proportion to a graph's nodes: counted, since a clock says something else each time."""

import gc
import sys
from collections.abc import Callable
from types import FrameType

import networkx as nx
import pytest

import dataflow as df
from dataflow.collecting import collector_paused
from dataflow.dags import copied
from dataflow.graph import Graph
from scheduler.commits import place_updates
from scheduler.costs import DEFAULT_TARGET
from scheduler.program import Program, lower
from scheduler.tile_groups import tile_candidates
from scheduler.tile_times import SliceTimes, calls_outweigh

SMALL, LARGE = 700, 2100
"""Operations; both beyond what is searched for a better order, which a number bounds."""


def chain(operations: int, size: int = 8) -> Graph:
    """Return a chain with its reverse sweep."""
    b = df.GraphBuilder("chain")
    x = b.input("x", (size,))
    y = x
    for index in range(operations):
        y = (y * x, y + x, df.sin(y))[index % 3]
    loss = y.sum()
    return b.build({"loss": loss, "gradient": df.grad(loss, x)})


def calls_of(function: Callable[[], object]) -> int:
    """Count the calls of functions, Python's and C's, that one call makes."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def test_calls_are_in_proportion() -> None:
    """Three times the operations take three times the calls to declare, to build and to compile."""
    chain(20)
    declaring = [calls_of(lambda n=n: chain(n)) / n for n in (SMALL, LARGE)]  # type: ignore[misc]
    graphs = {n: chain(n) for n in (SMALL, LARGE)}
    compiling = [calls_of(lambda g=g: df.compile(g)) / n for n, g in graphs.items()]  # type: ignore[misc]
    assert declaring[1] < 1.05 * declaring[0]
    assert compiling[1] < 1.05 * compiling[0]


def test_a_count_of_calls_shows_what_is_not_in_proportion() -> None:
    """A pass that walks the whole graph for each of its nodes fails the test above."""

    def walked(graph: Graph) -> None:
        for _ in graph.nodes():
            for node in graph.nodes():
                len(node.inputs)

    few, many = (calls_of(lambda n=n: walked(chain(n))) / n for n in (40, 120))  # type: ignore[misc]
    assert many > 1.05 * few


def placed(graph: Graph) -> Program:
    """Return a graph as the passes that look for slices meet it."""
    return place_updates(lower(graph, {}, graph.outputs, {}))


@pytest.mark.parametrize("size", [1, 100, 3_000, 30_000, 3_000_000])
def test_slices_that_are_not_looked_for_would_not_gain(size: int) -> None:
    """Where every call outweighs its operands, the model of time wants the whole of any tiles."""
    program = placed(chain(6, size))
    if calls_outweigh(program, DEFAULT_TARGET):
        found = tile_candidates(program)
        assert size == 1 or found
        assert {SliceTimes(tiles, DEFAULT_TARGET).best(16) for tiles in found} <= {1}


def test_slices_that_gain_are_looked_for() -> None:
    """Of large arrays the calls don't outweigh the operands, of small ones they do."""
    assert calls_outweigh(placed(chain(6, 3_000)), DEFAULT_TARGET)
    assert not calls_outweigh(placed(chain(6, 3_000_000)), DEFAULT_TARGET)


def test_a_copy_is_networkx_s() -> None:
    """A copied graph has the nodes, edges and data of networkx's copy, in its order, apart."""
    dag = chain(12).dag
    made, known = copied(dag), dag.copy()
    assert list(made.nodes(data=True)) == list(known.nodes(data=True))
    assert list(made.edges(keys=True, data=True)) == list(known.edges(keys=True, data=True))
    assert [list(made.pred[n]) for n in made] == [list(known.pred[n]) for n in known]
    u, v = next(iter(dag.edges()))
    made.add_edge(u, v, output=0)
    assert len(made.pred[v][u]) == len(made.succ[u][v]) == len(known[u][v]) + 1
    made.nodes[next(iter(made))]["op"] = "other"
    assert nx.utils.graphs_equal(dag, known)


def test_the_collector_runs_again() -> None:
    """What pauses the collector lets it run again after an error, and not if it was off before."""
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), collector_paused():
        1 / int(gc.isenabled())
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
