"""Membership: which elements are among others, by a binary search in them sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.errors import DTypeError
from dataflow.ops.bins import SEARCHSORTED, searchsorted
from dataflow.ops.bitwise import logical_not
from dataflow.ops.comparison import equal
from dataflow.ops.gathering import take
from dataflow.ops.ranks import ravel
from dataflow.ops.selection import minimum
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.sorting import sort
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["isin"]


@public(np.isin)
def isin(
    element: TensorLike, test_elements: TensorLike,
    assume_unique: bool = False, invert: bool = False, *, kind: str | None = None,
) -> Tensor:  # fmt: skip
    """Return for each element whether it equals one of the others.

    Parameters
    ----------
    element : tensor or array_like
        Bools or real numbers of any shape.
    test_elements : tensor or array_like
        The others, of any shape; dtypes are promoted as NumPy 2 does.
    assume_unique, kind
        Taken as NumPy has them: they make no difference.
    invert : bool
        Whether to return the opposite.

    Returns
    -------
    Tensor
        bool, the shape of `element`. NaN equals nothing.

    Raises
    ------
    DTypeError
        A tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3, 4])
    >>> df.evaluate(df.isin(x, [2, 4]))
    array([False,  True, False,  True])
    """
    values, others = promoted(SEARCHSORTED, None, element, test_elements)
    if values.dtype.kind == "c":
        msg = f"isin ({user_line()}): complex numbers have no order to search in"
        raise DTypeError(msg)
    ordered = sort(ravel(others))
    if ordered.shape == (0,):
        return broadcast_to(values.builder.constant(invert), values.shape)
    size: Tensor = values.builder.size_of(ordered.shape, np.int64)
    place = minimum(searchsorted(ordered, values), size - 1)
    found = equal(take(ordered, place), values)
    return logical_not(found) if invert else found
