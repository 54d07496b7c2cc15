"""`State` to and from rows: one a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.state import State
from serialization.layout import INTEGERS, TENSOR, TEXT, Layout, Row
from serialization.tensors import Tensors, static_spec

if TYPE_CHECKING:
    from serialization.reading import Table

__all__ = ["STATE", "state_from_table", "state_rows"]

STATE = Layout(
    kind="state",
    columns={"name": TEXT, "dtype": TEXT, "shape": INTEGERS},
    sections={"tensor": ("name", "dtype", "shape", *TENSOR)},
)
"""The columns of a state's file."""


def state_rows(state: State) -> list[Row]:
    """Return a state as rows."""
    return [
        {"section": "tensor", "name": name, "dtype": array.dtype.name,
         "shape": array.shape, "data": array}
        for name, array in state.items()
    ]  # fmt: skip


def state_from_table(table: Table, tensors: Tensors) -> State:
    """Return the state in a table; its arrays are views of the file.

    Raises
    ------
    FileFormatError
        A row is not valid.
    """
    values = {
        row["name"]: tensors.array(row, static_spec(row["dtype"], row["shape"]))
        for row in table.named("tensor")
    }
    return State(values, copy=False)
