"""`vmap`: a batch is a loop over its examples, whatever the function does."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import dataflow as df
from dataflow.errors import GraphError, ShapeError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=(3, 3))


def constants(*values: ArrayLike) -> tuple[df.Tensor, ...]:
    """Return constants of one builder, arrays in their own dtype."""
    b = df.GraphBuilder()
    return tuple(b.constant(value) for value in values)


def built(tensor: df.Tensor) -> df.Graph:
    """Return the graph of a tensor's builder."""
    builder: Any = tensor.builder
    graph: df.Graph = builder.build(outputs=[tensor])
    return graph


FUNCTIONS: dict[str, Callable[[df.Tensor, df.Tensor], df.Tensor]] = {
    "matmul": df.matmul,
    "layer": lambda w, x: df.tanh(df.matmul(w, x)) + x,
    "softmax": lambda w, x: df.nn.softmax(df.matmul(w, x)),
    "sort": lambda w, x: df.sort(x) * w[0],
    "solve": df.linalg.solve,
    "einsum": lambda w, x: df.einsum("ij,j->i", w, x),
    "cumsum": lambda w, x: df.cumsum(df.outer(x, x), axis=1),
    "index": lambda w, x: x[::-1][1:] * w[1, 0],
    "where": lambda w, x: df.where(x > 0, x, w[0] * x),
    "gradient": lambda w, x: df.grad(df.sin(df.matmul(w, x)).sum(), x),
    "jacobian": lambda w, x: df.jacrev(df.matmul(w, x * x), x),
    "hessian": lambda w, x: df.hessian(df.sin(df.matmul(w, x)).sum(), x),
    "norm": lambda w, x: df.linalg.norm(df.matmul(w, x)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axes", [(None, 0), (0, None), (0, 0)])
def test_vmap_is_a_loop(name: str, axes: tuple[int | None, int | None]) -> None:
    """Each row of the batched result is the function's own for that example."""
    function = FUNCTIONS[name]
    weights = np.stack([W + k for k in range(5)]) if axes[0] == 0 else W
    rows = X if axes[1] == 0 else X[0]
    w, x = constants(weights, rows)
    batched = df.evaluate(df.vmap(function, in_axes=axes)(w, x))
    for k in range(5):
        one = constants(weights[k] if axes[0] == 0 else weights, rows[k] if axes[1] == 0 else rows)
        np.testing.assert_allclose(batched[k], df.evaluate(function(*one)), rtol=1e-12, atol=1e-14)


def test_axes_in_and_out() -> None:
    """The examples lie along the axes that are named, negative ones too."""
    (x,) = constants(np.arange(24.0).reshape(2, 3, 4))
    for axis in (0, 1, 2, -1):
        made = df.vmap(lambda one: one * 2, in_axes=axis, out_axes=axis)(x)
        np.testing.assert_array_equal(df.evaluate(made), 2 * np.arange(24.0).reshape(2, 3, 4))
    assert df.vmap(lambda one: one, in_axes=1, out_axes=-1)(x).shape == (2, 4, 3)


def test_nested_arguments_and_results() -> None:
    """Arguments, keywords and results may be dictionaries and tuples of tensors."""
    x, w = constants(X, W)

    def function(pair: Any, *, scale: df.Tensor) -> Any:  # noqa: ANN401
        return {"sum": pair["x"].sum() * scale, "both": (pair["w"], pair["x"])}

    scale = np.arange(5.0)
    made = df.vmap(
        function, in_axes=({"x": 0, "w": None},), out_axes={"sum": 0, "both": (None, 1)}
    )({"x": x, "w": w}, scale=scale)
    assert made["both"][0] is w
    assert made["both"][1].shape == (3, 5)
    np.testing.assert_allclose(df.evaluate(made["sum"]), X.sum(axis=1) * scale)


def test_nested_vmap_is_two_loops() -> None:
    """A vmap within a vmap gives every pair of examples."""
    x, y = constants(X, W)
    pairs = df.vmap(lambda one: df.vmap(lambda other: df.vdot(one, other))(y))(x)
    np.testing.assert_allclose(df.evaluate(pairs), X @ W.T)


def test_gradients_pass_through() -> None:
    """A batch is differentiated like other nodes, by what the function reads from outside too."""
    x, w = constants(X, W)
    out = df.vmap(lambda one: df.sin(df.matmul(w, one)).sum())(x).sum()
    by_x, by_w = df.evaluate(*df.grad(out, [x, w]))
    np.testing.assert_allclose(by_x, np.cos(X @ W.T) @ W)
    np.testing.assert_allclose(by_w, np.cos(X @ W.T).T @ X)


def test_gradient_of_each_example() -> None:
    """The gradient by shared weights within a vmap is one for each example."""
    x, w = constants(X, W)
    each = df.vmap(lambda one: df.grad(df.sin(df.matmul(w, one)).sum(), w))(x)
    np.testing.assert_allclose(df.evaluate(each), np.einsum("ni,nj->nij", np.cos(X @ W.T), X))


def test_layers_are_shared_by_the_examples() -> None:
    """A layer declared in the function has one set of weights, not one for each example."""
    b = df.GraphBuilder()
    x = b.constant(X.astype(np.float32))
    made = df.vmap(df.nn.Dense(4))(x)
    assert [v.shape for v in b.variables] == [(3, 4), (4,)]
    assert made.shape == (5, 4)


def test_batch_of_a_named_dimension() -> None:
    """The number of examples may be known at compile time only."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3), "float64")
    graph = b.build(outputs={"y": df.vmap(lambda one: df.matmul(W, one))(x)})
    found = df.Runner(df.compile(graph, dims={"batch": 5})).run(x=X)
    np.testing.assert_allclose(found["y"], X @ W.T)


def test_no_example_is_left_in_the_graph() -> None:
    """The builder builds as if the function had never been called with one example."""
    (x,) = constants(X)
    made = df.vmap(lambda one: one.sum())(x)
    graph = built(made)
    assert sorted(node.op for node in graph.nodes()) == ["constant", "sum"]


def test_batch_keeps_lines_and_no_grad() -> None:
    """A batched node says the line of the function's, and no gradient passes where none did."""
    b = df.GraphBuilder()
    x = b.constant(X, requires_grad=True)

    def function(one: df.Tensor) -> df.Tensor:
        with b.no_grad():
            return (one * one).sum()

    made = df.vmap(function)(x)
    assert not made.requires_grad
    line = function.__code__.co_firstlineno + 2
    node = built(made).node(made.node)
    assert node.source == f"test_vmap.py:{line}"


def test_empty_batch() -> None:
    """No examples give no results, of the right shape."""
    (x,) = constants(np.zeros((0, 3)))
    assert df.evaluate(df.vmap(lambda one: df.outer(one, one))(x)).shape == (0, 3, 3)


def test_axis_size_where_nothing_has_the_axis() -> None:
    """Without a mapped argument the size is given, and every result is the same."""
    (x,) = constants(X[0])
    made = df.vmap(lambda one: one * 2, in_axes=None, axis_size=4)(x)
    np.testing.assert_array_equal(df.evaluate(made), np.tile(2 * X[0], (4, 1)))


# What is refused


def test_wrong_axes_are_refused() -> None:
    """An axis that isn't there, lengths that differ and forms that don't fit are named."""
    x, w = constants(X, W)
    with pytest.raises(ShapeError, match=r"test_vmap.*in_axes has 2 .*which has 2 axes"):
        df.vmap(lambda one: one, in_axes=2)(x)
    with pytest.raises(ShapeError, match="different numbers of examples"):
        df.vmap(lambda one, other: one + other)(x, w)
    with pytest.raises(ShapeError, match=r"axis_size: 4, .*: 5"):
        df.vmap(lambda one: one, axis_size=4)(x)
    with pytest.raises(GraphError, match=r"in_axes .* \(test_vmap.* has another form"):
        df.vmap(lambda one: one, in_axes=(0, 0))(x)
    with pytest.raises(ShapeError, match="out_axes has 5"):
        df.vmap(lambda one: one, out_axes=5)(x)
    with pytest.raises(GraphError, match=r"out_axes has None .* differs from example"):
        df.vmap(lambda one: one, out_axes=None)(x)
    with pytest.raises(GraphError, match="give axis_size"):
        df.vmap(lambda one: one, in_axes=None)(x)


def test_what_outlives_an_example_is_refused() -> None:
    """An update, a gradient or a build that depends on one example is an error, and leaves none."""
    b = df.GraphBuilder()
    x = b.constant(X)
    total = b.variable("total", np.zeros(3))
    with pytest.raises(GraphError, match=r"update of variable 'total' .*one example"):
        df.vmap(partial(b.update, total))(x)
    with pytest.raises(GraphError, match="has no values"):
        df.vmap(lambda one: b.constant(df.evaluate(one)))(x)
    kept = []

    def keeping(one: df.Tensor) -> df.Tensor:
        kept.append(one)
        return one

    df.vmap(keeping)(x)
    with pytest.raises(GraphError, match="one example of a batch that is done"):
        _ = kept[0] + 1
    b.update(total, x.sum(axis=0))
    assert built(x).variables["total"].update is not None


def test_what_was_there_before_stays() -> None:
    """A refused call leaves the updates and gradients that an earlier one made."""
    b = df.GraphBuilder()
    x = b.constant(X)
    total = b.variable("total", np.zeros(3))
    (total * 2).sum().backward()
    b.update(total, x[0])
    gradient, update = total.grad, b.pending(total)

    def updating(one: df.Tensor) -> df.Tensor:
        b.update(total, one, again=True)
        (total * one).sum().backward()
        return one

    with pytest.raises(GraphError, match="one example"):
        df.vmap(updating)(x)
    assert total.grad is gradient
    assert b.pending(total) is update

    def failing(one: df.Tensor) -> df.Tensor:
        updating(one)
        raise KeyError(one.node)

    with pytest.raises(KeyError):
        df.vmap(failing)(x)
    assert total.grad is gradient
    assert b.pending(total) is update


def test_an_error_in_the_function_is_the_users_own() -> None:
    """What the function raises comes out as it is, and the builder goes on."""
    (x,) = constants(X)

    def function(one: df.Tensor) -> df.Tensor:
        raise KeyError(one.node)

    with pytest.raises(KeyError, match="example"):
        df.vmap(function)(x)
    assert len(built(x)) == 1


def test_results_must_be_tensors() -> None:
    """A function that returns a number is told so."""
    (x,) = constants(X)
    with pytest.raises(GraphError, match="must return tensors, not 3"):
        df.vmap(lambda _: 3)(x)
