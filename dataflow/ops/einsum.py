"""einsum, with a contraction path."""

from __future__ import annotations

__all__: list[str] = []
