"""The order of steps: of small programs the best there is, and never worse than declaration."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

import dataflow as df
from scheduler import compiler
from scheduler.layout import Layout, lay_out, placed
from scheduler.memory import assign_memory
from scheduler.order import candidate_orders, order_items
from scheduler.plan import padded
from scheduler.program import Program, lower
from scheduler.simplify import simplify
from tests.programs.program import PROGRAMS
from tests.test_programs import declared

MOST = 4000  # orders that are tried


def grown(seed: int, moves: int) -> Program:
    """Return a random program: sizes that differ by far, results that are read early and late."""
    rng = np.random.default_rng(seed)
    b = df.GraphBuilder("grown")
    pool = [b.input(f"x{i}", (int(rng.integers(1, 40) * 16),)) for i in range(3)]
    for _ in range(moves):
        t, u = (pool[int(rng.integers(max(0, len(pool) - 6), len(pool)))] for _ in range(2))
        kind = int(rng.integers(0, 5))
        made = [df.sin(t), df.cumsum(t), df.outer(t[:16], df.cos(u[:4])).reshape((-1,)),
                df.sum(t, keepdims=True) + df.cos(u)]  # fmt: skip
        pool.append(made[kind % 4] if kind < 4 else df.concatenate([t, u])[:1024] * 1.0)
    graph = b.build({f"y{i}": df.sum(t) for i, t in enumerate(pool[-3:])})
    return simplify(lower(graph, {}, graph.outputs, {}))


def all_orders(program: Program) -> list[list[int]]:
    """Return every order that values allow, up to a limit."""
    makers = program.makers()
    needs = [{makers[v] for v in item.inputs if v in makers} for item in program.items]

    def longer(order: list[int]) -> Iterator[list[int]]:
        if len(order) == len(needs):
            yield order
        for index, before in enumerate(needs):
            if index not in order and before <= set(order):
                yield from longer([*order, index])

    return [order for order, _ in zip(longer([]), range(MOST + 1), strict=False)]


def live(program: Program, order: Sequence[int]) -> int:
    """Return the largest live set of the plan that an order gives, by its buffers' lifetimes."""
    return min(live_with(program, order, joins=joins) for joins in (True, False))


def live_with(program: Program, order: Sequence[int], *, joins: bool) -> int:
    """Return the same of a plan that makes parts of concatenations in their place, or doesn't."""
    memory = assign_memory(program, order, joins=joins)
    change = np.zeros(len(memory.steps) + 2, np.int64)
    for buffer in memory.buffers:
        if buffer.kind == "temporary":
            change[buffer.first] += padded(buffer.nbytes)
            change[buffer.end] -= padded(buffer.nbytes)
    return int(np.cumsum(change).max())


def check_best(seeds: range) -> None:
    """Compare with all orders, where there are few enough to try."""
    tried = 0
    for seed in seeds:
        program = grown(seed, 5)
        orders = all_orders(program)
        if len(program.items) <= 14 and len(orders) <= MOST:
            tried += 1
            best = min(live(program, order) for order in orders)
            found = min(live(program, order) for joins in (True, False)
                        for order in candidate_orders(program, joins=joins))  # fmt: skip
            assert found <= 1.05 * best, seed
    assert tried >= len(seeds) // 4


def test_small_programs_have_the_best_order() -> None:
    """Within 5 % of the best of all orders, by the plans that they give."""
    check_best(range(20))


@pytest.mark.long
def test_many_small_programs_have_the_best_order() -> None:
    """The same of 400 more."""
    check_best(range(1000, 1400))


def test_a_search_that_is_too_long_leaves_the_list_order() -> None:
    """A program of two hundred items is ordered in well under a second, and soundly."""
    program = grown(1, 120)
    order = order_items(program)
    assert sorted(order) == list(range(len(program.items)))
    declared = range(len(program.items))
    assert live_with(program, order, joins=False) <= live_with(program, declared, joins=False)


def check_against_declaration(name: str, patch: pytest.MonkeyPatch) -> None:
    """Compare a program's plan, and those of its bodies, with those of declaration."""
    found: list[Layout] = []

    def lay(program: Program, *, slices: int) -> Layout:
        del slices
        found.append(check_layout(program))
        return found[-1]

    patch.setattr(compiler, "lay_out", lay)
    df.compile(declared(PROGRAMS[name]))
    assert found


def check_layout(program: Program) -> Layout:
    """Compare the plan of a program, whose updates are placed, with that of its order."""
    whole = placed(assign_memory(program, range(len(program.items))))
    layout = lay_out(program, slices=1)
    assert layout.peak <= whole.peak
    return layout


SOME = ("u_net", "transformer_block", "mlp_classifier", "gru", "causal_attention")


@pytest.mark.parametrize("name", SOME)
def test_never_worse_than_declaration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's plan has no higher peak than in the order in which it was declared."""
    check_against_declaration(name, monkeypatch)


@pytest.mark.parametrize(("seeds", "moves"), [(range(60), 9), (range(8), 60), (range(2), 400)])
def test_no_random_program_is_worse_than_declaration(seeds: range, moves: int) -> None:
    """The same of small programs and of some with more than five hundred items."""
    for seed in seeds:
        check_layout(grown(seed, moves))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - set(SOME)))
def test_no_program_is_worse_than_declaration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of all others."""
    check_against_declaration(name, monkeypatch)
