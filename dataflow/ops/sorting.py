"""Sorting, partitioning and the k largest."""

from __future__ import annotations

__all__: list[str] = []
