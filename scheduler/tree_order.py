"""The best order of a tree: Liu's merge of hills and valleys.

What a subtree does to the bytes that live is a row of *segments*, each of which rises to a hill and
falls to a valley. Nobody would stop but in a valley, so the segments of several subtrees are merged
whole; by an exchange argument, the ones that fall furthest come first:

    segment    rises by   grows by   falls by          merged
    a1            9          2          7              a1 (9), b1 (2 + 6 = 8), b2, a2
    a2            5          4          1
    b1            6          1          5
    b2            4          2          2

[J. W. H. Liu, An Application of Generalized Tree Pebbling to Sparse Matrix Factorization, SIAM J.
Algebraic Discrete Methods 8(3), 1987]
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["tree_order"]


class _Segment(NamedTuple):
    rise: int  # from the bytes before it to its hill
    growth: int  # from the bytes before it to those after it
    items: _Items

    @property
    def fall(self) -> int:
        return self.rise - self.growth


_Items = int | tuple["_Items", "_Items"]
"""An item, or what comes first and what comes after it: joined in constant time."""


def tree_order(rises: Sequence[int], growths: Sequence[int], parents: Sequence[int]) -> list[int]:
    """Return the order of the items of trees that lets the fewest bytes live at once.

    Parameters
    ----------
    rises : sequence of int
        By how many bytes more live while an item runs than before it.
    growths : sequence of int
        By how many bytes more live after an item than before it.
    parents : sequence of int
        The item that waits for each, a later one; or -1.

    Returns
    -------
    list of int
        Children before their parents.
    """
    children: list[list[list[_Segment]]] = [[] for _ in rises]
    roots: list[list[_Segment]] = []
    for item, parent in enumerate(parents):
        merged = _merged(children[item])
        children[item] = []
        _append(merged, _Segment(rises[item], growths[item], item))
        (children[parent] if parent >= 0 else roots).append(merged)
    return [item for segment in _merged(roots) for item in _flat(segment.items)]


def _merged(rows: list[list[_Segment]]) -> list[_Segment]:
    """Return the segments of all rows, those that fall furthest first: the longest row, extended.

    Equal ones of a row stay in its order.
    """
    longest = max(rows, key=len, default=[])
    for row in rows:
        if row is not longest:
            for segment in row:
                insort(longest, segment, key=_minus_fall)
    return longest


def _minus_fall(segment: _Segment) -> int:
    return -segment.fall


def _append(segments: list[_Segment], last: _Segment) -> None:
    """Append what must come last, joined with those at whose valleys one wouldn't stop for it."""
    while segments and (last.growth <= 0 or last.fall >= segments[-1].fall):
        before = segments.pop()
        last = _Segment(max(before.rise, before.growth + last.rise), before.growth + last.growth,
                        (before.items, last.items))  # fmt: skip
    segments.append(last)


def _flat(items: _Items) -> list[int]:
    found: list[int] = []
    rest = [items]
    while rest:
        last = rest.pop()
        if isinstance(last, int):
            found.append(last)
        else:
            rest += reversed(last)
    return found
