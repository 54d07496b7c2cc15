"""The indices of triangles and diagonals, as constants: what they are is known from lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.current import builder_for
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.structure import as_integer
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.tensor import Builder, Tensor

__all__ = [
    "diag_indices", "diag_indices_from", "tril_indices", "tril_indices_from", "triu_indices",
    "triu_indices_from",
]  # fmt: skip


def _constants(builder: Builder, arrays: Iterable[np.ndarray]) -> tuple[Tensor, ...]:
    return tuple(builder.constant(array.astype(np.int64)) for array in arrays)


def _length(name: str, argument: str, value: object) -> int:
    length = as_integer(value, f"{name}'s {argument}")
    if length < 0:
        msg = f"{name} ({user_line()}): {argument} is an int of 0 or more, not {value!r}"
        raise ShapeError(msg)
    return length


def _lengths_of(name: str, x: Tensor, ndim: int | None = 2) -> tuple[int, ...]:
    known = tuple(n for n in x.shape if isinstance(n, int))
    if len(known) != x.ndim or (ndim is not None and x.ndim != ndim):
        axes = "known lengths" if ndim is None else f"{ndim} axes of known lengths"
        msg = f"{name} ({user_line()}) takes a tensor with {axes}, not {shape_text(x.shape)}"
        raise ShapeError(msg)
    return known


@public()
def tril_indices(
    n: int, k: int = 0, m: int | None = None, *, device: Builder | None = None
) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of the lower triangle of a matrix.

    Parameters
    ----------
    n, m : int
        The numbers of rows and of columns, by default as many.
    k : int
        Up to which diagonal: 0 is the main one, -1 the one below.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Returns
    -------
    rows, columns : Tensor
        int64, as many as the triangle has elements, row by row.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        A length is below 0, an argument no int, or it isn't known in which graph.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.tril_indices(2, device=df.GraphBuilder()))
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    builder = builder_for("tril_indices", device)
    rows = _length("tril_indices", "n", n)
    columns = rows if m is None else _length("tril_indices", "m", m)
    found = np.tril_indices(rows, as_integer(k, "tril_indices's k"), columns)
    return _constants(builder, found)  # type: ignore[return-value]  # two


@public()
def triu_indices(
    n: int, k: int = 0, m: int | None = None, *, device: Builder | None = None
) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of the upper triangle of a matrix; see `tril_indices`.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.triu_indices(2, device=df.GraphBuilder()))
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    builder = builder_for("triu_indices", device)
    rows = _length("triu_indices", "n", n)
    columns = rows if m is None else _length("triu_indices", "m", m)
    found = np.triu_indices(rows, as_integer(k, "triu_indices's k"), columns)
    return _constants(builder, found)  # type: ignore[return-value]  # two


@public()
def diag_indices(n: int, ndim: int = 2, *, device: Builder | None = None) -> tuple[Tensor, ...]:
    """Return the indices of the diagonal of an array with all axes of one length.

    Parameters
    ----------
    n : int
        The length.
    ndim : int
        The number of axes.
    device : GraphBuilder, optional
        The graph's builder; by default that of the ``with`` block around.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(*df.diag_indices(2, device=df.GraphBuilder()))
    (array([0, 1]), array([0, 1]))
    """
    builder = builder_for("diag_indices", device)
    count = _length("diag_indices", "n", n)
    axes = _length("diag_indices", "ndim", ndim)
    return _constants(builder, np.diag_indices(count, axes))


@public(np.tril_indices_from)
def tril_indices_from(arr: Tensor, k: int = 0) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of a matrix's lower triangle; see `tril_indices`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2, 3))
    >>> df.evaluate(*df.tril_indices_from(x, -1))
    (array([1]), array([0]))
    """
    n, m = _lengths_of("tril_indices_from", arr)
    return tril_indices(n, k, m, device=arr.builder)


@public(np.triu_indices_from)
def triu_indices_from(arr: Tensor, k: int = 0) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of a matrix's upper triangle; see `tril_indices`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2, 2))
    >>> df.evaluate(*df.triu_indices_from(x, 1))
    (array([0]), array([1]))
    """
    n, m = _lengths_of("triu_indices_from", arr)
    return triu_indices(n, k, m, device=arr.builder)


@public(np.diag_indices_from)
def diag_indices_from(arr: Tensor) -> tuple[Tensor, ...]:
    """Return the indices of a tensor's diagonal, all axes being of one length.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((2, 2))
    >>> df.evaluate(*df.diag_indices_from(x))
    (array([0, 1]), array([0, 1]))
    """
    lengths = _lengths_of("diag_indices_from", arr, None)
    if len(lengths) < 2 or len(set(lengths)) != 1:
        msg = (f"diag_indices_from ({user_line()}) takes two axes or more of one length, not "
               f"{shape_text(arr.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return diag_indices(lengths[0], len(lengths), device=arr.builder)
