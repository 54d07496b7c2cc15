"""bfloat16: moved as it is, computed with in float32, kept in files, and fed from tables."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dataflow as df
from dataflow.errors import DTypeError
from dataflow.operation import Absent
from dataflow.registry import get_op
from tests.cases import CASES, Case, each_op, together
from tests.oracle import LAYOUTS, Array, assert_same_bits, reference, run, specs_of

ml_dtypes = pytest.importorskip("ml_dtypes")
BF16 = np.dtype(ml_dtypes.bfloat16)

MOVED = [c for c in CASES if c.op.moves and c.op.name != "astype"
         and any(a.dtype == np.float16 for a in c.sample.inputs)]  # fmt: skip


def narrowed(case: Case) -> list[Array]:
    """Return a sample's inputs, its float16 ones as bfloat16."""
    return [a.astype(BF16) if a.dtype == np.float16 else a for a in case.sample.inputs]


@together(MOVED)
def test_ops_that_move_take_bfloat16(case: Case) -> None:
    """An op that says that it only moves elements gives bfloat16's bits, whatever the layout."""
    inputs = narrowed(case)
    expected = reference(case.op, inputs, case.sample.attrs)
    assert specs_of(expected) == case.op.infer(specs_of(inputs), case.sample.attrs)
    for layout in (np.array, *LAYOUTS[:-1]):
        made = run(case.op, [layout(array) for array in inputs], case.sample.attrs)
        assert_same_bits(made, expected, f"{case.name}, {layout.__name__}")


@each_op(lambda op: op.moves and not isinstance(op.vjp, Absent))
def test_every_op_that_moves_is_tried(name: str) -> None:
    """Each op that takes bfloat16 as it is has a sample in float16, which stands for it here."""
    assert name == "astype" or any(case.op.name == name for case in MOVED)


@each_op(lambda op: not op.moves)
def test_ops_that_compute_refuse_bfloat16(name: str) -> None:
    """No other record takes bfloat16, not even from a file; the builder puts float32 there."""
    for case in (c for c in CASES if c.op.name == name):
        if any(a.dtype == np.float16 for a in case.sample.inputs):
            with pytest.raises(DTypeError):
                get_op(name).infer(specs_of(narrowed(case)), case.sample.attrs)


def values(*shape: int) -> Array:
    """Draw numbers that bfloat16 holds."""
    return np.random.default_rng(5).normal(size=shape).astype(BF16)


@pytest.mark.parametrize(
    "function",
    [
        lambda t: t + 1, lambda t: t * t, df.exp, df.softmax,
        lambda t: t.sum(axis=0), lambda t: t @ t.T, lambda t: df.where(t > 0, t, 0.5 * t),
        lambda t: t.max(axis=1), df.layer_norm, lambda t: t.mean(),
    ],
)  # fmt: skip
def test_arithmetic_is_float32_rounded(function: Callable[[df.Tensor], df.Tensor]) -> None:
    """What is computed of bfloat16 is what float32 gives, rounded once to bfloat16."""
    b, x = df.GraphBuilder(), values(4, 4)
    narrow = function(b.constant(x))
    wide = function(b.constant(x.astype(np.float32)))
    found, expected = df.evaluate(narrow, wide)
    assert found.dtype == BF16
    # `0.5 * t` within a larger expression is rounded on the way; one rounding is 2**-8.
    np.testing.assert_allclose(found.astype(np.float32), expected, rtol=2**-7)


@pytest.mark.parametrize(
    ("other", "expected"),
    [(2, BF16), (2.5, BF16), (True, BF16), (np.int64(2), BF16), (np.uint8(2), BF16),
     (np.float16(2), np.float32), (np.float32(2), np.float32), (np.float64(2), np.float64),
     (2j, np.complex64), (np.complex128(2), np.complex128)],
)  # fmt: skip
def test_promotion(other: Any, expected: Any) -> None:  # noqa: ANN401 - a number
    """Beside integers bfloat16 stays, beside float16 it becomes float32, beside more the wider."""
    x = df.GraphBuilder().input("x", (2,), "bfloat16")
    assert (x + other).dtype == expected
    assert (other * x).dtype == expected


def test_gradients_pass_through_the_casts() -> None:
    """A gradient by a bfloat16 tensor is bfloat16, and the one of float32 rounded."""
    b, x = df.GraphBuilder(), values(3, 4)
    narrow, wide = b.constant(x), b.constant(x.astype(np.float32))
    found, expected = df.evaluate(*(df.grad(df.tanh(t @ t.T).sum(), t) for t in (narrow, wide)))
    assert found.dtype == BF16
    np.testing.assert_allclose(found.astype(np.float32), expected, rtol=0.05, atol=0.05)


def trained(folder: Path) -> tuple[df.Plan, str]:
    """Save the plan of a step that trains one bfloat16 variable, and return it."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 4), "bfloat16")
    weight = b.variable("weight", b.constant(values(4, 2)))
    y = x @ weight
    b.update(weight, weight - 0.5 * df.grad((y * y).mean(), weight))
    plan = df.compile(b.build({"y": y}), dims={"batch": 3})
    path = str(folder / "step.plan.arrow")
    df.save(plan, path)
    return plan, path


def test_files_keep_bfloat16(tmp_path: Path) -> None:
    """A plan and its state are the same after a file: the same bits from the same feeds."""
    plan, path = trained(tmp_path)
    loaded = df.load(path)
    assert isinstance(loaded, df.Plan)
    runners = [df.Runner(plan), df.Runner(loaded)]
    for runner in runners:
        runner.run(x=values(3, 4))
    df.save(runners[1].state, str(tmp_path / "state.arrow"))
    kept = df.load(str(tmp_path / "state.arrow"))
    assert isinstance(kept, df.State)
    assert kept["weight"].dtype == BF16
    assert kept["weight"].tobytes() == runners[0].state["weight"].tobytes()


def test_tables_feed_and_take_bfloat16(tmp_path: Path) -> None:
    """The command feeds bfloat16 from columns of floats, and writes it as float32."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 2), "bfloat16")
    df.save(df.compile(b.build({"y": x * 3}), dims={"batch": 2}), str(tmp_path / "p.arrow"))
    rows = pa.array([[1.0, 2.0], [3.0, 1.00390625]], pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"x": rows}), tmp_path / "in.parquet")
    command = [sys.executable, "-m", "dataflow", "replay", "p.arrow", "--data", "in.parquet",
               "-o", "out.parquet"]  # fmt: skip
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    made = pq.read_table(tmp_path / "out.parquet")["y"]
    assert made.type == pa.list_(pa.float32(), 2)
    assert made.to_pylist() == [[3.0, 6.0], [9.0, 3.0]]


def test_without_the_package_the_error_says_so() -> None:
    """Where ml_dtypes isn't installed, asking for bfloat16 says what to install."""
    code = """
import sys
sys.modules["ml_dtypes"] = None
import dataflow as df
try:
    df.GraphBuilder().input("x", (2,), "bfloat16")
except df.errors.DTypeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install ml_dtypes" in done.stdout
