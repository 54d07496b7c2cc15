"""Variables chosen by patterns of their names: groups with settings of their own, and frozen ones.

Patterns are those of file names: ``encoder.*`` is every name that begins with ``encoder.``, ``?``
stands for one character, ``[ab]`` for one of several. One that no name matches is an error, so that
a misspelt pattern doesn't go unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from dataflow.errors import GraphError
from dataflow.source import user_line

__all__ = ["groups_of", "matched"]


def matched(what: str, patterns: Iterable[str], names: Sequence[str]) -> set[str]:
    """Return the names that one of the patterns matches.

    Raises
    ------
    GraphError
        A pattern is no text, or matches no name.

    Examples
    --------
    >>> sorted(matched("freeze", ["*.bias"], ["a.bias", "a.weight", "b.bias"]))
    ['a.bias', 'b.bias']
    """
    found: set[str] = set()
    for pattern in patterns:
        if not isinstance(pattern, str):
            msg = f"{what} ({user_line()}): a pattern of names is a text, not {pattern!r}"
            raise GraphError(msg)
        of_this = {name for name in names if fnmatchcase(name, pattern)}
        if not of_this:
            msg = (f"{what} ({user_line()}): no variable is named like {pattern!r}; there are "
                   f"{', '.join(names) or 'none'}")  # fmt: skip
            raise GraphError(msg)
        found |= of_this
    return found


def groups_of(
    what: str, groups: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return for each name the patterns that match it, in their order.

    Examples
    --------
    >>> groups_of("adam", {"*.bias": {}, "a.*": {}}, ["a.bias", "b.weight"])
    {'a.bias': ('*.bias', 'a.*'), 'b.weight': ()}
    """
    sets = {pattern: matched(what, [pattern], names) for pattern in groups}
    return {name: tuple(p for p, found in sets.items() if name in found) for name in names}
