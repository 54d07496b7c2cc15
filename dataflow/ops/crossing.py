"""The product of vectors in space: `cross`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.contractions import both
from dataflow.ops.joining import stack
from dataflow.ops.shaping import reshape
from dataflow.ops.slicing import slice_axis
from dataflow.shapes import move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["cross"]


@public(np.cross)
def cross(
    a: TensorLike, b: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1,
    axis: int | None = None,
) -> Tensor:  # fmt: skip
    """Return the vectors at right angles to two, as long as the area that these span.

    Parameters
    ----------
    a, b : tensor or array_like
        Vectors of 3 elements, or of 2 in the plane of the first two coordinates. The other axes
        broadcast.
    axisa, axisb, axisc : int
        The axis of the vectors in `a`, in `b` and in the result.
    axis : int, optional
        The same for all three.

    Returns
    -------
    Tensor
        Vectors of 3 elements; where both operands' have 2, the third element alone, without
        an axis.

    Raises
    ------
    ShapeError
        An axis is out of range or not of length 2 or 3, or the others don't broadcast.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 0, 0])
    >>> df.evaluate(df.cross(x, [0, 1, 0]))
    array([0, 0, 1])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    left, right = both(a, b)
    first, second = _coordinates(left, axisa), _coordinates(right, axisb)
    third = first[0] * second[1] - first[1] * second[0]
    if len(first) == len(second) == 2:
        return third
    made = stack([*_in_plane(first, second), third], axis=-1)
    return move_axis(made, made.ndim - 1, normal_axis(axisc, made.ndim))


def _coordinates(x: Tensor, axis: int) -> list[Tensor]:
    """Return the elements of vectors along an axis, each of the other axes' shape."""
    place = normal_axis(axis, x.ndim)
    length = x.shape[place]
    if not isinstance(length, int) or length not in (2, 3):
        msg = (f"cross ({user_line()}): axis {axis} of {shape_text(x.shape)} must have length 2 or "
               f"3, not {length}")  # fmt: skip
        raise ShapeError(msg)
    rest = (*x.shape[:place], *x.shape[place + 1 :])
    return [reshape(slice_axis(x, place, i, i + 1), rest) for i in range(length)]


def _in_plane(a: list[Tensor], b: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the first two elements of the product, where a vector of 2 has none in the third."""
    if len(a) == 2:
        return a[1] * b[2], -(a[0] * b[2])
    if len(b) == 2:
        return -(a[2] * b[1]), a[2] * b[0]
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2]
