"""Schedules one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import ArgumentError
from dataflow.optim.checks import check_count, check_range, check_sequence
from dataflow.optim.schedules import constant, linear
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.optim.schedules import Schedule

__all__ = ["multi_step", "piecewise", "sequence", "warm_up"]


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
    >>> import dataflow as df
    >>> warm_up(df.optim.exponential(4.0, 0.5), 4)(np.arange(7)).tolist()
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
    check_sequence("sequence", "schedules", schedules)
    parts = [_as_schedule("sequence", schedule) for schedule in schedules]
    if len(parts) != len(milestones) + 1:
        msg = (f"sequence ({user_line()}): {len(milestones)} milestones part {len(milestones) + 1} "
               f"schedules, not {len(parts)}")  # fmt: skip
        raise ArgumentError(msg)

    def joined(n: Any) -> Any:  # noqa: ANN401 - a number, an array or a tensor
        starts = [0, *milestones]
        rates = [_wide(part(np.maximum(n - start, 0)))
                 for part, start in zip(parts, starts, strict=True)]  # fmt: skip
        made = rates[-1]
        for rate, stop in reversed(list(zip(rates, milestones, strict=False))):
            made = np.where(n < stop, rate, made)
        return made

    return joined


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
    check_sequence("piecewise", "rates", rates)
    _check_milestones("piecewise", milestones)
    for rate in rates:
        check_range("piecewise", "a rate", rate, 0.0)
    return sequence([constant(rate) for rate in rates], milestones)


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


def _wide(rate: Any) -> Any:  # noqa: ANN401
    """Return a number in float64: a choice between two of Python's would be float32."""
    return np.float64(rate) if isinstance(rate, (int, float)) else rate


def _as_schedule(what: str, schedule: Schedule | float) -> Schedule:
    if callable(schedule):
        return schedule
    check_range(what, "a rate", schedule, 0.0)
    return constant(schedule)


def _check_milestones(what: str, milestones: Sequence[int]) -> None:
    check_sequence(what, "milestones", milestones)
    before = 0
    for milestone in milestones:
        check_count(what, "a milestone", milestone, before + 1)
        before = milestone
