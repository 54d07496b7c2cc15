"""One chain of operations with its gradient, made ready in a process: ``chains.py LIBRARY COUNT``.

A chain is the worst case for a pass that walks back or forth over the graph. It is a product, a
sum, a half and a sine in turn, whose values stay between 0.1 and 4: finite, and away from zero.
Printed as JSON is what making ready took, from the first operation to the first result, which is
checked against NumPy's.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

if __name__ == "__main__":  # last, so that the installed package is measured and not the checkout
    sys.path.append(str(Path(__file__).resolve().parents[1]))

__all__ = ["LIBRARIES", "Ready", "ours", "reference"]

Any_: TypeAlias = Any
Array: TypeAlias = np.ndarray[Any, Any]
_OFF = 1e-4
"""The largest relative difference of float32 results."""


class Ready(NamedTuple):
    """What making a chain ready took, and what its first run gave.

    Parameters
    ----------
    seconds : dict of str to float
        By part.
    nodes : int
        Of the graph, reverse sweep included; 0 where a library doesn't say.
    value, gradient : array
        The results.
    """

    seconds: dict[str, float]
    nodes: int
    value: Array
    gradient: Array


def chain(x: Any_, operations: int, sine: Callable[[Any_], Any_]) -> Any_:
    """Return the sum of a chain's end, in any library."""
    y = x
    for index in range(operations):
        match index % 4:
            case 0:
                y = y * x
            case 1:
                y = y + x
            case 2:
                y = y * 0.5
            case _:
                y = sine(y)
    return y.sum()


def reference(x: Array, operations: int) -> tuple[Array, Array]:
    """Return a chain's value and gradient by NumPy, in float64."""
    x = np.asarray(x, np.float64)
    values = [x]
    for index in range(operations):
        y = values[-1]
        values.append((y * x, y + x, y * 0.5, np.sin(y))[index % 4])
    back, gradient = np.ones_like(x), np.zeros_like(x)
    for index in reversed(range(operations)):
        y = values[index]
        gradient += (back * y, back, 0, 0)[index % 4]
        back = back * (x, 1, 0.5, np.cos(y))[index % 4]
    return values[-1].sum(), gradient + back


def ours(x: Array, operations: int) -> Ready:
    """Declare, differentiate, build, compile, bind and run."""
    import dataflow as df

    marks = {"": time.perf_counter()}

    def note(part: str) -> None:
        marks[part] = time.perf_counter()

    b = df.GraphBuilder("chain")
    fed = b.input("x", x.shape, "float32")
    loss = chain(fed, operations, df.sin)
    note("declare")
    gradient = df.grad(loss, fed)
    note("reverse sweep")
    graph = b.build({"value": loss, "gradient": gradient})
    note("build")
    plan = df.compile(graph)
    note("compile")
    found = df.Runner(plan).run(x=x)
    note("bind, first run")
    times = list(marks.values())
    taken = (end - start for start, end in pairwise(times))
    seconds = dict(zip(list(marks)[1:], taken, strict=True))
    return Ready(seconds, len(graph), found["value"], found["gradient"])


def jax_jit(x: Array, operations: int) -> Ready:
    """Trace, compile and run."""
    import jax
    from jax import numpy as jnp

    fed = jnp.asarray(x)
    start = time.perf_counter()
    step = jax.jit(jax.value_and_grad(lambda x: chain(x, operations, jnp.sin)))
    found: Any_ = step(fed)
    value, gradient = (result.block_until_ready() for result in found)
    return Ready({"all": time.perf_counter() - start}, 0, np.asarray(value), np.asarray(gradient))


def torch_compile(x: Array, operations: int) -> Ready:
    """Trace, compile and run."""
    import torch

    fed = torch.tensor(x, requires_grad=True)
    start = time.perf_counter()

    def value_of(x: Any_) -> Any_:
        return chain(x, operations, torch.sin)

    step: Any_ = torch.compile(value_of)
    value = step(fed)
    (gradient,) = torch.autograd.grad(value, fed)
    taken = time.perf_counter() - start
    return Ready({"all": taken}, 0, value.detach().numpy(), gradient.numpy())


LIBRARIES: dict[str, Callable[[Array, int], Ready]] = {
    "ours": ours, "jax.jit": jax_jit, "torch.compile": torch_compile,
}  # fmt: skip


def _main(library: str, operations: int) -> None:
    x = np.linspace(0.5, 1.5, 8, dtype=np.float32)
    LIBRARIES[library](x, 20)  # imports, and fills the caches of kinds
    before = _resident()
    ready = LIBRARIES[library](x, operations)
    grown = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    for found, known in zip((ready.value, ready.gradient), reference(x, operations), strict=True):
        if not np.allclose(found, known, rtol=_OFF, atol=0):
            msg = f"{library}, {operations} operations: {found} differs from NumPy's {known}"
            raise SystemExit(msg)
    print(json.dumps({"seconds": ready.seconds, "nodes": ready.nodes, "bytes": grown}))


def _resident() -> int:
    """Return the bytes that the process has in memory now, as Linux tells."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
