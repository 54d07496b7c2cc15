"""The binomial schedule: it reverses every step once, and runs as few again as can be."""

from functools import cache

import pytest

from dataflow.ops.revolve import moves, runs_again


@cache
def fewest(steps: int, kept: int) -> int:
    """Return by dynamic programming how many steps must be run to reverse some."""
    if steps <= 1:
        return 0
    if kept == 1:
        return steps * (steps - 1) // 2
    return min(
        middle + fewest(middle, kept) + fewest(steps - middle, kept - 1)
        for middle in range(1, steps)
    )


@pytest.mark.parametrize("slots", range(9))
def test_schedule_is_the_best_there_is(slots: int) -> None:
    """No schedule runs fewer steps, for any number of steps, and the formula says how many."""
    for steps in range(60):
        run = sum(move.steps for move in moves(steps, slots))
        assert run == fewest(steps, slots + 1) == runs_again(steps, slots)


@pytest.mark.parametrize("slots", [1, 2, 5, 100])
@pytest.mark.parametrize("steps", [-3, 0, 1, 2, 7, 50, 300])
def test_schedule_pulls_back_every_step_once_the_last_first(steps: int, slots: int) -> None:
    """What a slot keeps is what the schedule says, and steps are pulled back in order."""
    kept, pulled = {0: 0}, []
    for source, run, target in moves(steps, slots):
        assert 0 <= target <= slots
        state = kept[source] + run
        if target:
            kept[target] = state
        else:
            pulled.append(state)
    assert pulled == list(range(steps))[::-1]
