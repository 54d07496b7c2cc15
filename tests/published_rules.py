"""The published update rules of optimisers, transcribed to NumPy for the tests.

Each takes a settings dictionary with PyTorch's names, the number of this update (1 at the first),
the variable, its gradient and a dictionary that lives as long as the training; it returns what the
variable becomes. They are written as the papers have them, not to be fast.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Settings: TypeAlias = dict[str, Any]
Kept: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Settings, int, np.ndarray, np.ndarray, Kept], Any]


def average(kept: Kept, name: str, beta: float, value: np.ndarray) -> Any:  # noqa: ANN401
    """Update an exponential average that starts from zero."""
    kept[name] = beta * kept.get(name, 0.0) + (1 - beta) * value
    return kept[name]


def sgd(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Sutskever and others (ICML 2013), in PyTorch's form: the first velocity is the gradient."""
    momentum, dampening = s.get("momentum", 0.0), s.get("dampening", 0.0)
    g = g + s.get("weight_decay", 0.0) * w
    kept["v"] = g if t == 1 else momentum * kept["v"] + (1 - dampening) * g
    step = g + momentum * kept["v"] if s.get("nesterov") else kept["v"]
    return w - s["lr"] * (step if momentum else g)


def adam(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Kingma and Ba (ICLR 2015), algorithm 1; Reddi and others (ICLR 2018) with `amsgrad`."""
    beta1, beta2 = s.get("betas", (0.9, 0.999))
    decay = s.get("weight_decay", 0.0)
    if s.get("decoupled_weight_decay"):
        w = w - s["lr"] * decay * w
    else:
        g = g + decay * w
    m, v = average(kept, "m", beta1, g), average(kept, "v", beta2, g * g)
    if s.get("amsgrad"):
        v = kept["largest"] = np.maximum(kept.get("largest", 0.0), v)
    m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - s["lr"] * m / (np.sqrt(v) + s.get("eps", 1e-8))


def adamw(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Loshchilov and Hutter (ICLR 2019), algorithm 2, the rate multiplied into the decay."""
    return adam({"weight_decay": 0.01, "decoupled_weight_decay": True} | s, t, w, g, kept)


def rmsprop(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Tieleman and Hinton (2012); Graves (2013) with `centered`."""
    alpha = s.get("alpha", 0.99)
    g = g + s.get("weight_decay", 0.0) * w
    v = average(kept, "v", alpha, g * g)
    if s.get("centered"):
        v = v - average(kept, "m", alpha, g) ** 2
    step = g / (np.sqrt(v) + s.get("eps", 1e-8))
    kept["buffer"] = s.get("momentum", 0.0) * kept.get("buffer", 0.0) + step
    return w - s["lr"] * kept["buffer"]


def adagrad(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Duchi, Hazan and Singer (JMLR 2011), with diagonal matrices."""
    g = g + s.get("weight_decay", 0.0) * w
    rate = s["lr"] / (1 + (t - 1) * s.get("lr_decay", 0.0))
    kept["sum"] = kept.get("sum", s.get("initial_accumulator_value", 0.0)) + g * g
    return w - rate * g / (np.sqrt(kept["sum"]) + s.get("eps", 1e-10))


RULES: dict[str, Rule] = {
    "SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Adagrad": adagrad,
}  # fmt: skip
"""By PyTorch's names, where it has them."""
