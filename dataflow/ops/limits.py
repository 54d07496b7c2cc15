"""The numbers of a dtype that no other one is below, or above: what extremes of nothing are."""

from __future__ import annotations

import numpy as np

__all__ = ["highest", "lowest"]


def lowest(dtype: np.dtype) -> float:
    """Return what no number of a real dtype is below."""
    if dtype.kind == "b":
        return False
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else -np.inf


def highest(dtype: np.dtype) -> float:
    """Return what no number of a real dtype is above."""
    if dtype.kind == "b":
        return True
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else np.inf
