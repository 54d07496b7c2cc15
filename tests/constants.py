"""Values and gradients of functions of constants: arrays go in, arrays come out."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df


def values(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    """Return a function's result, or results, of arrays as constants; the rest goes in as it is."""
    b = df.GraphBuilder()
    made = function(*[_constant(b, a) for a in arguments], **options)
    return df.evaluate(*made) if isinstance(made, tuple) else df.evaluate(made)


def slope(function: Callable[..., Any], x: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    """Return the gradient by an array of the sum of a function's values."""
    b = df.GraphBuilder()
    t = b.constant(x)
    made = function(t, *[_constant(b, a) for a in arguments], **options)
    return df.evaluate(df.grad(made.sum(), t))


def slopes(function: Callable[..., Any], *points: float) -> list[float]:
    """Return the derivatives of a function of float64 by each argument."""
    b = df.GraphBuilder()
    xs = [b.constant(np.float64(p)) for p in points]
    return [float(g) for g in df.evaluate(*df.grad(function(*xs), xs), xs[0])[: len(xs)]]


def _constant(b: df.GraphBuilder, argument: object) -> Any:  # noqa: ANN401 - a tensor or what it was
    return b.constant(argument) if isinstance(argument, (np.ndarray, np.generic)) else argument
