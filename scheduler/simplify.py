"""Simplify: known results are computed, known choices made, equal items merged, dead ones dropped.

Every rewrite keeps every result bit for bit. An item whose inputs are all known is computed here
if its result is small: folding without a limit would let a small file build gigabytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataflow.errors import DataflowError
from dataflow.registry import get_op
from dataflow.spec import Spec
from scheduler.environment import kernel_context
from scheduler.program import reading, renamed
from scheduler.reference import run_item

if TYPE_CHECKING:
    from collections.abc import Collection

    from scheduler.program import Item, Program

__all__ = [
    "FOLD_LIMIT",
    "REWRITES",
    "drop_dead",
    "fold_constants",
    "make_choices",
    "merge_equal",
    "simplify",
    "unite",
]

FOLD_LIMIT = 65536
"""The most bytes of a result that is computed at compile time."""

REWRITES = ("fold", "choose", "merge", "unite")
"""What `compile` can be told to leave out. What nothing reads is always dropped."""

_MOST_FOLDED = 256
"""All results together may have so many times the limit of one: many small ones are large too."""


def simplify(
    program: Program, *, fold_limit: int = FOLD_LIMIT, without: Collection[str] = ()
) -> Program:
    """Fold constants, make choices, merge equal items, drop dead ones and unite what is left.

    Parameters
    ----------
    program : Program
        What to simplify.
    fold_limit : int
        The most bytes of a result that is computed now.
    without : collection of str
        The rewrites that are left out, of `REWRITES`.
    """
    rewrites = {
        "fold": lambda p: fold_constants(p, fold_limit), "choose": make_choices,
        "merge": merge_equal, "drop": drop_dead, "unite": unite,
    }  # fmt: skip
    for name, rewrite in rewrites.items():
        if name not in without:
            program = rewrite(program)
    return program


def fold_constants(program: Program, limit: int) -> Program:
    """Compute the items whose inputs are known and whose results have at most `limit` bytes.

    A view of a constant stays an item: it costs nothing in a plan, its elements would. An item
    that fails on its data stays too, so that it fails when it runs, as the user would expect.
    """
    known = dict(program.constants)
    constants = dict(program.constants)
    items: list[Item] = []
    left = _MOST_FOLDED * limit
    context = kernel_context()
    for item in program.items:
        specs = [program.specs[value] for value in item.outputs]
        folded = context.run(_folded, item, specs, known, min(limit, left))
        if folded is None or item.op.alias is not None:
            items.append(item)
        known.update(folded or {})
        if folded is not None and item.op.alias is None:
            for array in folded.values():
                array.setflags(write=False)
                left -= array.nbytes
            constants.update(folded)
    return replace(program, items=tuple(items), constants=constants)


def _folded(
    item: Item, specs: list[Spec], known: dict[int, np.ndarray], limit: int
) -> dict[int, np.ndarray] | None:
    is_view = item.op.alias is not None
    if item.op.control is not None or not all(value in known for value in item.inputs):
        return None
    if not is_view and not _is_small(
        item, specs, [Spec.like(known[v]) for v in item.inputs], limit
    ):
        return None
    try:
        arrays = run_item(item, [known[value] for value in item.inputs], specs)
    except DataflowError:
        return None
    if is_view and not np.may_share_memory(arrays[0], known[item.inputs[0]]):
        return None  # no view of these strides: it will be a copying step
    return dict(zip(item.outputs, arrays, strict=True))


def _is_small(item: Item, specs: list[Spec], inputs: list[Spec], limit: int) -> bool:
    """Say whether an item is small, its inputs too: a view of one byte can have any size."""
    workspace = item.op.workspace(tuple(inputs), item.attrs)
    work = sum(spec.nbytes for spec in (*inputs, *workspace.scratch)) + workspace.internal
    return sum(spec.nbytes for spec in specs) <= limit and work <= 16 * limit


def make_choices(program: Program) -> Program:
    """Let a choice by what is known be the branch that it takes.

    So a plan that trains has no step of what is only for predicting, nor the other way round. A
    product with 1 is the other factor: dropout multiplies by it where nothing is dropped.
    """
    scalars = {value: array for value, array in program.constants.items() if array.ndim == 0}
    flags = {value: bool(array) for value, array in scalars.items()}
    ones = {value for value, array in scalars.items() if array.dtype.kind != "c" and array == 1}
    same: dict[int, int] = {}
    items = []
    for item in program.items:
        read = reading(item, same)
        if flags.keys().isdisjoint(read.inputs):
            items.append(read)
            continue
        known = [flags.get(value) for value in read.inputs]
        flag = _flag(read, known)
        if flag is not None:
            flags[read.outputs[0]] = flag
        taken = _taken(read, known)
        if read.op.name == "multiply" and not ones.isdisjoint(read.inputs):
            taken = read.inputs[read.inputs[0] in ones]
        if taken is None or program.specs[taken] != program.specs[read.outputs[0]]:
            items.append(read)
        else:
            same[read.outputs[0]] = taken
    return renamed(program, items, same)


def _flag(item: Item, known: list[bool | None]) -> bool | None:
    """Return what all elements of a result are, where the known inputs suffice to tell."""
    if item.op.name == "logical_or" and True in known:
        return True
    return not known[0] if item.op.name == "logical_not" and known[0] is not None else None


def _taken(item: Item, known: list[bool | None]) -> int | None:
    """Return the input that an item gives as it is."""
    if item.op.name == "logical_or" and False in known:
        return item.inputs[1 - known.index(False)]
    if item.op.name == "where" and known[0] is not None:
        return item.inputs[1 if known[0] else 2]
    return item.inputs[1] if item.op.name == "zero_where" and known[0] is False else None


def merge_equal(program: Program) -> Program:
    """Let items with the same op, attributes and inputs be one, and equal constants too."""
    same: dict[int, int] = {}
    seen: dict[object, tuple[int, ...]] = {}
    for value, array in program.constants.items():
        if array.nbytes <= FOLD_LIMIT:
            key: object = (array.dtype, array.shape, array.tobytes())
            same[value] = seen.setdefault(key, (value,))[0]
    items = []
    for item in program.items:
        read = reading(item, same)
        key = (item.op.name, item.op.version, item.attrs.key(), read.inputs)
        first = seen.setdefault(key, item.outputs)
        if first is item.outputs:
            items.append(read)
        else:
            same.update(zip(item.outputs, first, strict=True))
    return renamed(program, items, same)


def _pruned(item: Item, used: list[bool]) -> Item:
    """Return an item without the outputs that it needn't make."""
    if item.op.prune is None:
        return item
    attrs, kept = item.op.prune(item.attrs, used)
    return item._replace(attrs=attrs, outputs=tuple(item.outputs[index] for index in kept))


def drop_dead(program: Program) -> Program:
    """Drop items, constants, inputs and variables that no output and no update depends on."""
    live = {*program.outputs.values(), *program.updates.values(), *program.kept}
    items: dict[int, Item] = {}
    for index in reversed(range(len(program.items))):
        item = program.items[index]
        used = [value in live for value in item.outputs]
        if any(used):
            items[index] = _pruned(item, used)
            live.update(item.inputs)
    place = {index: number for number, index in enumerate(reversed(items))}
    return replace(
        program, items=tuple(reversed(items.values())),
        after=tuple((place[earlier], place[later]) for earlier, later in program.after
                    if earlier in place and later in place),
        constants={value: array for value, array in program.constants.items() if value in live},
        inputs={name: value for name, value in program.inputs.items() if value in live},
        variables={name: value for name, value in program.variables.items()
                   if value in live or name in program.updates},
    )  # fmt: skip


def unite(program: Program) -> Program:
    """Let one item give what several give of the same inputs, where an op of all results exists.

    It stands where the first of them stood. What it gives is there earlier than the others gave it,
    but what they read needn't stay for them.
    """
    parts: dict[tuple[str, object, tuple[int, ...]], dict[int, int]] = {}
    for index, item in enumerate(program.items):
        if item.op.united is not None:
            name, output = item.op.united
            key = (name, item.attrs.key(), item.inputs)
            parts.setdefault(key, {}).setdefault(output, index)
    united: dict[int, Item | None] = {}
    for (name, *_), found in parts.items():
        first = program.items[min(found.values())]
        op = get_op(name)
        specs = op.infer(tuple(program.specs[value] for value in first.inputs), first.attrs)
        if len(found) == len(specs):
            outputs = tuple(program.items[found[i]].outputs[0] for i in range(len(specs)))
            united.update(dict.fromkeys(found.values()))
            united[min(found.values())] = first._replace(op=op, outputs=outputs)
    items = (united.get(index, item) for index, item in enumerate(program.items))
    return replace(program, items=tuple(item for item in items if item is not None))
