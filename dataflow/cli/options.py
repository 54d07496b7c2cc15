"""What the commands' options have in common: kinds of values, and loading a file of one kind."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from dataflow.errors import CompileError, FileAccessError, FileFormatError

__all__ = [
    "FILE",
    "as_mapping",
    "bind_options",
    "byte_size",
    "check_readable",
    "check_target",
    "dims_option",
    "ending_of",
    "feed_options",
    "import_option",
    "json_option",
    "load_as",
    "load_plan",
    "load_state",
    "pair_of",
    "state_option",
]

if TYPE_CHECKING:
    from scheduler.plan import Plan
    from scheduler.state import State

_T = TypeVar("_T")
_Command = TypeVar("_Command", bound=Callable[..., object])

FILE = click.Path(readable=False)
"""A path. What is wrong with a file is bad input and no wrong use, so click checks nothing."""


def _import_all(ctx: click.Context, option: click.Parameter, modules: tuple[str, ...]) -> None:
    """Import the modules that declare a file's ops, from the current folder too."""
    del ctx, option
    folder = os.getcwd()
    if modules and folder not in sys.path:
        sys.path.insert(0, folder)
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            msg = f"--import {module}: {type(error).__name__}: {error}"
            raise FileAccessError(msg) from error


import_option = click.option(
    "--import", multiple=True, expose_value=False, is_eager=True, callback=_import_all,
    metavar="MODULE", help="Import a module that declares operations which the file uses.",
)  # fmt: skip
"""A file never imports by itself: it names its operations, and who opens it decides."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)


def pair_of(kind: Callable[[str], _T]) -> Callable[[str], tuple[str, _T]]:
    """Return what reads ``NAME=VALUE`` with a value of some kind.

    Examples
    --------
    >>> pair_of(int)("batch=32")
    ('batch', 32)
    """

    def pair(text: str) -> tuple[str, _T]:
        name, _, value = text.partition("=")
        if not (name and value):
            msg = f"{text!r} is not of the form NAME=VALUE"
            raise click.BadParameter(msg)
        try:
            return name, kind(value)
        except ValueError:
            msg = f"{value!r} in {text!r} is no {kind.__name__}"
            raise click.BadParameter(msg) from None

    return pair


dims_option = click.option(
    "--dim", "dims", type=pair_of(int), multiple=True, metavar="NAME=SIZE",
    help="The size of a named dimension; repeatable.",
)  # fmt: skip


def byte_size(text: str) -> int:
    """Read a number of bytes.

    Examples
    --------
    >>> byte_size("64KiB"), byte_size("2 GB"), byte_size("100")
    (65536, 2000000000, 100)
    """
    from scheduler.budget import as_bytes

    try:
        return as_bytes(text)
    except CompileError:
        msg = f"{text!r:.60} is no size above 0, such as 65536, 64KiB or 2GB"
        raise click.BadParameter(msg) from None


def as_mapping(option: str, pairs: Iterable[tuple[str, _T]]) -> dict[str, _T]:
    """Turn the pairs of a repeated option into a mapping; a name given twice is a wrong use."""
    found: dict[str, _T] = {}
    for name, value in pairs:
        if name in found:
            msg = f"{option}: {name!r} is given twice"
            raise click.UsageError(msg)
        found[name] = value
    return found


def _together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return what gives a command several options, in this order."""

    def decorated(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


feed_options = _together(
    click.option("--feed", "feeds", type=pair_of(str), multiple=True, metavar="INPUT=FILE",
                 help="Feed an input whole, at every run: .npy, .npz, or columns of a table."),
    click.option("--data", type=FILE, metavar="FILE",
                 help="Feed the other inputs with a table's rows: .arrow, .parquet or .csv."),
    click.option("--columns", type=pair_of(str), multiple=True, metavar="INPUT=PATTERN",
                 help="The columns that are an input's values, such as x=p*, in natural order."),
    click.option("--batch-dim", default="batch", show_default=True, metavar="NAME",
                 help="The named dimension that rows are split along."),
)  # fmt: skip
"""What a plan runs on."""

state_option = click.option(
    "--state", type=FILE, metavar="FILE", help="The variables' values before."
)

bind_options = _together(
    click.option("--max-bytes", type=byte_size, default="8GiB", show_default=True, metavar="SIZE",
                 help="Refuse a plan that needs more memory."),
    click.option("--max-calls", type=click.IntRange(min=0), default=10_000_000, show_default=True,
                 metavar="N", help="Refuse a plan that makes more calls in a run."),
    click.option("--fast", is_flag=True,
                 help="Run many small steps in one compiled loop (the extra `fast`)."),
)  # fmt: skip
"""How a plan is bound."""


def load_as(path: str, kind: type[_T], remedy: str) -> _T:
    """Load a file that must hold one kind of thing.

    Raises
    ------
    FileFormatError
        It is no file of ours, or holds another kind; then the message ends in the remedy.
    FileAccessError
        The system refused to read it.
    """
    from serialization.files import load

    thing: object = load(path)
    if isinstance(thing, kind):
        return thing
    found, wanted = type(thing).__name__.lower(), kind.__name__.lower()
    msg = f"{path} holds a {found}, not a {wanted}: {remedy}"
    raise FileFormatError(msg)


def load_plan(path: str) -> Plan:
    """Load a plan, as `load_as` does."""
    from scheduler.plan import Plan

    return load_as(path, Plan, "`dataflow compile` makes a plan of a graph")


def load_state(path: str | None) -> State | None:
    """Load a state, as `load_as` does, where there is one."""
    from scheduler.state import State

    if path is None:
        return None
    return load_as(path, State, "`dataflow replay --save-state` makes one")


def ending_of(path: str) -> str:
    """Return a file's ending in lower case, with its dot.

    Examples
    --------
    >>> ending_of("runs/Digits.Parquet")
    '.parquet'
    """
    return os.path.splitext(path)[1].lower()


def check_readable(path: str) -> None:
    """Tell what the system refuses from what is damaged: other packages' messages don't.

    Raises
    ------
    FileAccessError
        The file isn't there, or can't be opened.
    """
    try:
        open(path, "rb").close()
    except OSError as error:
        msg = f"can't read {path}: {error.strerror or error}"
        raise FileAccessError(msg) from error


def check_target(option: str, path: str | None, taken: Iterable[str | None] = ()) -> None:
    """Refuse a file that can't be written, before the work rather than after.

    Parameters
    ----------
    option : str
        The option that names it.
    path : str, optional
        The file; nothing is checked without one.
    taken : iterable of str
        The files that it may not take the place of.

    Raises
    ------
    click.UsageError
        It has no name, or that of a file that is taken.
    FileAccessError
        Its folder isn't there or can't be written to, or it exists and isn't an ordinary file.
    """
    if path is None:
        return
    target = os.path.realpath(path)
    if not path:
        msg = f"{option} takes the name of a file"
        raise click.UsageError(msg)
    if target in {os.path.realpath(other) for other in taken if other}:
        msg = f"{option}: {path} is another file of this command: choose another name"
        raise click.UsageError(msg)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        fault = f"there is no folder {os.path.dirname(path)}"
    elif os.path.exists(target) and not os.path.isfile(target):
        fault = "it exists and isn't an ordinary file"
    elif not os.access(folder, os.W_OK | os.X_OK):
        fault = f"its folder {folder} isn't writable"
    else:
        return
    msg = f"{path} can't be written: {fault}"
    raise FileAccessError(msg)
