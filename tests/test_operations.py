"""Proves every op's record, field by field, on the samples that the record itself draws.

No op is named here: a new one joins by being registered.  Each test takes one field at its word
(what `infer` says, what may be overwritten, how a call can be sliced) and tries to catch it lying.
"""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from dataflow.attrs import Attrs
from dataflow.dim_texts import as_dim
from dataflow.dispatch import FUNCTIONS
from dataflow.errors import GraphError
from dataflow.operation import Absent, Cost
from dataflow.registry import get_op
from dataflow.spec import Spec
from tests.cases import (
    BY_OP,
    CASES,
    Case,
    accepts,
    dtypes_to_try,
    each_op,
    lengths,
    together,
    with_length,
)
from tests.oracle import (
    LAYOUTS,
    Array,
    assert_close,
    assert_same,
    assert_same_bits,
    calls,
    gapped,
    is_poison,
    poisoned,
    reference,
    run,
    specs_of,
)
from tests.reach import reachable_ops
from tests.slicing import grown

OBJECTS = 2560
"""Bytes of objects that a few calls may allocate: tuples, ints, views, a ufunc's iterator."""


# infer, kernel, reference


@together(CASES)
def test_infer_says_what_the_reference_returns(case: Case) -> None:
    """The specs inferred are those of the values that plain NumPy gives."""
    expected = reference(case.op, case.sample.inputs, case.sample.attrs)
    assert specs_of(expected) == case.outputs


@together(CASES)
def test_infer_binds_named_dimensions(case: Case) -> None:
    """Naming a dimension, inferring and binding gives what inferring with the size gives."""
    for length in lengths(case):
        try:
            named = case.op.infer(with_length(case, length, as_dim("n")), case.sample.attrs)
        except GraphError:
            continue  # the attributes hold this size too
        assert tuple(spec.bind({"n": length}) for spec in named) == case.outputs


@together(CASES)
def test_infer_refuses_with_our_own_errors(case: Case) -> None:
    """Wrong operands or attributes, as a hostile file may have them, never fail as Python's own."""
    attrs = case.sample.attrs
    strange = (None, -7, 10**9, 0.5, "x", True, (), (-9, 99), (None,), ("x",), as_dim("n"))
    for specs in (case.specs[1:], case.specs * 2, case.specs[::-1]):
        accepts(case, specs)
    for name in attrs:
        accepts(case, case.specs, Attrs({n: v for n, v in attrs.items() if n != name}))
        for value in strange:
            accepts(case, case.specs, attrs.replace(**{name: value}))


@together(CASES)
def test_kernel_fills_its_outputs_and_leaves_its_inputs(case: Case) -> None:
    """The kernel gives the reference's values in poisoned memory; no input byte changes."""
    inputs = [np.array(array) for array in case.sample.inputs]
    expected = reference(case.op, case.sample.inputs, case.sample.attrs)
    assert_close(run(case.op, inputs, case.sample.attrs), expected, case.name)
    assert_same_bits(inputs, case.sample.inputs, f"{case.name}: its inputs")


@together(CASES)
def test_kernel_reads_any_layout(case: Case) -> None:
    """The kernel is right on inputs with gaps, negative strides, other axis orders, repeats."""
    for layout in LAYOUTS:
        arrays = [layout(array) for array in case.sample.inputs]
        try:
            expected = reference(case.op, [a.copy() for a in arrays], case.sample.attrs)
        except (ArithmeticError, ValueError):
            continue  # a repeated row can make a matrix singular
        actual = run(case.op, arrays, case.sample.attrs)
        assert_close(actual, expected, f"{case.name}, {layout.__name__}")


@together(CASES)
def test_kernel_writes_any_layout(case: Case) -> None:
    """The kernel is right where its output is a slice of something, and touches no gap in it."""
    expected = run(case.op, case.sample.inputs, case.sample.attrs)
    spreads, outs = zip(*map(gapped, case.outputs), strict=True)
    run(case.op, case.sample.inputs, case.sample.attrs, outs)
    assert_close(outs, expected, case.name)
    for spread, out in zip(spreads, outs, strict=True):
        out[...] = poisoned(Spec.like(out))
        assert is_poison(spread), f"{case.name} wrote between its output's elements"


@each_op()
def test_samples_have_rank_0_and_size_0(name: str) -> None:
    """Samples contain a scalar and an empty array wherever the op takes them."""
    cases = BY_OP[name]
    arrays = [spec for c in cases for spec in (*c.specs, *c.outputs)]
    if not any(spec.shape == () for spec in arrays):
        assert not any(c.specs and accepts(c, [s.with_shape(()) for s in c.specs]) for c in cases)
    if not any(spec.size == 0 for spec in arrays):
        assert not any(accepts(c, with_length(c, n, 0)) for c in cases for n in lengths(c))


@each_op()
def test_samples_have_every_dtype(name: str) -> None:
    """Every dtype that `infer` takes in some place stands there in a sample."""
    seen, taken = set(), set()
    for case in BY_OP[name]:
        seen |= {f"slot {i}: {spec.dtype}" for i, spec in enumerate(case.specs)}
        seen |= {f"attribute: {case.sample.attrs.get('dtype')}"}
        taken |= {place for place, specs, attrs in dtypes_to_try(case)
                  if accepts(case, specs, attrs)}  # fmt: skip
    assert taken <= seen


# inplace, alias


def offers(case: Case) -> list[tuple[int, int]]:
    """Return which output may take over which input, by the record and by their specs."""
    attrs = case.sample.attrs
    return [(slot, number) for number, spec in enumerate(case.outputs)
            for slot in case.op.offers(attrs, number) if case.specs[slot] == spec]  # fmt: skip


@together([c for c in CASES if offers(c)])
def test_output_may_take_over_an_input(case: Case) -> None:
    """Written over an input that the record offers, the result has the same bits."""
    expected = run(case.op, case.sample.inputs, case.sample.attrs)
    for slot, number in offers(case):
        inputs = [np.array(array) for array in case.sample.inputs]
        outs = list(map(poisoned, case.outputs))
        outs[number] = inputs[slot]
        run(case.op, inputs, case.sample.attrs, outs)
        assert_same(outs, expected, f"{case.name}, slot {slot}")


@each_op(lambda op: bool(op.inplace or op.offered))
def test_every_offer_of_an_input_is_tried(name: str) -> None:
    """For each input that the record offers, a sample has one that the output can take over."""
    fitting = {(slot, c.specs[slot].ndim > 0) for c in BY_OP[name] for slot, _ in offers(c)
               if c.specs[slot].size != 0}  # fmt: skip
    offered = {slot for c in BY_OP[name] for number in range(len(c.outputs))
               for slot in c.op.offers(c.sample.attrs, number)}  # fmt: skip
    assert {(slot, True) for slot in offered} <= fitting


@together([c for c in CASES if len(c.op.inplace) > 1])
def test_output_may_take_over_one_array_in_two_slots(case: Case) -> None:
    """The same holds where one tensor fills all the slots that the record offers."""
    slots = [slot for slot in case.op.inplace if case.specs[slot] == case.outputs[0]]
    if len(slots) < 2:
        return
    inputs = [np.array(array) for array in case.sample.inputs]
    for slot in slots:
        inputs[slot] = inputs[slots[0]]
    expected = run(case.op, inputs, case.sample.attrs)
    run(case.op, inputs, case.sample.attrs, [inputs[slots[0]]])
    assert_same([inputs[slots[0]]], expected, case.name)


@together([c for c in CASES if c.op.alias])
def test_alias_is_a_view_with_the_outputs_spec(case: Case) -> None:
    """The view shares its input's memory and has the kernel's values."""
    view, array = viewed(case, case.sample.inputs)
    assert_same_bits([view], reference(case.op, case.sample.inputs, case.sample.attrs), case.name)
    assert not view.size or np.shares_memory(view, array)


@together([c for c in CASES if c.op.alias])
def test_alias_follows_from_the_layout(case: Case) -> None:
    """The view of memory that isn't there lies where the view of the real array lies."""
    for layout in LAYOUTS:
        inputs = [layout(array) for array in case.sample.inputs]
        try:
            view, array = viewed(case, inputs)
        except ValueError:
            continue  # these strides allow no view: the kernel copies
        phantoms = [np.lib.stride_tricks.as_strided(np.zeros(1, a.dtype), a.shape, a.strides)
                    for a in inputs]  # fmt: skip
        phantom, base = viewed(case, phantoms)
        assert (phantom.shape, phantom.strides) == (view.shape, view.strides)
        assert phantom.ctypes.data - base.ctypes.data == view.ctypes.data - array.ctypes.data


def viewed(case: Case, inputs: Sequence[Array]) -> tuple[Array, Array]:
    """Return the view that an op's alias gives, and the input that it is a view of."""
    assert case.op.alias is not None
    array = inputs[case.op.alias.slot]
    return case.op.alias.view(array, case.outputs[0], case.sample.attrs), array


# workspace, cost


@together([
    c for c in CASES
    if (c.sample.inputs or c.outputs[0].ndim) and c.op.control is None  # bodies: test_loops.py
])  # fmt: skip
def test_calls_allocate_no_array(case: Case) -> None:
    """The calls, on arrays large enough to tell, allocate at most the bytes declared.

    The arrays can't be written to, as feeds that are read where they lie: some of NumPy's functions
    copy such arrays. Its own buffers, of operands that broadcast or that ZeroWhere widens, are
    counted for every plan.
    """
    large = grown(case, 20_000 // max(1, min(s.nbytes for s in (*case.specs, *case.outputs))))
    large = large or case
    outs = list(map(poisoned, large.outputs))
    locked = tuple(map(np.array, large.sample.inputs))
    for array in locked:
        array.setflags(write=False)
    bound = calls(large.op, locked, large.sample.attrs, outs)
    workspace = large.op.workspace(large.specs, large.sample.attrs)
    shapes = {spec.shape for spec in (*large.specs, *large.outputs, *workspace.scratch)}
    is_buffered = len(shapes) > 1 or large.op.name == "zero_where"
    allowed = workspace.internal + OBJECTS
    with iterator_buffers(16 if is_buffered else np.getbufsize()):
        assert peak_of(bound, allowed) <= allowed, f"{large.specs} -> {large.outputs}"


@contextmanager
def iterator_buffers(elements: int) -> Iterator[None]:
    """Bound the buffers through which a ufunc walks operands that broadcast: they are no arrays."""
    before = np.setbufsize(elements)
    try:
        yield
    finally:
        np.setbufsize(before)


def peak_of(bound: Sequence[tuple[Callable[..., object], tuple[object, ...]]], allowed: int) -> int:
    """Return the most bytes that calls hold at once, the first run's caches apart.

    What is over the bound is measured three times and the least counts: the test runner's own
    threads allocate when they like.
    """
    for function, args in bound:
        function(*args)
    peaks = [_traced(bound)]
    while min(peaks) > allowed and len(peaks) < 3:
        peaks.append(_traced(bound))
    return min(peaks)


def _traced(bound: Sequence[tuple[Callable[..., object], tuple[object, ...]]]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for function, args in bound:
            function(*args)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@together(CASES)
def test_cost_counts_at_least_the_outputs(case: Case) -> None:
    """Cost is in whole operations and bytes, and a result is written unless it is a view."""
    cost = cost_of(case)
    assert {type(cost.flops), type(cost.bytes)} == {int}
    assert cost.flops >= 0
    assert cost.bytes >= (0 if case.op.alias else sum(spec.nbytes for spec in case.outputs))


@together(CASES)
def test_cost_grows(case: Case) -> None:
    """A larger call costs more."""
    large = grown(case, 16)
    if large is None or any(spec.size == 0 for spec in (*large.specs, *large.outputs)):
        return
    small, big = cost_of(case), cost_of(large)
    assert big.flops >= small.flops
    assert big.bytes > small.bytes or (case.op.alias and big.bytes == small.bytes == 0)


def cost_of(case: Case) -> Cost:
    """Return what a case's call costs."""
    return case.op.cost(case.specs, case.outputs, case.sample.attrs)


# version, Absent, documentation


@each_op()
def test_version_is_found(name: str) -> None:
    """The registry finds the op by its name, and by its name and version."""
    op = get_op(name)
    assert (op.name, op.version >= 1) == (name, True)
    assert get_op(name, op.version) is op


@each_op()
def test_absent_fields_say_why(name: str) -> None:
    """A field that the op can't have gives a reason."""
    fields = [getattr(get_op(name), field) for field in ("vjp", "jvp", "batch", "tiling")]
    assert all(field.reason.strip() for field in fields if isinstance(field, Absent))


@each_op()
def test_every_op_can_be_reached(name: str) -> None:
    """A public function, a method, or the rule of an op that is reached declares it."""
    assert name in reachable_ops()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_public_functions_show_an_example(name: str) -> None:
    """A public function's docstring has examples, which the doctests run."""
    doc = FUNCTIONS[name].__doc__ or ""
    assert "Examples\n" in doc or "See `Tensor." in doc
