"""Derivatives as users ask for them: products, Jacobians, Hessians, in any mix of the modes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import dataflow as df
from dataflow.errors import DTypeError, GradientError, ShapeError

RNG = np.random.default_rng(4)
X = RNG.normal(size=3)
A = RNG.normal(size=(4, 3))


def leaves(*values: ArrayLike) -> tuple[df.Tensor, ...]:
    """Return float64 constants of one builder."""
    b = df.GraphBuilder()
    return tuple(b.constant(value, dtype="float64") for value in values)


def built(tensor: df.Tensor) -> df.Graph:
    """Return the graph of a tensor's builder."""
    builder: Any = tensor.builder
    graph: df.Graph = builder.build(outputs=[tensor])
    return graph


def layer(x: df.Tensor) -> df.Tensor:
    """Return a smooth function from three numbers to four."""
    return df.tanh(df.matmul(x.builder.constant(A), x))


def layer_jacobian(x: np.ndarray) -> np.ndarray:
    """Return the derivative of `layer`, by hand."""
    return np.asarray((1 - np.tanh(A @ x) ** 2)[:, None] * A)


# Products


def test_vjp_multiplies_from_the_left() -> None:
    """`vjp` is the cotangent times the Jacobian."""
    (x,) = leaves(X)
    w = np.arange(4.0)
    np.testing.assert_allclose(df.evaluate(df.vjp(layer(x), x, w)), w @ layer_jacobian(X))


def test_jvp_multiplies_from_the_right() -> None:
    """`jvp` is the Jacobian times the tangent."""
    (x,) = leaves(X)
    u = np.arange(3.0)
    np.testing.assert_allclose(df.evaluate(df.jvp(layer(x), x, u)), layer_jacobian(X) @ u)


def test_products_of_several_outputs_and_tensors() -> None:
    """Cotangents of several outputs add up; tangents of several tensors do too."""
    x, y = leaves(2.0, 3.0)
    outputs = [x * y, x + y]
    by_x, by_y = df.vjp(outputs, [x, y], [10.0, 1.0])
    assert df.evaluate(by_x, by_y) == (31.0, 21.0)
    assert df.evaluate(*df.jvp(outputs, (x, y), (10.0, 1.0))) == (32.0, 11.0)


def test_jvp_keeps_the_form_of_the_outputs() -> None:
    """Tangents come as the outputs do: a dictionary for a dictionary."""
    (x,) = leaves(3.0)
    found = df.jvp({"square": x * x, "pair": (x, 2 * x)}, x, 1.0)
    assert df.evaluate(found["square"], *found["pair"]) == (6.0, 1.0, 2.0)


def test_value_and_grad_is_the_output_itself() -> None:
    """The value is the tensor that was given, not another node."""
    (x,) = leaves(3.0)
    out = x * x
    value, gradient = df.value_and_grad(out, x)
    assert value is out
    assert df.evaluate(gradient) == 6.0


def test_linearize_declares_the_linear_part_alone() -> None:
    """A second tangent costs as many nodes as the first: those of the point are shared."""
    (x,) = leaves(X)
    push = df.linearize(layer(x), x)
    sizes = []
    for u in np.eye(3):
        column = push(u)
        sizes.append(len(built(column)))
        np.testing.assert_allclose(df.evaluate(column), layer_jacobian(X) @ u)
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0]
    linear = {n.op for n in built(column).nodes() if n.sweep == "tangent"}
    assert "tanh" not in linear


def test_zeros_where_nothing_depends() -> None:
    """What doesn't depend on a tensor has zeros for derivatives, in both modes."""
    x, y = leaves(X, 2.0)
    assert df.evaluate(df.vjp(y * y, x, 1.0)).tolist() == [0.0, 0.0, 0.0]
    assert df.evaluate(df.jvp(y * y, x, X)) == 0.0
    assert df.evaluate(df.jacrev(y * y, x)).tolist() == [0.0, 0.0, 0.0]
    assert df.evaluate(df.jacfwd(x * x, y)).tolist() == [0.0, 0.0, 0.0]


def test_tensors_that_depend_on_each_other() -> None:
    """Where one of `wrt` depends on another, or comes twice, both modes count every path."""
    (x,) = leaves(2.0)
    y = x * x
    z = x * y
    by_x, by_y = df.evaluate(*df.vjp(z, [x, y], 1.0))
    assert (by_x, by_y) == (12.0, 2.0)
    assert df.evaluate(df.jvp(z, [x, y], [1.0, 0.0])) == by_x
    assert df.evaluate(df.jvp(z, [x, y], [0.0, 1.0])) == by_y
    assert df.evaluate(df.jvp(y, [x, x], [1.0, 10.0])) == 44.0
    row = df.evaluate(*df.hvp(z, [x, y], [1.0, 0.0]))
    blocks = df.hessian(z, (x, y))
    assert row == df.evaluate(blocks[0][0], blocks[1][0])


# Jacobians


@pytest.mark.parametrize("jacobian", [df.jacrev, df.jacfwd, df.jacobian])
def test_jacobian_of_a_layer(jacobian: Callable[..., Any]) -> None:
    """Both modes give the matrix that is right by hand."""
    (x,) = leaves(X)
    np.testing.assert_allclose(df.evaluate(jacobian(layer(x), x)), layer_jacobian(X), rtol=1e-13)


@pytest.mark.parametrize("jacobian", [df.jacrev, df.jacfwd])
def test_jacobian_has_the_axes_of_both(jacobian: Callable[..., Any]) -> None:
    """Its shape is the output's, then the tensor's, for each of several tensors."""
    a, c = leaves(A, X)
    found = jacobian(a * c, [a, c])
    assert [tensor.shape for tensor in found] == [(4, 3, 4, 3), (4, 3, 3)]
    by_a, by_c = df.evaluate(*found)
    np.testing.assert_array_equal(by_a, np.einsum("ik,jl,l->ijkl", np.eye(4), np.eye(3), X))
    np.testing.assert_array_equal(by_c, np.einsum("ij,jk->ijk", A, np.eye(3)))


@pytest.mark.parametrize("jacobian", [df.jacrev, df.jacfwd])
def test_jacobian_of_nothing(jacobian: Callable[..., Any]) -> None:
    """Empty tensors have empty Jacobians of the right shape."""
    x, y = leaves(np.zeros(0), X)
    assert df.evaluate(jacobian(x * x, x)).shape == (0, 0)
    assert df.evaluate(jacobian(x * y.sum(), y)).shape == (0, 3)


def test_jacobian_of_a_named_dimension() -> None:
    """A dimension that is known at compile time only gives a Jacobian of that size."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    graph = b.build(outputs={"reverse": df.jacrev(x * x, x), "forward": df.jacfwd(x * x, x)})
    found = df.Runner(df.compile(graph, dims={"n": 3})).run(x=X)
    for matrix in found.values():
        np.testing.assert_array_equal(matrix, np.diag(2 * X))


def test_jacobian_leaves_no_dead_node() -> None:
    """What was declared for one direction is gone: every node leads to the result."""
    (x,) = leaves(X)
    for matrix in (df.jacrev(layer(x), x), df.jacfwd(layer(x), x)):
        graph = built(matrix)
        assert not [n for n in graph.dag if n.startswith("example")]


def test_jacobian_records_its_sweep() -> None:
    """The batched nodes say which forward node and rule they come from, as a gradient's do."""
    (x,) = leaves(X)
    graph = built(df.jacrev(layer(x), x))
    rules = {node.rule for node in graph.nodes() if node.sweep == "reverse"}
    assert {"tanh.vjp", "matmul.vjp"} <= rules


def test_auto_mode_takes_fewer_directions() -> None:
    """Forward mode where the tensors have fewer elements than the output, else reverse mode."""
    (x,) = leaves(X)

    def sweeps(matrix: df.Tensor) -> set[str]:
        return {node.sweep for node in built(matrix).nodes()}

    assert "tangent" not in sweeps(df.jacobian(x.sum(), x))
    assert "tangent" in sweeps(df.jacobian(layer(x), x))


def test_jacobian_has_the_output_s_dtype() -> None:
    """Blocks that are computed, and blocks of zeros, are of one dtype in both modes."""
    b = df.GraphBuilder()
    x, y = b.ones(3), b.ones(2)
    wide = x.astype("float64") * 2
    for jacobian in (df.jacrev, df.jacfwd):
        assert [str(block.dtype) for block in jacobian(wide, (x, y))] == ["float64", "float64"]


def test_jacobian_of_complex_tensors_is_refused() -> None:
    """A derivative of complex numbers is no matrix of them; the message names the way out."""
    b = df.GraphBuilder()
    z = b.constant(np.ones(2, np.complex128))
    with pytest.raises(GradientError, match=r"test_derivatives.*complex.*use df.vjp or df.jvp"):
        df.jacrev(z.real, z)
    x = b.constant(X)
    column = df.evaluate(df.jacfwd(df.exp(1j * x), x))
    np.testing.assert_allclose(column, np.diag(1j * np.exp(1j * X)))


# Second order


def quartic(x: df.Tensor) -> df.Tensor:
    """Return a scalar whose Hessian has no zero."""
    return df.square(df.square(x).sum())


def quartic_hessian(x: np.ndarray) -> np.ndarray:
    """Return the second derivative of `quartic`."""
    return np.asarray(4 * x @ x * np.eye(len(x)) + 8 * np.outer(x, x))


def test_hessian_of_a_quartic() -> None:
    """The Hessian is the matrix that is right by hand."""
    (x,) = leaves(X)
    np.testing.assert_allclose(df.evaluate(df.hessian(quartic(x), x)), quartic_hessian(X))


def test_hessian_of_several_tensors_is_in_blocks() -> None:
    """The block [i][j] is the derivative by i, then by j, transposes of each other."""
    x, y = leaves(X, A)
    blocks = df.hessian(df.sin(df.matmul(y, x)).sum(), (x, y))
    assert [[block.shape for block in row] for row in blocks] == [
        [(3, 3), (3, 4, 3)],
        [(4, 3, 3), (4, 3, 4, 3)],
    ]
    upper, lower = df.evaluate(blocks[0][1], blocks[1][0])
    np.testing.assert_allclose(upper, np.moveaxis(lower, 2, 0))


def test_every_mix_of_modes_gives_one_hessian() -> None:
    """Forward over reverse, reverse over forward, and each over itself agree."""
    (x,) = leaves(X)
    modes = (df.jacrev, df.jacfwd)
    for outer in modes:
        for inner in modes:
            found = df.evaluate(outer(inner(quartic(x), x), x))
            np.testing.assert_allclose(found, quartic_hessian(X), rtol=1e-13)


def test_hvp_is_a_row_of_the_hessian() -> None:
    """The product with a vector is the Hessian's, without the Hessian."""
    (x,) = leaves(X)
    u = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(df.evaluate(df.hvp(quartic(x), x, u)), quartic_hessian(X) @ u)


def test_third_order() -> None:
    """A Jacobian of a Hessian is the third derivative: 24 x for x to the fourth."""
    (x,) = leaves(X)
    third = df.evaluate(df.jacfwd(df.hessian((x**4).sum(), x), x))
    np.testing.assert_allclose(third, np.einsum("i,ij,jk->ijk", 24 * X, np.eye(3), np.eye(3)))


# What is refused


def test_wrong_seeds_are_refused() -> None:
    """A seed of another shape, dtype or number is an error that says what was expected."""
    (x,) = leaves(X)
    b: Any = x.builder
    with pytest.raises(ShapeError, match=r"the tangent is float64\[2\], not float64\[3\]"):
        df.jvp(x * x, x, [1.0, 2.0])
    with pytest.raises(DTypeError, match=r"the cotangent is float32\[3\], not float64\[3\]"):
        df.vjp(x * x, x, b.ones(3))
    with pytest.raises(GradientError, match=r"a tangent for each of 2 tensors, not 1"):
        df.jvp(x * x, [x, x], [X])
    with pytest.raises(GradientError, match=r"a cotangent for each of 1 tensors, not 2"):
        df.vjp([x * x], x, [X, X])
    with pytest.raises(GradientError, match=r"a cotangent for each of 2 tensors, not 5\.0"):
        df.vjp([x, x], x, 5.0)
    with pytest.raises(ShapeError, match=r"the cotangent is float64\[5\], not float64\[3\]"):
        df.vjp(b.constant(X), x, np.zeros(5))  # doesn't depend on x, and is checked all the same
    with pytest.raises(GradientError, match=r"df.linearize \(test_derivatives"):
        df.linearize(3, x)


def test_what_has_no_derivative_is_refused() -> None:
    """Numbers, tensors of other builders and integers are refused by name, at the user's line."""
    (x,) = leaves(X)
    b: Any = x.builder
    with pytest.raises(GradientError, match=r"df.jvp \(test_derivatives.*takes tensors, not 3"):
        df.jvp(3, x, X)
    with pytest.raises(GradientError, match="another builder"):
        df.jacrev(x * x, leaves(X)[0])
    with pytest.raises(GradientError, match="only floating point has a gradient"):
        df.jacfwd(x * x, b.constant([1, 2]))
    with pytest.raises(GradientError, match="no scalar"):
        df.hessian(x * x, x)
    with pytest.raises(GradientError, match="mode is 'auto', 'forward' or 'reverse', not 'both'"):
        df.jacobian(x * x, x, mode="both")
    with pytest.raises(GradientError, match="nothing to differentiate"):
        df.jvp((), x, X)
