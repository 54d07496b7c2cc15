"""`Ref`: names one output of one node."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Ref"]


class Ref(NamedTuple):
    """One output of one node."""

    node: str
    output: int
