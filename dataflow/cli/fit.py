"""``dataflow fit GRAPH --dim batch --budget 2GiB``: the largest batch that fits."""

from __future__ import annotations

import click

from dataflow.cli.options import FILE, byte_size, import_option, json_option, load_as
from dataflow.cli.printing import number_text, print_json, printable

__all__ = ["command"]


@click.command("fit")
@import_option
@click.argument("graph_file", type=FILE, metavar="GRAPH")
@click.option(
    "--dim", "dims", multiple=True, required=True, metavar="NAME[=SIZE]",
    help="The dimension to be as large as fits; with a size, one that is given. Repeatable.",
)  # fmt: skip
@click.option("--budget", type=byte_size, required=True, metavar="BYTES", help="Such as 2GiB.")
@click.option("--tiles/--no-tiles", default=True, help="Whether steps may run slice by slice.")
@json_option
def command(
    graph_file: str, dims: tuple[str, ...], budget: int, tiles: bool, as_json: bool
) -> None:
    """Print the largest size of a dimension with which the graph in file GRAPH fits into BYTES."""
    from dataflow.graph import Graph
    from scheduler.fitting import largest_size

    free, sizes = _parted(dims)
    graph = load_as(graph_file, Graph, "fit takes what df.save(graph, path) wrote")
    size = largest_size(graph, free, budget, dims=sizes, tiles=tiles)
    if as_json:
        print_json({"file": str(graph_file), "name": graph.name, "dim": free, "size": size})
        return
    click.echo(printable(f"{free}={number_text(size).replace(',', '')}"))


def _parted(dims: tuple[str, ...]) -> tuple[str, dict[str, int]]:
    """Return the dimension without a size, and the sizes of the others."""
    free = [text for text in dims if "=" not in text]
    if len(free) != 1:
        msg = f"--dim: one dimension is given without a size, not {len(free)}"
        raise click.UsageError(msg)
    sizes = {}
    for text in dims:
        name, _, size = text.partition("=")
        if not name:
            msg = f"--dim: {text!r} has no name"
            raise click.UsageError(msg)
        if "=" in text and not (size.isascii() and size.isdecimal()):
            msg = f"--dim: {size!r} in {text!r} is no size"
            raise click.UsageError(msg)
        if name in sizes or (size and name == free[0]):
            msg = f"--dim: {name!r} is given twice"
            raise click.UsageError(msg)
        if size:
            sizes[name] = int(size)
    return free[0], sizes
