"""``dataflow budget GRAPH``: how many bytes can be saved for how much more work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataflow.cli.options import FILE, as_mapping, dims_option, import_option, json_option, load_as
from dataflow.cli.printing import print_json, print_table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduler.fitting import BudgetPoint

__all__ = ["command"]

_WIDTH = 48  # of the plot, in characters


@click.command("budget")
@import_option
@click.argument("graph_file", type=FILE, metavar="GRAPH")
@dims_option
@json_option
def command(graph_file: str, dims: tuple[tuple[str, int], ...], as_json: bool) -> None:
    """Show what plans of the graph in file GRAPH with a smaller and smaller budget cost.

    A smaller one computes again what it would keep. Each line is a plan: what it needs in all, how
    much of that is the arena, and how many more floating-point operations it has. No steps are
    sliced here; `compile --memory-budget` may slice them as well.
    """
    from dataflow.graph import Graph
    from scheduler.fitting import budget_curve

    graph = load_as(graph_file, Graph, "budget takes what df.save(graph, path) wrote")
    points = budget_curve(graph, dims=as_mapping("--dim", dims))
    rows = [{"total_bytes": p.total, "arena_bytes": p.arena, "extra_flops": p.extra_flops}
            for p in points]  # fmt: skip
    if as_json:
        print_json({"file": str(graph_file), "name": graph.name, "points": rows})
        return
    click.echo(printable(f"{graph_file}: a graph {graph.name}"))
    print_table("budgets", [{**row, "plot": bar} for row, bar in
                            zip(rows, _bars(points), strict=True)])  # fmt: skip


def _bars(points: Sequence[BudgetPoint]) -> list[str]:
    """Draw the bytes of each point as a bar of its own length."""
    most = max(point.total for point in points)
    return ["#" * max(1, round(_WIDTH * point.total / most)) for point in points]
