"""All ways to take one element of each of several tensors, or several of one."""

from __future__ import annotations

from itertools import combinations as without_again
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.gathering import take
from dataflow.ops.grids import meshgrid
from dataflow.ops.joining import stack
from dataflow.ops.ranks import tensors_of
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import as_integer
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cartesian_prod", "combinations"]


def _check_line(x: Tensor, name: str) -> None:
    if x.ndim != 1:
        msg = f"{name} ({user_line()}) takes tensors of one axis, not {shape_text(x.shape)}"
        raise ShapeError(msg)


@public()
def cartesian_prod(*tensors: TensorLike) -> Tensor:
    """Return all rows that have one element of each tensor, as PyTorch does.

    Parameters
    ----------
    *tensors : tensor or array_like
        One axis each; at least one is a tensor.

    Returns
    -------
    Tensor
        A row for each combination, the last element changing fastest; of one tensor itself.

    Raises
    ------
    ShapeError
        One has more or fewer axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2])
    >>> df.evaluate(df.cartesian_prod(x, [5, 6])).tolist()
    [[1, 5], [1, 6], [2, 5], [2, 6]]
    """
    columns = tensors_of(tensors)
    for column in columns:
        _check_line(column, "cartesian_prod")
    if len(columns) == 1:
        return columns[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*columns, indexing="ij")], axis=-1)


@public()
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all rows of `r` elements of a tensor, in their order there, as PyTorch does.

    Parameters
    ----------
    input : Tensor
        One axis, whose length is known.
    r : int
        How many elements each row has.
    with_replacement : bool
        Whether an element may come again.

    Returns
    -------
    Tensor
        ``(number of rows, r)``.

    Raises
    ------
    ShapeError
        There are more or fewer axes, the length is named, or `r` is negative.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.combinations(x)).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    _check_line(input, "combinations")
    count, length = as_integer(r, "r of combinations"), input.shape[0]
    if count < 0 or not isinstance(length, int):
        msg = f"combinations ({user_line()}): {count} elements of {length}: it isn't known how many"
        raise ShapeError(msg)
    rows = combinations_with_replacement if with_replacement else without_again
    chosen = list(rows(range(length), count))
    return take(input, np.array(chosen, np.int64).reshape(len(chosen), count), 0)
