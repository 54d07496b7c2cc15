"""Finds the user's line, so that errors and files can name it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

__all__ = ["user_line"]

_PACKAGE = str(Path(__file__).parent)


def user_line() -> str:
    """Return the file name and line of the innermost frame outside this package, or ''.

    The folder is left out: a graph file must not tell where it was made.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the one way to a caller's line
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return ""
    file = frame.f_code.co_filename
    return f"{file[max(file.rfind('/'), file.rfind(chr(92))) + 1 :]}:{frame.f_lineno}"
