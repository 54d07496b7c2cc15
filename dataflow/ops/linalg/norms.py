"""Norms of vectors and matrices.

All are compositions. A norm has no derivative at zero: there the gradient is zero, which is one of
its subgradients and PyTorch's choice. So roots are taken of 1 where a sum is 0, and masked after.
float16 adds up in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.calling import call_function
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import GraphError, ShapeError
from dataflow.ops import reductions
from dataflow.ops.axes import transpose
from dataflow.ops.complex_numbers import imag, real
from dataflow.ops.linalg.stacks import as_inexact
from dataflow.ops.linalg.svd import svdvals
from dataflow.ops.masking import zero_where
from dataflow.ops.powers import sqrt
from dataflow.ops.selection import where
from dataflow.ops.shaping import reshape
from dataflow.ops.vector_products import vecdot
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Order", "matrix_norm", "norm", "vector_norm"]

Order: TypeAlias = "float | str | None"
_SHORT = 16
"""Elements in a line below which products element by element are quicker than BLAS."""


@public(np.linalg.norm, family="linalg")
def norm(
    x: Tensor, ord: Order = None, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> Tensor:
    """Return the norm of a tensor, of its vectors along an axis, or of its matrices along two.

    Parameters
    ----------
    x : Tensor
        Any dtype; integers count as float64.
    ord : float, str, optional
        Of vectors: any number p for ``sum(|x| ** p) ** (1 / p)``, infinity for the largest size,
        minus infinity for the smallest, 0 for the number of elements that aren't 0. Of matrices:
        ``"fro"``, as vectors; ``"nuc"``, the sum of the singular values; 2 and -2, the largest and
        the smallest of these; 1 and -1, the largest and smallest sum of sizes in a column;
        infinity and minus infinity, in a row. By default 2 of all elements.
    axis : int or sequence of int, optional
        One axis, or two; by default all that there are.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    Tensor
        Real.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or there are more than two.
    GraphError
        There is no such norm.

    Notes
    -----
    The gradient is zero where the norm is zero, and shared among ties.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[3.0, 4.0], [0.0, 12.0]])
    >>> float(df.evaluate(df.linalg.norm(x)))
    13.0
    >>> df.evaluate(df.linalg.norm(x, axis=1))
    array([ 5., 12.], dtype=float32)
    """
    axes = _axes(axis, x.ndim)
    if axis is None and (ord is None or (ord, len(axes)) in ((2, 1), ("fro", 2), ("f", 2))):
        return _finished(x, _root(_sum_of_squares(as_inexact(x), axes)), axes, keepdims=keepdims)
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        msg = f"norm ({user_line()}) with ord={ord!r} is along one axis or two, not {len(axes)}"
        raise ShapeError(msg)
    made = _matrix_norm(as_inexact(x), axes, ord)
    return _finished(x, made, axes, keepdims=keepdims)


@public(np.linalg.vector_norm, family="linalg")
def vector_norm(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False,
    ord: Order = 2,
) -> Tensor:  # fmt: skip
    """Return the norm of the elements along axes, as one vector; see `norm`.

    Parameters
    ----------
    x : Tensor
        Any dtype; integers count as float64.
    axis : int or sequence of int, optional
        Any number of axes; by default all.
    keepdims : bool
        Whether the axes stay, with length 1.
    ord : float
        See `norm`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, -2.0], [3.0, 0.0]])
    >>> float(df.evaluate(df.linalg.vector_norm(x, ord=1)))
    6.0
    """
    axes = _axes(axis, x.ndim)
    return _finished(x, _vector_norm(as_inexact(x), axes, ord), axes, keepdims=keepdims)


@public(np.linalg.matrix_norm, family="linalg")
def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Order = "fro") -> Tensor:
    """Return the norms of the matrices along the last two axes; see `norm`.

    Parameters
    ----------
    x : Tensor
        Two axes or more.
    keepdims : bool
        Whether the axes stay, with length 1.
    ord : float or str
        See `norm`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, -2.0], [3.0, 0.0]])
    >>> float(df.evaluate(df.linalg.matrix_norm(x, ord=1)))
    4.0
    """
    axes = _axes((-2, -1), x.ndim)
    made = _matrix_norm(as_inexact(x), axes, ord)
    return _finished(x, made, axes, keepdims=keepdims)


# Axes and dtypes


def _axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, in the order in which they are named."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(normal_axis(i, ndim) for i in (axis if isinstance(axis, Sequence) else (axis,)))
    if len(set(axes)) < len(axes):
        msg = f"axes {axis} name one axis twice ({user_line()})"
        raise ShapeError(msg)
    return axes


def _finished(x: Tensor, made: Tensor, axes: Sequence[int], *, keepdims: bool) -> Tensor:
    """Drop the axes of a norm, each of length 1, unless they stay; float16 is float16 again."""
    if not keepdims:
        made = reshape(made, [n for i, n in enumerate(made.shape) if i not in axes])
    return made.astype(np.float16) if x.dtype == np.float16 else made


def _sum(x: Tensor, axes: Sequence[int]) -> Tensor:
    return reductions.sum(x, tuple(axes), keepdims=True)


def _extreme(sizes: Tensor, axes: Sequence[int], order: float) -> Tensor:
    """Return the largest size, of none 0, or where the order is negative the smallest."""
    if order < 0:
        return reductions.min(sizes, tuple(axes), keepdims=True)
    if any(sizes.shape[i] == 0 for i in axes):
        return _sum(sizes, axes)
    return reductions.max(sizes, tuple(axes), keepdims=True)


def _refuse(order: Order) -> GraphError:
    return GraphError(f"there is no norm of order {order!r} here ({user_line()})")


# Vectors


def _vector_norm(x: Tensor, axes: Sequence[int], order: Order) -> Tensor:
    if isinstance(order, str):
        raise _refuse(order)
    if order is None or order == 2:
        return _root(_sum_of_squares(x, axes))
    if math.isinf(order):
        return _extreme(_sizes(x), axes, order)
    if order == 0:
        return _sum(x != 0, axes).astype(_sizes(x).dtype)
    if order == 1:
        return _sum(_sizes(x), axes)
    return _power_root(_sum(_powers(_sizes(x), order), axes), order)


def _sizes(x: Tensor) -> Tensor:
    return call_function("abs", x)


def _sum_of_squares(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the sum of the squares of sizes along axes, which stay, with length 1."""
    if x.dtype.kind == "c":
        return _sum(real(x) * real(x) + imag(x) * imag(x), axes)
    length = product(x.shape[i] for i in axes)
    is_short = isinstance(length, int) and length < _SHORT
    if is_short or sorted(axes) != list(range(x.ndim - len(axes), x.ndim)):
        return _sum(x * x, axes)
    lines = reshape(x, (*x.shape[: x.ndim - len(axes)], length))
    return reshape(vecdot(lines, lines), [1 if i in axes else n for i, n in enumerate(x.shape)])


def _root(total: Tensor) -> Tensor:
    """Return the square root, with a derivative of 0 at 0."""
    is_zero = total == 0
    return zero_where(is_zero, sqrt(where(is_zero, 1, total)))


def _powers(sizes: Tensor, order: float) -> Tensor:
    """Return powers of sizes, with a derivative of 0 at 0."""
    is_zero = sizes == 0
    powers = where(is_zero, 1, sizes) ** float(order)
    return zero_where(is_zero, powers) if order > 0 else where(is_zero, math.inf, powers)


def _power_root(total: Tensor, order: float) -> Tensor:
    if order < 0:
        return total ** (1 / order)
    is_zero = total == 0
    return zero_where(is_zero, where(is_zero, 1, total) ** (1 / order))


# Matrices


def _matrix_norm(x: Tensor, axes: Sequence[int], order: Order) -> Tensor:
    """Return the norms of matrices along two axes, which stay, with length 1."""
    rows, columns = axes
    if order in (None, "fro", "f"):
        return _root(_sum_of_squares(x, axes))
    if order in ("nuc", 2, -2):
        return _spectral_norm(x, axes, order)
    if order in (1, -1, math.inf, -math.inf):
        inner, outer = (rows, columns) if order in (1, -1) else (columns, rows)
        return _extreme(_sum(_sizes(x), (inner,)), (outer,), float(order))
    raise _refuse(order)


def _spectral_norm(x: Tensor, axes: Sequence[int], order: Order) -> Tensor:
    rest = [i for i in range(x.ndim) if i not in axes]
    order_of_axes = [*rest, *axes]
    matrices = x if order_of_axes == sorted(order_of_axes) else transpose(x, order_of_axes)
    values = svdvals(matrices)
    last = (values.ndim - 1,)
    made = _sum(values, last) if order == "nuc" else _extreme(values, last, float(order or 2))
    return reshape(made, [1 if i in axes else n for i, n in enumerate(x.shape)])
