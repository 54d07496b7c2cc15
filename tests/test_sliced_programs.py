"""Whole programs in slices that they wouldn't be worth: values stay what the whole plan gives."""

import numpy as np
import pytest

import dataflow as df
from scheduler.plan import Plan
from tests.programs.program import PROGRAMS
from tests.test_programs import declared
from tests.test_tiles import in_slices

Patch = pytest.MonkeyPatch

CLASSES = 3
"""How many classes of axes are tried; `compile` looks at as many."""

SOME = ("mlp_classifier", "transformer_block", "gru", "u_net", "kalman_filter", "causal_attention")


def sliced_plans(name: str, patch: Patch) -> list[Plan]:
    """Return the plans of a program in slices of one row and of two, by each class of axes."""
    graph = declared(PROGRAMS[name])
    plans = [in_slices(graph, rows, patch, number) for number in range(CLASSES) for rows in (1, 2)]
    return [plan for plan in plans if plan.groups]


def check_slices(name: str, patch: Patch) -> int:
    """Compare each with the whole, in poisoned memory; return how many there are."""
    arrays = PROGRAMS[name].arrays()
    whole = df.Runner(df.compile(declared(PROGRAMS[name]), tiles=False)).run(arrays)
    plans = sliced_plans(name, patch)
    for plan in plans:
        found = df.Runner(plan, poison=True).run(arrays)
        for output, expected in whole.items():
            scale = np.abs(expected).max(initial=0)
            np.testing.assert_allclose(found[output], expected, rtol=0, atol=1e-9 * scale,
                                       err_msg=f"{output}, {plan.groups}")  # fmt: skip
    return len(plans)


@pytest.mark.parametrize("name", SOME)
def test_slices_give_what_the_whole_gives(name: str, monkeypatch: Patch) -> None:
    """To the roundings of sums in another order, for some programs; for all in the long run."""
    assert check_slices(name, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - set(SOME)))
def test_slices_of_all_programs_give_what_the_whole_gives(name: str, monkeypatch: Patch) -> None:
    """The same for the other programs, as far as they can be sliced."""
    check_slices(name, monkeypatch)
