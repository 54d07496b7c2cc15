"""The arena: no two blocks that live at once overlap, and the peak is near the lower bound."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.arena import Block, Placement, largest_live_set, place
from scheduler.plan import ALIGNMENT, padded


def block(nbytes: int, first: int, length: int) -> Block:
    """Return a block that lives for `length` steps."""
    return Block(nbytes, first, first + length)


blocks = st.lists(
    st.builds(block, st.integers(0, 1000), st.integers(0, 30), st.integers(1, 12)), max_size=40
)


def assert_sound(given_blocks: list[Block], placement: Placement) -> None:
    """Check offsets against lifetimes pair by pair, by nothing but the definition."""
    assert len(placement.offsets) == len(given_blocks)
    tops = [o + padded(b.nbytes) for o, b in zip(placement.offsets, given_blocks, strict=True)]
    assert placement.peak == max(tops, default=0)
    assert all(o >= 0 and o % ALIGNMENT == 0 for o in placement.offsets)
    for i, a in enumerate(given_blocks):
        for j, b in enumerate(given_blocks[:i]):
            if a.nbytes and b.nbytes and a.first < b.end and b.first < a.end:
                apart = tops[i] <= placement.offsets[j] or tops[j] <= placement.offsets[i]
                assert apart, f"{a} at {placement.offsets[i]}, {b} at {placement.offsets[j]}"


def live_at(given_blocks: list[Block], step: int) -> int:
    """Return the padded bytes that live at one step."""
    return sum(padded(b.nbytes) for b in given_blocks if b.first <= step < b.end)


@settings(max_examples=300, deadline=None)
@given(blocks)
def test_no_two_live_blocks_overlap(given_blocks: list[Block]) -> None:
    """Any set of blocks gets aligned offsets that keep those apart that live at once."""
    assert_sound(given_blocks, place(given_blocks))


@settings(deadline=None)
@given(blocks)
def test_the_lower_bound_is_the_largest_live_set(given_blocks: list[Block]) -> None:
    """The bound is what the definition gives step by step, and no placement goes below it."""
    placement = place(given_blocks)
    assert placement.lower_bound == max((live_at(given_blocks, s) for s in range(50)), default=0)
    assert placement.lower_bound == largest_live_set(given_blocks) <= placement.peak


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60))
def test_a_chain_reaches_the_lower_bound(sizes: list[int]) -> None:
    """Where each block is read by the next step only, the arena is as small as can be."""
    chain = [Block(nbytes, i, i + 2) for i, nbytes in enumerate(sizes)]
    placement = place(chain)
    assert placement.peak == placement.lower_bound
    assert placement.lower_bound == max(
        [padded(sizes[0]), *(padded(a) + padded(b) for a, b in pairwise(sizes))]
    )


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 1000))
def test_a_forward_and_a_reverse_sweep_reach_the_lower_bound(depth: int, nbytes: int) -> None:
    """Activations that die in the reverse order of their birth stack up without a gap."""
    nested = [Block(nbytes, i, 2 * depth - i) for i in range(depth)]
    placement = place(nested)
    assert placement.peak == placement.lower_bound == depth * padded(nbytes)


def test_equal_blocks_in_any_order_give_the_same_placement_each_time() -> None:
    """Nothing but the blocks decides: two calls agree."""
    rng = np.random.default_rng(0)
    some = [block(*map(int, rng.integers(1, 400, 3))) for _ in range(200)]
    assert place(some) == place(list(some))


@pytest.mark.parametrize("nothing", [[], [Block(0, 0, 1)], [Block(0, 0, 3), Block(0, 1, 2)]])
def test_blocks_of_no_bytes_take_none(nothing: list[Block]) -> None:
    """An empty arena is possible."""
    placement = place(nothing)
    assert (placement.peak, placement.lower_bound) == (0, 0)


def test_a_block_of_no_bytes_does_not_push_others_apart() -> None:
    """An empty tensor between two others costs nothing."""
    placement = place([Block(64, 0, 2), Block(0, 0, 9), Block(64, 2, 4)])
    assert placement.peak == ALIGNMENT


@pytest.mark.parametrize("longest", [4, 60, 3000])
def test_ten_thousand_blocks_are_placed_soundly(longest: int) -> None:
    """A large plan, from mostly short lives to mostly long ones, within a tenth of the bound."""
    rng = np.random.default_rng(longest)
    rows = zip(rng.integers(1, 10**6, 10_000), rng.integers(0, 10_000, 10_000),
               rng.integers(1, longest, 10_000), strict=True)  # fmt: skip
    many = [block(*map(int, row)) for row in rows]
    placement = place(many)
    assert placement.lower_bound <= placement.peak <= 1.1 * placement.lower_bound
    assert_disjoint(many, placement)


def assert_disjoint(many: list[Block], placement: Placement) -> None:
    """Check at each block's first step that it lies apart from all that live then."""
    lows = np.array(placement.offsets)
    highs = lows + [padded(b.nbytes) for b in many]
    ends = np.array([b.end for b in many])
    live = np.array([], int)
    for index in sorted(range(len(many)), key=lambda i: many[i].first):
        live = live[ends[live] > many[index].first]
        assert np.all((highs[index] <= lows[live]) | (highs[live] <= lows[index]))
        live = np.append(live, index)
