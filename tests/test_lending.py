"""Large feeds are read and large results made in the caller's own arrays, small ones are copied."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import FeedError, KernelError, PlanError
from dataflow.spec import Spec
from scheduler.binding import aligned
from scheduler.plan import Plan
from scheduler.runner import Runner

ROWS, F4 = 2**17, np.float32
MIB = 2**20


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return a plan of one large feed and result, a small feed, and a result that is a view."""
    b = df.GraphBuilder("large")
    x, k = b.input("x", (4, ROWS)), b.input("k", ())
    y = x * k + 1
    return df.compile(b.build({"y": y, "turned": x.T, "total": y.sum()}), tiles=False)


def expected(x: np.ndarray, k: float) -> dict[str, np.ndarray]:
    """Return what NumPy makes of them."""
    y = x * F4(k) + F4(1)
    return {"y": y, "turned": x.T, "total": y.sum()}


def large(seed: int = 0) -> np.ndarray:
    """Return 2 MiB of numbers."""
    return np.random.default_rng(seed).random((4, ROWS), F4)


def test_the_plan_says_what_is_lent(plan: Plan) -> None:
    """Large ends are the caller's, and the certificate counts small feeds only."""
    kinds = {buffer.name: buffer.kind for buffer in plan.buffers if buffer.kind != "temporary"}
    assert kinds["x"] == "feed"
    assert kinds["k"] == "input"
    assert plan.buffers[plan.outputs[0].operand.buffer].kind == "result"
    assert plan.certificate.feeds == 64
    assert plan.peak < MIB


def test_a_run_allocates_its_results_only(plan: Plan) -> None:
    """Neither the feed nor the result is copied on the way: that would be 2 MiB more each."""
    runner, x = Runner(plan), large()
    for feed in (x, x, large(1)):  # bound, bound before, another
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        results = runner.run(x=feed, k=2.0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak - before < sum(array.nbytes for array in results.values()) + MIB / 2


def variants(x: np.ndarray) -> dict[str, Any]:
    """Return one value in many forms that NumPy takes."""
    odd = np.empty(x.nbytes + 4, np.uint8)[4:].view(F4).reshape(x.shape)
    odd[...] = x
    locked = x.copy()
    locked.setflags(write=False)
    wide = np.zeros((8, ROWS), F4)
    wide[::2] = x
    return {
        "as it is": x, "locked": locked, "misaligned": odd, "by columns": np.asfortranarray(x),
        "strided": wide[::2], "of big ends": x.astype(">f4"), "halves": x.astype(np.float16),
        "subclass": np.ma.masked_array(x), "list": x.tolist(),
    }  # fmt: skip


@pytest.mark.parametrize("form", variants(np.zeros((4, ROWS), F4)))
def test_every_form_of_a_feed_gives_the_same_bits(plan: Plan, form: str) -> None:
    """Fed after another array and before one, whatever its layout, and left as it was."""
    x = large().astype(np.float16).astype(F4)
    given, runner = variants(x)[form], Runner(plan)
    kept = np.array(given, copy=True)
    first = runner.run(x=large(1), k=3.0)
    results = runner.run(x=given, k=2.0)
    again = runner.run(x=large(1), k=3.0)
    for name, value in Runner(plan).run(x=x, k=2.0).items():
        assert results[name].tobytes() == value.tobytes()
        assert first[name].tobytes() == again[name].tobytes()
    assert np.array_equal(np.asarray(given), kept)
    np.testing.assert_allclose(results["y"], expected(x, 2.0)["y"], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [
    df.exp, df.sin, df.tanh, df.log, df.sqrt, df.reciprocal, df.erf, df.softmax,
    lambda x: x.sum(), lambda x: x.sum(axis=0), lambda x: x.sum(axis=1), lambda x: x.var(axis=1),
    lambda x: x.max(axis=1), lambda x: df.cumsum(x, 1), lambda x: df.logsumexp(x, 1),
    lambda x: x @ x.T, lambda x: x.T @ x, lambda x: x @ x[0], lambda x: x.T @ x[:, 0],
])  # fmt: skip
def test_alignment_beyond_what_numpy_has_changes_no_bit(
    function: Callable[[df.Tensor], df.Tensor], dtype: str
) -> None:
    """Feeds and results that begin 0, 16, 32 and 48 bytes after a multiple of 64 agree."""
    b, shape = df.GraphBuilder(), (311, 421)
    plan = df.compile(b.build({"y": function(b.input("x", shape, dtype))}), tiles=False)
    assert plan.buffers[plan.inputs[0].buffer].kind == "feed"
    runner, x = Runner(plan), np.random.default_rng(0).random(shape).astype(dtype) + 0.1
    seen = set()
    for offset in (0, 16, 32, 48):
        fed, out = beginning_at(offset, Spec.like(x)), beginning_at(offset, output_spec(plan))
        fed[...] = x
        seen.add(runner.run(x=fed, out={"y": out})["y"].tobytes())
    assert len(seen) == 1


def output_spec(plan: Plan) -> Spec:
    """Return the spec of the only output."""
    return plan.outputs[0].operand.spec


def beginning_at(offset: int, spec: Spec) -> np.ndarray:
    """Return an array that begins so many bytes after a multiple of 64."""
    memory = aligned(spec.nbytes + offset)[offset : offset + spec.nbytes]
    return memory.view(spec.dtype).reshape(spec.static_shape)


def test_results_are_the_callers_for_good(plan: Plan) -> None:
    """A later run changes no earlier result, and a change of one reaches no later run."""
    runner, x = Runner(plan), large()
    first = runner.run(x=x, k=2.0)
    kept = {name: value.copy() for name, value in first.items()}
    second = runner.run(x=x, k=3.0)
    for name, value in first.items():
        assert np.array_equal(value, kept[name])
        assert not np.may_share_memory(value, second[name])
        assert not np.may_share_memory(value, x)
        value[...] = 0
    for name, value in runner.run(x=x, k=2.0).items():
        assert np.array_equal(value, kept[name])


def test_an_array_changed_in_place_is_read_anew(plan: Plan) -> None:
    """What is bound is the memory, so the same array with other values gives other results."""
    runner, x = Runner(plan), large()
    runner.run(x=x, k=2.0)
    x += 1
    assert np.array_equal(runner.run(x=x, k=2.0)["y"], Runner(plan).run(x=x, k=2.0)["y"])


@pytest.mark.parametrize("layout", ["by rows", "by columns", "misaligned"])
def test_out_is_filled_whatever_its_layout(plan: Plan, layout: str) -> None:
    """The caller's array holds the result and is what is returned, and again at the next run."""
    raw = np.zeros(4 * ROWS * 4 + 4, np.uint8)
    out = {
        "by rows": np.zeros((4, ROWS), F4), "by columns": np.zeros((ROWS, 4), F4).T,
        "misaligned": raw[4:].view(F4).reshape(4, ROWS),
    }[layout]  # fmt: skip
    runner = Runner(plan, poison=True)
    for seed in (0, 1):
        results = runner.run(x=large(seed), k=2.0, out={"y": out})
        assert results["y"] is out
        assert np.array_equal(out, Runner(plan).run(x=large(seed), k=2.0)["y"])


def test_out_may_not_be_what_is_fed(plan: Plan) -> None:
    """Kernels would read what they have overwritten."""
    x = large()
    with pytest.raises(FeedError, match="overlaps feed 'x'"):
        Runner(plan).run({"x": x, "k": 2.0}, out={"y": x})


def test_a_refused_feed_leaves_the_runner_as_it_was(plan: Plan) -> None:
    """A wrong feed after a good one is an error before anything ran, and the next run is right."""
    runner, x = Runner(plan), large()
    with pytest.raises(FeedError, match="input 'x'"):
        runner.run(x=x[:2], k=2.0)
    with pytest.raises(FeedError, match="input 'k'"):
        runner.run(x=x)
    assert np.array_equal(runner.run(x=x, k=2.0)["y"], Runner(plan).run(x=x, k=2.0)["y"])


def test_a_loop_over_a_lent_feed_is_bound_again() -> None:
    """The body's calls follow the array that is fed, and an error in it names the body's step."""
    b = df.GraphBuilder("loop")
    rows, places = b.input("rows", (64, 2**13)), b.input("places", (64,), "int64")

    def body(carry, given):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - scan calls it
        row, place = given
        return carry + df.take(row, place), carry

    last, _ = df.scan(body, b.constant(F4(0)), (rows, places))
    plan = df.compile(b.build({"last": last}))
    assert {x.name: x.kind for x in plan.buffers}["rows"] == "feed"
    runner, zeros = Runner(plan), np.zeros(64, np.int64)
    for value in (1, 2, 3):
        fed = np.full((64, 2**13), value, F4)
        assert runner.run(rows=fed, places=zeros)["last"] == 64 * value
    for value in (1, 2):
        with pytest.raises(KernelError, match="take"):
            runner.run(rows=np.full((64, 2**13), value, F4), places=zeros + 2**13)


def lies(plan: Plan) -> dict[str, Plan]:
    """Return plans that would hand out, or overwrite, what they may not."""
    y, turned, total = plan.outputs
    result, feed = y.operand.buffer, turned.operand.buffer
    first = plan.steps[0]
    written = first.outputs[0]._replace(buffer=feed)
    return {
        "not the whole of exactly one output": replace(
            plan, outputs=(y, y._replace(name="again"), turned, total)
        ),
        "a result, but": replace(plan, outputs=(turned, total)),
        "writes to a buffer of kind 'feed'": replace(
            plan, steps=(first._replace(outputs=(written,)), *plan.steps[1:])
        ),
        "not of this kind": replace(
            plan, buffers=tuple(b._replace(kind="feed" if i == result else b.kind)
                                for i, b in enumerate(plan.buffers)),
            inputs=tuple(i._replace(buffer=total.operand.buffer) for i in plan.inputs),
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "not the whole of exactly one output",
        "a result, but",
        "writes to a buffer of kind 'feed'",
        "not of this kind",
    ],
)
def test_a_plan_that_lies_about_the_callers_memory_is_refused(plan: Plan, words: str) -> None:
    """Verification says which buffer."""
    with pytest.raises(PlanError, match=words):
        lies(plan)[words].verify()
