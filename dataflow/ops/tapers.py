"""Windows that signals are multiplied by, as constants: what they are is known from the length."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.current import builder_for
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.structure import as_integer
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.tensor import Builder, Tensor

__all__ = ["bartlett", "bartlett_window", "blackman", "blackman_window", "hamming",
           "hamming_window", "hann_window", "hanning", "kaiser", "kaiser_window"]  # fmt: skip


def _points(name: str, m: int) -> int:
    count = as_integer(m, f"{name}'s number of points")
    if count < 0:
        msg = f"{name} ({user_line()}): there are 0 points or more, not {m!r}"
        raise ShapeError(msg)
    return count


def _number(name: str, what: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        msg = f"{name} ({user_line()}): {what} is a number, not {value!r}"
        raise DTypeError(msg)
    return float(value)


def _window(name: str, m: int, dtype: object, device: Builder | None) -> Tensor:
    """Declare one of NumPy's windows that have no other parameter than their length."""
    builder = builder_for(name, device)
    values = getattr(np, name)(_points(name, m))
    return builder.constant(values, dtype="float32" if dtype is None else dtype)


@public()
def hanning(m: int, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return the window of von Hann, a cosine's arch: ``0.5 - 0.5 cos(2πn / (m - 1))``.

    Parameters
    ----------
    m : int
        The number of points, 0 or more.
    dtype : dtype, optional
        By default float32.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        There can't be so many points, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.hanning(3, device=df.GraphBuilder()))
    array([0., 1., 0.], dtype=float32)
    """
    return _window("hanning", m, dtype, device)


@public()
def hamming(m: int, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return Hamming's window, ``0.54 - 0.46 cos(2πn / (m - 1))``; see `hanning`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.hamming(3, device=df.GraphBuilder()))
    array([0.08, 1.  , 0.08], dtype=float32)
    """
    return _window("hamming", m, dtype, device)


@public()
def blackman(m: int, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return Blackman's window, of three cosines; see `hanning`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.blackman(5, device=df.GraphBuilder())).round(2)[1:4]
    array([0.34, 1.  , 0.34], dtype=float32)
    """
    return _window("blackman", m, dtype, device)


@public()
def bartlett(m: int, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return Bartlett's window, a triangle that is 0 at both ends; see `hanning`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.bartlett(5, device=df.GraphBuilder()))
    array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _window("bartlett", m, dtype, device)


@public()
def kaiser(m: int, beta: float, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return Kaiser's window, of Bessel functions; see `hanning` for the other parameters.

    Parameters
    ----------
    m : int
        The number of points, 0 or more.
    beta : float
        How narrow it is: 0 for all ones, 14 for nearly nothing at the ends.
    dtype : dtype, optional
        By default float32.
    device : GraphBuilder, optional
        The graph's builder.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.kaiser(3, 2.0, device=df.GraphBuilder())).round(3)
    array([0.439, 1.   , 0.439], dtype=float32)
    """
    builder = builder_for("kaiser", device)
    values = np.kaiser(_points("kaiser", m), _number("kaiser", "beta", beta))
    return builder.constant(values, dtype="float32" if dtype is None else dtype)


# PyTorch's, which by default are one period of what repeats


def _one_period(
    window: Callable[..., Tensor], length: int, periodic: bool, dtype: object,
    device: Builder | None,
) -> Tensor:  # fmt: skip
    """Return a window, or what is longer by one without its last point."""
    count = _points("the window", length)
    if not periodic or count < 2:
        return window(count, dtype=dtype, device=device)
    return window(count + 1, dtype=dtype, device=device)[:count]


@public()
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: object = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return the window `hanning`, as `torch.hann_window` does.

    Parameters
    ----------
    window_length : int
        The number of points, 0 or more.
    periodic : bool
        Whether it lacks the last point, which is the first one of the next period.
    dtype, device
        See `hanning`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.hann_window(4, device=df.GraphBuilder()))
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    return _one_period(hanning, window_length, periodic, dtype, device)


@public()
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: object = None, device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return ``alpha - beta cos(2πn / N)``, by default `hamming`, as `torch.hamming_window` does.

    Parameters
    ----------
    window_length : int
        The number of points, 0 or more; a single one is 1.
    periodic : bool
        Whether N is the number of points, so that the next period begins where the window ends;
        else it is less by 1.
    alpha, beta : float
        The middle, and the height of the cosine.
    dtype, device
        See `hanning`.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        See `hanning`; or `alpha` or `beta` is no number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.hamming_window(4, device=df.GraphBuilder())).round(2)
    array([0.08, 0.54, 1.  , 0.54], dtype=float32)
    """
    middle, height = (_number("hamming_window", *p) for p in (("alpha", alpha), ("beta", beta)))
    window = partial(_cosine, alpha=middle, beta=height)
    return _one_period(window, window_length, periodic, dtype, device)


def _cosine(
    m: int, alpha: float, beta: float, dtype: object, device: Builder | None
) -> Tensor:  # fmt: skip
    """Declare a raised cosine, by the angles that `numpy.hamming` takes: the same to the bit."""
    builder = builder_for("hamming_window", device)
    values = alpha + beta * np.cos(np.pi * np.arange(1 - m, m, 2) / max(m - 1, 1))
    values = np.ones(m) if m == 1 else values
    return builder.constant(values, dtype="float32" if dtype is None else dtype)


@public()
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: object = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return `blackman`, as `torch.blackman_window` does; see `hann_window`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.blackman_window(4, device=df.GraphBuilder())).round(2)[1:]
    array([0.34, 1.  , 0.34], dtype=float32)
    """
    return _one_period(blackman, window_length, periodic, dtype, device)


@public()
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: object = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return `bartlett`, as `torch.bartlett_window` does; see `hann_window`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.bartlett_window(4, device=df.GraphBuilder())).round(2)
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    return _one_period(bartlett, window_length, periodic, dtype, device)


@public()
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: object = None,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return `kaiser` of a narrowness, as `torch.kaiser_window` does.

    Parameters
    ----------
    window_length : int
        The number of points, 0 or more.
    periodic : bool
        Whether it lacks the last point, which is the first one of the next period.
    beta : float
        How narrow it is; see `kaiser`.
    dtype, device
        See `hanning`.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        See `hanning`; or `beta` is no number.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.kaiser_window(4, beta=2.0, device=df.GraphBuilder())).round(2)
    array([0.44, 0.83, 1.  , 0.83], dtype=float32)
    """
    return _one_period(partial(kaiser, beta=beta), window_length, periodic, dtype, device)
