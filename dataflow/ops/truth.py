"""any, all and count_nonzero."""

from __future__ import annotations

__all__: list[str] = []
