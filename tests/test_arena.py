"""Offsets: no two live buffers overlap, and the peak is the least or near it, and proved so."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scheduler
from dataflow.errors import ArgumentError, CompileError
from scheduler.arena import Offsets, assign_offsets
from scheduler.arena_fits import Blocks, fitted, height
from scheduler.arena_search import Found
from scheduler.plan import ALIGNMENT, padded
from tests.packings import cut, pinwheels, random_blocks

Array = np.ndarray[Any, Any]
Row = tuple[int, int, int]  # lower, upper, size

MOST = 2**62


def row(lower: int, length: int, size: int) -> Row:
    """Return a buffer that lives so long."""
    return lower, lower + length, size


rows = st.lists(
    st.builds(row, st.integers(0, 30), st.integers(1, 12), st.integers(0, 1000)), max_size=40
)


def placed(buffers: list[Row], **options: Any) -> Offsets:  # noqa: ANN401
    """Place buffers that are given as rows."""
    lower, upper, size = zip(*buffers, strict=True) if buffers else ((), (), ())
    return assign_offsets(lower, upper, size, **options)


def assert_sound(lower: Array, upper: Array, size: Array, found: Offsets, unit: int = 1) -> None:
    """Check by nothing but the definition, at each buffer's birth, that it lies apart from all."""
    lows = found.offsets
    highs = lows + -(-size // unit) * unit
    assert found.peak == max(highs.tolist(), default=0)
    assert not (lows % unit).any()
    assert (lows >= 0).all()
    for index in np.flatnonzero(size):
        live = (lower <= lower[index]) & (lower[index] < upper) & (size > 0)
        live[index] = False
        assert np.all((highs[index] <= lows[live]) | (highs[live] <= lows[index])), index


@settings(max_examples=200, deadline=None)
@given(rows)
def test_no_two_live_buffers_overlap(buffers: list[Row]) -> None:
    """Any buffers get aligned offsets that keep those apart that live at once."""
    lower, upper, size = np.array(buffers, np.int64).reshape(-1, 3).T
    assert_sound(lower, upper, size, placed(buffers), ALIGNMENT)


@settings(deadline=None)
@given(rows)
def test_the_lower_bound_is_the_largest_live_set(buffers: list[Row]) -> None:
    """The bound is what the definition gives time by time, and no placement goes below it."""
    found = placed(buffers)
    live = [sum(padded(s) for low, high, s in buffers if low <= t < high) for t in range(50)]
    assert found.lower_bound == max(live)
    assert found.lower_bound <= found.peak


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60))
def test_a_chain_reaches_the_lower_bound(sizes: list[int]) -> None:
    """Where each buffer is read by the next step only, the arena is as small as can be."""
    found = placed([(i, i + 2, size) for i, size in enumerate(sizes)])
    pairs = [padded(a) + padded(b) for a, b in pairwise(sizes)]
    assert found.peak == found.lower_bound == max([padded(sizes[0]), *pairs])


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 1000))
def test_a_forward_and_a_reverse_sweep_reach_the_lower_bound(depth: int, size: int) -> None:
    """Activations that die in the reverse order of their birth stack up without a gap."""
    found = placed([(i, 2 * depth - i, size) for i in range(depth)])
    assert found.peak == found.lower_bound == depth * padded(size)


def least_peak(lower: Array, upper: Array, size: Array) -> int:
    """Return the least peak: by first fit in some order, that of the best placement's offsets."""
    best, blocks = MOST, Blocks(lower, upper, size)
    for order in permutations(range(len(size))):
        made = fitted(blocks, np.array(order), best, best_fit=False)
        best = best if made is None else height(blocks, made)
    return best


@pytest.mark.parametrize("seed", range(60))
def test_optimal_is_proved(seed: int) -> None:
    """What is said to be optimal is the best of all orders, for up to six buffers."""
    rng = np.random.default_rng(seed)
    lower = rng.integers(0, 6, 6)
    upper, size = lower + rng.integers(1, 5, 6), rng.integers(1, 9, 6)
    found = assign_offsets(lower, upper, size, alignment=1)
    assert found.optimal
    assert found.peak == least_peak(lower, upper, size)


# 12 bytes live at any time; a random search found it.
FULL = (
    [0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 1, 2, 4, 5, 5, 3, 4, 6, 4, 6, 6, 7, 8, 9, 9, 9, 10, 9, 10, 11,
     11, 12, 12, 12, 13, 13, 13],
    [1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 7, 8, 8, 9, 9, 9, 10, 10, 11, 11, 12, 12,
     12, 13, 13, 14, 14, 14, 14, 14],
    [3, 4, 5, 2, 4, 1, 1, 1, 1, 5, 2, 1, 1, 2, 2, 3, 2, 1, 3, 1, 2, 6, 4, 4, 1, 4, 1, 3, 4, 2, 3, 4,
     3, 2, 5, 1, 1],
)  # fmt: skip


def test_the_lower_bound_may_be_out_of_reach() -> None:
    """No more than 12 bytes live at once, and it is proved that no placement takes less than 13."""
    found = assign_offsets(*FULL, alignment=1)
    assert (found.lower_bound, found.peak, found.optimal) == (12, 13, True)


@pytest.mark.long
def test_the_solver_agrees_that_the_bound_is_out_of_reach() -> None:
    """OR-tools proves the same in its own way."""
    pytest.importorskip("ortools")
    from scheduler.arena_solver import solve

    blocks = Blocks(*(np.array(part, np.int64) for part in FULL))
    assert solve(blocks, 12, 60).is_exhausted
    assert solve(blocks, 13, 60).offsets is not None


def simple_peaks(buffers: list[Row]) -> Iterator[int]:
    """Yield what the simple ways come to: by size, duration, area and birth, both fits.

    Of equals the first comes first. A buffer goes into the lowest gap that it fits into, or into
    the smallest, between those that were placed before and live at the same time.
    """
    keys: list[Callable[[Row], int]] = [
        lambda b: -b[2], lambda b: b[0] - b[1], lambda b: (b[0] - b[1]) * b[2], lambda b: b[0],
    ]  # fmt: skip
    for key in keys:
        for best_fit in (False, True):
            placed: list[tuple[int, int, Row]] = []
            for buffer in sorted(buffers, key=key):
                low = lowest(placed, buffer, best_fit=best_fit)
                placed.append((low, low + buffer[2], buffer))
            yield max(top for _, top, _ in placed)


def lowest(placed: list[tuple[int, int, Row]], buffer: Row, *, best_fit: bool) -> int:
    """Return where a buffer goes."""
    end, gaps = 0, []
    for low, top, other in sorted(placed):
        if other[0] < buffer[1] and buffer[0] < other[1]:
            if low - end >= buffer[2]:
                gaps.append((low - end, end))
            end = max(end, top)
    if not gaps:
        return end
    return min(gaps)[1] if best_fit else gaps[0][1]


def check_never_worse(cases: range) -> None:
    """Compare with every simple way, on buffers of all kinds."""
    for seed in cases:
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 40))
        lower = rng.integers(0, rng.integers(1, 40), count)
        upper = lower + rng.integers(1, rng.integers(2, 30), count)
        size = rng.integers(1, rng.integers(2, 1000), count)
        found = assign_offsets(lower, upper, size, alignment=1, max_work=100)
        buffers = list(zip(lower.tolist(), upper.tolist(), size.tolist(), strict=True))
        assert found.peak <= min(simple_peaks(buffers)), seed


def test_never_worse_than_simple_ways() -> None:
    """On 300 random sets of buffers; on 10,000 in the long run."""
    check_never_worse(range(300))


@pytest.mark.long
def test_never_worse_than_simple_ways_in_ten_thousand_cases() -> None:
    """On 10,000 random sets of buffers no simple way has a lower peak."""
    check_never_worse(range(300, 10_300))


@pytest.mark.parametrize("made", [cut, pinwheels])
def test_a_full_rectangle_is_packed_again(made: Callable[[int, int], Blocks]) -> None:
    """150 buffers, cut out of a rectangle, find back into it: not a byte is free at any time."""
    blocks = made(150, 1)
    found = assign_offsets(*blocks, alignment=1, max_work=200_000)
    assert found.optimal
    assert found.peak == found.lower_bound == 2**20
    assert_sound(*blocks, found)


@pytest.mark.parametrize("made", [cut, pinwheels])
@pytest.mark.parametrize("count", [150, 300, 450])
def test_large_full_rectangles_are_packed_again(
    made: Callable[[int, int], Blocks], count: int
) -> None:
    """Of five each, all without the solver, by a counted search of a few seconds."""
    found = [assign_offsets(*made(count, seed), alignment=1) for seed in range(5)]
    assert all(one.optimal for one in found)


@pytest.mark.long
def test_the_solver_packs_what_is_left() -> None:
    """With OR-tools these are packed, where the exact search may do nothing."""
    pytest.importorskip("ortools")
    for seed in range(5):
        blocks = pinwheels(150, seed)
        assert not assign_offsets(*blocks, alignment=1, max_work=0).optimal
        found = assign_offsets(*blocks, alignment=1, max_work=0, time_limit=60, solver=True)
        assert found.optimal


@pytest.mark.parametrize("longest", [4, 60, 1000])
def test_four_thousand_buffers_are_placed_soundly(longest: int) -> None:
    """A large plan, from mostly short lives to mostly long ones, is near the bound."""
    blocks = random_blocks(4000, longest, longest)
    found = assign_offsets(*blocks, alignment=1)
    assert found.peak <= 1.05 * found.lower_bound
    assert_sound(*blocks, found)


@pytest.mark.long
@pytest.mark.parametrize("longest", [4, 100, 2000])
def test_twenty_thousand_buffers_come_within_three_percent(longest: int) -> None:
    """Of the lower bound, from short lives to long ones."""
    found = assign_offsets(*random_blocks(20_000, longest, 0), alignment=1)
    assert found.peak <= 1.03 * found.lower_bound


def test_equal_buffers_give_the_same_placement_each_time() -> None:
    """Nothing but the arguments decides: two calls agree, bit for bit."""
    blocks = random_blocks(200, 50, 0)
    first, second = assign_offsets(*blocks), assign_offsets(*blocks)
    assert first.offsets.tobytes() == second.offsets.tobytes()
    assert not first.timed_out


def test_a_time_limit_is_kept_and_told() -> None:
    """A search that the clock ends says so, and what was found before is sound."""
    lower, upper, size = pinwheels(450, 1)
    start = time.monotonic()
    found = assign_offsets(lower, upper, size - size % 3 + 1, alignment=1, max_work=10**9,
                           time_limit=0.3)  # fmt: skip
    assert time.monotonic() - start < 5
    assert found.timed_out
    assert not found.optimal
    assert_sound(lower, upper, size - size % 3 + 1, found)


def test_what_never_meets_is_placed_by_itself() -> None:
    """A stretch that needs less than another has all of that one's room."""
    blocks = cut(30, 3)
    lower = np.concatenate([blocks.lower, blocks.lower + 1000])
    upper = np.concatenate([blocks.upper, blocks.upper + 1000])
    size = np.concatenate([blocks.size, blocks.size // 2])
    assert assign_offsets(lower, upper, size, alignment=1).peak == 2**20


@pytest.mark.parametrize("buffers", [[], [(0, 1, 0)], [(0, 3, 0), (1, 2, 0)]])
def test_buffers_of_no_bytes_take_none(buffers: list[Row]) -> None:
    """An empty arena is possible."""
    found = placed(buffers)
    assert (found.peak, found.lower_bound, found.optimal) == (0, 0, True)


def test_a_buffer_of_no_bytes_does_not_push_others_apart() -> None:
    """An empty tensor between two others costs nothing."""
    assert placed([(0, 2, 64), (0, 9, 0), (2, 4, 64)]).peak == ALIGNMENT


def test_a_capacity_that_is_enough_ends_the_search() -> None:
    """Within the capacity the peak needn't be the least."""
    lower, upper, size = pinwheels(150, 3)
    found = assign_offsets(lower, upper, size, alignment=1, capacity=2**22, max_work=0)
    assert found.peak <= 2**22


def test_an_unreachable_capacity_says_when_and_who() -> None:
    """The error names the time, what lives then, and the largest of it."""
    with pytest.raises(CompileError, match=r"live at time 3 \(numbers 0, 1\), .* number 1"):
        assign_offsets([0, 3], [5, 6], [8, 16], alignment=1, capacity=20)


@pytest.mark.parametrize(("arguments", "said"), [
    (([0], [2], [-1]), "buffer 0 has a size of -1"),
    (([0, 4], [2, 4], [1, 1]), "buffer 1 lives from 4 to 4"),
    (([0, 1], [2], [1, 1]), "2, 1 and 2"),
    (([0], [2], [2**63]), "size of buffer 0 is 9223372036854775808"),
    (([0, 0], [2, 2], [64, 2**62]), "buffer 1 has a size of 4611686018427387904"),
    (([0, 0], [2, 2], [2**61, 2**61]), "buffer 1 .* 4611686018427387904 together"),
    (([0], [2], [1.5]), "whole numbers"),
    (([[0]], [2], [1]), "whole numbers"),
])  # fmt: skip
def test_bad_buffers_are_named(arguments: tuple[Any, Any, Any], said: str) -> None:
    """Sizes below 0 or beyond 64 bits, lifetimes upside down: the error says which buffer."""
    with pytest.raises(ArgumentError, match=said):
        assign_offsets(*arguments)


def test_an_alignment_is_a_whole_number() -> None:
    """Anything else is refused."""
    with pytest.raises(ArgumentError, match="alignment"):
        assign_offsets([0], [1], [1], alignment=0)


def test_a_solver_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OR-tools the error names the extra."""
    monkeypatch.setattr("scheduler.arena_solver.find_spec", lambda name: None)
    with pytest.raises(CompileError, match=r"dataflow-runtime\[solver\]"):
        assign_offsets([0], [1], [1], solver=True)


def test_the_package_offers_it() -> None:
    """`scheduler.assign_offsets` is the function, and nothing else comes by accident."""
    assert scheduler.assign_offsets is assign_offsets
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = scheduler.nothing


def test_times_may_be_any_that_64_bits_hold() -> None:
    """Buffers that live at the ends of the range are placed like those at its middle."""
    rng = np.random.default_rng(16)
    for _ in range(40):
        lower = rng.integers(0, 12, 14)
        upper = lower + rng.integers(1, 8, 14)
        size = rng.integers(1, 30, 14)
        usual = assign_offsets(lower, upper, size, alignment=1)
        early = assign_offsets(lower - 2**62 - 2**62, upper - 2**62 - 2**62, size, alignment=1)
        assert (early.offsets == usual.offsets).all()
    ends = assign_offsets([-(2**62) * 2, 0], [1, 2**62], [3, 4], alignment=1)
    assert (ends.peak, ends.lower_bound) == (7, 7)


def test_a_capacity_proves_nothing_of_less() -> None:
    """What is enough ends the search: the peak isn't claimed to be the best then."""
    lower, upper = [6, 2, 2, 5, 1, 3, 4, 3, 3, 4], [10, 3, 6, 8, 4, 7, 9, 8, 5, 6]
    size = [11, 5, 9, 3, 4, 3, 10, 4, 1, 3]
    enough = assign_offsets(lower, upper, size, alignment=1, capacity=33)
    best = assign_offsets(lower, upper, size, alignment=1)
    assert (best.peak, best.optimal) == (32, True)
    assert enough.peak == 32 or not enough.optimal


def test_no_time_at_all_is_said_to_have_cut_the_search() -> None:
    """Where the clock forbids the search, `timed_out` says so."""
    found = assign_offsets(*FULL, alignment=1, time_limit=0)
    assert found.timed_out or found.optimal


@pytest.mark.parametrize(
    "limit", [{"capacity": "64MiB"}, {"capacity": -1}, {"max_work": 1.5}, {"time_limit": np.nan}]
)
def test_limits_that_are_no_numbers_are_refused(limit: dict[str, Any]) -> None:
    """The message names the limit and what came."""
    (name,) = limit
    with pytest.raises(ArgumentError, match=name):
        assign_offsets([0], [1], [1], **limit)


def test_an_unreachable_capacity_names_the_caller_s_buffer() -> None:
    """Buffers of no size count too."""
    with pytest.raises(CompileError, match="number 2, with 16"):
        assign_offsets([0, 0, 3], [1, 5, 6], [0, 8, 16], capacity=20, alignment=1)


def test_numpy_s_integers_are_limits() -> None:
    """Whatever counts as an index is taken for the limits, but no boolean."""
    limits: dict[str, Any] = {"alignment": np.uint8(4), "capacity": np.int64(9),
                              "max_work": np.int32(0)}  # fmt: skip
    assert assign_offsets([0], [1], [1], **limits).peak == 4
    with pytest.raises(ArgumentError, match="capacity is a whole number"):
        assign_offsets([0], [1], [1], capacity=np.True_)  # type: ignore[arg-type]


def test_a_capacity_that_is_not_reached_gives_the_best() -> None:
    """At the lower bound no placement is: the best comes back, and it is proved to be that."""
    found = assign_offsets(*FULL, alignment=1, capacity=12)
    assert (found.peak, found.lower_bound, found.optimal, found.timed_out) == (13, 12, True, False)


def test_the_solver_takes_times_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given the order of times, not times, so that those near 2**62 are none too large."""
    seen: list[Blocks] = []

    def solving(blocks: Blocks, capacity: int, seconds: float) -> Found:
        seen.append(blocks)
        return Found(None, is_exhausted=False, work=0)

    monkeypatch.setattr("scheduler.arena.solve", solving)
    monkeypatch.setattr("scheduler.arena.check_solver", lambda: None)
    *times, size = FULL
    lower, upper = (np.asarray(ends, np.int64) * 2**50 for ends in times)
    found = assign_offsets(lower, upper, size, alignment=1, max_work=0, solver=True)
    assert seen
    assert max(int(blocks.upper.max()) for blocks in seen) < 2 * len(size)
    assert not found.timed_out


def test_numbers_that_the_solver_cannot_take_did_not_time_out() -> None:
    """Sizes whose sum OR-tools can't hold are given up at once, and no clock is blamed."""
    pytest.importorskip("ortools")
    from scheduler.arena_solver import solve

    large = 2**61
    blocks = Blocks(*np.array([[0, 0, 0], [1, 1, 1], [large, large, large - 1]]))
    found = solve(blocks, 2**62, 1.0)
    assert found.offsets is None
    assert not found.timed_out
