"""What lies between two tensors, by weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.comparison import less
from dataflow.ops.ranks import tensors_of
from dataflow.ops.selection import where

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["lerp"]


@public()
def lerp(start: TensorLike, end: TensorLike, weight: TensorLike) -> Tensor:
    """Return ``start + weight * (end - start)``, what lies between two tensors.

    Parameters
    ----------
    start, end : tensor or array_like
        What weights of 0 and 1 give exactly.
    weight : number, tensor or array_like
        How far to go; below 0 and above 1 it goes beyond.

    Returns
    -------
    Tensor
        The shape that all three broadcast to.

    Notes
    -----
    From a weight of 1/2 on it is ``end - (1 - weight) * (end - start)``, as PyTorch has it.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 10.0])
    >>> df.evaluate(df.lerp(x, x + 4, 0.25))
    array([ 1., 11.], dtype=float32)
    """
    if isinstance(weight, (int, float)):
        first, last = tensors_of([start, end])
        difference = last - first
        is_near = abs(weight) < 0.5
        return first + difference * weight if is_near else last - difference * (1 - weight)
    first, last, share = tensors_of([start, end, weight])
    difference = last - first
    near, far = first + difference * share, last - difference * (1 - share)
    return where(less(abs(share), 0.5), near, far)
