"""``dataflow arena BUFFERS.csv``: offsets for buffers of anyone's compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.options import FILE, byte_size, check_target, json_option
from dataflow.cli.printing import print_facts, print_json, printable
from dataflow.errors import CompileError, FileAccessError, FileFormatError

if TYPE_CHECKING:
    import numpy as np

    from scheduler.arena import Offsets

__all__ = ["command"]

_COLUMNS = ("id", "lower", "upper", "size")


@click.command("arena")
@click.argument("buffers_file", type=FILE, metavar="BUFFERS.csv")
@click.option("--capacity", type=byte_size, metavar="BYTES", help="Be content with this peak.")
@click.option(
    "--alignment", type=click.IntRange(min=1), default=1, show_default=True, metavar="BYTES",
    help="What every offset is a multiple of.",
)  # fmt: skip
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="End the search after so long; without it, work is counted.",
)
@click.option("--solver", is_flag=True, help="Search on with OR-tools (the extra `solver`).")
@click.option("-o", "--output", type=FILE, metavar="OFFSETS.csv", help="Where to write offsets.")
@json_option
def command(
    buffers_file: str, capacity: int | None, alignment: int, time_limit: float | None, solver: bool,
    output: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Place the buffers of a table in as little memory as can be found.

    Its columns are id, lower, upper and size; a buffer lives at the times from lower up to, but not
    including, upper. The offsets are written with a column offset more. With --capacity, it is an
    error if no placement within it is found.
    """
    from scheduler.arena import BeyondError, CapacityError, assign_offsets

    if output is not None:
        check_target("-o", output, [buffers_file])
    ids, (lower, upper, size) = _read(buffers_file)
    try:
        found = assign_offsets(lower, upper, size, alignment=alignment, capacity=capacity,
                               time_limit=time_limit, solver=solver)  # fmt: skip
    except (BeyondError, CapacityError) as error:
        kind = CompileError if isinstance(error, CapacityError) else FileFormatError
        number = error.buffer
        msg = f"{buffers_file}, row {number + 1} (id {ids[number]!r}): {error}"
        raise kind(msg) from None
    if capacity is not None and found.peak > capacity:
        remedy = ("which is proved to be the least" if found.optimal
                  else "more time may help (--time-limit, --solver)")  # fmt: skip
        msg = (f"no placement of {buffers_file} within {capacity} bytes was found: the best takes "
               f"{found.peak}, and {found.lower_bound} live at once; {remedy}")  # fmt: skip
        raise CompileError(msg)
    if output is not None:
        _write(output, ids, (lower, upper, size), found)
    facts = {
        "buffers": len(ids), "peak_bytes": found.peak, "lower_bound_bytes": found.lower_bound,
        "gap_percent": 100 * (found.peak / max(found.lower_bound, 1) - 1) if found.peak else 0.0,
        "optimal": found.optimal, "timed_out": found.timed_out,
    }  # fmt: skip
    if as_json:
        print_json({"file": str(buffers_file), **facts})
        return
    click.echo(printable(f"{buffers_file}: {len(ids):,} buffers"))
    print_facts(facts)


def _read(path: str) -> tuple[list[str], list[np.ndarray[Any, Any]]]:
    """Read the columns of a table; an error names the row, counted from 1 below the header."""
    import numpy as np

    rows = _rows(path)
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            msg = (f"{path}, row {number} (id {row['id']!r}): "
                   f"{'more' if None in row else 'fewer'} fields than columns")  # fmt: skip
            raise FileFormatError(msg)
        if seen.setdefault(row["id"], number) != number:
            msg = f"{path}, row {number}: id {row['id']!r} is that of row {seen[row['id']]} too"
            raise FileFormatError(msg)
    numbers = [[_whole(path, number, row, name) for number, row in enumerate(rows, 1)]
               for name in _COLUMNS[1:]]  # fmt: skip
    return [row["id"] for row in rows], [np.array(column, np.int64) for column in numbers]


def _rows(path: str) -> list[dict[str, str]]:
    import csv

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            missing = [name for name in _COLUMNS if name not in names]
            twice = [name for name in _COLUMNS if names.count(name) > 1]
            if missing or twice:
                what = f"no column {missing[0]!r}" if missing else f"two columns {twice[0]!r}"
                msg = f"{path} has {what}; it has {names}"
                raise FileFormatError(msg)
            return list(reader)
    except OSError as error:
        msg = f"can't read {path}: {error.strerror or error}"
        raise FileAccessError(msg) from error
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"{path} is no table of comma-separated values: {error}"
        raise FileFormatError(msg) from error


def _whole(path: str, number: int, row: dict[str, str], name: str) -> int:
    try:
        value = int(row[name])
    except (TypeError, ValueError):
        value = 2**63
    least = -(2**63) if name != "size" else 0
    if not least <= value < 2**63:
        msg = (f"{path}, row {number} (id {row['id']!r}): {name} is {row[name]!r}, no whole number "
               f"from {least} to 2**63 - 1")  # fmt: skip
        raise FileFormatError(msg)
    if name == "upper" and value <= int(row["lower"]):
        msg = (f"{path}, row {number} (id {row['id']!r}): upper {value} must lie after lower "
               f"{row['lower']}")  # fmt: skip
        raise FileFormatError(msg)
    return value


def _write(
    path: str, ids: Sequence[str], numbers: Sequence[np.ndarray[Any, Any]], found: Offsets
) -> None:
    import csv

    from serialization.atomic import replacing

    columns = (column.tolist() for column in (*numbers, found.offsets))
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_COLUMNS, "offset"))
        writer.writerows(zip(ids, *columns, strict=True))
