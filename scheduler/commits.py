"""Where variables are written: straight into their memory if no reader of the old value is left.

An update's last item may *commit*: its output is the variable's own memory, and there is no copy.
That needs every other reader of the old value to run before it, so pairs (reader, commit) are
added to what the order must keep. Where that would be a circle, or the value isn't a plain item's
(``a, b = b, a``), the value is computed aside and copied in at the end:

    w --> grad --> step --> w'                 w' commits, after every reader of w
    a --> (b)   b --> (a)                      both copied aside, then copied in

What a commit works on in place lies in the variable's memory too, where that is safe, so that a
moment needs no memory beside its own:

    m --> m * 0.9 --> m * 0.9 + g              the product overwrites m, the sum the product
"""

from __future__ import annotations

from dataclasses import replace

from dataflow.attrs import Attrs
from dataflow.registry import get_op
from scheduler.program import Item, Program, alias_roots

__all__ = ["place_updates"]


def place_updates(program: Program) -> Program:
    """Choose the item that commits each update, adding copies where none can."""
    if not program.updates:
        return program
    placer = _Placer(program)
    outputs, updates = _keep_old_values(program, placer)
    for name, value in updates.items():
        if value == program.variables[name]:
            continue  # it stays as it is
        if not placer.commit(name, program.variables[name], value):
            final = placer.copy(value, f"{name}.commit")
            if not placer.commit(name, program.variables[name], final):
                msg = f"variable {name!r}: a copied update can't wait for its readers"
                raise AssertionError(msg)
    for value, name in list(placer.commits.items()):
        placer.extend(name, program.variables[name], value, {*outputs.values(), *updates.values()})
    return replace(
        program, items=tuple(placer.items), specs=tuple(placer.specs), outputs=outputs,
        commits=placer.commits, after=tuple(placer.after),
    )  # fmt: skip


def _keep_old_values(program: Program, placer: _Placer) -> tuple[dict[str, int], dict[str, int]]:
    """Copy each old value that is a result or another variable's update, if it is overwritten.

    All of them before the first commit is chosen, so that it waits for these readers too.
    """
    outputs, updates = dict(program.outputs), dict(program.updates)
    own = program.variables
    old = {own[name] for name, value in updates.items() if value != own[name]}
    for name, value in program.outputs.items():
        if placer.roots[value] in old:
            outputs[name] = placer.copy(value, f"{name}.before")
    for name, value in program.updates.items():
        if placer.roots[value] in old and value != own[name]:
            updates[name] = placer.copy(value, f"{name}.new")
    return outputs, updates


class _Placer:
    """The program while items and orderings are added, with what is asked of it kept up to date."""

    def __init__(self, program: Program) -> None:
        self.items = list(program.items)
        self.specs = list(program.specs)
        self.commits: dict[int, str] = {}
        self.after: list[tuple[int, int]] = []
        self.roots = alias_roots(program)
        self.makers = program.makers()
        self.followers: list[list[int]] = [[] for _ in self.items]
        self.readers: dict[int, list[int]] = {v: [] for v in program.variables.values()}
        self.uses: dict[int, list[int]] = {}
        for index, item in enumerate(self.items):
            self._note(index, item)

    def _note(self, index: int, item: Item) -> None:
        for value in item.inputs:
            self.uses.setdefault(value, []).append(index)
            if value in self.makers:
                self.followers[self.makers[value]].append(index)
        if item.op.alias is None:
            for root in {self.roots[value] for value in item.inputs} & self.readers.keys():
                self.readers[root].append(index)

    def copy(self, value: int, node: str) -> int:
        """Append an item that copies a value, and return the copy."""
        like = self.items[self.makers[value]] if value in self.makers else None
        new, index = len(self.specs), len(self.items)
        item = Item(get_op("copy"), Attrs(), (value,), (new,), node, "update",
                    like.node if like else "", like.source if like else "")  # fmt: skip
        self.items.append(item)
        self.specs.append(self.specs[value])
        self.roots.append(new)
        self.makers[new] = index
        self.followers.append([])
        self._note(index, item)
        return new

    def commit(self, name: str, variable: int, value: int) -> bool:
        """Let the item that makes a value write it into a variable's memory, if that is safe."""
        maker = self.makers.get(value)
        if maker is None or value in self.commits:
            return False
        item, readers = self.items[maker], set(self.readers[variable])
        if item.op.alias is not None or item.op.fallible or item.outputs != (value,):
            return False
        if maker in readers and not self._may_overwrite(item, variable):
            return False
        later = self._reachable(maker) - {maker}
        if later & readers or any(self.items[index].op.fallible for index in later):
            return False
        self.commits[value] = name
        for reader in sorted(readers - {maker}):
            self.after.append((reader, maker))
            self.followers[reader].append(maker)
        return True

    def extend(self, name: str, variable: int, value: int, kept: set[int]) -> None:
        """Let what a commit works on in place be written into the variable's memory as well."""
        maker = self.makers[value]
        item = self.items[maker]
        for slot in sorted(item.op.inplace):
            operand = item.inputs[slot]
            if (operand not in kept and self.uses[operand] == [maker]
                    and self.specs[operand] == self.specs[variable]
                    and self.commit(name, variable, operand)):  # fmt: skip
                self.extend(name, variable, operand, kept)
                return

    def _may_overwrite(self, item: Item, variable: int) -> bool:
        """Say whether an item that reads a variable may write its result over it."""
        return all(
            read == variable and slot in item.op.inplace
            for slot, read in enumerate(item.inputs)
            if self.roots[read] == variable
        )

    def _reachable(self, start: int) -> set[int]:
        """Return the items that must run after `start`, itself included."""
        found, stack = set(), [start]
        while stack:
            index = stack.pop()
            if index not in found:
                found.add(index)
                stack += self.followers[index]
        return found
