"""`save` and `load`: a graph, a plan or a state as one Arrow file each.

Any Arrow tool opens these files as a table. The parts that read or write one kind are imported when
that kind comes up: loading a plan loads no networkx.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from dataflow.errors import DataflowError, FileFormatError
from scheduler.plan import Plan
from scheduler.state import State
from serialization.reading import Table, open_bytes, open_reader
from serialization.tensors import Tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.graph import Graph
    from serialization.layout import Layout

    Saved: TypeAlias = Graph | Plan | State
    Decode: TypeAlias = Callable[[Table, Tensors], Saved]

__all__ = ["VERIFIED_BELOW", "load", "save"]

VERIFIED_BELOW = 64 * 2**20
"""Files of fewer bytes have their tensors' digests checked unless `load` is told otherwise."""


def save(thing: Graph | Plan | State, path: str | os.PathLike[str]) -> None:
    """Write a graph, a plan or a state as an Arrow file, atomically.

    Parameters
    ----------
    thing : Graph, Plan or State
        What to write. Equal things give equal bytes.
    path : path
        The file; what was there before stays until the new one is complete.

    Raises
    ------
    FileAccessError
        The system refuses: no such folder, no permission, a full disk.
    FileFormatError
        It is none of the three, or a value can't be stored, for example an attribute of more than
        64 bits.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> save(State({"w": [1.0, 2.0]}), f"{folder.name}/trained.arrow")
    >>> load(f"{folder.name}/trained.arrow")
    State({w: float64[2]})
    >>> folder.cleanup()
    """
    from serialization.writing import write  # here, so that loading doesn't pay for it

    if isinstance(thing, State):
        from serialization.states import STATE, state_rows

        write(path, STATE, state_rows(thing))
    elif isinstance(thing, Plan):
        from serialization.plans import PLAN, plan_rows

        write(path, PLAN, plan_rows(thing))
    else:
        from dataflow.graph import Graph
        from serialization.graphs import GRAPH, graph_rows

        if not isinstance(thing, Graph):
            msg = (f"save takes a graph, a plan or a state, not {type(thing).__name__}: "
                   "State({name: array}) makes a state of arrays")  # fmt: skip
            raise FileFormatError(msg)
        write(path, GRAPH, graph_rows(thing))


def load(
    path: str | os.PathLike[str], *, verify: bool | None = None, mmap: bool = True
) -> Graph | Plan | State:
    """Read a graph, a plan or a state, and check everything that it says.

    Parameters
    ----------
    path : path
        A file that `save` wrote.
    verify : bool, optional
        Whether the tensors' digests are checked, which reads every byte; by default if the file
        has less than 64 MiB. The structure's digest is always checked.
    mmap : bool
        Whether to map the file, so that tensors are read when they are used and not copied. A
        mapped file may be replaced but must not be truncated or written to in place; with
        ``mmap=False`` the file is read as a whole and may change afterwards.

    Returns
    -------
    Graph, Plan or State
        Its arrays are read-only.

    Raises
    ------
    FileAccessError
        The system refuses: no such file, no permission.
    FileFormatError
        The file is not one of ours, newer, truncated, altered or not valid; says where and why.
    """
    data = open_bytes(path, mmap=mmap)
    check = data.size < VERIFIED_BELOW if verify is None else verify
    try:
        reader, metadata = open_reader(data)
        layout, decode = _kind(metadata["kind"])
        return _decode(Table(reader, metadata, layout), decode, verify=check)
    except Exception as error:  # a broken file can break Arrow in more ways than it documents
        raise FileFormatError(f"{os.fspath(path)}: {_reason(error)}") from error


def _decode(table: Table, decode: Decode, *, verify: bool) -> Saved:
    try:
        return decode(table, Tensors(table, verify=verify))
    except (
        Exception
    ) as error:  # an op's `infer` may stumble over a hostile attribute in its own way
        raise FileFormatError(f"{table.where}{_reason(error)}") from error


def _kind(kind: str) -> tuple[Layout, Decode]:
    """Return the columns of a kind of file and the function that reads it, imported now."""
    if kind == "state":
        from serialization.states import STATE, state_from_table

        return STATE, state_from_table
    if kind == "plan":
        from serialization.plans import PLAN, plan_from_table

        return PLAN, plan_from_table
    if kind == "graph":
        from serialization.graphs import GRAPH, graph_from_table

        return GRAPH, graph_from_table
    msg = f"its kind is {kind[:40]!r}, not graph, plan or state"
    raise FileFormatError(msg)


def _reason(error: Exception) -> str:
    if isinstance(error, DataflowError):
        return str(error)
    return f"the file is damaged, or not of our making ({type(error).__name__}: {error})"
