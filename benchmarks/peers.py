"""The digits training step in PyTorch and in JAX, each at its best.

PyTorch runs eagerly, on plain tensors: modules only add calls. Its three Adams are separate peers
and the fastest counts. JAX compiles the whole step, Adam included, and is given its state to
overwrite. Both get their batches as their own arrays, made beforehand; we get NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["ADAMS", "Batches", "Epoch", "jax_epoch", "torch_epoch"]

Batches: TypeAlias = Sequence[tuple[np.ndarray, np.ndarray]]
Epoch: TypeAlias = Callable[[], float]
"""Trains on every batch once and returns the last loss."""

ADAMS: Mapping[str, Mapping[str, bool]] = {
    "Adam": {},
    "Adam, foreach": {"foreach": True},
    "Adam, fused": {"fused": True},
}
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def torch_epoch(
    first: Sequence[np.ndarray], batches: Batches, options: Mapping[str, bool]
) -> Epoch:
    """Return an epoch of PyTorch; `first` are weight, bias, weight, bias, weights as (in, out)."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    # Transposed once, to the layout that its own Linear uses.
    weights = [torch.tensor(np.ascontiguousarray(array.T), requires_grad=True) for array in first]
    adam: Any = torch.optim.Adam
    optimizer = adam(weights, lr=LEARNING_RATE, **options)
    fed = [(torch.tensor(x), torch.tensor(labels)) for x, labels in batches]

    def step(x: Any, labels: Any) -> Any:  # noqa: ANN401 - a tensor of theirs
        hidden = functional.linear(x, weights[0], weights[1]).relu()
        logits = functional.linear(hidden, weights[2], weights[3])
        loss: Any = functional.cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    def epoch() -> float:
        for x, labels in fed:
            loss = step(x, labels)
        return float(loss.detach())

    return epoch


def jax_epoch(first: Sequence[np.ndarray], batches: Batches) -> Epoch:
    """Return an epoch of JAX; each step waits for its results, as a step of anyone else does."""
    import jax

    config: Any = jax.config
    finished: Any = jax.block_until_ready
    # Computing in the calling thread saves a switch: up to a fifth of this step on one CPU.
    config.update("jax_cpu_enable_async_dispatch", False)  # noqa: FBT003 - JAX's signature
    step = jax.jit(_jax_step, donate_argnums=0)
    weights = [jax.numpy.array(array) for array in first]
    zeros = [jax.numpy.zeros_like(weight) for weight in weights]
    state = (weights, zeros, [zero.copy() for zero in zeros], jax.numpy.zeros(()))
    fed = [(jax.numpy.array(x), jax.numpy.array(labels)) for x, labels in batches]

    def epoch() -> float:
        nonlocal state
        for x, labels in fed:
            state, loss, logits = step(state, x, labels)
            finished((state, loss, logits))
        return float(loss)

    return epoch


def _jax_step(state: Any, x: Any, labels: Any) -> Any:  # noqa: ANN401 - trees of their arrays
    import jax

    weights, means, squares, count = state
    (loss, logits), gradients = jax.value_and_grad(_jax_loss, has_aux=True)(weights, x, labels)
    count = count + 1
    rate = LEARNING_RATE * jax.numpy.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    epsilon = EPSILON * jax.numpy.sqrt(1 - BETA2**count)
    means = [BETA1 * m + (1 - BETA1) * g for m, g in zip(means, gradients, strict=True)]
    squares = [BETA2 * s + (1 - BETA2) * g * g for s, g in zip(squares, gradients, strict=True)]
    weights = [w - rate * m / (jax.numpy.sqrt(s) + epsilon)
               for w, m, s in zip(weights, means, squares, strict=True)]  # fmt: skip
    return (weights, means, squares, count), loss, logits


def _jax_loss(weights: Any, x: Any, labels: Any) -> Any:  # noqa: ANN401 - arrays of theirs
    import jax

    hidden = jax.nn.relu(x @ weights[0] + weights[1])
    logits = hidden @ weights[2] + weights[3]
    chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -chosen.mean(), logits
