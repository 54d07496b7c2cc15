"""`check_op` finds out whether an op keeps the promises of its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.builder import GraphBuilder
from dataflow.errors import CheckError, DataflowError, GradientCheckError
from dataflow.operation import Absent, Along, Op, Sample
from dataflow.source import user_line
from dataflow.spec import Spec
from dataflow.user_ops import UserOp, sample_of
from dataflow.vectorize import vmap
from scheduler.program import Item
from scheduler.reference import evaluate, run_item
from scheduler.testing.gradients import check_gradients

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.tensor import Tensor

__all__ = ["check_op"]

Array = np.ndarray[Any, Any]

_EXAMPLES = 3


def check_op(op: UserOp | Op, *samples: Sequence[ArrayLike]) -> int:
    """Check on small calls that an op does what its record says.

    That is: the function gives what the spec says, twice the same, and leaves its inputs alone; the
    derivatives in both modes and at two orders are the values' (float64 samples show most); `vmap`
    gives what one example after the other does; and slices along the axes that `tiling` names give
    the slices of the whole.

    Parameters
    ----------
    op : UserOp or Op
        What `df.op` returned.
    *samples : sequences of array_like
        The inputs of a call each; a dictionary at the end holds parameters. Beside those that the
        op was declared with.

    Returns
    -------
    int
        The number of samples that were checked.

    Raises
    ------
    CheckError
        The first promise that is broken, on which sample, and by how much.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> @df.op("my_ops.half", spec="elementwise", vjp=lambda c, y, x: c * 0.5)
    ... def half(x):
    ...     return x / 2
    >>> df.testing.check_op(half, [np.array([1.0, 2.0])])
    1
    """
    record = op.op if isinstance(op, UserOp) else op
    defaults = op.defaults if isinstance(op, UserOp) else {}
    every = [*record.samples(np.random.default_rng(0)), *map(sample_of, samples)]
    if not every:
        msg = (f"check_op ({user_line()}): there is no sample to call {record.name!r} on: give "
               "inputs, or df.op(samples=...)")  # fmt: skip
        raise CheckError(msg)
    for number, sample in enumerate(every):
        whole = sample._replace(attrs=sample.attrs.replace(**{**defaults, **sample.attrs}))
        try:
            _check(record, whole)
        except DataflowError as error:
            msg = f"check_op ({user_line()}): op {record.name!r}, sample {number}: {error}"
            raise CheckError(msg) from error
    return len(every)


def _check(op: Op, sample: Sample) -> None:
    made = _called(op, sample)
    again = _called(op, sample)
    if any(a.tobytes() != b.tobytes() for a, b in zip(made, again, strict=True)):
        msg = "two calls on the same inputs give different bits"
        raise CheckError(msg)
    _check_gradients(op, sample)
    _check_batch(op, sample)
    _check_tiling(op, sample, made)


def _called(op: Op, sample: Sample) -> list[Array]:
    """Run the kernel, and see that it left its inputs alone."""
    inputs = [np.array(array) for array in sample.inputs]
    specs = tuple(map(Spec.like, inputs))
    outs = list(op.infer(specs, sample.attrs))
    item = Item(op, sample.attrs, (), (), "sample", "forward", "", "")
    made = run_item(item, inputs, outs)
    for slot, (array, before) in enumerate(zip(inputs, sample.inputs, strict=True)):
        if array.tobytes() != np.asarray(before).tobytes():
            msg = f"the kernel wrote to its input {slot}"
            raise CheckError(msg)
    return made


def _declared(op: Op, sample: Sample) -> tuple[list[Tensor], list[Tensor], dict[str, Array]]:
    builder = GraphBuilder("check_op")
    inputs = [builder.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(sample.inputs)]
    outputs = list(builder.apply(op, inputs, sample.attrs))
    return inputs, outputs, {f"x{i}": np.asarray(a) for i, a in enumerate(sample.inputs)}


def _check_gradients(op: Op, sample: Sample) -> None:
    inputs, outputs, feeds = _declared(op, sample)
    ends = [tensor for tensor in outputs if tensor.dtype.kind == "f"]
    wrt = [tensor for tensor in inputs if tensor.dtype.kind == "f"]
    if isinstance(op.vjp, Absent) or not ends or not wrt or not sample.smooth:
        return
    try:
        check_gradients(ends, wrt, feeds)
    except GradientCheckError as error:
        msg = f"its derivative isn't its values': {error}"
        raise CheckError(msg) from error


def _check_batch(op: Op, sample: Sample) -> None:
    if isinstance(op.batch, Absent) or not sample.inputs:
        return
    builder = GraphBuilder("check_op")
    scales = np.linspace(0.5, 1.0, _EXAMPLES)
    stacks = [
        np.stack([(a * s).astype(a.dtype) if a.dtype.kind == "f" else a for s in scales])
        for a in map(np.asarray, sample.inputs)
    ]
    tensors = [builder.constant(stack) for stack in stacks]
    made = vmap(lambda *rows: builder.apply(op, rows, sample.attrs))(*tensors)
    found = evaluate(*made)
    arrays = [found] if len(made) == 1 else list(found)
    for number in range(_EXAMPLES):
        one = _called(op, sample._replace(inputs=tuple(stack[number] for stack in stacks)))
        for index, (array, single) in enumerate(zip(arrays, one, strict=True)):
            _check_close(array[number], single, f"vmap's output {index}, example {number}")


def _check_tiling(op: Op, sample: Sample, whole: Sequence[Array]) -> None:
    """Compare slices along each output axis that an input axis maps to."""
    if isinstance(op.tiling, Absent):
        return
    arrays = [np.asarray(array) for array in sample.inputs]
    uses = op.tiling(tuple(map(Spec.like, arrays)), sample.attrs)
    axes = {use.axis for axis_uses in uses.inputs for use in axis_uses if isinstance(use, Along)}
    for axis in sorted(axes):
        for start, stop in _slices(whole[0].shape[axis]):
            rows = [
                array[tuple(
                    slice(start, stop) if isinstance(use, Along) and use.axis == axis
                    else slice(None) for use in axis_uses
                )]
                for array, axis_uses in zip(arrays, uses.inputs, strict=True)
            ]  # fmt: skip
            attrs = uses.slice_attrs(sample.attrs, axis, start, stop)
            made = _called(op, Sample(tuple(rows), attrs))
            for index, (part, array) in enumerate(zip(made, whole, strict=True)):
                expected = array.take(range(start, stop), axis)
                _check_close(part, expected, f"output {index}, slice {start}:{stop} of axis {axis}")


def _slices(length: int) -> Iterator[tuple[int, int]]:
    for size in dict.fromkeys((1, 3, max(length, 1))):
        for start in range(0, length, size):
            yield start, min(start + size, length)


def _check_close(actual: Array, expected: Array, what: str) -> None:
    """Refuse what isn't the same but for rounding."""
    if (actual.shape, actual.dtype) != (expected.shape, expected.dtype):
        msg = f"{what} is {Spec.like(actual)}, not {Spec.like(np.asarray(expected))}"
        raise CheckError(msg)
    rounding = 256 * np.finfo(actual.dtype).eps if actual.dtype.kind in "fc" else 0
    if not np.allclose(actual, expected, rtol=rounding, atol=rounding, equal_nan=True):
        off = float(np.nanmax(np.abs(actual - expected)))
        msg = f"{what} is off by {off:.2g} from the one computed alone"
        raise CheckError(msg)
