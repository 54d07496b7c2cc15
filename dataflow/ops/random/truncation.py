"""Truncated normal draws: the quantile of a probability that is uniform between the bounds'.

Probabilities near 1 have few digits, those near 0 all of theirs: an interval above 0 is turned
around, so that its draws keep their digits as far out as 37 standard deviations. Beyond, where the
probability of the bounds themselves is 0 in float64, a draw is the bound that is nearer to 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater
from dataflow.ops.random.domains import check_not_negative, check_order
from dataflow.ops.random.parameters import float_dtype, open_units, parameter, shape_of, shifted
from dataflow.ops.random.quantiles import normal_quantile
from dataflow.ops.selection import clip, where
from dataflow.ops.special.normal import ndtr

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["truncated_normal"]


@public(family="random")
def truncated_normal(
    key: Tensor, lower: TensorLike, upper: TensorLike, shape: ShapeLike = None,
    dtype: object = "float32", loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return normal draws between two bounds: those of `normal` that happen to lie there.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    lower, upper : number or tensor
        The bounds in standard deviations from the mean, infinite ones among them.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of the parameters.
    dtype : dtype
        float16, float32 or float64.
    loc, scale : number or tensor
        What draws are moved and scaled by afterwards.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`. It can be differentiated by all parameters.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, the parameters don't broadcast to it, or nothing lies
        between bounds that are numbers, arrays or constants; where that shows when a plan runs,
        a draw is one of them.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.truncated_normal(key, -2, 2, (1000,)))
    >>> bool(abs(drawn).max() < 2), round(float(drawn.std()), 1)
    (True, 0.9)
    """
    kind = float_dtype("truncated_normal", dtype)
    lengths = shape_of("truncated_normal", key, shape, lower, upper, loc, scale)
    check_order("truncated_normal", lower, upper, "nothing lies between", strictly=True)
    check_not_negative("truncated_normal", scale=scale)
    low, high = (parameter(bound, key, np.dtype(np.float64)) for bound in (lower, upper))
    standard = astype(_between(open_units(key, lengths), low, high), kind)
    return shifted(standard, key, loc, scale)


def _between(units: Tensor, low: Tensor, high: Tensor) -> Tensor:
    is_above = greater(low, 0.0)
    near, far = where(is_above, -low, high), where(is_above, -high, low)
    first, last = ndtr(far), ndtr(near)
    p = first + units * (last - first)
    found = where(greater(p, 0.0), normal_quantile(p), near)
    inside = clip(found, far, near)
    return where(is_above, -inside, inside)
