"""The speed suite: ``python benchmarks/suite.py [WORKLOAD ...] [--threads 1,2] [-o FILE]``.

Sixteen training and gradient steps, each in a process of its own with all contenders in it: their
results are compared, then they are timed in turn. HIPS autograd and PyTensor stand beside, where
they can do the work. Ratios are a contender's time by ours: above 1
we are faster. The samples are written as Arrow, one row each.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

# Last, so that the installed package is measured and not the checkout.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.measuring import Samples, finished_in_time, interleaved, pin_to

__all__ = ["main"]

OURS, FAST, EAGER, COMPILED, JAX = "ours", "ours, fast", "PyTorch", "torch.compile", "jax.jit"
PEERS = (EAGER, COMPILED, JAX)
BESIDE = ("autograd", "PyTensor")  # what they can do
GOALS = {EAGER: 2.5, COMPILED: 1.3, JAX: 1.2}
BEST_GOAL = 0.9
_SECONDS = 0.02  # of one sample: short steps run several times in it
_PATIENCE = 240  # seconds until a first step must be done, compiling included
_BUDGET, _FEWEST, _MOST = 4.0, 5, 25  # seconds of a contender's rounds, and how many

Found: TypeAlias = Mapping[str, Sequence[float]]
"""Seconds a step in each round, by contender."""


def main(arguments: list[str]) -> int:
    """Run the named workloads, all by default, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, in turn")
    parser.add_argument("-o", "--output", type=Path, help="an Arrow file for the samples")
    parser.add_argument("--here", nargs="?", const="*", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here == "*":
        return _run(options.workloads[0], int(options.threads))
    if options.here:
        return _try(options.workloads[0], int(options.threads), options.here)
    from benchmarks.workloads import WORKLOADS

    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        print(f"there is no workload {unknown[0]!r}; there are: {', '.join(WORKLOADS)}")
        return 2
    rows: list[dict[str, Any]] = []
    for threads in map(int, options.threads.split(",")):
        rows += _table(options.workloads or list(WORKLOADS), threads)
    if options.output is not None:
        _write(rows, options.output)
    return 0


# The table


def _table(names: Sequence[str], threads: int) -> list[dict[str, Any]]:
    """Measure workloads one by one, print their ratios and means, and return the samples."""
    print(f"\n{f'threads: {threads}':<20}{'ours':>9}  {'quartiles':<22}{'fast':>9}"
          + "".join(f"{peer:>15}" for peer in (*PEERS, "best", "best/fast", *BESIDE)))  # fmt: skip
    ratios: dict[str, list[dict[str, float]]] = {OURS: [], FAST: []}
    rows = []
    for name in names:
        found = _measured(name, threads)
        own = {kind: _ratios(found, kind) for kind in ratios}
        for kind, peers in own.items():
            ratios[kind].append(peers)
        print(_line(name, found, own[OURS], min(own[FAST].values())), flush=True)
        rows += [{"threads": threads, "workload": name, "library": lib, "round": i, "seconds": s}
                 for lib, seconds in found.items() for i, s in enumerate(seconds)]  # fmt: skip
    for kind, found_ratios in ratios.items():
        means = [_mean([own[peer] for own in found_ratios if peer in own]) for peer in PEERS]
        print(f"{'geometric mean, ' + kind:<62}" + "".join(f"{_ratio(m):>15}" for m in means))
    goals = "".join(f"{f'{goal}×':>15}" for goal in GOALS.values())
    print(f"{'the goal':<62}{goals}{f'each {BEST_GOAL}×':>15}")
    return rows


def _ratios(found: Found, kind: str) -> dict[str, float]:
    """Return each peer's time by that of one of ours."""
    ours = Samples(tuple(found[kind])).median
    return {peer: Samples(tuple(found[peer])).median / ours for peer in PEERS if peer in found}


def _line(name: str, found: Found, own: Mapping[str, float], best_of_fast: float) -> str:
    ours, fast = (Samples(tuple(found[kind])) for kind in (OURS, FAST))
    low, high = ours.quartiles
    beside = [Samples(tuple(found[p])).median / ours.median if p in found else None
              for p in BESIDE]  # fmt: skip
    numbers = [*map(own.get, PEERS), min(own.values()), best_of_fast, *beside]
    cells = "".join(f"{_ratio(number):>15}" for number in numbers)
    return (f"{name:<20}{_ms(ours.median):>9}  {_ms(low) + ' to ' + _ms(high):<22}"
            f"{_ms(fast.median):>9}{cells}")  # fmt: skip


def _mean(ratios: Sequence[float]) -> float | None:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}×"


def _measured(name: str, threads: int) -> Found:
    """Measure one workload in a process of its own."""
    command = [sys.executable, __file__, name, "--threads", str(threads), "--here"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def _write(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(list(rows))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


# One workload, in its own process


def _run(name: str, threads: int) -> int:
    pin_to(threads)
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    from benchmarks.contenders import CONTENDERS, enable_double
    from benchmarks.workloads import WORKLOADS

    work = WORKLOADS[name]()
    if any(array.dtype == "float64" for array in work.weights.values()):
        enable_double()
    ready = {}
    for library, make in CONTENDERS.items():
        if work.unrolled and library != OURS and not _gets_ready(name, threads, library):
            continue
        try:
            contender = make(work, threads)
            contender.step()
        except Exception:
            if library == OURS:
                raise
            traceback.print_exc(limit=-3)
            continue
        ready[library] = contender
    results = {library: c.arrays(c.step()) for library, c in ready.items()}
    _check(work.name, results)
    found = dict(_timed({library: contender.step for library, contender in ready.items()}))
    print(json.dumps(found))
    return 0


def _gets_ready(name: str, threads: int, library: str) -> bool:
    """Say whether a contender does its first step in time, in a process that can be stopped."""
    command = [sys.executable, __file__, name, "--threads", str(threads), "--here", library]
    done = finished_in_time(command, _PATIENCE)
    if done is None:
        print(f"{name}: {library} is not ready after {_PATIENCE} s", file=sys.stderr)
    return done is not None and done.returncode == 0


def _try(name: str, threads: int, library: str) -> int:
    """Do one step of one contender."""
    pin_to(threads)
    from benchmarks.contenders import CONTENDERS
    from benchmarks.workloads import WORKLOADS

    CONTENDERS[library](WORKLOADS[name](), threads).step()
    return 0


def _timed(steps: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield seconds a step in each round; as many rounds as there is time for, within bounds."""
    counts = {library: _count(step) for library, step in steps.items()}
    slowest = max(took for _, took in counts.values())
    rounds = max(_FEWEST, min(_MOST, int(_BUDGET / max(slowest, _SECONDS))))

    def several(library: str) -> Any:  # noqa: ANN401
        step, (count, _) = steps[library], counts[library]
        return lambda: [step() for _ in range(count)][-1]

    samples = interleaved({library: several(library) for library in steps}, rounds=rounds, warmup=1)
    for library, taken in samples.items():
        yield library, taken.per(counts[library][0]).values


def _count(step: Any) -> tuple[int, float]:  # noqa: ANN401
    """Return how often a step runs in one sample, and how long one takes about."""
    step()
    start = time.perf_counter()
    step()
    took = time.perf_counter() - start
    return max(1, int(_SECONDS / took)), took


def _check(name: str, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that all contenders have the same loss, and gradients or weights.

    Differences are by the largest element of an array, or of all of them where it is far smaller:
    some gradients are zero but for roundings.
    """
    import numpy as np

    ours = results[OURS]
    single = any(array.dtype == np.float32 for array in ours.values())
    bound = 1e-4 if single else 1e-9
    largest = max(float(np.abs(array).max()) for key, array in ours.items() if key != "loss")
    for library, found in results.items():
        for key, array in ours.items():
            scale = max(float(np.abs(array).max()), 1e-3 * largest)
            off = float(np.abs(array - found[key]).max()) / scale
            if not off <= bound or array.shape != found[key].shape:
                msg = f"{name}: {library}'s {key} differs from ours by {off:.1e}"
                raise SystemExit(msg)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
