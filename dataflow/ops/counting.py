"""searchsorted, bincount and histograms, of fixed length."""

from __future__ import annotations

__all__: list[str] = []
