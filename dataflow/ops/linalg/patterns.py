"""Matrices that follow a pattern of vectors: companions, convolutions, Fiedler's and Leslie's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.calling import call_function, promoted
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops.joining import concat
from dataflow.ops.linalg.pieces import diagonal
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.linalg.structured import toeplitz
from dataflow.ops.matmul import MATMUL
from dataflow.ops.padding import pad
from dataflow.ops.shaping import broadcast_to, expand_dims, reshape
from dataflow.ops.slicing import slice_axis
from dataflow.ops.structure import as_integer
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["companion", "convolution_matrix", "fiedler", "khatri_rao", "leslie", "vander"]


@public(family="linalg")
def companion(a: Tensor) -> Tensor:
    """Return the matrix whose eigenvalues are the roots of a polynomial.

    Parameters
    ----------
    a : Tensor
        ``(..., n)``: the coefficients, of the highest power first; n is 2 or more. Integers count
        as float64, float16 as float32.

    Returns
    -------
    Tensor
        ``(..., n - 1, n - 1)``.

    Raises
    ------
    ShapeError
        There are fewer than two coefficients.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([1.0, -3.0, 2.0])
    >>> df.evaluate(df.linalg.companion(a))
    array([[ 3., -2.],
           [ 1.,  0.]], dtype=float32)
    """
    x = as_inexact(a)
    _check_line("companion", x, 2)
    rest = slice_axis(x, x.ndim - 1, 1, x.shape[-1])
    first = -rest / slice_axis(x, x.ndim - 1, 0, 1)
    count = first.shape[-1]
    ones = call_function("ones_like", slice_axis(first, first.ndim - 1, 1, count))
    return _below(first, ones)


@public(family="linalg")
def leslie(f: TensorLike, s: TensorLike) -> Tensor:
    """Return the matrix by which a population of ages grows: births above, survivors below.

    Parameters
    ----------
    f, s : tensor or array_like
        ``(..., n)`` and ``(..., n - 1)``: the first row, and what stands below the diagonal.

    Raises
    ------
    ShapeError
        The lengths don't agree.

    Examples
    --------
    >>> import dataflow as df
    >>> f = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.linalg.leslie(f, [3]))
    array([[1, 2],
           [3, 0]])
    """
    first, below = promoted(MATMUL, None, f, s)
    if not first.ndim or not below.ndim or first.shape[-1] != below.shape[-1] + 1:
        msg = (f"leslie ({user_line()}) takes (..., n) and (..., n - 1), not "
               f"{shape_text(first.shape)} and {shape_text(below.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return _below(first, below)


def _below(first: Tensor, values: Tensor) -> Tensor:
    """Return matrices with this first row, and these values below their diagonal."""
    square = diagonal(values, values.dtype)
    return concat(
        [expand_dims(first, -2), pad(square, [(0, 0)] * (square.ndim - 1) + [(0, 1)])], -2
    )


def _check_line(name: str, x: Tensor, least: int) -> None:
    if not x.ndim or (isinstance(x.shape[-1], int) and x.shape[-1] < least):
        msg = (f"{name} ({user_line()}) takes {least} elements or more along the last axis, not "
               f"{shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)


@public(family="linalg")
def fiedler(a: Tensor) -> Tensor:
    """Return the distances between all pairs of numbers: ``[i, j]`` is ``abs(a[i] - a[j])``.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.linalg.fiedler(df.GraphBuilder().constant([1, 4])))
    array([[0, 3],
           [3, 0]])
    """
    _check_line("fiedler", a, 0)
    return abs(expand_dims(a, -1) - expand_dims(a, -2))


@public(family="linalg")
def convolution_matrix(a: Tensor, n: int, mode: str = "full") -> Tensor:
    """Return the matrix whose product with a vector of `n` elements is `convolve` of the two.

    Parameters
    ----------
    a : Tensor
        ``(..., m)``, m being 1 or more.
    n : int
        1 or more.
    mode : str
        ``full``, ``same`` or ``valid``, as `convolve` has them.

    Raises
    ------
    ShapeError
        There are no elements, or their number isn't known.
    GraphError
        `n` isn't 1 or more, or there is no such mode.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.linalg.convolution_matrix(df.GraphBuilder().constant([1, 2]), 2))
    array([[1, 0],
           [2, 1],
           [0, 2]])
    """
    count = as_integer(n, "n")
    if count < 1 or mode not in ("full", "same", "valid"):
        msg = (f"convolution_matrix ({user_line()}): n is 1 or more and mode is full, same or "
               f"valid, not {n!r} and {mode!r}")  # fmt: skip
        raise GraphError(msg)
    _check_line("convolution_matrix", a, 1)
    length = a.shape[-1]
    if not isinstance(length, int):
        msg = f"convolution_matrix ({user_line()}) takes a known number of elements, not {length}"
        raise ShapeError(msg)
    column = pad(a, [(0, 0)] * (a.ndim - 1) + [(0, count - 1)])
    row = pad(slice_axis(a, a.ndim - 1, 0, 1), [(0, 0)] * (a.ndim - 1) + [(0, count - 1)])
    whole = toeplitz(column, row)
    kept = {"full": length + count - 1, "same": max(length, count),
            "valid": max(length, count) - min(length, count) + 1}[mode]  # fmt: skip
    start = (length + count - 1 - kept) // 2
    return slice_axis(whole, whole.ndim - 2, start, start + kept)


@public(family="linalg")
def khatri_rao(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the matrix whose columns are the Kronecker products of two matrices' columns.

    Parameters
    ----------
    a, b : tensor or array_like
        ``(..., m, k)`` and ``(..., n, k)``. The axes before broadcast.

    Returns
    -------
    Tensor
        ``(..., m * n, k)``.

    Raises
    ------
    ShapeError
        These aren't matrices of as many columns.

    Examples
    --------
    >>> import dataflow as df
    >>> a = df.GraphBuilder().constant([[1, 2]])
    >>> df.evaluate(df.linalg.khatri_rao(a, [[1, 1], [3, 4]]))
    array([[1, 2],
           [3, 8]])
    """
    x, y = promoted(MATMUL, None, a, b)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        msg = (f"khatri_rao ({user_line()}) takes matrices of as many columns, not "
               f"{shape_text(x.shape)} and {shape_text(y.shape)}")  # fmt: skip
        raise ShapeError(msg)
    made = expand_dims(x, -2) * expand_dims(y, -3)
    return reshape(made, (*made.shape[:-3], made.shape[-3] * made.shape[-2], made.shape[-1]))


@public(family="linalg")
def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Return the powers of each element from 0 up, as PyTorch and the other way round as NumPy.

    Parameters
    ----------
    x : Tensor
        ``(..., n)``.
    N : int, optional
        How many powers, 1 or more; by default n.

    Returns
    -------
    Tensor
        ``(..., n, N)``.

    Raises
    ------
    ShapeError
        `x` is a scalar, or `N` isn't 1 or more, or isn't given and n isn't known.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.linalg.vander(df.GraphBuilder().constant([1, 2, 3]), 3))
    array([[1, 1, 1],
           [1, 2, 4],
           [1, 3, 9]])
    """
    count = (x.shape[-1] if x.ndim else 0) if N is None else as_integer(N, "N")
    if not x.ndim or not isinstance(count, int) or count < 1:
        msg = (f"vander ({user_line()}) takes one axis or more, and N is 1 or more, not "
               f"{shape_text(x.shape)} and {count}")  # fmt: skip
        raise ShapeError(msg)
    column = expand_dims(x, -1)
    factors = broadcast_to(column, (*x.shape, count - 1))
    ones = call_function("ones_like", column)
    return call_function("cumprod", concat([ones, factors], -1), axis=-1)
