"""Coordinates on grids: 1-D tensors, each along an axis of its own, as views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.ops.ranks import broadcast_arrays, ravel, tensors_of
from dataflow.ops.shaping import reshape
from dataflow.ops.unbounded import depends_on_data
from dataflow.source import user_line
from dataflow.spec import shape_text
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.tensor import TensorLike

__all__ = ["ix_", "meshgrid"]


def _crossed(tensors: Sequence[Tensor], places: Sequence[int]) -> tuple[Tensor, ...]:
    """Give each tensor of one axis as many as there are tensors, its own at its place."""
    count = len(tensors)
    return tuple(
        reshape(x, [x.shape[0] if i == place else 1 for i in range(count)])
        for x, place in zip(tensors, places, strict=True)
    )


@public(np.meshgrid)
def meshgrid(
    *xi: TensorLike, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Tensor, ...]:  # fmt: skip
    """Return the coordinates of all points of a grid, given those along each axis.

    Parameters
    ----------
    *xi : tensor or array_like
        At least one tensor among them; flattened.
    copy : bool
        For NumPy's sake: tensors can't be written to, so views do.
    sparse : bool
        Whether axes along which a coordinate doesn't change have length 1.
    indexing : {"xy", "ij"}
        Whether the first coordinate runs along the second axis, as in a picture, or the first.

    Returns
    -------
    tuple of Tensor
        As many as were given: views, dtypes as they were.

    Raises
    ------
    GraphError
        There is no such indexing, or no tensor.

    Examples
    --------
    >>> import dataflow as df
    >>> x, y = df.meshgrid(df.GraphBuilder().constant([1, 2, 3]), [10, 20])
    >>> df.evaluate(x + y)
    array([[11, 12, 13],
           [21, 22, 23]])
    """
    if indexing not in ("xy", "ij"):
        msg = f"meshgrid ({user_line()}): indexing is 'xy' or 'ij', not {indexing!r}"
        raise GraphError(msg)
    lines = [ravel(x) for x in tensors_of(xi)]
    places = list(range(len(lines)))
    if indexing == "xy" and len(lines) > 1:
        places[:2] = 1, 0
    crossed = _crossed(lines, places)
    return crossed if sparse else broadcast_arrays(*crossed)


@public(np.ix_)
def ix_(*args: TensorLike) -> tuple[Tensor, ...]:
    """Return indices of rows, columns and so on as tensors that broadcast to all combinations.

    Parameters
    ----------
    *args : tensor or array_like
        One axis each; constant bools stand for the places where they hold.

    Returns
    -------
    tuple of Tensor
        As many as were given, each along an axis of its own.

    Raises
    ------
    ShapeError
        One has more or fewer axes than one.
    DTypeError
        One holds neither integers nor constant bools.
    DataDependentShapeError
        A tensor holds bools.

    Examples
    --------
    >>> import dataflow as df
    >>> rows, columns = df.ix_(df.GraphBuilder().constant([0, 2]), [True, False, True])
    >>> df.evaluate(rows * 10 + columns)
    array([[ 0,  2],
           [20, 22]])
    """
    builder_of(*args)  # refuses no tensor at all
    lines = tensors_of([a if isinstance(a, Tensor) else _places(np.asarray(a)) for a in args])
    for line in lines:
        if line.ndim != 1:
            msg = f"ix_ ({user_line()}): indices have one axis, not {shape_text(line.shape)}"
            raise ShapeError(msg)
        if line.dtype.kind == "b":
            depends_on_data("ix_", "give the places as integers, or use df.where")
        if line.dtype.kind not in "iu":
            msg = f"ix_ ({user_line()}): indices are integers, not {line.dtype}"
            raise DTypeError(msg)
    return _crossed(lines, range(len(lines)))


def _places(array: np.ndarray) -> np.ndarray:
    """Return where constant bools hold; an empty list of indices is of integers."""
    if array.dtype == np.bool_ and array.ndim == 1:
        return np.nonzero(array)[0]
    return array.astype(np.int64) if array.size == 0 else array
