"""A machine that grows random graphs, and compares all that can be compared.

Its turns are those of a user: declare a node, a loop, a choice or a function; differentiate in any
mode, again and again; let a variable be updated; compile; save and load; open again and go on.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import dataflow as df
from dataflow.errors import DataflowError, GradientError, KernelError
from scheduler.reference import run_reference
from scheduler.verify import verify
from tests.graphs import MOVES, UPDATES, fitted

Arrays = dict[str, np.ndarray[Any, Any]]

MOST = 40
"""Nodes beyond which nothing is differentiated again: a derivative of one may be large."""

WORDS = ("jvp", "hvp", "jacobian", "vmap")


def _draw(data: st.DataObject) -> Any:  # noqa: ANN401 - hypothesis' `draw`, but for a signature
    return data.draw


class Machine(RuleBasedStateMachine):
    """Tensors of one builder, and what becomes of their graphs."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.builder = df.GraphBuilder("machine")
        self.pool: list[df.Tensor] = []
        self.feeds: Arrays = {}
        self.updated: set[str] = set()

    @initialize(seed=st.integers(0, 2**32 - 1))
    def start(self, seed: int) -> None:
        """Declare a few leaves."""
        self.rng = np.random.default_rng(seed)
        shapes: list[tuple[int, ...]] = [(3, 3), (2, 3)]
        for i, shape in enumerate(shapes):
            self.pool.append(self.builder.variable(f"v{i}", self.rng.normal(size=shape)))
            self.pool.append(self.builder.constant(self.rng.normal(size=shape)))
        shapes = [(3,), ()]
        for i, shape in enumerate(shapes):
            self.pool.append(self.builder.input(f"x{i}", shape, "float64"))
            self.feeds[f"x{i}"] = self.rng.normal(size=shape)

    def one(self, data: st.DataObject, shape: tuple[int, ...]) -> df.Tensor:
        """Choose a tensor, in float64, brought to a shape."""
        tensor = data.draw(st.sampled_from(self.pool))
        wide = tensor if tensor.dtype == np.float64 else df.real(tensor).astype("float64")
        return fitted(wide, shape)

    @rule(data=st.data())
    def add_a_node(self, data: st.DataObject) -> None:
        """Declare any op, a view, a product, a gradient."""
        self.pool.append(data.draw(st.sampled_from(MOVES))(_draw(data), self.pool))

    @rule(data=st.data(), options=st.sampled_from([{}, {"unroll": 2}, {"checkpoint_every": 2}]))
    def add_a_loop(self, data: st.DataObject, options: dict[str, int]) -> None:
        """Declare a loop over rows, which reads a tensor from outside."""
        start, rows, outer = (self.one(data, shape) for shape in [(3,), (3, 3), (3,)])
        last, made = df.scan(
            lambda c, row: (df.sin(c * outer) + row, c.sum()), start, rows,
            reverse=data.draw(st.booleans()), **options,
        )  # fmt: skip
        self.pool += [last, made]

    @rule(data=st.data())
    def add_a_while(self, data: st.DataObject) -> None:
        """Declare a loop that a condition ends."""
        start, outer = self.one(data, (3,)), self.one(data, ())
        last, _ = df.while_loop(
            lambda c: (c[1] < 3) & (c[0].sum() < 1), lambda c: (df.cos(c[0]) * outer, c[1] + 1),
            (start, 0), max_steps=5, checkpoint_slots=data.draw(st.integers(1, 3)),
        )  # fmt: skip
        self.pool.append(last)

    @rule(data=st.data())
    def add_a_choice(self, data: st.DataObject) -> None:
        """Declare two branches."""
        x, y = self.one(data, (2, 3)), self.one(data, (2, 3))
        self.pool.append(df.cond(x.sum() > 0, lambda: df.tanh(x) * y, lambda: x - y))

    @rule(data=st.data(), way=st.sampled_from(["checkpoint", "custom_gradient"]))
    def add_a_function(self, data: st.DataObject, way: str) -> None:
        """Declare a function as a node."""
        x = self.one(data, (3,))
        if way == "checkpoint":
            self.pool.append(df.checkpoint(lambda x: df.exp(df.sin(x)))(x))
        else:
            self.pool.append(df.custom_gradient(lambda x: (x * x, lambda c: c * 3 * x))(x))

    @precondition(lambda self: len(self.pool) < MOST)
    @rule(data=st.data(), word=st.sampled_from(WORDS))
    def differentiate(self, data: st.DataObject, word: str) -> None:
        """Declare a derivative in one of the modes, of what may be one already."""
        of, by = (data.draw(st.sampled_from([t for t in self.pool if t.dtype == np.float64]))
                  for _ in range(2))  # fmt: skip
        shape = by.spec.static_shape
        u = np.sin(np.arange(float(np.prod(shape)))).reshape(shape)
        try:
            made = {
                "jvp": lambda: df.jvp(of, by, u), "hvp": lambda: df.hvp(df.sin(of).sum(), by, u),
                "jacobian": lambda: df.jacobian(of.sum(), by),
                "vmap": lambda: df.vmap(lambda s: df.grad((of * s).sum(), by))(
                    self.builder.constant(np.ones(2))),
            }[word]()  # fmt: skip
        except GradientError:
            return  # an op on the way has none
        except DataflowError as error:
            assert "no batch rule" in str(error), error  # noqa: PT017 - vmap through such an op
            return
        self.pool.append(made)

    @rule(data=st.data())
    def update_a_variable(self, data: st.DataObject) -> None:
        """Let a variable have a value after the run."""
        variable = data.draw(st.sampled_from(self.builder.variables))
        value = data.draw(st.sampled_from(UPDATES))(_draw(data), self.pool, variable)
        if value is not None and variable.node not in self.updated:  # a graph has one
            self.updated.add(variable.node)
            self.builder.update(variable, value)

    @rule()
    def open_again(self) -> None:
        """Build, and go on in another builder."""
        graph = self.builder.build({f"t{i}": t for i, t in enumerate(self.pool)})
        self.builder = df.reopen(graph)
        self.pool = [self.builder.tensor(*graph.outputs[f"t{i}"]) for i in range(len(self.pool))]

    @rule(data=st.data(), updates=st.booleans())
    def compare(self, data: st.DataObject, updates: bool) -> None:
        """Compile a part, save and load it, and compare bits with the reference executor."""
        chosen = data.draw(st.lists(st.sampled_from(self.pool), min_size=1, max_size=4))
        graph = self.builder.build({f"out{i}": tensor for i, tensor in enumerate(chosen)})
        feeds = {name: self.feeds[name] for name in graph.inputs}
        plan = df.compile(graph, updates=updates)
        verify(plan)
        assert plan.lower_bound <= plan.peak <= plan.bytes_without_reuse
        assert df.compile(graph, updates=updates).digest() == plan.digest()
        with tempfile.TemporaryDirectory() as folder:
            loaded, again = (_through_a_file(thing, Path(folder)) for thing in (plan, graph))
        assert (loaded.digest(), again.digest()) == (plan.digest(), graph.digest())
        try:
            expected, after = run_reference(graph, feeds)
        except KernelError:
            return  # a singular matrix
        for one in (plan, loaded, df.compile(again, updates=updates)):
            runner = df.Runner(one, poison=True)
            found = runner.run({i.name: feeds[i.name] for i in one.inputs})
            _assert_same(graph, found, expected)
            if updates:
                state = {v.name: runner.state[v.name] for v in one.variables}
                _assert_same(graph, state, {name: after[name] for name in state})


def _through_a_file(thing: Any, folder: Path) -> Any:  # noqa: ANN401 - a plan or a graph
    path = folder / "file.arrow"
    df.save(thing, path)
    return df.load(path, mmap=False)


def _assert_same(graph: df.Graph, found: Arrays, expected: Arrays) -> None:
    """Compare bits; where a loop copies what it reads, a product may be laid out anew."""
    has_bodies = any(node.attrs.bodies() for node in graph.nodes())
    rounding = 1e-9 if has_bodies else 0
    for name, array in expected.items():
        scale = np.abs(array[np.isfinite(array)]).max(initial=0) if array.dtype.kind in "fc" else 0
        np.testing.assert_allclose(
            found[name], array, rtol=rounding, atol=rounding * scale, err_msg=name
        )


_STEADY = settings(
    max_examples=25, stateful_step_count=14, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


TestMachine: Any = Machine.TestCase
TestMachine.settings = _STEADY


class Longer(Machine):
    """More turns, of more machines."""


TestLongerMachine: Any = pytest.mark.long(Longer.TestCase)
TestLongerMachine.settings = settings(_STEADY, max_examples=400, stateful_step_count=25)
