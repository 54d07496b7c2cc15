"""Tensors with some elements set, added to or multiplied: t.at[index]."""

from __future__ import annotations

__all__: list[str] = []
