"""Schedules of the learning rate and clipping, against their formulas and against PyTorch's."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import ArgumentError, GraphError

optim = df.optim
STEPS = 40


def halves(n: int) -> float:
    """Return the rate of half cosines of 5, 10, 20 and 40 updates, one after the other."""
    length = 5
    while n >= length:
        n, length = n - length, 2 * length
    return 0.2 + 0.4 * (1 + math.cos(math.pi * n / length))


def rise_and_fall(n: int) -> float:
    """Return the rate of one cycle of 40 updates, of which a quarter rises."""
    if n <= 9:
        return 0.04 + (1.0 - 0.04) * (1 - math.cos(math.pi * n / 9)) / 2
    return 4e-6 + (1.0 - 4e-6) * (1 + math.cos(math.pi * (n - 9) / 30)) / 2


def there_and_back(n: int) -> float:
    """Return the rate of a cycle of three lines: up, down as fast, and down to almost nothing."""
    if n <= 11:
        return 0.1 + 0.9 * n / 11
    return 1 - 0.9 * (n - 11) / 11 if n <= 22 else 0.1 + (1e-3 - 0.1) * (n - 22) / 17


CASES: dict[str, tuple[Any, Callable[[int], float], Callable[[Any, Any], Any]]] = {
    "constant": (optim.constant(0.5), lambda n: 0.5, lambda s, o: s.ConstantLR(o, 1.0, 0)),
    "step_decay": (optim.step_decay(1.0, 7, 0.5), lambda n: 0.5 ** (n // 7),
                   lambda s, o: s.StepLR(o, 7, 0.5)),
    "multi_step": (optim.multi_step(1.0, [3, 20, 21], 0.1),
                   lambda n: 0.1 ** ((n >= 3) + (n >= 20) + (n >= 21)),
                   lambda s, o: s.MultiStepLR(o, [3, 20, 21], 0.1)),
    "exponential": (optim.exponential(1.0, 0.9), lambda n: 0.9**n,
                    lambda s, o: s.ExponentialLR(o, 0.9)),
    "linear": (optim.linear(0.25, 0.75, 30), lambda n: 0.25 + 0.5 * min(n, 30) / 30,
               lambda s, o: s.LinearLR(o, 0.25, 0.75, 30)),
    "polynomial": (optim.polynomial(1.0, 25, 1.5), lambda n: (1 - min(n, 25) / 25) ** 1.5,
                   lambda s, o: s.PolynomialLR(o, 25, 1.5)),
    "cosine": (optim.cosine(1.0, 39, 0.1),
               lambda n: 0.1 + 0.45 * (1 + math.cos(math.pi * n / 39)),
               lambda s, o: s.CosineAnnealingLR(o, 39, 0.1)),
    "cosine_restarts": (optim.cosine_restarts(1.0, 5, 2, 0.2), halves,
                        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.2)),
    "cosine_repeated": (optim.cosine_restarts(1.0, 6),
                        lambda n: 0.5 * (1 + math.cos(math.pi * (n % 6) / 6)),
                        lambda s, o: s.CosineAnnealingWarmRestarts(o, 6)),
    "one_cycle": (optim.one_cycle(1.0, 40, 0.25), rise_and_fall,
                  lambda s, o: s.OneCycleLR(o, 1.0, 40, pct_start=0.25)),
    "three_phases": (optim.one_cycle(1.0, 40, 0.3, "linear", 10.0, 100.0, three_phase=True),
                     there_and_back,
                     lambda s, o: s.OneCycleLR(o, 1.0, 40, anneal_strategy="linear", div_factor=10,
                                               final_div_factor=100, three_phase=True)),
    "warm_up": (optim.warm_up(optim.cosine(1.0, 30), 10, start=0.1),
                lambda n: 0.1 + 0.09 * n if n < 10
                else 0.5 * (1 + math.cos(math.pi * (n - 10) / 30)),
                lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 10),
                                                s.CosineAnnealingLR(o, 30)], [10])),
    "sequence": (optim.sequence([0.5, optim.exponential(1.0, 0.8), optim.linear(1, 0.5, 5)],
                                [4, 12]),
                 lambda n: 0.5 if n < 4 else 0.8 ** (n - 4) if n < 12
                 else 1 - 0.1 * min(n - 12, 5),
                 lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.5, 99), s.ExponentialLR(o, 0.8),
                                                 s.LinearLR(o, 1.0, 0.5, 5)], [4, 12])),
}  # fmt: skip


def scheduled(schedule: Any) -> list[float]:  # noqa: ANN401
    """Return the rates that plain gradient descent takes, of a loss with a gradient of 1."""
    b = df.GraphBuilder()
    w = b.variable("w", np.zeros(()))
    optim.SGD(schedule).minimize(w * 1.0)
    runner = df.Runner(df.compile(b.build()))
    found = [0.0]
    for _ in range(STEPS):
        runner.run()
        found.append(-float(runner.state["w"]))
    return [after - before for before, after in pairwise(found)]


@pytest.mark.parametrize("name", CASES)
def test_schedules_are_their_formulas(name: str) -> None:
    """In a graph and for NumPy's numbers, the rate is the formula's at every update."""
    schedule, formula, _ = CASES[name]
    expected = np.array([formula(n) for n in range(STEPS)])
    at_once = np.broadcast_to(schedule(np.arange(STEPS)), STEPS)
    np.testing.assert_allclose(at_once, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose([float(schedule(n)) for n in range(STEPS)], expected, rtol=1e-12,
                               atol=1e-15)  # fmt: skip
    np.testing.assert_allclose(scheduled(schedule), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", CASES)
def test_schedules_are_pytorchs(name: str) -> None:
    """The rate at every update is that of PyTorch's scheduler, stepped after each."""
    torch = pytest.importorskip("torch")
    schedule, _, make = CASES[name]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0 if name != "constant" else 0.5)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    for n in range(STEPS):
        assert float(schedule(n)) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-10, abs=1e-14)
        optimizer.step()
        if n < STEPS - 1:
            scheduler.step()


def test_inverse_sqrt_is_the_transformers() -> None:
    """It is lr at its last rising update, and elsewhere the paper's minimum of two powers."""
    n = np.arange(1, 50)
    expected = np.minimum(n**-0.5, n * 16**-1.5) * 4 * 0.3
    np.testing.assert_allclose(optim.inverse_sqrt(0.3, 16)(n - 1), expected, rtol=1e-14)


def test_restarts_begin_at_the_right_update() -> None:
    """However often the length is multiplied, the first update of each part has the full rate."""
    for steps, factor in ((1, 2), (3, 2), (10, 3), (7, 10)):
        starts = [0]
        while starts[-1] < 10**7:
            starts.append(starts[-1] * factor + steps)
        schedule = optim.cosine_restarts(1.0, steps, factor)
        np.testing.assert_allclose(schedule(np.array(starts)), 1.0, rtol=1e-12)
        lasts = np.array([n - 1 for n in starts[2:]])
        assert (schedule(lasts) < 0.999).all()


def test_a_schedule_goes_on_after_a_state_is_loaded() -> None:
    """The step counter is in the state, so that the rate is that of the next update."""
    b = df.GraphBuilder()
    w = b.variable("w", np.zeros(()))
    optim.SGD(optim.step_decay(1.0, 2, 0.5)).minimize(w * 1.0)
    plan = df.compile(b.build())
    first, second = df.Runner(plan), df.Runner(plan)
    for _ in range(3):
        first.run()
    second.load_state(first.state)
    second.run()
    assert [float(runner.state["w"]) for runner in (first, second)] == [-2.5, -3.0]
    assert second.state["sgd.step"] == 4


def test_every_optimizer_takes_schedules() -> None:
    """A schedule that is constant gives the values of the number, up to rounding."""
    for name in ("SGD", "Adam", "AdamW", "RMSProp", "Adagrad"):
        b = df.GraphBuilder()
        v, w = (b.variable(n, np.array([3.0, -2.0], np.float32)) for n in "vw")
        make = getattr(optim, name)
        make(0.1).minimize((v * v).sum())
        make(optim.linear(0.1, 0.1, 3), name="scheduled").minimize((w * w).sum())
        runner = df.Runner(df.compile(b.build()))
        for _ in range(5):
            runner.run()
        np.testing.assert_allclose(runner.state["v"], runner.state["w"], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: optim.cosine(-1.0, 10), "lr must lie"),
        (lambda: optim.cosine(1.0, 0), "steps is a number of 1 or more, not 0"),
        (lambda: optim.step_decay(1.0, -2), "step_size"),
        (lambda: optim.multi_step(1.0, [5, 5]), "a milestone is a number of 6 or more, not 5"),
        (lambda: optim.piecewise([5], [1.0]), "1 milestones part 2 schedules, not 1"),
        (lambda: optim.sequence([-1, 1.0], [5]), "a rate must lie"),
        (lambda: optim.one_cycle(1.0, 10, 0.05), "leaves no update"),
        (lambda: optim.one_cycle(1.0, 10, 0.6, three_phase=True), "leaves no update"),
        (lambda: optim.one_cycle(1.0, 10, anneal_strategy="cosine"), "'cos' or 'linear'"),
        (lambda: optim.one_cycle(1.0, 10, "a"), "pct_start must lie"),  # type: ignore[arg-type]
        (lambda: optim.warm_up(1.0, -1), "steps"),
        (lambda: optim.sequence([1.0, 2.0], 5), "milestones are a sequence, not 5"),  # type: ignore[arg-type]
        (lambda: optim.sequence(5, [1]), "schedules are a sequence, not 5"),  # type: ignore[arg-type]
        (lambda: optim.piecewise([2], 3.0), "rates are a sequence, not 3.0"),  # type: ignore[arg-type]
        (lambda: optim.piecewise(2, [3.0, 1.0]), "piecewise .*: milestones are a sequence, not 2"),  # type: ignore[arg-type]
        (lambda: optim.multi_step(1.0, 3), "milestones are a sequence, not 3"),  # type: ignore[arg-type]
    ],
)
def test_schedules_out_of_range_are_refused(call: Callable[[], object], text: str) -> None:
    """What no schedule can be made of is an error with the user's line."""
    with pytest.raises(ArgumentError, match=text) as caught:
        call()
    assert "test_schedules.py:" in str(caught.value)


# Clipping

W = {"a": np.array([[3.0, -4.0], [0.5, 0.0]]), "b": np.array([12.0]), "c": np.array(-0.25)}


def half_squares(dtype: str = "float64") -> tuple[df.GraphBuilder, list[Any]]:
    """Return variables each of which is its own gradient."""
    b = df.GraphBuilder()
    variables = [b.variable(name, value.astype(dtype)) for name, value in W.items()]
    loss = sum((v * v).sum() * 0.5 for v in variables)
    assert isinstance(loss, df.Tensor)
    return b, optim.SGD(0.1).gradients(loss)


def evaluated(pairs: Any) -> list[np.ndarray]:  # noqa: ANN401
    """Return the gradients' values."""
    return [np.asarray(df.evaluate(gradient)) for _, gradient in pairs]


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.parametrize("bound", [0.5, 5.0, 100.0])
def test_global_norms_are_clipped(order: float, bound: float) -> None:
    """All gradients together have at most the norm given; within it they keep their bits."""
    _, pairs = half_squares()
    every = np.concatenate([w.ravel() for w in W.values()])
    norm = float(np.linalg.norm(every, order))
    np.testing.assert_allclose(df.evaluate(optim.global_norm(pairs, order)), norm, rtol=1e-14)
    clipped = evaluated(optim.clip_by_global_norm(pairs, bound, order))
    factor = min(1.0, bound / (norm + 1e-6))
    for found, w in zip(clipped, W.values(), strict=True):
        np.testing.assert_allclose(found, w * factor, rtol=1e-14 if factor < 1 else 0)


def test_each_gradient_is_clipped_by_itself() -> None:
    """By norm, long gradients are scaled and short ones are not; by value, each element is cut."""
    _, pairs = half_squares()
    by_norm, by_value = (evaluated(clip(pairs, 2.0)) for clip in (optim.clip_by_norm,
                                                                  optim.clip_by_value))  # fmt: skip
    for norm_clipped, value_clipped, w in zip(by_norm, by_value, W.values(), strict=True):
        factor = min(1.0, 2.0 / (np.linalg.norm(w) + 1e-6))
        np.testing.assert_allclose(norm_clipped, w * factor, rtol=1e-14)
        np.testing.assert_array_equal(value_clipped, np.clip(w, -2, 2))


def test_clipping_keeps_the_dtype_and_the_phase() -> None:
    """Gradients in float16 stay so; a complex one is scaled by its absolute values."""
    _, pairs = half_squares("float16")
    assert {str(g.dtype) for _, g in optim.clip_by_global_norm(pairs, 1.0)} == {"float16"}
    b = df.GraphBuilder()
    z = b.variable("z", np.array([3.0 + 4.0j]))
    pairs = optim.SGD(0.1).gradients(df.real(z * df.conj(z)).sum() * 0.5)
    np.testing.assert_allclose(evaluated(optim.clip_by_norm(pairs, 1.0)), [[0.6 + 0.8j]], rtol=1e-6)


def test_minimize_clips_in_between() -> None:
    """What `transform` makes of the gradients is applied."""
    b = df.GraphBuilder()
    w = b.variable("w", np.array([3.0, 4.0]))
    optim.SGD(1.0).minimize((w * w).sum() * 0.5, transform=lambda p: optim.clip_by_value(p, 0.5))
    runner = df.Runner(df.compile(b.build()))
    runner.run()
    assert runner.state["w"].tolist() == [2.5, 3.5]


@pytest.mark.long
@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, np.inf])
def test_clipping_is_pytorchs(order: float) -> None:
    """Clipped gradients are those of ``torch.nn.utils``."""
    torch = pytest.importorskip("torch")
    utils = torch.nn.utils
    for bound in (0.5, 5.0, 100.0):
        _, pairs = half_squares()
        for by_norm in (True, False):
            parameters = [torch.tensor(w, requires_grad=True) for w in W.values()]
            sum((p * p).sum() * 0.5 for p in parameters).backward()
            if by_norm:
                ours = optim.clip_by_global_norm(pairs, bound, order)
                utils.clip_grad_norm_(parameters, bound, order)
            else:
                ours = optim.clip_by_value(pairs, bound)
                utils.clip_grad_value_(parameters, bound)
            for found, p in zip(evaluated(ours), parameters, strict=True):
                np.testing.assert_allclose(found, p.grad.numpy(), rtol=1e-12)


def test_bounds_that_are_none_are_refused() -> None:
    """A negative bound, and no gradients at all, are errors with the user's line."""
    _, pairs = half_squares()
    calls: list[Callable[[], object]] = [
        lambda: optim.clip_by_global_norm(pairs, -1.0), lambda: optim.clip_by_norm(pairs, -1.0),
        lambda: optim.clip_by_value(pairs, -1.0), lambda: optim.global_norm(pairs, -2.0),
        lambda: optim.global_norm([]),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(GraphError, match=r"must lie|no gradient") as caught:
            call()
        assert "test_schedules.py:" in str(caught.value)
