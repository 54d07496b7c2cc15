"""Loops that a condition ends: values, derivatives of every order, memory, and bad input."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, GraphError, RunError, ShapeError
from dataflow.operation import Op
from dataflow.ops.revolve import runs_again
from dataflow.registry import get_op

X = np.array([0.9, 0.4, 0.6])
W = np.array([0.3, 0.8, 0.5])
STEPS = 7


def constants(*values: ArrayLike) -> tuple[df.Tensor, ...]:
    """Return constants of one builder, arrays in their own dtype."""
    b = df.GraphBuilder()
    return tuple(b.constant(value) for value in values)


def looped(x: df.Tensor, w: df.Tensor, **options: int | None) -> df.Tensor:
    """Return a scalar of the carry that a loop of seven steps ends with."""
    scale = 0.3 * df.cos(w)  # depends on no step: a closure

    def body(carry: tuple[df.Tensor, df.Tensor]) -> tuple[df.Tensor, df.Tensor]:
        c, k = carry
        return df.sin(c) * w + scale * c * c, k + 1

    last, _ = df.while_loop(lambda carry: carry[1] < STEPS, body, (x, 0), **options)
    total: df.Tensor = (last * last).sum()
    return total


def unrolled(x: df.Tensor, w: df.Tensor) -> df.Tensor:
    """Return the same with a node for every operation of every step."""
    scale = 0.3 * df.cos(w)
    for _ in range(STEPS):
        x = df.sin(x) * w + scale * x * x
    total: df.Tensor = (x * x).sum()
    return total


def first(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return the gradients."""
    found: tuple[df.Tensor, ...] = df.grad(loss, wrt)
    return found


def reverse_over_reverse(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return gradients of a sum over the gradients' sines."""
    return first(sum((df.sin(g).sum() for g in first(loss, *wrt)), loss * 0), *wrt)


def third(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return gradients of a sum over the second derivatives' sines."""
    return first(sum((df.sin(g).sum() for g in reverse_over_reverse(loss, *wrt)), loss * 0), *wrt)


def forward_over_reverse(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return products with the Hessian."""
    found: tuple[df.Tensor, ...] = df.hvp(loss, wrt, [np.cos(X), np.sin(W)])
    return found


def reverse_over_forward(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return the gradients of the change along a direction."""
    return first(df.jvp(loss, wrt, [np.cos(X), np.sin(W)]), *wrt)


def forward_twice(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return the change along a direction, and its own change along it."""
    once = df.jvp(loss, wrt, [np.cos(X), np.sin(W)])
    return once, df.jvp(once, wrt, [np.cos(X), np.sin(W)])


DERIVATIVES = [first, reverse_over_reverse, third, forward_over_reverse, reverse_over_forward,
               forward_twice]  # fmt: skip


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_loop_is_its_steps_unrolled(derivative: Callable[..., tuple[df.Tensor, ...]]) -> None:
    """Values and derivatives at every order and in both modes are the unrolled graph's."""
    found = []
    for function in (looped, unrolled):
        x, w = constants(X, W)
        loss = function(x, w)
        found.append(df.evaluate(loss, *derivative(loss, x, w)))
    for actual, expected in zip(*found, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


def test_result_does_not_depend_on_the_slots() -> None:
    """With any number of slots, the reverse sweep gives the same bits."""
    found = set()
    for slots in (1, 2, 3, 50):
        x, w = constants(X, W)
        gradients = first(looped(x, w, checkpoint_slots=slots), x, w)
        found.add(b"".join(array.tobytes() for array in df.evaluate(*gradients)))
    assert len(found) == 1


def test_memory_is_bounded_by_slots_not_by_steps() -> None:
    """The gradient's peak is the same for ten steps and a million, and grows with the slots."""

    def peak(most: int, slots: int) -> int:
        b = df.GraphBuilder()
        x = b.input("x", (1000,), "float64")
        last = df.while_loop(
            lambda c: c.sum() > 1, lambda c: c * 0.5, x, max_steps=most, checkpoint_slots=slots
        )
        graph = b.build({"slope": df.grad((last * last).sum(), x)})
        return df.compile(graph).peak

    assert peak(10, 4) == peak(1_000_000, 4)
    assert peak(1_000_000, 9) - peak(1_000_000, 4) == 5 * 8000


def counted(monkeypatch: pytest.MonkeyPatch, op: Op) -> list[int]:
    """Return a list that grows at each call of an op's kernel."""
    calls: list[int] = []
    kernel = op.kernel

    def wrapped(*args: Any) -> Any:  # noqa: ANN401
        return [(lambda: calls.append(1), ()), *kernel(*args)]

    monkeypatch.setattr("scheduler.expand.get_op", lambda n, v: (
        _with(op, wrapped) if n == op.name else get_op(n, v)))  # fmt: skip
    return calls


def _with(op: Op, kernel: Any) -> Op:  # noqa: ANN401
    return replace(op, kernel=kernel)


@pytest.mark.parametrize(("steps", "slots"), [(1, 1), (9, 2), (40, 3), (40, 60)])
def test_steps_are_run_as_seldom_as_can_be(
    steps: int, slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward once, then as often as the best schedule says, and once where they're pulled back."""
    b = df.GraphBuilder()
    x = b.input("x", (), "float64")
    last, _ = df.while_loop(
        lambda c: c[1] < steps, lambda c: (df.exp(-c[0]) * df.exp(-c[0]), c[1] + 1), (x, 0),
        checkpoint_slots=slots,
    )  # fmt: skip
    plan = df.compile(b.build({"slope": df.grad(last, x)}))
    calls = counted(monkeypatch, get_op("exp"))
    runner = df.Runner(plan)
    calls.clear()
    runner.run(x=0.3)
    assert len(calls) == steps + runs_again(steps, slots) + steps


@pytest.mark.parametrize("most", [None, 5])
def test_plan_is_the_reference_bit_for_bit(most: int | None, tmp_path: Path) -> None:
    """A compiled loop, and sweeps of two orders, give the reference's bits; through files too."""
    b = df.GraphBuilder()
    x, w = b.input("x", ("n",), "float64"), b.variable("w", W[:1])
    loss = looped(x, w, checkpoint_slots=2, max_steps=most)
    gradient = df.grad(loss, w)
    b.update(w, w - 0.1 * gradient)
    ends = {"loss": loss, "gradient": gradient, "curve": df.grad(gradient.sum(), x)}
    graph = b.build(ends)
    plan = df.compile(graph, dims={"n": 3})
    df.save(plan, tmp_path / "plan.arrow")
    df.save(graph, tmp_path / "graph.arrow")
    loaded, again = df.load(tmp_path / "plan.arrow"), df.load(tmp_path / "graph.arrow")
    assert isinstance(loaded, df.Plan)
    assert isinstance(again, df.Graph)
    assert (loaded.digest(), again.digest()) == (plan.digest(), graph.digest())
    expected = df.evaluate(*ends.values(), x=X)
    for one in (plan, loaded, df.compile(again, dims={"n": 3})):
        runner = df.Runner(one, poison=True)
        for actual, right in zip(runner.run(x=X).values(), expected, strict=True):
            assert actual.tobytes() == right.tobytes()


@pytest.mark.parametrize("most", [1, 4, 5, 6])
@pytest.mark.parametrize("start", [0, 3, 4, 9])
def test_numbers_of_steps(start: int, most: int) -> None:
    """No step, one, odd and even numbers, and the bound: values and slopes are right."""
    b = df.GraphBuilder()
    x = b.input("x", (), "float64")
    k = b.input("k", (), "int64")
    last, count = df.while_loop(
        lambda c: c[1] < 5, lambda c: (c[0] * 3, c[1] + 1), (x, k), max_steps=most,
        checkpoint_slots=2,
    )  # fmt: skip
    graph = b.build({"last": last, "count": count, "slope": df.grad(last, x)})
    found = df.Runner(df.compile(graph), poison=True).run(x=2.0, k=start)
    steps = min(max(5 - start, 0), most)
    assert found == {"last": 2.0 * 3**steps, "count": start + steps, "slope": 3.0**steps}


def root(a: df.Tensor) -> df.Tensor:
    """Return a square root by Newton's iteration."""
    found: df.Tensor = df.while_loop(
        lambda x: abs(x * x - a) > 1e-13 * a, lambda x: (x + a / x) / 2, a, max_steps=40
    )
    return found


def test_examples_step_together_under_vmap() -> None:
    """Each example ends by its own condition; slopes of two orders are each example's own."""
    (a,) = constants(np.array([2.0, 9.0, 1e4, 1.5]))
    roots = df.vmap(root)(a)
    slopes = df.vmap(lambda v: df.grad(root(v), v))(a)
    curves = df.vmap(lambda v: df.grad(df.grad(root(v), v), v))(a)
    again = df.grad(df.grad(roots.sum(), a).sum(), a)
    values = np.array([2.0, 9.0, 1e4, 1.5])
    found = df.evaluate(roots, slopes, curves, again, df.grad(roots.sum(), a))
    right = [values**0.5, 0.5 * values**-0.5, -0.25 * values**-1.5, -0.25 * values**-1.5,
             0.5 * values**-0.5]  # fmt: skip
    for actual, expected in zip(found, right, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_jacobians_go_through_loops() -> None:
    """Both modes give the Jacobian of an iteration in several variables."""
    found = []
    for function in (df.jacrev, df.jacfwd):
        x, w = constants(X, W)
        weights = df.sin(w)  # reads `w` now: a body is called at once
        step = partial(df.multiply, weights)
        last = df.while_loop(lambda c: (c * c).sum() > 0.2, step, x, checkpoint_slots=1)
        found.append(df.evaluate(function(last, w)))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_loops_within_loops_and_branches() -> None:
    """A loop's body may hold loops and choices, and all of it is differentiated."""
    x, w = constants(np.array(0.7), np.array(0.3))

    def inner(c: df.Tensor) -> df.Tensor:
        found: df.Tensor = df.while_loop(lambda v: v > 0.5, lambda v: v * (1 - w * v), c)
        return found

    def body(carry: tuple[df.Tensor, df.Tensor]) -> Any:  # noqa: ANN401
        c, k = carry
        return df.cond(k % 2 == 0, lambda: inner(c) + 0.4, lambda: df.sin(c)), k + 1

    last, _ = df.while_loop(lambda carry: carry[1] < 4, body, (x, 0))
    slope = df.grad(last, w)
    h = 1e-6
    values = []
    for shift in (h, -h):
        x, w = constants(np.array(0.7), np.array(0.3 + shift))
        values.append(float(df.evaluate(df.while_loop(lambda c: c[1] < 4, body, (x, 0))[0])))
    assert abs(float(df.evaluate(slope)) - (values[0] - values[1]) / (2 * h)) < 1e-7


def test_loop_without_bound_says_so() -> None:
    """A runner that is given a bound of calls refuses a loop that has none, and counts others."""
    b = df.GraphBuilder()
    x = b.input("x", (), "float64")
    free = df.while_loop(lambda c: c > 1, lambda c: c * 0.5, x)
    bounded = df.while_loop(lambda c: c > 1, lambda c: c * 0.5, x, max_steps=10)
    graph = b.build({"free": free, "slope": df.grad(bounded, x)})
    with pytest.raises(RunError, match="calls that no max_steps bounds"):
        df.Runner(df.compile(graph), max_calls=10**9)
    plan = df.compile(graph, outputs=["slope"])
    # Two steps; the condition, the step, the step again, and its reverse are a call each.
    assert plan.calls == 2 + 11 + 10 + runs_again(10, 10) + 10
    df.Runner(plan, max_calls=plan.calls)


ENDLESS = """
import dataflow as df
b = df.GraphBuilder()
x = b.input("x", (), "float64")
runner = df.Runner(df.compile(b.build({"y": df.while_loop(lambda c: c > 0, lambda c: c * 1.0, x)})))
print("ready", flush=True)
try:
    runner.run(x=1.0)
except KeyboardInterrupt:
    print(runner.run(x=-1.0)["y"])
"""


def test_endless_loop_can_be_interrupted() -> None:
    """Ctrl-C ends a loop that doesn't end, and the runner runs again."""
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # the loop is under way
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "-1.0\n"


def test_loop_refuses_what_is_no_loop() -> None:
    """Conditions, carries and options that can't be are refused, with the remedy."""
    (x,) = constants(X)
    with pytest.raises(DTypeError, match=r"a bool scalar, not bool\[3\]: compare, and join"):
        df.while_loop(lambda c: c > 0, lambda c: c, x)
    with pytest.raises(DTypeError, match=r"a bool scalar, not float64\[\]"):
        df.while_loop(lambda c: c.sum(), lambda c: c, x)
    with pytest.raises(ShapeError, match=r"df\.while_loop .*the carry .* the next"):
        df.while_loop(lambda c: c.sum() > 0, lambda c: c[:2], x)
    with pytest.raises(DTypeError, match=r"use \.astype\('float64'\)"):
        df.while_loop(lambda c: c.sum() > 0, lambda c: c.astype("float32"), x)
    with pytest.raises(GraphError, match="the next one"):
        df.while_loop(lambda c: c.sum() > 0, lambda c: (c, c), x)
    for options in ({"max_steps": 0}, {"checkpoint_slots": 0}, {"checkpoint_slots": 1.5}):
        with pytest.raises(ArgumentError, match=next(iter(options))):
            df.while_loop(lambda c: c.sum() > 0, lambda c: c, x, **options)
    with pytest.raises(GraphError, match="has two bodies, not 0"):
        x.builder.apply(get_op("while"), [x], df.Attrs(bodies=(), carries=0, most=(), slots=1))
