"""The runner: what it asks of feeds, what it gives back, and what a failed run leaves behind."""

import os
import threading
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import (
    FeedError,
    KernelError,
    PlanError,
    RunError,
    RunnerBusyError,
    StateError,
)
from scheduler.plan import Plan
from scheduler.runner import Runner
from tests.graphs import Array

F4 = np.dtype("float32")
X = np.arange(6, dtype=F4).reshape(2, 3)


def training() -> Plan:
    """Return a plan with two inputs, two variables, and outputs of every origin."""
    b = df.GraphBuilder("training")
    x, rate = b.input("x", ("batch", 3)), b.input("rate", ())
    w, count = b.variable("w", np.ones(3, F4)), b.variable("count", np.zeros((), np.int64))
    b.update(w, w - rate * (x * w).sum(axis=0))
    b.update(count, count + (x.sum() * 0 + 1).astype("int64"))
    graph = b.build({"y": x * w, "x": x, "w": w, "turned": (x + 1).T})
    return df.compile(graph, dims={"batch": 2})


@pytest.fixture
def runner() -> Runner:
    """Return a runner of the training plan, from a poisoned arena."""
    return Runner(training(), poison=True)


def feeds() -> dict[str, Any]:
    """Return good feeds."""
    return {"x": X.copy(), "rate": np.float32(0.5)}


# Feeds


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": X}, ["'rate'", "not fed", "float32[]"]),
        ({"x": X, "rate": 1.0, "z": 0}, ["'z'", "['x', 'rate']"]),
        ({"x": X[:1], "rate": 1.0}, ["'x'", "float32[2, 3]", "[1, 3]", "dims"]),
        ({"x": X.astype("float64"), "rate": 1.0}, ["'x'", "float64", "astype('float32')"]),
        ({"x": X.astype("complex64"), "rate": 1.0}, ["'x'", "complex64"]),
        ({"x": [[1, 2, 3], [4, 5]], "rate": 1.0}, ["'x'", "float32[2, 3]"]),
        ({"x": [["a"] * 3] * 2, "rate": 1.0}, ["'x'", "float32[2, 3]"]),
        ({"x": [[1j] * 3] * 2, "rate": 1.0}, ["'x'", "complex"]),
        ({"x": None, "rate": 1.0}, ["'x'", "float32[2, 3]"]),
    ],
)
def test_a_wrong_feed_is_named_with_what_was_expected(
    runner: Runner, given: dict[str, object], words: list[str]
) -> None:
    """The message has the input, its spec, what came, and the remedy; nothing has changed."""
    before = dict(runner.state)
    with pytest.raises(FeedError) as caught:
        runner.run(given)  # type: ignore[arg-type]  # wrong on purpose
    assert all(word in str(caught.value) for word in words), caught.value
    assert str(caught.value).count("float32[") <= 1, "one message, not two nested ones"
    assert all(np.array_equal(before[name], value) for name, value in runner.state.items())


def test_a_feed_for_an_input_that_no_output_needs_is_told_why() -> None:
    """The plan has dropped it, and the message says so."""
    builder = df.GraphBuilder()
    x = builder.input("x", (2,))
    runner = Runner(df.compile(builder.build({"ones": builder.ones(2), "x": x}), outputs=["ones"]))
    with pytest.raises(FeedError, match="no output needs are dropped when a plan is compiled"):
        runner.run({"x": X[0, :2]})


def test_feeds_that_are_no_mapping_are_refused(runner: Runner) -> None:
    """An array or a list in the place of the mapping is an error of ours."""
    for given in (X, [X], "x"):
        with pytest.raises(FeedError, match="by name"):
            runner.run(given)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float16", "float64", "complex64"])
def test_python_numbers_feed_any_dtype_that_holds_them(dtype: str) -> None:
    """Lists of ints fit every kind of number; the result has the input's dtype."""
    b = df.GraphBuilder()
    small = Runner(df.compile(b.build({"y": b.input("x", (3,), dtype)})))
    assert small.run(x=[1, 2, 3])["y"].tobytes() == np.array([1, 2, 3], dtype).tobytes()


@pytest.mark.parametrize(
    ("dtype", "values"), [("uint8", [-1]), ("uint8", [256]), ("int64", [1.5]), ("float32", [1j])]
)
def test_python_numbers_that_would_change_are_refused(dtype: str, values: Any) -> None:  # noqa: ANN401
    """What doesn't fit the dtype isn't wrapped, cut off or projected."""
    b = df.GraphBuilder()
    small = Runner(df.compile(b.build({"y": b.input("x", (1,), dtype)})))
    with pytest.raises(FeedError, match="'x'"):
        small.run(x=values)


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda x: x[::-1][::-1], lambda x: x.astype(">f4"),
               lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x.astype("float16")],
)  # fmt: skip
def test_any_layout_and_every_safe_dtype_is_fed(runner: Runner, layout: Any) -> None:  # noqa: ANN401
    """Strides, byte order and narrower dtypes of the caller's arrays make no difference."""
    expected = runner.run(feeds())["turned"]
    assert np.array_equal(runner.run(x=layout(X), rate=0.5)["turned"], expected)


def test_feeds_are_never_written_to(runner: Runner) -> None:
    """Locked arrays can be fed, and stay what they are."""
    x = X.copy()
    x.setflags(write=False)
    for _ in range(3):
        runner.run(x=x, rate=0.5)
    assert np.array_equal(x, X)


def test_a_plan_is_of_one_batch_size(runner: Runner) -> None:
    """Another number of rows is an error that says to compile for it."""
    with pytest.raises(FeedError, match=r"\[5, 3\].*compile with other dims"):
        runner.run(x=np.zeros((5, 3), F4), rate=1.0)


# Results


def test_results_are_fresh(runner: Runner) -> None:
    """Nothing that a run returns shares memory with the runner, a feed, or another run's."""
    fed = feeds()
    first, second = runner.run(fed), runner.run(fed)
    inside = [*runner._calls._bound._memory, fed["x"], *second.values()]
    for name, result in first.items():
        assert not any(np.shares_memory(result, other) for other in inside), name
        assert result.flags.owndata, name
        assert result.flags.writeable, name
        assert result.flags.c_contiguous, name


def test_out_receives_the_results(runner: Runner) -> None:
    """Arrays given are filled and returned, whatever their layout; the others are made."""
    other = Runner(training())
    out = {"y": np.empty((2, 3), F4), "turned": np.empty((2, 3), F4).T}
    results = runner.run(feeds(), out=out)
    assert list(results) == ["y", "x", "w", "turned"]
    assert results["y"] is out["y"]
    assert results["turned"] is out["turned"]
    for name, expected in other.run(feeds()).items():
        assert np.array_equal(results[name], expected), name


def bad_outs() -> dict[str, tuple[dict[str, Any], str]]:
    """Return arrays that can't be written results to, and words of the message."""
    locked, twice = np.empty((2, 3), F4), np.empty((2, 3), F4)
    locked.setflags(write=False)
    return {
        "unknown": ({"z": np.empty((2, 3), F4)}, "'z'"),
        "shape": ({"y": np.empty((3, 2), F4)}, r"float32\[2, 3\]"),
        "dtype": ({"y": np.empty((2, 3))}, "float64"),
        "locked": ({"y": locked}, "written to"),
        "list": ({"y": [[0.0] * 3] * 2}, "written to"),
        "twice": ({"y": twice, "x": twice}, "overlaps"),
        "no mapping": (twice, "by name"),  # type: ignore[dict-item]  # wrong on purpose
    }


@pytest.mark.parametrize("kind", list(bad_outs()))
def test_an_out_that_does_not_fit_is_refused(runner: Runner, kind: str) -> None:
    """A wrong name, shape, dtype or memory is named, before the run starts."""
    out, words = bad_outs()[kind]
    with pytest.raises(FeedError, match=words):
        runner.run(feeds(), out=out)
    assert runner.state["count"] == 0


def test_out_may_not_overlap_a_feed(runner: Runner) -> None:
    """What is fed is never written to, by way of ``out`` neither."""
    x = np.arange(12, dtype=F4).reshape(4, 3)
    with pytest.raises(FeedError, match=r"'y'.*'x'"):
        runner.run(x=x[:2], rate=1.0, out={"y": x[1:3]})
    assert np.array_equal(x, np.arange(12, dtype=F4).reshape(4, 3))


# State


def test_state_is_a_frozen_copy(runner: Runner) -> None:
    """A later run changes no state taken before, and nobody can write to it."""
    before = runner.state
    runner.run(feeds())
    assert before["w"].tolist() == [1, 1, 1]
    assert runner.state["w"].tolist() != [1, 1, 1]
    assert not before["w"].flags.writeable
    with pytest.raises(TypeError):
        before["w"] = np.zeros(3, F4)  # type: ignore[index]  # frozen


def test_a_state_carries_a_run_on_in_another_runner(runner: Runner) -> None:
    """Two runs in one runner equal one run in each of two."""
    runner.run(feeds())
    other = Runner(training(), state=runner.state)
    runner.run(feeds())
    other.run(feeds())
    assert {n: v.tobytes() for n, v in runner.state.items()} == {
        n: v.tobytes() for n, v in other.state.items()
    }


def test_names_that_are_not_needed_are_listed(runner: Runner) -> None:
    """Adam's moments in a prediction plan are ignored, and said to be."""
    extra = {**runner.state, "moment": np.zeros(3), "velocity": np.zeros(3)}
    assert runner.load_state(extra) == ("moment", "velocity")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"w": None}, ["'w'", "float32[3]"]),
        ({"w": np.zeros(4, F4)}, ["'w'", "float32[3]", "float32[4]"]),
        ({"w": np.zeros(3)}, ["'w'", "float64[3]"]),
        ({"w": np.array(["a"] * 3)}, ["'w'"]),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(
    runner: Runner, changes: "dict[str, Array | None]", words: list[str]
) -> None:
    """A missing or wrong variable is named, and the others keep their values."""
    state = {**runner.state, "count": np.array(7), **changes}
    given = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(StateError) as caught:
        runner.load_state(given)
    assert all(word in str(caught.value) for word in words), caught.value
    assert runner.state["count"] == 0


def test_each_value_of_a_state_is_read_once(runner: Runner) -> None:
    """What was checked is what is taken: a mapping may give another array the second time."""

    class Moody(dict[str, Array]):
        def __getitem__(self, name: str) -> Array:
            value = super().__getitem__(name)
            self[name] = np.zeros((9, 9))
            return value

    runner.load_state(Moody(w=np.full(3, 5, F4), count=np.array(4)))
    assert {name: value.tolist() for name, value in runner.state.items()} == {
        "w": [5, 5, 5], "count": 4,
    }  # fmt: skip


def test_loading_that_is_cut_short_tears_the_runner(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between two variables leaves no mixture of two states that can be run."""
    state, copied = runner.state, list[Array]()

    def copy_one(target: Array, value: Array) -> None:
        if copied:
            raise KeyboardInterrupt
        copied.append(value)
        target[...] = value

    with monkeypatch.context() as patch:
        patch.setattr(np, "copyto", copy_one)
        with pytest.raises(KeyboardInterrupt):
            runner.load_state(state)
    with pytest.raises(StateError, match="load_state"):
        runner.run(feeds())
    runner.load_state(state)
    runner.run(feeds())


# Runs that don't finish


def failing(error: BaseException) -> Any:  # noqa: ANN401 - a raw call
    """Return a raw call that raises."""

    def fail() -> None:
        raise error

    return fail, ()


def test_a_failure_before_the_first_write_leaves_all_variables(runner: Runner) -> None:
    """The step is named, the state is that of before, and the next run works."""
    good = runner._calls.computing[0]
    runner._calls.computing[0] = failing(ValueError("no such row"))
    with pytest.raises(KernelError, match=r"step 0, node .*no such row"):
        runner.run(feeds())
    assert runner.state["count"] == 0
    runner._calls.computing[0] = good
    runner.run(feeds())
    assert runner.state["count"] == 1


def test_a_failure_between_two_writes_tears_the_runner(runner: Runner) -> None:
    """Neither a run nor its state can be had, until a state is loaded."""
    before, good = runner.state, runner._calls.committing[-1]
    runner._calls.committing[-1] = failing(ValueError("boom"))
    with pytest.raises(KernelError, match="boom") as caught:
        runner.run(feeds())
    assert runner.plan.steps[-1].node in str(caught.value)
    for action in (lambda: runner.run(feeds()), lambda: runner.state):
        with pytest.raises(StateError, match="load_state"):
            action()
    runner._calls.committing[-1] = good
    runner.load_state(before)
    assert runner.state["count"] == 0
    runner.run(feeds())
    assert runner.state["count"] == 1


def test_a_state_that_does_not_fit_mends_no_torn_runner(runner: Runner) -> None:
    """Only a whole state makes a torn runner usable again."""
    runner._torn = "torn"
    with pytest.raises(StateError):
        runner.load_state({"w": np.ones(3, F4)})
    with pytest.raises(StateError, match="torn"):
        runner.run(feeds())


@pytest.mark.parametrize("when", ["computing", "committing"])
def test_an_interrupt_leaves_a_consistent_runner(runner: Runner, when: str) -> None:
    """Ctrl-C passes through; the lock is free, and torn variables are known to be torn."""
    calls, before = getattr(runner._calls, when), runner.state
    good, calls[-1] = calls[-1], failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        runner.run(feeds())
    calls[-1] = good
    if when == "committing":
        with pytest.raises(StateError):
            runner.run(feeds())
        runner.load_state(before)
    runner.run(feeds())
    assert runner.state["count"] == 1


def test_a_run_during_a_run_is_refused() -> None:
    """A second thread gets an error at once instead of the first one's arena."""
    runner, started, go_on = Runner(training()), threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert go_on.wait(30)

    runner._calls.computing.insert(0, (wait, ()))
    runner._calls._steps.insert(0, 0)
    first = threading.Thread(target=runner.run, args=(feeds(),))
    first.start()
    assert started.wait(30)
    actions = (lambda: runner.run(feeds()), lambda: runner.state, lambda: runner.load_state(STATE))
    for action in actions:
        with pytest.raises(RunnerBusyError, match="'training'"):
            action()
    go_on.set()
    first.join(30)
    assert runner.state["count"] == 1


STATE: Mapping[str, Array] = {"w": np.ones(3, F4), "count": np.array(0)}


# Bounds


def test_bounds_refuse_a_plan_before_memory_is_taken() -> None:
    """A plan of a stranger is held to bytes and calls; the exact numbers are enough."""
    plan = training()
    Runner(plan, max_bytes=plan.certificate.total, max_calls=plan.calls)
    with pytest.raises(RunError, match="max_bytes"):
        Runner(plan, max_bytes=plan.certificate.total - 1)
    with pytest.raises(RunError, match="max_calls"):
        Runner(plan, max_calls=plan.calls - 1)


def test_bounds_hold_for_the_first_values_too() -> None:
    """A small plan can't hide a large one behind its variables."""
    b = df.GraphBuilder()
    b.update(b.variable("w", (b.ones((1000, 1000)) + 1).sum()), b.constant(0.0))
    plan = df.compile(b.build())
    with pytest.raises(RunError, match="max_bytes"):
        Runner(plan, max_bytes=plan.certificate.total)
    with pytest.raises(RunError, match="max_calls"):
        Runner(plan, max_calls=plan.calls)


def test_a_graph_is_no_plan() -> None:
    """What was not compiled is refused with the remedy."""
    graph = df.GraphBuilder().build()
    with pytest.raises(PlanError, match="compile"):
        Runner(graph)  # type: ignore[arg-type]  # wrong on purpose


def test_memory_that_the_system_has_not_is_an_error_of_ours() -> None:
    """A plan for more bytes than there are addresses ends in a `RunError` with the sum."""
    b = df.GraphBuilder()
    x = b.input("x", ("n",))
    plan = df.compile(b.build({"y": x + 1}), dims={"n": 2**58})
    with pytest.raises(RunError, match=str(plan.certificate.total)):
        Runner(plan).run(x=np.broadcast_to(np.float32(1), 2**58))


# What surrounds a run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_runner_works_after_a_fork(runner: Runner) -> None:
    """A child process goes on where its parent was, and doesn't move the parent."""
    expected = Runner(training()).run(feeds())["y"].tobytes()
    readable, writable = os.pipe()
    child = os.fork()
    if not child:  # in the child: nothing of pytest's may run
        os.write(writable, runner.run(feeds())["y"].tobytes())
        os._exit(0)
    os.close(writable)
    assert os.read(readable, 4096) == expected
    os.close(readable)
    assert os.waitpid(child, 0)[1] == 0
    assert runner.state["count"] == 0


def test_blas_threads_are_set_for_a_run_and_set_back() -> None:
    """A plan runs with its own number of threads, whatever the process uses."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController().select(user_api="blas")
    libraries = controller.lib_controllers
    if not libraries:
        pytest.skip("NumPy has no BLAS whose threads can be set")
    seen: list[int] = []
    runner = Runner(training())
    runner._calls.computing.insert(0, (lambda: seen.append(libraries[0].get_num_threads()), ()))
    runner._calls._steps.insert(0, 0)
    with controller.limit(limits=2):
        before = libraries[0].get_num_threads()
        runner.run(feeds())
        assert libraries[0].get_num_threads() == before
        runner._calls.computing[0] = failing(ValueError("boom"))
        with pytest.raises(KernelError):
            runner.run(feeds())
        assert libraries[0].get_num_threads() == before
    assert seen == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_during_a_run_leaves_the_child_a_free_runner() -> None:
    """The run in the parent's other thread isn't the child's: nobody there would end it."""
    runner, started, go_on = Runner(training()), threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert go_on.wait(30)

    runner._calls.computing.insert(0, (wait, ()))
    runner._calls._steps.insert(0, 0)
    first = threading.Thread(target=runner.run, args=(feeds(),))
    first.start()
    assert started.wait(30)
    child = os.fork()
    if not child:  # in the child: nothing of pytest's may run
        try:
            go_on.set()
            runner.run(feeds())
            os._exit(int(runner.state["count"]))
        except BaseException:  # noqa: BLE001 - whatever it is, the parent must not see it twice
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    with pytest.raises(RunnerBusyError):
        runner.run(feeds())
    go_on.set()
    first.join(30)
    assert runner.state["count"] == 1


def test_runs_side_by_side_keep_their_threads() -> None:
    """The first to end doesn't set the threads back under one that runs on; the last does.

    A run with another number of threads begins when the others are done.
    """
    threadpoolctl = pytest.importorskip("threadpoolctl")
    libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    if not libraries or libraries[0].get_num_threads() is None:
        pytest.skip("NumPy has no BLAS whose threads can be set")
    seen: list[tuple[str, int]] = []
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert go_on.wait(30)
        note("long")

    def note(name: str) -> None:
        seen.append((name, libraries[0].get_num_threads()))

    plan = training()
    runners = {"long": Runner(plan), "short": Runner(plan)}
    runners["other"] = Runner(replace(plan, options={**plan.options, "blas_threads": "2"}))
    calls = {"long": wait, "short": lambda: note("short"), "other": lambda: note("other")}
    for name, runner in runners.items():
        runner._calls.computing.insert(0, (calls[name], ()))
        runner._calls._steps.insert(0, 0)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        threads = {n: threading.Thread(target=r.run, args=(feeds(),)) for n, r in runners.items()}
        threads["long"].start()
        assert started.wait(30)
        threads["other"].start()
        threads["short"].start()
        threads["short"].join(30)
        go_on.set()
        threads["long"].join(30)
        threads["other"].join(30)
        assert seen == [("short", 1), ("long", 1), ("other", 2)]
        assert libraries[0].get_num_threads() == 2


def test_a_steady_state_allocates_no_array() -> None:
    """With ``out=``, a training step of an MLP takes no memory for arrays: all was planned."""
    b = df.GraphBuilder("mlp")
    x, labels = b.input("x", ("batch", 128)), b.input("labels", ("batch",), "int64")
    logits = df.nn.Dense(10)(df.nn.Dense(128, activation="relu")(x))
    loss = df.nn.softmax_cross_entropy(logits, labels).mean()
    df.optim.Adam(1e-3).minimize(loss)
    plan = df.compile(b.build({"loss": loss, "logits": logits}), dims={"batch": 512})
    runner, rng = Runner(plan), np.random.default_rng(0)
    fed: dict[str, Any] = {"labels": rng.integers(0, 10, 512)}
    fed["x"] = rng.normal(size=(512, 128)).astype(F4)
    out = runner.run(fed)
    for _ in range(3):
        runner.run(fed, out=out)
    assert most_traced(lambda: runner.run(fed, out=out)) < 16_384
    assert most_traced(lambda: runner.run(fed)) > out["logits"].nbytes, "it would show"


def most_traced(action: Any) -> int:  # noqa: ANN401 - any call
    """Return by how many bytes the traced memory, NumPy's included, grew at most in a call.

    The least of three times: the test runner's own threads allocate when they like.
    """
    return min(_traced(action) for _ in range(3))


def _traced(action: Any) -> int:  # noqa: ANN401 - any call
    tracemalloc.start()
    try:
        action()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
