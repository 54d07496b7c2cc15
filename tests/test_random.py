"""Draws by key: their distributions, their independence, and that they are functions of (key, i).

Every test draws with fixed keys, so what it says of chance is the same at every run. Numbers are
many where a scale that is wrong by 2 % must show: the test of that is `test_wrong_scale_is_caught`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.errors import DTypeError, ShapeError
from dataflow.registry import get_op
from scheduler.verify import verify
from tests.hand_made import HandMade
from tests.oracle import run

stats = pytest.importorskip("scipy.stats")

MANY = 500_000
KOLMOGOROV = 1.9
"""What √n times the largest distance of two distribution functions exceeds once in 700 times."""

Array = Any

KEY_7 = 1346066267577507604
WORDS_7 = [2880999951618078073, 15489922793411136049, 9350045899543685971]
SPLIT_7, FOLDED_7 = 6764948634524889866, 10163935060576696195
UNIFORM_7 = [0.1561793088912964, 0.8397103548049927, 0.506866991519928]
NORMAL_7 = [0.311372351809456, 1.18244935106742]


def keyed(seed: int = 0) -> tuple[df.GraphBuilder, df.Tensor]:
    """Return a new builder, and a key as a constant of it."""
    b = df.GraphBuilder()
    return b, b.constant(df.random.key(seed))


def drawn(draw: Callable[[df.Tensor], df.Tensor], seed: int = 0) -> Array:
    """Return what a function draws from a key."""
    return df.evaluate(draw(keyed(seed)[1]))


def distance(sample: Array, cdf: Callable[[Array], Array]) -> float:
    """Return √n times the largest distance of a sample's distribution function from another."""
    ordered = np.sort(sample.astype(np.float64))
    n, expected = len(ordered), cdf(ordered)
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()) * np.sqrt(n))


def surprise(counts: Array, expected: Array) -> float:
    """Return by how many of its standard deviations a chi-square statistic exceeds its mean."""
    degrees = len(counts) - 1
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float((statistic - degrees) / np.sqrt(2 * degrees))


CONTINUOUS: dict[str, tuple[Callable[[df.Tensor], df.Tensor], Any]] = {
    "uniform": (lambda k: df.random.uniform(k, (MANY,), "float64"), stats.uniform()),
    "uniform_between": (
        lambda k: df.random.uniform(k, (MANY,), "float64", -2.0, 3.0), stats.uniform(-2, 5)),
    "normal": (lambda k: df.random.normal(k, (MANY,), "float64"), stats.norm()),
    "normal_moved": (
        lambda k: df.random.normal(k, (MANY,), "float64", 1.0, 3.0), stats.norm(1, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_distribution(name: str) -> None:
    """Draws have the distribution function that they should."""
    draw, law = CONTINUOUS[name]
    assert distance(drawn(draw), law.cdf) < KOLMOGOROV


@pytest.mark.parametrize("name", CONTINUOUS)
def test_wrong_scale_is_caught(name: str) -> None:
    """The same test fails for draws that are 2 % too wide."""
    draw, law = CONTINUOUS[name]
    assert distance(1.02 * drawn(draw), law.cdf) > KOLMOGOROV


@pytest.mark.parametrize("name", CONTINUOUS)
def test_neighbours_are_independent(name: str) -> None:
    """Elements next to each other, and the same elements of split keys, don't correlate."""
    draw, law = CONTINUOUS[name]
    ranks = law.cdf(drawn(draw)) - 0.5
    for lag in (1, 2, 64):
        assert abs((ranks[lag:] * ranks[:-lag]).mean()) * 12 < 4 / np.sqrt(MANY)
    key = keyed()[1]
    one, other = (law.cdf(a) - 0.5 for a in df.evaluate(*map(draw, df.random.split(key))))
    for pair in ((one, other), (one, ranks), (other, ranks)):
        assert abs((pair[0] * pair[1]).mean()) * 12 < 4 / np.sqrt(MANY)


# Keys


def test_streams_are_stable() -> None:
    """A key's numbers never change: those of seed 7 are these."""
    _, key = keyed(7)
    words, first, folded, floats, normals = df.evaluate(
        df.random.bits(key, (3,)), df.random.split(key)[0], df.random.fold_in(key, 5),
        df.random.uniform(key, (3,)), df.random.normal(key, (2,), "float64"),
    )  # fmt: skip
    assert int(df.random.key(7)) == KEY_7
    assert words.tolist() == WORDS_7
    assert (int(first), int(folded)) == (SPLIT_7, FOLDED_7)
    np.testing.assert_allclose(floats, UNIFORM_7, rtol=1e-7)
    np.testing.assert_allclose(normals, NORMAL_7, rtol=1e-14)


def test_bits_are_evenly_spread() -> None:
    """All 256 upper and lower bytes of words are as frequent, and so are short words' bits."""
    words = drawn(lambda k: df.random.bits(k, (MANY,)))
    for shift in (0, 24, 56):
        counts = np.bincount(words >> np.uint64(shift) & np.uint64(255), minlength=256)
        assert abs(surprise(counts, np.full(256, MANY / 256))) < 3
    for dtype, wide in (("uint8", 8), ("uint16", 16), ("uint32", 32)):
        short = drawn(partial(df.random.bits, shape=(MANY,), dtype=dtype))
        np.testing.assert_array_equal(short, words >> np.uint64(64 - wide))


def test_split_and_fold_in_make_other_keys() -> None:
    """A thousand keys split from one, and a thousand folded into it, are all different."""
    b = df.GraphBuilder()
    key = b.constant(df.random.key(3))
    split, folded, own = df.evaluate(
        df.random.split(key, (1000,)), df.random.fold_in(key, b.arange(1000)),
        df.random.bits(key, (1000,)),
    )  # fmt: skip
    assert len({*split.tolist(), *folded.tolist(), *own.tolist(), int(df.random.key(3))}) == 3001
    third = df.evaluate(df.random.split(key, 5)[2], df.random.fold_in(key, 2))
    assert [int(a) for a in third] == [split[2], folded[2]]


def test_many_keys_draw_what_each_draws() -> None:
    """An array of keys draws the stack of what each of them draws."""
    _, key = keyed()
    keys = df.random.split(key, (2, 3))
    for draw in (df.random.bits, df.random.uniform, df.random.normal):
        stack, one = df.evaluate(draw(keys, (4, 5)), draw(keys[1, 2], (4, 5)))
        assert stack.shape == (2, 3, 4, 5)
        np.testing.assert_array_equal(stack[1, 2], one)


def test_a_key_that_a_run_advances_gives_new_numbers() -> None:
    """A variable that is folded into itself at each run is a stream that a state resumes."""
    b = df.GraphBuilder()
    key = b.variable("key", df.random.key(1))
    b.update(key, df.random.fold_in(key, 0))
    plan = df.compile(b.build({"x": df.random.uniform(key, (5,))}))
    runner, other = df.Runner(plan), df.Runner(plan)
    first = runner.run()["x"]
    state = runner.state
    second = runner.run()["x"]
    other.load_state(state)
    assert not np.any(first == second)
    np.testing.assert_array_equal(other.run()["x"], second)


def test_keys_are_fed() -> None:
    """A key may be an input: equal keys, equal numbers."""
    b = df.GraphBuilder()
    key = b.input("key", (), "uint64")
    runner = df.Runner(df.compile(b.build({"x": df.random.uniform(key, (5,))})))
    one, other, again = (runner.run(key=df.random.key(s))["x"] for s in (1, 2, 1))
    assert not np.any(one == other)
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("name", ["rand", "randn", "random.bits"])
def test_tiles_give_the_whole(name: str) -> None:
    """A plan that draws in slices, and doubles, gives the bits that are drawn whole."""
    hand, attrs = HandMade(1000, 64), Attrs(dtype="float64", shape=(1000, 3), first=0)
    key = hand.constant(0.0)._replace(dtype=np.dtype("uint64"))
    hand.constants[key.buffer] = df.random.key(11)
    out = hand.local(3)
    if name == "random.bits":
        attrs, out = attrs.replace(dtype="uint64"), out._replace(dtype=np.dtype("uint64"))
    result = hand.rowwise(3)._replace(dtype=out.dtype)
    hand.step(name, (key,), out, attrs)
    words = tuple(hand.local(3, "uint64") for _ in range(3 if name == "randn" else 2))
    keys = tuple(hand.total(())._replace(dtype=np.dtype("uint64")) for _ in range(3))
    hand.throughout |= {operand.buffer for operand in words}
    hand.steps[-1] = hand.steps[-1]._replace(scratch=(*words, *keys))
    hand.step("add", (out, out), result)
    plan = hand.plan({"x": result})
    verify(plan)
    assert len(plan.groups[0].slices) == 16
    whole = run(get_op(name), [df.random.key(11)], attrs)[0]
    np.testing.assert_array_equal(df.Runner(plan).run()["x"], whole + whole)


# Parameters, shapes, dtypes


def test_parameters_broadcast_and_have_gradients() -> None:
    """Locations and scales broadcast to the shape, or give it, and are differentiated by."""
    b, key = keyed()
    loc, scale = b.constant(np.zeros((2, 1))), b.constant(np.ones(3))
    x = df.random.normal(key, dtype="float64", loc=loc, scale=scale)
    assert str(x.spec) == "float64[2, 3]"
    to_loc, to_scale, values = df.evaluate(*df.grad(x.sum(), [loc, scale]), x)
    np.testing.assert_array_equal(to_loc, np.full((2, 1), 3.0))
    np.testing.assert_allclose(to_scale, values.sum(0))
    low, high = b.constant(1.0), b.constant(2.0)
    y = df.random.uniform(key, (4,), minval=low, maxval=high)
    grads = df.evaluate(*df.grad(y.sum(), [low, high]), y)
    assert grads[0] + grads[1] == pytest.approx(4)
    assert grads[1] == pytest.approx(float((grads[2] - 1).sum()))


def test_named_dimensions_are_drawn() -> None:
    """A shape may name dimensions; the numbers are those of the bound shape."""
    b, key = keyed()
    x = df.random.normal(key, ("batch", 3))
    plan = df.compile(b.build({"x": x}), dims={"batch": 4})
    np.testing.assert_array_equal(
        df.Runner(plan).run()["x"], df.evaluate(df.random.normal(key, (4, 3)))
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes(dtype: str) -> None:
    """Uniform draws lie in [0, 1) in every dtype, and normal ones are finite."""
    u = drawn(lambda k: df.random.uniform(k, (MANY,), dtype))
    n = drawn(lambda k: df.random.normal(k, (MANY,), dtype))
    assert (u.dtype, n.dtype) == (np.dtype(dtype), np.dtype(dtype))
    assert u.min() >= 0
    assert u.max() < 1
    assert np.isfinite(n).all()
    assert u.mean(dtype=np.float64) == pytest.approx(0.5, abs=2e-3)


def test_wrong_arguments_are_refused() -> None:
    """A key that is none, a dtype or a shape that can't be drawn is refused when it is declared."""
    b, key = keyed()
    with pytest.raises(DTypeError, match="uint64"):
        df.random.uniform(b.constant(1.0), (2,))
    with pytest.raises(DTypeError, match="must be a tensor"):
        df.random.uniform(df.random.key(0), (2,))  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="int64"):
        df.random.normal(key, (2,), "int64")
    with pytest.raises(ShapeError):
        df.random.uniform(key, (-2,))
    with pytest.raises(ShapeError, match="broadcast"):
        df.random.normal(key, (2,), loc=b.constant(np.zeros(3)))
    with pytest.raises(ShapeError, match="broadcast"):
        df.random.normal(key, (2,), loc=b.constant(np.zeros((4, 2))))
    with pytest.raises(ShapeError, match="number of keys"):
        df.random.split(key, -1)
    with pytest.raises(DTypeError, match="integers"):
        df.random.fold_in(key, 0.5)
    with pytest.raises(DTypeError, match="seed"):
        df.random.key(-1)
