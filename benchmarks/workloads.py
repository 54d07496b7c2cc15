"""The suite's workloads: whole training and gradient steps, each written once for all libraries.

A workload takes a *library* first: one of the thin adapters of `benchmarks.libraries`, with the
operations that the libraries name differently, each by its library's own best function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = ["WORKLOADS", "Arrays", "Workload"]

Any_: TypeAlias = Any
Library: TypeAlias = Any
Array: TypeAlias = np.ndarray[Any, Any]
Arrays: TypeAlias = Mapping[str, Array]


class Workload(NamedTuple):
    """What is differentiated, what is fed, and the function between them.

    Parameters
    ----------
    name : str
        Its name in the table.
    weights : dict of array
        The loss is differentiated by these.
    data : dict of array
        Fed at each step.
    loss : callable
        ``loss(lib, weights, data)`` gives a scalar.
    learning_rate : float, optional
        With it, the step is a training step with Adam; without, it returns the gradients.
    unrolled : bool
        Whether it is a graph of thousands of small nodes, which some compilers take minutes for.
    """

    name: str
    weights: Arrays
    data: Arrays
    loss: Callable[[Library, Mapping[str, Any_], Mapping[str, Any_]], Any_]
    learning_rate: float | None = None
    unrolled: bool = False


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    scale = np.sqrt(shape[-2] if len(shape) > 1 else 1)
    return np.asarray(rng.normal(size=shape) / scale, np.float32)


def _perceptron(
    name: str, rows: int, widths: tuple[int, ...], learning_rate: float | None = None
) -> Workload:
    """Classify by layers of these widths, the input's first."""
    rng, layers = np.random.default_rng(0), range(len(widths) - 1)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        h = data["x"]
        for i in layers:
            h = lib.linear(h, w[f"w{i}"], w[f"b{i}"])
            h = lib.relu(h) if i + 1 < len(layers) else h
        return lib.cross_entropy(h, data["labels"])

    weights = {f"w{i}": _normal(rng, widths[i], widths[i + 1]) for i in layers}
    weights |= {f"b{i}": np.zeros(widths[i + 1], np.float32) for i in layers}
    data = {"x": _normal(rng, rows, widths[0]), "labels": rng.integers(0, widths[-1], rows)}
    return Workload(name, weights, data, loss, learning_rate)


def _tiny_mlp() -> Workload:
    return _perceptron("tiny MLP", 8, (4, 16, 16, 2))


def _digits_mlp() -> Workload:
    return _perceptron("digits MLP, Adam", 32, (64, 128, 10), learning_rate=1e-3)


def _mnist_mlp() -> Workload:
    return _perceptron("MNIST-size MLP", 128, (784, 512, 256, 10))


def _wide_mlp() -> Workload:
    return _perceptron("wide MLP", 256, (1024, 2048, 2048, 1000))


def _lenet() -> Workload:
    rng = np.random.default_rng(1)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        h = lib.pool(lib.relu(lib.conv(data["x"], w["conv0"], w["cb0"], 2)))
        h = lib.pool(lib.relu(lib.conv(h, w["conv1"], w["cb1"], 0)))
        h = h.reshape((64, 400))
        h = lib.relu(lib.linear(h, w["w0"], w["b0"]))
        h = lib.relu(lib.linear(h, w["w1"], w["b1"]))
        return lib.cross_entropy(lib.linear(h, w["w2"], w["b2"]), data["labels"])

    weights: dict[str, Array] = {
        "conv0": 0.2 * _normal(rng, 6, 1, 5, 5),
        "conv1": 0.1 * _normal(rng, 16, 6, 5, 5),
        "cb0": np.zeros(6, np.float32),
        "cb1": np.zeros(16, np.float32),
    }
    for i, (n, m) in enumerate(((400, 120), (120, 84), (84, 10))):
        weights |= {f"w{i}": _normal(rng, n, m), f"b{i}": np.zeros(m, np.float32)}
    x = np.asarray(rng.normal(size=(64, 1, 28, 28)), np.float32)
    return Workload("LeNet", weights, {"x": x, "labels": rng.integers(0, 10, 64)}, loss)


def _resnet_block() -> Workload:
    rng = np.random.default_rng(2)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        x = data["x"]
        h = lib.batch_norm(lib.conv(x, w["conv0"], None, 1), w["scale0"], w["shift0"])
        h = lib.batch_norm(lib.conv(lib.relu(h), w["conv1"], None, 1), w["scale1"], w["shift1"])
        h = lib.relu(h + x)
        return (h * h).mean()

    weights: dict[str, Array] = {}
    for i in range(2):
        weights |= {f"conv{i}": 0.1 * _normal(rng, 32, 32, 3, 3),
                    f"scale{i}": np.ones(32, np.float32),
                    f"shift{i}": np.zeros(32, np.float32)}  # fmt: skip
    x = np.asarray(rng.normal(size=(16, 32, 32, 32)), np.float32)
    return Workload("ResNet block", weights, {"x": x}, loss)


def _transformer_mlp() -> Workload:
    rng = np.random.default_rng(3)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        x = data["x"]
        h = lib.layer_norm(x, w["scale"], w["shift"])
        h = lib.gelu(lib.linear(h, w["up"], w["up_bias"]))
        h = x + lib.linear(h, w["down"], w["down_bias"])
        return (h * h).mean()

    weights = {**_norm("", 256), **_dense(rng, "up", 256, 1024), **_dense(rng, "down", 1024, 256)}
    return Workload("transformer MLP block", weights, {"x": _normal(rng, 4096, 256)}, loss)


def _norm(prefix: str, width: int) -> dict[str, Array]:
    return {f"{prefix}scale": np.ones(width, np.float32),
            f"{prefix}shift": np.zeros(width, np.float32)}  # fmt: skip


def _dense(rng: np.random.Generator, name: str, width: int, units: int) -> dict[str, Array]:
    return {name: _normal(rng, width, units), f"{name}_bias": np.zeros(units, np.float32)}


def _heads(lib: Library, x: Any_, count: int) -> Any_:
    """Turn (batch, length, width) into (batch, heads, length, width of a head)."""
    batch, length, width = x.shape
    return lib.turned(x.reshape((batch, length, count, width // count)), (0, 2, 1, 3))


def _attended(
    lib: Library, x: Any_, w: Mapping[str, Any_], prefix: str, heads: int, *, causal: bool
) -> Any_:
    q, k, v = (_heads(lib, lib.linear(x, w[f"{prefix}{n}"], w[f"{prefix}{n}_bias"]), heads)
               for n in "qkv")  # fmt: skip
    mixed = lib.turned(lib.attention(q, k, v, causal), (0, 2, 1, 3)).reshape(x.shape)
    return lib.linear(mixed, w[f"{prefix}o"], w[f"{prefix}o_bias"])


def _attention() -> Workload:
    rng = np.random.default_rng(4)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        x = data["x"]
        y = x + _attended(lib, lib.layer_norm(x, w["scale"], w["shift"]), w, "", 8, causal=False)
        return (y * y).mean()

    weights = _norm("", 256)
    for name in "qkvo":
        weights |= _dense(rng, name, 256, 256)
    x = np.asarray(rng.normal(size=(1, 512, 256)), np.float32)
    return Workload("attention block", weights, {"x": x}, loss)


def _gpt() -> Workload:
    rng, width, length, batch, layers = np.random.default_rng(5), 128, 256, 8, 4

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        x = lib.embedding(w["tokens"], data["x"]) + w["places"]
        for i in range(layers):
            h = lib.layer_norm(x, w[f"{i}a.scale"], w[f"{i}a.shift"])
            x = x + _attended(lib, h, w, f"{i}", 4, causal=True)
            h = lib.layer_norm(x, w[f"{i}b.scale"], w[f"{i}b.shift"])
            h = lib.gelu(lib.linear(h, w[f"{i}up"], w[f"{i}up_bias"]))
            x = x + lib.linear(h, w[f"{i}down"], w[f"{i}down_bias"])
        x = lib.layer_norm(x, w["scale"], w["shift"])
        logits = lib.linear(x, w["head"], w["head_bias"]).reshape((batch * length, 256))
        return lib.cross_entropy(logits, data["labels"])

    weights = {"tokens": _normal(rng, 256, width), "places": _normal(rng, length, width)}
    for i in range(layers):
        for name in "qkvo":
            weights |= _dense(rng, f"{i}{name}", width, width)
        weights |= _dense(rng, f"{i}up", width, 4 * width)
        weights |= _dense(rng, f"{i}down", 4 * width, width)
        weights |= {**_norm(f"{i}a.", width), **_norm(f"{i}b.", width)}
    weights |= {**_norm("", width), **_dense(rng, "head", width, 256)}
    tokens = rng.integers(0, 256, (batch, length + 1))
    data = {"x": tokens[:, :-1].copy(), "labels": tokens[:, 1:].reshape(-1)}
    return Workload("small GPT", weights, data, loss)


def _lstm() -> Workload:
    rng, width = np.random.default_rng(6), 128

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        rows = lib.lstm(data["x"], w["input"], w["hidden"], w["bias"])
        return (rows * rows).mean()

    weights = {"input": _normal(rng, 64, 4 * width), "hidden": _normal(rng, width, 4 * width),
               "bias": np.zeros(4 * width, np.float32)}  # fmt: skip
    x = np.asarray(rng.normal(size=(128, 32, 64)), np.float32)
    return Workload("LSTM, 128 steps", weights, {"x": x}, loss)


def _logistic_regression() -> Workload:
    rng = np.random.default_rng(7)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        margin = (data["x"] @ w["w"] + w["b"]) * data["signs"]
        return lib.softplus(-margin).mean()

    weights = {"w": rng.normal(size=100) / 10, "b": np.zeros(())}
    data = {"x": rng.normal(size=(100_000, 100)), "signs": rng.choice([-1.0, 1.0], 100_000)}
    return Workload("logistic regression", weights, data, loss)


def _cross_entropy() -> Workload:
    rng = np.random.default_rng(8)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        return lib.cross_entropy(w["logits"], data["labels"])

    logits = np.asarray(rng.normal(size=(4096, 10_000)), np.float32)
    labels = rng.integers(0, 10_000, 4096)
    return Workload("softmax cross-entropy", {"logits": logits}, {"labels": labels}, loss)


def _adam() -> Workload:
    rng = np.random.default_rng(9)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        del lib
        return sum(((w[f"w{i}"] * data["scale"]) ** 2).sum() for i in range(4))

    weights = {f"w{i}": _normal(rng, 1024, 1024) for i in range(4)}
    data = {"scale": np.full(1024, 0.5, np.float32)}
    return Workload("Adam, 4 M parameters", weights, data, loss, learning_rate=1e-3)


def _pendulum() -> Workload:
    step = np.float32(0.01)

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        pull = w["gravity"] / w["length"]

        def force(angle: Any_) -> Any_:
            return -pull * lib.sin(angle)

        angle, speed = w["angle"], w["speed"]
        for _ in range(200):
            a1, s1 = speed, force(angle)
            a2, s2 = speed + step / 2 * s1, force(angle + step / 2 * a1)
            a3, s3 = speed + step / 2 * s2, force(angle + step / 2 * a2)
            a4, s4 = speed + step * s3, force(angle + step * a3)
            angle = angle + step / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
            speed = speed + step / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
        return (angle - data["target"]) ** 2

    weights = {"angle": 1.0, "speed": 0.1, "gravity": 9.81, "length": 1.3}
    arrays = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    data = {"target": np.asarray(0.3, np.float32)}
    return Workload("pendulum, 200 steps", arrays, data, loss, unrolled=True)


def _gaussian_process() -> Workload:
    rng, n = np.random.default_rng(10), 512

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        x = data["x"] * lib.exp(-w["log_lengths"])
        squares = (x * x).sum(1)
        between = squares.reshape((n, 1)) + squares.reshape((1, n)) - 2 * x @ lib.turned(x, (1, 0))
        covariance = lib.exp(w["log_variance"] - between / 2)
        covariance = covariance + lib.exp(w["log_noise"]) * data["eye"]
        factor = lib.cholesky(covariance)
        white = lib.solve_lower(factor, data["y"])
        return (white * white).sum() / 2 + lib.log(lib.diagonal(factor)).sum()

    weights = {"log_lengths": np.zeros(8), "log_variance": np.zeros(()),
               "log_noise": np.full((), -2.0)}  # fmt: skip
    data = {"x": rng.normal(size=(n, 8)), "y": rng.normal(size=(n, 1)), "eye": np.eye(n)}
    return Workload("Gaussian process", weights, data, loss)


def _black_scholes() -> Workload:
    rng, n = np.random.default_rng(11), 1_000_000

    def loss(lib: Library, w: Mapping[str, Any_], data: Mapping[str, Any_]) -> Any_:
        def normal_cdf(z: Any_) -> Any_:
            return 0.5 * lib.erfc(z * -(0.5**0.5))

        spread = w["volatility"] * lib.sqrt(w["time"])
        first = lib.log(w["spot"] / data["strike"])
        d1 = (first + (w["rate"] + w["volatility"] ** 2 / 2) * w["time"]) / spread
        discount = data["strike"] * lib.exp(-w["rate"] * w["time"])
        price = w["spot"] * normal_cdf(d1) - discount * normal_cdf(d1 - spread)
        return price.sum()

    bounds = {"spot": (80, 120), "volatility": (0.1, 0.5), "time": (0.2, 2), "rate": (0, 0.05)}
    weights = {name: rng.uniform(low, high, n) for name, (low, high) in bounds.items()}
    return Workload("Black-Scholes", weights, {"strike": rng.uniform(80, 120, n)}, loss)


WORKLOADS: Mapping[str, Callable[[], Workload]] = {
    "tiny_mlp": _tiny_mlp,
    "digits_mlp": _digits_mlp,
    "mnist_mlp": _mnist_mlp,
    "wide_mlp": _wide_mlp,
    "lenet": _lenet,
    "resnet_block": _resnet_block,
    "transformer_mlp": _transformer_mlp,
    "attention": _attention,
    "gpt": _gpt,
    "lstm": _lstm,
    "logistic_regression": _logistic_regression,
    "cross_entropy": _cross_entropy,
    "adam": _adam,
    "pendulum": _pendulum,
    "gaussian_process": _gaussian_process,
    "black_scholes": _black_scholes,
}
