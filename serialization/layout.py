"""`Layout`: which columns a kind of file has, and which of them a row of each section fills.

All kinds begin with a `section` column, which tells the rows apart, and end with the columns of a
tensor; `data` is the last, so that its bytes are the last of the file's body and can be aligned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa

__all__ = [
    "ALIGNMENT", "FILLER", "FORMAT_VERSION", "INTEGER", "INTEGERS", "TENSOR", "TEXT", "TEXTS",
    "Layout", "Row", "list_of",
]  # fmt: skip

FORMAT_VERSION = 0
"""Version 0 makes no promise; from version 1 on, files stay readable."""

ALIGNMENT = 64
"""Every tensor begins at a multiple of this many bytes, in the file and in memory."""

FILLER = "filler"
"""The section of the first row, whose `data` moves what follows to a multiple of `ALIGNMENT`."""

Row: TypeAlias = Mapping[str, Any]
"""A row's columns by name. To be written, `data` is an array and its facts are filled in."""

TEXT = pa.string()
INTEGER = pa.int64()
TENSOR = ("nbytes", "digest", "data")
"""The columns that every row with a tensor fills."""


def list_of(item: pa.DataType) -> pa.DataType:
    """Return the type of a list without nulls in it."""
    return pa.list_(pa.field("item", item, nullable=False))


TEXTS = list_of(TEXT)
INTEGERS = list_of(INTEGER)


@dataclass(frozen=True)
class Layout:
    """A kind of file.

    Parameters
    ----------
    kind : str
        ``"graph"``, ``"plan"`` or ``"state"``.
    columns : mapping of str to pyarrow.DataType
        Its columns, but for those that all kinds have.
    sections : mapping of str to tuple of str
        For each section, the columns that its rows fill; the others are null there. A section
        with `data` has tensors.
    """

    kind: str
    columns: Mapping[str, pa.DataType]
    sections: Mapping[str, tuple[str, ...]]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, without metadata."""
        tensor = {"nbytes": INTEGER, "digest": TEXT, "data": pa.large_binary()}
        return pa.schema({"section": TEXT, **self.columns, **tensor})  # type: ignore[arg-type]  # a mapping will do

    def filled(self, section: str) -> tuple[str, ...]:
        """Return the columns that the rows of a section fill."""
        if section == FILLER:
            return ("section", "data")
        return ("section", *self.sections[section])
