"""What a distribution's parameters may be, checked when a draw is declared.

Numbers, arrays and constants of the builder are known then, and one that no distribution has is
refused at the user's line. What a tensor holds shows only when a plan runs, where nothing is
checked: what is drawn then is said here, once for all.

    a scale below 0           the draw with its sign turned around
    minval above maxval       uniform draws between them all the same, integers that are `minval`
    truncated, nothing left   one of the bounds
    a gamma shape below 0     NaN, and so what is made of it: beta, Dirichlet, chi-square, t, F
    a probability             counts as 0 below 0, and as 1 above 1, for `bernoulli`
    other counts and powers   numbers that mean nothing; a NaN gives NaN, or its cast to an integer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import ArgumentError
from dataflow.source import user_line
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.tensor import TensorLike

__all__ = ["check_between", "check_not_negative", "check_order", "check_positive", "check_weights"]


def _known(value: TensorLike) -> np.ndarray | None:
    """Return what a parameter holds, if that is known already."""
    return value.builder.known(value) if isinstance(value, Tensor) else np.asarray(value)


def _check(name: str, value: TensorLike, is_right: np.ufunc, bound: float, what: str) -> None:
    known = _known(value)
    if known is None or np.all(is_right(known, bound)):
        return
    wrong = known[~is_right(known, bound)].reshape(-1)[0]
    msg = f"{name} ({user_line()}): {what}, not {wrong}"
    raise ArgumentError(msg)


def check_positive(name: str, **numbers: TensorLike) -> None:
    """Refuse known numbers that aren't above 0."""
    for which, value in numbers.items():
        _check(name, value, np.greater, 0, f"{which} must be above 0")


def check_not_negative(name: str, **numbers: TensorLike) -> None:
    """Refuse known numbers that aren't 0 or more."""
    for which, value in numbers.items():
        _check(name, value, np.greater_equal, 0, f"{which} must be 0 or more")


def check_between(name: str, low: float, high: float, **numbers: TensorLike) -> None:
    """Refuse known numbers that don't lie between two bounds, which they may be."""
    for which, value in numbers.items():
        what = f"{which} lies between {low} and {high}"
        _check(name, value, np.greater_equal, low, what)
        _check(name, value, np.less_equal, high, what)


def check_order(
    name: str, low: TensorLike, high: TensorLike, what: str, *, strictly: bool = False
) -> None:
    """Refuse known bounds that are the wrong way round, or equal where that leaves nothing."""
    least, most = _known(low), _known(high)
    if least is None or most is None:
        return
    below, above = np.broadcast_arrays(least, most)
    is_right = below < above if strictly else below <= above
    if not np.all(is_right):
        wrong = tuple(bound[~is_right][0] for bound in (below, above))
        msg = f"{name} ({user_line()}): {what} {wrong[0]} and {wrong[1]}"
        raise ArgumentError(msg)


def check_weights(name: str, p: TensorLike) -> None:
    """Refuse known probabilities along the last axis of which one is below 0, or all are 0."""
    check_not_negative(name, p=p)
    known = _known(p)
    if known is not None and known.ndim and not np.all(np.any(known > 0, axis=-1)):
        msg = f"{name} ({user_line()}): some p must be above 0"
        raise ArgumentError(msg)
