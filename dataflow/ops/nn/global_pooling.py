"""Pools that leave one number of each channel, whatever the size of the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.adaptive_pooling import largest
from dataflow.ops.reductions import mean
from dataflow.ops.shaping import reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["global_avg_pool", "global_max_pool"]


def _spatial(name: str, x: Tensor) -> int:
    if x.ndim < 3:
        msg = (f"{name} ({user_line()}) takes examples, channels and spatial axes, not "
               f"{shape_text(x.shape)}")  # fmt: skip
        raise ShapeError(msg)
    return x.ndim - 2


@public(family="nn")
def global_avg_pool(x: Tensor, *, keepdims: bool = False) -> Tensor:
    """Return each channel's mean over all spatial axes.

    Parameters
    ----------
    x : Tensor
        Of shape (examples, channels, ...), with one or more spatial axes.
    keepdims : bool
        Whether these stay, with length 1.

    Raises
    ------
    ShapeError
        There are no spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0], [2.0, 0.0]]])
    >>> df.evaluate(df.nn.global_avg_pool(x))
    array([[2., 1.]], dtype=float32)
    """
    axes = _spatial("global_avg_pool", x)
    return mean(x, tuple(range(-axes, 0)), keepdims=keepdims)


@public(family="nn")
def global_max_pool(x: Tensor, *, keepdims: bool = False) -> Tensor:
    """Return each channel's maximum over all spatial axes.

    See `global_avg_pool`; the gradient goes to the first of several elements that are as large.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0], [2.0, 0.0]]])
    >>> df.evaluate(df.nn.global_max_pool(x))
    array([[3., 2.]], dtype=float32)
    """
    axes = _spatial("global_max_pool", x)
    if 0 in x.shape[2:]:
        msg = f"global_max_pool ({user_line()}): {shape_text(x.shape)} has channels of no elements"
        raise ShapeError(msg)
    found: Tensor = largest("global_max_pool", x, axes, return_indices=False)
    return found if keepdims else reshape(found, x.shape[:2])
