"""What an iteration of a loop costs over its kernels, beside a step of JAX's compiled loop.

The body is a small recurrent step, ``h = tanh(w @ h + x)``. The kernels' own time is that of the
same bound calls, one step's after the other's, in a bare loop. A gradient is two loops, so a step
of it is two iterations; with ``unroll=4`` an iteration is four steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import dataflow as df
from benchmarks.measuring import Row, interleaved
from scheduler.environment import kernel_context

__all__ = ["measure"]

STEPS, WIDTH = 1000, 16


def measure() -> Iterator[Row]:
    """Yield the cost forward and of the gradient, one step an iteration and unrolled."""
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(STEPS, WIDTH)).astype(np.float32),
        "h": np.zeros(WIDTH, np.float32),
        "w": (rng.normal(size=(WIDTH, WIDTH)) / 4).astype(np.float32),
    }
    for what, wanted in (("forward", "last"), ("gradient", "slope")):
        for unroll in (1, 4):
            yield from _rows(f"{what}, unroll={unroll}", arrays, wanted, unroll)


def _graph(unroll: int) -> df.Graph:
    b = df.GraphBuilder("loop")
    x, h = b.input("x", (STEPS, WIDTH)), b.input("h", (WIDTH,))
    w = b.input("w", (WIDTH, WIDTH))
    last, _ = df.scan(lambda c, row: (df.tanh(w @ c + row), None), h, x, unroll=unroll)
    return b.build({"last": last.sum(), "slope": df.grad(last.sum(), w)})


def _jax(wanted: str, unroll: int) -> Any:  # noqa: ANN401 - JAX's
    import jax

    def loop(x: Any, h: Any, w: Any) -> Any:  # noqa: ANN401
        def step(c: Any, row: Any) -> Any:  # noqa: ANN401
            return jax.numpy.tanh(w @ c + row), None

        return jax.lax.scan(step, h, x, unroll=unroll)[0].sum()

    return jax.jit(loop if wanted == "last" else jax.grad(loop, argnums=2))


def _rows(what: str, arrays: dict[str, np.ndarray], wanted: str, unroll: int) -> Iterator[Row]:
    runner = df.Runner(df.compile(_graph(unroll), outputs=[wanted]))
    out = runner.run(arrays)
    theirs = _jax(wanted, unroll)
    np.testing.assert_allclose(out[wanted], theirs(*arrays.values()), rtol=1e-3, atol=1e-4)
    bodies = list(_bodies(runner))

    def bare() -> None:
        for program, times in bodies:
            for _ in range(times):
                for kernel, args in program:
                    kernel(*args)

    found = interleaved(
        {
            "loop": lambda: runner.run(arrays, out=out),
            "kernels": lambda: kernel_context().run(bare),
            "jax": lambda: theirs(*arrays.values()).block_until_ready(),
        },
        rounds=31,
    )
    iterations = sum(times for _, times in bodies)
    over = (found["loop"] - found["kernels"]).per(iterations)
    yield Row(f"{what}: a step's kernels", found["kernels"].per(STEPS))
    yield Row(f"{what}: what a loop adds to an iteration", over, at_most=2e-6)
    yield Row(f"{what}: a whole step of jax.jit", found["jax"].per(STEPS))


def _bodies(runner: df.Runner) -> Iterator[tuple[Any, int]]:
    """Yield the bound calls of each loop's even step, and how often a step runs."""
    for _, args in runner._calls.computing:  # noqa: SLF001 - the calls
        loop = args[0] if args else None
        if type(loop).__name__ == "_Loop":
            yield loop.programs[0], len(args[1])  # type: ignore[attr-defined, arg-type]
