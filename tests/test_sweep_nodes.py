"""What a sweep leaves in the graph: where each node comes from, and no node too many."""

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
import pytest

import dataflow as df
from dataflow.sweeps import jvp_of


def network() -> tuple[df.Graph, Sequence[df.Tensor]]:
    """Return a small network with its gradients, and these."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 4))
    w, v = b.variable("w", np.ones((4, 5), "f")), b.variable("v", np.ones(5, "f"))
    loss = (df.tanh(x @ w) * v).sum(axis=1).mean()
    loss.backward()
    gradients = [g for g in (w.grad, v.grad) if g is not None]
    return b.build({"loss": loss, "dw": gradients[0], "dv": gradients[1]}), gradients


def test_reverse_nodes_record_where_they_come_from() -> None:
    """Every node of a reverse sweep names a forward node, its source line and the rule."""
    graph, _ = network()
    reverse = [node for node in graph.nodes() if node.sweep == "reverse"]
    forward = {node.name: node for node in graph.nodes() if node.sweep == "forward"}
    rules = {f"{node.op}.vjp" for node in forward.values()} | {"seed", "accumulate"}
    assert len(reverse) > 5
    for node in reverse:
        assert node.forward in forward, node
        assert node.rule in rules, node
        assert node.source == forward[node.forward].source, node


def test_tangent_nodes_record_where_they_come_from() -> None:
    """So does every node of a forward-mode sweep."""
    b = df.GraphBuilder()
    x = b.constant(2.0)
    (made,) = jvp_of([df.tanh(x * x)], [x], [x])
    assert made is not None
    graph = b.build(made)
    tangent = [node for node in graph.nodes() if node.sweep == "tangent"]
    assert {node.rule for node in tangent} == {"multiply.jvp", "tanh.jvp"}
    assert all(graph.node(node.forward).sweep == "forward" for node in tangent)


def test_a_sweep_makes_no_dead_node() -> None:
    """Every node that the reverse sweep makes is needed for a gradient."""
    graph, gradients = network()
    needed = set().union(*(nx.ancestors(graph.dag, g.node) | {g.node} for g in gradients))
    made = {node.name for node in graph.nodes() if node.sweep == "reverse"}
    assert made <= needed, sorted(made - needed)


@pytest.mark.parametrize("function", [
    lambda x, w: x * df.floor(x * 2), lambda x, w: x * df.sign(df.exp(x)),
    lambda x, w: x * (x // 2), lambda x, w: x * df.exp(x).detach(),
    lambda x, w: x * x.astype("int64").astype("float32"), lambda x, w: df.where(x > w, x, w * 2),
    df.maximum, lambda x, w: w * 2, lambda x, w: df.round(x),
])  # fmt: skip
def test_a_sweep_makes_no_node_for_what_has_no_gradient(
    function: Callable[[df.Tensor, df.Tensor], df.Tensor],
) -> None:
    """Where a step is flat, detached or not asked for, the rules beside it make nothing."""
    b = df.GraphBuilder()
    x, w = b.input("x", (3,)), b.input("w", (3,))
    gradient = df.grad(function(x, w).sum(), x)
    graph = b.build(gradient)
    needed = nx.ancestors(graph.dag, gradient.node) | {gradient.node}
    assert {n.name for n in graph.nodes() if n.sweep == "reverse"} <= needed


def test_a_sweep_stays_between_its_ends() -> None:
    """A gradient with respect to a late tensor makes no node for the work before it."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    early = df.exp(df.sin(x))
    gradient = df.grad((early * early).sum(), early)
    graph = b.build(gradient)
    assert {n.forward for n in graph.nodes() if n.sweep == "reverse"}.isdisjoint({"sin_0", "exp_0"})


def test_forward_values_do_not_change() -> None:
    """Declaring a sweep leaves every forward node as it was."""
    b = df.GraphBuilder()
    x = b.input("x", (3,), requires_grad=True)
    out = df.tanh(x).sum()
    before = list(b.build(out).nodes())
    out.backward()
    assert list(b.build(out).nodes())[: len(before)] == before
