"""Cross-checks of losses."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(3)
X, Y = RNG.uniform(-3, 3, (2, 4, 5))
P, Q = RNG.uniform(0.05, 0.95, (2, 4, 5))
LOG_P = np.log(P)
SIGNS = RNG.choice([-1.0, 1.0], (4, 5))
PAIR_SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
LABELS = np.array([1, 4, -100, 0])
ALL_LABELS = np.array([1, 4, 3, 0])
WEIGHT = RNG.uniform(0.5, 2, 5)
IMAGES = RNG.uniform(-3, 3, (2, 5, 3, 2))
IMAGE_LABELS = RNG.integers(0, 5, (2, 3, 2))
IMAGE_P = RNG.dirichlet(np.ones(5), (2, 3, 2)).transpose(0, 3, 1, 2).copy()
COUNTS = RNG.integers(0, 6, (4, 5)).astype(np.float64)
SEVERAL = np.array([[3, 0, -1, 1, 2], [1, 1, 4, -1, 0], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]])
REDUCTIONS = ("none", "mean", "sum")
KL = ("none", "batchmean", "sum")  # PyTorch warns of "mean", whose meaning will change


def same(
    name: str, *arrays: np.ndarray, jax: Any = None, reductions: tuple[str, ...] = REDUCTIONS,  # noqa: ANN401 - JAX's function
    **options: Any,  # noqa: ANN401 - of each kind
) -> Iterator[Row]:  # fmt: skip
    """Yield rows of a loss that PyTorch has under the same name with the same options."""
    for reduction in reductions:
        given = {**options, "reduction": reduction}
        yield Row(
            name, arrays,
            lambda *t, o=given: getattr(df.nn, name)(*t, **o),
            lambda m, *t, o=given: getattr(m.nn.functional, name)(*t, **o),
            jax if reduction == "none" else None,
        )  # fmt: skip


def several(x: np.ndarray, target: np.ndarray) -> Iterator[Row]:
    """Yield rows of the loss of several labels."""
    for reduction in REDUCTIONS:
        yield Row(
            "multilabel_margin_loss", (x,),
            lambda x, r=reduction: df.nn.multilabel_margin_loss(x, target, r),
            lambda m, x, r=reduction: m.nn.functional.multilabel_margin_loss(
                x, m.tensor(target), reduction=r),
            None,
        )  # fmt: skip


def classes(name: str, x: np.ndarray, target: np.ndarray, **options: Any) -> Iterator[Row]:  # noqa: ANN401 - of each kind
    """Yield rows of a loss of classes; an option that is an array is an argument."""
    arrays = {k: v for k, v in options.items() if isinstance(v, np.ndarray)}
    for reduction in REDUCTIONS:
        rest = {k: v for k, v in options.items() if k not in arrays} | {"reduction": reduction}

        def ours(x: Any, t: Any, *more: Any, o: Any = rest) -> Any:  # noqa: ANN401 - tensors
            return getattr(df.nn, name)(x, t, **dict(zip(arrays, more, strict=True)), **o)

        def theirs(m: Any, x: Any, t: Any, *more: Any, o: Any = rest) -> Any:  # noqa: ANN401
            given = {k: v.detach() for k, v in zip(arrays, more, strict=True)}
            return getattr(m.nn.functional, name)(x, t, **given, **o)

        more = tuple(arrays.values())
        row = Row(name, (x, target, *more), ours, theirs, None)
        yield row if not more else unweighted(row)


def unweighted(row: Row) -> Row:
    """Take the weights, for which PyTorch has no gradient, as constants."""
    x, target, *more = row.arrays
    ours, theirs = row.ours, row.torch
    assert theirs is not None
    return row._replace(
        arrays=(x, target),
        ours=lambda x, t: ours(x, t, *more),
        torch=lambda m, x, t: theirs(m, x, t, *map(m.tensor, more)),
    )


ROWS = [
    *same("mse_loss", X, Y, jax=lambda j, x, y: (x - y) ** 2),
    *same("l1_loss", X, Y), *same("huber_loss", X, Y, delta=0.7), *same("smooth_l1_loss", X, Y),
    *same("smooth_l1_loss", X, Y, beta=0.4), *same("smooth_l1_loss", X, Y, beta=0.0),
    *same("kl_div", LOG_P, Q, reductions=KL), *same("kl_div", LOG_P, np.log(Q), reductions=KL,
                                                    log_target=True),
    *same("poisson_nll_loss", X, COUNTS), *same("poisson_nll_loss", P, COUNTS, log_input=False),
    *same("poisson_nll_loss", X, COUNTS, full=True),
    *same("gaussian_nll_loss", X, Y, P), *same("gaussian_nll_loss", X, Y, P, full=True, eps=0.2),
    *same("gaussian_nll_loss", X, Y, P[:, 0]),
    *same("binary_cross_entropy", P, Q), *same("binary_cross_entropy_with_logits", X, Q),
    *same("hinge_embedding_loss", X, SIGNS, margin=0.6),
    *same("margin_ranking_loss", X, Y, SIGNS, margin=0.3),
    *same("triplet_margin_loss", X, Y, P), *same("triplet_margin_loss", X, Y, P, p=1, swap=True),
    *same("triplet_margin_loss", X, Y, P, p=3, margin=2.0),
    *same("triplet_margin_with_distance_loss", X, Y, P, swap=True, margin=2.0),
    *several(X, SEVERAL), *several(X[0], SEVERAL[0]),
    *same("cosine_embedding_loss", X, Y, PAIR_SIGNS, margin=-0.2),
    Row("soft_margin_loss", (X,), lambda x: df.nn.soft_margin_loss(x, SIGNS),
        lambda m, x: m.nn.functional.soft_margin_loss(x, m.tensor(SIGNS)), None),
    Row("hinge_loss", (X, SIGNS), df.nn.hinge_loss,
        lambda m, x, t: (1 - x * t).clamp_min(0).mean(), None),
    Row("multilabel_soft_margin_loss", (X, Q, WEIGHT), df.nn.multilabel_soft_margin_loss,
        lambda m, x, t, w: m.nn.functional.multilabel_soft_margin_loss(x, t, w), None),
    Row("binary_cross_entropy", (P, Q), lambda x, t: df.nn.binary_cross_entropy(x, t, Y),
        lambda m, x, t: m.nn.functional.binary_cross_entropy(x, t, m.tensor(Y)), None),
    Row("binary_cross_entropy_with_logits", (X, Q),
        lambda x, t: df.nn.binary_cross_entropy_with_logits(x, t, P, WEIGHT),
        lambda m, x, t: m.nn.functional.binary_cross_entropy_with_logits(
            x, t, m.tensor(P), pos_weight=m.tensor(WEIGHT)), None),
    Row("cosine_similarity", (IMAGES, IMAGES[::-1].copy()), df.nn.cosine_similarity,
        lambda m, a, b: m.nn.functional.cosine_similarity(a, b), None),
    Row("cosine_similarity", (X, Y[0]), lambda a, b: df.nn.cosine_similarity(a, b, -1),
        lambda m, a, b: m.nn.functional.cosine_similarity(a, b, -1), None),
    Row("cosine_similarity", (X, Y), lambda a, b: df.nn.cosine_similarity(a, b, dim=0),
        lambda m, a, b: m.nn.functional.cosine_similarity(a, b, dim=0), None),
    *[Row("pdist", (X,), lambda x, p=p: df.nn.pdist(x, p),
          lambda m, x, p=p: m.nn.functional.pdist(x, p), None)
      for p in (0.0, 0.5, 1.0, 2.0, 3.0, float("inf"))],
    *[Row("pairwise_distance", (X, Y), lambda a, b, p=p: df.nn.pairwise_distance(a, b, p),
          lambda m, a, b, p=p: m.nn.functional.pairwise_distance(a, b, p), None)
      for p in (1, 2, 3.5, float("inf"))],
    *classes("cross_entropy", X, LABELS), *classes("cross_entropy", X, LABELS, weight=WEIGHT),
    *classes("cross_entropy", X, LABELS, label_smoothing=0.2),
    *classes("cross_entropy", X, LABELS, label_smoothing=0.2, weight=WEIGHT),
    *classes("cross_entropy", IMAGES, IMAGE_LABELS, ignore_index=2),
    *classes("cross_entropy", IMAGES, IMAGE_P),
    *classes("cross_entropy", IMAGES, IMAGE_P, label_smoothing=0.3, weight=WEIGHT),
    *classes("cross_entropy", X[0], np.array(3)),
    *classes("nll_loss", X, LABELS), *classes("nll_loss", IMAGES, IMAGE_LABELS, weight=WEIGHT),
    *classes("multi_margin_loss", X, ALL_LABELS, margin=0.8),
    *classes("multi_margin_loss", X, ALL_LABELS, p=2, weight=WEIGHT),
    Row("softmax_cross_entropy", (X, ALL_LABELS), df.softmax_cross_entropy,
        lambda m, x, t: m.nn.functional.cross_entropy(x, t, reduction="none"),
        lambda j, x, t: -j.nn.log_softmax(x)[j.numpy.arange(4), t]),
]  # fmt: skip
