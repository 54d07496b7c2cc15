"""The command line: ``dataflow show``, ``compile``, ``replay``, ``verify`` and more.

Starting cold is most of what a short replay costs, so this module imports click and nothing else of
weight, and a command's own module when it is called. Everything that can go wrong ends in `main`:

    0  done
    1  the input is bad: one line on stderr, no traceback
    2  used wrongly: the usage and one line on stderr
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

import dataflow
from dataflow.errors import DataflowError

__all__ = ["command_line", "main"]

_COMMANDS = ("show", "compile", "replay", "verify", "profile", "budget", "fit", "arena")
_COLLECT_AFTER = 50_000  # objects; at Python's 700, loading NumPy and Arrow takes a tenth longer
_INTERRUPTED = 130  # 128 + SIGINT, and 128 + SIGPIPE: what a shell says of other programs too
_READER_GONE = 141


class _Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"dataflow.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dataflow.__version__, prog_name="dataflow")
def _commands() -> None:
    """Look at computations and their gradients as files, compile them, replay them."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Parameters
    ----------
    args : sequence of str, optional
        The arguments, without the program's name; those of the process if not given.

    Returns
    -------
    int
        0 done, 1 the input is bad, 2 used wrongly; 130 and 141 if interrupted, or if the reader
        of the output has gone.

    Examples
    --------
    >>> main(["--version"])
    dataflow, version ...
    0
    """
    _mend_streams()
    try:
        return _run(sys.argv[1:] if args is None else list(args))
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except DataflowError as error:
        return _fail(str(error))
    except OSError as error:  # whatever reads and writes files turns them into ours
        return _output_lost(error)
    except MemoryError:
        return _fail("there is not enough memory")


def _mend_streams() -> None:
    """Write to nothing where a stream was closed (`>&-`), and escape what its encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to stay
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def command_line() -> NoReturn:
    """Run the process's command, and end the process with its exit code.

    All files are closed and on the disk by then, so the interpreter needn't take NumPy and Arrow
    apart: that would be a tenth of a short replay.
    """
    gc.set_threshold(_COLLECT_AFTER)
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader has gone
            stream.flush()
    os._exit(code)


def _run(args: list[str]) -> int:
    try:
        with _commands.make_context("dataflow", args) as context:
            _commands.invoke(context)
    except click.exceptions.Exit as leave:  # --help, --version
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    finally:
        sys.stdout.flush()  # here, where a reader that has gone is still noticed
    return 0


def _fail(message: str) -> int:
    from dataflow.cli.printing import printable

    click.echo(f"error: {printable(' '.join(message.split()))}", err=True)
    return 1


def _output_lost(error: OSError) -> int:
    _discard_output()
    return _fail(str(error) if error.filename else f"can't print: {error.strerror or error}")


def _reader_gone() -> int:
    _discard_output()
    return _READER_GONE


def _discard_output() -> None:
    """Let the interpreter flush into nothing when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(io.UnsupportedOperation):  # a stream that is no file
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
