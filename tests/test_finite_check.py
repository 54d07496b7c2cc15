"""``Runner(plan, check="finite")``: the step that makes the first NaN or infinity is named."""

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import NonFiniteError, RunError, StateError


def checked(graph: df.Graph, **dims: int) -> df.Runner:
    """Return a runner that looks for NaN and infinity."""
    return df.Runner(df.compile(graph, dims=dims), check="finite")


def logarithm() -> df.Graph:
    """Return a graph of a logarithm between other steps."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    y = df.log(x * 2) + 1
    return b.build(outputs={"y": y * y})


def test_finite_runs_are_as_always() -> None:
    """Without a fault the results are the same bits."""
    graph, x = logarithm(), np.array([1, 2, 3], np.float32)
    expected = df.Runner(df.compile(graph)).run(x=x)["y"]
    assert checked(graph).run(x=x)["y"].tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("value", "made"), [(-1.0, "NaN of finite operands"), (0.0, "infinity of finite operands")]
)
def test_first_fault_is_named(value: float, made: str) -> None:
    """The message has the node, the user's line and the place, though later steps are NaN too."""
    line = logarithm.__code__.co_firstlineno + 4
    says = rf"'log_0' \(op 'log', test_finite_check.py:{line}\), made the first {made} at \(1,\)"
    with pytest.raises(NonFiniteError, match=says):
        checked(logarithm()).run(x=[1, value, 3])


def test_fault_in_the_reverse_sweep() -> None:
    """A gradient that isn't finite though the result is names the forward node and its line."""
    b = df.GraphBuilder()
    x = b.input("x", (2,), "float64")
    y = df.cbrt(x)
    graph = b.build(outputs={"y": y, "slope": df.grad(y.sum(), x)})
    line = test_fault_in_the_reverse_sweep.__code__.co_firstlineno + 4
    says = rf"test_finite_check.py:{line}\), in the reverse sweep of node '{y.node}', made"
    with pytest.raises(NonFiniteError, match=says):
        checked(graph).run(x=[1.0, 0.0])


def test_infinity_on_its_way_is_not_blamed() -> None:
    """A mask of minus infinities passes; the step that makes a NaN of one is named."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    mask = b.constant([0.0, -np.inf, 0.0])
    weights = df.nn.softmax(x + mask)
    assert checked(b.build(outputs={"y": weights})).run(x=[1, 2, 3])["y"][1] == 0
    rest = (x + mask) - (x + mask).max()
    lost = rest * b.constant([1.0, 0.0, 1.0])
    with pytest.raises(NonFiniteError, match=r"'multiply_0'.*first NaN of infinite operands"):
        checked(b.build(outputs={"y": lost})).run(x=[1, 2, 3])


def test_feeds_are_checked() -> None:
    """A NaN that was fed is the caller's: the message names the input and the place."""
    with pytest.raises(NonFiniteError, match=r"input 'x' was fed NaN at \(2,\)"):
        checked(logarithm()).run(x=[1, 2, np.nan])


def test_variables_are_whole_after_a_fault() -> None:
    """A fault before the first update leaves the variables as they were."""
    b = df.GraphBuilder()
    x = b.input("x", (2,))
    total = b.variable("total", np.zeros(2, np.float32))
    b.update(total, total + df.log(x))
    runner = checked(b.build(outputs={"x": x}))
    runner.run(x=[1, 2])
    before = runner.state["total"]
    with pytest.raises(NonFiniteError):
        runner.run(x=[1, -2])
    try:
        after = runner.state["total"]
    except StateError:
        pytest.fail("the state is torn")
    assert after.tobytes() == before.tobytes()


def test_unknown_check_is_refused() -> None:
    """Another word is an error that says which there are."""
    with pytest.raises(RunError, match="check is 'finite' or ''"):
        df.Runner(df.compile(logarithm()), check="nan")
