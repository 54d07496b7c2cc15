"""Loops in segments: `unroll` and `checkpoint_every` change work and memory, not what comes out."""

from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError

RNG = np.random.default_rng(8)
X, W = RNG.normal(size=(7, 3)), RNG.normal(size=(3, 3))
OPTIONS: list[dict[str, int]] = [
    {}, {"unroll": 3}, {"unroll": 7}, {"checkpoint_every": 3}, {"checkpoint_every": 9},
    {"checkpoint_every": 4, "unroll": 2},
]  # fmt: skip


def ends(length: int | str, *, reverse: bool, **options: int) -> dict[str, df.Tensor]:
    """Return a recurrence's results, and derivatives of two orders in both modes."""
    b = df.GraphBuilder()
    x = b.input("x", (length, 3), "float64")
    w, h = b.constant(W), b.constant(X[0])
    count = b.constant(0)

    def step(carry: Any, row: df.Tensor) -> Any:  # noqa: ANN401
        h, count = carry
        new = df.tanh(w @ h + row)
        return (new, count + 1), {"y": new.sum() * row, "count": count}

    (last, count), ys = df.scan(step, (h, count), x, reverse=reverse, **options)
    loss = (last * last).sum() + df.sin(ys["y"]).sum()
    found = {"last": last, "count": count, "y": ys["y"], "counts": ys["count"]}
    found |= zip(("gx", "gw"), df.grad(loss, (x, w)), strict=True)
    found["jvp"] = df.jvp(loss, w, W)
    found["hvp"] = df.hvp(loss, w, W)
    return found


def values(found: dict[str, df.Tensor], rows: np.ndarray, **dims: int) -> dict[str, np.ndarray]:
    """Run a plan of tensors, and compare it with the reference."""
    builder: Any = found["last"].builder
    plan = df.compile(builder.build(found), dims=dims)
    made = df.Runner(plan, poison=True).run(x=rows)
    for name, expected in zip(found, df.evaluate(*found.values(), x=rows), strict=True):
        np.testing.assert_array_equal(made[name], expected)
    return made


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
def test_options_change_nothing_but_rounding(options: dict[str, int], *, reverse: bool) -> None:
    """Values have the same bits; derivatives, which add in another order, the same digits."""
    plain = values(ends(7, reverse=reverse), X)
    for length, dims in ((7, {}), ("n", {"n": 7})):
        made = values(ends(length, reverse=reverse, **options), X, **dims)
        for name, array in made.items():
            if name in ("last", "count", "y", "counts"):
                np.testing.assert_array_equal(array, plain[name])
            np.testing.assert_allclose(array, plain[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("length", [0, 1, 3, 6])
@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
def test_lengths_around_a_segment(length: int, options: dict[str, int]) -> None:
    """No step, less than a segment, exactly one, and several come out right."""
    plain = values(ends(length, reverse=False), X[:length])
    made = values(ends(length, reverse=False, **options), X[:length])
    for name, array in made.items():
        np.testing.assert_allclose(array, plain[name], rtol=1e-12, atol=1e-13)


def peak(length: int, width: int, **options: int) -> int:
    """Return the bytes of a gradient through a recurrence that reads no rows."""
    b = df.GraphBuilder()
    h = b.input("h", (width,), "float64")
    last, _ = df.scan(lambda c, _: (df.sin(c) * 0.5, None), h, None, length=length, **options)
    plan = df.compile(b.build({"slope": df.grad(last.sum(), h)}), tiles=False)
    return plan.peak


def test_memory_is_that_of_segments() -> None:
    """A gradient of 1,024 steps keeps 32 + 32 carries where it is told to, not 1,024."""
    row = 1000 * 8
    assert peak(1024, 1000) >= 1024 * row
    assert peak(1024, 1000, checkpoint_every=32) <= (32 + 32 + 12) * row


def test_unrolled_loop_has_fewer_steps() -> None:
    """A body of four steps is run a quarter as often; counters and maps take the option too."""
    b = df.GraphBuilder()
    x = b.input("x", (), "float64")
    plans = [
        df.compile(b.build({"y": df.fori_loop(0, 100, lambda _, c: c * 1.01, x, unroll=k)}))
        for k in (1, 4)
    ]
    lengths = [step.attrs["length"] for plan in plans for step in plan.steps if step.op == "scan"]
    assert lengths == [(100,), (25,)]
    found = [df.Runner(plan).run(x=1.0)["y"] for plan in plans]
    assert found[0] == found[1]


def test_counts_are_checked() -> None:
    """A count that isn't one is refused, with the user's line."""
    b = df.GraphBuilder()
    x = b.constant(X)
    for options in ({"unroll": 0}, {"checkpoint_every": 0}, {"unroll": 1.5}, {"unroll": True}):
        with pytest.raises(ArgumentError, match=rf"test_scan_options.py:\d+\): {min(options)} is"):
            df.scan(lambda c, row: (c + row, None), x[0], x, **options)
