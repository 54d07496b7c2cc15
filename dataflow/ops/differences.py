"""Differences along an axis, interpolation and integration."""

from __future__ import annotations

__all__: list[str] = []
