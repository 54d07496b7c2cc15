"""``dataflow show FILE``: what a graph, plan or state file holds."""

from __future__ import annotations

import click

from dataflow.cli.options import FILE, import_option, json_option
from dataflow.cli.printing import print_facts, print_json, print_table, printable

__all__ = ["command"]

_LIMIT = 50


@click.command("show")
@import_option
@click.argument("file", type=FILE)
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="ROWS",
    help=f"Show at most this many rows of each table; 0 for all. By default {_LIMIT}, in JSON all.",
)  # fmt: skip
@click.option("--memory", is_flag=True, help="Of a plan: what lives when, and the largest buffers.")
@json_option
def command(file: str, limit: int | None, memory: bool, as_json: bool) -> None:
    """Show what FILE holds.

    Of a graph its nodes, of a plan its steps, its peak and its certificate, of a state its tensors.
    With --memory, of a plan the bytes that live over its steps, and the ten largest buffers at the
    peak with the line that made each and what would lower it.
    """
    from dataflow.cli.describe import describe
    from dataflow.cli.describe_memory import describe_memory
    from serialization.files import load

    description = (describe_memory if memory else describe)(load(file))
    if as_json:
        print_json({"file": str(file), **description.record(limit)})
        return
    click.echo(printable(f"{file}: a {description.kind} {description.name}".rstrip()))
    print_facts(description.facts)
    for title, rows in description.tables.items():
        print_table(title, rows, _LIMIT if limit is None else limit)
