"""Arrow arrays to and from NumPy arrays and Python values, straight by their buffers.

Loading a plan is on the path of a cold start, so this uses neither `pyarrow.compute` (slow to
import) nor ``to_pylist`` (a Python object per value, twice) nor ``pa.array`` (it imports pandas
wherever that is installed). Arrays that are read must have passed Arrow's full validation and
`refuse_loose_ends`; then every offset and every text is sound.

Only the few types of our schemas are known: int64, float64, bool, string, large_binary, and lists
and structs of them. Below the top level nothing is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from dataflow.errors import FileFormatError

__all__ = [
    "arrow_array",
    "bounds",
    "fields",
    "inner",
    "numbers",
    "python_values",
    "refuse_loose_ends",
    "validity",
]

Array: TypeAlias = "pa.Array[Any]"


def validity(array: Array) -> np.ndarray:
    """Return which slots hold a value, as bools."""
    buffer = array.buffers()[0]
    if buffer is None or array.null_count == 0:
        return np.ones(len(array), np.bool_)
    return _bits(buffer, array.offset, len(array))


def numbers(array: Array) -> np.ndarray:
    """Return the values of a number or bool array, zero in null slots."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(0, np.int64)
    if pa.types.is_boolean(array.type):
        values = _bits(buffer, array.offset, len(array))
    else:
        dtype = np.dtype(np.float64 if pa.types.is_floating(array.type) else np.int64)
        start = array.offset * dtype.itemsize
        values = np.frombuffer(memoryview(buffer), dtype, len(array), start)
    return (
        values if array.null_count == 0 else np.where(validity(array), values, values.dtype.type())
    )


def bounds(array: Array) -> np.ndarray:
    """Return where each slot of a list, text or binary array begins in `inner`, and the end."""
    if not len(array):
        return np.zeros(1, np.int64)
    raw = _raw_bounds(array)
    return raw - int(raw[0])


def inner(array: Array) -> Any:  # noqa: ANN401 - an Arrow array or bytes, by the type
    """Return the values of a list array as an array, the bytes of a text array as a buffer."""
    raw = _raw_bounds(array) if len(array) else (0, 0)
    first, end = int(raw[0]), int(raw[-1])
    if isinstance(array, pa.ListArray):
        return array.values.slice(first, end - first)
    data = array.buffers()[2]
    return b"" if data is None else memoryview(data)[first:end]


def fields(array: Array) -> list[Array]:
    """Return the arrays of a struct array's fields."""
    assert isinstance(array, pa.StructArray)  # noqa: S101 - by the schema
    return [array.field(index) for index in range(array.type.num_fields)]


def python_values(array: Array) -> list[Any]:
    """Return an array as Python values: None for nulls, tuples for lists and for structs.

    Examples
    --------
    >>> python_values(pa.array([[1, 2], None, []], pa.list_(pa.int64())))
    [(1, 2), None, ()]
    """
    if pa.types.is_struct(array.type):
        values: list[Any] = list(zip(*map(python_values, fields(array)), strict=True))
    elif pa.types.is_list(array.type):
        items = python_values(inner(array))
        values = [tuple(items[a:b]) for a, b in pairwise(bounds(array).tolist())]
    elif pa.types.is_string(array.type):
        text = bytes(inner(array))
        values = [str(text[a:b], "utf-8") for a, b in pairwise(bounds(array).tolist())]
    else:
        values = numbers(array).tolist()
    for index in np.flatnonzero(~validity(array)).tolist():
        values[index] = None
    return values


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> Array:
    """Return Python values as an array, the inverse of `python_values`.

    Raises
    ------
    OverflowError
        An integer has more than 64 bits, or a column's texts more than 2 GiB.
    UnicodeEncodeError
        A text has half of a surrogate pair.

    Examples
    --------
    >>> arrow_array([(1, 2), None, ()], pa.list_(pa.int64())).to_pylist()
    [[1, 2], None, []]
    """
    if isinstance(kind, pa.StructType):
        members = zip(*values, strict=True) if values else [()] * kind.num_fields
        children = [arrow_array(m, kind.field(i).type) for i, m in enumerate(members)]
        return pa.Array.from_buffers(kind, len(values), [None], children=children)
    present = [_packed([value is not None for value in values]) if None in values else None]
    if isinstance(kind, pa.ListType):
        child = arrow_array(list(chain.from_iterable(v or () for v in values)), kind.value_type)
        ends = _ends([len(value or ()) for value in values])
        return pa.Array.from_buffers(kind, len(values), [*present, ends], children=[child])
    if pa.types.is_string(kind):
        texts = [(value or "").encode() for value in values]
        content = [_ends([len(text) for text in texts]), pa.py_buffer(b"".join(texts))]
    elif pa.types.is_boolean(kind):
        content = [_packed([bool(value) for value in values])]
    else:
        dtype = np.float64 if pa.types.is_floating(kind) else np.int64
        content = [
            pa.py_buffer(np.array([0 if value is None else value for value in values], dtype).data)
        ]
    return pa.Array.from_buffers(kind, len(values), [*present, *content])


def _ends(lengths: list[int]) -> pa.Buffer:
    ends = np.cumsum([0, *lengths], dtype=np.int64)
    if ends[-1] >= 2**31:
        msg = "a column's lists or texts are longer than 2 GiB together"
        raise OverflowError(msg)
    return pa.py_buffer(ends.astype(np.int32).data)


def _packed(bits: list[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(bits, np.bool_), bitorder="little").data)


def refuse_loose_ends(array: Array, *, nested: bool = False) -> None:
    """Refuse what Arrow allows and we don't, so that equal content has one representation.

    Raises
    ------
    FileFormatError
        A null below the top level, or a null list, text or binary slot that covers bytes.
    """
    if nested and array.null_count:
        msg = f"{array.null_count} nulls inside of a list"
        raise FileFormatError(msg)
    if pa.types.is_struct(array.type):
        for field in fields(array):
            refuse_loose_ends(field, nested=True)
    elif pa.types.is_list(array.type) or _is_bytes(array):
        if np.diff(bounds(array))[~validity(array)].any():
            msg = "a null that isn't empty"
            raise FileFormatError(msg)
        if pa.types.is_list(array.type):
            refuse_loose_ends(inner(array), nested=True)


def _is_bytes(array: Array) -> bool:
    return pa.types.is_string(array.type) or pa.types.is_large_binary(array.type)


def _raw_bounds(array: Array) -> np.ndarray:
    buffer = array.buffers()[1]
    assert buffer is not None  # noqa: S101 - Arrow's validation
    dtype = np.dtype(np.int64 if pa.types.is_large_binary(array.type) else np.int32)
    start = array.offset * dtype.itemsize
    return np.frombuffer(memoryview(buffer), dtype, len(array) + 1, start).astype(np.int64)


def _bits(buffer: pa.Buffer, first: int, count: int) -> np.ndarray:
    packed = np.frombuffer(memoryview(buffer), np.uint8)
    bits = np.unpackbits(packed, count=first + count, bitorder="little")
    return bits[first:].astype(np.bool_)
