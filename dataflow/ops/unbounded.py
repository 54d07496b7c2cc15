"""The standard's functions whose shape depends on data, which a static graph can't have."""

from __future__ import annotations

__all__: list[str] = []
