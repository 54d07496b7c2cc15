"""Compares values and gradients with PyTorch's and JAX's, in float64, where they have the function.

The rows are in `tests/peers`, a family a module; a new module joins by being there.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from tests.numpys import listed
from tests.peers.table import Row

BOUND = 1e-9
"""The largest difference allowed, relative to the size of the result or gradient."""

FAMILIES = sorted(p.stem for p in (Path(__file__).parent / "peers").glob("*.py")
                  if p.stem != "table")  # fmt: skip
ROWS = [
    pytest.param(row, id=f"{family}-{row.name}-{i}")
    for family in FAMILIES
    for i, row in enumerate(importlib.import_module(f"tests.peers.{family}").ROWS)
]

pytestmark = pytest.mark.long


@pytest.mark.parametrize("row", ROWS)
def test_values_and_gradients_are_pytorchs(row: Row) -> None:
    """Values and gradients differ from PyTorch's by at most 1e-9 of their size."""
    torch = pytest.importorskip("torch")
    if row.torch is None:
        pytest.skip("PyTorch has no such function")
    assert difference(our_results(row), torch_results(torch, row)) <= BOUND


@pytest.mark.parametrize("row", ROWS)
def test_values_and_gradients_are_jaxs(row: Row) -> None:
    """Values and gradients differ from JAX's by at most 1e-9 of their size."""
    jax = pytest.importorskip("jax")
    if row.jax is None:
        pytest.skip("JAX has no such function")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    assert difference(our_results(row), jax_results(jax, row)) <= BOUND


def difference(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    """Return the largest difference of two lists of arrays, relative to each array's size."""
    assert [a.shape for a in ours] == [a.shape for a in theirs]
    return max((relative(a, b) for a, b in zip(ours, theirs, strict=True)), default=0.0)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference of two arrays relative to the largest finite element."""
    same = (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - NaN
    if same.all():
        return 0.0
    scale = np.abs(b[np.isfinite(b)]).max(initial=1e-300)
    return float(np.abs(np.where(same, 0, a - b)).max() / scale)


def weights_of(shape: tuple[int, ...], index: int) -> np.ndarray:
    """Return what an output is multiplied with before all are added up to be differentiated."""
    return np.random.default_rng(index).uniform(0.5, 1.5, shape)


def differentiable(row: Row) -> list[int]:
    """Return which arguments have a gradient."""
    return [i for i, a in enumerate(row.arrays) if row.gradient and a.dtype.kind in "fc"]


def projection(outputs: Sequence[Any], real: Callable[[Any], Any], constant: Any) -> Any:  # noqa: ANN401
    """Return the sum of all floating-point outputs times weights, a real number."""
    total = 0.0
    for i, output in enumerate(outputs):
        weighted = output * constant(weights_of(tuple(output.shape), i))
        total = total + real(weighted.sum())
    return total


def our_results(row: Row) -> list[np.ndarray]:
    """Return our values, and then our gradients."""
    b = df.GraphBuilder()
    inputs = [b.constant(a) for a in row.arrays]
    outputs = listed(row.ours(*inputs))
    wrt = [inputs[i] for i in differentiable(row)]
    floats = [t for t in outputs if t.spec.is_float]
    found = df.grad(projection(floats, df.real, b.constant), wrt) if wrt and floats else ()
    made = df.evaluate(*outputs, *found)
    return [np.asarray(a) for a in listed(made)]


def torch_results(torch: Any, row: Row) -> list[np.ndarray]:  # noqa: ANN401 - a module
    """Return PyTorch's values, and then its gradients."""
    inputs = [torch.tensor(a) for a in row.arrays]
    wrt = [inputs[i].requires_grad_() for i in differentiable(row)]
    outputs = listed(row.torch and row.torch(torch, *inputs))
    floats = [t for t in outputs if t.is_floating_point() or t.is_complex()]
    found: Sequence[Any] = ()
    if wrt and floats:
        value = projection(floats, lambda t: t.real if t.is_complex() else t, torch.tensor)
        found = torch.autograd.grad(value, wrt, materialize_grads=True)
    return [t.detach().resolve_conj().resolve_neg().numpy() for t in (*outputs, *found)]


def jax_results(jax: Any, row: Row) -> list[np.ndarray]:  # noqa: ANN401 - a module
    """Return JAX's values, and then its gradients, conjugated as PyTorch's convention has them."""
    jnp = jax.numpy
    inputs = [jnp.asarray(a) for a in row.arrays]
    outputs = listed(row.jax and row.jax(jax, *inputs))
    floats = [i for i, t in enumerate(outputs) if jnp.issubdtype(t.dtype, jnp.inexact)]

    def value(*wrt: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        given = dict(zip(differentiable(row), wrt, strict=True))
        made = listed(row.jax and row.jax(jax, *[given.get(i, x) for i, x in enumerate(inputs)]))
        return projection([made[i] for i in floats], jnp.real, jnp.asarray)

    places = differentiable(row)
    found: Sequence[Any] = ()
    if places and floats:
        found = jax.grad(value, tuple(range(len(places))))(*[inputs[i] for i in places])
    return [np.asarray(t) for t in outputs] + [np.conj(np.asarray(t)) for t in found]
