"""Logarithms and exponentials in other bases, and sums of exponentials."""

from __future__ import annotations

__all__: list[str] = []
