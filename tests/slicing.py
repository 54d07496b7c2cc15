"""Carries out what an op's tiling declares: the call slice by slice, and the call grown larger."""

from collections.abc import Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np

from dataflow.attrs import Attrs
from dataflow.operation import (
    Absent,
    Along,
    AxisUse,
    Contracted,
    Halo,
    Interleaved,
    Proportional,
    Sample,
    Tiling,
)
from dataflow.registry import get_op
from tests.cases import Case
from tests.oracle import Array, poisoned, reference, run, specs_of


class Member(NamedTuple):
    """An input axis that is sliced, and how."""

    slot: int
    axis: int
    use: AxisUse


class Slicing(NamedTuple):
    """One way to slice a call: along an output axis, or (`combine`) into partial results."""

    tiling: Tiling
    members: tuple[Member, ...]
    length: int
    axis: int = -1
    combine: str = ""
    factor: int = 1  # how many places of the output's axis one of the slicing's is


def slicings(case: Case) -> list[Slicing]:
    """Return every way to slice a sample's call that its op declares."""
    if isinstance(case.op.tiling, Absent):
        return []
    tiling = case.op.tiling(case.specs, case.sample.attrs)
    assert [len(uses) for uses in tiling.inputs] == [s.ndim for s in case.specs], tiling
    return [*_along(case, tiling), *_contracted(case, tiling)]


def members_of(tiling: Tiling) -> list[Member]:
    """Return every input axis with its use."""
    return [
        Member(slot, axis, use)
        for slot, uses in enumerate(tiling.inputs)
        for axis, use in enumerate(uses)
    ]


def _along(case: Case, tiling: Tiling) -> Iterator[Slicing]:
    shape = case.outputs[0].static_shape
    moving = [m for m in members_of(tiling) if isinstance(m.use, (Along, Halo, Proportional))]
    axes = {m.use.axis for m in moving if isinstance(m.use, (Along, Halo, Proportional))}
    assert axes.isdisjoint(tiling.free), f"{tiling}: a free axis has inputs"
    for axis in sorted({*axes, *tiling.free}):
        members = tuple(m for m in moving if getattr(m.use, "axis", -1) == axis)
        for m in members:
            extra = m.use.before + m.use.after if isinstance(m.use, Halo) else 0
            length = case.specs[m.slot].static_shape[m.axis]
            if isinstance(m.use, Proportional):
                assert max(length, shape[axis]) % min(length, shape[axis]) == 0, f"{m} of {shape}"
            else:
                assert length == shape[axis] + extra, f"{m} of {shape}"
        own = [case.specs[m.slot].static_shape[m.axis] for m in members
               if isinstance(m.use, Proportional)]  # fmt: skip
        units = min([shape[axis], *own])
        yield Slicing(tiling, members, units, axis=axis, factor=shape[axis] // max(units, 1))


def _contracted(case: Case, tiling: Tiling) -> Iterator[Slicing]:
    """Yield the contracted axes: the k-th of one input goes with the k-th of the others."""
    by_slot = [[m for m in members_of(tiling) if m.slot == slot and isinstance(m.use, Contracted)]
               for slot in range(len(tiling.inputs))]  # fmt: skip
    for k in range(max(map(len, by_slot), default=0)):
        members = tuple(found[k] for found in by_slot if len(found) > k)
        lengths = {case.specs[m.slot].static_shape[m.axis] for m in members}
        combines = {m.use.combine for m in members if isinstance(m.use, Contracted)}
        assert (len(lengths), len(combines)) == (1, 1), f"{members}: {lengths}, {combines}"
        yield Slicing(tiling, members, lengths.pop(), combine=combines.pop())


def run_sliced(case: Case, slicing: Slicing, step: int) -> tuple[Array, ...]:
    """Compute a sample's outputs in slices of `step` along one axis."""
    bounds = [(i, min(i + step, slicing.length)) for i in range(0, slicing.length, step)]
    if slicing.combine:
        partial = [run(case.op, narrowed(case, slicing, *b), case.sample.attrs) for b in bounds]
        return reduce(lambda a, b: _combined(slicing.combine, a, b), partial)
    outs = tuple(map(poisoned, case.outputs))
    for start, stop in bounds:
        arrays = narrowed(case, slicing, start, stop)
        low, high = start * slicing.factor, stop * slicing.factor
        attrs = slicing.tiling.slice_attrs(case.sample.attrs, slicing.axis, low, high)
        views = [_narrow(out, slicing.axis, low, high) for out in outs]
        assert case.op.infer(specs_of(arrays), attrs) == specs_of(views)
        run(case.op, arrays, attrs, views)
    return outs


def narrowed(case: Case, slicing: Slicing, start: int, stop: int) -> list[Array]:
    """Return a sample's inputs, those that are sliced narrowed to one slice."""
    arrays = list(case.sample.inputs)
    for slot, axis, use in slicing.members:
        extra = use.before + use.after if isinstance(use, Halo) else 0
        length = arrays[slot].shape[axis]
        own = length // slicing.length if isinstance(use, Proportional) else slicing.factor
        arrays[slot] = _narrow(arrays[slot], axis, start * own, stop * own + extra)
    return arrays


def _narrow(array: Array, axis: int, start: int, stop: int) -> Array:
    return array[(slice(None),) * axis + (slice(start, stop),)]


def _combined(name: str, a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    op = get_op(name)
    return tuple(reference(op, pair, Attrs())[0] for pair in zip(a, b, strict=True))


def grown(case: Case, factor: int) -> Case | None:
    """Return the sample with one axis repeated `factor` times; None where no axis can be."""
    for slicing in slicings(case):
        if not slicing.length or any(
            isinstance(m.use, (Halo, Proportional)) for m in slicing.members
        ):
            continue
        arrays = list(case.sample.inputs)
        for slot, axis, _ in slicing.members:
            arrays[slot] = np.repeat(arrays[slot], factor, axis)
        attrs = case.sample.attrs
        if not slicing.combine:
            length = slicing.length * factor
            attrs = slicing.tiling.slice_attrs(attrs, slicing.axis, 0, length)
        return Case(case.op, Sample(tuple(arrays), attrs), case.name)
    return None


def share(array: Array, axis: int, times: int, start: int, stop: int, length: int) -> Array:
    """Return slice ``start:stop`` of an axis of `length` that lies `times` over in another one."""
    shape = (*array.shape[:axis], times, length, -1, *array.shape[axis + 1 :])
    part = array.reshape(shape)[(slice(None),) * (axis + 1) + (slice(start, stop),)]
    return part.reshape((*array.shape[:axis], -1, *array.shape[axis + 1 :]))


def interleaved(case: Case) -> tuple[Interleaved, ...]:
    """Return the ways to slice a sample's call by shares that its op declares."""
    tiling = None if isinstance(case.op.tiling, Absent) else case.op.tiling
    return () if tiling is None else tiling(case.specs, case.sample.attrs).interleaved


def check_shares(case: Case, use: Interleaved, expected: Array) -> None:
    """Check that each share of the input gives the same share of the output."""
    assert not isinstance(case.op.tiling, Absent)
    (x,), attrs = case.sample.inputs, case.sample.attrs
    tiling = case.op.tiling(case.specs, attrs)
    length = min(x.shape[use.axis] // use.of_input, expected.shape[use.output] // use.of_output)
    for start in range(length):
        part = share(x, use.axis, use.of_input, start, start + 1, length)
        wanted = share(expected, use.output, use.of_output, start, start + 1, length)
        own = tiling.slice_attrs(attrs, use.output, 0, wanted.shape[use.output])
        (found,) = run(case.op, [part], own)
        assert np.array_equal(found, wanted), f"{use}, share {start}"
