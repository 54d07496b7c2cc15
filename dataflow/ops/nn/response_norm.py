"""Local response normalisation: every element divided by what its neighbouring channels hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.avg_pooling import avg_pool2d
from dataflow.ops.nn.windows import each_axis
from dataflow.ops.shaping import reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["local_response_norm"]


@public(family="nn")
def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Return a tensor divided by ``(k + alpha * mean of squares of neighbours)**beta``.

    Parameters
    ----------
    x : Tensor
        Of shape (examples, channels, ...), of floating point.
    size : int
        How many channels around its own make up an element's neighbours; what lies beyond the
        first and the last channel counts as 0.
    alpha, beta, k : float
        See above.

    Raises
    ------
    ShapeError
        There are fewer than 3 axes, or the size isn't 1 or more.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
    networks", NIPS 2012, section 3.3.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[3.0], [4.0]]])
    >>> df.evaluate(df.nn.local_response_norm(x, 2, alpha=2.0, beta=0.5, k=0.0))
    array([[[1. ],
            [0.8]]], dtype=float32)
    """
    (count,) = each_axis(size, 1, "size")
    if x.ndim < 3:
        msg = (f"local_response_norm ({user_line()}) takes 3 axes or more (examples, channels and "
               f"others), not {shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)
    squares = reshape(x * x, (*x.shape[:2], product(x.shape[2:])))
    sides = ((count // 2, (count - 1) // 2), (0, 0))
    means = reshape(avg_pool2d(squares, (count, 1), 1, sides), x.shape)
    return x / (means * alpha + k) ** beta
