"""What floating-point numbers are made of: signs, neighbours, infinities and NaN."""

from __future__ import annotations

__all__: list[str] = []
