"""Comparisons with NumPy over arguments, and the arrays that they are made with."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dataflow as df

ROUNDINGS = {"float16": 2, "float32": 4, "float64": 4, "complex64": 16, "complex128": 16}
"""How many units in the last place NumPy's own loops differ by, for memory in another layout."""
LOOSE = {"float16": 2e-3, "float32": 1e-6, "complex64": 1e-6}


def numbered(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Return an array whose elements all differ, so that each can be told from the others."""
    return np.arange(1, 1 + int(np.prod(shape))).reshape(shape).astype(dtype)


def drawn(shape: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> np.ndarray:
    """Draw an array of any dtype, from 0 to 9; imaginary parts have both signs."""
    rng = np.random.default_rng(seed)
    real = rng.uniform(0, 9, shape)
    return (real + 1j * rng.uniform(-3, 3, shape) if dtype[0] == "c" else real).astype(dtype)


def signed(rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Draw the next array of a dtype, from -3 to 3; complex numbers have two such parts."""
    real = rng.uniform(-3, 3, shape)
    both = real + 1j * rng.uniform(-3, 3, shape) if dtype[0] == "c" else real
    return np.asarray(both).astype(dtype)


def listed(made: Any) -> list[Any]:  # noqa: ANN401 - one result or several
    """Return one result or several as a list."""
    return list(made) if isinstance(made, (tuple, list)) else [made]


def check(
    function: Callable[..., Any], like: Callable[..., Any], *arrays: np.ndarray, exact: bool = True
) -> None:
    """Check for NumPy's values, shapes and dtypes, one result or several."""
    b = df.GraphBuilder()
    outputs, expected = listed(function(*map(b.constant, arrays))), listed(like(*arrays))
    assert len(outputs) == len(expected)
    for output, right in zip(outputs, expected, strict=True):
        value = np.asarray(df.evaluate(output))
        assert (output.shape, output.dtype) == (value.shape, value.dtype)
        assert (value.shape, value.dtype) == (right.shape, right.dtype)
        bound = 0 if exact else LOOSE.get(value.dtype.name, 1e-13)
        np.testing.assert_allclose(value, right, rtol=bound, atol=bound)


def check_both(
    name: str, array: np.ndarray, *args: Any, exact: bool = True, **options: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Check our function, and NumPy's own called with a tensor, against NumPy's of the array."""
    like = getattr(np, name)
    for function in (getattr(df, name), like):
        check(lambda t, f=function: f(t, *args, **options), lambda a: like(a, *args, **options),
              array, exact=exact)  # fmt: skip


def assert_near(actual: Any, expected: Any, roundings: int = 200) -> None:  # noqa: ANN401 - arrays
    """Check for one shape and dtype, and for values that differ by roundings, of one or several."""
    if isinstance(expected, tuple):
        for one, other in zip(actual, expected, strict=True):
            assert_near(one, other, roundings)
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    inexact = expected.dtype.kind in "fc"
    bound = roundings * float(np.finfo(expected.dtype).eps) if inexact else 0.0
    np.testing.assert_allclose(actual, expected, rtol=bound, atol=20 * bound)


def named(t: df.Tensor) -> df.Tensor:
    """Return a tensor with an axis of unknown length, in the graph of another."""
    builder: Any = t.builder
    made: df.Tensor = builder.input("named", ("n", 2))
    return made


def assert_agree(a: np.ndarray, b: np.ndarray) -> None:
    """Check for the same dtype, shape, values and signs of zeros."""
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    if a.dtype.kind not in "fc":
        np.testing.assert_array_equal(a, b)
        return
    eps = ROUNDINGS[a.dtype.name] * np.finfo(a.dtype).eps
    np.testing.assert_allclose(a, b, rtol=eps, atol=np.finfo(a.dtype).tiny * eps)
    zero = (a == 0) & (b == 0)
    np.testing.assert_array_equal(np.signbit(a.real[zero]), np.signbit(b.real[zero]))
