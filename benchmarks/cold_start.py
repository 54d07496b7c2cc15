"""Whole processes from a cold start: `dataflow replay` of one prediction, imports, and peers.

The command is the installed one beside this Python, byte-compiled by pip, as users have it. Each
process is started, reads its files, writes its result and ends; the file cache is warm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

import dataflow as df
from benchmarks.digits import BATCH, batches, first_weights, graph
from benchmarks.measuring import Row, interleaved

__all__ = ["measure"]

OUR_IMPORT, TORCH_IMPORT = "import dataflow", "import torch"
OUR_BUILDER = "import dataflow; dataflow.GraphBuilder"
OURS, IMPORTS, TORCH = "dataflow replay", "python -c 'import numpy, pyarrow.ipc'", "PyTorch"


def measure() -> Iterator[Row]:
    """Yield the three processes' times, and the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        processes = _processes(Path(folder))
        for process in processes.values():
            process()
        _check(Path(folder))
        found = interleaved(processes, rounds=21)
    for name, samples in found.items():
        yield Row(name, samples)
    yield Row(f"{OURS} / {IMPORTS}", found[OURS] / found[IMPORTS], "×", at_most=1.4)
    yield Row(f"{OURS} / {TORCH}", found[OURS] / found[TORCH], "×", at_most=0.35)
    yield from _imports()


def _imports() -> Iterator[Row]:
    """Yield how long an import takes beside PyTorch's, and one with all that builds a graph."""
    with tempfile.TemporaryDirectory() as folder:
        commands = {"nothing": "pass", **{text: text for text in (OUR_IMPORT, OUR_BUILDER)},
                    TORCH_IMPORT: TORCH_IMPORT}  # fmt: skip
        found = interleaved({
            name: partial(_run, [sys.executable, "-c", text], Path(folder))
            for name, text in commands.items()
        }, rounds=11)  # fmt: skip
    theirs = found[TORCH_IMPORT] - found["nothing"]  # what the interpreter needs is nobody's
    yield Row(TORCH_IMPORT, theirs)
    for name, at_most in ((OUR_IMPORT, 0.25), (OUR_BUILDER, None)):
        own = found[name] - found["nothing"]
        yield Row(name, own)
        yield Row(f"{name} / {TORCH_IMPORT}", own / theirs, "×", at_most=at_most)


def _processes(folder: Path) -> dict[str, Callable[[], object]]:
    _write_files(folder)
    torch = Path(__file__).with_name("torch_predict.py")
    commands = {
        OURS: [_command(), "replay", "predict.plan.arrow", "--state", "state.arrow",
               "--feed", "x=x.npy", "-o", "ours.npz"],
        IMPORTS: [sys.executable, "-c", "import numpy, pyarrow.ipc"],
        TORCH: [sys.executable, str(torch), "weights.pt", "x.npy", "theirs.npy"],
    }  # fmt: skip
    return {name: partial(_run, command, folder) for name, command in commands.items()}


def _command() -> str:
    found = shutil.which("dataflow", path=str(Path(sys.executable).parent))
    if found is None:
        msg = (
            f"no command `dataflow` beside {sys.executable}: install the wheel, as make bench does"
        )
        raise SystemExit(msg)
    return found


def _run(command: Sequence[str], folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())


def _write_files(folder: Path) -> None:
    import torch

    step = df.Runner(df.compile(graph(), dims={"batch": BATCH}))
    predict = df.compile(graph(), outputs=["logits"], updates=False, dims={"batch": BATCH})
    df.save(predict, folder / "predict.plan.arrow")
    df.save(step.state, folder / "state.arrow")
    np.save(folder / "x.npy", batches()[0][0])
    weights = [torch.tensor(np.ascontiguousarray(array.T)) for array in first_weights(step)]
    torch.save(weights, folder / "weights.pt")


def _check(folder: Path) -> None:
    ours, theirs = np.load(folder / "ours.npz")["logits"], np.load(folder / "theirs.npy")
    if not np.allclose(ours, theirs, rtol=0, atol=1e-5):
        msg = f"the predictions differ by {abs(ours - theirs).max()}"
        raise SystemExit(msg)
