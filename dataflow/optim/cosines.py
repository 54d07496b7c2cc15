"""Schedules along cosines: one fall, falls with restarts, and one cycle up and down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import ArgumentError
from dataflow.optim.checks import check_count, check_range
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.optim.schedules import Schedule

__all__ = ["cosine", "cosine_restarts", "one_cycle"]


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
    check_range(what, "pct_start", pct_start, 0.0, 1.0)
    check_range(what, "div_factor", div_factor, 1e-12)
    check_range(what, "final_div_factor", final_div_factor, 1e-12)
    if anneal_strategy not in ("cos", "linear"):
        msg = f"{what} ({user_line()}): anneal_strategy is 'cos' or 'linear': {anneal_strategy!r}"
        raise ArgumentError(msg)
    last = total_steps - 1
    rise = pct_start * total_steps - 1
    fall = 2 * rise if three_phase else rise
    if not 0 < rise <= fall < last:
        msg = (f"{what} ({user_line()}): pct_start={pct_start!r} of {total_steps} updates leaves "
               "no update to rise, or to fall")  # fmt: skip
        raise ArgumentError(msg)
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


def _half_cosine(start: float, end: float, part: Any) -> Any:  # noqa: ANN401
    """Return what lies between two rates along half a cosine."""
    return end + (start - end) * (0.5 * (1.0 + np.cos(part * math.pi)))


def _line(start: float, end: float, part: Any) -> Any:  # noqa: ANN401
    return start + (end - start) * part
