"""Rows into an Arrow file whose tensors are aligned.

Arrow aligns no value of a binary column, and the body of a record batch begins anywhere. But only
the last buffer's *position* matters, and it doesn't depend on what that buffer holds. So the batch
is first written without tensors to a stream that only counts; a first row's `data`, the filler, is
then as long as it takes to the next multiple of 64, and each tensor is padded to one:

    … other columns … | filler | tensor, padding | tensor, padding |
                               ^ file offset 64·k

The same rows give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dataflow import __version__
from dataflow.errors import FileFormatError
from serialization.arrays import Array, arrow_array
from serialization.atomic import replacing
from serialization.digests import columns_digest, tensor_digest
from serialization.layout import ALIGNMENT, FILLER, FORMAT_VERSION, Layout, Row

__all__ = ["write"]


def write(path: str | os.PathLike[str], layout: Layout, rows: Sequence[Row]) -> None:
    """Write rows as a file, atomically.

    Parameters
    ----------
    path : path
        The file, replaced if it exists.
    layout : Layout
        Its kind.
    rows : sequence of mapping
        What it says, in order.

    Raises
    ------
    FileAccessError
        The system refuses.
    FileFormatError
        A value doesn't fit its column: an integer of more than 64 bits, a broken text.
    """
    tensors = [row.get("data") for row in rows]
    columns = _columns(layout, [{"section": FILLER}, *map(_with_tensor_facts, rows)])
    metadata = {
        "kind": layout.kind,
        "format_version": str(FORMAT_VERSION),
        "writer": f"dataflow-runtime {__version__}",
        "structure_digest": columns_digest(c for n, c in columns.items() if n != "source"),
        "source_digest": columns_digest(c for n, c in columns.items() if n == "source"),
    }
    schema = layout.schema.with_metadata(metadata)
    start = _data_start(schema, columns, tensors)
    data = _data_column(-start % ALIGNMENT, tensors)
    with replacing(path) as temporary, pa.OSFile(os.fspath(temporary), "wb") as sink:
        _write_batch(sink, schema, [*columns.values(), data])


def _with_tensor_facts(row: Row) -> Row:
    array = row.get("data")
    if array is None:
        return row
    return {**row, "nbytes": array.nbytes, "digest": tensor_digest(_bytes_of(array))}


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """Return an array's bytes in C order, little end first."""
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return little.reshape(-1).view(np.uint8)


def _columns(layout: Layout, rows: Sequence[Row]) -> dict[str, Array]:
    """Return all columns but the tensors' data."""
    columns = {}
    for field in layout.schema:
        if field.name != "data":
            try:
                columns[field.name] = arrow_array([row.get(field.name) for row in rows], field.type)
            except (ValueError, TypeError, OverflowError) as error:
                msg = f"column {field.name!r} of the {layout.kind} can't be stored: {error}"
                raise FileFormatError(msg) from error
    return columns


def _data_start(
    schema: pa.Schema, columns: Mapping[str, Array], tensors: Sequence[np.ndarray | None]
) -> int:
    """Return the file offset at which the bytes of the data column will begin."""
    empty = [None if tensor is None else np.zeros(0, np.uint8) for tensor in tensors]
    arrays = [*columns.values(), _data_column(0, empty)]
    return _write_batch(pa.MockOutputStream(), schema, arrays)


def _data_column(filler: int, tensors: Sequence[np.ndarray | None]) -> Array:
    """Put the filler and all tensors, padded, one behind the other: the one copy of a save."""
    sizes = [filler, *(0 if t is None else -(-t.nbytes // ALIGNMENT) * ALIGNMENT for t in tensors)]
    ends = np.cumsum(sizes, dtype=np.int64)
    data = np.zeros(ends[-1], np.uint8)
    for tensor, start in zip(tensors, ends, strict=False):
        if tensor is not None:
            data[start : start + tensor.nbytes] = _bytes_of(tensor)
    present = np.array([True, *(tensor is not None for tensor in tensors)])
    buffers: list[pa.Buffer | None] = [
        pa.py_buffer(np.packbits(present, bitorder="little").data),
        pa.py_buffer(np.concatenate([[0], ends]).data),
        pa.py_buffer(data.data),
    ]
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), buffers)


def _write_batch(sink: pa.NativeFile, schema: pa.Schema, arrays: Sequence[Array]) -> int:
    """Write a file of one record batch; return where the batch ends, before the footer."""
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        return sink.tell()
