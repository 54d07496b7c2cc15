"""The cases that the tests of operations run on: every sample that every op's record draws."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pytest

import dataflow  # noqa: F401 - fills the registry
from dataflow.attrs import Attrs
from dataflow.errors import GraphError
from dataflow.operation import Absent, Op, Sample
from dataflow.registry import registered_ops
from dataflow.spec import DTYPES, Spec
from tests.oracle import specs_of


class Case(NamedTuple):
    """One sample of one op, and what it is called in a test's name."""

    op: Op
    sample: Sample
    name: str

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The specs of the sample's inputs."""
        return specs_of(self.sample.inputs)

    @property
    def outputs(self) -> tuple[Spec, ...]:
        """The specs that the op infers for the outputs."""
        return self.op.infer(self.specs, self.sample.attrs)


def all_cases() -> list[Case]:
    """Draw every op's samples, the same at every call; their arrays are locked."""
    return [
        Case(op, locked(sample), f"{name}-{index}")
        for name, op in registered_ops().items()
        for index, sample in enumerate(op.samples(np.random.default_rng(crc32(name.encode()))))
    ]


def locked(sample: Sample) -> Sample:
    """Return a sample whose arrays can't be written to."""
    arrays = tuple(np.array(array, order="C") for array in sample.inputs)
    for array in arrays:
        array.setflags(write=False)
    return Sample(arrays, sample.attrs, smooth=sample.smooth)


CASES = all_cases()
BY_OP = {name: [c for c in CASES if c.op.name == name] for name in registered_ops()}


# Tests for each of them


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test on each case, under its name."""
    return pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in cases])


def together(cases: Sequence[Case]) -> Callable[[Callable[[Case], None]], Callable[..., None]]:
    """Run a quick check on all cases of an op in one test, and say which of them failed."""
    groups = {name: [c for c in cases if c.op.name == name] for name in registered_ops()}
    chosen = [pytest.param(group, id=name) for name, group in groups.items() if group]

    def decorate(check: Callable[[Case], None]) -> Callable[..., None]:
        @pytest.mark.parametrize("group", chosen)
        def test(group: list[Case]) -> None:
            for case in group:
                try:
                    check(case)
                except Exception as error:
                    error.add_note(f"in {case.name}")
                    raise

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


def each_op(wanted: Callable[[Op], bool] = lambda op: True) -> pytest.MarkDecorator:
    """Run a test on each op that is wanted."""
    chosen = [name for name, op in registered_ops().items() if wanted(op)]
    return pytest.mark.parametrize("name", chosen)


def has(field: str) -> Callable[[Op], bool]:
    """Say whether an op's record has a field, not the reason why it hasn't."""
    return lambda op: not isinstance(getattr(op, field), Absent)


# Other dtypes, sizes and names in the place of a sample's


def with_dtype(case: Case, slot: int, dtype: str) -> tuple[Spec, ...]:
    """Return the input specs with another dtype in a slot and those that share its dtype."""
    old = case.specs[slot].dtype
    return tuple(Spec(s.shape, np.dtype(dtype)) if s.dtype == old else s for s in case.specs)


def with_length(case: Case, length: int, other: Any) -> tuple[Spec, ...]:  # noqa: ANN401 - a Dim too
    """Return the input specs with another length wherever `length` stands."""
    return tuple(s.with_shape(tuple(other if n == length else n for n in s.shape))
                 for s in case.specs)  # fmt: skip


def lengths(case: Case) -> list[int]:
    """Return the lengths of axes in a sample's inputs."""
    return sorted({n for array in case.sample.inputs for n in array.shape})


def dtypes_to_try(case: Case) -> Iterator[tuple[str, tuple[Spec, ...], Attrs]]:
    """Yield ``(place, specs, attrs)`` with each dtype in each slot, and in the attribute."""
    for dtype in DTYPES:
        for slot in range(len(case.specs)):
            yield f"slot {slot}: {dtype}", with_dtype(case, slot, dtype), case.sample.attrs
        if "dtype" in case.sample.attrs:
            yield f"attribute: {dtype}", case.specs, case.sample.attrs.replace(dtype=dtype)


def accepts(case: Case, specs: Sequence[Spec], attrs: Attrs | None = None) -> bool:
    """Say whether a case's op can be declared of other specs or attributes."""
    try:
        made = case.op.infer(tuple(specs), case.sample.attrs if attrs is None else attrs)
    except GraphError:
        return False
    for spec in made:
        assert Spec.of(spec.shape, spec.dtype) == spec, f"{spec} of {specs}, {attrs}"
    return True
