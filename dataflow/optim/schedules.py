"""Schedules: learning rates as functions of the number of updates done.

A schedule is a function of one argument, written in NumPy's functions, so that it takes the step
counter of a graph, which declares nodes, as well as numbers and arrays, to be looked at or drawn:
``cosine(0.1, 100)(np.arange(101))``. Whatever has this form is one; those here are put together by
`warm_up` and `sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dataflow.errors import GraphError
from dataflow.optim.checks import check_count, check_range
from dataflow.source import user_line

__all__ = [
    "constant", "cosine", "cosine_restarts", "exponential", "inverse_sqrt", "linear", "multi_step",
    "one_cycle", "piecewise", "polynomial", "sequence", "step_decay", "warm_up",
]  # fmt: skip

Schedule: TypeAlias = Callable[[Any], Any]
"""A function of the number of updates done: a number, an array or a scalar tensor."""


def constant(lr: float) -> Schedule:
    """Return a schedule that is always the same.

    Examples
    --------
    >>> constant(0.1)(7)
    0.1
    """
    check_range("constant", "lr", lr, 0.0)
    return lambda n: lr


def step_decay(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """Return a schedule that is multiplied by `gamma` every `step_size` updates: ``StepLR``.

    Parameters
    ----------
    lr : float
        The rate at the first update.
    step_size : int
        How many updates have one rate.
    gamma : float
        The factor.

    Examples
    --------
    >>> step_decay(8.0, 2, 0.5)(np.arange(6)).tolist()
    [8.0, 8.0, 4.0, 4.0, 2.0, 2.0]
    """
    check_range("step_decay", "lr", lr, 0.0)
    check_count("step_decay", "step_size", step_size)
    check_range("step_decay", "gamma", gamma, 0.0)
    return lambda n: lr * np.power(float(gamma), n // step_size)


def multi_step(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    """Return a schedule that is multiplied by `gamma` at each milestone: ``MultiStepLR``.

    Parameters
    ----------
    lr : float
        The rate at the first update.
    milestones : sequence of int
        Numbers of updates, increasing.
    gamma : float
        The factor.

    Examples
    --------
    >>> multi_step(8.0, [1, 3], 0.5)(np.arange(5)).tolist()
    [8.0, 4.0, 4.0, 2.0, 2.0]
    """
    check_range("multi_step", "lr", lr, 0.0)
    check_range("multi_step", "gamma", gamma, 0.0)
    _check_milestones("multi_step", milestones)
    return piecewise(milestones, [lr * gamma**i for i in range(len(milestones) + 1)])


def piecewise(milestones: Sequence[int], rates: Sequence[float]) -> Schedule:
    """Return a schedule of constant pieces.

    Parameters
    ----------
    milestones : sequence of int
        The numbers of updates at which the next piece begins, increasing.
    rates : sequence of float
        The rates of the pieces: one more than milestones.

    Examples
    --------
    >>> piecewise([2, 3], [0.5, 0.25, 1.0])(np.arange(5)).tolist()
    [0.5, 0.5, 0.25, 1.0, 1.0]
    """
    for rate in rates:
        check_range("piecewise", "a rate", rate, 0.0)
    return sequence([constant(rate) for rate in rates], milestones)


def exponential(lr: float, gamma: float) -> Schedule:
    """Return a schedule that is multiplied by `gamma` at each update: ``ExponentialLR``.

    Examples
    --------
    >>> exponential(8.0, 0.5)(np.arange(4)).tolist()
    [8.0, 4.0, 2.0, 1.0]
    """
    return step_decay(lr, 1, gamma)


def linear(start: float, end: float, steps: int) -> Schedule:
    """Return a straight line from one rate to another, which stays: ``LinearLR``.

    Parameters
    ----------
    start, end : float
        The rates at the first update, and after `steps` of them.
    steps : int
        How many updates lie between.

    Examples
    --------
    >>> linear(0.0, 1.0, 4)(np.arange(6)).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    check_range("linear", "start", start, 0.0)
    check_range("linear", "end", end, 0.0)
    check_count("linear", "steps", steps)
    return lambda n: start + (end - start) * (np.minimum(n, steps) / steps)


def polynomial(lr: float, steps: int, power: float = 1.0, end: float = 0.0) -> Schedule:
    """Return a schedule that falls as a power of what is left of `steps`: ``PolynomialLR``.

    Parameters
    ----------
    lr : float
        The rate at the first update.
    steps : int
        After how many updates it has reached the end, and stays.
    power : float
        The exponent.
    end : float
        The last rate.

    Examples
    --------
    >>> polynomial(1.0, 4, power=2)(np.arange(5)).tolist()
    [1.0, 0.5625, 0.25, 0.0625, 0.0]
    """
    check_range("polynomial", "lr", lr, 0.0)
    check_range("polynomial", "end", end, 0.0)
    check_count("polynomial", "steps", steps)
    check_range("polynomial", "power", power, 0.0)
    return lambda n: end + (lr - end) * np.power(1.0 - np.minimum(n, steps) / steps, float(power))


def inverse_sqrt(lr: float, steps: int) -> Schedule:
    """Return a schedule that rises for `steps` updates, then falls as one over their root [1]_.

    Parameters
    ----------
    lr : float
        The largest rate.
    steps : int
        After how many updates it is reached.

    References
    ----------
    .. [1] A. Vaswani and others, "Attention Is All You Need", NeurIPS 2017, equation 3.

    Examples
    --------
    >>> inverse_sqrt(1.0, 4)(np.array([0, 1, 3, 15])).tolist()
    [0.25, 0.5, 1.0, 0.5]
    """
    check_range("inverse_sqrt", "lr", lr, 0.0)
    check_count("inverse_sqrt", "steps", steps)
    return lambda n: lr * np.minimum((n + 1.0) / steps, np.sqrt(steps / (n + 1.0)))


def cosine(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """Return a schedule that falls along half a cosine, and stays [1]_: ``CosineAnnealingLR``.

    Parameters
    ----------
    lr : float
        The rate at the first update.
    steps : int
        After how many updates it has reached the end. PyTorch's rises again, this one stays.
    end : float
        The last rate.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
       ICLR 2017.

    Examples
    --------
    >>> np.round(cosine(1.0, 4)(np.arange(6)), 4).tolist()
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """
    check_range("cosine", "lr", lr, 0.0)
    check_range("cosine", "end", end, 0.0)
    check_count("cosine", "steps", steps)
    return lambda n: _half_cosine(lr, end, np.minimum(n, steps) / steps)


def cosine_restarts(lr: float, steps: int, factor: int = 1, end: float = 0.0) -> Schedule:
    """Return half cosines one after the other: ``CosineAnnealingWarmRestarts``; see `cosine`.

    Parameters
    ----------
    lr : float
        The rate at the first update of each.
    steps : int
        The length of the first.
    factor : int
        How many times as long each is as the one before.
    end : float
        The rate that each falls to.

    Examples
    --------
    >>> np.round(cosine_restarts(1.0, 2, factor=2)(np.arange(7)), 4).tolist()
    [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]
    """
    check_range("cosine_restarts", "lr", lr, 0.0)
    check_range("cosine_restarts", "end", end, 0.0)
    check_count("cosine_restarts", "steps", steps)
    check_count("cosine_restarts", "factor", factor)
    if factor == 1:
        return lambda n: _half_cosine(lr, end, (n % steps) / steps)

    def restarted(n: Any) -> Any:  # noqa: ANN401 - a number, an array or a tensor
        # The first i together have steps * (factor**i - 1) / (factor - 1) updates; the little
        # that is added keeps a whole number from being rounded down to the one before.
        i = np.floor(np.log(1.0 + n * ((factor - 1) / steps)) / math.log(factor) + 1e-9)
        length = np.power(float(factor), i)
        before = (length - 1.0) * (1.0 / (factor - 1))
        return _half_cosine(lr, end, (n / steps - before) / length)

    return restarted


def one_cycle(
    max_lr: float, total_steps: int, pct_start: float = 0.3, anneal_strategy: str = "cos",
    div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False,
) -> Schedule:  # fmt: skip
    """Return a schedule that rises to a maximum and falls far below its start: ``OneCycleLR`` [1]_.

    Parameters
    ----------
    max_lr : float
        The largest rate.
    total_steps : int
        The number of updates of the whole cycle; after it the last rate stays.
    pct_start : float
        The part of the cycle in which it rises, in (0, 1).
    anneal_strategy : {"cos", "linear"}
        Along half a cosine, or a line.
    div_factor : float
        How many times smaller the first rate is than the largest.
    final_div_factor : float
        How many times smaller the last rate is than the first.
    three_phase : bool
        Whether it falls back to the first rate as fast as it rose, and then to the last.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using
       Large Learning Rates", 2018.

    Examples
    --------
    >>> one_cycle(1.0, 6, pct_start=0.5, anneal_strategy="linear", div_factor=4)(np.arange(4))
    array([0.25   , 0.625  , 1.     , 0.66667...])
    """
    what = "one_cycle"
    check_range(what, "max_lr", max_lr, 0.0)
    check_count(what, "total_steps", total_steps, 2)
    check_range(what, "div_factor", div_factor, 1e-12)
    check_range(what, "final_div_factor", final_div_factor, 1e-12)
    if anneal_strategy not in ("cos", "linear"):
        msg = f"{what} ({user_line()}): anneal_strategy is 'cos' or 'linear': {anneal_strategy!r}"
        raise GraphError(msg)
    last = total_steps - 1
    rise = pct_start * total_steps - 1
    fall = 2 * rise if three_phase else rise
    if not 0 < rise <= fall < last:
        msg = (f"{what} ({user_line()}): pct_start={pct_start!r} of {total_steps} updates leaves "
               "no update to rise, or to fall")  # fmt: skip
        raise GraphError(msg)
    first = max_lr / div_factor
    turns, rates = [0.0, rise, last], [first, max_lr, first / final_div_factor]
    if three_phase:
        turns, rates = [0.0, rise, fall, last], [first, max_lr, first, rates[-1]]
    anneal = _half_cosine if anneal_strategy == "cos" else _line

    def cycle(n: Any) -> Any:  # noqa: ANN401 - a number, an array or a tensor
        n = np.minimum(n, last)
        made = None
        for i in reversed(range(len(turns) - 1)):
            part = (n - turns[i]) / (turns[i + 1] - turns[i])
            here = anneal(rates[i], rates[i + 1], part)
            made = here if made is None else np.where(n <= turns[i + 1], here, made)
        return made

    return cycle


def warm_up(schedule: Schedule | float, steps: int, start: float = 0.0) -> Schedule:
    """Return a schedule that rises along a line first, and goes on as another from its start.

    Parameters
    ----------
    schedule : callable or float
        What follows: a schedule, or a rate that stays.
    steps : int
        How many updates come before it.
    start : float
        The rate at the first of them.

    Examples
    --------
    >>> warm_up(exponential(4.0, 0.5), 4)(np.arange(7)).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 2.0, 1.0]
    """
    check_range("warm_up", "start", start, 0.0)
    check_count("warm_up", "steps", steps)
    after = _as_schedule("warm_up", schedule)
    return sequence([linear(start, float(after(0)), steps), after], [steps])


def sequence(schedules: Sequence[Schedule | float], milestones: Sequence[int]) -> Schedule:
    """Return schedules one after the other, each counting from its own start: ``SequentialLR``.

    Parameters
    ----------
    schedules : sequence of callable or float
        Schedules, or rates that stay.
    milestones : sequence of int
        The numbers of updates at which the next begins, increasing: one less than schedules.

    Examples
    --------
    >>> sequence([0.5, linear(1.0, 0.0, 2)], [2])(np.arange(5)).tolist()
    [0.5, 0.5, 1.0, 0.5, 0.0]
    """
    _check_milestones("sequence", milestones)
    parts = [_as_schedule("sequence", schedule) for schedule in schedules]
    if len(parts) != len(milestones) + 1:
        msg = (f"sequence ({user_line()}): {len(milestones)} milestones part {len(milestones) + 1} "
               f"schedules, not {len(parts)}")  # fmt: skip
        raise GraphError(msg)

    def joined(n: Any) -> Any:  # noqa: ANN401 - a number, an array or a tensor
        starts = [0, *milestones]
        rates = [_wide(part(np.maximum(n - start, 0)))
                 for part, start in zip(parts, starts, strict=True)]  # fmt: skip
        made = rates[-1]
        for rate, stop in reversed(list(zip(rates, milestones, strict=False))):
            made = np.where(n < stop, rate, made)
        return made

    return joined


def _wide(rate: Any) -> Any:  # noqa: ANN401
    """Return a number in float64: a choice between two of Python's would be float32."""
    return np.float64(rate) if isinstance(rate, (int, float)) else rate


def _half_cosine(start: float, end: float, part: Any) -> Any:  # noqa: ANN401
    """Return what lies between two rates along half a cosine."""
    return end + (start - end) * (0.5 * (1.0 + np.cos(part * math.pi)))


def _line(start: float, end: float, part: Any) -> Any:  # noqa: ANN401
    return start + (end - start) * part


def _as_schedule(what: str, schedule: Schedule | float) -> Schedule:
    if callable(schedule):
        return schedule
    check_range(what, "a rate", schedule, 0.0)
    return constant(schedule)


def _check_milestones(what: str, milestones: Sequence[int]) -> None:
    before = 0
    for milestone in milestones:
        check_count(what, "a milestone", milestone, before + 1)
        before = milestone
