"""Tables as arrays: which columns are a tensor, and what their values become.

A tensor whose rows have n values is one of

    x             one column of lists of n values (or of single values, if n is 1)
    x.0 … x.n-1   n columns of single values
    --columns     the columns that a pattern matches, in natural order: p2 before p10

Nothing is guessed: a null, a wrong width, or an integer that the tensor's dtype can't hold is an
error that names the column and the row. pyarrow is imported when a file is read, and of it only
what that kind of file needs; pyarrow.compute only to say where a null is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.errors import FeedError, FileAccessError, FileFormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLE_ENDINGS", "choose_columns", "column_values", "read_table"]

TABLE_ENDINGS = (".arrow", ".feather", ".parquet", ".csv")
"""The endings of files that are read as tables."""

_NUMBER = re.compile(r"(\d+)")
_CSV_NULLS = ["", "NA", "N/A", "null", "NULL", "None"]  # NaN is a value here, and no null


def read_table(path: Path) -> pa.Table:
    """Read an Arrow (file or stream), Parquet or CSV file, by its ending.

    Raises
    ------
    FileAccessError
        The system refused to read it.
    FileFormatError
        It is not what its ending says, or is damaged.
    """
    import pyarrow as pa

    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        msg = f"{path}: tables are read from files that end in {', '.join(TABLE_ENDINGS)}"
        raise FileFormatError(msg)
    try:
        path.open("rb").close()  # so that the system's refusals are told from a damaged file
    except OSError as error:
        msg = f"can't read {path}: {error.strerror or error}"
        raise FileAccessError(msg) from error
    try:
        table: pa.Table = reader(path)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"{path} can't be read as {path.suffix.lower()[1:]}: {error}"
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
        wanted = f"a column {tensor!r}, or {tensor}.0 to {tensor}.{width - 1}"
    if not found:
        msg = (f"input {tensor!r} takes {width} values a row: expected {wanted}; the columns are "
               f"{_listed(names)}. --columns {tensor}=PATTERN says which are meant")  # fmt: skip
        raise FeedError(msg)
    return found


def column_values(
    table: pa.Table, names: Sequence[str], shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Return columns as one array.

    Parameters
    ----------
    table : pyarrow.Table
        The table, of n rows.
    names : sequence of str
        One column of lists or of single values, or one column for each value of a row.
    shape : tuple of int
        The shape of one row.
    dtype : numpy.dtype
        The result's dtype. Integers may become floats, and narrower integers if all are in range;
        floats become other floats; nothing else changes its kind.

    Returns
    -------
    numpy.ndarray
        Of shape ``(n, *shape)``; may be read-only.

    Raises
    ------
    FeedError
        A column has nulls, a width or a type that don't fit, or stands twice in the table.
    """
    width = int(np.prod(shape, dtype=np.int64))
    if len(names) == 1:
        return _values(table, names[0], width, dtype).reshape(table.num_rows, *shape)
    if len(names) != width:
        msg = (f"{width} values a row are expected, and there are {len(names)} columns: "
               f"{_listed(names)}")  # fmt: skip
        raise FeedError(msg)
    values = np.empty((table.num_rows, width), dtype)
    for index, name in enumerate(names):
        values[:, index] = _values(table, name, 1, dtype)
    return values.reshape(table.num_rows, *shape)


def _values(table: pa.Table, name: str, width: int, dtype: np.dtype) -> np.ndarray:
    """Return one column's values, flat."""
    if table.column_names.count(name) != 1:
        msg = f"column {name!r} stands {table.column_names.count(name)} times in the table"
        raise FeedError(msg)
    column = table.column(name)
    chunk: Any = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    flat, found = _flatten(chunk, name, max(len(chunk), 1))
    if len(chunk) and found != width:
        msg = f"column {name!r} has {found} values a row ({column.type}), expected are {width}"
        raise FeedError(msg)
    values: np.ndarray = flat.to_numpy(zero_copy_only=False)
    return _cast(values, dtype, f"column {name!r} ({column.type})", max(width, 1))


def _flatten(values: Any, name: str, rows: int) -> tuple[pa.Array[Any], int]:  # noqa: ANN401 - lists, in levels
    """Undo every level of lists; return the values and how many a row has."""
    import pyarrow.types as kinds

    while True:
        if values.null_count:
            _refuse_null(values, name, rows)
        if kinds.is_list(values.type) or kinds.is_large_list(values.type):
            _check_lengths(values, name, rows)
        elif not kinds.is_fixed_size_list(values.type):
            return values, len(values) // rows
        values = values.flatten()


def _refuse_null(values: pa.Array[Any], name: str, rows: int) -> None:
    nulls = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
    msg = f"column {name!r}, row {nulls[0] * rows // len(values)}: is null, and a tensor can't be"
    raise FeedError(msg)


def _check_lengths(lists: pa.ListArray[Any], name: str, rows: int) -> None:
    lengths = np.diff(lists.offsets.to_numpy())
    odd = np.flatnonzero(lengths != lengths[:1])
    if odd.size:
        row = odd[0] * rows // len(lists)
        msg = (f"column {name!r}, row {row}: has {lengths[odd[0]]} values, the first row "
               f"{lengths[0]}")  # fmt: skip
        raise FeedError(msg)


def _cast(values: np.ndarray, dtype: np.dtype, what: str, width: int) -> np.ndarray:
    if values.dtype == dtype:
        return values
    if values.dtype.kind in "iu" and dtype.kind in "iu":
        _check_range(values, dtype, what, width)
    elif not np.can_cast(values.dtype, dtype, "same_kind"):
        msg = f"{what}: can't become {dtype} without a change of kind"
        raise FeedError(msg)
    with np.errstate(over="raise"):
        try:
            return values.astype(dtype)
        except FloatingPointError:
            msg = f"{what}: has a value too large for {dtype}"
            raise FeedError(msg) from None


def _check_range(values: np.ndarray, dtype: np.dtype, what: str, width: int) -> None:
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    outside = np.flatnonzero((values < least) | (values > most))
    if outside.size:
        msg = (f"{what}, row {outside[0] // width}: {values[outside[0]]} is outside of what "
               f"{dtype} holds, {least} to {most}")  # fmt: skip
        raise FeedError(msg)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts numbers within names by their value."""
    parts = _NUMBER.split(name)  # texts and numbers by turns
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _listed(names: Sequence[str], most: int = 8) -> str:
    listed = ", ".join(names[:most]) or "none"
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


def _read_arrow(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import ipc

    source = pa.memory_map(str(path))
    if source.read(6) == b"ARROW1":
        return ipc.open_file(source).read_all()
    source.seek(0)
    return ipc.open_stream(source).read_all()


def _read_parquet(path: Path) -> pa.Table:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        return file.read()


def _read_csv(path: Path) -> pa.Table:
    from pyarrow.csv import ConvertOptions, read_csv

    return read_csv(path, convert_options=ConvertOptions(null_values=_CSV_NULLS))


_READERS: dict[str, Callable[[Path], Any]] = {
    ".arrow": _read_arrow, ".feather": _read_arrow, ".parquet": _read_parquet, ".csv": _read_csv,
}  # fmt: skip
