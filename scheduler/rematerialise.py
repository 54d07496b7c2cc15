"""Rematerialise: compute again what would be kept too long, where bytes are short.

A gradient reads every activation twice, and between the two reads it lies about. An item that is
*recomputed* lets its results die after their early readers; just before the first late one, it
runs again, and what it reads too if that has died as well:

    y = f(x)   ...   (much else)   ...   g(y)
    y = f(x)   ...   (y is dead)   ...   y' = f(x); g(y')

What is computed before the fullest place, the turn of the sweeps, is cut into segments where the
fewest bytes pass from one to the next; these are kept. Of a segment that is recomputed, all that
would be kept over the turn dies, and runs again, once, when the first of it is read. So what is
kept and the largest segment must fit into memory together [1]_:

    |  segment 1  |  segment 2  |  segment 3  | turn | 3 back | 2 again, 2 back | 1 again, 1 back |

Segments of several lengths are tried, the early ones first and as few as suffice; and what is cheap
to compute (few floating-point operations a byte), in all segments. The one with the least work
is taken. Nothing is computed a third time, and what is computed again has the same bits.

.. [1] T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174; the price
   by bytes and work is that of M. Kirisame et al., "Dynamic Tensor Rematerialization", ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from scheduler.costs import item_flops, program_flops
from scheduler.lending import surely_lent
from scheduler.plan import arena_specs, padded
from scheduler.program import alias_roots

if TYPE_CHECKING:
    from scheduler.program import Item, Program

__all__ = ["rematerialise"]

Array: TypeAlias = "np.ndarray[Any, Any]"
_Chosen: TypeAlias = dict[int, int]
"""The items that run again, and from which place on their results are read anew."""

_NEVER = 2**62
_PARTS = (1, 2, 3, 4, 6, 8, 11, 16, 24, 32)
"""Into how many segments what lies before the turn is cut."""

_CHEAP = 12
"""Floating-point operations a byte: of element-wise functions, and not of matrix products."""


def rematerialise(program: Program, order: Sequence[int], limit: int) -> Program:
    """Compute items again where the temporaries exceed a limit, as long as that helps.

    Parameters
    ----------
    program : Program
        Without updates placed.
    order : sequence of int
        In which its items would run.
    limit : int
        The bytes of temporaries that may live at once.

    Returns
    -------
    Program
        Its items in the order in which they are to run. Where the limit can't be kept, it is kept
        as far as it was found to be possible; of those that keep it, the one of least work.
    """
    search = _Search(program, order)
    found = [search.made({})]
    if found[0].peak > limit:
        for parts, tapers, cheap in product(_PARTS, (False, True), (False, True)):
            segments = search.segments(parts, tapers=tapers)
            found += _fewest(search, segments, limit, cheap=cheap)
    return min(found, key=lambda made: (max(made.peak, limit), program_flops(made.program))).program


def _fewest(search: _Search, segments: _Segments, limit: int, *, cheap: bool) -> Iterator[_Made]:
    """Yield what comes of recomputing the fewest segments that keep a limit, or else all."""
    low, high = -1, max(segments.numbers.values(), default=-1) + 1
    last = search.made(search.chosen(segments, high, cheap=cheap))
    yield last
    while low + 1 < high and last.peak <= limit:
        count = (low + high) // 2
        made = search.made(search.chosen(segments, count, cheap=cheap))
        if made.peak <= limit:
            high = count
            yield made
        else:
            low = count


@dataclass(frozen=True)
class _Made:
    """A program in which items run again, and the bytes that live at each item of the first."""

    program: Program
    live: Array

    @property
    def peak(self) -> int:
        """The most bytes that live at once."""
        return int(self.live.max(initial=0))


class _Segments(NamedTuple):
    """The segment of each item that lies over the turn, and what passes from one to the next."""

    numbers: Mapping[int, int]
    kept: frozenset[int]


class _Search:
    """A program in order, and what could be recomputed in it."""

    def __init__(self, program: Program, order: Sequence[int]) -> None:
        ordered = tuple(program.items[index] for index in order)
        self.program = replace(program, items=ordered)
        self.roots = alias_roots(self.program)
        self.makers = self.program.makers()
        self.own = _own_bytes(self.program)
        self.flops = [item_flops(self.program, item) for item in ordered]
        self.scratch = [_scratch_bytes(self.program, item) for item in ordered]
        self.uses: list[list[int]] = [[] for _ in ordered]  # where each item's results are read
        for place, item in enumerate(ordered):
            for maker in {self.maker(value) for value in item.inputs} - {None}:
                self.uses[maker].append(place)  # type: ignore[index]
        ends = {self.maker(value) for value in (*program.outputs.values(),
                                                *program.updates.values())}  # fmt: skip
        self.can = {
            place for place, item in enumerate(ordered) if place not in ends and _is_pure(item)
        }
        self.gaps = [_longest_gap(place, uses) for place, uses in enumerate(self.uses)]

    def maker(self, value: int) -> int | None:
        """Return the item whose memory a value lies in."""
        return self.makers.get(self.roots[value])

    def segments(self, parts: int, *, tapers: bool) -> _Segments:
        """Cut what lies before the turn into so many segments.

        They have about as many bytes each; or, if that tapers, fewer and fewer: when the last one
        runs again most is still kept beside it, when the first one does nothing is.
        """
        turn = int(self.made({}).live.argmax())
        passing = self._passing(turn)
        lying = {item for item, (start, end) in enumerate(self.gaps) if start < turn < end}
        weights = [parts - number if tapers else 1 for number in range(parts)]
        unit = sum(map(self._bytes, lying)) / sum(weights)
        if not unit:
            return _Segments({}, frozenset())
        shares = [unit * weight for weight in weights] + [unit] * turn
        found: dict[int, int] = {}
        number, since, best = 0, 0, 0
        for item in range(turn):
            since += self._bytes(item) if item in lying else 0
            found[item] = number
            if 2 * since < shares[number] or passing[item] < passing[best]:
                best = item
            if since >= shares[number]:
                found.update(dict.fromkeys(range(best + 1, item + 1), number + 1))
                self._keep(found, best, turn)
                number, best = number + 1, item
                since = sum(self._bytes(later) for later in lying if best < later <= item)
        numbers = {item: n for item, n in found.items() if n >= 0 and item in lying & self.can}
        return _Segments(numbers, frozenset(item for item, n in found.items() if n < 0))

    def _keep(self, found: dict[int, int], cut: int, turn: int) -> None:
        """Take what passes a cut out of the segments."""
        for item in range(cut + 1):
            if self._last_before(item, turn) > cut:
                found[item] = -1

    def _passing(self, turn: int) -> Array:
        """Return the bytes that are handed on after each item before the turn."""
        change = np.zeros(len(self.uses) + 1, np.int64)
        for item in range(turn):
            change[item] += self._bytes(item)
            change[self._last_before(item, turn)] -= self._bytes(item)
        return np.cumsum(change)

    def _last_before(self, item: int, turn: int) -> int:
        return max((place for place in self.uses[item] if place < turn), default=item)

    def _bytes(self, item: int) -> int:
        return sum(self.own[value] for value in self.program.items[item].outputs)

    def chosen(self, segments: _Segments, count: int, *, cheap: bool) -> _Chosen:
        """Return what runs again if the first segments do, and of all others what is cheap."""
        chosen: _Chosen = {}
        for item, number in segments.numbers.items():
            support = self._support(item, chosen, segments.kept)
            work = sum(self.flops[other] for other in (item, *support))
            if self._bytes(item) and (
                number < count or (cheap and work <= _CHEAP * self._bytes(item))
            ):
                chosen |= {**support, item: self.gaps[item][1]}
        return chosen

    def _support(self, item: int, chosen: _Chosen, kept: frozenset[int]) -> _Chosen:
        """Return those before an item that must run again with it, since their results are dead.

        One that runs again anyway, but later, does so earlier; what is kept stays alive instead.
        """
        end, stack = self.gaps[item][1], [item]
        needed: _Chosen = {}
        while stack:
            for value in self.program.items[stack.pop()].inputs:
                maker = self.maker(value)
                if maker is None or maker in needed or maker in kept or maker not in self.can:
                    continue
                if chosen.get(maker, _NEVER) <= end:
                    continue  # it has run again by then
                if maker in chosen or self.uses[maker][-1] < end:
                    needed[maker] = 1 + max((u for u in self.uses[maker] if u < end), default=maker)
                    stack.append(maker)
        return needed

    def made(self, chosen: _Chosen) -> _Made:
        """Return the program in which the chosen items run again."""
        return _Rewriting(self, chosen).made()


class _Rewriting:
    """Writes the program anew, with the chosen items run again where they are read late."""

    def __init__(self, search: _Search, chosen: _Chosen) -> None:
        self.search, self.chosen = search, chosen
        self.items: list[Item] = []
        self.places: list[int] = []  # at which item of the first program each one runs
        self.origins: list[int] = []  # and which of them it is
        self.specs = list(search.program.specs)
        self.again: dict[int, int] = {}

    def made(self) -> _Made:
        """Return the program and its profile."""
        before = self.search.program
        for place, item in enumerate(before.items):
            alias = item.op.alias
            if alias is not None and self._is_late(item.inputs[alias.slot], place):
                continue  # a view of what has died by then; its readers view what is made again
            inputs = tuple(self._read(value, place) for value in item.inputs)
            self._append(item._replace(inputs=inputs), place, place)
        program = replace(before, items=tuple(self.items), specs=tuple(self.specs))
        return _Made(program, self._profile(program))

    def _append(self, item: Item, place: int, origin: int) -> None:
        self.items.append(item)
        self.places.append(place)
        self.origins.append(origin)

    def _read(self, value: int, place: int) -> int:
        """Return the value that an item at a place reads: made again if it has died."""
        if not self._is_late(value, place):
            return value
        if value not in self.again:
            self._run_again(self.search.makers[value], place)
        return self.again[value]

    def _is_late(self, value: int, place: int) -> bool:
        maker = self.search.maker(value)
        return maker is not None and place >= self.chosen.get(maker, _NEVER)

    def _run_again(self, index: int, place: int) -> None:
        item = self.search.program.items[index]
        inputs = tuple(self._read(value, place) for value in item.inputs)
        outputs = tuple(range(len(self.specs), len(self.specs) + len(item.outputs)))
        self.specs += [self.specs[value] for value in item.outputs]
        self.again.update(zip(item.outputs, outputs, strict=True))
        again = item._replace(node=f"{item.node}.again", inputs=inputs, outputs=outputs)
        self._append(again, place, index)

    def _profile(self, program: Program) -> Array:
        """Return the bytes that live at each item of the first program, at most."""
        own, roots = _own_bytes(program), alias_roots(program)
        ends = (*program.outputs.values(), *program.updates.values())
        last = dict.fromkeys((roots[value] for value in ends), len(program.items))
        reads = [dict.fromkeys(roots[value] for value in item.inputs) for item in program.items]
        for index, read in enumerate(reads):
            for root in read:
                last[root] = max(last.get(root, 0), index)
        live, profile = 0, np.zeros(len(self.search.program.items), np.int64)
        for index, (item, place) in enumerate(zip(program.items, self.places, strict=True)):
            made = sum(own[value] for value in item.outputs)
            dying = [root for root in reads[index] if last[root] == index]
            taken = 0
            if len(item.outputs) == 1:
                taken = max((own[root] for slot in item.op.offers(item.attrs, 0)
                             if (root := roots[item.inputs[slot]]) in dying
                             and own[root] == made), default=0)  # fmt: skip
            during = live + made - taken + self.search.scratch[self.origins[index]]
            profile[place] = max(profile[place], during)
            live += made - sum(own[root] for root in dying)
            live -= sum(own[value] for value in item.outputs if value not in last)
        return profile


def _scratch_bytes(program: Program, item: Item) -> int:
    specs = tuple(program.specs[value] for value in item.inputs)
    needed = (*item.op.workspace(specs, item.attrs).scratch, *arena_specs(item.attrs))
    return sum(spec.nbytes for spec in needed)


def _own_bytes(program: Program) -> list[int]:
    """Return the bytes of the arena that each value has to itself.

    Updates lie in the variables, and large results in the caller's arrays.
    """
    roots, made = alias_roots(program), {v for item in program.items for v in item.outputs}
    made -= {roots[value] for value in program.updates.values()} | surely_lent(program)
    return [padded(spec.nbytes) if value in made and roots[value] == value else 0
            for value, spec in enumerate(program.specs)]  # fmt: skip


def _is_pure(item: Item) -> bool:
    """Say whether an item may run again: it costs what it says, can't fail, and has memory."""
    return item.op.alias is None and item.op.control is None and not item.op.fallible


def _longest_gap(place: int, uses: Sequence[int]) -> tuple[int, int]:
    """Return between which two of its birth and its readers an item's result lies longest."""
    times = [place, *uses]
    gaps = [(later - earlier, earlier, later)
            for earlier, later in pairwise(times)]  # fmt: skip
    if not gaps:
        return place, place + 1
    _, earlier, later = max(gaps, key=lambda gap: gap[0])
    return earlier, later
