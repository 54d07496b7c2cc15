"""An Arrow file into rows that have been checked.

A file is hostile until shown otherwise. Before anything is unpacked or allocated: it is an Arrow
file, of a kind and version that we know, with exactly the columns of that kind and one uncompressed
record batch. Then Arrow's own full validation, which makes every offset and text sound; then ours:
each row of a known section fills that section's columns and no others, and the structure digest is
the one that the writer noted. What the rows *mean* is checked by `graphs`, `plans` and `states`.

Nothing here copies a tensor: arrays are read-only views of the mapped file.
"""

from __future__ import annotations

import io
import mmap as mapping
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from dataflow.errors import FileAccessError, FileFormatError
from serialization.arrays import Array, python_values, refuse_loose_ends, validity
from serialization.digests import columns_digest
from serialization.footer import refuse_foreign, refuse_surprises
from serialization.layout import FILLER, FORMAT_VERSION, Layout, Row

__all__ = ["Table", "open_bytes", "open_reader"]

_METADATA = {"kind", "format_version", "writer", "structure_digest", "source_digest"}


def open_bytes(path: str | os.PathLike[str], *, mmap: bool) -> pa.Buffer:
    """Return a file's bytes, mapped or read.

    Raises
    ------
    FileAccessError
        There is no such file, it is a folder or a device or no path, or reading is not allowed.
    """
    try:
        with io.BufferedReader(io.FileIO(os.fspath(path), opener=_opened)) as file:
            return _content(file, mmap=mmap)
    except (OSError, ValueError, TypeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"can't read {path}: {reason}; check the path and its permissions"
        raise FileAccessError(msg) from error


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for ever


def _content(file: io.BufferedReader[io.FileIO], *, mmap: bool) -> pa.Buffer:
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        msg = "it isn't an ordinary file"
        raise OSError(msg)
    if mmap and facts.st_size:
        return pa.py_buffer(mapping.mmap(file.fileno(), 0, access=mapping.ACCESS_READ))
    buffer = pa.allocate_buffer(facts.st_size)  # aligned, as NumPy's own memory may not be
    if file.readinto(memoryview(buffer)) != facts.st_size:
        msg = "it became shorter while it was read"
        raise OSError(msg)
    return buffer


def open_reader(data: pa.Buffer) -> tuple[pa.ipc.RecordBatchFileReader, dict[str, str]]:
    """Open a file's bytes and return Arrow's reader and the metadata; nothing is decoded yet.

    Raises
    ------
    FileFormatError
        It is no Arrow file, not one of ours, or of a newer version.
    """
    refuse_foreign(memoryview(data))
    options = pa.ipc.IpcReadOptions(use_threads=False)
    reader = pa.ipc.open_file(pa.BufferReader(data), options=options)
    if not pa.ipc.read_schema(data.slice(8)).equals(reader.schema, check_metadata=True):
        msg = "its first and its last bytes declare different columns, to readers of either kind"
        raise FileFormatError(msg)
    metadata = _metadata(reader.schema)
    refuse_surprises(memoryview(data))
    return reader, metadata


def _metadata(schema: pa.Schema) -> dict[str, str]:
    raw = schema.metadata or {}
    metadata = {key.decode(): value.decode() for key, value in raw.items()}
    version = metadata.get("format_version", "")
    if "kind" not in metadata or not version.isdecimal():
        msg = ("this is an Arrow file, but not a graph, plan or state: its metadata has no kind "
               "and format_version")  # fmt: skip
        raise FileFormatError(msg)
    if int(version) > FORMAT_VERSION:
        msg = (f"its format version is {version}, written by {metadata.get('writer')}; this "
               f"installation reads up to {FORMAT_VERSION}: upgrade dataflow-runtime")  # fmt: skip
        raise FileFormatError(msg)
    if set(metadata) != _METADATA:
        msg = f"its metadata has {sorted(metadata)}, not {sorted(_METADATA)}"
        raise FileFormatError(msg)
    return metadata


def _refuse_other_columns(schema: pa.Schema, layout: Layout) -> None:
    for found, expected in zip_longest(schema, layout.schema):
        if found is None or expected is None or not found.equals(expected, check_metadata=True):
            msg = f"a {layout.kind} has the column {expected}, this file {found} in its place"
            raise FileFormatError(msg)


class Table:
    """The rows of a file, by section.

    Parameters
    ----------
    reader : pyarrow.ipc.RecordBatchFileReader
        From `open_reader`.
    metadata : mapping of str to str
        Its metadata.
    layout : Layout
        The file's kind.

    Raises
    ------
    FileFormatError
        The columns are not the kind's, Arrow's validation fails, a row fills other columns than
        its section's, or a digest is wrong.
    """

    def __init__(
        self, reader: pa.ipc.RecordBatchFileReader, metadata: Mapping[str, str], layout: Layout
    ) -> None:
        self.layout = layout
        self.where = ""
        """The section and row that is being read, for error messages."""
        _refuse_other_columns(reader.schema, layout)
        self._batch = reader.get_batch(0)
        self._batch.validate(full=True)
        for name in layout.schema.names:
            self._check_column(name)
        self._check_digests(metadata)
        self._rows = self._by_section(python_values(self._batch.column("section")))

    @cached_property
    def data(self) -> Array:
        """The column of tensors."""
        return self._batch.column("data")

    @cached_property
    def _values(self) -> dict[str, list[Any]]:
        names = [name for name in self.layout.schema.names if name != "data"]
        return {name: python_values(self._batch.column(name)) for name in names}

    def column(self, name: str) -> list[Any]:
        """Return a column's values: lists and structs as tuples."""
        return self._values[name]

    def rows(self, section: str, program: str | None = None) -> Iterator[Row]:
        """Yield the rows of a section, or those of one program.

        A row is its columns by name, but for `data`, and ``row``, its number. While one is read,
        `where` names it.
        """
        filled = [name for name in self.layout.filled(section) if name != "data"]
        columns = [self._values[name] for name in filled]
        for row in self._rows_of(section, program):
            self.where = f"section {section!r}, row {row}: "
            yield {"row": row, **{n: c[row] for n, c in zip(filled, columns, strict=True)}}
        self.where = ""

    def _rows_of(self, section: str, program: str | None) -> Sequence[int]:
        if program is None:
            return self._rows.get(section, ())
        return self._rows_by_program.get((section, program), ())

    @cached_property
    def _rows_by_program(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for section, rows in self._rows.items():
            for row in rows:
                found.setdefault((section, self._values["program"][row]), []).append(row)
        return found

    def named(self, section: str, program: str | None = None) -> Iterator[Row]:
        """Yield the rows of a section in which no name may come twice."""
        seen = set()
        for row in self.rows(section, program):
            if row["name"] in seen:
                msg = f"the name {row['name']!r} comes twice"
                raise FileFormatError(msg)
            seen.add(row["name"])
            yield row

    def only(self, section: str, program: str | None = None) -> Row:
        """Return the row of a section that has exactly one."""
        rows = list(self.rows(section, program))
        if len(rows) != 1:
            msg = f"there are {len(rows)} rows of section {section!r}, not 1"
            raise FileFormatError(msg)
        return rows[0]

    def _check_column(self, name: str) -> None:
        try:
            refuse_loose_ends(self._batch.column(name))
        except FileFormatError as error:
            raise FileFormatError(f"column {name!r}: {error}") from error

    def _check_digests(self, metadata: Mapping[str, str]) -> None:
        columns = {n: self._batch.column(n) for n in self.layout.schema.names if n != "data"}
        found = {
            "structure_digest": columns_digest(c for n, c in columns.items() if n != "source"),
            "source_digest": columns_digest(c for n, c in columns.items() if n == "source"),
        }
        for name, digest in found.items():
            if metadata[name] != digest:
                msg = (f"the file was altered or damaged: its {name} is {digest}, the writer "
                       f"noted {metadata[name]}")  # fmt: skip
                raise FileFormatError(msg)

    def _by_section(self, sections: list[str]) -> Mapping[str, list[int]]:
        rows: dict[str, list[int]] = {FILLER: []}
        for row, section in enumerate(sections):
            rows.setdefault(section, []).append(row)
        known = (FILLER, *self.layout.sections)
        if not set(rows) <= set(known) or rows[FILLER] != [0]:
            msg = (f"the sections are {sorted(map(str, rows))}, not among {sorted(known)}, or the "
                   f"fillers are rows {rows[FILLER]}, not row 0")  # fmt: skip
            raise FileFormatError(msg)
        self._check_filled(rows)
        return rows

    def _check_filled(self, rows: Mapping[str, list[int]]) -> None:
        """Check that each row fills the columns of its section and no others."""
        filled = [set(self.layout.filled(section)) for section in rows]
        numbers = np.empty(self._batch.num_rows, np.int64)  # of each row's section, in `filled`
        for number, of_section in enumerate(rows.values()):
            numbers[of_section] = number
        for name in self.layout.schema.names:
            expected = np.array([name in columns for columns in filled])[numbers]
            wrong = np.flatnonzero(validity(self._batch.column(name)) != expected)
            if len(wrong):
                state = "empty" if expected[wrong[0]] else "filled"
                msg = f"column {name!r} is {state} in row {wrong[0]}, against the row's section"
                raise FileFormatError(msg)
