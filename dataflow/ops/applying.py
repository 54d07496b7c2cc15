"""A function of lines or of axes, applied along the axes of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import as_tensor
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.shaping import expand_dims, reshape
from dataflow.ops.structure import as_list
from dataflow.shapes import move_axes, move_axis, normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.tensor import Tensor

__all__ = ["apply_along_axis", "apply_over_axes"]


@public(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Tensor, *args: object, **kwargs: object
) -> Tensor:
    """Return what a function gives for every line along an axis.

    Parameters
    ----------
    func1d : callable
        Takes a tensor of one axis and returns one of any shape. It is called once, as by
        `dataflow.vmap`.
    axis : int
        The axis of the lines.
    arr : Tensor
        At least one axis.
    *args, **kwargs
        What the function is called with besides the line.

    Returns
    -------
    Tensor
        The shape of `arr`, with that of a result in the place of the axis.

    Raises
    ------
    ShapeError
        The axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0], [3.0, 5.0]])
    >>> df.evaluate(df.apply_along_axis(lambda line: line[::-1] - line.sum(), 1, x))
    array([[-1., -2.],
           [-3., -5.]], dtype=float32)
    """
    from dataflow.vectorize import vmap  # which needs the builder, which loads this module

    place = normal_axis(axis, arr.ndim)
    lines = move_axis(arr, place, arr.ndim - 1)
    rest = lines.shape[:-1]
    flat = reshape(lines, (product(rest), lines.shape[-1]))
    made = vmap(lambda line: as_tensor(func1d(line, *args, **kwargs), line))(flat)
    found = reshape(made, (*rest, *made.shape[1:]))
    return move_axes(found, len(rest), found.ndim, place)


@public(np.apply_over_axes)
def apply_over_axes(
    func: Callable[[Tensor, int], Tensor], a: Tensor, axes: int | Sequence[int]
) -> Tensor:
    """Return what a function of a tensor and an axis gives, applied for one axis after another.

    Parameters
    ----------
    func : callable
        Such as `sum`: takes a tensor and an axis, and keeps the axis with length 1 or drops it.
    a : Tensor
        Any shape.
    axes : int or sequence of int
        The axes.

    Returns
    -------
    Tensor
        As many axes as `a`.

    Raises
    ------
    ShapeError
        An axis is out of range, or the function's result has other axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1, 2], [3, 5]])
    >>> df.evaluate(df.apply_over_axes(df.sum, x, [0, 1]))
    array([[11]])
    """
    for item in as_list(axes):
        axis = normal_axis(item, a.ndim)
        made = func(a, axis)
        if made.ndim not in (a.ndim - 1, a.ndim):
            msg = (f"apply_over_axes ({user_line()}): {shape_text(made.shape)} made of "
                   f"{shape_text(a.shape)} neither keeps axis {axis} nor drops it")  # fmt: skip
            raise ShapeError(msg)
        a = made if made.ndim == a.ndim else expand_dims(made, axis)
    return a
