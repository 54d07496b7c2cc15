"""Stacked, split, flipped and turned tensors."""

from __future__ import annotations

__all__: list[str] = []
