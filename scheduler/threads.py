"""BLAS threads: set for a run where they differ, and set back after it.

The bits of a matrix product change with the number of threads, so a plan records it. Asking
costs a fraction of a microsecond; setting happens only where the number differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["blas_threads_setter"]


@lru_cache(maxsize=1)
def _libraries() -> tuple[Any, ...]:
    from threadpoolctl import ThreadpoolController

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads_setter(threads: int) -> Callable[[], Callable[[], None] | None]:
    """Return a function that sets the number of threads and returns what sets it back.

    It returns None where nothing needs to be set back.
    """
    libraries = _libraries()

    def enter() -> Callable[[], None] | None:
        before = [(lib, lib.get_num_threads()) for lib in libraries]
        changed = [(lib, count) for lib, count in before if count not in (threads, None)]
        if not changed:
            return None
        for library, _ in changed:
            library.set_num_threads(threads)

        def leave() -> None:
            for library, count in changed:
                library.set_num_threads(count)

        return leave

    return enter
