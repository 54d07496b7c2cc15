"""Tables that follow from the place alone: identity matrices, triangles of ones, indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.current import builder_for
from dataflow.dim_texts import as_dim
from dataflow.dispatch import public
from dataflow.errors import ArgumentError
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.source import user_line
from dataflow.spec import as_dtype, as_shape

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Builder, Tensor

__all__ = ["eye", "identity", "indices", "tri"]


@public(np.eye)
def eye(
    n_rows: DimLike, n_cols: DimLike | None = None, k: int = 0, dtype: object = None, *,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return a matrix of zeros with ones on a diagonal.

    Parameters
    ----------
    n_rows, n_cols : int, str or Dim
        Its shape; by default as many columns as rows.
    k : int
        The diagonal: 0 is the main one, 1 the one above it.
    dtype : dtype, optional
        By default float32.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        A size, `k` or the dtype is none, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.eye(2, 3, k=1)
    >>> df.evaluate(x)
    array([[0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    rows, columns = _places("eye", n_rows, n_cols, k, device)
    return (rows == columns).astype(np.float32 if dtype is None else dtype)


def _places(
    what: str, n_rows: DimLike, n_cols: DimLike | None, k: int, device: Builder | None
) -> tuple[Tensor, Tensor]:
    """Return the row, moved by `k`, and the column of every place, as shapes that broadcast."""
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        msg = f"{what} ({user_line()}): the diagonal is an int, not {k!r}"
        raise ArgumentError(msg)
    builder, offset = builder_for(what, device), k.__index__()
    height = as_dim(n_rows)
    width = height if n_cols is None else as_dim(n_cols)
    rows = builder.arange(offset, height + offset)
    return reshape(rows, (height, 1)), builder.arange(width)


@public(np.identity)
def identity(n: DimLike, dtype: object = None, *, device: Builder | None = None) -> Tensor:
    """Return a square matrix of zeros with ones on the main diagonal; see `eye`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.identity(2)
    >>> df.evaluate(x)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return eye(n, dtype=dtype, device=device)


@public(np.tri)
def tri(
    n_rows: DimLike, n_cols: DimLike | None = None, k: int = 0, dtype: object = None, *,
    device: Builder | None = None,
) -> Tensor:  # fmt: skip
    """Return a matrix with ones on and below a diagonal, zeros above; see `eye`.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.tri(2, 3)
    >>> df.evaluate(x)
    array([[1., 0., 0.],
           [1., 1., 0.]], dtype=float32)
    """
    rows, columns = _places("tri", n_rows, n_cols, k, device)
    return (rows >= columns).astype(np.float32 if dtype is None else dtype)


@public(np.indices)
def indices(
    dimensions: DimLike | Sequence[DimLike], dtype: object = "int64", sparse: bool = False, *,
    device: Builder | None = None,
) -> Tensor | tuple[Tensor, ...]:  # fmt: skip
    """Return the index of every place along each axis of a shape.

    Parameters
    ----------
    dimensions : int, str, Dim, or sequence of them
        The shape.
    dtype : dtype
        The result's dtype.
    sparse : bool
        Whether each axis gets a tensor of its own that broadcasts, with length 1 elsewhere.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Returns
    -------
    Tensor or tuple of Tensor
        One new axis in front, as long as there are axes; or with `sparse` a tensor for each.

    Examples
    --------
    >>> import dataflow as df
    >>> with df.GraphBuilder():
    ...     x = df.indices((2, 2))
    >>> df.evaluate(x)
    array([[[0, 0],
            [1, 1]],
           [[0, 1],
            [0, 1]]])
    """
    builder, shape, target = builder_for("indices", device), as_shape(dimensions), as_dtype(dtype)
    lines = tuple(
        reshape(builder.arange(0, n, 1, target), [n if j == i else 1 for j in range(len(shape))])
        for i, n in enumerate(shape)
    )
    if sparse:
        return lines
    if not lines:
        return builder.full((0,), 0, target)
    return call_function("stack", [broadcast_to(line, shape) for line in lines])
