"""`Attrs` to and from plain columns: ``list<struct<name, kind, ints, floats, texts>>``.

`kind` says what the attribute is, one word for a scalar and a bracketed list of words for a tuple;
the values stand in three lists, by type and in order, so that SQL can reach them:

    axis=(0, 1)             (int, int)      ints [0, 1]
    bodies=(body,)          (program)       texts ["scan_0.0"], whose rows say so in `program`
    shape=(Dim("batch"), 4) (dim, int)      ints [4]     texts ["batch"]
    eps=1e-5                float           floats [1e-5]

Bools are the ints 0 and 1, dimensions their texts. Floats are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import pyarrow as pa

from dataflow.attrs import Attr, Attrs
from dataflow.dim_texts import as_dim
from dataflow.dims import Dim
from dataflow.errors import FileFormatError
from serialization.layout import INTEGERS, TEXT, TEXTS, list_of

__all__ = ["ATTRS", "ProgramName", "attrs_from_values", "attrs_values", "dim_of", "text_of"]

_FIELDS = {"name": TEXT, "kind": TEXT, "ints": INTEGERS, "floats": list_of(pa.float64()),
           "texts": TEXTS}  # fmt: skip
ATTRS = list_of(pa.struct([pa.field(n, t, nullable=False) for n, t in _FIELDS.items()]))
"""The type of the column `attrs`."""


class ProgramName(str):
    """Stands for a body: the value of the column `program` in the rows that declare it."""

    __slots__ = ()


_COLUMNS = {"bool": "ints", "int": "ints", "float": "floats", "text": "texts", "dim": "texts",
            "program": "texts"}  # fmt: skip
_KINDS = {bool: "bool", int: "int", float: "float", ProgramName: "program", str: "text",
          Dim: "dim", type(None): "none"}  # fmt: skip
_AttrValue: TypeAlias = (
    "tuple[str, str, tuple[int, ...], tuple[float, ...], tuple[str, ...]]"  # as in _FIELDS
)
_Values: TypeAlias = dict[str, Iterator[Any]]


def attrs_values(attrs: Attrs, where: str) -> list[_AttrValue]:
    """Return attributes as values of the column `attrs`.

    Parameters
    ----------
    attrs : Attrs
        The attributes.
    where : str
        Whose they are, for messages.

    Raises
    ------
    FileFormatError
        A value is of no kind that files hold, or an int of more than 64 bits.
    """
    try:
        return [_attr_value(name, value) for name, value in attrs.items()]
    except FileFormatError as error:
        raise FileFormatError(f"{where}: {error}") from error


def attrs_from_values(values: Sequence[_AttrValue]) -> Attrs:
    """Return attributes from values of the column `attrs`, as `python_values` gives them.

    Raises
    ------
    FileFormatError
        A kind is unknown, the values are too few or too many, or a name comes twice or out of
        order.
    """
    names = [name for name, *_ in values]
    if names != sorted(set(names)):
        msg = f"the attributes {names} are not sorted, or one comes twice"
        raise FileFormatError(msg)
    return Attrs({name: _attr(name, kind, lists) for name, kind, *lists in values})


def text_of(dim: int | Dim) -> str:
    """Return a dimension's text, from which `dim_of` makes the same dimension.

    Raises
    ------
    FileFormatError
        The expression is too long to be read again.
    """
    text = str(dim)
    if dim_of(text) != dim:
        msg = f"dimension {text} can't be stored: its text means {dim_of(text)}"
        raise FileFormatError(msg)
    return text


@lru_cache(maxsize=4096)
def dim_of(text: str) -> int | Dim:
    """Return the dimension of a text: an int's digits, a name or an expression."""
    return int(text) if text.isdecimal() and text.isascii() else as_dim(text)


def _attr_value(name: str, value: Attr) -> _AttrValue:
    items = value if isinstance(value, tuple) else (value,)
    kinds = [_kind_of(name, item) for item in items]
    lists: dict[str, list[Any]] = {"ints": [], "floats": [], "texts": []}
    for kind, item in zip(kinds, items, strict=True):
        if kind != "none":
            lists[_COLUMNS[kind]].append(text_of(item) if isinstance(item, Dim) else item)
    if not all(-(2**63) <= item < 2**63 for item in lists["ints"]):
        msg = f"attribute {name!r}: an int of {value!r} doesn't fit 64 bits"
        raise FileFormatError(msg)
    kind = f"({', '.join(kinds)})" if isinstance(value, tuple) else kinds[0]
    return (name, kind, *map(tuple, lists.values()))  # type: ignore[return-value]  # three lists


def _kind_of(name: str, item: object) -> str:
    for type_, kind in _KINDS.items():
        if isinstance(item, type_):
            return kind
    msg = f"attribute {name!r}: {item!r} is no bool, int, float, text, dimension or None"
    raise FileFormatError(msg)


def _attr(name: str, kind: str, lists: list[Any]) -> Attr:
    values: _Values = dict(zip(("ints", "floats", "texts"), map(iter, lists), strict=True))
    try:
        if kind.startswith("(") and kind.endswith(")"):
            attr: Attr = tuple(_scalar(word, values) for word in kind[1:-1].split(", ") if word)
        else:
            attr = _scalar(kind, values)
    except FileFormatError as error:
        raise FileFormatError(f"attribute {name!r} of kind {kind!r}: {error}") from error
    if any(True for rest in values.values() for _ in rest):
        msg = f"attribute {name!r} of kind {kind!r}: there are too many values"
        raise FileFormatError(msg)
    return attr


def _scalar(word: str, values: _Values) -> Any:  # noqa: ANN401 - what the kind says
    if word == "none":
        return None
    if word not in _COLUMNS:
        msg = f"{word!r} is none of {', '.join(_COLUMNS)} and none"
        raise FileFormatError(msg)
    value = next(values[_COLUMNS[word]], None)
    if value is None or (word == "bool" and value not in (0, 1)):
        msg = "there are too few values" if value is None else f"{value} is no bool: 0 or 1"
        raise FileFormatError(msg)
    if word == "bool":
        return bool(value)
    if word == "program":
        return ProgramName(value)
    return dim_of(value) if word == "dim" else value
