"""Kernels of connectionist temporal classification: sums over all alignments, by dynamic programs.

A target of L labels becomes 2L + 1 states, a blank before, between and behind the labels. A path
stays in a state, moves to the next, or skips a blank between two labels that differ. With e_t(s)
the logarithm of the probability of state s at time t:

    forward     a_t(s) = e_t(s) + log sum of exp a_{t-1} over s, s - 1 and, where allowed, s - 2
    backward    b_t(s) = log sum of exp (e_{t+1} + b_{t+1}) over s, s + 1 and s + 2

a ends in the last label or the blank behind it: their sum is minus the loss. exp(a + b + loss) is
the share of paths in state s at time t, whose sums over states of one label are the gradient.

All works in float64 logarithms; states past a target's own are computed and never read. Two columns
of -inf beside the states spare the shifts a branch; the nearer holds where paths come from.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.operation import Workspace
from dataflow.ops.positions import checking
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Array, Arrays, Call, Specs

__all__ = ["grad_kernel", "grad_reference", "grad_workspace", "loss_kernel", "loss_reference",
           "loss_workspace"]  # fmt: skip

_ADD_AT = 8192
"""Bytes that `numpy.add.at` allocates, whatever the sizes."""


class _Scratch(NamedTuple):
    """Arrays to work in: of (examples, states) unless said otherwise."""

    states: Array  # and two columns more
    frame: Array  # (examples, classes)
    labels: Array
    places: Array  # of each state's class in the frame
    skip: Array  # 0 where a path may skip the blank before, else -inf
    emitted: Array
    jump: Array
    new: Array
    beyond: Array  # (examples, labels): bools
    active: Array  # (examples, 1): bools
    ends: Array  # (examples, 1): of the last label's blank, among the states with their columns
    before: Array  # (examples, 1)
    losses: Array  # (examples, 1)
    other: Array  # (examples, 1)


def loss_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the arrays that the losses need."""
    (_, count, classes), (_, labels) = specs[0].shape, specs[1].shape
    states = labels * 2 + 1
    real, whole, truth = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)
    each = (count, states)
    rows: list[tuple[tuple[object, ...], np.dtype]] = [
        ((count, states + 2), real), ((count, classes), real), (each, whole), (each, whole),
        (each, real), (each, real), (each, real), (each, real), ((count, labels), truth),
        ((count, 1), truth), ((count, 1), whole), ((count, 1), whole), ((count, 1), real),
        ((count, 1), real),
    ]  # fmt: skip
    return Workspace(tuple(Spec.of(shape, dtype) for shape, dtype in rows))  # type: ignore[arg-type]  # dimensions


def grad_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the arrays that the gradient needs: all forward states among them."""
    loss = loss_workspace(specs, attrs)
    times, states = specs[0].shape[0], loss.scratch[2].shape
    real = np.dtype(np.float64)
    more = (Spec((times, *states), real), loss.scratch[0], loss.scratch[12])
    return Workspace((*loss.scratch, *more), _ADD_AT)


def loss_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that compute the losses."""
    s = _Scratch(*scratch)
    return [
        *_preparing(ins, s, attrs.integer("blank")),
        (_forward, (ins[0], ins[2].reshape(-1, 1), s, None)),
        (np.copyto, (outs[0], s.losses[:, 0], "same_kind")),
    ]


def grad_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    """Return the calls that compute the losses' gradient times a cotangent."""
    s, (alphas, ahead, factors) = _Scratch(*scratch[:14]), scratch[14:]
    lengths = ins[2].reshape(-1, 1)
    return [
        *_preparing(ins, s, attrs.integer("blank")),
        (_forward, (ins[0], lengths, s, alphas)),
        (np.copyto, (factors[:, 0], ins[4])),
        (np.negative, (factors, factors)),
        (_backward, (outs[0], ins[0], lengths, s, alphas, ahead, factors)),
    ]


def _preparing(ins: Arrays, s: _Scratch, blank: int) -> list[Call]:
    """Return the calls that check labels and lengths, and lay out the states."""
    log_probs, targets, lengths, counts = ins[:4]
    times, count, classes = log_probs.shape
    longest, width = targets.shape[1], s.states.shape[1]
    rows = np.arange(count)[:, None]
    letters, odd = s.labels[:, 1::2], s.skip[:, 1::2]
    label_counts = counts.reshape(-1, 1)
    fill, nothing = np.asarray(blank), np.asarray(-math.inf)
    return [
        *checking(lengths, times + 1, "input_lengths:"),
        *checking(counts, longest + 1, "target_lengths:"),
        (s.labels.fill, (blank,)),
        (np.copyto, (letters, targets)),
        (np.greater_equal, (np.arange(longest), label_counts, s.beyond)),
        (np.copyto, (letters, fill, "same_kind", s.beyond)),
        *checking(s.labels, classes, "targets:"),
        (np.add, (s.labels, rows * classes, s.places)),
        (s.skip.fill, (-math.inf,)),
        (np.copyto, (odd, np.asarray(0.0))),
        (np.equal, (letters[:, 1:], letters[:, :-1], s.beyond[:, 1:])),
        (np.copyto, (odd[:, 1:], nothing, "same_kind", s.beyond[:, 1:])),
        (np.multiply, (label_counts, np.asarray(2), s.ends)),
        (np.add, (s.ends, rows * width, s.ends)),
    ]


def _emit(s: _Scratch, frame: Array) -> None:
    """Read the logarithm of every state's probability."""
    np.copyto(s.frame, frame)
    s.frame.reshape(-1).take(s.places, None, s.emitted, "clip")


def _forward(log_probs: Array, lengths: Array, s: _Scratch, alphas: Array | None) -> None:
    s.states.fill(-math.inf)
    s.states[:, 1] = 0  # before the first time, in front of the first state
    inner = s.states[:, 2:]
    for t, frame in enumerate(log_probs):
        _emit(s, frame)
        np.add(s.states[:, :-2], s.skip, s.jump)
        np.logaddexp(inner, s.states[:, 1:-1], s.new)
        np.logaddexp(s.new, s.jump, s.new)
        np.add(s.new, s.emitted, s.new)
        np.greater(lengths, t, s.active)
        np.copyto(inner, s.new, "same_kind", s.active)
        np.copyto(s.states[:, 1:2], -math.inf, "same_kind", s.active)
        if alphas is not None:
            np.copyto(alphas[t], inner)
    flat = s.states.reshape(-1)
    for shift, found in ((2, s.losses), (1, s.other)):
        np.add(s.ends, shift, s.before)
        flat.take(s.before, None, found, "clip")
    np.logaddexp(s.losses, s.other, s.losses)
    np.negative(s.losses, s.losses)


def _backward(
    out: Array, log_probs: Array, lengths: Array, s: _Scratch, alphas: Array, ahead: Array,
    factors: Array,
) -> None:  # fmt: skip
    count = s.skip.shape[1]
    jumps = max(count - 2, 0)
    inner = s.states[:, :count]
    _end(s)
    ahead.fill(-math.inf)
    s.jump.fill(-math.inf)
    np.equal(s.losses, math.inf, s.active)
    np.copyto(s.losses, -math.inf, "same_kind", s.active)  # no path: no share of any
    for t in range(len(log_probs) - 1, -1, -1):
        if t + 1 < len(log_probs):
            _emit(s, log_probs[t + 1])
            np.add(inner, s.emitted, ahead[:, :count])
            np.add(ahead[:, 2 : 2 + jumps], s.skip[:, 2:], s.jump[:, :jumps])
            np.logaddexp(ahead[:, :count], ahead[:, 1 : count + 1], s.new)
            np.logaddexp(s.new, s.jump, s.new)
            np.greater(lengths, t + 1, s.active)
            np.copyto(inner, s.new, "same_kind", s.active)
        np.add(alphas[t], inner, s.new)
        np.add(s.new, s.losses, s.new)
        np.exp(s.new, s.new)
        np.less_equal(lengths, t, s.active)
        np.copyto(s.new, 0, "same_kind", s.active)
        s.frame.fill(0)
        np.add.at(s.frame.reshape(-1), s.places.reshape(-1), s.new.reshape(-1))
        np.multiply(s.frame, factors, s.frame)
        np.copyto(out[t], s.frame, "same_kind")


def _end(s: _Scratch) -> None:
    """Set the states to 0 where a path may end, and to -inf elsewhere."""
    flat, width = s.states.reshape(-1), s.states.shape[1]
    s.states.fill(-math.inf)
    flat.put(s.ends, 0.0)
    np.remainder(s.ends, width, s.before)
    np.minimum(s.before, 1, out=s.before)  # no label: the blank alone
    np.subtract(s.ends, s.before, s.before)
    flat.put(s.before, 0.0)


# References: every path, one after the other


def loss_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    """Return the losses by the definition."""
    with np.errstate(divide="ignore"):
        losses = -np.log(_shares(*arrays[:4], blank=attrs.integer("blank"))[0])
    return np.asarray(losses.astype(arrays[0].dtype))


def grad_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    """Return the gradient by the definition."""
    totals, shares = _shares(*arrays[:4], blank=attrs.integer("blank"))
    safe = np.where(totals == 0, 1, totals)
    made = -shares / safe[:, None] * arrays[4].astype(np.float64)[:, None]
    return np.asarray(made.astype(arrays[0].dtype))


def _shares(
    log_probs: np.ndarray, targets: np.ndarray, lengths: np.ndarray, counts: np.ndarray,
    *, blank: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the probability of every target, and of it through each class at each time."""
    _, count, classes = log_probs.shape
    totals, shares = np.zeros(count), np.zeros(log_probs.shape)
    for n in range(count):
        steps = range(int(lengths[n]))
        wanted = targets[n, : counts[n]].tolist()
        for path in itertools.product(range(classes), repeat=len(steps)):
            runs = [c for c, _ in itertools.groupby(path)]
            if [c for c in runs if c != blank] == wanted:
                p = math.exp(sum(float(log_probs[t, n, path[t]]) for t in steps))
                totals[n] += p
                for t in steps:
                    shares[t, n, path[t]] += p
    return totals, shares
