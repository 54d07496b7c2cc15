"""Cross-checks of unfold and fold, shuffles of pixels and channels, and PyTorch's pad."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(4)
X = RNG.uniform(-2, 2, (2, 3, 6, 5))
WIDE = RNG.uniform(-2, 2, (2, 8, 4, 6))

WINDOWS: list[dict[str, Any]] = [
    {"kernel_size": 2}, {"kernel_size": (3, 2), "stride": 2}, {"kernel_size": 3, "padding": 1},
    {"kernel_size": 2, "dilation": 2, "padding": (2, 1), "stride": (1, 3)},
]  # fmt: skip
PADS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 2), {}), ((1, 2, 0, 1), {"value": 1.5}), ((-1, 2, 1, -2), {}), ((-2, -1), {"value": 3.0}),
    ((1, 2, 3, 0, 1, 1), {}), ((0, 0), {}), *(((2, 1, 3, 2), {"mode": mode})
    for mode in ("reflect", "replicate", "circular")), ((4, 4), {"mode": "replicate"}),
    ((5, 4), {"mode": "circular"}), *(((2, -2), {"mode": mode})
    for mode in ("reflect", "replicate", "circular")),
]  # fmt: skip


def same(name: str, x: np.ndarray, *args: Any, **options: Any) -> Row:  # noqa: ANN401
    """Return the row of a function that PyTorch has by the same name."""
    return Row(
        name, (x,), lambda t: getattr(df.nn, name)(t, *args, **options),
        lambda m, t: getattr(m.nn.functional, name)(t, *args, **options), None,
    )  # fmt: skip


def folded(options: dict[str, Any]) -> Row:
    """Return the row of the reverse of an unfold of `X`."""
    b = df.GraphBuilder()
    shape = df.nn.unfold(b.constant(X), **options).spec.static_shape
    return same("fold", RNG.uniform(-2, 2, shape), (6, 5), **options)


def padded(x: np.ndarray, numbers: tuple[int, ...], options: dict[str, Any]) -> Row:
    """Return the row of a pad; PyTorch takes numbers for 2 axes only of tensors with 3 or 4."""
    modes = {"replicate": "edge", "reflect": "reflect", "circular": "wrap"}
    widths = [(0, 0)] * (x.ndim - len(numbers) // 2)
    widths += list(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    given: dict[str, Any] = {"mode": modes.get(options.get("mode", ""), "constant")}
    if given["mode"] == "constant":
        given["constant_values"] = options.get("value", 0.0)
    jax = None if min(numbers) < 0 else lambda j, t: j.numpy.pad(t, widths, **given)
    return same("pad", x, numbers, **options)._replace(jax=jax)


ROWS = [
    *[same("unfold", X, **options) for options in WINDOWS],
    *[folded(options) for options in WINDOWS],
    same("pixel_shuffle", WIDE, 2), same("pixel_unshuffle", WIDE, 2),
    same("channel_shuffle", WIDE, 2), same("channel_shuffle", WIDE, 4),
    *[padded(X if len(n) != 2 else X[0], n, options) for n, options in PADS],
]  # fmt: skip
