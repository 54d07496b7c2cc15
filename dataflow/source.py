"""Finds the user's line, and names nodes by it, for errors and files."""

from __future__ import annotations

import contextlib
import os.path
import sys
from functools import lru_cache
from types import FrameType

import numpy as np

__all__ = ["is_inner", "node_text", "user_line"]

_OURS = ("dataflow", "scheduler", "serialization")
_FOLDER, _NUMPY = os.path.dirname(os.path.dirname(__file__)), os.path.dirname(np.__file__)
_INNER = (
    *(os.path.join(folder, "") for folder in (*(os.path.join(_FOLDER, p) for p in _OURS), _NUMPY)),
    contextlib.__file__,
)
"""What runs between the user's line and ours: all our packages, and what calls ours for him."""


def node_text(name: str, op: str, source: str) -> str:
    """Return a node, its op and the user's line, as error messages name them.

    Examples
    --------
    >>> node_text("add_0", "add", "train.py:12")
    "node 'add_0' (op 'add', train.py:12)"
    """
    return f"node {name!r} (op {op!r}{f', {source}' if source else ''})"


def user_line() -> str:
    """Return the file name and line of the innermost frame outside our packages, or ''.

    NumPy's functions call ours where they are given tensors, and `contextlib` where a ``with``
    block ends: neither is the user's. The folder is left out: a graph file must not tell where it
    was made.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the one way to a caller's line
    while frame is not None and is_inner(frame):
        frame = frame.f_back
    if frame is None:
        return ""
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def is_inner(frame: FrameType) -> bool:
    """Say whether a frame runs code of our packages, NumPy's or `contextlib`'s.

    A dataclass's functions have no file, but a module.
    """
    name = frame.f_code.co_filename
    if name == "<string>":
        return str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS
    return _is_inner_file(name)


@lru_cache(maxsize=4096)  # a path is long, and every node asks for several
def _is_inner_file(name: str) -> bool:
    return name.startswith(_INNER)
