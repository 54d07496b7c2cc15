"""Homes: where a builder keeps what each layer declared, so that a second call finds the same.

A layer is known by identity, not by its values: two equal layers are two layers, with weights of
their own. The entry goes when the layer goes, and nothing depends on the order of entries.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["Home", "Homes"]

_T = TypeVar("_T")


class Home:
    """What one layer declared in one builder.

    Parameters
    ----------
    scopes : tuple of str
        The scopes that its variables' names are under.
    """

    __slots__ = ("_made", "scopes")

    def __init__(self, scopes: tuple[str, ...]) -> None:
        self.scopes = scopes
        self._made: dict[str, Any] = {}

    def kept(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what was made under this name: by the call that was first to ask for it."""
        if name not in self._made:
            self._made[name] = make()
        return cast("_T", self._made[name])


class Homes:
    """The homes of one builder, by layer."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[object], Home]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, layer: object, scopes: Callable[[], tuple[str, ...]]) -> Home:
        """Return a layer's home; at its first call a new one, under the scopes given."""
        entries, number = self._entries, id(layer)
        if number not in entries:
            # A number is another object's only when this one is gone, and its entry with it.
            gone = weakref.ref(layer, lambda _: entries.pop(number, None))
            entries[number] = gone, Home(scopes())
        return entries[number][1]
