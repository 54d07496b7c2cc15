"""Seven training steps, written once for all libraries.

Each is the gradient of a mean loss by all weights. The network is a function of the library's own
arrays and of a thin adapter with the operations that the libraries name differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = ["MODELS", "Library", "Model"]

Any_: TypeAlias = Any
Library: TypeAlias = Any
"""One of the adapters of `benchmarks.libraries`."""

Arrays: TypeAlias = Mapping[str, np.ndarray[Any, Any]]


class Model(NamedTuple):
    """A network: its weights, its input, and its loss; whether it mixes examples."""

    name: str
    weights: Arrays
    x: np.ndarray[Any, Any]
    loss: Callable[[Library, Any_, Mapping[str, Any_]], Any_]
    mixes: bool = False


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray[Any, Any]:
    scale = np.sqrt(shape[-2] if len(shape) > 1 else 1)
    return np.asarray(rng.normal(size=shape) / scale, np.float32)


def _mlp() -> Model:
    return _perceptron(8192)


def _small_mlp() -> Model:
    return _perceptron(32)


def _perceptron(rows: int) -> Model:
    rng = np.random.default_rng(0)

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        for i in range(8):
            x = lib.relu(x @ w[f"w{i}"])
        return (x * x).mean()

    weights = {f"w{i}": _normal(rng, 256, 256) for i in range(8)}
    return Model(f"MLP, 8 layers, {rows} x 256", weights, _normal(rng, rows, 256), loss)


def _conv() -> Model:
    rng, widths = np.random.default_rng(1), (3, 16, 32, 32)

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        for i in range(3):
            x = lib.relu(lib.conv(x, w[f"w{i}"], None, 1))
        return (x * x).mean()

    weights = {f"w{i}": 0.1 * _normal(rng, widths[i + 1], widths[i], 3, 3) for i in range(3)}
    return Model("conv net, 64 x 3 x 32 x 32", weights, _normal(rng, 64, 3, 32, 32), loss)


def _batch_norm() -> Model:
    rng, widths = np.random.default_rng(1), (3, 16, 32, 32)

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        for i in range(3):
            x = lib.relu(lib.normalized(lib.conv(x, w[f"w{i}"], None, 1), (0, 2, 3)))
        return (x * x).mean()

    weights = {f"w{i}": 0.1 * _normal(rng, widths[i + 1], widths[i], 3, 3) for i in range(3)}
    return Model("conv net with batch norm", weights, _normal(rng, 64, 3, 32, 32), loss, mixes=True)


def _transformer() -> Model:
    rng, width, heads = np.random.default_rng(2), 128, 4

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        batch, length, _ = x.shape

        def split(y: Any_) -> Any_:
            return lib.turned(y.reshape((batch, length, heads, width // heads)), (0, 2, 1, 3))

        y = lib.normalized(x, (2,))
        q, k, v = (split(y @ w[name]) for name in "qkv")
        mixed = lib.softmax(q @ lib.turned(k, (0, 1, 3, 2)) / np.float32(5.6)) @ v
        x = x + lib.turned(mixed, (0, 2, 1, 3)).reshape((batch, length, width)) @ w["o"]
        x = x + lib.gelu(lib.normalized(x, (2,)) @ w["up"]) @ w["down"]
        return (x * x).mean()

    weights = {name: _normal(rng, width, width) for name in "qkvo"}
    weights |= {"up": _normal(rng, width, 4 * width), "down": _normal(rng, 4 * width, width)}
    return Model("transformer block, 32 x 128 x 128", weights, _normal(rng, 32, 128, width), loss)


def _lstm() -> Model:
    rng, width = np.random.default_rng(3), 128

    def step(lib: Library, carry: Any_, x: Any_, w: Any_) -> Any_:
        h, c = carry
        gates = x + h @ w
        i, f, g, o = (gates[:, n * width : (n + 1) * width] for n in range(4))
        c = lib.sigmoid(f) * c + lib.sigmoid(i) * lib.tanh(g)
        return lib.sigmoid(o) * lib.tanh(c), c

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        start = x[0, :, :width] * np.float32(0)
        h, _ = lib.scan(step, (start, start), x @ w["input"], w["hidden"])
        return (h * h).mean()

    weights = {"input": _normal(rng, width, 4 * width), "hidden": _normal(rng, width, 4 * width)}
    return Model(
        "LSTM over scan, 64 steps of 256 x 128", weights, _normal(rng, 64, 256, width), loss
    )


def _physics() -> Model:
    rng = np.random.default_rng(4)

    def loss(lib: Library, x: Any_, w: Mapping[str, Any_]) -> Any_:
        for _ in range(12):
            x = x + np.float32(0.01) * (lib.sin(x * w["k"]) - w["c"] * x * x)
        return (x * x).mean()

    weights = {"k": _normal(rng, 1), "c": _normal(rng, 1)}
    return Model("element-wise physics, 2**20", weights, _normal(rng, 2**20), loss)


MODELS = (_mlp, _small_mlp, _conv, _transformer, _lstm, _physics, _batch_norm)
