"""``-o OUT``: how outputs become a file.

An ``.npz`` keeps the arrays as they are, but for bfloat16, which it can't hold: it becomes float32,
as in tables. In a table (``.arrow``, ``.parquet``) an output's first
axis is the rows, and further axes are lists of a fixed size; a scalar is one row. So outputs of one
table must agree in their rows, and where they don't, the error says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dataflow.cli.options import ending_of
from dataflow.errors import RunError
from dataflow.spec import is_bfloat16

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.cli.work import Work
    from scheduler.plan import Plan, PlanOutput

__all__ = ["RESULT_ENDINGS", "check_results", "write_results"]

RESULT_ENDINGS = (".arrow", ".parquet", ".npz")
"""The endings of files that results are written to."""


def check_results(path: str, plan: Plan, work: Work, *, keep_all: bool) -> None:
    """Refuse what can't be written as the file's ending says, before the work rather than after.

    Raises
    ------
    RunError
        The outputs don't make one table.
    """
    if ending_of(path) == ".npz":
        return
    shapes = {out.name: _shape(out, work, keep_all=keep_all) for out in plan.outputs}
    for out in plan.outputs:
        shape = shapes[out.name]
        if out.operand.dtype.kind == "c" or 0 in shape[1:]:
            what = f"{out.operand.dtype}{list(shape)}"
            msg = f"{path}: output {out.name!r} will be {what}, which no table holds: use .npz"
            raise RunError(msg)
    rows = {name: shape[0] if shape else 1 for name, shape in shapes.items()}
    if len(set(rows.values())) > 1:
        msg = (f"{path}: the outputs have different numbers of rows, {rows}, and make no table: "
               "use .npz")  # fmt: skip
        raise RunError(msg)


def _shape(out: PlanOutput, work: Work, *, keep_all: bool) -> tuple[int, ...]:
    """Return the shape of an output as it will be kept."""
    shape = list(out.operand.shape)
    if out.name in work.axes:
        del shape[work.axes[out.name]]
        return (work.rows or 0, *shape)
    return (work.epochs * work.runs, *shape) if keep_all else tuple(shape)


def write_results(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a file of the kind that its ending says, as a whole or not at all.

    Raises
    ------
    FileAccessError
        The system refused to write it.
    """
    from serialization.atomic import replacing

    arrays = {name: _widened(array) for name, array in arrays.items()}
    ending = ending_of(path)
    table = None if ending == ".npz" else _table(arrays)
    with replacing(path) as temporary:
        if table is None:
            _write_npz(temporary, arrays)
        elif ending == ".parquet":
            _write_parquet(temporary, table)
        else:
            _write_arrow(temporary, table)


def _widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if is_bfloat16(array.dtype) else array


def _table(arrays: Mapping[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    from dataflow.cli.columns import as_column

    return pa.table({name: as_column(array) for name, array in arrays.items()})


def _write_npz(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write what `numpy.savez` would, for outputs of any name, and without the time of day."""
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _write_parquet(path: str, table: pa.Table) -> None:
    from pyarrow.parquet import write_table

    write_table(table, path)


def _write_arrow(path: str, table: pa.Table) -> None:
    from pyarrow import ipc

    with ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
