"""Runs the benchmarks and prints one table: ``python benchmarks/run.py [NAME ...]``.

Each benchmark runs in a process of its own, pinned to one thread on one CPU, so that none warms up
or disturbs another. A missed goal is printed, not an error: timings depend on the machine and on
what else it does. Values that differ from a peer's are an error.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
from pathlib import Path

# Last, so that the installed package is measured and not the checkout.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.measuring import HEADER, pin_to_one_thread

NAMES = (
    "replay_overhead",
    "scan_overhead",
    "digits_step",
    "cold_start",
    "compile_time",
    "arena",
    "offsets",
    "budget",
    "memory",
)
_INNER = "DATAFLOW_BENCHMARK"  # set for the process that is to run one benchmark itself


def main(names: list[str]) -> int:
    """Run the named benchmarks, all by default, and return the exit code."""
    pin_to_one_thread()
    if _INNER in os.environ:
        return _run(os.environ[_INNER])
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}")
        return 2
    print(
        f"{platform.machine()}, Python {platform.python_version()}, one thread on one CPU\n{HEADER}"
    )
    failed = [name for name in names or NAMES if _start(name)]
    return 1 if failed else 0


def _start(name: str) -> int:
    sys.stdout.flush()
    environment = {**os.environ, _INNER: name}
    return subprocess.run([sys.executable, __file__], env=environment, check=False).returncode


def _run(name: str) -> int:
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    for row in module.measure():  # a line of text where there is no number
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
