"""`isclose`: which elements of two tensors are the same up to a tolerance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import promoted
from dataflow.dispatch import public
from dataflow.ops.arithmetic import SUBTRACT
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, less_equal
from dataflow.ops.finiteness import isfinite, isnan

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["isclose"]


@public(np.isclose)
def isclose(
    a: TensorLike, b: TensorLike, rtol: TensorLike = 1e-5, atol: TensorLike = 1e-8,
    equal_nan: bool = False,
) -> Tensor:  # fmt: skip
    """Return where ``|a - b| <= atol + rtol |b|``, element by element; not symmetric in the two.

    Parameters
    ----------
    a, b : tensor or array_like
        Numbers whose shapes broadcast.
    rtol, atol : tensor or array_like
        How far apart they may be, relative to `b` and absolutely.
    equal_nan : bool
        Whether NaN is close to NaN.

    Returns
    -------
    Tensor
        Bools of the broadcast shape. An infinity is close to itself alone.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or the dtypes have none in common.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 1.1, float("nan")])
    >>> df.evaluate(df.isclose(x, 1.000001), df.isclose(x, x, equal_nan=True))
    (array([ True, False, False]), array([ True,  True,  True]))
    """
    a, b = (_inexact(tensor) for tensor in promoted(SUBTRACT, None, a, b))
    close = less_equal(abs(a - b), abs(b) * rtol + atol) & isfinite(b) | equal(a, b)
    return close | isnan(a) & isnan(b) if equal_nan else close


def _inexact(x: Tensor) -> Tensor:
    """Return floats: the difference of integers can overflow."""
    return x if x.spec.is_float else astype(x, np.float64)
