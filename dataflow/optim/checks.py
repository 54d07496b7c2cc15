"""What optimisers and schedules take for a number, checked when they are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from dataflow.errors import ArgumentError
from dataflow.source import user_line

__all__ = ["check_count", "check_flag", "check_range", "check_sequence", "is_number"]


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a real number of Python's or NumPy's, and no bool."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool)


def check_range(owner: str, name: str, value: object, low: float, high: float = math.inf) -> float:
    """Return a number of [low, high), and refuse what is none."""
    if not is_number(value) or not low <= value < high:
        msg = f"{owner} ({user_line()}): {name} must lie in [{low}, {high}), not {value!r}"
        raise ArgumentError(msg)
    return value


def check_count(owner: str, name: str, value: object, least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"{owner} ({user_line()}): {name} is a number of {least} or more, not {value!r}"
        raise ArgumentError(msg)


def check_flag(owner: str, name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        msg = f"{owner} ({user_line()}): {name} is True or False, not {value!r}"
        raise ArgumentError(msg)


def check_sequence(owner: str, name: str, value: object) -> None:
    """Refuse what isn't several values in an order."""
    if isinstance(value, str) or not isinstance(value, (Sequence, np.ndarray)):
        msg = f"{owner} ({user_line()}): {name} are a sequence, not {value!r}"
        raise ArgumentError(msg)
