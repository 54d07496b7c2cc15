"""Schedules: learning rates as functions of the number of updates done.

A schedule is a function of one argument, written in NumPy's functions, so that it takes the step
counter of a graph, which declares nodes, as well as numbers and arrays, to be looked at or drawn:
``cosine(0.1, 100)(np.arange(101))``. Whatever has this form is one; those here and in `cosines` are
put together by `warm_up` and `sequence`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from dataflow.optim.checks import check_count, check_range

__all__ = ["constant", "exponential", "inverse_sqrt", "linear", "polynomial", "step_decay"]

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
