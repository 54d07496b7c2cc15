"""Finds the user's line, so that errors and files can name it."""

from __future__ import annotations

import os.path
import sys
from types import FrameType

__all__ = ["user_line"]

_PACKAGE = os.path.dirname(__file__) + os.sep


def user_line() -> str:
    """Return the file name and line of the innermost frame outside this package, or ''.

    The folder is left out: a graph file must not tell where it was made.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the one way to a caller's line
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return ""
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
