"""``dataflow compile GRAPH -o PLAN``: the scheduler, as a command."""

from __future__ import annotations

import click

from dataflow.cli.options import (
    FILE,
    as_mapping,
    byte_size,
    check_target,
    dims_option,
    import_option,
    json_option,
    load_as,
)
from dataflow.cli.printing import print_facts, print_json, printable

__all__ = ["command"]


@click.command("compile")
@import_option
@click.argument("graph_file", type=FILE, metavar="GRAPH")
@dims_option
@click.option("--outputs", metavar="A,B", help="The outputs to keep; by default all.")
@click.option("--updates/--no-updates", default=True, help="Whether a run updates the variables.")
@click.option("--tiles/--no-tiles", default=True, help="Whether steps may run slice by slice.")
@click.option(
    "--memory-budget", type=byte_size, metavar="BYTES", help="What a run may need, such as 64MiB.",
)  # fmt: skip
@click.option("--without", multiple=True, metavar="REWRITE",
              help="Leave a rewrite out: fold, choose, merge or unite.")  # fmt: skip
@click.option("-o", "--output", type=FILE, required=True, metavar="PLAN", help="The plan's file.")
@json_option
def command(  # noqa: PLR0913, PLR0917 - an argument for each option
    graph_file: str, dims: tuple[tuple[str, int], ...], outputs: str | None, updates: bool,
    tiles: bool, memory_budget: int | None, without: tuple[str, ...], output: str, as_json: bool,
) -> None:  # fmt: skip
    """Compile the graph in file GRAPH into a plan.

    All memory is decided now: what is printed is what every run will need.
    """
    from dataflow.cli.describe import describe
    from dataflow.graph import Graph
    from scheduler.compiler import compile
    from serialization.files import save

    sizes = as_mapping("--dim", dims)
    check_target("-o", output, [graph_file])
    graph = load_as(graph_file, Graph, "compile takes what df.save(graph, path) wrote")
    wanted = [name for name in outputs.split(",") if name] if outputs is not None else None
    plan = compile(graph, dims=sizes, outputs=wanted, updates=updates, tiles=tiles,
                   memory_budget=memory_budget, without=without)  # fmt: skip
    save(plan, output)
    description = describe(plan)
    if as_json:
        print_json({"file": str(output), "kind": "plan", "name": plan.name, **description.facts})
        return
    click.echo(printable(f"{output}: a plan {plan.name}"))
    print_facts(description.facts)
