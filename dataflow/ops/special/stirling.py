"""What Stirling's formula leaves of the gamma function: small, where the function is large.

Differences of logarithms of gamma functions lose the digits that their large parts have in common;
written with what is left, those parts go out by hand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataflow.ops.special.ufuncs import scipy_ufunc

if TYPE_CHECKING:
    from dataflow.operation import Array

__all__ = ["log_gamma_rest", "psi_gap"]

_LEAST = 12.0
"""From here on the series has all digits with six terms."""

_PSI_SERIES = (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12, 0)

_SERIES = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)


def log_gamma_rest(a: Array) -> Array:
    """Return log Γ(a) - (a - ½) log(a) + a - ½ log(2π), of positive numbers (DLMF 5.11.1)."""
    large = np.maximum(a, _LEAST)
    series = np.polyval(_SERIES, 1 / (large * large)) / large
    direct = scipy_ufunc("gammaln")(a) - (a - 0.5) * np.log(a) + a - math.log(2 * math.pi) / 2
    return np.where(a < _LEAST, direct, series)


def psi_gap(a: Array, b: Array) -> Array:
    """Return ψ(a) - ψ(a + b), also where `b` is small beside a large `a` (DLMF 5.11.2)."""
    psi, large = scipy_ufunc("psi"), np.maximum(a, _LEAST)
    both = large + b
    tails = (np.polyval(_PSI_SERIES, 1 / (z * z)) for z in (both, large))
    series = -np.log1p(b / large) - b / (2 * large * both) + next(tails) - next(tails)
    return np.asarray(np.where(a < _LEAST, psi(a) - psi(a + b), series))
