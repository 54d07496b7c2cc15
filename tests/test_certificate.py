"""The certificate is true: a replay grows the process by its sum, and fits into as much space.

Each case runs in a process of its own, warmed up by another plan first, so that what BLAS and NumPy
allocate once isn't counted.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import dataflow as df
from dataflow.cli import main
from dataflow.errors import PlanError
from scheduler.plan import Plan
from tests.plans import sliced

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 2**20

CHILD = """
import resource, sys
import numpy as np
import dataflow as df

def pages(column):
    with open("/proc/self/statm") as file:
        return int(file.read().split()[column]) * resource.getpagesize()

def feeds(plan):
    return {i.name: np.full(i.spec.static_shape, 0.5, i.spec.dtype) for i in plan.inputs}

warm, plan = df.load(sys.argv[1]), df.load(sys.argv[2])
df.Runner(warm).run(feeds(warm))
given = feeds(plan)
if sys.argv[3] == "resident":
    before = pages(1)
    runner = df.Runner(plan)
    results = runner.run(given)
    print(pages(1) - before)
else:
    limit = pages(0) + plan.certificate.total + int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        df.Runner(plan).run(given)
    except df.errors.RunError as error:
        print(error)
    else:
        print("done")
"""


@cache
def perceptron(rows: int, layers: int) -> Plan:
    """Return a training step without slices."""
    b = df.GraphBuilder("perceptron")
    h = b.input("x", (rows, 512))
    for _ in range(layers):
        h = df.nn.Dense(512, activation="relu")(h)
    loss = (h * h).mean()
    df.optim.Adam(1e-3).minimize(loss)
    return df.compile(b.build({"loss": loss}), tiles=False)


@cache
def in_slices() -> Plan:
    """Return a training step whose activations are in slices."""
    b = df.GraphBuilder("slices")
    h = b.input("x", (16384, 512))
    for _ in range(8):
        h = df.nn.Dense(512, activation="relu")(h)
    loss = (h * h).mean()
    df.optim.SGD(1e-3).minimize(loss)
    return df.compile(b.build({"loss": loss}))


@cache
def images() -> Plan:
    """Return a training step of a convolutional network."""
    b = df.GraphBuilder("images")
    h = b.input("x", (32, 3, 64, 64))
    for filters in (16, 32):
        h = df.relu(df.nn.Conv2d(filters, (3, 3), padding="same")(h))
    loss = (h * h).mean()
    df.optim.SGD(1e-3).minimize(loss)
    return df.compile(b.build({"loss": loss}), tiles=False)


@cache
def loop() -> Plan:
    """Return a loop over rows with its gradient, whose stacked rows are a result."""
    b = df.GraphBuilder("loop")
    x, w = b.input("x", (512, 4096)), b.variable("w", np.ones(4096, np.float32))
    _, rows = df.scan(lambda c, x: (df.tanh(c * w + x), c), b.zeros((4096,)), x)
    (slope,) = df.grad((rows * rows).sum(), [w])
    return df.compile(b.build({"slope": slope, "rows": rows}))


each = pytest.mark.parametrize(
    "make", [lambda: perceptron(4096, 8), in_slices, images, loop],
    ids=["perceptron", "slices", "images", "loop"],
)  # fmt: skip


def answer(plan: Plan, what: object, folder: Path) -> str:
    """Run a plan in a process of its own and return what it says."""
    paths = [folder / "warm.arrow", folder / "plan.arrow"]
    df.save(perceptron(256, 2), paths[0])
    df.save(plan, paths[1])
    command = [sys.executable, "-c", CHILD, *map(str, paths), str(what)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@each
def test_a_replay_grows_by_the_certificate(make: Callable[[], Plan], tmp_path: Path) -> None:
    """Resident memory grows by the sum: within 5 % from 64 MiB on, within 4 MiB below."""
    total = make().certificate.total
    grown = int(answer(make(), "resident", tmp_path))
    assert abs(grown - total) <= (0.05 * total if total >= 64 * MIB else 4 * MIB)


@each
def test_a_replay_fits_into_the_certificate(make: Callable[[], Plan], tmp_path: Path) -> None:
    """It runs in the address space that is there before, plus the sum, plus 16 MiB."""
    assert answer(make(), 16 * MIB, tmp_path) == "done"


def test_too_little_address_space_is_an_error(tmp_path: Path) -> None:
    """With 60 MiB less than the sum it says what it needs, and doesn't crash."""
    said = answer(perceptron(4096, 8), -60 * MIB, tmp_path)
    assert f"needs {perceptron(4096, 8).certificate.total} bytes" in said


def test_plans_verify_themselves() -> None:
    """`plan.verify()` accepts what was compiled, and refuses a lifetime that is a lie."""
    from dataclasses import replace

    plan = sliced()
    plan.verify()
    shorter = [b._replace(end=b.first + 1) if b.kind == "temporary" else b for b in plan.buffers]
    with pytest.raises(PlanError):
        replace(plan, buffers=tuple(shorter)).verify()


def test_verify_prints_the_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Peak, lower bound, gap, how many buffers, that none overlap, and every part of the sum."""
    plan = perceptron(64, 2)
    df.save(plan, tmp_path / "p.arrow")
    assert main(["verify", str(tmp_path / "p.arrow"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["peak_bytes"] == plan.peak
    assert record["lower_bound_bytes"] == plan.lower_bound
    assert record["gap_percent"] == 0
    assert record["overlaps"] == 0
    assert record["buffer_count"] == sum(b.kind == "temporary" for b in plan.buffers)
    parts = record["certificate_bytes"]
    assert parts.pop("total") == sum(parts.values()) == plan.certificate.total
