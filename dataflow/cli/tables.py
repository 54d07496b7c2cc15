"""Tables: how each kind of file is read, and which columns are a tensor.

A tensor whose rows have n values is one of

    x             one column of lists of n values (or of single values, if n is 1)
    x.0 … x.n-1   n columns of single values
    --columns     the columns that a pattern matches, in natural order: p2 before p10

pyarrow is imported when a file is read, and of it only what that kind of file needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dataflow.cli.options import check_readable, ending_of
from dataflow.errors import FeedError, FileFormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLE_ENDINGS", "choose_columns", "listed", "read_table"]

TABLE_ENDINGS = (".arrow", ".feather", ".parquet", ".csv")
"""The endings of files that are read as tables."""

_NUMBER = re.compile(r"(\d+)")
_CSV_NULLS = ["", "NA", "N/A", "null", "NULL", "None"]  # NaN is a value here, and no null


def read_table(path: str) -> pa.Table:
    """Read an Arrow (file or stream), Parquet or CSV file, by its ending.

    Raises
    ------
    FileAccessError
        The system refused to read it.
    FileFormatError
        It is not what its ending says, or is damaged.
    """
    import pyarrow as pa

    reader = _READERS.get(ending_of(path))
    if reader is None:
        msg = f"{path}: tables are read from files that end in {', '.join(TABLE_ENDINGS)}"
        raise FileFormatError(msg)
    check_readable(path)
    try:
        table: pa.Table = reader(path)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"{path} can't be read as {ending_of(path)[1:]}: {error}"
        raise FileFormatError(msg) from error
    return table


def choose_columns(names: Sequence[str], tensor: str, width: int, pattern: str = "") -> list[str]:
    """Return the names of the columns that are a tensor's.

    Parameters
    ----------
    names : sequence of str
        The table's columns.
    tensor : str
        The input's name.
    width : int
        The number of values in a row of it.
    pattern : str
        What ``--columns`` says of it, if anything.

    Raises
    ------
    FeedError
        There are none, or not all.

    Examples
    --------
    >>> choose_columns(["x.1", "x.0", "y"], "x", 2)
    ['x.0', 'x.1']
    >>> choose_columns(["p10", "p2"], "x", 2, "p*")
    ['p2', 'p10']
    """
    if pattern:
        found = sorted((name for name in names if fnmatchcase(name, pattern)), key=_natural)
        wanted = f"columns that match {pattern!r}"
    elif tensor in names:
        found, wanted = [tensor], ""
    else:
        numbered = [f"{tensor}.{i}" for i in range(width)] if width <= len(names) else []
        found = numbered if set(numbered) <= set(names) else []
        wanted = f"a column {tensor!r}"
        wanted += f", or {tensor}.0 to {tensor}.{width - 1}" if width else ""
    if not found:
        msg = (f"input {tensor!r} takes {width} values a row: expected {wanted}; the columns are "
               f"{listed(names)}. --columns {tensor}=PATTERN says which are meant")  # fmt: skip
        raise FeedError(msg)
    return found


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names as messages list them, the first few."""
    text = ", ".join(names[:most]) or "none"
    return f"{text} and {len(names) - most} more" if len(names) > most else text


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts numbers within names by their value."""
    parts = _NUMBER.split(name)  # texts and numbers by turns
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _read_arrow(path: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import ipc

    source = pa.memory_map(str(path))
    if source.read(6) == b"ARROW1":
        return ipc.open_file(source).read_all()
    source.seek(0)
    return ipc.open_stream(source).read_all()


def _read_parquet(path: str) -> pa.Table:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        return file.read()


def _read_csv(path: str) -> pa.Table:
    from pyarrow.csv import ConvertOptions, read_csv

    return read_csv(path, convert_options=ConvertOptions(null_values=_CSV_NULLS))


_READERS: dict[str, Callable[[str], Any]] = {
    ".arrow": _read_arrow, ".feather": _read_arrow, ".parquet": _read_parquet, ".csv": _read_csv,
}  # fmt: skip
