"""The contenders of the suite: what makes a workload's step in each library, at its best.

A step computes the loss and either all gradients or, with Adam, the next weights. PyTorch and JAX
get their data as their own arrays, made beforehand; we get NumPy's. JAX compiles the whole step and
is given its state to overwrite. PyTorch runs eagerly, and compiled with `torch.compile`; its Adam
is the fused one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

import dataflow as df
from benchmarks.libraries import Jax, Ours, Torch
from benchmarks.more_libraries import Autograd, PyTensor

if TYPE_CHECKING:
    from benchmarks.workloads import Arrays, Workload

__all__ = ["CONTENDERS", "Contender", "enable_double"]

Any_: TypeAlias = Any
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Contender(NamedTuple):
    """A step that is ready to run, and what it has come to.

    Parameters
    ----------
    step : callable
        Runs once, to the end, and returns what `arrays` reads.
    arrays : callable
        Turns what a step returned into arrays: the loss, and gradients or weights by name.
    """

    step: Callable[[], Any_]
    arrays: Callable[[Any_], Arrays]


def ours(work: Workload, threads: int, *, fast: bool = False) -> Contender:
    """Return the step of a plan."""
    b = df.GraphBuilder(work.name)
    data = {name: b.input(name, array.shape, dtype=str(array.dtype))
            for name, array in work.data.items()}  # fmt: skip
    weights = {name: b.variable(name, array) for name, array in work.weights.items()}
    loss = work.loss(Ours(), weights, data)
    if work.learning_rate is None:
        gradients = df.grad(loss, list(weights.values()))
        outputs = {"loss": loss, **dict(zip(weights, gradients, strict=True))}
    else:
        outputs = {"loss": loss}
        df.optim.Adam(work.learning_rate, betas=(BETA1, BETA2), eps=EPSILON).minimize(loss)
    runner = df.Runner(df.compile(b.build(outputs), blas_threads=threads), fast=fast)

    def arrays(found: Any_) -> Arrays:
        if work.learning_rate is None:
            return dict(found)
        return {**found, **{name: runner.state[name] for name in weights}}

    return Contender(lambda: runner.run(dict(work.data)), arrays)


def torch_eager(work: Workload, threads: int) -> Contender:
    """Return the step of PyTorch as it is."""
    return _torch(work, threads, compiled=False)


def torch_compiled(work: Workload, threads: int) -> Contender:
    """Return the step of PyTorch's compiler."""
    return _torch(work, threads, compiled=True)


def _torch(work: Workload, threads: int, *, compiled: bool) -> Contender:
    import torch

    torch.set_num_threads(threads)
    lib: Any_ = Torch()
    weights = {name: torch.tensor(array, requires_grad=True)
               for name, array in work.weights.items()}  # fmt: skip
    data = {name: torch.tensor(array) for name, array in work.data.items()}
    parameters = list(weights.values())

    def loss_of() -> Any_:
        return work.loss(lib, weights, data)

    forward: Any_ = torch.compile(loss_of) if compiled else loss_of
    if work.learning_rate is None:

        def step() -> Any_:
            loss = forward()
            return loss, torch.autograd.grad(loss, parameters)

    else:
        optimizer = torch.optim.Adam(parameters, lr=work.learning_rate, betas=(BETA1, BETA2),
                                     eps=EPSILON, fused=True)  # fmt: skip

        def step() -> Any_:
            loss = forward()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss, parameters

    def arrays(found: Any_) -> Arrays:
        loss, others = found
        made = {name: array.detach().numpy() for name, array in zip(weights, others, strict=True)}
        return {"loss": loss.detach().numpy(), **made}

    return Contender(step, arrays)


def jax_jit(work: Workload, threads: int) -> Contender:
    """Return the step that `jax.jit` compiles; its threads are those of the process."""
    import jax
    from jax import numpy as jnp

    config: Any_ = jax.config
    # Computing in the calling thread saves a switch: up to a fifth of a small step on one CPU.
    config.update("jax_cpu_enable_async_dispatch", threads > 1)
    lib, finished = Jax(), _finished()
    data = {name: jnp.asarray(array) for name, array in work.data.items()}
    weights = {name: jnp.array(array) for name, array in work.weights.items()}
    gradient = jax.value_and_grad(lambda w, d: work.loss(lib, w, d))
    if work.learning_rate is None:
        compiled = jax.jit(gradient)
        return Contender(
            lambda: finished(compiled(weights, data)),
            lambda found: {"loss": np.asarray(found[0]), **_as_numpy(found[1])},
        )
    rate = work.learning_rate

    def adam(state: Any_, d: Any_) -> Any_:
        w, first, second, count = state
        loss, g = gradient(w, d)
        count = count + 1
        first = {k: BETA1 * first[k] + (1 - BETA1) * g[k] for k in g}
        second = {k: BETA2 * second[k] + (1 - BETA2) * g[k] * g[k] for k in g}
        scale, root = rate / (1 - BETA1**count), jnp.sqrt(1 - BETA2**count)
        w = {k: w[k] - scale * first[k] / (jnp.sqrt(second[k]) / root + EPSILON) for k in g}
        return (w, first, second, count), loss

    compiled = jax.jit(adam, donate_argnums=0)
    zeros = [{k: jnp.zeros_like(v) for k, v in weights.items()} for _ in range(2)]
    held = [(weights, *zeros, jnp.float32(0))]

    def step() -> Any_:
        held[0], loss = finished(compiled(held[0], data))
        return loss, held[0][0]

    return Contender(step, lambda found: {"loss": np.asarray(found[0]), **_as_numpy(found[1])})


def _finished() -> Any_:
    """Return what waits for results of JAX."""
    import jax

    return jax.block_until_ready


def hips_autograd(work: Workload, threads: int) -> Contender:
    """Return the step of HIPS autograd; only gradients, it has no training step of its own."""
    del threads
    autograd: Any_ = import_module("autograd")
    lib, names = Autograd(), list(work.weights)
    _refuse_training(work)
    gradient = autograd.value_and_grad(
        lambda arrays: work.loss(lib, dict(zip(names, arrays, strict=True)), work.data)
    )
    weights = list(work.weights.values())
    return Contender(
        lambda: gradient(weights),
        lambda found: {"loss": np.asarray(found[0]), **dict(zip(names, found[1], strict=True))},
    )


def pytensor_function(work: Workload, threads: int) -> Contender:
    """Return the step of a function that PyTensor compiled, its weights shared variables."""
    del threads
    pytensor: Any_ = import_module("pytensor")
    _refuse_training(work)
    lib, names = PyTensor(), list(work.weights)
    weights = {name: pytensor.shared(array, name) for name, array in work.weights.items()}
    data = {name: pytensor.shared(array, name) for name, array in work.data.items()}
    loss: Any_ = work.loss(lib, weights, data)
    step = pytensor.function([], [loss, *pytensor.grad(loss, list(weights.values()))])
    return Contender(
        step, lambda found: dict(zip(("loss", *names), map(np.asarray, found), strict=True))
    )


def _refuse_training(work: Workload) -> None:
    if work.learning_rate is not None:
        msg = "this library is asked for gradients only"
        raise NotImplementedError(msg)


def enable_double() -> None:
    """Let JAX compute in float64, which it doesn't by default."""
    import jax

    config: Any_ = jax.config
    config.update("jax_enable_x64", True)  # noqa: FBT003


def _as_numpy(arrays: Mapping[str, Any_]) -> dict[str, np.ndarray[Any_, Any_]]:
    return {name: np.asarray(array) for name, array in arrays.items()}


def ours_fast(work: Workload, threads: int) -> Contender:
    """Return the same with the extra `fast`."""
    return ours(work, threads, fast=True)


CONTENDERS: Mapping[str, Callable[[Workload, int], Contender]] = {
    "ours": ours,
    "ours, fast": ours_fast,
    "PyTorch": torch_eager,
    "torch.compile": torch_compiled,
    "jax.jit": jax_jit,
    "autograd": hips_autograd,
    "PyTensor": pytensor_function,
}
