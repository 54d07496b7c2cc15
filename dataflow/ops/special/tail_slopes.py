"""Slopes of functions that fall as 1/x does: of erfcx and of Dawson's integral.

By their equations they are 2xy - 2/√π and 1 - 2xy, differences of numbers that are equal far out.
There they are the derivatives of the asymptotic series (NIST Digital Library of Mathematical
Functions, 7.12.1): with u = 1/x² and c the limit of 2xy, -c/2 u (1 ∓ 3/2 u + 3·5/4 u² ∓ ...).
Twelve terms are off by 3e-17 of themselves from 12 on, and by 1e-7 from 5 on. All is written with
our functions, so that higher derivatives are those of the series too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.ops.comparison import greater
from dataflow.ops.powers import square
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["tail_slope"]

_TERMS = 12


def tail_slope(x: Tensor, y: Tensor, limit: float, sign: int) -> Tensor:
    """Return ``sign * (2 * x * y - limit)`` with its digits, where 2xy tends to the limit.

    Parameters
    ----------
    x, y : Tensor
        The argument, and the function's value.
    limit : float
        Of ``2 * x * y``.
    sign : {1, -1}
        1 for erfcx, which tends to it for positive `x` only; -1 for Dawson's integral.
    """
    start = 12.0 if x.dtype == np.float64 else 5.0
    is_far = greater(x if sign > 0 else call_function("abs", x), start)
    u = square(1 / where(is_far, x, start))
    series = 1 + u * (-sign * (_TERMS - 0.5))
    for k in range(_TERMS - 2, 0, -1):
        series = 1 + u * (-sign * (k + 0.5)) * series
    near = (where(is_far, 0, x) * y * 2 - limit) * sign
    return where(is_far, u * series * (-limit / 2), near)
