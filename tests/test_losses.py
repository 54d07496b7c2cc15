"""What losses promise beyond PyTorch's values: corners, labels that don't count, errors."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.spatial
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import DTypeError, GraphError, KernelError, ShapeError
from tests.oracle import Array

INF = math.inf


def made(function: Callable[..., Any], *arrays: Any, **options: Any) -> list[Array]:  # noqa: ANN401
    """Return a function's value of constants, and the gradients of its sum by the floats."""
    b = df.GraphBuilder()
    inputs = [b.constant(a) for a in arrays]
    loss = function(*inputs, **options)
    wrt = [t for t in inputs if t.spec.is_float]
    return [np.asarray(a) for a in df.evaluate(loss, *df.grad(loss.sum(), wrt))]


# Reductions and dtypes


def test_reductions_are_of_the_losses() -> None:
    """The mean and the sum are those of the losses, and the mean of none is NaN."""
    x, y = np.array([1.0, 4.0]), np.array([3.0, 3.0])
    values = [made(df.nn.mse_loss, x, y, reduction=r)[0].tolist() for r in ("none", "mean", "sum")]
    assert values == [[4, 1], 2.5, 5]
    assert np.isnan(made(df.nn.mse_loss, x[:0], y[:0])[0])
    assert made(df.nn.mse_loss, x[:0], y[:0], reduction="sum")[0] == 0


@pytest.mark.parametrize(
    "loss",
    [
        df.nn.mse_loss, df.nn.l1_loss, df.nn.huber_loss, df.nn.smooth_l1_loss,
        df.nn.binary_cross_entropy, df.nn.binary_cross_entropy_with_logits, df.nn.hinge_loss,
        df.nn.soft_margin_loss, df.nn.hinge_embedding_loss, df.nn.sigmoid_focal_loss,
        df.nn.kl_div, df.nn.poisson_nll_loss,
    ],
)  # fmt: skip
def test_integer_targets_keep_the_dtype(loss: Callable[..., df.Tensor]) -> None:
    """Targets that are integers, bools or floats of Python give float32 beside float32."""
    x = np.array([0.25, 0.5], np.float32)
    for target in (np.array([0, 1]), np.array([False, True]), [0.0, 1.0], 1.0):
        assert loss(df.GraphBuilder().constant(x), target).dtype == np.float32
    assert loss(df.GraphBuilder().constant(x.astype(np.float16)), [0, 1]).dtype == np.float16
    assert loss(df.GraphBuilder().constant([1, 2]), [0, 1]).dtype == np.float64


def test_the_mean_over_many_examples_of_float16_is_finite() -> None:
    """The examples that count are counted in float32: float16 ends at 65504."""
    labels = np.zeros(70_000, np.int64)
    value, _ = made(df.nn.cross_entropy, np.zeros((70_000, 2), np.float16), labels)
    assert value == pytest.approx(math.log(2), rel=1e-3)


def test_a_named_batch_needs_no_length() -> None:
    """Every reduction works where the number of examples is bound when the plan is made."""
    b = df.GraphBuilder()
    x = b.input("x", ("batch", 3), "float64")
    t = b.input("t", ("batch",), "int64")
    y = b.input("y", ("batch", 3), "float64")
    losses = [df.nn.cross_entropy(x, t), df.nn.mse_loss(x, y), df.nn.kl_div(x, y, "batchmean"),
              df.nn.multi_margin_loss(x, df.where(t < 0, 0, t)), df.nn.triplet_margin_loss(x, y, y),
              df.nn.cross_entropy(x, y)]  # fmt: skip
    feeds = {"x": np.zeros((4, 3)), "t": np.array([0, -100, 1, 2]), "y": np.ones((4, 3)) / 3}
    found = df.evaluate(*losses, *[df.grad(loss, x) for loss in losses], feeds=feeds)
    expected = [math.log(3), 1 / 9, -math.log(3), 2 / 3, 1, math.log(3)]
    np.testing.assert_allclose(found[:6], expected)
    assert all(gradient.shape == (4, 3) for gradient in found[6:])


# Binary targets


def test_logits_keep_the_digits_of_small_losses() -> None:
    """The loss of a logit of ±50 that is right is exp(-50), not 0."""
    losses, slopes, _ = made(
        df.nn.binary_cross_entropy_with_logits, np.array([50.0, -50.0]), np.array([1.0, 0.0]),
        reduction="none",
    )  # fmt: skip
    np.testing.assert_allclose(losses, math.exp(-50), rtol=1e-14)
    np.testing.assert_allclose(slopes, [-math.exp(-50), math.exp(-50)], rtol=1e-14)


def test_infinite_logits_cost_nothing_if_right_and_all_if_wrong() -> None:
    """An infinite logit has loss 0 and gradient 0 beside its target, and inf beside the other."""
    x, t = np.array([INF, -INF, INF, -INF]), np.array([1.0, 0.0, 0.0, 1.0])
    losses, slopes, _ = made(
        df.nn.binary_cross_entropy_with_logits, x, t, reduction="none"
    )  # fmt: skip
    assert losses.tolist() == [0, 0, INF, INF]
    assert slopes.tolist() == [0, 0, 1, -1]


def test_probabilities_of_0_and_1_are_pytorchs() -> None:
    """The logarithm counts as -100 and the divisor of its gradient as 1e-12."""
    x, t = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    losses, slopes, _ = made(df.nn.binary_cross_entropy, x, t, reduction="none")
    assert losses.tolist() == [100, 100, 0, 0]
    np.testing.assert_allclose(slopes, [-1e12, 1e12, 1, -1])
    half = made(df.nn.binary_cross_entropy, x.astype(np.float16), t.astype(np.float16))
    assert all(np.isfinite(a).all() for a in half)


def test_probabilities_outside_are_nan() -> None:
    """What is no probability has no loss."""
    losses = made(df.nn.binary_cross_entropy, np.array([-0.5, 1.5]), np.array([1.0, 0.0]))
    assert np.isnan(losses[0]).all()


def test_focal_loss_is_the_formula() -> None:
    """The loss is -alpha (1 - p)^gamma log(p), p being the target's probability."""
    x, t = np.array([0.3, -2.0, 1.5]), np.array([1.0, 0.0, 1.0])
    p = 1 / (1 + np.exp(-x * (2 * t - 1)))
    weight = np.where(t == 1, 0.25, 0.75)
    for alpha, scale in ((0.25, weight), (-1.0, 1.0)):
        expected = -scale * (1 - p) ** 1.5 * np.log(p)
        found = made(df.nn.sigmoid_focal_loss, x, t, alpha=alpha, gamma=1.5)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


# Classes


def plain(x: Array, labels: Array, ignore: int, weight: Any, axis: int) -> Array:  # noqa: ANN401 - or None
    """Return cross-entropies by the definition, one after the other."""
    rows = np.moveaxis(x, axis, -1)
    out = np.zeros(labels.shape)
    for place in np.ndindex(labels.shape):
        if labels[place] != ignore:
            row = rows[place]
            top = row.max()
            log_sum = top + np.log(np.exp(row - top).sum())
            out[place] = (log_sum - row[labels[place]]) * (1 if weight is None else
                                                           weight[labels[place]])  # fmt: skip
    return out


@st.composite
def classified(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """Draw logits, labels some of which are -1, and the axis of classes."""
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    places = [n for i, n in enumerate(shape) if i != axis]
    return rng.uniform(-9, 9, shape), np.asarray(rng.integers(-1, shape[axis], places)), axis


@settings(max_examples=40, deadline=None)
@given(classified(), st.booleans())
def test_cross_entropy_is_the_definition(case: tuple[Array, Array, int], weighs: bool) -> None:
    """Any shape, axis of classes and weights give what a loop gives, by one function or two."""
    x, labels, axis = case
    weight = np.linspace(0.5, 2, x.shape[axis]) if weighs else None
    expected = plain(x, labels, -1, weight, axis)
    options: dict[str, Any] = {"weight": weight, "ignore_index": -1, "axis": axis}
    found = made(df.nn.cross_entropy, x, labels, reduction="none", **options)[0]
    np.testing.assert_allclose(found, expected, atol=1e-13)
    two = made(lambda t, i: df.nn.nll_loss(df.log_softmax(t, axis), i, **options), x, labels)[0]
    kept = labels >= 0
    counted = kept.sum() if weight is None else weight[labels[kept]].sum()
    if counted:
        assert two == pytest.approx(expected.sum() / counted)


@pytest.mark.parametrize("loss", [df.nn.cross_entropy, df.nn.nll_loss])
def test_examples_that_do_not_count_do_nothing(loss: Callable[..., df.Tensor]) -> None:
    """An ignored example has loss and gradient 0, and no other sees it, be it NaN or infinite."""
    x = np.array([[-1.0, -2.0, -3.0], [math.nan, INF, -INF]])
    alone, slope = made(loss, x[:1], np.array([1]))
    for row in (x[1], np.array([1e300, -1e300, 0.0])):
        value, slopes = made(loss, np.stack([x[0], row]), np.array([1, -100]))
        assert value == alone
        np.testing.assert_allclose(slopes[0], slope[0], rtol=1e-15)
    assert slopes[1].tolist() == [0, 0, 0]
    value, slope = made(loss, x[:1], np.array([-100]))
    assert np.isnan(value)  # 0 / 0, as in PyTorch
    assert made(loss, x, np.array([-100, -100]), reduction="sum")[0] == 0


def test_a_class_given_up_costs_nothing_where_it_is_no_label() -> None:
    """A logit of -inf leaves finite losses and gradients for all other labels."""
    x = np.array([[-INF, 0.0, 1.0]])
    expected = math.log(1 + math.e)
    for target in (np.array([1]), np.array([[0.0, 1.0, 0.0]])):
        value, slope, *_ = made(df.nn.cross_entropy, x, target)
        assert value == pytest.approx(expected)
        np.testing.assert_allclose(slope, [[0, 1 / (1 + math.e) - 1, math.e / (1 + math.e)]])
    assert made(df.nn.cross_entropy, x, np.array([0]))[0] == INF


@pytest.mark.parametrize("wrong", [-1, 3])
@pytest.mark.parametrize("loss", [df.nn.cross_entropy, df.nn.nll_loss, df.nn.multi_margin_loss])
def test_labels_out_of_range_fail(loss: Callable[..., df.Tensor], wrong: int) -> None:
    """A label that is no class is refused as soon as it is known, with weights or without."""
    b = df.GraphBuilder()
    x, labels, array = b.zeros((2, 3)), b.input("labels", (2,), "int64"), np.array([0, wrong])
    for weight in (None, [1.0, 2.0, 3.0]):
        for known in (array, b.constant(array)):
            with pytest.raises(ShapeError, match=rf"label {wrong} is out of range \(test_losses"):
                loss(x, known, weight=weight)
        with pytest.raises(KernelError, match=f"index {wrong} is out of range"):
            df.evaluate(loss(x, labels, weight=weight), labels=array)


def test_probabilities_are_smoothed_in_every_dtype() -> None:
    """Label smoothing of probabilities is that of one-hot labels, in bfloat16 too."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    x, labels = np.arange(6.0).reshape(2, 3) / 4, np.array([2, 0])
    for dtype, bound in (("float64", 1e-12), ("float16", 2e-3), (bfloat16, 2e-2)):
        narrow, p = x.astype(dtype), np.eye(3)[labels].astype(dtype)
        found, expected = (
            made(df.nn.cross_entropy, narrow, target, label_smoothing=0.25)[0]
            for target in (p, labels)
        )
        np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=bound)


def test_labels_of_any_integer_dtype_count() -> None:
    """Labels of 8 bits can be ignored and looked up as those of 64 can."""
    x = np.arange(6.0).reshape(2, 3)
    values = [made(df.nn.cross_entropy, x, np.array([2, 255], dtype), ignore_index=255)[0]
              for dtype in (np.uint8, np.int16, np.int64)]  # fmt: skip
    assert values[0] == values[1] == values[2]


# Distributions and vectors


def test_divergence_of_a_probability_of_0_is_0() -> None:
    """Where the target is 0, the loss and its gradients are 0, also beside a log of 0."""
    x, t = np.array([-INF, math.log(0.5)]), np.array([0.0, 1.0])
    losses, slopes, by_target = made(df.nn.kl_div, x, t, reduction="none")
    np.testing.assert_allclose(losses, [0, math.log(2)])
    assert slopes.tolist() == [0, -1]
    assert by_target[0] == 0
    with np.errstate(divide="ignore"):
        made_of_logs = made(df.nn.kl_div, x, np.log(t), reduction="none", log_target=True)
    np.testing.assert_allclose(made_of_logs[0], losses)
    assert np.isfinite(made_of_logs[2]).all()


def test_variances_below_the_least_can_grow() -> None:
    """A variance below eps counts as eps, and its gradient is the one there."""
    x, t = np.array([1.0]), np.array([0.0])
    below, at = (made(df.nn.gaussian_nll_loss, x, t, np.array([v]), eps=0.5) for v in (0.1, 0.5))
    for a, b in zip(below, at, strict=True):
        np.testing.assert_allclose(a, b)


def test_vectors_of_zeros_have_similarity_and_gradients() -> None:
    """A zero vector is similar to nothing, and no gradient is NaN."""
    zero, one = np.zeros((1, 3)), np.ones((1, 3))
    for a, b in ((zero, one), (zero, zero)):
        found = made(df.nn.cosine_similarity, a, b)
        assert found[0].tolist() == [0]
        assert all(np.isfinite(g).all() for g in found)
    for p in (1.0, 2.0, 3.0, INF):
        found = made(df.nn.pairwise_distance, zero, zero, p=p, eps=0.0)
        assert [a.any() for a in found] == [False] * 3


def test_similarity_of_float16_does_not_overflow() -> None:
    """Vectors whose squares exceed float16 have their similarity all the same."""
    x = np.array([[3000.0, 4000.0]], np.float16)
    assert made(df.nn.cosine_similarity, x, x)[0] == pytest.approx(1, rel=1e-3)


def test_losses_can_be_differentiated_twice() -> None:
    """The derivative of a gradient agrees with differences of gradients."""
    rng = np.random.default_rng(8)
    x, t = rng.uniform(0.2, 0.8, (2, 3, 4))
    labels = np.array([0, 3, 1])
    losses: list[Callable[[df.Tensor], df.Tensor]] = [
        lambda z: df.nn.cross_entropy(z, labels, label_smoothing=0.1),
        lambda z: df.nn.binary_cross_entropy(z, t), lambda z: df.nn.kl_div(df.log(z), t),
        lambda z: df.nn.binary_cross_entropy_with_logits(z, t),
        lambda z: df.nn.cosine_similarity(z, t).sum(),
        lambda z: df.nn.pairwise_distance(z, t).sum(),
        lambda z: df.nn.gaussian_nll_loss(t, 0.0, z), lambda z: df.nn.huber_loss(z, 0.0, delta=0.5),
        lambda z: df.nn.multi_margin_loss(z, labels, p=2),
    ]  # fmt: skip
    direction, step = rng.uniform(-1, 1, x.shape), 1e-6
    for loss in losses:
        b = df.GraphBuilder()
        z = b.input("z", x.shape, "float64")
        slope = (df.grad(loss(z), z) * direction).sum()
        curvature = df.grad(slope, z)
        ahead, behind = (df.evaluate(slope, z=x + s * direction) for s in (step, -step))
        found = (df.evaluate(curvature, z=x) * direction).sum()
        assert found == pytest.approx((ahead - behind) / (2 * step), rel=1e-5, abs=1e-8)


def test_norms_of_small_powers() -> None:
    """For p = 0 the elements are counted that aren't 0; below 1, a 0 has the derivative 0."""
    x = df.GraphBuilder().constant([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    assert df.evaluate(df.nn.pairwise_distance(x, 0.0, p=0, eps=0.0)).tolist() == [2, 0]
    assert df.evaluate(df.nn.normalize(x, p=0)).tolist() == [[1.5, 0, 2], [0, 0, 0]]
    slope = df.grad(df.nn.pairwise_distance(x, 0.0, p=0.5, eps=0.0).sum(), x)
    root = 2 + math.sqrt(3)
    expected = np.array([[root / math.sqrt(3), 0, root / 2], [0, 0, 0]])
    np.testing.assert_allclose(df.evaluate(slope), expected, rtol=1e-6)


# Errors


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: df.nn.mse_loss(x, x, reduction="avg"), GraphError, "none, mean, sum"),
        (lambda x: df.nn.kl_div(x, x, reduction="avg"), GraphError, "batchmean"),
        (lambda x: df.nn.mse_loss(x, [1.0, 2.0]), ShapeError, "broadcast"),
        (lambda x: df.nn.mse_loss(x, 1j * np.ones(3)), DTypeError, "real"),
        (lambda x: df.nn.huber_loss(x, x, delta=-1.0), GraphError, "delta"),
        (lambda x: df.nn.cross_entropy(x, [0, 1, 2]), ShapeError, r"\[2\]"),
        (lambda x: df.nn.cross_entropy(x, [0.5, 1.0]), DTypeError, "integer labels"),
        (lambda x: df.nn.cross_entropy(x, [0, 1], axis=2), ShapeError, "axis 2"),
        (lambda x: df.nn.cross_entropy(x, [0, 1], [1.0, 2.0]), ShapeError, "3 classes"),
        (lambda x: df.nn.cross_entropy(x, [0, 1], label_smoothing=1.5), GraphError, "smoothing"),
        (lambda x: df.nn.nll_loss(x, [0, 1], reduction="avg"), GraphError, "reduction"),
        (lambda x: df.nn.multi_margin_loss(x, [0, 1], p=3), GraphError, "p is 1 or 2"),
        (lambda x: df.nn.cosine_similarity(x, x, 2), ShapeError, "axis 2"),
        (lambda x: df.nn.pairwise_distance(x, x, p=-1.0), GraphError, "p is a number"),
        (lambda x: df.nn.softplus(x, beta=0), GraphError, "beta"),
    ],
)
def test_what_does_not_fit_is_refused(
    call: Callable[[df.Tensor], object], error: type[Exception], text: str
) -> None:
    """Wrong arguments are refused at the user's line, with what was expected."""
    x = df.GraphBuilder().ones((2, 3))
    with pytest.raises(error, match=text) as caught:
        call(x)
    assert "test_losses.py:" in str(caught.value)


def test_lists_keep_their_digits() -> None:
    """A list of floats is float64 beside float64, and float32 beside float32."""
    x = df.GraphBuilder().constant(np.array([0.3, 0.7]))
    assert df.evaluate(df.nn.l1_loss(x, [0.1, 0.2])) == np.mean([0.3 - 0.1, 0.7 - 0.2])
    assert df.nn.l1_loss(x.astype("float32"), [0.1, 0.2]).dtype == np.float32


def test_pairs_of_rows() -> None:
    """`pdist` has SciPy's order and values, also of one row and of none; equals have slope 0."""
    rows = np.random.default_rng(0).normal(size=(5, 3))
    for count in (0, 1, 5):
        x = df.GraphBuilder().constant(rows[:count])
        expected = scipy.spatial.distance.pdist(rows[:count]) if count else np.zeros(0)
        np.testing.assert_allclose(df.evaluate(df.nn.pdist(x)), expected, rtol=1e-12)
    x = df.GraphBuilder().constant(rows[[0, 0]])
    assert df.evaluate(*df.grad(df.nn.pdist(x).sum(), [x])).tolist() == [[0.0] * 3] * 2
    with pytest.raises(ShapeError, match="known number"):
        df.nn.pdist(df.GraphBuilder().input("x", ("n", 3)))


def test_labels_behind_the_end_do_not_count() -> None:
    """Behind the first -1 a label may be any class; of no label the loss is 0."""
    b = df.GraphBuilder()
    x = b.constant(np.array([[0.1, 0.2, 0.4, 0.8]]))
    one, same, none = (
        df.nn.multilabel_margin_loss(x, [labels])
        for labels in ([3, 0, -1, 1], [3, 0, -1, 2], [-1, 0, 1, 2])
    )
    values = df.evaluate(one, same, none)
    assert values[0] == values[1] == pytest.approx(0.85)
    assert values[2] == 0
    with pytest.raises(ShapeError, match="label"):
        df.nn.multilabel_margin_loss(x, [[4, -1, 0, 0]])
    with pytest.raises(ShapeError, match="the same"):
        df.nn.multilabel_margin_loss(x, [0, 1, 2, 3])
    with pytest.raises(DTypeError, match="integer"):
        df.nn.multilabel_margin_loss(x, x)


def test_a_distance_of_ones_own() -> None:
    """A triplet loss takes any function for the distance, and refuses what is none."""
    x = df.GraphBuilder().constant(np.array([1.0, 5.0]))
    loss = df.nn.triplet_margin_with_distance_loss
    made = loss(x, x + 2, x - 1, distance_function=lambda a, b: abs(a - b), reduction="none")
    assert df.evaluate(made).tolist() == [2.0, 2.0]
    with pytest.raises(GraphError, match="distance_function"):
        loss(x, x, x, distance_function="l2")  # type: ignore[arg-type]  # which is the point
