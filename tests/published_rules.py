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


def decayed(s: Settings, w: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decay the weights beside the gradient, or in it; return both."""
    decay = s.get("weight_decay", 0.0)
    return (w - s["lr"] * decay * w, g) if s.get("decoupled_weight_decay") else (w, g + decay * w)


def adamax(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Kingma and Ba (ICLR 2015), algorithm 2, with PyTorch's eps beside each gradient."""
    beta1, beta2 = s.get("betas", (0.9, 0.999))
    w, g = decayed(s, w, g)
    m = average(kept, "m", beta1, g) / (1 - beta1**t)
    kept["u"] = np.maximum(beta2 * kept.get("u", 0.0), np.abs(g) + s.get("eps", 1e-8))
    return w - s["lr"] * m / kept["u"]


def nadam(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Dozat (2016), with the decay of the momentum that the paper's appendix uses."""
    beta1, beta2 = s.get("betas", (0.9, 0.999))
    w, g = decayed(s, w, g)
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (i * s.get("momentum_decay", 4e-3)))
                   for i in (t, t + 1))  # fmt: skip
    product = kept["product"] = kept.get("product", 1.0) * mu
    m, v = average(kept, "m", beta1, g), average(kept, "v", beta2, g * g) / (1 - beta2**t)
    ahead = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    return w - s["lr"] * ahead / (np.sqrt(v) + s.get("eps", 1e-8))


def radam(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Liu and others (ICLR 2020), algorithm 2, with PyTorch's threshold of 5."""
    beta1, beta2 = s.get("betas", (0.9, 0.999))
    w, g = decayed(s, w, g)
    m, v = average(kept, "m", beta1, g) / (1 - beta1**t), average(kept, "v", beta2, g * g)
    most = 2 / (1 - beta2) - 1
    seen = most - 2 * t * beta2**t / (1 - beta2**t)
    if seen <= 5:
        return w - s["lr"] * m
    r = np.sqrt((seen - 4) * (seen - 2) * most / ((most - 4) * (most - 2) * seen))
    return w - s["lr"] * m * r * np.sqrt(1 - beta2**t) / (np.sqrt(v) + s.get("eps", 1e-8))


def adadelta(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Zeiler (2012), algorithm 1, with a learning rate."""
    rho, eps = s.get("rho", 0.9), s.get("eps", 1e-6)
    w, g = decayed(s, w, g)
    v = average(kept, "v", rho, g * g)
    step = np.sqrt(kept.get("steps", 0.0) + eps) / np.sqrt(v + eps) * g
    average(kept, "steps", rho, step * step)
    return w - s["lr"] * step


def lion(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Chen and others (NeurIPS 2023), algorithm 2."""
    beta1, beta2 = s.get("betas", (0.9, 0.99))
    direction = np.sign(beta1 * kept.get("m", 0.0) + (1 - beta1) * g)
    average(kept, "m", beta2, g)
    return w - s["lr"] * (direction + s.get("weight_decay", 0.0) * w)


def lamb(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """You and others (ICLR 2020), algorithm 2, with phi(z) = z."""
    beta1, beta2 = s.get("betas", (0.9, 0.999))
    m = average(kept, "m", beta1, g) / (1 - beta1**t)
    v = average(kept, "v", beta2, g * g) / (1 - beta2**t)
    step = m / (np.sqrt(v) + s.get("eps", 1e-6)) + s.get("weight_decay", 0.0) * w
    norms = np.sqrt((w * w).sum()), np.sqrt((step * step).sum())
    return w - s["lr"] * (norms[0] / norms[1] if all(norms) else 1.0) * step


def adafactor(s: Settings, t: int, w: np.ndarray, g: np.ndarray, kept: Kept) -> Any:  # noqa: ANN401
    """Shazeer and Stern (ICML 2018), algorithms 4 and 5, with PyTorch's two kinds of eps."""
    eps1, eps2 = s.get("eps", (None, 1e-3))
    eps1 = np.finfo(w.dtype).eps if eps1 is None else eps1
    beta = 1 - t ** s.get("beta2_decay", -0.8)
    alpha = max(eps2, np.sqrt((w * w).mean())) * min(s["lr"], 1 / np.sqrt(t))
    if w.ndim < 2:
        v = average(kept, "v", beta, g * g)
    else:
        r = average(kept, "r", beta, (g * g).mean(-1, keepdims=True))
        c = average(kept, "c", beta, (g * g).mean(-2, keepdims=True))
        v = r * c / np.maximum(r.mean(-2, keepdims=True), eps1)
    u = g / np.sqrt(np.maximum(v, eps1**2))
    u = u / max(1.0, np.sqrt((u * u).mean()) / s.get("d", 1.0))
    return w - s["lr"] * s.get("weight_decay", 0.0) * w - alpha * u


RULES: dict[str, Rule] = {
    "SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Adagrad": adagrad,
    "Adamax": adamax, "NAdam": nadam, "RAdam": radam, "Adadelta": adadelta,
    "Lion": lion, "LAMB": lamb, "Adafactor": adafactor,
}  # fmt: skip
"""By PyTorch's names, where it has them."""
