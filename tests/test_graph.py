"""The finished graph: a frozen networkx DAG with documented data, and its verifier."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import networkx as nx
import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError, UnknownNameError
from dataflow.spec import Spec

Change: TypeAlias = Callable[["nx.MultiDiGraph[str]"], object]


def two_edges() -> df.Graph:
    """Return the graph of x * x."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",))
    return b.build({"square": x * x})


def test_dag_is_a_frozen_multigraph() -> None:
    """``graph.dag`` is networkx's, frozen; nodes and edges have the data documented."""
    graph = two_edges()
    assert isinstance(graph.dag, nx.MultiDiGraph)
    assert nx.is_directed_acyclic_graph(graph.dag)
    with pytest.raises(nx.NetworkXError, match="Frozen"):
        graph.dag.add_node("y")
    assert set(graph.dag.nodes["multiply_0"]) == {
        "op", "op_version", "attrs", "specs", "source", "sweep", "forward", "rule", "no_grad",
    }  # fmt: skip
    assert graph.dag.nodes["multiply_0"]["specs"] == (Spec.of("n", "float32"),)


def test_a_tensor_in_two_slots_has_two_edges() -> None:
    """The graph of x * x has an edge for each slot, keyed by it."""
    graph = two_edges()
    edges = list(graph.dag.edges(keys=True, data=True))
    assert edges == [("x", "multiply_0", 0, {"output": 0}), ("x", "multiply_0", 1, {"output": 0})]
    assert graph.node("multiply_0").inputs == (df.Ref("x", 0), df.Ref("x", 0))


def test_a_built_graph_is_not_changed_by_its_builder() -> None:
    """A builder that goes on leaves the graphs built before as they were."""
    b = df.GraphBuilder()
    x = b.input("x")
    graph = b.build(x + 1)
    before = len(graph)
    x * 2  # a node
    b.input("y")
    assert (len(graph), graph.inputs) == (before, ("x",))
    with pytest.raises(UnknownNameError, match="no node 'y'"):
        graph.node("y")


def changed(change: Change, *, freeze: bool = True) -> df.Graph:
    """Return x * x with its DAG changed."""
    graph = two_edges()
    dag: nx.MultiDiGraph[str] = nx.MultiDiGraph(graph.dag)
    change(dag)
    return replace(graph, dag=nx.freeze(dag) if freeze else dag)


def set_data(name: str, **data: object) -> Change:
    """Return a change of a node's data."""
    return lambda dag: dag.nodes[name].update(data)


BROKEN: dict[str, tuple[Change, str]] = {
    "cycle": (lambda dag: dag.add_edge("multiply_0", "multiply_0", 2, output=0), "no earlier node"),
    "dangling output": (
        lambda dag: dag.edges["x", "multiply_0", 1].update(output=3),
        "no output 3",
    ),
    "gap in the slots": (lambda dag: dag.remove_edge("x", "multiply_0", 0), "slots are"),
    "missing operand": (lambda dag: dag.remove_edge("x", "multiply_0", 1), "multiply_0"),
    "wrong spec": (set_data("multiply_0", specs=(Spec.of(3, "float32"),)), "infers .* says"),
    "wrong dtype": (set_data("multiply_0", specs=(Spec.of("n", "int8"),)), "infers .* says"),
    "unknown op": (set_data("multiply_0", op="frobnicate"), "there is no op 'frobnicate"),
    "unknown version": (set_data("multiply_0", op_version=99), "'multiply' version 99"),
    "unknown sweep": (set_data("multiply_0", sweep="sideways"), "sideways"),
    "input undeclared": (lambda dag: dag.remove_node("x"), "multiply_0|input"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_verify_finds(name: str) -> None:
    """A graph that breaks a rule is refused with the node's name."""
    change, message = BROKEN[name]
    with pytest.raises(GraphError, match=message):
        changed(change).verify()


def test_verify_finds_a_graph_that_can_change() -> None:
    """A DAG that isn't frozen is refused."""
    with pytest.raises(GraphError, match="is not frozen"):
        changed(lambda dag: None, freeze=False).verify()


@pytest.mark.parametrize("ref", [df.Ref("nowhere", 0), df.Ref("x", 1), df.Ref("x", -1)])
def test_verify_finds_outputs_that_are_not_there(ref: df.Ref) -> None:
    """A named output must be an output of a node."""
    with pytest.raises(GraphError, match="output 'y'"):
        replace(two_edges(), outputs={"y": ref}).verify()


def test_verify_finds_wrong_constants() -> None:
    """The value of a constant has its node's spec, and every constant has a value."""
    b = df.GraphBuilder()
    graph = b.build(b.constant([1.0]) * 2)
    for constants in ({}, {"constant_0": np.zeros(3)}, {**graph.constants, "x": np.zeros(1)}):
        with pytest.raises(GraphError):
            replace(graph, constants=constants).verify()
