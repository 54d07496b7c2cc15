"""The ops of connectionist temporal classification: losses, and their gradient.

The op `nn.ctc` gives the losses, and `nn.ctc_grad` their gradient times a cotangent; see
`dataflow.ops.nn.ctc_kernels`. The gradient's own derivative by the log-probabilities, which the
second order needs, is a composition: the same recursion as nodes, one time after the other, which
the reverse sweep differentiates twice. Log-probabilities of -inf count as -1e30 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.elementwise import traffic
from dataflow.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dataflow.operation import WHOLE, Along, Application, Cost, Op, Sample, Specs, Tiling, register
from dataflow.ops.along import take_along_axis
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, greater, not_equal
from dataflow.ops.joining import concat, stack
from dataflow.ops.logarithms import logaddexp
from dataflow.ops.nn.arguments import numbered
from dataflow.ops.nn.ctc_kernels import (
    grad_kernel,
    grad_reference,
    grad_workspace,
    loss_kernel,
    loss_reference,
    loss_workspace,
)
from dataflow.ops.positions import check_int64
from dataflow.ops.reductions import sum
from dataflow.ops.selection import maximum, where
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.structure import check_inputs, with_batch_axis
from dataflow.sampling import FLOATS
from dataflow.shapes import move_axis
from dataflow.source import user_line
from dataflow.spec import Spec, shape_text
from dataflow.sweeps import vjp_of

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = ["CTC", "CTC_GRAD"]

_NEVER = -1e30


def _check(specs: Specs, attrs: Attrs, count: int) -> Spec:
    log_probs, blank = check_inputs(specs, count), attrs.integer("blank")
    for slot in range(1, 4):
        check_int64(specs[slot], slot)
    if log_probs.dtype.kind != "f":
        msg = f"slot 0 holds real floating-point numbers, not {log_probs.dtype}"
        raise DTypeError(msg)
    examples = log_probs.shape[1:2]
    fits = specs[1].shape[:1] == specs[2].shape == specs[3].shape == examples
    if log_probs.ndim != 3 or specs[1].ndim != 2 or not fits:
        shapes = ", ".join(shape_text(spec.shape) for spec in specs)
        msg = f"takes (times, examples, classes), (examples, labels) and two lengths, not {shapes}"
        raise ShapeError(msg)
    classes = log_probs.shape[2]
    if blank < 0 or (isinstance(classes, int) and blank >= classes):
        msg = f"the blank, {blank}, must be one of {classes} classes"
        raise ArgumentError(msg)
    return log_probs


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    log_probs = _check(specs, attrs, 4)
    return (log_probs.with_shape(log_probs.shape[1:2]),)


def _grad_infer(specs: Specs, attrs: Attrs) -> Specs:
    log_probs = _check(specs, attrs, 5)
    wanted = log_probs.with_shape(log_probs.shape[1:2])
    if specs[4] != wanted:
        msg = f"slot 4, the cotangent, must be {wanted}, not {specs[4]}"
        raise ShapeError(msg)
    return (log_probs,)


def _cost(ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    size, (times, count, _) = ins[0].size, ins[0].shape
    work = times * count * (ins[1].shape[1] * 2 + 1) * 80
    known = isinstance(size, int) and isinstance(work, int)
    return Cost(work + size if known else 0, traffic(ins, outs))  # type: ignore[arg-type]  # ints


def _tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling(((WHOLE, Along(0), WHOLE), (Along(0), WHOLE), (Along(0),), (Along(0),)))


def _grad_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    rows = ((Along(1),), (Along(1),), (Along(1),))
    return Tiling(((WHOLE, Along(1), WHOLE), (Along(1), WHOLE), *rows))


def _batch(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> list[Tensor]:  # fmt: skip
    """Put the examples of all batches into one."""
    whole = with_batch_axis(inputs, batched, size)
    times = move_axis(whole[0], 0, 1)
    rows = [reshape(times, (times.shape[0], times.shape[1] * times.shape[2], times.shape[3]))]
    rows += [reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:])) for x in whole[1:]]
    made = apply(application.op, rows, application.attrs)
    shape = application.outputs[0].shape
    if made.ndim == 1:
        return [reshape(made, (size, *shape))]
    return [move_axis(reshape(made, (shape[0], size, *shape[1:])), 1, 0)]


def _samples(*, grad: bool, rng: np.random.Generator) -> list[Sample]:
    rows = [(3, 0, 3, 2, "float64"), (0, 2, 3, 1, "float64"), (2, 1, 2, 0, "float64"),
            *[(3, 3, 3, 2, dtype) for dtype in FLOATS]]  # fmt: skip
    made = []
    for times, count, classes, labels, dtype in rows:
        x = rng.uniform(-2, 0, (times, count, classes)).astype(dtype)
        targets = rng.integers(1, classes, (count, labels))
        if labels > 1:
            targets[:, 1] = targets[:, 0] % 2 + 1  # twice the same needs more time
        lengths = times - np.arange(count) % 2 if times else np.zeros(count, int)
        counts = np.maximum(labels - np.arange(count) % 3, 0) if times else np.zeros(count, int)
        more = (rng.uniform(0.5, 1, count).astype(dtype),) if grad else ()
        made.append(Sample((x, targets, lengths, counts, *more), Attrs(blank=0)))
    return made


# Derivatives


def _grad_of(application: Application, cotangent: Tensor) -> Tensor:
    return apply(CTC_GRAD, (*application.inputs[:4], cotangent), application.attrs)


def _slopes(application: Application) -> Tensor:
    x = application.inputs[0]
    ones = broadcast_to(x.builder.constant(1, dtype=x.dtype), x.shape[1:2])
    return _grad_of(application, ones)


def _vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (cotangent,) = cotangents
    return [None if cotangent is None else _grad_of(application, cotangent), None, None, None]


def _jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    change = tangents[0]
    return [None if change is None else sum(_slopes(application) * change, (0, 2))]


def _grad_vjp(application: Application, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    (change,), needs = cotangents, application.needs
    if change is None:
        return [None] * 5
    return [
        _bent(application, change) if needs[0] else None,
        None, None, None,
        sum(_slopes(application) * change, (0, 2)) if needs[4] else None,
    ]  # fmt: skip


def _grad_jvp(application: Application, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
    parts = []
    if tangents[0] is not None:
        parts.append(_bent(application, tangents[0]))
    if tangents[4] is not None:
        parts.append(_grad_of(application, tangents[4]))
    found = [part for part in parts if part is not None]
    return [found[0] + found[1] if len(found) == 2 else found[0] if found else None]


def _bent(application: Application, change: Tensor) -> Tensor | None:
    """Return how the gradient changes with the log-probabilities, which is symmetric in the two."""
    log_probs, *labels, scale = application.inputs
    if not isinstance(log_probs.shape[0], int):
        msg = (f"the second derivative of ctc_loss ({user_line()}) takes one time after the other: "
               f"{log_probs.node!r}, {log_probs.spec}, must have a known number")  # fmt: skip
        raise GradientError(msg)
    wide = np.float32 if log_probs.dtype == np.float16 else log_probs.dtype
    x, factor, direction = (astype(tensor, wide) for tensor in (log_probs, scale, change))
    total = sum(_unrolled(x, labels, application.attrs.integer("blank")) * factor)
    (slope,) = vjp_of([total], [x], [None])
    bent = None if slope is None else vjp_of([slope], [x], [direction])[0]
    return None if bent is None else astype(bent, log_probs.dtype)


def _unrolled(x: Tensor, labels: Sequence[Tensor], blank: int) -> Tensor:
    """Return the losses as nodes of ordinary ops."""
    (targets, lengths, counts), times = labels, Spec(x.shape[:1], x.dtype).static_shape[0]
    states = _states(targets, counts, blank)
    skip, constant = _skips(states), x.builder.constant
    never = broadcast_to(constant(_NEVER, dtype=x.dtype), states.shape)
    start = broadcast_to(constant(0, dtype=x.dtype), (states.shape[0], 1))
    alpha = concat([start, never], 1)
    for t in range(times):
        emitted = maximum(take_along_axis(x[t], states, 1), _NEVER)
        one, two = alpha[:, :-1], concat([never[:, :1], alpha[:, :-2]], 1)
        came = logaddexp(logaddexp(alpha[:, 1:], one), where(skip, two, _NEVER))
        new = concat([never[:, :1], came + emitted], 1)
        alpha = where(expand_dims(greater(lengths, t), 1), new, alpha)
    last = expand_dims(counts * 2, 1)
    ends = (take_along_axis(alpha, last + shift, 1) for shift in (1, 0))
    return -reshape(logaddexp(*ends), lengths.shape)


def _states(targets: Tensor, counts: Tensor, blank: int) -> Tensor:
    """Put blanks before, between and behind the labels, and in the place of padding."""
    is_label = greater(expand_dims(counts, 1), numbered(targets, targets.shape[1], np.int64))
    labels = where(is_label, targets, blank)
    blanks = broadcast_to(labels.builder.constant(blank), (targets.shape[0], targets.shape[1] + 1))
    pairs = stack([blanks[:, 1:], labels], 2)
    return concat([reshape(pairs, (targets.shape[0], targets.shape[1] * 2)), blanks[:, :1]], 1)


def _skips(states: Tensor) -> Tensor:
    """Say which states a path may come to from two before."""
    count = states.shape[1]
    first = equal(numbered(states, count, np.int64), 1)
    two = concat([states[:, :1], states[:, :1], states[:, :-2]], 1) if count != 1 else states
    return not_equal(states, two) | first


CTC = register(Op(
    name="nn.ctc", label="Ctc", infer=_infer, kernel=loss_kernel, reference=loss_reference,
    vjp=_vjp, jvp=_jvp, batch=_batch, tiling=_tiling, cost=_cost, workspace=loss_workspace,
    samples=lambda rng: _samples(grad=False, rng=rng), fallible=True,
))  # fmt: skip

CTC_GRAD = register(Op(
    name="nn.ctc_grad", label="CtcGrad", infer=_grad_infer, kernel=grad_kernel,
    reference=grad_reference, vjp=_grad_vjp, jvp=_grad_jvp, batch=_batch, tiling=_grad_tiling,
    cost=_cost, workspace=grad_workspace, samples=lambda rng: _samples(grad=True, rng=rng),
    fallible=True,
))  # fmt: skip
