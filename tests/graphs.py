"""Grows random graphs over whatever is registered, for the tests that compare two executors.

A graph grows by *moves*: each takes tensors that are there and adds one. An op takes part by its
samples: a sample says which specs and attributes it accepts, and tensors are brought to these
specs by reshapes and broadcasts, so that a new op joins by itself. Other moves do what samples
don't: reuse one tensor in two slots, views of views, products, gradients.

Variables get updates of every awkward kind: swapped, transposed, fed, constant, their own value.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import dataflow as df
from dataflow.builder import GraphBuilder
from dataflow.calling import apply
from dataflow.errors import GradientError, KernelError
from dataflow.graph import Graph
from dataflow.operation import Op, Sample
from dataflow.registry import registered_ops
from dataflow.tensor import Tensor
from scheduler.reference import run_reference

Array: TypeAlias = "np.ndarray[Any, Any]"
Draw = st.DrawFn

SHAPES = ((), (3,), (2, 3), (3, 3), (3, 2), (0, 3), (1, 3), (2, 3, 2))
ENDS = ("input", "variable", "constant")


class Case(NamedTuple):
    """A graph, and one set of feeds for it."""

    graph: Graph
    feeds: Mapping[str, Array]


@st.composite
def cases(draw: Draw, most: int = 12) -> Case:
    """Draw a graph of up to `most` moves with feeds."""
    b = GraphBuilder("random", seed=draw(st.integers(0, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = _leaves(draw, b, rng)
    for _ in range(draw(st.integers(0, most))):
        pool.append(draw(st.sampled_from(MOVES))(draw, pool))
    _add_updates(draw, b, pool)
    chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=5))
    graph = b.build({f"out_{i}": tensor for i, tensor in enumerate(chosen)})
    feeds = {t.node: _values(rng, t) for t in pool if t.op.name == "input"}
    case = Case(graph, {name: feeds[name] for name in graph.inputs})
    assume(_can_run(case))
    return case


def _can_run(case: Case) -> bool:
    """Tell whether no step fails on its data, as one that inverts a singular matrix does."""
    try:
        run_reference(case.graph, case.feeds)
    except KernelError:
        return False
    return True


def _leaves(draw: Draw, b: GraphBuilder, rng: np.random.Generator) -> list[Tensor]:
    """Declare leaves: two variables of one square shape always, that can be swapped and turned."""
    leaves = [b.variable(f"v{i}", rng.normal(size=(3, 3))) for i in range(2)]
    for i in range(draw(st.integers(1, 5))):
        shape, kind = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(ENDS))
        if kind == "input":
            leaves.append(b.input(f"x{i}", shape, "float64"))
        elif kind == "variable":
            initial = b.full(shape, i, "float64") if i % 2 else rng.normal(size=shape)
            leaves.append(b.variable(f"w{i}", initial))
        else:
            leaves.append(b.constant(rng.normal(size=shape)))
    return leaves


def _values(rng: np.random.Generator, tensor: Tensor) -> Array:
    return rng.normal(size=tensor.spec.static_shape).astype(tensor.dtype)


# Moves


def fitted(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Bring a tensor to a shape by views: as it is, reshaped, or its sum repeated."""
    if tensor.shape == shape:
        return tensor
    if tensor.spec.size == np.prod(shape, dtype=int):
        return df.reshape(tensor, shape)
    return df.broadcast_to(tensor.sum(), shape)


def _any(draw: Draw, pool: list[Tensor]) -> Tensor:
    tensor = draw(st.sampled_from(pool))
    return tensor if tensor.dtype == np.float64 else tensor.astype("float64")


@cache
def float_samples() -> tuple[tuple[Op, Sample], ...]:
    """Return the ops' samples whose inputs are all float64, with one output of any kind."""
    found = []
    for op in registered_ops().values():
        for sample in op.samples(np.random.default_rng(0)):
            specs = [array.dtype for array in sample.inputs]
            if specs and all(dtype == np.float64 for dtype in specs):
                found.append((op, sample))
    return tuple(found)


def _by_sample(draw: Draw, pool: list[Tensor]) -> Tensor:
    op, sample = draw(st.sampled_from(float_samples()))
    inputs = [fitted(_any(draw, pool), array.shape) for array in sample.inputs]
    return apply(op, inputs, sample.attrs)


def _same_twice(draw: Draw, pool: list[Tensor]) -> Tensor:
    x = _any(draw, pool)
    return draw(st.sampled_from((df.add, df.subtract, df.multiply)))(x, x)


def _pair(draw: Draw, pool: list[Tensor]) -> Tensor:
    x = _any(draw, pool)
    y = fitted(_any(draw, pool), x.spec.static_shape)
    return draw(st.sampled_from((df.add, df.subtract, df.multiply)))(x, y)


def _with_transpose(draw: Draw, pool: list[Tensor]) -> Tensor:
    square = fitted(_any(draw, pool), (3, 3))
    return square + square.T


def _view(draw: Draw, pool: list[Tensor]) -> Tensor:
    x = _any(draw, pool)
    return draw(st.sampled_from((df.transpose, df.stop_gradient, _flat, _flat_transpose)))(x)


def _flat(x: Tensor) -> Tensor:
    return x.reshape(-1) if x.spec.size else x


def _flat_transpose(x: Tensor) -> Tensor:
    return _flat(x.T)  # mostly no view: the reshape copies


def _gradient(draw: Draw, pool: list[Tensor]) -> Tensor:
    target = _any(draw, pool)
    output = _any(draw, pool)
    try:
        gradient: Tensor = df.grad((output * output).sum(), target)
    except GradientError:  # an op on the way has none
        return output
    return gradient


MOVES = (_by_sample, _by_sample, _by_sample, _same_twice, _pair, _with_transpose, _view, _gradient)


# Updates


def _add_updates(draw: Draw, b: GraphBuilder, pool: list[Tensor]) -> None:
    variables = dict.fromkeys(t for t in pool if t.op.name == "variable")
    for variable in variables:
        value = draw(st.sampled_from(UPDATES))(draw, pool, variable)
        if value is not None:
            b.update(variable, value)


def _no_update(draw: Draw, pool: list[Tensor], variable: Tensor) -> None:
    return None


def _itself(draw: Draw, pool: list[Tensor], variable: Tensor) -> Tensor:
    return variable


def _another(draw: Draw, pool: list[Tensor], variable: Tensor) -> Tensor:
    same = [t for t in pool if t.spec == variable.spec]
    return draw(st.sampled_from(same))


def _turned(draw: Draw, pool: list[Tensor], variable: Tensor) -> Tensor:
    return fitted(variable.T, variable.spec.static_shape)


def _whatever(draw: Draw, pool: list[Tensor], variable: Tensor) -> Tensor:
    return fitted(_any(draw, pool), variable.spec.static_shape)


def _stepped(draw: Draw, pool: list[Tensor], variable: Tensor) -> Tensor:
    return variable - 0.5 * fitted(_any(draw, pool), variable.spec.static_shape)


UPDATES = (_no_update, _itself, _another, _another, _turned, _whatever, _stepped, _stepped)
