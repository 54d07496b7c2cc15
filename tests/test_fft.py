"""What transforms promise beyond their records: NumPy's values and dtypes, lengths, errors."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dataflow as df
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from tests.numpys import drawn

NAMES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
NORMS = ("backward", "ortho", "forward")
DTYPES = ("bool", "int8", "uint64", "float16", "float32", "float64", "complex64", "complex128")
LOOSE = {"float32": 2e-6, "complex64": 2e-6, "float64": 1e-14, "complex128": 1e-14}


def close(found: Any, expected: np.ndarray) -> None:  # noqa: ANN401 - an array
    """Check for NumPy's values, relative to the largest."""
    made, scale = np.asarray(found), float(np.abs(expected).max(initial=1e-30))
    bound = LOOSE[made.dtype.name]
    np.testing.assert_allclose(made, expected, rtol=bound, atol=bound * scale)


def wide(x: np.ndarray) -> np.ndarray:
    """Return an array in the double precision that the reference is computed in."""
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(NAMES), st.sampled_from(DTYPES), st.sampled_from(NORMS),
       st.lists(st.integers(2, 7), min_size=1, max_size=3), st.integers(-1, 0),
       st.sampled_from([None, 1, 2, 3, 8, 13]), st.integers(0, 9))  # fmt: skip
def test_values_are_numpys(
    name: str, dtype: str, norm: str, shape: list[int], axis: int, n: int | None, seed: int
) -> None:
    """Any axis, length, norm and dtype gives what NumPy gives in double precision."""
    if dtype[0] == "c" and name in ("rfft", "ihfft"):
        dtype = "float64"
    x = drawn(tuple(shape), dtype, seed)
    t = df.GraphBuilder().constant(x)
    made = np.asarray(df.evaluate(getattr(df.fft, name)(t, n, axis, norm)))
    close(made, getattr(np.fft, name)(wide(x), n, axis, norm))
    is_single = dtype in ("float16", "float32", "complex64")
    assert made.dtype.name in (("float32", "complex64") if is_single else LOOSE)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(["fftn", "ifftn", "rfftn", "irfftn"]), st.permutations(range(3)),
       st.integers(1, 3), st.lists(st.sampled_from([-1, 1, 2, 5]), min_size=3, max_size=3),
       st.sampled_from(NORMS))  # fmt: skip
def test_values_along_several_axes_are_numpys(
    name: str, order: list[int], count: int, lengths: list[int], norm: str
) -> None:
    """Any axes in any order, cut or padded, give what NumPy gives."""
    axes, s = tuple(order[:count]), tuple(lengths[:count])
    x = drawn((3, 4, 5), "float64" if name == "rfftn" else "complex128", 1)
    if name == "irfftn" and s[-1] == -1:
        s = (*s[:-1], 2 * (x.shape[axes[-1]] - 1))
    t = df.GraphBuilder().constant(x)
    made = df.evaluate(getattr(df.fft, name)(t, s=s, axes=axes, norm=norm))
    close(made, getattr(np.fft, name)(x, s=s, axes=axes, norm=norm))


def test_several_axes_by_default_and_by_count() -> None:
    """All axes by default, the last ones where only lengths are given, two for fft2 and its kin."""
    x = drawn((2, 3, 4), "float64", 2)
    t = df.GraphBuilder().constant(x)
    close(df.evaluate(df.fft.fftn(t)), np.fft.fftn(x))
    close(df.evaluate(df.fft.fftn(t, s=(2, 2))), np.fft.fftn(x, s=(2, 2), axes=(1, 2)))
    close(df.evaluate(df.fft.rfft2(t)), np.fft.rfft2(x))
    close(df.evaluate(df.fft.irfft2(t, s=(2, 5))), np.fft.irfft2(x, s=(2, 5)))
    close(df.evaluate(df.fft.ifft2(t, axes=(0, 1))), np.fft.ifft2(x, axes=(0, 1)))


@pytest.mark.parametrize("name", [*NAMES, "fftn", "ifftn", "rfftn", "irfftn", "fft2", "rfft2"])
def test_numpys_functions_take_tensors(name: str) -> None:
    """np.fft's functions called with a tensor declare ours."""
    x = drawn((3, 4), "float64", 3)
    made = getattr(np.fft, name)(df.GraphBuilder().constant(x))
    close(df.evaluate(made), getattr(np.fft, name)(x))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("norm", NORMS)
def test_gradient_through_a_round_trip(n: int, norm: str) -> None:
    """The gradient of w · irfft(rfft(x)) is w: the weights of half a spectrum are right."""
    b, w = df.GraphBuilder(), drawn((2, n), "float64", 4)
    x = b.constant(drawn((2, n), "float64", 5))
    back = df.fft.irfft(df.fft.rfft(x, norm=norm), n, norm=norm)
    close(df.evaluate(df.grad((back * w).sum(), x)), w)


def test_a_named_length_is_transformed() -> None:
    """Lengths may be named, odd or even, in transforms and in their gradients."""
    b = df.GraphBuilder()
    x = b.input("x", ("n", 3), "float64")
    y = df.fft.rfft(x, axis=0)
    loss = (df.real(y) ** 2).sum() + (df.imag(y) ** 2).sum()
    graph = b.build({"y": y, "g": df.grad(loss, x), "z": df.fft.irfft(y, x.shape[0], axis=0)})
    for n in (1, 4, 5):
        given_x = drawn((n, 3), "float64", n)
        made = df.Runner(df.compile(graph, dims={"n": n})).run(x=given_x)
        close(made["y"], np.fft.rfft(given_x, axis=0))
        close(made["z"], given_x)
        close(made["g"], 2 * n * np.fft.irfft(made["y"] * halves(n), n, axis=0))


def halves(n: int) -> np.ndarray:
    """Return 1 for the frequencies that a whole spectrum of n has once, 1/2 for the others."""
    index = np.arange(n // 2 + 1)[:, np.newaxis]
    return np.where((index == 0) | (2 * index == n), 1, 0.5)


def test_infinities_and_nan_pass_as_in_numpy() -> None:
    """A NaN or an infinity makes what NumPy makes of it, in single precision too."""
    for dtype in ("float32", "float64"):
        x = np.array([1, np.inf, 0, np.nan], dtype)
        made = df.evaluate(df.fft.fft(df.GraphBuilder().constant(x)))
        assert np.isnan(made).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: df.fft.fft(t, n=0), ShapeError, "length of 1 or more, not 0"),
        (lambda t: df.fft.irfft(t, n=-3), ShapeError, "length of 1 or more, not -3"),
        (lambda t: df.fft.irfft(t[:, :1]), ShapeError, "length of 1 or more, not 0"),
        (lambda t: df.fft.fft(t, n="x"), ShapeError, "isn't known which is longer"),
        (lambda t: df.fft.fft(t, n=cast("int", 2.5)), ShapeError, "2.5"),
        (lambda t: df.fft.fft(t, axis=2), ShapeError, "axis 2 is out of range"),
        (lambda t: df.fft.fftn(t, axes=(0, -2)), ShapeError, "one axis twice"),
        (lambda t: df.fft.fftn(t, s=(2, 2), axes=(0,)), ShapeError, "as many lengths, not 2"),
        (lambda t: df.fft.fftn(t, s=(2, 2, 2)), ShapeError, "out of range"),
        (lambda t: df.fft.rfftn(df.real(t), axes=()), ShapeError, "at least 1 axis"),
        (lambda t: df.fft.fft(t, norm="none"), ArgumentError, "ortho, forward, not 'none'"),
        (df.fft.rfft, DTypeError, "real numbers, not complex128"),
        (df.fft.ihfft, DTypeError, "real numbers, not complex128"),
        (lambda t: df.fft.fft(cast("df.Tensor", [1.0])), DTypeError, "must be a tensor"),
    ],
)
def test_errors_come_at_the_users_line(
    call: Callable[..., Any], error: type[Exception], message: str
) -> None:
    """Wrong lengths, axes, norms and dtypes are refused where the node is declared."""
    t = df.GraphBuilder().constant(np.ones((2, 3), np.complex128))
    with pytest.raises(error, match=message) as caught:
        call(t)
    assert "test_fft.py:" in str(caught.value)
