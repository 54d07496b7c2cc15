"""Discrete Fourier transforms along several axes, one axis after the other, the last one first.

Each is a node, so the planner reuses the memory of the one before. Two repeated axes, which NumPy
transforms twice, are refused: they are a mistake more often than they are meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.fft.resizing import as_complex, as_real, irfft_line, rfft_line, transformed
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor

__all__ = ["fft2", "fftn", "ifft2", "ifftn", "irfft2", "irfftn", "rfft2", "rfftn"]

_LAST_TWO = (-2, -1)


def _places(
    x: Tensor, s: Sequence[DimLike] | None, axes: Sequence[int] | None
) -> list[tuple[int, DimLike | None]]:
    """Return axes counted from the front with the lengths to transform them in, None for theirs."""
    lengths = None if s is None else [None if n == -1 else n for n in s]
    if axes is None:
        axes = range(x.ndim) if lengths is None else range(-len(lengths), 0)
    places = [normal_axis(axis, x.ndim) for axis in axes]
    if len({*places}) != len(places):
        msg = f"axes {tuple(axes)} name one axis twice ({user_line()})"
        raise ShapeError(msg)
    if lengths is None:
        lengths = [None] * len(places)
    if len(lengths) != len(places):
        msg = (f"a transform ({user_line()}) along {len(places)} axes takes as many lengths, not "
               f"{len(lengths)}")  # fmt: skip
        raise ShapeError(msg)
    return list(zip(places, lengths, strict=True))


def _at_least_one(places: list[tuple[int, DimLike | None]], name: str) -> None:
    if not places:
        msg = f"{name} ({user_line()}) takes at least 1 axis"
        raise ShapeError(msg)


def _each(
    x: Tensor, places: Sequence[tuple[int, DimLike | None]], norm: str | None, *, inverse: bool
) -> Tensor:
    for axis, length in places:
        x = transformed(x, length, axis, norm, inverse=inverse)
    return x


@public(np.fft.fftn, family="fft")
def fftn(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return the discrete Fourier transform along several axes.

    Parameters
    ----------
    x : Tensor
        See `fft`.
    s : sequence of int, optional
        The lengths of the transforms: longer axes are cut, shorter ones padded with zeros; -1
        leaves an axis as it is.
    axes : sequence of int, optional
        The axes; by default all, or with `s` the last ones.
    norm : str
        See `fft`.

    Returns
    -------
    Tensor
        Complex.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or lengths and axes aren't as many.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.fft.fftn(x))
    array([[10.+0.j, -2.+0.j],
           [-4.+0.j,  0.+0.j]], dtype=complex64)
    """
    return _each(as_complex(x), _places(x, s, axes)[::-1], norm, inverse=False)


@public(np.fft.ifftn, family="fft")
def ifftn(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return the inverse of `fftn`; see there.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[10.0, -2.0], [-4.0, 0.0]])
    >>> df.evaluate(df.real(df.fft.ifftn(x)))
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return _each(as_complex(x), _places(x, s, axes)[::-1], norm, inverse=True)


@public(np.fft.rfftn, family="fft")
def rfftn(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return the transform of real numbers along several axes: `rfft` along the last of them.

    See `fftn` for the parameters.

    Raises
    ------
    ShapeError
        As `fftn`, or there is no axis.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]])
    >>> df.evaluate(df.fft.rfftn(x)).round(2)
    array([[18.+0.j  , -3.+1.73j],
           [-6.+0.j  ,  0.+0.j  ]], dtype=complex64)
    """
    real, places = as_real(x, "rfftn"), _places(x, s, axes)
    _at_least_one(places, "rfftn")
    *others, (last, length) = places
    return _each(rfft_line(real, length, last, norm), others[::-1], norm, inverse=False)


@public(np.fft.irfftn, family="fft")
def irfftn(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return the inverse of `rfftn`: `irfft` along the last axis, after `ifft` along the others.

    See `fftn` for the parameters; the length of the last axis is by default ``2 * (m - 1)``, m
    being its length in `x`.

    Raises
    ------
    ShapeError
        As `fftn`, or there is no axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[10.0, -2.0], [-4.0, 0.0]])
    >>> df.evaluate(df.fft.irfftn(x))
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    places = _places(x, s, axes)
    _at_least_one(places, "irfftn")
    *others, (last, length) = places
    return irfft_line(_each(as_complex(x), others[::-1], norm, inverse=True), length, last, norm)


@public(np.fft.fft2, family="fft")
def fft2(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = _LAST_TWO,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return `fftn` along two axes, by default the last two.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.real(df.fft.fft2(x)))
    array([[10., -2.],
           [-4.,  0.]], dtype=float32)
    """
    return fftn(x, s, axes, norm)


@public(np.fft.ifft2, family="fft")
def ifft2(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = _LAST_TWO,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return `ifftn` along two axes, by default the last two.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[10.0, -2.0], [-4.0, 0.0]])
    >>> df.evaluate(df.real(df.fft.ifft2(x)))
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return ifftn(x, s, axes, norm)


@public(np.fft.rfft2, family="fft")
def rfft2(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = _LAST_TWO,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return `rfftn` along two axes, by default the last two.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 4.0]])
    >>> df.evaluate(df.real(df.fft.rfft2(x)))
    array([[10., -2.],
           [-4.,  0.]], dtype=float32)
    """
    return rfftn(x, s, axes, norm)


@public(np.fft.irfft2, family="fft")
def irfft2(
    x: Tensor, /, s: Sequence[DimLike] | None = None, axes: Sequence[int] | None = _LAST_TWO,
    norm: str | None = "backward",
) -> Tensor:  # fmt: skip
    """Return `irfftn` along two axes, by default the last two.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[10.0, -2.0], [-4.0, 0.0]])
    >>> df.evaluate(df.fft.irfft2(x))
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return irfftn(x, s, axes, norm)
