"""Keeps the cyclic collector away while a graph or a plan grows.

Each of its walks goes over all that is there, though nothing of it can be freed: a quarter of the
time and more, for graphs of many nodes. Sweeps and passes make no cycles that die with them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector within the ``with`` block; one that is off already stays off."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
