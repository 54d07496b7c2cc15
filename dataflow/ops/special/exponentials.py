"""logsumexp, softmax and log_softmax as SciPy has them: along all axes unless some are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dims import product
from dataflow.dispatch import also_named, public
from dataflow.ops.axes import transpose
from dataflow.ops.logsumexp import logsumexp
from dataflow.ops.neural import log_softmax as log_softmax_along
from dataflow.ops.neural import softmax as softmax_along
from dataflow.ops.shaping import reshape
from dataflow.shapes import reduced_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor

__all__ = ["log_softmax", "logsumexp", "softmax"]

also_named(logsumexp, "special.logsumexp")


@public(family="special")
def softmax(x: Tensor, axis: Axis = None) -> Tensor:
    """Return ``exp(x)`` divided by its sum over axes, by default all.

    Parameters
    ----------
    x : Tensor
        Any shape; integers become floats.
    axis : int or sequence of int, optional
        The axes over which the result adds up to 1.

    Returns
    -------
    Tensor
        The same shape. NaN where all are -inf, or one is inf.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 0.0], [0.0, 0.0]])
    >>> df.evaluate(df.special.softmax(x))
    array([[0.25, 0.25],
           [0.25, 0.25]], dtype=float32)
    """
    return _over(softmax_along, x, axis)


@public(family="special")
def log_softmax(x: Tensor, axis: Axis = None) -> Tensor:
    """Return the logarithm of `softmax`, also where that is too small for a float.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0, 1000.0]])
    >>> df.evaluate(df.special.log_softmax(x))
    array([[-1000.,     0.]], dtype=float32)
    """
    return _over(log_softmax_along, x, axis)


def _over(function: Callable[..., Tensor], x: Tensor, axis: Axis) -> Tensor:
    """Apply a function of one axis to several, joined to one."""
    axes = reduced_axes(axis, x.ndim)
    if len(axes) == 1:
        return function(x, axes[0])
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    last = transpose(x, order)
    line = reshape(last, (*last.shape[: x.ndim - len(axes)], product(x.shape[i] for i in axes)))
    found = reshape(function(line, -1), last.shape)
    return transpose(found, [order.index(i) for i in range(x.ndim)])
