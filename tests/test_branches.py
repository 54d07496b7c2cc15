"""Choices at run time: what is computed, derivatives, memory, and branches that disagree."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError

X = np.array([0.5, -1.5, 2.0])


def piecewise(x: df.Tensor) -> df.Tensor:
    """Return a scalar of three branches, which read `x` from outside and as an operand."""
    place = (x.sum() * 2).astype("int64")
    found: df.Tensor = df.switch(
        place, [(x * x).sum, lambda: df.sin(x).sum(), lambda: x[0] * x[1] * x[2]]
    )
    return found


@pytest.mark.parametrize("shift", [-1.0, 0.2, 3.0])
def test_branch_taken_is_differentiated(shift: float, tmp_path: Path) -> None:
    """Value, gradient and Hessian are those of the branch that the data choose, from a file too."""
    b = df.GraphBuilder()
    x = b.input("x", (3,), "float64")
    y = piecewise(x)
    graph = b.build(outputs={"y": y, "slope": df.grad(y, x), "curve": df.hessian(y, x)})
    df.save(graph, tmp_path / "graph.arrow")
    df.save(df.compile(graph), tmp_path / "plan.arrow")
    loaded = df.load(tmp_path / "plan.arrow")
    assert isinstance(loaded, df.Plan)
    found = df.Runner(loaded, poison=True).run(x=X + shift)
    c = df.GraphBuilder()
    x = c.constant(X + shift)
    place = min(max(int((X + shift).sum() * 2), 0), 2)
    plain = ((x * x).sum(), df.sin(x).sum(), x[0] * x[1] * x[2])[place]
    expected = df.evaluate(plain, df.grad(plain, x), df.hessian(plain, x))
    for actual, right in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(actual, right, rtol=1e-14, atol=1e-15)


def test_branch_not_taken_is_not_computed() -> None:
    """A branch that would fail on these data doesn't, unless it is taken."""
    b = df.GraphBuilder()
    index = b.input("index", (), "int64")
    table = b.constant([1.0, 2.0])
    y = df.cond(index < 2, lambda: df.take(table, index), lambda: table[0] * 0)
    bad = df.cond(index < 2, lambda: table[0], lambda: df.take(table, index))
    plan = df.compile(b.build(outputs={"y": y}))
    assert df.Runner(plan).run(index=1)["y"] == 2
    assert df.Runner(plan).run(index=7)["y"] == 0
    with pytest.raises(KernelError, match="switch"):
        df.Runner(df.compile(b.build(outputs={"bad": bad}))).run(index=7)


def test_arena_is_the_larger_branch_s() -> None:
    """Two branches of the same size need the memory of one."""
    b = df.GraphBuilder()
    x = b.input("x", (1000,), "float64")

    def heavy(t: df.Tensor) -> df.Tensor:
        return (df.sort(t) * df.cumsum(t)).sum()

    one = df.compile(b.build(outputs={"y": heavy(x)})).peak
    two = df.cond(x[0] > 0, lambda: heavy(x), lambda: heavy(-x))
    assert df.compile(b.build(outputs={"y": two})).peak <= one + 8000 + 256


def test_nested_results_and_operands() -> None:
    """Operands and results may be dictionaries and tuples, results numbers and outer tensors."""
    b = df.GraphBuilder()
    x, flag = b.constant(X), b.constant(True)  # noqa: FBT003 - an array's value
    found = df.cond(
        flag,
        lambda pair: {"a": pair["x"] + 1, "b": (x, 3.0)},
        lambda pair: {"a": pair["y"], "b": (pair["x"] * 2, 4.0)},
        {"x": x, "y": x * x},
    )
    np.testing.assert_array_equal(df.evaluate(found["a"]), X + 1)
    np.testing.assert_array_equal(df.evaluate(found["b"][0]), X)
    assert df.evaluate(found["b"][1]) == 3


def test_examples_of_a_batch_choose_for_themselves() -> None:
    """Under `vmap`, each example takes its own branch; a shared choice stays one."""
    b = df.GraphBuilder()
    x = b.constant(np.array([[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0]]))
    w = b.constant(2.0, dtype="float64")

    def one(row: df.Tensor) -> Any:  # noqa: ANN401
        return df.cond(row[0] > 0, lambda: row.sum() * w, lambda: df.vdot(row, row))

    each = df.vmap(one)(x)
    assert df.evaluate(each).tolist() == [6.0, 25.0, -2.0]
    assert df.evaluate(df.grad(each.sum(), w)) == 2.0
    shared = df.vmap(lambda row: df.cond(w > 0, lambda: row * w, lambda: row))(x)
    np.testing.assert_array_equal(df.evaluate(shared), 2 * df.evaluate(x))
    graph = b.build(outputs=[shared])
    assert graph.node(shared.node).op == "switch"


def test_choice_within_a_loop() -> None:
    """A loop whose steps choose is what it is in Python, with its gradient."""
    b = df.GraphBuilder()
    x = b.constant(X)

    def step(carry: df.Tensor, row: df.Tensor) -> Any:  # noqa: ANN401
        new = df.cond(row > 0, lambda c: c * row, lambda c: c - row, carry)
        return new, new

    last, _ = df.scan(step, b.constant(1.0, dtype="float64"), x)
    assert df.evaluate(last) == (0.5 + 1.5) * 2.0
    np.testing.assert_array_equal(df.evaluate(df.grad(last, x)), [2.0, -2.0, 2.0])


def test_branches_that_disagree_are_refused() -> None:
    """Another form, shape or dtype is named with the branch, at the user's line."""
    b = df.GraphBuilder()
    x = b.constant(X)
    flag = x[0] > 0
    with pytest.raises(ShapeError, match=r"test_branches.*branch 1 gives float64\[3\], branch 0 f"):
        df.cond(flag, lambda: x, lambda: x[:2])
    with pytest.raises(DTypeError, match="branch 1 gives float32"):
        df.cond(flag, lambda: x.astype("float32"), lambda: x)
    with pytest.raises(GraphError, match=r"branch 1 gives \('…', '…'\), branch 0 …"):
        df.cond(flag, lambda: (x, x), lambda: x)
    with pytest.raises(DTypeError, match="the condition is a bool scalar"):
        df.cond(x > 0, lambda: x, lambda: x)
    with pytest.raises(DTypeError, match="the index is an integer scalar"):
        df.switch(x[0], [lambda: x])
    with pytest.raises(GraphError, match="no branch to choose"):
        df.switch(x[0].astype("int64"), [])


def test_state_within_a_branch_is_refused() -> None:
    """An update in a branch is an error and is dropped; a layer's variables are not."""
    b = df.GraphBuilder()
    x = b.constant(X)
    w = b.variable("w", X)
    with pytest.raises(GraphError, match="the update of variable 'w'"):
        df.cond(x[0] > 0, lambda: (b.update(w, x * 2), x)[1], lambda: x)  # type: ignore[func-returns-value]
    b.update(w, x)
    layer = df.nn.Dense(2)
    wide = x[None].astype("float32")
    made = df.cond(x[0] > 0, lambda: layer(wide), lambda: layer(-wide))
    assert [v.node for v in b.variables] == ["w", "dense.weight", "dense.bias"]
    assert df.Runner(df.compile(b.build(outputs={"made": made}))).run()["made"].shape == (1, 2)
