"""A rectifier that leaks by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater_equal
from dataflow.ops.nn.arguments import check_number
from dataflow.ops.nn.dropping import check_switch
from dataflow.ops.random.uniforms import uniform
from dataflow.ops.selection import where
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["rrelu"]


@public(family="nn")
def rrelu(
    x: Tensor, key: Tensor, lower: float = 0.125, upper: float = 1 / 3, *,
    training: bool | Tensor = True,
) -> Tensor:  # fmt: skip
    """Return `x` where it is positive, elsewhere `x` times a slope that is drawn for each element.

    Parameters
    ----------
    x : Tensor
        Floating point, any shape.
    key : Tensor
        A key, see `dataflow.random.key`.
    lower, upper : float
        Between which the slopes lie.
    training : bool or tensor
        False takes the mean of `lower` and `upper` for every slope; a bool scalar says so at each
        run.

    Returns
    -------
    Tensor
        Like `x`.

    Raises
    ------
    DTypeError, ShapeError, GraphError
        `x` isn't floating point, `training` no bool scalar, the key isn't one, or `lower` and
        `upper` aren't numbers in order.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, key = b.constant([-1.0, 2.0]), b.constant(df.random.key(0))
    >>> drawn = df.evaluate(df.nn.rrelu(x, key, 0.1, 0.5))
    >>> bool(-0.5 < drawn[0] < -0.1), float(drawn[1])
    (True, 2.0)
    """
    check_number("rrelu", "lower", lower)
    check_number("rrelu", "upper", upper)
    if x.dtype.kind != "f" or key.ndim or not lower <= upper:
        error = DTypeError if x.dtype.kind != "f" else ShapeError
        msg = (f"rrelu ({user_line()}) of {x.spec} takes real floats, one key and slopes in order, "
               f"not {key.spec} and {lower} to {upper}")  # fmt: skip
        raise error(msg)
    check_switch("rrelu", training)
    mean = (lower + upper) / 2
    if training is False:
        return where(greater_equal(x, 0.0), x, x * mean)
    wide = np.result_type(x.dtype, np.float32)
    slopes = astype(uniform(key, x.shape, wide, lower, upper), x.dtype)
    if training is not True:
        slopes = where(training, slopes, astype(x.builder.constant(mean), x.dtype))
    return where(greater_equal(x, 0.0), x, x * slopes)
