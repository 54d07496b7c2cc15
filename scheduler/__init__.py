"""The compiler and the machine: graph to plan to replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduler.arena import Offsets, assign_offsets

__all__ = ["Offsets", "assign_offsets"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import what places buffers when it is asked for: a replay has no use for it."""
    if name not in __all__:
        msg = f"module 'scheduler' has no attribute {name!r}"
        raise AttributeError(msg)
    from scheduler import arena

    return getattr(arena, name)
