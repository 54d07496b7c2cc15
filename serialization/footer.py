"""What pyarrow would do without asking: a look at an Arrow file before it is decoded.

Arrow unpacks a compressed body as soon as a record batch is read, to whatever size the file claims.
We write none, and refuse one before pyarrow sees it. pyarrow doesn't tell whether a body is
compressed, so the two flatbuffers that say so are read here: the footer, which says where the
record batch is, and the batch's message.

    magic | schema message | record batch message, body | end | footer | length | magic
                             ^ offset, in a Block struct of the footer

https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
"""

from __future__ import annotations

import struct

from dataflow.errors import FileFormatError

__all__ = ["refuse_foreign", "refuse_surprises"]

_MAGIC = b"ARROW1"
_TAIL = 4 + len(_MAGIC)
_SHORTEST = 8 + _TAIL
_FOOTER_DICTIONARIES, _FOOTER_BATCHES = 2, 3
_MESSAGE_HEADER = 2
_BATCH_COMPRESSION = 3
_CONTINUATION = 0xFFFFFFFF


def refuse_foreign(data: memoryview) -> None:
    """Refuse what isn't a whole Arrow file.

    Raises
    ------
    FileFormatError
        The magic numbers are not there; the message guesses what the file is.
    """
    start = bytes(data[:6])
    if len(data) >= _SHORTEST and start == _MAGIC and data[-6:] == _MAGIC:
        return
    if not len(data):
        msg = "the file is empty"
    elif start == _MAGIC:
        msg = f"the file is truncated: after {len(data)} bytes, the Arrow footer is missing"
    elif start[:4] == b"PAR1":
        msg = "this is a Parquet file, not a graph, plan or state"
    else:
        msg = f"this is no Arrow file: it starts with {start!r}, not {_MAGIC!r}"
    raise FileFormatError(msg)


def refuse_surprises(data: memoryview) -> None:
    """Refuse anything but one record batch, uncompressed, without dictionaries.

    Raises
    ------
    FileFormatError
        The file has something else, or its footer leads outside of it.
    """
    try:
        message = _only_message(_footer(data), data)
        batch = _follow(message, _required(message, _follow(message, 0), _MESSAGE_HEADER))
        compressed = _field(message, batch, _BATCH_COMPRESSION) is not None
    except struct.error as error:
        msg = "the Arrow footer leads outside of the file"
        raise FileFormatError(msg) from error
    if compressed:
        msg = "the body is compressed, which a file of ours never is"
        raise FileFormatError(msg)


def _footer(data: memoryview) -> memoryview:
    end = len(data) - _TAIL
    length = _number(data, "<i", end)
    if not 0 < length < end:
        raise struct.error
    return data[end - length : end]


def _only_message(footer: memoryview, data: memoryview) -> memoryview:
    """Return the flatbuffer of the file's one record batch message."""
    root = _follow(footer, 0)
    if _length(footer, root, _FOOTER_DICTIONARIES) or _length(footer, root, _FOOTER_BATCHES) != 1:
        msg = "the file has dictionaries, or not exactly one record batch"
        raise FileFormatError(msg)
    block = _follow(footer, _required(footer, root, _FOOTER_BATCHES)) + 4
    start = _number(footer, "<q", block)
    if _number(data, "<I", start) != _CONTINUATION:
        msg = f"there is no record batch at byte {start}, where the footer says"
        raise FileFormatError(msg)
    size = _number(data, "<I", start + 4)
    return data[start + 8 : start + 8 + size]


def _number(data: memoryview, kind: str, position: int) -> int:
    if position < 0:  # struct would count from the end
        raise struct.error
    value: int = struct.unpack_from(kind, data, position)[0]
    return value


def _follow(data: memoryview, position: int) -> int:
    return position + _number(data, "<I", position)


def _field(data: memoryview, table: int, index: int) -> int | None:
    """Return where a flatbuffer table's field is; None where it isn't set."""
    offsets = table - _number(data, "<i", table)
    slot = 4 + 2 * index
    if slot + 2 > _number(data, "<H", offsets):
        return None
    offset = _number(data, "<H", offsets + slot)
    return table + offset if offset else None


def _required(data: memoryview, table: int, index: int) -> int:
    found = _field(data, table, index)
    if found is None:
        raise struct.error
    return found


def _length(data: memoryview, table: int, index: int) -> int:
    found = _field(data, table, index)
    return 0 if found is None else _number(data, "<I", _follow(data, found))
