"""Columns as arrays and arrays as columns, straight from and to Arrow's buffers.

pyarrow's own ``to_numpy`` and ``pa.array`` import pandas where it is installed, which takes longer
than many a replay, and ``flatten`` imports pyarrow.compute.

Nothing is guessed: a null, a wrong width, or an integer that the tensor's dtype can't hold is an
error that names the column and the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.cli.tables import listed
from dataflow.errors import FeedError
from dataflow.spec import is_bfloat16

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["as_column", "column_values"]

_FLOAT_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Arrow's names of dtypes, where NumPy's are others."""


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
               f"{listed(names)}")  # fmt: skip
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
    what = f"column {name!r} ({column.type})"
    flat = _flattened(chunk, what)
    if len(flat) != len(chunk) * width:
        msg = f"{what} has {len(flat) // len(chunk)} values a row, expected are {width}"
        raise FeedError(msg)
    return _cast(_numbers(flat, what), dtype, what, max(width, 1))


def _flattened(values: Any, what: str) -> pa.Array[Any]:  # noqa: ANN401 - lists, in levels
    """Undo every level of lists."""
    import pyarrow.types as kinds

    rows = len(values)
    while True:
        if values.null_count:
            row = _first_null(values) * rows // len(values)
            msg = f"{what}, row {row}: is null, and a tensor can't be"
            raise FeedError(msg)
        if kinds.is_fixed_size_list(values.type):
            size = values.type.list_size
            values = values.values.slice(values.offset * size, len(values) * size)
        elif kinds.is_list(values.type) or kinds.is_large_list(values.type):
            values = _list_items(values, what, rows)
        else:
            return values  # type: ignore[no-any-return]  # no list any more


def _first_null(values: Any) -> int:  # noqa: ANN401 - of any type
    valid = values.buffers()[0]
    if valid is None:  # the type null, which needs no bits to say so
        return 0
    return int(np.flatnonzero(~_bits(valid, values.offset, len(values)))[0])


def _list_items(lists: Any, what: str, rows: int) -> pa.Array[Any]:  # noqa: ANN401 - two types
    """Return what is in lists of any length, if all have the same."""
    import pyarrow.types as kinds

    if not len(lists):
        return lists.values.slice(0, 0)  # type: ignore[no-any-return]  # an array
    dtype = np.dtype(np.int64 if kinds.is_large_list(lists.type) else np.int32)
    start = lists.offset * dtype.itemsize
    bounds = np.frombuffer(memoryview(lists.buffers()[1]), dtype, len(lists) + 1, start)
    lengths = np.diff(bounds)
    odd = np.flatnonzero(lengths != lengths[0])
    if odd.size:
        row = odd[0] * rows // len(lists)
        msg = f"{what}, row {row}: has {lengths[odd[0]]} values, the first row {lengths[0]}"
        raise FeedError(msg)
    return lists.values.slice(bounds[0], bounds[-1] - bounds[0])  # type: ignore[no-any-return]


def _numbers(values: Any, what: str) -> np.ndarray:  # noqa: ANN401 - of any numeric type
    """Return values without nulls as an array, without a copy unless they are bools."""
    import pyarrow.types as kinds

    known = kinds.is_integer(values.type) or kinds.is_floating(values.type)
    if not (known or kinds.is_boolean(values.type)):
        msg = f"{what} holds no numbers"
        raise FeedError(msg)
    dtype = np.dtype(_FLOAT_NAMES.get(str(values.type), str(values.type)))
    if not len(values):
        return np.empty(0, dtype)
    data = values.buffers()[1]
    if kinds.is_boolean(values.type):
        return _bits(data, values.offset, len(values))
    return np.frombuffer(memoryview(data), dtype, len(values), values.offset * dtype.itemsize)


def _bits(buffer: pa.Buffer, first: int, count: int) -> np.ndarray:
    packed = np.frombuffer(memoryview(buffer), np.uint8)
    return np.unpackbits(packed, count=first + count, bitorder="little")[first:].astype(np.bool_)


def _cast(values: np.ndarray, dtype: np.dtype, what: str, width: int) -> np.ndarray:
    if values.dtype == dtype:
        return values
    if is_bfloat16(dtype):
        return _cast(values, np.dtype(np.float32), what, width).astype(dtype)
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


def as_column(array: np.ndarray) -> pa.Array[Any]:
    """Return an array as a column: the first axis is the rows, others are lists of a fixed size.

    Parameters
    ----------
    array : numpy.ndarray
        Real, of any shape; a scalar is one row. No axis but the first has length 0.
    """
    import pyarrow as pa

    flat = np.ascontiguousarray(array).reshape(-1)
    bits = np.packbits(flat, bitorder="little") if flat.dtype == np.bool_ else flat.view(np.uint8)
    data = pa.py_buffer(bits)  # type: ignore[arg-type]  # the stubs know no buffer of an array
    kind = pa.from_numpy_dtype(flat.dtype)
    column: pa.Array[Any] = pa.Array.from_buffers(kind, flat.size, [None, data])
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column
