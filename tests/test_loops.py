"""Loops: what they compute, their derivatives and memory, and what a body may not do."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import dataflow as df
from dataflow.errors import DTypeError, GraphError, KernelError, PlanError, ShapeError
from scheduler.verify import verify

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 3))
W = RNG.normal(size=(3, 3))


def constants(*values: ArrayLike) -> tuple[df.Tensor, ...]:
    """Return constants of one builder, arrays in their own dtype."""
    b = df.GraphBuilder()
    return tuple(b.constant(value) for value in values)


def cell(w: df.Tensor) -> Callable[[df.Tensor, df.Tensor], tuple[df.Tensor, df.Tensor]]:
    """Return a step of a small recurrent net, which reads weights from outside."""

    def step(h: df.Tensor, row: df.Tensor) -> tuple[df.Tensor, df.Tensor]:
        new = df.tanh(df.matmul(w, h) + row)
        return new, (new * new).sum()

    return step


def looped(w: df.Tensor, x: df.Tensor, start: df.Tensor) -> df.Tensor:
    """Return a scalar of the whole recurrence, as one node."""
    last, squares = df.scan(cell(w), start, x)
    total: df.Tensor = last.sum() + squares.sum()
    return total


def unrolled(w: df.Tensor, x: df.Tensor, start: df.Tensor) -> df.Tensor:
    """Return the same with a node for every operation of every step."""
    step, total, h = cell(w), start.sum() * 0, start
    for index in range(len(x)):
        h, square = step(h, x[index])
        total = total + square
    return h.sum() + total


def first_order(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return the gradients."""
    found: tuple[df.Tensor, ...] = df.grad(loss, wrt)
    return found


def second_order(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return reverse over reverse: the gradients of a sum over the gradients' sines."""
    total = sum((df.sin(g).sum() for g in df.grad(loss, wrt)), loss * 0)
    return first_order(total, *wrt)


def direction(tensor: df.Tensor) -> np.ndarray:
    """Return an array of a tensor's shape."""
    shape = tensor.spec.static_shape
    return np.asarray(np.sin(np.arange(float(np.prod(shape)))).reshape(shape))


def forward_over_reverse(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return products of the Hessian."""
    found: tuple[df.Tensor, ...] = df.hvp(loss, wrt, list(map(direction, wrt)))
    return found


def forward_mode(loss: df.Tensor, *wrt: df.Tensor) -> tuple[df.Tensor, ...]:
    """Return the change along a direction, and its own change along it."""
    directions = list(map(direction, wrt))
    once = df.jvp(loss, wrt, directions)
    return once, df.jvp(once, wrt, directions)


@pytest.mark.parametrize(
    "derivative", [first_order, second_order, forward_over_reverse, forward_mode]
)
def test_loop_is_its_steps_unrolled(derivative: Callable[..., tuple[df.Tensor, ...]]) -> None:
    """Values and derivatives at every order and in both modes are the unrolled graph's."""
    found = []
    for function in (looped, unrolled):
        w, x, start = constants(W, X, X[0])
        loss = function(w, x, start)
        found.append(df.evaluate(loss, *derivative(loss, w, x, start)))
    for actual, expected in zip(*found, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


def test_plan_is_the_reference_bit_for_bit(tmp_path: Path) -> None:
    """A compiled loop, and its sweeps, give the reference's bits; through a file too."""
    b = df.GraphBuilder()
    x = b.input("x", ("steps", 3), "float64")
    w = b.variable("w", W)
    loss = looped(w, x, b.constant(X[0]))
    gradient = df.grad(loss, w)
    b.update(w, w - 0.1 * gradient)
    graph = b.build(outputs={"loss": loss, "gradient": gradient})
    plan = df.compile(graph, dims={"steps": 6})
    df.save(plan, tmp_path / "plan.arrow")
    df.save(graph, tmp_path / "graph.arrow")
    loaded, again = df.load(tmp_path / "plan.arrow"), df.load(tmp_path / "graph.arrow")
    assert isinstance(loaded, df.Plan)
    assert isinstance(again, df.Graph)
    assert (loaded.digest(), again.digest()) == (plan.digest(), graph.digest())
    expected = df.evaluate(loss, gradient, x=X)
    for one in (plan, loaded, df.compile(again, dims={"steps": 6})):
        runner = df.Runner(one, poison=True)
        for actual, right in zip(runner.run(x=X).values(), expected, strict=True):
            assert actual.tobytes() == right.tobytes()
        np.testing.assert_array_equal(runner.state["w"], W - 0.1 * expected[1])


@pytest.mark.parametrize("length", [0, 1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_and_directions(length: int, *, reverse: bool) -> None:
    """Odd and even lengths, one step and none, in either direction, are right in a plan."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",), "float64")
    last, sums = df.scan(
        lambda c, row: (c * 2 + row, c), b.constant(1.0, dtype="float64"), x, reverse=reverse
    )
    slope = df.grad(last + sums.sum(), x)
    graph = b.build(outputs={"last": last, "sums": sums, "slope": slope})
    rows = np.arange(1.0, length + 1)
    found = df.Runner(df.compile(graph, dims={"n": length}), poison=True).run(x=rows)
    carry, kept = 1.0, np.zeros(length)
    order = range(length)[::-1] if reverse else range(length)
    for index in order:
        kept[index], carry = carry, carry * 2 + rows[index]
    assert found["last"] == carry
    np.testing.assert_array_equal(found["sums"], kept)
    after = [2.0**k + 2.0**k - 1 for k in range(length)]  # in the last carry, and in later rows
    np.testing.assert_array_equal(found["slope"], after if reverse else after[::-1])


def test_several_carries_of_several_dtypes() -> None:
    """Carries and results may be nested, of any dtype, and change places."""
    x, count = constants(X, 0)

    def step(carry: Any, row: df.Tensor) -> Any:  # noqa: ANN401
        a, rest = carry["a"], carry["rest"]
        swapped = {"a": rest[0], "rest": (a + row, rest[1] + 1)}
        return swapped, {"sign": row > 0, "count": rest[1]}

    start = {"a": x[0], "rest": (x[1], count)}
    last, results = df.scan(step, start, x[2:])
    a, b, steps, signs, counts = df.evaluate(
        last["a"], last["rest"][0], last["rest"][1], results["sign"], results["count"]
    )
    np.testing.assert_allclose(a, X[0] + X[2] + X[4])
    np.testing.assert_allclose(b, X[1] + X[3] + X[5])
    assert steps == 4
    np.testing.assert_array_equal(signs, X[2:] > 0)
    assert counts.tolist() == [0, 1, 2, 3]


def test_results_that_are_no_step_s_own() -> None:
    """A carry that stays, a result from outside and a number are allowed."""
    x, w = constants(X, W)
    last, results = df.scan(lambda c, row: (c, (w[0], row, 3)), x[0], x)
    np.testing.assert_array_equal(df.evaluate(last), X[0])
    np.testing.assert_array_equal(df.evaluate(results[0]), np.tile(W[0], (6, 1)))
    assert df.evaluate(results[2]).tolist() == [3] * 6


def test_constants_from_outside_are_differentiated() -> None:
    """A number that the body reads from outside has its gradient, however small it is."""
    w, start = constants(3.0, 2.0)
    last = df.fori_loop(0, 3, lambda _, c: c * w, start)
    assert df.evaluate(df.grad(last, w)) == 2 * 3 * 9
    assert df.evaluate(df.jvp(last, w, 1.0)) == 2 * 3 * 9


def test_fori_loop_counts() -> None:
    """The counter goes from the lower bound to before the upper one."""
    (x,) = constants(np.zeros(5, np.int64))
    found = df.fori_loop(1, 4, lambda i, c: c.at[i].set(i * i), x)
    assert df.evaluate(found).tolist() == [0, 1, 4, 9, 0]


def test_map_is_a_loop_over_rows() -> None:
    """`map` gives what `vmap` gives, and its gradient."""
    x, w = constants(X, W)
    rows = df.map(lambda row: df.tanh(df.matmul(w, row)), x)
    np.testing.assert_allclose(df.evaluate(rows), np.tanh(X @ W.T))
    batch = df.vmap(lambda row: df.tanh(df.matmul(w, row)))(x)
    for one, other in zip(df.grad(rows.sum(), [x, w]), df.grad(batch.sum(), [x, w]), strict=True):
        np.testing.assert_allclose(df.evaluate(one), df.evaluate(other))


def test_loops_within_loops_and_batches() -> None:
    """A loop in a loop's body, and a loop under `vmap`, are what they are unrolled."""
    x, w = constants(X, W)

    def outer(c: df.Tensor, row: df.Tensor) -> tuple[df.Tensor, df.Tensor]:
        inner, _ = df.scan(lambda d, weight: (df.sin(d * weight.sum() + c), None), row.sum(), w)
        return inner, inner * c

    def whole(start: df.Tensor) -> df.Tensor:
        last, results = df.scan(outer, start, x)
        total: df.Tensor = last + results.sum()
        return total

    starts = x[:, 0]
    batched = df.vmap(whole)(starts)
    gradients = df.grad(batched.sum(), [starts, w])
    each = [whole(starts[k]) for k in range(6)]
    np.testing.assert_allclose(df.evaluate(batched), df.evaluate(*each))
    total = sum(each[1:], each[0])
    for one, other in zip(gradients, df.grad(total, [starts, w]), strict=True):
        np.testing.assert_allclose(df.evaluate(one), df.evaluate(other), rtol=1e-11)


def test_what_no_step_changes_is_computed_once() -> None:
    """Nodes that depend on neither carry nor row stay outside of the body."""
    x, w = constants(X, W)
    last, _ = df.scan(lambda c, row: (c + df.matmul(df.linalg.inv(w), row), None), x[0], x)
    builder: Any = x.builder
    graph = builder.build(outputs=[last])
    (loop,) = (node for node in graph.nodes() if node.op == "scan")
    assert "linalg.inv" in {node.op for node in graph.nodes()}
    body: Any = loop.attrs.bodies()[0]
    assert "linalg.inv" not in {node.op for node in body.nodes()}


def test_memory_doesn_t_grow_with_the_length() -> None:
    """The arena of a loop that keeps nothing is the same for any length; runs allocate nothing."""
    b = df.GraphBuilder()
    x = b.input("x", (100,), "float64")
    last = df.fori_loop(0, b.dim("n"), lambda _, c: df.sin(c) * 2, x)
    graph = b.build(outputs={"last": last})
    plans = [df.compile(graph, dims={"n": n}) for n in (10, 1000)]
    indices = 1000 * 8 + 64  # the counter's values are a stack
    assert plans[1].peak - plans[0].peak <= indices
    runner, out = df.Runner(plans[1]), {"last": np.empty(100)}
    row = np.ones(100)
    runner.run(x=row, out=out)
    tracemalloc.start()
    runner.run(x=row, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4096


def test_history_is_kept_only_for_derivatives() -> None:
    """A plan without a sweep stores no carries; with one it does, by name of the attribute."""
    b = df.GraphBuilder()
    x = b.input("x", (50, 3), "float64")
    w = b.constant(W)
    loss = looped(w, x, b.constant(X[0]))
    graph = b.build(outputs={"loss": loss, "slope": df.grad(loss, w)})
    peaks = {}
    for outputs in (["loss"], ["loss", "slope"]):
        plan = df.compile(graph, outputs=outputs)
        (first,) = (s for s in plan.steps if s.op == "scan" and s.sweep == "forward")
        assert first.attrs["history"] is (len(outputs) == 2)
        peaks[len(outputs)] = plan.peak
    assert peaks[1] < 50 * 3 * 8 < peaks[2]


def test_unused_loops_are_dropped() -> None:
    """A loop that no output needs is no step of the plan."""
    b = df.GraphBuilder()
    x = b.input("x", (3,))
    df.fori_loop(0, 9, lambda _, c: df.sin(c), x)
    assert df.compile(b.build(outputs={"y": x + 1})).steps[0].op == "add"


# What is refused


def test_carry_must_stay_as_it_is() -> None:
    """A carry of another shape, dtype or form is named, with what it was and the remedy."""
    x, w = constants(X, W)
    with pytest.raises(ShapeError, match=r"test_loops.*carry .* is float64\[3\], the next .*\[6\]"):
        df.scan(lambda c, row: (df.concat([c, row]), None), x[0], x)
    with pytest.raises(DTypeError, match=r"float32\[3\]: use .astype\('float64'\)"):
        df.scan(lambda c, _: (c.astype("float32"), None), x[0], x)
    with pytest.raises(GraphError, match="the carry is …, the next one"):
        df.scan(lambda c, _: ((c, c), None), x[0], x)
    with pytest.raises(GraphError, match="returns the next carry and the step's result"):
        df.scan(lambda c, _: c, x[0], x)
    with pytest.raises(GraphError, match="give length"):
        df.scan(lambda c, _: (c, None), x[0])
    with pytest.raises(ShapeError, match="the lengths differ: 6, 3"):
        df.scan(lambda c, _: (c, None), x[0], (x, w))
    with pytest.raises(ShapeError, match="no axis to read rows along"):
        df.scan(lambda c, _: (c, None), x[0], x.sum())


def test_state_within_a_loop_is_refused() -> None:
    """An update that depends on one step is an error, and is dropped."""
    b = df.GraphBuilder()
    x = b.constant(X)
    total = b.variable("total", X[0])
    with pytest.raises(GraphError, match="the update of variable 'total'"):
        df.scan(lambda c, row: (c, b.update(total, row)), x[0], x)  # type: ignore[func-returns-value]
    b.update(total, x[0])


def test_failing_step_is_named() -> None:
    """A body that fails on its data fails as its loop's step, before any update."""
    b = df.GraphBuilder()
    x = b.input("x", (4,), "int64")
    table = b.constant([1.0, 2.0])
    total = df.scan(lambda c, row: (c + df.take(table, row), None), table[0], x)[0]
    w = b.variable("w", np.zeros((), np.float32))
    b.update(w, total)
    runner = df.Runner(df.compile(b.build(outputs={"total": total})))
    runner.run(x=[0, 1, 1, 0])
    with pytest.raises(KernelError, match=r"'scan_0' \(op 'scan', test_loops.py"):
        runner.run(x=[0, 1, 7, 0])
    assert runner.state["w"] == 7.0


def test_lying_bodies_are_refused() -> None:
    """`verify` checks a body like a plan, and that what it reads lies as it is bound."""
    b = df.GraphBuilder()
    x, w = b.input("x", (4, 3)), b.input("w", (3,))
    plan = df.compile(b.build(outputs={"y": df.scan(lambda c, r: (c + r * w, None), x[0], x)[0]}))
    (index,) = (i for i, s in enumerate(plan.steps) if s.op == "scan")
    step = plan.steps[index]
    (body,) = step.attrs.bodies()
    assert isinstance(body, df.Plan)

    def lying(**changes: Any) -> df.Plan:  # noqa: ANN401
        steps = list(plan.steps)
        steps[index] = step._replace(**changes)
        values = {**vars(plan), "steps": tuple(steps)}
        fields = df.Plan.__dataclass_fields__
        return df.Plan(**{name: values[name] for name in fields})

    verify(lying())
    values = {name: getattr(body, name) for name in df.Plan.__dataclass_fields__}
    smaller = df.Plan(**{**values, "lower_bound": body.lower_bound + 64})
    with pytest.raises(PlanError, match="in its body"):
        verify(lying(attrs=step.attrs.replace(bodies=(smaller,))))
    with pytest.raises(PlanError, match="bodies of an op"):
        verify(lying(attrs=step.attrs.replace(bodies=())))
    strided = step.inputs[2]._replace(strides=(0,))
    with pytest.raises(PlanError, match="row by row"):
        verify(lying(inputs=(*step.inputs[:2], strided)))


@pytest.mark.parametrize("way", ["scan", "while_loop", "cond", "checkpoint", "nested"])
def test_error_within_a_body_names_the_node_and_its_line(way: str) -> None:
    """What fails in a loop, a branch or a function is named with its own line, however deep."""
    b = df.GraphBuilder()
    index = b.input("index", (), "int64")
    table = b.constant([1.0, 2.0])

    def read(c: df.Tensor) -> df.Tensor:
        return c + df.take(table, index)

    y = {
        "scan": lambda: df.scan(lambda c, _: (read(c), None), table[0], None, 3)[0],
        "while_loop": lambda: df.while_loop(lambda c: c < 5, read, table[0]),
        "cond": lambda: df.cond(index > 1, lambda: read(table[0]), lambda: table[0]),
        "checkpoint": lambda: df.checkpoint(lambda c: read(c) * c)(table[0]),
        "nested": lambda: df.scan(
            lambda c, _: (df.cond(c < 9, lambda: read(c), lambda: c), None), table[0], None, 3)[0],
    }[way]()  # fmt: skip
    runner = df.Runner(df.compile(b.build({"y": y})))
    with pytest.raises(KernelError, match=r"node 'take_0' \(op 'take', test_loops.py:\d+\)"):
        runner.run(index=7)
    runner.run(index=1)


def test_a_weight_s_gradient_is_one_product_of_all_rows() -> None:
    """Where its factors are stacked in any case, the reverse loop carries no sum for it."""
    rng = np.random.default_rng(0)
    b = df.GraphBuilder()
    w = b.variable("w", rng.normal(size=(4, 4)) / 2)
    xs = b.variable("xs", rng.normal(size=(7, 3, 4)))
    start = b.constant(np.zeros((3, 4)))
    last, _ = df.scan(lambda h, x: (df.tanh(h @ w + x), ()), start, xs)
    gradients = df.grad((last * last).sum(), [w, xs])
    graph = b.build(dict(zip(("w", "xs"), gradients, strict=True)))
    reverse = [data["attrs"] for _, data in graph.dag.nodes(data=True)
               if data["op"] == "scan" and data["attrs"].flag("reverse")]  # fmt: skip
    assert [attrs.integer("carries") for attrs in reverse] == [1]
    h = start
    for i in range(7):
        h = df.tanh(h @ w + xs[i])
    expected = df.evaluate(*df.grad((h * h).sum(), [w, xs]))
    for found, right in zip(df.evaluate(*gradients), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-14)
