"""What optimisers and schedules take for a number, checked when they are made."""

from __future__ import annotations

import math

import numpy as np

from dataflow.errors import GraphError
from dataflow.source import user_line

__all__ = ["check_count", "check_flag", "check_range"]


def check_range(owner: str, name: str, value: object, low: float, high: float = math.inf) -> None:
    """Refuse what is no number of [low, high)."""
    kinds = (int, float, np.integer, np.floating)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not low <= value < high:  # type: ignore[operator]
        msg = f"{owner} ({user_line()}): {name} must lie in [{low}, {high}), not {value!r}"
        raise GraphError(msg)


def check_count(owner: str, name: str, value: object, least: int = 1) -> None:
    """Refuse what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"{owner} ({user_line()}): {name} is a number of {least} or more, not {value!r}"
        raise GraphError(msg)


def check_flag(owner: str, name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        msg = f"{owner} ({user_line()}): {name} is True or False, not {value!r}"
        raise GraphError(msg)
