"""Running sums, products and extremes along an axis."""

from __future__ import annotations

__all__: list[str] = []
