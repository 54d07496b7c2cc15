"""Trigonometric functions beyond sin and cos, and their inverses."""

from __future__ import annotations

__all__: list[str] = []
