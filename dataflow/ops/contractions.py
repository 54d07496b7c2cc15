"""Products of tensors over named axes: tensordot, inner, outer, kron and their like."""

from __future__ import annotations

__all__: list[str] = []
