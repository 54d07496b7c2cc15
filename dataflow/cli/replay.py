"""``dataflow replay PLAN``: run a plan on files, nothing but files.

The command reads its options and reports. `work` decides what is run, `batches` cuts a table's
rows, `feeds` and `tables` read, `results` keeps and writes, `progress` shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dataflow.cli.options import (
    FILE,
    as_mapping,
    bind_options,
    check_target,
    ending_of,
    feed_options,
    import_option,
    json_option,
    load_plan,
    load_state,
    state_option,
)
from dataflow.cli.printing import Value, number_text, print_json, printable

if TYPE_CHECKING:
    import numpy as np

    from dataflow.cli.batches import Batches
    from dataflow.cli.progress import Epoch
    from dataflow.cli.work import Kept, Work
    from scheduler.plan import Plan
    from scheduler.runner import Runner

__all__ = ["command"]


class _Options(NamedTuple):
    """The command line, as given; None where an option isn't."""

    plan: str
    feeds: tuple[tuple[str, str], ...]
    data: str | None
    columns: tuple[tuple[str, str], ...]
    batch_dim: str
    epochs: int | None
    shuffle: bool | None
    seed: int | None
    repeat: int | None
    keep: str
    state: str | None
    save_state: str | None
    output: str | None
    max_bytes: int
    max_calls: int
    fast: bool
    as_json: bool


class _Done(NamedTuple):
    """What a replay did."""

    work: Work
    epochs: list[Epoch]
    outputs: dict[str, np.ndarray]
    ignored_columns: tuple[str, ...]
    ignored_variables: tuple[str, ...]


# fmt: off
@click.command("replay")
@import_option
@click.argument("plan", type=FILE, metavar="PLAN")
@feed_options
@click.option("--epochs", type=click.IntRange(min=1), metavar="N",
              help="How often a training goes through the rows; 1 by default.")
@click.option("--shuffle/--no-shuffle", default=None,
              help="Whether each epoch of a training takes the rows in a new order; it does.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N",
              help="What those orders derive from; 0 by default.")
@click.option("--repeat", type=click.IntRange(min=1), metavar="N",
              help="How often to run on the same feeds, without --data.")
@click.option("--keep", type=click.Choice(["all", "last"]), default="last", show_default=True,
              help="Whose outputs are written: all runs' stacked, or the last one's.")
@state_option
@click.option("--save-state", type=FILE, metavar="FILE", help="Write the variables' values after.")
@click.option("-o", "--output", type=FILE, metavar="OUT",
              help="Write the outputs: .arrow, .parquet or .npz.")
@bind_options
@json_option
def command(**options: Any) -> None:  # noqa: ANN401 - click passes what _Options names
    """Run the plan in file PLAN.

    With --data, a plan that updates variables goes through the rows in shuffled epochs and leaves
    out what doesn't fill a batch. Another goes through them once, in order, and its outputs that
    have the batch's axis are joined.
    """
    given = _Options(**options)
    _check_use(given)
    done = _replay(given)
    (_report_json if given.as_json else _report)(given, done)
# fmt: on


def _check_use(o: _Options) -> None:
    read = [o.plan, o.data, *(path for _, path in o.feeds)]
    check_target("--save-state", o.save_state, read)  # it may be --state, to go on from
    check_target("-o", o.output, [*read, o.state, o.save_state])
    if o.output is not None:
        from dataflow.cli.results import RESULT_ENDINGS

        if ending_of(o.output) not in RESULT_ENDINGS:
            msg = f"-o {o.output}: outputs are written to {', '.join(RESULT_ENDINGS)}"
            raise click.UsageError(msg)
    elif o.keep == "all":
        msg = "--keep all is for what is written: it needs -o"
        raise click.UsageError(msg)
    if o.data is None and (o.epochs, o.shuffle, o.seed) != (None, None, None):
        msg = "--epochs, --shuffle and --seed are for the rows of a table: they need --data"
        raise click.UsageError(msg)
    if o.data is not None and o.repeat is not None:
        msg = "--repeat runs on the same feeds; rows of --data are repeated by --epochs"
        raise click.UsageError(msg)


def _replay(o: _Options) -> _Done:
    from dataflow.cli.feeds import check_names, read_feeds
    from dataflow.cli.work import Kept

    files, patterns = as_mapping("--feed", o.feeds), as_mapping("--columns", o.columns)
    plan = load_plan(o.plan)
    check_names(plan, patterns, "--columns")
    fed = read_feeds(plan, files, patterns)
    batches = _batches(plan, o, fed, patterns)
    work = _work(plan, o, fed, batches)
    if o.output is not None:
        from dataflow.cli.results import check_results

        check_results(o.output, plan, work, keep_all=o.keep == "all")
    runner, ignored = _runner(plan, o)
    kept = Kept(work.axes, keep_all=o.keep == "all", wanted=o.output is not None)
    epochs = _run(runner, work, kept, o)
    outputs = kept.arrays(work.rows)
    _write(o, runner, outputs)
    return _Done(work, epochs, outputs, batches.ignored if batches else (), ignored)


def _batches(
    plan: Plan, o: _Options, fed: dict[str, np.ndarray], patterns: dict[str, str]
) -> Batches | None:
    if o.data is None:
        return None
    from dataflow.cli.batches import read_batches

    return read_batches(plan, o.data, o.batch_dim, fed, patterns)


def _work(plan: Plan, o: _Options, fed: dict[str, np.ndarray], batches: Batches | None) -> Work:
    from dataflow.cli import work

    if batches is None:
        return work.repeated(plan, fed, o.repeat or 1)
    if work.trains(plan):
        seed = None if o.shuffle is False else o.seed or 0
        return work.training(batches, fed, o.epochs or 1, seed)
    if o.epochs is not None or o.seed is not None or o.shuffle:
        msg = ("--epochs, --shuffle and --seed are for training, and this plan updates no "
               "variable: its rows are taken once and in order")  # fmt: skip
        raise click.UsageError(msg)
    return work.prediction(plan, batches, fed, o.batch_dim)


def _runner(plan: Plan, o: _Options) -> tuple[Runner, tuple[str, ...]]:
    """Bind the plan; return the names in the state that it has no use for, too."""
    from scheduler.runner import Runner

    state = load_state(o.state)
    updated = [variable.updated for variable in plan.variables]
    if state is None and updated and not any(updated):
        click.echo("note: without --state the variables have their first values", err=True)
    runner = Runner(plan, state=state, max_bytes=o.max_bytes, max_calls=o.max_calls,
                    fast=o.fast)  # fmt: skip
    known = {variable.name for variable in plan.variables}
    return runner, tuple(name for name in state or () if name not in known)


def _run(runner: Runner, work: Work, kept: Kept, o: _Options) -> list[Epoch]:
    from dataflow.cli.progress import Epoch, bar, scalar_outputs

    scalars, epochs, done = scalar_outputs(runner.plan), list[Epoch](), 0
    if work.dropped and not o.as_json:
        click.echo(f"each epoch leaves out {work.dropped} rows, which fill no batch")
    with bar(work.epochs * work.runs, wanted=not o.as_json) as shown:
        for number in range(work.epochs):
            epoch = Epoch(number + 1, scalars)
            for feeds in work.feeds(number):
                outputs = runner.run(feeds)
                kept.add(outputs)
                epoch.add(outputs)
                done += 1
                shown.advance(done, epoch)
            epochs.append(epoch)
            if not o.as_json:
                place = f"epoch {number + 1}/{work.epochs}: " if work.epochs > 1 else ""
                shown.say(place + epoch.line())
    return epochs


def _write(o: _Options, runner: Runner, outputs: dict[str, np.ndarray]) -> None:
    """Write the state first: it is what can't be had again."""
    if o.save_state is not None:
        from serialization.files import save

        save(runner.state, o.save_state)
    if o.output is not None:
        from dataflow.cli.results import write_results

        write_results(o.output, outputs)


def _report(o: _Options, done: _Done) -> None:
    for name, array in done.outputs.items():
        value = f" {number_text(array.item())}" if array.shape == () else ""
        click.echo(printable(f"{name}: {array.dtype}{list(array.shape)}{value}"))
    for path in (o.save_state, o.output):
        if path is not None:
            click.echo(printable(f"wrote {path}"))


def _report_json(o: _Options, done: _Done) -> None:
    epochs: list[Value] = [
        {"epoch": e.number, "runs": e.runs, "seconds": e.seconds, "means": e.means}
        for e in done.epochs
    ]
    outputs: dict[str, Value] = {
        name: {"dtype": str(array.dtype), "shape": array.shape,
               "value": array.item() if array.shape == () else None}
        for name, array in done.outputs.items()
    }  # fmt: skip
    print_json({
        "plan": str(o.plan), "runs": sum(epoch.runs for epoch in done.epochs), "epochs": epochs,
        "rows": done.work.rows, "dropped_rows": done.work.dropped, "outputs": outputs,
        "ignored_columns": done.ignored_columns, "ignored_variables": done.ignored_variables,
        "state_file": str(o.save_state) if o.save_state else None,
        "output_file": str(o.output) if o.output else None,
    })  # fmt: skip
