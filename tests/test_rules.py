"""Proves the rules in every op's record: derivatives, batches and slices.

Like `test_operations`, it names no op: a new one joins by being registered.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np

import dataflow as df
from dataflow.elementwise import elementwise_tiling
from dataflow.operation import Absent, Application, Op, Sample
from dataflow.registry import get_op
from dataflow.tensor import Tensor
from tests.cases import BY_OP, CASES, Case, each, each_op, has, together
from tests.derivatives import check_jvp, check_vjp, is_checkable, refused_slots
from tests.oracle import Array, assert_close, assert_same_bits, reference, run
from tests.slicing import Slicing, check_shares, interleaved, run_sliced, slicings

SMOOTH = [c for c in CASES if has("vjp")(c.op) and is_checkable(c.op, c.sample)]
BATCH = 3


# vjp, jvp


@each(SMOOTH)
def test_vjp_is_the_derivative(case: Case) -> None:
    """The gradient, and the gradient of the gradient, agree with differences of values."""
    check_vjp(case.op, case.sample)


@each([c for c in SMOOTH if has("jvp")(c.op)])
def test_jvp_is_the_derivative(case: Case) -> None:
    """The tangent agrees with differences of values, and with the gradient to rounding."""
    check_jvp(case.op, case.sample)


@each(SMOOTH)
def test_vjp_gives_only_what_is_asked_for(case: Case) -> None:
    """The gradient of one input alone is the one among all, and the rule emits no other."""
    application, joint = everything_pulled(case)
    for slot in (i for i, needed in enumerate(application.needs) if needed):
        needs = tuple(i == slot for i in range(len(application.needs)))
        alone = pulled(application._replace(needs=needs), ones_like(application.outputs))
        assert all(part is None for part, needed in zip(alone, needs, strict=True) if not needed)
        ours, theirs = alone[slot], joint[slot]
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert_same_bits(evaluated([ours], case), evaluated([theirs], case), case.name)


@each_op(has("vjp"))
def test_every_vjp_is_checked(name: str) -> None:
    """An op whose vjp gives anything has a smooth sample in float64, on which it is checked."""
    if get_op(name).implicit:
        return  # differences of a draw's values don't show its distribution's derivative
    giving = any(has_gradient(case) for case in BY_OP[name])
    assert not giving or any(c.op.name == name and is_precise(c) for c in SMOOTH)


@each_op(lambda op: op.is_flat)
def test_flat_ops_have_no_gradient(name: str) -> None:
    """The sweeps go around an op that says it is flat, so its rule must give nothing but zeros."""
    assert not any(has_gradient(case) for case in BY_OP[name])


@each_op(lambda op: any(c.op is op for c in SMOOTH))
def test_a_vjp_off_by_a_thousandth_is_caught(name: str) -> None:
    """The check of gradients sees an error of 0.1 %: it can fail."""

    def wrong(application: Application, cotangents: Any) -> list[Tensor | None]:  # noqa: ANN401
        return [None if part is None else part * 1.001 for part in pulled(application, cotangents)]

    assert_caught(lambda op, sample: check_vjp(op, sample, order=1), name, vjp=wrong)


@each_op(lambda op: has("jvp")(op) and any(c.op is op for c in SMOOTH))
def test_a_jvp_off_by_a_thousandth_is_caught(name: str) -> None:
    """The check of tangents sees an error of 0.1 % too."""
    rule = get_op(name).jvp
    assert not isinstance(rule, Absent)

    def wrong(application: Application, tangents: Any) -> list[Tensor | None]:  # noqa: ANN401
        return [None if part is None else part * 1.001 for part in rule(application, tangents)]

    assert_caught(check_jvp, name, jvp=wrong)


def test_a_gradient_without_its_own_gradient_is_caught() -> None:
    """The check at order two sees a vjp that is right, but constant in the inputs."""

    def wrong(application: Application, cotangents: Any) -> list[Tensor | None]:  # noqa: ANN401
        return [None if part is None else part.detach() for part in pulled(application, cotangents)]

    assert_caught(check_vjp, "multiply", vjp=wrong)


def assert_caught(check: Callable[[Op, Sample], None], name: str, **rules: Any) -> None:  # noqa: ANN401
    """Assert that a check fails for an op with other rules, if these give anything but zeros."""
    cases = [c for c in SMOOTH if c.op.name == name and is_precise(c) and has_gradient(c)]
    spoiled = replace(get_op(name), **rules)
    assert not cases or any(fails(check, spoiled, case.sample) for case in cases)


def fails(check: Callable[[Op, Sample], None], op: Op, sample: Sample) -> bool:
    """Say whether a check fails."""
    try:
        check(op, sample)
    except AssertionError:
        return True
    return False


def has_gradient(case: Case) -> bool:
    """Say whether a case's rule gives anything but zeros."""
    _, parts = everything_pulled(case)
    return any(part is not None for part in parts)


def is_precise(case: Case) -> bool:
    """Say whether a case's floats are all float64."""
    return all(
        s.dtype in (np.float64, np.complex128) for s in (*case.specs, *case.outputs) if s.is_float
    )


def pulled(application: Application, cotangents: Any) -> Sequence[Tensor | None]:  # noqa: ANN401
    """Call the vjp rule of the op as it is registered."""
    rule = get_op(application.op.name).vjp
    assert not isinstance(rule, Absent)
    return rule(application, cotangents)


def everything_pulled(case: Case) -> tuple[Application, Sequence[Tensor | None]]:
    """Return a case's node, asked for all its cotangents, and the cotangents."""
    _, application = applied(case)
    refused = refused_slots(case.op, case.sample)
    needs = tuple(t.spec.is_float and i not in refused for i, t in enumerate(application.inputs))
    application = application._replace(needs=needs)
    return application, pulled(application, ones_like(application.outputs))


def ones_like(tensors: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """Return ones as cotangents, None for what can have none."""
    return tuple(t.builder.constant(np.ones(t.spec.static_shape), dtype=t.dtype)
                 if t.spec.is_float else None for t in tensors)  # fmt: skip


def applied(case: Case) -> tuple[df.GraphBuilder, Application]:
    """Declare a case's node of inputs ``x0``, ``x1`` and so on."""
    b = df.GraphBuilder()
    inputs = [b.input(f"x{i}", spec.shape, spec.dtype) for i, spec in enumerate(case.specs)]
    outputs = b.apply(case.op, inputs, case.sample.attrs)
    return b, b.application(outputs[0].node)


def evaluated(tensors: Sequence[Tensor], case: Case, **more: Array) -> tuple[Array, ...]:
    """Compute tensors that depend on a case's inputs."""
    feeds = {f"x{i}": array for i, array in enumerate(case.sample.inputs)}
    made = df.evaluate(*tensors, feeds={**feeds, **more})
    return made if isinstance(made, tuple) else (made,)


# batch


@together([c for c in CASES if has("batch")(c.op) and c.sample.inputs])
def test_batch_is_a_loop(case: Case) -> None:
    """With one more leading axis, the op gives the stack of what it gives one by one."""
    combinations = product((True, False), repeat=len(case.specs))
    for batched in islice((c for c in combinations if any(c)), 4):
        check_batch(case, batched)


def check_batch(case: Case, batched: tuple[bool, ...]) -> None:
    """Compare a batched call with a loop."""
    b, application = applied(case)
    stacks = {f"y{i}": stack_of(a) for i, a in enumerate(case.sample.inputs) if batched[i]}
    inputs = tuple(
        b.input(f"y{i}", (BATCH, *t.shape), t.dtype) if batched[i] else t
        for i, t in enumerate(application.inputs)
    )
    assert not isinstance(case.op.batch, Absent)
    made = case.op.batch(application, inputs, batched, BATCH)
    actual = evaluated(made, case, **stacks)
    rows = [[stacks[f"y{i}"][k] if batched[i] else a for i, a in enumerate(case.sample.inputs)]
            for k in range(BATCH)]  # fmt: skip
    loop = [reference(case.op, row, case.sample.attrs) for row in rows]
    expected = [np.stack(parts) for parts in zip(*loop, strict=True)]
    assert_close(actual, expected, f"{case.name}, batched {batched}")


def stack_of(array: Array) -> Array:
    """Return a few variants of an array, all within the domain of an op that takes it."""
    if array.dtype.kind in "fc":
        return np.stack([array * array.dtype.type(1 - k / 64) for k in range(BATCH)])
    return np.stack([np.roll(array, k) for k in range(BATCH)])


# tiling


@together([c for c in CASES if has("tiling")(c.op)])
def test_slices_give_the_whole(case: Case) -> None:
    """Along every axis that the record declares, slices of 1, 3 and all give the whole."""
    expected = run(case.op, case.sample.inputs, case.sample.attrs)
    for slicing in slicings(case):
        for step in sorted({1, 3, max(1, slicing.length)}):
            if slicing.length:
                compare = comparison(case, slicing)
                compare(run_sliced(case, slicing, step), expected, f"{slicing} by {step}")


@together([c for c in CASES if interleaved(c)])
def test_shares_give_the_same_shares(case: Case) -> None:
    """Where an axis lies in another several times over, a share of one gives that of the other."""
    (expected,) = run(case.op, case.sample.inputs, case.sample.attrs)
    for use in interleaved(case):
        check_shares(case, use, expected)


def comparison(case: Case, slicing: Slicing) -> Callable[..., None]:
    """Return the check that slices must pass: the same bits where no sum is reordered."""
    is_complex = any(s.dtype.kind == "c" for s in case.specs)  # NumPy's loops round each their way
    exact = case.op.tiling is elementwise_tiling and not slicing.combine and not is_complex
    return assert_same_bits if exact else assert_close


@each_op(has("tiling"))
def test_a_declared_slicing_is_tried(name: str) -> None:
    """If a record declares any axis that can be sliced, some sample has one to slice."""
    found = [s for case in BY_OP[name] for s in slicings(case)]
    assert not found or any(s.length > 1 for s in found)
