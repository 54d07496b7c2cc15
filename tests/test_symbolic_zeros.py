"""Zeros that are known are no nodes: sweeps declare nothing that nothing needs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import GradientError
from dataflow.operation import Absent
from tests.cases import CASES, Case, together

RNG = np.random.default_rng(12)
W = RNG.normal(size=(4, 4)) / 3


def leading_to(b: df.GraphBuilder, tensors: Sequence[df.Tensor]) -> set[str]:
    """Return the nodes that tensors depend on."""
    found: set[str] = set()
    stack = [tensor.node for tensor in tensors]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [tensor.node for tensor in b.application(name).inputs]
    return found


def declared_by(b: df.GraphBuilder, sweep: Callable[[], Any]) -> tuple[Any, set[str]]:
    """Return what a sweep gives, and the nodes that it declares."""
    before = set(b.build({"x": b.tensor("x")}).dag)
    found = sweep()
    return found, set(b.build({"x": b.tensor("x")}).dag) - before


def large_graph() -> tuple[df.GraphBuilder, df.Tensor, df.Tensor]:
    """Return a builder, an input and a scalar of a graph of a thousand nodes and many ops."""
    b = df.GraphBuilder()
    x, w = b.input("x", (4, 4), "float64"), b.constant(W)
    steps: list[Callable[[df.Tensor], df.Tensor]] = [
        lambda t: df.tanh(t @ w),
        lambda t: df.where(t > 0, t, 0.1 * t),
        lambda t: df.concat(list(df.split(df.sin(t), 2)), axis=0),
        lambda t: t - t.mean(axis=1, keepdims=True),
        lambda t: df.floor(t) * 0.01 + t,
        lambda t: df.sort(t, axis=0) + df.argmax(t, axis=1).astype("float64"),
        lambda t: df.stop_gradient(df.exp(-t * t)) * t,
        lambda t: df.linalg.svd(t + w, full_matrices=False)[1] * t,
        lambda t: df.checkpoint(lambda u: df.sin(u) * u.sum())(t) * 0.1,
        lambda t: df.scan(lambda c, row: (c * 0.5 + row, c), t[0], t)[1],
        lambda t: df.cond(t.sum() > 0, lambda: t * 0.9, lambda: -t),
        lambda t: df.custom_gradient(lambda u: (df.round(u), lambda c: c))(t) + t,
        lambda t: df.take(t, [3, 1, 0, 2], axis=0).T * 0.5,
        lambda t: df.cumsum(t, axis=1) * 0.2,
    ]
    h = x
    while len(b.build({"h": h}).dag) < 1000:
        for step in steps:
            h = step(h)
    return b, x, (h * h).sum()


def test_gradient_of_a_thousand_nodes_has_no_dead_one() -> None:
    """Each node of the reverse sweep leads to the gradient; so does each of a second one."""
    b, x, loss = large_graph()
    gradient, made = declared_by(b, lambda: df.grad(loss, x))
    assert len(made) > 1000
    assert made <= leading_to(b, [gradient])
    pushed, made = declared_by(b, lambda: df.jvp(gradient, x, np.ones((4, 4))))
    assert made <= leading_to(b, [pushed])


def test_what_is_not_asked_for_is_not_computed() -> None:
    """The gradient by one of many tensors has the nodes that lead to it alone."""
    b = df.GraphBuilder()
    x = b.input("x", (4, 4), "float64")
    many = [b.constant(W * i) for i in range(1, 30)]
    h = x
    for w in many:
        h = df.tanh(h @ w)
    loss = h.sum()
    last, made = declared_by(b, lambda: df.grad(loss, many[-1]))
    assert len(made) < 12
    assert made <= leading_to(b, [last])


@pytest.mark.parametrize(
    ("function", "most"),
    [
        (lambda x, y: x * 2, 0),
        (lambda x, y: x + df.floor(y), 0),
        (lambda x, y: x + df.stop_gradient(y), 0),
        (lambda x, y: x * y.shape[0], 0),
        (lambda x, y: df.split(df.concat([x, y]), 2)[0], None),
    ],
)
def test_zeros_are_one_node(function: Any, most: int | None) -> None:  # noqa: ANN401
    """A gradient that is zero is the zeros that the user gets, and nothing that leads there."""
    b = df.GraphBuilder()
    x, y = b.input("x", (4,), "float64"), b.constant(np.ones(4))
    loss = function(x, y).sum()
    gradient, made = declared_by(b, lambda: df.grad(loss, y))
    assert made <= leading_to(b, [gradient])
    if most is not None:
        assert len(made) <= 2  # a zero, and the broadcast to its shape
    np.testing.assert_array_equal(df.evaluate(gradient, x=np.ones(4)), np.zeros(4))


@together([case for case in CASES if not isinstance(case.op.vjp, Absent)])
def test_sweeps_through_each_op_declare_nothing_for_nothing(case: Case) -> None:
    """Whichever result is differentiated by whichever input, each node leads to the gradient."""
    b = df.GraphBuilder()
    arrays = case.sample.inputs
    inputs = [b.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    outputs = b.apply(case.op, inputs, case.sample.attrs)
    b.input("x", ())
    for output in (t for t in outputs if t.spec.is_float):
        for tensor in (t for t in inputs if t.spec.is_float):
            seed = b.zeros(output.shape, output.dtype)
            try:
                found, made = declared_by(
                    b, lambda o=output, t=tensor, s=seed: df.grad(o, t, s)  # type: ignore[misc]
                )  # fmt: skip
            except GradientError:
                continue  # refused, with its reason
            assert made <= leading_to(b, [found])
