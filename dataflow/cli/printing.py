"""Text for people and JSON for programs, from the same records.

A table is a list of rows, a row a mapping from column to value. On a terminal rich draws it, folded
to the width; into a pipe it goes as aligned columns, and rich is not imported.

Names come from files, and files from anyone: what could steer a terminal is written escaped.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import click

__all__ = ["Row", "Value", "number_text", "print_facts", "print_json", "print_table", "printable"]

Value: TypeAlias = (
    "str | int | float | complex | bool | Sequence[Value] | Mapping[str, Value] | None"
)
Row: TypeAlias = Mapping[str, Value]


def print_json(record: Mapping[str, Value]) -> None:
    """Print one JSON object; numbers that JSON can't hold are null, complex ones [real, imag]."""
    import json

    click.echo(json.dumps(_finite(record), indent=2, allow_nan=False))


def print_facts(facts: Row) -> None:
    """Print names and values below each other; a mapping's items on lines of their own."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        items = value if isinstance(value, Mapping) else {"": value}
        for index, (item, number) in enumerate(items.items()):
            title = "" if index else _title(name)
            click.echo(f"  {title:{width}}  {f'{printable(item)} {_cell(number)}'.strip()}")


def print_table(title: str, rows: Sequence[Row], limit: int | None = None) -> None:
    """Print a titled table, at most `limit` rows of it; an empty one not at all."""
    if not rows:
        return
    shown = rows if not limit else rows[:limit]
    click.echo(f"\n{_title(title)} ({len(rows):,})")
    cells = [[_cell(value) for value in row.values()] for row in shown]
    numeric = [not isinstance(value, (str, Sequence, Mapping)) for value in rows[0].values()]
    (_draw if sys.stdout.isatty() else _align)([_title(c) for c in rows[0]], cells, numeric)
    if len(shown) < len(rows):
        click.echo(f"  and {len(rows) - len(shown):,} more: --limit 0 shows all")


def printable(text: str) -> str:
    r"""Return a text with everything that isn't printable escaped.

    Examples
    --------
    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def number_text(value: complex) -> str:
    """Return a number as people read it.

    Examples
    --------
    >>> number_text(1234567), number_text(0.0123456)
    ('1,234,567', '0.01235')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, (int, float, complex)):
        return number_text(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(name)}={_cell(item)}" for name, item in value.items())
    return ", ".join(map(_cell, value))


def _align(titles: list[str], cells: list[list[str]], numeric: list[bool]) -> None:
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for row in (titles, *cells):
        parts = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        click.echo(f"  {'  '.join(parts)}".rstrip())


def _draw(titles: list[str], cells: list[list[str]], numeric: list[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=True)
    for title, right in zip(titles, numeric, strict=True):
        table.add_column(title, justify="right" if right else "left", overflow="fold",
                         min_width=len(title))  # fmt: skip
    for row in cells:
        table.add_row(*map(Text, row))  # Text, because a name may look like markup
    Console().print(table)


def _finite(value: Value) -> Value:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, complex):
        return [_finite(value.real), _finite(value.imag)]
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
