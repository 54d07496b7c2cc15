"""Orders of trees and of series-parallel graphs whose best peak is known."""

import numpy as np
import pytest

import dataflow as df
from scheduler.layout import lay_out
from scheduler.program import Program, lower
from scheduler.simplify import simplify
from scheduler.tree_order import tree_order

Rng = np.random.Generator
Levels = list[int]  # bytes that live, in one moment after the other


def woven(rng: Rng, t: df.Tensor, u: df.Tensor) -> df.Tensor:
    """Return a new value of a random size, made by one step of parts of two others."""
    rows = int(rng.choice([1, 2, 3, 5, 8, 13, 21, 34]))
    return df.outer(t[: rows % 16 + 1], u[-16:]).reshape((-1,))


def ready(b: df.GraphBuilder, *results: df.Tensor) -> Program:
    """Return the program of some results, each of which is added up at the end."""
    graph = b.build({f"y{i}": df.sum(t) for i, t in enumerate(results)})
    return simplify(lower(graph, {}, graph.outputs, {}))


def most_live(program: Program) -> int:
    """Return the most bytes that live at once in a program's plan."""
    return lay_out(program, slices=1).lower_bound


def best_of_all(program: Program) -> int:
    """Return the least peak of all orders: over all sets of steps that may have run.

    Each value lives from its step to its last reader; views are free.
    """
    home = list(range(len(program.specs)))
    for item in program.items:
        if item.op.alias is not None:
            home[item.outputs[0]] = home[item.inputs[0]]
    steps = [item for item in program.items if item.op.alias is None]
    sizes = {item.outputs[0]: -(-program.specs[item.outputs[0]].nbytes // 64) * 64
             for item in steps}  # fmt: skip
    reads = [{home[value] for value in item.inputs} & sizes.keys() for item in steps]
    ends = {home[value] for value in program.outputs.values()}
    peaks = {frozenset[int](): 0}
    for _ in steps:
        longer: dict[frozenset[int], int] = {}
        for done, peak in peaks.items():
            made = {steps[index].outputs[0] for index in done}
            wanted = ends.union(*(reads[i] for i in range(len(steps)) if i not in done))
            live = sum(sizes[value] for value in made & wanted)
            for index in {*range(len(steps))} - done:
                if reads[index] <= made:
                    during = live + sizes[steps[index].outputs[0]]
                    after = done | {index}
                    longer[after] = min(longer.get(after, 2**63), max(peak, during))
        peaks = longer
    (best,) = peaks.values()
    return best


# Trees


def tree(rng: Rng, leaves: int) -> tuple[Program, dict[int, list[int]], list[int]]:
    """Return the program of a random tree, the children of its values, and their bytes."""
    b = df.GraphBuilder("tree")
    given = [b.input(f"x{i}", (64,)) for i in range(leaves)]  # alike leaves would become one
    made = [woven(rng, x, x) for x in given]
    children: dict[int, list[int]] = {node: [] for node in range(leaves)}
    roots = list(range(leaves))
    while len(roots) > 1:
        pair = [roots.pop(int(rng.integers(len(roots)))) for _ in range(2)]
        children[len(made)] = pair
        roots.append(len(made))
        made.append(woven(rng, *(made[node] for node in pair)))
    children[len(made)] = roots
    return ready(b, made[-1]), children, [t.spec.nbytes for t in made] + [64]


def segments(levels: Levels) -> list[tuple[int, int, int]]:
    """Return from where to which hill and to which valley each part of a row of levels goes.

    A hill is the highest level that is left, the last of equals; a valley is the lowest after it.
    """
    found = []
    while len(levels) > 1:
        hill = max(range(1, len(levels)), key=lambda i: (levels[i], i))
        low = min(range(hill, len(levels)), key=lambda i: (levels[i], -i))
        found.append((levels[0], levels[hill], levels[low]))
        levels = levels[low:]
    return found


def best_levels(children: dict[int, list[int]], sizes: list[int], node: int) -> Levels:
    """Return what lives in the best order of a subtree, step by step, as Liu's theorem has it."""
    rows = [segments(best_levels(children, sizes, child)) for child in children[node]]
    levels = [0]
    for start, hill, low in sorted((part for row in rows for part in row),
                                   key=lambda part: part[2] - part[1]):  # fmt: skip
        levels += [levels[-1] + hill - start, levels[-1] + low - start]
    return [*levels, levels[-1] + sizes[node], sizes[node]]


def test_small_trees_confirm_the_theorem() -> None:
    """On trees of up to nine values, no order of all has a lower peak than Liu's."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        program, children, sizes = tree(rng, 4)
        liu = max(best_levels(children, sizes, len(sizes) - 1))
        assert best_of_all(program) == liu


@pytest.mark.parametrize("seed", range(5))
def test_trees_of_two_hundred_values_have_the_best_order(seed: int) -> None:
    """In the plan of a tree, no more lives at once than in the best of all orders."""
    program, children, sizes = tree(np.random.default_rng(seed), 100)
    assert len(sizes) == 200
    assert most_live(program) == max(best_levels(children, sizes, 199))


def test_a_long_tree_takes_no_long() -> None:
    """Each of 30,000 items grows what lives; they are merged, and joined, in one go."""
    count = 30_000
    order = tree_order([2] * count, [1] * count, [*range(1, count), -1])
    assert order == list(range(count))


# Series-parallel graphs


def block(rng: Rng, first: df.Tensor, nodes: int) -> df.Tensor:
    """Return the end of a random series-parallel graph that begins with a value."""
    if nodes <= 1:
        return woven(rng, first, first)
    some = int(rng.integers(1, nodes))
    if rng.random() < 0.4:  # one after the other
        return block(rng, block(rng, first, some), nodes - some)
    branches = block(rng, first, some), block(rng, first, max(1, nodes - some - 1))
    return woven(rng, *branches)


@pytest.mark.parametrize("seed", range(3))
def test_series_of_two_hundred_values_have_the_best_order(seed: int) -> None:
    """Blocks that meet in single values are as good as the best orders of each: within 5 %."""
    seeds = range(100 * seed, 100 * seed + 17)
    whole = df.GraphBuilder("series")
    end, best = whole.input("x", (64,)), 0
    for number in seeds:
        alone = df.GraphBuilder("block")
        start = alone.input("x", (64,))
        best = max(best, best_of_all(ready(alone, whole_block(number, start))))
        end = whole_block(number, end)
    program = ready(whole, end)
    assert sum(item.op.alias is None for item in program.items) >= 200
    assert best <= most_live(program) <= 1.05 * best


@pytest.mark.parametrize("chains", [5, 10, 20])
@pytest.mark.parametrize("seed", range(3))
def test_forks_of_two_hundred_values_have_the_best_order(chains: int, seed: int) -> None:
    """Chains that read one value, and are joined two by two, need no more than the value and them.

    The best order of the joined chains alone is Liu's.
    """
    rng = np.random.default_rng(seed)
    b = df.GraphBuilder("fork")
    fork = woven(rng, *[b.input("x", (64,))] * 2)
    made: list[df.Tensor] = []
    children: dict[int, list[int]] = {}
    roots: list[int] = []

    def put(t: df.Tensor, *below: int) -> None:
        children[len(made)] = [*below]
        made.append(t)

    for i in range(chains):
        put(woven(rng, fork, b.input(f"x{i}", (64,))))
        for _ in range(190 // chains - 2):
            put(woven(rng, made[-1], made[-1]), len(made) - 1)
        roots.append(len(made) - 1)
    while len(roots) > 1:
        pair = [roots.pop(int(rng.integers(len(roots)))) for _ in range(2)]
        put(woven(rng, *(made[node] for node in pair)), *pair)
        roots.append(len(made) - 1)
    children[len(made)] = roots
    sizes = [-(-t.spec.nbytes // 64) * 64 for t in made] + [64]
    alone = max(best_levels(children, sizes, len(made)))
    assert most_live(ready(b, made[-1])) <= fork.spec.nbytes + alone


def whole_block(seed: int, t: df.Tensor) -> df.Tensor:
    """Return the end of a block of up to fourteen values, whose start alone reads a value."""
    rng = np.random.default_rng(seed)
    return block(rng, woven(rng, t, t), 11)


@pytest.mark.parametrize("seed", [1210, 1429, 1555, 1923, 2534])
def test_plans_of_small_programs_have_the_best_order_even_if_it_is_hard_to_place(seed: int) -> None:
    """Within 5 % of the best of all orders: a better order isn't dropped for a simple placement."""
    rng = np.random.default_rng(seed)
    b = df.GraphBuilder()
    pool = [b.input(f"x{i}", (64,)) for i in range(int(rng.integers(1, 4)))]
    count, used = int(rng.integers(8, 13)), set[int]()
    pool = [woven(rng, x, x) for x in pool]
    while len(pool) < count:
        first = max(0, len(pool) - int(rng.choice([3, 6, 12])))
        i, j = map(int, rng.integers(first, len(pool), 2))
        used |= {i, j}
        pool.append(woven(rng, pool[i], pool[j]))
    ends = [tensor for i, tensor in enumerate(pool) if i not in used]
    plan = df.compile(b.build({f"y{i}": df.sum(tensor) for i, tensor in enumerate(ends)}))
    assert plan.peak <= 1.05 * best_of_all(ready(b, *ends))
