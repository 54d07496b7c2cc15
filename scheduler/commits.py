"""Where variables are written: straight into their memory if no reader of the old value is left.

An update's last item may *commit*: its output is the variable's own memory, and there is no copy.
That needs every other reader of the old value to run before it, so pairs (reader, commit) are
added to what the order must keep. Where that would be a circle, or the value isn't a plain item's
(``a, b = b, a``), the value is computed aside and copied in at the end:

    w --> grad --> step --> w'                 w' commits, after every reader of w
    a --> (b)   b --> (a)                      both copied aside, then copied in
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from dataflow.op import get_op
from scheduler.program import Item, Program, alias_roots, with_item

__all__ = ["place_updates"]


def place_updates(program: Program) -> Program:
    """Choose the item that commits each update, adding copies where none can."""
    program = _copy_old_values_that_are_results(program)
    copy = get_op("copy")
    for name, value in program.updates.items():
        if value == program.variables[name]:
            continue  # the value stays as it is
        direct = _commit(program, name, value)
        if direct is None:
            program, aside = with_item(program, copy, value, f"{name}.new")
            program, final = with_item(program, copy, aside, f"{name}.commit")
            direct = _commit(program, name, final)
        if direct is None:
            msg = f"variable {name!r}: a copied update can't wait for its readers"
            raise AssertionError(msg)
        program = direct
    return program


def _copy_old_values_that_are_results(program: Program) -> Program:
    """Copy a variable's value before the run where it is both a result and overwritten."""
    roots = alias_roots(program)
    overwritten = {program.variables[name] for name in program.updates}
    outputs = dict(program.outputs)
    for name, value in program.outputs.items():
        if roots[value] in overwritten:
            program, outputs[name] = with_item(program, get_op("copy"), value, f"{name}.before")
    return replace(program, outputs=outputs)


def _commit(program: Program, name: str, value: int) -> Program | None:
    """Let the item that makes `value` write it into the variable's memory, if that is safe."""
    maker = program.makers().get(value)
    if maker is None or value in program.commits or not _plain(program, maker, value):
        return None
    variable = program.variables[name]
    roots = alias_roots(program)
    readers = {
        index
        for index, item in enumerate(program.items)
        if any(roots[read] == variable for read in item.inputs) and item.op.alias is None
    }
    if maker in readers and not _may_overwrite(program.items[maker], variable, roots):
        return None
    later = _reachable(program, maker) - {maker}
    fallible = {index for index, item in enumerate(program.items) if item.op.fallible}
    if later & (readers | fallible):
        return None
    return replace(
        program,
        commits={**program.commits, value: name},
        after=(*program.after, *((reader, maker) for reader in sorted(readers - {maker}))),
    )


def _plain(program: Program, maker: int, value: int) -> bool:
    """Say whether an item's output is memory of its own, laid out row by row."""
    item = program.items[maker]
    return item.op.alias is None and not item.op.fallible and item.outputs == (value,)


def _may_overwrite(item: Item, variable: int, roots: list[int]) -> bool:
    """Say whether an item that reads a variable may write its result over it."""
    return all(
        read == variable and slot in item.op.inplace
        for slot, read in enumerate(item.inputs)
        if roots[read] == variable
    )


def _reachable(program: Program, start: int) -> set[int]:
    """Return the items that must run after `start`, itself included."""
    readers = program.readers()
    ordered: Mapping[int, list[int]] = defaultdict(list)
    for earlier, later in program.after:
        ordered[earlier].append(later)
    found, stack = set(), [start]
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            for value in program.items[index].outputs:
                stack += readers[value]
            stack += ordered.get(index, ())
    return found
