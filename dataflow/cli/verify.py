"""``dataflow verify FILE``: every check there is, tensors' digests among them."""

from __future__ import annotations

import click

from dataflow.cli.options import FILE, import_option, json_option
from dataflow.cli.printing import print_facts, print_json, printable

__all__ = ["command"]


@click.command("verify")
@import_option
@click.argument("file", type=FILE)
@json_option
def command(file: str, as_json: bool) -> None:
    """Check that FILE is whole and valid.

    Its structure and every tensor must have the digest that the file states; a graph must keep its
    rules; of a plan the lifetimes are derived anew, and no two live buffers may overlap. Prints a
    plan's certificate: the bytes that a run needs.
    """
    from dataflow.cli.describe import describe
    from scheduler.plan import Plan
    from serialization.files import load

    thing = load(file, verify=True)
    description = describe(thing)
    proved = {"overlaps": 0} if isinstance(thing, Plan) else {}  # or it would have been refused
    if as_json:
        print_json({"file": str(file), "valid": True, "kind": description.kind,
                    "name": description.name, **description.facts, **proved})  # fmt: skip
        return
    click.echo(printable(f"{file}: a valid {description.kind} {description.name}".rstrip()))
    print_facts({**description.facts, **proved})
