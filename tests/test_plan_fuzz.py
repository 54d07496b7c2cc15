"""Changes anything in a plan to anything: no foreign exception comes out, nor a byte out of place.

What `verify` refuses is a `PlanError`. What it lets pass, the runner must bind and run inside
of the plan's own memory: every array that it binds is checked, constants and feeds are compared.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import PlanError, RunError
from dataflow.spec import DTYPES, Spec
from scheduler.plan import Buffer, Plan
from scheduler.runner import Runner
from scheduler.verify import verify
from tests.graphs import Array
from tests.plans import GOOD, doubled, sliced

Path: TypeAlias = "tuple[str | int, ...]"


@cache
def plans() -> tuple[Plan, ...]:
    """Return good plans: an update, an index that can fail, scratch memory, tile groups."""
    b = df.GraphBuilder("indexed")
    x, index = b.input("x", (4, 3), "float16"), b.input("index", (2,), "int64")
    indexed = df.compile(b.build({"rows": df.take(x, index), "sum": x.sum(axis=0)}))
    rows = doubled().plan({"y": doubled().steps[-1].outputs[0]})
    return GOOD, indexed, rows, sliced()


# Where a plan can be changed


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the way to every number, text and dtype in a plan."""
    if isinstance(value, (int, str, np.dtype)):
        yield path
    elif isinstance(value, Attrs):
        for name in value:
            yield from paths(value[name], (*path, name))
    elif isinstance(value, Plan | Spec) or hasattr(value, "_fields"):
        for name in getattr(value, "_fields", None) or [f.name for f in fields(value)]:  # type: ignore[arg-type]  # a dataclass
            yield from paths(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def changed(value: Any, path: Path, new: object) -> Any:  # noqa: ANN401 - any part of a plan
    """Return a plan, or a part of one, with the value at a path replaced."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, Attrs):
        return value.replace(**{str(key): changed(value[str(key)], rest, new)})
    if isinstance(key, int):
        return (*value[:key], changed(value[key], rest, new), *value[key + 1 :])
    part = changed(getattr(value, key), rest, new)
    return (
        value._replace(**{key: part})
        if hasattr(value, "_fields")
        else replace(value, **{key: part})
    )


def at(value: Any, path: Path) -> object:  # noqa: ANN401 - any part of a plan
    """Return the value at a path."""
    for key in path:
        if isinstance(value, Attrs):
            value = value[str(key)]
        else:
            value = value[key] if isinstance(key, int) else getattr(value, key)
    return value


def others(value: object) -> st.SearchStrategy[Any]:
    """Return a strategy for what may stand in a value's place: of its kind, near it or absurd."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        near = st.integers(-3, 3).map(lambda n: value + n)
        scaled = st.sampled_from([0, -1, 1, 64, -value, 2 * value, value + 64, value - 64, 4, 8])
        return near | scaled | st.sampled_from([2**31, 2**62, 2**63, 2**70, -(2**63)])
    if isinstance(value, np.dtype):
        names = st.sampled_from(DTYPES).map(np.dtype)
        return names | st.sampled_from([np.dtype(object), np.dtype(">f8"), np.dtype("S3")])
    return st.sampled_from(["", "add", "sum", "copy", "every", "first", "later", "input", "x",
                            "temporary", "variable", "constant", "\0", "0", "é"])  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> Plan:
    """Draw a plan with one to three values changed."""
    plan = draw(st.sampled_from(plans()))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(plan))))
        plan = changed(plan, path, draw(others(at(plan, path))))
    return plan


# What a mutant may do


def feeds_of(plan: Plan) -> dict[str, Array]:
    """Return feeds of ones, which are good indices too."""
    return {i.name: np.ones(i.spec.static_shape, i.spec.dtype) for i in plan.inputs}


def run_inside(plan: Plan) -> None:
    """Run a plan that passed, and check that it wrote to nothing but its own memory."""
    constants = [array.tobytes() for array in plan.constants.values()]
    runner, feeds = Runner(plan, max_bytes=2**24, poison=True), feeds_of(plan)
    runner.run(feeds)
    bound = runner._calls._bound
    for array in (a for views in (bound._views, *bound._lent.values()) for a in views.values()):
        low, high = np.lib.array_utils.byte_bounds(array)
        inside = [np.lib.array_utils.byte_bounds(m) for m in bound._memory if m.size]
        assert any(start <= low and high <= end for start, end in inside), array
    assert [array.tobytes() for array in plan.constants.values()] == constants
    assert all((array == 1).all() for array in feeds.values())


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutants())
def test_a_mutant_is_refused_by_our_errors_or_runs_inside_its_memory(plan: Plan) -> None:
    """Random changes cause `PlanError`, or a plan that is as safe as before."""
    try:
        verify(plan)
    except PlanError:
        return
    with suppress(RunError):  # too large for this test, or a failure on its data
        run_inside(plan)


def test_the_good_plans_are_good() -> None:
    """The fuzzer starts from plans that pass and run."""
    for plan in plans():
        verify(plan)
        run_inside(plan)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"nbytes": 2**70}, "byte"), ({"byte_offset": 2**64}, "byte"), ({"end": 2**70}, "step")],
)
def test_numbers_beyond_any_memory_are_refused(changes: dict[str, int], words: str) -> None:
    """Not even a consistent lie about 2**70 bytes gets as far as NumPy."""
    ghost = Buffer("temporary", "ghost", 64, GOOD.peak, 0, 1)._replace(**changes)  # type: ignore[arg-type]
    peak = ghost.byte_offset + ghost.nbytes
    bound = max(GOOD.lower_bound, ghost.nbytes + (192 if ghost.end > 1 else 64))
    with pytest.raises(PlanError, match=words):
        verify(replace(GOOD, buffers=(*GOOD.buffers, ghost), peak=peak, lower_bound=bound))
