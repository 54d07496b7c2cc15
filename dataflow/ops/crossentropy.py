"""Softmax cross-entropy of integer labels, fused: a training step on few examples is overhead.

    p = softmax(logits)        loss = log(sum(exp(logits - m))) - (logits - m)[label]

The op keeps p as its second output, for the reverse sweep: there the gradient is one multiplication
and one correction an example, by the op `softmax_cross_entropy_grad`:

    (p - one_hot(label)) * cotangent[:, None]

The sums are products with a vector of ones, which BLAS does in a third of ``np.add.reduce``'s time
on ten classes; float16 works in float32 inside. Both ops take one row an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import traffic
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Along,
    Application,
    Array,
    Arrays,
    Call,
    Cost,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.onehot import one_hot
from dataflow.ops.positions import check_int64, check_known, checking, placing
from dataflow.ops.reductions import sum
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.ops.structure import check_inputs, with_batch_axis
from dataflow.sampling import FLOATS
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["softmax_cross_entropy"]


def _check(matrix: Spec, labels: Spec) -> None:
    check_int64(labels, 1)
    if matrix.dtype.kind != "f":
        msg = f"slot 0 holds real floating-point numbers, not {matrix.dtype}"
        raise DTypeError(msg)
    if matrix.ndim != 2 or matrix.shape[1] == 0 or labels.shape != matrix.shape[:1]:
        msg = (f"takes a row of at least one class and a label for every example, not "
               f"{shape_text(matrix.shape)} and {shape_text(labels.shape)}")  # fmt: skip
        raise ShapeError(msg)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size = ins[0].size
    return Cost(20 * size if isinstance(size, int) else 0, traffic(ins, outs))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    """Put the examples of all batches into one."""
    whole = with_batch_axis(inputs, batched, size)
    rows = [reshape(x, (size * x.shape[1], *x.shape[2:])) for x in whole]
    made = rows[0].builder.apply(application.op, rows, application.attrs)
    shapes = [(size, *tensor.shape) for tensor in application.outputs]
    return [reshape(tensor, shape) for tensor, shape in zip(made, shapes, strict=True)]


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(tuple((Along(0), WHOLE)[: spec.ndim] for spec in specs))


def _samples(*, grad: bool, rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in FLOATS:
        for count, classes in ((0, 3), (1, 1), (3, 4), (70, 2)):
            labels = rng.integers(0, classes, count)
            x = rng.uniform(0.1, 0.9, (count, classes)).astype(dtype)
            more = (rng.uniform(-1, 1, count).astype(dtype),) if grad else ()
            made.append(Sample((x, labels, *more)))
    return made


def _spread(x: Tensor) -> Tensor:
    return expand_dims(x, 1)


# The losses


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    logits = check_inputs(specs, 2)
    _check(logits, specs[1])
    return (logits.with_shape(logits.shape[:1]), logits)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    logits, labels = specs
    half = logits.dtype == np.float16
    wide = Spec(logits.shape, np.dtype(np.float32) if half else logits.dtype)
    count, classes = logits.shape
    row, ones = wide.with_shape((count, 1)), wide.with_shape((classes,))
    return Workspace((labels, row, ones, *([wide, wide.with_shape((count,))] if half else [])))


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (losses, p), (logits, labels), (places, row, ones, *wide) = outs, ins, scratch
    work, chosen = wide or (p, losses)
    calls: list[Call] = checking(labels, logits.shape[1])
    if wide:
        calls.append((np.copyto, (work, logits)))
        logits = work
    sums = row.reshape(-1)
    calls += [
        (np.maximum.reduce, (logits, 1, None, row, True)),
        (np.subtract, (logits, row, work)),
        *_choosing(work, labels, places, chosen),
        (np.exp, (work, work)),
        *_summing(work, ones, sums),
        (np.true_divide, (work, row, work)),
        (np.log, (sums, sums)),
        (np.subtract, (sums, chosen, chosen)),
    ]
    narrow = zip((p, losses), wide, strict=False)
    return [*calls, *[(np.copyto, (out, array, "same_kind")) for out, array in narrow]]


def _choosing(matrix: Array, labels: Array, places: Array, chosen: Array) -> list[Call]:
    """Return the calls that read each row's element at its label."""
    if not matrix.flags.c_contiguous or not chosen.flags.c_contiguous:
        return [(_choose_each, (matrix, labels, chosen))]
    take = matrix.reshape(-1).take
    return [*placing(labels, matrix.shape[1], places), (take, (places, None, chosen, "clip"))]


def _choose_each(matrix: Array, labels: Array, chosen: Array) -> None:
    for i, label in enumerate(labels):
        chosen[i] = matrix[i, label]


def _summing(matrix: Array, ones: Array, sums: Array) -> list[Call]:
    if not matrix.flags.c_contiguous:
        return [(np.add.reduce, (matrix, 1, None, sums, False))]
    return [(ones.fill, (1,)), (matrix.dot, (ones, sums))]


def _reference(logits: np.ndarray, labels: np.ndarray, attrs: Attrs) -> tuple[np.ndarray, ...]:
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    losses = -log_p[np.arange(len(labels)), labels]
    return losses.astype(logits.dtype), np.exp(log_p).astype(logits.dtype)


def _p_change(p: Tensor, change: Tensor) -> Tensor:
    return p * (change - sum(p * change, 1, keepdims=True))


def _less_one(p: Tensor, labels: Tensor) -> Tensor:
    """Return the derivative of the losses: p less 1 at each label."""
    return p - one_hot(labels, p.shape[1], p.dtype)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (_, labels), (_, p), (loss, second) = application.inputs, application.outputs, cotangents
    parts = [] if loss is None else [apply(SOFTMAX_CROSS_ENTROPY_GRAD, (p, labels, loss))]
    parts += [] if second is None else [_p_change(p, second)]
    return [_added(parts), None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (_, labels), (_, p), (change, _) = application.inputs, application.outputs, tangents
    if change is None:
        return [None, None]
    return [sum(_less_one(p, labels) * change, 1), _p_change(p, change)]


def _added(parts: list[Tensor]) -> Tensor | None:
    return parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None


SOFTMAX_CROSS_ENTROPY = register(Op(
    name="softmax_cross_entropy", label="SoftmaxCrossEntropy", infer=_infer, kernel=_kernel,
    reference=_reference, vjp=_vjp, jvp=_jvp, batch=_batch, tiling=_tiling, cost=_cost,
    workspace=_workspace, samples=lambda rng: _samples(grad=False, rng=rng), fallible=True,
    inplace=(0,),
))  # fmt: skip


# Their gradient


def _grad_infer(specs: Specs, attrs: Attrs) -> Specs:
    p = check_inputs(specs, 3)
    _check(p, specs[1])
    if specs[2] != p.with_shape(p.shape[:1]):
        msg = f"slot 2, the cotangent, must be {p.with_shape(p.shape[:1])}, not {specs[2]}"
        raise ShapeError(msg)
    return (p,)


def _grad_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace((specs[1], specs[2]))


def _grad_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    # Labels were checked when p was made; "clip" keeps wrong ones within the result's memory.
    (out,), (p, labels, cotangent), (places, chosen) = outs, ins, scratch
    scaling: Call = (np.multiply, (p, cotangent.reshape(-1, 1), out))
    if not out.flags.c_contiguous:
        return [scaling, (_correct_each, (out, labels, cotangent))]
    return [
        scaling,
        *_choosing(out, labels, places, chosen),
        (np.subtract, (chosen, cotangent, chosen)),
        (out.reshape(-1).put, (places, chosen, "clip")),
    ]


def _correct_each(out: Array, labels: Array, cotangent: Array) -> None:
    for i, label in enumerate(labels):
        out[i, label] -= cotangent[i]


def _grad_reference(
    p: np.ndarray, labels: np.ndarray, cotangent: np.ndarray, attrs: Attrs
) -> np.ndarray:
    one = np.eye(p.shape[1], dtype=p.dtype)[labels]
    return np.asarray((p - one) * cotangent[:, None])


def _grad_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (p, labels, scale), (change,), needs = application.inputs, cotangents, application.needs
    if change is None:
        return [None, None, None]
    return [
        change * _spread(scale) if needs[0] else None,
        None,
        sum(_less_one(p, labels) * change, 1) if needs[2] else None,
    ]


def _grad_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (p, labels, scale), (first, _, second) = application.inputs, tangents
    parts = [] if first is None else [first * _spread(scale)]
    parts += [] if second is None else [apply(application.op, (p, labels, second))]
    return [_added(parts)]


SOFTMAX_CROSS_ENTROPY_GRAD = register(Op(
    name="softmax_cross_entropy_grad", label="SoftmaxCrossEntropyGrad", infer=_grad_infer,
    kernel=_grad_kernel, reference=_grad_reference, vjp=_grad_vjp, jvp=_grad_jvp, batch=_batch,
    tiling=_tiling, cost=_cost, workspace=_grad_workspace, inplace=(0,),
    samples=lambda rng: _samples(grad=True, rng=rng),
))  # fmt: skip


@public()
def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return for every example the cross-entropy of its label under ``softmax(logits)``.

    Parameters
    ----------
    logits : Tensor
        Real floats; classes along the last axis.
    labels : Tensor
        Integers from 0 to below the number of classes, of the shape of `logits` without its last
        axis.

    Returns
    -------
    Tensor
        The labels' shape and the logits' dtype.

    Raises
    ------
    ShapeError
        The shapes don't fit, there is no class, or a label that is known already is out of range.
    DTypeError
        The logits aren't real floats, or the labels aren't integers.
    KernelError
        While running: a label is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> logits, labels = b.zeros((3, 4)), b.constant([0, 3, 1])
    >>> df.evaluate(df.softmax_cross_entropy(logits, labels)).round(4)
    array([1.3863, 1.3863, 1.3863], dtype=float32)
    """
    if labels.dtype.kind not in "iu":
        msg = f"labels ({user_line()}) are integers, not {labels.dtype}: use .astype('int64')"
        raise DTypeError(msg)
    if not logits.ndim or labels.shape != logits.shape[:-1]:
        msg = (f"softmax_cross_entropy ({user_line()}): labels {shape_text(labels.shape)} must be "
               f"logits {shape_text(logits.shape)} without the last axis")  # fmt: skip
        raise ShapeError(msg)
    check_known(labels, logits.shape[-1], "label")
    count = product(labels.shape)
    rows = reshape(logits, (count, logits.shape[-1]))
    each = reshape(labels.astype(np.int64), (count,))
    losses, _ = logits.builder.apply(SOFTMAX_CROSS_ENTROPY, (rows, each), Attrs())
    return reshape(losses, labels.shape)
