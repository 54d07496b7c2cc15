"""Functions that the reverse sweep computes again: the same derivatives, in less memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GraphError

X = np.linspace(-1, 1, 24).reshape(4, 6)
W = np.cos(np.arange(36.0)).reshape(6, 6) / 3


def block(x: df.Tensor, w: df.Tensor) -> df.Tensor:
    """Return a few operations, each of which keeps something for its reverse sweep."""
    found: df.Tensor = df.tanh(df.exp(df.sin(x @ w)) - 1)
    return found


def chain(function: Callable[..., df.Tensor], x: df.Tensor, w: df.Tensor, depth: int) -> df.Tensor:
    """Return a scalar of the same block again and again."""
    for _ in range(depth):
        x = function(x, w)
    total: df.Tensor = (x * x).sum()
    return total


def derivatives(function: Callable[..., df.Tensor]) -> tuple[Any, ...]:
    """Return value, gradients, a product with the Hessian, and a tangent."""
    b = df.GraphBuilder()
    x, w = b.constant(X), b.constant(W)
    loss = chain(function, x, w, 3)
    both = df.hvp(loss, (x, w), (np.sin(X), np.cos(W)))
    return df.evaluate(  # type: ignore[no-any-return]
        loss, *df.grad(loss, (x, w)), *both, df.jvp(loss, (x, w), (np.sin(X), np.cos(W)))
    )


def test_derivatives_are_the_plain_function_s() -> None:
    """Values and gradients have the same bits, second derivatives and tangents the same digits."""
    plain, again = derivatives(block), derivatives(df.checkpoint(block))
    for actual, expected in zip(again[:3], plain[:3], strict=True):
        np.testing.assert_array_equal(actual, expected)
    for actual, expected in zip(again[3:], plain[3:], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


def test_peak_grows_with_arguments_alone() -> None:
    """Each further block costs the gradient one array where it is checkpointed, else five."""

    def peak(function: Callable[..., df.Tensor], depth: int) -> int:
        b = df.GraphBuilder()
        x, w = b.input("x", (1000, 6), "float64"), b.variable("w", W)
        slope = df.grad(chain(function, x, w, depth), w)
        return df.compile(b.build({"slope": slope})).peak

    size = 1000 * 6 * 8
    growth = [peak(f, 20) - peak(f, 10) for f in (block, df.checkpoint(block))]
    assert growth[0] >= 10 * 3 * size
    assert growth[1] <= 10 * 1.01 * size


def test_plan_is_the_reference_bit_for_bit(tmp_path: Path) -> None:
    """A compiled gradient, saved and loaded, gives the reference's bits; under vmap too."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("n", 6), "float64"), b.constant(W)
    loss = chain(df.checkpoint(block), x, w, 2)
    rows = df.vmap(lambda row: df.grad(chain(df.checkpoint(block), row, w, 2), row))(x)
    ends = {"loss": loss, "slope": df.grad(loss, x), "rows": rows}
    plan = df.compile(b.build(ends), dims={"n": 4})
    df.save(plan, tmp_path / "plan.arrow")
    expected = df.evaluate(*ends.values(), x=X)
    np.testing.assert_allclose(expected[2], expected[1], rtol=1e-13)
    for one in (plan, df.load(tmp_path / "plan.arrow")):
        assert isinstance(one, df.Plan)
        for actual, right in zip(
            df.Runner(one, poison=True).run(x=X).values(), expected, strict=True
        ):
            np.testing.assert_array_equal(actual, right)


def test_closures_options_and_trees() -> None:
    """Tensors from outside are differentiated, options handed on, and results keep their form."""
    b = df.GraphBuilder()
    x, w = b.constant(X), b.constant(2.0, dtype="float64")

    @df.checkpoint  # type: ignore[untyped-decorator]  # df's functions are lazy
    def both(x: df.Tensor, *, axis: int) -> dict[str, df.Tensor]:
        return {"sum": (x * w).sum(axis=axis), "x": x}

    found = both(x, axis=1)
    assert list(found) == ["sum", "x"]
    assert float(df.evaluate(df.grad(found["sum"].sum(), w))) == pytest.approx(X.sum())
    np.testing.assert_array_equal(df.evaluate(found["x"]), X)


def test_checkpoint_refuses_what_is_no_function_of_tensors() -> None:
    """What isn't callable, arguments of no builder, and updates within are refused."""
    b = df.GraphBuilder()
    with pytest.raises(GraphError, match="takes a function"):
        df.checkpoint(b.constant(1.0))
    with pytest.raises(GraphError, match=r"df\.checkpoint .*in which graph"):
        df.checkpoint(block)(X, W)
    v = b.variable("v", W)

    def update(x: df.Tensor) -> df.Tensor:
        b.update(v, x)
        return x

    with pytest.raises(GraphError, match="the update of variable 'v'"):
        df.checkpoint(update)(v * 2)
