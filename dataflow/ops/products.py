"""prod: axes multiplied, right where elements are zero."""

from __future__ import annotations

__all__: list[str] = []
