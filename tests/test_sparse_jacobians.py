"""Sparse Jacobians: no pattern misses an element, few directions suffice, values are the dense."""

import time
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import DataflowError, GradientError
from dataflow.operation import Absent
from dataflow.sparsity import detected
from tests.cases import CASES, Case, together

RNG = np.random.default_rng(6)


def product_of(tensor: df.Tensor) -> int:
    """Return how many elements a tensor has."""
    return int(np.prod(tensor.spec.static_shape))


def band(x: df.Tensor) -> df.Tensor:
    """Return what each element and its neighbours make."""
    return x[1:-1] * x[:-2] + df.sin(x[2:])


def functions() -> dict[str, tuple[Any, tuple[int, ...], int]]:
    """Return functions, the shapes of what they take, and how many directions they need."""
    laplacian = -2 * np.eye(8) + np.eye(8, k=1) + np.eye(8, k=-1)
    rows = np.array([2, 0, 1, 2])
    return {
        "band": (band, (12,), 3),
        "diagonal": (lambda x: df.exp(x) * x, (3, 4), 1),
        "blocks": (lambda x: df.cumsum(x, axis=1), (4, 3), 3),
        "stencil": (lambda x: df.tanh(x.builder.constant(laplacian) @ x), (8,), 3),
        "right product": (lambda x: x @ x.builder.constant(np.triu(np.ones((3, 3)))), (5, 3), 3),
        "row sums": (lambda x: (x * x).sum(axis=1), (6, 3), 1),
        "one dense row": (lambda x: df.concat([x.sum(keepdims=True), x * x]), (9,), 2),
        "one dense column": (lambda x: x[0] * x, (9,), 2),
        "gathered": (lambda x: x[x.builder.constant(rows)] ** 2, (3,), 1),
        "joined": (lambda x: df.concat([x[:2].T * 2, df.flip(x[1:], axis=0).T], axis=1), (3, 2), 1),
        "convolution": (
            lambda x: df.nn.conv1d(x, x.builder.constant(RNG.normal(size=(1, 1, 3)))),
            (1, 1, 12), 3,
        ),
        "checkpoint": (df.checkpoint(band), (12,), 3),
        "constant": (df.floor, (4,), 0),
        "stopped": (lambda x: df.stop_gradient(x[::-1]) * x, (4,), 1),
        "chosen": (lambda x: df.where(x > 0, x, x[::-1]), (4,), 2),
        "solved": (lambda x: df.linalg.solve(x.builder.constant(laplacian), x), (8,), 8),
    }  # fmt: skip


@pytest.mark.parametrize("name", functions())
def test_values_are_the_dense_jacobian_s(name: str) -> None:
    """The values, by either mode, are the dense Jacobian's, in as few directions as there are."""
    function, shape, directions = functions()[name]
    b = df.GraphBuilder()
    x = b.constant(RNG.normal(size=shape))
    y = function(x)
    dense = df.evaluate(df.jacobian(y, x))
    for mode in ("auto", "forward", "reverse"):
        found = df.jacobian(y, x, mode=mode, sparsity="detect")
        np.testing.assert_allclose(df.evaluate(found.dense()), dense, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(
            df.evaluate(found.values), dense.reshape(-1)[found.places], rtol=1e-12, atol=1e-14
        )
        if mode == "auto":
            assert found.directions == directions


@together([case for case in CASES if not isinstance(case.op.vjp, Absent)])
def test_no_op_s_pattern_misses_an_element(case: Case) -> None:
    """For every op, the elements that the dense Jacobian has are in the detected pattern."""
    b = df.GraphBuilder()
    arrays = case.sample.inputs
    inputs = [
        b.constant(a) if a.dtype.kind in "biu" else b.variable(f"x{i}", a)
        for i, a in enumerate(arrays)
    ]
    outputs = b.apply(case.op, inputs, case.sample.attrs)
    for output in (t for t in outputs if t.dtype.kind == "f"):
        for tensor in (t for t in inputs if t.dtype.kind == "f"):
            size, width = map(product_of, (output, tensor))
            if max(size, width) > 40:
                continue
            try:
                dense = df.evaluate(df.jacfwd(output, tensor)).reshape(size, width)
            except DataflowError:
                continue  # no forward mode, or no batch
            pattern = detected(output, tensor)
            flags = np.zeros((size, width), dtype=np.bool_)
            flags[pattern.rows, pattern.columns] = True
            is_one = (dense != 0) & ~np.isnan(dense)  # 0 * inf, beside an infinite derivative
            assert flags[is_one].all(), case.name


def test_long_band_takes_three_directions_and_little_time() -> None:
    """Ten thousand elements with their neighbours: detected, coloured, computed, in seconds."""
    b = df.GraphBuilder()
    values = RNG.normal(size=10_000)
    x = b.input("x", (10_000,), "float64")
    began = time.monotonic()
    found = df.jacobian(band(x), x, sparsity="detect")
    assert time.monotonic() - began < 20
    assert (found.directions, len(found.rows)) == (3, 3 * 9998)
    plan = df.compile(b.build({"values": found.values}))
    made = df.Runner(plan).run(x=values)["values"].reshape(9998, 3)
    expected = np.stack([values[1:-1], values[:-2], np.cos(values[2:])], axis=1)
    np.testing.assert_allclose(made, expected, rtol=1e-12)
    assert plan.peak < 40 * values.nbytes


def test_hessian_of_a_chain() -> None:
    """A Hessian's pattern is its gradient's; several tensors give blocks."""
    b = df.GraphBuilder()
    x, y = b.constant(RNG.normal(size=20)), b.constant(RNG.normal(size=20))
    energy = (df.sin(x[1:] - x[:-1]) ** 2).sum() + (x * y * y).sum()
    whole = df.hessian(energy, (x, y))
    sparse = df.hessian(energy, (x, y), sparsity="detect")
    assert [[block.directions for block in row] for row in sparse] == [[3, 1], [1, 1]]
    for i in range(2):
        for j in range(2):
            np.testing.assert_allclose(
                df.evaluate(sparse[i][j].dense()), df.evaluate(whole[i][j]), rtol=1e-12, atol=1e-14
            )


def test_given_patterns_and_refusals() -> None:
    """A given pattern is believed; shapes that aren't known, and wrong ones, are refused."""
    b = df.GraphBuilder()
    x = b.constant(RNG.normal(size=6))
    found = df.jacobian(x * x, x, sparsity=np.eye(6))
    assert found.directions == 1
    np.testing.assert_allclose(df.evaluate(found.dense()), np.diag(2 * df.evaluate(x)))
    with pytest.raises(GradientError, match=r"sparsity .* the Jacobian is a matrix of \(6, 6\)"):
        df.jacobian(x * x, x, sparsity=np.eye(5))
    n = b.input("n", ("n",), "float64")
    with pytest.raises(GradientError, match=r"dimensions \['n'\]"):
        df.jacobian(n * n, n, sparsity="detect")
