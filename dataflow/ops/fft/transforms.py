"""Discrete Fourier transforms along one axis: the public functions of `df.fft` for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.complex_numbers import conj
from dataflow.ops.fft.lines import NORMS
from dataflow.ops.fft.resizing import (
    as_complex,
    as_real,
    irfft_line,
    normal_norm,
    rfft_line,
    transformed,
)

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor

__all__ = ["fft", "hfft", "ifft", "ihfft", "irfft", "rfft"]


@public(np.fft.fft, family="fft")
def fft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the discrete Fourier transform along an axis.

    Parameters
    ----------
    x : Tensor
        At least one axis. Real numbers become complex, integers in float64, float16 in float32.
    n : int, optional
        The length of the transform: a longer axis is cut, a shorter one padded with zeros.
    axis : int
        The axis.
    norm : str
        Where the factor ``1/n`` is: ``backward`` has it in the inverse transform, ``forward`` in
        this one, and ``ortho`` has its root in both.

    Returns
    -------
    Tensor
        Complex, of length `n` along the axis.

    Raises
    ------
    ShapeError
        The axis is out of range, `n` or the length is below 1, or there is no such norm; or the
        length is named, so that it isn't known whether to cut or to pad.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 1.0, 0.0])
    >>> df.evaluate(df.fft.fft(x))
    array([4.+0.j, 0.-2.j, 0.+0.j, 0.+2.j], dtype=complex64)
    """
    return transformed(as_complex(x), n, axis, norm, inverse=False)


@public(np.fft.ifft, family="fft")
def ifft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the inverse of `fft`; see there.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4.0, -2j, 0.0, 2j])
    >>> df.evaluate(df.real(df.fft.ifft(x)))
    array([1., 2., 1., 0.], dtype=float32)
    """
    return transformed(as_complex(x), n, axis, norm, inverse=True)


@public(np.fft.rfft, family="fft")
def rfft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the frequencies 0 to ``n // 2`` of the transform of real numbers; see `fft`.

    The others are conjugates of these.

    Raises
    ------
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 1.0, 0.0])
    >>> df.evaluate(df.fft.rfft(x))
    array([4.+0.j, 0.-2.j, 0.+0.j], dtype=complex64)
    """
    return rfft_line(as_real(x, "rfft"), n, axis, norm)


@public(np.fft.irfft, family="fft")
def irfft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the real numbers whose `rfft` is given: the inverse transform; see `fft`.

    Parameters
    ----------
    x : Tensor
        The frequencies from 0 on. Imaginary parts of the first, and for even `n` of the last, are
        left out.
    n : int, optional
        The length of the result, by default ``2 * (m - 1)``, m being the length of the axis.
    axis : int
        The axis.
    norm : str
        See `fft`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([4.0, -2j, 0.0])
    >>> df.evaluate(df.fft.irfft(x))
    array([1., 2., 1., 0.], dtype=float32)
    """
    return irfft_line(as_complex(x), n, axis, norm)


@public(np.fft.hfft, family="fft")
def hfft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the real transform of a signal that is Hermitian, given its first half; see `irfft`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0, 3.0])
    >>> df.evaluate(df.fft.hfft(x))
    array([ 8., -2.,  0., -2.], dtype=float32)
    """
    return irfft(conj(as_complex(x)), n, axis, NORMS[normal_norm(norm)])


@public(np.fft.ihfft, family="fft")
def ihfft(
    x: Tensor, /, n: DimLike | None = None, axis: int = -1, norm: str | None = "backward"
) -> Tensor:
    """Return the inverse of `hfft`: the first half of the inverse transform; see `rfft`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([8.0, -2.0, 0.0, -2.0])
    >>> df.evaluate(df.real(df.fft.ihfft(x)))
    array([1., 2., 3.], dtype=float32)
    """
    return conj(rfft_line(as_real(x, "ihfft"), n, axis, NORMS[normal_norm(norm)]))
