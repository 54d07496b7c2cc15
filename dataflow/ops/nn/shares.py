"""softmax and log_softmax of the main namespace, which take PyTorch's ``dim`` as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.neural import log_softmax as log_softmax_along
from dataflow.ops.neural import softmax as softmax_along
from dataflow.ops.nn.arguments import axis_of

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["log_softmax", "softmax"]


@public(family="nn")
def softmax(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return ``exp(x)`` divided by its sum along an axis; see `dataflow.softmax`.

    Parameters
    ----------
    x : tensor or array_like
        At least one axis.
    axis : int
        The axis along which the result adds up to 1.
    dim : int, optional
        PyTorch's name for it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0], [0.0]])
    >>> df.evaluate(df.nn.softmax(x, dim=0)).ravel()
    array([0.5, 0.5], dtype=float32)
    """
    return softmax_along(x, axis_of("softmax", axis, dim))


@public(family="nn")
def log_softmax(x: TensorLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Return the logarithm of `softmax`; see there and `dataflow.log_softmax`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[0.0], [0.0]])
    >>> df.evaluate(df.nn.log_softmax(x, dim=0)).ravel().round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """
    return log_softmax_along(x, axis_of("log_softmax", axis, dim))
