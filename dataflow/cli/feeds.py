"""``--feed x=FILE``: one array for one input, fed whole at every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dataflow.cli.options import check_readable, ending_of
from dataflow.errors import FeedError, FileFormatError

if TYPE_CHECKING:
    from scheduler.plan import Plan, PlanInput

__all__ = ["check_names", "read_feeds"]

_NUMPY_ENDINGS = (".npy", ".npz")


def read_feeds(
    plan: Plan, files: Mapping[str, str], patterns: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Read the arrays that inputs are fed with.

    Parameters
    ----------
    plan : Plan
        Whose inputs they are.
    files : mapping of str to str
        By input: ``.npy``, ``.npz`` (the array of the input's name, or the only one), or a table.
    patterns : mapping of str to str
        By input: what ``--columns`` says.

    Raises
    ------
    FeedError
        There is no such input, or the array has another shape than it.
    FileAccessError, FileFormatError
        A file can't be read.
    """
    check_names(plan, files, "--feed")
    inputs = {given.name: given for given in plan.inputs}
    return {name: _read(inputs[name], path, patterns.get(name, "")) for name, path in files.items()}


def check_names(plan: Plan, names: Mapping[str, object], option: str) -> None:
    """Refuse an option for an input that the plan doesn't have."""
    known = [given.name for given in plan.inputs]
    for name in names:
        if name not in known:
            msg = (f"{option} {name}=…: the plan has no input {name!r}; it has {known}: "
                   "inputs that no output needs are dropped when a plan is compiled")  # fmt: skip
            raise FeedError(msg)


def _read(given: PlanInput, path: str, pattern: str) -> np.ndarray:
    if ending_of(path) not in _NUMPY_ENDINGS:
        return _read_columns(given, path, pattern)
    array = _read_numpy(given.name, path)
    if array.shape != given.spec.shape:
        msg = (f"input {given.name!r} is {given.spec}, and {path} has {array.dtype}"
               f"{list(array.shape)}; {_remedy(given, array.shape)}")  # fmt: skip
        raise FeedError(msg)
    return array


def _read_numpy(name: str, path: str) -> np.ndarray:
    check_readable(path)
    try:
        loaded = np.load(path, allow_pickle=False)  # a pickle could run code
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            members = list(loaded)
            member = members[0] if len(members) == 1 else name
            if member in members:
                return np.asarray(loaded[member])
    except Exception as error:  # zipfile, zlib and NumPy's header parser raise what they please
        msg = f"{path} can't be read as {ending_of(path)[1:]}: {error}"
        raise FileFormatError(msg) from error
    msg = f"input {name!r}: {path} has no array of this name, it has {members}"
    raise FeedError(msg)


def _read_columns(given: PlanInput, path: str, pattern: str) -> np.ndarray:
    from dataflow.cli.columns import column_values
    from dataflow.cli.tables import TABLE_ENDINGS, choose_columns, read_table

    if ending_of(path) not in TABLE_ENDINGS:
        known = ", ".join([*_NUMPY_ENDINGS, *TABLE_ENDINGS])
        msg = f"{path}: arrays are read from files that end in {known}"
        raise FileFormatError(msg)
    table = read_table(path)
    rows, *rest = given.spec.static_shape or (1,)
    width = int(np.prod(rest, dtype=np.int64))
    names = choose_columns(table.column_names, given.name, width, pattern)
    if table.num_rows != rows:
        msg = f"input {given.name!r} is {given.spec}, and {path} has {table.num_rows} rows; "
        raise FeedError(msg + _remedy(given, (table.num_rows, *rest)))
    values = column_values(table, names, tuple(rest), given.spec.dtype)
    return values.reshape(given.spec.static_shape)


def _remedy(given: PlanInput, shape: tuple[int, ...]) -> str:
    """Say what to do about another shape; a plan of another size helps if that is all."""
    fixed = len(shape) == len(given.dims) and all(
        dim == str(size) for dim, size in zip(given.dims, shape, strict=True) if dim.isdigit()
    )
    named = sorted({dim for dim in given.dims if not dim.isdigit()})
    if not (named and fixed):
        return "feed an array of the plan's shape"
    dims = " and ".join(named)
    return f"the plan was compiled for one size of {dims}: compile for another, or use --data"
