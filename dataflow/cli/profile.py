"""``dataflow profile PLAN``: where a plan's time goes.

`profile_feeds` finds what to run on, `profile_tables` adds up what was measured.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dataflow.cli.options import (
    FILE,
    as_mapping,
    bind_options,
    check_target,
    feed_options,
    import_option,
    json_option,
    load_plan,
    load_state,
    state_option,
)
from dataflow.cli.printing import print_facts, print_json, print_table, printable

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.cli.profile_feeds import Fed
    from dataflow.cli.profile_tables import Measured
    from scheduler.plan import Plan
    from scheduler.runner import Runner

__all__ = ["command"]

_LIMIT = 20


class _Options(NamedTuple):
    """The command line, as given; None where an option isn't."""

    plan: str
    repeat: int
    feeds: tuple[tuple[str, str], ...]
    data: str | None
    columns: tuple[tuple[str, str], ...]
    batch_dim: str
    state: str | None
    trace: str | None
    limit: int | None
    max_bytes: int
    max_calls: int
    fast: bool
    as_json: bool


# fmt: off
@click.command("profile")
@import_option
@click.argument("plan", type=FILE, metavar="PLAN")
@click.option("--repeat", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
              help="How often to run, after a run that warms up.")
@feed_options
@state_option
@click.option("--trace", type=FILE, metavar="OUT.json",
              help="Write the last run as a trace that Perfetto and Chrome open.")
@click.option("--limit", type=click.IntRange(min=0), metavar="ROWS",
              help=f"Show at most this many rows of each table; 0 for all. By default {_LIMIT}.")
@bind_options
@json_option
def command(**options: Any) -> None:  # noqa: ANN401 - click passes what _Options names
    """Run the plan in file PLAN and show where its time goes.

    By op, by worker and by source line, beside the rates that the machine reaches at best. Inputs
    that nothing feeds get made-up values: zeros for integers, numbers between 0 and 1 for others.
    """
    o = _Options(**options)
    read = [o.plan, o.data, o.state, *(path for _, path in o.feeds)]
    check_target("--trace", o.trace, read)
    plan, fed, measured = _profile(o)
    if o.trace is not None:
        _write_trace(o.trace, measured.profile, plan.name)
    (_report_json if o.as_json else _report)(o, fed, measured)
# fmt: on


def _profile(o: _Options) -> tuple[Plan, Fed, Measured]:
    from dataflow.cli.profile_feeds import Sources, endless_feeds
    from dataflow.cli.profile_tables import Measured
    from scheduler.machine_rates import machine_rates

    files, columns = as_mapping("--feed", o.feeds), as_mapping("--columns", o.columns)
    plan = load_plan(o.plan)
    fed = endless_feeds(plan, Sources(files, columns, o.data, o.batch_dim))
    if fed.made_up:
        names = ", ".join(fed.made_up)
        click.echo(printable(f"note: made-up values feed {names}"), err=True)
    runner = _runner(plan, o)
    seconds = _run(runner, fed, o.repeat)
    rates = machine_rates(int(plan.options.get("blas_threads", "1")))
    return plan, fed, Measured(runner.profile(), seconds, rates)


def _runner(plan: Plan, o: _Options) -> Runner:
    from scheduler.runner import Runner

    return Runner(plan, state=load_state(o.state), max_bytes=o.max_bytes, max_calls=o.max_calls,
                  fast=o.fast, profile=True)  # fmt: skip


def _run(runner: Runner, fed: Fed, times: int) -> list[float]:
    """Run once to warm up, then as often as wanted; return the seconds of each run."""
    runner.run(next(fed.feeds))
    runner.profile(clear=True)
    found = []
    for _ in range(times):
        feeds = next(fed.feeds)
        start = perf_counter()
        runner.run(feeds)
        found.append(perf_counter() - start)
    return found


def _write_trace(path: str, profile: pa.Table, name: str) -> None:
    import json

    from scheduler.tracing import trace_events
    from serialization.atomic import replacing

    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(trace_events(profile, name), file)


def _report(o: _Options, fed: Fed, measured: Measured) -> None:
    from dataflow.cli.profile_tables import facts, tables

    print_facts(facts(measured))
    for title, rows in tables(measured).items():
        print_table(title, rows, _LIMIT if o.limit is None else o.limit)
    if o.trace is not None:
        click.echo(printable(f"wrote {o.trace}"))


def _report_json(o: _Options, fed: Fed, measured: Measured) -> None:
    from dataflow.cli.profile_tables import facts, tables

    found = {title: rows[: o.limit or None] for title, rows in tables(measured).items()}
    print_json({"plan": str(o.plan), "made_up_inputs": fed.made_up, **facts(measured), **found,
                "trace_file": str(o.trace) if o.trace else None})  # fmt: skip
