"""Sums of products of one sequence with another shifted: `convolve` and `correlate`.

Floats and complex numbers go through `nn.conv1d`. Integers and bools, which it doesn't take, are
multiplied each with each, and the rows of that matrix shifted by one more each. Padded with zeros
to a width of n + m, flattened, cut and folded again at n + m - 1, a row starts one place further
on than the row before:

    a b 0 0                       a b 0
    c d 0 0    folded at 3:       0 c d        whose columns add up to  a, b + c, d
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import ArgumentError, ShapeError
from dataflow.ops.arranging import flip
from dataflow.ops.complex_numbers import conj
from dataflow.ops.contractions import both
from dataflow.ops.joining import concat
from dataflow.ops.reductions import sum as add_up
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["convolve", "correlate"]

_MODES = ("full", "same", "valid")


@public(np.convolve)
def convolve(a: TensorLike, v: TensorLike, mode: str = "full") -> Tensor:
    """Return the convolution of two vectors: element k is the sum of ``a[i] * v[k - i]``.

    Parameters
    ----------
    a, v : tensor or array_like
        One element or more each; at least one is a tensor. dtypes are promoted as NumPy 2 does.
    mode : str
        ``full``, wherever they overlap; ``same``, as long as the longer one; ``valid``, where they
        overlap wholly. The last two compare lengths, so these can't be named.

    Raises
    ------
    ShapeError
        One isn't a vector or has no element, or there is no such mode for these lengths.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.convolve(x, [0, 1, 10]))
    array([ 0,  1, 12, 23, 30])
    """
    first, second = _vectors("convolve", a, v, mode)
    if mode == "full":
        return _full(first, second)
    if _length(second) > _length(first):
        first, second = second, first
    return _cut(_full(first, second), _length(first), _length(second), mode)


@public(np.correlate)
def correlate(a: TensorLike, v: TensorLike, mode: str = "valid") -> Tensor:
    """Return the correlation of two vectors: the sums of ``a[i + k] * conj(v[i])``.

    Parameters
    ----------
    a, v, mode
        See `convolve`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.correlate(x, [0, 1], "same"))
    array([1, 2, 3])
    """
    first, second = _vectors("correlate", a, v, mode)
    turned = flip(conj(second), 0)
    if mode == "full":
        return _full(first, turned)
    if _length(first) >= _length(turned):
        return _cut(_full(first, turned), _length(first), _length(turned), mode)
    # NumPy computes the correlation of v with a, and turns it round.
    other = _cut(_full(flip(turned, 0), flip(first, 0)), _length(turned), _length(first), mode)
    return flip(other, 0)


def _vectors(name: str, a: TensorLike, v: TensorLike, mode: str) -> tuple[Tensor, Tensor]:
    """Return both operands in one dtype, after checks."""
    if mode not in _MODES:
        msg = f"{name} ({user_line()}): mode is one of {', '.join(_MODES)}, not {mode!r}"
        raise ArgumentError(msg)
    first, second = (reshape(x, (1,)) if x.ndim == 0 else x for x in both(a, v))
    for x in (first, second):
        if x.ndim != 1 or x.shape[0] == 0 or (mode != "full" and not x.spec.is_static):
            msg = (f"{name} ({user_line()}) takes vectors of one element or more, and mode {mode!r}"
                   f" known numbers of them, not {shape_text(x.shape)}")  # fmt: skip
            raise ShapeError(msg)
    return first, second


def _length(x: Tensor) -> int:
    (length,) = x.spec.static_shape
    return length


def _cut(full: Tensor, longer: int, shorter: int, mode: str) -> Tensor:
    """Return the part of a whole convolution that a mode asks for."""
    if mode == "same":
        start = (shorter - 1) // 2
        return slice_axis(full, 0, start, start + longer)
    return slice_axis(full, 0, shorter - 1, longer)


def _full(a: Tensor, v: Tensor) -> Tensor:
    """Return the whole convolution."""
    if not v.spec.is_static:
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    if a.dtype.kind in "fc" and isinstance(m, int):
        x, weight = reshape(a, (1, 1, n)), reshape(flip(v, 0), (1, 1, m))
        made: Tensor = call_function("nn.conv1d", x, weight, padding=m - 1)
        return reshape(made, (n + m - 1,))
    table = reshape(v, (m, 1)) * a
    zeros = broadcast_to(a.builder.constant(0, dtype=a.dtype), (m, m))
    rows = slice_axis(reshape(concat([table, zeros], 1), -1), 0, 0, m * (n + m - 1))
    return add_up(reshape(rows, (m, n + m - 1)), 0).astype(a.dtype)
