"""Draws in slices: along every axis, in any order, by any worker, the same bits as the whole.

Two ways to see it. An op's record is asked for slices of it, and slices of these. And the whole
graph of a public draw is computed slice by slice, each node as its op's tiling says.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import ShapeError
from dataflow.operation import Absent, Along, Tiling
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.plan import Plan
from scheduler.program import Item, Program, lower
from scheduler.reference import compute, run_item
from scheduler.verify import verify
from tests.hand_made import HandMade
from tests.oracle import run

Array = Any
SHAPE = (2, 5, 4)

# The records

DRAWS: dict[str, Attrs] = {
    "rand": Attrs(dtype="float32"), "randn": Attrs(dtype="float64"),
    "random.bits": Attrs(dtype="uint16"), "random.bernoulli": Attrs(dtype="bool", p=0.4),
    "random.loggamma": Attrs(), "random.poisson": Attrs(), "random.binomial": Attrs(),
}  # fmt: skip


def called(name: str, keys: tuple[int, ...], shape: tuple[int, ...]) -> tuple[list[Array], Attrs]:
    """Return the inputs and attributes of a draw of a shape by each of some keys."""
    rng = np.random.default_rng(0)
    key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
    attrs = DRAWS[name].replace(first=3)
    if "dtype" in attrs:
        return [key], attrs.replace(shape=shape)
    mean = np.asarray(np.exp(rng.uniform(-1, 5, (*keys, *shape))))
    return [key, *{"random.binomial": [np.floor(mean), mean % 0.5]}.get(name, [mean])], attrs


def cut(
    name: str, arrays: list[Array], attrs: Attrs, where: tuple[int, int, int]
) -> tuple[list[Array], Attrs]:
    """Return the inputs and attributes of a slice, as the op's tiling has them."""
    axis, start, stop = where
    op = get_op(name)
    assert not isinstance(op.tiling, Absent)
    tiling = op.tiling(tuple(map(Spec.like, arrays)), attrs)
    own = [array[(slice(None),) * uses.index(Along(axis)) + (slice(start, stop),)]
           if Along(axis) in uses else array
           for array, uses in zip(arrays, tiling.inputs, strict=True)]  # fmt: skip
    return own, tiling.slice_attrs(attrs, axis, start, stop)


@pytest.mark.parametrize("keys", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", DRAWS)
def test_slices_along_every_axis_are_the_whole(name: str, keys: tuple[int, ...]) -> None:
    """Slices of 1, 3 and all elements along each axis, the keys' too, have the whole's bits."""
    arrays, attrs = called(name, keys, SHAPE)
    (whole,) = run(get_op(name), arrays, attrs)
    for axis, length in enumerate(whole.shape):
        for step in (1, 3, length):
            found = [run(get_op(name), *cut(name, arrays, attrs, (axis, i, min(i + step, length))))
                     for i in range(0, length, step)]  # fmt: skip
            np.testing.assert_array_equal(np.concatenate([f[0] for f in found], axis), whole)


@pytest.mark.parametrize("name", DRAWS)
def test_slices_of_slices_are_the_whole(name: str) -> None:
    """A box cut out along three axes, in any order of the axes, has the bits that lie there."""
    arrays, attrs = called(name, (3,), SHAPE)
    (whole,) = run(get_op(name), arrays, attrs)
    for order in ((1, 2, 3), (3, 2, 1), (2, 3, 1)):
        own, changed = arrays, attrs
        for axis in order:
            own, changed = cut(name, own, changed, (axis, 1, whole.shape[axis] - (axis > 1)))
        np.testing.assert_array_equal(run(get_op(name), own, changed)[0], whole[:, 1:, 1:-1, 1:-1])


@pytest.mark.parametrize("name", DRAWS)
def test_blocks_end_anywhere(name: str) -> None:
    """Draws of several blocks, of short runs and of long ones, are sliced without a seam."""
    for shape in ((3, 5000), (5000, 3), (3, 40, 90)):
        arrays, attrs = called(name, (), shape)
        (whole,) = run(get_op(name), arrays, attrs)
        for axis in (0, len(shape) - 1):
            found = run(get_op(name), *cut(name, arrays, attrs, (axis, 1, 3)))[0]
            np.testing.assert_array_equal(found, whole.take((1, 2), axis))


def test_strides_of_another_rank_are_refused() -> None:
    """Strides are as many as what is drawn has axes."""
    for name in ("rand", "random.loggamma"):
        arrays, attrs = called(name, (), SHAPE)
        with pytest.raises(ShapeError, match="strides"):
            get_op(name).infer(tuple(map(Spec.like, arrays)), attrs.replace(strides=(4, 1)))


# Public draws: their graphs, node by node

PUBLIC: dict[str, Callable[[df.Tensor], df.Tensor]] = {
    "bits": lambda k: df.random.bits(k, SHAPE),
    "uniform": lambda k: df.random.uniform(k, SHAPE, "float32", -1.0, 3.0),
    "normal": lambda k: df.random.normal(k, SHAPE, "float64", 1.0, 3.0),
    "truncated_normal": lambda k: df.random.truncated_normal(k, -1.0, 2.0, SHAPE),
    "bernoulli": lambda k: df.random.bernoulli(k, 0.3, SHAPE),
    "bernoulli_of_tensor": lambda k: df.random.bernoulli(k, np.linspace(0, 1, 4), SHAPE),
    "randint": lambda k: df.random.randint(k, SHAPE, -3, 10),
    "rademacher": lambda k: df.random.rademacher(k, SHAPE),
    "exponential": lambda k: df.random.exponential(k, SHAPE, scale=2.0),
    "gumbel": lambda k: df.random.gumbel(k, SHAPE),
    "laplace": lambda k: df.random.laplace(k, SHAPE),
    "logistic": lambda k: df.random.logistic(k, SHAPE),
    "cauchy": lambda k: df.random.cauchy(k, SHAPE),
    "gamma": lambda k: df.random.gamma(k, 0.7, SHAPE),
    "loggamma": lambda k: df.random.loggamma(k, 0.7, SHAPE),
    "beta": lambda k: df.random.beta(k, 0.7, 2.0, SHAPE),
    "chisquare": lambda k: df.random.chisquare(k, 3.0, SHAPE),
    "t": lambda k: df.random.t(k, 3.0, SHAPE),
    "f": lambda k: df.random.f(k, 3.0, 5.0, SHAPE),
    "poisson": lambda k: df.random.poisson(k, 12.0, SHAPE),
    "binomial": lambda k: df.random.binomial(k, 40, 0.7, SHAPE),
    "negative_binomial": lambda k: df.random.negative_binomial(k, 4.0, 0.3, SHAPE),
    "geometric": lambda k: df.random.geometric(k, 0.3, SHAPE),
    "lognormal": lambda k: df.random.lognormal(k, 0.5, SHAPE),
    "pareto": lambda k: df.random.pareto(k, 3.0, SHAPE),
    "rayleigh": lambda k: df.random.rayleigh(k, 2.0, SHAPE),
    "weibull_min": lambda k: df.random.weibull_min(k, 2.0, 1.5, SHAPE),
    "triangular": lambda k: df.random.triangular(k, -1.0, 0.0, 3.0, SHAPE),
    "maxwell": lambda k: df.random.maxwell(k, SHAPE),
    "generalized_normal": lambda k: df.random.generalized_normal(k, 1.5, SHAPE),
    "double_sided_maxwell": lambda k: df.random.double_sided_maxwell(k, 1.0, 2.0, SHAPE),
    "wald": lambda k: df.random.wald(k, 0.7, SHAPE),
    "choice": lambda k: df.random.choice(k, 9, SHAPE),
    "fold_in": lambda k: df.random.fold_in(k, np.arange(40).reshape(SHAPE)),
    "split": lambda k: df.random.split(k, SHAPE),
    # Not along the last axis, which softmax, argmax, a product or an order needs whole.
    "dirichlet": lambda k: df.random.dirichlet(k, np.arange(1.0, 5), SHAPE[:2]),
    "categorical": lambda k: df.random.categorical(k, k.builder.constant(np.ones(9)), shape=SHAPE),
    "ball": lambda k: df.random.ball(k, 4, shape=SHAPE[:2]),
    "multivariate_normal": lambda k: df.random.multivariate_normal(k, np.ones(4), np.eye(4),
                                                                   SHAPE[:2]),
    "multinomial": lambda k: df.random.multinomial(k, 30, [0.2, 0.3, 0.4, 0.1], SHAPE[:2]),
    "permutation": lambda k: df.random.permutation(df.random.split(k, SHAPE[:2]), 4),
    "orthogonal": lambda k: df.random.orthogonal(k, 3, SHAPE),
}  # fmt: skip
LAST_IS_WHOLE = {"ball", "dirichlet", "multivariate_normal", "multinomial", "permutation"}


class Sliced(NamedTuple):
    """A program that is computed in slices, and the names of ops that need the whole."""

    program: Program
    known: dict[int, Array]
    whole: list[str]

    def part(self, value: int, axis: int, bounds: tuple[int, int]) -> Array:
        """Return a slice of a value, from the same slices of what it is made of."""
        item = next((item for item in self.program.items if value in item.outputs), None)
        tiling = None if item is None else tiling_of(item, self.program)
        axes = set() if tiling is None else {*tiling.free, *axes_of(tiling)}
        if item is None or tiling is None or axis not in axes:
            self.whole.extend([] if item is None else [item.op.name])
            return self.known[value][(slice(None),) * axis + (slice(*bounds),)]
        arrays = [
            self.part(source, uses.index(Along(axis)), bounds)
            if Along(axis) in uses else self.known[source]
            for source, uses in zip(item.inputs, tiling.inputs, strict=True)
        ]  # fmt: skip
        own = item._replace(attrs=tiling.slice_attrs(item.attrs, axis, *bounds))
        specs = [cut_spec(self.program.specs[out], axis, bounds) for out in item.outputs]
        return run_item(own, arrays, specs)[item.outputs.index(value)]


def cut_spec(spec: Spec, axis: int, bounds: tuple[int, int]) -> Spec:
    """Return the spec of a slice."""
    shape = spec.static_shape
    return Spec.of((*shape[:axis], bounds[1] - bounds[0], *shape[axis + 1 :]), spec.dtype)


def tiling_of(item: Item, program: Program) -> Tiling | None:
    """Return how an item can be sliced."""
    if isinstance(item.op.tiling, Absent):
        return None
    return item.op.tiling(tuple(program.specs[value] for value in item.inputs), item.attrs)


def axes_of(tiling: Tiling) -> Iterator[int]:
    """Return the output axes that input axes map to."""
    return (use.axis for uses in tiling.inputs for use in uses if isinstance(use, Along))


def sliced(draw: Callable[[df.Tensor], df.Tensor], keys: tuple[int, ...]) -> tuple[Sliced, int]:
    """Return a public draw's program with all values, and which of them is the result."""
    b = df.GraphBuilder()
    key = b.constant(df.random.key(7))
    graph = b.build({"x": draw(df.random.split(key, keys) if keys else key)})
    program = lower(graph, {}, graph.outputs, {})
    known = dict(program.constants)
    compute(program, known)
    return Sliced(program, known, []), program.outputs["x"]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_draw_is_the_same_in_slices(name: str) -> None:
    """Computed in slices of 1, 3 and n along each axis, node by node, a draw has the same bits."""
    for keys in ((), (3,)):
        if keys and name in {"choice", "multinomial", "fold_in"}:
            continue
        made, result = sliced(PUBLIC[name], keys)
        expected = made.known[result]
        axes = len(keys) + len(SHAPE) - (name in LAST_IS_WHOLE)
        for axis in range(axes):
            length = expected.shape[axis]
            for step in (1, 3, length):
                parts = [made.part(result, axis, (i, min(i + step, length)))
                         for i in range(0, length, step)]  # fmt: skip
                np.testing.assert_array_equal(np.concatenate(parts, axis), expected)
        assert made.whole == []


# Workers


@pytest.mark.parametrize("name", DRAWS)
def test_slices_in_any_order_by_any_workers_are_the_whole(name: str) -> None:
    """One thread or several, that take slices of rows and columns in any order, fill the whole."""
    arrays, attrs = called(name, (), (60, 50))
    (whole,) = run(get_op(name), arrays, attrs)
    tiles = [(i, min(i + 7, 60), j, min(j + 11, 50)) for i in range(0, 60, 7)
             for j in range(0, 50, 11)]  # fmt: skip
    for workers in (1, 2, 3):
        np.random.default_rng(workers).shuffle(tiles)
        out = np.zeros_like(whole)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda tile: draw_tile(name, arrays, attrs, tile, out), tiles))  # noqa: B023
        np.testing.assert_array_equal(out, whole)


def draw_tile(
    name: str, arrays: list[Array], attrs: Attrs, tile: tuple[int, int, int, int], out: Array
) -> None:
    """Draw some rows and columns where they belong."""
    first, last, left, right = tile
    own, changed = cut(name, arrays, attrs, (0, first, last))
    own, changed = cut(name, own, changed, (1, left, right))
    run(get_op(name), own, changed, [out[first:last, left:right]])


def tiled(name: str, size: int) -> Plan:
    """Return a plan that draws 1000 rows of 3 in slices, and doubles them."""
    op, hand = get_op(name), HandMade(1000, size)
    key = hand.constant(0.0)._replace(dtype=np.dtype("uint64"))
    hand.constants[key.buffer] = df.random.key(11)
    attrs, inputs = DRAWS[name].replace(first=0), [key]
    if "dtype" in attrs:
        attrs = attrs.replace(shape=(1000, 3))
    else:
        inputs.append(hand.input("a", (1000, 3), sliced=True))
    out = hand.local(3, str(attrs.get("dtype", "float64")))
    hand.step(name, inputs, out, attrs)
    workspace = op.workspace((key.spec, *[out.spec] * (len(inputs) - 1)), attrs)
    scratch = tuple(
        hand.total(spec.static_shape)._replace(dtype=spec.dtype, strides=(8,) * spec.ndim)
        if spec.dtype.itemsize == 8 else hand.total(spec.static_shape)._replace(
            dtype=spec.dtype, strides=(spec.dtype.itemsize,))
        for spec in workspace.scratch
    )  # fmt: skip
    hand.throughout |= {operand.buffer for operand in scratch}
    hand.steps[-1] = hand.steps[-1]._replace(scratch=scratch)
    result = hand.step("add", (out, out), hand.rowwise(3)._replace(dtype=out.dtype))
    return replace(hand.plan({"x": result}), internal=workspace.internal)


ROWS = np.linspace(0.2, 40, 3000).reshape(1000, 3)
TILED = ("rand", "randn", "random.bits", "random.loggamma", "random.poisson")


def fed(plan: Plan) -> dict[str, Array]:
    """Return what a plan is fed with."""
    return {inputs.name: ROWS for inputs in plan.inputs}


@pytest.mark.parametrize("name", TILED)
def test_tiles_give_the_whole(name: str) -> None:
    """A plan that draws in slices, of any size, and doubles, gives the bits drawn whole."""
    attrs = DRAWS[name].replace(first=0)
    attrs = attrs.replace(shape=(1000, 3)) if "dtype" in attrs else attrs
    for size in (64, 333):
        plan = tiled(name, size)
        verify(plan)
        assert len(plan.groups[0].slices) == -(-1000 // size)
        (whole,) = run(get_op(name), [df.random.key(11), *fed(plan).values()], attrs)
        np.testing.assert_array_equal(df.Runner(plan).run(fed(plan))["x"], whole + whole)


def test_runners_at_once_give_the_same_bits() -> None:
    """Two runners of one plan, each in a thread of its own, at the same time, give the same."""
    for name in TILED:
        plan = tiled(name, 64)
        expected = df.Runner(plan).run(fed(plan))["x"]
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(df.Runner(plan).run, fed(plan)) for _ in range(4)]
        for done in runs:
            np.testing.assert_array_equal(done.result()["x"], expected)


PROGRAM = """
import hashlib, sys
import dataflow as df
b = df.GraphBuilder()
keys = df.random.split(b.constant(df.random.key(3)), (2,))
drawn = {n: f(keys) for n, f in {
    "uniform": lambda k: df.random.uniform(k, (5, 7)), "bits": lambda k: df.random.bits(k, (5, 7)),
    "gamma": lambda k: df.random.gamma(k, 0.5, (5, 7)),
    "order": lambda k: df.random.permutation(k, 9),
}.items()}
runner = df.Runner(df.compile(b.build(drawn)))
print(hashlib.sha256(b"".join(a.tobytes() for a in runner.run().values())).hexdigest())
"""


def test_processes_at_once_give_the_same_bits() -> None:
    """Two processes with other hash seeds, at the same time, draw the same numbers."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    one, other = (process.communicate(timeout=120)[0] for process in running)
    assert len(one.strip()) == 64
    assert one == other
