"""Training memory: our arena beside XLA's temporary bytes and PyTorch's allocated peak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import dataflow as df
from benchmarks.libraries import Jax, Ours, Torch
from benchmarks.measuring import Row, Samples, interleaved
from benchmarks.memory_models import MODELS, Model

__all__ = ["measure"]

ROUNDS = 5
ENOUGH = 4  # times the parameters: then activations are what memory is about


def measure() -> Iterator[Row]:
    """Yield bytes, ratios with the goals that hold for each network, and times."""
    for make in MODELS:
        yield from _measured(make())


def _measured(model: Model) -> Iterator[Row]:
    plan, ours = _ours(model)
    xla, theirs = _xla(model)
    torch_bytes, eager = _torch(model)
    _check(model, ours(), theirs(), eager())
    parameters = sum(array.nbytes for array in model.weights.values())
    arena = plan.peak - _results_inside(plan)
    yield Row(f"{model.name}: arena", Samples((plan.peak,)), "B")
    yield Row("  XLA's temporary bytes", Samples((xla,)), "B")
    yield Row("  PyTorch's peak", Samples((torch_bytes,)), "B")
    is_large = torch_bytes >= ENOUGH * parameters
    goals = (0.8, 0.5) if model.mixes else (0.25, 0.2) if is_large else (1.0, None)
    less = max(xla - parameters, 1) if is_large else xla
    yield Row("  ours / XLA", Samples((arena / less,)), "×", at_most=goals[0])
    yield Row("  ours / PyTorch", Samples((arena / torch_bytes,)), "×", at_most=goals[1])
    times = interleaved({"ours": ours, "whole": _whole(model), "xla": theirs, "torch": eager},
                        rounds=ROUNDS)  # fmt: skip
    yield Row("  time", times["ours"])
    yield Row("  time / without slices", times["ours"] / times["whole"], "×", at_most=1.0)
    yield Row("  time / XLA's", times["ours"] / times["xla"], "×")
    yield Row("  time / PyTorch's", times["ours"] / times["torch"], "×")


def _results_inside(plan: df.Plan) -> int:
    """Return the bytes of the gradients, where the arena holds them."""
    operands = [output.operand for output in plan.outputs]
    return sum(o.spec.nbytes for o in operands if plan.buffers[o.buffer].kind == "temporary")


Gradients = Callable[[], dict[str, "np.ndarray[Any, Any]"]]


def _graph(model: Model) -> df.Graph:
    b = df.GraphBuilder(model.name)
    x = b.input("x", model.x.shape)
    weights = {name: b.variable(name, array) for name, array in model.weights.items()}
    loss = model.loss(Ours(), x, weights)
    gradients = df.grad(loss, list(weights.values()))
    return b.build(dict(zip(weights, gradients, strict=True)))


def _ours(model: Model, *, tiles: bool = True) -> tuple[df.Plan, Gradients]:
    plan = df.compile(_graph(model), tiles=tiles)
    runner = df.Runner(plan)
    return plan, lambda: runner.run(x=model.x)


def _whole(model: Model) -> Gradients:
    return _ours(model, tiles=False)[1]


def _xla(model: Model) -> tuple[int, Gradients]:
    import jax
    from jax import numpy as jnp

    library = Jax()
    gradient = jax.jit(jax.grad(lambda w, x: model.loss(library, x, w)))
    weights = {name: jnp.array(array) for name, array in model.weights.items()}
    x = jnp.array(model.x)
    analysis: Any = gradient.lower(weights, x).compile().memory_analysis()
    run = lambda: {k: np.asarray(v) for k, v in gradient(weights, x).items()}  # noqa: E731
    return int(analysis.temp_size_in_bytes), run


def _torch(model: Model) -> tuple[int, Gradients]:
    import torch
    from torch.profiler import ProfilerActivity, profile

    torch.set_num_threads(1)
    library = Torch()
    weights = {k: torch.tensor(v, requires_grad=True) for k, v in model.weights.items()}
    x = torch.tensor(model.x)

    def run() -> dict[str, Any]:
        loss = model.loss(library, x, weights)
        found = torch.autograd.grad(loss, list(weights.values()))
        return {name: gradient.numpy() for name, gradient in zip(weights, found, strict=True)}

    run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        kept = run()
    gradients = sum(array.nbytes for array in kept.values())
    return _peak(trace) - gradients, run


def _peak(trace: Any) -> int:  # noqa: ANN401 - a profile of theirs
    """Return the most bytes allocated at once, by the events of allocation and release."""
    live = most = 0
    events = [e for e in trace.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=lambda e: e.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most


def _check(model: Model, *results: dict[str, np.ndarray[Any, Any]]) -> None:
    """Check that all libraries compute the same gradients."""
    for name in model.weights:
        first = results[0][name]
        for other in results[1:]:
            scale = np.abs(first).max()
            off = float(np.abs(first - other[name]).max() / scale)
            if not off <= 1e-3:
                msg = f"{model.name}: gradient {name} differs by {off:.1e}"
                raise SystemExit(msg)
