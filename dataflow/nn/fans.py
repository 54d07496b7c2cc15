"""Initialisers whose draws are as wide as the fans ask for, so that values keep their size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from dataflow.errors import GraphError
from dataflow.nn.distributions import draw_normal, draw_uniform
from dataflow.nn.weights import Initializer, Weights, initializer
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "calculate_gain", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform", "xavier_normal",
    "xavier_uniform",
]  # fmt: skip


def xavier_uniform(gain: float = 1.0) -> Initializer:
    """Return Xavier Glorot's initialiser: variance ``gain² / mean of the fans``, uniform.

    `glorot_uniform` is another name for it.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.xavier_uniform()(df.GraphBuilder(), (20, 30))
    >>> bool(abs(df.evaluate(weights)).max() <= (6 / 50) ** 0.5)  # 20 inputs and 30 outputs
    True
    """
    return initializer("xavier_uniform", partial(_uniform_by, mode="fan_avg"), gain=gain)


def xavier_normal(gain: float = 1.0) -> Initializer:
    """Return Xavier Glorot's initialiser with normal draws; see `xavier_uniform`.

    `glorot_normal` is another name for it.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.xavier_normal()(df.GraphBuilder(), (200, 300))
    >>> round(float(df.evaluate(weights).std()), 3), round((2 / 500) ** 0.5, 3)
    (0.063, 0.063)
    """
    return initializer("xavier_normal", partial(_normal_by, mode="fan_avg"), gain=gain)


def kaiming_uniform(
    a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Initializer:
    """Return Kaiming He's initialiser: variance ``gain² / fan``, uniform.

    `he_uniform` is another name for it.

    Parameters
    ----------
    a : float
        The slope below 0 of the leaky ReLU that follows.
    mode : {"fan_in", "fan_out", "fan_avg"}
        Which fan: inputs keep the variance of values, outputs that of gradients.
    nonlinearity : str
        What follows, whose gain `calculate_gain` gives.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.kaiming_uniform()(df.GraphBuilder(), (24, 30))
    >>> bool(abs(df.evaluate(weights)).max() <= (6 / 24) ** 0.5)
    True
    """
    return _kaiming("kaiming_uniform", _uniform_by, a, mode, nonlinearity)


def kaiming_normal(
    a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Initializer:
    """Return Kaiming He's initialiser with normal draws; see `kaiming_uniform`.

    `he_normal` is another name for it.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.kaiming_normal()(df.GraphBuilder(), (200, 300))
    >>> round(float(df.evaluate(weights).std()), 2), (2 / 200) ** 0.5
    (0.1, 0.1)
    """
    return _kaiming("kaiming_normal", _normal_by, a, mode, nonlinearity)


def lecun_uniform() -> Initializer:
    """Return LeCun's initialiser: variance ``1 / inputs``, uniform.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, equation 16.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.lecun_uniform()(df.GraphBuilder(), (12, 30))
    >>> bool(abs(df.evaluate(weights)).max() <= (3 / 12) ** 0.5)
    True
    """
    return initializer("lecun_uniform", partial(_uniform_by, mode="fan_in", gain=1.0))


def lecun_normal() -> Initializer:
    """Return LeCun's initialiser with normal draws; see `lecun_uniform`.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.lecun_normal()(df.GraphBuilder(), (100, 300))
    >>> round(float(df.evaluate(weights).std()), 2), (1 / 100) ** 0.5
    (0.1, 0.1)
    """
    return initializer("lecun_normal", partial(_normal_by, mode="fan_in", gain=1.0))


glorot_normal, glorot_uniform = xavier_normal, xavier_uniform  # Keras's and JAX's names
he_normal, he_uniform = kaiming_normal, kaiming_uniform


def _kaiming(
    name: str, rule: Callable[..., Tensor], a: float, mode: str, nonlinearity: str
) -> Initializer:
    if mode not in ("fan_in", "fan_out", "fan_avg"):
        msg = f"{name} ({user_line()}): mode is fan_in, fan_out or fan_avg, not {mode!r}"
        raise GraphError(msg)
    gain = calculate_gain(nonlinearity, a if nonlinearity == "leaky_relu" else None)
    return initializer(name, partial(rule, mode=mode), gain=gain)


def _uniform_by(weights: Weights, gain: float, mode: str) -> Tensor:
    limit = gain * math.sqrt(3 / weights.fan(mode))
    return draw_uniform(weights, -limit, limit)


def _normal_by(weights: Weights, gain: float, mode: str) -> Tensor:
    return draw_normal(weights, 0, gain / math.sqrt(weights.fan(mode)))


_GAINS = {
    "linear": 1.0, "identity": 1.0, "sigmoid": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0,
    "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return what a nonlinearity asks weights to be scaled by, as PyTorch has it.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"selu"``.
    param : float, optional
        The slope of the leaky ReLU below 0, by default 0.01.

    Raises
    ------
    GraphError
        The nonlinearity isn't known, or the slope is no number.

    Examples
    --------
    >>> calculate_gain("leaky_relu", 0.0) == 2**0.5
    True
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            msg = f"calculate_gain ({user_line()}): the slope is a number, not {param!r}"
            raise GraphError(msg)
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        msg = (f"calculate_gain ({user_line()}): {nonlinearity!r} is none of "
               f"{', '.join((*_GAINS, 'leaky_relu'))}")  # fmt: skip
        raise GraphError(msg)
    return _GAINS[nonlinearity]
