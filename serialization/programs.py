"""Programs within a program: how the bodies of control flow stand in the rows of one file.

A graph or a plan and all the bodies within are tables of one form, one after the other. The column
`program` tells them apart: it is empty for the whole, and for a body it names the node or the step
that holds it, and its place there, after the program that this one is in: ``scan_0.0/cond_3.1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from dataflow.errors import FileFormatError
from serialization.attributes import ProgramName

if TYPE_CHECKING:
    from dataflow.attrs import Attrs, Body
    from serialization.reading import Table

__all__ = ["MAIN", "Programs", "bodies_within", "with_names"]

MAIN = ""
"""The program that is the whole."""

_DEEPEST = 16  # bodies within each other

_P = TypeVar("_P")


def bodies_within(
    whole: _P, holders: Callable[[_P], Iterable[tuple[object, Attrs]]], program: str = MAIN
) -> Iterator[tuple[str, _P]]:
    """Yield a program and all within it, each with its name."""
    if program.count("/") >= _DEEPEST:
        msg = f"program {program[:60]!r}: control flow is nested more than {_DEEPEST} times"
        raise FileFormatError(msg)
    yield program, whole
    for owner, attrs in holders(whole):
        bodies: Any = attrs.bodies()
        for index, body in enumerate(bodies):
            yield from bodies_within(body, holders, _name(program, owner, index))


def with_names(attrs: Attrs, program: str, owner: object) -> Attrs:
    """Return attributes with names in the place of bodies."""
    count = len(attrs.bodies())
    if not count:
        return attrs
    names = tuple(ProgramName(_name(program, owner, index)) for index in range(count))
    return attrs.replace(bodies=names)


def _name(program: str, owner: object, index: int) -> str:
    return f"{program}/{owner}.{index}" if program else f"{owner}.{index}"


class Programs:
    """Which programs a file has, and which of them were read.

    Parameters
    ----------
    table : Table
        The file's rows.
    head : str
        The section that has one row for each program.

    Raises
    ------
    FileFormatError
        None of these rows is of the whole, or a program has no such row.
    """

    def __init__(self, table: Table, head: str) -> None:
        self._left = {row["program"] for row in table.rows(head)}
        if MAIN not in self._left or self._left != set(table.column("program")) - {None}:
            msg = f"the programs are {sorted(self._left)}: the whole, {MAIN!r}, or another is lost"
            raise FileFormatError(msg)
        self._left.discard(MAIN)

    def with_bodies(
        self, attrs: Attrs, program: str, owner: object, body: Callable[[str], Body]
    ) -> Attrs:
        """Return attributes with bodies in the place of names.

        Raises
        ------
        FileFormatError
            A name isn't the one that the place calls for, or no row is of that program.
        """
        if "bodies" not in attrs:
            return attrs
        names = attrs["bodies"] if isinstance(attrs["bodies"], tuple) else (None,)
        for index, name in enumerate(names):
            is_name = isinstance(name, ProgramName) and name == _name(program, owner, index)
            if not is_name or name not in self._left:
                msg = f"{owner} of program {program!r}: there is no such body {name!r}"
                raise FileFormatError(msg)
            self._left.discard(name)
        if program.count("/") >= _DEEPEST:
            msg = f"program {program[:60]!r}: control flow is nested more than {_DEEPEST} times"
            raise FileFormatError(msg)
        return attrs.replace(bodies=tuple(body(str(name)) for name in names))

    def read(self, program: str) -> bool:
        """Note that a program is read; say whether there is one of this name."""
        is_there = program in self._left
        self._left.discard(program)
        return is_there

    def check_all_read(self) -> None:
        """Refuse rows of a program that nothing holds."""
        if self._left:
            msg = f"no node or step holds program {min(self._left)!r}"
            raise FileFormatError(msg)
