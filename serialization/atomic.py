"""Replacing a file as a whole or not at all.

The new content goes to a temporary file beside the target and reaches the disk before the target's
name does; until then what was there stays. Whoever has the old file mapped keeps the old bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dataflow.errors import FileAccessError

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the path of an empty file that takes the place of `path` when the block is left.

    Parameters
    ----------
    path : path
        The target. It may exist, but only as an ordinary file; a link is followed.

    Yields
    ------
    str
        A temporary file in the same folder, removed if the block raises.

    Raises
    ------
    FileAccessError
        The system refuses: no such folder, no permission, a full disk.
    """
    if not isinstance(path, str | os.PathLike):
        msg = f"a file is named by a path, not by {path!r}"
        raise FileAccessError(msg)
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    start = os.fsencode(name)[:200].decode(
        errors="ignore"
    )  # names have at most 255 bytes, not characters
    temporary = os.path.join(folder, f".{start}.{os.urandom(6).hex()}.part")
    try:
        _refuse_special(target)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _finish(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as error:
        reason = error.strerror or str(error)
        msg = (f"can't write {os.fspath(path)}: {reason}; what was there before is unchanged. "
               "Check the folder, its permissions and the space left")  # fmt: skip
        raise FileAccessError(msg) from error


def _refuse_special(target: str) -> None:
    if os.path.exists(target) and not os.path.isfile(target):
        msg = "it exists and isn't an ordinary file"
        raise OSError(msg)


def _finish(temporary: str, target: str) -> None:
    """Bring the temporary file to the disk, then give it the target's name and rights."""
    with suppress(FileNotFoundError):
        os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
    _sync(temporary, os.O_RDWR)
    os.replace(temporary, target)
    with suppress(OSError):  # the file is whole and in place; some systems can't sync a folder
        _sync(os.path.dirname(target), os.O_RDONLY)


def _sync(path: str, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
