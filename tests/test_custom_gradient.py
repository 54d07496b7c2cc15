"""Functions that bring their own reverse sweep: values, all orders, both modes, files, misuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GradientError, GraphError, ShapeError

X = np.array([-30.0, -1.0, 0.0, 2.0, 800.0])


def constant(value: Any = X) -> df.Tensor:  # noqa: ANN401
    """Return a constant of a builder of its own."""
    return df.GraphBuilder().constant(np.asarray(value))


def log1pexp(x: df.Tensor) -> tuple[df.Tensor, Callable[[df.Tensor], df.Tensor]]:
    """Return log(1 + exp(x)), and a gradient that holds where exp overflows."""
    e = df.exp(x)
    return df.log1p(e), lambda cotangent: cotangent * (1 - 1 / (1 + e))


def test_gradient_is_the_one_given() -> None:
    """Where the plain gradient is NaN, the given one isn't."""
    x = constant()
    with np.errstate(over="ignore"):
        plain = df.evaluate(df.grad(df.log1p(df.exp(x)).sum(), x))
        found = df.evaluate(df.grad(df.custom_gradient(log1pexp)(x).sum(), x))
    assert np.isnan(plain[-1])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-X)), rtol=1e-12, atol=1e-16)


def cube(x: df.Tensor) -> tuple[df.Tensor, Callable[[df.Tensor], df.Tensor]]:
    """Return x ** 3 with its gradient by hand, of a value that is computed on the way."""
    square = x * x
    return square * x, lambda cotangent: cotangent * 3 * square


def test_every_order_and_mode_follows_from_it() -> None:
    """Derivatives of derivatives go through the given gradient and its residuals, in any mix."""
    x = constant([0.5, -2.0, 3.0])
    y = df.custom_gradient(cube)(x).sum()
    g = df.grad(y, x)
    u = np.array([1.0, 2.0, -1.0])
    values = np.array([0.5, -2.0, 3.0])
    found = df.evaluate(
        g, df.grad(g.sum(), x), df.hvp(y, x, u), df.jvp(y, x, u), df.grad(df.jvp(y, x, u), x),
        df.jvp(df.jvp(y, x, u), x, u), df.grad(df.grad(g.sum(), x).sum(), x),
    )  # fmt: skip
    right = [3 * values**2, 6 * values, 6 * values * u, (3 * values**2 * u).sum(),
             6 * values * u, (6 * values * u**2).sum(), np.full(3, 6.0)]  # fmt: skip
    for actual, expected in zip(found, right, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_loaded_graph_is_differentiated_by_it(tmp_path: Path) -> None:
    """The gradient is in the file: a graph from there is differentiated by it, not by its nodes."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    y = df.custom_gradient(lambda x: (df.round(x), lambda c: c * 7))(x)
    df.save(b.build({"y": y.sum()}), tmp_path / "graph.arrow")
    graph = df.load(tmp_path / "graph.arrow")
    assert isinstance(graph, df.Graph)
    slopes = df.differentiate(graph, of="y", wrt="x")
    plan = df.compile(slopes, dims={"n": 2})
    found = df.Runner(plan).run(x=np.array([0.2, 1.7]))
    assert [array.tolist() for array in found.values() if array.ndim] == [[7.0, 7.0]]


def test_plan_has_the_function_s_own_steps(tmp_path: Path) -> None:
    """A plan of the value is the plain function's; its gradient's gives the reference's bits."""
    plans = []
    for function in (df.custom_gradient(cube), lambda x: x * x * x):
        b = df.GraphBuilder()
        x = b.input("x", (4,), "float64")
        plans.append(df.compile(b.build({"y": function(x)})))
    assert [step.op for step in plans[0].steps] == [step.op for step in plans[1].steps]
    assert plans[0].peak == plans[1].peak
    b = df.GraphBuilder()
    x = b.input("x", (4,), "float64")
    y = df.custom_gradient(cube)(df.sin(x)).sum()
    ends = {"y": y, "slope": df.grad(y, x), "curve": df.hessian(y, x)}
    plan = df.compile(b.build(ends))
    df.save(plan, tmp_path / "plan.arrow")
    loaded = df.load(tmp_path / "plan.arrow")
    assert isinstance(loaded, df.Plan)
    values = np.array([0.1, 2.0, -1.0, 0.0])
    found = df.Runner(loaded, poison=True).run(x=values)
    for actual, expected in zip(found.values(), df.evaluate(*ends.values(), x=values), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_batches_and_loops() -> None:
    """Under vmap and in a scan, each example and each step has the given gradient."""
    x = constant([[0.5, 1.0], [2.0, 3.0]])
    w = x.builder.constant(np.asarray(2.0))
    reverse = df.custom_gradient(lambda x, w: (x * w, lambda c: (-c * w, (c * x).sum())))
    rows = df.vmap(lambda row: df.grad(reverse(row, w).sum(), row))(x)
    assert df.evaluate(rows).tolist() == [[-2.0, -2.0], [-2.0, -2.0]]
    last, _ = df.scan(lambda c, row: (reverse(c, row), None), w, w.builder.constant(np.ones(3) * 3))
    assert float(df.evaluate(df.grad(last, w))) == -27.0


def test_gradient_that_is_not_linear_has_no_forward_mode() -> None:
    """A clipped gradient works in reverse mode, and is refused in forward mode, with the remedy."""
    x = constant([1.0, 2.0])
    clipped = df.custom_gradient(lambda x: (x * x, lambda c: df.clip(c, -1, 1) * 2 * x))
    y = clipped(x)
    np.testing.assert_array_equal(df.evaluate(df.vjp(y, x, np.array([9.0, 0.5]))), [2.0, 2.0])
    with pytest.raises(
        GradientError, match="no forward mode by its gradient; use reverse mode: it isn't linear"
    ):
        df.jvp(y, x, np.ones(2))


def test_several_arguments_and_results_in_trees() -> None:
    """Arguments and results may be nested, cotangents left out, and integers have none."""
    b = df.GraphBuilder()
    x, y, k = b.constant(2.0, dtype="float64"), b.constant(3.0, dtype="float64"), b.constant(4)

    def function(pair: dict[str, df.Tensor], k: df.Tensor) -> Any:  # noqa: ANN401
        def pull(cotangents: Any) -> Any:  # noqa: ANN401
            of_product, of_count = cotangents
            assert of_count is None
            return {"x": of_product * 10, "y": None}, None

        return (pair["x"] * pair["y"], k + 1), pull

    product, count = df.custom_gradient(function)({"x": x, "y": y}, k)
    found = df.evaluate(product, count, *df.grad(product, (x, y)))
    assert [float(value) for value in found] == [6.0, 5.0, 10.0, 0.0]


def test_what_is_read_from_outside_has_no_gradient() -> None:
    """A derivative by a captured tensor is refused, not taken for zero; stop_gradient allows it."""
    x = constant([1.0])
    w = x.builder.constant(np.array([3.0]))
    y = df.custom_gradient(lambda x: (x * w, lambda c: c * w))(x)
    assert df.evaluate(df.grad(y.sum(), x)).tolist() == [3.0]
    message = "reads from outside .* make it an argument"
    with pytest.raises(GradientError, match=message):
        df.grad(y.sum(), w)
    with pytest.raises(GradientError, match=message):
        df.jvp(y, w, np.ones(1))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: x, GraphError, "returns its value and a function"),
        (lambda x: (x, x), GraphError, "returns its value and a function"),
        (lambda x: (x, lambda c: (c, c)), GraphError, "2 cotangents of 1 arguments"),
        (lambda x: (x, lambda c: {"x": c}), GraphError, "has another form than what it is for"),
        (lambda x: (x, lambda c: c[:1]), ShapeError, "the cotangent of argument 0 is"),
        (lambda x: (x, lambda c: c.astype("float32")), DTypeError, r"is float32\[5\]"),
    ],
)
def test_function_that_breaks_its_word_is_refused(
    function: Any, error: type[Exception], message: str  # noqa: ANN401
) -> None:  # fmt: skip
    """What is no value with a gradient is refused where it is called, with the user's line."""
    with pytest.raises(
        error, match=rf"custom_gradient.* \(test_custom_gradient.py:\d+\).*{message}"
    ):
        df.custom_gradient(function)(constant())
