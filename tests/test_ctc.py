"""Connectionist temporal classification: definitions, impossible alignments, tails, errors."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dataflow as df
from dataflow.errors import (
    ArgumentError,
    DTypeError,
    GradientError,
    GraphError,
    KernelError,
    ShapeError,
)
from dataflow.ops.nn.ctc_kernels import loss_reference
from tests.oracle import Array

RNG = np.random.default_rng(12)
LOG_P = np.log(RNG.dirichlet(np.ones(4), (5, 3)))  # times, examples, classes
TARGETS = np.array([[1, 1, 2], [3, 2, 0], [1, 2, 3]])


def made(x: Array, *arguments: Any, **options: Any) -> tuple[Array, Array]:  # noqa: ANN401
    """Return losses of constants, and the gradient of their sum."""
    b = df.GraphBuilder()
    t = b.constant(x)
    losses = df.nn.ctc_loss(t, *arguments, **{"reduction": "none", **options})
    value, slope = df.evaluate(losses, df.grad(losses.sum(), t))
    return value, slope


def test_losses_are_sums_over_all_paths() -> None:
    """Repeated labels, short examples, padding and any blank give what counting paths gives."""
    lengths, counts = np.array([5, 4, 3]), np.array([3, 2, 1])
    for blank in (0, 3):
        targets = np.where(blank == TARGETS, 0, TARGETS)
        attrs = df.Attrs(blank=blank)
        expected = loss_reference(LOG_P, targets, lengths, counts, attrs=attrs)
        found, slope = made(LOG_P, targets, lengths, counts, blank=blank)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        # At each time that counts, an example's paths share 1 among the classes.
        shares = np.where(np.arange(5)[:, None] < lengths, -1, 0)
        np.testing.assert_allclose(slope.sum(-1), shares, atol=1e-12)


def test_lengths_are_whole_by_default() -> None:
    """Without lengths all times and labels count; one number counts for all examples."""
    whole = made(LOG_P, TARGETS[:, :2], np.full(3, 5), np.full(3, 2))
    for arguments in ((), (5, 2)):
        for a, b in zip(made(LOG_P, TARGETS[:, :2], *arguments), whole, strict=True):
            assert np.array_equal(a, b)


def test_padding_may_be_anything() -> None:
    """Labels behind an example's length are not looked at, be they no classes."""
    padded = np.where(np.arange(3) < np.array([[3], [2], [1]]), TARGETS, -7)
    for a, b in zip(made(LOG_P, padded, None, [3, 2, 1]), made(LOG_P, TARGETS, None, [3, 2, 1]),
                    strict=True):  # fmt: skip
        assert np.array_equal(a, b)


def test_what_can_not_be_aligned_is_inf_without_gradient() -> None:
    """Too few times make a loss of inf, or of 0 if asked for, and a gradient of 0, not NaN."""
    lengths = np.array([3, 2, 3])  # 1, 1, 2 needs four times, for a blank between the ones
    losses, slope = made(LOG_P, TARGETS, lengths, np.array([3, 2, 3]))
    assert losses[0] == math.inf
    assert np.isfinite(losses[1:]).all()
    assert not slope[:, 0].any()
    assert np.isfinite(slope).all()
    zeroed, _ = made(LOG_P, TARGETS, lengths, np.array([3, 2, 3]), zero_infinity=True)
    assert zeroed.tolist() == [0, *losses[1:]]


def test_no_time_and_no_label() -> None:
    """Without labels all is blank; without times, no label is certain and any label impossible."""
    losses, slope = made(LOG_P, TARGETS, [5, 0, 0], [0, 0, 1])
    np.testing.assert_allclose(losses, [-LOG_P[:, 0, 0].sum(), 0, math.inf])
    assert not slope[:, 1:].any()
    np.testing.assert_allclose(slope[:, 0], [[-1, 0, 0, 0]] * 5)
    assert made(LOG_P[:, :0], TARGETS[:0])[0].shape == (0,)


def test_probabilities_of_0_are_no_paths() -> None:
    """A log-probability of -inf leaves finite losses and gradients where other paths remain."""
    x = LOG_P.copy()
    x[2, :, 0] = -math.inf
    losses, slope = made(x, TARGETS[:, :1], None, [1, 1, 1])
    expected = loss_reference(x, TARGETS[:, :1], np.full(3, 5), np.ones(3, int),
                              attrs=df.Attrs(blank=0))  # fmt: skip
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    assert np.isfinite(slope).all()
    assert not slope[2, :, 0].any()


def test_long_inputs_keep_their_digits() -> None:
    """A float32 loss over 2,000 times is float64's rounded, and so are the gradients."""
    x = np.log(RNG.dirichlet(np.ones(8), (2000, 2)))
    targets = RNG.integers(1, 8, (2, 300))
    narrow = x.astype(np.float32)
    for a, b in zip(made(narrow, targets), made(narrow.astype(np.float64), targets), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-30)


def test_the_mean_divides_by_labels() -> None:
    """The mean is of losses divided by their number of labels, at least 1; the sum isn't."""
    losses, _ = made(LOG_P, TARGETS, None, [3, 2, 0])
    mean, total = (made(LOG_P, TARGETS, None, [3, 2, 0], reduction=r)[0] for r in ("mean", "sum"))
    assert mean == pytest.approx((losses / [3, 2, 1]).mean())
    assert total == pytest.approx(losses.sum())


def test_batches_may_be_named_and_a_recogniser_learns() -> None:
    """A layer learns to spell three sequences, whose batch and times are bound in the plan."""
    b = df.GraphBuilder()
    x = b.input("x", ("times", "batch", 6))
    targets = b.input("targets", ("batch", 2), "int64")
    loss = df.nn.ctc_loss(df.log_softmax(df.nn.Dense(4)(x)), targets)
    df.optim.Adam(0.05).minimize(loss)
    runner = df.Runner(df.compile(b.build({"loss": loss}), dims={"batch": 3, "times": 5}))
    array = RNG.normal(size=(5, 3, 6)).astype(np.float32)
    feeds: dict[str, Any] = {"x": array, "targets": TARGETS[:, 1:] % 3 + 1}
    losses = [float(runner.run(**feeds)["loss"]) for _ in range(60)]
    assert losses[-1] < 0.3 * losses[0]


def test_a_second_derivative_needs_a_known_time() -> None:
    """The recursion is unrolled for it, so its length must be known; the error says so."""
    b = df.GraphBuilder()
    x = b.input("x", ("times", 2, 3))
    slope = df.grad(df.nn.ctc_loss(x, [[1], [2]]), x)
    with pytest.raises(GradientError, match="one time after the other"):
        df.grad((slope * slope).sum(), x)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((np.array([[4], [1], [1]]),), "targets: 4"), ((TARGETS, [6, 5, 5]), "input_lengths: 6"),
     ((TARGETS, None, [4, 1, 1]), "target_lengths: 4"),
     ((TARGETS, [-1, 5, 5]), "input_lengths: -1")],
)  # fmt: skip
def test_data_out_of_range_fails(arguments: tuple[Any, ...], text: str) -> None:
    """A label that is no class, or a length longer than there is, is refused by its name."""
    with pytest.raises(ShapeError, match=text):
        made(LOG_P, *arguments)
    b = df.GraphBuilder()
    arrays: dict[str, Any] = {
        f"i{n}": np.asarray(a) for n, a in enumerate(arguments) if a is not None
    }
    inputs = {name: b.input(name, array.shape, "int64") for name, array in arrays.items()}
    given = [inputs.get(f"i{n}") for n in range(len(arguments))]
    loss = df.nn.ctc_loss(b.constant(LOG_P), *given)  # type: ignore[arg-type]  # the first is one
    with pytest.raises(KernelError, match=text):
        df.evaluate(loss, **arrays)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: df.nn.ctc_loss(x, [[1], [2]]), ShapeError, "examples"),
        (lambda x: df.nn.ctc_loss(x, [1, 2, 3]), ShapeError, "targets"),
        (lambda x: df.nn.ctc_loss(x, [[0.5]] * 3), DTypeError, "targets"),
        (lambda x: df.nn.ctc_loss(x, TARGETS, [5, 5]), ShapeError, "input_lengths"),
        (lambda x: df.nn.ctc_loss(x, TARGETS, blank=4), ArgumentError, "blank"),
        (lambda x: df.nn.ctc_loss(x, TARGETS, blank=-1), ArgumentError, "blank"),
        (lambda x: df.nn.ctc_loss(x, TARGETS, reduction="avg"), GraphError, "reduction"),
        (lambda x: df.nn.ctc_loss(x * 1j, TARGETS), DTypeError, "real"),
    ],
)
def test_what_does_not_fit_is_refused(
    call: Callable[[df.Tensor], object], error: type[Exception], text: str
) -> None:
    """Wrong arguments are refused at the user's line, with what was expected."""
    with pytest.raises(error, match=text) as caught:
        call(df.GraphBuilder().constant(LOG_P))
    assert "test_ctc.py:" in str(caught.value)


def test_targets_one_behind_the_other() -> None:
    """Labels of several examples in one row give what padded ones give, if lengths are known."""
    rng = np.random.default_rng(2)
    b = df.GraphBuilder()
    x = df.log_softmax(b.constant(rng.normal(size=(7, 3, 4))))
    padded, counts = np.array([[1, 2, 3], [3, 0, 0], [2, 2, 0]]), [3, 1, 2]
    one, other = df.evaluate(*(
        df.nn.ctc_loss(x, targets, target_lengths=counts, reduction="none")
        for targets in (np.array([1, 2, 3, 3, 2, 2]), padded)
    ))  # fmt: skip
    np.testing.assert_array_equal(one, other)
    none = df.nn.ctc_loss(x, np.zeros(0, int), target_lengths=b.constant([0, 0, 0]))
    blank = df.evaluate(-x[:, :, 0].sum(0).mean(), none)
    assert blank[0] == pytest.approx(blank[1])
    with pytest.raises(ShapeError, match="known"):
        df.nn.ctc_loss(x, [1, 2, 3], target_lengths=b.input("n", (3,), "int64"))
    with pytest.raises(ShapeError, match="add up to 3"):
        df.nn.ctc_loss(x, [1, 2, 3], target_lengths=[1, 1, 2])
