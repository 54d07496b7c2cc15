"""Initialisers of one value, and of draws whose width is given."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.errors import GraphError
from dataflow.nn.weights import Initializer, Weights, initializer
from dataflow.ops.random.quantiles import normal_quantile
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "constant", "draw_normal", "draw_uniform", "normal", "ones", "trunc_normal",
    "truncated_normal", "uniform", "zeros",
]  # fmt: skip


# Of one value


def zeros() -> Initializer:
    """Return the initialiser of zeros.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.initializers.zeros()(df.GraphBuilder(), (2,))
    >>> df.evaluate(weights)
    array([0., 0.], dtype=float32)
    """
    return initializer("zeros", partial(_filled, value=0))


def ones() -> Initializer:
    """Return the initialiser of ones.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.initializers.ones()(df.GraphBuilder(), (2,))
    >>> df.evaluate(weights)
    array([1., 1.], dtype=float32)
    """
    return initializer("ones", partial(_filled, value=1))


def constant(value: float) -> Initializer:
    """Return the initialiser of one value.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.initializers.constant(0.5)(df.GraphBuilder(), (2,))
    >>> df.evaluate(weights)
    array([0.5, 0.5], dtype=float32)
    """
    return initializer("constant", _filled, value=value)


def _filled(weights: Weights, value: float) -> Tensor:
    return weights.builder.full(weights.shape, value, weights.dtype)  # type: ignore[no-any-return]


# Draws of a given width


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Return the initialiser of uniform draws from [low, high).

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.initializers.uniform(2.0, 3.0)(df.GraphBuilder(), (400,))
    >>> bool(df.evaluate(weights).min() >= 2), bool(df.evaluate(weights).max() < 3)
    (True, True)
    """
    return initializer("uniform", draw_uniform, low=low, high=high)


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Return the initialiser of normal draws.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.initializers.normal(5.0, 0.1)(df.GraphBuilder(), (400,))
    >>> round(float(df.evaluate(weights).mean()), 1)
    5.0
    """
    return initializer("normal", draw_normal, mean=mean, std=std)


def truncated_normal(
    mean: float = 0.0, std: float = 1.0, lower: float = -2.0, upper: float = 2.0
) -> Initializer:
    """Return the initialiser of normal draws that lie between two bounds.

    Parameters
    ----------
    mean, std : float
        Those of the normal distribution that is cut; what is left spreads less.
    lower, upper : float
        The bounds, in standard deviations from the mean, as JAX and Keras have them; see
        `trunc_normal` for PyTorch's.

    Raises
    ------
    GraphError
        Nothing lies between the bounds.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.truncated_normal(std=0.1)(df.GraphBuilder(), (100,))
    >>> bool(abs(df.evaluate(weights)).max() <= 0.2)
    True
    """
    made = initializer("truncated_normal", _truncated, mean=mean, std=std, lower=lower, upper=upper)
    _check_bounds("truncated_normal", lower, upper)
    return made


def trunc_normal(
    mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Initializer:
    """Return the initialiser of normal draws from `a` to `b`, as PyTorch has it.

    Parameters
    ----------
    mean, std : float
        Those of the normal distribution that is cut.
    a, b : float
        The bounds themselves; see `truncated_normal` for bounds in standard deviations.

    Raises
    ------
    GraphError
        Nothing lies between the bounds, or the standard deviation isn't above 0.

    Examples
    --------
    >>> import dataflow as df
    >>> weights = df.nn.trunc_normal(std=5.0)(df.GraphBuilder(), (100,))
    >>> bool(abs(df.evaluate(weights)).max() <= 2)
    True
    """
    made = initializer("trunc_normal", _cut, mean=mean, std=std, a=a, b=b)
    _check_bounds("trunc_normal", a, b)
    if not std > 0:
        msg = f"trunc_normal ({user_line()}): std is a number above 0, not {std!r}"
        raise GraphError(msg)
    return made


def _check_bounds(name: str, low: float, high: float) -> None:
    if not low < high:
        msg = f"{name} ({user_line()}): nothing lies between {low} and {high}"
        raise GraphError(msg)


def _cut(weights: Weights, mean: float, std: float, a: float, b: float) -> Tensor:
    return _truncated(weights, mean, std, (a - mean) / std, (b - mean) / std)


def _truncated(weights: Weights, mean: float, std: float, lower: float, upper: float) -> Tensor:
    """Draw probabilities between those of the bounds; far above 0 they are those of -x."""
    sign = -1 if lower > 0 else 1
    low, high = sorted((sign * lower, sign * upper))
    first, last = (math.erfc(-bound / math.sqrt(2)) / 2 for bound in (low, high))
    units: Tensor = weights.builder.rand(weights.shape, "float64")
    draws = call_function("clip", normal_quantile(units * (last - first) + first), low, high)
    return call_function("astype", draws * (sign * std) + mean, weights.dtype)


def draw_uniform(weights: Weights, low: float, high: float) -> Tensor:
    """Declare draws from [low, high)."""
    draws: Tensor = weights.builder.rand(weights.shape, weights.dtype)
    return draws * (high - low) + low


def draw_normal(weights: Weights, mean: float, std: float) -> Tensor:
    """Declare normal draws."""
    draws: Tensor = weights.builder.randn(weights.shape, weights.dtype) * std
    return draws + mean if mean else draws
