"""What becomes of operands before a transform along an axis: their dtypes, lengths and arguments.

Real numbers are cast to complex ones where a transform takes complex ones; integers become float64
and float16 becomes float32 before, as in NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dim_texts import as_dim
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.ops.fft.lines import FFT, IRFFT, NORMS, RFFT
from dataflow.ops.slicing import PAD_SLICE, slice_axis
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.dims import Dim, DimLike
    from dataflow.tensor import Tensor

__all__ = [
    "as_complex", "as_real", "irfft_line", "normal_norm", "resized", "rfft_line", "transformed",
]  # fmt: skip


def transformed(
    x: Tensor, n: DimLike | None, axis: int, norm: str | None, *, inverse: bool
) -> Tensor:
    """Return a complex transform of complex numbers along one axis."""
    place = normal_axis(axis, x.ndim)
    attrs = Attrs(axis=place, norm=normal_norm(norm), inverse=inverse)
    return apply(FFT, (resized(x, place, n),), attrs)


def rfft_line(x: Tensor, n: DimLike | None, axis: int, norm: str | None) -> Tensor:
    """Return the transform of real numbers along one axis."""
    place = normal_axis(axis, x.ndim)
    return apply(RFFT, (resized(x, place, n),), Attrs(axis=place, norm=normal_norm(norm)))


def irfft_line(x: Tensor, n: DimLike | None, axis: int, norm: str | None) -> Tensor:
    """Return the real inverse transform of complex numbers along one axis."""
    place = normal_axis(axis, x.ndim)
    length = _length((x.shape[place] - 1) * 2 if n is None else n)
    attrs = Attrs(axis=place, norm=normal_norm(norm), length=(length,))
    return apply(IRFFT, (resized(x, place, length // 2 + 1),), attrs)


def resized(x: Tensor, axis: int, n: DimLike | None) -> Tensor:
    """Return a tensor cut or padded with zeros to length `n` along an axis."""
    length = x.shape[axis]
    wanted = _length(length if n is None else n)
    if wanted == length:
        return x
    if not isinstance(wanted, int) or not isinstance(length, int):
        msg = (f"a transform ({user_line()}) of length {wanted} along an axis of length {length}: "
               "it isn't known which is longer; slice or pad the tensor")  # fmt: skip
        raise ShapeError(msg)
    if wanted < length:
        return slice_axis(x, axis, 0, wanted)
    shape = (*x.shape[:axis], wanted, *x.shape[axis + 1 :])
    attrs = Attrs(start=(0,) * x.ndim, stop=x.shape, step=(1,) * x.ndim, shape=shape)
    return apply(PAD_SLICE, (x,), attrs)


def _length(n: DimLike) -> int | Dim:
    """Return a length as a dimension; `ShapeError` where it is below 1 or none."""
    if isinstance(n, int) and n < 1:
        msg = f"a transform ({user_line()}) has a length of 1 or more, not {n}"
        raise ShapeError(msg)
    try:
        return as_dim(n)
    except ShapeError as error:
        msg = f"the length of a transform ({user_line()}): {error}"
        raise ShapeError(msg) from None


def as_complex(x: Tensor) -> Tensor:
    """Return a tensor cast to the complex dtype that NumPy transforms it in."""
    return x.astype(_float_of(x.dtype, np.complex64))


def as_real(x: Tensor, name: str) -> Tensor:
    """Return a tensor cast to the real dtype that NumPy transforms it in; refuse complex ones."""
    if x.dtype.kind == "c":
        msg = (f"{name} ({user_line()}) transforms real numbers, not {x.dtype}: use df.real(x), or "
               f"{name[1:]}")  # fmt: skip
        raise DTypeError(msg)
    return x.astype(_float_of(x.dtype, np.float32))


def _float_of(dtype: np.dtype, least: type) -> np.dtype:
    wide = np.dtype(np.float64) if dtype.kind in "biu" else dtype
    return np.result_type(wide, least)


def normal_norm(norm: str | None) -> str:
    """Return a normalisation by name; `ShapeError` where there is none of this name."""
    name = "backward" if norm is None else norm
    if name not in NORMS:
        msg = f"norm ({user_line()}) is one of {', '.join(NORMS)}, not {norm!r}"
        raise ArgumentError(msg)
    return name
