"""Comparisons with NumPy of functions that only move elements: their very values and dtypes."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df


def numbered(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Return an array whose elements all differ, so that each can be told from the others."""
    return np.arange(1, 1 + int(np.prod(shape))).reshape(shape).astype(dtype)


def listed(made: Any) -> list[Any]:  # noqa: ANN401 - one result or several
    """Return one result or several as a list."""
    return list(made) if isinstance(made, (tuple, list)) else [made]


def check(function: Callable[..., Any], array: np.ndarray, like: Callable[..., Any]) -> None:
    """Check for NumPy's very values, shapes and dtypes, one result or several."""
    t = df.GraphBuilder().constant(array)
    outputs, expected = listed(function(t)), listed(like(array))
    assert len(outputs) == len(expected)
    for output, right in zip(outputs, expected, strict=True):
        value = np.asarray(df.evaluate(output))
        assert (output.shape, output.dtype) == (value.shape, value.dtype)
        assert value.dtype == right.dtype
        np.testing.assert_array_equal(value, right)


def check_both(name: str, array: np.ndarray, *args: Any, **options: Any) -> None:  # noqa: ANN401
    """Check our function, and NumPy's own called with a tensor, against NumPy's of the array."""
    like = getattr(np, name)
    for function in (getattr(df, name), like):
        check(lambda t, f=function: f(t, *args, **options), array,
              lambda a: like(a, *args, **options))  # fmt: skip


def named(t: df.Tensor) -> df.Tensor:
    """Return a tensor with an axis of unknown length, in the graph of another."""
    builder: Any = t.builder
    made: df.Tensor = builder.input("named", ("n", 2))
    return made
