"""Replacing a file as a whole or not at all.

The new content goes to a temporary file beside the target and reaches the disk before the target's
name does; until then what was there stays. Whoever has the old file mapped keeps the old bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dataflow.errors import FileAccessError

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of an empty file that takes the place of `path` when the block is left.

    Parameters
    ----------
    path : path
        The target. It may exist, but only as an ordinary file; a link is followed.

    Yields
    ------
    pathlib.Path
        A temporary file in the same folder, removed if the block raises.

    Raises
    ------
    FileAccessError
        The system refuses: no such folder, no permission, a full disk.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.part")
    try:
        _refuse_special(target)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _finish(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        msg = (f"can't write {os.fspath(path)}: {reason}; what was there before is unchanged. "
               "Check the folder, its permissions and the space left")  # fmt: skip
        raise FileAccessError(msg) from error


def _refuse_special(target: Path) -> None:
    if target.exists() and not target.is_file():
        msg = "it exists and isn't an ordinary file"
        raise OSError(msg)


def _finish(temporary: Path, target: Path) -> None:
    """Bring the temporary file to the disk, then give it the target's name and rights."""
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    _sync(temporary, os.O_RDWR)
    os.replace(temporary, target)  # noqa: PTH105 - the pair of calls that promise atomicity
    with suppress(OSError):  # the file is whole and in place; some systems can't sync a folder
        _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
