"""Runs and choices of operand lists: what the rules of ops with bodies cut theirs into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataflow.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from dataflow.spec import Spec

__all__ = ["check_same", "cut", "picked", "where_given", "where_true"]


def cut(items: Sequence[Any], *lengths: int) -> list[list[Any]]:
    """Return runs of so many items each, and what is left.

    Examples
    --------
    >>> cut("abcde", 1, 2)
    [['a'], ['b', 'c'], ['d', 'e']]
    """
    parts, start = [], 0
    for length in lengths:
        parts.append(list(items[start : start + length]))
        start += length
    return [*parts, list(items[start:])]


def where_given(items: Sequence[object | None]) -> list[int]:
    """Return the places of what isn't None."""
    return [place for place, item in enumerate(items) if item is not None]


def where_true(flags: Sequence[bool]) -> list[int]:
    """Return the places of what is true."""
    return [place for place, flag in enumerate(flags) if flag]


def picked(items: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """Return the items at places."""
    return [items[place] for place in places]


def check_same(what: str, actual: Sequence[Spec], expected: Sequence[Spec]) -> None:
    """Refuse specs that differ from others.

    Raises
    ------
    ShapeError, DTypeError
        The message begins with `what`.
    """
    if tuple(actual) != tuple(expected):
        texts = [", ".join(map(str, specs)) for specs in (actual, expected)]
        same_shapes = [s.shape for s in actual] == [s.shape for s in expected]
        msg = f"{what} ({texts[0]}), not ({texts[1]})"
        raise (DTypeError if same_shapes else ShapeError)(msg)
