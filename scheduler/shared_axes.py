"""Which axes of which values are one axis: what can be sliced together, through both sweeps.

Every op says where a slice of an input's axis goes: to an axis of its outputs, or into a sum. So
the axes of a program fall into classes. The axis that examples lie on is one of them, wherever it
stands in each value, and nothing has to say which:

    x[n, 4] @ w[4, 8] -> h[n, 8]          n of x, h, g, dh and dx is one class;
    dw[4, 8] = x.T[4, n] @ dh[n, 8]       in dw it is contracted: slices of it are added up

A reshape may merge it with others. If it was the first of them (``[n, 5, 8]`` to ``[5n, 8]``), the
merged axis is sliced in proportion. If it wasn't (``[5, n, 8]``), a slice of it is a share of each
of 5 ranges, which lie together only in memory for one slice: the merged axis is *interleaved*.

Where one class would have two axes of one value (a product of all pairs of examples), the op that
asks for it joins nothing, and a group of slices ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dataflow.operation import Absent, Along, Contracted, Halo, Proportional, Tiling
from dataflow.registry import get_op
from scheduler.inner import PART

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from dataflow.attrs import Attrs
    from dataflow.operation import Specs
    from scheduler.program import Item, Program

__all__ = ["Role", "SharedAxis", "Use", "ignores_place", "shared_axes", "tiling_of", "use_of"]


class Role(Enum):
    """What becomes of an item when a class of axes is sliced."""

    OUTSIDE = "it reads or makes whole values"
    ALONG = "a slice of it gives the same slice of its outputs"
    CONTRACTED = "a slice of it gives a part of the result"


class Use(NamedTuple):
    """An item's role.

    Parameters
    ----------
    role : Role
        What becomes of it.
    combine : str
        The op that joins parts.
    totals : tuple of int
        The outputs that are joined of parts: all, if it is contracted; of a loop, its sums.
    way : int
        How a loop is sliced: an index into its `Inner.ways`.
    """

    role: Role
    combine: str = ""
    totals: tuple[int, ...] = ()
    way: int = -1


_OUTSIDE = Use(Role.OUTSIDE)
_SINGLE = 4  # bytes


@dataclass(frozen=True)
class SharedAxis:
    """A class of axes that are one.

    Parameters
    ----------
    axes : mapping of int to int
        The axis of every value that has one in the class.
    times : mapping of int to int
        Of the values in which it lies several times over, how many: these are interleaved.
    """

    axes: Mapping[int, int]
    times: Mapping[int, int] = field(default_factory=dict)

    @property
    def interleaved(self) -> AbstractSet[int]:
        """The values in which the axis lies several times over."""
        return self.times.keys()

    def without(self, values: Iterable[int]) -> SharedAxis:
        """Return the class without some values."""
        left = {v: axis for v, axis in self.axes.items() if v not in set(values)}
        return SharedAxis(left, {v: n for v, n in self.times.items() if v in left})


class _Join(NamedTuple):
    """Axes, as (value, axis), that an item slices together.

    Each has the class's axis as many times over as `times` says; where that is None, all alike.
    """

    members: tuple[tuple[int, int], ...]
    times: tuple[int, ...] | None = None


_Shapes = tuple[tuple[int, ...], ...]
_Found = dict[int, tuple[int, int]]  # the axis of each value, and how many times over


def shared_axes(program: Program) -> list[SharedAxis]:
    """Return the classes of a program with its updates placed, in the order of their values."""
    joins: dict[int, list[_Join]] = {}
    for item in program.items:
        for join in _joins(program, item):
            for value in dict.fromkeys(value for value, _ in join.members):
                joins.setdefault(value, []).append(join)
    seen: set[tuple[int, int]] = set()
    found = []
    for value in sorted(joins):
        for axis in range(program.specs[value].ndim):
            if (value, axis) not in seen:
                members = _reached(value, axis, joins)
                seen.update((v, a) for v, (a, times) in members.items() if times == 1)
                found.append(members)
    return [
        SharedAxis({v: axis for v, (axis, _) in members.items()},
                   {v: times for v, (_, times) in members.items() if times != 1})
        for members in found if len(members) > 1
    ]  # fmt: skip


def _reached(value: int, axis: int, joins: Mapping[int, Sequence[_Join]]) -> _Found:
    """Return all that is sliced with an axis, going from join to join."""
    found: _Found = {value: (axis, 1)}
    stack = [value]
    while stack:
        known = stack.pop()
        for join in joins.get(known, ()):
            new = _followed(join, known, found)
            if all(found.get(v, place) == place for v, place in new):
                stack += [v for v, _ in new if v not in found]
                found.update(new)
    return found


def _followed(join: _Join, known: int, found: _Found) -> list[tuple[int, tuple[int, int]]]:
    """Return where a join leads from a value that is reached; nowhere if by another axis."""
    axis, times = found[known]
    scales = join.times or (times,) * len(join.members)
    places = list(zip(join.members, scales, strict=True))
    if ((known, axis), times) not in places:
        return []
    return [(value, (own, scale)) for (value, own), scale in places]


def tiling_of(program: Program, item: Item) -> Tiling | None:
    """Return how an item can be sliced; None if it can't, or writes a variable."""
    if isinstance(item.op.tiling, Absent) or not program.commits.keys().isdisjoint(item.outputs):
        return None
    specs = tuple([program.specs[value] for value in item.inputs])
    if item.attrs.bodies():
        return item.op.tiling(specs, item.attrs)
    return _tiling(item.op.tiling, specs, item.attrs)


@lru_cache(maxsize=4096)  # a program of many items has few kinds of them
def _tiling(tiling: Callable[[Specs, Attrs], Tiling], specs: Specs, attrs: Attrs) -> Tiling:
    return tiling(specs, attrs)


def _joins(program: Program, item: Item) -> Iterator[_Join]:
    """Yield the ways in which an item slices axes together."""
    inner = program.inner(item)
    for way in () if inner is None else inner.ways:
        ends = zip((*item.inputs, *item.outputs), (*way.inputs, *way.outputs), strict=True)
        yield _Join(tuple((value, axis) for value, axis in ends if axis >= 0))
    tiling = tiling_of(program, item)
    if tiling is not None:
        yield from _joined(program, item, tiling)


def _joined(program: Program, item: Item, tiling: Tiling) -> Iterator[_Join]:
    values = item.inputs + item.outputs
    shapes = tuple([program.specs[value].static_shape for value in values])
    if item.attrs.bodies() or isinstance(item.op.tiling, Absent):
        pattern = _pattern(tiling, shapes)
    else:
        specs = tuple([program.specs[value] for value in item.inputs])
        pattern = _known_pattern(item.op.tiling, specs, item.attrs, shapes)
    for members, times in pattern:
        yield _Join(tuple([(values[place], axis) for place, axis in members]), times)


@lru_cache(maxsize=4096)  # not by the tiling: an axis that is sliced in two ways has equal records
def _known_pattern(
    tiling: Callable[[Specs, Attrs], Tiling], specs: Specs, attrs: Attrs, shapes: _Shapes
) -> list[_Join]:
    return _pattern(tiling(specs, attrs), shapes)


def _pattern(tiling: Tiling, shapes: _Shapes) -> list[_Join]:
    """Return the ways of one kind of item, by the places of its inputs and outputs."""
    count, found = len(tiling.inputs), list[_Join]()
    along: dict[int, list[tuple[int, int]]] = {axis: [] for axis in tiling.free}
    stretched = set()
    for place, uses in enumerate(tiling.inputs):
        for axis, use in enumerate(uses):
            if isinstance(use, (Along, Proportional)):
                along.setdefault(use.axis, []).append((place, axis))
            if isinstance(use, Proportional):
                stretched.add(use.axis)
    for axis, members in along.items():
        joined = (*members, *((place, axis) for place in range(count, len(shapes))))
        if _in_proportion([shapes[place][own] for place, own in joined]):
            found.append(_Join(joined, (1,) * len(joined) if axis in stretched else None))
    columns = [_contracted(uses) for uses in tiling.inputs]
    for index in range(max(map(len, columns), default=0)):
        found.append(_Join(tuple((place, column[index][0]) for place, column in enumerate(columns)
                                 if len(column) > index)))  # fmt: skip
    for way in tiling.interleaved:
        found.append(_Join(((0, way.axis), (count, way.output)), (way.of_input, way.of_output)))
    return found


def _in_proportion(lengths: list[int]) -> bool:
    """Say whether all are whole multiples of the shortest."""
    return min(lengths) > 0 and all(length % min(lengths) == 0 for length in lengths)


def _contracted(uses: Iterable[object]) -> list[tuple[int, str]]:
    return [(axis, use.combine) for axis, use in enumerate(uses) if isinstance(use, Contracted)]


def use_of(program: Program, item: Item, shared: SharedAxis) -> Use:
    """Say what becomes of an item when a class of axes is sliced."""
    axes = shared.axes
    if axes.keys().isdisjoint((*item.inputs, *item.outputs)):
        return _OUTSIDE
    if item.op.control is not None:
        return _loop_use(program, item, shared)
    tiling = tiling_of(program, item)
    if tiling is None or not _is_joined(item, shared, _joined(program, item, tiling)):
        return _OUTSIDE
    made = {axes.get(value, -1) for value in item.outputs}
    if made == {-1}:
        return _contraction(program, item, tiling, axes)
    if len(made) > 1:
        return _OUTSIDE
    out = made.pop()
    is_regrouped = _is_regrouped(item, tiling, axes, out)
    if not is_regrouped and not shared.interleaved.isdisjoint(item.outputs):
        is_along = (
            _is_along(item, tiling, axes, out)
            and out not in tiling.free
            and _ignores_place(item, tiling, out)
        )
    else:
        is_along = is_regrouped or _is_along(item, tiling, axes, out)
    return Use(Role.ALONG) if is_along else _OUTSIDE


def _is_joined(item: Item, shared: SharedAxis, joins: Iterable[_Join]) -> bool:
    """Say whether all that is sliced of an item's is so in one of the item's own ways.

    A class may hold two orders of one axis' rows, which other items have joined.
    """
    axes, times = shared.axes, shared.times
    found = {(v, axes[v]) for v in (*item.inputs, *item.outputs) if v in axes}
    for join in joins:
        if found == set(join.members):
            own = tuple(times.get(value, 1) for value, _ in join.members)
            if own == (join.times or own[:1] * len(own)):
                return True
    return False


def _loop_use(program: Program, item: Item, shared: SharedAxis) -> Use:
    """Return the use of a loop of which the class is a way, all of its operands alike."""
    inner, axes = program.inner(item), shared.axes
    is_plain = shared.interleaved.isdisjoint((*item.inputs, *item.outputs))
    for number, way in enumerate(inner.ways if inner and is_plain else ()):
        ends = list(zip((*item.inputs, *item.outputs), (*way.inputs, *way.outputs), strict=True))
        starts = [value for value, axis in zip(item.inputs, way.inputs, strict=True)
                  if axis == PART]  # fmt: skip
        is_it = all(axes.get(value, -1) == max(axis, -1) for value, axis in ends)
        if is_it and all(_is_zero(program, value) for value in starts):
            totals = tuple(n for n, axis in enumerate(way.outputs) if axis == PART)
            return Use(Role.ALONG, "add" if totals else "", totals, number)
    return _OUTSIDE


def _is_zero(program: Program, value: int) -> bool:
    """Say whether a value is known to be zeros: a constant, or a view or a copy of one."""
    makers = program.makers()
    while value in makers:
        item = program.items[makers[value]]
        if item.op.alias is None and item.op.name != "copy":
            return False
        value = item.inputs[0 if item.op.alias is None else item.op.alias.slot]
    return value in program.constants and not program.constants[value].any()


def ignores_place(program: Program, item: Item, shared: SharedAxis) -> bool:
    """Say whether an item that is sliced along does the same wherever the slice lies."""
    tiling, axis = tiling_of(program, item), shared.axes.get(item.outputs[0], -1)
    if tiling is None or axis < 0:
        return True  # a loop, which was asked when its ways were found
    return _ignores_place(item, tiling, axis)


def _is_regrouped(item: Item, tiling: Tiling, axes: Mapping[int, int], out: int) -> bool:
    """Say whether the class's axis becomes, or was, an interleaved one here."""
    return any((use.axis, use.output) == (axes.get(item.inputs[0]), out)
               for use in tiling.interleaved)  # fmt: skip


def _ignores_place(item: Item, tiling: Tiling, out: int) -> bool:
    """Say whether a slice's attributes are the same wherever it lies, as a draw's are not."""
    first, second = (tiling.slice_attrs(item.attrs, out, start, start + 1) for start in (0, 1))
    return first.key() == second.key()


def _is_along(item: Item, tiling: Tiling, axes: Mapping[int, int], out: int) -> bool:
    """Say whether slices of all that is in the class give slices of the outputs' axis."""
    found = out in tiling.free
    for value, uses in zip(item.inputs, tiling.inputs, strict=True):
        for axis, use in enumerate(uses):
            is_mapped = isinstance(use, (Along, Proportional)) and use.axis == out
            if is_mapped != (axes.get(value) == axis) or (
                isinstance(use, Halo) and use.axis == out
            ):
                return False
            found = found or is_mapped
    return found


def _loses_parts(program: Program, item: Item, combine: str) -> bool:
    """Say whether parts are too coarse to be added: half precision is added up in single."""
    specs = [program.specs[value] for value in item.outputs]
    return combine == "add" and any(s.is_float and s.dtype.itemsize < _SINGLE for s in specs)


def _contraction(program: Program, item: Item, tiling: Tiling, axes: Mapping[int, int]) -> Use:
    """Return the use of an item whose inputs in the class are one contracted axis of all."""
    columns = [_contracted(uses) for uses in tiling.inputs]
    in_class = {(value, axes[value]) for value in item.inputs if value in axes}
    for index in range(max(map(len, columns), default=0)):
        sliced = {(value, column[index][0])
                  for value, column in zip(item.inputs, columns, strict=True)
                  if len(column) > index}  # fmt: skip
        if sliced == in_class:
            combine = next(column[index][1] for column in columns if len(column) > index)
            if 0 in get_op(combine).inplace and not _loses_parts(program, item, combine):
                return Use(Role.CONTRACTED, combine, tuple(range(len(item.outputs))))
            return _OUTSIDE
    return _OUTSIDE
