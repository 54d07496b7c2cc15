"""Variance, standard deviation, median and quantiles."""

from __future__ import annotations

__all__: list[str] = []
