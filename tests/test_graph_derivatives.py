"""Finished graphs, loaded ones too: opened again, used as functions, differentiated, explained."""

from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import FeedError, GradientError, GraphError, NameTakenError, UnknownNameError

X = np.array([0.5, -1.0, 2.0])


def small() -> df.Graph:
    """Return a graph with an input, a constant, a variable with an update, and no_grad."""
    b = df.GraphBuilder("small", seed=3)
    x = b.input("x", ("n",), "float64")
    with b.scope("layer"):
        w = b.variable("w", b.randn((), "float64"))
    with b.no_grad():
        scale = (x * x).sum()
    y = df.sin(w * x) / (1 + scale)
    b.update(w, w * 0.5)
    return b.build(outputs={"y": y, "loss": y.sum()})


def network() -> df.Graph:
    """Return a small training step."""
    b = df.GraphBuilder("network")
    x = b.input("x", ("batch", 4))
    loss = df.square(df.nn.Dense(3, activation="tanh")(x)).mean()
    df.optim.Adam(0.1).minimize(loss)
    return b.build(outputs={"loss": loss})


def values(graph: df.Graph, **feeds: np.ndarray) -> dict[str, np.ndarray]:
    """Run a graph once."""
    sizes = {"n": len(feeds["x"])} if "x" in feeds else {}
    return df.Runner(df.compile(graph, dims=sizes)).run(feeds)


def loaded(graph: df.Graph, folder: Path) -> df.Graph:
    """Return a graph that was saved and loaded."""
    df.save(graph, folder / "graph.arrow")
    found = df.load(folder / "graph.arrow")
    assert isinstance(found, df.Graph)
    return found


# reopen


@pytest.mark.parametrize("graph", [small(), network()], ids=["small", "network"])
def test_reopened_graph_is_the_same(graph: df.Graph, tmp_path: Path) -> None:
    """What is built from a reopened graph has its digest, after a way through a file too."""
    for start in (graph, loaded(graph, tmp_path)):
        b = df.reopen(start)
        outputs = {name: b.tensor(*ref) for name, ref in start.outputs.items()}
        assert b.build(outputs=outputs).digest() == graph.digest()


def test_reopened_builder_goes_on() -> None:
    """New nodes, variables and layers stand beside the old ones under names of their own."""
    graph = network()
    b = df.reopen(graph)
    out = df.nn.Dense(2)(b.tensor("x"))
    names = [variable.node for variable in b.variables]
    assert [n for n in names if n.startswith("dense_1.")] == ["dense_1.weight", "dense_1.bias"]
    more = b.build(outputs={"loss": b.tensor(*graph.outputs["loss"]), "out": out})
    assert set(graph.dag) < set(more.dag)
    with pytest.raises(NameTakenError):
        b.input("x")
    with pytest.raises(UnknownNameError, match="no output 0 of 'nothing'"):
        b.tensor("nothing")


def test_reopened_variables_are_frozen_as_before(tmp_path: Path) -> None:
    """What required no gradient requires none again, from a file too: optimisers leave it alone."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3))
    frozen = b.variable("frozen", np.ones(3, np.float32), requires_grad=False)
    norm = df.nn.BatchNorm(momentum=0.5)
    loss = df.square(norm(df.nn.Dense(3)(x) * frozen)).sum()
    graph = loaded(b.build(outputs={"loss": loss}), tmp_path)
    again = df.reopen(graph)
    trained = [v.node for v in again.variables if v.requires_grad]
    assert trained == [v.node for v in b.variables if v.requires_grad]
    assert "frozen" not in trained
    df.optim.SGD(0.1).minimize(again.tensor(*graph.outputs["loss"]))
    built = again.build(outputs={"loss": again.tensor(*graph.outputs["loss"])})
    assert built.variables["frozen"].update is None


def test_reopened_builder_draws_other_numbers() -> None:
    """A draw that is declared after reopening isn't one that the graph has."""
    b = df.GraphBuilder()
    first = b.rand(3)
    graph = b.build(outputs={"first": first})
    again = df.reopen(graph)
    second = again.rand(3)
    third = b.rand(3)
    assert df.evaluate(first).tolist() != df.evaluate(second).tolist()
    assert df.evaluate(second).tolist() == df.evaluate(third).tolist()


def test_reopen_takes_graphs_alone() -> None:
    """Anything else is refused, with the way to a graph."""
    with pytest.raises(GraphError, match=r"df.reopen \(test_graph.*takes a graph, not int"):
        df.reopen(3)  # type: ignore[arg-type]


# inline


def test_inlined_graph_computes_the_same() -> None:
    """A graph on tensors gives what it gives on feeds, and can be differentiated there."""
    graph = small()
    expected = values(graph, x=2 * X)
    b = df.GraphBuilder()
    x = b.constant(X)
    y = df.inline(graph, x=2 * x)["y"]
    np.testing.assert_array_equal(df.evaluate(y), expected["y"])
    by_x = df.evaluate(df.grad(y.sum(), x))
    scale = 1 + (4 * X**2).sum()  # a constant of the gradient: declared in no_grad
    w = float(df.Runner(df.compile(graph, dims={"n": 3})).state["layer.w"])
    np.testing.assert_allclose(by_x, 2 * w * np.cos(2 * w * X) / scale)


def test_inlined_variables_stand_in_a_scope() -> None:
    """Two uses of one graph under two scopes have two sets of variables, each with its update."""
    graph = small()
    b = df.GraphBuilder()
    x = b.constant(X)
    for name in ("a", "b"):
        with b.scope(name):
            df.inline(graph, x=x)
    assert [v.node for v in b.variables] == ["a.layer.w", "b.layer.w"]
    built = b.build(outputs=[x])
    assert all(variable.update is not None for variable in built.variables.values())


def test_inline_checks_its_feeds() -> None:
    """A feed that is missing, unknown, or of another shape or dtype is named with its input."""
    b = df.GraphBuilder()
    pair = b.input("x", ("n",)) * b.input("y", ("n",))
    graph = b.build(outputs={"pair": pair})
    x = df.GraphBuilder().ones(3)
    with pytest.raises(FeedError, match="needs 'y', not fed"):
        df.inline(graph, x=x)
    with pytest.raises(FeedError, match="has no input 'z'"):
        df.inline(graph, x=x, y=x, z=x)
    with pytest.raises(FeedError, match=r"'y' is .* with \{'n': 3\}, the feed float32\[2\]"):
        df.inline(graph, x=x, y=x[:2])
    with pytest.raises(FeedError, match=r"'y' is .* the feed float64\[3\]"):
        df.inline(graph, x=x, y=x.astype("float64"))


def test_inline_renames_dimensions() -> None:
    """A graph's named dimension becomes the feed's, whatever its name, also an expression."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",))
    graph = b.build(outputs={"y": df.concat([x, x])})
    b = df.GraphBuilder()
    long = df.inline(graph, x=b.input("z", ("2*m + 1",)))["y"]
    assert str(long.spec) == "float32[4*m + 2]"


# differentiate


def test_reverse_adds_gradients(tmp_path: Path) -> None:
    """A loaded graph gains one output for each tensor, equal to `df.grad`'s."""
    graph = df.differentiate(loaded(small(), tmp_path), "loss", ["x", "layer.w"])
    assert list(graph.outputs) == ["y", "loss", "grad.x", "grad.layer.w"]
    found = values(graph, x=X)
    w = float(df.Runner(df.compile(graph, dims={"n": 3})).state["layer.w"])
    scale = 1 + (X**2).sum()
    np.testing.assert_allclose(found["grad.x"], w * np.cos(w * X) / scale)
    np.testing.assert_allclose(found["grad.layer.w"], (X * np.cos(w * X) / scale).sum())


def test_reverse_of_no_scalar_takes_a_cotangent() -> None:
    """An output with axes gets an input for what multiplies its derivative."""
    graph = df.differentiate(small(), "y", "x")
    assert graph.inputs == ("x", "cotangent.y")
    ones = values(graph, **{"x": X, "cotangent.y": np.ones(3)})["grad.x"]
    np.testing.assert_allclose(ones, values(df.differentiate(small(), "loss", "x"), x=X)["grad.x"])


def test_forward_takes_tangents() -> None:
    """Forward mode gets an input for each tangent and gives the output's."""
    graph = df.differentiate(small(), "loss", "x", mode="forward")
    assert graph.inputs == ("x", "tangent.x")
    u = np.array([1.0, 2.0, 3.0])
    gradient = values(df.differentiate(small(), "loss", "x"), x=X)["grad.x"]
    np.testing.assert_allclose(
        values(graph, **{"x": X, "tangent.x": u})["tangent.loss"], gradient @ u
    )


def test_matrices_of_a_graph() -> None:
    """Jacobian and Hessian are outputs too; a graph that was differentiated is so again."""
    first = df.differentiate(small(), "loss", "x")
    by_gradient = df.differentiate(first, "grad.x", "x", mode="jacobian")
    hessian = df.differentiate(small(), "loss", "x", mode="hessian")
    np.testing.assert_allclose(
        values(by_gradient, x=X)["jacobian.x"], values(hessian, x=X)["hessian.x.x"]
    )


def test_differentiate_says_what_is_wrong() -> None:
    """A name or a mode that isn't there, and an input whose name is taken, are refused."""
    with pytest.raises(UnknownNameError, match="no output or node 'z'; its outputs"):
        df.differentiate(small(), "loss", "z")
    with pytest.raises(GradientError, match="mode is one of"):
        df.differentiate(small(), "loss", "x", mode="backward")
    with pytest.raises(UnknownNameError, match="no output or node 5"):
        df.differentiate(small(), "loss", 5)  # type: ignore[arg-type]
    with pytest.raises(NameTakenError, match=r"has an output 'grad\.x' already"):
        df.differentiate(df.differentiate(small(), "loss", "x"), "loss", "x")
    twice = df.differentiate(small(), "y", "x")
    with pytest.raises(NameTakenError, match=r"cotangent\.y"):
        df.differentiate(twice, "y", "x")


# vmap of a graph


def test_vmap_of_a_graph() -> None:
    """The graph of a batch gives for each row what the graph gives for it."""
    b = df.GraphBuilder("one")
    x, w = b.input("x", ("n",), "float64"), b.input("w", ("n",), "float64")
    one = df.differentiate(b.build(outputs={"y": df.sin(x * w).sum()}), "y", "x")
    many = df.vmap(one, in_axes={"x": 1, "w": None}, out_axes={"y": 0, "grad.x": 1}, axis_size="m")
    rows = np.stack([X, 2 * X], axis=1)
    found = df.Runner(df.compile(many, dims={"n": 3, "m": 2})).run(x=rows, w=X)
    for k in range(2):
        expected = df.Runner(df.compile(one, dims={"n": 3})).run(x=rows[:, k], w=X)
        np.testing.assert_allclose(found["y"][k], expected["y"])
        np.testing.assert_allclose(found["grad.x"][:, k], expected["grad.x"])


def test_vmap_of_a_graph_keeps_its_variables() -> None:
    """Variables are shared by the examples; an update that one example decides is refused."""
    graph = small()
    many = df.vmap(graph, axis_size="m")
    assert list(many.variables) == ["layer.w"]
    with pytest.raises(GraphError, match=r"update of variable 'dense\.weight'|the update of"):
        df.vmap(network(), axis_size="m")
    with pytest.raises(GraphError, match="give axis_size"):
        df.vmap(graph)


# why


def test_why_tells_the_way_from_the_seed() -> None:
    """Each rule on the way is named with its forward node and the user's line, in order."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    h = df.tanh(x)
    loss = (h * h).sum()
    slope = df.grad(loss, x)
    reasons = b.build(outputs=[slope]).why(slope.node)
    assert [(reason.rule, reason.forward) for reason in reasons] == [
        ("seed", loss.node),
        ("sum.vjp", loss.node),
        ("multiply.vjp", loss.node.replace("sum", "multiply")),
        ("accumulate", "multiply_0"),
        ("tanh.vjp", h.node),
    ]
    here = test_why_tells_the_way_from_the_seed.__code__.co_firstlineno
    assert reasons[-1].source == f"test_graph_derivatives.py:{here + 4}"
    assert str(reasons[-1]) == f"{reasons[-1].node}: tanh.vjp of {h.node} ({reasons[-1].source})"


def test_why_of_a_forward_node_is_empty() -> None:
    """A node that no derivative made has no reasons, and an unknown one is an error."""
    graph = small()
    assert graph.why("x") == ()
    with pytest.raises(UnknownNameError):
        graph.why("nothing")
